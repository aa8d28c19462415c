/* SPDX-License-Identifier: MIT */
/*
 * Whole-file locks (flock): the kernel drops them with the last copy of the descriptor, so a held
 * lock proves that its holder lives. Locks survive fork and exec with the descriptor.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum lock_mode { LOCK_SHARED, LOCK_EXCLUSIVE };

/**
 * lock_open() - open (create 0600) @name in @dir and lock it; waits.
 * Re-checks that the file was not replaced or removed meanwhile. Returns the descriptor.
 */
int lock_open(int dir, const char *name, enum lock_mode mode);
/** lock_try_open() - the same without waiting: -EWOULDBLOCK (no trail) when somebody holds it. */
int lock_try_open(int dir, const char *name, enum lock_mode mode);
/**
 * lock_is_held() - does anybody hold @name exclusively? Takes nothing, creates nothing.
 * Return: 1, 0 (free or no such file), or a negative code.
 */
int lock_is_held(int dir, const char *name);

/**
 * lock_number_open() - lock number @n of the file @name, made when missing and never removed; waits
 * For locks of things that come and go by the thousand: a file each would cost an inode each. These
 * are locks of the open file too (F_OFD_SETLK): held until its last descriptor closes. Exclusive; one
 * process must not take the same number twice. lock_number_try_open(): -EWOULDBLOCK (no trail).
 */
int lock_number_open(int dir, const char *name, uint64_t n);
int lock_number_try_open(int dir, const char *name, uint64_t n);

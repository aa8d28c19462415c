/* SPDX-License-Identifier: MIT */
/*
 * clone3(2) as a fork: the child runs on, in new namespaces, on a copy of the caller's memory. And a child that borrows
 * the caller's memory until it executes a program: copying is dear where a hypervisor keeps the tables of pages.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/**
 * clone_fork() - like fork(), with CLONE_NEW* @flags
 * @ret_pidfd: NULL, or takes a CLOEXEC pidfd (in the parent only).
 * Only for one-threaded callers. The C library does not know of the child: in it use kill(getpid()),
 * not raise(). Where clone3 is filtered away (ENOSYS) clone(2) does the same.
 * Return: pid, 0 in the child, -errno with a trail.
 */
pid_t clone_fork(uint64_t flags, int *ret_pidfd);
/**
 * clone_fork_into() - the same, born in the cgroup whose directory is open as @cgroup
 * Not where clone3 is filtered away: -ENOSYS.
 */
pid_t clone_fork_into(uint64_t flags, int cgroup, int *ret_pidfd);
/**
 * clone_vfork() - a child that calls @child(@arg) and exits with what that returns, on a stack of its own but in the
 * caller's memory: the caller stands still until the child executes a program or exits
 * @ret_pidfd: NULL, or takes a CLOEXEC pidfd.
 * Only for one-threaded callers. What the child changes in memory stays changed for the caller (errno, allocations);
 * descriptors, signal masks and credentials are its own.
 * Return: pid, -errno with a trail.
 */
pid_t clone_vfork(int (*child)(void *arg), void *arg, int *ret_pidfd);

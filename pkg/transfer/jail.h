/* SPDX-License-Identifier: MIT */
/*
 * The second wall around those who parse foreign bytes (threats D13). Called in a fresh child that
 * has one thread and keeps only the descriptors it needs.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct jail_limits {
	uint64_t memory_bytes, file_bytes;
	unsigned files, cpu_s;
};

/** jail_limits() - rlimits; no core files. */
int jail_limits(const struct jail_limits *l);
/**
 * jail_root() - make directory @fd the root and the only thing this process can see; @read_only: nor change
 * In a new mount namespace, mounted nosuid, nodev and noexec. Wants CAP_SYS_ADMIN in the
 * namespace. Returns a descriptor of the new root.
 */
int jail_root(int fd, bool read_only);
/** jail_drop() - no new privileges; of the capabilities only those that extraction needs. */
int jail_drop(void);
/**
 * jail_seccomp() - from here on, in all threads, only calls that work on files already held or
 * below the root, memory and time; everything else (exec, sockets, new processes) is ENOSYS.
 */
int jail_seccomp(void);

/* SPDX-License-Identifier: MIT */
/*
 * Other processes: identity that survives pid reuse, signals, waiting, spawning.
 * A process on disk is (pid, start time, boot id); in memory it is a pidfd.
 */
#pragma once
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

struct proc_id {
	pid_t pid;
	uint64_t start; /* field 22 of /proc/PID/stat, clock ticks since boot */
};

/** proc_id_of() - identity of a living process, read from /proc. */
int proc_id_of(pid_t pid, struct proc_id *ret);
/** proc_id_self() - our own, with the pid that readers of the same /proc know us by. */
int proc_id_self(struct proc_id *ret);
/** proc_boot_id() - the kernel's boot id, 36 characters and a NUL. */
int proc_boot_id(char ret[37]);
/** pidfd_of() - pidfd of exactly that process; -ESRCH (no trail) when it is gone or the pid is another's. */
int pidfd_of(const struct proc_id *id);
int pidfd_open_pid(pid_t pid);
int pidfd_signal(int pidfd, int sig);
/** signals_all() - every signal: of sigfillset() the C library keeps two or three for itself that a payload may get. */
static inline void signals_all(sigset_t *set)
{
	memset(set, 0xff, sizeof(*set));
}
/** pidfd_wait() - wait for a child; decodes to 0..255 or 128+signal. Waits at most @timeout_ms (-1: ever): -ETIMEDOUT. */
int pidfd_wait(int pidfd, int timeout_ms, int *ret_status);
/** status_decode() - a waitpid() status as a shell would say it. */
int status_decode(int wstatus);

/**
 * struct spawn - a helper program: absolute path, argv, a scrubbed environment, its descriptors.
 * All other descriptors are closed by CLOEXEC. The helper must be owned by root or us and not be
 * writable by others (D14).
 */
struct spawn {
	const char *path; /* absolute */
	char *const *argv;
	char *const *envp; /* NULL: PATH, HOME and locale only */
	int stdio[3]; /* -1: /dev/null; else the descriptor to use (not closed) */
	const int *keep; /* further descriptors handed on at the same number */
	unsigned n_keep;
	int death_signal; /* PR_SET_PDEATHSIG, 0 for none */
	bool new_session;
	bool own_mounts; /* a mount namespace of its own, which sees nothing that is mounted later */
};

/**
 * program_helper() - a helper that belongs to the system, never one of PATH's; NULL: none
 * Looked for in CONTAINERS_HELPER_BINARY_DIR, where one may have one's own (spawn_start() checks whose it
 * is), /usr/bin, /usr/local/bin and /bin. @place: of the caller's, filled.
 */
const char *program_helper(const char *name, char place[PATH_MAX]);
/** program_find() - first executable of that name in an absolute directory of PATH. */
int program_find(const char *name, char **ret);
/** spawn_start() - returns a pidfd (>= 0) once exec succeeded, or the exec's error. Stores the pid. */
int spawn_start(const struct spawn *s, pid_t *ret_pid);

struct sbuf;
/** spawn_read() - run argv[0] to its end and read what it prints, at most @max bytes; its status. */
int spawn_read(char *const argv[], size_t max, int timeout_ms, struct sbuf *out, int *ret_status);

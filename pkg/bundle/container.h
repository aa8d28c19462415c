/* SPDX-License-Identifier: MIT */
/*
 * The containers of the OCI runtime role. What is known of one stands in a directory of its own below
 * the state root:
 *
 *	state.json     what it is; written once, when pid 1 waits
 *	config.json    as it was at create: later changes of the bundle are not seen
 *	start          the socket at which pid 1 waits; gone once it was started
 *	lock           held by who changes it
 *
 * There is no process that watches it: what it is doing is asked of the kernel each time.
 */
#pragma once
#include "pkg/bundle/bundle.h"
#include "pkg/sys/process.h"

enum oci_status { OCI_CREATING, OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };

struct oci_container {
	int root, dir, lock; /* @lock: -EBADF unless asked for */
	char *id;
	struct json_object
		*doc; /* state.json; NULL while it is created, or when that was interrupted */
	struct proc_id init;
	const char *bundle, *cgroup; /* in @doc; @cgroup "" without one */
	enum oci_status status;
};
#define OCI_CONTAINER_INIT                                    \
	{                                                     \
		.root = -EBADF, .dir = -EBADF, .lock = -EBADF \
	}

/** oci_root_open() - @path: --root, or NULL for the usual place; -ENOENT (no trail) unless @create. */
int oci_root_open(const char *path, bool create);
/** oci_container_open() - -CE_NO_CONTAINER; @lock: wait until nobody else changes it. */
int oci_container_open(const char *root, const char *id, bool lock, struct oci_container *c);
void oci_container_done(struct oci_container *c);
const char *oci_status_text(enum oci_status s);
/** oci_container_state() - what "state" prints, and hooks are told. */
struct json_object *oci_container_state(const struct oci_container *c);
/** oci_container_list() - the states of all, sorted by id. */
int oci_container_list(const char *root, struct json_object **ret);

struct oci_create {
	const char *root, *id, *bundle;
	const char *pid_file, *console_socket;
	unsigned preserve_fds;
	bool systemd_cgroup, no_new_keyring;
	bool cgroupfs, no_cgroup; /* --cgroup-manager cgroupfs, disabled */
	bool own_terminal; /* the pty's master is for the caller, without a socket */
	int stdio[3];
	struct strv *warnings; /* NULL, or takes lines about what was asked for and is not given */
};
/** oci_create() - @ret_pty: with own_terminal, or -EBADF. @ret_pid: NULL, or the pid. */
int oci_create(const struct oci_create *q, pid_t *ret_pid, int *ret_pty);
/** oci_start() - @ret_hooks: how the hooks of poststart went; that does not stop anything. */
int oci_start(const char *root, const char *id, int *ret_hooks);

struct oci_exec {
	const char *root, *id;
	const char *process; /* a file; else what follows, on top of the container's own process */
	char *const *argv;
	const char *cwd, *user, *apparmor;
	struct strv env, caps, groups;
	bool tty;
	int no_new_privs; /* -1: as the container's */
	bool detach;
	const char *pid_file, *console_socket;
	unsigned preserve_fds;
};
struct rt_exec_started;
/** oci_exec_prepare() - @ret points into @b and @q; c and b are to be released, also after failure. */
int oci_exec_prepare(const struct oci_exec *q, struct oci_container *c, struct bundle *b,
		     struct rt_process *ret);
/** oci_exec_start() - with @q->detach the pid file and the console socket are served, too. */
int oci_exec_start(const struct oci_exec *q, const struct oci_container *c,
		   const struct rt_process *p, const int stdio[3], struct rt_exec_started *ret);

/** oci_kill() - @all: every process of the container. */
int oci_kill(struct oci_container *c, int sig, bool all);
/** oci_delete() - @force: kill what runs. @ret_hooks: how those of poststop went. */
int oci_delete(struct oci_container *c, bool force, int *ret_hooks);
int oci_pause(struct oci_container *c, bool pause);
int oci_update(struct oci_container *c, struct json_object *resources);
/** oci_processes() - the host's numbers of all its processes. */
int oci_processes(const struct oci_container *c, pid_t **ret, unsigned *ret_n);

/* Shared by create and exec. */
int oci_write_pid_file(const char *path, pid_t pid);
int oci_send_console(const char *socket, int master);

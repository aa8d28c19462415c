/* SPDX-License-Identifier: MIT */
/*
 * After the payload: record, tell, tidy. The order is the contract: the exit status is durable
 * before anybody hears of it; with --rm the container is gone (renamed away) before its caller
 * returns, and only the deletion itself happens behind the caller's back.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/conmon/monitor.h"
#include "pkg/runtime/hooks.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/process.h"
#include "pkg/sys/rmtree.h"
#include "storage/container_store.h"
#include "storage/event.h"

#define HELPER_GRACE_MS 2000
#define ROOT_GRACE_MS 10000

/*
 * Helpers serve one network namespace, which is gone: nothing to be polite about. The proxy's ports
 * are free before anybody hears of the end; slirp4netns takes milliseconds to die (the kernel waits
 * for its tap to fall silent), so it is reaped after everybody was told.
 */
static void end_helpers(struct monitor *m)
{
	int *const pidfds[] = {&m->run.helper_pidfd, &m->run.proxy_pidfd};
	int status;

	closep(&m->run.helper_exit_fd);
	for (unsigned i = 0; i < ARRAY_LEN(pidfds); i++)
		if (*pidfds[i] >= 0)
			(void)pidfd_signal(*pidfds[i], SIGKILL);
	if (m->run.proxy_pidfd >= 0)
		(void)pidfd_wait(m->run.proxy_pidfd, HELPER_GRACE_MS, &status);
	closep(&m->run.proxy_pidfd);
	closep(&m->run.proxy_ctl);
	err_drop();
}

static void reap_helper(struct monitor *m)
{
	int status;

	if (m->run.helper_pidfd >= 0)
		(void)pidfd_wait(m->run.helper_pidfd, HELPER_GRACE_MS, &status);
	closep(&m->run.helper_pidfd);
	err_drop();
}

/*
 * With fuse-overlayfs: what the kernel still holds back of the root is written while the last mount
 * goes, so the server must see that through before the next start, or we, its parent, may end.
 */
static void release_root(struct monitor *m)
{
	int status;

	if (m->run.root_server_pidfd < 0)
		return;
	closep(&m->run.root_fd);
	if (!m->root_lost && pidfd_wait(m->run.root_server_pidfd, ROOT_GRACE_MS, &status) < 0)
		(void)pidfd_signal(m->run.root_server_pidfd, SIGKILL);
	closep(&m->run.root_server_pidfd);
	err_drop();
}

/* Its plan still lies in the memfd. */
static void end_foreign(struct monitor *m)
{
	struct rt_plan plan;

	if (!m->is_foreign)
		return;
	m->is_foreign = false;
	closep(&m->run.root_fd);
	if (setup_plan(&plan) == 0)
		rt_foreign_delete(&plan);
	err_drop();
	setup_forget_plan();
}

/* names/<name> is a record, which begins with the id. */
static bool names_us(const struct monitor *m, int dir, const char *name)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size_t head = strlen(CONTAINER_RECORD_HEAD);
	char text[CONTAINER_NAME_HEAD];

	return fd >= 0 && read_full(fd, text, sizeof(text)) == 0 &&
	       memcmp(text, CONTAINER_RECORD_HEAD, head) == 0 &&
	       memcmp(text + head, m->cfg.id, sizeof(text) - head) == 0;
}

/* The container may have been renamed since, and its old name may be another's by now. */
static void release_name(const struct monitor *m)
{
	const char *slash = strrchr(m->cfg.name_link, '/');
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;
	char dir[4096];

	if (names_us(m, AT_FDCWD, m->cfg.name_link)) {
		(void)unlink(m->cfg.name_link);
		return;
	}
	if (!slash)
		return;
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - m->cfg.name_link) + 1,
		       m->cfg.name_link);
	d = opendir(dir);
	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && names_us(m, dirfd(d), e->d_name))
			(void)unlinkat(dirfd(d), e->d_name, 0);
}

static void trash_name(const struct monitor *m, int volume, char out[128])
{
	if (volume < 0)
		(void)snprintf(out, 128, "%.64s", m->cfg.id);
	else
		(void)snprintf(out, 128, "%.64s-volume-%d", m->cfg.id, volume);
}

static void remove_state_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	AUTO_CLOSE int dir = -EBADF;
	char parent[4096];

	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path) + 1, path);
	dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && slash[1])
		(void)rmtree(dir, slash + 1);
}

/* Some other container has it too (storage/volume.h): it goes with the last. */
static bool is_shared(const struct monitor *m, const char *volume)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/users/%.64s", volume, m->cfg.id);

	if (n < 0 || (size_t)n >= sizeof(path))
		return true;
	(void)unlink(path);
	path[n - (int)strlen(m->cfg.id) - 1] = '\0';
	return rmdir(path) < 0 && errno != ENOENT;
}

/* --rm, the part that is seen: after it the name is free and nothing finds the container. */
static void remove_container(struct monitor *m)
{
	struct event_pending event;
	char name[128];

	m->trash_dir = open(m->cfg.trash_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	trash_name(m, -1, name);
	(void)flock(m->data_dir, LOCK_EX | LOCK_NB); /* others' sweeps of the trash pass it by */
	/* What cannot be moved away stays as it is, for the next command to remove. */
	if (m->trash_dir < 0)
		return;
	event_begin(m->cfg.runtime_dir_fd, "container", "remove", m->cfg.id,
		    *m->renamed ? m->renamed : m->cfg.name, m->cfg.event_body, &event);
	release_name(m); /* first: while the container is there nobody else claims the name */
	if (renameat(AT_FDCWD, m->cfg.data_dir, m->trash_dir, name) < 0) {
		event_over(m->cfg.runtime_dir_fd, &event);
		return;
	}
	for (int i = 0; m->cfg.anonymous_volumes[i]; i++) {
		if (is_shared(m, m->cfg.anonymous_volumes[i]))
			continue;
		trash_name(m, i, name);
		if (renameat(AT_FDCWD, m->cfg.anonymous_volumes[i], m->trash_dir, name) == 0)
			event_named(m->cfg.runtime_dir_fd, "volume", "remove", NULL,
				    strrchr(m->cfg.anonymous_volumes[i], '/') + 1);
	}
	remove_state_dir(m->cfg.state_dir);
	monitor_event(m, "remove", NULL);
	event_over(m->cfg.runtime_dir_fd, &event);
}

/*
 * The image has to go, too: of images and layers only the engine knows. Until it has done that, and if it
 * never does, the container is one that has exited and is to be removed: whoever looks at it next does it.
 */
static void call_engine(const struct monitor *m)
{
	const char *argv[] = {"cuddy",	   "--root",	m->cfg.engine_root,
			      "--runroot", m->cfg.engine_runroot,
			      "container", "cleanup",	"--ignore",
			      "--rm",	   "--rmi",	m->cfg.id,
			      NULL};
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *envp[] = {path, NULL};
	sigset_t none;
	pid_t pid = fork();
	int null;

	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (pid != 0)
		return;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		(void)dup2(null, i); /* lint: the program's standard descriptors */
	(void)execve(m->cfg.engine, (char **)(size_t)argv, envp);
	_exit(125);
}

static void empty_trash(const struct monitor *m)
{
	char name[128];

	for (int i = -1; m->trash_dir >= 0 && (i < 0 || m->cfg.anonymous_volumes[i]); i++) {
		trash_name(m, i, name);
		(void)rmtree(m->trash_dir, name);
	}
}

static void tell_waiters(struct monitor *m)
{
	for (unsigned i = CONTROL + 1; i < CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0 && !m->clients[i].attached &&
		    !m->clients[i].awaits_restart)
			(void)control_send(&m->clients[i], CM_EXIT, m->exit_status, 0, NULL, 0);
}

static enum conmon_reason reason_of(const struct monitor *m)
{
	if (m->state.oom_killed)
		return CONMON_BY_OOM;
	if (m->reason != CONMON_BY_ITSELF)
		return m->reason;
	return m->signalled ? CONMON_BY_SIGNAL : CONMON_BY_ITSELF;
}

static void write_exit(struct monitor *m, bool durable)
{
	if (!m->cfg.auto_remove && exit_write(m->data_dir, &m->state, durable) < 0)
		log_debug("conmon", "exit file: %s",
			  err_trail()); /* full disk: the state file has it too */
	monitor_write_state(m);
	err_drop();
}

void finish_record_end(struct monitor *m)
{
	m->state.status = CONMON_EXITED;
	publish_close(m);
	write_exit(m, true);
	tell_waiters(m);
}

static void tell_died(const struct monitor *m)
{
	char extra[128];

	(void)snprintf(extra, sizeof(extra),
		       "\"ContainerExitCode\":%d,\"OOMKilled\":%s,\"ExitReason\":\"%s\"",
		       m->exit_status, m->state.oom_killed ? "true" : "false",
		       conmon_reason_text(m->state.reason));
	monitor_event(m, "died", extra);
	if (m->stop_asked)
		monitor_event(m, "stop", NULL);
}

void finish_record(struct monitor *m)
{
	m->recorded = true;
	closep(&m->held);
	pinned_end(m);
	check_end(m);
	bridge_leave(m);
	end_helpers(m);
	m->state.exit_code = m->exit_status;
	m->state.finished_ns = clock_now_ns();
	m->state.oom_killed = oom_end(m) && m->exit_status == 128 + SIGKILL;
	m->state.reason = reason_of(m);
	m->state.stopped_by_user = m->reason == CONMON_BY_USER;
	tell_died(m);
	bridge_end(m);
	if (!restart_is_due(m)) {
		finish_record_end(m);
		return;
	}
	m->state.status = CONMON_RESTARTING;
	m->state.init = (struct proc_id){0};
	write_exit(m, false);
	tell_waiters(m);
}

/* Whoever was with the run leaves with it. */
static void dismiss_clients(struct monitor *m)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (c->fd < 0 || c->awaits_restart)
			continue;
		if (i == CONTROL)
			stream_end_front(m);
		if (i == CONTROL || c->attached)
			(void)control_send(c, CM_EXIT, m->exit_status, 0, NULL, 0);
		control_close(m, i);
	}
}

/* A volatile overlay (--rm) leaves a mark against a mount after a crash of the machine. There was none. */
static void allow_remount(const struct monitor *m)
{
	AUTO_CLOSE int work = openat(m->data_dir, "work/work",
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (work >= 0)
		(void)rmtree(work, "incompat");
	err_drop();
}

/* Nothing of the run is left; its plan still lies in the memfd. */
static void hooks_after_stop(struct monitor *m)
{
	struct rt_plan plan;

	if (!m->stops_with_hooks)
		return;
	m->stops_with_hooks = false;
	if (setup_plan(&plan) < 0 || rt_hooks_run(plan.hooks, plan.n_hooks, RT_HOOK_POSTSTOP,
						  plan.hook_state, 0, "stopped") < 0)
		err_drop();
	setup_forget_plan();
}

void finish_run(struct monitor *m)
{
	struct stream *const streams[] = {&m->out, &m->err};
	bool terminal = m->cfg.terminal;

	dismiss_clients(m);
	m->cfg.foreground = false;
	stream_end_front(m);
	closep(&m->in.front);
	if (!terminal)
		closep(&m->in.fd);
	m->in.fd = -EBADF;
	m->in.head = m->in.len = 0;
	m->in.ended = false;
	for (unsigned i = 0; i < ARRAY_LEN(streams); i++) {
		if (!terminal)
			closep(&streams[i]->fd);
		streams[i]->fd = -EBADF;
		streams[i]->len = streams[i]->done = streams[i]->last_drain = 0;
		streams[i]->waiting = 0;
	}
	closep(&m->run.pty_master);
	closep(&m->pty_slave);
	closep(&m->run.pidfd);
	strays_end();
	end_foreign(m);
	reap_helper(m);
	/* The upper directory is free for the next mount when these return. */
	release_root(m);
	closep(&m->run.root_fd);
	hooks_after_stop(m);
	allow_remount(m);
	m->run.pid = m->run.root_server = -1;
	m->root_lost = false;
	m->drained_at_most_ns = 0;
}

void finish(struct monitor *m)
{
	log_close(&m->log);
	closep(&m->run.pty_master);
	closep(&m->pty_slave);
	closep(&m->listen_fd);
	strays_end();
	end_foreign(m);
	release_root(m);
	hooks_after_stop(m);
	if (m->cfg.auto_remove && !m->cfg.engine)
		remove_container(m);
	else
		(void)unlinkat(m->state_dir, "attach", 0);
	if (!m->cfg.auto_remove)
		monitor_event(m, "cleanup", NULL);
	stream_end_front(m);
	/* systemd removes a scope's cgroups by itself, but there are other managers. */
	if (m->cgroup >= 0)
		(void)cgroup_remove(m->state.cgroup);
	base_release(m->cfg.runtime_dir_fd);
	(void)close(m->cfg.lock_fd);
	control_tell_all(m, CM_EXIT, m->exit_status, m->state.error);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		closep(&m->clients[i].fd);
	reap_helper(m);
	if (m->cfg.engine)
		call_engine(m);
	else if (m->cfg.auto_remove)
		empty_trash(m);
	_exit(notify_exit_status(m));
}

/* Nothing runs. With --rm nothing is left to remove either, once the caller is told. */
void finish_launch_failed(struct monitor *m)
{
	closep(&m->listen_fd);
	log_close(&m->log);
	base_release(m->cfg.runtime_dir_fd);
	if (m->cgroup >= 0)
		(void)cgroup_remove(m->state.cgroup);
	if (m->state_dir < 0 || m->data_dir < 0)
		return;
	(void)unlinkat(m->state_dir, "attach", 0);
	if (m->cfg.auto_remove) {
		remove_container(m);
		empty_trash(m);
	}
}

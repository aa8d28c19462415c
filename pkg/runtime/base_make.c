/* SPDX-License-Identifier: MIT */
/* Making a base namespace, and why the kernel refuses one (base.c, "Creation"). */
#include "pkg/runtime/base_internal.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/strv.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"
#include "pkg/sys/procfs.h"
#include "pkg/sys/userns.h"

#define NEWUIDMAP "/usr/bin/newuidmap"
#define NEWGIDMAP "/usr/bin/newgidmap"

static bool setting_is(const char *path, char value)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = 0;

	return fd >= 0 && read_upto(fd, &c, 1) == 1 && c == value;
}

static bool is_filtered(void)
{
	AUTO_CLOSE int proc = procfs_open_host();
	char path[32], status[8192];
	pid_t self;

	if (proc < 0 || procfs_self(proc, &self) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "%d/status", (int)self);
	if (procfs_read(proc, path, status, sizeof(status)) < 0)
		return false;
	return strstr(status, "\nSeccomp:\t2") != NULL;
}

int base_host_problem(int r)
{
	if (setting_is("/proc/sys/user/max_user_namespaces", '0'))
		return err_new(-CE_HOST_SETUP,
			       "user namespaces are switched off; "
			       "mend it as root with: sysctl -w user.max_user_namespaces=15000");
	if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		return err_new(
			-CE_HOST_SETUP,
			"user namespaces are closed to ordinary users; "
			"mend it as root with: sysctl -w kernel.unprivileged_userns_clone=1");
	if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
		return err_new(
			-CE_HOST_SETUP,
			"AppArmor takes all rights from user namespaces of ordinary users; mend "
			"it as root with: sysctl -w "
			"kernel.apparmor_restrict_unprivileged_userns=0");
	if (r == -ENOSPC || r == -EUSERS)
		return err_new(-CE_HOST_SETUP,
			       "the limit of user namespaces is reached; "
			       "mend it as root with: sysctl -w user.max_user_namespaces=65536");
	if (r == -EPERM && is_filtered())
		return err_new(-CE_HOST_SETUP,
			       "a system call filter around us (a container's?) refuses user "
			       "namespaces; start the outer one with --security-opt "
			       "seccomp=unconfined, or --privileged");
	return err_wrap(r, "make a user namespace");
}

static void __attribute__((noreturn)) hold_namespace(int wait_fd)
{
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_DUMPABLE, 1); /* newuidmap looks at the owner of /proc/PID */
	(void)!read(wait_fd, &c, 1);
	_exit(0);
}

static int start_mapper(const char *prog, pid_t pid, const char *maps, int err_fd)
{
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_FREE char *copy = xstrdup(maps);
	char *save = NULL;
	int r;

	strv_add(&argv, prog);
	strv_addf(&argv, "%d", (int)pid);
	for (char *w = strtok_r(copy, ":,", &save); w; w = strtok_r(NULL, ":,", &save))
		strv_add(&argv, w);
	r = spawn_start(
		&(struct spawn){.path = prog, .argv = argv.v, .stdio = {-1, err_fd, err_fd}}, NULL);
	if (r == -ENOENT)
		return err_new(-CE_HOST_SETUP,
			       "%s is missing; mend it as root with: apt-get install uidmap", prog);
	return r;
}

static int mapper_start(struct base_mapper *m, pid_t pid, const char *maps)
{
	AUTO_CLOSE int wr = -EBADF;
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_new(-errno, "pipe");
	m->err_fd = p[0];
	wr = p[1];
	m->pidfd = start_mapper(m->prog, pid, maps, wr);
	return m->pidfd < 0 ? m->pidfd : 0;
}

static int mapper_finish(struct base_mapper *m)
{
	AUTO_CLOSE int pidfd = TAKE_FD(m->pidfd);
	char words[512];
	ssize_t n;
	int status, r;

	r = pidfd_wait(pidfd, 30000, &status);
	if (r < 0) {
		(void)pidfd_signal(pidfd, SIGKILL);
		return err_wrap(r, "%s", m->prog);
	}
	if (status == 0)
		return 0;
	n = read(m->err_fd, words, sizeof(words) - 1);
	words[n > 0 ? n : 0] = '\0';
	words[strcspn(words, "\n")] = '\0';
	return err_new(-CE_HOST_SETUP,
		       "%s failed with status %d (%s); mend it as root with: apt-get install "
		       "--reinstall uidmap",
		       m->prog, status, *words ? words : "it said nothing");
}

/* The process that is mapped must not be reaped while somebody is about to write its maps. */
static void mapper_done(struct base_mapper *m)
{
	int status;

	if (m->pidfd >= 0 && pidfd_wait(m->pidfd, 30000, &status) < 0)
		err_drop();
	closep(&m->pidfd);
	closep(&m->err_fd);
}

/* Side by side. */
static int start_mappers(struct base_making *m)
{
	AUTO_FREE char *uids = xstrdup(m->maps);
	char *gids = strchr(uids, ';');
	int r;

	*gids++ = '\0';
	m->uids.prog = NEWUIDMAP;
	m->gids.prog = NEWGIDMAP;
	r = mapper_start(&m->uids, m->pid, uids);
	return r < 0 ? r : mapper_start(&m->gids, m->pid, gids);
}

/* When both fail, what the first says is what the user reads. */
static int await_mappers(struct base_making *m)
{
	int r = mapper_finish(&m->uids);

	return r < 0 ? r : mapper_finish(&m->gids);
}

static int map_single(pid_t pid, const struct base_grant *g)
{
	char text[48];
	int r;

	/* Without "deny" the user could shed groups that keep him out of files (H05). */
	r = userns_write(pid, "setgroups", "deny");
	(void)snprintf(text, sizeof(text), "0 %u 1\n", (unsigned)g->uid);
	if (r == 0)
		r = userns_write(pid, "uid_map", text);
	(void)snprintf(text, sizeof(text), "0 %u 1\n", (unsigned)g->gid);
	if (r == 0)
		r = userns_write(pid, "gid_map", text);
	return r;
}

void base_make_abandon(struct base_making *m)
{
	mapper_done(&m->uids);
	mapper_done(&m->gids);
	closep(&m->wait_fd); /* its sign to go */
	while (m->pid > 0 && waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
		;
	closep(&m->ns);
	free(m->maps);
	*m = (struct base_making)BASE_MAKING_INIT;
}

/* The child that holds the namespace until it is mapped. */
static int start_holder(struct base_making *m)
{
	AUTO_CLOSE int rd = -EBADF;
	char path[48];
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	m->wait_fd = p[1];
	m->pid = clone_fork(CLONE_NEWUSER, NULL);
	if (m->pid < 0)
		return base_host_problem(m->pid);
	if (m->pid == 0) {
		(void)close(m->wait_fd);
		hold_namespace(rd);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)m->pid);
	m->ns = open(path, O_RDONLY | O_CLOEXEC);
	return m->ns < 0 ? err_new(-errno, "open %s", path) : 0;
}

int base_make_begin(const struct base_grant *g, const char *maps, struct base_making *m)
{
	int r;

	*m = (struct base_making)BASE_MAKING_INIT;
	m->maps = xstrdup(maps);
	r = start_holder(m);
	if (r == 0)
		r = base_grant_is_single(g) ? map_single(m->pid, g) : start_mappers(m);
	if (r < 0)
		base_make_abandon(m);
	return r;
}

int base_make_end(struct base_making *m)
{
	AUTO_CLOSE int ns = -EBADF;
	int r = m->uids.pidfd < 0 ? 0 : await_mappers(m);

	if (r == 0)
		ns = TAKE_FD(m->ns);
	base_make_abandon(m); /* the namespace is held by its descriptor now */
	return r < 0 ? r : TAKE_FD(ns);
}

int base_make(const struct base_grant *g, const char *maps)
{
	struct base_making m;
	int r = base_make_begin(g, maps, &m);

	return r < 0 ? r : base_make_end(&m);
}

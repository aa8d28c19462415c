/* SPDX-License-Identifier: MIT */
/*
 * Mounts that belong to namespaces which are shared with somebody, made by children of the monitor, who
 * send back descriptors of detached mounts.
 *
 * A shared IPC namespace: /dev/shm and /dev/mqueue of the container that owns it; file systems in memory
 * that a pod has. They lie in that container's mount namespace, which neither the monitor's mounts nor
 * the new container reach, so a child goes there and clones them. The container's processes do not see
 * the child: it keeps its pid namespace and is not dumpable. Of a pod without a process that mount
 * namespace is one of the descriptors of its monitor.
 *
 * A shared pid namespace: its procfs. The kernel makes it for a process in there that has rights over
 * it: those of the base namespace, not those of the new container, whose user namespace is another.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"
#include "pkg/runtime/pins.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"
#include "pkg/sys/socket.h"

#define NO_MOUNT 0xffU /* in place of an index: the child failed */

/* A directory of a volume in memory is gone with every stop: made, as Kubernetes does it, by root inside. */
static int make_subpath(int at, const char *path)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_new(-errno, "become root inside");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cleared by that */
	return mkdir_in(at, path, 0777);
}

static int open_there(const struct rt_mount *m)
{
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), at = -EBADF,
		       sub = -EBADF;

	if (root < 0)
		return err_new(-errno, "open the container's root");
	at = open_in(root, m->source, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (at < 0 || !m->subpath)
		return at < 0 ? at : mount_clone(at, "", false);
	sub = open_in(at, m->subpath, O_PATH | O_DIRECTORY, 0);
	if (sub == -ENOENT) {
		err_drop();
		sub = make_subpath(at, m->subpath);
	}
	return sub < 0 ? err_wrap(sub, "subpath %s", m->subpath) : mount_clone(sub, "", false);
}

static bool is_own_user_ns(int fd)
{
	struct stat theirs, ours;

	return fstat(fd, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

static int enter_peer(const struct rt_plan *p)
{
	AUTO_CLOSE int pidfd = pidfd_of(&p->peer.target), user = -EBADF, mounts = -EBADF;
	const char *what = "the container whose mounts are to be shared";
	char path[PIN_PATH_MAX];

	if (pidfd < 0)
		return err_new(pidfd, "%s", what);
	if (!p->peer.mounts_fd) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)p->peer.target.pid);
		user = open(path, O_RDONLY | O_CLOEXEC);
		if (user < 0 ||
		    setns(pidfd, (is_own_user_ns(user) ? 0 : CLONE_NEWUSER) | CLONE_NEWNS) < 0)
			return err_new(-errno, "enter %s", what);
		return 0;
	}
	user = pin_open(&p->peer.target, p->peer.user_fd);
	mounts = pin_open(&p->peer.target, p->peer.mounts_fd);
	if (user < 0 || mounts < 0)
		return err_new(user < 0 ? user : mounts, "%s", what);
	if ((!is_own_user_ns(user) && setns(user, CLONE_NEWUSER) < 0) ||
	    setns(mounts, CLONE_NEWNS) < 0)
		return err_new(-errno, "enter %s", what);
	return 0;
}

static int visit(const struct rt_plan *p, int out)
{
	int entered = enter_peer(p);

	if (entered < 0)
		return entered;
	for (unsigned i = 0; i < p->n_mounts && i < NO_MOUNT; i++) {
		const struct rt_mount *m = &p->mounts[i];
		unsigned char index = (unsigned char)i;
		AUTO_CLOSE int fd = -EBADF;
		int r;

		if (!(m->flags & RT_MNT_JOINED))
			continue;
		fd = open_there(m);
		if (fd < 0 && (m->flags & RT_MNT_OPTIONAL)) {
			err_drop();
			continue;
		}
		r = fd < 0 ? fd : socket_send(out, &index, 1, &fd, 1);
		if (r < 0)
			return err_wrap(r, "share %s", m->target);
	}
	return 0;
}

static void send_failure(int out, int r)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	sbuf_addc(&b, (char)NO_MOUNT);
	sbuf_add(&b, &r, sizeof(r));
	sbuf_adds(&b, err_trail());
	(void)socket_send(out, b.s, b.len, NULL, 0);
}

static bool is_joined_proc(const struct rt_plan *p, unsigned i)
{
	return p->mounts[i].type == RT_MOUNT_PROC && p->ns[RT_NS_PID].mode == RT_NS_JOIN;
}

static int send_proc(const struct rt_plan *p, unsigned char index, int out)
{
	AUTO_CLOSE int fd = mount_new("proc", p->mounts[index].data,
				      MNT_ATTR_NOSUID | MNT_ATTR_NODEV | MNT_ATTR_NOEXEC);

	return fd < 0 ? fd : socket_send(out, &index, 1, &fd, 1);
}

/* Whoever enters a pid namespace is not in it, only his children are. */
static int make_proc(const struct rt_plan *p, unsigned char index, int out)
{
	int status = 0, r = joined_enter(p, RT_NS_PID);
	pid_t pid;

	if (r < 0)
		return r;
	pid = clone_fork(0, NULL);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		r = send_proc(p, index, out);
		if (r < 0)
			send_failure(out, r);
		_exit(r < 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid < 0 ? (int)pid : 0;
}

static int take(const struct rt_plan *p, int in, int *mounts)
{
	for (;;) {
		unsigned char m[2048] = {0};
		int fd = -EBADF;
		unsigned n_fds = 0;
		ssize_t n = socket_recv(in, m, sizeof(m) - 1, &fd, 1, &n_fds);

		if (n == 0)
			return 0;
		if (n < 0)
			return err_new((int)n, "share another container's mounts");
		if (m[0] == NO_MOUNT && n > (ssize_t)sizeof(int) + 1) {
			int code;

			memcpy(&code, m + 1, sizeof(code));
			return err_set(code < 0 ? code : -CE_PROTOCOL,
				       (char *)m + 1 + sizeof(code));
		}
		if (n_fds != 1 || m[0] >= p->n_mounts || mounts[m[0]] >= 0) {
			closep(&fd);
			return err_new(-CE_PROTOCOL, "share another container's mounts");
		}
		mounts[m[0]] = fd;
	}
}

static void __attribute__((noreturn)) visitor_main(const struct rt_plan *p, int out)
{
	bool ipc = false;
	int r = 0;

	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; r == 0 && i < p->n_mounts && i < NO_MOUNT; i++) {
		ipc = ipc || (p->mounts[i].flags & RT_MNT_JOINED);
		if (is_joined_proc(p, i))
			r = make_proc(p, (unsigned char)i, out);
	}
	if (r == 0 && ipc)
		r = visit(p, out);
	if (r < 0)
		send_failure(out, r);
	_exit(r < 0);
}

int joined_open(const struct rt_plan *p, int **ret)
{
	AUTO_CLOSE int ours = -EBADF, theirs = -EBADF;
	int *mounts = xcalloc(p->n_mounts + 1, sizeof(*mounts));
	int pair[2], r = 0;
	bool any = false;
	pid_t pid;

	for (unsigned i = 0; i < p->n_mounts; i++) {
		mounts[i] = -EBADF;
		any = any || (p->mounts[i].flags & RT_MNT_JOINED) || is_joined_proc(p, i);
	}
	*ret = mounts;
	if (!any)
		return 0;
	r = socket_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	pid = clone_fork(0, NULL);
	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		visitor_main(p, theirs);
	closep(&theirs);
	r = take(p, ours, mounts);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

void joined_close(const struct rt_plan *p, int *mounts)
{
	for (unsigned i = 0; mounts && i < p->n_mounts; i++)
		closep(&mounts[i]);
	free(mounts);
}

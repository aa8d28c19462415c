/* SPDX-License-Identifier: MIT */
#include "pkg/sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/base/strv.h"
#include "pkg/sys/file.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* Of /proc/@who; the pid as that procfs counts, which need not be our pid namespace's. */
static int read_identity(const char *who, struct proc_id *ret)
{
	char path[64], buf[1024];
	AUTO_CLOSE int fd = -EBADF;
	unsigned long long start;
	ssize_t n;
	char *p;
	int pid;

	(void)snprintf(path, sizeof(path), "/proc/%s/stat", who);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read_upto(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return n < 0 ? (int)n : -ESRCH;
	buf[n] = '\0';
	p = strrchr(buf, ')'); /* the command may hold blanks and parentheses */
	if (!p || sscanf(buf, "%d ", &pid) != 1)
		return -EPROTO;
	p += 2;
	for (int field = 3; field < 22; field++) {
		p = strchr(p, ' ');
		if (!p)
			return -EPROTO;
		p++;
	}
	if (sscanf(p, "%llu", &start) != 1)
		return -EPROTO;
	*ret = (struct proc_id){.pid = pid, .start = start};
	return 0;
}

static int read_start(pid_t pid, uint64_t *ret)
{
	struct proc_id id = {.pid = 0};
	char who[16];
	int r;

	(void)snprintf(who, sizeof(who), "%d", (int)pid);
	r = read_identity(who, &id);
	*ret = id.start;
	return r;
}

int proc_id_of(pid_t pid, struct proc_id *ret)
{
	uint64_t start = 0;
	int r = read_start(pid, &start);

	if (r < 0)
		return err_new(r, "identify process %d", (int)pid);
	*ret = (struct proc_id){.pid = pid, .start = start};
	return 0;
}

int proc_id_self(struct proc_id *ret)
{
	int r = read_identity("self", ret);

	return r < 0 ? err_new(r, "identify this process") : 0;
}

int proc_boot_id(char ret[37])
{
	AUTO_CLOSE int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_new(-errno, "open boot_id");
	r = read_full(fd, ret, 36);
	if (r < 0)
		return err_new(r, "read boot_id");
	ret[36] = '\0';
	return 0;
}

int pidfd_open_pid(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0U);

	return fd < 0 ? err_new(-errno, "pidfd of %d", (int)pid) : (int)fd;
}

int pidfd_of(const struct proc_id *id)
{
	AUTO_CLOSE int fd = -EBADF;
	uint64_t start = 0;

	if (id->pid <= 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, id->pid, 0U);
	/* The start time is read after the pidfd pins the process, so a match cannot go stale. */
	if (fd < 0 || read_start(id->pid, &start) < 0 || start != id->start) {
		err_drop();
		return -ESRCH;
	}
	return TAKE_FD(fd);
}

int pidfd_signal(int pidfd, int sig)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0U) < 0)
		return err_new(-errno, "send signal %d", sig);
	return 0;
}

int status_decode(int wstatus)
{
	return WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
}

int pidfd_wait(int pidfd, int timeout_ms, int *ret_status)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int64_t end = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
	siginfo_t si = {0};
	int r;

	while (timeout_ms >= 0) {
		int64_t left = (end - clock_monotonic_ns()) / NS_PER_MS;

		r = poll(&p, 1, left > 0 ? (int)left : 0);
		if (r > 0)
			break;
		if (r == 0)
			return err_new(-ETIMEDOUT, "wait for a child");
		if (errno != EINTR)
			return err_new(-errno, "poll");
	}
	do {
		r = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_new(-errno, "wait for a child");
	*ret_status = si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
	return 0;
}

/*
 * Owned by root as this process sees it: inside B the host's root is not mapped and shows as the
 * overflow id, on "/" as well as on the helper.
 */
static bool owner_is_root(const struct stat *st)
{
	struct stat root;

	return st->st_uid == 0 || (stat("/", &root) == 0 && st->st_uid == root.st_uid);
}

static int check_helper(const char *path)
{
	struct stat st;

	if (*path != '/')
		return err_new(-EINVAL, "helper %s: not an absolute path", path);
	if (stat(path, &st) < 0)
		return err_new(-errno, "helper %s", path);
	if ((!owner_is_root(&st) && st.st_uid != geteuid()) || (st.st_mode & 0002))
		return err_new(-EPERM, "helper %s: owned by or writable for others", path);
	return 0;
}

/* In the child, between fork and exec: only async-signal-safe calls. Never returns. */
static void __attribute__((noreturn))
spawn_child(const struct spawn *s, char *const *envp, int report)
{
	int std[3], e;
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (s->new_session)
		(void)setsid();
	if (s->death_signal && prctl(PR_SET_PDEATHSIG, s->death_signal) < 0)
		goto fail;
	if (s->own_mounts &&
	    (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		goto fail;
	for (int i = 0; i < 3; i++) { /* first out of the way of 0..2, then into place */
		std[i] = s->stdio[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : s->stdio[i];
		std[i] = std[i] < 0 ? -1 : fcntl(std[i], F_DUPFD_CLOEXEC, 3);
		if (std[i] < 0)
			goto fail;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(std[i], i) < 0) /* lint: stdio of a child must not be CLOEXEC */
			goto fail;
	for (unsigned i = 0; i < s->n_keep; i++)
		if (fcntl(s->keep[i], F_SETFD, 0) < 0)
			goto fail;
	(void)execve(s->path, s->argv, envp);
fail:
	e = errno;
	(void)!write(report, &e, sizeof(e));
	_exit(127);
}

/* The child borrows our memory until it executes, and writes nothing there. */
static __attribute__((noinline)) pid_t start_child(const struct spawn *s, char *const *envp,
						   int report)
{
	pid_t pid = vfork();

	if (pid == 0)
		spawn_child(s, envp, report);
	return pid;
}

const char *program_helper(const char *name, char place[PATH_MAX])
{
	const char *own = getenv("CONTAINERS_HELPER_BINARY_DIR");
	const char *const dirs[] = {own && *own == '/' ? own : NULL, "/usr/bin", "/usr/local/bin",
				    "/bin"};
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (dirs[i] &&
		    (size_t)snprintf(place, PATH_MAX, "%s/%s", dirs[i], name) < PATH_MAX &&
		    stat(place, &st) == 0 && S_ISREG(st.st_mode))
			return place;
	return NULL;
}

int program_find(const char *name, char **ret)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	const char *path = getenv("PATH");

	strv_split(&dirs, path ? path : "", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		AUTO_FREE char *full = path_join(dirs.v[i], name);

		if (*full == '/' && access(full, X_OK) == 0) {
			*ret = TAKE_PTR(full);
			return 0;
		}
	}
	return err_new(-ENOENT, "no %s in PATH", name);
}

int spawn_start(const struct spawn *s, pid_t *ret_pid)
{
	static char path_env[] =
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char lang_env[] = "LC_ALL=C.UTF-8";
	char *scrubbed[] = {path_env, lang_env, NULL};
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	int p[2], e = 0, r;
	pid_t pid;

	r = check_helper(s->path);
	if (r < 0)
		return r;
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	pid = start_child(s, s->envp ? s->envp : scrubbed, wr);
	if (pid < 0)
		return err_new(-errno, "fork");
	closep(&wr);
	pidfd = pidfd_open_pid(pid);
	/* End of file means that exec closed the pipe: the helper runs. */
	if (read_upto(rd, &e, sizeof(e)) == (ssize_t)sizeof(e) || pidfd < 0) {
		int saved = e ? -e : pidfd;

		(void)waitpid(pid, &r, 0);
		return err_new(saved, "start %s", s->path);
	}
	if (ret_pid)
		*ret_pid = pid;
	return TAKE_FD(pidfd);
}

int spawn_read(char *const argv[], size_t max, int timeout_ms, struct sbuf *out, int *ret_status)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	pidfd = spawn_start(&(struct spawn){.path = argv[0], .argv = argv, .stdio = {-1, wr, -1}},
			    NULL);
	if (pidfd < 0)
		return pidfd;
	closep(&wr);
	r = file_read_stream(rd, max, out);
	closep(&rd); /* one that says too much is not waited for: it gets SIGPIPE */
	if (r < 0)
		return err_wrap(r, "the output of %s", argv[0]);
	return pidfd_wait(pidfd, timeout_ms, ret_status);
}

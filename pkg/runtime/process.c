/* SPDX-License-Identifier: MIT */
/* The last steps of a process, pid 1 or exec: stdio, working directory, privilege, PATH, execve. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/open.h"
#include "pkg/sys/procfs.h"
#include "pkg/sys/tty.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Only "/…" as the kernel sees it is inside: a leaked directory of the host reads "(unreachable)" (R03). */
static int check_inside(const char *path)
{
	char cwd[4096];

	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		return err_new(-errno, "working directory %s", path);
	if (cwd[0] != '/')
		return err_new(-EXDEV, "working directory %s is outside the container", path);
	return 0;
}

int process_make_cwd(int root, const struct rt_process *p, const struct rt_ids *ids)
{
	const char *path = p->cwd && *p->cwd ? p->cwd : "/";
	AUTO_CLOSE int fd = -EBADF;
	mode_t old;

	if (*path != '/')
		return err_usage("working directory '%s' is not absolute", path);
	if (!p->make_cwd)
		return 0;
	fd = open_in(root, path, O_PATH | O_DIRECTORY, 0);
	if (fd != -ENOENT)
		return fd < 0 ? err_wrap(fd, "working directory") : 0;
	err_drop();
	old = umask(0);
	fd = target_ensure(root, path, true);
	(void)umask(old);
	if (fd < 0)
		return err_wrap(fd, "working directory");
	if (fchownat(fd, "", ids->uid, ids->gid, AT_EMPTY_PATH) < 0)
		return err_new(-errno, "chown working directory %s", path);
	return 0;
}

static int enter_cwd(int root, const struct rt_process *p)
{
	const char *path = p->cwd && *p->cwd ? p->cwd : "/";
	AUTO_CLOSE int fd = -EBADF;
	int r;

	if (*path != '/')
		return err_usage("working directory '%s' is not absolute", path);
	fd = open_in(root, path, O_PATH | O_DIRECTORY, 0);
	if (fd == -ENOENT) /* of an exec, for which none is made: podman and docker count it as this */
		return err_new(-CE_CMD_NOT_FOUND, "working directory %s is not there", path);
	if (fd < 0)
		return err_wrap(fd, "working directory");
	if (fchdir(fd) < 0)
		return err_new(-errno, "enter working directory %s", path);
	r = check_inside(path);
	return r;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s <= 64; s++)
		(void)signal(s, SIG_DFL); /* the two that cannot be set are at their default */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *env_get(const char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}

/* What only we know: the user's home, and the number that the payload has in its own namespace. */
static const char **env_complete(const struct rt_process *p, const struct rt_ids *ids)
{
	unsigned n = 0;
	const char **v;

	while (p->envp && p->envp[n])
		n++;
	v = xcalloc((size_t)n + 3, sizeof(*v));
	for (unsigned i = 0; i < n; i++)
		v[i] = p->envp[i];
	if (!env_get(p->envp, "HOME"))
		v[n++] = xasprintf("HOME=%s", ids->home);
	if (p->listens)
		v[n] = xasprintf("LISTEN_PID=%d", (int)getpid());
	return v;
}

static int exec_failed(int e, const char *name)
{
	struct stat st;

	if (e == ENOENT && strchr(name, '/') && stat(name, &st) == 0)
		return err_new(-CE_CMD_NOT_EXEC, "exec %s: its interpreter is missing", name);
	if (e == ENOENT || e == ENOTDIR)
		return err_new(-CE_CMD_NOT_FOUND, "exec %s", name);
	if (e == EACCES || e == ENOEXEC || e == EISDIR || e == EPERM || e == ELOOP ||
	    e == ETXTBSY || e == EINVAL)
		return err_new(-CE_CMD_NOT_EXEC, "exec %s (%s)", name, err_text(-e));
	return err_new(-e, "exec %s", name);
}

/* One directory of PATH after the other; a file that may not be run is remembered, as shells do. */
static int exec_in_path(const char *path, const char *name, char *const *argv, char *const *envp)
{
	int worst = ENOENT;

	for (const char *p = path;; p++) {
		size_t n = strcspn(p, ":");
		char file[4096];
		struct stat st;
		int len = snprintf(file, sizeof(file), "%.*s/%s", n ? (int)n : 1, n ? p : ".",
				   name);

		if (len > 0 && (size_t)len < sizeof(file)) {
			(void)execve(file, argv, envp);
			if (errno == EACCES && stat(file, &st) == 0)
				worst = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
			else if (errno == ENOENT && stat(file, &st) == 0)
				return exec_failed(ENOENT, file);
			else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
				return exec_failed(errno, file);
		}
		p += n;
		if (!*p)
			break;
	}
	return exec_failed(worst, name);
}

static bool is_program(const char *file, int *worst)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return false;
	if (S_ISREG(st.st_mode) && (st.st_mode & 0111))
		return true;
	*worst = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
	return false;
}

int process_check(const struct rt_process *p)
{
	const char *name = p->argv[0], *path = env_get(p->envp, "PATH");
	int worst = ENOENT;

	if (!*name)
		return exec_failed(ENOENT, "\"\"");
	if (*name == '/')
		return is_program(name, &worst) ? 0 : exec_failed(worst, name);
	if (strchr(name, '/'))
		return 0; /* below the working directory: exec says */
	for (path = path ? path : DEFAULT_PATH;; path++) {
		size_t n = strcspn(path, ":");
		char file[4096];
		int len = snprintf(file, sizeof(file), "%.*s/%s", n ? (int)n : 1, n ? path : ".",
				   name);

		if (len > 0 && (size_t)len < sizeof(file) && is_program(file, &worst))
			return 0;
		path += n;
		if (!*path)
			return exec_failed(worst, name);
	}
}

static int exec_payload(const struct rt_process *p, const struct rt_ids *ids)
{
	const char **envp = env_complete(p, ids);
	const char *path = env_get(p->envp, "PATH"), *name = p->argv[0];
	char **argv, **env;

	memcpy(&argv, &p->argv,
	       sizeof(argv)); /* execve() changes nothing; its type is historical */
	memcpy(&env, &envp, sizeof(env));
	if (!*name)
		return exec_failed(ENOENT, "\"\"");
	if (!strchr(name, '/'))
		return exec_in_path(path ? path : DEFAULT_PATH, name, argv, env);
	(void)execve(name, argv, env);
	return exec_failed(errno, name);
}

int process_set_stdio(const int stdio[3], bool terminal)
{
	int std[3];

	for (int i = 0; i < 3; i++) { /* first out of the way of 0..2, then into place */
		std[i] = fd_dup(stdio[i]);
		if (std[i] < 0)
			return err_new(std[i], "standard stream %d", i);
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(std[i], i) < 0) /* lint: stdio of a child must not be CLOEXEC */
			return err_new(-errno, "standard stream %d", i);
		(void)close(std[i]);
	}
	return terminal ? tty_make_controlling(0) : 0;
}

int process_place_kept(const struct rt_process *p, int first, int *const own[], unsigned n)
{
	int moved[RT_KEEP_MAX], above;

	if (p->n_keep_fds == 0)
		return 0;
	above = (int)p->keep_fds[p->n_keep_fds - 1] + 1;
	for (unsigned i = 0; i < n; i++) {
		*own[i] = fcntl(*own[i], F_DUPFD_CLOEXEC, above);
		if (*own[i] < 0)
			return err_new(-errno, "make room for the caller's descriptors");
	}
	for (unsigned i = 0; i < p->n_keep_fds; i++) {
		moved[i] = fcntl(first + (int)i, F_DUPFD_CLOEXEC, above);
		if (moved[i] < 0)
			return err_new(-errno, "pass on descriptor %u", p->keep_fds[i]);
	}
	for (unsigned i = 0; i < p->n_keep_fds; i++) {
		if (dup2(moved[i], (int)p->keep_fds[i]) < 0) /* lint: these are the payload's */
			return err_new(-errno, "pass on descriptor %u", p->keep_fds[i]);
		(void)close(moved[i]);
	}
	return 0;
}

static int set_apparmor(int proc, const char *profile)
{
	char path[64], text[300];
	pid_t self;
	int r;

	if (!profile)
		return 0;
	r = procfs_self(proc, &self);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%d/attr/apparmor/exec", (int)self);
	(void)snprintf(text, sizeof(text), "exec %s", profile);
	return procfs_write(proc, path, text);
}

int process_finish(int root, int proc, const struct rt_process *p, const struct rt_ids *ids,
		   bool init)
{
	const int std[3] = {0, 1, 2};
	int r = enter_cwd(root, p);

	if (r == 0)
		r = confine_stdio(std, p->terminal, ids->uid);
	if (r == 0)
		r = set_apparmor(proc, p->apparmor);
	if (r == 0)
		r = confine_scheduling(p, true);
	if (r == 0)
		r = confine_process(proc, p, ids);
	if (r == 0 && init && !p->argv[0])
		pid1_hold();
	if (r == 0 && init)
		r = pid1_split(p->terminal);
	if (r == 0)
		r = fd_cloexec_but(3, p->keep_fds, p->n_keep_fds);
	if (r < 0)
		return r;
	reset_signals();
	return exec_payload(p, ids);
}

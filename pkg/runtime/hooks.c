/* SPDX-License-Identifier: MIT */
/*
 * Running hooks. Each is a program of the host's (only startContainer is found inside), started
 * with the environment that its configuration gives it and nothing else, in "/", with the container's
 * state on standard input; what it prints is kept for the words of its failure (threats R25).
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/base/sbuf.h"
#include "pkg/runtime/hooks.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"

#define WORDS_MAX 400

static const char *const stage_names[RT_HOOK_STAGES] = {
	[RT_HOOK_PRESTART] = "prestart",
	[RT_HOOK_CREATE_RUNTIME] = "createRuntime",
	[RT_HOOK_CREATE_CONTAINER] = "createContainer",
	[RT_HOOK_START_CONTAINER] = "startContainer",
	[RT_HOOK_POSTSTART] = "poststart",
	[RT_HOOK_POSTSTOP] = "poststop",
};

const char *rt_hook_stage_name(enum rt_hook_stage s)
{
	return stage_names[s];
}

bool hooks_any(const struct rt_plan *p, unsigned stages)
{
	for (unsigned i = 0; i < p->n_hooks; i++)
		if (stages & 1U << p->hooks[i].stage)
			return true;
	return false;
}

static int scratch_file(const char *text, size_t n)
{
	AUTO_CLOSE int fd = memfd_create("cuddy-hook", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : write_full(fd, text, n);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? err_new(r, "hook: standard streams") : TAKE_FD(fd);
}

static void __attribute__((noreturn)) hook_main(const struct rt_hook *h, int in, int out)
{
	const int std[3] = {in, out, out};
	char **argv, **envp;
	sigset_t none;
	int r;

	memcpy(&argv, &h->argv, sizeof(argv)); /* execve() changes nothing */
	memcpy(&envp, &h->envp, sizeof(envp));
	for (int s = 1; s <= 64; s++)
		(void)signal(s, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = process_set_stdio(std, false);
	if (r == 0 && chdir("/") < 0)
		r = -errno;
	if (r == 0) {
		(void)execve(h->path, argv, envp);
		r = -errno;
	}
	(void)dprintf(2, "%s\n", err_text(r));
	_exit(127);
}

/* The last line that it printed says best what was wrong. */
static void last_words(int out, char words[WORDS_MAX])
{
	off_t end = lseek(out, 0, SEEK_END);
	ssize_t n = 0;
	char *line;

	if (end > 0)
		n = pread(out, words, WORDS_MAX - 1,
			  end > WORDS_MAX - 1 ? end - (WORDS_MAX - 1) : 0);
	if (n < 0)
		n = 0;
	while (n > 0 && words[n - 1] == '\n')
		n--;
	words[n] = '\0';
	line = strrchr(words, '\n');
	if (line)
		memmove(words, line + 1, strlen(line + 1) + 1);
}

static int run_one(const struct rt_hook *h, const char *state, size_t state_len)
{
	AUTO_CLOSE int in = scratch_file(state, state_len), out = -EBADF, pidfd = -EBADF;
	char words[WORDS_MAX];
	int status = 0, r;
	pid_t pid;

	if (in < 0)
		return in;
	out = scratch_file("", 0);
	if (out < 0)
		return out;
	pid = clone_fork(0, &pidfd);
	if (pid == 0)
		hook_main(h, in, out);
	if (pid < 0)
		return (int)pid;
	r = pidfd_wait(pidfd, h->timeout_s ? (int)(h->timeout_s * 1000) : -1, &status);
	if (r == -ETIMEDOUT) {
		err_drop();
		(void)kill(-pid, SIGKILL);
		(void)kill(pid, SIGKILL);
		(void)pidfd_wait(pidfd, -1, &status);
		return err_new(-CE_TIMEOUT, "hook %s: killed after %u s", h->path, h->timeout_s);
	}
	if (r < 0)
		return err_wrap(r, "hook %s", h->path);
	if (status == 0)
		return 0;
	last_words(out, words);
	return err_new(-EIO, "hook %s: exit status %d%s%s", h->path, status, *words ? ": " : "",
		       words);
}

int rt_hooks_run(const struct rt_hook *hooks, unsigned n, enum rt_hook_stage stage,
		 const char *state, pid_t pid, const char *status)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	for (unsigned i = 0; i < n; i++) {
		int r;

		if (hooks[i].stage != stage)
			continue;
		if (!text.len) {
			sbuf_addf(&text, "{%s,\"status\":\"%s\"", state, status);
			if (pid > 0)
				sbuf_addf(&text, ",\"pid\":%d", (int)pid);
			sbuf_addc(&text, '}');
		}
		log_debug("runtime", "%s hook %s", stage_names[stage], hooks[i].path);
		r = run_one(&hooks[i], text.s, text.len);
		if (r < 0)
			return err_wrap(r, "%s", stage_names[stage]);
	}
	return 0;
}

int hooks_run(const struct rt_plan *p, enum rt_hook_stage stage, pid_t pid, const char *status)
{
	return rt_hooks_run(p->hooks, p->n_hooks, stage, p->hook_state, pid, status);
}

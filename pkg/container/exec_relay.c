/* SPDX-License-Identifier: MIT */
#include "pkg/container/exec_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/open.h"
#include "pkg/sys/tty.h"

#define CHUNK 65536

int exec_stdio_open(struct exec_stdio *io, bool interactive, bool detached, bool terminal)
{
	for (int i = 0; i < 3; i++) {
		int p[2];

		if (detached || terminal || (i == 0 && !interactive)) {
			io->child[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
			if (io->child[i] < 0)
				return err_new(-errno, "open /dev/null");
		} else if (!isatty(i)) {
			io->child[i] = i;
		} else {
			if (pipe2(p, O_CLOEXEC) < 0)
				return err_new(-errno, "pipe");
			io->child[i] = p[i == 0 ? 0 : 1];
			io->ours[i] = p[i == 0 ? 1 : 0];
		}
	}
	return 0;
}

static void close_child_ends(struct exec_stdio *io)
{
	for (int i = 0; i < 3; i++)
		if (io->child[i] > 2)
			closep(&io->child[i]);
}

void exec_stdio_done(struct exec_stdio *io)
{
	close_child_ends(io);
	for (int i = 0; i < 3; i++)
		closep(&io->ours[i]);
}

struct relay {
	struct exec_stdio *io;
	struct rt_exec_started *s;
	const char *keys;
	size_t matched; /* of the detach keys */
	int signals;
	bool stdin_open;
	bool detached;
};

static void copy_size(int master)
{
	struct winsize w;

	if (ioctl(0, TIOCGWINSZ, &w) == 0)
		(void)ioctl(master, TIOCSWINSZ, &w);
}

/* Pass on what was typed, but keep back what may become the detach keys. */
static int typed(struct relay *r, int to, const char *p, size_t n)
{
	size_t keys = strlen(r->keys);

	for (size_t i = 0; i < n; i++) {
		if (keys && p[i] == r->keys[r->matched]) {
			if (++r->matched == keys) {
				r->detached = true;
				return 0;
			}
			continue;
		}
		if (r->matched) {
			size_t held = r->matched;

			r->matched = 0;
			if (write_full(to, r->keys, held) < 0)
				return -EPIPE;
			i--; /* this byte may begin the keys anew */
			continue;
		}
		if (write_full(to, p + i, 1) < 0)
			return -EPIPE;
	}
	return 0;
}

static void stdin_ready(struct relay *r, int to)
{
	char buf[CHUNK];
	ssize_t n = read(0, buf, sizeof(buf));

	if (n > 0 && r->s->pty_master >= 0) {
		if (typed(r, to, buf, (size_t)n) < 0)
			r->stdin_open = false;
		return;
	}
	if (n <= 0 || write_full(to, buf, (size_t)n) < 0) {
		r->stdin_open = false;
		if (r->s->pty_master < 0)
			closep(&r->io->ours[0]);
		else if (n == 0) {
			static const char eot = 4; /* a terminal says "end of input" this way */

			(void)write_full(to, &eot, 1);
		}
	}
}

/* Return false at the end of the stream. */
static bool output_ready(int from, int to)
{
	char buf[CHUNK];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	(void)write_full(to, buf, (size_t)n); /* a caller who left does not stop the payload */
	return true;
}

static void signal_ready(struct relay *r)
{
	struct signalfd_siginfo si;

	if (read(r->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH) {
		if (r->s->pty_master >= 0)
			copy_size(r->s->pty_master);
	} else if (r->s->payload_pidfd >= 0) {
		(void)pidfd_signal(r->s->payload_pidfd, (int)si.ssi_signo);
		err_drop();
	}
}

static int open_signals(sigset_t *old)
{
	static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
					SIGUSR1, SIGUSR2, SIGWINCH};
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++)
		(void)sigaddset(&set, forwarded[i]);
	(void)sigprocmask(SIG_BLOCK, &set, old);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_new(-errno, "signalfd") : fd;
}

static void drain(int from, int to)
{
	if (from < 0)
		return;
	(void)fcntl(from, F_SETFL, O_NONBLOCK);
	for (;;) {
		char buf[CHUNK];
		ssize_t n = read(from, buf, sizeof(buf));

		if (n <= 0)
			return;
		(void)write_full(to, buf, (size_t)n);
	}
}

static int loop(struct relay *r, int *ret_exit)
{
	bool tty = r->s->pty_master >= 0;
	int out = tty ? r->s->pty_master : r->io->ours[1];
	int err = tty ? -1 : r->io->ours[2];
	int in_to = tty ? r->s->pty_master : r->io->ours[0];

	r->stdin_open = r->stdin_open && in_to >= 0;
	while (!r->detached) {
		struct pollfd p[5] = {
			{.fd = r->s->stage_pidfd, .events = POLLIN},
			{.fd = r->signals, .events = POLLIN},
			{.fd = out, .events = POLLIN},
			{.fd = err, .events = POLLIN},
			{.fd = r->stdin_open ? 0 : -1, .events = POLLIN},
		};

		if (poll(p, ARRAY_LEN(p), -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_new(-errno, "poll");
		}
		if (p[1].revents)
			signal_ready(r);
		if (p[4].revents)
			stdin_ready(r, in_to);
		if (p[2].revents && !output_ready(out, 1))
			out = -1;
		if (p[3].revents && !output_ready(err, 2))
			err = -1;
		if (p[0].revents) { /* what it wrote before it ended is still in the pipes */
			drain(out, 1);
			drain(err, 2);
			return pidfd_wait(r->s->stage_pidfd, -1, ret_exit);
		}
	}
	*ret_exit = 0;
	return 0;
}

/*
 * The payload goes on, and so must its terminal: somebody has it, or it would hang up, and takes what is
 * written to it, or it would stop.
 */
int exec_leave(const struct rt_exec_started *s)
{
	int r = rt_exec_leave(s);
	pid_t pid;

	if (r < 0)
		return r;
	/* We may be the leader of the caller's session, and end before it has its own. */
	(void)signal(SIGHUP, SIG_IGN);
	pid = fork();
	if (pid > 0)
		return 0;
	if (pid < 0)
		return err_new(-errno, "fork");
	(void)setsid();
	if (dup2(s->pty_master, 0) < 0) /* lint: nothing is executed any more */
		_exit(1);
	(void)fd_close_from(1, 1);
	for (;;) {
		char buf[CHUNK];
		ssize_t n = read(0, buf, sizeof(buf));

		if (n == 0 || (n < 0 && errno != EINTR))
			_exit(0);
	}
}

int exec_relay(struct exec_stdio *io, struct rt_exec_started *s, const char *detach_keys,
	       bool interactive, int *ret_exit)
{
	struct relay r = {.io = io,
			  .s = s,
			  .keys = s->pty_master >= 0 ? detach_keys : "",
			  .stdin_open = interactive};
	struct tty_raw raw = TTY_RAW_INIT;
	sigset_t old;
	int rc;

	close_child_ends(io);
	r.signals = open_signals(&old);
	if (r.signals < 0)
		return r.signals;
	(void)signal(SIGPIPE, SIG_IGN);
	if (s->pty_master >= 0 && interactive && isatty(0)) {
		copy_size(s->pty_master);
		tty_raw_enter(&raw, 0);
	}
	rc = loop(&r, ret_exit);
	tty_raw_leave(&raw);
	closep(&r.signals);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (rc == 0 && r.detached) {
		rc = exec_leave(s);
		rc = rc < 0 ? rc : 1;
	}
	return rc;
}

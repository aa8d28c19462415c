/* SPDX-License-Identifier: MIT */
/*
 * One person (or script) at a container: terminal, signals, detach. The same loop for the
 * foreground of `run` and for `attach`; they differ in who writes the output.
 *
 * Job control stays the shell's: ^Z and background reads stop cuddy as they would any program, so
 * stop signals are neither caught nor forwarded. Whatever ends this process by a signal that can
 * be caught first gives the terminal back.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/conmon/client.h"
#include "pkg/conmon/talk.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/process.h"

#define DROPPED "attach: the output was not read for too long and the container goes on without us"

/* Taken by signalfd; ignored ones (nohup) stay ignored, stop signals stay the kernel's. */
int session_block_signals(sigset_t *ret_set, sigset_t *ret_before)
{
	static const int never[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGTSTP, SIGTTIN,
				    SIGTTOU, SIGCONT, SIGURG,  SIGSEGV, SIGBUS,  SIGILL,
				    SIGFPE,  SIGTRAP, SIGSYS,  SIGABRT};
	struct sigaction sa;

	signals_all(ret_set);
	for (unsigned i = 0; i < ARRAY_LEN(never); i++)
		(void)sigdelset(ret_set, never[i]);
	for (int sig = 1; sig < 32; sig++)
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			(void)sigdelset(ret_set, sig);
	return sigprocmask(SIG_BLOCK, ret_set, ret_before) < 0 ? err_new(-errno, "block signals")
							       : 0;
}

static int open_signals(sigset_t *ret_before)
{
	sigset_t set;
	int fd, r = session_block_signals(&set, ret_before);

	if (r < 0)
		return r;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_new(-errno, "signalfd") : fd;
}

static void send_size(const struct session *s)
{
	struct winsize w;

	if (s->tty && (ioctl(0, TIOCGWINSZ, &w) == 0 || ioctl(1, TIOCGWINSZ, &w) == 0) && w.ws_row)
		(void)talk_send(s->fd, CM_RESIZE, w.ws_row, w.ws_col, NULL, 0);
}

/* Die of @sig as if it had never been caught: our parent sees the truth. */
static void die_of(int sig)
{
	sigset_t one;

	(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&one);
	(void)sigaddset(&one, sig);
	(void)raise(sig);
	(void)sigprocmask(SIG_UNBLOCK, &one, NULL);
}

/* Also one that is gone, which answers EIO; isatty() does not tell that with every C library. */
static bool has_terminal(void)
{
	struct termios t;

	for (int fd = 0; fd < 3; fd++)
		if (tcgetattr(fd, &t) == 0 || errno == EIO)
			return true;
	return false;
}

static void on_signals(const struct session *s, int fd, struct tty_raw *t)
{
	struct signalfd_siginfo si;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		int sig = (int)si.ssi_signo;

		if (sig == SIGWINCH) {
			send_size(s);
			continue;
		}
		if (s->sig_proxy)
			(void)talk_send(s->fd, CM_SIGNAL, sig, 0, NULL, 0);
		/* Who is at a terminal is told that it is gone, and goes; the main process of a
		 * service is asked to read its files again: the container's business alone. */
		if (!s->sig_proxy || (sig == SIGHUP && has_terminal())) {
			tty_raw_leave(t);
			die_of(sig);
		}
	}
}

/* Return: false at the end of our stdin. */
static bool send_stdin(const struct session *s, bool *credit)
{
	char buf[CM_STDIN_MAX];
	ssize_t n = read(0, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0) {
		(void)talk_send(s->fd, CM_STDIN_EOF, 0, 0, NULL, 0);
		return false;
	}
	*credit = false;
	(void)talk_send(s->fd, CM_STDIN, 0, 0, buf, (size_t)n);
	return true;
}

enum verdict { GO_ON, ENDED, DETACHED, FAILED };

static enum verdict on_message(const struct session *s, bool *credit, int *ret_exit, int *ret_error)
{
	static char data[CM_OUTPUT_MAX];
	struct cm_head h;
	int r = talk_receive(s->fd, &h, data, sizeof(data));

	if (r <= 0) {
		*ret_error = r < 0 ? err_new(r, "talk to the container's monitor")
				   : err_new(-CE_MONITOR_GONE, "%s",
					     s->print_output ? "attach" : "run");
		return FAILED;
	}
	switch (h.type) {
	case CM_OUTPUT:
		if (s->print_output && write_full(h.a == 2 ? 2 : 1, data, h.len) < 0)
			return DETACHED;
		return GO_ON;
	case CM_STDIN_ACK:
		*credit = true;
		return GO_ON;
	case CM_EXIT:
		*ret_exit = h.a;
		if (h.len)
			log_warn("%.*s", (int)h.len, data);
		return ENDED;
	case CM_DETACHED:
		return DETACHED;
	case CM_DROPPED:
		*ret_error = err_new(
			-CE_LIMIT,
			"attach: output was not read fast enough; the container goes on");
		return FAILED;
	default:
		return GO_ON;
	}
}

static enum verdict relay(const struct session *s, int sigs, struct tty_raw *t, int *ret_exit,
			  int *ret_error)
{
	bool credit = true, open = s->relay_stdin;
	enum verdict v = GO_ON;

	while (v == GO_ON) {
		struct pollfd p[3] = {{.fd = s->fd, .events = POLLIN},
				      {.fd = sigs, .events = POLLIN},
				      {.fd = open && credit ? 0 : -1, .events = POLLIN}};

		if (poll(p, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			*ret_error = err_new(-errno, "poll");
			return FAILED;
		}
		if (p[1].revents)
			on_signals(s, sigs, t);
		if (p[0].revents)
			v = on_message(s, &credit, ret_exit, ret_error);
		if (p[2].revents && v == GO_ON)
			open = send_stdin(s, &credit);
	}
	return v;
}

int session_run(const struct session *s, int *ret_exit, bool *ret_detached)
{
	struct tty_raw t = s->raw;
	AUTO_CLOSE int sigs = -EBADF;
	sigset_t before;
	enum verdict v;
	int error = 0;

	sigs = open_signals(&before);
	if (sigs < 0) {
		tty_raw_leave(&t);
		return sigs;
	}
	if (s->tty && s->relay_stdin && t.fd < 0)
		tty_raw_enter(&t, 0);
	send_size(s);
	v = relay(s, sigs, &t, ret_exit, &error);
	tty_raw_leave(&t);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (v == FAILED)
		return error;
	*ret_detached = v == DETACHED;
	return 0;
}

int conmon_foreground(const struct conmon_started *m, bool tty, bool sig_proxy, int *ret_exit,
		      bool *ret_detached)
{
	struct session s = {.fd = m->control_fd,
			    .relay_stdin = m->relay_stdin,
			    .tty = tty,
			    .sig_proxy = sig_proxy,
			    .raw = m->raw};

	int r = session_run(&s, ret_exit, ret_detached);

	(void)sigprocmask(SIG_SETMASK, &m->mask, NULL);
	return r;
}

int conmon_attach(int state_dir, const struct conmon_attach *a, int *ret_exit, bool *ret_detached)
{
	AUTO_CLOSE int fd = talk_connect(state_dir);
	struct session s = {.fd = fd,
			    .relay_stdin = !a->no_stdin,
			    .tty = a->tty,
			    .sig_proxy = a->sig_proxy,
			    .print_output = true,
			    .raw = TTY_RAW_INIT};
	int flags = (a->no_stdin ? 0 : CM_ATTACH_STDIN) | (a->detach_keys ? CM_ATTACH_KEYS : 0), r;
	struct winsize w;

	if (fd < 0)
		return fd;
	r = talk_send(fd, CM_ATTACH, flags, 0, a->detach_keys,
		      a->detach_keys ? strlen(a->detach_keys) : 0);
	if (r < 0)
		return err_new(r, "attach");
	/* A size that differs makes full-screen programs draw themselves for the newcomer. */
	if (a->tty && ioctl(0, TIOCGWINSZ, &w) == 0 && w.ws_row > 1)
		(void)talk_send(fd, CM_RESIZE, w.ws_row - 1, w.ws_col, NULL, 0);
	if (a->begin)
		(void)talk_send(fd, CM_START, 0, 0, NULL, 0);
	r = session_run(&s, ret_exit, ret_detached);
	/* Its farewell does not fit into a full socket. */
	if (r == -CE_MONITOR_GONE && lock_is_held(state_dir, "lock") > 0)
		return err_new(-CE_LIMIT, DROPPED);
	return r;
}

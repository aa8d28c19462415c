/* SPDX-License-Identifier: MIT */
/*
 * --init: our own pid 1. It forks the payload, forwards signals to it, reaps whatever is orphaned in
 * the container and exits as the payload did. It is confined like the payload, holds no descriptor
 * and allocates nothing. Once the payload has been forked it may no longer fail: pid 1 dying kills
 * the container.
 *
 * The holder of a pod that shares its pid namespace has no payload: its pid 1 is there so that the
 * namespace is, and reaps processes whose parent is gone.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/open.h"
#include "pkg/sys/process.h"

/* What a process sent is for the payload; what the kernel raises about ourselves is not. */
static bool is_forwarded(const siginfo_t *si)
{
	int sig = si->si_signo;

	return si->si_code <= 0 ||
	       (sig != SIGCHLD && sig != SIGTTIN && sig != SIGTTOU && sig != SIGSEGV &&
		sig != SIGBUS && sig != SIGILL && sig != SIGFPE && sig != SIGTRAP && sig != SIGSYS);
}

static void __attribute__((noreturn)) reap_until(pid_t payload, const sigset_t *all)
{
	for (;;) {
		siginfo_t si = {0};
		int status;
		pid_t pid;
		int sig = sigwaitinfo(all, &si);

		if (sig > 0 && is_forwarded(&si))
			(void)kill(payload, sig);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == payload)
				_exit(status_decode(status));
		if (pid < 0 && errno == ECHILD)
			_exit(255); /* cannot be: the payload is ours until reaped */
	}
}

int pid1_split(bool terminal)
{
	sigset_t all, none;
	pid_t pid;

	signals_all(&all);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	pid = fork();
	if (pid < 0)
		return err_new(-errno, "fork the payload");
	if (pid == 0) {
		/* Its own process group, in front of the terminal, so that ^C reaches it and not us. */
		(void)setpgid(0, 0);
		if (terminal)
			(void)ioctl(0, TIOCSPGRP, &(pid_t){getpid()});
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		return 0;
	}
	(void)setpgid(pid, pid);
	(void)fd_close_from(0, 1);
	reap_until(pid, &all);
}

void pid1_hold(void)
{
	sigset_t all;
	int status;

	signals_all(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)fd_close_from(0, 1); /* says that we are there */
	for (;;) {
		int sig = sigwaitinfo(&all, NULL);

		if (sig == SIGTERM || sig == SIGINT || sig == SIGHUP || sig == SIGQUIT)
			_exit(0);
		while (waitpid(-1, &status, WNOHANG) > 0)
			;
	}
}

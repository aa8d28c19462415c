/* SPDX-License-Identifier: MIT */
/* What "kube play" does by other processes: waiting for containers while it hears signals, and builds. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/kube.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/wait.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"
#include "pkg/sys/socket.h"

#define NOTIFY_MS 1000
#define STATUS_FAILED 255 /* of the waiting process: it could not wait */

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};

static int wait_all(struct store *st, const struct strv *ids, const char *propagation,
		    int *ret_code)
{
	const struct wait_for f = {.set = WAIT_EXITED, .interval_ns = 250000000};
	AUTO_FREE struct waited *v = xcalloc(ids->n + 1, sizeof(*v));
	size_t failed = 0;
	int r, first = 0;

	for (size_t i = 0; i < ids->n; i++)
		(void)snprintf(v[i].id, sizeof(v[i].id), "%s", ids->v[i]);
	r = container_wait(st, &f, v, ids->n);
	for (size_t i = 0; r == 0 && i < ids->n; i++) {
		if (v[i].code <= 0)
			continue;
		failed++;
		first = first ? first : v[i].code;
	}
	if (r < 0)
		return r;
	*ret_code = strcmp(propagation, "any") == 0                       ? first
		    : strcmp(propagation, "all") == 0 && failed == ids->n ? first
									  : 0;
	return 0;
}

static int wait_or_signal(int pidfd, const sigset_t *signals, int *ret_code)
{
	AUTO_CLOSE int fd = signalfd(-1, signals, SFD_CLOEXEC);
	struct pollfd p[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	int status = 0, r;

	if (fd < 0)
		return err_new(-errno, "hear signals");
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return err_new(-errno, "wait");
	if (p[1].revents) /* asked to end: that is no failure */
		(void)pidfd_signal(pidfd, SIGKILL);
	r = pidfd_wait(pidfd, -1, &status);
	if (r < 0)
		return r;
	if (!p[1].revents && status == STATUS_FAILED)
		return err_new(-EIO, "wait for the containers");
	*ret_code = p[1].revents ? 0 : status;
	return 0;
}

static volatile sig_atomic_t asked_to_end;

static void note_signal(int sig)
{
	(void)sig;
	asked_to_end = 1;
}

/* Handlers, for a mask would be inherited by what is started. */
void kube_wait_begin(void)
{
	struct sigaction a = {.sa_handler = note_signal, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < ARRAY_LEN(end_signals); i++)
		(void)sigaction(end_signals[i], &a, NULL);
}

int kube_wait(struct store *st, const struct kube_made *made, const char *propagation,
	      int *ret_code)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	AUTO_CLOSE int pidfd = -EBADF;
	sigset_t signals, before;
	pid_t pid;
	int r, code = 0;

	for (size_t i = 0; i < made->n_pods; i++)
		strv_add_all(&ids, &made->pods[i].containers);
	(void)sigemptyset(&signals);
	for (size_t i = 0; i < ARRAY_LEN(end_signals); i++)
		(void)sigaddset(&signals, end_signals[i]);
	(void)sigprocmask(SIG_BLOCK, &signals, &before);
	*ret_code = 0;
	if (asked_to_end) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		return 0;
	}
	pid = clone_fork(0, &pidfd);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		r = wait_all(st, &ids, propagation, &code);
		_exit(r < 0 ? STATUS_FAILED : code);
	}
	r = pid < 0 ? (int)pid : wait_or_signal(pidfd, &signals, ret_code);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

int kube_tell_manager(const char *address)
{
	static const char words[] = "READY=1";
	AUTO_CLOSE int fd = -EBADF;

	if (!address || !*address)
		return 0;
	fd = socket_datagram_to(address, NOTIFY_MS);
	if (fd < 0)
		return err_wrap(fd, "NOTIFY_SOCKET");
	if (send(fd, words, strlen(words), MSG_NOSIGNAL) < 0)
		return err_new(-errno, "NOTIFY_SOCKET");
	return 0;
}

static void option(struct strv *argv, const char *flag, const char *value)
{
	if (value) {
		strv_add(argv, flag);
		strv_add(argv, value);
	}
}

/* A build moves its process into another user namespace, from which pods cannot be made. */
int kube_build(void *arg, const char *image, const char *dir)
{
	const struct cmd_ctx *ctx = arg;
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_CLOSE int pidfd = -EBADF;
	struct spawn s = {.path = "/proc/self/exe", .envp = environ, .stdio = {-1, 2, 2}};
	int status = 0, r;

	strv_add(&argv, "cuddy");
	option(&argv, "--root", ctx->root);
	option(&argv, "--runroot", ctx->runroot);
	option(&argv, "--storage-driver", ctx->driver);
	option(&argv, "--cgroup-manager", ctx->cgroup_manager);
	strv_add(&argv, "build");
	option(&argv, "--tag", image);
	strv_add(&argv, dir);
	s.argv = argv.v;
	r = pidfd = spawn_start(&s, NULL);
	if (r >= 0)
		r = pidfd_wait(pidfd, -1, &status);
	if (r < 0)
		return r;
	return status ? err_new(-CE_BAD_STATE, "the build failed") : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Pull and push begin as the user himself, with his helpers for credentials: that an image is unchanged,
 * which is what they find most often, is found without B. The rest is done in it.
 */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/socket.h"
#include "pkg/transfer/transfer.h"

static int ask(struct transfer_ctx *ctx)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	unsigned n_fds = 0;
	ssize_t n;
	char byte;
	int ns = -EBADF;

	transfer_put_base(&b);
	if (send(ctx->channel, b.s, b.len, MSG_NOSIGNAL) < 0)
		return err_new(-CE_INTERRUPTED, "transfer");
	n = socket_recv(ctx->channel, &byte, sizeof(byte), &ns, 1, &n_fds);
	return n > 0 && n_fds == 1 ? ns : err_new(-CE_INTERRUPTED, "transfer");
}

/* Who goes on is the child; this process is only its place among the children of cuddy. */
static int go_on_in_child(struct transfer_ctx *ctx, int ns)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return err_new(-errno, "fork");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		return setns(ns, CLONE_NEWUSER) < 0 ? err_new(-errno, "enter the base namespace")
						    : 0;
	}
	(void)close(ctx->channel);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

int transfer_enter_base(struct transfer_ctx *ctx)
{
	AUTO_CLOSE int ns = -EBADF;
	int r = 0;

	if (ctx->req.in_base)
		return 0;
	ns = ask(ctx);
	if (ns < 0)
		return ns;
	/* A process with threads cannot enter, and who looks up a slow name for curl is one. */
	if (setns(ns, CLONE_NEWUSER) < 0)
		r = errno == EINVAL ? go_on_in_child(ctx, ns)
				    : err_new(-errno, "enter the base namespace");
	if (r < 0)
		return r;
	ctx->req.in_base = true;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* forgotten where the ids change */
	/* The mounts stay the host's: descriptors of the store are of these, and only workers mount (jail.h). */
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * cuddy-transfer: everything that touches bytes from elsewhere (registries, archives, layers).
 *
 * Theory of operation
 *   cuddy starts this program, in B where layers are all it is about (enter_base.c), with one end of a
 *   socket pair as its stdin, sends one request and follows the events. This process does the network and the bookkeeping; each
 *   layer is unpacked by a worker process of its own (unpack.h), which has no network, no exec and
 *   no file system but the tree it fills.
 *   Cancel: cuddy closes its end; poll loops see that, undo what is half done and return. ^C of a
 *   terminal reaches cuddy, which decides: the signal is ignored here. When cuddy dies, the kernel
 *   kills this process; what is left in staging/ is tidied by the next command.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/leaks.h"
#include "pkg/base/log.h"
#include "pkg/sys/open.h"
#include "pkg/sys/socket.h"
#include "pkg/transfer/transfer.h"
#include "pkg/transfer/user_side.h"

static const struct {
	uint32_t op;
	const char *words;
	int (*run)(struct transfer_ctx *ctx);
} operations[] = {
	{TRANSFER_PULL, "pull", transfer_op_pull},
	{TRANSFER_LOAD, "load", transfer_op_load},
	{TRANSFER_IMPORT, "import", transfer_op_import},
	{TRANSFER_FETCH, "fetch", transfer_op_fetch},
	{TRANSFER_LOGIN, "login", transfer_op_login},
	{TRANSFER_UNTAR, "untar", transfer_op_untar},
	{TRANSFER_PUSH, "push", transfer_op_push},
	{TRANSFER_UNPACK, "unpack", transfer_op_unpack},
	{TRANSFER_SAVE, "save", transfer_op_save},
	{TRANSFER_SEARCH, "search", transfer_op_search},
	{TRANSFER_CHECK, "check", transfer_op_check},
	{TRANSFER_MANIFEST, "manifest", transfer_op_manifest},
	{TRANSFER_PREPARE, "prepare", transfer_op_prepare},
	{TRANSFER_PUSH_LIST, "push list", transfer_op_push_list},
	{TRANSFER_ARTIFACT_PULL, "artifact pull", transfer_op_artifact_pull},
	{TRANSFER_ARTIFACT_PUSH, "artifact push", transfer_op_artifact_push},
	{TRANSFER_SIGN, "sign", transfer_op_sign},
};

static int dispatch(struct transfer_ctx *ctx, const void *p, size_t n)
{
	int r = transfer_request_get(p, n, &ctx->req);

	if (r < 0)
		return r;
	if (ctx->req.user_side && ctx->n_fds > 0) {
		ctx->user_side = ctx->fds[--ctx->n_fds];
		user_side_use(ctx->user_side);
	}
	for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
		if (operations[i].op != ctx->req.op)
			continue;
		log_debug("transfer", "%s", operations[i].words);
		return operations[i].run(ctx);
	}
	return err_new(-CE_PROTOCOL, "unknown operation %u", ctx->req.op);
}

/* Secrets pass through this process: nobody attaches to it, and no core of it is written (H09). */
static void harden(void)
{
	static const struct rlimit no_core = {0, 0};

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* The channel moves away from 0, so that no helper inherits it; nothing else inherited is passed on. */
static int take_channel(void)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = fd_dup(TRANSFER_FD);

	(void)fd_close_from(3, 0);
	if (null < 0 || dup2(null, TRANSFER_FD) < 0) /* lint: stdin is not CLOEXEC */
		return -EBADF;
	return fd;
}

int main(void)
{
	static unsigned char request[TRANSFER_MESSAGE_MAX];
	struct transfer_ctx ctx = {
		.channel = -EBADF, .user_side = -EBADF, .fds = {-EBADF, -EBADF, -EBADF, -EBADF}};
	AUTO_SBUF struct sbuf end = SBUF_INIT;
	ssize_t n;
	int r;

	harden();
	log_init(getenv("CUDDY_DEBUG"), "transfer");
	ctx.channel = take_channel();
	n = ctx.channel < 0 ? -1
			    : socket_recv(ctx.channel, request, sizeof(request), ctx.fds,
					  TRANSFER_FDS_MAX, &ctx.n_fds);
	if (n == 0)
		return 0; /* started to be at hand, and not wanted */
	if (n < 0) {
		static const char words[] = "cuddy-transfer is started by cuddy, not by hand\n";

		(void)!write(2, words, sizeof(words) - 1);
		return 125;
	}
	r = dispatch(&ctx, request, (size_t)n);
	transfer_put_end(&end, r < 0 ? r : 0, r < 0 ? err_trail() : "");
	(void)!send(ctx.channel, end.s, end.len, MSG_NOSIGNAL);
	explicit_bzero(request, sizeof(request));
	/* Not by way of the libraries' ends: cuddy waits for ours. */
	_exit(r < 0 ? err_exit_status(r) : 0);
}

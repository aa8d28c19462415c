/* SPDX-License-Identifier: MIT */
/* "cuddy run": create, start and follow a container. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/run_opts.h"
#include "cmd/transfer_report.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/pod/pod.h"
#include "pkg/runtime/base.h"

const struct opt run_opts[] = {
	OPT_BOOL('d', "detach", struct run_args, detach, "Run in the background and print the id"),
	OPT_TRI(0, "sig-proxy", struct run_args, sig_proxy, "Forward signals to the container"),
	OPT_UINT(0, "preserve-fds", "N", struct run_args, preserve_fds,
		 "Pass on N more descriptors, from 3", .max = RT_KEEP_MAX),
	OPT_LIST(0, "preserve-fd", "N[,N...]", struct run_args, preserve_fd,
		 "Pass on these descriptors"),
	OPT_BOOL(0, "rmi", struct run_args, rmi,
		 "Remove the container when it exits, and its image if nobody else uses it"),
	OPT_GROUP(create_opts, struct run_args, request),
	OPT_GROUP(registry_opts, struct run_args, registry),
	OPT_ROWS(refused_opts),
	OPT_END,
};

static const struct run_args run_defaults = RUN_ARGS_DEFAULTS;

/* Which streams to follow: all, or what -a names (docker writes them in upper case). */
static int attach_streams(const struct container_request *q, struct start_options *o)
{
	o->attach_stdin = q->attach.n == 0 && q->interactive;
	o->attach_stdout = o->attach_stderr = q->attach.n == 0;
	for (size_t i = 0; i < q->attach.n; i++) {
		if (strcasecmp(q->attach.v[i], "stdin") == 0)
			o->attach_stdin = true;
		else if (strcasecmp(q->attach.v[i], "stdout") == 0)
			o->attach_stdout = true;
		else if (strcasecmp(q->attach.v[i], "stderr") == 0)
			o->attach_stderr = true;
		else
			return err_usage("--attach '%s': use stdin, stdout or stderr",
					 q->attach.v[i]);
	}
	return 0;
}

static void window(struct start_options *o)
{
	struct winsize w;

	for (int fd = 0; fd < 3; fd++) {
		if (ioctl(fd, TIOCGWINSZ, &w) == 0) {
			o->rows = w.ws_row;
			o->cols = w.ws_col;
			return;
		}
	}
}

/* A container that never ran is of no use to anybody: as with podman, --rm takes it away. */
static int start_failed(struct store *st, struct container *c, int r)
{
	const struct remove_options ro = {.force = true, .volumes = true, .grace_s = 0};
	char trail[2048];

	(void)snprintf(trail, sizeof(trail), "%s", err_trail());
	if (c->rec->auto_remove) {
		int removed = container_remove(st, c, &ro);

		if (removed == 0)
			removed = container_tidy(st);
		if (removed < 0 && removed != r) /* what stood in both ways is told once */
			(void)cmd_report(removed);
	}
	return err_set(r, trail);
}

/* The monitor has it done as well; but when we return it is gone. */
static int remove_with_image(struct store *st, struct container *c)
{
	const struct remove_options o = {.volumes = true};
	int r = container_remove(st, c, &o);

	/* With --restart too, our run may not have been the last. */
	if (r < 0 && r != -CE_NO_CONTAINER && r != -CE_BAD_STATE)
		return r;
	err_drop();
	return container_tidy(st);
}

static int follow(struct cmd_ctx *ctx, const struct run_args *a, struct container *c,
		  struct conmon_started *m)
{
	bool detached = false;
	int code = 0;
	int r = conmon_foreground(m, a->request.tty, a->sig_proxy != 0, &code, &detached);

	if (r == 0 && !detached)
		ctx->status = code;
	return r == 0 && a->rmi && !detached ? remove_with_image(ctx->store, c) : r;
}

int run_args_check(const struct cmd_ctx *ctx, struct run_args *a, char **argv)
{
	request_globals(ctx, argv, &a->request);
	if (a->detach && a->request.attach.n)
		return err_usage("--detach and --attach contradict each other");
	if (a->rmi && a->request.rootfs)
		return err_usage("--rmi and --rootfs contradict each other: there is no image");
	a->request.remove_image = a->rmi;
	a->request.rm = a->request.rm || a->rmi;
	return registry_access_of(&a->registry, &a->request.access);
}

static int make_and_follow(struct cmd_ctx *ctx, const void *args, char **argv)
{
	struct run_args a = *(const struct run_args *)args;
	AUTO(pod_joined_done) struct pod_joined pod = {.made = false};
	AUTO(request_defaults_done) struct request_defaults defaults = {0};
	AUTO(keep_fds_done) struct keep_fds keep = {0};
	struct start_options o = {.foreground = !a.detach, .keep = &keep};
	struct conmon_started m = {.pidfd = -EBADF, .control_fd = -EBADF};
	struct container c = {.dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF}};
	struct transfer_report report;
	struct store *st;
	int r;

	r = run_args_check(ctx, &a, argv);
	if (r == 0 && !a.detach)
		r = attach_streams(&a.request, &o);
	if (r == 0)
		r = keep_fds_named(a.preserve_fds, &a.preserve_fd, &keep);
	if (r == 0)
		r = keep_fds_listen(&keep);
	if (r == 0)
		r = cmd_store_for_images(ctx, &st);
	if (r == 0)
		base_prepare(store_runtime_fd(st));
	if (r == 0)
		r = pod_join(st, &a.request, &pod);
	if (r < 0)
		return r;
	if (a.request.tty)
		window(&o);
	transfer_report_init(&report, REPORT_PULL, a.request.quiet, NULL);
	a.request.report = &report.handler;
	r = request_defaults_apply(&defaults, &a.request);
	if (r == 0)
		r = container_create(st, &a.request, &c);
	transfer_report_done(&report);
	r = pod_join_end(st, &pod, &c, r);
	if (r < 0)
		return r;
	cmd_say_shared(ctx, c.rec);
	r = container_start(st, &c, &o, &m);
	if (r < 0)
		r = start_failed(st, &c, r);
	else if (a.detach)
		(void)puts(c.rec->id);
	else
		r = follow(ctx, &a, &c, &m);
	closep(&m.pidfd);
	closep(&m.control_fd);
	container_done(&c);
	ctx->in_a_hurry = r == 0;
	return r;
}

static int run_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	int r = make_and_follow(ctx, args, argv);

	(void)argc;
	base_unprepare(); /* it may have ended before it was needed */
	return r;
}

const struct command cmd_run = {
	.name = "run",
	.synopsis = "[OPTIONS] IMAGE|DIR [COMMAND [ARG...]]",
	.summary = "Create and start a container",
	.opts = run_opts,
	.args_size = sizeof(struct run_args),
	.defaults = &run_defaults,
	.min_args = 1,
	.max_args = -1,
	.no_interspersed = true,
	.complete = COMPLETE_IMAGE,
	.run = run_run,
};

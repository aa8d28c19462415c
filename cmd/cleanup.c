/* SPDX-License-Identifier: MIT */
/* "cuddy container cleanup", and what needs root of the host: checkpoint and restore. */
#include "cmd/each.h"
#include "pkg/base/err.h"
#include "pkg/container/events.h"

struct cleanup_args {
	struct each_args each;
	bool rm, rmi, stopped_only;
	const char *exec;
};

static const struct opt cleanup_opts[] = {
	OPT_STR(0, "exec", "ID", struct cleanup_args, exec,
		"A command of exec leaves nothing: accepted for scripts", .hidden = true),
	OPT_BOOL('a', "all", struct cleanup_args, each.all, "All containers that do not run"),
	OPT_BOOL('l', "latest", struct cleanup_args, each.latest, "The newest container"),
	OPT_BOOL(0, "rm", struct cleanup_args, rm, "Remove them too"),
	OPT_BOOL(0, "rmi", struct cleanup_args, rmi, "Remove their images too, with --rm"),
	OPT_BOOL('i', "ignore", struct cleanup_args, each.ignore,
		 "Succeed when a container does not exist"),
	OPT_BOOL(0, "stopped-only", struct cleanup_args, stopped_only,
		 "Leave those alone that run: always so", .hidden = true),
	OPT_END,
};

/* The monitor cleans up by itself, and looking at a container does it for one that was killed. */
static int cleanup_one(struct store *st, struct container *c, const void *arg)
{
	const struct cleanup_args *a = arg;
	const struct remove_options gone = {.volumes = c->rec->auto_remove, .image = a->rmi};
	int r, lock;

	if (container_is_running(c))
		return a->each.all ? 0 : err_new(-CE_BAD_STATE, "it runs; stop it first");
	if (!a->rm) {
		lock = c->dirs.runtime_fd < 0 ? -EBADF : container_monitor_lock(c, NULL);
		r = lock < 0 && lock != -EBADF && lock != -ENOENT ? lock : 0;
		closep(&lock);
		if (r == 0)
			container_event(st, c->rec, "cleanup", NULL);
		return r;
	}
	return container_remove(st, c, &gone);
}

static int cleanup_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct cleanup_args *a = args;
	const struct each e = {.args = &a->each, .verb = "cleanup", .one = cleanup_one, .arg = a};

	if (a->rmi && !a->rm)
		return err_usage("--rmi goes with --rm: an image that has a container stays");
	return each_container(ctx, &e, argc, argv);
}

const struct command cmd_container_cleanup = {
	.name = "cleanup",
	.group = "container",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Make sure that nothing is left of a run that has ended",
	.opts = cleanup_opts,
	.args_size = sizeof(struct cleanup_args),
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = cleanup_run,
};

static int checkpoint_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)ctx;
	(void)args;
	(void)argc;
	(void)argv;
	return err_new(-CE_UNSUPPORTED,
		       "the kernel lets only root of the host write down and restore processes "
		       "(CRIU, CAP_CHECKPOINT_RESTORE): without root this is");
}

const struct command cmd_container_checkpoint = {
	.name = "checkpoint",
	.group = "container",
	.synopsis = "CONTAINER [CONTAINER...]",
	.summary = "Needs root of the host: refused",
	.refused = true,
	.run = checkpoint_run,
};

const struct command cmd_container_restore = {
	.name = "restore",
	.group = "container",
	.synopsis = "CONTAINER [CONTAINER...]",
	.summary = "Needs root of the host: refused",
	.refused = true,
	.run = checkpoint_run,
};

static int runlabel_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	(void)ctx;
	(void)args;
	(void)argc;
	(void)argv;
	return err_new(-CE_UNSUPPORTED,
		       "an image does not say what is run on the host: read its labels with "
		       "inspect and decide yourself. To execute them is");
}

const struct command cmd_container_runlabel = {
	.name = "runlabel",
	.group = "container",
	.synopsis = "LABEL IMAGE [ARG...]",
	.summary = "An image commands nothing on the host: refused",
	.refused = true,
	.run = runlabel_run,
};

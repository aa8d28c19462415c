/* SPDX-License-Identifier: MIT */
/* "cuddy commit": an image of what a container is now. */
#include <stdio.h>
#include <string.h>

#include "cmd/archive_file.h"
#include "cmd/cmd.h"
#include "cmd/image_file.h"
#include "pkg/base/err.h"
#include "pkg/config/containers_conf.h"
#include "pkg/container/commit.h"
#include "pkg/image/push.h"
#include "storage/image_store.h"

struct commit_args {
	const char *author, *format, *iidfile, *message;
	struct strv changes;
	bool pause, quiet, squash, volumes;
	const char *config;
	bool no_pause;
};

static const struct opt commit_opts[] = {
	OPT_STR('a', "author", "NAME", struct commit_args, author, "Set the author of the image"),
	OPT_LIST('c', "change", "INSTRUCTION", struct commit_args, changes,
		 "Apply a Containerfile instruction to the image's configuration"),
	OPT_STR('f', "format", "FORMAT", struct commit_args, format,
		"Format of the image when it is pushed or saved: oci (default) or docker",
		.complete = COMPLETE_WORDS, .words = "oci docker", .strict = true),
	OPT_STR(0, "iidfile", "FILE", struct commit_args, iidfile,
		"Write the id of the image to a file", .complete = COMPLETE_FILE),
	OPT_BOOL(
		0, "include-volumes", struct commit_args, volumes,
		"Make the container's volumes volumes of the image; their content is not included"),
	OPT_STR('m', "message", "TEXT", struct commit_args, message,
		"Set the comment in the image's history"),
	OPT_BOOL('p', "pause", struct commit_args, pause,
		 "Freeze a running container meanwhile, so that its files fit together"),
	OPT_BOOL(0, "no-pause", struct commit_args, no_pause,
		 "Do not freeze it, which is the default", .hidden = true),
	OPT_STR(0, "config", "FILE", struct commit_args, config,
		"Settings of an image's configuration in JSON, over those of the container",
		.complete = COMPLETE_FILE),
	OPT_BOOL('q', "quiet", struct commit_args, quiet, "Print nothing but the image's id"),
	OPT_BOOL('s', "squash", struct commit_args, squash,
		 "Make one layer of the image and the changes"),
	OPT_END,
};

/* What was frozen for this goes on whatever comes of it. */
static int commit_paused(struct store *st, struct container *c, const struct commit_options *o,
			 bool pause, char ret_id[65])
{
	bool freeze = pause && c->state.status == CONMON_RUNNING;
	char words[1024];
	int r = freeze ? container_pause(c, true) : 0, thawed = 0;

	if (r < 0)
		return err_wrap(r, "--pause");
	r = container_commit(st, c, o, ret_id);
	if (freeze) {
		(void)snprintf(words, sizeof(words), "%s", r < 0 ? err_trail() : "");
		c->state.status = CONMON_PAUSED;
		thawed = container_pause(c, false);
		if (r < 0)
			return err_set(r, words);
	}
	return r < 0 ? r : thawed;
}

/* Somewhere else than in the store, where it does not stay then. */
static int write_to(struct store *st, const char *place, const char *id)
{
	const struct transfer_handler quiet = {0};
	const struct push_options o = {.report = &quiet};
	char words[1024];
	int r = image_to_place(st, id, place, &o, false);

	(void)snprintf(words, sizeof(words), "%s", r < 0 ? err_trail() : "");
	if (image_store_remove(st, id, IMAGE_REMOVE_DANGLING) < 0)
		err_drop(); /* it had a name before, or a container */
	return r < 0 ? err_set(r, words) : 0;
}

static int commit_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct commit_args *a = args;
	const char *place = argc > 1 && transport_is_place(argv[1]) ? argv[1] : NULL;
	AUTO(archive_file_drop) struct archive_file iid = ARCHIVE_FILE_INIT;
	struct commit_options o = {.name = argc > 1 && !place ? argv[1] : NULL,
				   .author = a->author,
				   .message = a->message,
				   .config = a->config,
				   .changes = &a->changes,
				   .docker = a->format && strcmp(a->format, "docker") == 0,
				   .squash = a->squash,
				   .volumes = a->volumes};
	struct container c;
	struct store *st;
	char id[65];
	int r = a->pause && a->no_pause ? err_usage("--pause and --no-pause contradict each other")
					: cmd_store_for_images(ctx, &st);

	if (r == 0 && !a->format)
		r = containers_conf_image_format(&o.docker);
	if (r == 0)
		r = container_open(st, argv[0], &c);
	if (r < 0)
		return err_wrap(r, "commit");
	if (a->iidfile)
		r = archive_file_open(&iid, a->iidfile);
	if (r == 0)
		r = commit_paused(st, &c, &o, a->pause, id);
	if (r == 0 && place)
		r = write_to(st, place, id);
	if (r == 0)
		r = archive_file_put(&iid, a->iidfile, id);
	container_done(&c);
	if (r < 0)
		return err_wrap(r, "commit %s", argv[0]);
	(void)puts(id);
	return 0;
}

const struct command cmd_commit = {
	.name = "commit",
	.synopsis = "[OPTIONS] CONTAINER [IMAGE]",
	.summary = "Make an image of a container's changes",
	.opts = commit_opts,
	.args_size = sizeof(struct commit_args),
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_CONTAINER,
	.run = commit_run,
};

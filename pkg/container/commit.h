/* SPDX-License-Identifier: MIT */
/* A container's changes as a layer on top of its image's, and an image of them. */
#pragma once
#include "pkg/container/container.h"

struct commit_options {
	const char *name; /* as typed; NULL: none */
	const char *author, *message;
	const char *config; /* file with settings in JSON, over those of the container; NULL */
	const struct strv *changes; /* Containerfile instructions */
	bool docker; /* pushed and saved as a Docker image unless asked otherwise; else OCI */
	bool squash; /* one layer of all */
	bool volumes; /* what is mounted as a volume becomes a volume of the image */
};

/**
 * container_commit() - the container goes on undisturbed; enters B
 * Its configuration becomes the image's: command, environment, user, labels, ports. A layer holds the
 * files as they were when each was copied.
 */
int container_commit(struct store *st, const struct container *c, const struct commit_options *o,
		     char ret_id[65]);

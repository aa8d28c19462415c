/* SPDX-License-Identifier: MIT */
/*
 * Files into and out of containers. Where things go is docker's rule: DIR/. is what is in DIR, an
 * existing directory takes the source under its name, and what does not exist gets the new name, if
 * the directory above exists.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/image/transfer_client.h"

struct store;

struct copy_end {
	const char *container; /* NULL: the host */
	const char *path; /* as typed; relative to the container's working directory or ours */
	bool stream; /* "-": a tar archive on @fd */
	int fd;
};

struct copy_options {
	bool archive; /* into a container: all belongs to its user; else owners are kept */
	bool overwrite;
	bool keep_link; /* a source that is a link is copied as one */
};

/**
 * copy_files() - from @from to @to, of which one at least is in a container; enters B
 * @h is told what was left out. On the host files belong to the caller and give nobody rights.
 */
int copy_files(struct store *st, const struct copy_end *from, const struct copy_end *to,
	       const struct copy_options *o, const struct transfer_handler *h);

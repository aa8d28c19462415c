/* SPDX-License-Identifier: MIT */
/* Images into files and directories: what save and push to other places than registries share. */
#pragma once
#include "pkg/image/save.h"
#include "pkg/image/transport.h"

/**
 * image_to_output() - @path: the file, which appears when it is whole (NULL: standard output), or the
 * directory, which is made when it is not there and is empty again when it fails
 */
int image_to_output(struct store *st, const struct strv *names, const struct save_options *o,
		    const char *path, const struct transfer_handler *h);

struct push_options;
/** image_to_place() - "push IMAGE TRANSPORT:PATH[:REFERENCE]". @o: of it sign and access do not count. */
int image_to_place(struct store *st, const char *name, const char *place,
		   const struct push_options *o, bool compress);

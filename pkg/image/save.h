/* SPDX-License-Identifier: MIT */
/* Images into archives: the client's side of cuddy-transfer's save. */
#pragma once
#include "pkg/base/strv.h"
#include "pkg/image/transfer_client.h"

/**
 * image_save() - every image that @names name, once, with those of its names that were given
 * @format: docker-archive, oci-archive (@fd: a file or pipe), oci-dir, docker-dir (@fd: an empty
 * directory; docker-dir holds one image). @platform: NULL, or as in image_of_platform().
 */
int image_save(struct store *st, const struct strv *names, const char *format, const char *platform,
	       int fd, const struct transfer_handler *h);

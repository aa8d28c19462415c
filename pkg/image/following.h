/* SPDX-License-Identifier: MIT */
/* A handler of transfers that hears of each image itself, and passes all else on. */
#pragma once
#include "pkg/image/transfer_client.h"

struct following {
	struct transfer_handler h; /* what the transfer is given */
	const struct transfer_handler *up; /* may be NULL */
	void (*image)(struct following *f, const char *reference, const char *id);
};

/** following_init() - @f stays where it is while the transfer runs. @up: whom to pass on to, or NULL. */
void following_init(struct following *f, const struct transfer_handler *up,
		    void (*image)(struct following *f, const char *reference, const char *id));
/** following_pass_image() - for @image, that @up hears of it too. */
void following_pass_image(const struct following *f, const char *reference, const char *id);

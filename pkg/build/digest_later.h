/* SPDX-License-Identifier: MIT */
/*
 * The digest of a new layer. A gigabyte takes most of a second, which nobody needs to wait for before
 * the next step begins. So a layer that turns out to be large is left to a child: it is forked in the
 * middle of the work and goes on where its parent stops, on a tree that nobody writes to any more.
 * The child dies with its parent.
 */
#pragma once
#include <errno.h>
#include <stdint.h>

#include "pkg/archive/tree_tar.h"

struct digest_result;
struct digest_later {
	int pidfd; /* of the child; negative: there is none */
	struct digest_result *result; /* memory that both share */
};
#define DIGEST_LATER_INIT       \
	{                       \
		.pidfd = -EBADF \
	}

struct digest_sizes {
	uint64_t tree, tar; /* as in struct layer_record */
};

/**
 * digest_tree() - of the layer that @tree is
 * @later: NULL, or empty; takes the child.
 * Return: 0; 1: the child in @later goes on with it.
 */
int digest_tree(int tree, const struct tree_tar_options *o, struct digest_later *later,
		char ret[65], struct digest_sizes *ret_sizes);
/** digest_later_wait() - what the child found; there is none afterwards. */
int digest_later_wait(struct digest_later *l, char ret[65], struct digest_sizes *ret_sizes);
/** digest_later_done() - without waiting for what it finds. Safe when there is none. */
void digest_later_done(struct digest_later *l);

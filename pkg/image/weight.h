/* SPDX-License-Identifier: MIT */
/*
 * What each layer of an image adds, and what of it is dead weight: a file that a later layer
 * overwrites or deletes still ships with the image, and can still be read by whoever has it.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "storage/store.h"

struct weight_layer {
	uint64_t bytes; /* of its regular files, hard links once */
	uint64_t dead; /* of these, what a later layer hides */
};

struct weight_file {
	char *path; /* absolute */
	uint64_t bytes;
	unsigned layer; /* 1: the lowest */
	unsigned hidden_by; /* the layer that does; 0: it is there to be seen */
	const char *secret; /* what it looks like; NULL: it is only dead */
};

struct weight {
	struct weight_layer *layers;
	size_t n_layers;
	struct weight_file *files; /* secrets first, then dead ones, the largest first */
	size_t n_files;
};
void weight_done(struct weight *w);

/**
 * weight_of() - look at every file of the layers @diffids, bottom first
 * Enters B. @secrets: read small files, too, for what looks like keys and passwords.
 */
int weight_of(struct store *st, const struct strv *diffids, bool secrets, struct weight *ret);

/* SPDX-License-Identifier: MIT */
/* Is a layer's directory what its archive says? For the operation "check". In B. */
#pragma once
#include "storage/layer.h"

/**
 * layer_check_tree() - compare the tree with the archive that its recipe makes
 * Contents by the digest of what the recipe gives; kinds, modes, owners, links, capabilities and the
 * number of files by the entries in it. A layer made here, without recipe, by its digest alone.
 * Return: 0; -CE_CORRUPT with the first difference as trail; -ENOENT (no trail) when there is only the
 * archive as it was received to compare with; other -code when it cannot be known.
 */
int layer_check_tree(struct store *st, const char *diffid, bool single_id);

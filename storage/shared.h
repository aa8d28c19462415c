/* SPDX-License-Identifier: MIT */
/*
 * Read-only stores of images that many users share: an administrator's, a colleague's, on a local disk
 * or NFS. shared_publish() makes and updates one, storage_conf_stores() says which there are.
 *
 *	DIR/version	"cuddy-shared 1" (a later one is passed over, with a warning)
 *	DIR/images/<id>/…  DIR/refs/<escaped>	as in a store
 *	DIR/layers/<diffid>/{record.json,implied,recipe,blob	as in a store
 *			     meta	every entry: names, owners, modes, links, attributes; where content is
 *			     place}	"<store>/<n>": the layer's part of data/
 *	DIR/data/<store>/<n>/<m>	content of files; all 0644 (and data/ a mark, pkg/sys/overlay_data.h)
 *
 * Everybody who can enter DIR can read all files of its images, whatever modes they have inside. No
 * file there has another mode than 0644, so that a setuid file of an image is nobody's on the host
 * (threats H13).
 *
 * Images there show in listings, and names there are found after one's own. When a layer is needed, a
 * user gets one of his own in layers/: directories, links and empty files with the owners that the
 * image gives them, in his own ids, and for content a pointer into data/ that the kernel follows. So
 * content is neither copied nor cached twice, whatever ranges users have. Where the kernel or the
 * driver cannot do that, the content is copied. layers/<diffid>/shared is a link to DIR in the
 * first case. Such layers go, as all do, when nothing needs them.
 *
 * What is there is the publisher's word: whoever lists DIR trusts him as he trusts a registry without
 * digests. "system check" compares what is used of it with the layers' digests.
 */
#pragma once
#include "storage/layer.h"

/** shared_has() - does one of them have @name in @d (layers, images, refs)? */
bool shared_has(struct store *st, enum store_dir d, const char *name);
/** shared_any() - is there one at all? */
bool shared_any(struct store *st);
/** shared_where() - DIR of the first that has it; NULL. */
const char *shared_where(struct store *st, enum store_dir d, const char *name);
/** shared_read() - a file below @d of the first that has it, added to @out; -ENOENT (no trail). */
int shared_read(struct store *st, enum store_dir d, const char *path, size_t max, struct sbuf *out);
/** shared_names() - what they all have in @d, added to @ret. */
int shared_names(struct store *st, enum store_dir d, struct strv *ret);

/** shared_layer_make() - a layer of our own of one that is there. -ENOENT (no trail): it is nowhere. In B. */
int shared_layer_make(struct store *st, const char *diffid);

/**
 * shared_publish() - images of @st into the store at @dir, which is made when it is not there
 * @ids: of images; their names go with them. What is there already is not copied again. In B.
 */
int shared_publish(struct store *st, const char *dir, const struct strv *ids);

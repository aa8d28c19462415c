/* SPDX-License-Identifier: MIT */
/* Images as users name them: find, pull when wanted, tag, remove. */
#pragma once
#include "pkg/oci/image_config.h"
#include "pkg/oci/reference.h"
#include "pkg/transfer/protocol.h"
#include "storage/image_store.h"

/**
 * image_find() - reference, id or unique id prefix ("sha256:" allowed) to a loaded record
 * @ret_name: reference that matched, malloc'ed, may be NULL; may be given as NULL.
 *
 * A short name is what a pull of it would bring, else what ends like it ("team/app:1" of
 * "registry.example.org/team/app:1"). -CE_NO_IMAGE; -CE_AMBIGUOUS when different images do.
 */
int image_find(struct store *st, const char *name, struct image_record **ret, char **ret_name);
/** image_find_strict() - the same, but a short name is nothing except what a pull of it would bring. */
int image_find_strict(struct store *st, const char *name, struct image_record **ret, char **ret_name);
/** image_resolve() - only which one it is, also when its record is damaged. @ret_name: the reference that matched, malloc'ed; NULL when it was found by its id. */
int image_resolve(struct store *st, const char *name, char ret_id[65], char **ret_name);
/** image_resolve_strict() - as image_find_strict(). */
int image_resolve_strict(struct store *st, const char *name, char ret_id[65], char **ret_name);

/** image_tags_of() - of its names those with a tag; the others are "host/path@digest". */
void image_tags_of(const struct strv *names, struct strv *ret);
/** image_tags_in() - every "host/path:tag" of the repository @name, sorted; -CE_NO_IMAGE when there is none. Usage error for a name with a tag. */
int image_tags_in(struct store *st, const char *name, struct strv *ret);
/**
 * image_manifest_of() - digest of the manifest that @name (as image_resolve() matched it, NULL: by id)
 * stands for, malloc'ed; NULL for an image without a manifest.
 */
char *image_manifest_of(struct store *st, const struct image_record *rec, const char *name);

struct transfer_handler; /* transfer_client.h */

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER, PULL_NEWER };

struct pull_options {
	enum pull_policy policy;
	bool all_tags;
	bool look; /* image_pull(): only say which image it is there; nothing changes here */
	bool strict; /* image_ensure(): as image_find_strict() */
	struct transfer_access access;
	const char *platform; /* "os/arch[/variant]" or NULL */
	const char *signature_policy; /* file instead of the usual policy.json, or NULL */
	/*
	 * DIGEST_TEXT_MAX bytes, or NULL. The manifest or index that the name's tag is to stand for, whatever the
	 * registry says by now; with "" it gets what the tag stands for. Only of image_pull() from registries.
	 */
	char *tag_digest;
	/* Told of progress, warnings and each image that arrived (all_tags: several); may be NULL. */
	const struct transfer_handler *report;
};

/** image_pull() - through cuddy-transfer; returns the id of what the name now points at. */
int image_pull(struct store *st, const char *name, const struct pull_options *o, char ret_id[65]);
/**
 * image_part() - of an image in a registry only the config, and those of its layers that @layers names
 * They come into the store, where nothing names them: somebody hold a lease on them.
 */
int image_part(struct store *st, const char *name, const struct strv *layers,
	       const struct pull_options *o, struct sbuf *ret_config);
/** image_ensure() - image_find() or, with @o->strict, image_find_strict(), with a pull as @o->policy says. */
int image_ensure(struct store *st, const char *name, const struct pull_options *o,
		 struct image_record **ret, char **ret_name);

/* SPDX-License-Identifier: MIT */
/* Manifest lists as users make them: entries, what they say of each, and where it all goes. */
#pragma once
#include "pkg/image/image.h"
#include "pkg/image/push.h"
#include "storage/list_store.h"

/** list_find() - by name or by its id, or a unique beginning of that; -CE_NO_LIST. */
int list_find(struct store *st, const char *typed, struct list_record *ret);

/** list_is() - is there one of that name? Leaves the trail as it is. */
bool list_is(struct store *st, const char *typed);

/* What is said of an entry, or of the list; NULL and empty: left as it is. */
struct list_words {
	const char *arch, *os, *variant, *os_version;
	struct strv features, os_features;
	struct strv annotations; /* "k=v" */
};
struct list_source;
/** list_subject() - say what the list is about: descriptor of what @s names. */
int list_subject(struct store *st, const char *typed, const struct list_source *s, char ret_id[65]);

/** list_create() - an empty list. @amend: one that is there is taken as it is. */
int list_create(struct store *st, const char *typed, bool amend, const struct strv *annotations,
		char ret_id[65]);

struct list_source {
	const char *
		image; /* local image or list, else a registry's; docker:// and containers-storage: decide */
	bool all; /* every entry when it is a list itself, not only the one for the platform */
	struct list_words words;
	struct transfer_access access;
	const struct transfer_handler *report; /* may be NULL */
};
/** list_add() - an entry (or several) more; one with the same digest is replaced. */
int list_add(struct store *st, const char *typed, const struct list_source *s, char ret_id[65]);

/**
 * list_add_artifact() - files become an artifact that is an entry of the list
 * @o: of it annotations and subject are not read. @subject: image or list it is about, as in @s->image; NULL: none.
 * Of @s the words, access and report count.
 */
struct artifact_add;
int list_add_artifact(struct store *st, const char *typed, char *const *files, int n,
		      const struct artifact_add *o, const char *subject,
		      const struct list_source *s, char ret_id[65]);

/**
 * list_copy() - a new list that is to the last byte the one a registry has under @s->image
 * Return: 1 (and there is none) when that is no list.
 */
int list_copy(struct store *st, const char *typed, const struct list_source *s, char ret_id[65]);
/* What a registry has under a name. */
struct list_remote {
	struct sbuf raw, config; /* its very bytes; of an image its config */
	char *name, *media_type, *digest; /* "host/path" */
};
#define LIST_REMOTE_INIT                                   \
	{                                                  \
		.raw = SBUF_INIT, .config = SBUF_INIT      \
	}
int list_remote(const char *typed, const struct transfer_access *a, struct list_remote *ret);
void list_remote_done(struct list_remote *r);

/** list_annotate() - @entry: digest or name of an image in it; NULL: the list itself. */
int list_annotate(struct store *st, const char *typed, const char *entry,
		  const struct list_words *w, char ret_id[65]);
int list_drop(struct store *st, const char *typed, const char *digest, char ret_id[65]);
/** list_remove() - the list, not the images. @ret: what it was. */
int list_remove(struct store *st, const char *typed, struct list_record *ret);

/**
 * list_inspect() - the index of a local list, or what a registry has under that name
 * @ret_single: what is there is no list but one image's manifest.
 */
int list_inspect(struct store *st, const char *typed, const struct transfer_access *a,
		 struct json_object **ret, bool *ret_single);

/** list_inspect_verbose() - an array with the manifest of each image of a list; of what is none, one object. */
int list_inspect_verbose(struct store *st, const char *typed, const struct transfer_access *a,
			 struct json_object **ret);

struct list_push_options {
	bool all;
	const struct strv *mount_from; /* as push_options has it */
	const char *add_compression;
	struct transfer_form form;
	struct transfer_access access;
	struct sign_options sign;
	const struct transfer_handler *report;
};
int list_push(struct store *st, const char *typed, const char *destination,
	      const struct list_push_options *o);

/**
 * list_choose() - the image of a local list for a platform (NULL: this machine's)
 * @ret_id: of this store, "" when it is elsewhere; then @ret_remote is its name there, malloc'ed, and
 * @ret_insecure how it was asked for. -CE_NO_LIST.
 */
int list_choose(struct store *st, const char *typed, const char *platform, char ret_id[65],
		char **ret_remote, bool *ret_insecure);
/** list_entry_of() - the digest of that entry, malloc'ed, and its image's id, "" when that is not here. */
int list_entry_of(struct store *st, const char *typed, const char *platform, char ret_id[65],
		  char **ret_digest);

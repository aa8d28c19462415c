/* SPDX-License-Identifier: MIT */
/* Artifacts as users name them. Needs no namespace. */
#pragma once
#include "pkg/image/push.h"
#include "storage/artifact_store.h"

struct json_object;

/** artifact_find() - by name, digest, or a unique beginning of that of six digits; -CE_NO_ARTIFACT. */
int artifact_find(struct store *st, const char *typed, struct artifact_record *ret);

struct artifact_add {
	bool append; /* to one that is there */
	bool replace; /* instead of one that is there */
	const char *type; /* of the artifact */
	const char *file_type; /* media type of the files, NULL: by their first bytes */
	const struct strv *annotations; /* of the files, "k=v" */
	const char *config, *config_type; /* a file; NULL: the empty config */
	bool no_titles; /* the files have no names in it */
	bool undated; /* the same files give the same manifest */
	struct json_object *subject; /* descriptor of what it is about; NULL: nothing */
};
/** artifact_add() - files of the host under a name. @ret: as it is now. */
int artifact_add(struct store *st, const char *typed, char *const *files, int n,
		 const struct artifact_add *o, struct artifact_record *ret);
/**
 * artifact_manifest() - the same without a name: blobs, and the manifest as text
 * For the time until something names them hold artifact_store_hold(). @ret_type: its artifactType, malloc'ed.
 */
int artifact_manifest(struct store *st, char *const *files, int n, const struct artifact_add *o,
		      struct sbuf *ret_text, char **ret_type);
/** artifact_inspect() - {Manifest, Name, Digest}. */
int artifact_inspect(struct store *st, const char *typed, struct json_object **ret);
/** artifact_rows() - for tables and templates. */
int artifact_rows(struct store *st, bool no_trunc, struct json_object **ret);
/** artifact_put_told() - artifact_store_put(), and the event: "create" or "pull". */
int artifact_put_told(struct store *st, const char *status, const struct artifact_record *r);
int artifact_remove(struct store *st, const char *typed, struct artifact_record *ret);

/* Which of its files; NULL both: all. */
struct artifact_pick {
	const char *digest, *title;
};
/**
 * artifact_extract() - into the directory @target by their titles, or one file as @target
 * A title that is more than a file name is refused: it comes from elsewhere.
 */
int artifact_extract(struct store *st, const char *typed, const char *target,
		     const struct artifact_pick *p);

/**
 * artifact_files() - those that @p picks: where they lie on the host, for everybody to read, and their names
 * The names are those of artifact_extract(). -CE_NO_OBJECT when there is none.
 */
int artifact_files(struct store *st, const char *typed, const struct artifact_pick *p,
		   struct strv *ret_paths, struct strv *ret_names);

int artifact_pull(struct store *st, const char *typed, const struct transfer_access *a,
		  const char *policy, const struct transfer_handler *h,
		  struct artifact_record *ret);
/** artifact_push() - @ret_digest: malloc'ed. */
int artifact_push(struct store *st, const char *typed, const char *destination,
		  const struct transfer_access *a, const struct sign_options *sign,
		  const struct transfer_handler *h, char **ret_digest);

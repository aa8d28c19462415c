/* SPDX-License-Identifier: MIT */
/* For manifest_list.c: what the operand of "add" stands for. */
#pragma once
#include "pkg/image/manifest_list.h"
#include "pkg/oci/manifest.h"

struct found_manifest {
	char *media_type, *digest;
	uint64_t size;
	struct platform platform;
	struct strv annotations;
	char *artifact_type;
	char *image; /* id of this store, or NULL */
	char *artifact; /* else the manifest of one that only this list has, or NULL */
	char *source; /* else "host/path" */
	bool insecure;
};
struct found_manifests {
	struct found_manifest *v;
	size_t n;
};
void found_manifest_done(struct found_manifest *f);
void found_manifests_done(struct found_manifests *f);

/** found_manifests() - the image, or of a list the entry for the platform or all of them. May ask a registry. */
int found_manifests(struct store *st, const struct list_source *s, struct found_manifests *ret);
/** found_in_list() - the entry of a local list for a platform. */
int found_in_list(const struct list_record *rec, const char *platform, struct found_manifest *ret);
/**
 * manifests_under() - what a local list has, or a registry under that name, all of it
 * @ret_name: in full, malloc'ed. @ret_list: it is a list. Images of this store without one are not looked at.
 */
int manifests_under(struct store *st, const struct list_source *s, struct found_manifests *ret,
		    char **ret_name, bool *ret_list);
/** manifest_bytes() - of "host/path@digest" at a registry. */
int manifest_bytes(const char *name, const struct transfer_access *a, struct sbuf *ret);
/** found_digest() - of an entry as a user names it: a digest, or an image of this store. */
int found_digest(struct store *st, const char *entry, char **ret);

/** list_name_of() - of a list that is here, as typed: its full name, malloc'ed. */
int list_name_of(struct store *st, const char *typed, char **ret);
/** list_put_entries() - more of them, or others in the place of those with the same digest; @w is said of each. */
int list_put_entries(struct store *st, const char *name, const struct found_manifests *found,
		     const struct list_words *w, char ret_id[65]);

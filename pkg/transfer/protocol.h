/* SPDX-License-Identifier: MIT */
/*
 * What cuddy and cuddy-transfer say to each other over one SOCK_SEQPACKET pair (wire.h encoding).
 *
 *	cuddy → transfer   one request, with the descriptors the operation wants (an archive …)
 *	transfer → cuddy   any number of progress, message and image events, then one end
 *	                   at most once "base", which cuddy answers with a descriptor of B
 *
 * Closing the socket is the way to cancel: transfer undoes what is half done and exits. Its death
 * without an end event is an error (-CE_PROTOCOL). Both ends are of one build; the version is there
 * to turn a mixed installation into one clear line.
 *
 * To add an operation: a value in enum transfer_op, its body below, one file with
 * transfer_op_<name>() in this folder, one row in the table of main.c.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/wire.h"

#define TRANSFER_FD 0 /* the program's end of the pair is its stdin */
#define TRANSFER_VERSION 1
#define TRANSFER_MESSAGE_MAX (64 * 1024)
#define TRANSFER_FDS_MAX 4

enum transfer_op {
	TRANSFER_PULL = 1,
	TRANSFER_LOAD,
	TRANSFER_IMPORT,
	TRANSFER_FETCH,
	TRANSFER_UNPACK,
	TRANSFER_LOGIN,
	TRANSFER_UNTAR,
	TRANSFER_PUSH,
	TRANSFER_SAVE,
	TRANSFER_SEARCH,
	TRANSFER_CHECK,
	TRANSFER_MANIFEST,
	TRANSFER_PREPARE,
	TRANSFER_PUSH_LIST,
	TRANSFER_ARTIFACT_PULL,
	TRANSFER_ARTIFACT_PUSH,
	TRANSFER_SIGN
};

enum transfer_event {
	TRANSFER_EV_PROGRESS = 1,
	TRANSFER_EV_MESSAGE,
	TRANSFER_EV_IMAGE,
	TRANSFER_EV_BASE,
	TRANSFER_EV_END
};

enum transfer_state {
	TRANSFER_WAITING, /* for a slot, or for another process that fetches the same */
	TRANSFER_RUNNING,
	TRANSFER_DONE,
	TRANSFER_EXISTS, /* was here already */
};

/* Everything an operation needs of the caller's world; strings point into the message. */
struct transfer_request {
	uint32_t op;
	const char *root, *runroot; /* of the store, absolute */
	bool single_id; /* B maps one id only */
	bool in_base; /* the process was started in B, or has nothing to do there */
	bool user_side; /* the last descriptor is a line to the user's side (user_side.h) */
	const void *body; /* the operation's own fields, encoded */
	size_t body_n;
};

struct transfer_progress {
	uint32_t item; /* 0 … in the order they should be shown */
	uint32_t state; /* enum transfer_state */
	const char *label; /* "Copying blob 2ab0…" without the verb: a short digest, a name */
	uint64_t done, total; /* bytes; total 0: not known */
};

/* How registries are talked to: a part of several bodies. */
struct transfer_access {
	int tls_verify; /* -1: by configuration, 0, 1 */
	const char *authfile, *cert_dir, *creds;
	uint32_t retries, retry_delay_s;
};

/* Body of TRANSFER_PULL. */
struct transfer_pull {
	const char *name; /* as the user typed it */
	bool all_tags;
	bool look; /* only say which image it is there: nothing comes into the store */
	/*
	 * Not the image but these of its layers, diffIDs with a comma between; "" for none of them. One
	 * descriptor: a file that gets the config. Nothing names what came.
	 */
	const char *part;
	struct transfer_access access;
	const char *platform; /* "os/arch[/variant]" or NULL */
	const char *policy; /* file instead of the usual policy.json, or NULL */
	const char *tag_digest; /* the tag stands for this manifest or index, whatever it stands for now; NULL */
	bool tell_digest; /* an image event without id beforehand: "host/path@digest" that the tag stands for */
};

/* Body of TRANSFER_UNTAR; two descriptors: the archive, and the directory to extract into. No store. */
struct transfer_untar {
	bool overwrite, single_id, has_owner;
	uint32_t uid, gid; /* has_owner: of all */
	bool create_as; /* userns_create_as() these first */
	uint32_t as_uid, as_gid;
	const void *uids, *gids; /* else arrays of struct tree_ids */
	size_t uids_n, gids_n; /* bytes */
};

/* Body of TRANSFER_LOGIN: are these credentials good? Touches no store. */
struct transfer_login {
	const char *name; /* "host/path" of any repository there */
	struct transfer_access access; /* without creds */
	const char *user, *password, *identity_token;
};

/* Body of TRANSFER_LOAD; one descriptor: the archive or directory. */
struct transfer_load {
	bool layers; /* only the layers; one more descriptor, a file that gets the config of the last image */
	/*
	 * Only that one. Of a layout: tag or digest, "" for that of the platform. Of a docker-archive:
	 * reference or "@index". NULL: all.
	 */
	const char *entry;
	const char *platform; /* "os/arch[/variant]" or NULL */
	const char *policy;
	const char *path; /* absolute, where it was opened: scopes of policy.json; NULL: not known */
	const char *event; /* what is told of each image that is put; NULL: nothing */
};

/*
 * TRANSFER_UNPACK has no body; one descriptor: an archive, which becomes a layer that belongs to no
 * image. Its diffID comes back as the id of an image event.
 */

/* Body of TRANSFER_IMPORT; one descriptor: the archive. */
struct transfer_import {
	const char *reference; /* full, checked; NULL: no name */
	const char *config; /* the image config's "config" object, JSON */
	const char *comment; /* of its history; NULL: none */
	const char *platform;
};

void transfer_request_put(struct sbuf *b, const struct transfer_request *q);
/** transfer_request_get() - -CE_PROTOCOL with the reason when it is not one of ours. */
int transfer_request_get(const void *p, size_t n, struct transfer_request *ret);

void transfer_pull_put(struct sbuf *b, const struct transfer_pull *p);
int transfer_pull_get(const struct transfer_request *q, struct transfer_pull *ret);

/* How images are written elsewhere: a part of several bodies. NULL, 0: as they are. */
struct transfer_form {
	const char *format; /* "oci", "docker" */
	const char *compression; /* "gzip", "zstd", "none" */
	uint32_t level; /* 0: the default */
	bool mild; /* nobody asked for it now: what is only elsewhere goes as it is */
};

/* How what is pushed gets signed: a part of several bodies. */
struct transfer_sign {
	bool simple; /* by the user's side */
	const char *sigstore_key; /* file, or NULL */
	const char *passphrase_file; /* of that key */
	const char
		*directory; /* simple: put there, not where registries.d says; absolute, or NULL */
};

/*
 * Body of TRANSFER_PUSH; its image events have the names it went to, and for an id the digest of the
 * manifest.
 */
struct transfer_push {
	const char *id; /* of the image */
	const char *manifest; /* digest of the manifest to send; NULL: one is made */
	const char *destination; /* full reference */
	const char *more_tags; /* it gets beside, with a comma between; NULL: none. Not with @sign */
	const char *mount_from; /* "host/path" of who may have its layers, with a comma between; NULL: none */
	struct transfer_form form;
	struct transfer_access access;
	struct transfer_sign sign;
};

/*
 * Body of TRANSFER_SAVE; one descriptor: the file or the empty directory. Its image events have the
 * digests of manifests, where the kind has them.
 */
struct transfer_save_image {
	const char *id; /* NULL: @artifact */
	const char *manifest; /* digest; NULL: the first it came with, if any */
	const char *artifact; /* its manifest; its files are blobs of the store */
	const char **names; /* full references */
	unsigned n_names;
};
struct transfer_save {
	const char *kind; /* docker-archive, oci-archive, oci-dir or docker-dir */
	struct transfer_form form; /* of manifests and layers */
	bool plain; /* manifests that have to be made have layers that are not compressed */
	struct transfer_save_image *images;
	unsigned n_images;
	/* A list of all of these, instead of each by itself; of OCI's layouts only. */
	const char *index; /* its document: of each image, in their order, an entry; NULL: no list */
	const char *index_annotations; /* of what names it, a JSON object; may be NULL */
	const char **index_names;
	unsigned n_index_names;
};

/* Body of TRANSFER_CHECK; see op_check.c. */
struct transfer_check {
	const char *layer; /* diffID of one to make anew; NULL: look at all */
};

void transfer_check_put(struct sbuf *b, const struct transfer_check *c);
int transfer_check_get(const struct transfer_request *q, struct transfer_check *ret);
void transfer_save_put(struct sbuf *b, const struct transfer_save *s);
/** transfer_save_get() - @ret is released by transfer_save_done(), also after a failure. */
int transfer_save_get(const struct transfer_request *q, struct transfer_save *ret);
void transfer_save_done(struct transfer_save *s);
/*
 * Body of TRANSFER_SEARCH. Its image events are the repositories: full name, and for an id what is
 * known of it as a JSON object; or, of @tags, full name and one tag each. Touches no store.
 */
struct transfer_search {
	const char *name; /* host/repository, host/beginning of one, or host/ */
	bool tags; /* list the tags of the repository */
	uint32_t limit;
	struct transfer_access access;
};

/*
 * Body of TRANSFER_FETCH; one descriptor, a file that gets what the URL gives. Its image event: where
 * it came from, and for an id "<Last-Modified as RFC 3339> <strong entity tag>", either "-" when there is none.
 * With @known_etag or @known_modified_ns nothing is fetched, it is only asked whether it is still that: the id is
 * "same" or "other". Touches no store.
 */
struct transfer_fetch {
	const char *url; /* http or https */
	uint64_t max_bytes;
	int tls_verify; /* 0: certificates are not looked at */
	const char *known_etag; /* NULL or "": none */
	int64_t known_modified_ns; /* 0: none */
};
#define TRANSFER_ETAG_MAX 255
/** transfer_etag_is_strong() - an entity tag of RFC 9110 §8.8.3 that stands for each single byte. */
bool transfer_etag_is_strong(const char *s);
void transfer_fetch_put(struct sbuf *b, const struct transfer_fetch *f);
int transfer_fetch_get(const struct transfer_request *q, struct transfer_fetch *ret);

void transfer_search_put(struct sbuf *b, const struct transfer_search *s);
int transfer_search_get(const struct transfer_request *q, struct transfer_search *ret);
void transfer_push_put(struct sbuf *b, const struct transfer_push *p);
int transfer_push_get(const struct transfer_request *q, struct transfer_push *ret);
void transfer_login_put(struct sbuf *b, const struct transfer_login *l);
int transfer_login_get(const struct transfer_request *q, struct transfer_login *ret);

void transfer_load_put(struct sbuf *b, const struct transfer_load *l);
int transfer_load_get(const struct transfer_request *q, struct transfer_load *ret);
void transfer_import_put(struct sbuf *b, const struct transfer_import *i);
int transfer_import_get(const struct transfer_request *q, struct transfer_import *ret);
void transfer_untar_put(struct sbuf *b, const struct transfer_untar *u);
int transfer_untar_get(const struct transfer_request *q, struct transfer_untar *ret);

/*
 * Body of TRANSFER_MANIFEST: what a registry has under a name, without keeping it. Touches no store.
 * Two descriptors, empty files: the first gets the manifest or index, the second the config of an
 * image. Its image event has "host/path@digest", and for an id the media type.
 */
struct transfer_manifest {
	const char *name; /* as the user typed it */
	struct transfer_access access;
};
/* Body of TRANSFER_PREPARE: an image that was made here gets a manifest; its digest is the id of the event. */
struct transfer_prepare {
	const char *id;
};
/* Body of TRANSFER_PUSH_LIST; its image event has the name it went to and the digest of the index. */
struct transfer_push_list {
	const char *list; /* full reference of the list in the store */
	const char *destination;
	bool all; /* the images too, not only the list */
	const char *mount_from; /* as of transfer_push */
	const char *add_compression; /* each image once more, so; NULL */
	struct transfer_form form;
	struct transfer_access access;
	struct transfer_sign sign;
};
/*
 * Body of TRANSFER_ARTIFACT_PULL and _PUSH. Touches no store but by its two descriptors: the directory
 * of blobs, and a file with the manifest, or for it. The image event has the name, and for an id the
 * digest; of a pull, and the media type.
 */
struct transfer_artifact {
	const char *name; /* pull: as typed; push: the destination in full */
	const char *media_type; /* push */
	const char *policy; /* pull */
	struct transfer_access access;
	struct transfer_sign sign; /* push */
};
/*
 * Body of TRANSFER_SIGN: simple signatures for what is at a registry already. Touches no store.
 */
struct transfer_sign_image {
	const char *name; /* full reference, which the signature will state */
	const char *digest; /* of its manifest; NULL: what the registry has */
	bool all; /* of a list at the registry the images, not the list */
	struct transfer_access access;
	struct transfer_sign sign;
};
void transfer_sign_image_put(struct sbuf *b, const struct transfer_sign_image *s);
int transfer_sign_image_get(const struct transfer_request *q, struct transfer_sign_image *ret);
void transfer_artifact_put(struct sbuf *b, const struct transfer_artifact *a);
int transfer_artifact_get(const struct transfer_request *q, struct transfer_artifact *ret);
void transfer_manifest_put(struct sbuf *b, const struct transfer_manifest *m);
int transfer_manifest_get(const struct transfer_request *q, struct transfer_manifest *ret);
void transfer_prepare_put(struct sbuf *b, const struct transfer_prepare *p);
int transfer_prepare_get(const struct transfer_request *q, struct transfer_prepare *ret);
void transfer_push_list_put(struct sbuf *b, const struct transfer_push_list *p);
int transfer_push_list_get(const struct transfer_request *q, struct transfer_push_list *ret);

/* Events: writers for transfer … */
void transfer_put_progress(struct sbuf *b, const struct transfer_progress *p);
void transfer_put_message(struct sbuf *b, bool warning, const char *text);
void transfer_put_image(struct sbuf *b, const char *reference, const char *id);
void transfer_put_base(struct sbuf *b);
void transfer_put_end(struct sbuf *b, int code, const char *trail);

/* … and the one reader. Strings point into the message. */
struct transfer_message {
	enum transfer_event event;
	struct transfer_progress progress;
	bool warning;
	const char *text; /* message, or the trail of an end */
	const char *reference, *id; /* image; reference may be NULL */
	int code; /* end: 0 or a negative code */
};
int transfer_message_get(const void *p, size_t n, struct transfer_message *ret);

/* SPDX-License-Identifier: MIT */
/*
 * Save: images into one archive or directory. A docker-archive holds the layers as plain tars, the
 * config and a list; the layout of OCI and the directory of the "dir" transport hold manifests, and
 * layers as they were received where that can be, so that their digests stay.
 */
#include <string.h>

#include "pkg/archive/hash.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/outgoing.h"
#include "pkg/transfer/pack.h"
#include "storage/artifact_store.h"
#include "storage/attestation.h"

#define REF_NAME "org.opencontainers.image.ref.name"

struct save {
	struct transfer_ctx *ctx;
	struct transfer_save args;
	struct pack pack;
	struct json_object *list; /* manifest.json's array, or index.json's manifests */
	struct json_object *index, *entries; /* of a list that all images are of */
	unsigned n_entries; /* that are filled in */
	uint32_t items; /* told of so far */
};

static void report(struct save *s, const char *hex, uint64_t size, enum transfer_state state)
{
	char label[16] = "";
	struct transfer_progress p = {
		.item = s->items, .state = state, .label = label, .done = size, .total = size};

	memcpy(label, hex, 12);
	report_progress(s->ctx, &p);
	if (state == TRANSFER_DONE)
		s->items++;
}

/* --- docker-archive ---------------------------------------------------------------------------- */

static int add_tar(struct save *s, struct outgoing *o, const char *diffid, const char *name)
{
	struct out *out = NULL;
	uint64_t size;
	int r;

	if (pack_has(&s->pack, name, 0))
		return 0;
	report(s, diffid, 0, TRANSFER_RUNNING);
	r = layer_tar_size(o->store, diffid, s->ctx->req.single_id, &size);
	if (r == 0)
		r = pack_member(&s->pack, name, size, &out);
	if (r == 0)
		r = layer_tar(o->store, diffid, s->ctx->req.single_id, out);
	if (r == 0)
		report(s, diffid, size, TRANSFER_DONE);
	return r;
}

static int save_docker(struct save *s, struct outgoing *o, const struct strv *names)
{
	struct json_object *entry = json_object_new_object();
	AUTO_FREE char *config = xasprintf("%s.json", o->rec->id);
	AUTO_STRV struct strv layers = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->rec->diffids.n; i++) {
		strv_addf(&layers, "%s.tar", o->rec->diffids.v[i]);
		r = transfer_cancelled(s->ctx);
		if (r == 0)
			r = add_tar(s, o, o->rec->diffids.v[i], layers.v[i]);
	}
	if (r == 0 && !pack_has(&s->pack, config, 0))
		r = pack_bytes(&s->pack, config, o->rec->config, o->rec->config_len);
	json_set_str(entry, "Config", config);
	json_set(entry, "RepoTags", names->n ? json_from_strv(names) : NULL);
	json_set(entry, "Layers", json_from_strv(&layers));
	(void)json_object_array_add(s->list, entry);
	return r;
}

/* --- by digest --------------------------------------------------------------------------------- */

static bool is_layout(const struct save *s)
{
	return strncmp(s->args.kind, "oci", 3) == 0;
}

static char *blob_name(const struct save *s, const char *digest)
{
	return is_layout(s) ? xasprintf("blobs/%.6s/%s", digest, digest_hex(digest))
			    : xstrdup(digest_hex(digest));
}

static int add_blob(struct save *s, const struct layer_blob *b)
{
	AUTO_FREE char *name = blob_name(s, b->digest);
	int r;

	if (strncmp(b->digest, "sha256:", 7) != 0)
		return err_new(-CE_UNSUPPORTED, "digest %.80s in an archive", b->digest);
	if (pack_has(&s->pack, name, b->size))
		return 0;
	report(s, digest_hex(b->digest), b->size, TRANSFER_RUNNING);
	r = pack_file(&s->pack, name, b->fd, b->size);
	if (r == 0)
		report(s, digest_hex(b->digest), b->size, TRANSFER_DONE);
	return r;
}

static int add_made(void *data, unsigned i, const struct layer_blob *b)
{
	(void)i;
	return add_blob(data, b);
}

/* Return: 1 when a layer cannot be had as the manifest says. */
static int add_as_is(struct save *s, struct outgoing *o)
{
	const struct manifest *m = &o->manifest;

	for (unsigned i = 0; i < m->n_layers; i++) {
		struct layer_blob b = {.fd = -EBADF};
		int r = transfer_cancelled(s->ctx);

		if (r == 0)
			r = layer_blob_as(o->store, o->rec->diffids.v[i], s->ctx->req.single_id,
					  m->layers[i].digest, m->layers[i].size, &b);
		if (r == 0)
			r = add_blob(s, &b);
		layer_blob_done(&b);
		if (r == -ENOENT)
			return 1;
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_document(struct save *s, const char *digest, const void *bytes, size_t n)
{
	AUTO_FREE char *name = blob_name(s, digest);

	return pack_has(&s->pack, name, n) ? 0 : pack_bytes(&s->pack, name, bytes, n);
}

/* The entry that had the name before; one without a name is replaced by its equal only. */
static void forget_entry(struct json_object *list, const char *name, const char *digest)
{
	for (size_t i = json_object_array_length(list); i-- > 0;) {
		struct json_object *d = json_object_array_get_idx(list, i), *a = NULL;
		const char *had = NULL, *had_digest = NULL;

		if (json_get_obj(d, "annotations", &a) < 0 ||
		    (a && json_get_str(a, REF_NAME, &had) < 0) ||
		    json_get_str(d, "digest", &had_digest) < 0)
			err_drop();
		if (name ? had && strcmp(had, name) == 0
			 : !had && had_digest && strcmp(had_digest, digest) == 0)
			(void)json_object_array_del_idx(list, i, 1);
	}
}

static void describe(struct json_object *d, const char *media_type, const char *digest, size_t n)
{
	json_set_str(d, "mediaType", media_type);
	json_set_str(d, "digest", digest);
	json_set_i64(d, "size", (int64_t)n);
}

/* @annotations: of the entry, taken over; may be NULL. */
static void list_entry(struct save *s, const char *media_type, const char *digest, size_t n,
		       const char *name, struct json_object *annotations)
{
	struct json_object *d = json_object_new_object();

	forget_entry(s->list, name, digest);
	describe(d, media_type, digest, n);
	if (name) {
		if (!annotations)
			annotations = json_object_new_object();
		json_set_str(annotations, REF_NAME, name);
	}
	if (annotations)
		json_set(d, "annotations", annotations);
	(void)json_object_array_add(s->list, d);
}

static void list_manifest(struct save *s, const struct outgoing *o, const struct strv *names)
{
	if (s->index) {
		describe(json_object_array_get_idx(s->entries, s->n_entries++), o->media_type,
			 o->digest, o->manifest_raw.len);
		return;
	}
	for (size_t i = 0; i < names->n; i++)
		list_entry(s, o->media_type, o->digest, o->manifest_raw.len, names->v[i], NULL);
	if (!names->n)
		list_entry(s, o->media_type, o->digest, o->manifest_raw.len, NULL, NULL);
}

/* What the "dir" transport has beside its manifest and version: blobs, lists' manifests, signatures. */
static bool is_of_dir(const char *name)
{
	size_t hex = strspn(name, "0123456789abcdef");
	const char *rest = name + (hex == 64 ? hex : 0);

	if (hex == 64 && (!*rest || strcmp(rest, ".manifest.json") == 0))
		return true;
	rest += hex == 64 && *rest == '-';
	if (strncmp(rest, "signature-", 10) != 0 || !rest[10])
		return false;
	return strspn(rest + 10, "0123456789") == strlen(rest + 10);
}

/* One image is there at a time: another one's files, and signatures of it, are of no use any more. */
static int put_in_place(struct save *s, const struct outgoing *o)
{
	int r = pack_commit(&s->pack, "manifest.json", o->manifest_raw.s, o->manifest_raw.len);

	if (r == 0)
		pack_forget_others(&s->pack, is_of_dir);
	return r;
}

static int save_by_digest(struct save *s, struct outgoing *o, const struct strv *names,
			  const struct transfer_form *form, bool as_is)
{
	AUTO_FREE char *config = xasprintf("sha256:%s", o->rec->id);
	int r = as_is ? add_as_is(s, o) : 1;

	if (r == 1 && as_is)
		report_message(s->ctx, true,
			       "the layers were not kept as they were received; the digest of what "
			       "is saved differs from that of what was pulled");
	if (r == 1)
		r = outgoing_make(o, form, add_made, s);
	if (r == 0)
		r = add_document(s, config, o->rec->config, o->rec->config_len);
	if (r < 0)
		return r;
	if (!s->index)
		report_image(s->ctx, names->n ? names->v[0] : NULL, o->digest);
	if (!is_layout(s))
		return put_in_place(s, o);
	r = add_document(s, o->digest, o->manifest_raw.s, o->manifest_raw.len);
	list_manifest(s, o, names);
	return r;
}

/* --- all --------------------------------------------------------------------------------------- */

/* What the layout lists already stays listed. */
static int continue_layout(struct save *s)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_JSON struct json_object *doc = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct json_object *list = NULL;
	int r = pack_read(&s->pack, "index.json", MANIFEST_BYTES_MAX, &text);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = manifest_parse(text.s, text.len, MEDIA_OCI_INDEX, &m);
	if (r == 0)
		r = json_parse(text.s, text.len, &doc);
	if (r == 0)
		r = json_get_arr(doc, "manifests", &list);
	if (r < 0)
		return err_wrap(r, "index.json");
	json_putp(&s->list);
	s->list = json_object_get(list);
	return 0;
}

static int begin(struct save *s)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	static const char version[] = "Directory Transport Version: 1.1\n";
	int r = pack_begin(&s->pack, s->ctx->fds[0]);

	s->list = json_object_new_array();
	if (r < 0 || strcmp(s->args.kind, "docker-archive") == 0)
		return r;
	if (!is_layout(s))
		return pack_keep(&s->pack, "version", version, sizeof(version) - 1);
	r = pack_keep(&s->pack, "oci-layout", layout, sizeof(layout) - 1);
	if (r == 0 && !s->pack.tar)
		r = continue_layout(s);
	if (r == 0)
		r = pack_dir(&s->pack, "blobs");
	return r == 0 ? pack_dir(&s->pack, "blobs/sha256") : r;
}

static int end(struct save *s)
{
	AUTO_JSON struct json_object *index = json_object_new_object();
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = 0;

	if (is_layout(s)) {
		json_set_i64(index, "schemaVersion", 2);
		json_set_str(index, "mediaType", MEDIA_OCI_INDEX);
		json_set(index, "manifests", json_object_get(s->list));
		json_write(index, false, &b);
		r = pack_commit(&s->pack, "index.json", b.s, b.len);
	} else if (strcmp(s->args.kind, "docker-archive") == 0) {
		json_write(s->list, false, &b);
		r = pack_bytes(&s->pack, "manifest.json", b.s, b.len);
	}
	return r == 0 ? pack_end(&s->pack) : r;
}

/* --- lists ------------------------------------------------------------------------------------- */

static int begin_index(struct save *s)
{
	int r;

	if (!s->args.index)
		return 0;
	r = json_parse(s->args.index, strlen(s->args.index), &s->index);
	if (r == 0)
		r = json_get_arr(s->index, "manifests", &s->entries);
	if (r == 0 && (!is_layout(s) || !s->entries ||
		       json_object_array_length(s->entries) != s->args.n_images))
		r = err_new(-CE_PROTOCOL, "a list and its images");
	return r;
}

/* What an image is in the archive: in another form than the list has it, perhaps. */
static const char *saved_as(void *data, const char *about)
{
	const struct save *s = data;
	const char *now = NULL;

	for (unsigned i = 0; i < s->n_entries; i++)
		if (s->args.images[i].id && strcmp(s->args.images[i].manifest, about) == 0 &&
		    json_get_str(json_object_array_get_idx(s->entries, i), "digest", &now) < 0)
			err_drop();
	return now;
}

/* The document of the entry that comes next; the entry says what it is about. */
static int follow_image(struct save *s, struct store *st, const char *document, struct sbuf *ret)
{
	struct json_object *entry = json_object_array_get_idx(s->entries, s->n_entries),
			   *words = NULL;
	const char *now = NULL;
	int blobs = store_fd(st, STORE_BLOBS);
	int r = blobs < 0 ? blobs
			  : attestation_follow(blobs, entry, document, saved_as, s, ret, &now);

	if (r == 0 && now)
		r = json_get_obj(entry, "annotations", &words);
	if (r == 0 && words)
		json_set_str(words, ATTESTATION_ABOUT, now);
	return r;
}

/* An entry that is no image: what it is made of lies in the store as it goes. */
static int save_artifact(struct save *s, const char *document)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_CLOSE int hold = -EBADF;
	AUTO_FREE char *digest = NULL;
	struct store *st;
	int r = transfer_store(s->ctx, &st);

	hold = r < 0 ? r : artifact_store_hold(st);
	r = hold < 0 ? hold : follow_image(s, st, document, &text);
	if (r == 0)
		r = manifest_parse(text.s, text.len, MEDIA_OCI_MANIFEST, &m);
	for (unsigned i = 0; r == 0 && i <= m.n_layers; i++) {
		const struct descriptor *d = i < m.n_layers ? &m.layers[i] : &m.config;
		struct layer_blob b = {.fd = -EBADF, .digest = d->digest, .size = d->size};

		b.fd = artifact_blob_open(st, d->digest);
		r = b.fd < 0 ? b.fd : add_blob(s, &b);
		closep(&b.fd);
	}
	if (r < 0)
		return r;
	digest = hash_digest_of(text.s, text.len);
	describe(json_object_array_get_idx(s->entries, s->n_entries++), MEDIA_OCI_MANIFEST, digest,
		 text.len);
	return add_document(s, digest, text.s, text.len);
}

/* The index as it is now, and what names it. */
static int end_index(struct save *s)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *digest = NULL;
	unsigned n = s->args.n_index_names;
	int r;

	if (!s->index)
		return 0;
	json_write(s->index, false, &b);
	digest = hash_digest_of(b.s, b.len);
	r = add_document(s, digest, b.s, b.len);
	for (unsigned i = 0; r == 0 && i < (n ? n : 1); i++) {
		struct json_object *a = NULL;

		if (s->args.index_annotations)
			r = json_parse(s->args.index_annotations,
				       strlen(s->args.index_annotations), &a);
		if (r == 0)
			list_entry(s, MEDIA_OCI_INDEX, digest, b.len,
				   n ? s->args.index_names[i] : NULL, a);
	}
	if (r == 0)
		report_image(s->ctx, n ? s->args.index_names[0] : NULL, digest);
	return r;
}

static int save_one(struct save *s, const struct transfer_save_image *im)
{
	struct transfer_form want = s->args.form;
	struct outgoing o = {.manifest_raw = SBUF_INIT};
	AUTO_STRV struct strv names = STRV_INIT;
	int as_is, r;

	if (im->artifact)
		return s->index ? save_artifact(s, im->artifact)
				: err_new(-CE_PROTOCOL, "an artifact and no list");
	for (unsigned i = 0; i < im->n_names; i++)
		strv_add(&names, im->names[i]);
	as_is = outgoing_open(s->ctx, im->id, im->manifest, &want, &o);
	r = as_is < 0 ? as_is : 0;
	if (as_is == 0 && s->args.plain)
		want.compression = "none";
	if (r == 0 && strcmp(s->args.kind, "docker-archive") == 0)
		r = save_docker(s, &o, &names);
	else if (r == 0)
		r = save_by_digest(s, &o, &names, &want, as_is > 0);
	outgoing_done(&o);
	return r < 0 ? err_wrap(r, "image %.12s", im->id) : 0;
}

int transfer_op_save(struct transfer_ctx *ctx)
{
	struct save s = {.ctx = ctx, .pack.dir = -EBADF};
	struct store *st;
	int r = transfer_save_get(&ctx->req, &s.args);

	if (r == 0 && ctx->n_fds != 1)
		r = err_new(-CE_PROTOCOL, "save without a place");
	if (r == 0)
		r = transfer_store(ctx, &st);
	if (r == 0)
		r = noexec_enter();
	if (r == 0)
		r = begin_index(&s);
	if (r == 0)
		r = begin(&s);
	for (unsigned i = 0; r == 0 && i < s.args.n_images; i++)
		r = save_one(&s, &s.args.images[i]);
	if (r == 0)
		r = end_index(&s);
	if (r == 0)
		r = end(&s);
	pack_done(&s.pack);
	json_putp(&s.list);
	json_putp(&s.index);
	transfer_save_done(&s.args);
	return r;
}

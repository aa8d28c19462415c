/* SPDX-License-Identifier: MIT */
/*
 * Push of a manifest list: its images first, each under its digest, then the index under the tag, so
 * that a list never names what is not there. Images of this store go as push sends them; those that a
 * list only knows at another registry are handed from there to here, as they are.
 */
#include <string.h>
#include <unistd.h>

#include "pkg/archive/hash.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/push.h"
#include "storage/artifact_store.h"
#include "storage/attestation.h"
#include "storage/list_store.h"

#define ZSTD_MARK "io.github.containers.compression.zstd"

/* One image that a list names. */
struct child {
	struct json_object *entry; /* borrowed of the index */
	const char *digest;
	struct push push; /* of this store */
	bool local;
	const char *artifact; /* else its manifest; its files are blobs of the store */
	const char *
		about; /* of an attestation: what its image became there, borrowed of that one; NULL: no other */
	char *from; /* else "host/path" of a registry */
	struct refetch source;
	bool twin; /* the same image again, otherwise compressed */
	char *sent_digest, *sent_type; /* what it became there */
	uint64_t sent_size;
};

struct push_list {
	struct transfer_ctx *ctx;
	struct transfer_push_list args;
	struct store *store;
	struct list_record rec;
	struct reference to;
	struct registries conf;
	struct endpoint endpoint;
	struct http *http;
	struct registry registry;
	struct child *children;
	unsigned n, max;
	uint32_t items;
	int blobs; /* of artifacts */
	struct signing signing;
};

static void push_list_done(struct push_list *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct child *c = &l->children[i];

		push_done(&c->push);
		refetch_done(&c->source);
		freep(&c->from);
		freep(&c->sent_digest);
		freep(&c->sent_type);
	}
	freep(&l->children);
	registry_close(&l->registry);
	http_freep(&l->http);
	registries_done(&l->conf);
	endpoint_done(&l->endpoint);
	reference_done(&l->to);
	signing_done(&l->signing);
	list_record_done(&l->rec);
}

/* --- what goes --------------------------------------------------------------------------------- */

static int open_local(struct push_list *l, struct child *c, const char *id, const char *compression)
{
	struct transfer_push *a = &c->push.args;
	int r;

	*a = (struct transfer_push){.id = id,
				    .manifest = c->digest,
				    .destination = l->args.destination,
				    .mount_from = l->args.mount_from,
				    .form = l->args.form,
				    .access = l->args.access};
	if (compression)
		a->form.compression = compression;
	c->local = c->push.by_digest = true;
	c->push.first_item = l->items;
	r = push_open(&c->push);
	if (r == -CE_NO_IMAGE)
		r = err_new(r, "the list names image %.12s, which is not here any more", id);
	if (r == 0)
		l->items += (uint32_t)c->push.image.rec->diffids.n;
	/* The tag is the list's. */
	reference_done(&c->push.to);
	c->push.to = (struct reference){.host = xstrdup(l->to.host), .path = xstrdup(l->to.path)};
	return r;
}

static int open_remote(struct push_list *l, struct child *c, struct json_object *where)
{
	AUTO_STRV struct strv places = STRV_INIT;
	struct transfer_access a = l->args.access;
	const char *from = NULL;
	bool insecure = false;
	int r = json_get_str(where, "Source", &from);

	if (r == 0)
		r = json_get_bool(where, "Insecure", &insecure);
	if (r == 0 && !from)
		r = err_new(-CE_CORRUPT, "the list does not say where %.19s is", c->digest);
	if (r == 0 && (l->args.form.format || (l->args.form.compression && !l->args.form.mild)))
		r = err_usage(
			"%.19s is only at %s: pull it before it can be pushed in another form",
			c->digest, from);
	if (r < 0)
		return r;
	a.tls_verify = insecure ? 0 : -1;
	a.cert_dir = NULL;
	c->from = xstrdup(from);
	strv_addf(&places, "%s@%s", from, c->digest);
	r = refetch_open(l->http, &l->conf, &places, c->digest, "", &a, &c->source);
	if (r == 0 && !c->source.n)
		r = err_new(-CE_NO_IMAGE, "%s cannot be asked for %.19s", from, c->digest);
	return r;
}

/* What it is made of is there: found out before anything is sent. */
static int open_artifact(struct push_list *l, const struct child *c)
{
	AUTO(manifest_done) struct manifest m = {0};
	int r = manifest_parse(c->artifact, strlen(c->artifact), MEDIA_OCI_MANIFEST, &m);

	l->blobs = r < 0 ? r : store_fd(l->store, STORE_BLOBS);
	if (l->blobs < 0)
		return l->blobs;
	if (l->args.form.format && strcmp(l->args.form.format, "docker") == 0)
		return err_usage("%.19s is an artifact, which Docker's kind of list cannot have",
				 c->digest);
	for (unsigned i = 0; r == 0 && i <= m.n_layers; i++) {
		const struct descriptor *d = i < m.n_layers ? &m.layers[i] : &m.config;

		if (!artifact_blob_is_there(l->blobs, d->digest, d->size))
			r = err_new(-CE_CORRUPT, "blob %.19s of the artifact is not there",
				    d->digest);
	}
	return r;
}

static struct child *add_child(struct push_list *l, struct json_object *entry, const char *digest)
{
	struct child *c = &l->children[l->n++];

	*c = (struct child){.entry = entry, .digest = digest, .push = PUSH_INIT(l->ctx)};
	return c;
}

static int open_child(struct push_list *l, struct json_object *entry)
{
	const char *digest = NULL, *id = NULL, *artifact = NULL, *more = l->args.add_compression;
	struct json_object *where = NULL;
	struct child *c;
	int r = json_get_str(entry, "digest", &digest);

	if (r == 0 && digest)
		r = json_get_obj(l->rec.instances, digest, &where);
	if (r == 0 && where)
		r = json_get_str(where, "Image", &id);
	if (r == 0 && where)
		r = json_get_str(where, "Manifest", &artifact);
	if (r == 0 && !where)
		r = err_new(-CE_CORRUPT, "the list has a damaged entry");
	if (r < 0)
		return r;
	c = add_child(l, entry, digest);
	c->artifact = artifact;
	if (artifact)
		return open_artifact(l, c);
	r = id ? open_local(l, c, id, NULL) : open_remote(l, c, where);
	if (r < 0 || !more || (!id && l->args.form.mild))
		return r;
	if (!id)
		return err_usage("%.19s is only at %s: pull it before it can be pushed in another "
				 "form",
				 digest, c->from);
	c = add_child(l, entry, digest);
	c->twin = true;
	return open_local(l, c, id, more);
}

static int open_children(struct push_list *l)
{
	struct json_object *entries = NULL;
	int r = json_get_arr(l->rec.index, "manifests", &entries);
	size_t n = r == 0 && entries ? json_object_array_length(entries) : 0;

	l->children = xcalloc(n * 2 + 1, sizeof(*l->children));
	for (size_t i = 0; r == 0 && l->args.all && i < n; i++)
		r = open_child(l, json_object_array_get_idx(entries, i));
	return r;
}

/* --- sending ----------------------------------------------------------------------------------- */

static int hand_blob(struct push_list *l, struct child *c, const struct descriptor *d)
{
	struct registry *from = &c->source.v[0];
	AUTO_CLOSE int fd = -EBADF;
	struct upload u = {.digest = d->digest, .size = d->size};
	struct transfer_progress p = {.item = l->items++, .total = d->size};
	char label[13] = "";
	int r = registry_has_blob(&l->registry, d->digest);

	memcpy(label, digest_hex(d->digest), 12);
	p.label = label;
	if (r == 0 && strcmp(from->base, l->registry.base) == 0)
		r = registry_mount(&l->registry, d->digest, from->path);
	if (r != 0) {
		p.state = TRANSFER_EXISTS;
		if (r > 0)
			report_progress(l->ctx, &p);
		return r < 0 ? r : 0;
	}
	p.state = TRANSFER_RUNNING;
	report_progress(l->ctx, &p);
	fd = layer_blob_nameless(l->store);
	if (fd < 0)
		return fd;
	r = refetch_blob(&c->source, d->digest, d->size, fd);
	if (r == -ENOENT)
		return err_new(-CE_NETWORK, "blob %.19s cannot be had from %s", d->digest, c->from);
	u.fd = fd;
	if (r == 0)
		r = registry_upload(&l->registry, &u);
	p.state = TRANSFER_DONE;
	p.done = d->size;
	if (r == 0)
		report_progress(l->ctx, &p);
	return r;
}

static int send_remote(struct push_list *l, struct child *c)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_FREE char *digest = NULL;
	int r = registry_ping(&c->source.v[0]);

	if (r == 0)
		r = registry_manifest(&c->source.v[0], c->digest, &p, &digest);
	if (r == 0)
		r = manifest_parse(p.body.s, p.body.len, p.content_type, &m);
	if (r == 0 && m.is_index)
		r = err_new(-CE_UNSUPPORTED, "index within an index");
	for (unsigned i = 0; r == 0 && i < m.n_layers; i++)
		if (outgoing_is_sent(&m.layers[i]))
			r = hand_blob(l, c, &m.layers[i]);
	if (r == 0)
		r = hand_blob(l, c, &m.config);
	if (r == 0)
		r = registry_put_manifest(&l->registry, digest, m.media_type, digest, p.body.s,
					  p.body.len);
	if (r < 0)
		return err_wrap(r, "%s@%.19s", c->from, c->digest);
	c->sent_digest = xstrdup(digest);
	c->sent_type = xstrdup(m.media_type);
	c->sent_size = p.body.len;
	return 0;
}

static int send_blob(struct push_list *l, const struct descriptor *d)
{
	AUTO_CLOSE int fd = -EBADF;
	struct upload u = {.digest = d->digest, .size = d->size};
	struct transfer_progress p = {.item = l->items++, .done = d->size, .total = d->size};
	char label[13] = "";
	int r = registry_has_blob(&l->registry, d->digest);

	memcpy(label, digest_hex(d->digest), 12);
	p.label = label;
	p.state = r > 0 ? TRANSFER_EXISTS : TRANSFER_DONE;
	if (r == 0) {
		fd = artifact_blob_read(l->blobs, d->digest);
		u.fd = fd;
		r = fd < 0 ? fd : registry_upload(&l->registry, &u);
	}
	if (r >= 0)
		report_progress(l->ctx, &p);
	return r < 0 ? r : 0;
}

/* As what an image has been sent: in another form than the list has it, perhaps. */
static const char *sent_as(void *data, const char *about)
{
	const struct push_list *l = data;

	for (unsigned i = 0; i < l->n; i++)
		if (l->children[i].sent_digest && !l->children[i].twin &&
		    strcmp(l->children[i].digest, about) == 0)
			return l->children[i].sent_digest;
	return NULL;
}

static int send_artifact(struct push_list *l, struct child *c)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *digest = NULL;
	AUTO_CLOSE int hold = artifact_store_hold(l->store);
	int r = hold < 0 ? hold
			 : attestation_follow(l->blobs, c->entry, c->artifact, sent_as, l, &text,
					      &c->about);

	if (r < 0)
		return r;
	digest = hash_digest_of(text.s, text.len);
	r = manifest_parse(text.s, text.len, MEDIA_OCI_MANIFEST, &m);
	for (unsigned i = 0; r == 0 && i < m.n_layers; i++)
		r = send_blob(l, &m.layers[i]);
	if (r == 0)
		r = send_blob(l, &m.config);
	if (r == 0)
		r = registry_put_manifest(&l->registry, digest, m.media_type, digest, text.s,
					  text.len);
	if (r < 0)
		return r;
	c->sent_digest = TAKE_PTR(digest);
	c->sent_type = xstrdup(m.media_type);
	c->sent_size = text.len;
	return 0;
}

static int send_child(struct push_list *l, struct child *c)
{
	const struct outgoing *o = &c->push.image;
	int r;

	if (c->artifact)
		return send_artifact(l, c);

	if (!c->local)
		return send_remote(l, c);
	r = push_send(&c->push);
	if (r < 0)
		return r;
	c->sent_digest = xstrdup(o->digest);
	c->sent_type = xstrdup(o->media_type);
	c->sent_size = o->manifest_raw.len;
	return 0;
}

/* --- the index --------------------------------------------------------------------------------- */

static struct json_object *entry_of(const struct child *c, bool docker)
{
	struct json_object *o = json_object_new_object(), *had = NULL, *annotations;

	json_set_str(o, "mediaType", c->sent_type);
	json_set_str(o, "digest", c->sent_digest);
	json_set_i64(o, "size", (int64_t)c->sent_size);
	json_object_object_foreach(c->entry, key, value)
	{
		bool kept = strcmp(key, "platform") == 0 ||
			    (!docker && !json_object_object_get_ex(o, key, NULL));

		if (kept)
			json_set(o, key, json_object_get(value));
	}
	if (!c->twin && !c->about)
		return o;
	annotations = json_object_new_object();
	if (json_get_obj(c->entry, "annotations", &had) == 0 && had) {
		json_object_object_foreach(had, k, v)
		{
			json_set(annotations, k, json_object_get(v));
		}
	}
	if (c->twin)
		json_set_str(annotations, ZSTD_MARK, "true");
	if (c->about)
		json_set_str(annotations, ATTESTATION_ABOUT, c->about);
	json_set(o, "annotations", annotations);
	return o;
}

/* A copy of another list, all of it: to the last byte, so that it keeps its digest. */
static bool is_as_it_was(const struct push_list *l)
{
	bool so = l->rec.raw && !l->args.form.format;

	for (unsigned i = 0; so && i < l->n; i++)
		so = !l->children[i].twin &&
		     strcmp(l->children[i].digest, l->children[i].sent_digest) == 0;
	return so;
}

static void write_index(struct push_list *l, struct sbuf *out)
{
	bool docker = l->args.form.format && strcmp(l->args.form.format, "docker") == 0;
	AUTO_JSON struct json_object *o = json_object_new_object();
	struct json_object *entries = json_object_new_array();

	if (!l->n) { /* as it is: the images are there, or the registry says that they are not */
		json_write(l->rec.index, false, out);
		json_object_put(entries);
		return;
	}
	if (is_as_it_was(l)) {
		sbuf_adds(out, l->rec.raw);
		json_object_put(entries);
		return;
	}
	for (unsigned i = 0; i < l->n; i++)
		(void)json_object_array_add(entries, entry_of(&l->children[i], docker));
	json_object_object_foreach(l->rec.index, key, value)
	{
		if (!docker || strcmp(key, "annotations") != 0)
			json_set(o, key, json_object_get(value));
	}
	json_set_str(o, "mediaType", docker ? MEDIA_DOCKER_LIST : MEDIA_OCI_INDEX);
	json_set(o, "manifests", entries);
	json_write(o, false, out);
}

static int send_index(struct push_list *l)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_FREE char *digest = NULL;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	const char *reference = l->to.digest ? l->to.digest : l->to.tag;
	int r;

	write_index(l, &b);
	r = manifest_parse(b.s, b.len, NULL, &m);
	if (r < 0)
		return r;
	digest = hash_digest_of(b.s, b.len);
	if (l->to.digest && strcmp(l->to.digest, digest) != 0)
		return err_new(-CE_BAD_DIGEST, "the list is %s", digest);
	r = signing_make(l->ctx, &l->signing, digest);
	if (r == 0)
		r = registry_put_manifest(&l->registry, reference, m.media_type, digest, b.s,
					  b.len);
	if (r == 0)
		r = signing_apply(&l->signing, &l->registry, &l->to, digest);
	if (r == 0)
		report_image(l->ctx, l->args.destination, digest);
	return r;
}

static int open_all(struct push_list *l)
{
	struct registry_options o = {.access = l->args.access, .push = true};
	AUTO_FREE char *name = NULL;
	int r = reference_parse(l->args.destination, &l->to);

	if (r < 0)
		return r;
	reference_normalise(&l->to);
	name = reference_name(&l->to);
	r = registries_load(&l->conf);
	if (r == 0)
		r = registries_primary(&l->conf, name, &l->endpoint);
	if (r == 0)
		r = http_new(&l->http);
	if (r == 0)
		r = registry_open(l->http, &l->endpoint, &o, &l->registry);
	if (r == 0)
		r = transfer_store(l->ctx, &l->store);
	if (r == 0)
		r = list_store_load(l->store, l->args.list, &l->rec);
	if (r == 0)
		r = signing_open(&l->args.sign, &l->to, &l->signing);
	return r == 0 ? open_children(l) : r;
}

/* A token for mounts must say where from. */
static void name_mounts(struct push_list *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		const struct child *c = &l->children[i];

		if (c->from && strcmp(c->source.v[0].base, l->registry.base) == 0 &&
		    !strv_has(&l->registry.mounts, c->source.v[0].path))
			strv_add(&l->registry.mounts, c->source.v[0].path);
	}
}

int transfer_op_push_list(struct transfer_ctx *ctx)
{
	AUTO(push_list_done) struct push_list l = {.ctx = ctx, .signing = SIGNING_INIT};
	int r = transfer_push_list_get(&ctx->req, &l.args);

	if (r == 0)
		r = open_all(&l);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	(void)http_set_cancel(l.http, ctx->channel);
	name_mounts(&l);
	r = registry_ping(&l.registry);
	for (unsigned i = 0; r == 0 && i < l.n; i++)
		r = send_child(&l, &l.children[i]);
	return r == 0 ? send_index(&l) : r;
}

/* SPDX-License-Identifier: MIT */
/*
 * Pull: name → candidates (short names) → endpoints (mirrors, primary) → manifest → config → layers →
 * image record → reference. Nothing names an image before all of it is in the store and verified;
 * every step is safe to repeat.
 */
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/log.h"
#include "pkg/config/storage_conf.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/image_config.h"
#include "pkg/transfer/known.h"
#include "pkg/transfer/layers.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/places.h"
#include "pkg/transfer/trust.h"
#include "pkg/transfer/verify.h"
#include "storage/image_store.h"

struct pull {
	struct transfer_ctx *ctx;
	struct transfer_pull args;
	struct store *store;
	struct platform platform;
	struct places places;
	struct trust trust;
	bool changed; /* something came into the store */
	bool partial;
};

static void pull_done(struct pull *p)
{
	trust_done(&p->trust);
	places_done(&p->places);
	platform_done(&p->platform);
}

/* All that one image of a repository is on its way into the store. */
struct fetched {
	struct http_response list_raw; /* the index it was chosen from, if there was one */
	char *list_digest, *list_type;
	struct http_response manifest_raw;
	char *manifest_digest;
	struct manifest manifest;
	struct sbuf config_raw;
	struct image_config config;
};

static void fetched_done(struct fetched *f)
{
	http_response_done(&f->list_raw);
	freep(&f->list_digest);
	freep(&f->list_type);
	freep(&f->manifest_digest);
	http_response_done(&f->manifest_raw);
	manifest_done(&f->manifest);
	sbuf_done(&f->config_raw);
	image_config_done(&f->config);
}

static int fetch_one_manifest(struct registry *r, const char *reference, const char *type,
			      struct fetched *f)
{
	int e;

	http_response_done(&f->manifest_raw);
	freep(&f->manifest_digest);
	manifest_done(&f->manifest);
	f->manifest = (struct manifest){0};
	e = registry_manifest(r, reference, &f->manifest_raw, &f->manifest_digest);
	if (e < 0)
		return e;
	if (!f->manifest_raw.content_type)
		return err_new(-CE_BAD_FORMAT, "manifest without a Content-Type");
	if (type && strcmp(type, f->manifest_raw.content_type) != 0)
		return err_new(-CE_BAD_FORMAT, "manifest listed as %.100s came as %.100s", type,
			       f->manifest_raw.content_type);
	return manifest_parse(f->manifest_raw.body.s, f->manifest_raw.body.len,
			      f->manifest_raw.content_type, &f->manifest);
}

static int fetch_manifest(struct pull *p, struct registry *r, const char *reference,
			  struct fetched *f)
{
	AUTO_FREE char *digest = NULL, *type = NULL;
	const struct descriptor *child;
	uint64_t size;
	int e;

	e = fetch_one_manifest(r, reference, NULL, f);
	if (e < 0 || !f->manifest.is_index)
		return e;
	e = manifest_choose(&f->manifest, &p->platform, &child);
	if (e < 0)
		return e;
	digest = xstrdup(child->digest);
	type = xstrdup(child->media_type);
	size = child->size;
	f->list_digest = TAKE_PTR(f->manifest_digest);
	f->list_type = xstrdup(f->manifest.media_type);
	f->list_raw = f->manifest_raw;
	f->manifest_raw = (struct http_response){.body = SBUF_INIT};
	e = fetch_one_manifest(r, digest, type, f);
	if (e < 0)
		return e;
	if (f->manifest_raw.body.len != size)
		return err_new(-CE_BAD_SIZE, "manifest %.19s: %zu bytes instead of %llu", digest,
			       f->manifest_raw.body.len, (unsigned long long)size);
	return f->manifest.is_index ? err_new(-CE_UNSUPPORTED, "index within an index") : 0;
}

static int check_manifest(const struct manifest *m)
{
	if (m->artifact_type || !manifest_is_config(m->config.media_type))
		return err_new(-CE_UNSUPPORTED, "not a container image but an artifact (%.200s)",
			       m->artifact_type ? m->artifact_type : m->config.media_type);
	for (unsigned i = 0; i < m->n_layers; i++)
		if (manifest_layer_media(m->layers[i].media_type) == LAYER_MEDIA_UNKNOWN)
			return err_new(-CE_UNSUPPORTED, "layer of type %.200s",
				       m->layers[i].media_type);
	return 0;
}

static void warn_of_platform(struct pull *p, const struct image_config *c)
{
	struct platform have = {.os = c->os ? xstrdup(c->os) : NULL,
				.architecture = c->architecture ? xstrdup(c->architecture) : NULL,
				.variant = c->variant ? xstrdup(c->variant) : NULL};
	AUTO_FREE char *wanted = platform_text(&p->platform), *got = NULL;

	platform_normalise(&have);
	got = platform_text(&have);
	if (!platform_matches(&p->platform, &have))
		report_message(p->ctx, true, "the image is for %s, wanted was %s", got, wanted);
	platform_done(&have);
}

static int fetch_config(struct pull *p, struct registry *r, struct fetched *f)
{
	int e = check_manifest(&f->manifest);

	if (e < 0)
		return e;
	e = registry_document(r, f->manifest.config.digest, f->manifest.config.size,
			      &f->config_raw);
	if (e == 0)
		e = image_config_parse(f->config_raw.s, f->config_raw.len, &f->config);
	if (e < 0)
		return err_wrap(e, "config");
	warn_of_platform(p, &f->config);
	return 0;
}

static int fetch_layers(struct pull *p, struct registry *r, struct fetched *f,
			struct layer_lease *lease)
{
	struct layers_request q = {.ctx = p->ctx,
				   .store = p->store,
				   .registry = r,
				   .manifest = &f->manifest,
				   .diffids = &f->config.diffids,
				   .partial = p->partial};
	int e;

	for (size_t i = 0; i < f->config.diffids.n; i++) {
		e = layer_lease_add(p->store, lease, f->config.diffids.v[i]);
		if (e < 0)
			return e;
	}
	return layers_fetch(&q);
}

/* The id is the config's digest in hex: sha256 of what is stored, however the manifest named it. */
static int put_record(struct pull *p, const char *name, const char *reference, struct fetched *f,
		      char ret_id[65])
{
	struct image_record rec = {.manifest = f->manifest_raw.body.s,
				   .manifest_len = f->manifest_raw.body.len,
				   .manifest_type = f->manifest.media_type,
				   .manifest_digest = f->manifest_digest,
				   .config = f->config_raw.s,
				   .config_len = f->config_raw.len,
				   .diffids = f->config.diffids,
				   .created_ns = f->config.created_ns,
				   .index = f->list_digest ? f->list_raw.body.s : NULL,
				   .index_len = f->list_raw.body.len,
				   .index_type = f->list_type,
				   .index_digest = f->list_digest};
	int e = 0;

	hash_sha256_of(f->config_raw.s, f->config_raw.len, rec.id);
	for (size_t i = 0; i < rec.diffids.n; i++) {
		struct layer_record layer = {0};

		e = layer_record_load(p->store, rec.diffids.v[i], &layer);
		rec.size_bytes += layer.tree_bytes;
		layer_record_done(&layer);
		if (e < 0)
			return e;
	}
	if (f->list_digest)
		strv_addf(&rec.repo_digests, "%s@%s", name, f->list_digest);
	strv_addf(&rec.repo_digests, "%s@%s", name, f->manifest_digest);
	if (reference)
		strv_add(&rec.names, reference);
	e = layer_stack_make(p->store, &rec.diffids);
	if (e == 0)
		e = image_store_put(p->store, &rec);
	strv_done(&rec.names);
	strv_done(&rec.repo_digests);
	memcpy(ret_id, rec.id, sizeof(rec.id));
	return e;
}

/* Mirrors serve what the policy says of the name that was asked for. */
static int check_trust(struct pull *p, struct registry *r, const char *name, const char *tag,
		       const char *digest, const char *manifest, const char *list)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *full = digest ? xasprintf("%s@%s", name, digest)
				      : xasprintf("%s:%s", name, tag);
	int e = reference_parse(full, &ref);

	return e == 0 ? trust_check(&p->trust, r, &ref, manifest, list) : e;
}

/* The id of a stored image is the sha256 of its config, whatever digest the manifest has for that. */
static int look(struct pull *p, struct registry *r, const char *name, struct fetched *f)
{
	char id[65];
	int e = fetch_config(p, r, f);

	if (e < 0)
		return e;
	hash_sha256_of(f->config_raw.s, f->config_raw.len, id);
	report_image(p->ctx, name, id);
	return 0;
}

static bool list_names(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p++)
		if ((p == list || p[-1] == ',') && (!p[n] || p[n] == ','))
			return true;
	return false;
}

/* Layers by name, and the config to who asked: it knows what it wants of them, and leases them itself. */
static int pull_part(struct pull *p, struct registry *r, struct fetched *f)
{
	struct manifest some = f->manifest;
	AUTO_STRV struct strv diffids = STRV_INIT;
	AUTO_FREE struct descriptor *layers = xcalloc(some.n_layers + 1, sizeof(*layers));
	struct layers_request q = {.ctx = p->ctx,
				   .store = p->store,
				   .registry = r,
				   .manifest = &some,
				   .diffids = &diffids,
				   .partial = p->partial};
	int e;

	if (f->config.diffids.n != some.n_layers)
		return err_new(-CE_BAD_FORMAT, "the config lists %zu layers, the manifest %u",
			       f->config.diffids.n, some.n_layers);
	some.n_layers = 0;
	some.layers = layers;
	for (size_t i = 0; i < f->config.diffids.n; i++) {
		if (!list_names(p->args.part, f->config.diffids.v[i]))
			continue;
		strv_add(&diffids, f->config.diffids.v[i]);
		layers[some.n_layers++] = f->manifest.layers[i];
	}
	e = some.n_layers ? layers_fetch(&q) : 0;
	if (e == 0 && p->ctx->n_fds) {
		e = write_full(p->ctx->fds[0], f->config_raw.s, f->config_raw.len);
		e = e < 0 ? err_new(e, "hand the config over") : 0;
	}
	return e;
}

/* 1 when the registry has under this tag what is here: nothing has to be asked, fetched or written. */
static int is_here(struct pull *p, struct registry *r, const char *name, const char *tag)
{
	AUTO_FREE char *reference = xasprintf("%s:%s", name, tag);
	AUTO(known_done) struct known k = {0};
	int e;

	if (!p->places.there ||
	    !known_image(p->store, name, reference, p->places.there, &p->platform, &k))
		return 0;
	e = check_trust(p, r, name, tag, NULL, k.digest, k.list);
	if (e < 0)
		return e;
	for (unsigned i = 0; i < k.manifest.n_layers; i++) {
		const struct descriptor *d = &k.manifest.layers[i];
		AUTO_FREE char *label = xstrndup(digest_hex(d->digest), 12);
		struct transfer_progress done = {.item = i,
						 .state = TRANSFER_EXISTS,
						 .label = label,
						 .done = d->size,
						 .total = d->size};

		report_progress(p->ctx, &done);
	}
	report_image(p->ctx, reference, k.id);
	return 1;
}

/* One tag or digest of one repository, start to end. */
static int pull_one(struct pull *p, struct registry *r, const char *name, const char *tag,
		    const char *digest)
{
	AUTO(fetched_done)
	struct fetched f = {.list_raw.body = SBUF_INIT,
			    .manifest_raw.body = SBUF_INIT,
			    .config_raw = SBUF_INIT};
	struct layer_lease lease = {0};
	AUTO_FREE char *reference = NULL;
	char id[65];
	int e;

	e = p->places.probe ? is_here(p, r, name, tag) : 0;
	if (e != 0)
		return e < 0 ? e : 0;
	e = fetch_manifest(p, r, digest ? digest : p->args.tag_digest ? p->args.tag_digest : tag, &f);
	if (e == 0 && p->args.tell_digest) {
		reference = xasprintf("%s@%s", name, f.list_digest ? f.list_digest : f.manifest_digest);
		report_image(p->ctx, reference, "");
		freep(&reference);
	}
	if (p->args.look)
		return e == 0 ? look(p, r, name, &f) : e;
	if (e == 0)
		e = check_trust(p, r, name, tag, digest, f.manifest_digest, f.list_digest);
	if (e == 0)
		e = fetch_config(p, r, &f);
	if (e == 0) {
		e = transfer_enter_base(p->ctx);
		p->changed = true;
	}
	if (p->args.part)
		return e == 0 ? pull_part(p, r, &f) : e;
	if (e == 0)
		e = layer_lease_begin(p->store, &lease);
	if (e == 0) {
		/* A tag beside a digest is for people: it may point elsewhere by now. */
		reference = digest ? xasprintf("%s@%s", name, digest)
				   : xasprintf("%s:%s", name, tag);
		e = fetch_layers(p, r, &f, &lease);
		if (e == 0)
			e = put_record(p, name, reference, &f, id);
		layer_lease_end(p->store, &lease);
	}
	if (e == 0)
		report_image(p->ctx, reference, id);
	return e;
}

static int pull_all_tags(struct pull *p, struct registry *r, const char *name)
{
	AUTO_STRV struct strv tags = STRV_INIT;
	int e = registry_tags(r, &tags);

	for (size_t i = 0; e == 0 && i < tags.n; i++) {
		AUTO(reference_done) struct reference check = {0};
		AUTO_FREE char *full = xasprintf("%s:%s", name, tags.v[i]);

		/* A tag goes into urls and file names: the grammar decides. */
		e = reference_parse(full, &check);
		if (e == 0)
			e = pull_one(p, r, name, tags.v[i], NULL);
		if (e < 0)
			e = err_wrap(e, "%s", full);
	}
	return e;
}

static int pull_from(void *data, struct registry *r, const char *name)
{
	struct pull *p = data;
	const struct reference *ref = &p->places.ref;

	if (p->args.all_tags)
		return pull_all_tags(p, r, name);
	return pull_one(p, r, name, ref->tag ? ref->tag : "latest", ref->digest);
}

static int prepare(struct pull *p)
{
	struct registry_options o = {0};
	int e;

	e = transfer_pull_get(&p->ctx->req, &p->args);
	if (e < 0)
		return e;
	if (p->args.platform)
		e = platform_parse(p->args.platform, &p->platform);
	else
		platform_host(&p->platform);
	if (e == 0)
		e = transfer_store(p->ctx, &p->store);
	if (e == 0)
		e = storage_conf_partial(&p->partial);
	o.access = p->args.access;
	p->places.probe = !p->args.all_tags && !p->args.look && !p->args.part &&
			  !p->args.tag_digest && !p->args.tell_digest;
	if (e == 0)
		e = places_open(p->args.name, &o, &p->places);
	p->places.probe &= !p->places.ref.digest;
	if (e == 0 && p->args.all_tags && p->places.exact)
		e = err_usage("--all-tags wants a name without tag or digest, not \"%s\"",
			      p->args.name);
	return e;
}

int transfer_op_pull(struct transfer_ctx *ctx)
{
	AUTO(pull_done) struct pull p = {.ctx = ctx, .trust = TRUST_INIT};
	int e;

	/* Files and helpers are read before the first byte from outside; then the door is shut. */
	e = prepare(&p);
	if (e < 0)
		return e;
	(void)http_set_cancel(p.places.http, ctx->channel);
	e = trust_open(p.args.policy, &p.trust);
	if (e == 0)
		e = noexec_enter();
	if (e == 0)
		e = places_try(&p.places, ctx, pull_from, &p);
	if (e == 0 && p.changed)
		layer_settle_later(p.store);
	return e;
}

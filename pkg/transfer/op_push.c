/* SPDX-License-Identifier: MIT */
/*
 * Push: layers, config, manifest, in this order, so that nothing at the registry ever names what is
 * not there. What the repository has is not sent; what another repository of the same registry has
 * is mounted. A manifest that came with the image goes out as it came (S1); only when one of its
 * layers can no longer be had in that form, or another form is asked for, one is made.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/oci/digest.h"
#include "pkg/sys/open.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/push.h"

#define REPORT_NS (100 * NS_PER_MS)
static void drop_layers(struct push *p, int code);

void push_done(struct push *p)
{
	drop_layers(p, 0);
	for (size_t i = 0; i < PUSH_MOUNTS_MAX; i++)
		strv_done(&p->mount_diffids[i]);
	outgoing_done(&p->image);
	refetch_done(&p->sources);
	signing_done(&p->signing);
	registry_close(&p->registry);
	http_freep(&p->http);
	registries_done(&p->conf);
	endpoint_done(&p->endpoint);
	reference_done(&p->to);
	strv_done(&p->more);
}

/* --- one blob ---------------------------------------------------------------------------------- */

static void report(struct push_item *i, enum transfer_state state)
{
	struct transfer_progress p = {.item = i->number,
				      .state = state,
				      .label = i->label,
				      .done = state == TRANSFER_RUNNING ? i->sent : i->size,
				      .total = i->size};
	int64_t now = clock_monotonic_ns();

	if (state == TRANSFER_RUNNING && now - i->reported_ns < REPORT_NS)
		return;
	i->reported_ns = now;
	report_progress(i->push->ctx, &p);
}

static void on_sent(void *data, uint64_t bytes)
{
	struct push_item *i = data;

	i->sent = bytes;
	report(i, TRANSFER_RUNNING);
}

static struct push_item item_of(struct push *p, uint32_t number, const char *digest, uint64_t size)
{
	struct push_item i = {.push = p, .number = p->first_item + number, .size = size};

	memcpy(i.label, digest_hex(digest), 12);
	return i;
}

/* 1 when it is there now without having been sent. */
static int is_there(struct push *p, const char *digest, const char *diffid)
{
	int r = registry_has_blob(&p->registry, digest);

	for (size_t i = 0; r == 0 && i < p->registry.mounts.n; i++)
		if (strv_has(&p->mount_diffids[i], diffid))
			r = registry_mount(&p->registry, digest, p->registry.mounts.v[i]);
	return r;
}

static int finish_slot(struct push_item *i)
{
	int r = registry_upload_finish(&i->upload);

	if (r == 0)
		report(i, TRANSFER_DONE);
	else
		(void)err_wrap(r, "layer %s", i->label);
	layer_blob_done(&i->blob);
	i->busy = false;
	return r;
}

/* The layers that still go; all must be there before the manifest names them. */
static int finish_layers(struct push *p)
{
	for (unsigned k = 0; k < PUSH_SLOTS; k++) {
		int r = p->slots[k].busy ? finish_slot(&p->slots[k]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static void drop_layers(struct push *p, int code)
{
	for (unsigned k = 0; k < PUSH_SLOTS; k++) {
		if (!p->slots[k].busy)
			continue;
		registry_upload_drop(&p->slots[k].upload, code);
		layer_blob_done(&p->slots[k].blob);
		p->slots[k].busy = false;
	}
}

/* One that is free, or the first to become so. */
static int free_slot(struct push *p, struct push_item **ret)
{
	for (;;) {
		int r;

		for (unsigned k = 0; k < PUSH_SLOTS; k++) {
			*ret = &p->slots[k];
			if (!p->slots[k].busy)
				return 0;
			if (registry_upload_ready(&p->slots[k].upload))
				return finish_slot(&p->slots[k]);
		}
		r = http_wait(p->http, NULL, 0, 1000);
		if (r < 0)
			return r;
	}
}

/* Takes what is in @b. */
static int send_layer(struct push *p, uint32_t number, struct layer_blob *b)
{
	struct push_item *i = NULL;
	struct upload u = {.told = on_sent};
	int r = free_slot(p, &i);

	if (r < 0)
		return r;
	*i = item_of(p, number, b->digest, b->size);
	i->blob = *b;
	*b = (struct layer_blob){.fd = -EBADF};
	u.digest = i->blob.digest;
	u.size = i->blob.size;
	u.fd = i->blob.fd;
	u.data = i;
	r = registry_upload_begin(&p->registry, &u, &i->upload);
	if (r < 0) {
		(void)err_wrap(r, "layer %s", i->label);
		layer_blob_done(&i->blob);
		return r;
	}
	i->busy = true;
	return 0;
}

static int send_config(struct push *p)
{
	const struct image_record *rec = p->image.rec;
	struct upload u = {.digest = p->image.manifest.config.digest,
			   .size = rec->config_len,
			   .memory = rec->config,
			   .fd = -EBADF};
	int r = registry_has_blob(&p->registry, u.digest);

	return r == 0 ? registry_upload(&p->registry, &u) : r < 0 ? r : 0;
}

/* --- the manifest as it is --------------------------------------------------------------------- */

/* As received: kept here, made again, or asked for where the manifest came from. */
static int find_layer(struct push *p, unsigned i, const struct descriptor *d,
		      struct layer_blob *ret)
{
	const char *diffid = p->image.rec->diffids.v[i];
	int r = layer_blob_kept(p->image.store, diffid, d->digest, d->size, ret);

	if (r != -ENOENT)
		return r;
	r = transfer_enter_base(p->ctx);
	if (r == 0)
		r = layer_blob_as(p->image.store, diffid, p->ctx->req.single_id, d->digest, d->size,
				  ret);
	if (r != -ENOENT || p->sources.n == 0)
		return r;
	r = layer_blob_nameless(p->image.store);
	if (r < 0)
		return r;
	*ret = (struct layer_blob){.fd = r, .digest = xstrdup(d->digest), .size = d->size};
	return refetch_blob(&p->sources, d->digest, d->size, ret->fd);
}

/* 1 when a layer can be had neither here nor there. */
static int send_as_is(struct push *p)
{
	const struct manifest *m = &p->image.manifest;

	for (unsigned i = 0; i < m->n_layers; i++) {
		const struct descriptor *d = &m->layers[i];
		struct push_item item = item_of(p, i, d->digest, d->size);
		struct layer_blob b = {.fd = -EBADF};
		int r;

		if (!outgoing_is_sent(d))
			continue;
		r = is_there(p, d->digest, p->image.rec->diffids.v[i]);
		if (r > 0)
			report(&item, TRANSFER_EXISTS);
		if (r == 0) {
			r = find_layer(p, i, d, &b);
			if (r == 0)
				r = send_layer(p, i, &b);
			layer_blob_done(&b);
			if (r == -ENOENT)
				return 1;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- a manifest that is made ------------------------------------------------------------------- */

static int send_made(void *data, unsigned number, const struct layer_blob *b)
{
	struct layer_blob own = {.fd = -EBADF};
	struct push *p = data;
	struct push_item item = item_of(p, number, b->digest, b->size);
	int r = is_there(p, b->digest, p->image.rec->diffids.v[number]);

	if (r > 0)
		report(&item, TRANSFER_EXISTS);
	if (r != 0)
		return r < 0 ? r : 0;
	own = (struct layer_blob){.digest = xstrdup(b->digest),
				  .size = b->size,
				  .format = b->format,
				  .fd = fd_dup(b->fd)};
	r = own.fd < 0 ? err_new(own.fd, "a layer") : send_layer(p, number, &own);
	layer_blob_done(&own);
	return r;
}

static int send_layers(struct push *p, bool as_is)
{
	int r = as_is ? send_as_is(p) : 1;

	if (r <= 0)
		return r;
	r = transfer_enter_base(p->ctx);
	if (r < 0)
		return r;
	if (as_is)
		report_message(p->ctx, true,
			       "the layers were not kept as they were received; the digest of what "
			       "is pushed differs from that of what was pulled");
	return outgoing_make(&p->image, &p->args.form, send_made, p);
}

/* --- all --------------------------------------------------------------------------------------- */

/* @name: "host/path" of who has @diffids, or may. */
static void add_mount(struct push *p, const char *name, const char *own_name, const struct strv *diffids,
		      size_t max)
{
	size_t host = strlen(p->to.host);

	if (strncmp(name, p->to.host, host) != 0 || name[host] != '/' || strcmp(name, own_name) == 0 ||
	    p->registry.mounts.n >= max || strv_has(&p->registry.mounts, name + host + 1))
		return;
	strv_add_all(&p->mount_diffids[p->registry.mounts.n], diffids);
	strv_add(&p->registry.mounts, name + host + 1);
}

/*
 * Repositories at the same registry that images with one of our layers came from or went to; and one that who pushes
 * knows of, asked last, for it may have none of them.
 */
static int find_mounts(struct push *p, const char *own_name)
{
	AUTO_STRV struct strv ids = STRV_INIT, given = STRV_INIT;
	int r = image_store_list(p->image.store, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO(image_summary_done) struct image_summary s = {0};
		bool shares = false;

		if (image_store_summary(p->image.store, ids.v[i], &s) < 0) {
			err_drop();
			continue;
		}
		for (size_t k = 0; k < s.diffids.n && !shares; k++)
			shares = strv_has(&p->image.rec->diffids, s.diffids.v[k]);
		for (size_t k = 0; shares && k < s.repo_digests.n; k++) {
			AUTO_FREE char *name = xstrndup(s.repo_digests.v[k],
							strcspn(s.repo_digests.v[k], "@"));

			add_mount(p, name, own_name, &s.diffids, PUSH_MOUNTS_MAX - (p->args.mount_from ? 1 : 0));
		}
	}
	if (p->args.mount_from)
		strv_split(&given, p->args.mount_from, ',');
	for (size_t i = 0; i < given.n; i++)
		add_mount(p, given.v[i], own_name, &p->image.rec->diffids, PUSH_MOUNTS_MAX);
	if (p->registry.mounts.n)
		freep(&p->registry.token); /* one that says so is wanted */
	return r;
}

/* What was said about certificates and credentials was said about where it goes. */
static int open_sources(struct push *p, const char *own_name)
{
	struct transfer_access a = p->args.access;

	a.tls_verify = -1;
	a.cert_dir = NULL;
	return refetch_open(p->http, &p->conf, &p->image.rec->repo_digests, p->image.digest, own_name,
			    &a, &p->sources);
}

/*
 * The manifest is there under this name already: so is all it names, for a registry takes no manifest
 * before that. One question instead of one for each layer, and the first that the registry is asked.
 */
static int meet(struct push *p)
{
	const struct manifest *m = &p->image.manifest;
	AUTO_FREE char *there = NULL;
	int r;

	if (p->to.digest || (p->by_digest && !p->as_is))
		return registry_ping(&p->registry);
	/* Of one that is still to be made, too: who may not push hears it before layers are compressed. */
	r = registry_probe(&p->registry, p->by_digest ? p->image.digest : p->to.tag, &there);
	if (r == 0)
		r = p->as_is && there && strcmp(there, p->image.digest) == 0;
	for (unsigned i = 0; r > 0 && i < m->n_layers; i++) {
		struct push_item item = item_of(p, i, m->layers[i].digest, m->layers[i].size);

		report(&item, TRANSFER_EXISTS);
	}
	return r;
}

/* The tags beside the first, of what was found under that: so all it names is there. */
static int put_missing(struct push *p)
{
	const struct outgoing *o = &p->image;
	AUTO_STRV struct strv missing = STRV_INIT;

	for (size_t i = 0; i < p->more.n; i++) {
		int r = registry_has_manifest(&p->registry, p->more.v[i], o->digest);

		if (r < 0)
			return r;
		if (r == 0)
			strv_add(&missing, p->more.v[i]);
	}
	return registry_put_tags(&p->registry, &missing, o->media_type, o->digest, o->manifest_raw.s,
				 o->manifest_raw.len);
}

static int put_all(struct push *p)
{
	const char *reference = p->by_digest ? p->image.digest : p->to.digest ? p->to.digest : p->to.tag;
	const struct outgoing *o = &p->image;
	AUTO_STRV struct strv tags = STRV_INIT;

	if (!p->more.n)
		return registry_put_manifest(&p->registry, reference, o->media_type, o->digest,
					     o->manifest_raw.s, o->manifest_raw.len);
	strv_add(&tags, reference);
	strv_add_all(&tags, &p->more);
	return registry_put_tags(&p->registry, &tags, o->media_type, o->digest, o->manifest_raw.s,
				 o->manifest_raw.len);
}

/* It is pushed; that it is known here is for the next time. */
static int remember(struct push *p, const char *name)
{
	AUTO_FREE char *repo_digest = xasprintf("%s@%s", name, p->image.digest);

	if (!p->image.made && strv_has(&p->image.rec->repo_digests, repo_digest))
		return 0;
	if (outgoing_remember(&p->image, repo_digest) < 0) {
		report_message(p->ctx, true, "%s", err_trail());
		err_drop();
	}
	return 0;
}

int push_send(struct push *p)
{
	AUTO_FREE char *name = reference_name(&p->to);
	struct outgoing *o = &p->image;
	int r;

	(void)http_set_cancel(p->http, p->ctx->channel);
	r = meet(p);
	if (r > 0) {
		r = signing_make(p->ctx, &p->signing, o->digest);
		if (r == 0)
			r = put_missing(p);
		return r < 0 ? r : remember(p, name);
	}
	if (r < 0)
		return r;
	r = find_mounts(p, name);
	if (r == 0)
		r = send_layers(p, p->as_is);
	if (r == 0)
		r = finish_layers(p);
	if (r < 0)
		drop_layers(p, r);
	if (r == 0)
		r = send_config(p);
	if (r == 0 && p->to.digest && strcmp(p->to.digest, o->digest) != 0)
		r = err_new(-CE_BAD_DIGEST, "the image's manifest is %s", o->digest);
	if (r == 0)
		r = signing_make(p->ctx, &p->signing, o->digest);
	if (r == 0)
		r = put_all(p);
	return r < 0 ? r : remember(p, name);
}

int push_open(struct push *p)
{
	struct registry_options o = {.access = p->args.access, .push = true};
	AUTO_FREE char *name = NULL;
	int r;

	r = reference_parse(p->args.destination, &p->to);
	if (r < 0)
		return r;
	reference_normalise(&p->to);
	if (p->args.more_tags)
		strv_split(&p->more, p->args.more_tags, ',');
	name = reference_name(&p->to);
	r = outgoing_open(p->ctx, p->args.id, p->args.manifest, &p->args.form, &p->image);
	p->as_is = r > 0;
	if (r >= 0)
		r = registries_load(&p->conf);
	if (r == 0)
		r = registries_primary(&p->conf, name, &p->endpoint);
	if (r == 0)
		r = http_new(&p->http);
	if (r == 0)
		r = registry_open(p->http, &p->endpoint, &o, &p->registry);
	if (r == 0)
		r = signing_open(&p->args.sign, &p->to, &p->signing);
	return r == 0 && p->as_is ? open_sources(p, name) : r;
}

/* All the names it has there now. */
static void report_names(struct push *p)
{
	AUTO_FREE char *name = reference_name(&p->to);

	report_image(p->ctx, p->args.destination, p->image.digest);
	for (size_t i = 0; i < p->more.n; i++) {
		AUTO_FREE char *full = xasprintf("%s:%s", name, p->more.v[i]);

		report_image(p->ctx, full, p->image.digest);
	}
}

int transfer_op_push(struct transfer_ctx *ctx)
{
	AUTO(push_done) struct push p = PUSH_INIT(ctx);
	int r = transfer_push_get(&ctx->req, &p.args);

	if (r == 0)
		r = push_open(&p);
	if (r == 0)
		r = noexec_enter();
	if (r == 0)
		r = push_send(&p);
	if (r == 0)
		r = signing_apply(&p.signing, &p.registry, &p.to, p.image.digest);
	if (r == 0 && p.registry.warning)
		report_message(ctx, true, "%s", p.registry.warning);
	if (r == 0)
		report_names(&p);
	return r;
}

/* SPDX-License-Identifier: MIT */
/*
 * The operations on artifacts. They are done as the user, outside of the base namespace: nothing is
 * unpacked. Two descriptors: the directory of blobs, and a file with the manifest or for it.
 */
#include <string.h>
#include <unistd.h>

#include "pkg/archive/hash.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"
#include "pkg/transfer/noexec.h"
#include "pkg/transfer/places.h"
#include "pkg/transfer/refetch.h"
#include "pkg/transfer/sign.h"
#include "pkg/transfer/trust.h"
#include "storage/artifact_store.h"

struct artifact {
	struct transfer_ctx *ctx;
	struct transfer_artifact args;
	int blobs, file;
	struct places places; /* pull */
	struct trust trust;
	struct reference to; /* push */
	struct registries conf;
	struct endpoint endpoint;
	struct http *http;
	struct registry registry;
	struct signing signing;
	uint32_t items;
};

static void artifact_done(struct artifact *a)
{
	places_done(&a->places);
	trust_done(&a->trust);
	signing_done(&a->signing);
	registry_close(&a->registry);
	http_freep(&a->http);
	registries_done(&a->conf);
	endpoint_done(&a->endpoint);
	reference_done(&a->to);
}

static int begin(struct transfer_ctx *ctx, struct artifact *a)
{
	int r = transfer_artifact_get(&ctx->req, &a->args);

	if (r == 0 && ctx->n_fds != 2)
		r = err_new(-CE_PROTOCOL, "artifact request");
	a->blobs = ctx->fds[0];
	a->file = ctx->fds[1];
	return r;
}

static void tell(struct artifact *a, const struct descriptor *d, enum transfer_state state)
{
	char label[13] = "";
	struct transfer_progress p = {.item = a->items,
				      .state = state,
				      .label = label,
				      .done = state == TRANSFER_RUNNING ? 0 : d->size,
				      .total = d->size};

	memcpy(label, digest_hex(d->digest), 12);
	report_progress(a->ctx, &p);
	if (state != TRANSFER_RUNNING)
		a->items++;
}

/* --- pull -------------------------------------------------------------------------------------- */

static int fetch_blob(struct artifact *a, struct registry *r, const struct descriptor *d)
{
	AUTO_CLOSE int fd = -EBADF;
	int e;

	if (artifact_blob_is_there(a->blobs, d->digest, d->size)) {
		tell(a, d, TRANSFER_EXISTS);
		return 0;
	}
	tell(a, d, TRANSFER_RUNNING);
	fd = artifact_blob_begin(a->blobs);
	e = fd < 0 ? fd : refetch_from(r, d->digest, d->size, fd);
	if (e == 0)
		e = artifact_blob_commit(a->blobs, fd, d->digest);
	if (e == 0)
		tell(a, d, TRANSFER_DONE);
	return e;
}

static int check_trust(struct artifact *a, struct registry *r, const char *name, const char *full,
		       const char *digest)
{
	AUTO(reference_done) struct reference ref = {0};
	int e = reference_parse(full, &ref);

	(void)name;
	return e == 0 ? trust_check(&a->trust, r, &ref, digest, NULL) : e;
}

static int pull_from(void *data, struct registry *r, const char *name)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_FREE char *digest = NULL, *full = NULL, *what = NULL;
	struct artifact *a = data;
	const char *wanted = places_reference(&a->places);
	int e = registry_manifest(r, wanted, &p, &digest);

	full = xasprintf("%s%c%s", name, a->places.ref.digest ? '@' : ':', wanted);
	if (e == 0)
		e = manifest_parse(p.body.s, p.body.len, p.content_type, &m);
	if (e == 0 && m.is_index)
		e = err_new(-CE_UNSUPPORTED, "%s is a list, not an artifact", full);
	/* Files of that name are what blobs are kept as. */
	for (unsigned i = 0; e == 0 && i < m.n_layers; i++)
		if (strncmp(m.layers[i].digest, "sha256:", 7) != 0)
			e = err_new(-CE_UNSUPPORTED, "digest %.19s", m.layers[i].digest);
	if (e == 0 &&
	    (strncmp(m.config.digest, "sha256:", 7) != 0 || strncmp(digest, "sha256:", 7) != 0))
		e = err_new(-CE_UNSUPPORTED, "digest %.19s", m.config.digest);
	if (e == 0)
		e = check_trust(a, r, name, full, digest);
	if (e == 0)
		e = fetch_blob(a, r, &m.config);
	for (unsigned i = 0; e == 0 && i < m.n_layers; i++)
		e = fetch_blob(a, r, &m.layers[i]);
	if (e == 0 && (ftruncate(a->file, 0) < 0 || lseek(a->file, 0, SEEK_SET) < 0))
		e = err_new(-errno, "hand the manifest over");
	if (e == 0)
		e = write_full(a->file, p.body.s, p.body.len);
	if (e < 0)
		return e;
	what = xasprintf("%s %s", digest, m.media_type);
	report_image(a->ctx, full, what);
	return 0;
}

int transfer_op_artifact_pull(struct transfer_ctx *ctx)
{
	AUTO(artifact_done) struct artifact a = {.ctx = ctx, .trust = TRUST_INIT};
	struct registry_options o = {0};
	int r = begin(ctx, &a);

	o.access = a.args.access;
	if (r == 0)
		r = places_open(a.args.name, &o, &a.places);
	if (r == 0)
		r = trust_open(a.args.policy, &a.trust);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	(void)http_set_cancel(a.places.http, ctx->channel);
	return places_try(&a.places, ctx, pull_from, &a);
}

/* --- push -------------------------------------------------------------------------------------- */

static int send_blob(struct artifact *a, const struct descriptor *d)
{
	AUTO_CLOSE int fd = -EBADF;
	struct upload u = {.digest = d->digest, .size = d->size};
	int r = registry_has_blob(&a->registry, d->digest);

	if (r != 0) {
		if (r > 0)
			tell(a, d, TRANSFER_EXISTS);
		return r < 0 ? r : 0;
	}
	tell(a, d, TRANSFER_RUNNING);
	fd = artifact_blob_read(a->blobs, d->digest);
	if (fd < 0)
		return fd;
	u.fd = fd;
	r = registry_upload(&a->registry, &u);
	if (r == 0)
		tell(a, d, TRANSFER_DONE);
	return r;
}

static int push_all(struct artifact *a, const struct sbuf *text)
{
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_FREE char *digest = NULL;
	int r = manifest_parse(text->s, text->len, a->args.media_type, &m);

	if (r < 0)
		return r;
	digest = hash_digest_of(text->s, text->len);
	r = registry_ping(&a->registry);
	for (unsigned i = 0; r == 0 && i < m.n_layers; i++)
		r = send_blob(a, &m.layers[i]);
	if (r == 0)
		r = send_blob(a, &m.config);
	if (r == 0)
		r = signing_make(a->ctx, &a->signing, digest);
	if (r == 0)
		r = registry_put_manifest(&a->registry, a->to.digest ? a->to.digest : a->to.tag,
					  m.media_type, digest, text->s, text->len);
	if (r == 0)
		r = signing_apply(&a->signing, &a->registry, &a->to, digest);
	if (r == 0)
		report_image(a->ctx, a->args.name, digest);
	return r;
}

int transfer_op_artifact_push(struct transfer_ctx *ctx)
{
	AUTO(artifact_done)
	struct artifact a = {.ctx = ctx, .trust = TRUST_INIT, .signing = SIGNING_INIT};
	struct registry_options o = {.push = true};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *name = NULL;
	int r = begin(ctx, &a);

	if (r == 0 && lseek(a.file, 0, SEEK_SET) < 0)
		r = err_new(-errno, "manifest");
	if (r == 0)
		r = file_read_fd(a.file, MANIFEST_BYTES_MAX, &text);
	if (r == 0)
		r = reference_parse(a.args.name, &a.to);
	if (r < 0)
		return r;
	reference_normalise(&a.to);
	name = reference_name(&a.to);
	o.access = a.args.access;
	r = registries_load(&a.conf);
	if (r == 0)
		r = registries_primary(&a.conf, name, &a.endpoint);
	if (r == 0)
		r = http_new(&a.http);
	if (r == 0)
		r = registry_open(a.http, &a.endpoint, &o, &a.registry);
	if (r == 0)
		r = signing_open(&a.args.sign, &a.to, &a.signing);
	if (r == 0)
		r = noexec_enter();
	if (r < 0)
		return r;
	(void)http_set_cancel(a.http, ctx->channel);
	return push_all(&a, &text);
}

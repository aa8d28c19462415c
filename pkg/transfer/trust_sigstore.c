/* SPDX-License-Identifier: MIT */
/*
 * Sigstore's signatures, attached to the image at its registry: by a key, or by a key that a certificate
 * speaks for; seen by a log or not. Nobody is asked for anything but the registry.
 */
#include <string.h>
#include <time.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/transfer/certificate.h"
#include "pkg/transfer/pubkey.h"
#include "pkg/transfer/rekor.h"
#include "pkg/transfer/trust_internal.h"

/* What the requirement names. */
struct wanted {
	const struct policy_requirement *q;
	struct trust_pem keys, roots, intermediates, rekor;
};

static void wanted_done(struct wanted *w)
{
	trust_pem_done(&w->keys);
	trust_pem_done(&w->roots);
	trust_pem_done(&w->intermediates);
	trust_pem_done(&w->rekor);
}

static int wanted_load(const struct policy_requirement *q, struct wanted *w)
{
	int r = trust_pem_load(&q->keys, &w->keys);

	w->q = q;
	if (r == 0)
		r = trust_pem_load(&q->roots, &w->roots);
	if (r == 0)
		r = trust_pem_load(&q->intermediates, &w->intermediates);
	if (r == 0)
		r = trust_pem_load(&q->rekor, &w->rekor);
	return r;
}

/* Of one signature. */
struct attached {
	const struct descriptor *d; /* its payload's, with the rest in annotations */
	struct sbuf payload, signature;
};

static void attached_done(struct attached *a)
{
	sbuf_done(&a->payload);
	sbuf_done(&a->signature);
}

/* @ret_time: when the log saw it; untouched when no log is asked for. */
static int check_log(const struct wanted *w, const struct attached *a, const struct sbuf *verifier,
		     int64_t *ret_time)
{
	const struct rekor_claim c = {
		.payload = &a->payload, .signature = &a->signature, .verifier = verifier};
	const char *bundle = strv_env_get(&a->d->annotations, COSIGN_BUNDLE);

	if (!w->rekor.n)
		return 0;
	if (!bundle)
		return err_new(-CE_DENIED, "a signature that no log has seen");
	return rekor_check(bundle, w->rekor.v, w->rekor.n, &c, ret_time);
}

static int check_key(const struct wanted *w, const struct attached *a)
{
	int64_t when;
	int r = err_new(-CE_DENIED, "no key");

	for (unsigned i = 0; i < w->keys.n; i++) {
		r = pubkey_verify(&w->keys.v[i], &a->payload, &a->signature);
		if (r == 0)
			return check_log(w, a, &w->keys.v[i], &when);
	}
	return r;
}

/* A certificate of Fulcio's has long run out by now; it counts when it was good as the log saw the signature. */
static int check_certificate(const struct wanted *w, const struct attached *a)
{
	const char *text = strv_env_get(&a->d->annotations, COSIGN_CERTIFICATE);
	AUTO_SBUF struct sbuf leaf = SBUF_INIT, key = SBUF_INIT;
	struct certificate_claim c = {.leaf = &leaf,
				      .chain = strv_env_get(&a->d->annotations, COSIGN_CHAIN),
				      .roots = w->roots.v,
				      .n_roots = w->roots.n,
				      .intermediates = w->intermediates.v,
				      .n_intermediates = w->intermediates.n,
				      .at = time(NULL),
				      .issuer = w->q->issuer,
				      .email = w->q->email,
				      .hostname = w->q->hostname};
	int r;

	if (!text)
		return err_new(-CE_DENIED, "a signature without a certificate");
	sbuf_adds(&leaf, text);
	r = check_log(w, a, &leaf, &c.at);
	if (r == 0)
		r = certificate_check(&c, &key);
	return r == 0 ? pubkey_verify(&key, &a->payload, &a->signature) : r;
}

static int check_one(struct claim *c, const struct wanted *w, const struct descriptor *d)
{
	AUTO(attached_done)
	struct attached a = {.d = d, .payload = SBUF_INIT, .signature = SBUF_INIT};
	const char *text = strv_env_get(&d->annotations, COSIGN_SIGNATURE);
	int r;

	if (!text || strcmp(d->media_type, COSIGN_PAYLOAD) != 0 || d->size > SIGNATURE_BYTES_MAX)
		return err_new(-CE_DENIED, "an attachment that is no signature");
	if (base64_decode(text, &a.signature) < 0)
		return err_new(-CE_BAD_FORMAT, "a signature that is not base64");
	r = registry_document(c->registry, d->digest, d->size, &a.payload);
	if (r == 0)
		r = w->q->signer == SIGNER_KEY ? check_key(w, &a) : check_certificate(w, &a);
	return r == 0 ? trust_payload(c, w->q, &a.payload, "cosign container image signature") : r;
}

#define BUNDLE_TYPE "application/vnd.dev.sigstore.bundle"

/*
 * What cosign 3 makes unless it is told otherwise signs a digest and no name, so whatever signedIdentity
 * asks for cannot be found in it: the same image under another's name would pass.
 */
static int no_signature(struct claim *c)
{
	AUTO(manifest_done) struct manifest index = {0};
	int r = registry_referrers(c->registry, c->digest, &index);

	if (r == -CE_INTERRUPTED)
		return r;
	err_drop();
	for (unsigned i = 0; r > 0 && i < index.n_children; i++) {
		const char *type = index.children[i].artifact_type;

		if (type && strncmp(type, BUNDLE_TYPE, strlen(BUNDLE_TYPE)) == 0)
			return err_new(
				-CE_DENIED,
				"no signature that says a name, but a sigstore bundle, which "
				"does not; 'cosign sign --new-bundle-format=false' makes "
				"the other");
	}
	return err_new(-CE_DENIED, "no signature");
}

static int check_attached(struct claim *c, const struct wanted *w)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_FREE char *tag = xasprintf("sha256-%s.sig", digest_hex(c->digest)), *digest = NULL;
	int last = 0, r = registry_manifest(c->registry, tag, &p, &digest);

	if (r == -CE_NO_IMAGE)
		return no_signature(c);
	if (r == 0)
		r = manifest_parse(p.body.s, p.body.len, p.content_type, &m);
	if (r < 0)
		return err_wrap(r, "signatures");
	last = err_new(-CE_DENIED, "no signature");
	for (unsigned i = 0; i < m.n_layers && i < SIGNATURES_MAX; i++) {
		last = check_one(c, w, &m.layers[i]);
		if (last == 0 || last == -CE_INTERRUPTED)
			break;
		log_debug("trust", "%s: %s", tag, err_message(last));
	}
	return last;
}

int trust_sigstore(struct claim *c, const struct policy_requirement *q)
{
	AUTO(wanted_done) struct wanted w = {0};
	int r;

	if (!lookaside_attachments(&c->trust->lookasides, c->ref))
		return err_new(-CE_DENIED, "no signature (registries.d does not say "
					   "use-sigstore-attachments: true)");
	r = wanted_load(q, &w);
	return r == 0 ? check_attached(c, &w) : r;
}

/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/trust.h"

#include <fcntl.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"
#include "pkg/transfer/pubkey.h"

#define SIGNATURES_MAX 128
#define SIGNATURE_BYTES_MAX (64UL << 10)
#define KEY_BYTES_MAX (4UL << 20)

/* Of one image: who asks, and what for. */
struct claim {
	struct trust *trust;
	struct registry *registry;
	const struct reference *ref;
	const char *digest; /* the one whose signatures are looked at */
};

void trust_done(struct trust *t)
{
	gpg_done(&t->gpg);
	policy_done(&t->policy);
	lookasides_done(&t->lookasides);
}

static bool wants(const struct policy *p, enum policy_kind kind)
{
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned k = 0; k < p->scopes[i].n; k++)
			if (p->scopes[i].v[k].kind == kind)
				return true;
	return false;
}

int trust_open(const char *policy, struct trust *t)
{
	int r = policy_load(policy, &t->policy);

	if (r == 0 && (wants(&t->policy, POLICY_SIGNED_BY) || wants(&t->policy, POLICY_SIGSTORE)))
		r = lookasides_load(&t->lookasides);
	if (r == 0 && wants(&t->policy, POLICY_SIGNED_BY))
		r = gpg_start(&t->gpg);
	return r;
}

static int load_keys(const struct policy_requirement *q, struct sbuf **ret, unsigned *ret_n)
{
	struct sbuf *v = xcalloc(q->key_paths.n + 1, sizeof(*v));
	int r = 0;

	*ret = v;
	for (size_t i = 0; i < q->key_paths.n; i++)
		v[i] = (struct sbuf)SBUF_INIT;
	*ret_n = (unsigned)q->key_paths.n;
	for (size_t i = 0; r == 0 && i < q->key_paths.n; i++)
		r = file_read_at(AT_FDCWD, q->key_paths.v[i], KEY_BYTES_MAX, &v[i]);
	return r;
}

static void free_keys(struct sbuf *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sbuf_done(&v[i]);
	free(v);
}

/* --- what a signature says --------------------------------------------------------------------- */

static bool has_only(struct json_object *o, const char *a, const char *b, const char *c)
{
	json_object_object_foreach(o, key, value)
	{
		(void)value;
		if (strcmp(key, a) != 0 && (!b || strcmp(key, b) != 0) &&
		    (!c || strcmp(key, c) != 0))
			return false;
	}
	return true;
}

/* @type: what "critical" must call itself. Words that are not known could be meant to restrict. */
static int check_payload(const struct claim *c, const struct policy_requirement *q,
			 const struct sbuf *payload, const char *type)
{
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *critical = NULL, *identity = NULL, *image = NULL;
	const char *is = NULL, *name = NULL, *digest = NULL;
	int r = json_parse(payload->s, payload->len, &o);

	if (r == 0 && !json_object_is_type(o, json_type_object))
		r = err_new(-CE_BAD_FORMAT, "not an object");
	if (r < 0 || (r = json_get_obj(o, "critical", &critical)) < 0)
		return r;
	if (!critical || !has_only(o, "critical", "optional", NULL) ||
	    !has_only(critical, "type", "image", "identity"))
		return err_new(-CE_BAD_FORMAT, "a signature with unknown words");
	if ((r = json_get_str(critical, "type", &is)) < 0 ||
	    (r = json_get_obj(critical, "image", &image)) < 0 ||
	    (r = json_get_obj(critical, "identity", &identity)) < 0)
		return r;
	if (!is || strcmp(is, type) != 0 || !image || !identity ||
	    !has_only(image, "docker-manifest-digest", NULL, NULL) ||
	    !has_only(identity, "docker-reference", NULL, NULL))
		return err_new(-CE_BAD_FORMAT, "a signature with unknown words");
	if ((r = json_get_str(image, "docker-manifest-digest", &digest)) < 0 ||
	    (r = json_get_str(identity, "docker-reference", &name)) < 0)
		return r;
	if (!digest || strcmp(digest, c->digest) != 0)
		return err_new(-CE_DENIED, "the signature is for another manifest");
	if (!name || !policy_identity_matches(q, c->ref, name))
		return err_new(-CE_DENIED, "the signature is for %.200s", name ? name : "no name");
	return 0;
}

/* --- simple signing ---------------------------------------------------------------------------- */

/* Return: 0, -ENOENT (no trail) when there is no such one. */
static int read_signature(struct claim *c, const char *url, struct sbuf *out)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	const struct http_policy plain = {.plain = true};
	struct http_request q = {.url = url,
				 .policy = &plain,
				 .max_body = SIGNATURE_BYTES_MAX,
				 .timeout_s = 60,
				 .retries = c->registry->retries};
	int r;

	if (strncmp(url, "file://", 7) == 0) {
		r = file_read_at(AT_FDCWD, url + 7, SIGNATURE_BYTES_MAX, out);
		if (r == -ENOENT)
			err_drop();
		return r;
	}
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return err_new(-CE_UNSUPPORTED, "signatures at %.100s", url);
	r = http_fetch(c->registry->http, &q, &p);
	if (r == 0 && p.status == 404)
		return -ENOENT;
	if (r == 0 && p.status != 200)
		r = err_new(-CE_NETWORK, "status %u", p.status);
	if (r < 0)
		return err_wrap(r, "signature %.200s", url);
	sbuf_add(out, p.body.s, p.body.len);
	return 0;
}

static int check_simple_one(struct claim *c, const struct policy_requirement *q,
			    const struct sbuf *keys, unsigned n_keys, const struct sbuf *signature)
{
	AUTO_SBUF struct sbuf content = SBUF_INIT;
	int r = gpg_verify(&c->trust->gpg, keys, n_keys, signature, &content);

	return r == 0 ? check_payload(c, q, &content, "atomic container signature") : r;
}

/* Signatures by number until there is none, the first that is good ends it. */
static int check_simple_with(struct claim *c, const struct policy_requirement *q,
			     const struct sbuf *keys, unsigned n_keys, const char *dir)
{
	AUTO_FREE char *why = xstrdup("no signature");

	for (unsigned i = 1; i <= SIGNATURES_MAX; i++) {
		AUTO_FREE char *url = xasprintf("%s/signature-%u", dir, i);
		AUTO_SBUF struct sbuf signature = SBUF_INIT;
		int r = read_signature(c, url, &signature);

		if (r == -ENOENT)
			break;
		if (r == 0)
			r = check_simple_one(c, q, keys, n_keys, &signature);
		if (r == 0 || r == -CE_INTERRUPTED || r == -CE_NETWORK)
			return r;
		log_debug("trust", "%s: %s", url, err_message(r));
		free(why);
		why = xstrdup(err_trail());
	}
	return err_set(-CE_DENIED, why);
}

static int check_simple(struct claim *c, const struct policy_requirement *q)
{
	AUTO_FREE char *dir = NULL;
	struct sbuf *loaded = NULL;
	unsigned n_loaded = 0;
	int r = lookaside_url(&c->trust->lookasides, c->ref, c->digest, false, &dir);

	if (r < 0)
		return err_new(-CE_DENIED, "nothing says where signatures are");
	r = load_keys(q, &loaded, &n_loaded);
	if (r == 0)
		r = q->n_keys ? check_simple_with(c, q, q->keys, q->n_keys, dir)
			      : check_simple_with(c, q, loaded, n_loaded, dir);
	free_keys(loaded, n_loaded);
	return r;
}

/* --- sigstore ---------------------------------------------------------------------------------- */

static int check_sigstore_one(struct claim *c, const struct policy_requirement *q,
			      const struct sbuf *keys, unsigned n_keys, const struct descriptor *d)
{
	const char *text = strv_env_get(&d->annotations, COSIGN_SIGNATURE);
	AUTO_SBUF struct sbuf payload = SBUF_INIT, signature = SBUF_INIT;
	int r;

	if (!text || strcmp(d->media_type, COSIGN_PAYLOAD) != 0 || d->size > SIGNATURE_BYTES_MAX)
		return err_new(-CE_DENIED, "an attachment that is no signature");
	if (base64_decode(text, &signature) < 0)
		return err_new(-CE_BAD_FORMAT, "a signature that is not base64");
	r = registry_document(c->registry, d->digest, d->size, &payload);
	if (r < 0)
		return r;
	r = err_new(-CE_DENIED, "no key");
	for (unsigned i = 0; i < n_keys; i++) {
		r = pubkey_verify(&keys[i], &payload, &signature);
		if (r == 0)
			break;
	}
	return r == 0 ? check_payload(c, q, &payload, "cosign container image signature") : r;
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
			return err_new(-CE_DENIED,
				       "no signature that says a name, but a sigstore bundle, which "
				       "does not; 'cosign sign --new-bundle-format=false' makes "
				       "the other");
	}
	return err_new(-CE_DENIED, "no signature");
}

static int check_attached(struct claim *c, const struct policy_requirement *q,
			  const struct sbuf *keys, unsigned n_keys)
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
		last = check_sigstore_one(c, q, keys, n_keys, &m.layers[i]);
		if (last == 0)
			break;
		log_debug("trust", "%s: %s", tag, err_message(last));
	}
	return last;
}

static int check_sigstore(struct claim *c, const struct policy_requirement *q)
{
	struct sbuf *loaded = NULL;
	unsigned n_loaded = 0;
	int r;

	if (!lookaside_attachments(&c->trust->lookasides, c->ref))
		return err_new(-CE_DENIED, "no signature (registries.d does not say "
					   "use-sigstore-attachments: true)");
	r = load_keys(q, &loaded, &n_loaded);
	if (r == 0)
		r = q->n_keys ? check_attached(c, q, q->keys, q->n_keys)
			      : check_attached(c, q, loaded, n_loaded);
	free_keys(loaded, n_loaded);
	return r;
}

/* --- all --------------------------------------------------------------------------------------- */

static int check_one(struct claim *c, const struct policy_requirement *q)
{
	if (q->unsupported)
		return err_new(-CE_DENIED, "%s is not supported", q->unsupported);
	switch (q->kind) {
	case POLICY_ACCEPT:
		return 0;
	case POLICY_SIGNED_BY:
		return check_simple(c, q);
	case POLICY_SIGSTORE:
		return check_sigstore(c, q);
	default:
		return err_new(-CE_DENIED, "such images are rejected");
	}
}

/* Signatures of the index stand for what it lists, since it lists by digest. */
static int check_either(struct claim *c, const struct policy_requirement *q, const char *digest,
			const char *list)
{
	int r;

	c->digest = digest;
	r = check_one(c, q);
	if (r == -CE_DENIED && list &&
	    (q->kind == POLICY_SIGNED_BY || q->kind == POLICY_SIGSTORE)) {
		AUTO_FREE char *words = xstrdup(err_trail());

		c->digest = list;
		r = check_one(c, q);
		if (r == -CE_DENIED)
			r = err_set(r, words);
	}
	return r;
}

int trust_check(struct trust *t, struct registry *reg, const struct reference *ref,
		const char *digest, const char *list)
{
	const struct policy_scope *s = policy_find(&t->policy, ref);
	struct claim c = {.trust = t, .registry = reg, .ref = ref};

	for (unsigned i = 0; s && i < s->n; i++) {
		int r = check_either(&c, &s->v[i], digest, list);

		if (r == -CE_INTERRUPTED)
			return r;
		if (r < 0) {
			AUTO_FREE char *words = xstrdup(err_trail());

			return err_new(-CE_UNTRUSTED, "%s: %s", t->policy.file, words);
		}
	}
	return 0;
}

int trust_check_file(const char *policy, const char *transport, const char *path)
{
	AUTO(policy_done) struct policy p = {0};
	int r = policy_load(policy, &p);
	const struct policy_scope *s = r == 0 ? policy_find_file(&p, transport, path) : NULL;

	for (unsigned i = 0; s && i < s->n; i++)
		if (s->v[i].kind != POLICY_ACCEPT)
			return err_new(-CE_UNTRUSTED, "%s: %s", p.file,
				       s->v[i].kind == POLICY_REJECT
					       ? "such images are rejected"
					       : "archives carry no signatures");
	return r;
}

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
#include "pkg/transfer/trust_internal.h"

#define KEY_BYTES_MAX (4UL << 20)

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

int trust_pem_load(const struct policy_pem *p, struct trust_pem *ret)
{
	int r = 0;

	*ret = (struct trust_pem){.v = p->data, .n = p->n};
	if (!p->paths.n)
		return 0;
	ret->loaded = xcalloc(p->paths.n, sizeof(*ret->loaded));
	ret->v = ret->loaded;
	for (size_t i = 0; r == 0 && i < p->paths.n; i++) {
		ret->loaded[ret->n] = (struct sbuf)SBUF_INIT;
		r = file_read_at(AT_FDCWD, p->paths.v[i], KEY_BYTES_MAX, &ret->loaded[ret->n++]);
	}
	return r;
}

void trust_pem_done(struct trust_pem *p)
{
	for (unsigned i = 0; p->loaded && i < p->n; i++)
		sbuf_done(&p->loaded[i]);
	free(p->loaded);
	*p = (struct trust_pem){0};
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

/* Words that are not known could be meant to restrict. */
int trust_payload(const struct claim *c, const struct policy_requirement *q, const struct sbuf *payload,
		  const char *type)
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

	return r == 0 ? trust_payload(c, q, &content, "atomic container signature") : r;
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
	AUTO(trust_pem_done) struct trust_pem keys = {0};
	int r = lookaside_url(&c->trust->lookasides, c->ref, c->digest, false, &dir);

	if (r < 0)
		return err_new(-CE_DENIED, "nothing says where signatures are");
	r = trust_pem_load(&q->keys, &keys);
	return r == 0 ? check_simple_with(c, q, keys.v, keys.n, dir) : r;
}

/* --- all --------------------------------------------------------------------------------------- */

static int check_one(struct claim *c, const struct policy_requirement *q)
{
	switch (q->kind) {
	case POLICY_ACCEPT:
		return 0;
	case POLICY_SIGNED_BY:
		return check_simple(c, q);
	case POLICY_SIGSTORE:
		return trust_sigstore(c, q);
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

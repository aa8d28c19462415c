/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/policy.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/conf_file.h"
#include "pkg/config/paths.h"
#include "pkg/sys/file.h"
#include "pkg/transfer/policy_internal.h"

#define POLICY_MAX (4UL << 20)

static void pem_done(struct policy_pem *p)
{
	strv_done(&p->paths);
	for (unsigned i = 0; i < p->n; i++)
		sbuf_done(&p->data[i]);
	free(p->data);
}

static void requirement_done(struct policy_requirement *q)
{
	pem_done(&q->keys);
	pem_done(&q->roots);
	pem_done(&q->intermediates);
	pem_done(&q->rekor);
	free(q->issuer);
	free(q->email);
	free(q->hostname);
	free(q->named);
	free(q->signed_prefix);
}

void policy_done(struct policy *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < p->scopes[i].n; k++)
			requirement_done(&p->scopes[i].v[k]);
		free(p->scopes[i].v);
		free(p->scopes[i].transport);
		free(p->scopes[i].scope);
	}
	free(p->scopes);
	free(p->file);
	*p = (struct policy){0};
}

/* --- parse ------------------------------------------------------------------------------------- */

int policy_only_keys(struct json_object *o, const char *const *allowed, const char *what)
{
	json_object_object_foreach(o, key, value)
	{
		const char *const *k = allowed;

		(void)value;
		while (*k && strcmp(*k, key) != 0)
			k++;
		if (!*k)
			return err_new(-CE_BAD_FORMAT, "unknown key \"%s\" in %s", key, what);
	}
	return 0;
}

static int take_data(struct policy_pem *p, const char *key, const char *text)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (base64_decode(text, &b) < 0 || b.len == 0)
		return err_new(-CE_BAD_FORMAT, "%s is not base64", key);
	p->data = xreallocarray(p->data, p->n + 1, sizeof(*p->data));
	p->data[p->n++] = b;
	b = (struct sbuf)SBUF_INIT;
	return 0;
}

int policy_pem_parse(struct json_object *o, const char *prefix, struct policy_pem *ret)
{
	static const char *const forms[] = {"Path", "Paths", "Data", "Datas"};
	unsigned found = 0;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(forms); i++) {
		AUTO_FREE char *key = xasprintf("%s%s", prefix, forms[i]);
		AUTO_STRV struct strv values = STRV_INIT;
		const char *one = NULL;

		if (!json_object_object_get_ex(o, key, NULL))
			continue;
		found++;
		r = i % 2 ? json_get_strv(o, key, &values) : json_get_str(o, key, &one);
		if (r == 0 && one)
			strv_add(&values, one);
		if (r == 0 && !values.n)
			r = err_new(-CE_BAD_FORMAT, "nothing in %s", key);
		for (size_t k = 0; r == 0 && i > 1 && k < values.n; k++)
			r = take_data(ret, key, values.v[k]);
		if (r == 0 && i < 2)
			strv_add_all(&ret->paths, &values);
	}
	if (r == 0 && found > 1)
		r = err_new(-CE_BAD_FORMAT, "%sPath and its likes: only one of them", prefix);
	return r < 0 ? r : (int)found;
}

static int parse_identity(struct json_object *o, struct policy_requirement *q)
{
	static const struct {
		const char *type;
		enum policy_identity kind;
		const char *keys[4];
	} kinds[] = {
		{"matchExact", IDENTITY_EXACT, {"type", NULL}},
		{"matchRepoDigestOrExact", IDENTITY_DIGEST_OR_EXACT, {"type", NULL}},
		{"matchRepository", IDENTITY_REPOSITORY, {"type", NULL}},
		{"exactReference", IDENTITY_EXACT_REFERENCE, {"type", "dockerReference", NULL}},
		{"exactRepository", IDENTITY_EXACT_REPOSITORY, {"type", "dockerRepository", NULL}},
		{"remapIdentity", IDENTITY_REMAP, {"type", "prefix", "signedPrefix", NULL}},
	};
	const char *type = NULL, *named = NULL, *prefix = NULL;
	int r = json_get_str(o, "type", &type);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
		if (!type || strcmp(type, kinds[i].type) != 0)
			continue;
		q->identity = kinds[i].kind;
		r = policy_only_keys(o, kinds[i].keys, "signedIdentity");
		if (r == 0 && kinds[i].keys[1])
			r = json_get_str(o, kinds[i].keys[1], &named);
		if (r == 0 && q->identity == IDENTITY_REMAP)
			r = json_get_str(o, "signedPrefix", &prefix);
		if (r < 0)
			return r;
		if ((kinds[i].keys[1] && (!named || !*named)) ||
		    (q->identity == IDENTITY_REMAP && (!prefix || !*prefix)))
			return err_new(-CE_BAD_FORMAT, "signedIdentity of type %s is incomplete",
				       type);
		q->named = named ? xstrdup(named) : NULL;
		q->signed_prefix = prefix ? xstrdup(prefix) : NULL;
		return 0;
	}
	return r < 0 ? r
		     : err_new(-CE_BAD_FORMAT, "signedIdentity of type \"%s\"", type ? type : "");
}

static int parse_gpg(struct json_object *o, struct policy_requirement *q)
{
	static const char *const allowed[] = {"type",    "keyType",        "keyPath", "keyPaths",
					      "keyData", "signedIdentity", NULL};
	const char *type = NULL;
	int r = policy_only_keys(o, allowed, "a requirement");

	if (r == 0)
		r = json_get_str(o, "keyType", &type);
	if (r == 0 && (!type || strcmp(type, "GPGKeys") != 0))
		r = err_new(-CE_BAD_FORMAT, "keyType \"%s\" is not GPGKeys", type ? type : "");
	if (r == 0)
		r = policy_pem_parse(o, "key", &q->keys);
	if (r == 0)
		r = err_new(-CE_BAD_FORMAT, "want exactly one of keyPath, keyPaths and keyData");
	return r < 0 ? r : 0;
}

static int parse_signed(struct json_object *o, struct policy_requirement *q)
{
	struct json_object *identity = NULL;
	int r = q->kind == POLICY_SIGNED_BY ? parse_gpg(o, q) : policy_parse_sigstore(o, q);

	if (r == 0)
		r = json_get_obj(o, "signedIdentity", &identity);
	return r == 0 && identity ? parse_identity(identity, q) : r;
}

static int parse_requirement(struct json_object *o, struct policy_requirement *q)
{
	static const char *const bare[] = {"type", NULL};
	static const char *const types[] = {"insecureAcceptAnything", "reject", "signedBy",
					    "sigstoreSigned"};
	const char *type = NULL;
	int r;

	if (!json_object_is_type(o, json_type_object))
		return err_new(-CE_BAD_FORMAT, "a requirement is not an object");
	r = json_get_str(o, "type", &type);
	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(types); i++) {
		if (!type || strcmp(type, types[i]) != 0)
			continue;
		q->kind = (enum policy_kind)i;
		return i < 2 ? policy_only_keys(o, bare, "a requirement") : parse_signed(o, q);
	}
	return r < 0 ? r : err_new(-CE_BAD_FORMAT, "unknown type \"%s\"", type ? type : "");
}

static int add_scope(struct policy *p, const char *transport, const char *scope,
		     struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	struct policy_scope *s;
	int r = 0;

	if (!n)
		return err_new(-CE_BAD_FORMAT, "requirements must be a list with something in it");
	p->scopes = xreallocarray(p->scopes, p->n + 1, sizeof(*p->scopes));
	s = &p->scopes[p->n++];
	*s = (struct policy_scope){.transport = transport ? xstrdup(transport) : NULL,
				   .scope = scope ? xstrdup(scope) : NULL,
				   .v = xcalloc(n, sizeof(*s->v))};
	for (size_t i = 0; r == 0 && i < n; i++)
		r = parse_requirement(json_object_array_get_idx(list, i), &s->v[s->n++]);
	return r < 0 ? err_wrap(r, "%s%s%s", transport ? transport : "default",
				scope && *scope ? ":" : "", scope ? scope : "")
		     : 0;
}

static int parse_transports(struct json_object *o, struct policy *p)
{
	int r = 0;

	json_object_object_foreach(o, transport, scopes)
	{
		if (!json_object_is_type(scopes, json_type_object))
			return err_new(-CE_BAD_FORMAT, "transports.%s is not an object", transport);
		json_object_object_foreach(scopes, scope, list)
		{
			r = add_scope(p, transport, scope, list);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int policy_parse(const char *text, size_t n, struct policy *ret)
{
	static const char *const keys[] = {"default", "transports", NULL};
	AUTO(policy_done) struct policy p = {0};
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *list = NULL, *transports = NULL;
	int r = json_parse(text, n, &o);

	if (r == 0 && !json_object_is_type(o, json_type_object))
		r = err_new(-CE_BAD_FORMAT, "not an object");
	if (r == 0)
		r = policy_only_keys(o, keys, "the policy");
	if (r == 0)
		r = json_get_arr(o, "default", &list);
	if (r == 0 && !list)
		r = err_new(-CE_BAD_FORMAT, "no \"default\"");
	if (r == 0)
		r = add_scope(&p, NULL, NULL, list);
	if (r == 0)
		r = json_get_obj(o, "transports", &transports);
	if (r == 0 && transports)
		r = parse_transports(transports, &p);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct policy){0};
	return 0;
}

int policy_user_file(char **ret)
{
	AUTO_FREE char *config = NULL;
	int r = paths_config_home(&config);

	if (r == 0)
		*ret = path_join(config, "containers/policy.json");
	return r;
}

static int load_one(const char *file, struct policy *ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = conf_file_read(file, POLICY_MAX, &b);

	if (r < 0)
		return r;
	r = policy_parse(b.s, b.len, ret);
	if (r < 0)
		return err_wrap(r, "%s", file);
	ret->file = xstrdup(file);
	return 0;
}

int policy_load(const char *file, struct policy *ret)
{
	AUTO_FREE char *own = NULL;
	int r;

	if (file) {
		r = load_one(file, ret);
		return r == -ENOENT ? err_new(r, "%s", file) : r;
	}
	r = policy_user_file(&own);
	if (r == 0)
		r = load_one(own, ret);
	else if (r == -CE_HOST_SETUP) /* no home */
		r = -ENOENT;
	if (r == -ENOENT)
		r = load_one("/etc/containers/policy.json", ret);
	return err_forgive(r, -ENOENT);
}

/* --- which counts ------------------------------------------------------------------------------ */

static const struct policy_scope *scope_of(const struct policy *p, const char *transport,
					   const char *scope)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->scopes[i].transport && strcmp(p->scopes[i].transport, transport) == 0 &&
		    strcmp(p->scopes[i].scope, scope) == 0)
			return &p->scopes[i];
	return NULL;
}

static const struct policy_scope *policy_find_transport(const struct policy *p,
							const char *transport)
{
	const struct policy_scope *s = scope_of(p, transport, "");

	return s ? s : p->n ? &p->scopes[0] : NULL;
}

/* Docker's archives have no scopes but that of them all, as with podman. */
const struct policy_scope *policy_find_file(const struct policy *p, const char *transport,
					    const char *path)
{
	AUTO_FREE char *at = path && strcmp(transport, "docker-archive") != 0 ? xstrdup(path)
									      : NULL;
	const struct policy_scope *s = NULL;
	char *slash;

	while (at && !s) {
		s = scope_of(p, transport, at);
		slash = strrchr(at, '/');
		if (!slash || slash == at)
			break;
		*slash = '\0';
	}
	return s ? s : policy_find_transport(p, transport);
}

/* Most specific first: the whole, then shorter and shorter, then *.domain, then the transport's. */
const struct policy_scope *policy_find(const struct policy *p, const struct reference *ref)
{
	AUTO_FREE char *text = reference_name(ref);
	AUTO_FREE char *whole = ref->digest ? xasprintf("%s@%s", text, ref->digest)
					    : xasprintf("%s:%s", text, ref->tag ? ref->tag : "");
	const struct policy_scope *s = scope_of(p, "docker", whole);

	while (!s) {
		char *slash;

		s = scope_of(p, "docker", text);
		slash = strrchr(text, '/');
		if (s || !slash)
			break;
		*slash = '\0';
	}
	for (const char *dot = strchr(text, '.'); !s && dot; dot = strchr(dot + 1, '.')) {
		AUTO_FREE char *wild = xasprintf("*%s", dot);

		s = scope_of(p, "docker", wild);
	}
	return s ? s : policy_find_transport(p, "docker");
}

/* --- names in signatures ----------------------------------------------------------------------- */

static bool same_name(const struct reference *a, const struct reference *b)
{
	return strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool digest_or_exact(const struct reference *ref, const struct reference *in_signature)
{
	if (!same_name(ref, in_signature))
		return false;
	return ref->digest || (same_text(ref->tag, in_signature->tag) && !in_signature->digest);
}

static bool remap(const struct policy_requirement *q, const struct reference *ref,
		  const struct reference *in_signature)
{
	AUTO(reference_done) struct reference mapped = {0};
	AUTO_FREE char *text = reference_text(ref), *other = NULL;
	size_t n = strlen(q->named);
	bool ok;

	if (strncmp(text, q->named, n) != 0 || !strchr("/:@", text[n]))
		return digest_or_exact(ref, in_signature);
	other = xasprintf("%s%s", q->signed_prefix, text + n);
	ok = reference_parse(other, &mapped) == 0;
	if (!ok) {
		err_drop();
		return false;
	}
	reference_normalise(&mapped);
	return digest_or_exact(&mapped, in_signature);
}

bool policy_identity_matches(const struct policy_requirement *q, const struct reference *ref,
			     const char *signed_name)
{
	AUTO(reference_done) struct reference in_signature = {0}, named = {0};

	if (reference_parse(signed_name, &in_signature) < 0 ||
	    (q->named && q->identity != IDENTITY_REMAP && reference_parse(q->named, &named) < 0)) {
		err_drop();
		return false;
	}
	if (!in_signature.host)
		return false; /* which registry's? */
	if (q->identity == IDENTITY_EXACT_REFERENCE || q->identity == IDENTITY_EXACT_REPOSITORY)
		reference_normalise(&named);
	if (q->identity != IDENTITY_REPOSITORY && q->identity != IDENTITY_EXACT_REPOSITORY &&
	    !in_signature.tag && !in_signature.digest && !ref->digest)
		return false; /* a tag was asked for, and it says none */
	switch (q->identity) {
	case IDENTITY_EXACT:
		return !ref->digest && digest_or_exact(ref, &in_signature);
	case IDENTITY_REPOSITORY:
		return same_name(ref, &in_signature);
	case IDENTITY_EXACT_REFERENCE:
		return same_name(&named, &in_signature) && !named.digest &&
		       same_text(named.tag, in_signature.tag);
	case IDENTITY_EXACT_REPOSITORY:
		return same_name(&named, &in_signature);
	case IDENTITY_REMAP:
		return remap(q, ref, &in_signature);
	default:
		return digest_or_exact(ref, &in_signature);
	}
}

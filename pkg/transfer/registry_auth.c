/* SPDX-License-Identifier: MIT */
/*
 * Challenges and tokens (R1, R2, G03). The realm of a Bearer challenge is the registry's word: the
 * user's secret goes there only when the realm's host is the registry's own, or a DNS ancestor of it
 * (registry.gitlab.com and gitlab.com), or known to belong to it. Otherwise the token is asked for
 * without credentials, and not from private addresses.
 */
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/json/json.h"
#include "pkg/transfer/registry.h"

#define TOKEN_MAX (64 * 1024)
#define TOKEN_FLOOR_S 60
#define TOKEN_CEILING_S 86400
#define TOKEN_MARGIN_S 10

static const struct {
	const char *registry, *realm;
} known_realms[] = {
	{"registry-1.docker.io", "auth.docker.io"},
	{"docker.io", "auth.docker.io"},
};

static bool is_ancestor(const char *domain, const char *host)
{
	size_t n = strlen(domain), m = strlen(host);

	return strchr(domain, '.') && domain[strspn(domain, "0123456789.")] && m > n + 1 &&
	       host[m - n - 1] == '.' && strcmp(host + m - n, domain) == 0;
}

bool realm_is_trusted(const struct origin *registry, const struct origin *realm)
{
	bool usual_port = realm->port == registry->port || (realm->tls && realm->port == 443);

	if (registry->tls && !realm->tls)
		return false;
	if (strcmp(registry->host, realm->host) == 0)
		return usual_port;
	for (size_t i = 0; i < ARRAY_LEN(known_realms); i++)
		if (strcmp(registry->host, known_realms[i].registry) == 0 &&
		    strcmp(realm->host, known_realms[i].realm) == 0)
			return realm->tls && realm->port == 443;
	return usual_port && is_ancestor(realm->host, registry->host);
}

static const char *param(const struct challenge *c, const char *name)
{
	return strv_env_get(&c->params, name);
}

bool registry_learn(struct registry *r, const struct http_response *p)
{
	bool had_token = r->token != NULL, had_basic = r->wants_basic;

	for (size_t i = 0; i < p->challenges.n; i++) {
		AUTO(challenge_done) struct challenge c = {0};
		const char *scope;

		if (challenge_parse(p->challenges.v[i], "bearer", &c) == 0 && param(&c, "realm")) {
			scope = param(&c, "scope");
			freep(&r->realm);
			freep(&r->service);
			r->realm = xstrdup(param(&c, "realm"));
			r->service = param(&c, "service") ? xstrdup(param(&c, "service")) : NULL;
			freep(&r->token);
			/* Our own scope was not enough: take the registry's, once. */
			if (had_token && scope && !r->scope)
				r->scope = xstrdup(scope);
			else if (had_token && !r->token_did)
				return false;
			r->token_did = false; /* it ran out before it said it would: another one */
			return true;
		}
		if (challenge_parse(p->challenges.v[i], "basic", &c) == 0 && !had_basic) {
			r->wants_basic = true;
			return r->credential.user != NULL;
		}
	}
	return false;
}

static char *basic_value(const struct credential *c)
{
	AUTO_FREE char *plain = xasprintf("%s:%s", c->user, c->password ? c->password : "");
	AUTO_FREE char *encoded = base64_encode(plain, strlen(plain));
	char *value = xasprintf("Basic %s", encoded);

	explicit_bzero(plain, strlen(plain));
	explicit_bzero(encoded, strlen(encoded));
	return value;
}

/* What goes into a header must not end it. */
static bool is_header_safe(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

/*
 * How much of @seconds is left of a token of then, since a token server may give one out twice. A clock that is
 * wrong is no reason to ask for one each time: no less than the floor is what the caller makes of it.
 */
static uint64_t seconds_left(uint64_t seconds, const char *issued_at)
{
	char whole[64]; /* without the fraction of the second */
	int64_t then, now = clock_now_ns();
	uint64_t age;
	size_t n;

	if (!issued_at)
		return seconds;
	n = strcspn(issued_at, ".");
	(void)snprintf(whole, sizeof(whole), "%.*s%s", n < 32 ? (int)n : 32, issued_at,
		       issued_at[n] ? issued_at + n + 1 + strspn(issued_at + n + 1, "0123456789")
				    : "");
	if (clock_parse(whole, &then) < 0 || then == 0 || then >= now)
		return seconds;
	age = (uint64_t)((now - then) / NS_PER_S);
	return age < seconds ? seconds - age : 0;
}

static int take_token(struct registry *r, const struct http_response *p)
{
	AUTO_JSON struct json_object *o = NULL;
	const char *token = NULL, *access = NULL, *issued_at = NULL;
	uint64_t seconds = TOKEN_FLOOR_S;
	int e;

	e = json_parse(p->body.s, p->body.len, &o);
	if (e < 0)
		return e;
	if ((e = json_get_str(o, "token", &token)) < 0 ||
	    (e = json_get_str(o, "access_token", &access)) < 0 ||
	    (e = json_get_u64(o, "expires_in", &seconds)) < 0 ||
	    (e = json_get_str(o, "issued_at", &issued_at)) < 0)
		return e;
	token = token && *token ? token : access;
	if (!token || !*token || !is_header_safe(token))
		return err_new(-CE_BAD_FORMAT, "answer without a token");
	seconds = seconds_left(seconds, issued_at);
	seconds = seconds < TOKEN_FLOOR_S ? TOKEN_FLOOR_S : seconds;
	seconds = seconds > TOKEN_CEILING_S ? TOKEN_CEILING_S : seconds;
	freep(&r->token);
	r->token = xstrdup(token);
	r->token_until_ns = clock_monotonic_ns() + (int64_t)(seconds - TOKEN_MARGIN_S) * NS_PER_S;
	return 0;
}

static void add_field(struct sbuf *b, const char *name, const char *value)
{
	AUTO_FREE char *escaped = value ? url_escape(value) : NULL;

	if (value)
		sbuf_addf(b, "%s%s=%s", b->len ? "&" : "", name, escaped);
}

/* GET with Basic, or, for an identity token, POST of OAuth2's refresh. */
static int request_token(struct registry *r, bool trusted, const struct http_policy *policy)
{
	AUTO(http_response_done) struct http_response p = {.body = SBUF_INIT};
	AUTO_FREE char *own_scope = xasprintf("repository:%s:pull%s", r->path,
					      r->push ? ",push" : ""),
		       *url = NULL, *basic = NULL, *all = NULL;
	AUTO_STRV struct strv scopes = STRV_INIT;
	AUTO_SBUF struct sbuf fields = SBUF_INIT;
	struct http_request q = {.policy = policy,
				 .max_body = TOKEN_MAX,
				 .timeout_s = 60,
				 .retries = r->retries,
				 .retry_delay_ms = r->retry_delay_ms};
	bool refresh = trusted && r->credential.identity_token;
	int e;

	add_field(&fields, "service", r->service);
	if (r->scope || *r->path) /* a login is about no repository */
		strv_add(&scopes, r->scope ? r->scope : own_scope);
	for (size_t i = 0; i < r->mounts.n; i++)
		strv_addf(&scopes, "repository:%s:pull", r->mounts.v[i]);
	/* OAuth2 has them all in one field, the older way each in its own. */
	all = refresh ? strv_join(&scopes, " ") : NULL;
	if (all && *all)
		add_field(&fields, "scope", all);
	for (size_t i = 0; !refresh && i < scopes.n; i++)
		add_field(&fields, "scope", scopes.v[i]);
	if (refresh) {
		add_field(&fields, "grant_type", "refresh_token");
		add_field(&fields, "client_id", "cuddy");
		add_field(&fields, "refresh_token", r->credential.identity_token);
		q.url = r->realm;
		q.form = fields.s;
	} else {
		if (trusted && r->credential.user) {
			add_field(&fields, "account", r->credential.user);
			basic = basic_value(&r->credential);
		}
		url = xasprintf("%s%c%s", r->realm, strchr(r->realm, '?') ? '&' : '?', fields.s);
		q.url = url;
		q.authorization = basic;
	}
	e = http_fetch(r->http, &q, &p);
	if (refresh)
		explicit_bzero(fields.s, fields.len);
	if (e < 0)
		return e;
	if (p.status != 200)
		return err_new(
			p.status == 401 || p.status == 403 ? -CE_DENIED : -CE_NETWORK,
			"the token server says %u%s", p.status,
			r->anonymous_realm
				? " (credentials are not sent to it: it is not the registry's own)"
				: "");
	return take_token(r, &p);
}

static int fetch_token(struct registry *r)
{
	AUTO(origin_done) struct origin registry = {0}, realm = {0};
	AUTO_FREE char *shown = url_shown(r->realm);
	struct http_policy policy = r->policy;
	bool trusted, has_secret = r->credential.user || r->credential.identity_token;
	int e;

	if (origin_parse(r->base, &registry) < 0 || origin_parse(r->realm, &realm) < 0 ||
	    strchr(r->realm, '#'))
		return err_new(-CE_UNSAFE, "token server \"%.200s\" of %s", shown, r->host);
	if (registry.tls && !realm.tls)
		return err_new(-CE_UNSAFE, "token server %s of %s is not https", shown, r->host);
	trusted = realm_is_trusted(&registry, &realm);
	r->anonymous_realm = has_secret && !trusted;
	if (r->anonymous_realm)
		log_debug("registry", "%s: no credentials for token server %s", r->host, shown);
	policy.public_only = !trusted;
	e = request_token(r, trusted, &policy);
	return e < 0 ? err_wrap(e, "token server %s", shown) : 0;
}

int registry_authorization(struct registry *r, char **ret)
{
	int e;

	*ret = NULL;
	if (r->realm) {
		if (!r->token || clock_monotonic_ns() >= r->token_until_ns) {
			e = fetch_token(r);
			if (e < 0)
				return e;
		}
		*ret = xasprintf("Bearer %s", r->token);
	} else if (r->wants_basic && r->credential.user) {
		*ret = basic_value(&r->credential);
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "pkg/http/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

static void curlup(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void curl_stringp(char **s)
{
	curl_free(*s);
}

#define AUTO_CURLU AUTO(curlup)
#define AUTO_CURL_STRING AUTO(curl_stringp)

void origin_done(struct origin *o)
{
	freep(&o->host);
}

/* No user part, no control characters: curl's own parser does the rest. */
static int origin_of(CURLU *u, struct origin *ret)
{
	AUTO_CURL_STRING char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
	uint32_t n;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
	    parse_u32(port, 65535, &n) < 0)
		return -CE_BAD_FORMAT;
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		return -CE_BAD_FORMAT;
	if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
		return -CE_BAD_FORMAT;
	ret->tls = strcmp(scheme, "https") == 0;
	ret->port = n;
	ret->host = xstrdup(host);
	for (char *c = ret->host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f)
			return true;
	return false;
}

int origin_parse(const char *url, struct origin *ret)
{
	AUTO_CURLU CURLU *u = curl_url();
	int r = -CE_BAD_FORMAT;

	if (!has_control(url) && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		r = origin_of(u, ret);
	return r < 0 ? err_new(r, "url %s", url) : 0;
}

bool origin_equal(const struct origin *a, const struct origin *b)
{
	return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool url_same_origin(const char *a, const char *b)
{
	AUTO(origin_done) struct origin oa = {0}, ob = {0};

	if (origin_parse(a, &oa) < 0 || origin_parse(b, &ob) < 0) {
		err_drop();
		return false;
	}
	return origin_equal(&oa, &ob);
}

int url_redirect(const char *base, const char *location, bool allow_plain, char **ret)
{
	AUTO(origin_done) struct origin from = {0}, to = {0}, again = {0};
	AUTO_CURLU CURLU *u = curl_url();
	AUTO_CURL_STRING char *url = NULL;
	AUTO_FREE char *shown = url_shown(location);
	int r;

	r = origin_parse(base, &from);
	if (r < 0)
		return r;
	if (has_control(location) || curl_url_set(u, CURLUPART_URL, base, 0) ||
	    curl_url_set(u, CURLUPART_URL, location, 0) || origin_of(u, &to) < 0)
		return err_new(-CE_BAD_FORMAT, "redirect to %s", shown);
	if (from.tls && !to.tls)
		return err_new(-CE_UNSAFE, "redirect from https to %s", shown);
	if (!to.tls && !allow_plain)
		return err_new(-CE_UNSAFE, "redirect to %s", shown);
	(void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(u, CURLUPART_URL, &url, 0))
		return err_new(-CE_BAD_FORMAT, "redirect to %s", shown);
	/* What is asked for has to be what was judged: curl decodes a host that had %7f in it. */
	if (origin_parse(url, &again) < 0 || !origin_equal(&to, &again)) {
		err_drop();
		return err_new(-CE_BAD_FORMAT, "redirect to %s", shown);
	}
	*ret = xstrdup(url);
	return 0;
}

char *url_shown(const char *url)
{
	const char *authority = strstr(url, "://"), *at;
	size_t n = strcspn(url, "?#");
	struct sbuf b = SBUF_INIT;

	if (authority && authority < url + n) {
		authority += 3;
		at = memchr(authority, '@', strcspn(authority, "/?#"));
		sbuf_add(&b, url, (size_t)(authority - url));
		if (at)
			authority = at + 1;
		sbuf_add(&b, authority, n - (size_t)(authority - url));
	} else {
		sbuf_add(&b, url, n);
	}
	return sbuf_steal(&b);
}

char *url_escape(const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	struct sbuf b = SBUF_INIT;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (isalnum(c) || strchr("-._~", c)) {
			sbuf_addc(&b, (char)c);
			continue;
		}
		sbuf_addc(&b, '%');
		sbuf_addc(&b, digits[c >> 4]);
		sbuf_addc(&b, digits[c & 15]);
	}
	return sbuf_steal(&b);
}

void challenge_done(struct challenge *c)
{
	freep(&c->scheme);
	strv_done(&c->params);
}

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* name=token or name="quoted"; returns past it, or NULL when there is no parameter here. */
static const char *parse_param(const char *s, struct strv *params)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	const char *p = s;

	while (is_token_char(*p))
		sbuf_addc(&b, (char)tolower((unsigned char)*p++));
	p = skip_blanks(p);
	if (p == s || *p != '=')
		return NULL;
	sbuf_addc(&b, *p++);
	p = skip_blanks(p);
	if (*p != '"') {
		while (is_token_char(*p) || *p == '/' || *p == ':')
			sbuf_addc(&b, *p++);
	} else {
		for (p++; *p && *p != '"'; p++) {
			if (*p == '\\' && p[1])
				p++;
			sbuf_addc(&b, *p);
		}
		if (*p != '"')
			return NULL;
		p++;
	}
	strv_add(params, b.s);
	return p;
}

static const char *parse_one(const char *s, struct challenge *c)
{
	struct sbuf scheme = SBUF_INIT;
	const char *p, *next;

	while (is_token_char(*s))
		sbuf_addc(&scheme, (char)tolower((unsigned char)*s++));
	c->scheme = sbuf_steal(&scheme);
	if (!*c->scheme)
		return NULL;
	for (p = skip_blanks(s);; p = next) {
		p += strspn(p, " \t,");
		next = parse_param(p, &c->params);
		if (!next)
			return p;
	}
}

int challenge_parse(const char *value, const char *scheme, struct challenge *ret)
{
	const char *p = value + strspn(value, " \t,");

	while (p && *p) {
		AUTO(challenge_done) struct challenge c = {0};
		const char *next = parse_one(p, &c);

		if (next == p || !next)
			break;
		if (strcmp(c.scheme, scheme) == 0) {
			*ret = c;
			c = (struct challenge){0};
			return 0;
		}
		p = next;
	}
	return -ENOENT;
}

char *link_next(const char *value)
{
	const char *open = value, *close, *end;

	while ((open = strchr(open, '<')) != NULL) {
		close = strchr(open, '>');
		if (!close)
			return NULL;
		end = strchr(close, '<');
		for (const char *p = close; (p = strcasestr(p, "rel=")) && (!end || p < end);
		     p += 4)
			if (strncasecmp(p + 4, "\"next\"", 6) == 0 ||
			    strncasecmp(p + 4, "next", 4) == 0)
				return xstrndup(open + 1, (size_t)(close - open - 1));
		open = close;
	}
	return NULL;
}

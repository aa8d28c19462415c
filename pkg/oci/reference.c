/* SPDX-License-Identifier: MIT */
#include "pkg/oci/reference.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/base/sbuf.h"
#include "pkg/oci/digest.h"

#define NAME_MAX_BYTES 255
#define TAG_MAX_BYTES 128

void reference_done(struct reference *r)
{
	free(r->host);
	free(r->path);
	free(r->tag);
	free(r->digest);
	memset(r, 0, sizeof(*r));
}

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool tag_is_valid(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > TAG_MAX_BYTES || !(is_alnum(*s) || *s == '_'))
		return false;
	for (; *s; s++)
		if (!is_alnum(*s) && *s != '_' && *s != '.' && *s != '-')
			return false;
	return true;
}

/* Lower-case letters and digits, joined by one dot, one or two underscores, or any hyphens. */
static bool component_is_valid(const char *s, size_t n)
{
	size_t i = 0;

	for (;;) {
		size_t from = i;

		while (i < n && is_lower(s[i]))
			i++;
		if (i == from)
			return false;
		if (i == n)
			return true;
		if (s[i] == '.') {
			i++;
		} else if (s[i] == '_') {
			i += i + 1 < n && s[i + 1] == '_' ? 2 : 1;
		} else if (s[i] == '-') {
			while (i < n && s[i] == '-')
				i++;
		} else {
			return false;
		}
	}
}

static bool path_is_valid(const char *s)
{
	for (;;) {
		size_t n = strcspn(s, "/");

		if (!component_is_valid(s, n))
			return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

/* Labels of letters, digits and inner hyphens; or an IPv6 address in brackets; then maybe a port. */
static bool host_is_valid(const char *s)
{
	uint32_t port;

	if (*s == '[') {
		size_t n = strspn(s + 1, "0123456789abcdefABCDEF:");

		if (n < 2 || s[n + 1] != ']')
			return false;
		s += n + 2;
	} else {
		for (;;) {
			size_t n = 0;

			while (is_alnum(s[n]) || s[n] == '-')
				n++;
			if (n == 0 || s[0] == '-' || s[n - 1] == '-')
				return false;
			s += n;
			if (*s != '.')
				break;
			s++;
		}
	}
	if (!*s)
		return true;
	return *s == ':' && parse_u32(s + 1, 65535, &port) == 0 && port > 0;
}

/* What stands before the first slash is a host only if it could not be a directory of a path. */
static bool looks_like_host(const char *s, size_t n)
{
	if (n == 9 && strncmp(s, "localhost", 9) == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return true;
	return false;
}

static int bad(const char *s, const char *why)
{
	return err_usage("'%s' is not an image name: %s", s, why);
}

static int split_name(const char *s, const char *name, struct reference *r)
{
	const char *slash = strchr(name, '/');
	const char *path = name;

	if (strlen(name) > NAME_MAX_BYTES)
		return bad(s, "longer than 255 bytes");
	if (slash && looks_like_host(name, (size_t)(slash - name))) {
		r->host = xstrndup(name, (size_t)(slash - name));
		path = slash + 1;
		if (!host_is_valid(r->host))
			return bad(s, "the registry host is malformed");
	}
	if (!*path)
		return bad(s, "the repository is missing");
	if (!path_is_valid(path)) {
		bool upper = false;

		for (const char *c = path; *c; c++)
			upper |= *c >= 'A' && *c <= 'Z';
		return bad(
			s,
			upper ? "repositories are lower case"
			      : "a repository is made of a-z, 0-9 and single . _ - or / between");
	}
	r->path = xstrdup(path);
	return 0;
}

int reference_parse(const char *s, struct reference *ret)
{
	AUTO(reference_done) struct reference r = {0};
	AUTO_FREE char *name = NULL;
	char *at, *colon, *slash;
	int e;

	if (!*s)
		return err_usage("an image name cannot be empty");
	if (hex_is_exactly(s, 64))
		return bad(s, "64 hexadecimal digits are an image id");
	name = xstrdup(s);
	at = strchr(name, '@');
	if (at) {
		*at++ = '\0';
		if (!digest_is_valid(at))
			return bad(s,
				   "after '@' stands sha256: and 64, or sha512: and 128 lower-case "
				   "hexadecimal digits");
		r.digest = xstrdup(at);
	}
	slash = strrchr(name, '/');
	colon = strrchr(slash ? slash : name, ':');
	if (colon) {
		*colon++ = '\0';
		if (!tag_is_valid(colon))
			return bad(s, "a tag is 1 to 128 of A-Z a-z 0-9 _ . - and starts with none "
				      "of . -");
		r.tag = xstrdup(colon);
	}
	e = split_name(s, name, &r);
	if (e < 0)
		return e;
	*ret = r;
	memset(&r, 0, sizeof(r));
	return 0;
}

void reference_normalise(struct reference *r)
{
	if (r->host && (strcmp(r->host, "index.docker.io") == 0 ||
			strcmp(r->host, "registry-1.docker.io") == 0)) {
		free(r->host);
		r->host = NULL;
	}
	if (!r->host)
		r->host = xstrdup("docker.io");
	if (strcmp(r->host, "docker.io") == 0 && !strchr(r->path, '/')) {
		char *full = path_join("library", r->path);

		free(r->path);
		r->path = full;
	}
	if (!r->tag && !r->digest)
		r->tag = xstrdup("latest");
}

char *reference_name(const struct reference *r)
{
	return r->host ? path_join(r->host, r->path) : xstrdup(r->path);
}

char *reference_familiar(const struct reference *r)
{
	AUTO_FREE char *name = reference_name(r);

	return r->tag ? xasprintf("%s:%s", name, r->tag) : xstrdup(name);
}

char *reference_text(const struct reference *r)
{
	AUTO_FREE char *name = reference_familiar(r);

	return r->digest ? xasprintf("%s@%s", name, r->digest) : xstrdup(name);
}

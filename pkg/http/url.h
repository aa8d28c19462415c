/* SPDX-License-Identifier: MIT */
/* Origins, redirect targets and header values: pure functions, for hostile input (Z06). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

struct origin {
	bool tls;
	char *host; /* lower case, as in the url otherwise */
	unsigned port;
};
void origin_done(struct origin *o);
/** origin_parse() - of an absolute http or https url; userinfo and other schemes are -CE_BAD_FORMAT. */
int origin_parse(const char *url, struct origin *ret);
bool origin_equal(const struct origin *a, const struct origin *b);
/** url_same_origin() - false also when either cannot be parsed. */
bool url_same_origin(const char *a, const char *b);

/** url_redirect() - absolute target of a Location seen at @base; refuses what must not be followed. */
int url_redirect(const char *base, const char *location, bool allow_plain, char **ret);
/** url_shown() - the url without userinfo, query and fragment, for messages; malloc'ed. */
char *url_shown(const char *url);
/** url_escape() - percent-encoded for a query or form; malloc'ed. */
char *url_escape(const char *s);

/* One challenge of a WWW-Authenticate header, RFC 7235: scheme and parameters. */
struct challenge {
	char *scheme; /* lower case */
	struct strv params; /* "name=value", names lower case */
};
void challenge_done(struct challenge *c);
/** challenge_parse() - the first challenge named @scheme in a header value; -ENOENT when there is none. */
int challenge_parse(const char *value, const char *scheme, struct challenge *ret);
/** link_next() - the target of rel="next" in a Link header, malloc'ed, or NULL. */
char *link_next(const char *value);

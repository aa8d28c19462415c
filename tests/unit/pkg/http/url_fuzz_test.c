/* SPDX-License-Identifier: MIT */
/*
 * threats: Z06. Random Locations, challenges and Links. What we hold for the origin of a url is what libcurl is going to
 * contact, or the url is refused: so credentials, which go by origin, cannot end elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>
#include <curl/curl.h>

#include "pkg/base/err.h"
#include "pkg/http/url.h"
#include "tests/unit/fuzz.h"

static const struct fuzz_text locations[] = {
	FUZZ_TEXT("https://r.example/v2/x/blobs/sha256:00"),
	FUZZ_TEXT("https://r.example:5000/v2/?a=b#c"),
	FUZZ_TEXT("http://127.0.0.1:8080/x"),
	FUZZ_TEXT("https://u:p@r.example/x"),
	FUZZ_TEXT("https://[::1]:443/x"),
	FUZZ_TEXT("//other.example/x"),
	FUZZ_TEXT("/v2/x/y?z=%2e%2e"),
	FUZZ_TEXT("../up/./down"),
	FUZZ_TEXT("?only=query"),
	FUZZ_TEXT("file:///etc/passwd"),
	FUZZ_TEXT("https://R.Example\\@evil.example/"),
	FUZZ_TEXT("https://r.example.:0443/"),
	FUZZ_TEXT("https://0x7f.1/"),
	FUZZ_TEXT("https://r.example%7f.1/"),
	FUZZ_TEXT("https://r.example%2f@evil.example/"),
};
static const struct fuzz_text pieces[] = {
	FUZZ_TEXT("@"),
	FUZZ_TEXT("\\"),
	FUZZ_TEXT("//"),
	FUZZ_TEXT(":"),
	FUZZ_TEXT("#"),
	FUZZ_TEXT("\r\n"),
	FUZZ_TEXT("%00"),
	FUZZ_TEXT("%40"),
	FUZZ_TEXT("["),
	FUZZ_TEXT("]"),
	FUZZ_TEXT("?"),
	FUZZ_TEXT("\t"),
	FUZZ_TEXT("evil.example"),
	FUZZ_TEXT(" "),
	FUZZ_TEXT("."),
	FUZZ_TEXT("http:"),
	FUZZ_TEXT("\xe2\x80\xae"),
	FUZZ_TEXT("65536"),
	FUZZ_TEXT("\""),
	FUZZ_TEXT(","),
};

static const char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	static char text[4][FUZZ_INPUT_MAX + 64];
	static unsigned next;
	char *got = NULL, *to = text[next++ % 4];

	if (curl_url_get(u, what, &got, flags) != CURLUE_OK)
		return "";
	(void)snprintf(to, sizeof(text[0]), "%s", got);
	curl_free(got);
	return to;
}

/* What curl makes of a url that we let pass. */
static void same_as_curl(const char *url, const struct origin *o)
{
	CURLU *u = curl_url();
	const char *scheme, *host, *port;

	if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
		scheme = part(u, CURLUPART_SCHEME, 0);
		host = part(u, CURLUPART_HOST, 0);
		port = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
		if (strcmp(scheme, o->tls ? "https" : "http") != 0 ||
		    strcasecmp(host, o->host) != 0 || strtoul(port, NULL, 10) != o->port ||
		    *part(u, CURLUPART_USER, 0) || *part(u, CURLUPART_PASSWORD, 0))
			fail_msg("\"%s\": we say %s %u, curl says %s %s", url, o->host, o->port,
				 host, port);
	}
	curl_url_cleanup(u);
}

static void what_is_followed_is_where_we_think_it_is(void **state)
{
	static const char *const bases[] = {
		"https://r.example/v2/x", "https://r.example:5000/a/b?c", "http://127.0.0.1:8080/"};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned followed = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "location", 20000); fuzz_more(&f);) {
		const char *base = bases[fuzz_below(&f, 3)];
		bool plain = fuzz_one_in(&f, 2);
		struct origin o = {0};
		char *to = NULL;

		fuzz_mutate(&f, locations, sizeof(locations) / sizeof(*locations), pieces,
			    sizeof(pieces) / sizeof(*pieces), &in);
		if (url_redirect(base, in.s, plain, &to) == 0) {
			followed++;
			if (origin_parse(to, &o) < 0)
				fail_msg("base \"%s\", location \"%s\": followed to \"%s\"", base,
					 in.s, to);
			assert_int_equal(strcspn(to, "\r\n\t "), strlen(to));
			if (!plain && strncmp(base, "https", 5) == 0)
				assert_true(o.tls);
			same_as_curl(to, &o);
			origin_done(&o);
			free(to);
		}
		err_drop();
		if (origin_parse(in.s, &o) == 0) {
			same_as_curl(in.s, &o);
			assert_true(url_same_origin(in.s, in.s));
			origin_done(&o);
		}
		err_drop();
	}
	assert_true(followed > f.done / 20); /* not all is refused */
}

static const struct fuzz_text headers[] = {
	FUZZ_TEXT("Bearer "
		  "realm=\"https://r.example/token\",service=\"s\",scope=\"repository:x:pull\""),
	FUZZ_TEXT("Basic realm=\"x\", Bearer realm=\"y\""),
	FUZZ_TEXT("Negotiate abc==, basic realm=x"),
	FUZZ_TEXT("Bearer realm=\"a\\\"b\\\\c\", error=\"insufficient_scope\""),
	FUZZ_TEXT("</v2/x/tags/list?n=1&last=a>; rel=\"next\""),
	FUZZ_TEXT("<a>; rel=prev, <b>; title=\"<c>; rel=next\"; rel=\"first next\""),
};

static void headers_give_words_or_nothing(void **state)
{
	static const char *const schemes[] = {"bearer", "basic"};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned found = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "headers", 20000); fuzz_more(&f);) {
		struct challenge c = {0};
		char *next;

		fuzz_mutate(&f, headers, sizeof(headers) / sizeof(*headers), pieces,
			    sizeof(pieces) / sizeof(*pieces), &in);
		if (challenge_parse(in.s, schemes[fuzz_below(&f, 2)], &c) == 0) {
			found++;
			assert_true(strcmp(c.scheme, "bearer") == 0 ||
				    strcmp(c.scheme, "basic") == 0);
			for (size_t i = 0; i < c.params.n; i++)
				assert_non_null(strchr(c.params.v[i], '='));
			challenge_done(&c);
		}
		err_drop();
		next = link_next(in.s);
		if (next) {
			found++;
			assert_non_null(strstr(in.s, next)); /* a piece of what came, not more */
		}
		free(next);
	}
	assert_true(found > f.done / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_followed_is_where_we_think_it_is),
		cmocka_unit_test(headers_give_words_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

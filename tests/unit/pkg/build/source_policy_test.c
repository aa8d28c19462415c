/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/build/source_policy.h"

#define D "docker-image://docker.io/library/"
#define RULE(action, name) \
	"{\"action\": \"" action "\", \"selector\": {\"identifier\": \"" name "\"}}"
#define CONVERT(name, to)                                                                       \
	"{\"action\": \"CONVERT\", \"selector\": {\"identifier\": \"" name "\"}, \"updates\": " \
	"{\"identifier\": \"" to "\"}}"
#define TYPED(action, type, name)                                            \
	"{\"action\": \"" action "\", \"selector\": {\"matchType\": \"" type \
	"\", \"identifier\": \"" name "\"}}"
#define REGEX(name, to)                                                                        \
	"{\"action\": \"CONVERT\", \"selector\": {\"match_type\": \"REGEX\", \"identifier\": " \
	"\"" name "\"}, \"updates\": {\"identifier\": \"" to "\"}}"

struct row {
	const char *rules, *source, *want; /* NULL: denied; "?": another error */
};

static void add(struct source_policies *p, const char *rules)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	sbuf_addf(&text, "{\"version\": 1, \"rules\": [%s]}", rules);
	if (source_policies_parse(p, "test", text.s, text.len) < 0)
		fail_msg("%s: %s", rules, err_trail());
}

static void rules_are_applied_as_documented(void **state)
{
	static const struct row rows[] = {
		{"", D "alpine:1", D "alpine:1"},
		{RULE("DENY", "docker-image://*"), D "alpine:1", NULL},
		{RULE("DENY", "docker-image://*"), "https://x/y", "https://x/y"},
		{RULE("DENY", "https://x/y?z"), "https://x/yAz", "https://x/yAz"},
		{RULE("DENY", D "a?pine:1"), D "alpine:1", NULL},
		{RULE("DENY", D "alpine:1"), D "alpine:11", D "alpine:11"},
		{RULE("DENY", D "al.ine:1"), D "alpine:1", D "alpine:1"},
		/* The last that matches. */
		{RULE("ALLOW", D "a:1") "," RULE("DENY", "docker-image://*"), D "a:1", NULL},
		{RULE("DENY", D "*") "," RULE("ALLOW", D "a:*"), D "a:1", D "a:1"},
		{RULE("DENY", D "*") "," RULE("ALLOW", D "a:*"), D "b:1", NULL},
		{RULE("ALLOW", D "a:1") "," RULE("DENY", D "a:1") "," RULE("ALLOW", D "a:1"),
		 D "a:1", D "a:1"},
		/* CONVERT is at once, and then all of them again. */
		{CONVERT(D "a:1", D "b:1"), D "a:1", D "b:1"},
		{RULE("DENY", D "b:*") "," CONVERT(D "a:1", D "b:1"), D "a:1", NULL},
		{CONVERT(D "a:1", D "b:1") "," RULE("ALLOW", D "b:1") "," RULE("DENY", D "a:1"),
		 D "a:1", D "b:1"},
		{RULE("DENY", D "a:1") "," CONVERT(D "a:1", D "b:1"), D "a:1", D "b:1"},
		{CONVERT(D "a:1", D "b:1") "," CONVERT(D "b:1", D "c:1") "," CONVERT(D "c:1",
										     D "d:1"),
		 D "a:1", D "d:1"},
		{CONVERT(D "a:1", D "b:1") "," CONVERT(D "b:1", D "a:1"), D "a:1", "?"},
		{CONVERT(D "golang:*", "docker-image://r.io/golang:${1}"), D "golang:1.19",
		 "docker-image://r.io/golang:1.19"},
		{CONVERT("docker-image://*/*:*", "docker-image://$$/$2/$1/${3}-x"),
		 "docker-image://h/p:t", "docker-image://$/p/h/t-x"},
		{CONVERT("https://*/*", "http://m/${2}?from=$1"), "https://h/a/b",
		 "http://m/b?from=h/a"},
		{REGEX("docker\\\\-image://docker\\\\.io/library/golang:(.*)",
		       "docker-image://r.io/golang:${1}"),
		 D "golang:1", "docker-image://r.io/golang:1"},
		{REGEX("/v(\\\\d+)/", "/w$1/"), "https://h/v12/v3/x", "https://h/w12/w3/x"},
		{REGEX("^https", "http"), "https://h/https", "http://h/https"},
		{TYPED("DENY", "REGEX", "lib.*pine"), D "alpine:1", NULL},
		{TYPED("DENY", "EXACT", "docker-image://*"), D "alpine:1", D "alpine:1"},
		{TYPED("DENY", "EXACT", "docker-image://*"), "docker-image://*", NULL},
		{"{\"action\": \"CONVERT\", \"selector\": {\"matchType\": \"EXACT\", "
		 "\"identifier\": \"" D "a:1\"}, \"updates\": {\"identifier\": \"" D "b:$1\"}}",
		 D "a:1", D "b:$1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(source_policies_done) struct source_policies p = {0};
		AUTO(source_done) struct source s = {.identifier = xstrdup(rows[i].source)};
		int r;

		add(&p, rows[i].rules);
		r = source_policies_apply(&p, &s);
		if (!rows[i].want)
			assert_int_equal(r, -CE_UNTRUSTED);
		else if (strcmp(rows[i].want, "?") == 0)
			assert_true(r < 0 && r != -CE_UNTRUSTED);
		else if (r < 0 || strcmp(s.identifier, rows[i].want) != 0)
			fail_msg("%s: %s is %s, not %s: %s", rows[i].rules, rows[i].source,
				 s.identifier, rows[i].want, r < 0 ? err_trail() : "");
		err_drop();
	}
}

static void all_policies_have_to_agree(void **state)
{
	AUTO(source_policies_done) struct source_policies p = {0};
	AUTO(source_done) struct source s = {.identifier = xstrdup(D "a:1")};

	(void)state;
	add(&p, RULE("ALLOW", D "a:1"));
	assert_int_equal(source_policies_apply(&p, &s), 0);
	add(&p, RULE("DENY", D "a:1"));
	assert_int_equal(source_policies_apply(&p, &s), -CE_UNTRUSTED);
	err_drop();
}

static void attributes_are_set_and_judged(void **state)
{
	static const char unset[] =
		"{\"action\": \"DENY\", \"selector\": {\"identifier\": \"*\", \"constraints\": "
		"[{\"key\": \"http.checksum\", \"value\": \"\"}]}}";
	static const char no_commit[] =
		"{\"action\": \"DENY\", \"selector\": {\"identifier\": \"git://*\", "
		"\"constraints\": [{\"key\": "
		"\"git.fullurl\", \"value\": \"^https://\", \"condition\": \"MATCHES\"}, {\"key\": "
		"\"git.checksum\", \"value\": \"1\", \"condition\": \"NOTEQUAL\"}]}}";
	static const char sum[] =
		"{\"action\": \"CONVERT\", \"selector\": {\"identifier\": \"https://h/a\"}, "
		"\"updates\": {\"attrs\": {\"http.checksum\": \"sha256:1\"}}}";
	AUTO(source_policies_done) struct source_policies p = {0}, q = {0};
	AUTO(source_done)
	struct source a = {.identifier = xstrdup("https://h/a")},
		      b = {.identifier = xstrdup("https://h/b")},
		      g = {.identifier = xstrdup("git://h/r#x")};

	(void)state;
	add(&p, unset);
	add(&p, sum);
	assert_int_equal(source_policies_apply(&p, &b), -CE_UNTRUSTED);
	err_drop();
	assert_int_equal(source_policies_apply(&p, &a),
			 -CE_UNTRUSTED); /* it is the first file that denies */
	err_drop();
	add(&q, sum);
	add(&q, unset);
	assert_int_equal(source_policies_apply(&q, &a), 0);
	assert_string_equal(strv_env_get(&a.attrs, "http.checksum"), "sha256:1");
	source_policies_done(&q);
	add(&q, no_commit);
	assert_int_equal(source_policies_apply(&q, &g), 0);
	strv_add(&g.attrs, "git.fullurl=https://h/r");
	assert_int_equal(source_policies_apply(&q, &g), -CE_UNTRUSTED);
	err_drop();
	strv_add(&g.attrs, "git.checksum=1");
	assert_int_equal(source_policies_apply(&q, &g), 0);
}

static void patterns_of_another_language_are_refused(void **state)
{
	static const char *const bad[] = {"a*?",   "a+?",     "(?:a)", "[\\\\d]", "\\\\pL",
					  "\\\\z", "[[.a.]]", "(a",    "a{2,1}"};
	static const char *const good[] = {"[]a]",     "[^]a]b", "[[:digit:]]+",
					   "\\\\d{2}", "a?b+c*", "\\\\w\\\\.\\\\/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad) + ARRAY_LEN(good); i++) {
		AUTO(source_policies_done) struct source_policies p = {0};
		AUTO_SBUF struct sbuf text = SBUF_INIT;
		bool is_bad = i < ARRAY_LEN(bad);
		int r;

		sbuf_addf(&text,
			  "{\"rules\": [{\"action\": \"DENY\", \"selector\": {\"matchType\": "
			  "\"REGEX\", \"identifier\": \"%s\"}}]}",
			  is_bad ? bad[i] : good[i - ARRAY_LEN(bad)]);
		r = source_policies_parse(&p, "test", text.s, text.len);
		if ((r < 0) != is_bad)
			fail_msg("%s: %d %s", text.s, r, r < 0 ? err_trail() : "");
		err_drop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_applied_as_documented),
		cmocka_unit_test(all_policies_have_to_agree),
		cmocka_unit_test(attributes_are_set_and_judged),
		cmocka_unit_test(patterns_of_another_language_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

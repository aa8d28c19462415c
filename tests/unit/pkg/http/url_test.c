/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/http/url.h"

static void redirects_go_only_where_they_may(void **state)
{
	static const struct {
		const char *base, *location;
		bool plain;
		const char *to; /* NULL: refused */
	} rows[] = {
		{"https://r.example/v2/x", "https://cdn.example/y?sig=1", false,
		 "https://cdn.example/y?sig=1"},
		{"https://r.example/v2/x", "/y", false, "https://r.example/y"},
		{"https://r.example/v2/x", "//other.example/y", false, "https://other.example/y"},
		{"https://r.example/v2/x", "http://r.example/y", false, NULL},
		{"https://r.example/v2/x", "http://r.example/y", true, NULL},
		{"http://r.example/v2/x", "http://s.example/y", true, "http://s.example/y"},
		{"http://r.example/v2/x", "http://s.example/y", false, NULL},
		{"https://r.example/v2/x", "file:///etc/passwd", true, NULL},
		{"https://r.example/v2/x", "ftp://r.example/", true, NULL},
		{"https://r.example/v2/x", "https://user@r.example/", true, NULL},
		{"https://r.example/v2/x", "https://r.example\r\nX: y/", true, NULL},
		{"https://r.example/v2/x", "https://r.example/y#frag", true, "https://r.example/y"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *to = NULL;
		int r = url_redirect(rows[i].base, rows[i].location, rows[i].plain, &to);

		if (!rows[i].to) {
			assert_true(r < 0);
			assert_null(to);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(to, rows[i].to);
	}
}

static void an_origin_is_scheme_host_and_port(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"https://R.example/a", "https://r.example:443/b", true},
		{"https://r.example", "https://r.example.", false},
		{"https://r.example", "http://r.example", false},
		{"https://r.example", "https://r.example:444", false},
		{"http://localhost:5000", "http://127.0.0.1:5000", false},
		{"http://[::1]:5000/x", "http://[::1]:5000/y", true},
		{"https://a@r.example", "https://a@r.example", false},
		{"file:///a", "file:///a", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(url_same_origin(rows[i].a, rows[i].b), rows[i].same);
}

static void challenges_are_taken_apart(void **state)
{
	static const char value[] =
		"Negotiate, Bearer realm=\"https://a.example/t,o\",service=\"s \\\"q\\\"\", "
		"scope=\"repository:x:pull\", Basic realm=x";
	struct challenge c = {0};

	(void)state;
	assert_int_equal(challenge_parse(value, "bearer", &c), 0);
	assert_string_equal(strv_env_get(&c.params, "realm"), "https://a.example/t,o");
	assert_string_equal(strv_env_get(&c.params, "service"), "s \"q\"");
	assert_string_equal(strv_env_get(&c.params, "scope"), "repository:x:pull");
	challenge_done(&c);
	c = (struct challenge){0};
	assert_int_equal(challenge_parse(value, "basic", &c), 0);
	assert_string_equal(strv_env_get(&c.params, "realm"), "x");
	challenge_done(&c);
	assert_int_equal(challenge_parse(value, "digest", &c), -ENOENT);
	assert_int_equal(challenge_parse("Bearer realm=\"no end", "basic", &c), -ENOENT);
	assert_int_equal(challenge_parse("", "basic", &c), -ENOENT);
	assert_int_equal(challenge_parse(",,= \"", "basic", &c), -ENOENT);
}

static void the_next_page_is_found(void **state)
{
	AUTO_FREE char *a = link_next("</v2/x/tags/list?last=b&n=2>; rel=\"next\"");
	AUTO_FREE char *b = link_next("<https://r/1>; rel=\"prev\", <https://r/3>; rel=\"next\"");

	(void)state;
	assert_string_equal(a, "/v2/x/tags/list?last=b&n=2");
	assert_string_equal(b, "https://r/3");
	assert_null(link_next("<https://r/1>; rel=\"prev\""));
	assert_null(link_next("<https://r/1"));
}

static void messages_show_no_secret_of_a_url(void **state)
{
	AUTO_FREE char *a = url_shown("https://u:p@h.example/x?X-Signature=s#f");
	AUTO_FREE char *b = url_shown("/relative?sig=1");

	(void)state;
	assert_string_equal(a, "https://h.example/x");
	assert_string_equal(b, "/relative");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redirects_go_only_where_they_may),
		cmocka_unit_test(an_origin_is_scheme_host_and_port),
		cmocka_unit_test(challenges_are_taken_apart),
		cmocka_unit_test(the_next_page_is_found),
		cmocka_unit_test(messages_show_no_secret_of_a_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* threats: G03 */
/* images: R2 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/transfer/registry.h"
#include "tests/unit/server.h"

static void secrets_go_to_the_registrys_own_token_server_only(void **state)
{
	static const struct {
		const char *registry, *realm;
		bool trusted;
	} rows[] = {
		{"https://r.example", "https://r.example/token", true},
		{"https://r.example:5000", "https://r.example/token", true},
		{"https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true},
		{"https://registry-1.docker.io", "https://auth.docker.io/token", true},
		{"http://127.0.0.1:5000", "http://127.0.0.1:5000/t", true},
		{"http://127.0.0.1:5000", "http://127.0.0.1:5001/t", false},
		{"https://r.example", "https://r.example:8443/t", false},
		{"https://r.example", "http://r.example/t", false},
		{"https://r.example", "https://example/t", false},
		{"https://a.r.example", "https://b.r.example/t", false},
		{"https://evil-gitlab.com", "https://gitlab.com/t", false},
		{"https://r.example", "https://169.254.169.254/t", false},
		{"https://1.2.3.4", "https://3.4/t", false},
		{"https://r.example", "https://auth.docker.io/token", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(origin_done) struct origin a = {0}, b = {0};

		assert_int_equal(origin_parse(rows[i].registry, &a), 0);
		assert_int_equal(origin_parse(rows[i].realm, &b), 0);
		if (realm_is_trusted(&a, &b) != rows[i].trusted)
			fail_msg("%s %s", rows[i].registry, rows[i].realm);
	}
}

static const struct {
	const char *body, *value;
	int64_t least_s, most_s; /* how long it is taken for good */
} tokens[] = {
	{"{\"token\": \"one\"}", "Bearer one", 40, 60},
	{"{\"access_token\": \"two\", \"expires_in\": 1}", "Bearer two", 40, 60},
	{"{\"token\": \"three\", \"expires_in\": 300}", "Bearer three", 280, 299},
	{"{\"token\": \"four\", \"expires_in\": 99999999999}", "Bearer four", 3600, 86400},
	/* Of long ago, of some time to come, and of no time. */
	{"{\"token\": \"five\", \"expires_in\": 300, \"issued_at\": \"2020-01-01T00:00:00.123456789Z\"}", "Bearer five", 40, 60},
	{"{\"token\": \"six\", \"expires_in\": 300, \"issued_at\": \"2200-01-01T00:00:00Z\"}", "Bearer six", 280, 299},
	{"{\"token\": \"seven\", \"expires_in\": 300, \"issued_at\": \"soon\"}", "Bearer seven", 280, 299},
};
static unsigned asked;

static void *serve_tokens(void *data)
{
	unsigned k = __atomic_fetch_add(&asked, 1, __ATOMIC_SEQ_CST) % ARRAY_LEN(tokens);
	int fd = (int)(intptr_t)data;
	char buf[4096];

	if (read(fd, buf, sizeof(buf)) > 0) {
		int n = snprintf(buf, sizeof(buf), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
				 strlen(tokens[k].body), tokens[k].body);

		(void)!write(fd, buf, (size_t)n);
	}
	(void)close(fd);
	return NULL;
}

static void assert_authorization(struct registry *r, const char *value)
{
	AUTO_FREE char *got = NULL;

	assert_int_equal(registry_authorization(r, &got), 0);
	assert_string_equal(got, value);
}

static void a_token_is_asked_for_again_before_it_runs_out(void **state)
{
	AUTO(registry_close) struct registry r = {.policy = {.plain = true}};
	AUTO(http_freep) struct http *h = NULL;

	(void)state;
	assert_int_equal(http_new(&h), 0);
	r.http = h;
	r.host = xasprintf("127.0.0.1:%u", server_begin(serve_tokens));
	r.path = xstrdup("a/b");
	r.base = xasprintf("http://%s", r.host);
	r.realm = xasprintf("http://%s/token", r.host);
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		int64_t good_ns;

		assert_authorization(&r, tokens[i].value);
		assert_int_equal(asked, i + 1);
		good_ns = r.token_until_ns - clock_monotonic_ns();
		assert_in_range(good_ns, tokens[i].least_s * NS_PER_S - NS_PER_S, tokens[i].most_s * NS_PER_S);
		assert_authorization(&r, tokens[i].value); /* good for more than one request */
		assert_int_equal(asked, i + 1);
		r.token_until_ns = clock_monotonic_ns(); /* that much later */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_go_to_the_registrys_own_token_server_only),
		cmocka_unit_test(a_token_is_asked_for_again_before_it_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

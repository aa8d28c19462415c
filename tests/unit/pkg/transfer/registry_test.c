/* SPDX-License-Identifier: MIT */
/* threats: G03 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pkg/transfer/registry.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_go_to_the_registrys_own_token_server_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

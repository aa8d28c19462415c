/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/egress.h"
#include "pkg/base/err.h"

static void items_are_read(void **state)
{
	static const struct {
		const char *text, *name, *base;
		unsigned prefix, port;
	} good[] = {
		{"allow=example.org", "example.org", "", 0, 0},
		{"allow=Example.ORG:443", "example.org", "", 0, 443},
		{"allow=*.example.org:80", "*.example.org", "", 0, 80},
		{"allow=db", "db", "", 0, 0},
		{"allow=3com.example", "3com.example", "", 0, 0},
		{"allow=10.0.0.1", "", "10.0.0.1", 32, 0},
		{"allow=10.1.2.3/8:53", "", "10.0.0.0", 8, 53},
		{"allow=0.0.0.0/0", "", "0.0.0.0", 0, 0},
		{"allow=fd00::1", "", "fd00::1", 128, 0},
		{"allow=fd00::/8", "", "fd00::", 8, 0},
		{"allow=[fd00::1]:443", "", "fd00::1", 128, 443},
		{"allow=[fd00::/8]", "", "fd00::", 8, 0},
	};
	static const char *const bad[] = {
		"",
		"example.org",
		"deny=example.org",
		"allow=",
		"allow=:80",
		"allow=example.org:",
		"allow=example.org:0",
		"allow=example.org:65536",
		"allow=example.org:http",
		"allow=exam ple.org",
		"allow=*",
		"allow=*.",
		"allow=a.*.example.org",
		"allow=.example.org",
		"allow=example..org",
		"allow=example.org.",
		"allow=-x.example",
		"allow=x-.example",
		"allow=x;flush ruleset",
		"allow=10.1.2",
		"allow=1.2.3.400",
		"allow=10.0.0.0/33",
		"allow=fd00::/129",
		"allow=[fd00::1",
		"allow=[fd00::1]x",
		"allow=[fd00::1]:",
		"allow=10.0.0.1,10.0.0.2",
		"allow=0123456789012345678901234567890123456789012345678901234567890123.org",
	};
	char text[INET6_ADDRSTRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct egress_item e;

		assert_int_equal(egress_parse(good[i].text, &e), 0);
		assert_string_equal(e.name, good[i].name);
		assert_string_equal(address_format(&e.net.base, text), good[i].base);
		assert_int_equal(e.net.prefix, good[i].prefix);
		assert_int_equal(e.port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct egress_item e;

		assert_int_equal(egress_parse(bad[i], &e), -CE_USAGE);
		err_drop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

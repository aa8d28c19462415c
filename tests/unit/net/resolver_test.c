/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/resolver.h"

static void the_families_of_servers_are_told(void **state)
{
	static const struct {
		const char *conf;
		unsigned want;
	} rows[] = {
		{"", 0},
		{"search a.example\noptions ndots:2\n", 0},
		{"nameserver 10.0.0.1\n", NET_SERVERS_IPV4},
		{"nameserver ::1", NET_SERVERS_IPV6},
		{"nameserver\tfe80::1%eth0 # here\n", NET_SERVERS_IPV6},
		{"# nameserver 10.0.0.1\nnameserver fd00::53\n", NET_SERVERS_IPV6},
		{"nameserver fd00::53\n\nnameserver 127.0.0.53\n",
		 NET_SERVERS_IPV4 | NET_SERVERS_IPV6},
		{"nameservers 10.0.0.1\nnameserver\nnameserver x\nnameserver 10.0.0.1.2\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(net_host_servers_in(rows[i].conf), rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_families_of_servers_are_told)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

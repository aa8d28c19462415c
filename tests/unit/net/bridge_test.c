/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/address.h"
#include "net/bridge.h"
#include "pkg/base/err.h"

static struct bridge_request *sample(void)
{
	struct bridge_request *q = calloc(1, sizeof(*q));

	assert_non_null(q);
	q->id = "0123";
	q->servers = (struct bridge_list){{"9.9.9.9"}, 1};
	q->n = 2;
	q->nets[0] = (struct bridge_attach){.name = "app",
					    .id = "ff",
					    .bridge = "podman1",
					    .flags = BRIDGE_NAMES,
					    .mtu = 1400,
					    .subnets = {{"10.89.0.0/24", "10.89.0.1", NULL, NULL}},
					    .n_subnets = 1,
					    .ip = "10.89.0.7",
					    .names = {{"web", "www"}, 2},
					    .links = {{"postgres:db"}, 1}};
	q->nets[1] = (struct bridge_attach){.name = "b", .id = "fe", .bridge = "podman2"};
	return q;
}

static void a_request_survives_the_wire(void **state)
{
	struct bridge_request *in = sample(), *out = calloc(1, sizeof(*out));
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	(void)state;
	bridge_request_encode(in, &b);
	assert_int_equal(bridge_request_decode(b.s, b.len, out), 0);
	assert_string_equal(out->id, "0123");
	assert_int_equal(out->n, 2);
	assert_string_equal(out->nets[0].subnets[0].gateway, "10.89.0.1");
	assert_null(out->nets[0].subnets[0].first);
	assert_string_equal(out->nets[0].names.v[1], "www");
	assert_int_equal(out->nets[0].links.n, 1);
	assert_string_equal(out->nets[0].links.v[0], "postgres:db");
	assert_string_equal(out->nets[0].ip, "10.89.0.7");
	assert_null(out->nets[1].ip);
	assert_int_equal(out->nets[0].mtu, 1400);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_int_equal(bridge_request_decode(b.s, cut, out), -CE_PROTOCOL);
	free(in);
	free(out);
}

static void leases_are_lines(void **state)
{
	struct bridge_lease l = {.network = "app",
				 .device = "eth0",
				 .mac = "02:00:00:00:00:01",
				 .ip = "10.89.0.2",
				 .gateway = "10.89.0.1",
				 .prefix = 24},
			    back;
	char text[256] = "", small[20] = "", hosts[128];
	const char *at = text;

	(void)state;
	assert_true(bridge_lease_put(&l, text, sizeof(text)));
	(void)strcpy(l.network, "six");
	(void)strcpy(l.ip6, "fd00::2");
	l.prefix6 = 64;
	l.ip[0] = '\0';
	assert_true(bridge_lease_put(&l, text, sizeof(text)));
	assert_false(bridge_lease_put(&l, small, sizeof(small)));
	assert_string_equal(small, "");
	assert_true(bridge_lease_next(&at, &back));
	assert_string_equal(back.ip, "10.89.0.2");
	assert_string_equal(back.ip6, "");
	assert_true(bridge_lease_next(&at, &back));
	assert_string_equal(back.ip6, "fd00::2");
	assert_string_equal(back.ip, "");
	assert_false(bridge_lease_next(&at, &back));
	assert_true(bridge_lease_find(text, "six", &back));
	assert_false(bridge_lease_find(text, "seven", &back));
	(void)bridge_lease_hosts(text, "a b", hosts, sizeof(hosts));
	assert_string_equal(hosts, "10.89.0.2\ta b\nfd00::2\ta b\n");
}

static void addresses_count_and_contain(void **state)
{
	struct address a, b;
	struct address_net n, m;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	assert_true(address_net_parse("10.89.3.77/22", &n));
	assert_string_equal(address_format(&n.base, text), "10.89.0.0");
	a = address_net_last(&n);
	assert_string_equal(address_format(&a, text), "10.89.3.255");
	assert_true(address_net_has(&n, &a));
	assert_true(address_next(&a));
	assert_string_equal(address_format(&a, text), "10.89.4.0");
	assert_false(address_net_has(&n, &a));
	assert_true(address_net_parse("fd00:1::/62", &m));
	assert_false(address_net_overlaps(&n, &m));
	assert_true(address_parse("fd00:1:0:3::9", &b));
	assert_true(address_net_has(&m, &b));
	assert_true(address_net_parse("10.89.2.0/24", &m));
	assert_true(address_net_overlaps(&n, &m) && address_net_overlaps(&m, &n));
	assert_true(address_parse("255.255.255.255", &a));
	assert_false(address_next(&a));
	assert_false(address_parse("10.0.0.1 ", &a));
	assert_false(address_net_parse("10.0.0.0/33", &n));
	assert_false(address_net_parse("10.0.0.0", &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_survives_the_wire),
		cmocka_unit_test(leases_are_lines),
		cmocka_unit_test(addresses_count_and_contain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

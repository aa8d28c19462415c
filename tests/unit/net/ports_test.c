/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/ports.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"

/* All ports of a list as "ip[*]:host[-last]:container/proto", one a line. */
static char *as_text(const char *spec)
{
	struct net_port_list l = NET_PORT_LIST_INIT;
	struct sbuf b = SBUF_INIT;

	if (net_port_parse(spec, &l) < 0)
		sbuf_adds(&b, "refused");
	for (unsigned i = 0; i < l.n; i++) {
		const struct net_port *p = &l.v[i];

		sbuf_addf(&b, "%s%s%s:%u", i ? " " : "", p->host_ip, p->any_family ? "*" : "",
			  p->host_port);
		if (p->host_port_last)
			sbuf_addf(&b, "-%u", p->host_port_last);
		sbuf_addf(&b, ":%u/%s", p->container_port, p->proto == NET_TCP ? "tcp" : "udp");
	}
	net_port_list_done(&l);
	return sbuf_steal(&b);
}

static void every_docker_form_is_understood(void **state)
{
	static const struct {
		const char *spec, *want;
	} rows[] = {
		{"80", "0.0.0.0*:0:80/tcp"},
		{"8080:80", "0.0.0.0*:8080:80/tcp"},
		{":80", "0.0.0.0*:0:80/tcp"},
		{"0:80", "0.0.0.0*:0:80/tcp"},
		{"8080:80/udp", "0.0.0.0*:8080:80/udp"},
		{"8080:80/TCP", "0.0.0.0*:8080:80/tcp"},
		{"127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp"},
		{"127.0.0.1::80", "127.0.0.1:0:80/tcp"},
		{"[::1]:8080:80", "::1:8080:80/tcp"},
		{"[::1]:80:80/udp", "::1:80:80/udp"},
		{"[::]::53/udp", ":::0:53/udp"},
		{"[0:0::1]:1:2", "::1:1:2/tcp"},
		{"8000-8001:80-81", "0.0.0.0*:8000:80/tcp 0.0.0.0*:8001:81/tcp"},
		{"80-81", "0.0.0.0*:0:80/tcp 0.0.0.0*:0:81/tcp"},
		{"127.0.0.1::80-81/udp", "127.0.0.1:0:80/udp 127.0.0.1:0:81/udp"},
		{"8000-8010:80", "0.0.0.0*:8000-8010:80/tcp"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FREE char *got = as_text(rows[i].spec);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: got %s, want %s", rows[i].spec, got, rows[i].want);
	}
}

static void what_is_written_is_read_back_the_same(void **state)
{
	static const char *const specs[] = {
		"80",           "8080:80",      "127.0.0.1::80/udp",    "[::1]:8:80",
		"[::]::53/udp", "8000-8010:80", "10.0.0.1:8000-8010:80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		AUTO_FREE char *want = as_text(specs[i]), *spec = NULL, *got = NULL;
		struct net_port_list l = NET_PORT_LIST_INIT;

		assert_int_equal(net_port_parse(specs[i], &l), 0);
		spec = net_port_format(&l.v[0]);
		net_port_list_done(&l);
		got = as_text(spec);
		assert_string_equal(got, want);
	}
}

static void what_is_not_a_port_is_refused_with_a_reason(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"70000",
		"1-",
		"-1",
		"::1:80:80",
		"80-79",
		"80:",
		"a:80",
		"80:80/sctp",
		"80/",
		"80/tcp/udp",
		"1-3:1-2",
		" 80",
		"80 ",
		"+80",
		"0x50",
		"[::1]:80",
		"[::1]80:80",
		"[::1",
		"[1.2.3.4]:1:2",
		"1.2.3:80:80",
		"localhost:80:80",
		":1:2",
		"300.1.1.1:1:2",
		"1:2:3:4",
		"65536:80",
		"80:65536",
		"0-5:0-5",
		"8080:80\n",
		"127.0.0.1:80",
		"[]:1:2",
		"1-2-3:4",
		"[::1]::",
		":",
		"::",
	};
	struct net_port_list l = NET_PORT_LIST_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_FREE char *got = as_text(bad[i]);

		if (strcmp(got, "refused") != 0)
			fail_msg("\"%s\" was accepted as %s", bad[i], got);
	}
	assert_int_equal(net_port_parse("::1:80:80", &l), -CE_USAGE);
	assert_string_equal(err_trail(), "invalid port \"::1:80:80\": too many colons (an IPv6 "
					 "address stands in brackets)");
	net_port_list_done(&l);
}

static void what_names_no_address_is_put_at_each_that_is_given(void **state)
{
	static const struct {
		const char *spec, *four, *six; /* six: NULL where it has an address */
	} rows[] = {
		{"80", "127.0.0.1::80", "[::1]::80"},
		{"53/udp", "127.0.0.1::53/udp", "[::1]::53/udp"},
		{"8080:80", "127.0.0.1:8080:80", "[::1]:8080:80"},
		{":80", "127.0.0.1::80", "[::1]::80"},
		{"8000-8002:80-82", "127.0.0.1:8000-8002:80-82", "[::1]:8000-8002:80-82"},
		{"10.1.2.3:8080:80", "10.1.2.3:8080:80", NULL},
		{"10.1.2.3::80", "10.1.2.3::80", NULL},
		{"0.0.0.0:8080:80", "0.0.0.0:8080:80", NULL},
		{"[::]:8080:80", "[::]:8080:80", NULL},
	};
	AUTO_STRV struct strv ips = STRV_INIT;

	(void)state;
	strv_add(&ips, "127.0.0.1");
	strv_add(&ips, "::1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		AUTO_STRV struct strv out = STRV_INIT;
		struct net_port_list l = NET_PORT_LIST_INIT;

		net_port_put_at(rows[i].spec, &ips, &out);
		assert_int_equal(out.n, rows[i].six ? 2 : 1);
		assert_string_equal(out.v[0], rows[i].four);
		if (rows[i].six)
			assert_string_equal(out.v[1], rows[i].six);
		for (size_t k = 0; k < out.n; k++)
			assert_int_equal(net_port_parse(out.v[k], &l), 0);
		for (unsigned k = 0; k < l.n; k++)
			assert_false(l.v[k].any_family);
		net_port_list_done(&l);
		strv_done(&out);
		net_port_put_at(rows[i].spec, NULL, &out);
		assert_string_equal(out.v[0], rows[i].spec);
	}
}

static void at_most_4096_ports_are_taken(void **state)
{
	struct net_port_list l = NET_PORT_LIST_INIT;

	(void)state;
	assert_int_equal(net_port_parse("1-4096", &l), 0);
	assert_int_equal(net_port_parse("5000", &l), -CE_USAGE);
	assert_int_equal(l.n, NET_PORTS_MAX);
	net_port_list_done(&l);
}

static void a_chosen_port_is_filled_in_and_a_taken_one_is_named(void **state)
{
	struct net_port_list l = NET_PORT_LIST_INIT, m = NET_PORT_LIST_INIT;
	int fds[3], more[2];
	char spec[64];

	(void)state;
	assert_int_equal(net_port_parse("127.0.0.1::80-81", &l), 0);
	assert_int_equal(net_port_parse("127.0.0.1::53/udp", &l), 0);
	assert_int_equal(net_ports_bind(&l, fds), 0);
	assert_int_not_equal(l.v[0].host_port, 0);
	assert_int_not_equal(l.v[1].host_port, l.v[0].host_port);

	(void)snprintf(spec, sizeof(spec), "127.0.0.1:%u:80", l.v[0].host_port);
	assert_int_equal(net_port_parse("127.0.0.1::1", &m), 0);
	assert_int_equal(net_port_parse(spec, &m), 0);
	assert_int_equal(net_ports_bind(&m, more), -EADDRINUSE);
	(void)snprintf(spec, sizeof(spec),
		       "publish 127.0.0.1:%u/tcp: process %d (ports_test) listens",
		       l.v[0].host_port, (int)getpid());
	assert_memory_equal(err_trail(), spec, strlen(spec));
	assert_true(more[0] < 0); /* the one before it was closed again */
	net_port_list_done(&m);

	(void)snprintf(spec, sizeof(spec), "127.0.0.1:%u-%u:80", l.v[0].host_port,
		       l.v[0].host_port < 65000 ? l.v[0].host_port + 500U : 65535U);
	assert_int_equal(net_port_parse(spec, &m), 0);
	assert_int_equal(net_ports_bind(&m, more), 0);
	assert_true(m.v[0].host_port > l.v[0].host_port);
	assert_int_equal(m.v[0].host_port_last, 0);
	closep(&more[0]);
	for (int i = 0; i < 3; i++)
		closep(&fds[i]);
	net_port_list_done(&m);
	net_port_list_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_docker_form_is_understood),
		cmocka_unit_test(what_is_written_is_read_back_the_same),
		cmocka_unit_test(what_is_not_a_port_is_refused_with_a_reason),
		cmocka_unit_test(what_names_no_address_is_put_at_each_that_is_given),
		cmocka_unit_test(at_most_4096_ports_are_taken),
		cmocka_unit_test(a_chosen_port_is_filled_in_and_a_taken_one_is_named),
	};

	return cmocka_run_group_tests_name("net_ports", tests, NULL, NULL);
}

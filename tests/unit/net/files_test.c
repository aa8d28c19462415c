/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/files.h"
#include "pkg/base/err.h"

static void options_done(struct net_files_options *o)
{
	strv_done(&o->add_hosts);
	strv_done(&o->dns);
	strv_done(&o->dns_search);
	strv_done(&o->dns_options);
}

static void hosts_has_the_container_the_host_and_what_was_added(void **state)
{
	struct net_plan n = {.mode = NET_SLIRP, .allow_host_loopback = true};
	struct net_files_options o = {.hostname = "box", .container_name = "web"};
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	(void)state;
	strv_add(&o.add_hosts, "db;db2:10.1.2.3");
	strv_add(&o.add_hosts, "six:[fd00::7]");
	strv_add(&o.add_hosts, "up=host-gateway");
	assert_int_equal(net_check_files_options(&o), 0);
	assert_int_equal(net_make_hosts(&n, &o, &b), 0);
	assert_string_equal(b.s, "10.1.2.3\tdb db2\n"
				 "fd00::7\tsix\n"
				 "10.0.2.2\tup\n"
				 "127.0.0.1\tlocalhost\n"
				 "::1\tlocalhost ip6-localhost ip6-loopback\n"
				 "10.0.2.100\tbox web\n"
				 "10.0.2.2\thost.containers.internal host.docker.internal\n");
	options_done(&o);
	/* A name that only ends so, or stands in a comment, is not localhost; one that was added is. */
	strv_add(&o.add_hosts, "my.localhost:10.1.2.3");
	o.hosts_base = "# localhost\n10.9.9.9\tother\t# localhost\nlocalhost x\n";
	sbuf_reset(&b);
	assert_int_equal(net_make_hosts(&n, &o, &b), 0);
	assert_non_null(strstr(b.s, "\n127.0.0.1\tlocalhost\n"));
	strv_add(&o.add_hosts, "a;LOCALHOST:10.1.2.4");
	sbuf_reset(&b);
	assert_int_equal(net_make_hosts(&n, &o, &b), 0);
	assert_null(strstr(b.s, "127.0.0.1"));
	options_done(&o);
}

static void without_a_network_there_is_no_host_entry(void **state)
{
	struct net_plan n = {.mode = NET_NONE};
	struct net_files_options o = {.hostname = "box", .container_name = "box"};
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	(void)state;
	assert_int_equal(net_make_hosts(&n, &o, &b), 0);
	assert_null(strstr(b.s, "host.containers.internal"));
	assert_non_null(strstr(b.s, "127.0.1.1\tbox\n"));
	strv_add(&o.add_hosts, "up:host-gateway");
	sbuf_reset(&b);
	assert_int_equal(net_make_hosts(&n, &o, &b), -CE_NETWORK);
	o.no_hosts = true;
	assert_int_equal(net_make_hosts(&n, &o, &b), 1);
	options_done(&o);
}

static void resolv_conf_names_slirp_or_what_was_asked_for(void **state)
{
	struct net_plan n = {.mode = NET_SLIRP, .enable_ipv6 = true};
	struct net_files_options o = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	(void)state;
	strv_add(&o.dns_search, "a.example");
	strv_add(&o.dns_options, "ndots:2");
	assert_int_equal(net_make_resolv_conf(&n, &o, &b), 0);
	assert_string_equal(b.s, "search a.example\nnameserver 10.0.2.3\nnameserver fd00::3\n"
				 "options ndots:2\n");
	sbuf_reset(&b);
	strv_add(&o.dns, "9.9.9.9");
	strv_add(&o.dns, "2620:fe::fe");
	strv_add(&o.dns_search, ".");
	assert_int_equal(net_check_files_options(&o), 0);
	assert_int_equal(net_make_resolv_conf(&n, &o, &b), 0);
	assert_string_equal(b.s, "nameserver 9.9.9.9\nnameserver 2620:fe::fe\noptions ndots:2\n");
	options_done(&o);
	strv_add(&o.dns, "none");
	assert_int_equal(net_make_resolv_conf(&n, &o, &b), 1);
	options_done(&o);
	n.mode = NET_NONE;
	sbuf_reset(&b);
	assert_int_equal(net_make_resolv_conf(&n, &o, &b), 0);
	assert_string_equal(b.s, "");
}

static int check_one(struct strv *field, const char *value, const struct net_files_options *o)
{
	int r;

	strv_add(field, value);
	r = net_check_files_options(o);
	strv_done(field);
	return r;
}

static void lines_cannot_be_injected(void **state)
{
	static const char *const add_hosts[] = {
		"h:1.1.1.1\n2.2.2.2 x", "h",          "h:",         ":1.1.1.1",  "h h:1.1.1.1",
		"h;:1.1.1.1",           "-h:1.1.1.1", "h:1.1.1.1 ", "h:gateway", "h\t:1.1.1.1",
		"h#:1.1.1.1",
	};
	static const char *const dns[] = {"1.1.1.1\nsearch x", "", "one", "1.1.1.1 ", "fe80::1%x"};
	static const char *const search[] = {"", "a b", "a\nnameserver 1.1.1.1", "-a", "a#b"};
	static const char *const options[] = {"", "a b", "ndots:1\n", "NDOTS"};
	static const char *const hostnames[] = {"a\nb", "", "a b", "-a", "a:b"};
	struct net_files_options o = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(add_hosts); i++)
		if (check_one(&o.add_hosts, add_hosts[i], &o) != -CE_USAGE)
			fail_msg("add-host %s", add_hosts[i]);
	for (size_t i = 0; i < ARRAY_LEN(dns); i++)
		assert_int_equal(check_one(&o.dns, dns[i], &o), -CE_USAGE);
	for (size_t i = 0; i < ARRAY_LEN(search); i++)
		assert_int_equal(check_one(&o.dns_search, search[i], &o), -CE_USAGE);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		assert_int_equal(check_one(&o.dns_options, options[i], &o), -CE_USAGE);
	for (size_t i = 0; i < ARRAY_LEN(hostnames); i++) {
		o.hostname = hostnames[i];
		assert_int_equal(net_check_files_options(&o), -CE_USAGE);
	}
	o.hostname = "a-b.example";
	strv_add(&o.dns, "none");
	assert_int_equal(net_check_files_options(&o), 0);
	strv_add(&o.dns, "1.1.1.1");
	assert_int_equal(net_check_files_options(&o), -CE_USAGE);
	options_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_has_the_container_the_host_and_what_was_added),
		cmocka_unit_test(without_a_network_there_is_no_host_entry),
		cmocka_unit_test(resolv_conf_names_slirp_or_what_was_asked_for),
		cmocka_unit_test(lines_cannot_be_injected),
	};

	return cmocka_run_group_tests_name("net_files", tests, NULL, NULL);
}

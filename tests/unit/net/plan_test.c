/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <signal.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "net/plan.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "tests/unit/scratch_dir.h"

static const struct net_port two[] = {
	{NET_TCP, "127.0.0.1", false, 8080, 0, 80, 0},
	{NET_UDP, "::", true, 53, 0, 53, 0},
};

static struct net_plan sample(void)
{
	return (struct net_plan){.mode = NET_SLIRP,
				 .helper_path = "/usr/bin/slirp4netns",
				 .enable_ipv6 = true,
				 .mtu = 1500,
				 .network = 0x0a000700,
				 .prefix = 20,
				 .ports = two,
				 .n_ports = 2};
}

static void a_plan_survives_the_wire(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct net_plan in = sample(), out;
	struct net_port ports[2];
	struct wire_reader r;

	(void)state;
	net_plan_encode(&in, &b);
	wire_reader_init(&r, b.s, b.len);
	assert_int_equal(net_plan_decode(&r, &out, ports, 2), 0);
	assert_false(wire_failed(&r));
	assert_int_equal(out.mode, NET_SLIRP);
	assert_string_equal(out.helper_path, "/usr/bin/slirp4netns");
	assert_true(out.enable_ipv6);
	assert_false(out.allow_host_loopback);
	assert_int_equal(out.mtu, 1500);
	assert_true(out.network == 0x0a000700 && out.prefix == 20);
	assert_int_equal(out.n_ports, 2);
	assert_int_equal(out.ports[0].host_port, 8080);
	assert_int_equal(out.ports[0].container_port, 80);
	assert_string_equal(out.ports[0].host_ip, "127.0.0.1");
	assert_int_equal(out.ports[1].proto, NET_UDP);
	assert_true(out.ports[1].any_family);
}

static void a_guarded_plan_is_one_with_a_helper_and_a_keeper(void **state)
{
	struct net_plan n = sample();

	(void)state;
	assert_false(net_plan_is_guarded(&n));
	n.keeper_dir = "/run/x/guard";
	assert_true(net_plan_is_guarded(&n));
	n.mode = NET_BRIDGE; /* its keeper is everybody's */
	assert_false(net_plan_is_guarded(&n));
}

static void a_plan_cut_anywhere_or_too_large_is_refused(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct net_plan in = sample(), out;
	struct net_port ports[2];
	struct wire_reader r;

	(void)state;
	net_plan_encode(&in, &b);
	for (size_t n = 0; n < b.len; n++) {
		wire_reader_init(&r, b.s, n);
		assert_int_equal(net_plan_decode(&r, &out, ports, 2), -CE_PROTOCOL);
	}
	wire_reader_init(&r, b.s, b.len);
	assert_int_equal(net_plan_decode(&r, &out, ports, 1), -CE_PROTOCOL);
	b.s[0] = 9; /* no such mode */
	wire_reader_init(&r, b.s, b.len);
	assert_int_equal(net_plan_decode(&r, &out, ports, 2), -CE_PROTOCOL);
}

static void slirp_options_are_parsed_strictly(void **state)
{
	static const char *const bad[] = {"mtu=100",
					  "mtu=65522",
					  "mtu=x",
					  "cidr=10.0.2.0",
					  "cidr=10.0.2.1/24",
					  "cidr=10.0.2.0/25",
					  "cidr=10.0.2.0/7",
					  "cidr=fd00::/64",
					  "cidr=",
					  "enable_ipv6=maybe",
					  "enable_ipv6=true,mtu=1000",
					  "port_handler=x",
					  "allow_host_loopback",
					  "nosuch=1",
					  "",
					  "mtu=1500,"};
	struct net_plan n = {.mode = NET_SLIRP};
	char ip[INET_ADDRSTRLEN];
	struct in_addr a;

	(void)state;
	a = net_plan_address(&n, NET_SLIRP_TAP);
	assert_int_equal(net_plan_prefix(&n), 24);
	assert_string_equal(inet_ntop(AF_INET, &a, ip, sizeof(ip)), "10.0.2.100");
	assert_int_equal(net_plan_parse_slirp("allow_host_loopback=true,mtu=1400,cidr=10.9.0.0/16,"
					      "enable_ipv6=true,port_handler=rootlesskit",
					      &n),
			 0);
	assert_true(n.allow_host_loopback);
	assert_true(n.enable_ipv6);
	assert_int_equal(n.mtu, 1400);
	a = net_plan_address(&n, NET_SLIRP_DNS);
	assert_int_equal(net_plan_prefix(&n), 16);
	assert_string_equal(inet_ntop(AF_INET, &a, ip, sizeof(ip)), "10.9.0.3");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct net_plan m = {.mode = NET_SLIRP};

		if (net_plan_parse_slirp(bad[i], &m) != -CE_USAGE)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void ports_need_a_network_of_ones_own(void **state)
{
	struct net_plan n = sample();

	(void)state;
	assert_int_equal(net_plan_check(&n), 0);
	for (int mode = NET_NONE; mode <= NET_JOIN; mode++) {
		n.mode = (enum net_mode)mode;
		assert_int_equal(net_plan_check(&n), mode == NET_SLIRP ? 0 : -CE_USAGE);
	}
	n.n_ports = 0;
	n.mode = NET_NONE;
	assert_int_equal(net_plan_check(&n), 0);
}

static const char own[] = "base\n10.89.0.2\tmine\n";

/* Ends with 1 when its own line was not there, whatever else was. */
static void __attribute__((noreturn)) look(int fd, const char *path)
{
	char text[512];

	(void)write_full(fd, ".", 1);
	for (;;) {
		int hosts = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = pread(hosts, text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		if (strncmp(text, own, sizeof(own) - 1) != 0)
			_exit(1);
		(void)close(hosts);
	}
}

static void hosts_have_the_name_at_any_moment(void **state)
{
	static const char one[] = "a eth0 02:00:00:00:00:01 10.89.0.2/24 10.89.0.1 -/0 -\n",
			  two_nets[] = "a eth0 02:00:00:00:00:01 10.89.0.2/24 10.89.0.1 -/0 -\n"
				       "b eth1 02:00:00:00:00:02 10.90.0.2/24 10.90.0.1 -/0 -\n";
	char path[64], text[512] = "";
	struct net_plan n = sample();
	int p[2], status = 1, fd;
	pid_t pid;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/hosts", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write_full(fd, "base\n", 5), 0);
	n.hosts_path = path;
	n.hosts_names = "mine";
	n.hosts_base = 5;
	assert_int_equal(net_plan_write_hosts(&n, one), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		look(p[1], path);
	assert_int_equal(read(p[0], text, 1), 1);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(net_plan_write_hosts(&n, i % 2 ? one : two_nets), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(pread(fd, text, sizeof(text), 0) > 0);
	assert_string_equal(text, own);
	(void)close(fd);
	(void)close(p[0]);
	(void)close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_survives_the_wire),
		cmocka_unit_test(a_guarded_plan_is_one_with_a_helper_and_a_keeper),
		cmocka_unit_test(a_plan_cut_anywhere_or_too_large_is_refused),
		cmocka_unit_test(slirp_options_are_parsed_strictly),
		cmocka_unit_test(ports_need_a_network_of_ones_own),
		cmocka_unit_test_setup_teardown(hosts_have_the_name_at_any_moment, make_dir,
						drop_dir),
	};

	return cmocka_run_group_tests_name("net_plan", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The proxy with a real network namespace: a stand-in monitor in a user namespace of its own, a
 * child of it in a nested one with the tap's address on its loopback and servers on it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/ports.h"
#include "tests/unit/net/namespaces.h"
#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"

enum { ECHO = 7, PEER = 4, FLOOD = 19, NOBODY = 1 };
enum { P_ECHO, P_PEER, P_FLOOD, P_NOBODY, P_UDP, P_ECHO6, P_UDP6, P_COUNT };

static const char *const specs[P_COUNT] = {
	"127.0.0.1::7", "4", "127.0.0.1::19", "127.0.0.1::1", "7/udp", "[::1]::7", "[::1]::7/udp"};

static struct net_port_list ports;
static pid_t monitor = -1, proxy = -1;

#ifdef __SANITIZE_ADDRESS__
#define RSS_MAX_KB 400000
#else
#define RSS_MAX_KB 4096
#endif
#define BULK (100UL * 1024 * 1024)

/* --- in the container ------------------------------------------------------------------------- */

static int serve_on(int type, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 1024) < 0))
		die("bind");
	return fd;
}

static void __attribute__((noreturn)) serve_tcp(int fd, uint16_t port)
{
	static char buf[65536];
	char ip[INET_ADDRSTRLEN];
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	ssize_t n;

	if (port == ECHO)
		while ((n = read(fd, buf, sizeof(buf))) > 0 && write_full(fd, buf, (size_t)n) == 0)
			;
	if (port == FLOOD)
		while (write_full(fd, buf, sizeof(buf)) == 0)
			;
	if (port == PEER && getpeername(fd, (struct sockaddr *)&a, &len) == 0) {
		(void)inet_ntop(AF_INET, &a.sin_addr, ip, sizeof(ip));
		(void)write_full(fd, ip, strlen(ip));
	}
	_exit(0);
}

static void __attribute__((noreturn)) run_servers(void)
{
	static const uint16_t tcp[] = {ECHO, PEER, FLOOD};
	static char buf[65536];
	struct pollfd p[ARRAY_LEN(tcp) + 1];

	(void)signal(SIGCHLD, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(tcp); i++)
		p[i] = (struct pollfd){.fd = serve_on(SOCK_STREAM, tcp[i]), .events = POLLIN};
	p[ARRAY_LEN(tcp)] = (struct pollfd){.fd = serve_on(SOCK_DGRAM, ECHO), .events = POLLIN};
	for (;;) {
		struct sockaddr_in a;
		socklen_t len = sizeof(a);
		ssize_t n;

		if (poll(p, ARRAY_LEN(p), -1) < 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(tcp); i++) {
			int fd = p[i].revents ? accept4(p[i].fd, NULL, NULL, SOCK_CLOEXEC) : -1;

			if (fd >= 0 && fork() == 0) {
				(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
				serve_tcp(fd, tcp[i]);
			}
			if (fd >= 0)
				close(fd);
		}
		if (!p[ARRAY_LEN(tcp)].revents)
			continue;
		n = recvfrom(p[ARRAY_LEN(tcp)].fd, buf, sizeof(buf), 0, (struct sockaddr *)&a,
			     &len);
		if (n >= 0)
			(void)sendto(p[ARRAY_LEN(tcp)].fd, buf, (size_t)n, 0, (struct sockaddr *)&a,
				     len);
	}
}

static void __attribute__((noreturn)) container_main(int ready)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	struct sockaddr_in *a = (struct sockaddr_in *)(void *)&ifr.ifr_addr;
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!new_user_ns(CLONE_NEWNET))
		die("unshare");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		die("lo up");
	ifr = (struct ifreq){.ifr_name = "lo:1"};
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(0x0a000264); /* 10.0.2.100 */
	if (ioctl(fd, SIOCSIFADDR, &ifr) < 0)
		die("address");
	close(fd);
	(void)write_full(ready, "c", 1);
	run_servers();
}

/* --- the monitor's part ----------------------------------------------------------------------- */

static void __attribute__((noreturn)) monitor_main(const int *fds, int report)
{
	struct net_plan n = {.mode = NET_SLIRP, .ports = ports.v, .n_ports = ports.n};
	int ready[2], pidfd, ctl;
	char info[64], text[512];
	pid_t container;
	ssize_t got;
	FILE *f;
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!new_user_ns(0))
		_exit(77);
	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	container = fork();
	if (container == 0)
		container_main(ready[1]);
	close(ready[1]);
	if (read_full(ready[0], &c, 1) < 0)
		die("container");
	pidfd = net_proxy_start(&n, fds, container, &ctl);
	if (pidfd < 0) {
		(void)fprintf(stderr, "proxy: %s\n", err_message(pidfd));
		_exit(1);
	}
	for (unsigned i = 0; i < ports.n; i++)
		close(fds[i]);
	(void)snprintf(info, sizeof(info), "/proc/self/fdinfo/%d", pidfd);
	f = fopen(info, "re");
	while (f && fgets(text, sizeof(text), f) && sscanf(text, "Pid: %zd", &got) != 1)
		;
	proxy = (pid_t)got;
	(void)write_full(report, &proxy, sizeof(proxy));
	for (;;)
		pause();
}

static int start(void **state)
{
	int fds[P_COUNT], report[2], status;

	(void)state;
	for (int i = 0; i < P_COUNT; i++)
		if (net_port_parse(specs[i], &ports) < 0)
			return -1;
	if (net_ports_bind(&ports, fds) < 0 || pipe2(report, O_CLOEXEC) < 0)
		return -1;
	monitor = fork();
	if (monitor == 0)
		monitor_main(fds, report[1]);
	close(report[1]);
	for (int i = 0; i < P_COUNT; i++)
		close(fds[i]);
	if (read_full(report[0], &proxy, sizeof(proxy)) < 0) {
		(void)waitpid(monitor, &status, 0);
		monitor = -1;
		if (status != 77 << 8)
			return -1;
		(void)fprintf(stderr, "no user namespaces here: skipped\n");
	}
	close(report[0]);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (monitor > 0) {
		(void)kill(monitor, SIGKILL);
		(void)waitpid(monitor, NULL, 0);
	}
	net_port_list_done(&ports);
	return 0;
}

/* --- tests ------------------------------------------------------------------------------------ */

static int dial(int type, bool v6, int which)
{
	struct timeval limit = {.tv_sec = 20};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(ports.v[which].host_port),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in a4 = {.sin_family = AF_INET,
				 .sin_port = htons(ports.v[which].host_port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -1;
	if (connect(fd, v6 ? (void *)&a6 : (void *)&a4, v6 ? sizeof(a6) : sizeof(a4)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A stream that is its own check: 8-byte words of a linear congruence. */
static void fill(uint64_t *seed, uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		words[i] = *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
}

static void __attribute__((noreturn)) send_bulk(int fd)
{
	static uint64_t words[16384];
	uint64_t seed = 42;

	for (size_t sent = 0; sent < BULK; sent += sizeof(words)) {
		fill(&seed, words, ARRAY_LEN(words));
		if (write_full(fd, words, sizeof(words)) < 0)
			_exit(1);
	}
	(void)shutdown(fd, SHUT_WR);
	_exit(0);
}

#ifndef __SANITIZE_ADDRESS__
static long proxy_rss_kb(void)
{
	char path[64], line[256];
	AUTO_FCLOSE FILE *f = NULL;
	long kb = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)proxy);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	return kb;
}
#endif

static void a_hundred_megabytes_go_both_ways_and_half_close_is_kept(void **state)
{
	static uint64_t got[16384], want[16384];
	int fd = dial(SOCK_STREAM, false, P_ECHO), status;
	size_t total = 0;
	uint64_t seed = 42;
	pid_t sender;

	(void)state;
	if (monitor < 0)
		skip();
	assert_true(fd >= 0);
	sender = fork();
	if (sender == 0)
		send_bulk(fd);
	while (total < BULK) {
		assert_int_equal(read_full(fd, got, sizeof(got)), 0);
		fill(&seed, want, ARRAY_LEN(want));
		assert_memory_equal(got, want, sizeof(got));
		total += sizeof(got);
	}
	assert_int_equal(read(fd, got, 1), 0); /* the end came back after our own */
	assert_int_equal(waitpid(sender, &status, 0), sender);
	assert_int_equal(status, 0);
	close(fd);
}

static void a_client_that_does_not_read_stops_the_server_not_the_proxy(void **state)
{
	static char buf[65536];
	int fd = dial(SOCK_STREAM, false, P_FLOOD), other;
	char c = 'x';

	(void)state;
	if (monitor < 0)
		skip();
	assert_int_equal(read_full(fd, buf, 1), 0);
	for (int i = 0; i < 50; i++) { /* round trips: time for the flood to fill what it can */
		other = dial(SOCK_STREAM, false, P_ECHO);
		assert_int_equal(write_full(other, &c, 1), 0);
		assert_int_equal(read_full(other, buf, 1), 0);
		close(other);
	}
#ifndef __SANITIZE_ADDRESS__
	assert_in_range(proxy_rss_kb(), 1, RSS_MAX_KB);
#endif
	for (int i = 0; i < 100; i++)
		assert_int_equal(read_full(fd, buf, sizeof(buf)), 0);
	close(fd);
}

static void five_hundred_clients_are_served_at_once(void **state)
{
	static int fd[500];
	uint32_t got;

	(void)state;
	if (monitor < 0)
		skip();
	for (uint32_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = dial(SOCK_STREAM, i % 2, i % 2 ? P_ECHO6 : P_ECHO);
		assert_true(fd[i] >= 0);
		assert_int_equal(write_full(fd[i], &i, sizeof(i)), 0);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(fd); i++) {
		assert_int_equal(read_full(fd[i], &got, sizeof(got)), 0);
		assert_int_equal(got, i);
		close(fd[i]);
	}
}

static void a_port_without_a_server_is_a_reset(void **state)
{
	int fd = dial(SOCK_STREAM, false, P_NOBODY);
	char c;

	(void)state;
	if (monitor < 0)
		skip();
	assert_true(read(fd, &c, 1) < 0);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

static void the_peer_is_not_the_containers_loopback(void **state)
{
	char ip[64] = "";

	(void)state;
	if (monitor < 0)
		skip();
	for (int v6 = 0; v6 < 2; v6++) { /* no address was named: both families reach it */
		int fd = dial(SOCK_STREAM, v6, P_PEER);

		assert_true(fd >= 0);
		assert_true(read_upto(fd, ip, sizeof(ip) - 1) > 0);
		assert_string_equal(ip, "10.0.2.100");
		close(fd);
	}
}

static void datagrams_find_their_way_back_to_each_client(void **state)
{
	static const struct {
		bool v6;
		int which;
	} ways[] = {{false, P_UDP}, {true, P_UDP}, {true, P_UDP6}};
	static char big[60000], got[65536];
	int fd[30];

	(void)state;
	if (monitor < 0)
		skip();
	for (int i = 0; i < 30; i++) {
		fd[i] = dial(SOCK_DGRAM, ways[i % 3].v6, ways[i % 3].which);
		assert_true(fd[i] >= 0);
		assert_int_equal(send(fd[i], &i, sizeof(i), 0), sizeof(i));
	}
	for (int i = 0; i < 30; i++) {
		int n = -1;

		assert_int_equal(recv(fd[i], &n, sizeof(n), 0), sizeof(n));
		assert_int_equal(n, i);
		assert_int_equal(send(fd[i], &n, 0, 0), 0); /* an empty one is a datagram too */
		assert_int_equal(recv(fd[i], &n, sizeof(n), 0), 0);
	}
	memset(big, 'b', sizeof(big));
	assert_int_equal(send(fd[0], big, sizeof(big), 0), sizeof(big));
	assert_int_equal(recv(fd[0], got, sizeof(got), 0), sizeof(big));
	assert_memory_equal(big, got, sizeof(big));
	for (int i = 0; i < 30; i++)
		close(fd[i]);
}

static void the_ports_are_free_soon_after_the_monitor_was_killed(void **state)
{
	int64_t end;
	int fd;

	(void)state;
	if (monitor < 0)
		skip();
	assert_int_equal(kill(monitor, SIGKILL), 0);
	assert_int_equal(waitpid(monitor, NULL, 0), monitor);
	monitor = -1;
	end = clock_monotonic_ns() + 2000 * NS_PER_MS;
	/* A client in the middle of it all may still see a reset. */
	while ((fd = dial(SOCK_STREAM, false, P_NOBODY)) >= 0 || errno != ECONNREFUSED) {
		closep(&fd);
		assert_true(clock_monotonic_ns() < end);
		(void)sched_yield();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_megabytes_go_both_ways_and_half_close_is_kept),
		cmocka_unit_test(a_client_that_does_not_read_stops_the_server_not_the_proxy),
		cmocka_unit_test(five_hundred_clients_are_served_at_once),
		cmocka_unit_test(a_port_without_a_server_is_a_reset),
		cmocka_unit_test(the_peer_is_not_the_containers_loopback),
		cmocka_unit_test(datagrams_find_their_way_back_to_each_client),
		cmocka_unit_test(the_ports_are_free_soon_after_the_monitor_was_killed),
	};

	return cmocka_run_group_tests_name("net_proxy", tests, start, stop);
}

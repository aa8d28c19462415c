/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "net/helper.h"
#include "net/slirp.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "tests/unit/net/namespaces.h"

enum { REACHED = 10, REFUSED = 11, NO_NAMESPACES = 77 };

/* In the container's namespaces: does a server behind @address say h(ello)? */
static void __attribute__((noreturn))
container_main(int ready, int go, int type, uint16_t port, uint32_t address)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
	struct timeval limit = {.tv_sec = 5};
	int fd;
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!new_user_ns(CLONE_NEWNET))
		die("unshare");
	(void)write_full(ready, "c", 1);
	if (read_full(go, &c, 1) < 0)
		_exit(1);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		_exit(REFUSED);
	if (type == SOCK_DGRAM)
		(void)write_full(fd, "?", 1);
	_exit(read(fd, &c, 1) == 1 && c == 'h' ? REACHED : REFUSED);
}

static void __attribute__((noreturn))
monitor_main(const struct net_plan *n, int type, uint16_t port, uint32_t address)
{
	struct net_helper h = NET_HELPER_INIT;
	int ready[2], go[2], r, status;
	pid_t container, helper;
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!new_user_ns(0))
		_exit(NO_NAMESPACES);
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	container = fork();
	if (container == 0)
		container_main(ready[1], go[0], type, port, address);
	if (read_full(ready[0], &c, 1) < 0)
		die("container");
	r = net_helper_start(n, container, &h);
	if (r == 0)
		r = net_helper_wait_ready(&h, 10000);
	if (r < 0) {
		(void)fprintf(stderr, "%s\n", err_message(r));
		_exit(1);
	}
	closep(&h.log_fd); /* must not end the helper */
	(void)write_full(go[1], "g", 1);
	(void)waitpid(container, &status, 0);
	helper = h.pid;
	net_helper_done(&h);
	if (kill(helper, 0) == 0)
		_exit(2); /* it was left */
	_exit(WEXITSTATUS(status));
}

/* What a container sees of a server on the host's loopback, through @address. */
static int try_reach(const struct net_plan *n, uint32_t address)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int status;
	pid_t pid;

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	pid = fork();
	if (pid == 0)
		monitor_main(n, SOCK_STREAM, ntohs(a.sin_port), address);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		int c = poll(&p, 1, 5) > 0 ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) : -1;

		if (c >= 0)
			(void)write_full(c, "hello", 5);
		if (c >= 0)
			close(c);
	}
	return WEXITSTATUS(status);
}

static bool usable(struct net_plan *n)
{
	const char *warning;

	if (net_helper_find(NET_SLIRP, -1, &n->helper_path, &warning) == 0)
		return true;
	(void)fprintf(stderr, "%s: skipped\n", err_message(-CE_HOST_SETUP));
	return false;
}

static void the_hosts_loopback_is_reached_only_when_asked_for(void **state)
{
	struct net_plan n = {.mode = NET_SLIRP, .enable_ipv6 = true};
	int r;

	(void)state;
	if (!usable(&n))
		skip();
	r = try_reach(&n, 0x0a000202); /* 10.0.2.2 */
	if (r == NO_NAMESPACES)
		skip();
	assert_int_equal(r, REFUSED);
	assert_int_equal(try_reach(&n, 0x0a000203), REFUSED); /* the name server's address */
	n.allow_host_loopback = true;
	assert_int_equal(try_reach(&n, 0x0a000202), REACHED);
	n.network = 0x0a4d0000; /* 10.77.0.0 */
	n.prefix = 16;
	n.mtu = 1500;
	assert_int_equal(try_reach(&n, 0x0a4d0002), REACHED);
}

/* Another host: its own network with a resolver on its loopback, and a resolv.conf that names it. */
static void __attribute__((noreturn)) host_main(const struct net_plan *n, const char *conf)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(53),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	socklen_t len = sizeof(a);
	int fd;
	char c;

	if (!new_user_ns(CLONE_NEWNET | CLONE_NEWNS))
		_exit(NO_NAMESPACES);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 || bind(fd, (struct sockaddr *)&a, len) < 0)
		die("resolver");
	if (mount(conf, "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0)
		die("resolv.conf");
	if (fork() == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (recvfrom(fd, &c, 1, 0, (struct sockaddr *)&a, &len) >= 0)
			(void)sendto(fd, "hello", 5, 0, (struct sockaddr *)&a, len);
		_exit(1);
	}
	monitor_main(n, SOCK_DGRAM, 53, 0x0a000203); /* 10.0.2.3 */
}

static void the_name_server_is_the_hosts_resolver_on_loopback_too(void **state)
{
	struct net_plan n = {.mode = NET_SLIRP};
	char conf[] = "/tmp/cuddy-resolv-XXXXXX";
	int fd, status;
	pid_t pid;

	(void)state;
	if (!usable(&n))
		skip();
	fd = mkstemp(conf);
	assert_int_equal(write_full(fd, "nameserver 127.0.0.1\n", 21), 0);
	close(fd);
	pid = fork();
	if (pid == 0)
		host_main(&n, conf);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(unlink(conf), 0);
	if (WEXITSTATUS(status) == NO_NAMESPACES)
		skip();
	assert_int_equal(WEXITSTATUS(status), REACHED);
}

static void write_script(const char *path, const char *body)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\n%s\n", body);
	assert_int_equal(fchmod(fileno(f), 0700), 0);
	assert_int_equal(fclose(f), 0);
}

static void an_old_helper_is_noticed_and_one_without_a_filter_not_used(void **state)
{
	static const struct {
		const char *says;
		int old;
	} rows[] = {
		{"echo slirp4netns version 1.2.0; echo libslirp: 4.7.0", 0},
		{"echo slirp4netns version 1.3.1; echo libslirp: 4.8.0", 0},
		{"echo slirp4netns version 1.1.12; echo libslirp: 4.7.0", 1},
		{"echo slirp4netns version 1.2.0; echo libslirp: 4.6.1", 1},
		{"echo slirp4netns version 1.2.0", 1},
		{"exit 1", 1},
		{"yes", 1},
	};
	char dir[] = "/tmp/cuddy-slirp-XXXXXX", path[64];
	struct net_plan n = {.mode = NET_SLIRP, .helper_path = path};
	struct net_helper h = NET_HELPER_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/slirp4netns", dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_script(path, rows[i].says);
		assert_int_equal(net_slirp_is_old(path), rows[i].old);
	}
	write_script(path, "case \"$*\" in *--enable-seccomp*) "
			   "echo unknown option enable-seccomp >&2; exit 1;; esac");
	assert_int_equal(net_helper_start(&n, getpid(), &h), 0);
	assert_int_equal(net_helper_wait_ready(&h, 10000), -CE_NETWORK);
	assert_non_null(strstr(err_trail(), "unknown option enable-seccomp"));
	net_helper_done(&h);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void a_helper_that_fails_leaves_its_last_words(void **state)
{
	struct net_plan n = {.mode = NET_SLIRP, .mtu = 70000};
	struct net_helper h = NET_HELPER_INIT;
	int r;

	(void)state;
	if (!usable(&n))
		skip();
	assert_int_equal(net_helper_start(&n, getpid(), &h), 0);
	r = net_helper_wait_ready(&h, 10000);
	assert_int_equal(r, -CE_NETWORK);
	assert_non_null(strstr(err_trail(), "slirp4netns: "));
	assert_non_null(strstr(err_trail(), "MTU"));
	net_helper_done(&h);
	assert_true(h.pidfd < 0);
	net_helper_done(&h); /* twice is harmless */
	n.mtu = 0;
	assert_int_equal(net_helper_start(&n, 0x3fffffff, &h), 0); /* no such process */
	r = net_helper_wait_ready(&h, 10000);
	assert_non_null(strstr(err_message(r), "/ns/net: No such file"));
	net_helper_done(&h);
}

static void the_version_is_remembered_for_the_very_file(void **state)
{
	char dir[] = "/tmp/cuddy-slirp-XXXXXX";
	AUTO_CLOSE int fd = -EBADF;
	const char *path, *warning = "?";
	struct stat st;

	(void)state;
	path = NULL;
	if (!usable(&(struct net_plan){0}))
		skip();
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(net_helper_find(NET_SLIRP, fd, &path, &warning), 0);
	assert_null(warning);
	assert_int_equal(fstatat(fd, "slirp4netns", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(net_helper_find(NET_SLIRP, fd, &path, &warning), 0);
	assert_null(warning);
	assert_int_equal(unlinkat(fd, "slirp4netns", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hosts_loopback_is_reached_only_when_asked_for),
		cmocka_unit_test(the_name_server_is_the_hosts_resolver_on_loopback_too),
		cmocka_unit_test(an_old_helper_is_noticed_and_one_without_a_filter_not_used),
		cmocka_unit_test(a_helper_that_fails_leaves_its_last_words),
		cmocka_unit_test(the_version_is_remembered_for_the_very_file),
	};

	return cmocka_run_group_tests_name("net_slirp", tests, NULL, NULL);
}

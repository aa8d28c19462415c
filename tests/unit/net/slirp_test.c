/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "net/slirp.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "tests/unit/net/namespaces.h"

enum { REACHED = 10, REFUSED = 11, NO_NAMESPACES = 77 };

/* In the container's namespaces: is the host's loopback server behind the gateway? */
static void __attribute__((noreturn))
container_main(int ready, int go, uint16_t port, uint32_t address)
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
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		_exit(REFUSED);
	_exit(read(fd, &c, 1) == 1 && c == 'h' ? REACHED : REFUSED);
}

static void __attribute__((noreturn))
monitor_main(const struct net_plan *n, uint16_t port, uint32_t address)
{
	struct net_helper h = NET_HELPER_INIT;
	int ready[2], go[2], r, status;
	pid_t container;
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!new_user_ns(0))
		_exit(NO_NAMESPACES);
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	container = fork();
	if (container == 0)
		container_main(ready[1], go[0], port, address);
	if (read_full(ready[0], &c, 1) < 0)
		die("container");
	r = net_slirp_start(n, container, &h);
	if (r == 0)
		r = net_helper_wait_ready(&h, 10000);
	if (r < 0) {
		(void)fprintf(stderr, "%s\n", err_message(r));
		_exit(1);
	}
	closep(&h.log_fd); /* must not end the helper */
	(void)write_full(go[1], "g", 1);
	(void)waitpid(container, &status, 0);
	net_helper_done(&h);
	if (waitpid(-1, NULL, WNOHANG) != -1)
		_exit(2); /* something was left */
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
		monitor_main(n, ntohs(a.sin_port), address);
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

	if (net_slirp_find(-1, &n->slirp_path, &warning) == 0)
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
	n.cidr = "10.77.0.0/16";
	n.mtu = 1500;
	assert_int_equal(try_reach(&n, 0x0a4d0002), REACHED);
}

static void a_helper_that_fails_leaves_its_last_words(void **state)
{
	struct net_plan n = {.mode = NET_SLIRP, .mtu = 70000};
	struct net_helper h = NET_HELPER_INIT;
	int r;

	(void)state;
	if (!usable(&n))
		skip();
	assert_int_equal(net_slirp_start(&n, getpid(), &h), 0);
	r = net_helper_wait_ready(&h, 10000);
	assert_int_equal(r, -CE_NETWORK);
	assert_non_null(strstr(err_trail(), "slirp4netns: "));
	assert_non_null(strstr(err_trail(), "MTU"));
	net_helper_done(&h);
	assert_true(h.pidfd < 0);
	net_helper_done(&h); /* twice is harmless */
	n.mtu = 0;
	assert_int_equal(net_slirp_start(&n, 0x3fffffff, &h), 0); /* no such process */
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
	assert_int_equal(net_slirp_find(fd, &path, &warning), 0);
	assert_null(warning);
	assert_int_equal(fstatat(fd, "slirp4netns", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(net_slirp_find(fd, &path, &warning), 0);
	assert_null(warning);
	assert_int_equal(unlinkat(fd, "slirp4netns", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hosts_loopback_is_reached_only_when_asked_for),
		cmocka_unit_test(a_helper_that_fails_leaves_its_last_words),
		cmocka_unit_test(the_version_is_remembered_for_the_very_file),
	};

	return cmocka_run_group_tests_name("net_slirp", tests, NULL, NULL);
}

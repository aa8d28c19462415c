/* SPDX-License-Identifier: MIT */
/* Entering the base namespace late, also with a thread around, as curl's of a slow name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/sys/socket.h"
#include "pkg/transfer/transfer.h"

static void *linger(void *arg)
{
	(void)arg;
	for (;;)
		(void)pause();
	return NULL;
}

static ino_t own_ns(void)
{
	struct stat sb;

	return stat("/proc/self/ns/user", &sb) == 0 ? sb.st_ino : 0;
}

/* A namespace of ours that nobody is in any more: a descriptor, or -1 where there may be none. */
static int make_ns(void)
{
	int pair[2], ns = -1;
	unsigned n = 0;
	char byte;

	assert_int_equal(socket_pair(pair), 0);
	if (fork() == 0) {
		int fd = unshare(CLONE_NEWUSER) < 0 ? -1 : open("/proc/self/ns/user", O_RDONLY);

		_exit(fd < 0 || socket_send(pair[0], "", 1, &fd, 1) < 0);
	}
	(void)close(pair[0]);
	(void)socket_recv(pair[1], &byte, 1, &ns, 1, &n);
	(void)close(pair[1]);
	(void)wait(NULL);
	return n == 1 ? ns : -1;
}

/* In a child: enter, and say whether it is where it should be. */
static int try(int ns, bool thread)
{
	int pair[2], status = 0;
	struct stat there;
	char buf[256];
	unsigned n;
	pid_t pid;

	assert_int_equal(fstat(ns, &there), 0);
	assert_int_equal(socket_pair(pair), 0);
	pid = fork();
	if (pid == 0) {
		struct transfer_ctx ctx = {.channel = pair[1], .user_side = -EBADF};
		pthread_t t;

		(void)close(pair[0]);
		if (thread && pthread_create(&t, NULL, linger, NULL) != 0)
			_exit(3);
		if (transfer_enter_base(&ctx) < 0)
			_exit(4);
		_exit(ctx.req.in_base && own_ns() == there.st_ino ? 42 : 5);
	}
	(void)close(pair[1]);
	assert_true(socket_recv(pair[0], buf, sizeof(buf), NULL, 0, &n) > 0);
	assert_int_equal(socket_send(pair[0], "", 1, &ns, 1), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Nobody else holds the line: its end is the end of the transfer. */
	assert_int_equal(socket_recv(pair[0], buf, sizeof(buf), NULL, 0, &n), 0);
	(void)close(pair[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void it_enters_with_and_without_a_thread(void **state)
{
	int ns = make_ns();

	(void)state;
	if (ns < 0)
		skip();
	assert_int_equal(try(ns, false), 42);
	assert_int_equal(try(ns, true), 42);
	(void)close(ns);
}

static void who_goes_away_interrupts(void **state)
{
	int pair[2];
	struct transfer_ctx ctx = {.user_side = -EBADF};

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	ctx.channel = pair[1];
	(void)close(pair[0]);
	assert_true(transfer_enter_base(&ctx) < 0);
	ctx.req.in_base = true;
	assert_int_equal(transfer_enter_base(&ctx), 0);
	(void)close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_enters_with_and_without_a_thread),
		cmocka_unit_test(who_goes_away_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

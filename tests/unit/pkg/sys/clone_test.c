/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"

struct told {
	int fd;
	bool executes;
	volatile int there; /* set by the child: only a borrowed memory shows it */
};

static int child(void *arg)
{
	struct told *t = arg;

	t->there = (int)getpid();
	(void)close(t->fd);
	if (t->executes)
		(void)execl("/bin/sh", "sh", "-c", "exit 9", (char *)NULL);
	return 7;
}

static void a_child_has_descriptors_of_its_own_and_its_status_arrives(void **state)
{
	for (int executes = 0; executes < 2; executes++) {
		AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), pidfd = -EBADF;
		struct told t = {.fd = fd, .executes = executes};
		pid_t pid = clone_vfork(child, &t, &pidfd);
		int status = -1;

		(void)state;
		assert_true(pid > 0);
		assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
#ifndef __SANITIZE_ADDRESS__
		assert_int_equal(t.there, pid); /* it stood still until the child had gone its way */
#endif
		assert_true(fcntl(fd, F_GETFD) >= 0);
		assert_int_equal(pidfd_wait(pidfd, -1, &status), 0);
		assert_int_equal(status, executes ? 9 : 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_descriptors_of_its_own_and_its_status_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

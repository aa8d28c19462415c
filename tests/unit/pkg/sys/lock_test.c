/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/lock.h"
#include "tests/unit/scratch_dir.h"

static void numbers_of_one_file_are_locks_of_their_own(void **state)
{
	const uint64_t a = 0xfedcba987654321ULL, b = UINT64_MAX;
	int first = lock_number_open(dir_fd, "l", a), other;

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(lock_number_try_open(dir_fd, "l", a), -EWOULDBLOCK);
	other = lock_number_open(dir_fd, "l", b);
	assert_true(other >= 0);
	assert_int_equal(lock_number_try_open(dir_fd, "l", b), -EWOULDBLOCK);
	close(first);
	first = lock_number_try_open(dir_fd, "l", a);
	assert_true(first >= 0);
	close(first);
	close(other);
}

/* As a monitor that outlives the command that took the lock. */
static void a_number_is_held_until_its_last_descriptor_closes(void **state)
{
	int fd = lock_number_open(dir_fd, "l", 7), p[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		char c;

		close(p[1]);
		(void)!read(p[0], &c, 1);
		_exit(0);
	}
	close(p[0]);
	close(fd);
	assert_int_equal(lock_number_try_open(dir_fd, "l", 7), -EWOULDBLOCK);
	close(p[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd = lock_number_try_open(dir_fd, "l", 7);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_one_file_are_locks_of_their_own),
		cmocka_unit_test(a_number_is_held_until_its_last_descriptor_closes),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

/* SPDX-License-Identifier: MIT */
/* threats: Z15. What the kernel says of a process whose name looks like more of the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/bundle/state.h"
#include "pkg/sys/process.h"
#include "tests/unit/fuzz.h"

static const struct fuzz_text names[] = {
	FUZZ_TEXT("a) R 1 ("),
	FUZZ_TEXT(") Z 1 1 1 1 1"),
	FUZZ_TEXT("x\ny"),
	FUZZ_TEXT("((()))"),
	FUZZ_TEXT(") "),
	FUZZ_TEXT(" "),
	FUZZ_TEXT(")\n(0) S 0"),
	FUZZ_TEXT("\x1b[0m\xff"),
	FUZZ_TEXT("12 34 56 78 90"),
};
static const struct fuzz_text words[] = {FUZZ_TEXT(")"),  FUZZ_TEXT("("),   FUZZ_TEXT(" "),
					 FUZZ_TEXT("\n"), FUZZ_TEXT(") X"), FUZZ_TEXT("0")};

static void a_name_never_moves_the_fields(void **state)
{
	AUTO_SBUF struct sbuf name = SBUF_INIT;
	struct proc_id before, now;
	struct fuzz f;

	(void)state;
	assert_int_equal(proc_id_of(getpid(), &before), 0);
	assert_true(before.start > 0);
	for (fuzz_begin(&f, "comm", 5000); fuzz_more(&f);) {
		int fd;

		fuzz_mutate(&f, names, ARRAY_LEN(names), words, ARRAY_LEN(words), &name);
		assert_int_equal(prctl(PR_SET_NAME, name.s), 0);
		assert_int_equal(proc_id_of(getpid(), &now), 0);
		assert_true(now.start == before.start && now.pid == before.pid);
		fd = pidfd_of(&before);
		assert_true(fd >= 0);
		close(fd);
		now.start++;
		assert_int_equal(pidfd_of(&now), -ESRCH);
		assert_true(oci_is_alive(&before));
	}
}

/* The kernel's own answer: a pidfd is readable once the process has ended, reaped or not. */
static void a_zombie_is_dead_whatever_its_name(void **state)
{
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "zombies", 60); fuzz_more(&f);) {
		const struct fuzz_text *t = &names[fuzz_below(&f, ARRAY_LEN(names))];
		struct proc_id id;
		struct pollfd p;
		int sync[2];
		pid_t pid;

		assert_int_equal(pipe2(sync, O_CLOEXEC), 0);
		pid = fork();
		if (pid == 0) {
			(void)prctl(PR_SET_NAME, t->p);
			close(sync[0]);
			(void)!write(sync[1], "", 1);
			pause();
			_exit(0);
		}
		close(sync[1]);
		assert_int_equal(read(sync[0], &(char){0}, 1), 1);
		close(sync[0]);
		assert_int_equal(proc_id_of(pid, &id), 0);
		assert_true(oci_is_alive(&id));
		p = (struct pollfd){.fd = pidfd_open_pid(pid), .events = POLLIN};
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(poll(&p, 1, 20000), 1);
		close(p.fd);
		assert_false(oci_is_alive(&id));
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_false(oci_is_alive(&id));
		assert_int_equal(pidfd_of(&id), -ESRCH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_never_moves_the_fields),
		cmocka_unit_test(a_zombie_is_dead_whatever_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/converse.h"

static int ask(const char *script, int timeout_ms, struct sbuf *answer, int *status)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
			(char *)(uintptr_t)script, NULL};
	AUTO_SBUF struct sbuf input = SBUF_INIT;
	const struct converse c = {.program = "/bin/sh",
				   .argv = argv,
				   .input = &input,
				   .max = 64,
				   .timeout_ms = timeout_ms};

	sbuf_adds(&input, "question\n");
	return converse(&c, answer, status);
}

static void it_gives_its_answer_and_status(void **state)
{
	AUTO_SBUF struct sbuf answer = SBUF_INIT;
	int status = 0;

	(void)state;
	assert_int_equal(ask("read w; echo \"to $w\"; exit 3", 20000, &answer, &status), 0);
	assert_string_equal(answer.s, "to question\n");
	assert_int_equal(status, 3);
}

/* images: N7 */
static void who_is_silent_too_long_is_killed(void **state)
{
	/* Silent; silent in the middle of its answer; gone quiet with its answer ended, but still there. */
	static const char *const scripts[] = {"exec sleep 1000", "echo half; exec sleep 1000",
					      "exec sleep 1000 >&-"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		AUTO_SBUF struct sbuf answer = SBUF_INIT;
		int status = 0, r = ask(scripts[i], 200, &answer, &status);

		assert_int_equal(r, -CE_TIMEOUT);
		err_drop();
		/* Nobody is left behind: the answer came after its end. */
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
}

static void a_long_answer_is_refused(void **state)
{
	AUTO_SBUF struct sbuf answer = SBUF_INIT;
	int status = 0;

	(void)state;
	assert_int_equal(ask("yes", 20000, &answer, &status), -CE_LIMIT);
	err_drop();
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_gives_its_answer_and_status),
		cmocka_unit_test(who_is_silent_too_long_is_killed),
		cmocka_unit_test(a_long_answer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

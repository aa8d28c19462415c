/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/converse.h"

static int ask_at_length(const char *script, const char *words, int timeout_ms, struct sbuf *answer,
			 int *status)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
			(char *)(uintptr_t)script, NULL};
	AUTO_SBUF struct sbuf input = SBUF_INIT;
	const struct converse c = {.program = "/bin/sh",
				   .argv = argv,
				   .input = &input,
				   .max = 64,
				   .timeout_ms = timeout_ms};

	sbuf_adds(&input, words);
	return converse(&c, answer, status);
}

static int ask(const char *script, int timeout_ms, struct sbuf *answer, int *status)
{
	return ask_at_length(script, "question\n", timeout_ms, answer, status);
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

/* More than a pipe takes: one that ends without reading it, and one that never does. */
static void who_does_not_read_the_question_answers_all_the_same(void **state)
{
	AUTO_SBUF struct sbuf answer = SBUF_INIT, none = SBUF_INIT;
	AUTO_FREE char *words = xcalloc(1, 1000001);
	int status = -1;

	(void)state;
	(void)memset(words, 'q', 1000000);
	assert_int_equal(ask_at_length("echo deaf", words, 20000, &answer, &status), 0);
	assert_string_equal(answer.s, "deaf\n");
	assert_int_equal(status, 0);
	assert_int_equal(ask_at_length("exec sleep 1000", words, 200, &none, &status), -CE_TIMEOUT);
	err_drop();
	sbuf_reset(&answer);
	assert_int_equal(ask_at_length("wc -c", words, 20000, &answer, &status), 0);
	assert_string_equal(answer.s, "1000000\n");
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
		cmocka_unit_test(who_does_not_read_the_question_answers_all_the_same),
		cmocka_unit_test(a_long_answer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

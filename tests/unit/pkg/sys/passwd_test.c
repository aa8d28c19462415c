/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/passwd.h"
#include "pkg/sys/process.h"

static void a_user_is_found_by_number(void **state)
{
	struct passwd_entry e = {0};

	(void)state;
	assert_int_equal(passwd_find(0, &e), 0);
	assert_string_equal(e.name, "root");
	assert_int_equal(*e.home, '/');
	passwd_entry_done(&e);
}

static void nobody_has_that_number(void **state)
{
	struct passwd_entry e = {0};

	(void)state;
	assert_int_equal(passwd_find(4294967293U, &e), -ENOENT);
	assert_null(e.name);
}

static void what_a_helper_prints_is_read(void **state)
{
	static char sh[] = "/bin/sh", c[] = "-c", words[] = "echo a; echo b; exit 3";
	char *argv[] = {sh, c, words, NULL};
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int status = 0;

	(void)state;
	assert_int_equal(spawn_read(argv, 100, 20000, &out, &status), 0);
	assert_int_equal(status, 3);
	assert_string_equal(out.s, "a\nb\n");
	sbuf_reset(&out);
	assert_int_equal(spawn_read(argv, 3, 20000, &out, &status), -CE_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_is_found_by_number),
		cmocka_unit_test(nobody_has_that_number),
		cmocka_unit_test(what_a_helper_prints_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

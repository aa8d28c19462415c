/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/file.h"
#include "tests/unit/scratch_dir.h"

static void own_files_are_read_whole_whatever_their_size(void **state)
{
	static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 300000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;
		AUTO_FREE char *want = xcalloc(1, sizes[i] + 1);

		memset(want, 'a' + (int)i, sizes[i]);
		assert_int_equal(file_replace(dir_fd, "f", want, sizes[i], 0600, FILE_NO_SYNC), 0);
		sbuf_adds(&text, "before:");
		assert_int_equal(file_read_own(dir_fd, "f", 300000, &text), 0);
		assert_int_equal(text.len, strlen("before:") + sizes[i]);
		assert_string_equal(text.s + strlen("before:"), want);
	}
}

static void own_files_have_a_limit_and_are_files(void **state)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	(void)state;
	assert_int_equal(file_replace(dir_fd, "f", "0123456789", 10, 0600, FILE_NO_SYNC), 0);
	assert_int_equal(file_read_own(dir_fd, "f", 9, &text), -CE_LIMIT);
	err_drop();
	assert_int_equal(file_read_own(dir_fd, "nosuch", 9, &text), -ENOENT);
	err_drop();
	assert_int_equal(mkdirat(dir_fd, "d", 0700), 0);
	assert_int_equal(file_read_own(dir_fd, "d", 9, &text), -EISDIR);
	err_drop();
	assert_int_equal(symlinkat("f", dir_fd, "link"), 0);
	assert_int_equal(file_read_own(dir_fd, "link", 99, &text), -ELOOP);
	err_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_files_are_read_whole_whatever_their_size),
		cmocka_unit_test(own_files_have_a_limit_and_are_files),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

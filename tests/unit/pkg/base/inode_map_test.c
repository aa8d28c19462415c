/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/inode_map.h"

static void keeps_a_word_for_each_inode(void **state)
{
	struct inode_map m = {0};

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		void **word = inode_map_at(&m, i % 3, i * 1024);

		assert_null(*word);
		*word = xasprintf("%u", i);
	}
	for (unsigned i = 0; i < 5000; i++) {
		void **word = inode_map_at(&m, i % 3, i * 1024);

		assert_non_null(*word);
		assert_int_equal(strtoul(*word, NULL, 10), i);
		assert_null(*inode_map_at(&m, i % 3 + 3, i * 1024)); /* another file system */
	}
	inode_map_done(&m, free);
	assert_null(*inode_map_at(&m, 0, 0));
	inode_map_done(&m, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_a_word_for_each_inode)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

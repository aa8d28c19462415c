/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pkg/sys/random.h"

/* Of ids that are only random one in 280 is. */
static void no_container_has_a_number_for_a_host_name(void **state)
{
	char id[RANDOM_ID + 1];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		random_id(id);
		assert_int_equal(strspn(id, "0123456789abcdef"), RANDOM_ID);
		assert_int_equal(id[RANDOM_ID], '\0');
		assert_true(strspn(id, "0123456789") < 12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_container_has_a_number_for_a_host_name),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}

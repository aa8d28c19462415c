/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"

static void base64_goes_both_ways(void **state)
{
	static const char *const plain[] = {"", "a", "ab", "abc", "user:pass\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		AUTO_FREE char *e = base64_encode(plain[i], strlen(plain[i]));
		AUTO_SBUF struct sbuf d = SBUF_INIT;

		assert_int_equal(base64_decode(e, &d), 0);
		assert_string_equal(d.s, plain[i]);
	}
	{
		AUTO_SBUF struct sbuf d = SBUF_INIT;

		assert_int_equal(base64_decode("a", &d), -EINVAL);
		assert_int_equal(base64_decode("YW Jj", &d), -EINVAL);
		assert_int_equal(base64_decode("YR==", &d),
				 -EINVAL); /* bits that belong to nothing */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_goes_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/oci/digest.h"

#define SIXTEEN(c) c c c c c c c c c c c c c c c c
#define HEX(c) SIXTEEN(c) SIXTEEN(c) SIXTEEN(c) SIXTEEN(c)

/* images: F4 */
static void a_stack_is_known_by_its_chain_id(void **state)
{
	AUTO_STRV struct strv v = STRV_INIT;
	char id[65];

	(void)state;
	strv_add(&v, HEX("a"));
	digest_chain_id(&v, id);
	assert_string_equal(id, HEX("a"));
	strv_add(&v, HEX("b"));
	digest_chain_id(&v, id); /* printf 'sha256:%s sha256:%s' … | sha256sum */
	assert_string_equal(id, "ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c");
	strv_add(&v, HEX("c"));
	digest_chain_id(&v, id);
	assert_string_equal(id, "c1377126441fb2f5ec2c21ae2a60255331d639e830f0ee1b40a36e52d4c40588");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stack_is_known_by_its_chain_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

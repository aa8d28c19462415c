/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/sha256.h"

static void known_answers(void **state)
{
	static const char *const t[][2] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	char hex[65];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		sha256_hex(t[i][0], strlen(t[i][0]), hex);
		assert_string_equal(hex, t[i][1]);
	}
}

static void any_split_gives_the_same(void **state)
{
	unsigned char data[300];
	char whole[65], parts[65];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	for (size_t n = 0; n <= sizeof(data); n += 13) {
		struct sha256 s;

		sha256_hex(data, n, whole);
		sha256_init(&s);
		for (size_t at = 0; at < n; at += 17)
			sha256_add(&s, data + at, n - at < 17 ? n - at : 17);
		sha256_end_hex(&s, parts);
		assert_string_equal(whole, parts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_answers),
					   cmocka_unit_test(any_split_gives_the_same)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

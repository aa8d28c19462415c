/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/archive/hash.h"
#include "pkg/base/sha256.h"

/* The same file once more, as it is for processors without such instructions. */
#define sha256_init portable_init
#define sha256_add portable_add
#define sha256_end_hex portable_end_hex
#define sha256_hex portable_hex
#undef __x86_64__
#include "pkg/base/sha256.c"
#undef sha256_init
#undef sha256_add
#undef sha256_end_hex
#undef sha256_hex

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
		portable_hex(t[i][0], strlen(t[i][0]), hex);
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

static void all_ways_agree(void **state)
{
	static unsigned char data[70000];
	char ours[65], portable[65], openssl[65];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * i >> 3);
	for (size_t n = 1; n < sizeof(data); n = n * 3 + 1) {
		sha256_hex(data, n, ours);
		portable_hex(data, n, portable);
		hash_sha256_of(data, n, openssl);
		assert_string_equal(ours, openssl);
		assert_string_equal(portable, openssl);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_answers),
					   cmocka_unit_test(any_split_gives_the_same),
					   cmocka_unit_test(all_ways_agree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

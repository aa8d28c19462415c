/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/transfer/cosign_key.h"
#include "pkg/transfer/secretbox.h"

static void unhex(const char *s, struct sbuf *out)
{
	for (; *s; s += 2) {
		unsigned hi = (unsigned)(strchr("0123456789abcdef", s[0]) - "0123456789abcdef");
		unsigned lo = (unsigned)(strchr("0123456789abcdef", s[1]) - "0123456789abcdef");
		char c = (char)(hi << 4 | lo);

		sbuf_add(out, &c, 1);
	}
}

/* The example of NaCl's own tests: a message of 131 bytes, longer than two blocks. */
static void a_box_of_nacl_opens_and_a_changed_one_does_not(void **state)
{
	AUTO_SBUF struct sbuf key = SBUF_INIT, nonce = SBUF_INIT, want = SBUF_INIT, box = SBUF_INIT;

	(void)state;
	unhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389", &key);
	unhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37", &nonce);
	unhex("be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac7"
	      "28d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556a"
	      "d6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f9377638"
	      "48645e0705",
	      &want);
	unhex("f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476f"
	      "b8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee3"
	      "14a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5"
	      "f9b37973f622a43d14a6599b1f654cb45a74e355a5",
	      &box);
	for (size_t bad = 0; bad <= box.len; bad++) {
		AUTO_SBUF struct sbuf got = SBUF_INIT;
		int r;

		if (bad < box.len)
			box.s[bad] ^= 4;
		r = secretbox_open((unsigned char *)key.s, (unsigned char *)nonce.s, &box, &got);
		if (bad < box.len) {
			box.s[bad] ^= 4;
			assert_int_equal(r, -CE_DENIED);
			assert_int_equal(got.len, 0);
		} else {
			assert_int_equal(r, 0);
			assert_int_equal(got.len, want.len);
			assert_memory_equal(got.s, want.s, want.len);
		}
	}
	for (box.len = 0; box.len < 16; box.len++) {
		AUTO_SBUF struct sbuf got = SBUF_INIT;

		assert_int_equal(secretbox_open((unsigned char *)key.s, (unsigned char *)nonce.s,
						&box, &got),
				 -CE_DENIED);
	}
}

#define BEGIN "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
#define END "-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"

static void what_is_no_key_of_cosigns_is_left_or_refused(void **state)
{
	static const char *const bad[] = {
		BEGIN,
		BEGIN END,
		BEGIN "!!!!\n" END,
		BEGIN "e30=\n" END, /* {} */
		BEGIN "bm90IGpzb24=\n" END,
		/* {"kdf":{"name":"scrypt","params":{"N":1073741824,"r":8,"p":1},"salt":"AAAA"},"cipher":{"name":"nacl/secretbox","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},"ciphertext":"AAAA"} */
		BEGIN
		"eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjoxMDczNzQxODI0LCJyIjo4LCJwIjoxfS"
		"wic2FsdCI6IkFBQUEifSwiY2lwaGVyIjp7Im5hbWUiOiJuYWNsL3NlY3JldGJveCIsIm5vbmNlIjoiQUFB"
		"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUEifSwiY2lwaGVydGV4dCI6IkFBQUEifQ==\n" END,
	};
	AUTO_SBUF struct sbuf other = SBUF_INIT;

	(void)state;
	sbuf_adds(&other, "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n");
	assert_int_equal(cosign_key_open(&other, NULL), 0);
	assert_non_null(strstr(other.s, "BEGIN PRIVATE KEY"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		AUTO_SBUF struct sbuf key = SBUF_INIT;

		sbuf_adds(&key, bad[i]);
		assert_true(cosign_key_open(&key, "x") < 0);
		err_drop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_box_of_nacl_opens_and_a_changed_one_does_not),
		cmocka_unit_test(what_is_no_key_of_cosigns_is_left_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* threats: Z17. The text of strangers, wherever it may meet a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"
#include "pkg/cli/template_internal.h"
#include "pkg/json/json.h"
#include "tests/unit/fuzz.h"

static const struct fuzz_text corpus[] = {
	FUZZ_TEXT(
		"plain words, \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 and \xe6\x97\xa5\xe6\x9c\xac"),
	FUZZ_TEXT("\x1b]0;title\x07\x1b[2J\x9b"
		  "31m\xc2\x9b"
		  "0m\rover"),
	FUZZ_TEXT("\xe2\x80\xae"
		  "evil\xe2\x81\xa6 \xd8\x9c\xe2\x80\x8e\xe2\x80\xa8"),
	FUZZ_TEXT("\xc0\xaf\xed\xa0\x80\xf5\x80\x80\x80\xe2\x82\xf0\x9f\x98"),
	FUZZ_TEXT("a\tb\nc\\x1b\\n\x7f\x01"),
};
static const struct fuzz_text words[] = {
	FUZZ_TEXT("\x1b["),        FUZZ_TEXT("\xc2\x9b"),     FUZZ_TEXT("\x9b"),
	FUZZ_TEXT("\xe2\x80\xae"), FUZZ_TEXT("\xe2"),         FUZZ_TEXT("\xc2"),
	FUZZ_TEXT("\x7f"),         FUZZ_TEXT("\xef\xbb\xbf"), FUZZ_TEXT("\xf4\x90\x80\x80"),
};

/* Decided here once more, byte by byte and without the functions under test. */
static void assert_harmless(const char *s, size_t n, bool lines)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];
		unsigned len = c < 0x80                ? 1
			       : c >= 0xc2 && c < 0xe0 ? 2
			       : (c & 0xf0) == 0xe0    ? 3
			       : c >= 0xf0 && c < 0xf5 ? 4
						       : 0;
		uint32_t cp = len == 1 ? c : len == 2 ? c & 0x1fU : len == 3 ? c & 0xfU : c & 7U;

		if (len == 0 || i + len > n)
			fail_msg("byte %02x is no UTF-8", c);
		for (unsigned k = 1; k < len; k++) {
			assert_int_equal((unsigned char)s[i + k] & 0xc0, 0x80);
			cp = cp << 6 | ((unsigned char)s[i + k] & 0x3fU);
		}
		if (lines && (c == '\n' || c == '\t'))
			;
		else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			fail_msg("control U+%04x", cp);
		if (cp == 0x61c || cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
		    (cp >= 0x2066 && cp <= 0x2069))
			fail_msg("direction U+%04x", cp);
		i += len;
	}
}

static void a_terminal_gets_no_control(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT, once = SBUF_INIT, twice = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "untrusted", 60000); fuzz_more(&f);) {
		bool cell = fuzz_one_in(&f, 2);

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		sbuf_reset(&once);
		sbuf_reset(&twice);
		sbuf_add_untrusted(&once, in.s, in.len, cell);
		assert_harmless(once.s, once.len, !cell);
		sbuf_add_untrusted(&twice, once.s, once.len, cell);
		assert_int_equal(twice.len, once.len);
		assert_memory_equal(twice.s, once.s, once.len);
	}
}

static void errors_and_json_say_it_escaped(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT, out = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "errors", 20000); fuzz_more(&f);) {
		const char *text;

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		(void)err_new(-EIO, "name %s", in.s);
		text = err_message(-EIO);
		assert_harmless(text, strlen(text), false);
		err_drop();
		if (utf8_is_valid(in.s, strlen(in.s))) {
			AUTO_JSON struct json_object *o = json_object_new_string(in.s),
						     *back = NULL;

			sbuf_reset(&out);
			json_write(o, false, &out);
			assert_harmless(out.s, out.len, false);
			assert_int_equal(json_parse(out.s, out.len, &back), 0);
			assert_string_equal(json_object_get_string(back), in.s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_gets_no_control),
		cmocka_unit_test(errors_and_json_say_it_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

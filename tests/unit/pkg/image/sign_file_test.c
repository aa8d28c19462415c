/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/image/sign_file.h"

/* images: T5 */
static void a_file_of_parameters_names_a_key_and_its_passphrase(void **state)
{
	static const char both[] = "# ours\nprivateKeyFile: \"/k/cosign.key\"\n"
				   "privateKeyPassphraseFile: words\n";
	static const char key[] = "{privateKeyFile: k}";
	AUTO(sign_file_done) struct sign_file a = {0}, b = {0};

	(void)state;
	assert_int_equal(sign_file_parse(both, strlen(both), &a), 0);
	assert_string_equal(a.key, "/k/cosign.key");
	assert_string_equal(a.passphrase_file, "words");
	assert_int_equal(sign_file_parse(key, strlen(key), &b), 0);
	assert_string_equal(b.key, "k");
	assert_null(b.passphrase_file);
}

static void what_wants_a_service_or_is_unknown_is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *words;
		int code;
	} rows[] = {
		{"privateKeyFile: k\nrekorURL: https://rekor.example\n", "rekorURL",
		 -CE_UNSUPPORTED},
		{"fulcio:\n  fulcioURL: https://f.example\n", "privateKeyFile instead",
		 -CE_UNSUPPORTED},
		{"privateKeyFile: k\nprivatekeyfile: l\n", "'privatekeyfile'", -CE_BAD_FORMAT},
		{"privateKeyPassphraseFile: p\n", "no privateKeyFile", -CE_BAD_FORMAT},
		{"privateKeyFile: ''\n", "no privateKeyFile", -CE_BAD_FORMAT},
		{"privateKeyFile: [k]\n", "privateKeyFile", -CE_BAD_FORMAT},
		{"privateKeyFile: k\n---\nprivateKeyFile: l\n", "one document", -CE_BAD_FORMAT},
		{"- privateKeyFile: k\n", "one document", -CE_BAD_FORMAT},
		{"", "one document", -CE_BAD_FORMAT},
		{"a: b: c\n", "line 1", -CE_BAD_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(sign_file_done) struct sign_file f = {0};

		assert_int_equal(sign_file_parse(rows[i].text, strlen(rows[i].text), &f),
				 rows[i].code);
		if (!strstr(err_trail(), rows[i].words))
			fail_msg("%s: %s", rows[i].text, err_trail());
		assert_null(f.key);
		err_drop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_parameters_names_a_key_and_its_passphrase),
		cmocka_unit_test(what_wants_a_service_or_is_unknown_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

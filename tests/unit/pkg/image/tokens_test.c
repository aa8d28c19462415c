/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/image/tokens.h"

/* In two, so that this file has none. */
#define TEN "a1B2c3D4e5"
#define THIRTY TEN TEN TEN

static void tokens_are_known_by_their_form(void **state)
{
	static const struct {
		const char *text, *what;
	} rows[] = {
		{"token: ghp_" THIRTY "f6G7h8\n", "GitHub token"},
		{"ghp_" THIRTY "f6G7h8", "GitHub token"},
		{"https://x:gho_" THIRTY "f6G7h8@github.com/a/b", "GitHub token"},
		{"\"glpat-" TEN TEN "\"", "GitLab token"},
		{"//registry.npmjs.org/:_t=npm_" THIRTY "f6G7h8", "npm token"},
		{"dckr_pat_" TEN TEN "a1B2c3D", "Docker Hub token"},
		{"first ghp_short, then ghp_" THIRTY "f6G7h8", "GitHub token"},
		{"SECRET=sk_live_" THIRTY, "Stripe key"},
		{"ghp_" THIRTY "f6G7h", NULL}, /* too short */
		{"ghp_" THIRTY "f6G7h8i", NULL}, /* too long */
		{"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL}, /* as documentation has it */
		{"my_ghp_" THIRTY "f6G7h8", NULL}, /* a part of another word */
		{"npm_config_registry_of_the_whole_company_x", NULL},
		{"", NULL},
	};
	static const char binary[] = "\177ELF\0 ghp_" THIRTY "f6G7h8";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *got = token_look(rows[i].text, strlen(rows[i].text));

		if (!got != !rows[i].what || (got && strcmp(got, rows[i].what) != 0))
			fail_msg("%s: %s", rows[i].text, got ? got : "none");
	}
	assert_null(token_look(binary, sizeof(binary)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_known_by_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cmd/cmd.h"
#include "pkg/base/err.h"
#include "pkg/unit/convert.h"
#include "pkg/unit/words.h"

static void words_are_cut_and_quoted_as_systemd_does(void **state)
{
	static const struct {
		const char *in, *joined; /* joined: '|' between the words */
	} rows[] = {
		{"", ""},
		{"a  b\tc ", "a|b|c"},
		{"'a b' \"c 'd\"", "a b|c 'd"},
		{"x\"y z\"w", "xy zw"},
		{"\"\" a", "|a"},
		{"a\\sb \\x41 \\101 \\t", "a b|A|A|\t"},
		{"\\u00e9 \\U0001F600", "\u00e9|\U0001F600"},
		{"a\\qb \\xZZ end\\", "a\\qb|\\xZZ|end\\"},
		{"'it''s' %n $HOME", "its|%n|$HOME"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_STRV struct strv words = STRV_INIT, again = STRV_INIT;
		AUTO_SBUF struct sbuf line = SBUF_INIT;
		AUTO_FREE char *joined = NULL, *back = NULL;

		assert_int_equal(unit_words_split(rows[i].in, &words), 0);
		joined = strv_join(&words, "|");
		assert_string_equal(joined, rows[i].joined);
		unit_words_join(&line, &words);
		assert_int_equal(unit_words_split(line.s, &again), 0);
		back = strv_join(&again, "|");
		assert_string_equal(back, rows[i].joined);
		assert_int_equal(again.n, words.n);
	}
	for (const char *const *bad = (const char *[]){"'a", "a \"b", NULL}; *bad; bad++) {
		AUTO_STRV struct strv words = STRV_INIT;

		assert_int_equal(unit_words_split(*bad, &words), -EINVAL);
	}
}

static void lines_are_continued_and_comments_skipped(void **state)
{
	static const char text[] =
		"# c\n[A]\n  k = v \n; c\nlong=a \\\n# between\n  b\\\nc\r\n\n[B]\n"
		"k=1\nk=\nk=2\nk=3\n[A]\nz=\n";
	AUTO_UNIT_FILE struct unit_file f = UNIT_FILE_INIT;
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	const struct unit_line *l;

	(void)state;
	assert_int_equal(unit_file_parse(&f, "x", text, strlen(text)), 0);
	unit_file_write(&f, &out);
	assert_string_equal(out.s, "[A]\nk=v\nlong=a  b c\nz=\n\n[B]\nk=1\nk=\nk=2\nk=3\n");
	l = unit_file_next(&f, "B", "k", NULL);
	assert_string_equal(l->value, "2");
	assert_string_equal(l->where, "x:13");
	l = unit_file_next(&f, "B", "k", l);
	assert_string_equal(l->value, "3");
	assert_null(unit_file_next(&f, "B", "k", l));
	assert_null(unit_file_last(&f, "A", "z"));
	assert_string_equal(unit_file_last(&f, "A", "long")->where, "x:5");
}

static void malformed_files_say_where(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"k=v\n", "x:1: 'k=v' stands before"},
		{"[A]\n\nnothing\n", "x:3: 'nothing' is no Key=Value"},
		{"[A\n", "x:1: '[A' is no [Section]"},
		{"[A]\n=v\n", "x:2: '=v' is no Key=Value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_UNIT_FILE struct unit_file f = UNIT_FILE_INIT;

		assert_int_equal(unit_file_parse(&f, "x", rows[i].text, strlen(rows[i].text)),
				 -CE_BAD_FORMAT);
		if (strncmp(err_trail(), rows[i].words, strlen(rows[i].words)) != 0)
			fail_msg("%s", err_trail());
	}
}

/* A service that a key makes must not fail for a flag that the verb does not have. */
static void every_key_is_a_flag_of_its_verb(void **state)
{
	static const struct {
		const struct key_row *rows;
		const struct command *command;
	} kinds[] = {
		{container_keys, &cmd_run},
		{volume_keys, &cmd_volume_create},
		{network_keys, &cmd_network_create},
		{image_keys, &cmd_pull},
		{build_keys, &cmd_build},
		{pod_keys, &cmd_pod_create},
		{artifact_keys, &cmd_artifact_pull},
	};

	AUTO_SBUF struct sbuf missing = SBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (const struct key_row *row = kinds[i].rows; row->key; row++) {
			size_t base, len;

			if (!row->flag || row->kind == KEY_REFUSED)
				continue;
			len = strcspn(row->flag + 2, "=");
			if (!opt_find_long(kinds[i].command->opts, row->flag + 2, len, &base))
				sbuf_addf(&missing, " %s: %s %s", row->key, kinds[i].command->name,
					  row->flag);
		}
	assert_string_equal(missing.s, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_cut_and_quoted_as_systemd_does),
		cmocka_unit_test(lines_are_continued_and_comments_skipped),
		cmocka_unit_test(malformed_files_say_where),
		cmocka_unit_test(every_key_is_a_flag_of_its_verb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The tables, row by row: what help, completion and manual are made of must be there and be one of a kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cmd/cmd.h"

struct seen {
	const char *command;
	const char *names[300];
	size_t n;
	char letters[100];
	size_t n_letters;
};

static bool is_phrase(const char *s)
{
	return s && *s && s[0] >= 'A' && s[0] <= 'Z' && s[strlen(s) - 1] != '.' && !strchr(s, '\n');
}

static void row_fails(const struct seen *s, const struct opt *o, const char *why)
{
	fail_msg("%s --%s: %s", s->command, o->long_name ? o->long_name : "?", why);
}

static int check_row(const struct opt *o, size_t base, void *data)
{
	struct seen *s = data;

	(void)base;
	if (!o->long_name && !o->short_name)
		row_fails(s, o, "no name");
	if (!is_phrase(o->help))
		row_fails(s, o, "help is no phrase");
	if (opt_takes_value(o) && !o->metavar)
		row_fails(s, o, "no word for its value");
	if ((o->complete == COMPLETE_WORDS || o->strict) && !o->words)
		row_fails(s, o, "no words");
	if (o->complete == COMPLETE_CONTAINER && !opt_takes_value(o))
		row_fails(s, o, "completes a value it does not take");
	for (size_t i = 0; o->long_name && i < s->n; i++)
		if (strcmp(s->names[i], o->long_name) == 0)
			row_fails(s, o, "there twice");
	if (o->long_name)
		s->names[s->n++] = o->long_name;
	if (o->short_name) {
		if (memchr(s->letters, o->short_name, s->n_letters))
			row_fails(s, o, "its letter is there twice");
		s->letters[s->n_letters++] = o->short_name;
	}
	return 0;
}

static void every_row_of_every_table_is_whole(void **state)
{
	struct seen global = {.command = "cuddy"};

	(void)state;
	(void)opt_each(global_opts, check_row, &global);
	for (const struct command_alias *a = commands; a->words; a++) {
		struct seen s = {.command = a->words};

		(void)opt_each(a->command->opts, check_row, &s);
	}
}

static void every_command_is_whole(void **state)
{
	(void)state;
	for (const struct command_alias *a = commands; a->words; a++) {
		const struct command *c = a->command;
		bool shown = false;

		if (!is_phrase(c->summary))
			fail_msg("%s: summary is no phrase", a->words);
		if (!c->run || !c->synopsis)
			fail_msg("%s: not whole", a->words);
		if (c->max_args >= 0 && c->max_args < c->min_args)
			fail_msg("%s: operands", a->words);
		if (c->opts && c->opts->kind != OPT_KIND_END && !strstr(c->synopsis, "[OPTIONS]"))
			fail_msg("%s: synopsis without [OPTIONS]", a->words);
		if (c->opts && c->opts->kind != OPT_KIND_END && !c->args_size)
			fail_msg("%s: options without a struct", a->words);
		if (c->complete == COMPLETE_WORDS && !c->operand_words)
			fail_msg("%s: no words to complete", a->words);
		for (const struct command_alias *b = commands; b->words; b++) {
			shown |= b->command == c && command_is_primary(b);
			if (a != b && strcmp(a->words, b->words) == 0)
				fail_msg("%s: there twice", a->words);
		}
		if (!shown)
			fail_msg("%s: no entry is shown in the help", a->words);
		if (strchr(a->words, ' ')) {
			char group[32];

			(void)snprintf(group, sizeof(group), "%.*s", (int)strcspn(a->words, " "),
				       a->words);
			if (!group_find(group))
				fail_msg("%s: no such group", a->words);
		}
	}
}

/* Podman's StringSlice: a value with commas is several; its StringArray: it is one. (Two are parted by who reads them.) */
static int check_lists(const struct opt *o, size_t base, void *data)
{
	static const char several[] =
		" add-host annotation attach cap-add cap-drop cgroup-conf device device-read-bps device-read-iops "
		"device-write-bps device-write-iops dns dns-option dns-search env-file expose gidmap group-add hostuser "
		"label-file log-opt network-alias publish sysctl uidmap ulimit ";
	static const char one[] = " env env-merge label mount network secret security-opt unsetenv volume volumes-from ";
	char word[64];

	(void)base;
	(void)snprintf(word, sizeof(word), " %s ", o->long_name);
	if (strstr(several, word) && !o->commas && !o->pairs)
		fail_msg("--%s: a value with commas is one", o->long_name);
	if (strstr(one, word) && (o->commas || o->pairs))
		fail_msg("--%s: a value with commas is several", o->long_name);
	*(size_t *)data += strstr(several, word) || strstr(one, word);
	return 0;
}

static void lists_are_parted_as_podman_has_it(void **state)
{
	char pod[] = "pod", create[] = "create", exec[] = "exec";
	char *all[][2] = {{create, NULL}, {pod, create}, {exec, NULL}};
	size_t n = 0;
	int words;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct command *c = command_find(all[i][1] ? 2 : 1, all[i], &words)->command;

		assert_int_equal(opt_each(c->opts, check_lists, &n), 0);
		assert_true(i > 0 || n >= 36); /* all of them, or a name is wrong */
	}
}

static void two_words_are_found_before_one(void **state)
{
	char container[] = "container", run[] = "run", x[] = "x";
	char *argv[] = {container, run, x};
	int words;

	(void)state;
	assert_string_equal(command_find(3, argv, &words)->words, "container run");
	assert_int_equal(words, 2);
	assert_string_equal(command_find(2, argv + 1, &words)->words, "run");
	assert_int_equal(words, 1);
	assert_null(command_find(1, argv + 2, &words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_every_table_is_whole),
		cmocka_unit_test(every_command_is_whole),
		cmocka_unit_test(lists_are_parted_as_podman_has_it),
		cmocka_unit_test(two_words_are_found_before_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

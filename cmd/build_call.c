/* SPDX-License-Identifier: MIT */
/* "build --call": documents about a file, as text or as JSON, on standard output. */
#include <string.h>

#include "cmd/build.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/cli/format.h"
#include "pkg/json/json.h"

#define COLUMNS_MAX 3

static const struct {
	const char *name;
	enum build_call call;
	bool check;
} methods[] = {
	{"build", CALL_BUILD, false},     {"check", CALL_BUILD, true},
	{"lint", CALL_BUILD, true},       {"outline", CALL_OUTLINE, false},
	{"targets", CALL_TARGETS, false},
};

static int take_word(const char *word, struct build_call_args *ret)
{
	if (strcmp(word, "format=json") == 0)
		ret->json = true;
	else if (strncmp(word, "ignorestatus=", 13) == 0)
		return parse_bool(word + 13, &ret->ignore_status) < 0
			       ? err_usage("--call: %s: true or false", word)
			       : 0;
	else if (strcmp(word, "format=text") != 0)
		return err_usage("--call: '%s': use format=json, format=text or ignorestatus=true",
				 word);
	return 0;
}

int build_call_of(const char *given, struct build_call_args *ret)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	*ret = (struct build_call_args){.call = CALL_BUILD};
	if (!given)
		return 0;
	strv_split(&words, given, ',');
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (strcmp(methods[i].name, words.v[0]) != 0)
			continue;
		ret->call = methods[i].call;
		ret->check = methods[i].check;
		for (size_t k = 1; r == 0 && k < words.n; k++)
			r = take_word(words.v[k], ret);
		return r;
	}
	return err_new(-CE_UNSUPPORTED, "--call %s: use build, check, outline or targets",
		       words.v[0]);
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : "";
}

static void print_line(const char *key, const char *value)
{
	(void)printf("%-13s", key);
	put_untrusted(stdout, value);
	(void)putchar('\n');
}

/* What an entry does not have is empty. */
static void print_rows(struct json_object *list, const struct column *columns)
{
	const struct list_options o = {.columns = columns};
	struct list_table *t = list_table_new(&o);

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *cells[COLUMNS_MAX];
		struct json_object *row = json_object_array_get_idx(list, i);

		for (size_t k = 0; columns[k].header; k++)
			cells[k] = text_of(row, columns[k].field);
		list_table_row(t, cells);
	}
	list_table_print(t, stdout);
	list_table_free(t);
}

static void print_list(struct json_object *doc, const char *key, const struct column *columns)
{
	struct json_object *list = NULL;

	if (!json_object_object_get_ex(doc, key, &list))
		return;
	print_rows(list, columns);
	(void)putchar('\n');
}

static void print_outline(struct json_object *doc)
{
	static const struct column args[] = {{"BUILD ARG", "name"},
					     {"VALUE", "value"},
					     {"DESCRIPTION", "description"},
					     {NULL, NULL}},
				   secrets[] = {{"SECRET", "name"},
						{"REQUIRED", "required"},
						{NULL, NULL}},
				   ssh[] = {{"SSH", "name"},
					    {"REQUIRED", "required"},
					    {NULL, NULL}},
				   caches[] = {{"CACHE", "ID"}, {NULL, NULL}};

	if (*text_of(doc, "name")) {
		print_line("TARGET:", text_of(doc, "name"));
		if (*text_of(doc, "description"))
			print_line("DESCRIPTION:", text_of(doc, "description"));
		(void)putchar('\n');
	}
	print_list(doc, "args", args);
	print_list(doc, "secrets", secrets);
	print_list(doc, "ssh", ssh);
	print_list(doc, "cache", caches);
}

/* A stage without a name is called by its number, as --target takes it. */
static void print_targets(struct json_object *doc)
{
	static const struct column columns[] = {
		{"TARGET", "shown"}, {"DESCRIPTION", "description"}, {NULL, NULL}};
	struct json_object *list = json_object_object_get(doc, "targets");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		bool is_default = json_object_object_get_ex(o, "default", NULL);
		AUTO_FREE char *shown = *text_of(o, "name") ? xstrdup(text_of(o, "name"))
							    : xasprintf("%zu", i);
		AUTO_FREE char *all = xasprintf("%s%s", shown, is_default ? " (default)" : "");

		json_set_str(o, "shown", all);
	}
	print_rows(list, columns);
}

void build_call_print(struct json_object *doc, bool json)
{
	if (json)
		(void)json_print(doc, stdout);
	else if (json_object_object_get_ex(doc, "targets", NULL))
		print_targets(doc);
	else
		print_outline(doc);
}

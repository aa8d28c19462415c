/* SPDX-License-Identifier: MIT */
/*
 * What may stand where the cursor is. The scripts of "cuddy completion" ask
 *
 *	cuddy __complete [OPTIONS] -- WORD... LAST
 *
 * with the words after "cuddy" up to the cursor (LAST may be empty), and get one candidate a line,
 * "word<TAB>what it is", each a whole replacement for LAST; or the line ":file" or ":dir", where the
 * shell knows better. The tables that parse answer, so there is no list that could grow old, and
 * every shell sees the same. It never fails: an unanswered question is an empty answer.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/optdoc.h"
#include "pkg/container/list.h"
#include "pkg/json/json.h"
#include "storage/image_store.h"
#include "storage/network.h"
#include "storage/pod.h"
#include "storage/secret.h"
#include "storage/volume.h"

struct question {
	struct cmd_ctx *ctx;
	const char *typed; /* of the value: LAST without a flag before it */
	const char *prefix; /* "--flag=", goes before every candidate */
	bool bare; /* words, and not what they are */
	unsigned n; /* answered so far */
};

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Names come from registries and other programs; nothing may break the lines, or the terminal. */
static void put_clean(const char *s)
{
	for (; *s; s++)
		(void)putchar((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
}

static void offer(struct question *q, const char *word, const char *about)
{
	if (!begins(word, q->typed))
		return;
	put_clean(q->prefix);
	put_clean(word);
	if (about && *about && !q->bare) {
		(void)putchar('\t');
		put_clean(about);
	}
	(void)putchar('\n');
	q->n++;
}

/* ---- objects ---------------------------------------------------------------------------------- */

static const char *field(struct json_object *row, const char *key)
{
	const char *s = "";

	if (json_get_str(row, key, &s) < 0)
		err_drop();
	return s;
}

static void offer_containers(struct question *q, bool running)
{
	const struct list_query all = {.all = !running, .filters = &(struct strv)STRV_INIT};
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	struct store *st;
	size_t n;

	if (cmd_store(q->ctx, &st) < 0 || container_list(st, &all, &rows, &json) < 0) {
		err_drop();
		return;
	}
	n = json_object_array_length(rows);
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		AUTO_FREE char *about = xasprintf("%s, %s", field(row, "Image"),
						  field(row, "Status"));

		offer(q, field(row, "Names"), about);
	}
	/* Who types an id has begun one. */
	for (size_t i = 0; i < n && q->n == 0 && *q->typed; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		offer(q, field(row, "ID"), field(row, "Names"));
	}
}

/* "debian:bookworm" for docker.io/library/debian:bookworm, unless the long form was begun. */
static void offer_images(struct question *q)
{
	static const char *const usual[] = {"docker.io/library/", "docker.io/", "localhost/"};
	AUTO_STRV struct strv refs = STRV_INIT;
	struct store *st;

	if (cmd_store(q->ctx, &st) < 0 || ref_list(st, &refs) < 0) {
		err_drop();
		return;
	}
	strv_sort(&refs);
	for (size_t i = 0; i < refs.n; i++) {
		const char *shown = refs.v[i];

		for (size_t k = 0; k < ARRAY_LEN(usual) && shown == refs.v[i]; k++)
			if (begins(shown, usual[k]))
				shown += strlen(usual[k]);
		offer(q, begins(shown, q->typed) ? shown : refs.v[i], NULL);
	}
}

static void offer_names(struct question *q, int (*list)(struct store *, struct strv *))
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;

	if (cmd_store(q->ctx, &st) < 0 || list(st, &names) < 0) {
		err_drop();
		return;
	}
	strv_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		offer(q, names.v[i], NULL);
}

static void offer_words(struct question *q, const char *words)
{
	AUTO_STRV struct strv list = STRV_INIT;

	strv_split(&list, words, ' ');
	for (size_t i = 0; i < list.n; i++)
		offer(q, list.v[i], NULL);
}

/* The first words, or those after the name of a group. */
static void offer_commands(struct question *q, const char *group)
{
	size_t len = group ? strlen(group) : 0;

	for (const struct command_alias *a = commands; a->words; a++) {
		const char *space = strchr(a->words, ' ');

		if (a->words[0] == '_')
			continue;
		if (!group && !space)
			offer(q, a->words, a->command->summary);
		else if (group && space && (size_t)(space - a->words) == len &&
			 begins(a->words, group))
			offer(q, space + 1, a->command->summary);
	}
	for (const struct command_group *g = command_groups; !group && g->name; g++)
		offer(q, g->name, g->summary);
}

static void offer_any_container(struct question *q)
{
	offer_containers(q, false);
}

static void offer_running(struct question *q)
{
	offer_containers(q, true);
}

static void offer_all_commands(struct question *q)
{
	offer_commands(q, NULL);
}

/* Who answers for which kind: one of the three. What may be one of several kinds has a row for each. */
static const struct {
	enum opt_complete kind;
	const char *line; /* the shell knows better */
	int (*list)(struct store *, struct strv *); /* names of the store */
	void (*offer)(struct question *q);
} kinds[] = {
	{COMPLETE_FILE, .line = ":file"},
	{COMPLETE_DIR, .line = ":dir"},
	{COMPLETE_CONTAINER, .offer = offer_any_container},
	{COMPLETE_RUNNING, .offer = offer_running},
	{COMPLETE_IMAGE, .offer = offer_images},
	{COMPLETE_VOLUME, .list = volume_list},
	{COMPLETE_NETWORK, .list = network_list},
	{COMPLETE_POD, .list = pod_list},
	{COMPLETE_SECRET, .list = secret_list},
	{COMPLETE_COMMAND, .offer = offer_all_commands},
	{COMPLETE_OBJECT, .offer = offer_any_container},
	{COMPLETE_OBJECT, .offer = offer_images},
	{COMPLETE_OBJECT, .list = volume_list},
	{COMPLETE_OBJECT, .list = network_list},
	{COMPLETE_OBJECT, .list = pod_list},
};

static void offer_kind(struct question *q, enum opt_complete kind, const char *words)
{
	if (kind == COMPLETE_WORDS)
		offer_words(q, words);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].kind != kind)
			continue;
		if (kinds[i].line)
			(void)puts(kinds[i].line);
		else if (kinds[i].list)
			offer_names(q, kinds[i].list);
		else
			kinds[i].offer(q);
	}
}

/* ---- flags ------------------------------------------------------------------------------------ */

static void offer_value(struct question *q, const struct opt *o)
{
	if (opt_is_switch(o))
		offer_words(q, "true false");
	else if (o->words)
		offer_words(q, o->words);
	if (o->complete == COMPLETE_NETWORK)
		offer_words(q, "slirp4netns pasta private none host");
	if (o->complete != COMPLETE_WORDS)
		offer_kind(q, o->complete, NULL);
}

static void offer_flags(struct question *q, const struct opt *table)
{
	struct optdoc_row rows[OPTDOC_ROWS_MAX];
	size_t n = optdoc_rows(table, rows, OPTDOC_ROWS_MAX);

	for (size_t i = 0; i < n; i++) {
		const struct opt *o = rows[i].opt;
		AUTO_FREE char *flag = o->long_name ? xasprintf("--%s", o->long_name)
						    : xasprintf("-%c", o->short_name);

		offer(q, flag, o->help);
	}
	offer(q, "--help", "Tell about this command");
}

/* The row whose value must follow @word as the next one; NULL otherwise. */
static const struct opt *wants_next(const struct opt *table, const char *word)
{
	const struct opt *o = NULL;
	size_t base;

	if (word[0] != '-' || !word[1] || strchr(word, '='))
		return NULL;
	if (word[1] == '-') {
		o = opt_find_long(table, word + 2, strlen(word + 2), &base);
		return o && opt_takes_value(o) ? o : NULL;
	}
	for (const char *p = word + 1; *p; p++) {
		o = opt_find_short(table, *p, &base);
		if (!o)
			return NULL;
		if (opt_takes_value(o))
			return p[1] ? NULL : o;
	}
	return NULL;
}

/* A flag is begun: its name, or its value after "=". */
static void answer_flag(struct question *q, const struct opt *table, const char *last)
{
	const char *eq = strchr(last, '=');
	AUTO_FREE char *prefix = NULL;
	const struct opt *o;
	size_t base;

	if (!eq) {
		offer_flags(q, table);
		return;
	}
	o = last[1] == '-' ? opt_find_long(table, last + 2, (size_t)(eq - last) - 2, &base) : NULL;
	if (!o)
		return;
	prefix = xstrndup(last, (size_t)(eq - last) + 1);
	q->prefix = prefix;
	q->typed = eq + 1;
	offer_value(q, o);
	q->prefix = "";
}

/*
 * Walk over the words before the last as parsing would.
 * Return: 0 and how many operands there were; 1 when the question is answered.
 */
static int walk(struct question *q, const struct opt *table, bool stop_at_operand, int n,
		char **words, int *ret_taken, int *ret_operands)
{
	bool flags = true;
	int i, operands = 0;

	for (i = 0; i + 1 < n; i++) {
		const struct opt *o;

		if (flags && strcmp(words[i], "--") == 0) {
			flags = false;
			continue;
		}
		if (!flags || words[i][0] != '-' || !words[i][1]) {
			if (stop_at_operand)
				break;
			operands++;
			continue;
		}
		o = wants_next(table, words[i]);
		if (o && i + 2 == n) {
			offer_value(q, o);
			return 1;
		}
		i += o != NULL;
	}
	*ret_taken = i;
	*ret_operands = operands;
	if (i + 1 == n && flags && words[i][0] == '-') {
		answer_flag(q, table, words[i]);
		return 1;
	}
	return 0;
}

/* ---- the whole line --------------------------------------------------------------------------- */

static void answer_command(struct question *q, const struct command *c, int n, char **words)
{
	int taken, operands;

	if (walk(q, c->opts, c->no_interspersed, n, words, &taken, &operands))
		return;
	/* What follows the image of run is a command in it: nobody here knows those. */
	if (taken + 1 < n || (c->max_args >= 0 && operands >= c->max_args))
		return;
	offer_kind(q, operands && c->complete_rest ? c->complete_rest : c->complete,
		   c->operand_words);
}

struct complete_args {
	bool bare;
};

static const struct opt complete_opts[] = {
	OPT_BOOL(0, "no-desc", struct complete_args, bare, "Words without what they are"),
	OPT_END,
};

static int complete_run(struct cmd_ctx *ctx, const void *args, int n, char **words)
{
	const struct complete_args *how = args;
	struct question q = {.ctx = ctx, .prefix = "", .bare = how->bare};
	const struct command_alias *a;
	int taken = 0, operands, length;

	q.typed = words[n - 1];
	if (walk(&q, global_opts, true, n, words, &taken, &operands))
		return 0;
	words += taken;
	n -= taken;
	if (n == 1) {
		offer_commands(&q, NULL);
		return 0;
	}
	a = command_find(n - 1, words, &length);
	if (a)
		answer_command(&q, a->command, n - length, words + length);
	else if (n == 2 && group_find(words[0]))
		offer_commands(&q, words[0]);
	return 0;
}

const struct command cmd_complete = {
	.name = "__complete",
	.synopsis = "[OPTIONS] -- WORD...",
	.summary = "Answer the scripts of \"cuddy completion\"",
	.opts = complete_opts,
	.args_size = sizeof(struct complete_args),
	.min_args = 1,
	.max_args = -1,
	.no_interspersed = true,
	.run = complete_run,
};

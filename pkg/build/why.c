/* SPDX-License-Identifier: MIT */
/*
 * Why a step is done again. What a step's key is made of is kept by name, each value as a digest, in
 * cache/why/<digest of where the step stands: context, stage, text>. The next time the same place
 * comes to another key, what differs can be named.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/build/builder.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"

#define FIELDS_MAX (256U << 10)
#define NAMED_MAX 6

void why_begin(struct builder *b)
{
	strv_done(&b->why);
}

void why_add(struct builder *b, const char *what, const char *value)
{
	char hex[65];

	if (value)
		sha256_hex(value, strlen(value), hex);
	strv_addf(&b->why, "%s=%.16s", what, value ? hex : "-");
}

void why_add_list(struct builder *b, const char *what, const struct strv *v)
{
	AUTO_FREE char *all = strv_join(v, "\n");

	why_add(b, what, v->n ? all : NULL);
}

void why_add_env(struct builder *b, const struct strv *env)
{
	for (size_t i = 0; i < env->n; i++) {
		size_t n = strcspn(env->v[i], "=");
		AUTO_FREE char *what = xasprintf("the variable %.*s", (int)n, env->v[i]);

		why_add(b, what, env->v[i] + n);
	}
}

static void slot_of(struct builder *b, const struct op *o, char ret[65])
{
	char link[32], context[PATH_MAX + 1] = "-", number[32];
	struct sha256 h;
	ssize_t n = b->context < 0 ? -1 : readlink(fd_path(b->context, link), context, PATH_MAX);

	context[n < 0 ? 0 : n] = '\0';
	(void)snprintf(number, sizeof(number), "%d", b->stage);
	key_begin(&h, "why");
	key_add(&h, context);
	key_add(&h, b->file->name);
	key_add(&h, number);
	key_add(&h, o->inst->text);
	sha256_end_hex(&h, ret);
}

/* So that the next build can tell; when it cannot be kept nothing is lost. */
void why_keep(struct builder *b, const struct op *o)
{
	AUTO_CLOSE int dir = cache_dir_make(b->st, CACHE_WHY);
	AUTO_FREE char *text = strv_join(&b->why, "\n");
	char slot[65];

	slot_of(b, o, slot);
	if (dir < 0 || strlen(text) > FIELDS_MAX ||
	    file_replace(dir, slot, text, strlen(text), 0600, FILE_NO_SYNC) < 0)
		err_drop();
}

bool why_is_kept(struct builder *b, const struct op *o)
{
	AUTO_CLOSE int dir = cache_dir_make(b->st, CACHE_WHY);
	char slot[65];

	slot_of(b, o, slot);
	if (dir < 0)
		err_drop();
	return dir >= 0 && faccessat(dir, slot, F_OK, 0) == 0;
}

static void say(struct builder *b, const char *text)
{
	if (b->o->report && b->o->report->reason)
		b->o->report->reason(b->o->report->data, text);
}

/* What of @now was not so in @before, or is gone. */
static void differences(const struct strv *before, const struct strv *now, struct strv *ret)
{
	for (size_t i = 0; i < now->n; i++) {
		AUTO_FREE char *what = xstrndup(now->v[i], strcspn(now->v[i], "="));

		if (!strv_has(before, now->v[i]) && !strv_has(ret, what))
			strv_add(ret, what);
	}
	for (size_t i = 0; i < before->n; i++) {
		AUTO_FREE char *what = xstrndup(before->v[i], strcspn(before->v[i], "="));

		if (!strv_has(now, before->v[i]) && !strv_has(ret, what))
			strv_add(ret, what);
	}
}

static void say_differences(struct builder *b, const struct strv *diff)
{
	AUTO_SBUF struct sbuf s = SBUF_INIT;

	if (!diff->n) {
		say(b, "done again: nothing changed, but its result is not there any more");
		return;
	}
	sbuf_adds(&s, "done again, for what changed: ");
	for (size_t i = 0; i < diff->n && i < NAMED_MAX; i++)
		sbuf_addf(&s, "%s%s", i ? ", " : "", diff->v[i]);
	if (diff->n > NAMED_MAX)
		sbuf_addf(&s, " and %zu more", diff->n - NAMED_MAX);
	say(b, s.s);
}

void why_missed(struct builder *b, const struct op *o)
{
	AUTO_STRV struct strv before = STRV_INIT, diff = STRV_INIT;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_CLOSE int dir = -EBADF;
	char slot[65];
	int r;

	if (!b->o->explain)
		return;
	if (b->o->no_cache || b->stage_no_cache) {
		say(b, "done again: --no-cache");
		return;
	}
	slot_of(b, o, slot);
	dir = cache_dir_make(b->st, CACHE_WHY);
	r = dir < 0 ? dir : file_read_at(dir, slot, FIELDS_MAX, &text);
	if (r < 0) {
		err_drop();
		say(b, "done: this step was not seen before in this place");
		return;
	}
	strv_split(&before, text.s, '\n');
	differences(&before, &b->why, &diff);
	say_differences(b, &diff);
}

void why_cached(struct builder *b, const struct op *o)
{
	char when[CLOCK_TEXT_MAX];
	AUTO_FREE char *text = NULL;

	if (!b->o->explain)
		return;
	clock_format_utc(o->created_ns, when);
	text = xasprintf("the same was done at %.19sZ%s", when,
			 o->layer[0] ? "" : ", and changed no file");
	say(b, text);
}

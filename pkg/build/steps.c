/* SPDX-License-Identifier: MIT */
/* What steps have in common, and COPY, ADD and WORKDIR. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/build/builder.h"
#include "pkg/build/copy.h"
#include "pkg/build/mode.h"
#include "pkg/runtime/user.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"

void step_warn(struct builder *b, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (b->o->report && b->o->report->warning)
		b->o->report->warning(b->o->report->data, text);
}

int step_enter(struct builder *b)
{
	return base_enter(store_runtime_fd(b->st), &b->grant);
}

static void key_layers(struct builder *b, struct sha256 *h, const struct strv *layers)
{
	char epoch[32] = "-";

	key_add_list(h, layers);
	if (b->o->has_epoch)
		(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)b->o->epoch_s);
	key_add(h, epoch); /* it is in the files' times */
}

int step_cached(struct builder *b, struct op *o, const char *key)
{
	struct cache_record rec;
	int r = b->o->no_cache ? 0 : cache_find(b->st, key, &b->lease, &rec);

	if (r <= 0)
		return r;
	memcpy(o->layer, rec.layer, sizeof(o->layer));
	o->created_ns = rec.created_ns;
	o->done = o->cached = true;
	return 1;
}

int step_seal(struct builder *b, struct op *o, struct workspace *w, const char *key)
{
	struct cache_record rec = {.created_ns = clock_now_ns()};
	int r = workspace_seal(w, b->o->has_epoch ? b->o->epoch_s : -1,
			       base_grant_is_single(&b->grant), &b->lease, rec.layer);

	if (r < 0)
		return r;
	memcpy(o->layer, rec.layer, sizeof(o->layer));
	o->created_ns = rec.created_ns;
	o->done = true;
	return cache_put(b->st, key, &rec);
}

/* --- COPY ----------------------------------------------------------------------------------------- */

struct copy_work {
	struct copy_rules rules;
	struct selection files;
	struct ignore *exclude;
	int source;
};

static void copy_work_done(struct copy_work *c)
{
	selection_done(&c->files);
	ignore_free(c->exclude);
	closep(&c->source);
}

static bool is_archive(const char *p, size_t n)
{
	static const struct {
		const char *magic;
		size_t n, at;
	} known[] = {{"\x1f\x8b", 2, 0}, {"BZh", 3, 0}, {"\xfd" "7zXZ", 5, 0},
		     {"\x28\xb5\x2f\xfd", 4, 0}, {"ustar", 5, 257}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (n >= known[i].at + known[i].n &&
		    memcmp(p + known[i].at, known[i].magic, known[i].n) == 0)
			return true;
	return false;
}

/* ADD unpacks archives, known by their content; a link to one is copied. */
static int check_archives(const struct op *o, const struct copy_work *c)
{
	for (size_t i = 0; o->is_add && o->unpack != 0 && i < c->files.n; i++) {
		const struct match *m = &c->files.v[i];
		AUTO_CLOSE int fd = -EBADF;
		char head[512];
		ssize_t n;

		if (m->directory || m->was_link)
			continue;
		fd = open_in(c->source, m->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		n = fd < 0 ? -1 : read(fd, head, sizeof(head));
		if (n > 0 && is_archive(head, (size_t)n))
			return err_new(-CE_UNSUPPORTED,
				       "%s is an archive, which ADD would unpack; COPY it and "
				       "unpack it in a RUN, or write ADD --unpack=false",
				       m->path);
	}
	return 0;
}

static int open_source(struct builder *b, const struct op *o)
{
	const struct strv *layers;
	int r;

	if (o->from.kind == SRC_CONTEXT) {
		if (b->context < 0)
			return err_usage("there is no context to copy from: the Containerfile came "
					 "from standard input");
		return fd_dup(b->context);
	}
	r = graph_source_layers(b, &o->from, &layers);
	if (r == 0)
		r = step_enter(b);
	return r < 0 ? r : layers_view(b->st, layers);
}

static int copy_begin(struct builder *b, const struct op *o, struct copy_work *c)
{
	AUTO_STRV struct strv empty = STRV_INIT;
	bool context = o->from.kind == SRC_CONTEXT;
	int r = 0;

	if (o->exclude.n)
		c->exclude = ignore_new();
	for (size_t i = 0; r == 0 && i < o->exclude.n; i++)
		r = ignore_add(c->exclude, o->exclude.v[i]);
	if (r == 0 && o->sources.n) {
		c->source = open_source(b, o);
		r = c->source < 0 ? c->source : 0;
	}
	if (r == 0 && o->sources.n)
		r = select_files(c->source, &o->sources, context ? b->ignore : NULL, o->parents,
				 &c->files, &empty);
	if (r == -ENOENT) {
		AUTO_FREE char *what = xstrdup(err_trail());

		r = err_usage("not found in %s: %s",
			      context			  ? "the context"
			      : o->from.kind == SRC_STAGE ? "that stage"
							  : "that image",
			      what);
	}
	for (size_t i = 0; r == 0 && i < empty.n; i++)
		step_warn(b, "%s:%u: nothing matches %s", b->file->name, o->inst->line, empty.v[i]);
	c->rules.source = c->source;
	c->rules.ignore = context ? b->ignore : NULL;
	c->rules.exclude = c->exclude;
	c->rules.keep_owner = !context && !o->chown;
	c->rules.chmod = o->chmod;
	return r < 0 ? r : check_archives(o, c);
}

/* The definition: everything but what the files are. */
static void copy_key(struct builder *b, const struct op *o, const struct strv *layers,
		     struct sha256 *h)
{
	static const struct strv none = STRV_INIT;

	key_begin(h, "copy");
	key_layers(b, h, o->link ? &none : layers);
	key_add(h, o->dest);
	key_add(h, o->chown);
	key_add(h, o->chmod);
	key_add(h, o->parents ? "parents" : "");
	key_add(h, o->link ? "link" : "");
	key_add(h, o->is_add ? "add" : "");
	key_add_list(h, &o->exclude);
	for (unsigned i = 0; i < o->n_files; i++) {
		key_add(h, o->files[i].name);
		key_add(h, o->files[i].content);
	}
	key_add(h, "sources");
}

/* Names of an earlier stage's files stand for their content, for what it is made of is known. */
static int definition_key(struct builder *b, const struct op *o, const struct strv *layers,
			  char ret[65])
{
	const struct strv *from;
	struct sha256 h;
	int r = graph_source_layers(b, &o->from, &from);

	if (r < 0)
		return r;
	copy_key(b, o, layers, &h);
	key_add(&h, "by name");
	key_add_list(&h, from);
	key_add_list(&h, &o->sources);
	sha256_end_hex(&h, ret);
	return 0;
}

static int content_key(struct builder *b, const struct op *o, const struct strv *layers,
		       const struct copy_work *c, char ret[65])
{
	struct sha256 h;
	int r;

	copy_key(b, o, layers, &h);
	key_add(&h, "by content");
	r = copy_digest(&c->rules, &c->files, &h);
	sha256_end_hex(&h, ret);
	return r;
}

/*
 * --chown: a bare id is the group's as well, a bare name means its group in passwd; names must be
 * there. With --link the base is not looked at, so only ids have a meaning.
 */
static int find_owner(const struct op *o, int root, struct copy_rules *rules)
{
	struct rt_process who = {.user = o->chown};
	struct rt_ids ids = {0};
	uint32_t id;
	int r;

	if (!o->chown)
		return 0;
	if (parse_u32(o->chown, INT32_MAX, &id) == 0) {
		rules->uid = rules->gid = id;
	} else {
		r = user_resolve(root, &who, &ids);
		if (r < 0)
			return err_wrap(r, "--chown=%s", o->chown);
		rules->uid = ids.uid;
		rules->gid = ids.gid;
		free(ids.groups);
		free(ids.home);
	}
	rules->parent_uid = rules->uid;
	rules->parent_gid = rules->gid;
	return 0;
}

static int copy_do(struct builder *b, struct op *o, const struct strv *layers, struct copy_work *c,
		   const char *key)
{
	static const struct strv none = STRV_INIT;
	AUTO(workspace_donep) struct workspace w = WORKSPACE_INIT;
	int r = step_enter(b);

	if (r == 0)
		r = workspace_begin(b->st, o->link ? &none : layers, &w);
	if (r == 0)
		r = workspace_open(&w);
	if (r == 0)
		r = find_owner(o, w.root, &c->rules);
	if (r == 0)
		r = copy_selection(&c->rules, &c->files, w.root, o->dest, o->parents);
	for (unsigned i = 0; r == 0 && i < o->n_files; i++)
		r = copy_text(&c->rules, o->files[i].name, o->files[i].content, w.root, o->dest);
	return r < 0 ? r : step_seal(b, o, &w, key);
}

int step_copy(struct builder *b, struct op *o, const struct strv *layers)
{
	AUTO(copy_work_done) struct copy_work c = {.source = -EBADF};
	bool inside = o->from.kind != SRC_CONTEXT;
	char by_name[65], by_content[65];
	int r = o->chmod ? mode_check(o->chmod) : 0;

	if (r == 0 && inside) {
		r = definition_key(b, o, layers, by_name);
		if (r == 0)
			r = step_cached(b, o, by_name);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	if (r == 0)
		r = copy_begin(b, o, &c);
	if (r == 0)
		r = content_key(b, o, layers, &c, by_content);
	if (r == 0)
		r = step_cached(b, o, by_content);
	if (r == 0)
		r = copy_do(b, o, layers, &c, by_content);
	if (r >= 0 && inside) {
		const struct cache_record rec = {.created_ns = o->created_ns};
		struct cache_record named = rec;

		memcpy(named.layer, o->layer, sizeof(named.layer));
		r = cache_put(b->st, by_name, &named);
	}
	return r < 0 ? r : 0;
}

/* --- WORKDIR --------------------------------------------------------------------------------------- */

int step_workdir(struct builder *b, struct op *o, const struct strv *layers)
{
	AUTO(workspace_donep) struct workspace w = WORKSPACE_INIT;
	AUTO_CLOSE int dir = -EBADF;
	struct rt_process who = {.user = o->user};
	struct rt_ids ids = {0};
	struct sha256 h;
	char key[65];
	int r;

	key_begin(&h, "workdir");
	key_layers(b, &h, layers);
	key_add(&h, o->dest);
	key_add(&h, o->user);
	sha256_end_hex(&h, key);
	r = step_cached(b, o, key);
	if (r != 0)
		return r < 0 ? r : 0;
	r = step_enter(b);
	if (r == 0)
		r = workspace_begin(b->st, layers, &w);
	if (r == 0)
		r = workspace_open(&w);
	if (r < 0)
		return r;
	/* Whose it is matters only when it has to be made; then the user must exist. */
	dir = open_in(w.root, o->dest, O_PATH | O_DIRECTORY, 0);
	if (dir == -ENOENT) {
		err_drop();
		r = user_resolve(w.root, &who, &ids);
		if (r < 0)
			return err_wrap(r, "USER %s", o->user);
		dir = copy_make_dir(w.root, o->dest, ids.uid, ids.gid);
		free(ids.groups);
		free(ids.home);
	}
	return dir < 0 ? dir : step_seal(b, o, &w, key);
}

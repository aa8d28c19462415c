/* SPDX-License-Identifier: MIT */
/* COPY and ADD. Archives that ADD finds are unpacked by cuddy-transfer into a layer of their own, and copied from there. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/build/archive_kind.h"
#include "pkg/build/builder.h"
#include "pkg/build/copy.h"
#include "pkg/build/mode.h"
#include "pkg/build/step_copy_internal.h"
#include "pkg/cli/options.h"
#include "pkg/image/transfer_client.h"
#include "pkg/runtime/user.h"
#include "pkg/sys/names.h"
#include "pkg/sys/open.h"

static void copy_work_done(struct copy_work *c)
{
	selection_done(&c->files);
	selection_done(&c->fetched);
	strv_done(&c->pins);
	ignore_free(c->exclude);
	closep(&c->source);
}

/* Known by the content; a link to an archive is copied. */
static bool unpacks(const struct op *o, int source, const struct match *m)
{
	AUTO_CLOSE int fd = -EBADF;
	char head[ARCHIVE_HEAD];
	ssize_t n;

	if (!o->is_add || o->unpack == 0 || m->directory || m->was_link)
		return false;
	fd = open_in(source, m->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	n = fd < 0 ? -1 : read_upto(fd, head, sizeof(head));
	err_drop();
	return n > 0 && archive_is(head, (size_t)n);
}

static void take_diffid(void *data, const char *reference, const char *id)
{
	(void)reference;
	if (strlen(id) == 64)
		memcpy(data, id, 65);
}

static int unpack(struct builder *b, int source, const char *path, char ret_diffid[65])
{
	AUTO_CLOSE int fd = open_in(source, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	const struct transfer_handler h = {.image = take_diffid, .data = ret_diffid};
	int r = fd < 0 ? fd : 0;

	ret_diffid[0] = '\0';
	if (r == 0)
		r = transfer_run(b->st, TRANSFER_UNPACK, &body, &fd, 1, &h);
	if (r == 0)
		r = layer_lease_add(b->st, &b->lease, ret_diffid);
	if (r == 0 && !layer_exists(b->st, ret_diffid))
		r = err_new(-CE_IN_USE, "it was removed again by somebody who tidied; try again");
	return r < 0 ? err_wrap(r, "unpack %s; ADD --unpack=false copies it as it is", path) : 0;
}

/* All of an archive, into @dest, which is a directory in any case. Owners are the archive's. */
static int add_archive(struct builder *b, const struct op *o, const struct copy_work *c,
		       const char *path, int root)
{
	struct copy_rules rules = c->rules;
	struct match all = {.path = (char[]){""}, .name = (char[]){"."}, .directory = true};
	const struct selection s = {.v = &all, .n = 1};
	AUTO_STRV struct strv layers = STRV_INIT;
	AUTO_CLOSE int view = -EBADF;
	char diffid[65];
	int r = unpack(b, c->source, path, diffid);

	if (r < 0)
		return r;
	strv_add(&layers, diffid);
	view = layers_view(b->st, &layers);
	if (view < 0)
		return view;
	rules.source = view;
	rules.ignore = NULL;
	rules.keep_owner = !o->chown;
	return copy_selection(&rules, &s, root, o->dest, false);
}

/* In the order they are written in, so that the last one wins. */
static int copy_files(struct builder *b, const struct op *o, const struct copy_work *c, int root)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->files.n; i++) {
		const struct selection one = {.v = &c->files.v[i], .n = 1};

		if (unpacks(o, c->source, &c->files.v[i]))
			r = add_archive(b, o, c, c->files.v[i].path, root);
		else
			r = copy_selection(&c->rules, &one, root, o->dest, o->parents);
	}
	return r;
}

/* A URL's archive is unpacked only when that is asked for. */
static int copy_fetched(struct builder *b, const struct op *o, const struct copy_work *c, int root)
{
	struct copy_work own = *c;
	int r = 0;

	own.source = own.rules.source = c->stage.tree_fd;
	own.rules.ignore = NULL;
	for (size_t i = 0; r == 0 && i < c->fetched.n; i++) {
		const struct selection one = {.v = &c->fetched.v[i], .n = 1};

		if (o->unpack == 1 && unpacks(o, own.source, &c->fetched.v[i]))
			r = add_archive(b, o, &own, c->fetched.v[i].path, root);
		else
			r = copy_selection(&own.rules, &one, root, o->dest, false);
	}
	return r;
}

static int open_source(struct builder *b, const struct op *o)
{
	const struct strv *layers;
	int r;

	if (o->from.kind == SRC_NAMED)
		return fd_dup(b->contexts[o->from.stage].dir);
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

/* A name beside @path that is almost the same; malloc'ed, or NULL. */
static char *meant(int root, const char *path)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *clean = path_clean(path), *up = NULL;
	const char *base = path_base(clean), *hint;
	AUTO_CLOSE int dir = -EBADF;

	up = xstrndup(clean, (size_t)(base - clean));
	dir = open_in(root, *up ? up : ".", O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0 || dir_names(dir, &names) < 0)
		err_drop();
	hint = names.n ? suggest(base, (const char *const *)names.v, names.n) : NULL;
	return hint ? xasprintf("%s%s", up, hint) : NULL;
}

/* Where it was looked for, malloc'ed. */
static char *place_of(const struct builder *b, const struct op_source *s)
{
	switch (s->kind) {
	case SRC_CONTEXT:
		return xstrdup("the context");
	case SRC_NAMED:
		return xasprintf("the context %s", b->contexts[s->stage].name);
	case SRC_STAGE:
		return b->file->stages[s->stage].name
			       ? xasprintf("the stage %s", b->file->stages[s->stage].name)
			       : xasprintf("stage %d", s->stage);
	default:
		return xasprintf("the image %s", s->image);
	}
}

static int not_found(const struct builder *b, const struct op *o, int root)
{
	AUTO_FREE char *what = xstrdup(err_trail()), *hint = meant(root, what),
		       *place = place_of(b, &o->from);
	bool outside = o->from.kind == SRC_CONTEXT && (*what == '/' || strncmp(what, "..", 2) == 0);

	if (hint)
		return err_usage("not found in %s: %s; did you mean %s?", place, what, hint);
	return err_usage("not found in %s: %s%s", place, what,
			 outside ? "; paths begin there, and nothing outside of it is taken" : "");
}

static int copy_begin(struct builder *b, const struct op *o, struct copy_work *c)
{
	AUTO_STRV struct strv empty = STRV_INIT;
	bool context = o->from.kind == SRC_CONTEXT || o->from.kind == SRC_NAMED;
	const struct ignore *ignore = source_ignore(b, &o->from);
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
		r = select_files(c->source, &o->sources, ignore, o->parents, &c->files, &empty);
	if (r == -ENOENT)
		r = not_found(b, o, c->source);
	for (size_t i = 0; r == 0 && i < empty.n; i++)
		step_warn(b, "%s:%u: nothing matches %s", inst_file(b->file->name, o->inst), o->inst->line,
			  empty.v[i]);
	c->rules.source = c->source;
	c->rules.ignore = ignore;
	c->rules.exclude = c->exclude;
	c->rules.keep_owner = !context && !o->chown;
	c->rules.chmod = o->chmod;
	if (r == 0)
		r = add_fetch(b, o, c);
	return r;
}

/* The definition: everything but what the files are. */
static void copy_key(struct builder *b, const struct op *o, const struct strv *layers,
		     struct sha256 *h)
{
	static const struct strv none = STRV_INIT;

	key_begin(h, "copy");
	step_key_layers(b, h, o->link ? &none : layers);
	key_add(h, o->dest);
	key_add(h, o->chown);
	key_add(h, o->chmod);
	key_add(h, o->parents ? "parents" : "");
	key_add(h, o->link ? "link" : "");
	key_add(h, !o->is_add ? "" : o->unpack == 0 ? "add" : "unpack");
	if (o->n_remotes)
		key_add(h, o->keep_git_dir  ? "keep-git-dir"
			   : o->unpack == 1 ? "unpack all"
					    : "fetched");
	key_add_list(h, &o->exclude);
	for (unsigned i = 0; i < o->n_files; i++) {
		key_add(h, o->files[i].name);
		key_add(h, o->files[i].content);
	}
	key_add(h, "sources");
	why_add(b, "the destination", o->dest);
	why_add(b, "--chown", o->chown);
	why_add(b, "--chmod", o->chmod);
	why_add_list(b, "--exclude", &o->exclude);
	for (unsigned i = 0; i < o->n_files; i++)
		why_add(b, "a here-document", o->files[i].content);
}

/* Names of an earlier stage's files stand for their content, for what it is made of is known. */
static int definition_key(struct builder *b, const struct op *o, const struct strv *layers,
			  const struct strv *pins, char ret[65])
{
	const struct strv *from = pins;
	struct sha256 h;
	int r = pins->n ? 0 : graph_source_layers(b, &o->from, &from);

	if (r < 0)
		return r;
	copy_key(b, o, layers, &h);
	key_add(&h, pins->n ? "pinned" : "by name");
	key_add_list(&h, from);
	key_add_list(&h, &o->sources);
	sha256_end_hex(&h, ret);
	return 0;
}

static int content_key(struct builder *b, const struct op *o, const struct strv *layers,
		       const struct copy_work *c, char ret[65])
{
	struct copy_rules rules = c->rules;
	struct sha256 h, files;
	char hex[65];
	int r;

	why_begin(b);
	copy_key(b, o, layers, &h);
	key_add(&h, "by content");
	sha256_init(&files);
	if (o->sources.n && source_ignore(b, &o->from) && !b->is_fetched)
		rules.stats = stat_cache_open(b->st, c->source);
	r = copy_digest(&rules, &c->files, &files);
	stat_cache_close(rules.stats);
	if (r == 0 && c->fetched.n) {
		struct copy_rules own = c->rules;

		own.source = c->stage.tree_fd;
		own.ignore = NULL;
		r = copy_digest(&own, &c->fetched, &files);
	}
	sha256_end_hex(&files, hex);
	key_add(&h, hex);
	why_add(b, "the files that are copied", hex);
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

/*
 * The layer of --link goes on any base: a directory that is only on the way to what is copied stays as that
 * has it, /tmp for everybody to write to. With --chown the ways are the owner's, as without --link.
 */
static void imply_parents(const struct op *o, struct strv *ret)
{
	if (!o->link || o->chown)
		return;
	strv_add(ret, ".");
	for (const char *p = o->dest + 1; (p = strchr(p, '/')) != NULL; p++)
		strv_addf(ret, "%.*s", (int)(p - o->dest - 1), o->dest + 1);
}

static int copy_do(struct builder *b, struct op *o, const struct strv *layers, struct copy_work *c,
		   const char *key)
{
	static const struct strv none = STRV_INIT;
	AUTO(workspace_donep) struct workspace w = WORKSPACE_INIT;
	int r;

	why_missed(b, o);
	r = step_enter(b);
	if (r == 0)
		r = workspace_begin(b->st, o->link ? &none : layers, NULL, &w);
	if (r == 0)
		r = workspace_open(&w);
	w.files_are_ours = true;
	imply_parents(o, &w.implied);
	if (r == 0)
		r = find_owner(o, w.root, &c->rules);
	if (r == 0)
		r = copy_files(b, o, c, w.root);
	if (r == 0)
		r = copy_fetched(b, o, c, w.root);
	for (unsigned i = 0; r == 0 && i < o->n_files; i++)
		r = copy_text(&c->rules, o->files[i].name, o->files[i].content, w.root, o->dest);
	return r < 0 ? r : step_seal(b, o, &w, key);
}

int step_copy(struct builder *b, struct op *o, const struct strv *layers)
{
	AUTO(copy_work_done)
	struct copy_work c = {.source = -EBADF, .stage = {.tree_fd = -EBADF, .lock_fd = -EBADF}};
	AUTO_STRV struct strv pins = STRV_INIT;
	bool inside = o->from.kind == SRC_STAGE || o->from.kind == SRC_IMAGE;
	char by_name[65], by_content[65];
	int r = o->chmod ? mode_check(o->chmod) : 0;

	if (r == 0 && o->n_remotes) {
		r = add_pins(b, o, &pins);
		inside = r == 1;
		r = r < 0 ? r : 0;
	}
	if (r == 0 && inside) {
		r = definition_key(b, o, layers, &pins, by_name);
		if (r == 0)
			r = step_cached(b, o, by_name);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	if (r == 0)
		r = copy_begin(b, o, &c);
	if (r == 0 && c.pins.n) {
		inside = true;
		r = definition_key(b, o, layers, &c.pins, by_name);
	}
	if (r == 0)
		r = content_key(b, o, layers, &c, by_content);
	if (r == 0)
		r = step_cached(b, o, by_content);
	if (r == 0)
		r = copy_do(b, o, layers, &c, by_content);
	if (r >= 0 && inside && b->later.op != o) {
		const struct cache_record rec = {.created_ns = o->created_ns};
		struct cache_record named = rec;

		memcpy(named.layer, o->layer, sizeof(named.layer));
		r = cache_put(b->st, by_name, &named);
	}
	layer_stage_abort(b->st, &c.stage);
	return r < 0 ? r : 0;
}

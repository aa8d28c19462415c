/* SPDX-License-Identifier: MIT */
/* ADD of URLs and repositories: fetched into a stage of their own, and copied from there like files of a context. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/material.h"
#include "pkg/build/remote.h"
#include "pkg/build/step_copy_internal.h"
#include "pkg/sys/open.h"

static void add_pin(struct strv *pins, const char *url, const char *content)
{
	strv_add(pins, url);
	strv_add(pins, content);
}

static int pin_git(const struct op_remote *from, struct strv *ret)
{
	AUTO(git_source_done) struct git_source g = {0};
	char commit[65];
	int r = git_source_parse(from->url, &g);

	if (r == 0)
		r = git_commit(&g, commit);
	if (r == 0)
		r = git_commit_check(from->url, commit, from->checksum);
	if (r < 0)
		return r;
	add_pin(ret, from->url, commit);
	return 1;
}

static int pin_url(struct builder *b, const struct op_remote *from, struct strv *ret)
{
	char digest[65];
	int r;

	if (from->checksum) {
		add_pin(ret, from->url, from->checksum);
		return 1;
	}
	r = remote_is_same(b, from->url, digest);
	if (r > 0)
		add_pin(ret, from->url, digest);
	return r;
}

int add_pins(struct builder *b, const struct op *o, struct strv *ret)
{
	int r = o->sources.n || o->n_files ? 0 : 1;

	for (unsigned i = 0; r > 0 && i < o->n_remotes; i++) {
		enum remote_kind kind = REMOTE_NONE;

		r = remote_kind_of(o->remotes[i].url, &kind);
		if (r == 0)
			r = kind == REMOTE_GIT ? pin_git(&o->remotes[i], ret)
					       : pin_url(b, &o->remotes[i], ret);
	}
	for (size_t i = 0; r > 0 && i + 1 < ret->n; i += 2)
		material_remote(b, ret->v[i], ret->v[i + 1]);
	if (r <= 0)
		strv_done(ret);
	return r;
}

/* The last part of the path. */
static char *name_of(const char *url)
{
	const char *p = strstr(url, "://") + 3;
	AUTO_FREE char *path = xstrndup(p, strcspn(p, "?#"));
	const char *slash = strrchr(path, '/');

	return xstrdup(slash ? slash + 1 : "");
}

static void add_match(struct selection *s, char *path, char *name, bool directory)
{
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = (struct match){.path = path, .name = name, .directory = directory};
}

static void note(struct builder *b, const struct op_remote *from, int fd, struct url_note *said,
		 struct strv *pins)
{
	int r = remote_note(b, from->url, fd, said);

	if (r > 0)
		add_pin(pins, from->url, said->digest);
	else if (r < 0)
		err_drop();
}

static int fetch_url(struct builder *b, const struct op *o, const struct op_remote *from, int dir,
		     const char *number, struct copy_work *c)
{
	size_t dest = strlen(o->dest);
	AUTO_FREE char *name = name_of(from->written);
	AUTO_CLOSE int fd = -EBADF;
	struct url_note said;
	char *path;
	int r;

	if (!*name && o->dest[dest - 1] == '/')
		return err_usage("%s has no file name; write one at the destination",
				 from->written);
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		free(name);
		name = xstrdup("file");
	}
	fd = open_nofollow(dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return fd;
	r = remote_fetch(b, from->url, fd, &said);
	if (r == 0) {
		r = remote_content_check(fd, from->checksum);
		r = r < 0 ? err_wrap(r, "%s", from->url) : 0;
	}
	if (r == 0)
		material_file(b, from->url, fd);
	if (r == 0 && from->checksum)
		add_pin(&c->pins, from->url, from->checksum);
	else if (r == 0) /* without a note it is fetched again next time, that is all */
		note(b, from, fd, &said, &c->pins);
	if (r == 0 && said.modified_ns) {
		const struct timespec t = {.tv_sec = said.modified_ns / NS_PER_S};

		(void)futimens(fd, (struct timespec[]){t, t});
	}
	if (r < 0)
		return r;
	path = path_join(number, name);
	add_match(&c->fetched, path, TAKE_PTR(name), false);
	return 0;
}

static int fetch_git(struct builder *b, const struct op *o, const char *url, int dir,
		     const char *number, const struct layer_stage *stage, struct selection *ret)
{
	AUTO(git_source_done) struct git_source g = {0};
	AUTO_FREE char *top = store_path(b->st, STORE_STAGING, stage->name);
	AUTO_FREE char *path = path_join3(top, "tree", number);
	AUTO_CLOSE int sub = -EBADF;
	char commit[65];
	int r = git_source_parse(url, &g);

	if (r == 0)
		r = git_checkout(&g, path, o->keep_git_dir, commit);
	if (r == 0)
		material_remote(b, url, commit);
	if (r < 0)
		return r;
	sub = open_beneath(dir, *g.subdir ? g.subdir : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (sub < 0)
		return err_wrap(sub, "%s", g.subdir);
	add_match(ret, *g.subdir ? path_join(number, g.subdir) : xstrdup(number), xstrdup("."),
		  true);
	return 0;
}

int add_fetch(struct builder *b, const struct op *o, struct copy_work *c)
{
	int r = o->n_remotes ? step_enter(b) : 0;

	if (r == 0 && o->n_remotes)
		r = layer_stage_begin(b->st, &c->stage);
	for (unsigned i = 0; r == 0 && i < o->n_remotes; i++) {
		const char *url = o->remotes[i].url;
		AUTO_CLOSE int dir = -EBADF;
		enum remote_kind kind = REMOTE_NONE;
		char number[24];

		(void)snprintf(number, sizeof(number), "%u", i);
		dir = mkdirat(c->stage.tree_fd, number, 0755) < 0
			      ? -errno
			      : openat(c->stage.tree_fd, number,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			return err_new(dir, "make a stage");
		r = remote_kind_of(url, &kind);
		if (r == 0 && kind == REMOTE_GIT)
			r = fetch_git(b, o, url, dir, number, &c->stage, &c->fetched);
		else if (r == 0)
			r = fetch_url(b, o, &o->remotes[i], dir, number, c);
		if (r < 0 && kind != REMOTE_URL) /* what is fetched is named by who fetches */
			r = err_wrap(r, "%s", url);
	}
	if (o->sources.n || o->n_files || c->pins.n != 2 * (size_t)o->n_remotes)
		strv_done(&c->pins);
	return r;
}

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
#include "pkg/build/remote.h"
#include "pkg/build/step_copy_internal.h"
#include "pkg/sys/open.h"

int add_pins(const struct op *o, struct strv *ret)
{
	if (o->sources.n || o->n_files)
		return 0;
	for (unsigned i = 0; i < o->n_remotes; i++) {
		AUTO(git_source_done) struct git_source g = {0};
		const char *url = o->remotes[i].url, *checksum = o->remotes[i].checksum;
		enum remote_kind kind = REMOTE_NONE;
		char commit[65];
		int r = remote_kind_of(url, &kind);

		if (r == 0 && kind != REMOTE_GIT && !checksum)
			return 0; /* what it gives is only known once it was fetched */
		strv_add(ret, url);
		if (r == 0 && kind == REMOTE_GIT)
			r = git_source_parse(url, &g);
		if (r == 0 && kind == REMOTE_GIT)
			r = git_commit(&g, commit);
		if (r < 0)
			return r;
		if (kind == REMOTE_GIT)
			r = git_commit_check(url, commit, checksum);
		if (r < 0)
			return r;
		strv_add(ret, kind == REMOTE_GIT ? commit : checksum);
	}
	return o->n_remotes > 0;
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

static int fetch_url(struct builder *b, const struct op *o, const struct op_remote *from, int dir,
		     const char *number, struct selection *ret)
{
	size_t dest = strlen(o->dest);
	AUTO_FREE char *name = name_of(from->written);
	AUTO_CLOSE int fd = -EBADF;
	int64_t modified = 0;
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
	r = remote_fetch(b, from->url, fd, &modified);
	if (r == 0) {
		r = remote_content_check(fd, from->checksum);
		r = r < 0 ? err_wrap(r, "%s", from->url) : 0;
	}
	if (r == 0 && modified) {
		const struct timespec t = {.tv_sec = modified / NS_PER_S};

		(void)futimens(fd, (struct timespec[]){t, t});
	}
	if (r < 0)
		return r;
	path = path_join(number, name);
	add_match(ret, path, TAKE_PTR(name), false);
	return 0;
}

static int fetch_git(struct builder *b, const struct op *o, const char *url, int dir,
		     const char *number, const struct layer_stage *stage, struct selection *ret)
{
	AUTO(git_source_done) struct git_source g = {0};
	AUTO_FREE char *top = store_path(b->st, STORE_STAGING, stage->name);
	AUTO_FREE char *path = path_join3(top, "tree", number);
	AUTO_CLOSE int sub = -EBADF;
	int r = git_source_parse(url, &g);

	if (r == 0)
		r = git_checkout(&g, path, o->keep_git_dir);
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
			r = fetch_url(b, o, &o->remotes[i], dir, number, &c->fetched);
		if (r < 0 && kind != REMOTE_URL) /* what is fetched is named by who fetches */
			r = err_wrap(r, "%s", url);
	}
	return r;
}

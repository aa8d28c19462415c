/* SPDX-License-Identifier: MIT */
/* --build-context: what is not here yet, or not in our store: URLs, repositories, layouts of images. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/build/archive_kind.h"
#include "pkg/build/remote.h"
#include "pkg/image/load.h"
#include "pkg/sys/open.h"

static int fetch_archive(struct builder *b, struct named_context *c, int place)
{
	AUTO_FREE char *path = store_path(b->st, STORE_STAGING, c->stage_dir.name);
	AUTO_CLOSE int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char head[ARCHIVE_HEAD];
	ssize_t n;
	int r = fd < 0 ? err_new(-errno, "make a file in %s", path)
		       : remote_fetch_judged(b, c->url, fd);

	if (r < 0)
		return r;
	n = read_upto(fd, head, sizeof(head));
	if (n < 0 || !archive_is(head, (size_t)n) || lseek(fd, 0, SEEK_SET) < 0)
		return err_new(-CE_BAD_FORMAT, "it is no archive");
	return remote_untar(b, fd, place);
}

static int fetch_repository(struct builder *b, struct named_context *c, int place)
{
	AUTO(git_source_done) struct git_source g = {0};
	AUTO_FREE char *top = store_path(b->st, STORE_STAGING, c->stage_dir.name);
	AUTO_FREE char *path = path_join(top, "tree");
	int r = git_checkout_judged(b, c->url, path, false, &g);

	if (r < 0)
		return r;
	c->dir = open_beneath(place, *g.subdir ? g.subdir : ".",
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return c->dir < 0 ? err_wrap(c->dir, "%s", g.subdir) : 0;
}

int contexts_fetch(struct builder *b)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < b->pc.n_contexts; i++) {
		struct named_context *c = &b->contexts[i];
		enum remote_kind kind = REMOTE_NONE;

		if (!c->url)
			continue;
		r = remote_kind_of(c->url, &kind);
		if (r == 0)
			r = step_enter(b);
		if (r == 0)
			r = layer_stage_begin(b->st, &c->stage_dir);
		if (r == 0 && kind == REMOTE_GIT)
			r = fetch_repository(b, c, c->stage_dir.tree_fd);
		else if (r == 0)
			r = fetch_archive(b, c, c->stage_dir.tree_fd);
		if (r == 0 && c->dir < 0)
			c->dir = fd_dup(c->stage_dir.tree_fd);
		if (r == 0 && c->dir < 0)
			r = c->dir;
		if (r < 0)
			r = err_wrap(r, "--build-context %s", c->name);
	}
	return r;
}

int contexts_layout(struct builder *b, const char *name, const char *platform,
		    struct image_record **ret)
{
	AUTO(image_config_done) struct image_config c = {0};
	AUTO_SBUF struct sbuf config = SBUF_INIT;
	const struct named_context *from = NULL;
	struct image_record *rec;
	int r;

	for (unsigned i = 0; i < b->pc.n_contexts; i++)
		if (b->contexts[i].layout >= 0 && strcmp(b->contexts[i].image, name) == 0)
			from = &b->contexts[i];
	if (!from)
		return 0;
	r = image_load_entry(b->st, from->layout, from->layout_tag ? from->layout_tag : "",
			     platform, &config);
	if (r == 0)
		r = image_config_parse(config.s, config.len, &c);
	if (r < 0)
		return err_wrap(r, "%s", name);
	rec = xcalloc(1, sizeof(*rec));
	sha256_hex(config.s, config.len, rec->id);
	rec->config_len = config.len;
	rec->config = sbuf_steal(&config);
	strv_add_all(&rec->diffids, &c.diffids);
	rec->created_ns = c.created_ns;
	*ret = rec;
	return 1;
}

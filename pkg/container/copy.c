/* SPDX-License-Identifier: MIT */
#include "pkg/container/copy.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/archive/tree_put.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/place.h"
#include "pkg/container/root.h"
#include "pkg/sys/userns.h"

struct end {
	const struct copy_end *e;
	bool keep_link;
	struct container c;
	bool open;
	struct container_root root;
	struct place place;
	bool contents; /* "/.": what is in it */
	bool must_be_dir;
	char *base; /* the name it goes by */
};

static void end_done(struct end *x)
{
	place_done(&x->place);
	container_root_done(&x->root);
	if (x->open)
		container_done(&x->c);
	freep(&x->base);
}

/* --- the two ends ------------------------------------------------------------------------------ */

static void read_words(struct end *x, const char *absolute)
{
	const char *p = x->e->path;
	AUTO_FREE char *clean = path_clean(absolute);

	x->contents = has_ending(p, "/.") || strcmp(p, ".") == 0 || strcmp(clean, "/") == 0;
	x->must_be_dir = x->contents || has_ending(p, "/");
	x->base = xstrdup(path_base(clean));
}

static int find_place(struct end *x, int root, const char *path)
{
	return x->keep_link && !x->must_be_dir ? place_find_link(root, path, &x->place)
					       : place_find(root, path, &x->place);
}

/* With the caller's own rights, before B is entered. */
static int open_host(struct end *x)
{
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *path = path_absolute(x->e->path);
	int r;

	if (root < 0)
		return err_new(-errno, "open /");
	read_words(x, path);
	r = find_place(x, root, path);
	return r < 0 ? err_wrap(r, "%s", x->e->path) : 0;
}

static int open_container(struct store *st, struct end *x)
{
	AUTO_FREE char *path = NULL;
	int r = container_root_open(st, &x->c, &x->root);

	if (r < 0)
		return err_wrap(r, "%s", x->e->container);
	path = x->e->path[0] == '/'
		       ? xstrdup(x->e->path)
		       : path_join(x->c.rec->workdir ? x->c.rec->workdir : "/", x->e->path);
	read_words(x, path);
	r = find_place(x, x->root.fd, path);
	return r < 0 ? err_wrap(r, "%s:%s", x->e->container, x->e->path) : 0;
}

static int open_ends(struct store *st, struct end *ends[2])
{
	int r = 0;

	for (int i = 0; r == 0 && i < 2; i++) {
		const struct copy_end *e = ends[i]->e;

		if (e->container) {
			r = container_open(st, e->container, &ends[i]->c);
			ends[i]->open = r == 0;
		} else if (!e->stream) {
			r = open_host(ends[i]);
		}
	}
	for (int i = 0; r == 0 && i < 2; i++)
		if (ends[i]->e->container)
			r = open_container(st, ends[i]);
	return r;
}

/* --- where it goes ----------------------------------------------------------------------------- */

static int no_such(const struct end *x)
{
	return err_new(-ENOENT, "%s%s%s", x->e->container ? x->e->container : "",
		       x->e->container ? ":" : "", x->e->path);
}

/* @ret: the name in to->place.dir that the source gets; "" when only its content is copied. */
static int target_of(const struct end *from, const struct end *to, bool overwrite, const char **ret)
{
	bool dir = from->place.is_dir;

	if (!from->place.exists)
		return no_such(from);
	if (!dir && from->must_be_dir)
		return err_new(-ENOTDIR, "%s", from->e->path);
	if (to->place.exists && to->place.is_dir) {
		*ret = dir && from->contents ? "" : from->base;
		return 0;
	}
	*ret = to->place.name;
	if (to->place.exists && (to->must_be_dir || (dir && !overwrite)))
		return err_new(-ENOTDIR, "%s: a directory cannot be copied to a file", to->e->path);
	if (!to->place.exists && !dir && to->must_be_dir)
		return err_wrap(no_such(to), "no such directory");
	return 0;
}

/* A directory into itself would have no end. */
static int check_not_within(const struct end *from, const struct end *to)
{
	AUTO_CLOSE int dir = openat(to->place.dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, last = {0};

	for (int i = 0; from->place.is_dir && dir >= 0 && i < 4096; i++) {
		int up;

		if (fstat(dir, &st) < 0 || (st.st_ino == last.st_ino && st.st_dev == last.st_dev))
			return 0;
		if (st.st_ino == from->place.st.st_ino && st.st_dev == from->place.st.st_dev)
			return err_usage("a directory cannot be copied into itself");
		last = st;
		up = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		(void)close(dir);
		dir = up;
	}
	return 0;
}

/* --- copying ----------------------------------------------------------------------------------- */

static struct tree_tar_options source_options(const struct end *from, const struct strv *implied)
{
	struct tree_tar_options o = {.cross_mounts = true, .implied = implied};

	if (from->e->container) {
		o.live = container_is_running(&from->c); /* as podman */
		o.single_id = from->root.single_id;
		o.uids = from->root.uids;
		o.n_uids = from->root.n_uids;
		o.gids = from->root.gids;
		o.n_gids = from->root.n_gids;
	}
	return o;
}

static int owner_options(const struct end *to, const struct copy_options *c,
			 struct tree_put_options *o)
{
	*o = (struct tree_put_options){.overwrite = c->overwrite};
	if (!to->e->container) {
		o->plain = o->has_owner = true;
		o->uid = geteuid(); /* the caller, whatever he is called where we are */
		o->gid = getegid();
		return 0;
	}
	o->has_owner = c->archive;
	if (c->archive)
		return container_root_user(&to->root, to->c.rec, &o->uid, &o->gid);
	o->single_id = to->root.single_id;
	o->uids = to->root.uids;
	o->n_uids = to->root.n_uids;
	o->gids = to->root.gids;
	o->n_gids = to->root.n_gids;
	return 0;
}

static int may_put(const struct end *to)
{
	int r = to->e->container ? container_root_may_put(&to->root, to->place.dir, to->place.name)
				 : 0;

	return r < 0 ? err_wrap(r, "%s:%s", to->e->container, to->e->path) : 0;
}

static int become_creator(const struct end *to)
{
	uid_t uid;
	gid_t gid;
	int r = to->e->container ? container_root_creator(&to->root, &uid, &gid) : 0;

	return r == 1 ? userns_create_as(uid, gid) : r;
}

static void tell_left_out(const struct transfer_handler *h, uint64_t n, const char *what)
{
	char text[96];

	if (!n || !h->message)
		return;
	(void)snprintf(text, sizeof(text), "%llu %s left out", (unsigned long long)n, what);
	h->message(h->data, true, text);
}

/* Some is left out, all is not copied. */
static int check_copied(const struct end *from, const struct tree_tar_result *res)
{
	if (res->entries)
		return 0;
	return res->unreadable ? err_new(-EACCES, "%s", from->e->path)
			       : err_new(-CE_UNSUPPORTED, "%s is nothing that can be copied",
					 from->e->path);
}

#define UNREADABLE "files that may not be read were"

static int copy_tree(struct end *from, struct end *to, const struct copy_options *c,
		     const struct transfer_handler *h)
{
	AUTO(tree_put_freep) struct tree_put *put = NULL;
	AUTO(tree_tar_freep) struct tree_tar *walk = NULL;
	AUTO_STRV struct strv root = STRV_INIT;
	struct tree_tar_options source = source_options(from, &root);
	struct tree_put_options o;
	const char *name = NULL;
	int r = target_of(from, to, c->overwrite, &name);

	if (r == 0)
		r = check_not_within(from, to);
	if (r == 0)
		r = may_put(to);
	if (r == 0)
		r = owner_options(to, c, &o);
	if (r < 0)
		return r;
	if (!*name)
		strv_add(&root, "."); /* the destination keeps its own owner and mode */
	r = become_creator(to);
	if (r < 0)
		return r;
	put = tree_put_new(to->place.dir, &o);
	walk = tree_tar_new(tree_put_sink(put), &source);
	r = tree_tar_add(walk, from->place.dir, from->place.name, name);
	if (r == 0)
		r = tree_put_end(put);
	if (r == 0 && *name)
		r = check_copied(from, tree_tar_result(walk));
	tell_left_out(h, tree_put_result(put)->devices, "devices were");
	tell_left_out(h, r < 0 ? 0 : tree_tar_result(walk)->unreadable, UNREADABLE);
	return r;
}

static int copy_out(struct end *from, int fd, const struct transfer_handler *h)
{
	AUTO(out_closep) struct out *out = out_to_fd(fd);
	const struct tree_tar_options o = source_options(from, NULL);
	const struct tree_tar_source all = {from->place.dir, from->place.name,
					    from->contents ? "" : from->base};
	struct tree_tar_result res;
	int r;

	if (!from->place.exists)
		return no_such(from);
	if (!from->place.is_dir && from->must_be_dir)
		return err_new(-ENOTDIR, "%s", from->e->path);
	r = tree_tar_add_all(&all, 1, out, NULL, &o, &res);
	if (r == 0 && !from->contents && res.unreadable)
		r = check_copied(from, &res);
	tell_left_out(h, r < 0 ? 0 : res.unreadable, UNREADABLE);
	return r;
}

static int copy_in(struct end *to, int fd, const struct copy_options *c,
		   const struct transfer_handler *h)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct tree_put_options o;
	struct transfer_untar u;
	int fds[2] = {fd, to->place.dir}, r;

	if (!to->place.exists)
		return no_such(to);
	if (!to->place.is_dir)
		return err_new(-ENOTDIR, "an archive is extracted into a directory: %s",
			       to->e->path);
	r = may_put(to);
	if (r == 0)
		r = owner_options(to, c, &o);
	if (r < 0)
		return r;
	u = (struct transfer_untar){.overwrite = o.overwrite,
				    .single_id = o.single_id,
				    .has_owner = o.has_owner,
				    .uid = o.uid,
				    .gid = o.gid,
				    .uids = o.uids,
				    .uids_n = o.n_uids * sizeof(*o.uids),
				    .gids = o.gids,
				    .gids_n = o.n_gids * sizeof(*o.gids)};
	r = container_root_creator(&to->root, &u.as_uid, &u.as_gid);
	if (r < 0)
		return r;
	u.create_as = r == 1;
	transfer_untar_put(&body, &u);
	return transfer_run(NULL, TRANSFER_UNTAR, &body, fds, 2, h);
}

int copy_files(struct store *st, const struct copy_end *from, const struct copy_end *to,
	       const struct copy_options *o, const struct transfer_handler *h)
{
	AUTO(end_done)
	struct end a = {.e = from,
			.keep_link = o->keep_link,
			.root = CONTAINER_ROOT_INIT,
			.place = PLACE_INIT};
	AUTO(end_done) struct end b = {.e = to, .root = CONTAINER_ROOT_INIT, .place = PLACE_INIT};
	struct end *ends[2] = {&a, &b};
	int r = open_ends(st, ends);

	if (r < 0)
		return r;
	r = from->stream ? copy_in(&b, from->fd, o, h)
	    : to->stream ? copy_out(&a, to->fd, h)
			 : copy_tree(&a, &b, o, h);
	for (unsigned i = 0; r == 0 && i < 2; i++)
		if (ends[i]->open)
			container_event(st, ends[i]->c.rec, "copy", NULL);
	return r;
}

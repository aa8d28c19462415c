/* SPDX-License-Identifier: MIT */
/*
 * The directories that overlay gets for an image, topmost first:
 *
 *	cache/stack-<ChainID>/tree	only when needed: fix_up.h
 *	layers/<diffid>/tree …
 *	cache/placeholder-<n>/tree		mount points, so that they never touch an upper directory
 *
 * Layers whose content is in a shared store (shared.h) can only be the lowest directory for overlay:
 * the kernel follows pointers from nowhere else. So all up to the topmost of them, the placeholder too,
 * become one directory, cache/merged-<hash>/tree, of which nothing but names and attributes is
 * written; the place of the content comes last. Another, bare00-<hash>, is without the placeholder.
 *
 * Overlay ignores an opaque mark on the root of a layer; cut in the stack's directory says then how
 * many layers, from the top, it may be given.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/oci/digest.h"
#include "pkg/sys/file.h"
#include "pkg/sys/whiteout.h"
#include "storage/check_internal.h"
#include "storage/fix_up.h"
#include "storage/flatten.h"
#include "storage/layer_internal.h"
#include "storage/shared_internal.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define PLACEHOLDER "placeholder-1" /* a new number whenever its content changes */
#define STACK "stack-"
#define MERGED "merged-"
#define BARE "bare00-" /* of the same length */
#define CHAIN "layers"
#define CUT "cut"

/* --- the placeholder layer --------------------------------------------------------------------- */

static const struct {
	const char *path;
	mode_t mode;
	const char *link;
} mount_points[] = {
	{"dev", S_IFDIR | 0755, NULL},
	{"dev/pts", S_IFDIR | 0755, NULL},
	{"dev/shm", S_IFDIR | 01777, NULL},
	{"dev/mqueue", S_IFDIR | 01777, NULL},
	{"etc", S_IFDIR | 0755, NULL},
	{"etc/hosts", S_IFREG | 0644, NULL},
	{"etc/hostname", S_IFREG | 0644, NULL},
	{"etc/resolv.conf", S_IFREG | 0644, NULL},
	{"etc/mtab", S_IFLNK | 0777, "/proc/mounts"},
	{"proc", S_IFDIR | 0555, NULL},
	{"run", S_IFDIR | 0755, NULL},
	{"run/.containerenv", S_IFREG | 0644, NULL},
	{"run/secrets", S_IFDIR | 0755, NULL},
	{"sys", S_IFDIR | 0555, NULL},
	{"tmp", S_IFDIR | 01777, NULL},
};

static int make_node(int dir, const char *path, mode_t mode, const char *link)
{
	int r;

	if (S_ISLNK(mode))
		r = symlinkat(link, dir, path);
	else if (S_ISDIR(mode))
		r = mkdirat(dir, path, 0700);
	else
		r = mknodat(dir, path, S_IFREG | 0600, 0);
	if (r == 0 && !S_ISLNK(mode))
		r = fchmodat(dir, path, mode & 07777, 0);
	return r < 0 ? err_new(-errno, "make %s", path) : 0;
}

static int open_tree(struct stage *s)
{
	int fd;

	if (mkdirat(s->fd, "tree", 0700) < 0 || fchmodat(s->fd, "tree", 0755, 0) < 0)
		return err_new(-errno, "make directory tree");
	fd = openat(s->fd, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open tree") : fd;
}

static int commit_cache(struct store *st, struct stage *s, const char *name, int r)
{
	if (r == 0)
		r = stage_commit(st, s, STORE_CACHE, name, true);
	stage_abort(st, s);
	return r == -EEXIST ? 0 : r; /* made by somebody else meanwhile, and the same */
}

static int make_placeholder(struct store *st)
{
	AUTO_CLOSE int tree = -EBADF;
	struct stage s = STAGE_INIT;
	int r = stage_begin(st, &s);

	if (r < 0)
		return r;
	tree = open_tree(&s);
	r = tree < 0 ? tree : 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(mount_points); i++)
		r = make_node(tree, mount_points[i].path, mount_points[i].mode,
			      mount_points[i].link);
	r = commit_cache(st, &s, PLACEHOLDER, r);
	return r < 0 ? err_wrap(r, "make the placeholder layer") : 0;
}

static int write_cut(const struct chain *c, int dir)
{
	for (size_t n = 1; n < c->diffids->n; n++) {
		char text[24];

		if (!whiteout_is_opaque(c->trees[c->diffids->n - n]))
			continue;
		(void)snprintf(text, sizeof(text), "%zu", n);
		return file_create(dir, CUT, text, strlen(text), 0600, FILE_SYNC);
	}
	return 0;
}

static int make_stack(struct store *st, const struct strv *diffids, const char *name)
{
	AUTO(chain_done) struct chain c = {0};
	AUTO_STRV struct strv wrong = STRV_INIT;
	AUTO_FREE char *chain = strv_join(diffids, "\n");
	AUTO_CLOSE int tree = -EBADF;
	struct stage s = STAGE_INIT;
	bool any = false;
	int r = chain_open(st, diffids, &c, &any);

	if (r == 0 && any)
		r = fix_up_find(&c, &wrong);
	if (r == 0)
		r = stage_begin(st, &s);
	if (r < 0)
		return r;
	/* Whoever removes a layer removes the stacks that were made with it. */
	r = file_create(s.fd, CHAIN, chain, strlen(chain), 0600, FILE_SYNC);
	if (r == 0)
		r = write_cut(&c, s.fd);
	if (r == 0 && wrong.n) {
		tree = open_tree(&s);
		r = tree < 0 ? tree : fix_up_make(&c, tree, &wrong);
	}
	return commit_cache(st, &s, name, r);
}

void stack_drop_stale(struct store *st)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int cache = store_fd(st, STORE_CACHE);

	if (cache < 0 || store_names(st, STORE_CACHE, &names) < 0) {
		err_drop();
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *path = path_join(names.v[i], CHAIN);
		AUTO_STRV struct strv ids = STRV_INIT;
		AUTO_SBUF struct sbuf b = SBUF_INIT;
		bool stale = false;

		if ((strncmp(names.v[i], STACK, strlen(STACK)) != 0 &&
		     strncmp(names.v[i], MERGED, strlen(MERGED)) != 0 &&
		     strncmp(names.v[i], BARE, strlen(BARE)) != 0) ||
		    file_read_at(cache, path, 1UL << 20, &b) < 0)
			continue;
		strv_split(&ids, b.s, '\n');
		for (size_t k = 0; k < ids.n && !stale; k++)
			stale = *ids.v[k] && !store_has(st, STORE_LAYERS, ids.v[k]);
		if (stale)
			(void)store_trash(st, STORE_CACHE, names.v[i]);
	}
	err_drop();
}

/* --- together ------------------------------------------------------------------------------------ */

static void stack_name(const struct strv *diffids, char out[sizeof(STACK) + 64])
{
	memcpy(out, STACK, strlen(STACK));
	digest_chain_id(diffids, out + strlen(STACK));
}

static void add_tree(struct store *st, enum store_dir d, const char *name, struct strv *ret)
{
	AUTO_FREE char *inside = path_join(name, "tree");

	strv_take(ret, store_path(st, d, inside));
}

/* Each place once, whichever of the layers point into it. */
static void add_data(struct store *st, const struct strv *diffids, struct strv *ret)
{
	size_t first = ret->n;

	for (size_t i = 0; i < diffids->n; i++) {
		AUTO_FREE char *link = path_join(diffids->v[i], SHARED_LINK), *data = NULL;
		char dir[PATH_MAX];
		ssize_t n = readlinkat(store_fd(st, STORE_LAYERS), link, dir, sizeof(dir) - 1);
		bool known = false;

		if (n <= 0)
			continue;
		dir[n] = '\0';
		data = path_join(dir, "data");
		for (size_t k = first; k < ret->n && !known; k++)
			known = strcmp(ret->v[k], data) == 0;
		if (!known)
			strv_add(ret, data);
	}
}

/* Of @n layers the topmost that count. */
static int read_cut(struct store *st, const char *stack, size_t n, size_t *ret)
{
	AUTO_FREE char *path = path_join(stack, CUT);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	uint32_t v = 0;
	int r;

	*ret = n;
	if (!store_has(st, STORE_CACHE, path))
		return 0;
	r = file_read_at(store_fd(st, STORE_CACHE), path, 32, &b);
	if (r == 0 && (parse_u32(b.s, (uint32_t)n, &v) < 0 || v == 0))
		r = err_new(-CE_CORRUPT, "cache/%s", path);
	*ret = v;
	return r;
}

/* How many of them, from the bottom, become one: those up to the topmost whose content is elsewhere. */
static size_t count_merged(struct store *st, const struct strv *diffids)
{
	size_t n = diffids->n;

	while (n > 0) {
		AUTO_FREE char *link = path_join(diffids->v[n - 1], SHARED_LINK);

		if (store_has(st, STORE_LAYERS, link))
			break;
		n--;
	}
	return n;
}

static void merged_name(const struct strv *diffids, size_t n, bool bare,
			char out[sizeof(MERGED) + 64])
{
	const struct strv lowest = {.v = diffids->v, .n = n};
	char stack[sizeof(STACK) + 64];

	stack_name(&lowest, stack);
	memcpy(out, bare ? BARE : MERGED, strlen(MERGED));
	memcpy(out + strlen(MERGED), stack + strlen(STACK), 65);
}

bool layer_stack_is_made(struct store *st, const struct strv *diffids)
{
	char name[sizeof(STACK) + 64], merged[sizeof(MERGED) + 64];
	size_t n;

	stack_name(diffids, name);
	if (!store_has(st, STORE_CACHE, name) || !store_has(st, STORE_CACHE, PLACEHOLDER))
		return false;
	n = count_merged(st, diffids);
	merged_name(diffids, n, false, merged);
	return n == 0 || store_has(st, STORE_CACHE, merged);
}

static int add_stack(struct store *st, const struct strv *diffids, size_t n_merged, bool bare,
		     struct strv *ret_dirs);

/* With stacks and placeholder made, but for the fix-up of these layers by themselves. */
static int make_merged(struct store *st, const struct strv *diffids, size_t n, bool bare)
{
	const struct strv lowest = {.v = diffids->v, .n = n};
	AUTO_FREE char *chain = strv_join(&lowest, "\n");
	AUTO_STRV struct strv dirs = STRV_INIT;
	AUTO_CLOSE int tree = -EBADF;
	struct stage s = STAGE_INIT;
	char stack[sizeof(STACK) + 64], name[sizeof(MERGED) + 64];
	int r = 0;

	merged_name(diffids, n, bare, name);
	if (store_has(st, STORE_CACHE, name))
		return 0;
	stack_name(&lowest, stack);
	if (!store_has(st, STORE_CACHE, stack))
		r = make_stack(st, &lowest, stack);
	if (r == 0)
		r = add_stack(st, &lowest, 0, bare, &dirs);
	if (r == 0)
		r = stage_begin(st, &s);
	if (r < 0)
		return r;
	r = file_create(s.fd, CHAIN, chain, strlen(chain), 0600, FILE_SYNC);
	tree = r < 0 ? r : open_tree(&s);
	r = tree < 0 ? tree : layer_flatten_pointing(&dirs, tree);
	return commit_cache(st, &s, name, r);
}

int layer_stack_make(struct store *st, const struct strv *diffids)
{
	char name[sizeof(STACK) + 64];
	size_t n;
	int r = 0;

	for (size_t i = 0; i < diffids->n; i++) {
		r = layer_exists(st, diffids->v[i]) ? 0 : shared_layer_make(st, diffids->v[i]);
		if (r < 0)
			return r != -ENOENT
				       ? r
				       : err_new(-CE_CORRUPT,
						 "layer %.12s is missing; pull the image again",
						 diffids->v[i]);
	}
	stack_name(diffids, name);
	if (!store_has(st, STORE_CACHE, name))
		r = make_stack(st, diffids, name);
	if (r == 0 && !store_has(st, STORE_CACHE, PLACEHOLDER))
		r = make_placeholder(st);
	n = count_merged(st, diffids);
	if (r == 0 && n)
		r = make_merged(st, diffids, n, true);
	if (r == 0 && n)
		r = make_merged(st, diffids, n, false);
	return r < 0 ? err_wrap(r, "stack %zu layers", diffids->n) : 0;
}

/*
 * Overlay takes no directory twice (ELOOP). Of a layer that comes again further up, as two equal
 * steps of a build make one, nothing is seen through the upper one.
 */
static bool is_above(const struct strv *diffids, size_t i)
{
	for (size_t k = i + 1; k < diffids->n; k++)
		if (strcmp(diffids->v[k], diffids->v[i]) == 0)
			return true;
	return false;
}

/* @n_merged of them, from the bottom, are one directory; 0: none. @bare: without mount points. */
static int add_stack(struct store *st, const struct strv *diffids, size_t n_merged, bool bare,
		     struct strv *ret_dirs)
{
	char name[sizeof(STACK) + 64], merged[sizeof(MERGED) + 64];
	AUTO_FREE char *fix_up = NULL;
	size_t n = 0, i = diffids->n;
	int r;

	stack_name(diffids, name);
	merged_name(diffids, n_merged, bare, merged);
	r = read_cut(st, name, diffids->n, &n);
	if (r < 0)
		return r;
	fix_up = path_join(name, "tree");
	if (store_has(st, STORE_CACHE, fix_up))
		add_tree(st, STORE_CACHE, name, ret_dirs);
	for (; n > 0 && i > n_merged; n--)
		if (!is_above(diffids, --i))
			add_tree(st, STORE_LAYERS, diffids->v[i], ret_dirs);
	if (n > 0 && n_merged)
		add_tree(st, STORE_CACHE, merged, ret_dirs);
	else if (!bare)
		add_tree(st, STORE_CACHE, PLACEHOLDER, ret_dirs);
	add_data(st, diffids, ret_dirs);
	return 0;
}

int layer_stack(struct store *st, const struct strv *diffids, struct strv *ret_dirs)
{
	int r = layer_stack_make(st, diffids);

	return r < 0 ? r : add_stack(st, diffids, count_merged(st, diffids), false, ret_dirs);
}

int layer_stack_bare(struct store *st, const struct strv *diffids, struct strv *ret_dirs)
{
	int r = layer_stack_make(st, diffids);

	return r < 0 ? r : add_stack(st, diffids, count_merged(st, diffids), true, ret_dirs);
}

/* --- is it right? ---------------------------------------------------------------------------------- */

/*
 * What a stack was named before: by SHA-256 of its diffIDs, each with its NUL. One of that time stays, as a
 * container may run on it, until a layer of it goes: stack_drop_stale().
 */
static bool has_older_name(const struct strv *diffids, const char *name)
{
	struct sha256 h;
	char hex[65];

	sha256_init(&h);
	for (size_t i = 0; i < diffids->n; i++)
		sha256_add(&h, diffids->v[i], strlen(diffids->v[i]) + 1);
	sha256_end_hex(&h, hex);
	return strcmp(name + strlen(STACK), hex) == 0;
}

static bool stack_is_right(struct store *st, const char *name)
{
	AUTO_FREE char *path = path_join(name, CHAIN);
	AUTO_STRV struct strv ids = STRV_INIT;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char want[sizeof(STACK) + 64];
	size_t cut;
	bool right;

	right = file_read_at(store_fd(st, STORE_CACHE), path, 1UL << 20, &b) == 0;
	if (right && b.len)
		strv_split(&ids, b.s, '\n');
	stack_name(&ids, want);
	right = right && (strcmp(want, name) == 0 || has_older_name(&ids, name)) &&
		read_cut(st, name, ids.n, &cut) == 0;
	err_drop();
	return right;
}

/* What was made of layers can be made again; what others keep in the cache is theirs to check. */
int stack_check(struct store *st, struct findings *f)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = store_names(st, STORE_CACHE, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *name = names.v[i];

		if (strcmp(name, PLACEHOLDER) == 0 &&
		    !store_has(st, STORE_CACHE, PLACEHOLDER "/tree"))
			(void)finding_add(f, FOUND_CACHE, name, "its directory is missing");
		else if (strncmp(name, STACK, strlen(STACK)) == 0 && !stack_is_right(st, name))
			(void)finding_add(f, FOUND_CACHE, name, "it is not of the layers it says");
	}
	return r;
}

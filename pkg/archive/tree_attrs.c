/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/archive/tree_put.h"
#include "pkg/archive/tree_tar_internal.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/statx.h"

#define CAPABILITY "security.capability"
#define OWNER "user.cuddy.owner"

void tree_attrs_reset(struct tree_attrs *a)
{
	for (unsigned i = 0; i < a->n; i++) {
		free(a->v[i].name);
		free(a->v[i].value);
	}
	a->n = 0;
	a->opaque = a->whiteout = a->has_owner = false;
}

void tree_attrs_done(struct tree_attrs *a)
{
	tree_attrs_reset(a);
}

/* Commands to overlay or to a store, ours or another's, are not content (L05). */
bool tree_attr_is_content(const char *name)
{
	static const char *const not [] = {"user.overlay.", "user.fuseoverlayfs.",
					   "user.containers.", "user.cuddy."};

	if (strcmp(name, CAPABILITY) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(not ); i++)
		if (strncmp(name, not [i], strlen(not [i])) == 0)
			return false;
	return strncmp(name, "user.", 5) == 0;
}

static ssize_t get(int fd, const char *name, void *p, size_t n)
{
	return fgetxattr(fd, name, p, n);
}

static void look_at_ours(struct tree_attrs *a, int fd, const char *name)
{
	char text[64];
	ssize_t n;

	if (strcmp(name, "user.overlay.whiteout") == 0)
		a->whiteout = true;
	if (strcmp(name, "user.overlay.opaque") == 0)
		a->opaque = get(fd, name, text, sizeof(text)) == 1 && text[0] == 'y';
	if (strcmp(name, OWNER) != 0)
		return;
	n = get(fd, name, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	a->has_owner = sscanf(text, "%10u:%10u:%4o", &a->uid, &a->gid, &a->mode) == 3;
}

/*
 * Version 3 of struct vfs_ns_cap_data names the user namespace's root on this machine; version 2, as
 * the kernel wrote it for a plain root, is what archives hold.
 */
static void plain_capability(struct tar_xattr *x)
{
	if (x->len == 24) {
		x->len = 20;
		x->value[3] = 2; /* the version is the top byte of a little-endian word */
	}
}

static int add(struct tree_attrs *a, int fd, const char *name, const char *path)
{
	unsigned char value[TAR_XATTR_MAX];
	ssize_t n = get(fd, name, value, sizeof(value));
	struct tar_xattr *x;

	if (n < 0 && errno == ENODATA)
		return 0;
	if (n < 0)
		return err_new(-errno, "read attribute %s of '%s'", name, path);
	if (a->n == TAR_XATTRS_MAX)
		return err_new(-CE_LIMIT, "'%s' has more than %u attributes", path, TAR_XATTRS_MAX);
	x = &a->v[a->n++];
	x->name = xstrdup(name);
	x->value = xmalloc((size_t)n + 1);
	memcpy(x->value, value, (size_t)n);
	x->len = (size_t)n;
	if (name[0] == 's')
		plain_capability(x);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

int tree_attrs_read(struct tree_attrs *a, int fd, const char *path)
{
	char names[65536]; /* the kernel's limit */
	ssize_t n = flistxattr(fd, names, sizeof(names));

	tree_attrs_reset(a);
	if (n < 0 && errno != ENOTSUP)
		return err_new(-errno, "list the attributes of '%s'", path);
	for (const char *p = names; n > 0 && p < names + n; p += strlen(p) + 1) {
		int r = 0;

		if (tree_attr_is_content(p))
			r = add(a, fd, p, path);
		else
			look_at_ours(a, fd, p);
		if (r < 0)
			return r;
	}
	if (a->n > 1)
		qsort(a->v, a->n, sizeof(a->v[0]), by_name);
	return 0;
}

/* What the kernel shows of itself as files is no content, and some of it has no end. */
static bool is_kernels(int fd)
{
	static const unsigned long kinds[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,
					      CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
					      DEVPTS_SUPER_MAGIC, 0x19800202 /* mqueue */};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((unsigned long)fs.f_type == kinds[i])
			return true;
	return false;
}

int tree_enters(int dir, int fd, bool cross_mounts)
{
	uint64_t a, b;
	int r = statx_mount_id(dir, &a);

	if (r == 0)
		r = statx_mount_id(fd, &b);
	return r < 0 ? r : a == b || (cross_mounts && !is_kernels(fd));
}

int tree_record_owner(int fd, const struct tar_entry *e)
{
	char text[64];

	if (!e->uid && !e->gid && !(e->mode & 06000))
		return 0;
	(void)snprintf(text, sizeof(text), "%u:%u:%04o", e->uid, e->gid, e->mode);
	if (fsetxattr(fd, OWNER, text, strlen(text), 0) < 0 && errno != ENOTSUP)
		return err_new(-errno, "record the owner of '%s'", e->path);
	return 0;
}

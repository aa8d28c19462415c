/* SPDX-License-Identifier: MIT */
/*
 * Secrets: files on a small read-only tmpfs. Those with an absolute target are bound from a second
 * one, which is mounted for a moment only: the kernel clones no file of a mount that stands nowhere.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/runtime/internal.h"
#include "pkg/sys/mount.h"
#include "pkg/sys/open.h"

#define PLACE "/run/secrets"
#define ATTRS (MNT_ATTR_NOSUID | MNT_ATTR_NODEV | MNT_ATTR_NOEXEC)

static int write_secret(int dir, const char *name, const struct rt_secret *s)
{
	AUTO_CLOSE int fd = open_nofollow(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	int r;

	if (fd < 0)
		return fd;
	r = write_full(fd, s->data, s->len);
	if (r < 0)
		return err_new(r, "write it");
	if (fchown(fd, s->uid, s->gid) < 0)
		return err_new(-errno, "give it to %u:%u", s->uid, s->gid);
	return fchmod(fd, s->mode) < 0 ? err_new(-errno, "chmod") : 0;
}

static int new_place(const struct rt_plan *p)
{
	size_t pages = 1;
	char options[64];

	for (unsigned i = 0; i < p->n_secrets; i++)
		pages += p->secrets[i].len / 4096 + 2;
	(void)snprintf(options, sizeof(options), "mode=755,size=%zuk,nr_inodes=%u", pages * 4,
		       p->n_secrets + 4);
	return mount_new("tmpfs", options, ATTRS);
}

static int bind_one(struct rt_child *x, int dir, const char *name, const struct rt_secret *s)
{
	AUTO_CLOSE int mnt = mount_clone(dir, name, false), target = -EBADF;
	int r = mnt < 0 ? mnt : mount_set(mnt, false, ATTRS | MNT_ATTR_RDONLY, MS_PRIVATE);

	target = r < 0 ? r : target_ensure(x->root, s->target, false);
	return target < 0 ? target : mount_attach(mnt, target);
}

static int bind_absolute(struct rt_child *x, int place)
{
	AUTO_CLOSE int dir = new_place(x->plan);
	char path[32];
	int r = dir < 0 ? dir : mount_attach(dir, place);

	for (unsigned i = 0; r == 0 && i < x->plan->n_secrets; i++) {
		const struct rt_secret *s = &x->plan->secrets[i];
		char name[16];

		if (*s->target != '/')
			continue;
		(void)snprintf(name, sizeof(name), "%u", i);
		r = write_secret(dir, name, s);
		if (r == 0)
			r = bind_one(x, dir, name, s);
		if (r < 0)
			return err_wrap(r, "secret for %s", s->target);
	}
	if (r == 0 && umount2(fd_path(dir, path), MNT_DETACH) < 0)
		r = err_new(-errno, "unmount");
	return r;
}

static int open_place(struct rt_child *x)
{
	char name[16];

	if (!x->plan->foreign.program)
		return target_ensure(x->root, PLACE, true);
	(void)snprintf(name, sizeof(name), "%u", x->plan->n_mounts);
	if (mkdirat(x->places, name, 0755) < 0)
		return err_new(-errno, "make a place for them");
	return open_nofollow(x->places, name, O_PATH | O_DIRECTORY, 0);
}

int secrets_mount(struct rt_child *x)
{
	const struct rt_plan *p = x->plan;
	AUTO_CLOSE int place = -EBADF, dir = -EBADF;
	unsigned absolute = 0;
	int r = 0;

	if (!p->n_secrets)
		return 0;
	for (unsigned i = 0; i < p->n_secrets; i++)
		absolute += *p->secrets[i].target == '/';
	place = open_place(x);
	if (place < 0)
		return err_wrap(place, "secrets");
	if (absolute)
		r = bind_absolute(x, place);
	if (r < 0 || absolute == p->n_secrets)
		return r;
	dir = new_place(p);
	r = dir < 0 ? dir : 0;
	for (unsigned i = 0; r == 0 && i < p->n_secrets; i++) {
		if (*p->secrets[i].target == '/')
			continue;
		r = write_secret(dir, p->secrets[i].target, &p->secrets[i]);
		if (r < 0)
			return err_wrap(r, "secret %s", p->secrets[i].target);
	}
	if (r == 0)
		r = mount_set(dir, false, MNT_ATTR_RDONLY, MS_PRIVATE);
	return r < 0 ? r : mount_attach(dir, place);
}

/* SPDX-License-Identifier: MIT */
/* Where images and containers are kept, and what the file system there can do. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/size.h"
#include "pkg/config/paths.h"
#include "pkg/doctor/report.h"
#include "pkg/runtime/fuse.h"
#include "pkg/sys/private_dir.h"
#include "storage/store.h"

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef QIF_DQBLKSIZE
#define QIF_DQBLKSIZE 1024U /* what its limits are counted in */
#endif
#define SPACE_LITTLE (2ULL << 30) /* an image of a desktop's size, unpacked */
#define SPACE_NONE (256ULL << 20)
#define INODES_LITTLE 50000
#define INODES_NONE 5000

#define FREE_SPACE \
	"free some space there (cuddy system prune), or give another --root or CUDDY_ROOT"

/* The directory, or the nearest above it that there is. */
static int open_nearest(const char *path, char **ret)
{
	AUTO_FREE char *at = xstrdup(path);

	for (;;) {
		int fd = open(*at ? at : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		char *slash = strrchr(at, '/');

		if (fd >= 0 || errno != ENOENT || !slash) {
			int r = fd < 0 ? err_new(-errno, "open %s", at) : fd;

			*ret = *at ? TAKE_PTR(at) : xstrdup("/");
			return r;
		}
		*slash = '\0';
	}
}

static void check_fuse(struct doctor_report *d, enum doctor_status status, const char *breaks)
{
	const struct doctor_words w = {"fuse-overlayfs", status, breaks, NULL};
	const char *program;
	int r = driver_fuse_program(&program);

	if (r == 0)
		r = fuse_check();
	if (r < 0)
		doctor_error(d, &w, r);
	else
		doctor_ok(d, w.check, "%s", program);
}

/* An old store's driver is what it is; a new one's is found out as store_open() does. */
static void check_driver(struct doctor_report *d, const struct store_place *p, int fd)
{
	struct doctor_words w = {"overlay", DOCTOR_PROBLEM, NULL, NULL};
	AUTO_FREE char *local = store_local_path(), *above = NULL;
	AUTO_CLOSE int other = -EBADF;
	struct fs_probe here, there = {0};
	int r;

	if (p->exists && p->driver == STORE_FUSE_OVERLAY)
		return check_fuse(d, DOCTOR_PROBLEM, "every container of this store");
	if (p->exists && p->driver == STORE_VFS) {
		w.status = DOCTOR_NOTE;
		w.breaks = "nothing; but each container is a copy of its whole image";
		w.mend = "cuddy --root DIR on a local ext4, xfs or btrfs";
		return doctor_tell(d, &w, "the store %s was made for vfs", p->path);
	}
	r = driver_probe(fd, &here);
	w.breaks = "making containers and images";
	if (r < 0)
		return doctor_error(d, &w, r);
	if (here.overlay)
		return doctor_ok(d, w.check, "the kernel's works in %s", p->path);
	w.mend = "cuddy --root DIR on a local ext4, xfs or btrfs";
	if (p->exists) {
		w.breaks = "every container of this store, which was made for overlay";
		return doctor_tell(d, &w, "in %s %s", p->path, here.why_not);
	}
	if (p->may_move && (other = open_nearest(local, &above)) >= 0 &&
	    driver_probe(other, &there) == 0 && there.overlay) {
		w.status = DOCTOR_NOTE;
		w.breaks = "nothing; images and containers are going to be kept in /var/tmp";
		return doctor_tell(d, &w, "not in %s: %s", p->path, here.why_not);
	}
	err_drop();
	w.status = DOCTOR_NOTE;
	w.breaks = "nothing; but containers are slower";
	doctor_tell(d, &w, "not in %s: %s", p->path, here.why_not);
	check_fuse(d, DOCTOR_PROBLEM, "space: each container is a copy of its whole image");
}

static enum doctor_status how_little(uint64_t have, uint64_t little, uint64_t none)
{
	return have < none ? DOCTOR_PROBLEM : have < little ? DOCTOR_NOTE : DOCTOR_OK;
}

static void check_room(struct doctor_report *d, const char *path, const struct statvfs *fs)
{
	struct doctor_words w = {"disk-space", DOCTOR_OK,
				 "pulling, building, writing in containers", FREE_SPACE};
	uint64_t bytes = (uint64_t)fs->f_bavail * fs->f_frsize;
	char text[SIZE_TEXT_MAX];

	size_format(bytes, text);
	w.status = how_little(bytes, SPACE_LITTLE, SPACE_NONE);
	if (w.status == DOCTOR_OK)
		doctor_ok(d, w.check, "%s free in %s", text, path);
	else
		doctor_tell(d, &w, "only %s free in %s", text, path);
	if (fs->f_files == 0) /* btrfs and others make them as needed */
		return;
	w.check = "inodes";
	w.status = how_little(fs->f_favail, INODES_LITTLE, INODES_NONE);
	if (w.status == DOCTOR_OK)
		doctor_ok(d, w.check, "%llu free", (unsigned long long)fs->f_favail);
	else
		doctor_tell(d, &w, "only %llu files can still be made in %s",
			    (unsigned long long)fs->f_favail, path);
}

static void check_quota(struct doctor_report *d, int fd)
{
	const struct doctor_words w = {"quota", DOCTOR_NOTE,
				       "writing in images and containers, soon", FREE_SPACE};
	struct dqblk q = {0};
	uint64_t limit;

	/* Files of subordinate ids do not count to ours, so this is the least that is used. */
	if (syscall(SYS_quotactl_fd, fd, QCMD((unsigned int)Q_GETQUOTA, USRQUOTA), outer_uid(),
		    &q) < 0 ||
	    !(q.dqb_valid & QIF_BLIMITS))
		return;
	limit = (q.dqb_bsoftlimit ? q.dqb_bsoftlimit : q.dqb_bhardlimit) * QIF_DQBLKSIZE;
	if (!limit)
		return;
	if (q.dqb_curspace < limit / 10 * 9)
		doctor_ok(d, w.check, "%llu of %llu MiB used",
			  (unsigned long long)(q.dqb_curspace >> 20),
			  (unsigned long long)(limit >> 20));
	else
		doctor_tell(d, &w, "%llu of %llu MiB are used",
			    (unsigned long long)(q.dqb_curspace >> 20),
			    (unsigned long long)(limit >> 20));
}

static void check_mount(struct doctor_report *d, const char *path, const struct statvfs *fs)
{
	const struct doctor_words ro = {"storage", DOCTOR_PROBLEM, "every container and image",
					"mount -o remount,rw it, or give another --root"};
	const struct doctor_words noexec = {"storage", DOCTOR_PROBLEM,
					    "programs in volumes, and with vfs all programs",
					    "mount -o remount,exec it, or give another --root"};

	if (fs->f_flag & ST_RDONLY)
		doctor_tell(d, &ro, "the file system of %s is mounted read-only", path);
	else if (fs->f_flag & ST_NOEXEC)
		doctor_tell(d, &noexec, "the file system of %s is mounted noexec", path);
	else
		doctor_ok(d, "storage", "%s", path);
}

static void check_runtime(struct doctor_report *d)
{
	struct doctor_words w = {"runtime-directory", DOCTOR_NOTE,
				 "nothing; but whoever tidies /tmp may make cuddy forget what runs",
				 NULL};
	const char *xdg = getenv("XDG_RUNTIME_DIR"), *asked = getenv("CUDDY_RUNROOT");
	AUTO_FREE char *dir = NULL, *user = doctor_user();
	AUTO_FREE char *mend = xasprintf(
		"loginctl enable-linger %s && export XDG_RUNTIME_DIR=/run/user/%u", user,
		(unsigned)outer_uid());
	AUTO_CLOSE int fd = -EBADF;
	int r = paths_runtime(&dir);

	w.mend = mend;
	fd = r < 0 ? r : private_dir_open(dir, false);
	if (fd < 0 && fd != -ENOENT) {
		w.status = DOCTOR_PROBLEM;
		w.breaks = "every container";
		return doctor_error(d, &w, fd);
	}
	err_drop();
	if (strncmp(dir, "/tmp/", 5) == 0 && !(asked && *asked))
		return doctor_tell(d, &w, "XDG_RUNTIME_DIR is %s, so it is %s",
				   xdg && *xdg ? "not a private directory of this user" : "not set",
				   dir);
	doctor_ok(d, w.check, "%s", dir);
}

void doctor_places(struct doctor_report *d, const struct store_options *o)
{
	const struct doctor_words w = {"storage", DOCTOR_PROBLEM, "every container and image",
				       "give another --root or CUDDY_ROOT"};
	AUTO_FREE char *above = NULL;
	AUTO_CLOSE int fd = -EBADF;
	struct store_place p = {0};
	struct statvfs fs;
	int r = store_locate(o, &p);

	if (r == 0)
		r = fd = open_nearest(p.path, &above);
	if (r >= 0 && fstatvfs(fd, &fs) < 0)
		r = err_new(-errno, "look at the file system of %s", above);
	if (r < 0) {
		doctor_error(d, &w, r);
	} else {
		check_mount(d, p.path, &fs);
		if (!(fs.f_flag & ST_RDONLY))
			check_driver(d, &p, fd);
		check_room(d, p.path, &fs);
		check_quota(d, fd);
	}
	free(p.path);
	check_runtime(d);
}

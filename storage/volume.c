/* SPDX-License-Identifier: MIT */
#include "storage/volume.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/fields.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/names.h"
#include "pkg/sys/private_dir.h"
#include "storage/check_internal.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define RECORD "record.json"
#define RECORD_MAX (1UL << 20)

static const struct json_field fields[] = {
	FIELD_TEXT(struct volume_record, "Name", name, JSON_REQUIRED),
	FIELD_BOOL(struct volume_record, "Anonymous", anonymous, 0),
	FIELD_I64(struct volume_record, "CreatedNs", created_ns, 0),
	FIELD_MAP(struct volume_record, "Labels", labels, 0),
	FIELD_MAP(struct volume_record, "Options", options, 0),
	FIELD_I64(struct volume_record, "UID", uid, 0),
	FIELD_I64(struct volume_record, "GID", gid, 0),
	FIELD_BOOL(struct volume_record, "NeedsCopyUp", needs_copy_up, 0),
	FIELD_BOOL(struct volume_record, "NeedsChown", needs_chown, 0),
	FIELD_END,
};

void volume_record_done(struct volume_record *r)
{
	json_record_done(fields, r);
}

static int check_name(const char *name)
{
	if (!name_is_valid(name))
		return err_usage("'%s' is not a volume name: letters, digits and _ . - after the "
				 "first, at most 128",
				 name);
	return 0;
}

static int write_stage(const struct stage *s, const struct volume_record *r)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (mkdirat(s->fd, "_data", 0700) < 0 || fchmodat(s->fd, "_data", 0755, 0) < 0)
		return err_new(-errno, "make directory _data");
	if ((r->uid > 0 || r->gid > 0) &&
	    fchownat(s->fd, "_data", r->uid > 0 ? (uid_t)r->uid : 0, r->gid > 0 ? (gid_t)r->gid : 0,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return err_new(-errno, "give it to %lld:%lld", (long long)r->uid,
			       (long long)r->gid);
	json_record_write(fields, r, &b);
	return file_create(s->fd, RECORD, b.s, b.len, 0600, FILE_SYNC);
}

int volume_create(struct store *st, const struct volume_record *r)
{
	struct stage s = STAGE_INIT;
	int e = check_name(r->name);

	if (e == 0 && store_has(st, STORE_VOLUMES, r->name))
		return -EEXIST;
	if (e == 0)
		e = stage_begin(st, &s);
	if (e < 0)
		return e;
	e = write_stage(&s, r);
	if (e == 0)
		e = stage_commit(st, &s, STORE_VOLUMES, r->name, true);
	if (e < 0)
		stage_abort(st, &s);
	return e < 0 && e != -EEXIST ? err_wrap(e, "create volume %s", r->name) : e;
}

int volume_load(struct store *st, const char *name, struct volume_record *ret)
{
	AUTO(volume_record_done) struct volume_record rec = {.uid = -1, .gid = -1};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *path = NULL;
	int dir = store_fd(st, STORE_VOLUMES), r;

	if (dir < 0)
		return dir;
	if (!name_is_valid(name))
		return err_new(-CE_NO_VOLUME, "%s", name);
	path = path_join(name, RECORD);
	r = file_read_at(dir, path, RECORD_MAX, &b);
	if (r == -ENOENT)
		return err_new(-CE_NO_VOLUME, "%s", name);
	if (r == 0)
		r = json_record_read(b.s, b.len, fields, "a volume", &rec);
	if (r < 0)
		return err_wrap(r, "volume %s", name);
	*ret = rec;
	memset(&rec, 0, sizeof(rec));
	return 0;
}

int volume_save(struct store *st, const struct volume_record *r)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_CLOSE int fd = -EBADF;
	int dir = store_fd(st, STORE_VOLUMES), e = check_name(r->name);

	if (e < 0 || dir < 0)
		return e < 0 ? e : dir;
	fd = private_dir_at(dir, r->name, false);
	if (fd == -ENOENT)
		return err_new(-CE_NO_VOLUME, "%s", r->name);
	if (fd < 0)
		return fd;
	json_record_write(fields, r, &b);
	return file_replace(fd, RECORD, b.s, b.len, 0600, FILE_SYNC);
}

int volume_list(struct store *st, struct strv *ret_names)
{
	return store_names(st, STORE_VOLUMES, ret_names);
}

int volume_remove(struct store *st, const char *name)
{
	char lock_file[160];
	int r;

	if (!name_is_valid(name))
		return err_new(-CE_NO_VOLUME, "%s", name);
	r = store_trash(st, STORE_VOLUMES, name);
	if (r == -ENOENT)
		return err_new(-CE_NO_VOLUME, "%s", name);
	if (r < 0)
		return r;
	(void)snprintf(lock_file, sizeof(lock_file), "vol-%s", name);
	store_drop_lock(st, lock_file);
	return 0;
}

static int open_volume(struct store *st, const char *name)
{
	int dir = store_fd(st, STORE_VOLUMES), fd;

	if (dir < 0)
		return dir;
	if (!name_is_valid(name))
		return err_new(-CE_NO_VOLUME, "%s", name);
	fd = private_dir_at(dir, name, false);
	return fd == -ENOENT ? err_new(-CE_NO_VOLUME, "%s", name) : fd;
}

int volume_join(struct store *st, const char *name, const char *container_id)
{
	AUTO_CLOSE int dir = open_volume(st, name), users = -EBADF;
	int r;

	if (dir < 0)
		return dir;
	users = private_dir_at(dir, "users", true);
	if (users < 0)
		return users;
	r = file_create(users, container_id, "", 0, 0600, FILE_NO_SYNC);
	return r == -EEXIST ? 0 : r;
}

int volume_leave(struct store *st, const char *name, const char *container_id)
{
	AUTO_CLOSE int dir = open_volume(st, name), users = -EBADF;

	if (dir < 0)
		return dir;
	users = openat(dir, "users", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (users < 0)
		return errno == ENOENT ? 1 : err_new(-errno, "users of volume %s", name);
	if (unlinkat(users, container_id, 0) < 0 && errno != ENOENT)
		return err_new(-errno, "leave volume %s", name);
	if (unlinkat(dir, "users", AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 1;
	return errno == ENOTEMPTY ? 0 : err_new(-errno, "leave volume %s", name);
}

char *volume_data_path(struct store *st, const char *name)
{
	AUTO_FREE char *inside = path_join(name, "_data");

	return store_path(st, STORE_VOLUMES, inside);
}

/* One with something in it has been filled, and has the owner it was given. */
int volume_rebuild(struct store *st, const char *name, bool data)
{
	AUTO_CLOSE int dir = open_volume(st, name), inside = -EBADF;
	AUTO(volume_record_done) struct volume_record rec = VOLUME_RECORD_NEW;
	AUTO_STRV struct strv names = STRV_INIT;
	struct stat sb;
	int r;

	if (dir < 0)
		return dir;
	if (data && (mkdirat(dir, "_data", 0700) < 0 || fchmodat(dir, "_data", 0755, 0) < 0))
		return err_new(-errno, "make directory _data");
	if (data)
		return 0;
	rec.name = xstrdup(name);
	inside = openat(dir, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = inside < 0 ? 0 : dir_names(inside, &names);
	if (r == 0 && fstat(dir, &sb) < 0)
		r = err_new(-errno, "stat volume %s", name);
	if (r < 0)
		return r;
	rec.created_ns = sb.st_mtim.tv_sec * NS_PER_S;
	rec.needs_copy_up = rec.needs_chown = names.n == 0;
	return volume_save(st, &rec);
}

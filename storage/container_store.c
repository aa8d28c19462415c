/* SPDX-License-Identifier: MIT */
/*
 * Names    names/<name> is made before the container's directory appears and removed after it went,
 *          so a container is never without its name. What a crash leaves is a name that points at no
 *          container: readers take it for free, a claimer replaces it, the trash sweep removes it.
 *          All changes below names/ are made under locks/names, held for a few system calls.
 *          names/<name> is a hard link of the record it was claimed with, which begins with the id:
 *          a claim is one atomic call and no inode.
 * Locks    locks/containers, one number for each id; who waited for one then finds no container.
 */
#include "storage/container_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/rmtree.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define RECORD "record.json"
#define LOCK "containers"
#define RECORD_MAX (16UL << 20)
#define RECORD_USUAL 4096 /* more than most have */
/* Of the data directory: after a power loss it tells whose record may be missing. Nobody else has anything in there. */
#define MODE_NOT_DURABLE 01700

void container_dirs_done(struct container_dirs *d)
{
	closep(&d->data_fd);
	closep(&d->runtime_fd);
	free(d->data_path);
	free(d->runtime_path);
	d->data_path = d->runtime_path = NULL;
}

static bool id_is_valid(const char *s)
{
	return hex_is_exactly(s, 64);
}

static int check_id(const char *id)
{
	return id_is_valid(id) ? 0 : err_usage("'%s' is not a container id", id);
}

static int check_name(const char *name)
{
	if (!name_is_valid(name))
		return err_usage("'%s' is not a container name: letters, digits and _ . - after "
				 "the first, at most 128",
				 name);
	return 0;
}

int store_name_holder(struct store *st, const char *name, char ret_id[65])
{
	AUTO_CLOSE int fd = -EBADF;
	int dir = store_fd(st, STORE_NAMES);
	char text[CONTAINER_NAME_HEAD + 1] = "", *id = text + strlen(CONTAINER_RECORD_HEAD);

	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_new(-errno, "open names/%s", name);
	if (read_full(fd, text, CONTAINER_NAME_HEAD) < 0 || !id_is_valid(id) ||
	    strncmp(text, CONTAINER_RECORD_HEAD, strlen(CONTAINER_RECORD_HEAD)) != 0)
		return err_new(-CE_CORRUPT, "names/%s holds no id", name);
	memcpy(ret_id, id, 65);
	return 0;
}

static int lock_names(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "names", LOCK_EXCLUSIVE);
}

/* With the lock held. @dir holds the record. A name of a container that is not there is free. */
static int claim_name(struct store *st, int dir, const char *name, const char *id, bool durable)
{
	char holder[65];
	int names = store_fd(st, STORE_NAMES), r;

	if (names < 0)
		return names;
	for (int tries = 0; linkat(dir, RECORD, names, name, 0) < 0; tries++) {
		if (errno != EEXIST || tries > 0)
			return err_new(-errno, "claim the name %s", name);
		r = store_name_holder(st, name, holder);
		if (r == 0 && strcmp(holder, id) == 0)
			return 0;
		if (r == 0 && store_has(st, STORE_CONTAINERS, holder))
			return err_new(-CE_NAME_IN_USE, "name %s belongs to container %.12s", name,
				       holder);
		err_drop(); /* what cannot be read names no container: replaced */
		(void)unlinkat(names, name, 0);
	}
	return durable && fsync(names) < 0 ? err_new(-errno, "sync names") : 0;
}

static void free_name(struct store *st, const char *name, const char *id)
{
	char holder[65];
	int dir = store_fd(st, STORE_NAMES);

	if (dir >= 0 && store_name_holder(st, name, holder) == 0 && strcmp(holder, id) == 0)
		(void)unlinkat(dir, name, 0);
	else
		err_drop();
}

static int open_runtime(struct store *st, const char *id, bool create, struct container_dirs *d)
{
	d->runtime_fd = private_dir_at(store_runtime_fd(st), id, create);
	if (d->runtime_fd == -ENOENT && !create)
		return 0;
	if (d->runtime_fd < 0)
		return err_wrap(d->runtime_fd, "in %s", store_runroot(st));
	d->runtime_path = path_join(store_runroot(st), id);
	return 0;
}

/* mkdirat() minds the umask. */
static int make_plain_dir(int dir, const char *name, mode_t mode)
{
	if (mkdirat(dir, name, 0700) < 0 || fchmodat(dir, name, mode, 0) < 0)
		return err_new(-errno, "make directory %s", name);
	return 0;
}

static int fill_stage(struct stage *s, const char *record, size_t n, enum file_sync sync)
{
	int r = make_plain_dir(s->fd, "upper", CONTAINER_UPPER_FRESH);

	if (r == 0)
		r = make_plain_dir(s->fd, "work", 0700);
	if (r == 0) /* nobody looks into a stage: straight to its name */
		r = file_write_new(s->fd, RECORD, record, n, 0600, sync);
	return r;
}

static int publish(struct store *st, struct stage *s, const char *id, const char *name,
		   bool durable)
{
	AUTO_CLOSE int lock = lock_names(st);
	int r;

	if (lock < 0)
		return lock;
	r = claim_name(st, s->fd, name, id, durable);
	if (r < 0)
		return r;
	crash_point("container-named");
	r = stage_commit(st, s, STORE_CONTAINERS, id, durable);
	if (r == -EEXIST)
		return err_new(-CE_NAME_IN_USE, "container id %s", id);
	if (r < 0)
		free_name(st, name, id);
	return r;
}

int container_store_create(struct store *st, const char *id, const char *name, const char *record,
			   size_t n, bool durable, struct container_dirs *ret)
{
	struct container_dirs d = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	AUTO_CLOSE int lock = -EBADF;
	struct stage s = STAGE_INIT;
	int r = check_id(id);

	if (r == 0)
		r = check_name(name);
	if (r == 0)
		r = lock = container_store_try_lock(st, id);
	if (r >= 0)
		r = stage_begin_container(st, id, &lock, &s);
	if (r < 0)
		return r;
	if (!durable && fchmod(s.fd, MODE_NOT_DURABLE) < 0)
		r = err_new(-errno, "mark a container");
	if (r >= 0)
		r = fill_stage(&s, record, n, durable ? FILE_SYNC : FILE_NO_SYNC);
	crash_point("container-staged");
	if (r == 0) {
		d.data_fd = fcntl(s.fd, F_DUPFD_CLOEXEC, 3);
		r = d.data_fd < 0 ? err_new(-errno, "dup") : publish(st, &s, id, name, durable);
	}
	if (r < 0)
		stage_abort(st, &s);
	else
		r = open_runtime(st, id, false, &d);
	if (r < 0) {
		container_dirs_done(&d);
		return err_wrap(r, "create container %s", name);
	}
	d.data_path = store_path(st, STORE_CONTAINERS, id);
	*ret = d;
	return 0;
}

static int open_dirs(struct store *st, const char *id, bool create_runtime,
		     struct container_dirs *ret)
{
	struct container_dirs d = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	int dir = store_fd(st, STORE_CONTAINERS), r = check_id(id);

	if (r < 0 || dir < 0)
		return r < 0 ? r : dir;
	d.data_fd = private_dir_at(dir, id, false);
	if (d.data_fd == -ENOENT)
		return err_new(-CE_NO_CONTAINER, "%.12s", id);
	if (d.data_fd < 0)
		return d.data_fd;
	r = open_runtime(st, id, create_runtime, &d);
	if (r < 0) {
		container_dirs_done(&d);
		return r;
	}
	d.data_path = store_path(st, STORE_CONTAINERS, id);
	*ret = d;
	return 0;
}

int container_store_open(struct store *st, const char *id, struct container_dirs *ret)
{
	return open_dirs(st, id, true, ret);
}

int container_store_look(struct store *st, const char *id, struct container_dirs *ret)
{
	return open_dirs(st, id, false, ret);
}

int container_store_list_run(struct store *st, struct strv *ret_ids)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int copy = openat(store_runtime_fd(st), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return err_new(-errno, "list %s", store_runroot(st));
	while ((e = readdir(d)) != NULL)
		if (id_is_valid(e->d_name))
			strv_add(ret_ids, e->d_name);
	strv_sort(ret_ids);
	return 0;
}

int container_store_list(struct store *st, struct strv *ret_ids)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = store_names(st, STORE_CONTAINERS, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (id_is_valid(names.v[i]))
			strv_take(ret_ids, TAKE_PTR(names.v[i]));
	return r;
}

static int resolve_prefix(struct store *st, const char *prefix, char ret_id[65])
{
	AUTO_STRV struct strv ids = STRV_INIT;
	const char *found = NULL;
	size_t n = strlen(prefix);
	int r = container_store_list(st, &ids);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ids.n; i++) {
		if (strncmp(ids.v[i], prefix, n) != 0)
			continue;
		if (found)
			return err_new(-CE_AMBIGUOUS, "%s", prefix);
		found = ids.v[i];
	}
	if (!found)
		return err_new(-CE_NO_CONTAINER, "%s", prefix);
	memcpy(ret_id, found, 65);
	return 0;
}

int container_store_resolve(struct store *st, const char *name_or_id, char ret_id[65])
{
	char id[65];
	int r;

	if (name_is_valid(name_or_id)) {
		r = store_name_holder(st, name_or_id, id);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && store_has(st, STORE_CONTAINERS, id)) {
			memcpy(ret_id, id, 65);
			return 0;
		}
	}
	if (hex_is_valid(name_or_id, 64))
		return resolve_prefix(st, name_or_id, ret_id);
	return err_new(-CE_NO_CONTAINER, "%s", name_or_id);
}

/* Records end with a line's end: one that came whole at once need not be asked for its size. */
static int read_record(int fd, struct sbuf *out)
{
	ssize_t n;

	sbuf_grow(out, RECORD_USUAL);
	n = read(fd, out->s + out->len, RECORD_USUAL);
	if (n > 0) {
		out->len += (size_t)n;
		out->s[out->len] = '\0';
	}
	if (n > 0 && n < RECORD_USUAL && out->s[out->len - 1] == '\n')
		return 0;
	return file_read_fd(fd, RECORD_MAX, out);
}

int container_store_read(struct store *st, const char *id, struct sbuf *ret_record)
{
	AUTO_CLOSE int fd = -EBADF;
	int dir = store_fd(st, STORE_CONTAINERS), r = check_id(id);
	size_t before = ret_record->len;
	char path[64 + sizeof("/" RECORD)];

	if (r < 0 || dir < 0)
		return r < 0 ? r : dir;
	(void)snprintf(path, sizeof(path), "%s/%s", id, RECORD);
	fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? err_new(-CE_NO_CONTAINER, "%.12s", id)
				       : err_new(-errno, "open %s", path);
	r = read_record(fd, ret_record);
	if (r == 0 && ret_record->len == before)
		return err_new(-CE_NO_CONTAINER, "%.12s", id);
	return r < 0 ? err_wrap(r, "%s", path) : 0;
}

int container_store_json(struct store *st, const char *id, struct json_object **ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = container_store_read(st, id, &b);

	*ret = NULL;
	return r < 0 ? err_forgive(r, -CE_NO_CONTAINER) : json_parse(b.s, b.len, ret);
}

int container_store_write(struct store *st, const char *id, const char *record, size_t n)
{
	AUTO_CLOSE int fd = -EBADF;
	int dir = store_fd(st, STORE_CONTAINERS), r = check_id(id);

	if (r < 0 || dir < 0)
		return r < 0 ? r : dir;
	fd = private_dir_at(dir, id, false);
	if (fd == -ENOENT)
		return err_new(-CE_NO_CONTAINER, "%.12s", id);
	return fd < 0 ? fd : file_replace(fd, RECORD, record, n, 0600, FILE_SYNC);
}

int container_store_name(struct store *st, const char *id, const char *old_name,
			 const char *new_name)
{
	AUTO_CLOSE int lock = -EBADF, data = -EBADF;
	int dir = store_fd(st, STORE_CONTAINERS), r = check_id(id);

	if (r == 0)
		r = check_name(new_name);
	if (r < 0 || dir < 0)
		return r < 0 ? r : dir;
	data = private_dir_at(dir, id, false);
	if (data < 0)
		return data == -ENOENT ? err_new(-CE_NO_CONTAINER, "%.12s", id) : data;
	lock = lock_names(st);
	if (lock < 0)
		return lock;
	r = claim_name(st, data, new_name, id, true);
	if (r == 0 && old_name && strcmp(old_name, new_name) != 0)
		free_name(st, old_name, id);
	return r;
}

int container_store_remove(struct store *st, const char *id, const char *name)
{
	AUTO_CLOSE int lock = -EBADF;
	int r = check_id(id);

	if (r < 0)
		return r;
	lock = lock_names(st);
	if (lock < 0)
		return lock;
	r = store_trash(st, STORE_CONTAINERS, id);
	if (r == -ENOENT)
		err_drop(); /* an earlier attempt came this far */
	else if (r < 0)
		return r;
	crash_point("container-trashed");
	if (name)
		free_name(st, name, id);
	closep(&lock);
	return rmtree(store_runtime_fd(st), id);
}

int container_store_remove_lost(struct store *st, const char *id)
{
	AUTO_CLOSE int lock = container_store_try_lock(st, id);
	int dir = store_fd(st, STORE_CONTAINERS), r;
	struct stat sb;

	if (dir < 0 || lock < 0 || check_id(id) < 0 ||
	    fstatat(dir, id, &sb, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(sb.st_mode) ||
	    (sb.st_mode & 07777) != MODE_NOT_DURABLE) {
		err_drop();
		return 0;
	}
	r = container_store_remove(st, id, NULL);
	return r < 0 ? r : 1;
}

/* Ids are random: two that meet in the first 60 bits would only wait for each other. */
static uint64_t lock_number(const char *id)
{
	char head[16];

	memcpy(head, id, 15);
	head[15] = '\0';
	return strtoull(head, NULL, 16);
}

int container_store_try_lock(struct store *st, const char *id)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_number_try_open(locks, LOCK, lock_number(id));
}

int container_store_lock(struct store *st, const char *id)
{
	AUTO_CLOSE int fd = -EBADF;
	int locks = store_fd(st, STORE_LOCKS), r = check_id(id);

	if (r < 0 || locks < 0)
		return r < 0 ? r : locks;
	fd = lock_number_open(locks, LOCK, lock_number(id));
	if (fd < 0)
		return fd;
	if (!store_has(st, STORE_CONTAINERS, id))
		return err_new(-CE_NO_CONTAINER, "%.12s", id);
	return TAKE_FD(fd);
}

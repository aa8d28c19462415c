/* SPDX-License-Identifier: MIT */
#include "storage/secret.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/fields.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define RECORD_MAX (1UL << 20)
#define SUFFIX ".json"

static const struct json_field fields[] = {
	FIELD_TEXT(struct secret_record, "Name", name, JSON_REQUIRED),
	FIELD_TEXT(struct secret_record, "ID", id, JSON_REQUIRED),
	FIELD_I64(struct secret_record, "CreatedNs", created_ns, 0),
	FIELD_I64(struct secret_record, "UpdatedNs", updated_ns, 0),
	FIELD_MAP(struct secret_record, "Labels", labels, 0),
	FIELD_END,
};

void secret_record_done(struct secret_record *r)
{
	json_record_done(fields, r);
}

void secret_wipe(struct sbuf *data)
{
	if (data->len)
		explicit_bzero(data->s, data->len);
	sbuf_done(data);
	*data = (struct sbuf)SBUF_INIT;
}

int secret_lock(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "secrets", LOCK_EXCLUSIVE);
}

static char *record_file(const char *name)
{
	return xasprintf("%s" SUFFIX, name);
}

static char *data_file(const char *id)
{
	return xasprintf("%s.data", id);
}

int secret_load(struct store *st, const char *name, struct secret_record *ret)
{
	AUTO(secret_record_done) struct secret_record rec = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *file = NULL;
	int dir = store_fd(st, STORE_SECRETS), r;

	if (dir < 0)
		return dir;
	if (!name_is_valid(name))
		return err_new(-CE_NO_SECRET, "%s", name);
	file = record_file(name);
	r = file_read_at(dir, file, RECORD_MAX, &b);
	if (r == -ENOENT)
		return err_new(-CE_NO_SECRET, "%s", name);
	if (r == 0)
		r = json_record_read(b.s, b.len, fields, "a secret", &rec);
	if (r == 0 && !hex_is_valid(rec.id, SECRET_ID_DIGITS))
		r = err_new(-CE_CORRUPT, "its record has no id");
	if (r < 0)
		return err_wrap(r, "secret %s", name);
	*ret = rec;
	rec = (struct secret_record){0};
	return 0;
}

static int write_both(int dir, const struct secret_record *r, const void *data, size_t n)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *record = record_file(r->name), *value = data_file(r->id);
	int e = file_create(dir, value, data, n, 0600, FILE_SYNC);

	json_record_write(fields, r, &b);
	if (e == 0)
		e = file_replace(dir, record, b.s, b.len, 0600, FILE_SYNC);
	if (e < 0)
		(void)unlinkat(dir, value, 0);
	return e < 0 ? err_wrap(e, "secret %s", r->name) : 0;
}

int secret_put(struct store *st, struct secret_record *r, const void *data, size_t n, bool replace)
{
	AUTO_CLOSE int lock = secret_lock(st);
	AUTO(secret_record_done) struct secret_record old = {0};
	AUTO_FREE char *stale = NULL;
	int dir = store_fd(st, STORE_SECRETS), e;

	if (lock < 0 || dir < 0)
		return lock < 0 ? lock : dir;
	e = secret_load(st, r->name, &old);
	if (e == 0 && !replace)
		return -EEXIST;
	if (e < 0 && e != -CE_NO_SECRET)
		return e;
	if (e == 0) {
		r->created_ns = old.created_ns;
		stale = data_file(old.id);
	}
	err_drop();
	e = write_both(dir, r, data, n);
	crash_point("record-saved");
	if (e == 0 && stale)
		(void)unlinkat(dir, stale, 0);
	return e;
}

int secret_read(struct store *st, const struct secret_record *r, struct sbuf *ret)
{
	AUTO_FREE char *file = data_file(r->id);
	int dir = store_fd(st, STORE_SECRETS);
	int e = dir < 0 ? dir : file_read_at(dir, file, SECRET_MAX, ret);

	return e < 0 ? err_wrap(e, "secret %s", r->name) : 0;
}

int secret_list(struct store *st, struct strv *ret_names)
{
	return store_names_of(st, STORE_SECRETS, SUFFIX, ret_names);
}

int secret_remove(struct store *st, const char *name)
{
	AUTO_CLOSE int lock = secret_lock(st);
	AUTO(secret_record_done) struct secret_record old = {0};
	AUTO_FREE char *record = record_file(name), *value = NULL;
	int dir = store_fd(st, STORE_SECRETS), r;

	if (lock < 0 || dir < 0)
		return lock < 0 ? lock : dir;
	r = secret_load(st, name, &old);
	if (r < 0)
		return r;
	value = data_file(old.id);
	/* The value first: without a record nobody would find it to remove it. */
	if ((unlinkat(dir, value, 0) < 0 && errno != ENOENT) || unlinkat(dir, record, 0) < 0 ||
	    fsync(dir) < 0)
		return err_new(-errno, "remove secret %s", name);
	crash_point("record-removed");
	return 0;
}

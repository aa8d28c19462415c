/* SPDX-License-Identifier: MIT */
#include "storage/named_record.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/sys/file.h"
#include "storage/image_store.h"

#define RECORD_MAX (16UL << 20)

static const char *reference_of(const void *record)
{
	return *(char *const *)record;
}

static int read_whole(const struct named_kind *k, const char *text, size_t n, const char *file,
		      void *record)
{
	AUTO_FREE char *right = NULL;
	int r = json_record_read(text, n, k->fields, k->what, record);

	if (r == 0 && k->check)
		r = k->check(record);
	if (r < 0)
		return r;
	right = ref_escape(reference_of(record));
	return strcmp(right, file) == 0 ? 0
					: err_new(-CE_CORRUPT, "its record is that of %s",
						  reference_of(record));
}

int named_record_load_file(struct store *st, const struct named_kind *k, const char *file,
			   void *ret)
{
	AUTO_FREE void *record = xcalloc(1, k->size);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, k->area);
	int r = dir < 0 ? dir : file_read_at(dir, file, RECORD_MAX, &b);

	if (r < 0)
		return r;
	r = read_whole(k, b.s, b.len, file, record);
	if (r < 0)
		json_record_done(k->fields, record);
	else
		memcpy(ret, record, k->size);
	return r;
}

int named_record_load(struct store *st, const struct named_kind *k, const char *reference,
		      void *ret)
{
	AUTO_FREE char *file = ref_escape(reference);
	int r = named_record_load_file(st, k, file, ret);

	if (r == -ENOENT)
		return err_new(k->missing, "%s", reference);
	return r < 0 ? err_wrap(r, "%s %s", k->noun, reference) : 0;
}

int named_record_put(struct store *st, const struct named_kind *k, const void *record, bool fresh)
{
	AUTO_FREE char *file = ref_escape(reference_of(record));
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, k->area);

	if (dir < 0)
		return dir;
	json_record_write(k->fields, record, &b);
	return fresh ? file_create(dir, file, b.s, b.len, 0600, FILE_SYNC)
		     : file_replace(dir, file, b.s, b.len, 0600, FILE_SYNC);
}

int named_record_remove(struct store *st, const struct named_kind *k, const char *reference)
{
	AUTO_FREE char *file = ref_escape(reference);
	int dir = store_fd(st, k->area);

	if (dir < 0)
		return dir;
	if (unlinkat(dir, file, 0) < 0)
		return errno == ENOENT ? err_new(k->missing, "%s", reference)
				       : err_new(-errno, "remove %s", reference);
	return fsync(dir) < 0 ? err_new(-errno, "sync the directory of %s", reference) : 0;
}

int named_record_names(struct store *st, const struct named_kind *k, struct strv *ret)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = store_names(st, k->area, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO_FREE void *record = xcalloc(1, k->size);

		if (named_record_load_file(st, k, files.v[i], record) < 0) {
			err_drop();
			continue;
		}
		strv_add(ret, reference_of(record));
		json_record_done(k->fields, record);
	}
	if (r == 0)
		strv_sort(ret);
	return r;
}

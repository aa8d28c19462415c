/* SPDX-License-Identifier: MIT */
#include "storage/artifact_store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sha256.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/lock.h"
#include "storage/list_store.h"
#include "storage/named_record.h"
#include "storage/stage.h"

#define LOCK "artifacts"

static const struct json_field fields[] = {
	FIELD_TEXT(struct artifact_record, "Name", name, JSON_REQUIRED),
	FIELD_TEXT(struct artifact_record, "Digest", digest, JSON_REQUIRED),
	FIELD_TEXT(struct artifact_record, "MediaType", media_type, JSON_REQUIRED),
	FIELD_I64(struct artifact_record, "CreatedNs", created_ns, 0),
	FIELD_TEXT(struct artifact_record, "Manifest", manifest, JSON_REQUIRED),
	FIELD_END,
};

static int check(const void *record)
{
	const struct artifact_record *a = record;

	return digest_is_valid(a->digest)
		       ? 0
		       : err_new(-CE_CORRUPT, "the record of an artifact has no digest");
}

static const struct named_kind kind = {
	.area = STORE_ARTIFACTS,
	.fields = fields,
	.size = sizeof(struct artifact_record),
	.missing = -CE_NO_ARTIFACT,
	.what = "an artifact",
	.noun = "artifact",
	.check = check,
};

void artifact_record_done(struct artifact_record *r)
{
	json_record_done(fields, r);
}

int artifact_store_hold(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, LOCK, LOCK_SHARED);
}

int artifact_store_lock(struct store *st, const char *reference)
{
	char file[sizeof("artifact-") + 64] = "artifact-";
	int locks = store_fd(st, STORE_LOCKS);

	sha256_hex(reference, strlen(reference), file + strlen(file));
	return locks < 0 ? locks : lock_open(locks, file, LOCK_EXCLUSIVE);
}

int artifact_store_put(struct store *st, const struct artifact_record *r)
{
	int done = named_record_put(st, &kind, r, false);

	crash_point("record-saved");
	return done;
}

int artifact_store_load_file(struct store *st, const char *file, struct artifact_record *ret)
{
	return named_record_load_file(st, &kind, file, ret);
}

int artifact_store_load(struct store *st, const char *reference, struct artifact_record *ret)
{
	return named_record_load(st, &kind, reference, ret);
}

int artifact_store_names(struct store *st, struct strv *ret)
{
	return named_record_names(st, &kind, ret);
}

/* --- blobs ------------------------------------------------------------------------------------- */

int artifact_blob_read(int dir, const char *digest)
{
	int fd = openat(dir, digest_hex(digest), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_new(-errno, "blob %.19s", digest) : fd;
}

int artifact_blob_open(struct store *st, const char *digest)
{
	int dir = store_fd(st, STORE_BLOBS);

	return dir < 0 ? dir : artifact_blob_read(dir, digest);
}

bool artifact_blob_is_there(int dir, const char *digest, uint64_t size)
{
	struct stat sb;

	return fstatat(dir, digest_hex(digest), &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(sb.st_mode) && (uint64_t)sb.st_size == size;
}

int artifact_blob_begin(int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? err_new(-errno, "make a blob") : fd;
}

int artifact_blob_commit(int dir, int fd, const char *digest)
{
	AUTO_FREE char *path = xasprintf("/proc/self/fd/%d", fd);

	if (fsync(fd) < 0)
		return err_new(-errno, "write blob %.19s", digest);
	if (linkat(AT_FDCWD, path, dir, digest_hex(digest), AT_SYMLINK_FOLLOW) < 0 &&
	    errno != EEXIST)
		return err_new(-errno, "name blob %.19s", digest);
	return fsync(dir) < 0 ? err_new(-errno, "sync blobs") : 0;
}

static int blobs_of(const char *manifest, const char *type, struct strv *ret)
{
	AUTO(manifest_done) struct manifest m = {0};
	int r = manifest_parse(manifest, strlen(manifest), type, &m);

	if (r < 0)
		return r;
	strv_add(ret, digest_hex(m.config.digest));
	for (unsigned k = 0; k < m.n_layers; k++)
		strv_add(ret, digest_hex(m.layers[k].digest));
	return 0;
}

static int blobs_of_lists(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = store_names(st, STORE_LISTS, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO(list_record_done) struct list_record rec = {0};
		AUTO_STRV struct strv manifests = STRV_INIT;

		r = list_store_load_file(st, files.v[i], &rec);
		if (r == 0)
			list_record_artifacts(&rec, &manifests);
		for (size_t k = 0; r == 0 && k < manifests.n; k++)
			r = blobs_of(manifests.v[k], MEDIA_OCI_MANIFEST, ret);
	}
	return r;
}

/* Of a damaged record nobody knows what it needs: then nothing is swept. */
static int used_blobs(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = store_names(st, STORE_ARTIFACTS, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO(artifact_record_done) struct artifact_record rec = {0};

		r = artifact_store_load_file(st, files.v[i], &rec);
		if (r == 0)
			r = blobs_of(rec.manifest, rec.media_type, ret);
	}
	return r < 0 ? r : blobs_of_lists(st, ret);
}

int artifact_store_sweep(struct store *st)
{
	AUTO_STRV struct strv blobs = STRV_INIT, used = STRV_INIT;
	int dir = store_fd(st, STORE_BLOBS), locks = store_fd(st, STORE_LOCKS);
	AUTO_CLOSE int lock = -EBADF;
	int r;

	if (dir < 0 || locks < 0)
		return dir < 0 ? dir : locks;
	lock = lock_try_open(locks, LOCK, LOCK_EXCLUSIVE);
	if (lock == -EWOULDBLOCK)
		return 0; /* somebody adds: the next removal will do it */
	r = lock < 0 ? lock : used_blobs(st, &used);
	if (r == 0)
		r = store_names(st, STORE_BLOBS, &blobs);
	for (size_t i = 0; r == 0 && i < blobs.n; i++)
		if (!strv_has(&used, blobs.v[i]) && unlinkat(dir, blobs.v[i], 0) < 0 &&
		    errno != ENOENT)
			r = err_new(-errno, "remove blob %.12s", blobs.v[i]);
	return r;
}

int artifact_store_remove(struct store *st, const char *reference)
{
	int r = named_record_remove(st, &kind, reference);

	if (r < 0)
		return r;
	crash_point("record-removed");
	/* It is gone; what it leaves behind takes room and nothing else. */
	if (artifact_store_sweep(st) < 0)
		err_drop();
	return 0;
}
int artifact_blob_put(int dir, const void *bytes, size_t n, char **ret_digest)
{
	AUTO_CLOSE int fd = artifact_blob_begin(dir);
	char hex[65];
	int r = fd < 0 ? fd : write_full(fd, bytes, n);

	if (r < 0)
		return r;
	sha256_hex(bytes, n, hex);
	*ret_digest = xasprintf("sha256:%s", hex);
	return artifact_blob_commit(dir, fd, *ret_digest);
}

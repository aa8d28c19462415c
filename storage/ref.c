/* SPDX-License-Identifier: MIT */
/*
 * References: refs/<escaped> holds "<image id>\n<reference>\n", then, when it came with one, the
 * digest of the manifest that this name stands for.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/oci/digest.h"
#include "pkg/sys/file.h"
#include "storage/image_store.h"
#include "storage/shared.h"
#include "storage/store_internal.h"

#define ESCAPED_MAX 200
/* An escape is % and two hexadecimal digits, so no other file name begins like this. */
#define HASH_FORM "%%sha256-%s"
#define REF_FILE_MAX 4096

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

char *ref_escape(const char *reference)
{
	static const char digits[] = "0123456789abcdef";
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char hash[65];

	for (const char *p = reference; *p; p++) {
		if (is_plain(*p) && !(p == reference && *p == '.')) {
			sbuf_addc(&b, *p);
			continue;
		}
		sbuf_addc(&b, '%');
		sbuf_addc(&b, digits[(unsigned char)*p >> 4]);
		sbuf_addc(&b, digits[(unsigned char)*p & 15]);
	}
	if (b.len > 0 && b.len <= ESCAPED_MAX)
		return sbuf_steal(&b);
	sha256_hex(reference, strlen(reference), hash);
	return xasprintf(HASH_FORM, hash);
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *ref_unescape(const char *file)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *again = NULL;

	for (const char *p = file; *p; p++) {
		int high, low;

		if (*p != '%') {
			sbuf_addc(&b, *p);
			continue;
		}
		high = hex_value(p[1]);
		low = high < 0 ? -1 : hex_value(p[2]);
		if (low < 0 || high * 16 + low == 0)
			return NULL;
		sbuf_addc(&b, (char)(high * 16 + low));
		p += 2;
	}
	again = ref_escape(b.s);
	return strcmp(again, file) == 0 ? sbuf_steal(&b) : NULL;
}

/*
 * @ret_reference: NULL, or the reference the file says it is (malloc'ed). @ret_manifest: NULL, or the
 * digest (malloc'ed), "" without one. -ENOENT has no trail.
 */
static int read_ref(struct store *st, const char *file, char ret_id[65], char **ret_reference,
		    char **ret_manifest)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, STORE_REFS), r;
	char *line, *digest;

	if (dir < 0)
		return dir;
	r = file_read_own(dir, file, REF_FILE_MAX, &b);
	if (r == -ENOENT)
		r = shared_read(st, STORE_REFS, file, REF_FILE_MAX, &b);
	if (r == -ENOENT)
		err_drop();
	if (r < 0)
		return r;
	line = strchr(b.s, '\n');
	if (!line || line - b.s != 64)
		return err_new(-CE_CORRUPT, "refs/%s holds no image id", file);
	*line++ = '\0';
	if (!hex_is_valid(b.s, 64))
		return err_new(-CE_CORRUPT, "refs/%s holds no image id", file);
	memcpy(ret_id, b.s, 65);
	digest = line + strcspn(line, "\n");
	if (*digest)
		*digest++ = '\0';
	digest[strcspn(digest, "\n")] = '\0';
	if (ret_reference) {
		AUTO_FREE char *escaped = ref_escape(line);

		if (strcmp(escaped, file) != 0)
			return err_new(-CE_CORRUPT, "refs/%s is another reference's", file);
		*ret_reference = xstrdup(line);
	}
	if (ret_manifest)
		*ret_manifest = xstrdup(digest_is_valid(digest) ? digest : "");
	return 0;
}

int ref_get(struct store *st, const char *reference, char ret_id[65])
{
	AUTO_FREE char *file = ref_escape(reference);
	int r = read_ref(st, file, ret_id, NULL, NULL);

	return r == -ENOENT ? err_new(-CE_NO_IMAGE, "%s", reference) : r;
}

int ref_manifest(struct store *st, const char *reference, char **ret_digest)
{
	AUTO_FREE char *file = ref_escape(reference);
	char id[65];
	int r = read_ref(st, file, id, NULL, ret_digest);

	return r == -ENOENT ? err_new(-CE_NO_IMAGE, "%s", reference) : r;
}

int ref_set(struct store *st, const char *reference, const char *id, const char *manifest,
	    char *ret_old)
{
	AUTO_FREE char *old_manifest = NULL;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *file = ref_escape(reference);
	int dir = store_fd(st, STORE_REFS);
	char old[65] = "";

	if (dir < 0)
		return dir;
	if (!*reference || strlen(reference) > REF_FILE_MAX - 128 || strchr(reference, '\n') ||
	    !hex_is_exactly(id, 64))
		return err_usage("'%s' cannot name an image", reference);
	if (read_ref(st, file, old, NULL, &old_manifest) < 0)
		err_drop(); /* none, or one that is damaged: replaced */
	if (ret_old)
		memcpy(ret_old, old, 65);
	if (strcmp(old, id) == 0 && (!manifest || strcmp(old_manifest, manifest) == 0))
		return 0;
	sbuf_addf(&b, "%s\n%s\n", id, reference);
	if (manifest)
		sbuf_addf(&b, "%s\n", manifest);
	return file_replace(dir, file, b.s, b.len, 0600, FILE_SYNC);
}

bool ref_is_own(struct store *st, const char *reference)
{
	AUTO_FREE char *file = ref_escape(reference);

	return store_has(st, STORE_REFS, file);
}

int ref_remove(struct store *st, const char *reference)
{
	AUTO_FREE char *file = ref_escape(reference);
	int dir = store_fd(st, STORE_REFS);

	if (dir < 0)
		return dir;
	if (unlinkat(dir, file, 0) == 0)
		return fsync(dir) < 0 ? err_new(-errno, "sync refs") : 0;
	return errno == ENOENT ? err_new(-CE_NO_IMAGE, "%s", reference)
			       : err_new(-errno, "remove %s", reference);
}

int ref_list(struct store *st, struct strv *ret_references)
{
	AUTO_STRV struct strv ids = STRV_INIT;

	return ref_pairs(st, ret_references, &ids, NULL);
}

int ref_pairs(struct store *st, struct strv *ret_references, struct strv *ret_ids,
	      struct strv *ret_manifests)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = store_names(st, STORE_REFS, &files);
	size_t own = files.n;

	if (r == 0)
		r = shared_names(st, STORE_REFS, &files);
	if (files.n > own)
		strv_sort(&files);
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO_FREE char *reference = NULL, *manifest = NULL;
		char id[65];

		if (i && strcmp(files.v[i], files.v[i - 1]) == 0)
			continue;
		/* One damaged file must not hide all the others; what it named is still listed by id. */
		if (read_ref(st, files.v[i], id, &reference, &manifest) < 0) {
			err_drop();
			continue;
		}
		strv_add(ret_references, reference);
		strv_add(ret_ids, id);
		if (ret_manifests)
			strv_add(ret_manifests, manifest);
	}
	return r;
}

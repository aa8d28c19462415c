/* SPDX-License-Identifier: MIT */
/* Whether images are what they must be, and a record made again from what lies beside it. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/json/json.h"
#include "pkg/oci/image_config.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/names.h"
#include "pkg/sys/private_dir.h"
#include "storage/check_internal.h"
#include "storage/image_internal.h"
#include "storage/layer.h"
#include "storage/shared.h"
#include "storage/store_internal.h"

#define ASIDE "record.aside"

/* Only sha256 can be looked at here; images by other digests are looked at when they are used. */
static bool digest_fits(const struct sbuf *b, const char *digest)
{
	char hex[65];

	if (strncmp(digest, "sha256:", 7) != 0)
		return true;
	sha256_hex(b->s ? b->s : "", b->len, hex);
	return strcmp(hex, digest + 7) == 0;
}

static bool document_is_right(struct store *st, const char *id, const char *file,
			      const char *digest)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	bool right = image_read_file(st, id, file, &b) == 0 && digest_fits(&b, digest);

	err_drop();
	return right;
}

/* "digest=media type" */
static bool further_is_right(struct store *st, const char *id, const char *entry)
{
	AUTO_FREE char *digest = xstrndup(entry, strcspn(entry, "="));
	AUTO_FREE char *file = digest_is_valid(digest) ? image_manifest_file(digest) : NULL;

	return file && document_is_right(st, id, file, digest);
}

/* Return: 0; -CE_CORRUPT: the record does not say what the config says. */
static int compare_layers(struct store *st, const char *id, const struct image_summary *s)
{
	AUTO(image_config_done) struct image_config c = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = image_read_file(st, id, IMAGE_CONFIG, &b);

	if (r == 0)
		r = image_config_parse(b.s, b.len, &c);
	if (r < 0) {
		err_drop(); /* what it is was taken as it came */
		return 0;
	}
	for (size_t i = 0; r == 0 && i < c.diffids.n; i++)
		if (i >= s->diffids.n || strcmp(c.diffids.v[i], s->diffids.v[i]) != 0)
			r = err_new(-CE_CORRUPT, "its record has other layers than its config");
	return r;
}

static void check_image(struct store *st, const char *id, struct findings *f)
{
	AUTO(image_summary_done) struct image_summary s = {0};
	AUTO_FREE char *digest = xasprintf("sha256:%s", id);
	int r = image_store_summary(st, id, &s);

	if (!document_is_right(st, id, IMAGE_CONFIG, digest)) {
		(void)finding_add(f, FOUND_IMAGE, id, "its config is damaged");
		err_drop();
		return;
	}
	if (r == 0)
		r = compare_layers(st, id, &s);
	if (r < 0) {
		finding_of_error(f, FOUND_IMAGE_RECORD, id, r);
		return;
	}
	if (s.manifest_digest && !document_is_right(st, id, IMAGE_MANIFEST, s.manifest_digest))
		(void)finding_add(f, FOUND_IMAGE, id, "its manifest is damaged");
	for (size_t i = 0; i < s.manifests.n; i++)
		if (!further_is_right(st, id, s.manifests.v[i]))
			(void)finding_add(f, FOUND_IMAGE, id, "one of its manifests is damaged");
	for (size_t i = 0; i < s.diffids.n; i++)
		if (!layer_exists(st, s.diffids.v[i]) &&
		    !shared_has(st, STORE_LAYERS, s.diffids.v[i]))
			(void)finding_add(f, FOUND_LAYER, s.diffids.v[i], "it is missing");
}

int check_images(struct store *st, struct findings *f)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		if (!image_store_read_only(st, ids.v[i]))
			check_image(st, ids.v[i], f);
	return r;
}

/* --- a new record ------------------------------------------------------------------------------ */

static const char *type_of(const struct sbuf *b, struct manifest *m)
{
	if (manifest_parse(b->s, b->len, NULL, m) == 0)
		return m->media_type;
	err_drop();
	return MEDIA_OCI_MANIFEST;
}

/* Every manifest-<digest> that is what its name says. */
static int add_further(struct store *st, const char *id, int dir, struct strv *ret)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = dir_names(dir, &files);

	strv_sort(&files);
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		const char *digest = files.v[i] + strlen(IMAGE_MANIFEST "-");
		AUTO(manifest_done) struct manifest m = {0};
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		if (strncmp(files.v[i], IMAGE_MANIFEST "-", strlen(IMAGE_MANIFEST "-")) != 0 ||
		    !digest_is_valid(digest))
			continue;
		if (image_read_file(st, id, files.v[i], &b) == 0 && digest_fits(&b, digest))
			strv_addf(ret, "%s=%s", digest, type_of(&b, &m));
		err_drop();
	}
	return r;
}

/* What its names were pulled with. */
static int add_repo_digests(struct store *st, const char *id, struct strv *ret)
{
	AUTO_STRV struct strv refs = STRV_INIT, ids = STRV_INIT, manifests = STRV_INIT;
	int r = ref_pairs(st, &refs, &ids, &manifests);

	for (size_t i = 0; r == 0 && i < refs.n; i++) {
		size_t n = strcspn(refs.v[i], "@");
		const char *slash = strrchr(refs.v[i], '/');
		const char *colon = slash ? strchr(slash, ':') : NULL;

		if (strcmp(ids.v[i], id) != 0 || !*manifests.v[i])
			continue;
		if (colon && (size_t)(colon - refs.v[i]) < n)
			n = (size_t)(colon - refs.v[i]);
		strv_addf(ret, "%.*s@%s", (int)n, refs.v[i], manifests.v[i]);
	}
	return r;
}

static void add_sizes(struct store *st, struct image_record *rec)
{
	for (size_t i = 0; i < rec->diffids.n; i++) {
		AUTO(layer_record_done) struct layer_record l = {0};

		if (layer_record_load(st, rec->diffids.v[i], &l) < 0)
			err_drop();
		rec->size_bytes += l.tree_bytes;
	}
}

int image_store_rebuild(struct store *st, const char *id)
{
	AUTO(image_record_done) struct image_record rec = {0};
	AUTO(image_config_done) struct image_config c = {0};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO_SBUF struct sbuf config = SBUF_INIT, manifest = SBUF_INIT;
	AUTO_STRV struct strv further = STRV_INIT;
	AUTO_CLOSE int dir = private_dir_at(store_fd(st, STORE_IMAGES), id, false);
	char hex[65];
	int r = dir < 0 ? dir : image_read_file(st, id, IMAGE_CONFIG, &config);

	if (r == 0)
		r = image_config_parse(config.s, config.len, &c);
	if (r < 0)
		return r;
	memcpy(rec.id, id, sizeof(rec.id));
	rec.created_ns = c.created_ns;
	strv_add_all(&rec.diffids, &c.diffids);
	add_sizes(st, &rec);
	if (image_read_file(st, id, IMAGE_MANIFEST, &manifest) == 0) {
		sha256_hex(manifest.s, manifest.len, hex);
		rec.manifest_type = xstrdup(type_of(&manifest, &m));
		rec.manifest_digest = xasprintf("sha256:%s", hex);
	}
	err_drop();
	r = add_further(st, id, dir, &further);
	if (r == 0)
		r = add_repo_digests(st, id, &rec.repo_digests);
	return r < 0 ? r : image_write_record(dir, &rec, &further);
}

int image_store_distrust(struct store *st, const char *id, bool on)
{
	AUTO_CLOSE int dir = private_dir_at(store_fd(st, STORE_IMAGES), id, false);
	struct stat sb;

	if (dir < 0)
		return dir;
	if (on)
		return renameat(dir, IMAGE_RECORD, dir, ASIDE) < 0 && errno != ENOENT
			       ? err_new(-errno, "image %.12s", id)
			       : 0;
	if (fstatat(dir, IMAGE_RECORD, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		(void)unlinkat(dir, ASIDE, 0);
	else if (renameat(dir, ASIDE, dir, IMAGE_RECORD) < 0 && errno != ENOENT)
		return err_new(-errno, "image %.12s", id);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Manifest lists, artifacts and networks: nothing here can be made again, but it can be told. */
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sha256.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "storage/artifact_store.h"
#include "storage/check_internal.h"
#include "storage/image_store.h"
#include "storage/list_store.h"
#include "storage/network.h"
#include "storage/store_internal.h"

#define PIECE (256U << 10)

/* --- artifacts ----------------------------------------------------------------------------------- */

static int hash_blob(struct store *st, const struct descriptor *d)
{
	AUTO_CLOSE int fd = artifact_blob_open(st, d->digest);
	AUTO_FREE char *buf = xmalloc(PIECE);
	struct sha256 h;
	char hex[65];
	ssize_t n;

	if (fd < 0)
		return fd;
	sha256_init(&h);
	while ((n = read_upto(fd, buf, PIECE)) > 0)
		sha256_add(&h, buf, (size_t)n);
	if (n < 0)
		return err_new((int)n, "read blob %.19s", d->digest);
	sha256_end_hex(&h, hex);
	return strcmp(hex, digest_hex(d->digest)) == 0
		       ? 0
		       : err_new(-CE_CORRUPT, "the content of its blob %.19s is another",
				 d->digest);
}

static int check_blob(struct store *st, const struct descriptor *d, bool content)
{
	if (!artifact_blob_is_there(store_fd(st, STORE_BLOBS), d->digest, d->size))
		return err_new(-CE_CORRUPT, "its blob %.19s is missing or of another size",
			       d->digest);
	return content ? hash_blob(st, d) : 0;
}

static int check_blobs(struct store *st, const char *manifest, const char *type, bool content)
{
	AUTO(manifest_done) struct manifest m = {0};
	int r = manifest_parse(manifest, strlen(manifest), type, &m);

	if (r == 0)
		r = check_blob(st, &m.config, content);
	for (unsigned i = 0; r == 0 && i < m.n_layers; i++)
		r = check_blob(st, &m.layers[i], content);
	return r;
}

static int check_artifact(struct store *st, const char *file, bool content)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	int r = artifact_store_load_file(st, file, &rec);

	return r == 0 ? check_blobs(st, rec.manifest, rec.media_type, content) : r;
}

int check_artifacts(struct store *st, bool content, struct findings *f)
{
	AUTO_STRV struct strv files = STRV_INIT;
	AUTO_CLOSE int hold = -EBADF;
	int r = store_names(st, STORE_ARTIFACTS, &files);

	/* Without any there is nothing to lock, which on a full disk could not be done. */
	if (r == 0 && files.n) {
		hold = artifact_store_hold(st);
		r = hold < 0 ? hold : 0;
	}
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		int e = check_artifact(st, files.v[i], content);

		if (e == -ENOENT)
			err_drop(); /* removed just now */
		else if (e < 0)
			finding_of_error(f, FOUND_ARTIFACT, files.v[i], e);
	}
	return r;
}

/* --- manifest lists ------------------------------------------------------------------------------ */

static int check_instances(struct store *st, const struct list_record *rec)
{
	json_object_object_foreach(rec->instances, digest, where)
	{
		const char *id = NULL;

		if (!json_object_is_type(where, json_type_object))
			return err_new(-CE_CORRUPT, "%.19s: not an object", digest);
		if (json_get_str(where, "Image", &id) == 0 && id && !image_store_has(st, id))
			return err_new(-CE_CORRUPT, "its image %.12s is not there", id);
		err_drop();
	}
	return 0;
}

int check_lists(struct store *st, bool content, struct findings *f)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = store_names(st, STORE_LISTS, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		AUTO(list_record_done) struct list_record rec = {0};
		AUTO_STRV struct strv manifests = STRV_INIT;
		int e = list_store_load_file(st, files.v[i], &rec);

		if (e == 0)
			e = check_instances(st, &rec);
		if (e == 0)
			list_record_artifacts(&rec, &manifests);
		for (size_t k = 0; e == 0 && k < manifests.n; k++)
			e = check_blobs(st, manifests.v[k], MEDIA_OCI_MANIFEST, content);
		if (e < 0)
			finding_of_error(f, FOUND_LIST, files.v[i], e);
	}
	return r;
}

/* --- networks ------------------------------------------------------------------------------------ */

int check_networks(struct store *st, struct findings *f)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = network_list(st, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(network_record_done) struct network_record rec = {0};
		int e = network_load(st, names.v[i], &rec);

		if (e == 0 && strcmp(rec.name, names.v[i]) != 0)
			e = err_new(-CE_CORRUPT, "its record is that of %s", rec.name);
		if (e < 0)
			finding_of_error(f, FOUND_NETWORK, names.v[i], e);
	}
	return r;
}

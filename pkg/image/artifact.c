/* SPDX-License-Identifier: MIT */
#include "pkg/image/artifact.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/base/utf8.h"
#include "pkg/image/image.h"
#include "pkg/image/tag.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"
#include "pkg/oci/manifest.h"
#include "storage/event.h"

#define PREFIX_MIN 6

/* --- finding ----------------------------------------------------------------------------------- */

static int find_by_digest(struct store *st, const char *hex, struct artifact_record *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = artifact_store_names(st, &names);
	bool found = false;

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(artifact_record_done) struct artifact_record rec = {0};

		r = artifact_store_load(st, names.v[i], &rec);
		if (r < 0 || strncmp(digest_hex(rec.digest), hex, strlen(hex)) != 0)
			continue;
		if (found && strcmp(ret->digest, rec.digest) != 0) {
			artifact_record_done(ret);
			return err_new(-CE_AMBIGUOUS, "artifact %s", hex);
		}
		if (found)
			continue;
		found = true;
		*ret = rec;
		rec = (struct artifact_record){0};
	}
	return r < 0 ? r : found ? 0 : err_new(-CE_NO_ARTIFACT, "%s", hex);
}

static int find_by_name(struct store *st, const char *typed, struct artifact_record *ret)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *full = NULL;
	int r = reference_parse(typed, &ref);

	if (r < 0)
		return r;
	if (!ref.host) {
		AUTO_FREE char *local = NULL;

		r = image_tag_name(typed, &local);
		if (r == 0)
			r = artifact_store_load(st, local, ret);
		if (r != -CE_NO_ARTIFACT)
			return r;
		err_drop();
	}
	reference_normalise(&ref);
	full = reference_text(&ref);
	r = artifact_store_load(st, full, ret);
	return r == -CE_NO_ARTIFACT ? err_new(r, "%s", typed) : r;
}

int artifact_find(struct store *st, const char *typed, struct artifact_record *ret)
{
	const char *hex = strncmp(typed, "sha256:", 7) == 0 ? typed + 7 : typed;
	size_t n = strlen(hex);
	bool may_be_digest = n >= PREFIX_MIN && n <= 64 && hex_is_valid(hex, n);
	int r = hex != typed || (may_be_digest && n == 64) ? -CE_NO_ARTIFACT
							   : find_by_name(st, typed, ret);

	if (r != -CE_NO_ARTIFACT)
		return r;
	err_drop();
	return may_be_digest ? find_by_digest(st, hex, ret) : err_new(-CE_NO_ARTIFACT, "%s", typed);
}

/* --- looking ----------------------------------------------------------------------------------- */

int artifact_inspect(struct store *st, const char *typed, struct json_object **ret)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	struct json_object *o, *manifest = NULL;
	int r = artifact_find(st, typed, &rec);

	if (r == 0)
		r = json_parse(rec.manifest, strlen(rec.manifest), &manifest);
	if (r < 0)
		return r;
	o = json_object_new_object();
	json_set(o, "Manifest", manifest);
	json_set_str(o, "Name", rec.name);
	json_set_str(o, "Digest", rec.digest);
	*ret = o;
	return 0;
}

static int add_row(struct store *st, const char *name, bool no_trunc, struct json_object *rows)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	AUTO(manifest_done) struct manifest m = {0};
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *repository = NULL, *digest = NULL, *ago = NULL;
	char span[CLOCK_TEXT_MAX];
	struct json_object *o;
	uint64_t size = 0;
	int r = artifact_store_load(st, name, &rec);

	if (r == 0)
		r = manifest_parse(rec.manifest, strlen(rec.manifest), rec.media_type, &m);
	if (r == 0)
		r = reference_parse(rec.name, &ref);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < m.n_layers; i++)
		size += m.layers[i].size;
	repository = reference_name(&ref);
	digest = no_trunc ? xstrdup(digest_hex(rec.digest)) : xstrndup(digest_hex(rec.digest), 12);
	clock_format_span(clock_now_ns() - rec.created_ns, span);
	ago = xasprintf("%s ago", span);
	o = json_object_new_object();
	json_set_str(o, "Repository", repository);
	json_set_str(o, "Tag", ref.tag ? ref.tag : "<none>");
	json_set_str(o, "Digest", digest);
	json_set_str(o, "Created", ago);
	json_set_size(o, "Size", size);
	json_set_i64(o, "VirtualSize", (int64_t)size);
	(void)json_object_array_add(rows, o);
	return 0;
}

int artifact_rows(struct store *st, bool no_trunc, struct json_object **ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = artifact_store_names(st, &names);

	*ret = json_object_new_array();
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = add_row(st, names.v[i], no_trunc, *ret);
		r = err_forgive(r, -CE_NO_ARTIFACT); /* just removed */
	}
	return r;
}

int artifact_put_told(struct store *st, const char *status, const struct artifact_record *r)
{
	const char *id = r->digest + strlen("sha256:");
	struct event_pending event;
	int dir = store_runtime_fd(st), done;

	event_begin_named(dir, "artifact", status, id, r->name, &event);
	done = artifact_store_put(st, r);
	if (done == 0)
		event_named(dir, "artifact", status, id, r->name);
	event_over(dir, &event);
	return done;
}

int artifact_remove(struct store *st, const char *typed, struct artifact_record *ret)
{
	AUTO(artifact_record_done) struct artifact_record rec = {0};
	int r = artifact_find(st, typed, &rec);

	if (r == 0) {
		const char *id = rec.digest + strlen("sha256:");
		int dir = store_runtime_fd(st);
		struct event_pending event;

		event_begin_named(dir, "artifact", "remove", id, rec.name, &event);
		r = artifact_store_remove(st, rec.name);
		if (r == 0)
			event_named(dir, "artifact", "remove", id, rec.name);
		event_over(dir, &event);
	}
	if (r < 0)
		return r;
	*ret = rec;
	rec = (struct artifact_record){0};
	return 0;
}

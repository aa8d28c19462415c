/* SPDX-License-Identifier: MIT */
#include "storage/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "storage/check_internal.h"
#include "storage/image_store.h"
#include "storage/layer_internal.h"
#include "storage/secret.h"
#include "storage/store_internal.h"
#include "storage/volume.h"

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].what);
		free(f->v[i].more);
		free(f->v[i].how);
	}
	free(f->v);
	*f = (struct findings){0};
}

struct finding *finding_add(struct findings *f, enum finding_kind k, const char *name,
			    const char *what)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == k && strcmp(f->v[i].name, name) == 0)
			return &f->v[i];
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n] = (struct finding){.kind = k, .name = xstrdup(name), .what = xstrdup(what)};
	return &f->v[f->n++];
}

void finding_of_error(struct findings *f, enum finding_kind k, const char *name, int r)
{
	(void)finding_add(f, k, name, err_message(r));
	err_drop();
}

char *finding_text(const struct finding *f)
{
	static const char *const words[] = {
		[FOUND_LAYER] = "layer",
		[FOUND_LAYER_BLOB] = "archive of layer",
		[FOUND_LAYER_UNUSED] = "layer",
		[FOUND_IMAGE_RECORD] = "image",
		[FOUND_IMAGE] = "image",
		[FOUND_NAME] = "name",
		[FOUND_CACHE] = "cache",
		[FOUND_VOLUME_RECORD] = "volume",
		[FOUND_VOLUME_DATA] = "volume",
		[FOUND_SECRET] = "secret",
		[FOUND_SECRET_DATA] = "value of a secret",
		[FOUND_LIST] = "manifest list",
		[FOUND_ARTIFACT] = "artifact",
		[FOUND_NETWORK] = "network",
		[FOUND_LEFTOVER] = "leftover",
		[FOUND_CONTAINER] = "container",
		[FOUND_CONTAINER_NAME] = "container",
		[FOUND_CONTAINER_DIRS] = "container",
		[FOUND_CONTAINER_VOLUME] = "container",
	};
	bool id = hex_is_exactly(f->name, 64);
	bool escaped = f->kind == FOUND_NAME || f->kind == FOUND_LIST || f->kind == FOUND_ARTIFACT;
	AUTO_FREE char *reference = escaped ? ref_unescape(f->name) : NULL;

	if (reference)
		return xasprintf("%s %s", words[f->kind], reference);
	return xasprintf("%s %.*s", words[f->kind], id ? 12 : 4096, f->name);
}

/* --- layers ------------------------------------------------------------------------------------ */

static void check_layer(struct store *st, const char *diffid, struct findings *f)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	AUTO_FREE char *tree = path_join(diffid, "tree");
	int r;

	if (!layer_exists(st, diffid))
		return; /* lost with a machine that went down: whoever needs it misses it */
	r = layer_record_load(st, diffid, &rec);
	if (r < 0)
		finding_of_error(f, FOUND_LAYER, diffid, r);
	else if (!store_has(st, STORE_LAYERS, tree))
		(void)finding_add(f, FOUND_LAYER, diffid, "its directory is missing");
}

static void check_unused(struct store *st, const char *diffid, const struct strv *users,
			 int64_t before_s, struct findings *f)
{
	struct stat sb;

	if (!strv_has_sorted(users, diffid) &&
	    fstatat(store_fd(st, STORE_LAYERS), diffid, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    sb.st_mtim.tv_sec <= before_s)
		(void)finding_add(f, FOUND_LAYER_UNUSED, diffid, "nothing needs it");
}

static int check_layers(struct store *st, int64_t unused_age_s, struct findings *f)
{
	AUTO_STRV struct strv ids = STRV_INIT, users = STRV_INIT;
	int r = layer_list(st, &ids);
	bool known = layer_users(st, &users) == 0;

	err_drop(); /* who cannot be read is found by others */
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		check_layer(st, ids.v[i], f);
		if (known)
			check_unused(st, ids.v[i], &users, clock_now_ns() / NS_PER_S - unused_age_s,
				     f);
	}
	return r;
}

/* --- names of images --------------------------------------------------------------------------- */

static int check_names(struct store *st, struct findings *f)
{
	AUTO_STRV struct strv files = STRV_INIT, refs = STRV_INIT, ids = STRV_INIT;
	int r = store_names(st, STORE_REFS, &files);

	if (r == 0)
		r = ref_pairs(st, &refs, &ids, NULL);
	for (size_t i = 0; r == 0 && i < refs.n; i++) {
		AUTO_FREE char *file = ref_escape(refs.v[i]);

		for (size_t k = 0; k < files.n; k++)
			if (strcmp(files.v[k], file) == 0) {
				strv_remove(&files, k);
				break;
			}
		if (ref_is_own(st, refs.v[i]) && !image_store_has(st, ids.v[i]))
			(void)finding_add(f, FOUND_NAME, file, "its image is not there");
	}
	for (size_t k = 0; r == 0 && k < files.n; k++) /* ref_pairs() passed over these */
		(void)finding_add(f, FOUND_NAME, files.v[k], "it cannot be read");
	return r;
}

/* --- volumes and secrets ----------------------------------------------------------------------- */

static int check_volumes(struct store *st, struct findings *f)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = store_names(st, STORE_VOLUMES, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(volume_record_done) struct volume_record rec = {0};
		AUTO_FREE char *data = path_join(names.v[i], "_data");
		int e = volume_load(st, names.v[i], &rec);

		if (e == 0 && strcmp(rec.name, names.v[i]) != 0)
			e = err_new(-CE_CORRUPT, "its record is that of %s", rec.name);
		if (e < 0)
			finding_of_error(f, FOUND_VOLUME_RECORD, names.v[i], e);
		if (!store_has(st, STORE_VOLUMES, data))
			(void)finding_add(f, FOUND_VOLUME_DATA, names.v[i],
					  "its directory is missing");
	}
	return r;
}

/*
 * A value that no record names is what a creation left that was cut off, and goes: it is secret. While a
 * record cannot be read it may be that one's.
 */
static void check_secret_value(struct store *st, const char *file, bool all_known,
			       struct findings *f)
{
	if (all_known && unlinkat(store_fd(st, STORE_SECRETS), file, 0) == 0)
		return;
	(void)finding_add(f, FOUND_SECRET_DATA, file, "no secret has it");
}

static int check_secrets(struct store *st, struct findings *f)
{
	AUTO_STRV struct strv names = STRV_INIT, files = STRV_INIT, values = STRV_INIT;
	AUTO_CLOSE int lock = -EBADF;
	bool all_known = true;
	int r = store_is_empty(st, STORE_SECRETS);

	if (r != 0)
		return r < 0 ? r : 0;
	/* The lock wants an inode: with none left, what is being made may look like what was cut off. */
	lock = secret_lock(st);
	if (lock < 0)
		err_drop();
	r = secret_list(st, &names);
	if (r == 0)
		r = store_names(st, STORE_SECRETS, &files);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(secret_record_done) struct secret_record rec = {0};
		AUTO_SBUF struct sbuf value = SBUF_INIT;
		int e = secret_load(st, names.v[i], &rec);

		if (e == 0)
			e = secret_read(st, &rec, &value);
		if (e == 0 || rec.id)
			strv_addf(&values, "%s.data", rec.id);
		else
			all_known = false;
		if (e < 0)
			finding_of_error(f, FOUND_SECRET, names.v[i], e);
		secret_wipe(&value);
	}
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		if (lock >= 0 && has_ending(files.v[i], ".data") && !strv_has(&values, files.v[i]))
			check_secret_value(st, files.v[i], all_known, f);
	}
	return r;
}

/* --- all --------------------------------------------------------------------------------------- */

/*
 * After a sweep nothing is left here but what was put here since, what live processes are busy with, or
 * what will not go: the last is a finding.
 */
static int check_leftovers(struct store *st, struct findings *f)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r;

	if (store_trash_is_empty(st))
		return 0;
	r = store_trash_names(st, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *path = path_join("trash", names.v[i]);

		int e = store_trash_delete(st, names.v[i]);

		if (e < 0)
			finding_of_error(f, FOUND_LEFTOVER, path,
					 err_wrap(e, "it cannot be deleted"));
	}
	return r;
}

int store_check(struct store *st, int64_t unused_age_s, bool content, struct findings *ret)
{
	AUTO_CLOSE int lock = -EBADF;
	int r = check_leftovers(st, ret);

	if (r == 0)
		r = check_artifacts(st, content, ret);
	if (r < 0)
		return r;
	lock = store_lock(st, true);
	r = lock < 0 ? lock : check_images(st, ret);
	if (r == 0)
		r = check_layers(st, unused_age_s, ret);
	if (r == 0)
		r = check_names(st, ret);
	if (r == 0)
		r = stack_check(st, ret);
	if (r == 0)
		r = check_volumes(st, ret);
	if (r == 0)
		r = check_lists(st, content, ret);
	if (r == 0)
		r = check_networks(st, ret);
	return r < 0 ? r : check_secrets(st, ret);
}

static int drop(struct store *st, enum store_dir d, const char *name)
{
	int r = store_trash(st, d, name);

	if (r == -ENOENT)
		err_drop();
	return r == -ENOENT ? 0 : r;
}

int store_mend(struct store *st, struct finding *f)
{
	AUTO_CLOSE int lock = store_lock(st, true);
	struct strv one = {.v = &f->name, .n = 1};
	const char *done;
	int r;

	if (lock < 0)
		return lock;
	switch (f->kind) {
	case FOUND_LAYER_BLOB:
		r = layer_forget_blob(st, f->name);
		done = "it is not kept any more";
		break;
	case FOUND_LAYER_UNUSED:
		r = layer_remove_unused(st, &one);
		done = "removed";
		break;
	case FOUND_IMAGE_RECORD:
		r = image_store_rebuild(st, f->name);
		done = "its record was made again from its config";
		break;
	case FOUND_NAME:
		r = drop(st, STORE_REFS, f->name);
		done = "the name was removed";
		break;
	case FOUND_CACHE:
		r = drop(st, STORE_CACHE, f->name);
		done = "removed; it is made again when it is needed";
		break;
	case FOUND_VOLUME_RECORD:
	case FOUND_VOLUME_DATA:
		r = volume_rebuild(st, f->name, f->kind == FOUND_VOLUME_DATA);
		done = f->kind == FOUND_VOLUME_DATA
			       ? "it is an empty volume now"
			       : "its record was made again, without labels and options";
		break;
	case FOUND_SECRET_DATA:
		r = drop(st, STORE_SECRETS, f->name);
		done = "removed";
		break;
	default:
		return -ENOENT;
	}
	if (r < 0)
		return r;
	f->mended = true;
	free(f->how);
	f->how = xstrdup(done);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "pkg/container/check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/check_internal.h"
#include "pkg/container/container.h"
#include "pkg/image/transfer_client.h"
#include "pkg/runtime/base.h"
#include "storage/layer.h"
#include "storage/shared.h"
#include "storage/volume.h"

#define PASSES 3

/* --- containers -------------------------------------------------------------------------------- */

static bool is_there(struct store *st, const char *id, const char *file)
{
	AUTO_FREE char *path = path_join(id, file);
	struct stat sb;

	return fstatat(store_fd(st, STORE_CONTAINERS), path, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

static void check_layers_of(struct store *st, const struct strv *layers, struct findings *f)
{
	for (size_t i = 0; i < layers->n; i++)
		if (!layer_exists(st, layers->v[i]) && !shared_has(st, STORE_LAYERS, layers->v[i]))
			(void)finding_add(f, FOUND_LAYER, layers->v[i], "it is missing");
}

static void check_volumes_of(struct store *st, const struct container_record *rec,
			     struct findings *f)
{
	for (unsigned i = 0; i < rec->n_mounts; i++) {
		AUTO(volume_record_done) struct volume_record v = {0};
		const struct mount_spec *m = &rec->mounts[i];

		if (m->kind == MOUNT_VOLUME && m->source &&
		    volume_load(st, m->source, &v) == -CE_NO_VOLUME) {
			AUTO_FREE char *words = xasprintf("its volume %s is not there", m->source);

			(void)finding_add(f, FOUND_CONTAINER_VOLUME, rec->id, words);
		}
		err_drop();
	}
}

static void check_record(struct store *st, const struct container_record *rec, const char *id,
			 struct findings *f)
{
	char holder[65] = "";

	if (!rec->id || strcmp(rec->id, id) != 0 || !rec->name) {
		(void)finding_add(f, FOUND_CONTAINER, id, "its record is another's");
		return;
	}
	/* Not resolved as a user's word: that may be the beginning of its id, too. */
	if (store_name_holder(st, rec->name, holder) < 0 || strcmp(holder, id) != 0) {
		AUTO_FREE char *words = xasprintf("its name %s does not lead to it", rec->name);
		struct finding *one = finding_add(f, FOUND_CONTAINER_NAME, id, words);

		if (!one->more)
			one->more = xstrdup(rec->name);
		err_drop();
	}
	if (!is_there(st, id, "upper"))
		(void)finding_add(f, FOUND_CONTAINER_DIRS, id,
				  "the directory of its changes is missing");
	else if (!is_there(st, id, "work"))
		(void)finding_add(f, FOUND_CONTAINER_DIRS, id, "its work directory is missing");
	check_layers_of(st, &rec->layers, f);
	check_layers_of(st, &rec->mount_layers, f);
	check_volumes_of(st, rec, f);
}

static void check_container(struct store *st, const char *id, struct findings *f)
{
	AUTO(record_freep) struct container_record *rec = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = container_store_read(st, id, &text);

	if (r == 0)
		r = record_parse(text.s, text.len, &rec);
	/* What a --rm container lost to a power cut is no damage: it would not be there any more. */
	if (r < 0 && container_was_lost(st, id))
		return;
	if (r == -CE_NO_CONTAINER) {
		(void)finding_add(f, FOUND_CONTAINER, id, "it has no record");
	} else if (r == 0) {
		check_record(st, rec, id, f);
	} else {
		AUTO_FREE char *words = xasprintf("its record is damaged: %s", err_message(r));

		(void)finding_add(f, FOUND_CONTAINER, id, words);
	}
	err_drop();
}

static int check_containers(struct store *st, struct findings *f)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO(findings_done) struct findings here = {0};

		check_container(st, ids.v[i], &here);
		/* What was removed meanwhile looks like anything. */
		for (size_t k = 0; k < here.n && is_there(st, ids.v[i], "."); k++) {
			struct finding *from = &here.v[k];
			struct finding *to = finding_add(f, from->kind, from->name, from->what);

			if (from->more && !to->more)
				to->more = TAKE_PTR(from->more);
		}
	}
	return r;
}

/* Those that containers run on at the moment. */
static int busy_layers(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct container c;

		if (container_open_id(st, ids.v[i], &c) < 0) {
			err_drop();
			continue;
		}
		if (container_is_running(&c)) {
			strv_add_all(ret, &c.rec->layers);
			strv_add_all(ret, &c.rec->mount_layers);
		}
		container_done(&c);
	}
	strv_sort(ret);
	return r;
}

/* --- content ----------------------------------------------------------------------------------- */

static void on_damage(void *data, const char *words, const char *id)
{
	static const char archive[] = "archive:", tree[] = "tree:";
	struct findings *f = data;

	if (!words || strlen(id) != 64)
		return;
	if (strncmp(words, archive, strlen(archive)) == 0)
		(void)finding_add(f, FOUND_LAYER_BLOB, id, words + strlen(archive));
	else if (strncmp(words, tree, strlen(tree)) == 0)
		(void)finding_add(f, FOUND_LAYER, id, words + strlen(tree));
}

static int check_content(struct store *st, struct findings *f)
{
	const struct transfer_check all = {0};
	const struct transfer_handler h = {.image = on_damage, .data = f};
	AUTO_SBUF struct sbuf body = SBUF_INIT;

	transfer_check_put(&body, &all);
	return transfer_run(st, TRANSFER_CHECK, &body, NULL, 0, &h);
}

/* --- all --------------------------------------------------------------------------------------- */

static int look(struct store *st, const struct check_options *o, struct findings *f)
{
	int r;

	if (store_empty_trash(st) < 0)
		err_drop(); /* what does not go is found */
	r = store_check(st, o->unused_age_s, !o->quick, f);
	return r < 0 ? r : check_containers(st, f);
}

/* Records first: they say where the rest can be had. What nobody needs goes when all who need are known. */
static int mend_all(struct store *st, const struct check_options *o, struct findings *f)
{
	static const enum finding_kind first[] = {FOUND_IMAGE_RECORD, FOUND_IMAGE, FOUND_LAYER};
	AUTO_STRV struct strv busy = STRV_INIT;
	int r = busy_layers(st, &busy);

	if (r < 0)
		return r;
	check_distrust(st, f, &busy, true);
	for (size_t k = 0; k <= ARRAY_LEN(first); k++)
		for (size_t i = 0; i < f->n; i++)
			if (!f->v[i].mended && !f->v[i].how &&
			    (k == ARRAY_LEN(first) || f->v[i].kind == first[k]))
				check_mend(st, &f->v[i], o->force, &busy);
	check_distrust(st, f, &busy, false);
	return 0;
}

int store_check_all(struct store *st, const struct check_options *o, struct findings *ret)
{
	int r = base_enter_own(store_runtime_fd(st));

	if (r == 0)
		r = look(st, o, ret);
	if (r == 0 && !o->quick)
		r = check_content(st, ret);
	/* What is made right may show what was hidden behind it. */
	for (size_t pass = 0, before = 0; r == 0 && o->repair && ret->n > before && pass < PASSES;
	     pass++) {
		before = ret->n;
		r = mend_all(st, o, ret);
		if (r == 0)
			r = look(st, o, ret);
	}
	return r < 0 ? err_wrap(r, "check the store") : 0;
}

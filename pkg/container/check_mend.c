/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/check_internal.h"
#include "pkg/container/container.h"
#include "pkg/image/image.h"
#include "pkg/image/transfer_client.h"
#include "pkg/sys/lock.h"
#include "storage/container_store.h"
#include "storage/layer.h"

static void done(struct finding *f, char *how)
{
	f->mended = true;
	free(f->how);
	f->how = how;
}

static void in_vain(struct finding *f, const char *how)
{
	if (!f->how)
		f->how = xstrdup(how);
	err_drop();
}

/* --- what can be fetched again ----------------------------------------------------------------- */

/* By digest, so that it is what it was. The pull's own name for it goes again. */
static int pull(struct store *st, const char *name, char ret_id[65])
{
	const struct pull_options o = {.policy = PULL_ALWAYS, .access = {.tls_verify = -1}};
	bool had = ref_get(st, name, ret_id) == 0;
	int r;

	err_drop();
	r = image_pull(st, name, &o, ret_id);
	if (r == 0 && !had && ref_remove(st, name) < 0)
		err_drop();
	return r;
}

/* Where an image may be had: the digests it came by, then its names. */
static void sources(struct store *st, const char *id, struct strv *ret)
{
	AUTO(image_summary_done) struct image_summary s = {0};

	if (image_store_summary(st, id, &s) == 0)
		strv_add_all(ret, &s.repo_digests);
	if (image_store_names(st, id, ret) < 0)
		err_drop();
	err_drop();
	/* Names of this machine alone. */
	for (size_t i = ret->n; i-- > 0;)
		if (strncmp(ret->v[i], "localhost/", 10) == 0)
			strv_remove(ret, i);
}

static void mend_image(struct store *st, struct finding *f)
{
	AUTO_STRV struct strv from = STRV_INIT;
	char id[65];
	int r;

	sources(st, f->name, &from);
	r = image_store_distrust(st, f->name, true);
	for (size_t i = 0; r == 0 && i < from.n && !f->mended; i++) {
		if (pull(st, from.v[i], id) == 0 && strcmp(id, f->name) == 0)
			done(f, xasprintf("fetched again from %s", from.v[i]));
		else
			in_vain(f, *err_trail() ? err_trail() : "it is another image there now");
	}
	if (image_store_distrust(st, f->name, false) < 0)
		err_drop();
	in_vain(f, "no registry is known to have it; --force removes it, and it can then be loaded "
		   "again");
}

static int unpack_again(struct store *st, const char *diffid)
{
	const struct transfer_check one = {.layer = diffid};
	const struct transfer_handler h = {0};
	AUTO_SBUF struct sbuf body = SBUF_INIT;

	transfer_check_put(&body, &one);
	return transfer_run(st, TRANSFER_CHECK, &body, NULL, 0, &h);
}

/* The images that have it. */
static int images_with(struct store *st, const char *diffid, struct strv *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO(image_summary_done) struct image_summary s = {0};

		if (image_store_summary(st, ids.v[i], &s) < 0)
			err_drop();
		else if (strv_has(&s.diffids, diffid))
			strv_add(ret, ids.v[i]);
	}
	return r;
}

static void fetch_layer(struct store *st, struct finding *f, const struct strv *images)
{
	AUTO_STRV struct strv from = STRV_INIT;
	char id[65];

	for (size_t i = 0; i < images->n; i++)
		sources(st, images->v[i], &from);
	for (size_t i = 0; i < from.n && !f->mended; i++) {
		if (pull(st, from.v[i], id) == 0 && layer_exists(st, f->name))
			done(f, xasprintf("fetched again from %s", from.v[i]));
		else
			in_vain(f, *err_trail() ? err_trail() : "it is another image there now");
	}
	in_vain(f, "no registry is known to have it; --force removes its image, which can then be "
		   "loaded again");
}

static void mend_layer(struct store *st, struct finding *f, const struct strv *busy)
{
	AUTO(layer_record_done) struct layer_record rec = {0};
	AUTO_STRV struct strv images = STRV_INIT;
	bool has_blob;

	if (strv_has_sorted(busy, f->name)) {
		in_vain(f, "a container runs on it; stop that, and repair again");
		return;
	}
	if (layer_exists(st, f->name)) { /* came with another one's image */
		done(f, xstrdup("fetched again"));
		return;
	}
	has_blob = layer_record_load(st, f->name, &rec) == 0 && rec.has_blob;
	err_drop();
	if (images_with(st, f->name, &images) < 0) {
		in_vain(f, err_trail());
		return;
	}
	if (has_blob && unpack_again(st, f->name) == 0)
		done(f, xstrdup("unpacked again from the archive that was kept of it"));
	err_drop();
	if (!f->mended)
		fetch_layer(st, f, &images);
}

/*
 * All that are damaged at once: one may have hard links into others, and a pull fetches what is not
 * there. @on false: those that nothing was found for are what they were.
 */
void check_distrust(struct store *st, struct findings *f, const struct strv *busy, bool on)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == FOUND_LAYER && !f->v[i].mended &&
		    !strv_has_sorted(busy, f->v[i].name) &&
		    layer_distrust(st, f->v[i].name, on) < 0)
			in_vain(&f->v[i], err_trail());
}

/* --- containers -------------------------------------------------------------------------------- */

static void remove_container(struct store *st, struct finding *f)
{
	if (container_has_monitor(st, f->name))
		in_vain(f, "it runs");
	else if (container_store_remove(st, f->name, NULL) < 0)
		in_vain(f, err_trail());
	else
		done(f, xstrdup("the container was removed"));
}

static void make_dirs(struct store *st, struct finding *f)
{
	struct container_dirs d = {.data_fd = -EBADF, .runtime_fd = -EBADF};

	if (container_has_monitor(st, f->name)) {
		in_vain(f, "it runs");
		return;
	}
	if (container_store_look(st, f->name, &d) < 0 ||
	    (mkdirat(d.data_fd, "upper", 0700) < 0 && errno != EEXIST) ||
	    (mkdirat(d.data_fd, "work", 0700) < 0 && errno != EEXIST))
		in_vain(f, *err_trail() ? err_trail() : err_text(-errno));
	else if (strstr(f->what, "changes") &&
		 fchmodat(d.data_fd, "upper", CONTAINER_UPPER_FRESH, 0) == 0)
		done(f, xstrdup("it is as its image is; its changes are lost"));
	else
		done(f, xstrdup("made again"));
	container_dirs_done(&d);
}

static void mend_container(struct store *st, struct finding *f)
{
	switch (f->kind) {
	case FOUND_CONTAINER_DIRS:
		make_dirs(st, f);
		break;
	case FOUND_CONTAINER_NAME:
		if (container_store_name(st, f->name, NULL, f->more) < 0)
			in_vain(f, err_trail());
		else
			done(f, xstrdup("it has its name again"));
		break;
	default:
		break;
	}
}

/* --- what cannot be mended --------------------------------------------------------------------- */

static void remove_image(struct store *st, struct finding *f, const char *id)
{
	if (image_store_remove(st, id, IMAGE_REMOVE_NAMED) == 0) {
		done(f, xasprintf("the image %.12s was removed", id));
		return;
	}
	freep(&f->how);
	in_vain(f, err_trail());
}

static void remove_record(struct store *st, struct finding *f, enum store_dir d, const char *file)
{
	if (store_trash(st, d, file) == 0)
		done(f, xstrdup("it was removed"));
	err_drop();
}

static void remove_for_good(struct store *st, struct finding *f)
{
	AUTO_STRV struct strv images = STRV_INIT;

	switch (f->kind) {
	case FOUND_CONTAINER:
		remove_container(st, f);
		break;
	case FOUND_IMAGE:
	case FOUND_IMAGE_RECORD:
		remove_image(st, f, f->name);
		break;
	case FOUND_LAYER:
		if (images_with(st, f->name, &images) < 0)
			err_drop();
		for (size_t i = 0; i < images.n; i++)
			remove_image(st, f, images.v[i]);
		break;
	case FOUND_SECRET: {
		AUTO_FREE char *file = xasprintf("%s.json", f->name);

		remove_record(st, f, STORE_SECRETS, file);
		break;
	}
	case FOUND_LIST:
		remove_record(st, f, STORE_LISTS, f->name);
		break;
	case FOUND_ARTIFACT:
		remove_record(st, f, STORE_ARTIFACTS, f->name);
		break;
	case FOUND_NETWORK: {
		AUTO_FREE char *file = xasprintf("%s.json", f->name);

		remove_record(st, f, STORE_NETWORKS, file);
		break;
	}
	default:
		break;
	}
}

void check_mend(struct store *st, struct finding *f, bool force, const struct strv *busy)
{
	int r = store_mend(st, f);

	if (r == -ENOENT && f->kind == FOUND_LAYER)
		mend_layer(st, f, busy);
	else if (r == -ENOENT && f->kind == FOUND_IMAGE)
		mend_image(st, f);
	else if (r == -ENOENT)
		mend_container(st, f);
	else if (r < 0)
		in_vain(f, err_message(r));
	if (!f->mended && force && !strv_has_sorted(busy, f->name))
		remove_for_good(st, f);
}

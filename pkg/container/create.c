/* SPDX-License-Identifier: MIT */
/*
 * Creating: check everything, ensure the image, make volumes, then the container's directory and
 * name in one visible step (storage/container_store.h). Volumes that a failed creation made
 * and that are anonymous go again; a named one stays, as after docker's.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/explain.h"
#include "pkg/container/inspect.h"
#include "pkg/container/make.h"
#include "pkg/container/userns.h"
#include "pkg/container/volumes.h"
#include "pkg/image/image.h"
#include "pkg/json/json.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/random.h"
#include "storage/event.h"
#include "storage/layer.h"

static int pull_policy(const char *s, enum pull_policy *ret)
{
	if (!s || strcmp(s, "missing") == 0 || strcmp(s, "ifnotpresent") == 0)
		*ret = PULL_MISSING;
	else if (strcmp(s, "always") == 0 || strcmp(s, "true") == 0)
		*ret = PULL_ALWAYS;
	else if (strcmp(s, "never") == 0 || strcmp(s, "false") == 0)
		*ret = PULL_NEVER;
	else if (strcmp(s, "newer") == 0)
		*ret = PULL_NEWER;
	else
		return err_usage("--pull '%s': use always, missing, never or newer", s);
	return 0;
}

static int find_image(struct store *st, const struct container_request *q, const char *name,
		      struct image_record **ret, char **ret_name)
{
	struct pull_options o = {.report = q->report, .access = q->access};
	const char *wanted = platform_or_default(q->platform, q->os, q->arch, q->variant);
	AUTO_FREE char *platform = NULL;
	int r = pull_policy(q->pull, &o.policy);

	if (r == 0)
		r = platform_choice(wanted, q->os, q->arch, q->variant, &platform);
	o.platform = platform;
	return r < 0 ? r : image_ensure(st, name, &o, ret, ret_name);
}

/* --mount type=image: pulled like the container's own, its layers kept by the record. */
static int find_mounted_images(struct store *st, const struct container_request *q,
			       struct container_record *rec)
{
	for (unsigned i = 0; i < rec->n_mounts; i++) {
		struct mount_spec *m = &rec->mounts[i];
		struct image_record *image = NULL;
		char *name = NULL;
		int r;

		if (m->kind != MOUNT_IMAGE)
			continue;
		if (!m->layers.n) { /* else it came with --volumes-from */
			r = find_image(st, q, m->source, &image, &name);
			if (r < 0)
				return err_wrap(r, "mount of image %s", m->source);
			strv_add_all(&m->layers, &image->diffids);
			free(m->source);
			m->source = xstrdup(name ? name : image->id);
			image_record_free(image);
			free(name);
		}
		for (size_t k = 0; k < m->layers.n; k++)
			if (!strv_has(&rec->mount_layers, m->layers.v[k]))
				strv_add(&rec->mount_layers, m->layers.v[k]);
	}
	return 0;
}

/* --requires: by id, so that a new name does not lose them. */
static int find_required(struct store *st, const struct container_request *q,
			 struct container_record *rec)
{
	for (size_t i = 0; i < q->requires.n; i++) {
		AUTO_STRV struct strv names = STRV_INIT;

		strv_split(&names, q->requires.v[i], ',');
		for (size_t k = 0; k < names.n; k++) {
			char id[65];
			int r = container_store_resolve(st, names.v[k], id);

			if (r < 0)
				return err_wrap(r, "--requires");
			if (!strv_has(&rec->requires, id))
				strv_add(&rec->requires, id);
		}
	}
	return 0;
}

/* With store_lock(): nobody has removed what find_mounted_images() found. */
static int check_mounted_layers(struct store *st, const struct container_record *rec)
{
	for (size_t i = 0; i < rec->mount_layers.n; i++)
		if (!layer_exists(st, rec->mount_layers.v[i]))
			return err_new(-CE_NO_IMAGE,
				       "an image to be mounted was removed meanwhile");
	return 0;
}

/* The file is ours alone: one that is there already is somebody's. */
static int write_cidfile(const char *path, const char *id)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r;

	if (fd < 0 && errno == EEXIST)
		return err_usage("--cidfile %s: the file exists; remove it or name another", path);
	if (fd < 0)
		return err_new(-errno, "--cidfile %s", path);
	r = write_full(fd, id, 64);
	return r < 0 ? err_new(r, "--cidfile %s", path) : 0;
}

/* --replace: an older container of the same name makes room. */
static int make_room(struct store *st, const struct container_request *q)
{
	const struct remove_options o = {.force = true, .grace_s = -2};
	struct container old;
	int r;

	if (!q->replace)
		return 0;
	if (!q->name)
		return err_usage("--replace needs --name");
	r = container_open(st, q->name, &old);
	if (r == -CE_NO_CONTAINER) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return r;
	r = container_remove(st, &old, &o);
	container_done(&old);
	return r;
}

/* What holds the name may be what a crash left of a --rm container: looking at it removes it. */
static bool name_became_free(struct store *st, const char *name)
{
	struct container old;
	int r = container_open(st, name, &old);

	if (r == 0)
		container_done(&old);
	return r == -CE_NO_CONTAINER;
}

static void name_to_hostname(const struct container_request *q, struct container_record *rec)
{
	if (!q->name_as_hostname || q->hostname || strcmp(rec->ns_uts, "private") != 0 ||
	    strlen(rec->name) > HOST_NAME_MAX)
		return;
	free(rec->hostname);
	rec->hostname = xstrdup(rec->name);
}

static int create_record(struct store *st, const struct container_request *q,
			 struct container_record *rec, struct container_dirs *dirs,
			 struct event_pending *event)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	char trail[512];
	int r;

	for (bool again = true;;) {
		if (!q->name) {
			free(rec->name);
			rec->name = container_name_new(st);
		}
		name_to_hostname(q, rec);
		sbuf_reset(&text);
		record_write(rec, &text);
		container_event_begin(st, rec, "create", event);
		r = container_store_create(st, rec->id, rec->name, text.s, text.len,
					   !rec->auto_remove, dirs);
		if (r < 0)
			event_over(store_runtime_fd(st), event);
		if (r != -CE_NAME_IN_USE)
			return r;
		(void)snprintf(trail, sizeof(trail), "%s", err_trail());
		/* Somebody took the name we had just made up: make another. */
		if (q->name && (!again || !name_became_free(st, q->name)))
			return err_set(r, trail);
		again = !q->name;
		err_drop();
	}
}

/* --rootfs DIR[:O]: no image, and nothing of the store but what an overlay needs. */
static int find_rootfs(const struct store *s, const char *spec, struct container_record *rec)
{
	const char *options = strrchr(spec, ':');
	AUTO_FREE char *dir = NULL, *real = NULL, *own = NULL;
	struct stat st;

	if (options && (strcmp(options, ":idmap") == 0 || strncmp(options, ":idmap=", 7) == 0))
		return err_usage("--rootfs %s: the kernel lets only root map the ids of a "
				 "directory; :O or nothing is possible",
				 spec);
	rec->rootfs_overlay = options && strcmp(options, ":O") == 0;
	dir = rec->rootfs_overlay ? xstrndup(spec, (size_t)(options - spec)) : xstrdup(spec);
	rec->rootfs = path_absolute(dir);
	if (stat(rec->rootfs, &st) < 0)
		return err_usage("--rootfs %s: %s", rec->rootfs, err_text(-errno));
	if (!S_ISDIR(st.st_mode))
		return err_usage("--rootfs %s: not a directory", rec->rootfs);
	if (strcmp(rec->rootfs, "/") == 0)
		return err_usage("--rootfs /: the host's own root cannot be a container's; name a "
				 "directory below it");
	/* The kernel takes no overlay whose layers lie in each other. */
	real = realpath(rec->rootfs, NULL);
	own = realpath(store_root(s), NULL);
	if (rec->rootfs_overlay && real && own && path_is_within(own, real))
		return err_usage(
			"--rootfs %s:O: this directory holds cuddy's own files (%s), to which "
			"changes would be written; name another, or another --root",
			rec->rootfs, own);
	rec->image = xstrdup("");
	rec->image_id = xstrdup("");
	return 0;
}

static void keep_image_facts(const struct image_record *image, const char *name,
			     struct container_record *rec)
{
	rec->image = xstrdup(name ? name : image->id);
	rec->image_id = xstrdup(image->id);
	rec->image_digest = image->manifest_digest ? xstrdup(image->manifest_digest) : NULL;
	strv_add_all(&rec->layers, &image->diffids);
}

/* From here until the container's record stands, nobody may remove the image as unused. */
static int keep_image(struct store *st, const char *id)
{
	AUTO_CLOSE int lock = store_lock(st, false);

	if (lock < 0)
		return lock;
	if (id && !image_store_has(st, id))
		return err_new(-CE_NO_IMAGE, "%.12s was removed meanwhile", id);
	return TAKE_FD(lock);
}

int container_decide(struct store *st, const struct container_request *q,
		     struct container_record **ret)
{
	AUTO(record_freep) struct container_record *rec = NULL;
	struct image_record *image = NULL;
	struct image_config cfg = {0};
	char *image_name = NULL;
	int r = q->rootfs || !q->image ? 0 : find_image(st, q, q->image, &image, &image_name);

	if (r == 0 && image)
		r = image_config_parse(image->config, image->config_len, &cfg);
	if (r == 0)
		r = container_make(st, q, &cfg, &rec);
	if (r == 0 && q->rootfs) {
		r = find_rootfs(st, q->image, rec);
	} else if (r == 0 && !q->image) {
		rec->image = xstrdup("");
		rec->image_id = xstrdup("");
	}
	if (r == 0)
		r = find_mounted_images(st, q, rec);
	if (r == 0)
		r = find_required(st, q, rec);
	if (r == 0) {
		rec->name = q->name ? xstrdup(q->name) : NULL;
		if (image)
			keep_image_facts(image, image_name, rec);
		*ret = TAKE_PTR(rec);
	}
	image_config_done(&cfg);
	image_record_free(image);
	free(image_name);
	return r;
}

/* containers.conf can ask for all of it to be in the event; without it when it does not work out. */
static void tell_created(struct store *st, const struct container_request *q,
			 const struct container_record *rec)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT, extra = SBUF_INIT;
	AUTO_JSON struct json_object *member = json_object_new_object();
	struct container c;

	if (q->inspect_in_event && container_open_id(st, rec->id, &c) == 0) {
		if (container_inspect(st, &c, &o) == 0) {
			json_write(o, false, &text);
			json_set_str(member, "ContainerInspectData", text.s);
			json_write_members(member, &extra);
		}
		container_done(&c);
		err_drop();
	}
	container_event(st, rec, "create", extra.len ? extra.s : NULL);
}

/* Once all that the request names is known to be there. */
static int create_decided(struct store *st, const struct container_request *q,
			  struct container_record *rec, struct container_dirs *dirs,
			  struct event_pending *event)
{
	AUTO_CLOSE int lock = -EBADF, ids_lock = -EBADF;
	int r = make_room(st, q);

	if (r < 0)
		return r;
	lock = keep_image(st, *rec->image_id ? rec->image_id : NULL);
	r = lock < 0 ? lock : check_mounted_layers(st, rec);
	if (r == 0)
		r = userns_allocate(st, rec, &ids_lock);
	if (r < 0)
		return r;
	r = volumes_make(st, rec);
	if (r == 0)
		r = create_record(st, q, rec, dirs, event);
	if (r < 0)
		volumes_unmake(st, rec);
	return r;
}

int container_create(struct store *st, const struct container_request *q, struct container *ret)
{
	AUTO(record_freep) struct container_record *rec = NULL;
	struct container_dirs dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	struct event_pending event = {.fd = -EBADF};
	char id[65];
	int r = container_decide(st, q, &rec);

	if (r < 0)
		return r;
	random_id(id);
	rec->id = xstrdup(id);
	rec->created_ns = clock_now_ns();
	/* Before --replace takes anything away: a file that is there is the caller's slip. */
	if (q->cidfile) {
		r = write_cidfile(q->cidfile, id);
		rec->cidfile = path_absolute(q->cidfile);
	}
	if (r < 0)
		return r;
	r = create_decided(st, q, rec, &dirs, &event);
	if (r < 0) {
		if (q->cidfile)
			(void)unlink(q->cidfile);
		return r;
	}
	*ret = (struct container){
		.rec = TAKE_PTR(rec), .dirs = dirs, .state = {.status = CONMON_CREATED}};
	tell_created(st, q, ret->rec);
	event_over(store_runtime_fd(st), &event);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>

#include "cmd/info.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/registries.h"
#include "pkg/config/storage_conf.h"
#include "pkg/container/list.h"
#include "pkg/json/json.h"
#include "storage/image_store.h"
#include "storage/store.h"

static const char *fs_name(unsigned long magic)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = {
		{EXT4_SUPER_MAGIC, "extfs"},
		{XFS_SUPER_MAGIC, "xfs"},
		{BTRFS_SUPER_MAGIC, "btrfs"},
		{TMPFS_MAGIC, "tmpfs"},
		{OVERLAYFS_SUPER_MAGIC, "overlayfs"},
		{F2FS_SUPER_MAGIC, "f2fs"},
		{NFS_SUPER_MAGIC, "nfs"},
		{0x2fc12fc1, "zfs"},
		{0xca451a4e, "bcachefs"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].magic == magic)
			return known[i].name;
	return "unknown";
}

static int count_containers(struct store *st, struct json_object **ret)
{
	const struct list_query q = {.all = true, .filters = &(struct strv)STRV_INIT};
	AUTO_JSON struct json_object *rows = NULL, *json = NULL;
	int64_t all, running = 0, paused = 0;
	struct json_object *o;
	int r = container_list(st, &q, &rows, &json);

	if (r < 0)
		return r;
	all = (int64_t)json_object_array_length(rows);
	for (int64_t i = 0; i < all; i++) {
		const char *state = "";

		r = json_get_str(json_object_array_get_idx(rows, (size_t)i), "State", &state);
		if (r < 0)
			return r;
		running += strcmp(state, "running") == 0;
		paused += strcmp(state, "paused") == 0;
	}
	o = json_object_new_object();
	json_set_i64(o, "number", all);
	json_set_i64(o, "paused", paused);
	json_set_i64(o, "running", running);
	json_set_i64(o, "stopped", all - running - paused);
	*ret = o;
	return 0;
}

static int count_images(struct store *st, struct json_object **ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = image_store_list(st, &ids);

	if (r < 0)
		return r;
	*ret = json_object_new_object();
	json_set_i64(*ret, "number", (int64_t)ids.n);
	return 0;
}

/* As podman says it: fuse-overlayfs is a program that overlay is mounted with. */
static struct json_object *graph_options(const struct store *st)
{
	struct json_object *o = json_object_new_object(), *program;
	const char *path;

	if (store_driver(st) != STORE_FUSE_OVERLAY)
		return o;
	program = json_object_new_object();
	if (driver_fuse_program(&path) < 0) {
		err_drop();
		path = "";
	}
	json_set_str(program, "Executable", path);
	json_set(o, "overlay.mount_program", program);
	return o;
}

static struct json_object *graph_status(const struct store *st, const struct statfs *fs)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "Backing Filesystem", fs_name((unsigned long)fs->f_type));
	if (store_driver(st) == STORE_VFS)
		return o;
	json_set_str(o, "Native Overlay Diff",
		     store_driver(st) == STORE_OVERLAY ? "true" : "false");
	json_set_str(o, "Using metacopy", "false");
	return o;
}

int info_store(struct store *st, struct json_object **ret)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	struct json_object *containers = NULL, *images = NULL;
	AUTO_FREE char *staging = path_join(store_root(st), "staging");
	AUTO_FREE char *volumes = path_join(store_root(st), "volumes"), *conf = storage_conf_path();
	struct statfs fs = {0};
	int r = count_containers(st, &containers);

	(void)statfs(store_root(st), &fs);
	json_set_str(o, "configFile", conf);
	json_set(o, "containerStore", containers);
	json_set_str(o, "graphDriverName", driver_name(store_driver(st)));
	json_set(o, "graphOptions", graph_options(st));
	json_set_str(o, "graphRoot", store_root(st));
	json_set_i64(o, "graphRootAllocated", (int64_t)fs.f_blocks * fs.f_bsize);
	json_set_str(o, "imageCopyTmpDir", staging);
	json_set_i64(o, "graphRootUsed", (int64_t)(fs.f_blocks - fs.f_bfree) * fs.f_bsize);
	json_set(o, "graphStatus", graph_status(st, &fs));
	if (r == 0)
		r = count_images(st, &images);
	json_set(o, "imageStore", images);
	json_set_str(o, "runRoot", store_runroot(st));
	json_set_bool(o, "transientStore", false);
	json_set_str(o, "volumePath", volumes);
	if (r == 0)
		*ret = TAKE_PTR(o);
	return r;
}

static struct json_object *describe_rule(const struct registry_rule *rule)
{
	struct json_object *o = json_object_new_object(), *mirrors = json_object_new_array();

	for (unsigned i = 0; i < rule->n_mirrors; i++) {
		struct json_object *m = json_object_new_object();

		json_set_str(m, "Location", rule->mirrors[i].location);
		json_set_bool(m, "Insecure", rule->mirrors[i].insecure);
		(void)json_object_array_add(mirrors, m);
	}
	json_set_str(o, "Prefix", rule->prefix ? rule->prefix : rule->location);
	json_set_str(o, "Location", rule->location ? rule->location : rule->prefix);
	json_set_bool(o, "Insecure", rule->insecure);
	json_set_bool(o, "Blocked", rule->blocked);
	json_set_bool(o, "MirrorByDigestOnly", rule->mirror_by_digest_only);
	json_set(o, "Mirrors", mirrors);
	return o;
}

int info_registries(struct json_object **ret)
{
	AUTO(registries_done) struct registries conf = {0};
	int r = registries_load(&conf);

	if (r < 0)
		return r;
	*ret = json_object_new_object();
	if (conf.search.n)
		json_set(*ret, "search", json_from_strv(&conf.search));
	for (unsigned i = 0; i < conf.n_rules; i++) {
		const struct registry_rule *rule = &conf.rules[i];

		json_set(*ret, rule->prefix ? rule->prefix : rule->location, describe_rule(rule));
	}
	return 0;
}

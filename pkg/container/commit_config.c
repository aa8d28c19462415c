/* SPDX-License-Identifier: MIT */
#include "pkg/container/commit_config.h"

#include <fcntl.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/image/changes.h"
#include "pkg/json/json.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"
#include "storage/image_store.h"

#define CONFIG_MAX (1U << 20)

static char *copy(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

/* What cuddy itself put into the environment is not the image's. */
static bool is_ours(const struct container_record *rec, const char *assignment)
{
	return strcmp(assignment, "container=podman") == 0 ||
	       strncmp(assignment, "HOSTNAME=", 9) == 0 ||
	       (rec->tty && strcmp(assignment, "TERM=xterm") == 0);
}

static void own_env(const struct container_record *rec, struct strv *ret)
{
	for (size_t i = 0; i < rec->env.n; i++)
		if (!is_ours(rec, rec->env.v[i]))
			strv_add(ret, rec->env.v[i]);
}

static void own_volumes(const struct container_record *rec, bool all, struct strv *ret)
{
	for (unsigned i = 0; i < rec->n_mounts; i++) {
		const struct mount_spec *m = &rec->mounts[i];

		if (m->kind != MOUNT_TMPFS && (all || m->anonymous) && !strv_has(ret, m->target))
			strv_add(ret, m->target);
	}
}

static struct json_object *rootfs_of(const struct strv *diffids)
{
	struct json_object *o = json_object_new_object(), *ids = json_object_new_array();

	for (size_t i = 0; i < diffids->n; i++) {
		AUTO_FREE char *id = xasprintf("sha256:%s", diffids->v[i]);

		(void)json_object_array_add(ids, json_object_new_string(id));
	}
	json_set_str(o, "type", "layers");
	json_set(o, "diff_ids", ids);
	return o;
}

static void merge(struct strv *into, const struct strv *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (strchr(more->v[i], '='))
			strv_env_set(into, more->v[i]);
		else if (!strv_has(into, more->v[i]))
			strv_add(into, more->v[i]);
}

static void replace(struct strv *list, const struct strv *by)
{
	if (!by->n)
		return;
	strv_done(list);
	strv_add_all(list, by);
}

static void replace_text(char **text, const char *by)
{
	if (!by || !*by)
		return;
	free(*text);
	*text = xstrdup(by);
}

/* What an image may say under "config", and is used; a word that means nothing is a slip. */
static int check_keys(struct json_object *o)
{
	static const char *const known[] = {"User",       "Env",     "Cmd",          "Entrypoint",
					    "WorkingDir", "Labels",  "ExposedPorts", "Volumes",
					    "StopSignal", "OnBuild", "Shell"};

	json_object_object_foreach(o, key, value)
	{
		bool found = false;

		(void)value;
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found = found || strcmp(key, known[i]) == 0;
		if (!found)
			return err_usage("'%s' is none of User, Env, Cmd, Entrypoint, WorkingDir, "
					 "Labels, ExposedPorts, Volumes, StopSignal, OnBuild, "
					 "Shell",
					 key);
	}
	return 0;
}

static int read_config(const char *path, struct image_config *ret)
{
	AUTO_JSON struct json_object *o = NULL, *image = json_object_new_object();
	AUTO_SBUF struct sbuf text = SBUF_INIT, whole = SBUF_INIT;
	struct platform p = {0};
	int r = file_read_at(AT_FDCWD, path, CONFIG_MAX, &text);

	if (r == 0)
		r = json_parse(text.s ? text.s : "", text.len, &o);
	if (r == 0 && !json_object_is_type(o, json_type_object))
		r = err_new(-CE_BAD_FORMAT, "not an object");
	if (r == 0)
		r = check_keys(o);
	if (r < 0)
		return r;
	platform_host(&p);
	json_set_str(image, "architecture", p.architecture);
	json_set_str(image, "os", p.os);
	json_set(image, "rootfs", rootfs_of(&(struct strv)STRV_INIT));
	json_set(image, "config", json_object_get(o));
	platform_done(&p);
	json_write(image, false, &whole);
	return image_config_parse(whole.s, whole.len, ret);
}

/* --config: lists of names are added to, all else takes the place of what there was. */
static int merge_config(const char *path, struct image_config *c)
{
	AUTO(image_config_done) struct image_config more = {0};
	int r = read_config(path, &more);

	if (r < 0)
		return err_wrap(r, "--config %s", path);
	merge(&c->env, &more.env);
	merge(&c->labels, &more.labels);
	merge(&c->exposed_ports, &more.exposed_ports);
	merge(&c->volumes, &more.volumes);
	replace(&c->cmd, &more.cmd);
	replace(&c->entrypoint, &more.entrypoint);
	replace(&c->onbuild, &more.onbuild);
	replace(&c->shell, &more.shell);
	replace_text(&c->user, more.user);
	replace_text(&c->working_dir, more.working_dir);
	replace_text(&c->stop_signal, more.stop_signal);
	return 0;
}

/* The container's settings, then --config, then --change. @c has what the image says of itself alone. */
static int settings(const struct container_record *rec, const struct commit_options *o,
		    struct image_config *c)
{
	strv_done(&c->env);
	strv_done(&c->cmd);
	strv_done(&c->entrypoint);
	strv_done(&c->labels);
	freep(&c->user);
	freep(&c->working_dir);
	own_env(rec, &c->env);
	strv_add_all(&c->cmd, &rec->cmd);
	strv_add_all(&c->entrypoint, &rec->entrypoint);
	strv_add_all(&c->labels, &rec->labels);
	c->user = copy(rec->user);
	c->working_dir = copy(rec->workdir);
	for (size_t i = 0; i < rec->exposed_ports.n; i++)
		if (!strv_has(&c->exposed_ports, rec->exposed_ports.v[i]))
			strv_add(&c->exposed_ports, rec->exposed_ports.v[i]);
	if (o->volumes)
		own_volumes(rec, true, &c->volumes);
	if (o->config) {
		int r = merge_config(o->config, c);

		if (r < 0)
			return r;
	}
	return image_changes_apply(o->changes, c);
}

int commit_config_check(const struct container_record *rec, const struct commit_options *o)
{
	AUTO(image_config_done) struct image_config c = {0};

	return settings(rec, o, &c);
}

/* A removed image leaves a container that can be committed all the same. */
static int base_document(struct store *st, const struct container_record *rec,
			 struct json_object **ret, struct image_config *c)
{
	struct image_record *image = NULL;
	struct platform p = {0};
	int r = rec->image_id && *rec->image_id ? image_store_load(st, rec->image_id, &image)
						: -CE_NO_IMAGE;

	if (r == 0) {
		r = json_parse(image->config, image->config_len, ret);
		if (r == 0)
			r = image_config_parse(image->config, image->config_len, c);
		image_record_free(image);
		return r;
	}
	if (r != -CE_NO_IMAGE)
		return r;
	err_drop();
	*ret = json_object_new_object();
	platform_host(&p);
	json_set_str(*ret, "architecture", p.architecture);
	json_set_str(*ret, "os", p.os);
	if (p.variant)
		json_set_str(*ret, "variant", p.variant);
	platform_done(&p);
	return 0;
}

static struct json_object *step_of(const struct container_record *rec,
				   const struct commit_options *o, const char *when)
{
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_FREE char *by = NULL;
	struct json_object *step = json_object_new_object();

	strv_add_all(&argv, &rec->entrypoint);
	strv_add_all(&argv, &rec->cmd);
	by = strv_join(&argv, " ");
	json_set_str(step, "created", when);
	json_set_str(step, "created_by", by);
	if (o->author)
		json_set_str(step, "author", o->author);
	if (o->message)
		json_set_str(step, "comment", o->message);
	return step;
}

/* The history of what lies below, which a squashed image has nothing of. */
static struct json_object *history_of(struct json_object *doc, bool squash, size_t n_lower)
{
	struct json_object *old = NULL, *all = json_object_new_array();
	size_t n, layers = 0;

	if (squash || json_get_arr(doc, "history", &old) < 0 || !old)
		return all;
	n = json_object_array_length(old);
	for (size_t i = 0; i < n; i++) {
		struct json_object *step = json_object_array_get_idx(old, i);
		bool empty = false;

		(void)json_get_bool(step, "empty_layer", &empty);
		layers += !empty;
		(void)json_object_array_add(all, json_object_get(step));
	}
	/* One that speaks of other layers than there are is of no use, and our step would be misread. */
	if (n && layers != n_lower) {
		(void)json_object_put(all);
		all = json_object_new_array();
		for (size_t i = 0; i < n_lower; i++)
			(void)json_object_array_add(all, json_object_new_object());
	}
	return all;
}

/* What an older docker wrote about the container that made the image below. */
static void drop_stale(struct json_object *doc)
{
	static const char *const keys[] = {
		"container", "container_config",          "id", "parent", "docker_version",
		"comment",   "moby.buildkit.buildinfo.v1"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_object_del(doc, keys[i]);
}

int commit_config(struct store *st, const struct container_record *rec,
		  const struct commit_options *o, const struct strv *diffids, int64_t now_ns,
		  struct sbuf *out)
{
	AUTO_JSON struct json_object *doc = NULL;
	AUTO(image_config_done) struct image_config c = {0};
	struct json_object *config = NULL, *history;
	char when[CLOCK_TEXT_MAX];
	int r = base_document(st, rec, &doc, &c);

	if (r == 0)
		r = settings(rec, o, &c);
	if (r == 0)
		r = json_get_obj(doc, "config", &config);
	if (r < 0)
		return r;
	config = config ? json_object_get(config) : json_object_new_object();
	image_changes_write(&c, config);
	clock_format_utc(now_ns, when);
	drop_stale(doc);
	history = history_of(doc, o->squash, diffids->n - 1);
	(void)json_object_array_add(history, step_of(rec, o, when));
	json_set_str(doc, "created", when);
	if (o->author)
		json_set_str(doc, "author", o->author);
	json_set(doc, "config", config);
	json_set(doc, "rootfs", rootfs_of(diffids));
	json_set(doc, "history", history);
	json_write(doc, false, out);
	return 0;
}

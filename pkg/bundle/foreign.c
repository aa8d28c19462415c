/* SPDX-License-Identifier: MIT */
/* A plan as config.json for a runtime of others, which finds the root and all binds mounted (pkg/runtime/foreign.c). */
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/bundle/from_plan.h"
#include "pkg/json/json.h"
#include "pkg/sys/random.h"

#define VERSION "1.0.2" /* what is used here is in it, and older runtimes take no later one */
#define MARK 32 /* hex digits that stand where the gaps are to be */

static struct json_object *obj(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	(void)json_object_object_get_ex(o, key, &v);
	return v;
}

/*
 * What the source's own mount has is locked in the container's user namespace: a runtime that remounts the
 * bind without it is refused by the kernel.
 */
static void add_locked(const char *source, struct json_object *options)
{
	static const struct {
		unsigned long flag;
		const char *word;
	} words[] = {{ST_RDONLY, "ro"},
		     {ST_NOSUID, "nosuid"},
		     {ST_NODEV, "nodev"},
		     {ST_NOEXEC, "noexec"},
		     {ST_NOATIME, "noatime"}};
	struct statvfs s;

	if (!source || statvfs(source, &s) < 0)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (s.f_flag & words[i].flag)
			(void)json_object_array_add(options, json_object_new_string(words[i].word));
}

static struct json_object *bound_at(const char *source, const char *target, bool read_only)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();

	json_set_str(o, "destination", target);
	json_set_str(o, "type", "bind");
	json_set_str(o, "source", source);
	(void)json_object_array_add(a, json_object_new_string("rbind"));
	(void)json_object_array_add(a, json_object_new_string("nosuid"));
	(void)json_object_array_add(a, json_object_new_string("noexec"));
	if (read_only) {
		(void)json_object_array_add(a, json_object_new_string("nodev"));
		(void)json_object_array_add(a, json_object_new_string("ro"));
	}
	add_locked(source, a);
	json_set(o, "options", a);
	return o;
}

/* Their words for what ours call otherwise; what was done when it was mounted is left out. */
static struct json_object *options_of(struct json_object *given, bool bound)
{
	struct json_object *a = json_object_new_array();
	size_t n = json_object_array_length(given);
	bool recursive = false;

	for (size_t i = 0; i < n; i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(given, i));

		if (strcmp(s, "U") == 0 || (bound && strcmp(s, "tmpcopyup") == 0))
			continue;
		recursive = recursive || strcmp(s, "rbind") == 0 || strcmp(s, "bind") == 0;
		(void)json_object_array_add(a, json_object_new_string(s));
	}
	if (bound && !recursive)
		(void)json_object_array_add(a, json_object_new_string("rbind"));
	return a;
}

static struct json_object *mounts(const struct rt_plan *p, struct json_object *ours)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < p->n_mounts; i++) {
		const struct rt_mount *m = &p->mounts[i];
		struct json_object *o = json_object_array_get_idx(ours, i);
		bool bound = m->type == RT_MOUNT_BIND || m->type == RT_MOUNT_OVERLAY;
		AUTO_FREE char *place = xasprintf("%s/m/%u", p->foreign.dir, i);

		if (bound && m->source && (m->flags & RT_MNT_OPTIONAL) &&
		    access(m->source, F_OK) < 0)
			continue;
		if (bound) {
			json_set_str(o, "type", "bind");
			json_set_str(o, "source", place);
		} else if (m->type == RT_MOUNT_CGROUP2) {
			json_set_str(o, "type", "cgroup");
			json_set_str(o, "source", "cgroup");
		}
		json_set(o, "options", options_of(obj(o, "options"), bound));
		if (bound)
			add_locked(m->source, obj(o, "options"));
		(void)json_object_array_add(a, json_object_get(o));
	}
	for (unsigned i = 0; i < p->n_devices; i++)
		(void)json_object_array_add(
			a, bound_at(p->devices[i].source, p->devices[i].target, false));
	for (unsigned i = 0; i < p->n_secrets; i++) {
		AUTO_FREE char *place = xasprintf("%s/m/%u", p->foreign.dir, p->n_mounts);

		if (*p->secrets[i].target == '/')
			continue;
		(void)json_object_array_add(a, bound_at(place, "/run/secrets", true));
		break;
	}
	return a;
}

static void set_process(const struct rt_plan *p, struct json_object *process, const char *mark)
{
	json_set_str(process, "user", mark);
	(void)json_object_array_add(obj(process, "env"), json_object_new_string(mark));
	if (p->process.terminal && p->process.rows) {
		struct json_object *size = json_object_new_object();

		json_set_i64(size, "height", p->process.rows);
		json_set_i64(size, "width", p->process.cols);
		json_set(process, "consoleSize", size);
	}
}

/* "…MARK…MARK…" into three; the quotes around a mark go with it. */
static int split(const char *text, const char *mark, char *ret[3])
{
	AUTO_FREE char *quoted = xasprintf("\"%s\"", mark);
	const char *first = strstr(text, quoted);
	const char *second = first ? strstr(first + 1, quoted) : NULL;
	size_t n = strlen(quoted), length;

	if (!second)
		return err_new(-CE_PROTOCOL, "config.json without its marks");
	length = (size_t)(second - first) - n;
	ret[0] = xstrndup(text, (size_t)(first - text));
	ret[1] = xstrndup(first + n, second[-1] == ',' ? length - 1 : length);
	ret[2] = xstrdup(second + n);
	return 0;
}

static char *root_path(const struct rt_plan *p)
{
	if (p->root.driver == RT_ROOT_FUSE_OVERLAY)
		return xasprintf("%s/m/" RT_FOREIGN_ROOT, p->foreign.dir);
	return xstrdup(p->root.driver == RT_ROOT_DIR ? p->root.lower[0] : p->root.upper);
}

int bundle_for_runtime(const struct rt_plan *p, struct json_object *seccomp,
		       const struct strv *annotations, char *ret[3])
{
	AUTO_JSON struct json_object *o = bundle_from_plan(p);
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct json_object *linux_part = obj(o, "linux"), *process = obj(o, "process");
	AUTO_FREE char *root = root_path(p);
	char mark[MARK + 1];

	random_hex(mark, MARK);
	json_set_str(o, "ociVersion", VERSION);
	set_process(p, process, mark);
	json_set_str(obj(o, "root"), "path", root);
	json_set(o, "mounts", mounts(p, obj(o, "mounts")));
	json_object_object_del(linux_part, "devices");
	if (seccomp)
		json_set(linux_part, "seccomp", json_object_get(seccomp));
	json_set(o, "annotations", json_from_map(annotations));
	json_write(o, false, &text);
	return split(text.s, mark, ret);
}

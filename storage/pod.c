/* SPDX-License-Identifier: MIT */
#include "storage/pod.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "storage/store_internal.h"

#define SUFFIX ".json"
#define RECORD_MAX (1UL << 20)

static const struct {
	const char *key;
	size_t offset;
} texts[] =
	{
		{"Name", offsetof(struct pod_record, name)},
		{"Id", offsetof(struct pod_record, id)},
		{"Infra", offsetof(struct pod_record, infra)},
		{"Hostname", offsetof(struct pod_record, hostname)},
		{"ExitPolicy", offsetof(struct pod_record, exit_policy)},
		{"Restart", offsetof(struct pod_record, restart)},
		{"CgroupParent", offsetof(struct pod_record, cgroup_parent)},
},
  lists[] = {
	  {"Share", offsetof(struct pod_record, share)},
	  {"Labels", offsetof(struct pod_record, labels)},
	  {"SecurityOpts", offsetof(struct pod_record, security_opts)},
	  {"CreateCommand", offsetof(struct pod_record, create_command)},
};

static char **text_at(const struct pod_record *r, size_t i)
{
	return (char **)((uintptr_t)r + texts[i].offset);
}

static struct strv *list_at(const struct pod_record *r, size_t i)
{
	return (struct strv *)((uintptr_t)r + lists[i].offset);
}

void pod_record_done(struct pod_record *r)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*text_at(r, i));
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_done(list_at(r, i));
	*r = (struct pod_record){0};
}

int pod_lock(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "pods", LOCK_EXCLUSIVE);
}

int pod_save(struct store *st, const struct pod_record *r, bool replace)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_FREE char *file = xasprintf("%s" SUFFIX, r->name);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, STORE_PODS), e;

	if (dir < 0)
		return dir;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (*text_at(r, i))
			json_set_str(o, texts[i].key, *text_at(r, i));
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		json_set(o, lists[i].key, json_from_strv(list_at(r, i)));
	json_set_i64(o, "Created", r->created_ns);
	json_set_bool(o, "Removing", r->removing);
	json_write(o, true, &b);
	sbuf_addc(&b, '\n');
	e = replace ? file_replace(dir, file, b.s, b.len, 0600, FILE_SYNC)
		    : file_create(dir, file, b.s, b.len, 0600, FILE_SYNC);
	return e < 0 && e != -EEXIST ? err_wrap(e, "pod %s", r->name) : e;
}

static int parse(const char *text, size_t n, struct pod_record *ret)
{
	AUTO_JSON struct json_object *o = NULL;
	int r = json_parse(text, n, &o);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++) {
		const char *s = NULL;

		r = json_get_str(o, texts[i].key, &s);
		*text_at(ret, i) = r == 0 && s ? xstrdup(s) : NULL;
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++)
		r = json_get_strv(o, lists[i].key, list_at(ret, i));
	if (r == 0)
		r = json_get_i64(o, "Created", &ret->created_ns);
	if (r == 0)
		r = json_get_bool(o, "Removing", &ret->removing);
	if (r == 0 && (!ret->name || !ret->id || !ret->exit_policy || strlen(ret->id) != 64 ||
		       !hex_is_valid(ret->id, 64) || !name_is_valid(ret->name)))
		r = err_new(-CE_CORRUPT, "the record of a pod");
	return r;
}

int pod_load(struct store *st, const char *name, struct pod_record *ret)
{
	AUTO(pod_record_done) struct pod_record rec = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *file = xasprintf("%s" SUFFIX, name);
	int dir = store_fd(st, STORE_PODS), r;

	if (dir < 0)
		return dir;
	r = name_is_valid(name) ? file_read_at(dir, file, RECORD_MAX, &b) : -ENOENT;
	if (r == -ENOENT)
		return err_new(-CE_NO_POD, "%s", name);
	if (r == 0)
		r = parse(b.s, b.len, &rec);
	if (r < 0)
		return err_wrap(r, "pod %s", name);
	*ret = rec;
	rec = (struct pod_record){0};
	return 0;
}

int pod_list(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = store_names(st, STORE_PODS, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		size_t n = strlen(files.v[i]), k = strlen(SUFFIX);

		if (n > k && files.v[i][0] != '.' && strcmp(files.v[i] + n - k, SUFFIX) == 0)
			strv_take(ret, xstrndup(files.v[i], n - k));
	}
	strv_sort(ret);
	return r;
}

int pod_resolve(struct store *st, const char *name, struct pod_record *ret)
{
	AUTO(pod_record_done) struct pod_record found = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	int r = pod_load(st, name, ret);

	if (r != -CE_NO_POD || !hex_is_valid(name, 64))
		return r;
	r = pod_list(st, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(pod_record_done) struct pod_record one = {0};

		r = pod_load(st, names.v[i], &one);
		if (r == -CE_NO_POD) { /* it went since */
			err_drop();
			r = 0;
			continue;
		}
		if (r < 0 || strncmp(one.id, name, strlen(name)) != 0)
			continue;
		if (found.id)
			return err_new(-CE_AMBIGUOUS, "%s", name);
		found = one;
		one = (struct pod_record){0};
	}
	if (r < 0)
		return r;
	if (!found.id)
		return err_new(-CE_NO_POD, "%s", name);
	*ret = found;
	found = (struct pod_record){0};
	return 0;
}

int pod_drop(struct store *st, const char *name)
{
	AUTO_FREE char *file = xasprintf("%s" SUFFIX, name);
	int dir = store_fd(st, STORE_PODS);

	if (dir < 0)
		return dir;
	if (!name_is_valid(name) || (unlinkat(dir, file, 0) < 0 && errno == ENOENT))
		return err_new(-CE_NO_POD, "%s", name);
	return fsync(dir) < 0 ? err_new(-errno, "remove pod %s", name) : 0;
}

/* SPDX-License-Identifier: MIT */
#include "storage/pod.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/json/fields.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define SUFFIX ".json"
#define RECORD_MAX (1UL << 20)

static const struct json_field fields[] = {
	FIELD_TEXT(struct pod_record, "Name", name, JSON_REQUIRED),
	FIELD_TEXT(struct pod_record, "Id", id, JSON_REQUIRED),
	FIELD_TEXT(struct pod_record, "Infra", infra, JSON_SPARSE),
	FIELD_TEXT(struct pod_record, "Hostname", hostname, JSON_SPARSE),
	FIELD_TEXT(struct pod_record, "ExitPolicy", exit_policy, JSON_REQUIRED),
	FIELD_TEXT(struct pod_record, "Restart", restart, JSON_SPARSE),
	FIELD_TEXT(struct pod_record, "CgroupParent", cgroup_parent, JSON_SPARSE),
	FIELD_LIST(struct pod_record, "Share", share, 0),
	FIELD_LIST(struct pod_record, "Labels", labels, 0),
	FIELD_LIST(struct pod_record, "SecurityOpts", security_opts, 0),
	FIELD_TEXT(struct pod_record, "Gpus", gpus, JSON_SPARSE),
	FIELD_TEXT(struct pod_record, "SystemdTmpfs", systemd_tmpfs, JSON_SPARSE),
	FIELD_LIST(struct pod_record, "Devices", devices, 0),
	FIELD_LIST(struct pod_record, "CreateCommand", create_command, 0),
	FIELD_BOOL(struct pod_record, "Limited", limited, 0),
	FIELD_BOOL(struct pod_record, "OwnParents", own_parents, 0),
	FIELD_BOOL(struct pod_record, "NoHosts", no_hosts, 0),
	FIELD_BOOL(struct pod_record, "NoHostname", no_hostname, 0),
	FIELD_I64(struct pod_record, "Created", created_ns, 0),
	FIELD_BOOL(struct pod_record, "Removing", removing, 0),
	FIELD_END,
};

void pod_record_done(struct pod_record *r)
{
	json_record_done(fields, r);
	*r = (struct pod_record){0};
}

int pod_lock(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "pods", LOCK_EXCLUSIVE);
}

int pod_save(struct store *st, const struct pod_record *r, bool replace)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *file = xasprintf("%s" SUFFIX, r->name);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, STORE_PODS), e;

	if (dir < 0)
		return dir;
	o = json_record_object(fields, r);
	json_write(o, true, &b);
	sbuf_addc(&b, '\n');
	e = replace ? file_replace(dir, file, b.s, b.len, 0600, FILE_SYNC)
		    : file_create(dir, file, b.s, b.len, 0600, FILE_SYNC);
	crash_point(r->removing ? "pod-marked" : "record-saved");
	return e < 0 && e != -EEXIST ? err_wrap(e, "pod %s", r->name) : e;
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
		r = json_record_read(b.s, b.len, fields, "a pod", &rec);
	if (r == 0 && (!hex_is_exactly(rec.id, 64) || !name_is_valid(rec.name)))
		r = err_new(-CE_CORRUPT, "the record of a pod");
	if (r < 0)
		return err_wrap(r, "pod %s", name);
	*ret = rec;
	rec = (struct pod_record){0};
	return 0;
}

int pod_list(struct store *st, struct strv *ret)
{
	return store_names_of(st, STORE_PODS, SUFFIX, ret);
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
		if (r < 0) {
			r = err_forgive(r, -CE_NO_POD); /* it went since */
			continue;
		}
		if (strncmp(one.id, name, strlen(name)) != 0)
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
	if (!name_is_valid(name))
		return err_new(-CE_NO_POD, "%s", name);
	if (unlinkat(dir, file, 0) < 0)
		return errno == ENOENT ? err_new(-CE_NO_POD, "%s", name)
				       : err_new(-errno, "remove pod %s", name);
	crash_point("record-removed");
	return fsync(dir) < 0 ? err_new(-errno, "remove pod %s", name) : 0;
}

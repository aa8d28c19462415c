/* SPDX-License-Identifier: MIT */
#include "pkg/oci/runtime_spec.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/json/json.h"
#include "pkg/oci/runtime_spec_internal.h"

#define ITEMS_MAX 4096U
#define IDMAPS_MAX 340U /* the kernel's limit */

const char *const oci_hook_stages[OCI_HOOK_STAGES] = {
	[OCI_HOOK_PRESTART] = "prestart",
	[OCI_HOOK_CREATE_RUNTIME] = "createRuntime",
	[OCI_HOOK_CREATE_CONTAINER] = "createContainer",
	[OCI_HOOK_START_CONTAINER] = "startContainer",
	[OCI_HOOK_POSTSTART] = "poststart",
	[OCI_HOOK_POSTSTOP] = "poststop",
};

const char *const oci_ns_names[OCI_NS_KINDS] = {
	[OCI_NS_USER] = "user",   [OCI_NS_PID] = "pid",         [OCI_NS_UTS] = "uts",
	[OCI_NS_IPC] = "ipc",     [OCI_NS_NETWORK] = "network", [OCI_NS_CGROUP] = "cgroup",
	[OCI_NS_MOUNT] = "mount", [OCI_NS_TIME] = "time",
};

void oci_hook_done(struct oci_hook *h)
{
	strv_done(&h->args);
	strv_done(&h->env);
}

void oci_spec_done(struct oci_spec *s)
{
	oci_process_done(&s->process);
	for (unsigned i = 0; i < s->n_mounts; i++)
		strv_done(&s->mounts[i].options);
	for (unsigned i = 0; i < s->n_hooks; i++)
		oci_hook_done(&s->hooks[i]);
	free(s->mounts);
	free(s->hooks);
	free(s->uid_map);
	free(s->gid_map);
	free(s->devices);
	strv_done(&s->annotations);
	strv_done(&s->personality_flags);
	strv_done(&s->sysctls);
	strv_done(&s->masked);
	strv_done(&s->read_only);
	json_putp(&s->doc);
	memset(s, 0, sizeof(*s));
}

int oci_array(struct json_object *o, const char *key, unsigned max, struct json_object **ret,
	      unsigned *ret_n)
{
	int r;

	*ret = NULL;
	*ret_n = 0;
	r = json_get_arr(o, key, ret);
	if (r < 0 || !*ret)
		return r;
	if (json_object_array_length(*ret) > max)
		return err_new(-CE_LIMIT, "\"%s\" has more than %u items", key, max);
	*ret_n = (unsigned)json_object_array_length(*ret);
	return 0;
}

int oci_u32(struct json_object *o, const char *key, uint32_t *ret)
{
	uint64_t v = *ret;
	int r = json_get_u64(o, key, &v);

	if (r == 0 && v > UINT32_MAX)
		return err_new(-CE_BAD_FORMAT, "\"%s\" is larger than %u", key, UINT32_MAX);
	*ret = (uint32_t)v;
	return r;
}

static int absolute(const char *what, const char *path)
{
	if (!path || *path != '/')
		return err_new(-CE_BAD_FORMAT, "%s: \"%s\" is no absolute path", what,
			       path ? path : "");
	return 0;
}

static int parse_mount(struct json_object *o, struct oci_mount *m)
{
	struct json_object *uids = NULL, *gids = NULL;
	int r = json_get_str(o, "destination", &m->destination);

	if (r == 0)
		r = json_get_str(o, "type", &m->type);
	if (r == 0)
		r = json_get_str(o, "source", &m->source);
	if (r == 0)
		r = json_get_strv(o, "options", &m->options);
	if (r == 0)
		r = json_get_arr(o, "uidMappings", &uids);
	if (r == 0)
		r = json_get_arr(o, "gidMappings", &gids);
	m->idmapped = (uids && json_object_array_length(uids) > 0) ||
		      (gids && json_object_array_length(gids) > 0);
	if (r == 0 && (!m->destination || !*m->destination))
		r = err_new(-CE_BAD_FORMAT, "a mount without a destination");
	return r;
}

static int parse_mounts(struct json_object *doc, struct oci_spec *s)
{
	struct json_object *a;
	unsigned n;
	int r = oci_array(doc, "mounts", ITEMS_MAX, &a, &n);

	s->mounts = xcalloc((size_t)n + 1, sizeof(*s->mounts));
	for (unsigned i = 0; r == 0 && i < n; i++) {
		s->n_mounts = i + 1;
		r = parse_mount(json_object_array_get_idx(a, i), &s->mounts[i]);
		if (r < 0)
			r = err_wrap(r, "mounts[%u]", i);
	}
	return r;
}

int oci_hook_parse(struct json_object *o, enum oci_hook_stage stage, struct oci_hook *h)
{
	uint32_t timeout = 0;
	bool timed = json_object_is_type(o, json_type_object) &&
		     json_object_object_get_ex(o, "timeout", NULL);
	int r = json_get_str(o, "path", &h->path);

	h->stage = stage;
	if (r == 0)
		r = absolute("path", h->path);
	if (r == 0)
		r = json_get_strv(o, "args", &h->args);
	if (r == 0)
		r = json_get_strv(o, "env", &h->env);
	if (r == 0)
		r = oci_u32(o, "timeout", &timeout);
	if (r == 0 && timed && (timeout == 0 || timeout > 86400))
		r = err_new(-CE_BAD_FORMAT, "\"timeout\" is not from 1 to 86400 seconds");
	if (r == 0 && h->args.n == 0)
		strv_add(&h->args, h->path);
	h->timeout_s = timeout;
	return r;
}

static int parse_hooks(struct json_object *doc, struct oci_spec *s)
{
	struct json_object *hooks = NULL;
	int r = json_get_obj(doc, "hooks", &hooks);

	for (unsigned st = 0; r == 0 && hooks && st < OCI_HOOK_STAGES; st++) {
		struct json_object *a;
		unsigned n;

		r = oci_array(hooks, oci_hook_stages[st], 128, &a, &n);
		if (r < 0 || n == 0)
			continue;
		s->hooks = xreallocarray(s->hooks, (size_t)s->n_hooks + n, sizeof(*s->hooks));
		memset(s->hooks + s->n_hooks, 0, n * sizeof(*s->hooks));
		for (unsigned i = 0; r == 0 && i < n; i++) {
			r = oci_hook_parse(json_object_array_get_idx(a, i), (enum oci_hook_stage)st,
					   &s->hooks[s->n_hooks++]);
			if (r < 0)
				r = err_wrap(r, "hooks.%s[%u]", oci_hook_stages[st], i);
		}
	}
	return r;
}

static int parse_namespaces(struct json_object *linux_, struct oci_spec *s)
{
	struct json_object *a;
	unsigned n;
	int r = oci_array(linux_, "namespaces", 64, &a, &n);

	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct json_object *o = json_object_array_get_idx(a, i);
		const char *type = "", *path = NULL;
		unsigned k = 0;

		r = json_get_str(o, "type", &type);
		if (r == 0)
			r = json_get_str(o, "path", &path);
		if (r < 0)
			return r;
		while (k < OCI_NS_KINDS && strcmp(type, oci_ns_names[k]) != 0)
			k++;
		if (k == OCI_NS_KINDS)
			return err_new(-CE_BAD_FORMAT, "namespace \"%s\": no such type", type);
		if (s->ns[k].present)
			return err_new(-CE_BAD_FORMAT, "namespace \"%s\" twice", type);
		if (path && *path && (r = absolute(type, path)) < 0)
			return r;
		s->ns[k] = (struct oci_namespace){.present = true,
						  .path = path && *path ? path : NULL};
	}
	return r;
}

static int parse_offsets(struct json_object *linux_, struct oci_spec *s)
{
	static const char *const clocks[OCI_CLOCKS] = {
		[OCI_CLOCK_MONOTONIC] = "monotonic", [OCI_CLOCK_BOOTTIME] = "boottime"};
	struct json_object *offsets = NULL;
	int r = json_get_obj(linux_, "timeOffsets", &offsets), known = 0;

	for (unsigned i = 0; r == 0 && offsets && i < OCI_CLOCKS; i++) {
		struct oci_time_offset *t = &s->offsets[i];
		struct json_object *o = NULL;

		r = json_get_obj(offsets, clocks[i], &o);
		if (r < 0 || !o)
			continue;
		known++;
		t->present = true;
		r = json_get_i64(o, "secs", &t->secs);
		if (r == 0)
			r = oci_u32(o, "nanosecs", &t->nanosecs);
		if (r == 0 && t->nanosecs > 999999999)
			r = err_new(-CE_BAD_FORMAT, "\"nanosecs\" is a second or more");
	}
	if (r == 0 && offsets && json_object_object_length(offsets) != known)
		r = err_new(-CE_BAD_FORMAT, "a clock other than monotonic and boottime");
	return r < 0 ? err_wrap(r, "timeOffsets") : 0;
}

static int parse_idmap(struct json_object *linux_, const char *key, struct oci_idmap **ret,
		       unsigned *ret_n)
{
	struct json_object *a;
	unsigned n;
	int r = oci_array(linux_, key, IDMAPS_MAX, &a, &n);

	if (r < 0)
		return r;
	*ret = xcalloc((size_t)n + 1, sizeof(**ret));
	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct json_object *o = json_object_array_get_idx(a, i);
		struct oci_idmap *m = &(*ret)[i];

		r = oci_u32(o, "containerID", &m->inside);
		if (r == 0)
			r = oci_u32(o, "hostID", &m->outside);
		if (r == 0)
			r = oci_u32(o, "size", &m->count);
		if (r == 0 && (m->count == 0 || m->count > UINT32_MAX - m->inside ||
			       m->count > UINT32_MAX - m->outside))
			r = err_new(-CE_BAD_FORMAT, "%s[%u]: no range of ids", key, i);
		*ret_n = i + 1;
	}
	return r;
}

static int parse_devices(struct json_object *linux_, struct oci_spec *s)
{
	struct json_object *a;
	unsigned n;
	int r = oci_array(linux_, "devices", ITEMS_MAX, &a, &n);

	s->devices = xcalloc((size_t)n + 1, sizeof(*s->devices));
	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct json_object *o = json_object_array_get_idx(a, i);
		struct oci_device *d = &s->devices[i];
		const char *type = "";

		r = json_get_str(o, "path", &d->path);
		if (r == 0)
			r = absolute("devices", d->path);
		if (r == 0)
			r = json_get_str(o, "type", &type);
		if (r == 0)
			r = json_get_i64(o, "major", &d->major);
		if (r == 0)
			r = json_get_i64(o, "minor", &d->minor);
		d->mode = 0666;
		if (r == 0)
			r = json_get_i64(o, "fileMode", &d->mode);
		if (r == 0)
			r = json_get_i64(o, "uid", &d->uid);
		if (r == 0)
			r = json_get_i64(o, "gid", &d->gid);
		if (r == 0 &&
		    (d->uid < 0 || d->uid >= UINT32_MAX || d->gid < 0 || d->gid >= UINT32_MAX))
			r = err_new(-CE_BAD_FORMAT, "devices[%u]: no such owner", i);
		if (r == 0 && (strlen(type) != 1 || !strchr("cubp", *type)))
			r = err_new(-CE_BAD_FORMAT, "devices[%u]: type \"%s\"", i, type);
		d->type = *type;
		s->n_devices = i + 1;
	}
	return r;
}

static int parse_linux(struct json_object *doc, struct oci_spec *s)
{
	struct json_object *l = NULL, *personality = NULL, *rdt = NULL;
	int r = json_get_obj(doc, "linux", &l);

	if (r < 0 || !l)
		return r;
	r = parse_namespaces(l, s);
	if (r == 0)
		r = parse_offsets(l, s);
	if (r == 0)
		r = parse_idmap(l, "uidMappings", &s->uid_map, &s->n_uid_map);
	if (r == 0)
		r = parse_idmap(l, "gidMappings", &s->gid_map, &s->n_gid_map);
	if (r == 0)
		r = parse_devices(l, s);
	if (r == 0)
		r = json_get_str(l, "cgroupsPath", &s->cgroups_path);
	if (r == 0)
		r = json_get_obj(l, "resources", &s->resources);
	if (r == 0)
		r = json_get_obj(l, "seccomp", &s->seccomp);
	if (r == 0)
		r = json_get_map(l, "sysctl", &s->sysctls);
	if (r == 0)
		r = json_get_strv(l, "maskedPaths", &s->masked);
	if (r == 0)
		r = json_get_strv(l, "readonlyPaths", &s->read_only);
	if (r == 0)
		r = json_get_str(l, "rootfsPropagation", &s->propagation);
	if (r == 0)
		r = json_get_str(l, "mountLabel", &s->mount_label);
	if (r == 0)
		r = json_get_obj(l, "personality", &personality);
	if (r == 0 && personality)
		r = json_get_str(personality, "domain", &s->personality);
	if (r == 0 && personality)
		r = json_get_strv(personality, "flags", &s->personality_flags);
	if (r == 0)
		r = json_get_obj(l, "intelRdt", &rdt);
	s->has_intel_rdt = rdt != NULL;
	return r < 0 ? err_wrap(r, "linux") : 0;
}

static int parse_top(struct oci_spec *s)
{
	struct json_object *root = NULL, *process = NULL;
	int r = json_get_str(s->doc, "ociVersion", &s->version);

	if (r == 0 && (!s->version || strncmp(s->version, "1.", 2) != 0))
		return err_new(-CE_UNSUPPORTED, "ociVersion \"%s\"; known is 1.x",
			       s->version ? s->version : "");
	if (r == 0)
		r = json_get_obj(s->doc, "root", &root);
	if (r == 0 && root)
		r = json_get_str(root, "path", &s->root_path);
	if (r == 0 && root)
		r = json_get_bool(root, "readonly", &s->root_read_only);
	if (r == 0 && (!s->root_path || !*s->root_path))
		r = err_new(-CE_BAD_FORMAT, "\"root\" has no path");
	if (r == 0)
		r = json_get_obj(s->doc, "process", &process);
	s->has_process = process != NULL;
	if (r == 0 && process)
		r = oci_process_parse(process, &s->process);
	if (r == 0)
		r = json_get_str(s->doc, "hostname", &s->hostname);
	if (r == 0)
		r = json_get_str(s->doc, "domainname", &s->domainname);
	if (r == 0)
		r = json_get_map(s->doc, "annotations", &s->annotations);
	for (size_t i = 0; r == 0 && i < s->annotations.n; i++)
		if (*s->annotations.v[i] == '=')
			r = err_new(-CE_BAD_FORMAT, "annotations: an empty key");
	if (r == 0)
		r = parse_mounts(s->doc, s);
	if (r == 0)
		r = parse_hooks(s->doc, s);
	return r < 0 ? r : parse_linux(s->doc, s);
}

int oci_spec_parse(const char *json, size_t n, struct oci_spec *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (n > OCI_SPEC_MAX)
		return err_new(-CE_LIMIT, "config.json: %zu bytes", n);
	r = json_parse(json, n, &ret->doc);
	if (r == 0)
		r = parse_top(ret);
	return r < 0 ? err_wrap(r, "config.json") : 0;
}

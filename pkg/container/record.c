/* SPDX-License-Identifier: MIT */
#include "pkg/container/record.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"

enum kind { K_STR, K_STRV, K_BOOL, K_I64, K_U64 };

struct field {
	const char *key;
	enum kind kind;
	size_t offset;
};

#define F(key, kind, member)                                         \
	{                                                            \
		key, kind, offsetof(struct container_record, member) \
	}

static const struct field fields[] = {
	F("Id", K_STR, id),
	F("Name", K_STR, name),
	F("Image", K_STR, image),
	F("ImageID", K_STR, image_id),
	F("ImageDigest", K_STR, image_digest),
	F("Layers", K_STRV, layers),
	F("Created", K_I64, created_ns),
	F("CreateCommand", K_STRV, create_command),
	F("Entrypoint", K_STRV, entrypoint),
	F("Cmd", K_STRV, cmd),
	F("Env", K_STRV, env),
	F("User", K_STR, user),
	F("WorkingDir", K_STR, workdir),
	F("Hostname", K_STR, hostname),
	F("Umask", K_STR, umask),
	F("Labels", K_STRV, labels),
	F("Annotations", K_STRV, annotations),
	F("GroupAdd", K_STRV, group_add),
	F("Tty", K_BOOL, tty),
	F("Interactive", K_BOOL, interactive),
	F("AutoRemove", K_BOOL, auto_remove),
	F("Init", K_BOOL, init),
	F("Privileged", K_BOOL, privileged),
	F("NoNewPrivs", K_BOOL, no_new_privs),
	F("ReadOnly", K_BOOL, read_only),
	F("ReadOnlyTmpfs", K_BOOL, read_only_tmpfs),
	F("StopSignal", K_I64, stop_signal),
	F("StopTimeout", K_I64, stop_timeout),
	F("Timeout", K_I64, timeout),
	F("DetachKeys", K_STR, detach_keys),
	F("ShmSize", K_U64, shm_size),
	F("Devices", K_STRV, devices),
	F("UserNS", K_STR, ns_user),
	F("PidNS", K_STR, ns_pid),
	F("IpcNS", K_STR, ns_ipc),
	F("UtsNS", K_STR, ns_uts),
	F("NetNS", K_STR, ns_net),
	F("CgroupNS", K_STR, ns_cgroup),
	F("NetworkOptions", K_STR, network_options),
	F("Ports", K_STRV, ports),
	F("ExposedPorts", K_STRV, exposed_ports),
	F("AddHosts", K_STRV, add_hosts),
	F("Dns", K_STRV, dns),
	F("DnsSearch", K_STRV, dns_search),
	F("DnsOptions", K_STRV, dns_options),
	F("NoHosts", K_BOOL, no_hosts),
	F("Caps", K_U64, caps),
	F("CapsAdded", K_U64, caps_added),
	F("Seccomp", K_STR, seccomp),
	F("AppArmor", K_STR, apparmor),
	F("Masked", K_STRV, masked_extra),
	F("Unmasked", K_STRV, unmasked),
	F("Ulimits", K_STRV, ulimits),
	F("Sysctls", K_STRV, sysctls),
	F("HasOomScoreAdj", K_BOOL, has_oom_score_adj),
	F("OomScoreAdj", K_I64, oom_score_adj),
	F("LogDriver", K_STR, log_driver),
	F("LogPath", K_STR, log_path),
	F("LogMaxBytes", K_U64, log_max_bytes),
	F("LogMaxFiles", K_I64, log_max_files),
};

static void *at(const struct container_record *r, const struct field *f)
{
	return (char *)(size_t)r + f->offset;
}

struct container_record *record_new(void)
{
	return xcalloc(1, sizeof(struct container_record));
}

static void mount_done(struct mount_spec *m)
{
	free(m->source);
	free(m->target);
	free(m->data);
	free(m->options);
}

void record_free(struct container_record *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (fields[i].kind == K_STR)
			free(*(char **)at(r, &fields[i]));
		else if (fields[i].kind == K_STRV)
			strv_done(at(r, &fields[i]));
	}
	for (unsigned i = 0; i < r->n_mounts; i++)
		mount_done(&r->mounts[i]);
	free(r->mounts);
	free(r);
}

enum net_mode record_net_mode(const struct container_record *r)
{
	if (strcmp(r->ns_net, "host") == 0)
		return NET_HOST;
	if (strcmp(r->ns_net, "slirp4netns") == 0)
		return NET_SLIRP;
	return strncmp(r->ns_net, "container:", 10) == 0 ? NET_JOIN : NET_NONE;
}

void record_freep(struct container_record **r)
{
	record_free(*r);
	*r = NULL;
}

struct mount_spec *record_add_mount(struct container_record *r)
{
	r->mounts = xreallocarray(r->mounts, r->n_mounts + 1, sizeof(*r->mounts));
	r->mounts[r->n_mounts] = (struct mount_spec){0};
	return &r->mounts[r->n_mounts++];
}

static int read_field(struct json_object *o, const struct field *f, struct container_record *r)
{
	const char *s = NULL;
	int rc;

	switch (f->kind) {
	case K_STR:
		rc = json_get_str(o, f->key, &s);
		if (rc == 0 && s)
			*(char **)at(r, f) = xstrdup(s);
		return rc;
	case K_STRV:
		return json_get_strv(o, f->key, at(r, f));
	case K_BOOL:
		return json_get_bool(o, f->key, at(r, f));
	case K_I64:
		return json_get_i64(o, f->key, at(r, f));
	case K_U64:
		return json_get_u64(o, f->key, at(r, f));
	}
	return 0;
}

static int read_mount(struct json_object *o, struct mount_spec *m)
{
	const char *source = NULL, *target = NULL, *data = NULL, *options = NULL;
	int64_t kind = 0, flags = 0, propagation = 0;
	int r = json_get_i64(o, "Kind", &kind);

	if (r == 0)
		r = json_get_str(o, "Source", &source);
	if (r == 0)
		r = json_get_str(o, "Target", &target);
	if (r == 0)
		r = json_get_str(o, "Data", &data);
	if (r == 0)
		r = json_get_str(o, "Options", &options);
	if (r == 0)
		r = json_get_i64(o, "Flags", &flags);
	if (r == 0)
		r = json_get_i64(o, "Propagation", &propagation);
	if (r == 0)
		r = json_get_bool(o, "Overlay", &m->overlay);
	if (r == 0)
		r = json_get_bool(o, "Anonymous", &m->anonymous);
	if (r == 0)
		r = json_get_bool(o, "NoCopy", &m->no_copy);
	if (r < 0)
		return r;
	if (!target || kind < MOUNT_BIND || kind > MOUNT_TMPFS)
		return err_new(-CE_BAD_FORMAT, "Mounts");
	m->kind = (enum mount_kind)kind;
	m->source = source ? xstrdup(source) : NULL;
	m->target = xstrdup(target);
	m->data = data ? xstrdup(data) : NULL;
	m->options = options ? xstrdup(options) : NULL;
	m->flags = (uint32_t)flags;
	m->propagation = (uint32_t)propagation;
	return 0;
}

int record_parse(const char *json, size_t n, struct container_record **ret)
{
	AUTO(record_freep) struct container_record *r = record_new();
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *mounts = NULL;
	int rc = json_parse(json, n, &o);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(fields); i++)
		rc = read_field(o, &fields[i], r);
	if (rc == 0)
		rc = json_get_arr(o, "Mounts", &mounts);
	for (size_t i = 0; rc == 0 && mounts && i < json_object_array_length(mounts); i++)
		rc = read_mount(json_object_array_get_idx(mounts, i), record_add_mount(r));
	if (rc == 0 && (!r->id || !r->name || !r->image_id))
		rc = err_new(-CE_BAD_FORMAT, "Id, Name and ImageID are required");
	if (rc < 0)
		return err_wrap(rc, "container record");
	*ret = TAKE_PTR(r);
	return 0;
}

static struct json_object *field_value(const struct container_record *r, const struct field *f)
{
	const void *p = at(r, f);

	switch (f->kind) {
	case K_STR:
		return *(char *const *)p ? json_object_new_string(*(char *const *)p) : NULL;
	case K_STRV:
		return json_from_strv(p);
	case K_BOOL:
		return json_object_new_boolean(*(const bool *)p);
	case K_I64:
		return json_object_new_int64(*(const int64_t *)p);
	case K_U64:
		return json_object_new_uint64(*(const uint64_t *)p);
	}
	return NULL;
}

/* Defaults (null, false, 0, empty) are left out: records stay small and quick to read. */
static bool is_default(const struct container_record *r, const struct field *f)
{
	const void *p = at(r, f);

	switch (f->kind) {
	case K_STR:
		return !*(char *const *)p;
	case K_STRV:
		return ((const struct strv *)p)->n == 0;
	case K_BOOL:
		return !*(const bool *)p;
	default:
		return *(const uint64_t *)p == 0;
	}
}

void record_write(const struct container_record *r, struct sbuf *out)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	struct json_object *mounts = json_object_new_array();

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!is_default(r, &fields[i]))
			json_set(o, fields[i].key, field_value(r, &fields[i]));
	for (unsigned i = 0; i < r->n_mounts; i++) {
		const struct mount_spec *m = &r->mounts[i];
		struct json_object *jm = json_object_new_object();

		json_set_i64(jm, "Kind", m->kind);
		json_set_str(jm, "Source", m->source);
		json_set_str(jm, "Target", m->target);
		json_set_str(jm, "Data", m->data);
		json_set_str(jm, "Options", m->options);
		json_set_i64(jm, "Flags", m->flags);
		json_set_i64(jm, "Propagation", m->propagation);
		json_set_bool(jm, "Overlay", m->overlay);
		json_set_bool(jm, "Anonymous", m->anonymous);
		json_set_bool(jm, "NoCopy", m->no_copy);
		(void)json_object_array_add(mounts, jm);
	}
	json_set(o, "Mounts", mounts);
	json_write(o, false, out);
	sbuf_addc(out, '\n');
}

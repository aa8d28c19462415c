/* SPDX-License-Identifier: MIT */
#include "pkg/container/record.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/json/scan.h"

enum kind { K_STR, K_STRV, K_BOOL, K_I64, K_U64, K_MOUNTS };

struct field {
	const char *key;
	enum kind kind;
	size_t offset;
	bool listed;
};

#define F(key, kind, member)                                                \
	{                                                                   \
		key, kind, offsetof(struct container_record, member), false \
	}
/* What lists show and filter by. */
#define LISTED(key, kind, member)                                          \
	{                                                                  \
		key, kind, offsetof(struct container_record, member), true \
	}

static const struct field fields[] = {
	LISTED("Id", K_STR, id),
	LISTED("Name", K_STR, name),
	LISTED("Image", K_STR, image),
	LISTED("ImageID", K_STR, image_id),
	F("ImageDigest", K_STR, image_digest),
	F("Rootfs", K_STR, rootfs),
	F("RootfsOverlay", K_BOOL, rootfs_overlay),
	F("Layers", K_STRV, layers),
	F("MountLayers", K_STRV, mount_layers),
	LISTED("Created", K_I64, created_ns),
	F("CreateCommand", K_STRV, create_command),
	LISTED("Entrypoint", K_STRV, entrypoint),
	LISTED("Cmd", K_STRV, cmd),
	F("Env", K_STRV, env),
	F("User", K_STR, user),
	F("WorkingDir", K_STR, workdir),
	F("Hostname", K_STR, hostname),
	F("Domainname", K_STR, domainname),
	F("Umask", K_STR, umask),
	LISTED("Labels", K_STRV, labels),
	LISTED("Annotations", K_STRV, annotations),
	F("GroupAdd", K_STRV, group_add),
	F("Tty", K_BOOL, tty),
	F("Interactive", K_BOOL, interactive),
	LISTED("AutoRemove", K_BOOL, auto_remove),
	F("RemoveImage", K_BOOL, remove_image),
	F("Init", K_BOOL, init),
	F("Privileged", K_BOOL, privileged),
	F("NoNewPrivs", K_BOOL, no_new_privs),
	F("WritableCgroups", K_BOOL, writable_cgroups),
	F("ReadOnly", K_BOOL, read_only),
	F("ReadOnlyTmpfs", K_BOOL, read_only_tmpfs),
	F("StopSignal", K_I64, stop_signal),
	F("StopTimeout", K_I64, stop_timeout),
	F("Timeout", K_I64, timeout),
	F("SdNotify", K_STR, sdnotify),
	LISTED("Restart", K_STR, restart),
	F("RestartMax", K_I64, restart_max),
	F("Health", K_STRV, health.test),
	F("HealthInterval", K_I64, health.interval_ns),
	F("HealthTimeout", K_I64, health.timeout_ns),
	F("HealthRetries", K_I64, health.retries),
	F("HealthStartPeriod", K_I64, health_start_period_ns),
	F("HealthStartInterval", K_I64, health_start_interval_ns),
	F("HealthOnFailure", K_STR, health_on_failure),
	F("HealthLog", K_STR, health_log),
	F("NoHealthEvents", K_BOOL, no_health_events),
	F("HealthMaxCount", K_I64, health_max_count),
	F("HealthMaxSize", K_I64, health_max_size),
	F("Startup", K_STRV, startup.test),
	F("StartupInterval", K_I64, startup.interval_ns),
	F("StartupTimeout", K_I64, startup.timeout_ns),
	F("StartupRetries", K_I64, startup.retries),
	F("StartupSuccesses", K_I64, startup.successes),
	F("DetachKeys", K_STR, detach_keys),
	F("VolumesFrom", K_STRV, volumes_from),
	F("ShmSize", K_U64, shm_size),
	F("Devices", K_STRV, devices),
	F("Timezone", K_STR, timezone),
	F("InitPath", K_STR, init_path),
	F("PidFile", K_STR, pidfile),
	F("ConmonPidFile", K_STR, conmon_pidfile),
	F("Systemd", K_BOOL, systemd),
	F("SystemdTmpfsSize", K_U64, systemd_tmpfs_size),
	F("ChrootDirs", K_STRV, chroot_dirs),
	F("ProcOptions", K_STRV, proc_options),
	F("HooksDirs", K_STRV, hooks_dirs),
	F("Runtime", K_STR, runtime),
	F("RuntimeName", K_STR, runtime_name),
	F("RuntimeFlags", K_STRV, runtime_flags),
	F("Requires", K_STRV, requires),
	LISTED("Pod", K_STR, pod),
	LISTED("IsInfra", K_BOOL, is_infra),
	F("Pins", K_BOOL, pins),
	F("EndsWithMembers", K_BOOL, ends_with_members),
	F("PodLimits", K_STR, pod_limits),
	F("Holder", K_STR, holder),
	LISTED("InitContainer", K_STR, init_ctr),
	F("NoPasswd", K_BOOL, no_passwd),
	F("PasswdEntry", K_STR, passwd_entry),
	F("GroupEntry", K_STR, group_entry),
	F("UserNS", K_STR, ns_user),
	F("UidMap", K_STRV, uid_map),
	F("GidMap", K_STRV, gid_map),
	F("PidNS", K_STR, ns_pid),
	F("IpcNS", K_STR, ns_ipc),
	F("IpcUnshared", K_BOOL, ipc_unshared),
	F("UtsNS", K_STR, ns_uts),
	LISTED("NetNS", K_STR, ns_net),
	F("CgroupNS", K_STR, ns_cgroup),
	F("NetworkOptions", K_STR, network_options),
	LISTED("Networks", K_STRV, networks),
	LISTED("Ports", K_STRV, ports),
	LISTED("ExposedPorts", K_STRV, exposed_ports),
	F("PublishAll", K_BOOL, publish_all),
	F("AddHosts", K_STRV, add_hosts),
	F("Dns", K_STRV, dns),
	F("DnsSearch", K_STRV, dns_search),
	F("Egress", K_STRV, egress),
	F("DnsOptions", K_STRV, dns_options),
	F("NoHosts", K_BOOL, no_hosts),
	F("NoHostname", K_BOOL, no_hostname),
	F("Caps", K_U64, caps),
	F("CapsAdded", K_U64, caps_added),
	F("Seccomp", K_STR, seccomp),
	F("AppArmor", K_STR, apparmor),
	F("KeepKeyring", K_BOOL, keep_keyring),
	F("Masked", K_STRV, masked_extra),
	F("Unmasked", K_STRV, unmasked),
	F("Ulimits", K_STRV, ulimits),
	F("Secrets", K_STRV, secrets),
	F("Sysctls", K_STRV, sysctls),
	F("HasOomScoreAdj", K_BOOL, has_oom_score_adj),
	LISTED("CidFile", K_STR, cidfile),
	F("Linux32", K_BOOL, linux32),
	F("HostUsers", K_STRV, host_users),
	F("HostsFile", K_STR, hosts_file),
	F("HostAddress", K_STR, host_address),
	F("OomScoreAdj", K_I64, oom_score_adj),
	F("Memory", K_U64, memory),
	F("MemoryReservation", K_U64, memory_reservation),
	F("MemorySwap", K_I64, memory_swap),
	F("CpuShares", K_U64, cpu_shares),
	F("CpuPeriod", K_U64, cpu_period),
	F("CpuQuota", K_I64, cpu_quota),
	F("NanoCpus", K_I64, nano_cpus),
	F("CpusetCpus", K_STR, cpuset_cpus),
	F("CpusetMems", K_STR, cpuset_mems),
	F("PidsLimit", K_I64, pids_limit),
	F("BlkioWeight", K_U64, blkio_weight),
	F("IoRates", K_STRV, io_rates),
	F("CgroupConf", K_STRV, cgroup_conf),
	F("Cgroups", K_STR, cgroups),
	F("CgroupParent", K_STR, cgroup_parent),
	F("CgroupManager", K_STR, cgroup_manager),
	F("LogDriver", K_STR, log_driver),
	F("LogPath", K_STR, log_path),
	F("LogTag", K_STR, log_tag),
	F("LogMaxBytes", K_U64, log_max_bytes),
	F("LogMaxFiles", K_I64, log_max_files),
	LISTED("Mounts", K_MOUNTS, mounts),
};

static void *at(const struct container_record *r, const struct field *f)
{
	return (char *)(size_t)r + f->offset;
}

struct container_record *record_new(void)
{
	return xcalloc(1, sizeof(struct container_record));
}

static const struct {
	const char *key;
	size_t offset;
} mount_strings[] = {
	{"Source", offsetof(struct mount_spec, source)},
	{"Target", offsetof(struct mount_spec, target)},
	{"Data", offsetof(struct mount_spec, data)},
	{"Options", offsetof(struct mount_spec, options)},
	{"Subpath", offsetof(struct mount_spec, subpath)},
	{"Upper", offsetof(struct mount_spec, upper)},
	{"Work", offsetof(struct mount_spec, work)},
};

static char **mount_string(struct mount_spec *m, size_t i)
{
	void *member = (char *)m + mount_strings[i].offset;

	return member;
}

void mount_spec_done(struct mount_spec *m)
{
	for (size_t i = 0; i < ARRAY_LEN(mount_strings); i++)
		free(*mount_string(m, i));
	strv_done(&m->layers);
	strv_done(&m->volume_labels);
	strv_done(&m->volume_options);
	*m = (struct mount_spec){0};
}

void mount_spec_copy(const struct mount_spec *from, struct mount_spec *to)
{
	struct mount_spec source = *from;

	*to = source;
	for (size_t i = 0; i < ARRAY_LEN(mount_strings); i++) {
		const char *s = *mount_string(&source, i);

		*mount_string(to, i) = s ? xstrdup(s) : NULL;
	}
	to->layers = (struct strv)STRV_INIT;
	strv_add_all(&to->layers, &from->layers);
	to->volume_labels = to->volume_options = (struct strv)STRV_INIT;
	strv_add_all(&to->volume_labels, &from->volume_labels);
	strv_add_all(&to->volume_options, &from->volume_options);
}

void record_free(struct container_record *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		void *p = at(r, &fields[i]);

		if (fields[i].kind == K_STR && *(char **)p)
			free(*(char **)p);
		else if (fields[i].kind == K_STRV && ((struct strv *)p)->v)
			strv_done(p);
	}
	for (unsigned i = 0; i < r->n_mounts; i++)
		mount_spec_done(&r->mounts[i]);
	free(r->mounts);
	free(r);
}

enum net_mode record_net_mode(const struct container_record *r)
{
	if (strcmp(r->ns_net, "host") == 0)
		return NET_HOST;
	if (strncmp(r->ns_net, "ns:", 3) == 0)
		return NET_PATH;
	if (strcmp(r->ns_net, "pasta") == 0)
		return NET_PASTA;
	if (strcmp(r->ns_net, "slirp4netns") == 0)
		return NET_SLIRP;
	if (strcmp(r->ns_net, "bridge") == 0)
		return NET_BRIDGE;
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

bool record_has_volume(const struct container_record *r, const char *name)
{
	for (unsigned i = 0; i < r->n_mounts; i++)
		if (r->mounts[i].kind == MOUNT_VOLUME && r->mounts[i].source &&
		    strcmp(r->mounts[i].source, name) == 0)
			return true;
	return false;
}

static int read_strv(struct json_scan *s, struct strv *ret)
{
	int r = json_scan_open(s, '['), more;

	while (r == 0 && (more = json_scan_element(s)) != 0) {
		r = more < 0 ? more : json_scan_string(s);
		if (r == 0)
			strv_add(ret, s->text.s);
	}
	return r;
}

static int read_str(struct json_scan *s, char **ret)
{
	int r = json_scan_string(s);

	if (r == 0)
		*ret = xstrndup(s->text.s, s->text.len);
	return r;
}

static int read_mounts(struct json_scan *s, struct container_record *rec);

/* The value of @f, which may be null: then it keeps its default. */
static int read_field(struct json_scan *s, const struct field *f, void *base)
{
	void *p = (char *)base + f->offset;

	if (json_scan_null(s))
		return 0;
	switch (f->kind) {
	case K_STR:
		return read_str(s, p);
	case K_STRV:
		return read_strv(s, p);
	case K_BOOL:
		return json_scan_bool(s, p);
	case K_I64:
		return json_scan_i64(s, p);
	case K_U64:
		return json_scan_u64(s, p);
	case K_MOUNTS:
		return read_mounts(s, base);
	}
	return 0;
}

/* Keys are written in the table's order, so the search goes on where the last one was found. */
static const struct field *find_field(const struct field *table, size_t n, const char *key,
				      size_t *at)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = *at + i < n ? *at + i : *at + i - n;

		if (table[k].key[0] == key[0] && strcmp(table[k].key, key) == 0) {
			*at = k + 1;
			return &table[k];
		}
	}
	return NULL;
}

/* An object whose fields @table knows; others are skipped. */
static int read_object(struct json_scan *s, const struct field *table, size_t n, bool listed_only,
		       void *base)
{
	uint64_t seen[3] = {0};
	size_t at = 0;
	int r = json_scan_open(s, '{'), more;

	while (r == 0 && (more = json_scan_key(s)) != 0) {
		const struct field *f = more < 0 ? NULL : find_field(table, n, s->text.s, &at);
		size_t k = f ? (size_t)(f - table) : 0;

		if (more < 0)
			return more;
		if (f && seen[k / 64] & 1ULL << k % 64)
			return json_scan_bad(s, "duplicate key");
		if (f)
			seen[k / 64] |= 1ULL << k % 64;
		if (f && (f->listed || !listed_only))
			r = read_field(s, f, base);
		else
			r = json_scan_skip(s);
		if (r < 0 && f)
			return err_wrap(r, "%s", f->key);
	}
	return r;
}

struct mount_text {
	struct mount_spec m;
	int64_t kind, flags, propagation;
};

#define M(key, kind, member)                                         \
	{                                                            \
		key, kind, offsetof(struct mount_text, member), true \
	}

static const struct field mount_fields[] = {
	M("Kind", K_I64, kind),
	M("Source", K_STR, m.source),
	M("Target", K_STR, m.target),
	M("Data", K_STR, m.data),
	M("Options", K_STR, m.options),
	M("Subpath", K_STR, m.subpath),
	M("Upper", K_STR, m.upper),
	M("Work", K_STR, m.work),
	M("Layers", K_STRV, m.layers),
	M("Flags", K_I64, flags),
	M("Propagation", K_I64, propagation),
	M("Overlay", K_BOOL, m.overlay),
	M("Anonymous", K_BOOL, m.anonymous),
	M("Held", K_BOOL, m.held),
	M("NoCopy", K_BOOL, m.no_copy),
};

static int read_mount(struct json_scan *s, struct mount_spec *ret)
{
	struct mount_text t = {0};
	int r = read_object(s, mount_fields, ARRAY_LEN(mount_fields), false, &t);

	*ret = t.m;
	if (r == 0 && (!t.m.target || t.kind < MOUNT_BIND || t.kind > MOUNT_RAMFS ||
		       (t.kind <= MOUNT_VOLUME && !t.m.source)))
		r = err_new(-CE_BAD_FORMAT, "Mounts");
	ret->kind = (enum mount_kind)t.kind;
	ret->flags = (uint32_t)t.flags;
	ret->propagation = (uint32_t)t.propagation;
	return r;
}

static int read_mounts(struct json_scan *s, struct container_record *rec)
{
	int r = json_scan_open(s, '['), more;

	while (r == 0 && (more = json_scan_element(s)) != 0)
		r = more < 0 ? more : read_mount(s, record_add_mount(rec));
	return r;
}

static int parse(const char *json, size_t n, bool listed_only, struct container_record **ret)
{
	AUTO(record_freep) struct container_record *r = record_new();
	struct json_scan s;
	int rc;

	_Static_assert(ARRAY_LEN(fields) <= 192, "bits of read_object()");
	json_scan_init(&s, json, n);
	rc = read_object(&s, fields, ARRAY_LEN(fields), listed_only, r);
	if (rc == 0)
		rc = json_scan_end(&s);
	json_scan_done(&s);
	if (rc == 0 && (!r->id || !r->name || !r->image_id))
		rc = err_new(-CE_BAD_FORMAT, "Id, Name and ImageID are required");
	if (rc < 0)
		return err_wrap(rc, "container record");
	*ret = TAKE_PTR(r);
	return 0;
}

int record_parse(const char *json, size_t n, struct container_record **ret)
{
	return parse(json, n, false, ret);
}

int record_parse_listed(const char *json, size_t n, struct container_record **ret)
{
	return parse(json, n, true, ret);
}

static struct json_object *mounts_value(const struct container_record *r)
{
	struct json_object *mounts = json_object_new_array();

	for (unsigned i = 0; i < r->n_mounts; i++) {
		struct mount_spec *m = &r->mounts[i];
		struct json_object *jm = json_object_new_object();

		json_set_i64(jm, "Kind", m->kind);
		for (size_t k = 0; k < ARRAY_LEN(mount_strings); k++)
			if (*mount_string(m, k))
				json_set_str(jm, mount_strings[k].key, *mount_string(m, k));
		if (m->layers.n)
			json_set(jm, "Layers", json_from_strv(&m->layers));
		json_set_i64(jm, "Flags", m->flags);
		json_set_i64(jm, "Propagation", m->propagation);
		json_set_bool(jm, "Overlay", m->overlay);
		json_set_bool(jm, "Anonymous", m->anonymous);
		if (m->held)
			json_set_bool(jm, "Held", true);
		json_set_bool(jm, "NoCopy", m->no_copy);
		(void)json_object_array_add(mounts, jm);
	}
	return mounts;
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
	case K_MOUNTS:
		return mounts_value(r);
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
	case K_MOUNTS:
		return false;
	default:
		return *(const uint64_t *)p == 0;
	}
}

void record_write(const struct container_record *r, struct sbuf *out)
{
	AUTO_JSON struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!is_default(r, &fields[i]))
			json_set(o, fields[i].key, field_value(r, &fields[i]));
	json_write(o, false, out);
	sbuf_addc(out, '\n');
}

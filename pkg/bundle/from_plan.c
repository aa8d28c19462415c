/* SPDX-License-Identifier: MIT */
/* A plan as runtime-spec writes it: for explain, and to be compared with other runtimes' input. */
#include "pkg/bundle/from_plan.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>

#include "pkg/base/alloc.h"
#include "pkg/base/parse.h"
#include "pkg/json/json.h"
#include "pkg/oci/linux_names.h"
#include "pkg/oci/runtime_spec.h"
#include "pkg/runtime/hooks.h"
#include "pkg/runtime/pins.h"
#include "pkg/runtime/user.h"

static struct json_object *strings(const char *const *v)
{
	struct json_object *a = json_object_new_array();

	for (; v && *v; v++)
		(void)json_object_array_add(a, json_object_new_string(*v));
	return a;
}

static struct json_object *cap_list(uint64_t mask)
{
	AUTO_STRV struct strv names = STRV_INIT;

	caps_names(mask, &names);
	return json_from_strv(&names);
}

static struct json_object *capabilities(const struct rt_process *p)
{
	struct json_object *o = json_object_new_object();
	uint64_t own = user_is_root(p->user) ? p->caps : p->caps_added & p->caps;
	uint64_t ambient = user_is_root(p->user) ? 0 : own;

	json_set(o, "bounding", cap_list(p->caps));
	json_set(o, "effective", cap_list(own));
	json_set(o, "permitted", cap_list(own));
	json_set(o, "inheritable", cap_list(ambient));
	json_set(o, "ambient", cap_list(ambient));
	return o;
}

/* Who the image's names are is known only inside: numbers are told, names are left to the start. */
static struct json_object *user(const struct rt_process *p)
{
	struct json_object *o = json_object_new_object();
	const char *name = p->user ? p->user : "";
	AUTO_FREE char *uid = xstrndup(name, strcspn(name, ":"));
	const char *gid = strchr(name, ':');
	uint32_t id;

	if (user_is_root(name))
		json_set_i64(o, "uid", 0);
	else if (parse_u32(uid, INT32_MAX, &id) == 0)
		json_set_i64(o, "uid", id);
	if (gid && parse_u32(gid + 1, INT32_MAX, &id) == 0)
		json_set_i64(o, "gid", id);
	else if (!gid && user_is_root(name))
		json_set_i64(o, "gid", 0);
	json_set_str(o, "username", *name ? name : "root");
	json_set_i64(o, "umask", p->umask);
	return o;
}

static struct json_object *limit(uint64_t v)
{
	return v == UINT64_MAX ? json_object_new_uint64(v) : json_object_new_int64((int64_t)v);
}

static struct json_object *process(const struct rt_process *p)
{
	struct json_object *o = json_object_new_object(), *limits = json_object_new_array();

	json_set_bool(o, "terminal", p->terminal);
	json_set(o, "user", user(p));
	json_set(o, "args", strings(p->argv));
	json_set(o, "env", strings(p->envp));
	json_set_str(o, "cwd", p->cwd && *p->cwd ? p->cwd : "/");
	json_set(o, "capabilities", capabilities(p));
	json_set_bool(o, "noNewPrivileges", p->no_new_privs);
	if (p->has_oom_score_adj)
		json_set_i64(o, "oomScoreAdj", p->oom_score_adj);
	if (p->apparmor)
		json_set_str(o, "apparmorProfile", p->apparmor);
	for (unsigned i = 0; i < p->n_rlimits; i++) {
		struct json_object *l = json_object_new_object();
		const char *name = rlimit_name(p->rlimits[i].resource);
		AUTO_FREE char *type = xasprintf("RLIMIT_%s", name ? name : "");

		for (char *c = type; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		json_set_str(l, "type", type);
		json_set(l, "hard", limit(p->rlimits[i].hard));
		json_set(l, "soft", limit(p->rlimits[i].soft));
		(void)json_object_array_add(limits, l);
	}
	json_set(o, "rlimits", limits);
	return o;
}

static const char *const mount_types[] = {
	[RT_MOUNT_BIND] = "bind",       [RT_MOUNT_TMPFS] = "tmpfs",
	[RT_MOUNT_PROC] = "proc",       [RT_MOUNT_SYSFS] = "sysfs",
	[RT_MOUNT_DEVPTS] = "devpts",   [RT_MOUNT_MQUEUE] = "mqueue",
	[RT_MOUNT_CGROUP2] = "cgroup2", [RT_MOUNT_RAMFS] = "ramfs",
	[RT_MOUNT_OVERLAY] = "overlay",
};

static struct json_object *mount_options(const struct rt_mount *m)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = {{RT_MNT_NOSUID, "nosuid"},    {RT_MNT_NODEV, "nodev"},
		     {RT_MNT_NOEXEC, "noexec"},    {RT_MNT_NOATIME, "noatime"},
		     {RT_MNT_COPYUP, "tmpcopyup"}, {RT_MNT_CHOWN, "U"}};
	static const struct {
		uint32_t flag;
		const char *word;
	} propagation[] = {
		{MS_SHARED, "shared"}, {MS_SLAVE, "slave"}, {MS_UNBINDABLE, "unbindable"}};
	AUTO_STRV struct strv all = STRV_INIT;

	if (m->type == RT_MOUNT_BIND)
		strv_add(&all, m->flags & RT_MNT_NONREC ? "bind" : "rbind");
	strv_add(&all, m->flags & RT_MNT_RO ? "ro" : "rw");
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (m->flags & words[i].flag)
			strv_add(&all, words[i].word);
	for (unsigned i = 0; i < ARRAY_LEN(propagation); i++)
		if (m->propagation & propagation[i].flag)
			strv_addf(&all, "%s%s", m->propagation & MS_REC ? "r" : "",
				  propagation[i].word);
	if (m->data && *m->data)
		strv_split(&all, m->data, ',');
	return json_from_strv(&all);
}

static struct json_object *mounts(const struct rt_plan *p)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < p->n_mounts; i++) {
		const struct rt_mount *m = &p->mounts[i];
		struct json_object *o = json_object_new_object();

		json_set_str(o, "destination", m->target);
		json_set_str(o, "type", mount_types[m->type]);
		json_set_str(o, "source", m->source ? m->source : mount_types[m->type]);
		json_set(o, "options", mount_options(m));
		(void)json_object_array_add(a, o);
	}
	return a;
}

static const struct {
	enum rt_ns_kind kind;
	const char *name, *file;
} kinds[] = {{RT_NS_USER, "user", "user"},  {RT_NS_PID, "pid", "pid"},
	     {RT_NS_UTS, "uts", "uts"},     {RT_NS_IPC, "ipc", "ipc"},
	     {RT_NS_NET, "network", "net"}, {RT_NS_CGROUP, "cgroup", "cgroup"}};

static char *pinned_path(const struct rt_ns *ns)
{
	char path[PIN_PATH_MAX];

	pin_path(&ns->target, ns->fd, path);
	return xstrdup(path);
}

static struct json_object *namespaces(const struct rt_plan *p)
{
	struct json_object *a = json_object_new_array(), *o = json_object_new_object();

	json_set_str(o, "type", "mount");
	(void)json_object_array_add(a, o);
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct rt_ns *ns = &p->ns[kinds[i].kind];
		AUTO_FREE char *path = NULL;

		if (ns->mode == RT_NS_HOST)
			continue;
		o = json_object_new_object();
		json_set_str(o, "type", kinds[i].name);
		if (ns->mode == RT_NS_JOIN) {
			path = ns->path ? xstrdup(ns->path)
			       : ns->fd ? pinned_path(ns)
					: xasprintf("/proc/%d/ns/%s", (int)ns->target.pid,
						    kinds[i].file);
			json_set_str(o, "path", path);
		}
		(void)json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *id_map(const struct rt_idmap *m, unsigned n)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_i64(o, "containerID", m[i].inside);
		json_set_i64(o, "hostID", m[i].outside);
		json_set_i64(o, "size", m[i].count);
		(void)json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *sysctls(const char *const *v)
{
	struct json_object *o = json_object_new_object();

	for (; v && *v; v++) {
		const char *eq = strchr(*v, '=');
		AUTO_FREE char *key = xstrndup(*v, (size_t)(eq - *v));

		json_set_str(o, key, eq + 1);
	}
	return o;
}

static struct json_object *devices(const struct rt_plan *p)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < p->n_devices; i++) {
		struct json_object *o = json_object_new_object();

		json_set_str(o, "path", p->devices[i].target);
		json_set_str(o, "source", p->devices[i].source);
		(void)json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *hooks(const struct rt_plan *p)
{
	struct json_object *o = json_object_new_object();

	for (unsigned i = 0; i < p->n_hooks; i++) {
		const char *stage = rt_hook_stage_name(p->hooks[i].stage);
		struct json_object *a = NULL, *h = json_object_new_object();

		if (!json_object_object_get_ex(o, stage, &a)) {
			a = json_object_new_array();
			json_set(o, stage, a);
		}
		json_set_str(h, "path", p->hooks[i].path);
		json_set(h, "args", strings(p->hooks[i].argv));
		json_set(h, "env", strings(p->hooks[i].envp));
		json_set_i64(h, "timeout", p->hooks[i].timeout_s);
		(void)json_object_array_add(a, h);
	}
	return o;
}

struct json_object *bundle_from_plan(const struct rt_plan *p)
{
	struct json_object *o = json_object_new_object(), *root = json_object_new_object();
	struct json_object *l = json_object_new_object();

	json_set_str(o, "ociVersion", OCI_RUNTIME_VERSION);
	json_set(o, "process", process(&p->process));
	json_set_str(root, "path", p->root.driver == RT_ROOT_DIR ? p->root.lower[0] : "rootfs");
	json_set_bool(root, "readonly", p->root.read_only);
	json_set(o, "root", root);
	if (p->hostname)
		json_set_str(o, "hostname", p->hostname);
	if (p->domainname)
		json_set_str(o, "domainname", p->domainname);
	json_set(o, "mounts", mounts(p));
	if (p->n_hooks)
		json_set(o, "hooks", hooks(p));
	json_set(l, "namespaces", namespaces(p));
	if (p->ns[RT_NS_USER].mode == RT_NS_NEW) {
		json_set(l, "uidMappings", id_map(p->uid_map, p->n_uid_map));
		json_set(l, "gidMappings", id_map(p->gid_map, p->n_gid_map));
	}
	if (p->process.linux32) {
		struct json_object *domain = json_object_new_object();

		json_set_str(domain, "domain", "LINUX32");
		json_set(l, "personality", domain);
	}
	json_set(l, "sysctl", sysctls(p->sysctls));
	json_set(l, "devices", devices(p));
	json_set(l, "maskedPaths", strings(p->masked));
	json_set(l, "readonlyPaths", strings(p->read_only));
	json_set(o, "linux", l);
	return o;
}

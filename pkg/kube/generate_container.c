/* SPDX-License-Identifier: MIT */
#include "pkg/kube/generate.h"

#include <signal.h>
#include <string.h>

#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/make.h"
#include "pkg/oci/linux_names.h"
#include "storage/volume.h"

void generate_list(struct json_object *o, const char *key, const struct strv *v)
{
	if (v->n)
		json_set(o, key, json_from_strv(v));
}

/* Only what a name of Kubernetes may have. */
static char *plain_name(const char *s)
{
	char *name = xstrdup(s + strspn(s, "/"));

	for (char *c = name; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", *c))
			*c = '-';
	return name;
}

/* The size of "mode=0777,size=64m" in bytes; 0: none, or a part of the machine's memory. */
static uint64_t size_of(const char *options)
{
	AUTO_STRV struct strv words = STRV_INIT;
	const char *size;
	uint64_t n = 0;

	strv_split(&words, options ? options : "", ',');
	size = strv_env_get(&words, "size");
	if (size && parse_size(size, &n) < 0)
		err_drop();
	return n;
}

static struct json_object *memory_of(uint64_t size)
{
	struct json_object *inner = json_object_new_object();

	json_set_str(inner, "medium", "Memory");
	if (size)
		json_set_i64(inner, "sizeLimit", (int64_t)size);
	return inner;
}

/* Is it a tmpfs, and then of which size? */
static bool is_memory_volume(struct store *st, const char *name, uint64_t *ret_size)
{
	AUTO(volume_record_done) struct volume_record v = {0};
	const char *type = NULL;

	if (volume_load(st, name, &v) < 0)
		err_drop();
	else
		type = strv_env_get(&v.options, "type");
	if (!type || strcmp(type, "tmpfs") != 0)
		return false;
	*ret_size = size_of(strv_env_get(&v.options, "o"));
	return true;
}

static const char *below(const char *name, const char *pod)
{
	size_t n = strlen(pod);

	return strncmp(name, pod, n) == 0 && name[n] == '-' && name[n + 1] ? name + n + 1 : name;
}

/* As kube_play() calls it with the pod's name before it; a tmpfs is its container's own. malloc'ed. */
static char *volume_name(const struct mount_spec *m, const char *container, const char *pod,
			 bool memory)
{
	AUTO_FREE char *clean = plain_name(m->kind == MOUNT_TMPFS ? m->target
					   : memory               ? below(m->source, pod)
								  : m->source);

	if (memory)
		return TAKE_PTR(clean);
	if (m->kind == MOUNT_TMPFS)
		return xasprintf("%s-%s-tmp", container, clean);
	return xasprintf("%s-%s", clean, m->kind == MOUNT_BIND ? "host" : "pvc");
}

static void add_mount(const struct mount_spec *m, const char *container, struct spec *spec,
		      struct json_object *mounts)
{
	uint64_t size = m->kind == MOUNT_TMPFS ? size_of(m->data) : 0;
	bool memory = m->kind == MOUNT_VOLUME && is_memory_volume(spec->st, m->source, &size);
	AUTO_FREE char *name = volume_name(m, container, spec->pod, memory);
	struct json_object *o = json_object_new_object(), *v, *inner;

	json_set_str(o, "mountPath", m->target);
	json_set_str(o, "name", name);
	if (m->flags & RT_MNT_RO)
		json_set_bool(o, "readOnly", true);
	if (m->subpath)
		json_set_str(o, "subPath", m->subpath);
	(void)json_object_array_add(mounts, o);
	if (strv_has(&spec->seen, name))
		return;
	strv_add(&spec->seen, name);
	v = json_object_new_object();
	json_set_str(v, "name", name);
	if (memory || m->kind == MOUNT_TMPFS) {
		json_set(v, "emptyDir", memory_of(size));
	} else {
		inner = json_object_new_object();
		json_set_str(inner, m->kind == MOUNT_BIND ? "path" : "claimName", m->source);
		json_set(v, m->kind == MOUNT_BIND ? "hostPath" : "persistentVolumeClaim", inner);
	}
	(void)json_object_array_add(spec->volumes, v);
}

/* "host:container:rwm" */
static void add_device(const char *device, struct spec *spec, struct json_object *mounts)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_FREE char *clean = NULL, *name = NULL;
	struct json_object *o = json_object_new_object(), *v, *inner;

	strv_split(&parts, device, ':');
	clean = plain_name(parts.v[0]);
	name = xasprintf("%s-dev", clean);
	json_set_str(o, "mountPath", parts.n > 1 ? parts.v[1] : parts.v[0]);
	json_set_str(o, "name", name);
	(void)json_object_array_add(mounts, o);
	if (strv_has(&spec->seen, name))
		return;
	strv_add(&spec->seen, name);
	v = json_object_new_object();
	inner = json_object_new_object();
	json_set_str(inner, "path", parts.v[0]);
	json_set_str(inner, "type", "CharDevice");
	json_set_str(v, "name", name);
	json_set(v, "hostPath", inner);
	(void)json_object_array_add(spec->volumes, v);
}

static struct json_object *env_of(const struct container_record *rec)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < rec->env.n; i++) {
		const char *e = rec->env.v[i], *eq = strchr(e, '=');
		AUTO_FREE char *name = eq ? xstrndup(e, (size_t)(eq - e)) : NULL;
		struct json_object *o;

		if (!eq || strcmp(name, "PATH") == 0 || strcmp(name, "HOSTNAME") == 0 ||
		    strcmp(name, "container") == 0 || strcmp(name, "TERM") == 0)
			continue;
		o = json_object_new_object();
		json_set_str(o, "name", name);
		json_set_str(o, "value", eq + 1);
		(void)json_object_array_add(a, o);
	}
	return a;
}

static void set_ports(struct json_object *o, const struct strv *ports)
{
	struct json_object *a;
	struct net_port_list l = {0};

	for (size_t i = 0; i < ports->n; i++)
		if (net_port_parse(ports->v[i], &l) < 0)
			err_drop();
	a = json_object_new_array();
	for (unsigned i = 0; i < l.n; i++) {
		struct json_object *p = json_object_new_object();

		json_set_i64(p, "containerPort", l.v[i].container_port);
		if (strcmp(l.v[i].host_ip, "0.0.0.0") != 0 && *l.v[i].host_ip)
			json_set_str(p, "hostIP", l.v[i].host_ip);
		if (l.v[i].host_port)
			json_set_i64(p, "hostPort", l.v[i].host_port);
		if (l.v[i].proto == NET_UDP)
			json_set_str(p, "protocol", "UDP");
		(void)json_object_array_add(a, p);
	}
	if (l.n)
		json_set(o, "ports", a);
	else
		(void)json_object_put(a);
	net_port_list_done(&l);
}

static void set_caps(struct json_object *o, const char *key, uint64_t mask)
{
	AUTO_STRV struct strv names = STRV_INIT;

	caps_names(mask, &names);
	generate_list(o, key, &names);
}

static void set_security(struct json_object *o, const struct container_record *rec)
{
	struct json_object *s = json_object_new_object(), *caps = json_object_new_object();
	const char *colon = strchr(rec->user, ':');
	AUTO_FREE char *user = colon ? xstrndup(rec->user, (size_t)(colon - rec->user))
				     : xstrdup(rec->user);
	uint32_t id;

	if (parse_u32(user, INT32_MAX, &id) == 0)
		json_set_i64(s, "runAsUser", id);
	if (colon && parse_u32(colon + 1, INT32_MAX, &id) == 0)
		json_set_i64(s, "runAsGroup", id);
	if (rec->privileged)
		json_set_bool(s, "privileged", true);
	if (rec->read_only)
		json_set_bool(s, "readOnlyRootFilesystem", true);
	if (rec->no_new_privs)
		json_set_bool(s, "allowPrivilegeEscalation", false);
	if (!rec->privileged) {
		set_caps(caps, "add", rec->caps & ~caps_default());
		set_caps(caps, "drop", caps_default() & ~rec->caps);
	}
	if (json_object_object_length(caps))
		json_set(s, "capabilities", caps);
	else
		(void)json_object_put(caps);
	if (json_object_object_length(s))
		json_set(o, "securityContext", s);
	else
		(void)json_object_put(s);
}

static void set_seconds(struct json_object *o, const char *key, int64_t ns)
{
	if (ns > 0)
		json_set_i64(o, key, (ns + NS_PER_S - 1) / NS_PER_S);
}

static void set_probe(struct json_object *o, const char *key, const struct health_spec *h,
		      int64_t delay_ns)
{
	struct json_object *probe, *exec;
	AUTO_STRV struct strv command = STRV_INIT;

	if (h->test.n < 2)
		return;
	if (strcmp(h->test.v[0], "CMD-SHELL") == 0) {
		strv_add(&command, "/bin/sh");
		strv_add(&command, "-c");
	}
	for (size_t i = 1; i < h->test.n; i++)
		strv_add(&command, h->test.v[i]);
	probe = json_object_new_object();
	exec = json_object_new_object();
	json_set(exec, "command", json_from_strv(&command));
	json_set(probe, "exec", exec);
	set_seconds(probe, "periodSeconds", h->interval_ns);
	set_seconds(probe, "timeoutSeconds", h->timeout_ns);
	set_seconds(probe, "initialDelaySeconds", delay_ns);
	if (h->retries > 0)
		json_set_i64(probe, "failureThreshold", h->retries);
	json_set(o, key, probe);
}

/* Nothing follows from its failure: what Kubernetes calls ready. */
static void set_probes(struct json_object *o, const struct container_record *rec)
{
	set_probe(o, rec->health_on_failure ? "livenessProbe" : "readinessProbe", &rec->health,
		  rec->health_start_period_ns);
	set_probe(o, "startupProbe", &rec->startup, 0);
}

static void add_limits(const struct container_record *rec, struct json_object *o)
{
	struct json_object *limits = json_object_new_object(), *res;
	AUTO_FREE char *cpu = NULL;

	if (rec->nano_cpus > 0)
		cpu = xasprintf("%lldm", (long long)rec->nano_cpus / 1000000);
	else if (rec->cpu_quota > 0)
		cpu = xasprintf("%lldm",
				(long long)rec->cpu_quota * 1000 /
					(long long)(rec->cpu_period ? rec->cpu_period : 100000));
	if (cpu)
		json_set_str(limits, "cpu", cpu);
	if (rec->memory)
		json_set_i64(limits, "memory", (int64_t)rec->memory);
	if (!cpu && !rec->memory) {
		(void)json_object_put(limits);
		return;
	}
	res = json_object_new_object();
	json_set(res, "limits", limits);
	json_set(o, "resources", res);
}

char *generate_name(const struct container_record *rec, const char *pod)
{
	return plain_name(below(rec->name, pod));
}

struct json_object *generate_container(const struct container_record *rec, const char *pod,
				       const struct strv *ports, struct spec *spec)
{
	struct json_object *o = json_object_new_object(), *mounts = json_object_new_array();
	AUTO_FREE char *name = generate_name(rec, pod);

	json_set_str(o, "name", name);
	json_set_str(o, "image", rec->image);
	generate_list(o, "command", &rec->entrypoint);
	generate_list(o, "args", &rec->cmd);
	json_set(o, "env", env_of(rec));
	if (json_object_array_length(kube_get(o, "env")) == 0)
		json_object_object_del(o, "env");
	set_ports(o, ports);
	set_security(o, rec);
	set_probes(o, rec);
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (rec->mounts[i].kind == MOUNT_BIND || rec->mounts[i].kind == MOUNT_VOLUME ||
		    rec->mounts[i].kind == MOUNT_TMPFS)
			add_mount(&rec->mounts[i], name, spec, mounts);
	for (size_t i = 0; i < rec->devices.n; i++)
		add_device(rec->devices.v[i], spec, mounts);
	if (json_object_array_length(mounts))
		json_set(o, "volumeMounts", mounts);
	else
		(void)json_object_put(mounts);
	add_limits(rec, o);
	if (strcmp(rec->workdir, "/") != 0)
		json_set_str(o, "workingDir", rec->workdir);
	if (rec->stop_signal && rec->stop_signal != SIGTERM) {
		struct json_object *life = json_object_new_object();
		AUTO_FREE char *number = xasprintf("%lld", (long long)rec->stop_signal);

		json_set_str(life, "stopSignal", number);
		json_set(o, "lifecycle", life);
	}
	if (rec->tty)
		json_set_bool(o, "tty", true);
	if (rec->interactive)
		json_set_bool(o, "stdin", true);
	return o;
}

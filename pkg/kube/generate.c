/* SPDX-License-Identifier: MIT */
/* Pods and containers of ours as the documents that would make them. */
#include <string.h>

#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/make.h"
#include "pkg/container/volumes.h"
#include "pkg/kube/internal.h"
#include "pkg/oci/linux_names.h"
#include "storage/volume.h"

/* Names of volumes that were written already, and the list that they go to. */
struct spec {
	struct store *st;
	const char *pod;
	struct json_object *volumes;
	struct strv seen;
};

static void set_list(struct json_object *o, const char *key, const struct strv *v)
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
	set_list(o, key, &names);
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

static void set_probe(struct json_object *o, const struct container_record *rec)
{
	struct json_object *probe, *exec;
	AUTO_STRV struct strv command = STRV_INIT;

	if (rec->health.test.n < 2)
		return;
	if (strcmp(rec->health.test.v[0], "CMD-SHELL") == 0) {
		strv_add(&command, "/bin/sh");
		strv_add(&command, "-c");
	}
	for (size_t i = 1; i < rec->health.test.n; i++)
		strv_add(&command, rec->health.test.v[i]);
	probe = json_object_new_object();
	exec = json_object_new_object();
	json_set(exec, "command", json_from_strv(&command));
	json_set(probe, "exec", exec);
	if (rec->health.interval_ns > 0)
		json_set_i64(probe, "periodSeconds",
			     (rec->health.interval_ns + NS_PER_S - 1) / NS_PER_S);
	if (rec->health.retries > 0)
		json_set_i64(probe, "failureThreshold", rec->health.retries);
	json_set(o, "livenessProbe", probe);
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

/* Without the pod's name before it, which kube_play() puts there; malloc'ed. */
static char *own_name(const struct container_record *rec, const char *pod)
{
	return plain_name(below(rec->name, pod));
}

static struct json_object *container_of(const struct container_record *rec, const char *pod,
					const struct strv *ports, struct spec *spec)
{
	struct json_object *o = json_object_new_object(), *mounts = json_object_new_array();
	AUTO_FREE char *name = own_name(rec, pod);

	json_set_str(o, "name", name);
	json_set_str(o, "image", rec->image);
	set_list(o, "command", &rec->entrypoint);
	set_list(o, "args", &rec->cmd);
	json_set(o, "env", env_of(rec));
	if (json_object_array_length(kube_get(o, "env")) == 0)
		json_object_object_del(o, "env");
	set_ports(o, ports);
	set_security(o, rec);
	set_probe(o, rec);
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (rec->mounts[i].kind == MOUNT_BIND || rec->mounts[i].kind == MOUNT_VOLUME ||
		    rec->mounts[i].kind == MOUNT_TMPFS)
			add_mount(&rec->mounts[i], name, spec, mounts);
	if (json_object_array_length(mounts))
		json_set(o, "volumeMounts", mounts);
	else
		(void)json_object_put(mounts);
	add_limits(rec, o);
	if (strcmp(rec->workdir, "/") != 0)
		json_set_str(o, "workingDir", rec->workdir);
	if (rec->tty)
		json_set_bool(o, "tty", true);
	if (rec->interactive)
		json_set_bool(o, "stdin", true);
	return o;
}

static struct json_object *document(const char *kind, const char *name, const struct strv *labels)
{
	struct json_object *o = json_object_new_object(), *meta = json_object_new_object();
	AUTO_STRV struct strv all = STRV_INIT;
	AUTO_FREE char *app = xasprintf("app=%s", name);
	char now[CLOCK_TEXT_MAX];

	if (labels)
		strv_add_all(&all, labels);
	if (!strv_env_get(&all, "app"))
		strv_add(&all, app);
	clock_format_utc(clock_now_ns(), now);
	now[strcspn(now, ".")] = '\0';
	(void)strncat(now, "Z", sizeof(now) - strlen(now) - 1);
	json_set_str(o, "apiVersion", "v1");
	json_set_str(o, "kind", kind);
	json_set_str(meta, "creationTimestamp", now);
	json_set(meta, "labels", json_from_map(&all));
	json_set_str(meta, "name", name);
	json_set(o, "metadata", meta);
	return o;
}

static const char *restart_of(const struct container_record *rec)
{
	return !rec->restart                             ? "Never"
	       : strcmp(rec->restart, "on-failure") == 0 ? "OnFailure"
							 : "Always";
}

static struct json_object *pod_document(struct store *st, const char *name,
					const struct strv *labels, const struct container *const *v,
					size_t n, const struct container_record *infra)
{
	struct json_object *o = document("Pod", name, labels), *spec = json_object_new_object(),
			   *all = json_object_new_array(), *init = json_object_new_array();
	struct spec s = {.st = st, .pod = name, .volumes = json_object_new_array()};
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		const struct container_record *rec = v[i]->rec;
		const struct strv none = STRV_INIT;
		/* Ports are the pod's; here they stand at its first container. */
		const struct strv *ports = infra ? (first && !rec->init_ctr ? &infra->ports : &none)
						 : &rec->ports;

		(void)json_object_array_add(rec->init_ctr ? init : all,
					    container_of(rec, name, ports, &s));
		if (!rec->init_ctr && first) {
			json_set_str(spec, "restartPolicy", restart_of(rec));
			if (rec->stop_timeout >= 0 && rec->stop_timeout != STOP_TIMEOUT_DEFAULT)
				json_set_i64(spec, "terminationGracePeriodSeconds",
					     rec->stop_timeout);
			first = false;
		}
	}
	json_set(spec, "containers", all);
	if (json_object_array_length(init))
		json_set(spec, "initContainers", init);
	else
		(void)json_object_put(init);
	if (infra && strcmp(infra->ns_net, "host") == 0)
		json_set_bool(spec, "hostNetwork", true);
	if (infra && infra->hostname && strcmp(infra->hostname, name) != 0)
		json_set_str(spec, "hostname", infra->hostname);
	if (json_object_array_length(s.volumes))
		json_set(spec, "volumes", s.volumes);
	else
		(void)json_object_put(s.volumes);
	strv_done(&s.seen);
	json_set(o, "spec", spec);
	return o;
}

/* What runs the pods of a document: {"apiVersion": "apps/v1", "kind": "Deployment" …}; @pod is taken. */
static struct json_object *wrap(struct json_object *pod, const struct kube_generate *o)
{
	static const struct {
		const char *type, *kind, *api;
	} kinds[] = {{"deployment", "Deployment", "apps/v1"},
		     {"daemonset", "DaemonSet", "apps/v1"},
		     {"job", "Job", "batch/v1"}};
	const char *pod_name = kube_name(pod);
	struct json_object *doc, *spec, *tmpl, *v;
	AUTO_FREE char *name = NULL;
	size_t k = 0;

	if (!o->type || strcmp(o->type, "pod") == 0)
		return pod;
	while (strcmp(kinds[k].type, o->type) != 0)
		k++;
	name = xasprintf("%s-%s", pod_name, o->type);
	doc = document(kinds[k].kind, name, NULL);
	json_set_str(doc, "apiVersion", kinds[k].api);
	spec = json_object_new_object();
	tmpl = json_object_new_object();
	if (k == 0)
		json_set_i64(spec, "replicas", o->replicas ? o->replicas : 1);
	if (k < 2) {
		v = json_object_new_object();
		json_set(v, "matchLabels", json_object_get(kube_get(pod, "metadata.labels")));
		json_set(spec, "selector", v);
	}
	json_set(tmpl, "metadata", json_object_get(kube_get(pod, "metadata")));
	json_set(tmpl, "spec", json_object_get(kube_get(pod, "spec")));
	json_set(spec, "template", tmpl);
	json_set(doc, "spec", spec);
	(void)json_object_put(pod);
	return doc;
}

/* The ports of the pod's containers; NULL when it has none. */
static struct json_object *service_of(struct json_object *pod)
{
	struct json_object *doc, *spec, *ports = json_object_new_array(), *c, *e;

	for (size_t i = 0; (c = kube_each(pod, "spec.containers", i)); i++) {
		for (size_t k = 0; (e = kube_each(c, "ports", k)); k++) {
			struct json_object *port = json_object_new_object();
			const char *number = kube_text(e, "containerPort");

			json_set_str(port, "name", number);
			json_set(port, "port", json_object_get(kube_get(e, "containerPort")));
			json_set(port, "targetPort", json_object_get(kube_get(e, "containerPort")));
			if (kube_text(e, "protocol"))
				json_set_str(port, "protocol", kube_text(e, "protocol"));
			(void)json_object_array_add(ports, port);
		}
	}
	if (json_object_array_length(ports) == 0) {
		(void)json_object_put(ports);
		return NULL;
	}
	doc = document("Service", kube_name(pod), NULL);
	json_set(kube_get(doc, "metadata"), "labels",
		 json_object_get(kube_get(pod, "metadata.labels")));
	spec = json_object_new_object();
	json_set(spec, "ports", ports);
	json_set(spec, "selector", json_object_get(kube_get(pod, "metadata.labels")));
	json_set_str(spec, "type", "NodePort");
	json_set(doc, "spec", spec);
	return doc;
}

static void annotate(const struct container *const *v, size_t n, struct json_object *pod)
{
	struct json_object *notes = json_object_new_object();

	for (size_t i = 0; i < n; i++) {
		const struct container_record *rec = v[i]->rec;
		AUTO_FREE char *from = strv_join(&rec->volumes_from, ";");
		AUTO_FREE char *limit = rec->pids_limit
						? xasprintf("%lld", (long long)rec->pids_limit)
						: NULL;
		const struct {
			const char *key, *value;
		} said[] = {{"pids-limit", limit},
			    {"cpuset", rec->cpuset_cpus},
			    {"memory-nodes", rec->cpuset_mems},
			    {"init", rec->init ? "TRUE" : NULL},
			    {"volumes-from", *from && !rec->pod ? from : NULL},
			    {"apparmor", rec->apparmor},
			    {"seccomp", rec->privileged ? NULL : rec->seccomp}};

		for (size_t k = 0; k < ARRAY_LEN(said); k++) {
			AUTO_FREE char *name = own_name(rec, kube_name(pod));
			AUTO_FREE char *key = xasprintf("io.podman.annotations.%s/%s", said[k].key,
							name);

			if (said[k].value)
				json_set_str(notes, key, said[k].value);
		}
	}
	if (json_object_object_length(notes))
		json_set(kube_get(pod, "metadata"), "annotations", notes);
	else
		(void)json_object_put(notes);
}

static int of_pod(struct store *st, const struct pod_record *pod, const struct kube_generate *o,
		  struct json_object **ret)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	AUTO_FREE const struct container **v = NULL;
	const struct container_record *infra = NULL;
	size_t n = 0;
	int r = pod_members(st, pod, &m);

	if (r < 0)
		return r;
	v = xcalloc(m.n + 1, sizeof(*v));
	for (size_t i = 0; i < m.n; i++) {
		if (m.v[i].rec->is_infra)
			infra = m.v[i].rec;
		else
			v[n++] = &m.v[i];
	}
	if (n == 0)
		return err_new(-CE_BAD_STATE, "it has no containers");
	*ret = pod_document(st, pod->name, &pod->labels, v, n, infra);
	if (strv_has(&pod->share, "pid"))
		json_set_bool(kube_get(*ret, "spec"), "shareProcessNamespace", true);
	if (o->annotations)
		annotate(v, n, *ret);
	return 0;
}

static int of_container(struct store *st, const struct container *c, const struct kube_generate *o,
			struct json_object **ret)
{
	AUTO_FREE char *name = xasprintf("%s-pod", c->rec->name);

	if (c->rec->rootfs || !*c->rec->image)
		return err_new(-CE_UNSUPPORTED, "it was made from no image");
	*ret = pod_document(st, name, NULL, &c, 1, NULL);
	if (o->annotations)
		annotate(&c, 1, *ret);
	return 0;
}

static int of_volume(struct store *st, const char *name, struct json_object **ret)
{
	AUTO_JSON struct json_object *found = NULL;
	struct json_object *spec, *modes, *requests, *resources;
	int r = volume_inspect(st, name, &found);

	if (r < 0)
		return r;
	spec = json_object_new_object();
	modes = json_object_new_array();
	requests = json_object_new_object();
	resources = json_object_new_object();
	(void)json_object_array_add(modes, json_object_new_string("ReadWriteOnce"));
	json_set(spec, "accessModes", modes);
	json_set_str(requests, "storage", "1Gi");
	json_set(resources, "requests", requests);
	json_set(spec, "resources", resources);
	*ret = document("PersistentVolumeClaim", kube_text(found, "Name"), NULL);
	json_set(*ret, "spec", spec);
	return 0;
}

static int one(struct store *st, const char *name, const struct kube_generate *o,
	       struct json_object **ret)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	struct container c;
	int r = pod_resolve(st, name, &pod);

	if (r != -CE_NO_POD)
		return r < 0 ? r : of_pod(st, &pod, o, ret);
	err_drop();
	r = container_open(st, name, &c);
	if (r == 0) {
		r = of_container(st, &c, o, ret);
		container_done(&c);
		return r;
	}
	if (r != -CE_NO_CONTAINER)
		return r;
	err_drop();
	r = of_volume(st, name, ret);
	return r == -CE_NO_VOLUME ? err_new(-CE_NO_OBJECT, "%s", name) : r;
}

/* Of a restart policy that the kind does not have Kubernetes would say no. */
static int check_restart(struct json_object *pod, const struct kube_generate *o)
{
	const char *restart = kube_text(pod, "spec.restartPolicy");
	bool is_job = o->type && strcmp(o->type, "job") == 0;

	if (!o->type || strcmp(o->type, "pod") == 0)
		return 0;
	if (is_job && restart && strcmp(restart, "Always") == 0)
		return err_usage("--type job: the restart policy of its containers is to be no or "
				 "on-failure, not always");
	/* Pods of the others always run. */
	if (!is_job)
		json_set_str(kube_get(pod, "spec"), "restartPolicy", "Always");
	return 0;
}

static int check_options(const struct kube_generate *o)
{
	static const char *const types[] = {"pod", "deployment", "daemonset", "job"};
	bool known = !o->type;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		known = known || strcmp(o->type, types[i]) == 0;
	if (!known)
		return err_usage("--type '%s': use pod, deployment, daemonset or job", o->type);
	if (o->replicas > 1 && (!o->type || strcmp(o->type, "deployment") != 0))
		return err_usage("--replicas goes with --type deployment");
	return 0;
}

int kube_generate(struct store *st, const struct strv *names, const struct kube_generate *o,
		  struct json_object **ret)
{
	AUTO_JSON struct json_object *all = json_object_new_array();
	int r = check_options(o);

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		struct json_object *doc = NULL, *service = NULL;

		r = one(st, names->v[i], o, &doc);
		if (r == 0 && strcmp(kube_kind(doc), "Pod") == 0) {
			service = o->service ? service_of(doc) : NULL;
			r = check_restart(doc, o);
			if (r == 0)
				doc = wrap(doc, o);
		}
		if (doc)
			(void)json_object_array_add(all, doc);
		if (service)
			(void)json_object_array_add(all, service);
		if (r < 0)
			return r == -CE_NO_OBJECT ? r : err_wrap(r, "%s", names->v[i]);
	}
	if (r == 0)
		*ret = TAKE_PTR(all);
	return r;
}

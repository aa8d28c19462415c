/* SPDX-License-Identifier: MIT */
/* Pods and containers of ours as the documents that would make them. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/container/volumes.h"
#include "pkg/kube/generate.h"

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

/* "NAME[;NAME]:IP" */
static struct json_object *aliases_of(const struct strv *hosts)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < hosts->n; i++) {
		const char *colon = strchr(hosts->v[i], ':');
		AUTO_FREE char *list = colon ? xstrndup(hosts->v[i], (size_t)(colon - hosts->v[i]))
					     : NULL;
		AUTO_STRV struct strv names = STRV_INIT;
		struct json_object *o;

		if (!list)
			continue;
		strv_split(&names, list, ';');
		o = json_object_new_object();
		json_set_str(o, "ip", colon + 1);
		json_set(o, "hostnames", json_from_strv(&names));
		(void)json_object_array_add(a, o);
	}
	return a;
}

/* "NAME=VALUE", or with @cut ':' "NAME[:VALUE]", as {"name": …, "value": …}. */
static struct json_object *pairs_of(const struct strv *v, char cut)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < v->n; i++) {
		const char *at = strchr(v->v[i], cut);
		AUTO_FREE char *name = at ? xstrndup(v->v[i], (size_t)(at - v->v[i]))
					  : xstrdup(v->v[i]);
		struct json_object *o = json_object_new_object();

		json_set_str(o, "name", name);
		if (at)
			json_set_str(o, "value", at + 1);
		(void)json_object_array_add(a, o);
	}
	return a;
}

/* What the infra container has for all of them. */
static void set_shared(struct json_object *spec, const struct container_record *infra,
		       const char *name)
{
	struct json_object *dns, *o;

	if (strcmp(infra->ns_net, "host") == 0)
		json_set_bool(spec, "hostNetwork", true);
	if (strcmp(infra->ns_pid, "host") == 0)
		json_set_bool(spec, "hostPID", true);
	if (strcmp(infra->ns_ipc, "host") == 0)
		json_set_bool(spec, "hostIPC", true);
	if (infra->hostname && strcmp(infra->hostname, name) != 0)
		json_set_str(spec, "hostname", infra->hostname);
	if (infra->add_hosts.n)
		json_set(spec, "hostAliases", aliases_of(&infra->add_hosts));
	if (infra->dns.n + infra->dns_search.n + infra->dns_options.n &&
	    !strv_has(&infra->dns, "none")) {
		dns = json_object_new_object();
		generate_list(dns, "nameservers", &infra->dns);
		generate_list(dns, "searches", &infra->dns_search);
		if (infra->dns_options.n)
			json_set(dns, "options", pairs_of(&infra->dns_options, ':'));
		json_set(spec, "dnsConfig", dns);
	}
	if (infra->sysctls.n) {
		o = json_object_new_object();
		json_set(o, "sysctls", pairs_of(&infra->sysctls, '='));
		json_set(spec, "securityContext", o);
	}
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
					    generate_container(rec, name, ports, &s));
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
	if (infra)
		set_shared(spec, infra, name);
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

/* How the pod itself was made. */
static void annotate_shared(const struct container_record *infra, struct json_object *notes)
{
	AUTO_FREE char *usual = xasprintf("%.12s-infra", infra->pod);

	if (strcmp(infra->name, usual) != 0)
		json_set_str(notes, "io.podman.annotations.infra.name", infra->name);
	/* Explicit maps and ranges of its own that were found for it are not to be had by a word. */
	if (strcmp(infra->ns_user, "host") == 0 || strncmp(infra->ns_user, "keep-id", 7) == 0 ||
	    strncmp(infra->ns_user, "auto", 4) == 0 || strcmp(infra->ns_user, "nomap") == 0)
		json_set_str(notes, "io.podman.annotations.userns", infra->ns_user);
}

static void annotate(const struct container *const *v, size_t n,
		     const struct container_record *infra, struct json_object *pod)
{
	struct json_object *notes = json_object_new_object();

	if (infra)
		annotate_shared(infra, notes);

	for (size_t i = 0; i < n; i++) {
		const struct container_record *rec = v[i]->rec;
		AUTO_FREE char *from = strv_join(&rec->volumes_from, ";");
		AUTO_FREE char *ulimits = strv_join(&rec->ulimits, ",");
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
			    {"ulimit", *ulimits ? ulimits : NULL},
			    {"apparmor", rec->apparmor},
			    {"seccomp", rec->privileged ? NULL : rec->seccomp}};

		for (size_t k = 0; k < ARRAY_LEN(said); k++) {
			AUTO_FREE char *name = generate_name(rec, kube_name(pod));
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
		annotate(v, n, infra, *ret);
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
		annotate(&c, 1, NULL, *ret);
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

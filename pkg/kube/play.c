/* SPDX-License-Identifier: MIT */
/* Documents to pods. */
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/defaults.h"
#include "pkg/container/secrets.h"
#include "pkg/container/volumes.h"
#include "pkg/image/image.h"
#include "pkg/kube/internal.h"

void kube_made_done(struct kube_made *m)
{
	for (size_t i = 0; i < m->n_pods; i++) {
		free(m->pods[i].id);
		strv_done(&m->pods[i].containers);
	}
	free(m->pods);
	strv_done(&m->volumes);
	strv_done(&m->secrets);
	*m = (struct kube_made){0};
}

/* --- config maps and secrets -------------------------------------------------------------------- */

/* Of the lines that it may be broken into, as in a block of YAML. */
static int decode_value(const char *s, struct sbuf *out)
{
	AUTO_SBUF struct sbuf packed = SBUF_INIT;

	sbuf_adds(&packed, "");
	sbuf_adds(out, "");
	for (; *s; s++)
		if (*s != '\n' && *s != '\r')
			sbuf_addc(&packed, *s);
	return base64_decode(packed.s, out);
}

/* What of @part is no base64 is left out: check_base64() has told of it. */
static void add_decoded(struct json_object *doc, const char *part, struct json_object *to)
{
	struct json_object *m = kube_get(doc, part);

	if (!json_object_is_type(m, json_type_object))
		return;
	json_object_object_foreach(m, key, v)
	{
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		if (decode_value(v ? json_object_get_string(v) : "", &b) == 0)
			json_set(to, key, json_object_new_string_len(b.s, (int)b.len));
	}
}

static void add_plain(struct json_object *doc, const char *part, struct json_object *to)
{
	struct json_object *m = kube_get(doc, part);

	if (!json_object_is_type(m, json_type_object))
		return;
	json_object_object_foreach(m, key, v)
	{
		json_set_str(to, key, v ? json_object_get_string(v) : "");
	}
}

static struct json_object *map_of(struct json_object *doc)
{
	struct json_object *to = json_object_new_object();
	bool secret = strcmp(kube_kind(doc), "Secret") == 0;

	if (secret)
		add_decoded(doc, "data", to);
	add_plain(doc, secret ? "stringData" : "data", to);
	return to;
}

static struct json_object *find_doc(struct json_object *docs, const char *kind, const char *name)
{
	for (size_t i = 0; docs && i < json_object_array_length(docs); i++) {
		struct json_object *d = json_object_array_get_idx(docs, i);

		if (strcmp(kube_kind(d), kind) == 0 && kube_name(d) &&
		    strcmp(kube_name(d), name) == 0)
			return d;
	}
	return NULL;
}

/* One that an earlier play left in the store. */
static struct json_object *kept_secret(struct store *st, const char *name)
{
	AUTO(secret_record_done) struct secret_record rec = {0};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_JSON struct json_object *doc = NULL;
	int r = secret_find(st, name, &rec);

	if (r == 0)
		r = secret_read(st, &rec, &text);
	if (r == 0)
		r = json_parse(text.s, text.len, &doc);
	secret_wipe(&text);
	if (r < 0) {
		err_drop();
		return NULL;
	}
	return map_of(doc);
}

struct json_object *kube_find_map(struct kube_play *p, const char *kind, const char *name)
{
	struct json_object *d = find_doc(p->q->docs, kind, name);

	if (!d)
		d = find_doc(p->q->config_maps, kind, name);
	if (d)
		return map_of(d);
	return strcmp(kind, "Secret") == 0 ? kept_secret(p->st, name) : NULL;
}

void kube_add_binary(struct kube_play *p, const char *name, struct json_object *map)
{
	struct json_object *d = find_doc(p->q->docs, "ConfigMap", name);

	if (!d)
		d = find_doc(p->q->config_maps, "ConfigMap", name);
	if (d)
		add_decoded(d, "binaryData", map);
}

static int check_base64(struct json_object *doc, const char *part)
{
	struct json_object *m = kube_get(doc, part);

	if (!json_object_is_type(m, json_type_object))
		return 0;
	json_object_object_foreach(m, key, v)
	{
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		if (v && decode_value(json_object_get_string(v), &b) < 0)
			return err_new(-CE_BAD_FORMAT, "%s.%s is not base64", part, key);
	}
	return 0;
}

static int keep_secret(struct kube_play *p, struct json_object *doc)
{
	const struct secret_request q = {.name = kube_name(doc), .replace = true};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *id = NULL;
	int r;

	r = check_base64(doc, "data");
	if (r < 0)
		return r;
	json_write(doc, false, &text);
	r = secret_make(p->st, &q, text.s, text.len, &id);
	secret_wipe(&text);
	if (r == 0)
		strv_add(&p->made->secrets, id);
	return r;
}

/* --- a pod ----------------------------------------------------------------------------------------- */

static int add_ports(struct json_object *spec, const struct kube_request *q, struct strv *ret)
{
	struct json_object *c, *e;

	for (size_t i = 0; (c = kube_each(spec, "containers", i)); i++) {
		for (size_t k = 0; (e = kube_each(c, "ports", k)); k++) {
			const char *host = kube_text(e, "hostPort"), *ip = kube_text(e, "hostIP"),
				   *inside = kube_text(e, "containerPort"),
				   *proto = kube_text(e, "protocol");

			if (!host && q->publish_all)
				host = inside;
			if (host && !inside)
				return err_new(-CE_BAD_FORMAT, "ports: a hostPort needs a "
							       "containerPort");
			if (host && strcmp(host, "0") != 0)
				strv_addf(ret, "%s%s%s:%s/%s", ip ? ip : "", ip ? ":" : "", host,
					  inside,
					  proto && strcasecmp(proto, "UDP") == 0 ? "udp" : "tcp");
		}
	}
	strv_add_all(ret, &q->publish);
	return 0;
}

static void add_names(struct json_object *spec, struct container_request *infra)
{
	struct json_object *e, *name;

	for (size_t i = 0; (e = kube_each(spec, "hostAliases", i)); i++)
		for (size_t k = 0; (name = kube_each(e, "hostnames", k)); k++)
			strv_addf(&infra->add_host, "%s:%s", json_object_get_string(name),
				  kube_text(e, "ip") ? kube_text(e, "ip") : "");
	for (size_t i = 0; (e = kube_each(spec, "dnsConfig.nameservers", i)); i++)
		strv_add(&infra->dns, json_object_get_string(e));
	for (size_t i = 0; (e = kube_each(spec, "dnsConfig.searches", i)); i++)
		strv_add(&infra->dns_search, json_object_get_string(e));
	for (size_t i = 0; (e = kube_each(spec, "dnsConfig.options", i)); i++) {
		const char *value = kube_text(e, "value"), *n = kube_text(e, "name");

		strv_addf(&infra->dns_option, "%s%s%s", n ? n : "", value ? ":" : "",
			  value ? value : "");
	}
	for (size_t i = 0; (e = kube_each(spec, "securityContext.sysctls", i)); i++)
		strv_addf(&infra->sysctl, "%s=%s", kube_text(e, "name") ? kube_text(e, "name") : "",
			  kube_text(e, "value") ? kube_text(e, "value") : "");
}

/* Volumes of the pod that is to be replaced would be in use. */
static int make_room(struct kube_play *p, const char *name)
{
	AUTO(pod_record_done) struct pod_record old = {0};
	int r = p->q->replace ? pod_load(p->st, name, &old) : -CE_NO_POD;

	if (r == 0)
		return pod_remove(p->st, name, &(struct pod_removal){.force = true, .grace_s = -2});
	return err_forgive(r, -CE_NO_POD);
}

/* What the containers of the pod share in memory is made with the pod. */
static int add_memory(struct kube_play *p, struct json_object *spec, const char *pod,
		      struct strv *ret)
{
	struct json_object *v;
	int r = 0;

	for (size_t i = 0; r == 0 && (v = kube_each(spec, "volumes", i)); i++) {
		AUTO_FREE char *name = kube_text(v, "name")
					       ? xasprintf("%s-%s", pod, kube_text(v, "name"))
					       : NULL;

		if (!name || !kube_is_memory(v))
			continue;
		r = ret->n ? 0 : make_room(p, pod);
		if (r == 0)
			r = kube_memory(p, v, name);
		if (r == 0)
			strv_add(ret, name);
		else
			r = err_wrap(r, "volume %s", kube_text(v, "name"));
	}
	return r;
}

/* There is no pod to hold them. One of the name that is there keeps its own: they are in use. */
static int drop_memory(struct kube_play *p, const struct strv *names, int r)
{
	char words[1024];

	(void)snprintf(words, sizeof(words), "%s", err_trail());
	for (size_t i = 0; i < names->n; i++)
		if (volume_drop(p->st, names->v[i]) < 0)
			err_drop();
	for (size_t i = p->made->volumes.n; i-- > 0;)
		if (strv_has(names, p->made->volumes.v[i]))
			strv_remove(&p->made->volumes, i);
	return err_set(r, words);
}

static int make_pod(struct kube_play *p, struct json_object *tmpl, const char *name,
		    struct pod_record *ret)
{
	struct json_object *spec = kube_get(tmpl, "spec");
	struct pod_request q = {.name = name,
				.replace = p->q->replace,
				.exit_policy = "stop",
				.infra = {.stop_timeout = STOP_TIMEOUT_DEFAULT,
					  .read_only_tmpfs = -1,
					  .oom_score_adj = INT64_MIN,
					  .passwd = -1,
					  .limits = LIMIT_REQUEST_DEFAULTS,
					  .hostname = kube_text(spec, "hostname"),
					  .userns = p->q->userns,
					  .no_hosts = p->q->no_hosts,
					  .cgroup_manager = p->q->cgroup_manager}};
	AUTO_STRV struct strv host = STRV_INIT;
	struct container_request *infra = &q.infra;
	int r;

	infra->ip = p->q->ip;
	infra->mac = p->q->mac;
	infra->no_hostname = p->q->no_hostname;
	if (!infra->userns)
		infra->userns = kube_note(tmpl, "io.podman.annotations.userns", NULL);
	q.infra_name = kube_note(tmpl, "io.podman.annotations.infra.name", NULL);
	q.share = kube_bool(spec, "shareProcessNamespace", false) ? "ipc,net,uts,pid" : NULL;
	kube_map(tmpl, "metadata.labels", &q.label);
	add_names(spec, infra);
	infra->networks = p->q->networks;
	if (kube_bool(spec, "hostNetwork", false) && !p->q->networks.n) {
		strv_add(&host, "host");
		infra->networks = host;
		infra->hostname = NULL;
	} else {
		r = add_ports(spec, p->q, &infra->publish);
		if (r < 0)
			goto out;
	}
	r = add_memory(p, spec, name, &infra->held_volumes);
	if (r < 0)
		goto out;
	if (kube_bool(spec, "hostPID", false))
		infra->pid = "host";
	if (kube_bool(spec, "hostIPC", false))
		infra->ipc = "host";
	r = pod_create(p->st, &q, ret);
out:
	if (r < 0)
		r = drop_memory(p, &infra->held_volumes, r);
	strv_done(&q.label);
	strv_done(&infra->publish);
	strv_done(&infra->add_host);
	strv_done(&infra->dns);
	strv_done(&infra->dns_search);
	strv_done(&infra->dns_option);
	strv_done(&infra->sysctl);
	strv_done(&infra->held_volumes);
	return r;
}

static int make_container(struct kube_play *p, struct json_object *tmpl, struct json_object *c,
			  const char *pod, bool init, struct strv *ids)
{
	AUTO(kube_container_done) struct kube_container kc = {0};
	AUTO(request_defaults_done) struct request_defaults defaults = {0};
	AUTO(pod_joined_done) struct pod_joined joined = {.made = false};
	struct container_request q;
	struct container made;
	int r = kube_container(p, tmpl, c, pod, init, &kc);

	q = kc.q;
	if (r == 0)
		r = pod_join(p->st, &q, &joined);
	if (r == 0)
		r = request_defaults_apply(&defaults, &q);
	if (r == 0)
		r = container_create(p->st, &q, &made);
	r = pod_join_end(p->st, &joined, &made, r);
	if (r < 0)
		return err_wrap(r, "container %s",
				kube_text(c, "name") ? kube_text(c, "name") : "");
	if (!init)
		strv_add(ids, made.rec->id);
	container_done(&made);
	return 0;
}

/* Volumes that were made for this pod alone, or with @force what it claims, too. */
static int drop_volumes(struct store *st, struct json_object *doc, const char *pod, bool force,
			struct strv *gone)
{
	struct json_object *v;

	for (size_t i = 0; (v = kube_each(kube_template(doc), "spec.volumes", i)); i++) {
		const char *claim = kube_text(v, "persistentVolumeClaim.claimName");
		AUTO_FREE char *name = claim ? xstrdup(claim)
					     : xasprintf("%s-%s", pod,
							 kube_text(v, "name") ? kube_text(v, "name")
									      : "");
		int r;

		if (kube_get(v, "hostPath") || (claim && !force))
			continue;
		r = volume_drop(st, name);
		if (r == 0)
			strv_add(gone, name);
		if (r < 0 && r != -CE_NO_VOLUME && r != -CE_IN_USE)
			return r;
		err_drop();
	}
	return 0;
}

static int play_pod(struct kube_play *p, struct json_object *doc)
{
	struct json_object *tmpl = kube_template(doc), *spec = kube_get(tmpl, "spec"), *c;
	AUTO_FREE char *name = kube_pod_name(doc);
	AUTO(pod_record_done) struct pod_record pod = {0};
	AUTO_STRV struct strv gone = STRV_INIT;
	struct kube_pod *made;
	char words[1024];
	int r = make_pod(p, tmpl, name, &pod);

	if (r < 0)
		return err_wrap(r, "pod %s", name);
	p->made->pods = xreallocarray(p->made->pods, p->made->n_pods + 1, sizeof(*made));
	made = &p->made->pods[p->made->n_pods++];
	*made = (struct kube_pod){.id = xstrdup(pod.id)};
	for (size_t i = 0; r == 0 && (c = kube_each(spec, "initContainers", i)); i++)
		r = make_container(p, tmpl, c, name, true, &made->containers);
	for (size_t i = 0; r == 0 && (c = kube_each(spec, "containers", i)); i++)
		r = make_container(p, tmpl, c, name, false, &made->containers);
	if (r == 0 && !p->q->no_start)
		r = pod_start(p->st, &pod);
	if (r == 0)
		return 0;
	(void)snprintf(words, sizeof(words), "%s", err_trail());
	if (pod_remove(p->st, name, &(struct pod_removal){.force = true}) < 0)
		err_drop();
	if (drop_volumes(p->st, doc, name, false, &gone) < 0)
		err_drop();
	for (size_t i = p->made->volumes.n; i-- > 0;)
		if (strv_has(&gone, p->made->volumes.v[i]))
			strv_remove(&p->made->volumes, i);
	free(made->id);
	strv_done(&made->containers);
	p->made->n_pods--;
	(void)err_set(r, words);
	return err_wrap(r, "pod %s", name);
}

/* --- all ------------------------------------------------------------------------------------------- */

/* 1: it is one of ours, 0: it is for a cluster. */
static int check_doc(struct json_object *doc)
{
	static const char *const others[] = {"ConfigMap", "Secret", "PersistentVolumeClaim"};
	const char *kind = kube_kind(doc), *name = kube_name(doc);
	bool known = kube_template(doc) != NULL;

	for (size_t i = 0; !known && i < ARRAY_LEN(others); i++)
		known = strcmp(kind, others[i]) == 0;
	if (!*kind)
		return err_new(-CE_BAD_FORMAT, "a document without a kind");
	if (!known)
		return 0;
	if (!name || !name_is_valid(name))
		return err_new(-CE_BAD_FORMAT, "%s: metadata.name is missing or no name", kind);
	if (kube_template(doc) && !kube_each(kube_template(doc), "spec.containers", 0))
		return err_new(-CE_BAD_FORMAT, "%s %s has no containers", kind, name);
	return 1;
}

/* A directory of the image's name with a Containerfile in it; NULL: there is none. malloc'ed. */
static char *build_dir(const struct kube_request *q, const char *image)
{
	static const char *const files[] = {"Containerfile", "Dockerfile"};
	AUTO_FREE char *name = xstrndup(image, strcspn(image, ":@"));
	AUTO_FREE char *dir = path_join(q->context_dir ? q->context_dir : q->dir, name);

	if (!*name || *name == '/' || strstr(name, ".."))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO_FREE char *path = path_join(dir, files[i]);

		if (access(path, F_OK) == 0)
			return TAKE_PTR(dir);
	}
	return NULL;
}

static int build_one(struct kube_play *p, const char *image, struct strv *seen)
{
	AUTO_FREE char *dir = build_dir(p->q, image);
	struct image_record *rec = NULL;
	char *full = NULL;
	int r;

	if (!dir || strv_has(seen, image))
		return 0;
	strv_add(seen, image);
	if (p->q->build < 0) {
		r = image_find(p->st, image, &rec, &full);
		image_record_free(rec);
		free(full);
		if (r == 0)
			return 0;
		err_drop();
	}
	r = p->q->build_image(p->q->build_arg, image, dir);
	return r < 0 ? err_wrap(r, "build %s of %s", image, dir) : 0;
}

static int build_images(struct kube_play *p, struct json_object *doc)
{
	static const char *const lists[] = {"spec.initContainers", "spec.containers"};
	AUTO_STRV struct strv seen = STRV_INIT;
	struct json_object *c;
	int r = 0;

	for (size_t k = 0; p->q->build && p->q->build_image && k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; r == 0 && (c = kube_each(kube_template(doc), lists[k], i)); i++)
			if (kube_text(c, "image"))
				r = build_one(p, kube_text(c, "image"), &seen);
	return r;
}

/* --annotation counts before what the file says. */
static void add_annotations(struct json_object *tmpl, const struct strv *v)
{
	struct json_object *meta = kube_get(tmpl, "metadata"), *notes;

	if (!v->n)
		return;
	if (!json_object_is_type(meta, json_type_object)) {
		meta = json_object_new_object();
		json_set(tmpl, "metadata", meta);
	}
	notes = kube_get(meta, "annotations");
	if (!json_object_is_type(notes, json_type_object)) {
		notes = json_object_new_object();
		json_set(meta, "annotations", notes);
	}
	for (size_t i = 0; i < v->n; i++) {
		AUTO_FREE char *key = xstrndup(v->v[i], strcspn(v->v[i], "="));
		const char *eq = strchr(v->v[i], '=');

		json_set_str(notes, key, eq ? eq + 1 : "");
	}
}

int kube_play(struct store *st, const struct kube_request *q, struct kube_made *ret)
{
	struct kube_play p = {.st = st, .q = q, .made = ret};
	AUTO_STRV struct strv others = STRV_INIT;
	size_t n = json_object_array_length(q->docs), pods = 0, ours = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *d = json_object_array_get_idx(q->docs, i);

		r = check_doc(d);
		ours += r == 1;
		pods += kube_template(d) != NULL;
		if (r == 0 && strcmp(kube_kind(d), "Service") != 0)
			strv_add(&others, kube_kind(d));
	}
	r = r < 0 ? r : 0;
	if (r == 0 && ours == 0)
		r = err_new(-CE_BAD_FORMAT,
			    "there is nothing in it for us: known are Pod, Deployment, DaemonSet, "
			    "Job, ConfigMap, Secret and PersistentVolumeClaim");
	for (size_t i = 0; r == 0 && i < others.n; i++)
		log_warn("kube play: kind %s is left out", others.v[i]);
	if (r == 0 && pods > 1 && (q->publish.n || q->ip || q->mac))
		r = err_usage("%s goes with one pod", q->publish.n ? "--publish"
						      : q->ip      ? "--ip"
								   : "--mac-address");
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *d = json_object_array_get_idx(q->docs, i);

		if (!kube_template(d))
			continue;
		add_annotations(kube_template(d), &q->annotations);
		r = kube_resources_check(&p, d);
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		if (kube_template(json_object_array_get_idx(q->docs, i)))
			r = build_images(&p, json_object_array_get_idx(q->docs, i));
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *d = json_object_array_get_idx(q->docs, i);

		if (strcmp(kube_kind(d), "Secret") == 0)
			r = keep_secret(&p, d);
		else if (strcmp(kube_kind(d), "PersistentVolumeClaim") == 0)
			r = kube_claim(&p, d);
		else if (strcmp(kube_kind(d), "ConfigMap") == 0)
			r = check_base64(d, "binaryData");
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *d = json_object_array_get_idx(q->docs, i);

		if (kube_template(d))
			r = play_pod(&p, d);
	}
	return r;
}

int kube_down(struct store *st, struct json_object *docs, bool force, struct kube_made *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_object_array_length(docs); i++) {
		struct json_object *d = json_object_array_get_idx(docs, i);
		AUTO(pod_record_done) struct pod_record pod = {0};
		AUTO_FREE char *name = NULL;

		r = check_doc(d);
		r = r < 0 ? r : 0;
		if (r == 0 && strcmp(kube_kind(d), "Secret") == 0) {
			r = secret_drop(st, kube_name(d));
			if (r == 0)
				strv_add(&ret->secrets, kube_name(d));
		} else if (r == 0 && force && strcmp(kube_kind(d), "PersistentVolumeClaim") == 0) {
			r = volume_drop(st, kube_name(d));
			if (r == 0)
				strv_add(&ret->volumes, kube_name(d));
		} else if (r == 0 && kube_template(d)) {
			name = kube_pod_name(d);
			r = pod_load(st, name, &pod);
			if (r == 0)
				r = pod_remove(st, name,
					       &(struct pod_removal){.force = true, .grace_s = -2});
			if (r == 0) {
				ret->pods = xreallocarray(ret->pods, ret->n_pods + 1,
							  sizeof(*ret->pods));
				ret->pods[ret->n_pods++] = (struct kube_pod){.id = xstrdup(pod.id)};
			}
			if (r == 0 || r == -CE_NO_POD)
				r = drop_volumes(st, d, name, force, &ret->volumes);
		}
		if (r == -CE_NO_SECRET || r == -CE_NO_VOLUME || r == -CE_NO_POD ||
		    r == -CE_IN_USE) {
			err_drop();
			r = 0;
		}
	}
	return r;
}

/* SPDX-License-Identifier: MIT */
/* One container of a pod's spec as a request. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/kube/internal.h"

#define SECCOMP_DIR "/var/lib/kubelet/seccomp"

static const char *keep(struct kube_container *c, char *s)
{
	strv_take(&c->keep, s);
	return s;
}

void kube_container_done(struct kube_container *c)
{
	struct container_request *q = &c->q;
	struct strv *lists[] = {&q->env,          &q->label,   &q->annotation, &q->volume,
				&q->tmpfs,        &q->mount,   &q->cap_add,    &q->cap_drop,
				&q->security_opt, &q->expose,  &q->sysctl,     &q->device,
				&q->group_add,    &q->log_opt, &q->ulimit,     &q->volumes_from};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_done(lists[i]);
	strv_done(&c->keep);
	free(q->command);
	q->command = NULL;
}

/* --- environment ---------------------------------------------------------------------------------- */

static int from_map(struct kube_play *p, const char *kind, struct json_object *ref, const char *var,
		    struct strv *env)
{
	const char *name = kube_text(ref, "name"), *key = kube_text(ref, "key");
	AUTO_JSON struct json_object *data = name ? kube_find_map(p, kind, name) : NULL;
	struct json_object *v = NULL;

	if (data && key && json_object_object_get_ex(data, key, &v)) {
		AUTO_FREE char *pair = xasprintf("%s=%s", var, json_object_get_string(v));

		strv_env_set(env, pair);
		return 0;
	}
	if (kube_bool(ref, "optional", false))
		return 0;
	return err_new(-CE_BAD_FORMAT, "variable %s: there is no %s %s%s%s", var, kind,
		       name ? name : "", data ? " with the key " : "", data && key ? key : "");
}

static int from_field(struct json_object *tmpl, const char *pod, const char *field, const char *var,
		      struct strv *env)
{
	AUTO_FREE char *pair = NULL;
	char key[128];
	const char *value = NULL;

	if (strcmp(field, "metadata.name") == 0)
		value = pod;
	else if (strcmp(field, "metadata.namespace") == 0)
		value = "default";
	else if (sscanf(field, "metadata.labels['%127[^']']", key) == 1)
		value = json_object_get_string(
			json_object_object_get(kube_get(tmpl, "metadata.labels"), key));
	else if (sscanf(field, "metadata.annotations['%127[^']']", key) == 1)
		value = json_object_get_string(
			json_object_object_get(kube_get(tmpl, "metadata.annotations"), key));
	else
		return err_new(-CE_BAD_FORMAT, "variable %s: fieldPath %s is not supported", var,
			       field);
	pair = xasprintf("%s=%s", var, value ? value : "");
	strv_env_set(env, pair);
	return 0;
}

/* "limits.cpu" in units of the divisor, rounded up. */
static int from_resource(struct json_object *c, struct json_object *ref, const char *var,
			 struct strv *env)
{
	const char *resource = kube_text(ref, "resource"), *by = kube_text(ref, "divisor");
	AUTO_FREE char *path = xasprintf("resources.%s", resource ? resource : "");
	const char *value = kube_text(c, path);
	AUTO_FREE char *pair = NULL;
	uint64_t n = 0, d = 1000;

	if (!resource || !value || kube_quantity(value, &n) < 0 ||
	    (by && strcmp(by, "0") != 0 && (kube_quantity(by, &d) < 0 || !d)))
		return err_new(-CE_BAD_FORMAT, "variable %s: the container has no %s to tell", var,
			       path);
	pair = xasprintf("%s=%llu", var, (unsigned long long)(n / d + (n % d != 0)));
	strv_env_set(env, pair);
	return 0;
}

/* $(NAME) in a value is what stands before it; $$ is one. */
static char *expand(const char *s, const struct strv *env)
{
	struct sbuf b = SBUF_INIT;

	sbuf_adds(&b, "");
	for (; *s; s++) {
		const char *end = s[0] == '$' && s[1] == '(' ? strchr(s, ')') : NULL;
		AUTO_FREE char *name = end ? xstrndup(s + 2, (size_t)(end - s - 2)) : NULL;
		const char *value = name ? strv_env_get(env, name) : NULL;

		if (value) {
			sbuf_adds(&b, value);
			s = end;
		} else if (s[0] == '$' && s[1] == '$') {
			sbuf_addc(&b, *s++);
		} else {
			sbuf_addc(&b, *s);
		}
	}
	return sbuf_steal(&b);
}

static int one_variable(struct kube_play *p, struct json_object *tmpl, struct json_object *c,
			struct json_object *e, const char *pod, struct strv *env)
{
	const char *name = kube_text(e, "name"), *value = kube_text(e, "value"), *field;
	struct json_object *ref;

	if (!name || !*name || strchr(name, '='))
		return err_new(-CE_BAD_FORMAT, "a variable without a name");
	ref = kube_get(e, "valueFrom.configMapKeyRef");
	if (ref)
		return from_map(p, "ConfigMap", ref, name, env);
	ref = kube_get(e, "valueFrom.secretKeyRef");
	if (ref)
		return from_map(p, "Secret", ref, name, env);
	field = kube_text(e, "valueFrom.fieldRef.fieldPath");
	if (field)
		return from_field(tmpl, pod, field, name, env);
	if (kube_get(e, "valueFrom.resourceFieldRef"))
		return from_resource(c, kube_get(e, "valueFrom.resourceFieldRef"), name, env);
	if (kube_get(e, "valueFrom"))
		return err_new(-CE_BAD_FORMAT,
			       "variable %s: only configMapKeyRef, secretKeyRef, fieldRef and "
			       "resourceFieldRef are supported",
			       name);
	{
		AUTO_FREE char *text = expand(value ? value : "", env);
		AUTO_FREE char *pair = xasprintf("%s=%s", name, text);

		strv_env_set(env, pair);
	}
	return 0;
}

static int environment(struct kube_play *p, struct json_object *tmpl, struct json_object *c,
		       const char *pod, struct strv *env)
{
	struct json_object *e;
	int r = 0;

	for (size_t i = 0; (e = kube_each(c, "envFrom", i)); i++) {
		bool secret = kube_get(e, "secretRef") != NULL;
		struct json_object *ref = kube_get(e, secret ? "secretRef" : "configMapRef");
		const char *name = kube_text(ref, "name"), *prefix = kube_text(e, "prefix");
		AUTO_JSON struct json_object *data =
			name ? kube_find_map(p, secret ? "Secret" : "ConfigMap", name) : NULL;

		if (!data && !kube_bool(ref, "optional", false))
			return err_new(-CE_BAD_FORMAT, "envFrom: there is no %s %s",
				       secret ? "Secret" : "ConfigMap", name ? name : "");
		if (!data)
			continue;
		json_object_object_foreach(data, key, v)
		{
			AUTO_FREE char *pair = xasprintf("%s%s=%s", prefix ? prefix : "", key,
							 json_object_get_string(v));

			strv_env_set(env, pair);
		}
	}
	for (size_t i = 0; r == 0 && (e = kube_each(c, "env", i)); i++)
		r = one_variable(p, tmpl, c, e, pod, env);
	return r;
}

/* --- the rest --------------------------------------------------------------------------------------- */

static void list_of(struct json_object *o, const char *path, const struct strv *env,
		    struct strv *ret)
{
	struct json_object *e, *a = kube_get(o, path);

	for (size_t i = 0;
	     json_object_is_type(a, json_type_array) && i < json_object_array_length(a); i++) {
		e = json_object_array_get_idx(a, i);
		strv_take(ret, env ? expand(e ? json_object_get_string(e) : "", env)
				   : xstrdup(e ? json_object_get_string(e) : ""));
	}
}

static int command(struct json_object *c, struct kube_container *ret)
{
	AUTO_STRV struct strv command = STRV_INIT, args = STRV_INIT;

	list_of(c, "command", &ret->q.env, &command);
	list_of(c, "args", &ret->q.env, &args);
	if (command.n) {
		AUTO_JSON struct json_object *a = json_from_strv(&command);
		AUTO_SBUF struct sbuf text = SBUF_INIT;

		json_write(a, false, &text);
		ret->q.entrypoint = keep(ret, sbuf_steal(&text));
	}
	ret->q.command = xcalloc(args.n + 1, sizeof(*ret->q.command));
	for (size_t i = 0; i < args.n; i++)
		ret->q.command[i] = (char *)(uintptr_t)keep(ret, xstrdup(args.v[i]));
	return 0;
}

/* A container's own words count before the pod's. */
static const char *either(struct json_object *spec, struct json_object *c, const char *key)
{
	AUTO_FREE char *path = xasprintf("securityContext.%s", key);
	const char *own = kube_text(c, path);

	return own ? own : kube_text(spec, path);
}

static int security(struct kube_play *p, struct json_object *spec, struct json_object *c,
		    struct kube_container *ret)
{
	const char *uid = either(spec, c, "runAsUser"), *gid = either(spec, c, "runAsGroup");
	const char *profile = either(spec, c, "seccompProfile.type");
	struct container_request *q = &ret->q;
	struct json_object *e;

	if (uid)
		q->user = keep(ret, gid ? xasprintf("%s:%s", uid, gid) : xstrdup(uid));
	else if (gid)
		q->user = keep(ret, xasprintf("0:%s", gid));
	q->privileged = kube_bool(c, "securityContext.privileged", false);
	q->read_only = kube_bool(c, "securityContext.readOnlyRootFilesystem", false);
	if (!kube_bool(c, "securityContext.allowPrivilegeEscalation", true))
		strv_add(&q->security_opt, "no-new-privileges");
	if (profile && strcmp(profile, "Unconfined") == 0)
		strv_add(&q->security_opt, "seccomp=unconfined");
	if (profile && strcmp(profile, "Localhost") == 0) {
		const char *file = either(spec, c, "seccompProfile.localhostProfile");

		if (!file || *file == '/' || strstr(file, ".."))
			return err_new(-CE_BAD_FORMAT,
				       "seccompProfile: localhostProfile is to be a path below "
				       "--seccomp-profile-root");
		strv_addf(&q->security_opt, "seccomp=%s/%s",
			  p->q->seccomp_dir ? p->q->seccomp_dir : SECCOMP_DIR, file);
	}
	list_of(c, "securityContext.capabilities.add", NULL, &q->cap_add);
	list_of(c, "securityContext.capabilities.drop", NULL, &q->cap_drop);
	list_of(spec, "securityContext.supplementalGroups", NULL, &q->group_add);
	for (size_t i = 0; (e = kube_each(c, "ports", i)); i++) {
		const char *port = kube_text(e, "containerPort"), *proto = kube_text(e, "protocol");

		if (port && (!proto || strcasecmp(proto, "SCTP") != 0))
			strv_addf(&q->expose, "%s/%s", port,
				  proto && strcasecmp(proto, "UDP") == 0 ? "udp" : "tcp");
	}
	return 0;
}

static const char *pull_policy(struct json_object *c, const char *image)
{
	const char *s = kube_text(c, "imagePullPolicy"), *tag = strrchr(image, ':');

	if (s && strcmp(s, "Always") == 0)
		return "always";
	if (s && strcmp(s, "Never") == 0)
		return "never";
	/* As Kubernetes has it; what was built here is in no registry. */
	if (!s && strncmp(image, "localhost/", 10) != 0 &&
	    (!tag || strchr(tag, '/') || strcmp(tag, ":latest") == 0))
		return "newer";
	return "missing";
}

int kube_container(struct kube_play *p, struct json_object *tmpl, struct json_object *c,
		   const char *pod, bool init, struct kube_container *ret)
{
	struct json_object *spec = kube_get(tmpl, "spec");
	const char *name = kube_text(c, "name"), *image = kube_text(c, "image");
	const char *restart = kube_text(spec, "restartPolicy");
	const char *grace = kube_text(spec, "terminationGracePeriodSeconds");
	struct container_request *q = &ret->q;
	int r;

	if (!name || !image)
		return err_new(-CE_BAD_FORMAT, "a container needs name and image");
	*q = (struct container_request){.stop_timeout = STOP_TIMEOUT_DEFAULT,
					.read_only_tmpfs = -1,
					.oom_score_adj = INT64_MIN,
					.passwd = -1,
					.limits = LIMIT_REQUEST_DEFAULTS};
	q->image = image;
	q->name = p->q->no_prefix ? name : keep(ret, xasprintf("%s-%s", pod, name));
	q->pod = pod;
	q->pull = pull_policy(c, image);
	q->workdir = kube_text(c, "workingDir");
	q->tty = kube_bool(c, "tty", false);
	q->interactive = kube_bool(c, "stdin", false);
	q->stop_signal = kube_text(c, "lifecycle.stopSignal");
	q->init_ctr = init ? "once" : NULL;
	if (grace && parse_i64(grace, 0, 31536000, &q->stop_timeout) < 0)
		return err_new(-CE_BAD_FORMAT, "terminationGracePeriodSeconds: '%s'", grace);
	if (!init)
		q->restart = !restart || strcmp(restart, "Always") == 0 ? "always"
			     : strcmp(restart, "OnFailure") == 0        ? "on-failure"
									: "no";
	kube_map(tmpl, "metadata.labels", &q->label);
	kube_map(tmpl, "metadata.annotations", &q->annotation);
	q->log_driver = p->q->log_driver;
	strv_add_all(&q->log_opt, &p->q->log_opt);
	q->cgroup_manager = p->q->cgroup_manager;
	q->report = p->q->report;
	q->quiet = p->q->quiet;
	q->access = p->q->access;
	r = environment(p, tmpl, c, pod, &q->env);
	if (r == 0)
		r = command(c, ret);
	if (r == 0)
		r = kube_resources(p, c, ret);
	if (r == 0)
		r = security(p, spec, c, ret);
	if (r == 0)
		r = kube_notes(tmpl, name, ret);
	if (r == 0)
		r = kube_probe(c, ret);
	if (r == 0)
		r = kube_mounts(p, spec, c, pod, ret);
	return r < 0 ? err_wrap(r, "container %s", name) : 0;
}

/* SPDX-License-Identifier: MIT */
/* What podman has made up annotations for; and what of Kubernetes nobody here does. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/kube/internal.h"

#define NOTE "io.podman.annotations."

const char *kube_note(struct json_object *tmpl, const char *key, const char *container)
{
	struct json_object *notes = kube_get(tmpl, "metadata.annotations"), *v = NULL;
	AUTO_FREE char *own = container ? xasprintf("%s/%s", key, container) : NULL;

	if (!json_object_is_type(notes, json_type_object))
		return NULL;
	if (own && json_object_object_get_ex(notes, own, &v) && v)
		return json_object_get_string(v);
	return json_object_object_get_ex(notes, key, &v) && v ? json_object_get_string(v) : NULL;
}

static bool is_true(const char *s)
{
	return s && (strcasecmp(s, "true") == 0 || strcmp(s, "1") == 0);
}

static void add_option(struct container_request *q, const char *option, const char *value)
{
	if (value)
		strv_addf(&q->security_opt, "%s=%s", option, value);
}

int kube_notes(struct json_object *tmpl, const char *name, struct kube_container *ret)
{
	struct container_request *q = &ret->q;
	const char *s = kube_note(tmpl, NOTE "pids-limit", name);

	if (s && parse_i64(s, -1, INT32_MAX, &q->limits.pids_limit) < 0)
		return err_new(-CE_BAD_FORMAT, "annotation " NOTE "pids-limit: '%s'", s);
	q->limits.cpuset_cpus = kube_note(tmpl, NOTE "cpuset", name);
	q->limits.cpuset_mems = kube_note(tmpl, NOTE "memory-nodes", name);
	q->init = is_true(kube_note(tmpl, NOTE "init", name));
	q->privileged = q->privileged || is_true(kube_note(tmpl, NOTE "privileged", name));
	add_option(q, "seccomp", kube_note(tmpl, NOTE "seccomp", name));
	add_option(q, "apparmor", kube_note(tmpl, NOTE "apparmor", name));
	add_option(q, "label", kube_note(tmpl, NOTE "label", name));
	s = kube_note(tmpl, NOTE "ulimit", name);
	if (s)
		strv_split(&q->ulimit, s, ',');
	s = kube_note(tmpl, NOTE "volumes-from", name);
	if (s)
		strv_split(&q->volumes_from, s, ';');
	s = kube_note(tmpl, "io.containers.autoupdate", name);
	if (s)
		strv_addf(&q->label, "io.containers.autoupdate=%s", s);
	return 0;
}

void kube_say_unsupported(struct json_object *spec, struct json_object *c)
{
	static const char *const of_container[] = {"lifecycle.postStart", "lifecycle.preStop",
						   "securityContext.runAsNonRoot", "volumeDevices"},
				 *const of_pod[] = {"securityContext.fsGroup",
						    "securityContext.runAsNonRoot", "nodeSelector",
						    "affinity", "ephemeralContainers"};
	const char *name = kube_text(c, "name");

	for (size_t i = 0; c && i < ARRAY_LEN(of_container); i++)
		if (kube_get(c, of_container[i]))
			log_warn("kube play: %s: %s is left out", name ? name : "",
				 of_container[i]);
	for (size_t i = 0; !c && i < ARRAY_LEN(of_pod); i++)
		if (kube_get(spec, of_pod[i]))
			log_warn("kube play: %s is left out", of_pod[i]);
}

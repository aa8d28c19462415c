/* SPDX-License-Identifier: MIT */
/* Documents, looked into. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/kube/internal.h"

struct json_object *kube_get(struct json_object *o, const char *path)
{
	AUTO_STRV struct strv keys = STRV_INIT;

	strv_split(&keys, path, '.');
	for (size_t i = 0; o && i < keys.n; i++) {
		struct json_object *next = NULL;

		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, keys.v[i], &next))
			return NULL;
		o = next;
	}
	return o;
}

const char *kube_text(struct json_object *o, const char *path)
{
	struct json_object *v = kube_get(o, path);

	return !v || json_object_is_type(v, json_type_object) ||
			       json_object_is_type(v, json_type_array)
		       ? NULL
		       : json_object_get_string(v);
}

bool kube_bool(struct json_object *o, const char *path, bool otherwise)
{
	struct json_object *v = kube_get(o, path);

	return json_object_is_type(v, json_type_boolean) ? json_object_get_boolean(v) : otherwise;
}

struct json_object *kube_each(struct json_object *o, const char *path, size_t i)
{
	struct json_object *a = kube_get(o, path);

	return json_object_is_type(a, json_type_array) && i < json_object_array_length(a)
		       ? json_object_array_get_idx(a, i)
		       : NULL;
}

const char *kube_kind(struct json_object *doc)
{
	const char *kind = kube_text(doc, "kind");

	return kind ? kind : "";
}

const char *kube_name(struct json_object *doc)
{
	return kube_text(doc, "metadata.name");
}

struct json_object *kube_template(struct json_object *doc)
{
	const char *kind = kube_kind(doc);

	if (strcmp(kind, "Pod") == 0)
		return doc;
	if (strcmp(kind, "Deployment") == 0 || strcmp(kind, "DaemonSet") == 0 ||
	    strcmp(kind, "Job") == 0)
		return kube_get(doc, "spec.template");
	return NULL;
}

char *kube_pod_name(struct json_object *doc)
{
	const char *name = kube_name(doc);

	return strcmp(kube_kind(doc), "Pod") == 0 ? xstrdup(name) : xasprintf("%s-pod", name);
}

int kube_quantity(const char *s, uint64_t *ret)
{
	static const struct {
		const char *suffix;
		double factor;
	} units[] = {{"", 1},
		     {"m", 0.001},
		     {"k", 1e3},
		     {"M", 1e6},
		     {"G", 1e9},
		     {"T", 1e12},
		     {"Ki", 1024.0},
		     {"Mi", 1048576.0},
		     {"Gi", 1073741824.0},
		     {"Ti", 1099511627776.0}};
	char *end;
	double d = strtod(s, &end);

	if (end == s || d < 0 || d > 1e15 || *s == '+' || *s == '-')
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (d * units[i].factor > 1e15)
			return -EINVAL;
		*ret = (uint64_t)(d * units[i].factor * 1000 + 0.5);
		return 0;
	}
	return -EINVAL;
}

void kube_map(struct json_object *o, const char *path, struct strv *ret)
{
	struct json_object *m = kube_get(o, path);

	if (!json_object_is_type(m, json_type_object))
		return;
	json_object_object_foreach(m, key, v)
	{
		strv_addf(ret, "%s=%s", key, v ? json_object_get_string(v) : "");
	}
}

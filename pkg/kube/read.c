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
		long double factor;
	} units[] = {{"", 1},
		     {"n", 1e-9L},
		     {"u", 1e-6L},
		     {"m", 1e-3L},
		     {"k", 1e3L},
		     {"M", 1e6L},
		     {"G", 1e9L},
		     {"T", 1e12L},
		     {"P", 1e15L},
		     {"E", 1e18L},
		     {"Ki", 1024.0L},
		     {"Mi", 1048576.0L},
		     {"Gi", 1073741824.0L},
		     {"Ti", 1099511627776.0L},
		     {"Pi", 1125899906842624.0L},
		     {"Ei", 1152921504606846976.0L}};
	size_t digits = strspn(s, "0123456789.");
	long double d;
	char *end;

	/* strtold() knows more numbers: "inf", "nan", "0x1p3". */
	if (!digits || (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')))
		return -EINVAL;
	d = strtold(s, &end);
	if (end == s || (end < s + digits) || (end > s + digits && *end))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		d *= units[i].factor;
		if (!(d <= 9e15L))
			return -EINVAL;
		d *= 1000;
		*ret = (uint64_t)d;
		/* Up, so that nothing becomes 0; but what factors such as 1e-3 are off by does not count. */
		if (d - (long double)*ret > 1e-7L + d * 1e-17L || (*ret == 0 && d > 0))
			++*ret;
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

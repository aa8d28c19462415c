/* SPDX-License-Identifier: MIT */
/*
 * A container's resources. Limits are promises: where they cannot be set the play is refused before
 * anything is made. Requests are hints to a scheduler: where they cannot be set they are passed over,
 * which is said once.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/kube/internal.h"

static enum cgroup_manager manager_of(const struct kube_play *p)
{
	enum cgroup_manager m = CGROUP_AUTO;

	/* A name that is none is refused where the container is made. */
	return p->q->cgroup_manager && cgroup_manager_parse(p->q->cgroup_manager, &m) < 0
		       ? CGROUP_AUTO
		       : m;
}

/* 1: given and not 0, which is no bound. */
static int quantity(struct json_object *c, const char *path, uint64_t *ret_milli)
{
	struct json_object *v = kube_get(c, path);
	const char *s = kube_text(c, path);

	if (!v)
		return 0;
	if (!s || kube_quantity(s, ret_milli) < 0)
		return err_new(-CE_BAD_FORMAT, "%s: '%s' is not a quantity", path,
			       json_object_get_string(v));
	return *ret_milli != 0;
}

static int can_limit(const struct kube_play *p, const char *path)
{
	const struct cgroup_limit limit = {.flag = path};

	return cgroup_check(&(struct cgroup_request){
		.manager = manager_of(p), .limits = &limit, .n_limits = 1});
}

static bool can_request(struct kube_play *p, const char *controller)
{
	AUTO_STRV struct strv here = STRV_INIT;
	enum cgroup_manager m = manager_of(p);

	if (m != CGROUP_NONE)
		cgroup_controllers_here(&here);
	if (strv_has(&here, controller))
		return true;
	if (!p->hinted)
		log_warn("kube play: resources.requests are passed over: the cgroup controller %s "
			 "is not ours to use",
			 controller);
	p->hinted = true;
	return false;
}

int kube_resources(struct kube_play *p, struct json_object *c, struct kube_container *ret)
{
	static const struct {
		const char *path, *controller; /* controller: of requests */
	} rows[] = {{"resources.limits.memory", NULL},
		    {"resources.limits.cpu", NULL},
		    {"resources.requests.memory", "memory"},
		    {"resources.requests.cpu", "cpu"}};
	struct limit_request *l = &ret->q.limits;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t milli = 0, shares;
		int r = quantity(c, rows[i].path, &milli);

		if (r == 1 && !rows[i].controller) {
			int e = can_limit(p, rows[i].path);

			r = e < 0 ? e : r;
		}
		if (r < 0)
			return r;
		if (r == 0 || (rows[i].controller && !can_request(p, rows[i].controller)))
			continue;
		/* A part of a byte is one: no limit may round to none. */
		switch (i) {
		case 0:
			l->memory = (milli + 999) / 1000;
			break;
		case 1:
			strv_take(&ret->keep,
				  xasprintf("%llu.%03llu", (unsigned long long)milli / 1000,
					    (unsigned long long)milli % 1000));
			l->cpus = ret->keep.v[ret->keep.n - 1];
			break;
		case 2:
			l->memory_reservation = (milli + 999) / 1000;
			break;
		default: /* the kernel's bounds of shares */
			shares = milli > 256000 ? 262144 : milli * 1024 / 1000;
			l->cpu_shares = (unsigned)(shares < 2 ? 2 : shares);
		}
	}
	return 0;
}

/* Limits of storage, huge pages, devices: no cgroup of ours has a file for them. */
static int say_others(struct json_object *o, const char *what)
{
	struct json_object *limits = kube_get(o, "resources.limits");

	if (!limits)
		return 0;
	if (!json_object_is_type(limits, json_type_object))
		return err_new(-CE_BAD_FORMAT,
			       "resources.limits: '%s' is not a list of names and "
			       "quantities",
			       json_object_get_string(limits));
	json_object_object_foreach(limits, key, v)
	{
		(void)v;
		if (strcmp(key, "memory") != 0 && strcmp(key, "cpu") != 0)
			log_warn("kube play: %s: resources.limits.%s cannot be set here and bounds "
				 "nothing",
				 what, key);
	}
	return 0;
}

int kube_resources_check(struct kube_play *p, struct json_object *doc)
{
	static const char *const lists[] = {"initContainers", "containers"};
	struct json_object *spec = kube_get(kube_template(doc), "spec"), *c;

	kube_say_unsupported(spec, NULL);
	if (kube_get(spec, "resources.limits"))
		return err_new(-CE_UNSUPPORTED,
			       "%s %s: limits of a whole pod (spec.resources) "
			       "cannot be set; limit its containers",
			       kube_kind(doc), kube_name(doc));
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		for (size_t i = 0; (c = kube_each(spec, lists[k], i)); i++) {
			AUTO(kube_container_done) struct kube_container scratch = {0};
			const char *name = kube_text(c, "name") ? kube_text(c, "name") : "";
			int r = say_others(c, name);

			kube_say_unsupported(spec, c);

			if (r == 0)
				r = kube_resources(p, c, &scratch);
			if (r < 0)
				return err_wrap(r, "%s %s: container %s", kube_kind(doc),
						kube_name(doc), name);
		}
	}
	return 0;
}

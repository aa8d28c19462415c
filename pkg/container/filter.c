/* SPDX-License-Identifier: MIT */
#include "pkg/container/filter.h"

#include <string.h>

#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/cli/filter.h"
#include "pkg/container/list.h"
#include "pkg/container/networks.h"
#include "pkg/image/image.h"
#include "storage/pod.h"

static const char *const statuses[] = {"created",  "running",   "paused",   "exited",
				       "stopping", "stopped",   "removing", "initialized",
				       "unknown",  "restarting"};

static bool match_ancestor(struct store *st, const struct container_record *rec, const char *want)
{
	struct image_record *image = NULL;
	bool hit = strcmp(rec->image, want) == 0 || strncmp(rec->image_id, want, strlen(want)) == 0;

	if (!hit && image_find(st, want, &image, NULL) == 0)
		hit = strcmp(image->id, rec->image_id) == 0;
	err_drop();
	image_record_free(image);
	return hit;
}

static int64_t created_of(struct store *st, const char *name)
{
	struct container c;
	int64_t at;

	if (container_open(st, name, &c) < 0) {
		err_drop();
		return 0;
	}
	at = c.rec->created_ns;
	container_done(&c);
	return at;
}

static bool match_volume(const struct container_record *rec, const char *want)
{
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (strcmp(rec->mounts[i].target, want) == 0 ||
		    (rec->mounts[i].source && strcmp(rec->mounts[i].source, want) == 0))
			return true;
	return false;
}

static bool match_command(const struct container_record *rec, const char *want)
{
	const struct strv *first = rec->entrypoint.n ? &rec->entrypoint : &rec->cmd;

	return first->n && strcmp(first->v[0], want) == 0;
}

static void add_ports(const struct strv *specs, struct net_port_list *ret)
{
	for (size_t i = 0; i < specs->n; i++)
		if (net_port_parse(specs->v[i], ret) < 0)
			err_drop();
}

/* "80", "80/tcp", "80-90/udp" against what it publishes, or exposes: what is published is exposed, too. */
static bool match_port(const struct container_record *rec, bool published, const char *want)
{
	AUTO(net_port_list_done)
	struct net_port_list l = NET_PORT_LIST_INIT, w = NET_PORT_LIST_INIT;
	bool hit = false;

	add_ports(&rec->ports, &l);
	if (!published)
		add_ports(&rec->exposed_ports, &l);
	if (net_port_parse(want, &w) < 0)
		err_drop();
	for (unsigned i = 0; i < l.n; i++)
		for (unsigned k = 0; k < w.n; k++)
			hit = hit || (l.v[i].proto == w.v[k].proto &&
				      l.v[i].container_port == w.v[k].container_port);
	return hit;
}

static bool match_pod(struct store *st, const struct container_record *rec, const char *want)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	bool hit;

	if (!rec->pod || !*want)
		return false;
	if (strncmp(rec->pod, want, strlen(want)) == 0)
		return true;
	hit = pod_load(st, want, &pod) == 0 && strcmp(pod.id, rec->pod) == 0;
	err_drop();
	return hit;
}

struct filtered {
	struct store *st;
	const struct container *c;
};

static bool match_one(const void *arg, const char *key, const char *value)
{
	const struct filtered *x = arg;
	struct store *st = x->st;
	const struct container *c = x->c;
	const struct container_record *rec = c->rec;
	bool wanted;
	int64_t at;

	if (strcmp(key, "id") == 0)
		return strncmp(rec->id, value, strlen(value)) == 0;
	if (strcmp(key, "name") == 0)
		return filter_name(rec->name, *value == '/' ? value + 1 : value);
	if (strcmp(key, "label") == 0)
		return filter_label(&rec->labels, value);
	if (strcmp(key, "label!") == 0)
		return !filter_label(&rec->labels, value);
	if (strcmp(key, "annotation") == 0)
		return filter_label(&rec->annotations, value);
	if (strcmp(key, "annotation!") == 0)
		return !filter_label(&rec->annotations, value);
	if (strcmp(key, "is-task") == 0)
		return strcmp(value, "false") == 0; /* those are of swarms */
	if (strcmp(key, "status") == 0)
		return strcmp(container_status_text(c),
			      strcmp(value, "stopped") == 0 ? "exited" : value) == 0;
	if (strcmp(key, "exited") == 0)
		return c->state.status == CONMON_EXITED &&
		       c->state.exit_code == (int)strtol(value, NULL, 10);
	if (strcmp(key, "ancestor") == 0)
		return match_ancestor(st, rec, value);
	if (strcmp(key, "before") == 0)
		return rec->created_ns < created_of(st, value);
	if (strcmp(key, "since") == 0)
		return rec->created_ns > created_of(st, value);
	if (strcmp(key, "until") == 0)
		return filter_time(value, &at) == 0 && rec->created_ns < at;
	if (strcmp(key, "volume") == 0)
		return match_volume(rec, value);
	if (strcmp(key, "command") == 0)
		return match_command(rec, value);
	if (strcmp(key, "publish") == 0 || strcmp(key, "expose") == 0)
		return match_port(rec, *key == 'p', value);
	if (strcmp(key, "health") == 0)
		return strcmp(c->state.health ? conmon_health_text(c->state.health) : "none",
			      value) == 0;
	if (strcmp(key, "restart-policy") == 0)
		return strcmp(rec->restart ? rec->restart : "no", value) == 0;
	if (strcmp(key, "pod") == 0)
		return match_pod(st, rec, value);
	if (strcmp(key, "should-start-on-boot") == 0)
		return parse_bool(value, &wanted) == 0 && container_is_wanted(c) == wanted;
	return networks_match(st, rec, value);
}

int list_pods(struct store *st, struct strv *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = pod_list(st, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(pod_record_done) struct pod_record pod = {0};

		r = pod_load(st, names.v[i], &pod);
		if (r == 0)
			strv_addf(ret, "%s=%s", pod.id, pod.name);
		r = err_forgive(r, -CE_NO_POD);
	}
	return r;
}

int filters_check(struct store *st, const struct strv *filters)
{
	static const char *const keys[] = {
		"id",         "name",       "label",          "label!",
		"annotation", "pod",        "status",         "exited",
		"ancestor",   "before",     "since",          "until",
		"volume",     "network",    "restart-policy", "should-start-on-boot",
		"health",     "command",    "publish",        "expose",
		"is-task",    "annotation!"};

	for (size_t i = 0; filters && i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);
		bool flag;
		uint32_t code;
		int64_t at;

		if (!key)
			return err_usage("--filter '%s': write key=value", filters->v[i]);
		if (!filter_one_of(key, keys, ARRAY_LEN(keys)))
			return err_usage("--filter '%s': unknown key; known are id name label "
					 "status exited ancestor before "
					 "since until volume network annotation restart-policy "
					 "should-start-on-boot health command publish "
					 "expose pod is-task",
					 filters->v[i]);
		if (strcmp(key, "status") == 0) {
			if (!filter_one_of(value, statuses, ARRAY_LEN(statuses)))
				return err_usage("--filter '%s': unknown status; use created, "
						 "running, paused or exited",
						 filters->v[i]);
		}
		if (strcmp(key, "health") == 0 && strcmp(value, "none") != 0 &&
		    strcmp(value, "starting") != 0 && strcmp(value, "healthy") != 0 &&
		    strcmp(value, "unhealthy") != 0)
			return err_usage("--filter '%s': use starting, healthy, unhealthy or none",
					 filters->v[i]);
		if (strcmp(key, "is-task") == 0 && strcmp(value, "true") != 0 &&
		    strcmp(value, "false") != 0)
			return err_usage("--filter '%s': write true or false", filters->v[i]);
		if (strcmp(key, "should-start-on-boot") == 0 && parse_bool(value, &flag) < 0)
			return err_usage("--filter '%s': write true or false", filters->v[i]);
		if (strcmp(key, "exited") == 0 && parse_u32(value, 255, &code) < 0)
			return err_usage("--filter '%s': an exit code is a number from 0 to 255",
					 filters->v[i]);
		if (strcmp(key, "publish") == 0 || strcmp(key, "expose") == 0) {
			AUTO(net_port_list_done) struct net_port_list l = NET_PORT_LIST_INIT;
			int r = net_port_parse(value, &l);

			if (r < 0)
				return err_wrap(r, "--filter '%s'", filters->v[i]);
		}
		if (strcmp(key, "until") == 0 && filter_time(value, &at) < 0)
			return err_usage("--filter '%s': write a time or a duration",
					 filters->v[i]);
		if (strcmp(key, "before") == 0 || strcmp(key, "since") == 0) {
			char id[65];
			int r = container_store_resolve(st, value, id);

			if (r < 0)
				return err_wrap(r, "--filter '%s'", filters->v[i]);
		}
	}
	return 0;
}

bool filters_match(struct store *st, const struct strv *filters, const struct container *c)
{
	const struct filtered x = {.st = st, .c = c};

	return filter_all(filters, match_one, &x);
}

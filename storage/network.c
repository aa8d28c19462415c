/* SPDX-License-Identifier: MIT */
#include "storage/network.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"
#include "storage/stage.h"
#include "storage/store_internal.h"

#define SUFFIX ".json"
#define RECORD_MAX (1UL << 20)
/* Always the same, as podman's is. */
#define DEFAULT_ID "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9"

void network_record_done(struct network_record *r)
{
	for (unsigned i = 0; i < r->n_subnets; i++) {
		free(r->subnets[i].net);
		free(r->subnets[i].gateway);
		free(r->subnets[i].first);
		free(r->subnets[i].last);
	}
	free(r->subnets);
	free(r->name);
	free(r->id);
	free(r->device);
	strv_done(&r->routes);
	strv_done(&r->servers);
	strv_done(&r->labels);
	strv_done(&r->options);
	strv_done(&r->reserved);
	*r = (struct network_record){0};
}

struct network_subnet *network_record_add(struct network_record *r)
{
	r->subnets = xreallocarray(r->subnets, r->n_subnets + 1, sizeof(*r->subnets));
	r->subnets[r->n_subnets] = (struct network_subnet){0};
	return &r->subnets[r->n_subnets++];
}

int network_lock(struct store *st)
{
	int locks = store_fd(st, STORE_LOCKS);

	return locks < 0 ? locks : lock_open(locks, "networks", LOCK_EXCLUSIVE);
}

/* --- as JSON ----------------------------------------------------------------------------------- */

static struct json_object *routes_json(const struct strv *routes)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < routes->n; i++) {
		AUTO_STRV struct strv parts = STRV_INIT;
		struct json_object *o = json_object_new_object();
		uint32_t metric;

		strv_split(&parts, routes->v[i], ',');
		json_set_str(o, "destination", parts.v[0]);
		json_set_str(o, "gateway", parts.n > 1 ? parts.v[1] : "");
		if (parts.n > 2 && parse_u32(parts.v[2], UINT32_MAX, &metric) == 0)
			json_set_i64(o, "metric", metric);
		(void)json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *subnets_json(const struct network_record *r)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < r->n_subnets; i++) {
		const struct network_subnet *s = &r->subnets[i];
		struct json_object *o = json_object_new_object();

		json_set_str(o, "subnet", s->net);
		if (s->gateway)
			json_set_str(o, "gateway", s->gateway);
		if (s->first || s->last) {
			struct json_object *range = json_object_new_object();

			if (s->first)
				json_set_str(range, "start_ip", s->first);
			if (s->last)
				json_set_str(range, "end_ip", s->last);
			json_set(o, "lease_range", range);
		}
		(void)json_object_array_add(a, o);
	}
	return a;
}

struct json_object *network_json(const struct network_record *r)
{
	struct json_object *o = json_object_new_object(), *ipam = json_object_new_object();
	char created[CLOCK_TEXT_MAX];

	clock_format_utc(r->created_ns, created);
	json_set_str(o, "name", r->name);
	json_set_str(o, "id", r->id);
	json_set_str(o, "driver", "bridge");
	json_set_str(o, "network_interface", r->device);
	json_set_str(o, "created", created);
	if (r->n_subnets)
		json_set(o, "subnets", subnets_json(r));
	if (r->routes.n)
		json_set(o, "routes", routes_json(&r->routes));
	json_set_bool(o, "ipv6_enabled", r->ipv6);
	json_set_bool(o, "internal", r->internal);
	json_set_bool(o, "dns_enabled", r->names);
	if (r->servers.n)
		json_set(o, "network_dns_servers", json_from_strv(&r->servers));
	if (r->labels.n)
		json_set(o, "labels", json_from_map(&r->labels));
	if (r->options.n)
		json_set(o, "options", json_from_map(&r->options));
	if (r->reserved.n)
		json_set(o, "aux_addresses", json_from_map(&r->reserved));
	json_set_str(ipam, "driver", r->n_subnets ? "host-local" : "none");
	json_set(o, "ipam_options", ipam);
	return o;
}

static char *copy_of(struct json_object *o, const char *key, int *r)
{
	const char *s = NULL;

	if (*r == 0)
		*r = json_get_str(o, key, &s);
	return *r == 0 && s ? xstrdup(s) : NULL;
}

static int parse_subnets(struct json_object *o, struct network_record *ret)
{
	struct json_object *a = NULL, *range = NULL;
	int r = json_get_arr(o, "subnets", &a);

	for (size_t i = 0; r == 0 && a && i < json_object_array_length(a); i++) {
		struct json_object *j = json_object_array_get_idx(a, i);
		struct network_subnet *s = network_record_add(ret);

		range = NULL;
		s->net = copy_of(j, "subnet", &r);
		s->gateway = copy_of(j, "gateway", &r);
		if (r == 0)
			r = json_get_obj(j, "lease_range", &range);
		if (r == 0 && range) {
			s->first = copy_of(range, "start_ip", &r);
			s->last = copy_of(range, "end_ip", &r);
		}
		if (r == 0 && !s->net)
			r = err_new(-CE_CORRUPT, "a subnet without an address");
	}
	return r;
}

static int parse_routes(struct json_object *o, struct network_record *ret)
{
	struct json_object *a = NULL;
	int r = json_get_arr(o, "routes", &a);

	for (size_t i = 0; r == 0 && a && i < json_object_array_length(a); i++) {
		struct json_object *j = json_object_array_get_idx(a, i);
		AUTO_FREE char *to = copy_of(j, "destination", &r),
			       *via = copy_of(j, "gateway", &r);
		int64_t metric = 0;

		if (r == 0)
			r = json_get_i64(j, "metric", &metric);
		if (r == 0 && (!to || !via))
			r = err_new(-CE_CORRUPT, "a route without an end");
		if (r == 0 && metric)
			strv_addf(&ret->routes, "%s,%s,%lld", to, via, (long long)metric);
		else if (r == 0)
			strv_addf(&ret->routes, "%s,%s", to, via);
	}
	return r;
}

static int record_parse(const char *text, size_t n, struct network_record *ret)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *created = NULL, *driver = NULL;
	int r = json_parse(text, n, &o);

	if (r < 0)
		return r;
	ret->name = copy_of(o, "name", &r);
	ret->id = copy_of(o, "id", &r);
	ret->device = copy_of(o, "network_interface", &r);
	driver = copy_of(o, "driver", &r);
	created = copy_of(o, "created", &r);
	if (r == 0)
		r = parse_subnets(o, ret);
	if (r == 0)
		r = parse_routes(o, ret);
	if (r == 0)
		r = json_get_bool(o, "ipv6_enabled", &ret->ipv6);
	if (r == 0)
		r = json_get_bool(o, "internal", &ret->internal);
	if (r == 0)
		r = json_get_bool(o, "dns_enabled", &ret->names);
	if (r == 0)
		r = json_get_strv(o, "network_dns_servers", &ret->servers);
	if (r == 0)
		r = json_get_map(o, "labels", &ret->labels);
	if (r == 0)
		r = json_get_map(o, "options", &ret->options);
	if (r == 0)
		r = json_get_map(o, "aux_addresses", &ret->reserved);
	if (r == 0 && (!ret->name || !ret->id || !ret->device || strlen(ret->id) != 64 || !driver ||
		       strcmp(driver, "bridge") != 0))
		r = err_new(-CE_CORRUPT, "the definition of a network");
	if (r == 0 && created && clock_parse(created, &ret->created_ns) < 0)
		ret->created_ns = 0;
	return r;
}

/* --- files --------------------------------------------------------------------------------------- */

static void default_record(struct network_record *ret)
{
	struct network_subnet *s;

	*ret = (struct network_record){.name = xstrdup(NETWORK_DEFAULT),
				       .id = xstrdup(DEFAULT_ID),
				       .device = xstrdup("podman0")};
	s = network_record_add(ret);
	s->net = xstrdup("10.88.0.0/16");
	s->gateway = xstrdup("10.88.0.1");
}

int network_load(struct store *st, const char *name, struct network_record *ret)
{
	AUTO(network_record_done) struct network_record rec = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_FREE char *file = xasprintf("%s" SUFFIX, name);
	int dir = store_fd(st, STORE_NETWORKS), r;

	if (dir < 0)
		return dir;
	if (!name_is_valid(name))
		return err_new(-CE_NO_NETWORK, "%s", name);
	r = file_read_at(dir, file, RECORD_MAX, &b);
	if (r == -ENOENT && strcmp(name, NETWORK_DEFAULT) == 0) {
		err_drop();
		default_record(ret);
		return 0;
	}
	if (r == -ENOENT)
		return err_new(-CE_NO_NETWORK, "%s", name);
	if (r == 0)
		r = record_parse(b.s, b.len, &rec);
	if (r < 0)
		return err_wrap(r, "network %s", name);
	*ret = rec;
	rec = (struct network_record){0};
	return 0;
}

int network_save(struct store *st, const struct network_record *r, bool replace)
{
	AUTO_JSON struct json_object *o = network_json(r);
	AUTO_FREE char *file = xasprintf("%s" SUFFIX, r->name);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int dir = store_fd(st, STORE_NETWORKS), e;

	if (dir < 0)
		return dir;
	json_write(o, true, &b);
	sbuf_addc(&b, '\n');
	e = replace ? file_replace(dir, file, b.s, b.len, 0600, FILE_SYNC)
		    : file_create(dir, file, b.s, b.len, 0600, FILE_SYNC);
	crash_point("record-saved");
	return e < 0 && e != -EEXIST ? err_wrap(e, "network %s", r->name) : e;
}

int network_list(struct store *st, struct strv *ret)
{
	int r = store_names_of(st, STORE_NETWORKS, SUFFIX, ret);

	if (r == 0 && !strv_has(ret, NETWORK_DEFAULT))
		strv_add(ret, NETWORK_DEFAULT);
	strv_sort(ret);
	return r;
}

int network_remove(struct store *st, const char *name)
{
	AUTO_FREE char *file = xasprintf("%s" SUFFIX, name);
	int dir = store_fd(st, STORE_NETWORKS);

	if (dir < 0)
		return dir;
	if (!name_is_valid(name))
		return err_new(-CE_NO_NETWORK, "%s", name);
	if (unlinkat(dir, file, 0) < 0)
		return errno == ENOENT ? err_new(-CE_NO_NETWORK, "%s", name)
				       : err_new(-errno, "remove network %s", name);
	crash_point("record-removed");
	return fsync(dir) < 0 ? err_new(-errno, "remove network %s", name) : 0;
}

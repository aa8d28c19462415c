/* SPDX-License-Identifier: MIT */
#include "pkg/container/networks.h"

#include <string.h>

#include "net/bridge.h"
#include "net/keeper.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/path.h"
#include "pkg/cli/filter.h"
#include "pkg/conmon/bridge.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "storage/event.h"

int network_resolve(struct store *st, const char *name, char **ret)
{
	AUTO(network_record_done) struct network_record rec = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	const char *plain = strcmp(name, "bridge") == 0 ? NETWORK_DEFAULT : name;
	AUTO_FREE char *found = NULL;
	int r = network_load(st, plain, &rec);

	if (r == 0)
		*ret = xstrdup(plain);
	if (r != -CE_NO_NETWORK)
		return r;
	err_drop();
	r = network_list(st, &names);
	for (size_t i = 0; r == 0 && *name && i < names.n; i++) {
		AUTO(network_record_done) struct network_record other = {0};

		r = network_load(st, names.v[i], &other);
		if (r < 0) {
			r = err_forgive(r, -CE_NO_NETWORK);
			continue;
		}
		if (strncmp(other.id, name, strlen(name)) != 0)
			continue;
		if (found)
			return err_new(-CE_AMBIGUOUS, "%s: more than one network's id begins so",
				       name);
		found = xstrdup(other.name);
	}
	if (r == 0 && !found)
		return err_new(-CE_NO_NETWORK, "%s", name);
	if (r == 0)
		*ret = TAKE_PTR(found);
	return r;
}

static bool has_id(struct store *st, const char *name, const char *want)
{
	AUTO(network_record_done) struct network_record net = {0};
	size_t n = strlen(want);
	bool hit;

	if (!hex_is_exactly(want, 12) && !hex_is_exactly(want, 64))
		return false;
	hit = network_load(st, name, &net) == 0 && strncmp(net.id, want, n) == 0;
	err_drop();
	return hit;
}

bool networks_match(struct store *st, const struct container_record *rec, const char *want)
{
	const char *name = strcmp(want, "bridge") == 0 ? NETWORK_DEFAULT : want;

	for (size_t i = 0; i < rec->networks.n; i++) {
		AUTO_FREE char *its = xstrndup(rec->networks.v[i],
					       strcspn(rec->networks.v[i], ":"));

		if (strcmp(its, name) == 0 || has_id(st, its, want))
			return true;
	}
	return rec->networks.n == 0 && strcmp(rec->ns_net, want) == 0;
}

const char *network_option(const struct network_record *r, const char *key)
{
	return strv_env_get(&r->options, key);
}

struct user_search {
	const char *network; /* NULL: any */
	void (*fn)(const struct container *c, const char *network, void *arg);
	void *arg;
};

static int look_at(const struct container *c, void *arg)
{
	const struct user_search *s = arg;

	for (size_t i = 0; i < c->rec->networks.n; i++) {
		size_t n = strcspn(c->rec->networks.v[i], ":");
		AUTO_FREE char *its = xstrndup(c->rec->networks.v[i], n);

		if (!s->network || strcmp(its, s->network) == 0)
			s->fn(c, its, s->arg);
	}
	return 0;
}

/* Calls @fn for each container that has @name (NULL: any network) in its record. */
static int each_user(struct store *st, const char *name,
		     void (*fn)(const struct container *c, const char *network, void *arg),
		     void *arg)
{
	struct user_search s = {.network = name, .fn = fn, .arg = arg};

	return container_each(st, look_at, &s);
}

static void add_user(const struct container *c, const char *network, void *arg)
{
	(void)network;
	strv_add(arg, c->rec->name);
}

int network_users(struct store *st, const char *name, struct strv *ret)
{
	return each_user(st, name, add_user, ret);
}

char *network_event_body(const char *name)
{
	return xasprintf("\"Network\":\"%s\",\"Attributes\":{\"driver\":\"bridge\"}", name);
}

int network_drop(struct store *st, const char *name)
{
	/* A container that is being made holds it shared from the look at its networks to its record. */
	AUTO_CLOSE int store = store_lock(st, true), lock = store < 0 ? store : network_lock(st);
	AUTO_STRV struct strv users = STRV_INIT;
	AUTO(network_record_done) struct network_record rec = {0};
	int r = lock < 0 ? lock : network_load(st, name, &rec), dir = store_runtime_fd(st);
	AUTO_FREE char *body = network_event_body(name);
	struct event_pending event;

	if (r == 0 && strcmp(name, NETWORK_DEFAULT) == 0)
		return err_new(-CE_IN_USE, "the default network cannot be removed");
	if (r == 0)
		r = network_users(st, name, &users);
	if (r == 0 && users.n) {
		AUTO_FREE char *list = strv_join(&users, ", ");

		return err_new(-CE_IN_USE, "used by %s", list);
	}
	if (r < 0)
		return r;
	event_begin(dir, "network", "remove", rec.id, name, body, &event);
	r = network_remove(st, name);
	if (r == 0)
		event_write(dir, "network", "remove", rec.id, name, body, NULL);
	event_over(dir, &event);
	return r;
}

/* --- shown --------------------------------------------------------------------------------------- */

static int read_lease(const struct container *c, struct sbuf *ret)
{
	int r = c->dirs.runtime_fd < 0 || !container_is_running(c)
			? -ENOENT
			: file_read_at(c->dirs.runtime_fd, BRIDGE_LEASE_FILE, BRIDGE_LEASE_MAX,
				       ret);

	err_drop();
	return r;
}

void networks_warn(const struct container *c)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const char *at;

	if (strcmp(c->rec->ns_net, "bridge") != 0 ||
	    file_read_at(c->dirs.runtime_fd, BRIDGE_LEASE_FILE, BRIDGE_LEASE_MAX, &text) < 0) {
		err_drop(); /* a short --rm run has taken it along by now */
		return;
	}
	at = strstr(text.s, "! ");
	if (at && (at == text.s || at[-1] == '\n'))
		log_warn("%.*s", (int)strcspn(at + 2, "\n"), at + 2);
}

static void add_subnet(struct json_object *a, const char *ip, unsigned prefix, const char *gateway)
{
	struct json_object *o;
	AUTO_FREE char *net = xasprintf("%s/%u", ip, prefix);

	if (!*ip)
		return;
	o = json_object_new_object();
	json_set_str(o, "ipnet", net);
	if (*gateway)
		json_set_str(o, "gateway", gateway);
	(void)json_object_array_add(a, o);
}

bool networks_refused(const struct container *c, uint64_t *ret)
{
	AUTO_FREE char *keeper = NULL;
	int r;

	if (!c->rec->egress.n || !container_is_running(c))
		return false;
	keeper = path_join(c->dirs.runtime_path, c->rec->networks.n ? "../net" : GUARD_DIR);
	r = keeper_refused(keeper, c->rec->id, ret);
	err_drop();
	return r == 0;
}

static void add_container(const struct container *c, const char *network, void *arg)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct json_object *o, *interfaces, *one, *subnets;
	struct bridge_lease l;
	uint64_t refused;

	if (read_lease(c, &text) < 0 || !bridge_lease_find(text.s, network, &l))
		return;
	o = json_object_new_object();
	interfaces = json_object_new_object();
	one = json_object_new_object();
	subnets = json_object_new_array();
	add_subnet(subnets, l.ip, l.prefix, l.gateway);
	add_subnet(subnets, l.ip6, l.prefix6, l.gateway6);
	json_set(one, "subnets", subnets);
	json_set_str(one, "mac_address", l.mac);
	json_set(interfaces, l.device, one);
	json_set_str(o, "name", c->rec->name);
	json_set(o, "interfaces", interfaces);
	if (networks_refused(c, &refused))
		json_set_i64(o, "egress_refused", (int64_t)refused);
	json_set(arg, c->rec->id, o);
}

int network_inspect(struct store *st, const char *name, struct json_object **ret)
{
	AUTO(network_record_done) struct network_record rec = {0};
	struct json_object *containers = json_object_new_object(), *o;
	AUTO_FREE char *full = NULL;
	int r = network_resolve(st, name, &full);

	if (r == 0)
		r = network_load(st, full, &rec);
	if (r == 0)
		r = each_user(st, full, add_container, containers);
	if (r < 0) {
		json_object_put(containers);
		return r;
	}
	o = network_json(&rec);
	json_set(o, "containers", containers);
	*ret = o;
	return 0;
}

struct json_object *networks_inspect(const struct container *c)
{
	struct json_object *all = json_object_new_object();
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	(void)read_lease(c, &text);
	for (size_t i = 0; i < c->rec->networks.n; i++) {
		AUTO(endpoint_spec_done) struct endpoint_spec e = {0};
		struct json_object *o = json_object_new_object(), *aliases;
		struct bridge_lease l = {.device = ""};
		AUTO_FREE char *short_id = xstrndup(c->rec->id, 12);

		if (endpoint_spec_parse(c->rec->networks.v[i], &e) < 0) {
			err_drop();
			json_object_put(o);
			continue;
		}
		(void)bridge_lease_find(text.s, e.network, &l);
		json_set_str(o, "EndpointID", "");
		json_set_str(o, "Gateway", l.gateway);
		json_set_str(o, "IPAddress", l.ip);
		json_set_i64(o, "IPPrefixLen", l.prefix);
		json_set_str(o, "IPv6Gateway", l.gateway6);
		json_set_str(o, "GlobalIPv6Address", l.ip6);
		json_set_i64(o, "GlobalIPv6PrefixLen", l.prefix6);
		json_set_str(o, "MacAddress", l.mac);
		json_set_str(o, "NetworkID", e.network);
		json_set(o, "DriverOpts", NULL);
		json_set(o, "IPAMConfig", NULL);
		json_set(o, "Links", e.links.n ? json_from_strv(&e.links) : NULL);
		aliases = json_from_strv(&e.aliases);
		(void)json_object_array_add(aliases, json_object_new_string(short_id));
		json_set(o, "Aliases", aliases);
		json_set(all, e.network, o);
	}
	return all;
}

bool container_lease(const struct container *c, struct bridge_lease *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	const char *at;

	if (read_lease(c, &text) < 0)
		return false;
	at = text.s;
	return bridge_lease_next(&at, ret);
}

/* --- lists --------------------------------------------------------------------------------------- */

static int check_filters(const struct strv *filters)
{
	static const char *const keys[] = {"driver",   "id",    "name",  "label", "label!",
					   "dangling", "until", "scope", "type"};

	for (size_t i = 0; filters && i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);
		int64_t at;

		if (!filter_one_of(key, keys, ARRAY_LEN(keys)))
			return err_usage("--filter '%s': write key=value; known are driver id name "
					 "label dangling until scope type",
					 filters->v[i]);
		if (strcmp(key, "until") == 0 && filter_time(value, &at) < 0)
			return err_usage("--filter '%s': write a time or a duration",
					 filters->v[i]);
		if (strcmp(key, "dangling") == 0 && strcmp(value, "true") != 0 &&
		    strcmp(value, "false") != 0)
			return err_usage("--filter '%s': write true or false", filters->v[i]);
		if (strcmp(key, "type") == 0 && strcmp(value, "custom") != 0 &&
		    strcmp(value, "builtin") != 0)
			return err_usage("--filter '%s': write custom or builtin", filters->v[i]);
	}
	return 0;
}

struct filtered {
	const struct network_record *r;
	const struct strv *used;
};

static bool match_one(const void *arg, const char *key, const char *value)
{
	const struct network_record *r = ((const struct filtered *)arg)->r;
	const struct strv *used = ((const struct filtered *)arg)->used;
	int64_t at;

	if (strcmp(key, "driver") == 0)
		return strcmp(value, "bridge") == 0;
	if (strcmp(key, "id") == 0)
		return strncmp(r->id, value, strlen(value)) == 0;
	if (strcmp(key, "name") == 0)
		return filter_name(r->name, value);
	if (strcmp(key, "label") == 0)
		return filter_label(&r->labels, value);
	if (strcmp(key, "label!") == 0)
		return !filter_label(&r->labels, value);
	if (strcmp(key, "dangling") == 0)
		return (strcmp(value, "true") == 0) ==
		       (!strv_has(used, r->name) && strcmp(r->name, NETWORK_DEFAULT) != 0);
	if (strcmp(key, "scope") == 0)
		return strcmp(value, "local") == 0; /* docker's other ones are of swarms */
	if (strcmp(key, "type") == 0)
		return (strcmp(value, "builtin") == 0) == (strcmp(r->name, NETWORK_DEFAULT) == 0);
	return filter_time(value, &at) == 0 && r->created_ns < at;
}

static void add_used(const struct container *c, const char *network, void *arg)
{
	(void)c;
	strv_add(arg, network);
}

static int each_match(struct store *st, const struct strv *filters,
		      void (*fn)(const struct network_record *r, bool used, void *arg), void *arg)
{
	AUTO_STRV struct strv names = STRV_INIT, used = STRV_INIT;
	int r = check_filters(filters);

	if (r == 0)
		r = network_list(st, &names);
	if (r == 0)
		r = each_user(st, NULL, add_used, &used);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO(network_record_done) struct network_record rec = {0};
		const struct filtered x = {.r = &rec, .used = &used};

		r = network_load(st, names.v[i], &rec);
		if (r < 0) {
			r = err_forgive(r, -CE_NO_NETWORK);
			continue;
		}
		if (filter_all(filters, match_one, &x))
			fn(&rec, strv_has(&used, rec.name), arg);
	}
	return r;
}

static void add_row(const struct network_record *r, bool used, void *arg)
{
	(void)used;
	(void)json_object_array_add(arg, network_json(r));
}

int network_rows(struct store *st, const struct strv *filters, struct json_object **ret)
{
	struct json_object *a = json_object_new_array();
	int r = each_match(st, filters, add_row, a);

	if (r < 0)
		json_object_put(a);
	else
		*ret = a;
	return r;
}

static void add_unused(const struct network_record *r, bool used, void *arg)
{
	if (!used && strcmp(r->name, NETWORK_DEFAULT) != 0)
		strv_add(arg, r->name);
}

int network_unused(struct store *st, const struct strv *filters, struct strv *ret)
{
	return each_match(st, filters, add_unused, ret);
}

/* SPDX-License-Identifier: MIT */
/* A container's place in networks: as written, as asked of the keeper, changed while it runs. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/address.h"
#include "net/bridge.h"
#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/conmon/bridge.h"
#include "pkg/container/events.h"
#include "pkg/container/networks.h"
#include "pkg/sys/file.h"

/* --- as written ----------------------------------------------------------------------------------- */

void endpoint_spec_done(struct endpoint_spec *e)
{
	free(e->network);
	free(e->ip);
	free(e->ip6);
	free(e->mac);
	free(e->device);
	strv_done(&e->aliases);
	strv_done(&e->links);
	*e = (struct endpoint_spec){0};
}

/* Names that mean something everywhere are nobody's to take. */
static bool means_itself(const char *s)
{
	return strcasecmp(s, "localhost") == 0 || strcasecmp(s, "host.containers.internal") == 0 ||
	       strcasecmp(s, "host.docker.internal") == 0;
}

static int check_alias(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 253 || !isalnum((unsigned char)*s) ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") != n)
		return err_usage("network alias '%s': letters, digits, '.', '_' and '-'", s);
	if (means_itself(s))
		return err_usage("network alias '%s': the name is taken", s);
	return 0;
}

/* docker's "CONTAINER[:NAME]". That the container exists is not asked for: it may come later, as others do. */
static int take_link(const char *value, struct endpoint_spec *e)
{
	const char *colon = strchr(value, ':');
	AUTO_FREE char *other = colon ? xstrndup(value, (size_t)(colon - value)) : xstrdup(value);
	const char *name = colon ? colon + 1 : other;
	int r = check_alias(other);

	if (r == 0)
		r = check_alias(name);
	if (r < 0)
		return err_wrap(r, "link %s", value);
	if (e->links.n == BRIDGE_LIST_MAX)
		return err_usage("link %s: at most %d", value, BRIDGE_LIST_MAX);
	strv_take(&e->links, xasprintf("%s:%s", other, name));
	return 0;
}

static int check_mac(const char *s)
{
	size_t n = strlen(s);
	unsigned first = 1;

	for (size_t i = 0; i < n; i++)
		if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			n = 0;
	if (n != 17 || sscanf(s, "%2x", &first) != 1 || (first & 1))
		return err_usage("MAC address '%s': want one of a single device, as "
				 "92:d0:c6:0a:29:33",
				 s);
	return 0;
}

static int check_device(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 15 || !isalpha((unsigned char)*s) ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n ||
	    strcmp(s, "lo") == 0)
		return err_usage("interface_name '%s': at most 15 letters, digits, '.', '_' and "
				 "'-', not lo",
				 s);
	return 0;
}

static int set_once(char **to, const char *key, const char *value)
{
	if (*to)
		return err_usage("--network: %s is given twice", key);
	*to = xstrdup(value);
	return 0;
}

static int take_priority(const char *value, struct endpoint_spec *e)
{
	bool minus = *value == '-';
	uint32_t n;

	if (parse_u32(value + minus, INT32_MAX, &n) < 0)
		return err_usage("--network: gw-priority=%s: want a whole number", value);
	e->priority = minus ? -(int32_t)n : (int32_t)n;
	return 0;
}

/* docker's name for interface_name; what else drivers of docker know is said in other words here. */
static int take_driver_option(const char *kv, struct endpoint_spec *e)
{
	static const char name[] = "com.docker.network.endpoint.ifname=";
	int r;

	if (strncmp(kv, name, sizeof(name) - 1) != 0)
		return err_usage("--network: driver-opt %s: known is "
				 "com.docker.network.endpoint.ifname; kernel parameters are "
				 "given with --sysctl",
				 kv);
	r = check_device(kv + sizeof(name) - 1);
	return r < 0 ? r : set_once(&e->device, "interface_name", kv + sizeof(name) - 1);
}

static int take_option(const char *key, const char *value, struct endpoint_spec *e)
{
	struct address a;
	int r;

	if (strcmp(key, "ip") == 0 || strcmp(key, "ip6") == 0) {
		if (!address_parse(value, &a))
			return err_usage("--network: %s=%s: not an address", key, value);
		if (strcmp(key, "ip6") == 0 && a.family != AF_INET6)
			return err_usage("--network: %s=%s: not an IPv6 address", key, value);
		return set_once(a.family == AF_INET ? &e->ip : &e->ip6, key, value);
	}
	if (strcmp(key, "mac") == 0 || strcmp(key, "mac-address") == 0) {
		r = check_mac(value);
		return r < 0 ? r : set_once(&e->mac, key, value);
	}
	if (strcmp(key, "interface_name") == 0) {
		r = check_device(value);
		return r < 0 ? r : set_once(&e->device, key, value);
	}
	if (strcmp(key, "alias") == 0) {
		r = check_alias(value);
		if (r == 0 && !strv_has(&e->aliases, value))
			strv_add(&e->aliases, value);
		return r;
	}
	if (strcmp(key, "link") == 0)
		return take_link(value, e);
	if (strcmp(key, "gw-priority") == 0)
		return take_priority(value, e);
	if (strcmp(key, "driver-opt") == 0)
		return take_driver_option(value, e);
	if (strcmp(key, "link-local-ip") == 0)
		return err_usage("--network: %s=%s: addresses are given with ip and ip6", key,
				 value);
	if (strcmp(key, "host_interface_name") == 0)
		return err_usage("--network: %s=%s: the device's other end is in a namespace of "
				 "bridges, where nobody looks for a name",
				 key, value);
	return err_usage("--network: unknown option %s (known: ip, ip6, mac, alias, "
			 "link, interface_name, gw-priority, driver-opt)",
			 key);
}

int endpoint_spec_parse(const char *spec, struct endpoint_spec *ret)
{
	AUTO(endpoint_spec_done) struct endpoint_spec e = {0};
	bool is_long = strncmp(spec, "name=", 5) == 0; /* docker: "name=NAME,alias=…" */
	const char *colon = is_long ? strchr(spec, ',') : strchr(spec, ':');
	AUTO_STRV struct strv parts = STRV_INIT;
	int r = 0;

	if (is_long)
		spec += 5;
	e.network = colon ? xstrndup(spec, (size_t)(colon - spec)) : xstrdup(spec);
	if (colon)
		strv_split(&parts, colon + 1, ',');
	for (size_t i = 0; r == 0 && i < parts.n; i++) {
		char *eq = strchr(parts.v[i], '=');

		if (!eq)
			return err_usage("--network %s: %s: want KEY=VALUE", e.network, parts.v[i]);
		*eq = '\0';
		r = take_option(parts.v[i], eq + 1, &e);
	}
	if (r == 0 && e.aliases.n > BRIDGE_LIST_MAX - 3)
		r = err_usage("--network %s: too many aliases", e.network);
	if (r < 0)
		return r;
	*ret = e;
	e = (struct endpoint_spec){0};
	return 0;
}

char *endpoint_spec_format(const struct endpoint_spec *e)
{
	const struct {
		const char *key, *value;
	} one[] = {{"ip", e->ip}, {"ip6", e->ip6}, {"mac", e->mac}, {"interface_name", e->device}};
	struct sbuf b = SBUF_INIT;
	char sep = ':';

	sbuf_adds(&b, e->network);
	for (size_t i = 0; i < ARRAY_LEN(one); i++)
		if (one[i].value) {
			sbuf_addf(&b, "%c%s=%s", sep, one[i].key, one[i].value);
			sep = ',';
		}
	if (e->priority) {
		sbuf_addf(&b, "%cgw-priority=%d", sep, e->priority);
		sep = ',';
	}
	for (size_t i = 0; i < e->aliases.n; i++) {
		sbuf_addf(&b, "%calias=%s", sep, e->aliases.v[i]);
		sep = ',';
	}
	for (size_t i = 0; i < e->links.n; i++) {
		sbuf_addf(&b, "%clink=%s", sep, e->links.v[i]);
		sep = ',';
	}
	return sbuf_steal(&b);
}

/* --- as asked of the keeper ------------------------------------------------------------------------ */

/* All of one container: what the request points into. */
struct place {
	struct endpoint_spec spec;
	struct network_record net;
};

static void places_free(struct place *p, size_t n)
{
	for (size_t i = 0; p && i < n; i++) {
		endpoint_spec_done(&p[i].spec);
		network_record_done(&p[i].net);
	}
	free(p);
}

/* @ret_net: the subnet that it is in. */
static bool in_subnets(const struct network_record *n, const char *ip, struct address *ret,
		       struct address_net *ret_net)
{
	for (unsigned i = 0; address_parse(ip, ret) && i < n->n_subnets; i++)
		if (address_net_parse(n->subnets[i].net, ret_net) && address_net_has(ret_net, ret))
			return true;
	return false;
}

static bool is_reserved(const struct network_record *n, const char *ip)
{
	struct address a, other;

	for (size_t i = 0; address_parse(ip, &a) && i < n->reserved.n; i++) {
		const char *eq = strchr(n->reserved.v[i], '=');

		if (eq && address_parse(eq + 1, &other) && address_equal(&a, &other))
			return true;
	}
	return false;
}

static int check_place(const struct place *p)
{
	const char *const ips[] = {p->spec.ip, p->spec.ip6};

	for (size_t i = 0; i < ARRAY_LEN(ips); i++) {
		struct address_net net;
		struct address a, last, gateway;

		if (!ips[i])
			continue;
		if (!in_subnets(&p->net, ips[i], &a, &net))
			return err_usage("address %s is in no subnet of network %s", ips[i],
					 p->net.name);
		last = address_net_last(&net);
		if (address_equal(&a, &net.base) ||
		    (a.family == AF_INET && address_equal(&a, &last)))
			return err_usage("address %s means the whole subnet of network %s: no "
					 "device can have it",
					 ips[i], p->net.name);
		for (unsigned k = 0; k < p->net.n_subnets; k++)
			if (p->net.subnets[k].gateway &&
			    address_parse(p->net.subnets[k].gateway, &gateway) &&
			    address_equal(&gateway, &a))
				return err_usage("address %s is the gateway of network %s", ips[i],
						 p->net.name);
		if (is_reserved(&p->net, ips[i]))
			return err_usage("address %s is reserved in network %s", ips[i],
					 p->net.name);
	}
	return 0;
}

static int places_load(struct store *st, const struct container_record *rec, struct place **ret)
{
	struct place *p = xcalloc(rec->networks.n + 1, sizeof(*p));
	int r = rec->networks.n > BRIDGE_NETS_MAX
			? err_usage("at most %d networks for a container", BRIDGE_NETS_MAX)
			: 0;

	for (size_t i = 0; r == 0 && i < rec->networks.n; i++) {
		r = endpoint_spec_parse(rec->networks.v[i], &p[i].spec);
		if (r == 0)
			r = network_load(st, p[i].spec.network, &p[i].net);
		if (r == 0)
			r = check_place(&p[i]);
		for (size_t k = 0; r == 0 && p[i].spec.device && k < i; k++)
			if (p[k].spec.device && strcmp(p[k].spec.device, p[i].spec.device) == 0)
				r = err_usage("interface_name '%s' is given for networks %s and "
					      "%s: a device is in one",
					      p[i].spec.device, p[k].net.name, p[i].net.name);
	}
	if (r < 0)
		places_free(p, rec->networks.n);
	else
		*ret = p;
	return r;
}

int networks_check(struct store *st, const struct container_record *rec)
{
	struct place *p = NULL;
	int r = places_load(st, rec, &p);

	if (r == 0)
		places_free(p, rec->networks.n);
	return r;
}

static uint32_t number_option(const struct network_record *n, const char *key)
{
	const char *v = network_option(n, key);
	uint32_t ret = 0;

	if (v)
		(void)parse_u32(v, UINT32_MAX, &ret);
	return ret;
}

static uint32_t flags_of(const struct network_record *n)
{
	static const struct {
		const char *key;
		bool when;
		uint32_t flag;
	} options[] = {
		/* Networks are apart unless somebody wants them not to be. */
		{"isolate", false, BRIDGE_OPEN},
		{"no_default_route", true, BRIDGE_NO_DEFAULT_ROUTE},
		{NETWORK_OPT_ICC, false, BRIDGE_APART},
		{NETWORK_OPT_MASQUERADE, false, BRIDGE_UNMASKED},
	};
	uint32_t flags = (n->internal ? BRIDGE_INTERNAL : 0) | (n->names ? BRIDGE_NAMES : 0);

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const char *value = network_option(n, options[i].key);
		bool on;

		if (value && parse_bool(value, &on) == 0 && on == options[i].when)
			flags |= options[i].flag;
	}
	return flags;
}

static void list_add(struct bridge_list *l, const char *s)
{
	if (l->n < BRIDGE_LIST_MAX)
		l->v[l->n++] = s;
}

static void fill(const struct place *p, const struct container_record *rec, const char *short_id,
		 struct bridge_attach *a)
{
	*a = (struct bridge_attach){.name = p->net.name,
				    .id = p->net.id,
				    .bridge = p->net.device,
				    .flags = flags_of(&p->net),
				    .mtu = number_option(&p->net, "mtu"),
				    .metric = number_option(&p->net, "metric"),
				    .device = p->spec.device,
				    .ip = p->spec.ip,
				    .ip6 = p->spec.ip6,
				    .mac = p->spec.mac,
				    .priority = p->spec.priority};
	for (unsigned i = 0; i < p->net.n_subnets && i < BRIDGE_SUBNETS_MAX; i++) {
		const struct network_subnet *s = &p->net.subnets[i];

		a->subnets[a->n_subnets++] = (struct bridge_subnet){s->net, s->gateway, s->first,
								    s->last};
	}
	for (size_t i = 0; i < p->net.routes.n; i++)
		list_add(&a->routes, p->net.routes.v[i]);
	for (size_t i = 0; i < p->net.servers.n; i++)
		list_add(&a->servers, p->net.servers.v[i]);
	for (size_t i = 0; i < p->net.reserved.n; i++)
		list_add(&a->reserved, strchr(p->net.reserved.v[i], '=') + 1);
	if (!means_itself(rec->name))
		list_add(&a->names, rec->name);
	for (size_t i = 0; i < p->spec.aliases.n; i++)
		list_add(&a->names, p->spec.aliases.v[i]);
	for (size_t i = 0; i < p->spec.links.n; i++)
		list_add(&a->links, p->spec.links.v[i]);
	list_add(&a->names, short_id);
	if (rec->hostname && strcmp(rec->hostname, rec->name) != 0 && !means_itself(rec->hostname))
		list_add(&a->names, rec->hostname);
}

int networks_request(struct store *st, const struct container_record *rec,
		     const struct strv *servers, struct sbuf *out)
{
	AUTO_FREE struct bridge_request *q = xcalloc(1, sizeof(*q));
	AUTO_FREE char *short_id = xstrndup(rec->id, 12);
	struct place *p = NULL;
	int r = places_load(st, rec, &p);

	if (r < 0)
		return r;
	q->id = rec->id;
	servers = servers ? servers : &rec->dns;
	for (size_t i = 0; i < servers->n; i++)
		if (strcmp(servers->v[i], "none") != 0)
			list_add(&q->servers, servers->v[i]);
	for (size_t i = 0; i < rec->egress.n; i++)
		list_add(&q->egress, rec->egress.v[i]);
	q->n = (unsigned)rec->networks.n;
	for (unsigned i = 0; i < q->n; i++)
		fill(&p[i], rec, short_id, &q->nets[i]);
	bridge_request_encode(q, out);
	places_free(p, rec->networks.n);
	return out->len > BRIDGE_REQUEST_MAX ? err_new(-CE_LIMIT, "networks of a container") : 0;
}

int networks_servers(struct store *st, const struct container_record *rec, struct strv *ret,
		     bool *ret_names)
{
	struct place *p = NULL;
	bool outside = false, names = false;
	int r = places_load(st, rec, &p);

	for (size_t i = 0; r == 0 && i < rec->networks.n; i++) {
		outside = outside || (!p[i].net.internal && p[i].net.n_subnets);
		for (unsigned k = 0; p[i].net.names && k < p[i].net.n_subnets; k++)
			if (p[i].net.subnets[k].gateway) {
				strv_add(ret, p[i].net.subnets[k].gateway);
				names = true;
			}
	}
	for (size_t i = 0; r == 0 && !names && outside && i < rec->networks.n; i++)
		strv_add_all(ret, &p[i].net.servers);
	if (r == 0 && outside && ret->n == 0)
		strv_add(ret, "10.0.2.3"); /* slirp4netns(1): the way out has it */
	if (r == 0)
		places_free(p, rec->networks.n);
	*ret_names = names;
	return r;
}

int networks_bind(struct store *st, const struct container_record *rec, struct net_port_list *l)
{
	struct place *p = NULL;
	const char *ip = NULL;
	int r;

	if (!rec->networks.n || !l->n)
		return 0;
	r = places_load(st, rec, &p);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rec->networks.n && !ip; i++)
		ip = network_option(&p[i].net, NETWORK_OPT_BINDING);
	for (unsigned i = 0; ip && i < l->n; i++)
		if (l->v[i].any_family)
			net_port_set_address(&l->v[i], ip);
	places_free(p, rec->networks.n);
	return 0;
}

/* --- changes --------------------------------------------------------------------------------------- */

int container_renew_networks(struct store *st, struct container *c)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = networks_request(st, c->rec, NULL, &b);

	if (r == 0)
		r = file_replace(c->dirs.runtime_fd, BRIDGE_REQUEST_FILE, b.s, b.len, 0600,
				 FILE_NO_SYNC);
	return r < 0 ? r : conmon_renew_networks(c->dirs.runtime_fd);
}

/* With its lock held: record, then monitor; when that refuses the record is as before. */
static int change(struct store *st, struct container *c, struct strv *networks, const char *status,
		  const char *network)
{
	struct strv before = c->rec->networks;
	AUTO_FREE char *extra = xasprintf("\"Network\":\"%s\"", network);
	AUTO_SBUF struct sbuf resolv = SBUF_INIT;
	bool asks = container_is_running(c) && networks_resolv_conf(st, c->rec, &resolv) == 0;
	int r;

	c->rec->networks = *networks;
	r = container_is_running(c) ? container_renew_networks(st, c) : 0;
	if (r == 0)
		r = container_save(st, c);
	if (r < 0) {
		*networks = c->rec->networks;
		c->rec->networks = before;
		return r;
	}
	*networks = before;
	if (asks && networks_renew_resolv_conf(st, c, &resolv) < 0) {
		log_warn("it asks for names where it did before: %s", err_trail());
		err_drop();
	}
	container_event(st, c->rec, status, extra);
	return 0;
}

static int lock_for_change(struct store *st, struct container *c)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id);
	int r = lock < 0 ? lock : container_reload(st, c);

	if (r < 0)
		return r;
	if (strcmp(c->rec->ns_net, "bridge") != 0)
		return err_new(
			-CE_BAD_STATE,
			"its network mode is %s; only containers in networks can be connected "
			"to others",
			c->rec->ns_net);
	return TAKE_FD(lock);
}

static bool is_of(const char *spec, const char *network)
{
	size_t n = strcspn(spec, ":");

	return strncmp(spec, network, n) == 0 && !network[n];
}

int container_connect(struct store *st, struct container *c, const struct endpoint_spec *e)
{
	AUTO_CLOSE int lock = lock_for_change(st, c);
	AUTO_STRV struct strv networks = STRV_INIT;

	if (lock < 0)
		return lock;
	for (size_t i = 0; i < c->rec->networks.n; i++)
		if (is_of(c->rec->networks.v[i], e->network))
			return err_new(-CE_BAD_STATE, "it is in network %s already", e->network);
	strv_add_all(&networks, &c->rec->networks);
	strv_take(&networks, endpoint_spec_format(e));
	{
		struct container_record probe = {.networks = networks};
		int r = networks_check(st, &probe);

		if (r < 0)
			return r;
	}
	return change(st, c, &networks, "connect", e->network);
}

int container_disconnect(struct store *st, struct container *c, const char *network, bool force)
{
	AUTO_CLOSE int lock = lock_for_change(st, c);
	AUTO_STRV struct strv networks = STRV_INIT;

	if (lock < 0)
		return lock;
	for (size_t i = 0; i < c->rec->networks.n; i++)
		if (!is_of(c->rec->networks.v[i], network))
			strv_add(&networks, c->rec->networks.v[i]);
	if (networks.n == c->rec->networks.n)
		return force ? 0 : err_new(-CE_BAD_STATE, "it is not in network %s", network);
	return change(st, c, &networks, "disconnect", network);
}

static bool drop_server(struct strv *servers, const char *ip)
{
	for (size_t i = 0; i < servers->n; i++)
		if (strcmp(servers->v[i], ip) == 0) {
			strv_remove(servers, i);
			return true;
		}
	return false;
}

static int renew_user(struct store *st, const char *name)
{
	AUTO_CLOSE int lock = -EBADF;
	struct container c;
	int r = container_open(st, name, &c);

	if (r < 0)
		return r;
	lock = container_store_lock(st, c.rec->id);
	if (lock >= 0 && container_is_running(&c) && container_reload(st, &c) == 0)
		r = container_renew_networks(st, &c);
	container_done(&c);
	return r;
}

int network_set_servers(struct store *st, const char *name, const struct strv *add,
			const struct strv *drop)
{
	AUTO(network_record_done) struct network_record n = {0};
	AUTO_STRV struct strv users = STRV_INIT;
	AUTO_CLOSE int lock = network_lock(st);
	struct address a;
	int r = lock < 0 ? lock : network_load(st, name, &n);

	for (size_t i = 0; r == 0 && i < drop->n; i++)
		if (!drop_server(&n.servers, drop->v[i]))
			r = err_usage("--dns-drop %s: network %s has no such server", drop->v[i],
				      name);
	for (size_t i = 0; r == 0 && i < add->n; i++) {
		if (!address_parse(add->v[i], &a))
			r = err_usage("--dns-add %s: want an IP address", add->v[i]);
		else if (!strv_has(&n.servers, add->v[i]))
			strv_add(&n.servers, add->v[i]);
	}
	if (r == 0 && n.servers.n > BRIDGE_LIST_MAX)
		r = err_usage("at most %d name servers", BRIDGE_LIST_MAX);
	if (r == 0)
		r = network_save(st, &n, true);
	if (r == 0)
		r = network_users(st, name, &users);
	for (size_t i = 0; r == 0 && i < users.n; i++)
		if (renew_user(st, users.v[i]) < 0)
			err_drop(); /* gone meanwhile, or about to start: it will read the new ones */
	return r;
}

/* SPDX-License-Identifier: MIT */
/* What "network create" asks for, checked and completed. */
#include <ifaddrs.h>
#include <string.h>

#include "net/address.h"
#include "net/bridge.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/networks.h"
#include "pkg/sys/random.h"
#include "storage/event.h"

#define DEVICE_MAX 15 /* IFNAMSIZ - 1 */
#define MTU_MIN 68
#define MTU_MIN_IPV6 1280
#define MTU_MAX 65535

/* Subnets chosen for networks that name none: 10.89.0.0/24 to 10.255.255.0/24, as podman does. */
#define POOL_FIRST 89
#define POOL_LAST 255
#define SUBNETS_MAX 8

static int check_name(const char *name)
{
	static const char *const words[] = {"none",    "host",     "bridge",      "default",
					    "private", "ns",       "slirp4netns", "pasta",
					    "pod",     "container"};

	if (!name_is_valid(name))
		return err_usage("network '%s': names match [A-Za-z0-9][A-Za-z0-9_.-]*, at most "
				 "128 characters",
				 name);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(name, words[i]) == 0)
			return err_usage("network '%s': the name means something else to --network",
					 name);
	return 0;
}

static bool has_no_addresses(const struct network_request *q)
{
	return q->ipam_driver && strcmp(q->ipam_driver, "none") == 0;
}

static int check_drivers(const struct network_request *q)
{
	const char *d = q->driver ? q->driver : "bridge";

	if (strcmp(d, "macvlan") == 0 || strcmp(d, "ipvlan") == 0)
		return err_new(
			-CE_UNSUPPORTED,
			"network driver %s: it needs a device of the host, which belongs to root",
			d);
	if (strcmp(d, "bridge") != 0)
		return err_usage("network driver '%s': unknown; there is bridge", d);
	if (q->ipam_options.n)
		return err_usage("--ipam-opt %s: not supported: what gives addresses has no "
				 "options; say which with --subnet and --ip-range",
				 q->ipam_options.v[0]);
	if (!q->ipam_driver || strcmp(q->ipam_driver, "host-local") == 0)
		return 0;
	if (strcmp(q->ipam_driver, "dhcp") == 0)
		return err_new(
			-CE_UNSUPPORTED,
			"--ipam-driver dhcp: a bridge without a device of the host reaches no "
			"server that would give addresses");
	if (!has_no_addresses(q))
		return err_usage("--ipam-driver %s: unknown; there are host-local and none",
				 q->ipam_driver);
	return q->subnets.n || q->gateways.n || q->ranges.n || q->routes.n || q->reserved.n ||
			       q->ipv6
		       ? err_usage("--ipam-driver none: --subnet, --gateway, --ip-range, --route, "
				   "--aux-address and --ipv6 are for networks with addresses")
		       : 0;
}

static int check_device(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > DEVICE_MAX || *name == '-' || *name == '.' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n)
		return err_usage("device '%s': at most 15 letters, digits, '.', '_' and '-'", name);
	/* What the namespace of all bridges has already, and what it makes. */
	if (strcmp(name, "lo") == 0 || strcmp(name, "tap0") == 0 || strncmp(name, "veth", 4) == 0)
		return err_usage("device '%s': that name is taken", name);
	return 0;
}

/* --- options ------------------------------------------------------------------------------------- */

static int check_number(const char *key, const char *value, uint32_t min, uint32_t max)
{
	uint32_t v;

	if (parse_u32(value, max, &v) < 0 || v < min)
		return err_usage("--opt %s=%s: a number from %u to %u", key, value, min, max);
	return 0;
}

/* Options of podman and docker that mean something only where a network has a device of the host. */
static int check_foreign(const char *key, const char *value)
{
	static const char host_device[] = "it is about a device of the host, which belongs to root";
	static const struct {
		const char *key, *same, *why; /* same: what it is here anyway */
	} options[] = {
		{"vlan", NULL,
		 "each network has a bridge of its own, which keeps it apart without a tag"},
		{"vrf", NULL, host_device},
		{"parent", NULL, host_device},
		{"bclim", NULL, host_device},
		{"host_interface_name", NULL, host_device},
		{"mode", "managed", host_device},
		{"com.docker.network.bridge.gateway_mode_ipv4", "nat", host_device},
		{"com.docker.network.bridge.gateway_mode_ipv6", "nat", host_device},
		{"com.docker.network.bridge.trusted_host_interfaces", NULL, host_device},
		{"com.docker.network.bridge.inhibit_ipv4", "false",
		 "the bridge has the gateway's address, or use --ipam-driver none"},
		{"com.docker.network.container_iface_prefix", "eth",
		 "name a device where it is put: --network NAME:interface_name=DEVICE"},
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (strcmp(key, options[i].key) != 0)
			continue;
		return options[i].same && strcmp(value, options[i].same) == 0
			       ? 1
			       : err_new(-CE_UNSUPPORTED, "--opt %s=%s: %s", key, value,
					 options[i].why);
	}
	return 0;
}

static int check_bool(const char *key, const char *value)
{
	bool on;

	return parse_bool(value, &on) < 0 ? err_usage("--opt %s=%s: want true or false", key, value)
					  : 0;
}

static int check_binding(const char *key, const char *value)
{
	struct address a;

	return address_parse(value, &a) && a.family == AF_INET
		       ? 0
		       : err_usage("--opt %s=%s: want an IPv4 address", key, value);
}

static int take_option(const char *key, const char *value, struct network_record *r)
{
	bool on;
	int e = check_foreign(key, value);

	if (e)
		return e < 0 ? e : 0;
	if (strcmp(key, "com.docker.network.driver.mtu") == 0)
		key = "mtu";
	if (strcmp(key, "com.docker.network.bridge.name") == 0) {
		if (r->device)
			return err_usage("--opt %s: the device has a name already", key);
		r->device = xstrdup(value);
		return check_device(value);
	}
	if (strcmp(key, NETWORK_OPT_ICC) == 0 || strcmp(key, NETWORK_OPT_MASQUERADE) == 0 ||
	    strcmp(key, "no_default_route") == 0) {
		e = check_bool(key, value);
	} else if (strcmp(key, NETWORK_OPT_BINDING) == 0) {
		e = check_binding(key, value);
	} else if (strcmp(key, "mtu") == 0) {
		e = check_number(key, value, MTU_MIN, MTU_MAX);
	} else if (strcmp(key, "metric") == 0) {
		e = check_number(key, value, 1, UINT32_MAX);
	} else if (strcmp(key, "isolate") == 0) {
		if (strcmp(value, "strict") != 0 && parse_bool(value, &on) < 0)
			return err_usage("--opt isolate=%s: want true, false or strict", value);
	} else {
		return err_usage("--opt %s: unknown; known are mtu, isolate, metric, "
				 "no_default_route, com.docker.network.driver.mtu and "
				 "com.docker.network.bridge.{name,enable_icc,enable_ip_masquerade,"
				 "host_binding_ipv4}",
				 key);
	}
	if (e == 0) {
		AUTO_FREE char *kv = xasprintf("%s=%s", key, value);

		strv_env_set(&r->options, kv);
	}
	return e;
}

static int take_options(const struct network_request *q, struct network_record *r)
{
	int e = q->device ? check_device(q->device) : 0;

	r->device = q->device ? xstrdup(q->device) : NULL;
	for (size_t i = 0; e == 0 && i < q->options.n; i++) {
		const char *eq = strchr(q->options.v[i], '=');
		AUTO_FREE char *key = eq ? xstrndup(q->options.v[i], (size_t)(eq - q->options.v[i]))
					 : NULL;

		e = key ? take_option(key, eq + 1, r)
			: err_usage("--opt %s: want KEY=VALUE", q->options.v[i]);
	}
	for (size_t i = 0; e == 0 && i < q->labels.n; i++) {
		AUTO_FREE char *kv = strchr(q->labels.v[i], '=') ? xstrdup(q->labels.v[i])
								 : xasprintf("%s=", q->labels.v[i]);

		strv_env_set(&r->labels, kv);
	}
	return e;
}

/* --- addresses ------------------------------------------------------------------------------------ */

struct taken {
	struct address_net *v;
	unsigned n;
	struct strv names, devices;
};

static void taken_done(struct taken *t)
{
	free(t->v);
	strv_done(&t->names);
	strv_done(&t->devices);
}

static void taken_add(struct taken *t, const struct address_net *n)
{
	t->v = xreallocarray(t->v, t->n + 1, sizeof(*t->v));
	t->v[t->n++] = *n;
}

/* Networks of the host are not hidden behind bridges that nobody gave these addresses. */
static void taken_by_host(struct taken *t)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		const struct sockaddr_in *a = (void *)i->ifa_addr, *m = (void *)i->ifa_netmask;
		struct address_net n = {.base = {.family = AF_INET}};

		if (!a || !m || i->ifa_addr->sa_family != AF_INET)
			continue;
		n.prefix = (unsigned)__builtin_popcount(m->sin_addr.s_addr);
		n.base.b[0] = 0;
		memcpy(n.base.b, &(in_addr_t){a->sin_addr.s_addr & m->sin_addr.s_addr}, 4);
		taken_add(t, &n);
	}
	freeifaddrs(all);
}

static int taken_load(struct store *st, struct taken *t)
{
	int r = network_list(st, &t->names);

	for (size_t i = 0; r == 0 && i < t->names.n; i++) {
		AUTO(network_record_done) struct network_record rec = {0};

		r = network_load(st, t->names.v[i], &rec);
		for (unsigned k = 0; r == 0 && k < rec.n_subnets; k++) {
			struct address_net n;

			if (address_net_parse(rec.subnets[k].net, &n))
				taken_add(t, &n);
		}
		if (r == 0)
			strv_add(&t->devices, rec.device);
	}
	return r;
}

static bool is_taken(const struct taken *t, const struct address_net *n)
{
	for (unsigned i = 0; i < t->n; i++)
		if (address_net_overlaps(&t->v[i], n))
			return true;
	return false;
}

static char *net_text(const struct address_net *n)
{
	char text[INET6_ADDRSTRLEN];

	return xasprintf("%s/%u", address_format(&n->base, text), n->prefix);
}

static char *first_address(const struct address_net *n)
{
	struct address a = n->base;
	char text[INET6_ADDRSTRLEN];

	(void)address_next(&a);
	return xstrdup(address_format(&a, text));
}

static int choose_v4(struct taken *t, struct network_record *r)
{
	struct address_net n = {.base = {.family = AF_INET, .b = {10}}, .prefix = 24};
	struct network_subnet *s;

	for (unsigned i = POOL_FIRST << 8; i <= (POOL_LAST << 8 | 255); i++) {
		n.base.b[1] = (unsigned char)(i >> 8);
		n.base.b[2] = (unsigned char)i;
		if (is_taken(t, &n))
			continue;
		s = network_record_add(r);
		s->net = net_text(&n);
		s->gateway = first_address(&n);
		return 0;
	}
	return err_new(-CE_LIMIT, "no subnet is free; name one with --subnet");
}

static void choose_v6(struct taken *t, struct network_record *r)
{
	struct address_net n = {.base = {.family = AF_INET6}, .prefix = 64};
	struct network_subnet *s;

	do {
		random_bytes(n.base.b, 8);
		n.base.b[0] = 0xfd;
	} while (is_taken(t, &n));
	s = network_record_add(r);
	s->net = net_text(&n);
	s->gateway = first_address(&n);
}

static int take_subnets(const struct network_request *q, struct taken *t, struct network_record *r)
{
	bool v6 = false, v4 = false;

	for (size_t i = 0; i < q->subnets.n; i++) {
		struct address_net n;
		struct network_subnet *s;
		unsigned max;

		if (!address_net_parse(q->subnets.v[i], &n))
			return err_usage("--subnet %s: want a network such as 10.90.0.0/24",
					 q->subnets.v[i]);
		max = n.base.family == AF_INET ? 30 : 126;
		if (n.prefix > max || n.prefix < 8)
			return err_usage("--subnet %s: a prefix from 8 to %u", q->subnets.v[i],
					 max);
		if (is_taken(t, &n))
			return err_usage("--subnet %s: another network has these addresses",
					 q->subnets.v[i]);
		taken_add(t, &n);
		s = network_record_add(r);
		s->net = net_text(&n);
		s->gateway = first_address(&n);
		v6 = v6 || n.base.family == AF_INET6;
		v4 = v4 || n.base.family == AF_INET;
	}
	if (q->ipv4 == 0 && (!q->ipv6 || v4))
		return err_usage("--ipv4=false: %s",
				 v4 ? "a subnet of it is named" : "nothing is left without --ipv6");
	if (r->n_subnets == 0 && q->ipv4 != 0) {
		int e;

		taken_by_host(t);
		e = choose_v4(t, r);
		if (e < 0)
			return e;
	}
	if (q->ipv6 && !v6)
		choose_v6(t, r);
	r->ipv6 = q->ipv6 || v6;
	return r->n_subnets > SUBNETS_MAX ? err_usage("--subnet: at most %d", SUBNETS_MAX) : 0;
}

/* The subnet that @a lies in. */
static struct network_subnet *subnet_of(struct network_record *r, const struct address *a)
{
	for (unsigned i = 0; i < r->n_subnets; i++) {
		struct address_net n;

		if (address_net_parse(r->subnets[i].net, &n) && address_net_has(&n, a))
			return &r->subnets[i];
	}
	return NULL;
}

static int take_gateways(const struct network_request *q, struct network_record *r)
{
	bool given[SUBNETS_MAX] = {false};

	for (size_t i = 0; i < q->gateways.n; i++) {
		const char *text = q->gateways.v[i];
		struct network_subnet *s;
		struct address_net n;
		struct address a, last;

		if (!q->subnets.n)
			return err_usage("--gateway needs --subnet");
		if (!address_parse(text, &a))
			return err_usage("--gateway %s: not an address", text);
		s = subnet_of(r, &a);
		if (!s || !address_net_parse(s->net, &n))
			return err_usage("--gateway %s: in none of the subnets", text);
		if (s->gateway && given[s - r->subnets])
			return err_usage("--gateway %s: subnet %s has %s already", text, s->net,
					 s->gateway);
		given[s - r->subnets] = true;
		last = address_net_last(&n);
		if (address_equal(&a, &n.base) || (a.family == AF_INET && address_equal(&a, &last)))
			return err_usage("--gateway %s: an address that no device can have", text);
		free(s->gateway);
		s->gateway = xstrdup(text);
	}
	return 0;
}

static int take_ranges(const struct network_request *q, struct network_record *r)
{
	for (size_t i = 0; i < q->ranges.n; i++) {
		const char *text = q->ranges.v[i], *dash = strchr(text, '-');
		char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
		struct address first, last;
		struct network_subnet *s;
		struct address_net n;

		if (!q->subnets.n)
			return err_usage("--ip-range needs --subnet");
		if (dash) {
			AUTO_FREE char *from = xstrndup(text, (size_t)(dash - text));

			if (!address_parse(from, &first) || !address_parse(dash + 1, &last) ||
			    first.family != last.family || address_compare(&first, &last) > 0)
				return err_usage("--ip-range %s: want FIRST-LAST or a network",
						 text);
		} else {
			if (!address_net_parse(text, &n))
				return err_usage("--ip-range %s: want FIRST-LAST or a network",
						 text);
			first = n.base;
			last = address_net_last(&n);
			if (address_compare(&first, &last) <
			    0) /* as with podman, the part's first is left out */
				(void)address_next(&first);
		}
		s = subnet_of(r, &first);
		if (!s || s != subnet_of(r, &last))
			return err_usage("--ip-range %s: not inside of a subnet", text);
		free(s->first);
		free(s->last);
		s->first = xstrdup(address_format(&first, a));
		s->last = xstrdup(address_format(&last, b));
	}
	return 0;
}

static int take_routes(const struct network_request *q, struct network_record *r)
{
	if (q->routes.n > 32 || q->servers.n > 32)
		return err_usage("--route, --dns: at most 32 each");
	for (size_t i = 0; i < q->routes.n; i++) {
		AUTO_STRV struct strv parts = STRV_INIT;
		struct address_net n;
		struct address via;
		uint32_t metric;

		strv_split(&parts, q->routes.v[i], ',');
		if (parts.n < 2 || parts.n > 3 || !address_net_parse(parts.v[0], &n) ||
		    !address_parse(parts.v[1], &via) || via.family != n.base.family ||
		    (parts.n == 3 && parse_u32(parts.v[2], UINT32_MAX, &metric) < 0))
			return err_usage("--route %s: want NETWORK,GATEWAY[,METRIC]",
					 q->routes.v[i]);
		if (!subnet_of(r, &via))
			return err_usage("--route %s: %s is in none of the subnets, so nobody "
					 "would find the way",
					 q->routes.v[i], parts.v[1]);
		strv_add(&r->routes, q->routes.v[i]);
	}
	for (size_t i = 0; i < q->servers.n; i++) {
		struct address a;

		if (!address_parse(q->servers.v[i], &a))
			return err_usage("--dns %s: want an IP address", q->servers.v[i]);
		strv_add(&r->servers, q->servers.v[i]);
	}
	return 0;
}

static int take_reserved(const struct network_request *q, struct network_record *r)
{
	if (q->reserved.n > BRIDGE_LIST_MAX)
		return err_usage("--aux-address: at most %d", BRIDGE_LIST_MAX);
	for (size_t i = 0; i < q->reserved.n; i++) {
		const char *text = q->reserved.v[i], *eq = strchr(text, '=');
		const struct network_subnet *s;
		struct address a, gateway;

		if (!eq || eq == text || !address_parse(eq + 1, &a))
			return err_usage("--aux-address %s: want NAME=IP", text);
		s = subnet_of(r, &a);
		if (!s)
			return err_usage("--aux-address %s: in none of the subnets", text);
		if (s->gateway && address_parse(s->gateway, &gateway) &&
		    address_equal(&gateway, &a))
			return err_usage("--aux-address %s: that is the gateway", text);
		strv_env_set(&r->reserved, text);
	}
	return 0;
}

/* As podman does: a network without a name is called as its device is, and no two share one. */
static char *free_name(const struct taken *t)
{
	for (unsigned i = 1;; i++) {
		AUTO_FREE char *name = xasprintf("podman%u", i);

		if (!strv_has(&t->devices, name) && !strv_has(&t->names, name))
			return TAKE_PTR(name);
	}
}

static int choose_device(const struct taken *t, struct network_record *r)
{
	if (r->device)
		return strv_has(&t->devices, r->device)
			       ? err_usage("device '%s': another network has it", r->device)
			       : 0;
	r->device = free_name(t);
	return 0;
}

static int check_mtu(const struct network_record *r)
{
	const char *mtu = network_option(r, "mtu");
	uint32_t v;

	if (r->ipv6 && mtu && parse_u32(mtu, MTU_MAX, &v) == 0 && v < MTU_MIN_IPV6)
		return err_usage("--opt mtu=%s: IPv6 needs 1280 or more", mtu);
	return 0;
}

static int make(struct store *st, const struct network_request *q, struct network_record *r)
{
	AUTO(taken_done) struct taken t = {0};
	int e = check_drivers(q);

	if (e == 0)
		e = take_options(q, r);
	if (e == 0)
		e = taken_load(st, &t);
	if (e == 0 && !has_no_addresses(q))
		e = take_subnets(q, &t, r);
	if (e == 0)
		e = take_gateways(q, r);
	if (e == 0)
		e = take_ranges(q, r);
	if (e == 0)
		e = take_routes(q, r);
	if (e == 0)
		e = take_reserved(q, r);
	if (e == 0)
		e = choose_device(&t, r);
	if (e == 0 && !r->name)
		r->name = free_name(&t);
	return e < 0 ? e : check_mtu(r);
}

int network_make(struct store *st, const struct network_request *q, char **ret_name)
{
	AUTO(network_record_done) struct network_record r = {0}, there = {0};
	AUTO_CLOSE int lock = -EBADF;
	AUTO_FREE char *body = NULL;
	struct event_pending event;
	char id[65];
	int e, dir = store_runtime_fd(st);

	random_hex(id, 64);
	r.name = q->name ? xstrdup(q->name) : NULL;
	r.id = xstrdup(id);
	r.created_ns = clock_now_ns();
	r.internal = q->internal;
	r.names = !q->no_names && !has_no_addresses(q); /* nobody would be there to ask */
	e = r.name ? check_name(r.name) : 0;
	if (e < 0)
		return e;
	lock = network_lock(st);
	if (lock < 0)
		return lock;
	e = r.name ? network_load(st, r.name, &there) : -CE_NO_NETWORK;
	if (e == 0 && q->ignore) {
		*ret_name = xstrdup(r.name);
		return 0;
	}
	if (e == 0)
		return err_new(-CE_NAME_IN_USE, "network %s", r.name);
	if (e != -CE_NO_NETWORK)
		return e;
	err_drop();
	e = make(st, q, &r);
	if (e < 0)
		return e;
	body = network_event_body(r.name);
	event_begin(dir, "network", "create", r.id, r.name, body, &event);
	e = network_save(st, &r, false);
	if (e == 0)
		event_write(dir, "network", "create", r.id, r.name, body, NULL);
	event_over(dir, &event);
	if (e < 0)
		return e == -EEXIST ? err_new(-CE_NAME_IN_USE, "network %s", r.name) : e;
	*ret_name = xstrdup(r.name);
	return 0;
}

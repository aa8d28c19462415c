/* SPDX-License-Identifier: MIT */
/* A container's places in networks as they are asked of the keeper: checked, encoded. */
#include <string.h>

#include "net/address.h"
#include "net/bridge.h"
#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/networks.h"

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
	if (!endpoint_name_means_itself(rec->name))
		list_add(&a->names, rec->name);
	for (size_t i = 0; i < p->spec.aliases.n; i++)
		list_add(&a->names, p->spec.aliases.v[i]);
	for (size_t i = 0; i < p->spec.links.n; i++)
		list_add(&a->links, p->spec.links.v[i]);
	list_add(&a->names, short_id);
	if (rec->hostname && strcmp(rec->hostname, rec->name) != 0 && !endpoint_name_means_itself(rec->hostname))
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

/* SPDX-License-Identifier: MIT */
/* A container's devices: our end in the bridge, its end in its own namespace, addresses and routes there. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/net/keeper.h"
#include "pkg/net/link.h"

#define DEVICES_MAX 1000

static bool parse_mac(const char *s, unsigned char mac[6])
{
	unsigned v[6];
	int end = 0;

	if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		   &end) != 6 ||
	    s[end])
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (unsigned char)v[i];
	return !(mac[0] & 1); /* a group address is nobody's */
}

static int choose_mac(const struct bridge_attach *a, const struct bridge_lease *had,
		      unsigned char mac[6])
{
	if (a->mac)
		return parse_mac(a->mac, mac) ? 0 : err_new(-CE_PROTOCOL, "MAC address %s", a->mac);
	if (had && parse_mac(had->mac, mac))
		return 0;
	link_choose_mac(mac);
	return 0;
}

/* Room for it is in any field of a lease: an address of the field's family is no longer. */
static void copy_text(char *to, const char *from)
{
	memcpy(to, from, strlen(from) + 1);
}

static int choose_addresses(struct keeper *k, struct client *c, struct endpoint *e,
			    const struct bridge_attach *a, const struct bridge_lease *had)
{
	struct address fixed[2] = {{0}}, before[2] = {{0}};

	if ((a->ip && (!address_parse(a->ip, &fixed[0]) || fixed[0].family != AF_INET)) ||
	    (a->ip6 && (!address_parse(a->ip6, &fixed[1]) || fixed[1].family != AF_INET6)))
		return err_new(-CE_PROTOCOL, "addresses in network %s", a->name);
	if (had) {
		(void)address_parse(had->ip, &before[0]);
		(void)address_parse(had->ip6, &before[1]);
	}
	/* One of each family, from the first subnet that has it; a fixed one decides which. */
	for (unsigned i = 0; i < e->net->n_subnets; i++) {
		struct subnet *s = &e->net->subnets[i];
		unsigned v6 = s->net.base.family == AF_INET6;
		struct address *mine = v6 ? &e->ip6 : &e->ip;
		const struct address *want = fixed[v6].family ? &fixed[v6] : &before[v6];
		char text[INET6_ADDRSTRLEN];
		int r;

		if (mine->family || (fixed[v6].family && !address_net_has(&s->net, want)))
			continue;
		r = pool_take(k, e->net, s, c->id, want, fixed[v6].family != 0, mine);
		if (r < 0)
			return r;
		copy_text(v6 ? e->lease.ip6 : e->lease.ip, address_format(mine, text));
		*(v6 ? &e->lease.prefix6 : &e->lease.prefix) = s->net.prefix;
		copy_text(v6 ? e->lease.gateway6 : e->lease.gateway,
			  address_format(&s->gateway, text));
	}
	if ((a->ip && !e->ip.family) || (a->ip6 && !e->ip6.family))
		return err_new(-CE_USAGE, "address %s is in no subnet of network %s",
			       a->ip && !e->ip.family ? a->ip : a->ip6, a->name);
	return 0;
}

static int add_routes(struct mnl_socket *nl, int index, const struct bridge_attach *a)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < a->routes.n; i++) {
		AUTO_FREE char *to = xstrdup(a->routes.v[i]);
		char *via = strchr(to, ','), *metric = NULL;
		struct address_net net;
		struct address gateway;
		uint32_t m = a->metric;

		if (via)
			*via++ = '\0';
		metric = via ? strchr(via, ',') : NULL;
		if (metric)
			*metric++ = '\0';
		if (!via || !address_net_parse(to, &net) || !address_parse(via, &gateway) ||
		    (metric && parse_u32(metric, UINT32_MAX, &m) < 0))
			return err_new(-CE_PROTOCOL, "route %s", a->routes.v[i]);
		r = link_add_route(nl, index, &net, &gateway, m);
	}
	return r;
}

/* One of a higher priority takes its place. */
static int drop_default(struct mnl_socket *nl, struct endpoint *e, unsigned v6,
			const struct address_net *net)
{
	struct address via;
	int index = link_index(e->lease.device);

	(void)address_parse(v6 ? e->lease.gateway6 : e->lease.gateway, &via);
	e->leads_out[v6] = false;
	return index < 0 ? 0 : link_delete_route(nl, index, net, &via);
}

/*
 * One way out for each family: the first network that has it among those of the highest priority, unless metrics tell several apart. In the
 * container's namespace, for endpoint @e of @c.
 */
static int add_default(struct mnl_socket *nl, int index, struct client *c, struct endpoint *e,
		       unsigned v6)
{
	const char *gateway = v6 ? e->lease.gateway6 : e->lease.gateway;
	struct address_net net;
	struct address via;
	int r = 0;

	if (e->leads_out[v6] || !*gateway ||
	    (e->net->flags & (BRIDGE_INTERNAL | BRIDGE_NO_DEFAULT_ROUTE)))
		return 0;
	(void)address_net_parse(v6 ? "::/0" : "0.0.0.0/0", &net);
	for (unsigned i = 0; r == 0 && i < c->n && !e->metric; i++) {
		if (!c->v[i].leads_out[v6] || &c->v[i] == e)
			continue;
		if (c->v[i].metric || c->v[i].priority >= e->priority)
			return 0;
		r = drop_default(nl, &c->v[i], v6, &net);
	}
	(void)address_parse(gateway, &via);
	if (r == 0)
		r = link_add_route(nl, index, &net, &via, e->metric);
	e->leads_out[v6] = r == 0;
	return r;
}

/* In the container's namespace. */
static int configure(struct client *c, struct endpoint *e, const struct bridge_attach *a)
{
	struct mnl_socket *nl = NULL;
	int r = link_open(&nl), index = link_index(e->lease.device);

	if (r == 0 && index < 0)
		r = err_new(index, "device %s", e->lease.device);
	if (r == 0 && e->ip.family)
		r = link_add_address(nl, index, &e->ip, e->lease.prefix);
	if (r == 0 && e->ip6.family)
		r = link_add_address(nl, index, &e->ip6, e->lease.prefix6);
	if (r == 0)
		r = link_up(nl, index);
	if (r == 0)
		r = add_routes(nl, index, a);
	for (unsigned v6 = 0; r == 0 && v6 < 2; v6++)
		r = add_default(nl, index, c, e, v6);
	link_close(nl);
	return r;
}

/* By one that is there, or by one that is asked for and comes later. */
static bool device_is_taken(const struct client *c, const struct bridge_request *q,
			    const char *name)
{
	for (unsigned i = 0; i < c->n; i++)
		if (strcmp(c->v[i].lease.device, name) == 0)
			return true;
	for (unsigned i = 0; i < q->n; i++)
		if (q->nets[i].device && strcmp(q->nets[i].device, name) == 0)
			return true;
	return false;
}

static int choose_device(const struct client *c, const struct bridge_request *q,
			 const struct bridge_attach *a, const struct bridge_lease *had, char out[16])
{
	const char *name = a->device ? a->device : had ? had->device : NULL;

	if (name) {
		if (!network_device_is_valid(name))
			return err_new(-CE_PROTOCOL, "device %s", name);
		(void)snprintf(out, 16, "%.15s", name);
		return 0;
	}
	for (unsigned i = 0; i < DEVICES_MAX; i++) {
		(void)snprintf(out, 16, "eth%u", i);
		if (!device_is_taken(c, q, out))
			return 0;
	}
	return err_new(-CE_LIMIT, "devices of a container");
}

static int visit(const struct client *c)
{
	return setns(c->netns, CLONE_NEWNET) < 0 ? err_new(-errno, "enter the container's network")
						 : 0;
}

static void come_back(const struct keeper *k)
{
	if (setns(k->netns, CLONE_NEWNET) < 0)
		_exit(1); /* nowhere: others must not be served from there */
}

int endpoint_lead_out(struct keeper *k, struct client *c)
{
	struct mnl_socket *nl = NULL;
	bool have[2] = {false, false}, could[2] = {false, false};
	int r;

	for (unsigned i = 0; i < c->n; i++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			have[v6] = have[v6] || c->v[i].leads_out[v6];
			could[v6] = could[v6] ||
				    (*(v6 ? c->v[i].lease.gateway6 : c->v[i].lease.gateway) &&
				     !(c->v[i].net->flags &
				       (BRIDGE_INTERNAL | BRIDGE_NO_DEFAULT_ROUTE)));
		}
	if ((have[0] || !could[0]) && (have[1] || !could[1]))
		return 0;
	r = visit(c);
	if (r < 0)
		return r;
	r = link_open(&nl);
	for (unsigned i = 0; r == 0 && i < c->n; i++) {
		int index = link_index(c->v[i].lease.device);

		for (unsigned v6 = 0; r == 0 && index > 0 && v6 < 2; v6++)
			r = add_default(nl, index, c, &c->v[i], v6);
	}
	link_close(nl);
	come_back(k);
	return r;
}

/*
 * The device of the keeper before us is still there: the kernel takes its time to end a namespace. It leads
 * nowhere any more.
 */
static int take_over(struct keeper *k, const struct client *c, const struct link_veth *v)
{
	struct mnl_socket *nl = NULL;
	int r = visit(c);

	if (r < 0)
		return r;
	r = link_open(&nl);
	if (r == 0)
		r = link_delete(nl, v->peer_name);
	link_close(nl);
	come_back(k);
	return r < 0 ? r : link_add_veth(k->nl, v);
}

static int make_devices(struct keeper *k, struct client *c, struct endpoint *e,
			const struct bridge_attach *a, const struct bridge_lease *had)
{
	unsigned char mac[6];
	struct link_veth v;
	int r = choose_mac(a, had, mac);

	if (r < 0)
		return r;
	(void)snprintf(e->lease.mac, sizeof(e->lease.mac), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		       mac[1], mac[2], mac[3], mac[4], mac[5]);
	(void)snprintf(e->link, sizeof(e->link), "veth%u", k->next_link++);
	v = (struct link_veth){.name = e->link,
			       .master = e->net->index,
			       .mtu = e->net->mtu,
			       .peer_name = e->lease.device,
			       .peer_netns = c->netns,
			       .mac = mac};
	r = link_add_veth(k->nl, &v);
	if (r == -EEXIST && had && strcmp(had->device, e->lease.device) == 0)
		r = take_over(k, c, &v);
	if (r == 0 && (e->net->flags & BRIDGE_APART))
		r = link_isolate(k->nl, link_index(e->link)); /* before its other end is up */
	if (r == 0)
		r = visit(c);
	if (r < 0)
		return r;
	r = configure(c, e, a);
	come_back(k);
	return r;
}

static void endpoint_done(struct endpoint *e)
{
	free(e->names);
	free(e->links);
	free(e->servers);
	*e = (struct endpoint){.net = NULL};
}

/* Checked by cuddy already; here it is what keeps a table of names a table. */
char *endpoint_words(const struct bridge_list *l)
{
	struct sbuf b = SBUF_INIT;

	for (unsigned i = 0; i < l->n; i++)
		if (*l->v[i] && !l->v[i][strspn(l->v[i], "abcdefghijklmnopqrstuvwxyz"
							 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
							 "0123456789.:_-")])
			sbuf_addf(&b, "%s%s", b.len ? " " : "", l->v[i]);
	return sbuf_steal(&b);
}

static bool set_words(char **to, const struct bridge_list *l)
{
	char *words = endpoint_words(l);
	bool differ = !*to || strcmp(*to, words) != 0;

	free(*to);
	*to = words;
	return differ;
}

bool endpoint_rename(struct endpoint *e, const struct bridge_request *q,
		     const struct bridge_attach *a)
{
	bool names = set_words(&e->names, &a->names), links = set_words(&e->links, &a->links);

	return set_words(&e->servers, q->servers.n ? &q->servers : &a->servers) || names || links;
}

int endpoint_add(struct keeper *k, struct client *c, const struct bridge_request *q,
		 const struct bridge_attach *a, const struct bridge_lease *had)
{
	struct endpoint e = {.net = NULL};
	int r;

	if (c->n == BRIDGE_NETS_MAX)
		return err_new(-CE_LIMIT, "more than %d networks", BRIDGE_NETS_MAX);
	r = network_get(k, a, &e.net);
	if (r < 0)
		return r;
	(void)snprintf(e.lease.network, sizeof(e.lease.network), "%s", a->name);
	e.metric = a->metric;
	e.priority = a->priority;
	r = choose_device(c, q, a, had, e.lease.device);
	if (r == 0)
		r = choose_addresses(k, c, &e, a, had);
	if (r == 0)
		r = make_devices(k, c, &e, a, had);
	if (r < 0) {
		char words[256];

		(void)snprintf(words, sizeof(words), "%s", err_trail());
		if (*e.link)
			(void)link_delete(k->nl, e.link);
		network_put(k, e.net);
		return err_wrap(err_set(r, words), "network %s", a->name);
	}
	(void)endpoint_rename(&e, q, a);
	c->v[c->n++] = e;
	return 0;
}

void endpoint_remove(struct keeper *k, struct client *c, unsigned i)
{
	struct endpoint *e = &c->v[i];

	if (link_delete(k->nl, e->link) < 0)
		log_debug("net", "%s", err_trail());
	err_drop();
	network_put(k, e->net);
	endpoint_done(e);
	c->n--;
	memmove(e, e + 1, (c->n - i) * sizeof(*e));
}

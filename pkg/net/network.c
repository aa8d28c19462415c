/* SPDX-License-Identifier: MIT */
/* Bridges: made by the first container, removed by the last. */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/net/keeper.h"
#include "pkg/net/link.h"
#include "pkg/net/rules.h"

/* Also what nft text and /proc paths are made of. */
bool network_device_is_valid(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < IF_NAMESIZE && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       n;
}

static void network_free(struct network *n)
{
	free(n->name);
	free(n->id);
	free(n->bridge);
	free(n);
}

static int parse_subnet(const struct bridge_subnet *text, struct subnet *ret)
{
	struct subnet s = {.gateway = {.family = 0}};

	if (!address_net_parse(text->net, &s.net))
		return err_new(-CE_PROTOCOL, "subnet %s", text->net);
	s.first = s.net.base;
	s.last = address_net_last(&s.net);
	if ((text->gateway && !address_parse(text->gateway, &s.gateway)) ||
	    (text->first && !address_parse(text->first, &s.first)) ||
	    (text->last && !address_parse(text->last, &s.last)) ||
	    (text->gateway && !address_net_has(&s.net, &s.gateway)) ||
	    !address_net_has(&s.net, &s.first) || !address_net_has(&s.net, &s.last))
		return err_new(-CE_PROTOCOL, "subnet %s: gateway or range", text->net);
	s.cursor = s.last; /* the first is next */
	*ret = s;
	return 0;
}

static int make_bridge(struct keeper *k, struct network *n)
{
	AUTO_SBUF struct sbuf rules = SBUF_INIT;
	unsigned char mac[6];
	int r;

	link_choose_mac(mac);
	rules_network(n->bridge, n->flags, true, &rules);
	if (k->filters) {
		r = rules_run(rules.s);
		if (r < 0)
			return r;
	}
	r = link_add_bridge(k->nl, n->bridge, n->mtu, mac);
	if (r < 0)
		return r;
	n->index = link_index(n->bridge);
	for (unsigned i = 0; n->index >= 0 && r == 0 && i < n->n_subnets; i++)
		if (n->subnets[i].gateway.family)
			r = link_add_address(k->nl, n->index, &n->subnets[i].gateway,
					     n->subnets[i].net.prefix);
	return r < 0 ? r : n->index < 0 ? err_new(n->index, "bridge %s", n->bridge) : 0;
}

static void remove_bridge(struct keeper *k, struct network *n)
{
	AUTO_SBUF struct sbuf rules = SBUF_INIT;

	if (link_delete(k->nl, n->bridge) < 0)
		log_debug("net", "%s", err_trail());
	rules_network(n->bridge, n->flags, false, &rules);
	if (k->filters && rules_run(rules.s) < 0)
		log_debug("net", "%s", err_trail());
	err_drop();
}

static struct network *find(struct keeper *k, const char *name)
{
	for (unsigned i = 0; i < k->n_networks; i++)
		if (strcmp(k->networks[i]->name, name) == 0)
			return k->networks[i];
	return NULL;
}

int network_get(struct keeper *k, const struct bridge_attach *a, struct network **ret)
{
	struct network *n = find(k, a->name);
	int r = 0;

	if (n && strcmp(n->id, a->id) != 0)
		return err_new(-CE_IN_USE, "an older network of the name %s still has containers",
			       a->name);
	if (n) {
		n->users++;
		*ret = n;
		return 0;
	}
	/* pasta answers the last address that it saw, and so would take the others' answers along. */
	if ((a->flags & BRIDGE_UNMASKED) && !(a->flags & BRIDGE_INTERNAL) && k->uplink_is_pasta)
		return err_new(
			-CE_UNSUPPORTED,
			"network %s: enable_ip_masquerade=false needs slirp4netns as the way out",
			a->name);
	if (!network_device_is_valid(a->bridge))
		return err_new(-CE_PROTOCOL, "device of network %s", a->name);
	n = xcalloc(1, sizeof(*n));
	*n = (struct network){.name = xstrdup(a->name),
			      .id = xstrdup(a->id),
			      .bridge = xstrdup(a->bridge),
			      .flags = a->flags,
			      .mtu = a->mtu,
			      .users = 1,
			      .n_subnets = a->n_subnets};
	for (unsigned i = 0; r == 0 && i < a->n_subnets; i++)
		r = parse_subnet(&a->subnets[i], &n->subnets[i]);
	for (unsigned i = 0; r == 0 && i < a->reserved.n; i++)
		if (!address_parse(a->reserved.v[i], &n->reserved[n->n_reserved++]))
			r = err_new(-CE_PROTOCOL, "address %s", a->reserved.v[i]);
	if (r == 0) {
		r = make_bridge(k, n);
		if (r < 0) {
			struct network gone = *n;
			char words[256];

			/* Half of it may be there; what went wrong is what counts. */
			(void)snprintf(words, sizeof(words), "%s", err_trail());
			remove_bridge(k, &gone);
			r = err_set(r, words);
		}
	}
	if (r < 0) {
		network_free(n);
		return err_wrap(r, "network %s", a->name);
	}
	k->networks = xreallocarray(k->networks, k->n_networks + 1, sizeof(struct network *));
	k->networks[k->n_networks++] = n;
	*ret = n;
	return 0;
}

int network_renew_rules(struct keeper *k)
{
	AUTO_SBUF struct sbuf rules = SBUF_INIT;

	if (!k->filters)
		return 0;
	rules_renew(&rules);
	rules_base(&rules);
	for (unsigned i = 0; i < k->n_networks; i++)
		rules_network(k->networks[i]->bridge, k->networks[i]->flags, true, &rules);
	return rules_run(rules.s);
}

void network_put(struct keeper *k, struct network *n)
{
	if (--n->users)
		return;
	remove_bridge(k, n);
	for (unsigned i = 0; i < k->n_networks; i++)
		if (k->networks[i] == n) {
			k->networks[i] = k->networks[--k->n_networks];
			break;
		}
	network_free(n);
}

/* SPDX-License-Identifier: MIT */
#include "net/bridge.h"

#include <stdio.h>
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

#define REQUEST_VERSION 4U

static void put_list(struct sbuf *out, const struct bridge_list *l)
{
	wire_put_u32(out, l->n);
	for (unsigned i = 0; i < l->n; i++)
		wire_put_str(out, l->v[i]);
}

static void get_list(struct wire_reader *r, struct bridge_list *l)
{
	l->n = wire_get_u32(r);
	if (l->n > BRIDGE_LIST_MAX) {
		r->failed = true;
		l->n = 0;
	}
	for (unsigned i = 0; i < l->n; i++) {
		l->v[i] = wire_get_str(r);
		r->failed = r->failed || !l->v[i];
	}
}

void bridge_request_encode(const struct bridge_request *q, struct sbuf *out)
{
	wire_put_u32(out, REQUEST_VERSION);
	wire_put_str(out, q->id);
	put_list(out, &q->servers);
	put_list(out, &q->egress);
	wire_put_u32(out, q->n);
	for (unsigned i = 0; i < q->n; i++) {
		const struct bridge_attach *a = &q->nets[i];

		wire_put_str(out, a->name);
		wire_put_str(out, a->id);
		wire_put_str(out, a->bridge);
		wire_put_u32(out, a->flags);
		wire_put_u32(out, a->mtu);
		wire_put_u32(out, a->metric);
		wire_put_u32(out, a->n_subnets);
		for (unsigned k = 0; k < a->n_subnets; k++) {
			wire_put_str(out, a->subnets[k].net);
			wire_put_str(out, a->subnets[k].gateway);
			wire_put_str(out, a->subnets[k].first);
			wire_put_str(out, a->subnets[k].last);
		}
		put_list(out, &a->routes);
		put_list(out, &a->servers);
		put_list(out, &a->reserved);
		wire_put_str(out, a->device);
		wire_put_str(out, a->ip);
		wire_put_str(out, a->ip6);
		wire_put_str(out, a->mac);
		wire_put_u32(out, (uint32_t)a->priority);
		put_list(out, &a->names);
		put_list(out, &a->links);
	}
}

static bool decode_attach(struct wire_reader *r, struct bridge_attach *a)
{
	*a = (struct bridge_attach){.name = wire_get_str(r)};
	a->id = wire_get_str(r);
	a->bridge = wire_get_str(r);
	a->flags = wire_get_u32(r);
	a->mtu = wire_get_u32(r);
	a->metric = wire_get_u32(r);
	a->n_subnets = wire_get_u32(r);
	if (r->failed || !a->name || !a->id || !a->bridge || (a->flags & ~(uint32_t)BRIDGE_ALL) ||
	    a->n_subnets > BRIDGE_SUBNETS_MAX)
		return false;
	for (unsigned k = 0; k < a->n_subnets; k++) {
		a->subnets[k].net = wire_get_str(r);
		a->subnets[k].gateway = wire_get_str(r);
		a->subnets[k].first = wire_get_str(r);
		a->subnets[k].last = wire_get_str(r);
		if (!a->subnets[k].net)
			return false;
	}
	get_list(r, &a->routes);
	get_list(r, &a->servers);
	get_list(r, &a->reserved);
	a->device = wire_get_str(r);
	a->ip = wire_get_str(r);
	a->ip6 = wire_get_str(r);
	a->mac = wire_get_str(r);
	a->priority = (int32_t)wire_get_u32(r);
	get_list(r, &a->names);
	get_list(r, &a->links);
	return !r->failed;
}

int bridge_request_decode(const void *p, size_t n, struct bridge_request *ret)
{
	struct wire_reader r;

	wire_reader_init(&r, p, n);
	if (wire_get_u32(&r) != REQUEST_VERSION)
		return err_new(-CE_PROTOCOL, "networks of a container: another version");
	ret->id = wire_get_str(&r);
	get_list(&r, &ret->servers);
	get_list(&r, &ret->egress);
	ret->n = wire_get_u32(&r);
	if (r.failed || !ret->id || ret->n > BRIDGE_NETS_MAX)
		return err_new(-CE_PROTOCOL, "networks of a container");
	for (unsigned i = 0; i < ret->n; i++)
		if (!decode_attach(&r, &ret->nets[i]))
			return err_new(-CE_PROTOCOL, "networks of a container: number %u", i);
	return wire_failed(&r) ? err_new(-CE_PROTOCOL, "networks of a container") : 0;
}

/* --- leases ------------------------------------------------------------------------------------- */

static const char *or_dash(const char *s)
{
	return *s ? s : "-";
}

bool bridge_lease_put(const struct bridge_lease *l, char *out, size_t size)
{
	size_t at = strlen(out);
	int n = snprintf(out + at, size - at, "%s %s %s %s/%u %s %s/%u %s\n", l->network, l->device,
			 l->mac, or_dash(l->ip), l->prefix, or_dash(l->gateway), or_dash(l->ip6),
			 l->prefix6, or_dash(l->gateway6));

	if (n >= 0 && (size_t)n < size - at)
		return true;
	out[at] = '\0';
	return false;
}

static void drop_dash(char *s)
{
	if (strcmp(s, "-") == 0)
		*s = '\0';
}

bool bridge_lease_next(const char **text, struct bridge_lease *ret)
{
	struct bridge_lease l = {.device = ""};
	size_t n = strcspn(*text, "\n");
	char line[512];

	if (n == 0 || n >= sizeof(line))
		return false;
	memcpy(line, *text, n);
	line[n] = '\0';
	if (sscanf(line, "%128s %15s %17s %15[^/]/%u %15s %45[^/]/%u %45s", l.network, l.device,
		   l.mac, l.ip, &l.prefix, l.gateway, l.ip6, &l.prefix6, l.gateway6) != 9)
		return false;
	drop_dash(l.ip);
	drop_dash(l.gateway);
	drop_dash(l.ip6);
	drop_dash(l.gateway6);
	*text += n + ((*text)[n] == '\n');
	*ret = l;
	return true;
}

bool bridge_lease_find(const char *text, const char *network, struct bridge_lease *ret)
{
	while (bridge_lease_next(&text, ret))
		if (strcmp(ret->network, network) == 0)
			return true;
	return false;
}

size_t bridge_lease_hosts(const char *text, const char *names, char *out, size_t size)
{
	struct bridge_lease l;
	size_t at = 0;

	while (*names && bridge_lease_next(&text, &l)) {
		const char *const ips[] = {l.ip, l.ip6};

		for (unsigned i = 0; i < ARRAY_LEN(ips); i++) {
			int n = *ips[i] ? snprintf(out + at, size - at, "%s\t%s\n", ips[i], names)
					: 0;

			if (n < 0 || (size_t)n >= size - at)
				return at;
			at += (size_t)n;
		}
	}
	return at;
}

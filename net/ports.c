/* SPDX-License-Identifier: MIT */
#include "net/ports.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

/* What one -p says, before its ranges are spread. */
struct spec {
	const char *text; /* for messages */
	enum net_proto proto;
	const char *ip; /* NULL: not named */
	uint16_t host[2]; /* first and last; 0 0: choose */
	uint16_t container[2];
};

void net_port_list_done(struct net_port_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free((char *)(uintptr_t)l->v[i].host_ip); /* ours: xstrdup() in append() */
	free(l->v);
	*l = (struct net_port_list){0};
}

static int bad(const struct spec *s, const char *why)
{
	return err_usage("invalid port \"%s\": %s", s->text, why);
}

/* "80" or "80-90"; 1..65535. */
static int parse_range(const struct spec *s, char *text, uint16_t ret[2])
{
	char *dash = strchr(text, '-');
	uint32_t first, last;

	if (dash)
		*dash = '\0';
	if (parse_u32(text, 65535, &first) < 0 || first == 0)
		return bad(s, "a port is a number from 1 to 65535");
	last = first;
	if (dash && (parse_u32(dash + 1, 65535, &last) < 0 || last == 0))
		return bad(s, "the end of the range is not a number from 1 to 65535");
	if (last < first)
		return bad(s, "the range ends before it begins");
	ret[0] = (uint16_t)first;
	ret[1] = (uint16_t)last;
	return 0;
}

static int parse_proto(struct spec *s, char *text)
{
	char *slash = strchr(text, '/');

	s->proto = NET_TCP;
	if (!slash)
		return 0;
	*slash = '\0';
	if (strcasecmp(slash + 1, "tcp") == 0)
		return 0;
	if (strcasecmp(slash + 1, "udp") != 0)
		return bad(s, strcasecmp(slash + 1, "sctp") == 0 ? "sctp is not supported"
								 : "the protocol is tcp or udp");
	s->proto = NET_UDP;
	return 0;
}

/* Cut "[ip:]" off the front of @text; what follows is "[host]:container" or "container". */
static int parse_ip(struct spec *s, char *text, char canon[INET6_ADDRSTRLEN], char **ret_rest)
{
	struct in6_addr a6;
	struct in_addr a4;
	char *end, *colon;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || end[1] != ':')
			return bad(s, "want [IPV6]:HOST:CONTAINER");
		*end = '\0';
		if (inet_pton(AF_INET6, text + 1, &a6) != 1)
			return bad(s, "what stands in brackets is not an IPv6 address");
		s->ip = inet_ntop(AF_INET6, &a6, canon, INET6_ADDRSTRLEN);
		*ret_rest = end + 2;
		return strchr(*ret_rest, ':') ? 0 : bad(s, "want [IPV6]:HOST:CONTAINER");
	}
	*ret_rest = text;
	colon = strchr(text, ':');
	end = strrchr(text, ':');
	if (colon == end) /* none or one: no address */
		return 0;
	if (strchr(colon + 1, ':') != end)
		return bad(s, "too many colons (an IPv6 address stands in brackets)");
	*colon = '\0';
	if (inet_pton(AF_INET, text, &a4) != 1)
		return bad(s, *text ? "the part before the first colon is not an IP address"
				    : "the address before the first colon is empty");
	s->ip = inet_ntop(AF_INET, &a4, canon, INET6_ADDRSTRLEN);
	*ret_rest = colon + 1;
	return 0;
}

static void append(struct net_port_list *l, const struct spec *s, uint16_t host, uint16_t host_last,
		   uint16_t container)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = (struct net_port){.proto = s->proto,
					 .host_ip = xstrdup(s->ip ? s->ip : "0.0.0.0"),
					 .any_family = !s->ip,
					 .host_port = host,
					 .host_port_last = host_last,
					 .container_port = container};
}

static int spread(const struct spec *s, struct net_port_list *l)
{
	unsigned n_host = s->host[1] - s->host[0] + 1U;
	unsigned n = s->container[1] - s->container[0] + 1U;

	if (l->n + n > NET_PORTS_MAX)
		return bad(s, "more than 4096 ports");
	if (s->host[0] && n == 1 && n_host > 1) {
		append(l, s, s->host[0], s->host[1], s->container[0]);
		return 0;
	}
	if (s->host[0] && n_host != n)
		return bad(s, "the two ranges differ in length");
	for (unsigned i = 0; i < n; i++)
		append(l, s, s->host[0] ? (uint16_t)(s->host[0] + i) : 0, 0,
		       (uint16_t)(s->container[0] + i));
	return 0;
}

int net_port_parse(const char *text, struct net_port_list *l)
{
	char canon[INET6_ADDRSTRLEN], *rest = NULL, *colon;
	AUTO_FREE char *copy = xstrdup(text);
	struct spec s = {.text = text};
	int r;

	r = parse_proto(&s, copy);
	if (r < 0)
		return r;
	r = parse_ip(&s, copy, canon, &rest);
	if (r < 0)
		return r;
	colon = strchr(rest, ':');
	if (colon) {
		*colon = '\0';
		if (*rest && strcmp(rest, "0") != 0) {
			r = parse_range(&s, rest, s.host);
			if (r < 0)
				return r;
		}
		rest = colon + 1;
	}
	r = parse_range(&s, rest, s.container);
	return r < 0 ? r : spread(&s, l);
}

void net_port_put_at(const char *spec, const struct strv *ips, struct strv *out)
{
	const char *colon = strchr(spec, ':');

	if (!ips || !ips->n || *spec == '[' || (colon && strchr(colon + 1, ':'))) {
		strv_add(out, spec);
		return;
	}
	for (size_t i = 0; i < ips->n; i++)
		strv_addf(out, strchr(ips->v[i], ':') ? "[%s]:%s%s" : "%s:%s%s", ips->v[i],
			  colon ? "" : ":", spec);
}

void net_port_set_address(struct net_port *p, const char *ip)
{
	free((char *)(uintptr_t)p->host_ip); /* ours: xstrdup() in append() */
	p->host_ip = xstrdup(ip);
	p->any_family = false;
}

char *net_port_format(const struct net_port *p)
{
	bool v6 = strchr(p->host_ip, ':') != NULL;
	char last[8] = "";

	if (p->host_port_last)
		(void)snprintf(last, sizeof(last), "-%u", p->host_port_last);
	return xasprintf("%s%s%s%s%u%s:%u/%s", v6 ? "[" : "", p->any_family ? "" : p->host_ip,
			 v6 ? "]" : "", p->any_family ? "" : ":", p->host_port, last,
			 p->container_port, p->proto == NET_UDP ? "udp" : "tcp");
}

/* SPDX-License-Identifier: MIT */
#include "pkg/net/egress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/net/names.h"
#include "pkg/net/rules.h"

#define TABLE "inet cuddy_egress"
#define TTL_MIN 10
#define TTL_MAX 86400

static void put_item(const struct egress_item *e, unsigned i, struct sbuf *out)
{
	char text[INET6_ADDRSTRLEN], port[64] = "";

	if (e->port)
		(void)snprintf(port, sizeof(port), "meta l4proto { tcp, udp } th dport %u ",
			       e->port);
	if (*e->name)
		sbuf_addf(out, "ip daddr @n%u_4 %saccept\nip6 daddr @n%u_6 %saccept\n", i, port, i,
			  port);
	else
		sbuf_addf(out, "%s daddr %s/%u %saccept\n",
			  e->net.base.family == AF_INET ? "ip" : "ip6",
			  address_format(&e->net.base, text), e->net.prefix, port);
}

bool egress_has_names(const struct client *c)
{
	for (unsigned i = 0; i < c->n_egress; i++)
		if (*c->egress[i].name)
			return true;
	return false;
}

/*
 * True of a namespace that has nothing of it, of one where the keeper before us made it, and of one where somebody
 * took rules away: what the sets and the counter hold stays, as it is still true.
 */
static void put_table(const struct keeper *k, const struct client *c, struct sbuf *out)
{
	sbuf_adds(out, "table " TABLE " {\n"
		       "counter refused { }\n"
		       "set servers_4 { type ipv4_addr; }\n"
		       "set servers_6 { type ipv6_addr; }\n");
	for (unsigned i = 0; i < c->n_egress; i++)
		if (*c->egress[i].name)
			sbuf_addf(out,
				  "set n%u_4 { type ipv4_addr; flags timeout; }\n"
				  "set n%u_6 { type ipv6_addr; flags timeout; }\n",
				  i, i);
	sbuf_adds(out, "chain output { type filter hook output priority 0; policy drop; }\n"
		       "}\n"
		       "flush chain " TABLE " output\n"
		       "table " TABLE " {\n"
		       "chain output {\n"
		       "oifname lo accept\n"
		       "ct state established,related accept\n"
		       "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, "
		       "mld-listener-report, mld2-listener-report } accept\n"
		       "ip daddr @servers_4 meta l4proto { tcp, udp } th dport 53 accept\n"
		       "ip6 daddr @servers_6 meta l4proto { tcp, udp } th dport 53 accept\n");
	if (k->guards)
		sbuf_addf(out, "meta mark %u accept\n", NAMES_MARK);
	for (unsigned i = 0; i < c->n_egress; i++)
		put_item(&c->egress[i], i, out);
	sbuf_adds(out, "counter name refused\n"
		       "meta l4proto tcp reject with tcp reset\n"
		       "reject with icmpx admin-prohibited\n"
		       "}\n}\n");
}

/* Those of networks that it comes into later too. */
static void put_servers(const struct bridge_request *q, struct sbuf *out)
{
	for (unsigned i = 0; i < q->n; i++)
		for (unsigned s = 0; s < q->nets[i].n_subnets; s++) {
			const char *text = q->nets[i].subnets[s].gateway;
			struct address a;

			if (text && address_parse(text, &a))
				sbuf_addf(out, "add element " TABLE " servers_%u { %s }\n",
					  a.family == AF_INET ? 4U : 6U, text);
		}
}

static int parse_list(struct client *c, const struct bridge_request *q)
{
	int r = 0;

	c->egress = xcalloc(q->egress.n, sizeof(*c->egress));
	for (unsigned i = 0; r == 0 && i < q->egress.n; i++)
		r = egress_parse(q->egress.v[i], &c->egress[i]);
	c->n_egress = q->egress.n;
	return r;
}

int egress_apply(const struct keeper *k, struct client *c, const struct bridge_request *q)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	bool first = !c->egress;
	int r = 0;

	if (!q->egress.n)
		return 0;
	if (first)
		r = parse_list(c, q);
	if (r == 0) {
		put_table(k, c, &text);
		put_servers(q, &text);
		r = rules_run_in(c->netns, text.s, NULL);
	}
	if (r < 0) {
		if (first) /* else the rules are as they were, and so is the list */
			egress_done(c);
		return err_wrap(r, "--egress");
	}
	return 0;
}

void egress_done(struct client *c)
{
	free(c->egress);
	free(c->servers);
	c->egress = NULL;
	c->servers = NULL;
	c->n_egress = 0;
}

static struct client *client_of(const struct keeper *k, const char *id)
{
	for (unsigned i = 0; i < k->n_clients; i++)
		if (k->clients[i].egress && strcmp(k->clients[i].id, id) == 0)
			return &k->clients[i];
	return NULL;
}

/* "item ttl address" */
static void put_address(const struct client *c, char *line, struct sbuf *out)
{
	char *save = NULL, *item = strtok_r(line, " ", &save), *ttl = strtok_r(NULL, " ", &save),
	     *ip = strtok_r(NULL, " ", &save), set[32];
	struct address a;
	uint32_t i, s;

	if (!ip || parse_u32(item, UINT32_MAX, &i) < 0 || parse_u32(ttl, UINT32_MAX, &s) < 0 ||
	    !address_parse(ip, &a) || i >= c->n_egress || !*c->egress[i].name)
		return;
	s = s < TTL_MIN ? TTL_MIN : s > TTL_MAX ? TTL_MAX : s;
	(void)snprintf(set, sizeof(set), "n%u_%u", i, a.family == AF_INET ? 4U : 6U);
	/* One that is there keeps its time when it is added again: out and in, in one step. */
	sbuf_addf(out,
		  "add element " TABLE " %s { %s timeout %us }\n"
		  "delete element " TABLE " %s { %s }\n"
		  "add element " TABLE " %s { %s timeout %us }\n",
		  set, ip, s, set, ip, set, ip, s);
}

bool egress_news(struct keeper *k, char *text)
{
	AUTO_SBUF struct sbuf rules = SBUF_INIT;
	char *save = NULL, *line = strtok_r(text, "\n", &save);
	struct client *c;

	if (!line || strlen(line) < 3)
		return false;
	c = client_of(k, line + 2);
	if (*line == 'R') {
		if (c)
			c->refused++;
		return false;
	}
	while (c && (line = strtok_r(NULL, "\n", &save)) != NULL)
		put_address(c, line, &rules);
	if (c && rules_run_in(c->netns, rules.s, NULL) < 0)
		log_debug("net", "--egress: %s", err_trail());
	err_drop();
	return true;
}

int egress_refused(const struct keeper *k, const char *id, uint64_t *ret)
{
	const struct client *c = client_of(k, id);
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	unsigned long long n = 0;
	const char *at;
	int r;

	if (!c)
		return err_new(-ENOENT, "no such container");
	r = rules_run_in(c->netns, "list counter " TABLE " refused\n", &text);
	if (r < 0)
		return r;
	at = strstr(text.s, "packets ");
	if (!at || sscanf(at, "packets %llu", &n) != 1)
		return err_new(-CE_BAD_FORMAT, "the counter of --egress");
	*ret = n + c->refused;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * pasta(1), as of Debian 12. It joins the network namespace only and so stays in B, where it gives up
 * all capabilities but those it enters the namespace with. The device has the host's name and
 * addresses unless options say otherwise. Its process number goes to the ready pipe once the device
 * is up; in the foreground it stays our child.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "net/helper_internal.h"
#include "net/pasta.h"
#include "net/resolver.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/process.h"

#define DNS_FORWARD "169.254.1.1" /* link-local: nobody's but ours, as podman has it */
#define DNS_FORWARD6 "fd63:7564:6479::53" /* RFC 4193; one of a link would need its name */

enum word_kind { FLAG, VALUE, PORTS };

static const struct word {
	const char *name;
	char letter; /* 0: none */
	enum word_kind kind;
	bool ours; /* how it is started and ended is not the user's */
} known[] = {
	{"--config-net", 0, FLAG, false},
	{"--map-gw", 0, FLAG, false}, /* podman's word for: not --no-map-gw */
	{"--no-map-gw", 0, FLAG, false},
	{"--mtu", 'm', VALUE, false},
	{"--address", 'a', VALUE, false},
	{"--netmask", 'n', VALUE, false},
	{"--mac-addr", 'M', VALUE, false},
	{"--ns-mac-addr", 0, VALUE, false},
	{"--gateway", 'g', VALUE, false},
	{"--interface", 'i', VALUE, false},
	{"--ns-ifname", 'I', VALUE, false},
	{"--outbound", 'o', VALUE, false},
	{"--outbound-if4", 0, VALUE, false},
	{"--outbound-if6", 0, VALUE, false},
	{"--dns", 'D', VALUE, false},
	{"--dns-forward", 0, VALUE, false},
	{"--search", 'S', VALUE, false},
	{"--dhcp-dns", 0, FLAG, false},
	{"--dhcp-search", 0, FLAG, false},
	{"--no-tcp", 0, FLAG, false},
	{"--no-udp", 0, FLAG, false},
	{"--no-icmp", 0, FLAG, false},
	{"--no-dhcp", 0, FLAG, false},
	{"--no-ndp", 0, FLAG, false},
	{"--no-dhcpv6", 0, FLAG, false},
	{"--no-ra", 0, FLAG, false},
	{"--ipv4-only", '4', FLAG, false},
	{"--ipv6-only", '6', FLAG, false},
	{"--tcp-ports", 't', PORTS, false},
	{"--udp-ports", 'u', PORTS, false},
	{"--tcp-ns", 'T', PORTS, false},
	{"--udp-ns", 'U', PORTS, false},
	{"--debug", 'd', FLAG, true},
	{"--trace", 0, FLAG, true},
	{"--quiet", 'q', FLAG, true},
	{"--foreground", 'f', FLAG, true},
	{"--stderr", 'e', FLAG, true},
	{"--log-file", 'l', VALUE, true},
	{"--log-size", 0, VALUE, true},
	{"--runas", 0, VALUE, true},
	{"--pcap", 'p', VALUE, true},
	{"--pid", 'P', VALUE, true},
	{"--fd", 'F', VALUE, true},
	{"--userns", 0, VALUE, true},
	{"--netns", 0, VALUE, true},
	{"--netns-only", 0, FLAG, true},
	{"--no-netns-quit", 0, FLAG, true},
	{"--help", 'h', FLAG, true},
	{"--version", 0, FLAG, true},
};

/* One option cut from the front of "…,…": its row, and its value if it takes one. */
struct cut {
	const struct word *word;
	const char *text, *value; /* not terminated */
	size_t text_len, value_len;
};

/* Return: 1 an option, 0 the end, or a usage error. */
static int next_option(const char **at, struct cut *c)
{
	size_t len = strcspn(*at, ","), name;

	*c = (struct cut){.text = *at, .text_len = len};
	if (!**at)
		return 0;
	name = strcspn(*at, "=,");
	for (unsigned i = 0; i < ARRAY_LEN(known) && !c->word; i++)
		if ((strlen(known[i].name) == name && strncmp(*at, known[i].name, name) == 0) ||
		    (known[i].letter && len == 2 && **at == '-' && (*at)[1] == known[i].letter))
			c->word = &known[i];
	if (!c->word)
		return err_usage("--network pasta: unknown option %.*s (those of pasta(1) of "
				 "Debian 12, with commas between words)",
				 (int)len, *at);
	if (c->word->ours)
		return err_usage("--network pasta: %s is not for containers", c->word->name);
	*at += len + ((*at)[len] == ',');
	if (c->word->kind == FLAG)
		return name == len ? 1
				   : err_usage("--network pasta: %s takes no value", c->word->name);
	if (name < len) {
		c->value = c->text + name + 1;
		c->value_len = len - name - 1;
	} else {
		c->value = *at;
		c->value_len = strcspn(*at, ",");
		*at += c->value_len + ((*at)[c->value_len] == ',');
	}
	if (c->value_len == 0)
		return err_usage("--network pasta: %s wants a value", c->word->name);
	return 1;
}

static bool is(const struct cut *c, const char *name)
{
	return strcmp(c->word->name, name) == 0;
}

static bool to_ipv4(const struct cut *c, struct in_addr *ret)
{
	char text[INET_ADDRSTRLEN];

	if (c->value_len >= sizeof(text))
		return false;
	memcpy(text, c->value, c->value_len);
	text[c->value_len] = '\0';
	return inet_pton(AF_INET, text, ret) == 1;
}

int net_plan_parse_pasta(const char *options, struct net_plan *n)
{
	struct net_plan p = {.mode = NET_PASTA, .options = options};
	const char *at = options;
	struct cut c;
	int r;

	while ((r = next_option(&at, &c)) > 0)
		if (is(&c, "--map-gw"))
			p.allow_host_loopback = true;
		else if (is(&c, "--no-map-gw"))
			p.allow_host_loopback = false;
	if (r < 0)
		return r;
	n->options = options;
	n->allow_host_loopback = p.allow_host_loopback;
	return 0;
}

bool net_pasta_value(const struct net_plan *n, const char *name, struct in_addr *ret)
{
	const char *at = n->options;
	bool found = false;
	struct cut c;

	while (at && next_option(&at, &c) > 0)
		if (is(&c, name) && to_ipv4(&c, ret))
			found = true;
	return found;
}

static bool has(const struct net_plan *n, const char *name)
{
	const char *at = n->options;
	struct cut c;

	while (at && next_option(&at, &c) > 0)
		if (is(&c, name))
			return true;
	return false;
}

/* The IPv4 server first; a container that has no IPv6 would not reach the other. */
void net_pasta_plan(struct net_plan *n)
{
	unsigned servers = has(n, "--dns-forward") ? 0 : net_host_servers();

	if ((servers & NET_SERVERS_IPV4) && !has(n, "--ipv6-only"))
		n->dns = DNS_FORWARD;
	else if ((servers & NET_SERVERS_IPV6) && !has(n, "--ipv4-only") && net_host_has_ipv6())
		n->dns = DNS_FORWARD6;
}

void net_pasta_servers(const struct net_plan *n, struct sbuf *out)
{
	const char *at = n->options;
	struct cut c;

	while (at && next_option(&at, &c) > 0) {
		char ip[INET6_ADDRSTRLEN];
		struct in6_addr a;

		if (!is(&c, "--dns-forward") || c.value_len >= sizeof(ip))
			continue;
		memcpy(ip, c.value, c.value_len);
		ip[c.value_len] = '\0';
		if (inet_pton(strchr(ip, ':') ? AF_INET6 : AF_INET, ip, &a) == 1)
			sbuf_addf(out, "nameserver %s\n", ip);
	}
}

int pasta_words(const struct net_plan *n, struct helper_text *t, struct helper_words *w)
{
	static const char *const closed[][2] = {{"--tcp-ports", "-t"},
						{"--udp-ports", "-u"},
						{"--tcp-ns", "-T"},
						{"--udp-ns", "-U"}};
	static const char *const fixed[] = {"--foreground", "--quiet", "--stderr", "--config-net",
					    "--no-netns-quit"};
	size_t used = 0;
	const char *at = n->options ? n->options : "";
	struct cut c;
	int r;

	helper_word(w, n->helper_path);
	for (unsigned i = 0; i < ARRAY_LEN(fixed); i++)
		helper_word(w, fixed[i]);
	if (!n->allow_host_loopback)
		helper_word(w, "--no-map-gw");
	/* No port of the container appears on the host, nor one of the host's in it, unasked. */
	for (unsigned i = 0; i < ARRAY_LEN(closed); i++) {
		if (has(n, closed[i][0]))
			continue;
		helper_word(w, closed[i][1]);
		helper_word(w, "none");
	}
	while ((r = next_option(&at, &c)) > 0) {
		bool passed_already = is(&c, "--config-net") || is(&c, "--map-gw") ||
				      is(&c, "--no-map-gw");

		if (used + c.value_len + 1 > sizeof(t->options))
			return err_usage("--network pasta: options are too long");
		if (!passed_already)
			helper_word(w, c.word->name);
		if (c.word->kind == FLAG)
			continue;
		memcpy(t->options + used, c.value, c.value_len);
		t->options[used + c.value_len] = '\0';
		helper_word(w, t->options + used);
		used += c.value_len + 1;
	}
	if (r < 0)
		return r;
	if (n->dns) {
		helper_word(w, "--dns-forward");
		helper_word(w, n->dns);
	}
	helper_word(w, "--pid");
	helper_word(w, t->ready);
	helper_word(w, "--netns");
	helper_word(w, t->target);
	return 0;
}

const char *pasta_installed(void)
{
	static char place[PATH_MAX];

	return program_helper("pasta", place);
}

/* SPDX-License-Identifier: MIT */
/* A container's place in a network as it is written: read, checked, written again. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "net/address.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/conmon/bridge.h"
#include "pkg/container/networks.h"

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

bool endpoint_name_means_itself(const char *s)
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
	if (endpoint_name_means_itself(s))
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

/* SPDX-License-Identifier: MIT */
#include "net/egress.h"

#include <ctype.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

static bool parse_name(const char *s, char *ret)
{
	const char *first = strncmp(s, "*.", 2) == 0 ? s + 2 : s;
	size_t n = strlen(s), label = 0;

	if (n == 0 || n >= EGRESS_NAME_MAX || !*first || s[n - 1] == '.')
		return false;
	for (const char *p = first; *p; p++) {
		if (*p == '.'
			    ? label == 0 || p[-1] == '-'
			    : !isalnum((unsigned char)*p) && *p != '_' && (*p != '-' || label == 0))
			return false;
		label = *p == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	/* "10.1.2" and "1.2.3.400" are mistyped addresses and no names. */
	if (s[strspn(s, "0123456789.")] == '\0')
		return false;
	for (size_t i = 0; i <= n; i++)
		ret[i] = (char)tolower((unsigned char)s[i]);
	return true;
}

static bool parse_net(const char *s, struct address_net *ret)
{
	if (strchr(s, '/'))
		return address_net_parse(s, ret);
	if (!address_parse(s, &ret->base))
		return false;
	ret->prefix = address_bits(&ret->base);
	return true;
}

int egress_parse(const char *text, struct egress_item *ret)
{
	struct egress_item item = {.port = 0};
	AUTO_FREE char *copy = NULL;
	char *host, *port = NULL;
	uint32_t n = 0;

	if (strncmp(text, "allow=", 6) != 0)
		return err_usage("--egress %s: want allow=HOST, allow=IP or allow=CIDR, with :PORT "
				 "after it if only that",
				 text);
	host = copy = xstrdup(text + 6);
	if (*host == '[') {
		char *end = strchr(++host, ']');

		if (!end || (end[1] && end[1] != ':'))
			return err_usage("--egress %s: want [IPv6]:PORT", text);
		port = end[1] ? end + 2 : NULL;
		*end = '\0';
	} else if (strchr(host, ':') && strchr(host, ':') == strrchr(host, ':')) {
		port = strchr(host, ':');
		*port++ = '\0';
	}
	if (port && (parse_u32(port, 65535, &n) < 0 || n == 0))
		return err_usage("--egress %s: a port is a number from 1 to 65535", text);
	item.port = (uint16_t)n;
	if (!parse_net(host, &item.net) && !parse_name(host, item.name))
		return err_usage("--egress %s: neither a name nor an address nor a network", text);
	*ret = item;
	return 0;
}

bool egress_covers(const struct egress_item *item, const char *host)
{
	size_t n = strlen(host), k = strlen(item->name);

	if (strncmp(item->name, "*.", 2) != 0)
		return k && strcmp(item->name, host) == 0;
	return n >= k && strcmp(host + n - (k - 1), item->name + 1) == 0;
}

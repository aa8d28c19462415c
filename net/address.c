/* SPDX-License-Identifier: MIT */
#include "net/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "pkg/base/parse.h"

unsigned address_bits(const struct address *a)
{
	return a->family == AF_INET ? 32 : 128;
}

bool address_parse(const char *s, struct address *ret)
{
	struct address a = {.family = strchr(s, ':') ? AF_INET6 : AF_INET};

	if (inet_pton(a.family, s, a.b) != 1)
		return false;
	*ret = a;
	return true;
}

const char *address_format(const struct address *a, char *out)
{
	*out = '\0';
	if (a->family)
		(void)inet_ntop(a->family, a->b, out, INET6_ADDRSTRLEN);
	return out;
}

int address_compare(const struct address *a, const struct address *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && address_compare(a, b) == 0;
}

bool address_next(struct address *a)
{
	for (unsigned i = address_bits(a) / 8; i-- > 0;)
		if (++a->b[i] != 0)
			return true;
	return false;
}

/* The bits of byte @i that @prefix covers. */
static unsigned char mask_of(unsigned prefix, unsigned i)
{
	unsigned from = 8 * i;

	if (prefix >= from + 8)
		return 0xff;
	return prefix <= from ? 0 : (unsigned char)(0xff << (8 - (prefix - from)));
}

bool address_net_parse(const char *s, struct address_net *ret)
{
	const char *slash = strchr(s, '/');
	char ip[INET6_ADDRSTRLEN];
	struct address_net n;
	uint32_t prefix;

	if (!slash || (size_t)(slash - s) >= sizeof(ip))
		return false;
	memcpy(ip, s, (size_t)(slash - s));
	ip[slash - s] = '\0';
	if (!address_parse(ip, &n.base) || parse_u32(slash + 1, address_bits(&n.base), &prefix) < 0)
		return false;
	n.prefix = prefix;
	for (unsigned i = 0; i < sizeof(n.base.b); i++)
		n.base.b[i] &= mask_of(n.prefix, i);
	*ret = n;
	return true;
}

bool address_net_has(const struct address_net *n, const struct address *a)
{
	if (n->base.family != a->family)
		return false;
	for (unsigned i = 0; i < address_bits(a) / 8; i++)
		if ((a->b[i] & mask_of(n->prefix, i)) != n->base.b[i])
			return false;
	return true;
}

bool address_net_overlaps(const struct address_net *a, const struct address_net *b)
{
	return address_net_has(a, &b->base) || address_net_has(b, &a->base);
}

struct address address_net_last(const struct address_net *n)
{
	struct address a = n->base;

	for (unsigned i = 0; i < address_bits(&a) / 8; i++)
		a.b[i] |= (unsigned char)~mask_of(n->prefix, i);
	return a;
}

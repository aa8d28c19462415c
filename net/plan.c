/* SPDX-License-Identifier: MIT */
#include "net/plan.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/address.h"
#include "net/bridge.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/strv.h"

#define FLAG_LOOPBACK 1U
#define FLAG_IPV6 2U
#define FLAGS_KNOWN (FLAG_LOOPBACK | FLAG_IPV6)

/* slirp4netns's own limits: its tap is number 100, so the network must be larger than that. */
#define PREFIX_MIN 8
#define PREFIX_MAX 24
#define NETWORK_DEFAULT 0x0a000200 /* 10.0.2.0 */
#define PREFIX_DEFAULT 24
#define MTU_MIN 576
#define MTU_MAX 65521

void net_plan_encode(const struct net_plan *n, struct sbuf *out)
{
	wire_put_u32(out, n->mode);
	wire_put_str(out, n->helper_path);
	wire_put_str(out, n->options);
	wire_put_str(out, n->dns);
	wire_put_str(out, n->uplink_path);
	wire_put_str(out, n->keeper_path);
	wire_put_str(out, n->keeper_dir);
	wire_put_str(out, n->hosts_path);
	wire_put_str(out, n->hosts_names);
	wire_put_u32(out, n->hosts_base);
	wire_put_u32(out, (n->allow_host_loopback ? FLAG_LOOPBACK : 0) |
				  (n->enable_ipv6 ? FLAG_IPV6 : 0));
	wire_put_u32(out, n->mtu);
	wire_put_u32(out, n->network);
	wire_put_u32(out, n->prefix);
	wire_put_u32(out, n->n_ports);
	for (unsigned i = 0; i < n->n_ports; i++) {
		const struct net_port *p = &n->ports[i];

		wire_put_u32(out, p->proto);
		wire_put_str(out, p->host_ip);
		wire_put_u32(out, p->any_family);
		wire_put_u32(out, (uint32_t)p->host_port << 16 | p->container_port);
	}
}

static bool decode_port(struct wire_reader *r, struct net_port *p)
{
	uint32_t proto = wire_get_u32(r), any, both;
	const char *ip = wire_get_str(r);

	any = wire_get_u32(r);
	both = wire_get_u32(r);
	if (r->failed || proto > NET_UDP || !ip || any > 1 || both >> 16 == 0 ||
	    (both & 0xffff) == 0)
		return false;
	*p = (struct net_port){.proto = (enum net_proto)proto,
			       .host_ip = ip,
			       .any_family = any == 1,
			       .host_port = (uint16_t)(both >> 16),
			       .container_port = (uint16_t)both};
	return true;
}

int net_plan_decode(struct wire_reader *r, struct net_plan *n, struct net_port *ports, unsigned max)
{
	uint32_t mode, flags;
	struct net_plan p = {0};

	mode = wire_get_u32(r);
	p.helper_path = wire_get_str(r);
	p.options = wire_get_str(r);
	p.dns = wire_get_str(r);
	p.uplink_path = wire_get_str(r);
	p.keeper_path = wire_get_str(r);
	p.keeper_dir = wire_get_str(r);
	p.hosts_path = wire_get_str(r);
	p.hosts_names = wire_get_str(r);
	p.hosts_base = wire_get_u32(r);
	flags = wire_get_u32(r);
	p.mtu = wire_get_u32(r);
	p.network = wire_get_u32(r);
	p.prefix = wire_get_u32(r);
	p.n_ports = wire_get_u32(r);
	p.ports = ports;
	if (r->failed || mode > NET_BRIDGE || (flags & ~FLAGS_KNOWN) || p.mtu > MTU_MAX ||
	    p.n_ports > max || p.prefix > PREFIX_MAX ||
	    net_mode_has_helper((enum net_mode)mode) != (p.helper_path != NULL) ||
	    (mode == NET_BRIDGE && (!p.keeper_path || !p.keeper_dir)) ||
	    (p.hosts_path == NULL) != (p.hosts_names == NULL))
		return err_new(-CE_PROTOCOL, "network plan");
	p.mode = (enum net_mode)mode;
	p.allow_host_loopback = flags & FLAG_LOOPBACK;
	p.enable_ipv6 = flags & FLAG_IPV6;
	for (unsigned i = 0; i < p.n_ports; i++)
		if (!decode_port(r, &ports[i]))
			return err_new(-CE_PROTOCOL, "network plan: port %u", i);
	*n = p;
	return 0;
}

/* "10.0.2.0/24": network address (host order) and prefix length. */
static int parse_cidr(const char *s, uint32_t *ret_net, uint32_t *ret_prefix)
{
	char ip[INET_ADDRSTRLEN];
	const char *slash = strchr(s, '/');
	struct in_addr a;
	uint32_t prefix, net;

	if (!slash || (size_t)(slash - s) >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, s, (size_t)(slash - s));
	ip[slash - s] = '\0';
	if (inet_pton(AF_INET, ip, &a) != 1 || parse_u32(slash + 1, 32, &prefix) < 0)
		return -EINVAL;
	if (prefix < PREFIX_MIN || prefix > PREFIX_MAX)
		return -ERANGE;
	net = ntohl(a.s_addr);
	if (net & (UINT32_MAX >> prefix))
		return -EINVAL;
	*ret_net = net;
	*ret_prefix = prefix;
	return 0;
}

struct in_addr net_plan_address(const struct net_plan *n, uint32_t offset)
{
	const uint32_t network = n->prefix ? n->network : NETWORK_DEFAULT;

	return (struct in_addr){.s_addr = htonl(network + offset)};
}

uint32_t net_plan_prefix(const struct net_plan *n)
{
	return n->prefix ? n->prefix : PREFIX_DEFAULT;
}

bool net_replace_tail(int fd, off_t at, char *lines, size_t len, size_t size)
{
	struct stat st;
	size_t all = len;

	if (fstat(fd, &st) < 0)
		return false;
	if (st.st_size > at + (off_t)len)
		all = st.st_size - at < (off_t)size ? (size_t)(st.st_size - at) : size;
	memset(lines + len, '\n', all - len);
	return pwrite(fd, lines, all, at) == (ssize_t)all &&
	       (all == len || ftruncate(fd, at + (off_t)len) == 0);
}

/* Nothing is allocated, the monitor does this: of very many the last are left out until another one starts. */
static size_t keep_pod_lines(int fd, off_t at, char *lines, size_t len, size_t size)
{
	static const char mark[] = NET_HOSTS_POD "\n";
	char old[BRIDGE_LEASE_MAX];
	ssize_t n = pread(fd, old, sizeof(old) - 1, at);

	old[n > 0 ? n : 0] = '\0';
	for (char *line = old, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		size_t k = (size_t)(end + 1 - line), m = sizeof(mark) - 1;

		if (k < m || memcmp(end + 1 - m, mark, m) != 0 || len + k > size)
			continue;
		memcpy(lines + len, line, k);
		len += k;
	}
	return len;
}

int net_plan_write_hosts(const struct net_plan *n, const char *lease)
{
	AUTO_CLOSE int fd = -EBADF;
	char lines[BRIDGE_LEASE_MAX];
	size_t len;

	if (!n->hosts_path)
		return 0;
	len = bridge_lease_hosts(lease, n->hosts_names, lines, sizeof(lines));
	/* The file itself is what the container has mounted: it is changed, not replaced. */
	fd = open(n->hosts_path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		len = keep_pod_lines(fd, n->hosts_base, lines, len, sizeof(lines));
	if (fd < 0 || !net_replace_tail(fd, n->hosts_base, lines, len, sizeof(lines)))
		return err_new(-errno, "write %s", n->hosts_path);
	return 0;
}

static int bad_option(const char *key, const char *value, const char *want)
{
	return err_usage("--network slirp4netns: %s=%s: want %s", key, value, want);
}

/* An address of the host, or a device of it. */
static int check_outbound(const char *key, const char *value)
{
	bool six = strcmp(key, "outbound_addr6") == 0;
	struct address a;
	size_t n = strlen(value);

	if (address_parse(value, &a)
		    ? (a.family == AF_INET6) == six
		    : n > 0 && n <= NET_DEVICE_MAX && *value != '-' && !strpbrk(value, ":/ \t\n"))
		return 0;
	return bad_option(key, value,
			  six ? "an IPv6 address or a device of the host"
			      : "an IPv4 address or a device of the host");
}

static int slirp_option(const char *key, const char *value, struct net_plan *n)
{
	if (strcmp(key, "allow_host_loopback") == 0)
		return parse_bool(value, &n->allow_host_loopback) < 0
			       ? bad_option(key, value, "true or false")
			       : 0;
	if (strcmp(key, "enable_ipv6") == 0)
		return parse_bool(value, &n->enable_ipv6) < 0
			       ? bad_option(key, value, "true or false")
			       : 0;
	if (strcmp(key, "mtu") == 0)
		return parse_u32(value, MTU_MAX, &n->mtu) < 0 || n->mtu < MTU_MIN
			       ? bad_option(key, value, "576 to 65521")
			       : 0;
	if (strcmp(key, "cidr") == 0)
		return parse_cidr(value, &n->network, &n->prefix) < 0
			       ? bad_option(key, value,
					    "an IPv4 network such as 10.0.2.0/24, /8 to /24")
			       : 0;
	if (strcmp(key, "port_handler") == 0) {
		/* One handler serves every case here; podman's names for its two are both it. */
		if (strcmp(value, "rootlesskit") != 0 && strcmp(value, "slirp4netns") != 0)
			return bad_option(key, value, "rootlesskit or slirp4netns");
		return 0;
	}
	if (strcmp(key, "outbound_addr") == 0 || strcmp(key, "outbound_addr6") == 0)
		return check_outbound(key, value);
	return err_usage("--network slirp4netns: unknown option %s (known: allow_host_loopback, "
			 "cidr, enable_ipv6, mtu, outbound_addr, outbound_addr6, port_handler)",
			 key);
}

int net_plan_parse_slirp(const char *options, struct net_plan *n)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	int r;

	strv_split(&parts, options, ',');
	for (size_t i = 0; i < parts.n; i++) {
		char *eq = strchr(parts.v[i], '=');

		if (!eq)
			return err_usage("--network slirp4netns: %s: want KEY=VALUE", parts.v[i]);
		*eq = '\0';
		r = slirp_option(parts.v[i], eq + 1, n);
		if (r < 0)
			return r;
	}
	n->options = options;
	if (n->enable_ipv6 && n->mtu && n->mtu < NET_MTU_MIN_IPV6)
		return err_usage("--network slirp4netns: IPv6 needs an mtu of 1280 or more");
	return 0;
}

bool net_slirp_outbound(const struct net_plan *n, const char *key, char out[INET6_ADDRSTRLEN])
{
	size_t k = strlen(key);

	/* Nothing is allocated: the monitor starts helpers again. */
	for (const char *at = n->options; at && *at;) {
		size_t len = strcspn(at, ",");

		if (len > k && len - k <= INET6_ADDRSTRLEN && at[k] == '=' &&
		    strncmp(at, key, k) == 0) {
			memcpy(out, at + k + 1, len - k - 1);
			out[len - k - 1] = '\0';
			return true;
		}
		at += len + (at[len] == ',');
	}
	return false;
}

int net_plan_check(const struct net_plan *n)
{
	if (n->n_ports == 0)
		return 0;
	switch (n->mode) {
	case NET_SLIRP:
	case NET_PASTA:
	case NET_PATH:
	case NET_BRIDGE:
		return 0;
	case NET_NONE:
		return err_usage("ports cannot be published with --network none");
	case NET_JOIN:
		return err_usage("ports cannot be published when another container's network is "
				 "joined; publish them there");
	case NET_HOST:
		return err_usage("ports need not be published with --network host: the container "
				 "listens on the host's addresses");
	}
	return err_usage("unknown network mode");
}

bool net_congestion_paces(const char *name)
{
	return strcmp(name, NET_CONGESTION_LOCAL) != 0 && strcmp(name, "cubic") != 0;
}

/* SPDX-License-Identifier: MIT */
#include "net/files.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/pasta.h"
#include "net/bridge.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/sys/file.h"

#define HOST_FILE_MAX (1024UL * 1024)
#define NAME_MAX_LEN 253
#define GATEWAY "host-gateway"

/* --- checks (R13): a generated line holds only what its grammar allows ------------------------ */

/* Letters, digits, dot, dash, underscore; what resolvers take as a name. */
static bool name_ok(const char *s, size_t len)
{
	if (len == 0 || len > NAME_MAX_LEN || *s == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(".-_", s[i]))
			return false;
	return true;
}

static bool is_ip(const char *s)
{
	struct in6_addr a;

	return inet_pton(AF_INET, s, &a) == 1 || inet_pton(AF_INET6, s, &a) == 1;
}

/* The address of "name[;name…]:ip" (docker also writes "="), brackets taken off; NULL: malformed. */
static char *add_host_ip(const char *s, size_t *ret_names_len)
{
	size_t n = strcspn(s, ":="), len;
	const char *ip = s + n;
	char *copy;

	if (n == 0 || !*ip)
		return NULL;
	ip++;
	len = strlen(ip);
	if (len > 2 && ip[0] == '[' && ip[len - 1] == ']') {
		ip++;
		len -= 2;
	}
	copy = xstrndup(ip, len);
	if (!is_ip(copy) && strcmp(copy, GATEWAY) != 0)
		freep(&copy);
	*ret_names_len = n;
	return copy;
}

static int check_add_host(const char *s)
{
	size_t names, at = 0;
	AUTO_FREE char *ip = add_host_ip(s, &names);

	if (!ip)
		return err_usage("--add-host %s: want NAME:IP or NAME:host-gateway", s);
	while (at <= names) {
		size_t len = strcspn(s + at, ";:=");

		if (!name_ok(s + at, len))
			return err_usage("--add-host %s: not a host name", s);
		at += len + 1;
	}
	return 0;
}

int net_check_files_options(const struct net_files_options *o)
{
	if (o->hostname &&
	    (!name_ok(o->hostname, strlen(o->hostname)) || strlen(o->hostname) > HOST_NAME_MAX))
		return err_usage("--hostname %s: at most 64 letters, digits, dots and dashes",
				 o->hostname);
	for (size_t i = 0; i < o->add_hosts.n; i++) {
		int r = check_add_host(o->add_hosts.v[i]);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < o->dns.n; i++) {
		const char *d = o->dns.v[i];

		if (strcmp(d, "none") == 0) {
			if (o->dns.n + o->dns_search.n + o->dns_options.n > 1)
				return err_usage("--dns none excludes other --dns options");
		} else if (!is_ip(d)) {
			return err_usage("--dns %s: want an IP address or none", d);
		}
	}
	for (size_t i = 0; i < o->dns_search.n; i++) {
		const char *d = o->dns_search.v[i];

		if (strcmp(d, ".") != 0 && !name_ok(d, strlen(d)))
			return err_usage("--dns-search %s: not a domain", d);
	}
	for (size_t i = 0; i < o->dns_options.n; i++) {
		const char *d = o->dns_options.v[i];

		if (!*d || d[strspn(d, "abcdefghijklmnopqrstuvwxyz0123456789-_:")])
			return err_usage("--dns-option %s: want a resolver option such as ndots:2",
					 d);
	}
	return 0;
}

/* --- addresses -------------------------------------------------------------------------------- */

/*
 * The host's own address towards the world: what a datagram to an address that is nobody's
 * (RFC 5737) would carry as its source. Nothing is sent. "" when there is no route.
 */
static void host_address(char out[INET_ADDRSTRLEN])
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
	socklen_t len = sizeof(a);

	*out = '\0';
	a.sin_addr.s_addr = htonl(0xcb007101); /* 203.0.113.1 */
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return;
	(void)inet_ntop(AF_INET, &a.sin_addr, out, INET_ADDRSTRLEN);
}

/* The host's default gateway, from the kernel's table. */
static bool host_gateway(struct in_addr *ret)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/net/route", "re");
	char line[256];
	unsigned to, via, mask;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %x %x %*x %*d %*d %*d %x", &to, &via, &mask) == 3 &&
		    to == 0 && mask == 0 && via) {
			ret->s_addr = via; /* printed as it lies in memory */
			return true;
		}
	return false;
}

/* pasta's container has the host's own address unless it was given another: "" when it has none. */
static void pasta_own_address(const struct net_plan *n, char out[INET_ADDRSTRLEN])
{
	struct in_addr a;

	if (net_pasta_value(n, "--address", &a))
		(void)inet_ntop(AF_INET, &a, out, INET_ADDRSTRLEN);
	else
		host_address(out);
}

/*
 * pasta leads its gateway to the host's loopback when asked; else the host is at its own address,
 * if the container does not have that itself.
 */
static void pasta_way_to_host(const struct net_plan *n, char out[INET_ADDRSTRLEN])
{
	char own[INET_ADDRSTRLEN];
	struct in_addr a;

	if (n->allow_host_loopback) {
		if (net_pasta_value(n, "--gateway", &a) || host_gateway(&a))
			(void)inet_ntop(AF_INET, &a, out, INET_ADDRSTRLEN);
		return;
	}
	pasta_own_address(n, own);
	host_address(out);
	if (strcmp(own, out) == 0)
		*out = '\0';
}

/*
 * Where the container finds its host: by slirp's gateway when that leads to the host's loopback,
 * otherwise by an address of the host that slirp routes to. "" when there is no way.
 */
static int gateway_address(const struct net_plan *n, char out[INET_ADDRSTRLEN])
{
	struct in_addr a;

	*out = '\0';
	if (n->mode == NET_NONE)
		return 0;
	if (n->mode == NET_HOST) {
		memcpy(out, "127.0.0.1", sizeof("127.0.0.1"));
		return 0;
	}
	if (n->mode == NET_PASTA) {
		pasta_way_to_host(n, out);
		return 0;
	}
	if (n->mode == NET_SLIRP && n->allow_host_loopback) {
		a = net_plan_address(n, NET_SLIRP_GATEWAY);
		(void)inet_ntop(AF_INET, &a, out, INET_ADDRSTRLEN);
		return 0;
	}
	host_address(out);
	return 0;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static int put_added_hosts(const struct net_files_options *o, const char *gateway, struct sbuf *out)
{
	for (size_t i = 0; i < o->add_hosts.n; i++) {
		const char *s = o->add_hosts.v[i], *to;
		size_t names;
		AUTO_FREE char *ip = add_host_ip(s, &names);

		if (!ip)
			return err_usage("--add-host %s: want NAME:IP or NAME:host-gateway", s);
		to = strcmp(ip, GATEWAY) == 0 ? gateway : ip;
		if (!*to)
			return err_new(-CE_NETWORK,
				       "--add-host %s: no way to the host in this network", s);
		sbuf_addf(out, "%s\t", to);
		for (size_t k = 0; k < names; k++)
			sbuf_addc(out, s[k] == ';' ? ' ' : s[k]);
		sbuf_addc(out, '\n');
	}
	return 0;
}

static void put_own_names(const char *ip, const struct net_files_options *o, const char *hostname,
			  struct sbuf *out)
{
	const char *name = o->container_name;

	if (!*hostname && !name)
		return;
	sbuf_addf(out, "%s\t%s", ip, *hostname ? hostname : name);
	if (*hostname && name && strcmp(hostname, name) != 0)
		sbuf_addf(out, " %s", name);
	sbuf_addc(out, '\n');
}

static void put_text(const char *text, struct sbuf *out)
{
	sbuf_adds(out, text);
	if (out->len && out->s[out->len - 1] != '\n')
		sbuf_addc(out, '\n');
}

static int put_base(const char *path, struct sbuf *out)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = file_read_at(AT_FDCWD, path, HOST_FILE_MAX, &text);

	if (r == 0)
		put_text(text.len ? text.s : "", out);
	return r;
}

/* Is @name the name of an address in @hosts? It may as well stand in a comment, or be a part of another one. */
static bool hosts_name(const char *hosts, const char *name)
{
	while (*hosts) {
		bool first = true;

		for (size_t n; (hosts += strspn(hosts, " \t\r")), *hosts && !strchr("#\n", *hosts);
		     hosts += n) {
			n = strcspn(hosts, " \t\r#\n");
			if (!first && n == strlen(name) && strncasecmp(hosts, name, n) == 0)
				return true;
			first = false;
		}
		hosts += strcspn(hosts, "\n");
		hosts += *hosts == '\n';
	}
	return false;
}

/* A file that was given, or what was added, may name it already. */
static void put_localhost(struct sbuf *out)
{
	if (!out->len || !hosts_name(out->s, "localhost"))
		sbuf_adds(out, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
			       "ip6-loopback\n");
}

static int names_address(const struct net_plan *n, const struct net_files_options *o,
			 char ret[INET6_ADDRSTRLEN])
{
	if (!o->host_address)
		return gateway_address(n, ret);
	(void)snprintf(ret, INET6_ADDRSTRLEN, "%s",
		       strcmp(o->host_address, "none") == 0 ? "" : o->host_address);
	return 0;
}

int net_make_hosts(const struct net_plan *n, const struct net_files_options *o, struct sbuf *out)
{
	char gateway[INET6_ADDRSTRLEN], own[INET_ADDRSTRLEN], name[HOST_NAME_MAX + 1] = "";
	const char *hostname = o->hostname ? o->hostname : name;
	struct in_addr a;
	int r;

	if (o->no_hosts)
		return 1;
	if (!o->hostname && n->mode == NET_HOST && gethostname(name, sizeof(name)) < 0)
		return err_new(-errno, "host name");
	r = names_address(n, o, gateway);
	if (r < 0)
		return r;
	r = put_added_hosts(o, gateway, out); /* first: a resolver takes the first that matches */
	if (r < 0)
		return r;
	/* A namespace that somebody else made has what he gave it: the host's names, as on the host. */
	if (o->hosts_base)
		put_text(o->hosts_base, out);
	else if (o->hosts_file && strcmp(o->hosts_file, "none") != 0)
		r = put_base(o->hosts_file, out);
	else if (!o->hosts_file && (n->mode == NET_HOST || n->mode == NET_PATH))
		r = put_base("/etc/hosts", out);
	if (r == -ENOENT && !o->hosts_file) {
		err_drop(); /* a host without one: its content is what follows */
		r = 0;
	}
	if (r < 0)
		return r;
	if (o->hosts_base || o->hosts_file || (n->mode != NET_HOST && n->mode != NET_PATH))
		put_localhost(out);
	if (n->mode == NET_SLIRP) {
		a = net_plan_address(n, NET_SLIRP_TAP);
		put_own_names(inet_ntop(AF_INET, &a, own, sizeof(own)), o, hostname, out);
	} else if (n->mode == NET_PASTA) {
		pasta_own_address(n, own);
		put_own_names(*own ? own : "127.0.1.1", o, hostname, out);
	} else if (n->mode != NET_BRIDGE) { /* whose address is not known yet */
		put_own_names("127.0.1.1", o, hostname, out);
	}
	if (*gateway)
		sbuf_addf(out, "%s\thost.containers.internal host.docker.internal\n", gateway);
	return 0;
}

/* --- resolv.conf ------------------------------------------------------------------------------ */

/* Copy the words after @key of the host's line(s) into @ret; the last line wins, as in resolver(5). */
static void host_words(const char *conf, const char *key, struct strv *ret)
{
	size_t klen = strlen(key);

	for (const char *line = conf; line && *line; line = strchr(line, '\n')) {
		line += strspn(line, "\n");
		if (strncmp(line, key, klen) != 0 || (line[klen] != ' ' && line[klen] != '\t'))
			continue;
		strv_done(ret);
		for (const char *p = line + klen; *p && *p != '\n' && *p != '#' && *p != ';';) {
			size_t len;

			p += strspn(p, " \t\r");
			len = strcspn(p, " \t\r\n#;");
			if (len && len <= NAME_MAX_LEN)
				strv_take(ret, xstrndup(p, len));
			p += len;
		}
	}
}

static void put_words(struct sbuf *out, const char *key, const struct strv *words)
{
	if (words->n == 0)
		return;
	sbuf_adds(out, key);
	for (size_t i = 0; i < words->n; i++)
		sbuf_addf(out, " %s", words->v[i]);
	sbuf_addc(out, '\n');
}

/* Name servers as the host writes them, one a line. */
static void put_host_servers(const char *conf, struct sbuf *out)
{
	for (const char *line = conf; line && *line; line = strchr(line, '\n')) {
		char ip[INET6_ADDRSTRLEN + 20]; /* room for a zone: "fe80::1%eth0" */
		size_t len;

		line += strspn(line, "\n");
		if (strncmp(line, "nameserver", 10) != 0 || (line[10] != ' ' && line[10] != '\t'))
			continue;
		line += 10 + strspn(line + 10, " \t");
		len = strcspn(line, " \t\r\n#;");
		if (len == 0 || len >= sizeof(ip))
			continue;
		memcpy(ip, line, len);
		ip[len] = '\0';
		if (name_ok(ip, len) || strchr(ip, ':'))
			sbuf_addf(out, "nameserver %s\n", ip);
	}
}

static int put_servers(const struct net_plan *n, const struct net_files_options *o,
		       const char *conf, struct sbuf *out)
{
	char ip[INET_ADDRSTRLEN];
	struct in_addr a;

	const struct strv *servers = o->servers && (o->names || !o->dns.n) ? o->servers : &o->dns;

	for (size_t i = 0; i < servers->n; i++)
		sbuf_addf(out, "nameserver %s\n", servers->v[i]);
	if (o->dns.n || o->servers)
		return 0;
	if (n->mode == NET_PASTA || n->dns) {
		size_t len = out->len;

		net_pasta_servers(n, out);
		if (n->dns)
			sbuf_addf(out, "nameserver %s\n", n->dns);
		else if (out->len == len)
			put_host_servers(conf, out);
		return 0;
	}
	if (n->mode != NET_SLIRP) {
		put_host_servers(conf, out);
		return 0;
	}
	a = net_plan_address(n, NET_SLIRP_DNS);
	sbuf_addf(out, "nameserver %s\n", inet_ntop(AF_INET, &a, ip, sizeof(ip)));
	if (n->enable_ipv6)
		sbuf_adds(out, "nameserver " NET_SLIRP_DNS6 "\n");
	return 0;
}

int net_make_resolv_conf(const struct net_plan *n, const struct net_files_options *o,
			 struct sbuf *out)
{
	AUTO_STRV struct strv search = STRV_INIT, options = STRV_INIT;
	AUTO_SBUF struct sbuf conf = SBUF_INIT;
	int r;

	if (strv_has(&o->dns, "none"))
		return 1;
	if (n->mode != NET_NONE) { /* nothing of the host's resolver there (N07) */
		r = file_read_at(AT_FDCWD, "/etc/resolv.conf", HOST_FILE_MAX, &conf);
		if (r == -ENOENT)
			err_drop(); /* resolver(5): as if empty */
		else if (r < 0)
			return r;
	}
	host_words(conf.s, "search", &search);
	if (search.n == 0)
		host_words(conf.s, "domain", &search);
	host_words(conf.s, "options", &options);
	if (o->dns_search.n) {
		strv_done(&search);
		if (!strv_has(&o->dns_search, "."))
			strv_add_all(&search, &o->dns_search);
	}
	if (o->dns_options.n) {
		strv_done(&options);
		strv_add_all(&options, &o->dns_options);
	}
	if (o->names && !o->dns_search.n)
		strv_insert(&search, 0, BRIDGE_DOMAIN);
	put_words(out, "search", &search);
	r = put_servers(n, o, conf.s, out);
	if (r < 0)
		return r;
	put_words(out, "options", &options);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "net/resolver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/file.h"

#define FILE_MAX (1UL << 20)

/* An address with a zone ("fe80::1%eth0") is one of IPv6 as well. */
static unsigned family_of(const char *s, size_t n)
{
	char ip[INET6_ADDRSTRLEN];
	struct in6_addr a;
	const char *zone = memchr(s, '%', n);

	n = zone ? (size_t)(zone - s) : n;
	if (n >= sizeof(ip))
		return 0;
	memcpy(ip, s, n);
	ip[n] = '\0';
	return inet_pton(AF_INET, ip, &a) == 1    ? NET_SERVERS_IPV4
	       : inet_pton(AF_INET6, ip, &a) == 1 ? NET_SERVERS_IPV6
						  : 0;
}

unsigned net_host_servers_in(const char *conf)
{
	static const char key[] = "nameserver";
	unsigned found = 0;

	for (const char *l = conf; l && *l; l = strchr(l, '\n')) {
		size_t gap;

		l += strspn(l, "\n");
		if (strncmp(l, key, sizeof(key) - 1) != 0)
			continue;
		gap = strspn(l + sizeof(key) - 1, " \t");
		if (gap)
			found |= family_of(l + sizeof(key) - 1 + gap,
					   strcspn(l + sizeof(key) - 1 + gap, " \t\r\n#;"));
	}
	return found;
}

unsigned net_host_servers(void)
{
	AUTO_SBUF struct sbuf conf = SBUF_INIT;

	if (file_read_at(AT_FDCWD, "/etc/resolv.conf", FILE_MAX, &conf) < 0) {
		err_drop(); /* no file: nobody to ask */
		return 0;
	}
	return net_host_servers_in(conf.s);
}

bool net_host_has_ipv6(void)
{
	AUTO_CLOSE int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(9)};

	(void)inet_pton(AF_INET6, "2001:db8::1", &a.sin6_addr); /* RFC 3849: nobody's */
	return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

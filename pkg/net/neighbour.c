/* SPDX-License-Identifier: MIT */
#include "pkg/net/neighbour.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

#define IP_HEADER 40U
#define SOLICIT (IP_HEADER + 24U) /* without options */
#define HOPS 255 /* what a router has passed on has fewer */
#define FROM 8 /* where addresses are in the IPv6 header */
#define TO 24
#define BURST 32

/* Everything that leaves or comes passes by: the kernel wakes us for solicitations that come in only. */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 5, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP_HEADER),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog f = {.len = ARRAY_LEN(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f));
}

int neighbour_open(const char *device)
{
	/* Of no protocol until it is bound: nothing comes before the filter. */
	AUTO_CLOSE int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_IPV6),
				       .sll_ifindex = (int)if_nametoindex(device)};

	if (fd < 0 || !at.sll_ifindex || attach_filter(fd) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return err_new(-errno, "solicitations on %s", device);
	return TAKE_FD(fd);
}

bool neighbour_asked(const unsigned char *p, size_t n, struct address *ret)
{
	if (n < SOLICIT || p[0] >> 4 != 6 || p[6] != IPPROTO_ICMPV6 || p[7] != HOPS ||
	    p[IP_HEADER] != ND_NEIGHBOR_SOLICIT || p[IP_HEADER + 1] != 0 ||
	    p[IP_HEADER + 8] == 0xff)
		return false;
	ret->family = AF_INET6;
	memcpy(ret->b, p + IP_HEADER + 8, 16);
	return true;
}

/* RFC 1071, over the pseudo-header (RFC 8200 §8.1) and what follows. */
static void put_checksum(unsigned char *p, size_t n)
{
	uint32_t sum = (uint32_t)(n - IP_HEADER) + IPPROTO_ICMPV6;

	for (size_t i = FROM; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum;
	p[IP_HEADER + 2] = (unsigned char)(sum >> 8);
	p[IP_HEADER + 3] = (unsigned char)sum;
}

void neighbour_advert(const unsigned char *p, const struct address *target,
		      const unsigned char mac[6], unsigned char out[NEIGHBOUR_ADVERT])
{
	static const unsigned char nobody[16];
	unsigned char *icmp = out + IP_HEADER;
	bool probed = memcmp(p + FROM, nobody, 16) == 0; /* a search for duplicates: all hear it */

	memset(out, 0, NEIGHBOUR_ADVERT);
	out[0] = 6 << 4;
	out[5] = NEIGHBOUR_ADVERT - IP_HEADER;
	out[6] = IPPROTO_ICMPV6;
	out[7] = HOPS;
	memcpy(out + FROM, target->b, 16);
	memcpy(out + TO,
	       probed ? (const unsigned char *)"\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1" : p + FROM, 16);
	icmp[0] = ND_NEIGHBOR_ADVERT;
	icmp[4] = probed ? 0xa0 : 0xe0; /* a router, solicited, to replace what was known */
	memcpy(icmp + 8, target->b, 16);
	icmp[24] = ND_OPT_TARGET_LINKADDR;
	icmp[25] = 1; /* of eight bytes */
	memcpy(icmp + 26, mac, 6);
	put_checksum(out, NEIGHBOUR_ADVERT);
}

int neighbour_answer(int fd, bool (*ours)(const void *data, const struct address *a),
		     const void *data)
{
	for (unsigned i = 0; i < BURST; i++) {
		unsigned char in[256], out[NEIGHBOUR_ADVERT];
		struct sockaddr_ll from = {0}, us = {0};
		socklen_t len = sizeof(from), us_len = sizeof(us);
		ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &len);
		struct address target;

		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? 0 : -errno;
		if (n < 0 || !neighbour_asked(in, (size_t)n, &target) || !ours(data, &target) ||
		    getsockname(fd, (struct sockaddr *)&us, &us_len) < 0 || us.sll_halen != 6)
			continue;
		neighbour_advert(in, &target, us.sll_addr, out);
		/* Who was not answered asks again. */
		(void)sendto(fd, out, sizeof(out), 0, (struct sockaddr *)&from, len);
	}
	return 0;
}

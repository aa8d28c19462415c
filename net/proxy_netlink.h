/* SPDX-License-Identifier: MIT */
/* What the port proxy asks of the kernel about the container's network (proxy_return.c, proxy_loopback.c). */
#pragma once
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>

struct proxy_request {
	struct nlmsghdr head; /* nlmsg_len: up to where the attributes begin; type, and flags beside REQUEST and ACK */
	union {
		struct fib_rule_hdr rule;
		struct rtmsg route;
		struct ifinfomsg link;
	} body;
	char attributes[64];
};

/** proxy_request_put() - append an attribute; there is room for eight. */
void proxy_request_put(struct proxy_request *q, unsigned short type, uint32_t value);
/** proxy_request_send() - Return: was it done, or so already? */
bool proxy_request_send(int fd, struct proxy_request *q);

/* SPDX-License-Identifier: MIT */
/* Requests to the kernel's routing socket, as few as the port proxy has: one at a time, each answered at once. */
#include "net/proxy_netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void proxy_request_put(struct proxy_request *q, unsigned short type, uint32_t value)
{
	struct rtattr *a = (void *)((char *)q + NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(sizeof(value));
	memcpy(RTA_DATA(a), &value, sizeof(value));
	q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) + RTA_LENGTH(sizeof(value));
}

bool proxy_request_send(int fd, struct proxy_request *q)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[256];
	} answer;
	ssize_t n;

	q->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, q, q->head.nlmsg_len, 0) < 0)
		return false;
	n = recv(fd, &answer, sizeof(answer), 0);
	return n >= (ssize_t)(sizeof(answer.head) + sizeof(int)) &&
	       answer.head.nlmsg_type == NLMSG_ERROR &&
	       (answer.error.error == 0 || answer.error.error == -EEXIST);
}

/* SPDX-License-Identifier: MIT */
/* Shared by the files of the port proxy: proxy.c (process, loop), proxy_tcp.c, proxy_pipe.c, proxy_udp.c,
 * proxy_target.c, proxy_return.c, proxy_loopback.c. */
#pragma once
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "net/plan.h"

/* One read; larger ones gain nothing on loopback, smaller ones cost throughput. */
#define PROXY_BUFFER (256UL * 1024)
/* Bytes read but not yet taken by the other side, over all connections, before reads become small. */
#define PROXY_HELD_MAX (32UL * 1024 * 1024)
#define PROXY_SMALL_READ 4096U
#define PROXY_COPY_MAX (16UL * 1024) /* of what is held: more keeps its buffer */
#define PROXY_SPARES 4
#define PROXY_BULK (64UL * 1024) /* a read of so much: the next bytes go by page */
#define PROXY_PIPE (512UL * 1024) /* twice as much carries less out of containers, half as much less both ways */
#define PROXY_LOCAL_QUEUE (208 * 1024) /* bytes towards a client on this machine; the kernel doubles it, and bounds it by wmem_max */
#define PROXY_PIPES_MAX 16U
#define PROXY_SPARE_PIPES 2
#define PROXY_CONNS_MAX 16384U
#define PROXY_FLOWS_MAX 1024U
#define PROXY_FLOW_IDLE_NS (90LL * 1000000000LL)

enum source_kind { SOURCE_LISTEN_TCP, SOURCE_LISTEN_UDP, SOURCE_HALF, SOURCE_FLOW, SOURCE_CONTROL };

/* First member of all that epoll can point at. */
struct source {
	enum source_kind kind;
	int fd;
	uint32_t interest; /* what epoll was told; 0: not in the set */
};

union proxy_address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct listener {
	struct source src; /* fd -EBADF: not in use */
	struct listener *next;
	bool v6;
	bool any_address; /* replies must be told their source address */
	bool to_v6; /* UDP: nobody was there over IPv4 */
	uint16_t port; /* of the container */
};

struct proxy_pipe {
	int in, out;
};

#define PROXY_NO_PIPE ((struct proxy_pipe){.in = -EBADF, .out = -EBADF})

struct conn;
struct flow;

struct proxy {
	int epoll;
	union proxy_address target4, target6; /* port 0; proxy_target() */
	bool has_target4, has_target6;
	bool shows4, shows6; /* clients of that family are seen by their own address */
	bool paces; /* TCP of the container does, by default */
	bool fixed4; /* that of slirp4netns, which is there before the device is */
	int64_t looked4_ns, looked6_ns; /* when an address was last looked for */
	int64_t now_ns; /* set once a turn of the loop */
	struct source control; /* the monitor */
	struct listener *first;
	unsigned n_listeners;
	unsigned n_conns, max_conns;
	unsigned n_flows, max_flows;
	size_t held; /* bytes in all conns' held buffers and pipes */
	bool paused; /* out of descriptors: TCP listeners are out of the epoll set */
	bool dirty; /* the buffer was used since it was given back */
	struct conn *dead; /* freed after the turn: later events of it may point at them */
	struct flow *dead_flows;
	struct flow *newest, *oldest;
	struct flow *buckets[256];
	unsigned char *buffer; /* PROXY_BUFFER bytes */
	unsigned char *spare[PROXY_SPARES]; /* buffers not in use, their pages kept until idle */
	unsigned n_spare;
	struct proxy_pipe spare_pipe[PROXY_SPARE_PIPES]; /* empty */
	unsigned n_spare_pipes, n_pipes; /* n_pipes: these and those held */
	bool no_pipes; /* the kernel gives no large ones */
};

/* Buffers of PROXY_BUFFER bytes. NULL: no memory. */
unsigned char *proxy_buffer_get(struct proxy *p);
void proxy_buffer_put(struct proxy *p, unsigned char *b);
/** proxy_pipe_get() - an empty pipe of PROXY_PIPE bytes; false: there is none to be had. */
bool proxy_pipe_get(struct proxy *p, struct proxy_pipe *ret);
void proxy_pipe_put(struct proxy *p, struct proxy_pipe *pipe); /* empty again */
void proxy_pipe_close(struct proxy *p, struct proxy_pipe *pipe); /* whatever is in it */
void proxy_pipes_trim(struct proxy *p); /* close those not in use */

/** proxy_watch() - make epoll watch @s for @interest (0: not at all). Return: 0 or -errno. */
int proxy_watch(struct proxy *p, struct source *s, uint32_t interest);

/** proxy_listen() - serve one more socket, which is taken over (@fd becomes -EBADF). Return: 0 or -errno. */
int proxy_listen(struct proxy *p, int *fd, enum net_proto proto, uint16_t port);
/** proxy_unlisten() - close it; its TCP connections go on. */
void proxy_unlisten(struct proxy *p, struct listener *l);
/** proxy_control() - what the monitor wants (port_change.c). */
void proxy_control(struct proxy *p);
/** proxy_target_init() - find where to connect to; false: the network has no address. */
bool proxy_target_init(struct proxy *p, const struct net_plan *n);
/** proxy_same_address() - of one family, and the same address, whatever the ports? */
bool proxy_same_address(const union proxy_address *a, const union proxy_address *b);
/** proxy_target() - the container's address of that family. Return: its length, 0: none. */
socklen_t proxy_target(struct proxy *p, bool v6, uint16_t port, union proxy_address *ret);

/** proxy_loopback_init() - let TCP within the container's network have long segments, where the kernel can. */
void proxy_loopback_init(struct proxy *p);
/** proxy_do_not_pace() - @fd, not yet connected, or which listens, is for a way within this machine. */
void proxy_do_not_pace(int fd);
/** proxy_return_init() - make the way back for connections from clients' own addresses, where that can be. */
void proxy_return_init(struct proxy *p);
/** proxy_show_client() - let @fd, not yet connected to @to, come from the client's address, if it may. */
void proxy_show_client(const struct proxy *p, int fd, const union proxy_address *client,
		       const union proxy_address *to);
/** proxy_prefers_v6() - would this client be seen by its own address over IPv6? */
bool proxy_prefers_v6(struct proxy *p, const union proxy_address *client);

void tcp_prepare(struct listener *l); /* what its connections inherit */
void tcp_accept(struct proxy *p, struct listener *l);
void tcp_event(struct proxy *p, struct source *s, uint32_t events);
void tcp_bury(struct proxy *p); /* free what died in this turn */

int udp_prepare(struct listener *l);
void udp_receive(struct proxy *p, struct listener *l);
void udp_event(struct proxy *p, struct source *s);
void udp_expire(struct proxy *p);
void udp_forget(struct proxy *p, const struct listener *l); /* end its flows */
void udp_bury(struct proxy *p);

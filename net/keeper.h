/* SPDX-License-Identifier: MIT */
/*
 * The keeper (program cuddy-net, pkg/net): one a user while containers with bridged networks run. It owns
 * the network namespace with all bridges and serves @keeper_dir/socket. A connection is a container's
 * place in its networks: it begins with a request and ends with the connection, whoever closes it.
 * Here is the side of those who connect: monitors.
 *
 * A guard is a keeper of one container that is in no bridged network: it has its allow-list (--egress) be
 * kept, with @keeper_dir below the container's runtime directory.
 */
#pragma once
#include "net/bridge.h"
#include "net/plan.h"

#define KEEPER_SOCKET "socket"
#define KEEPER_LOCK "lock" /* held by a keeper for life */
#define KEEPER_START "start.lock" /* held while one is being started, or looks whether it may end */

/*
 * A request on the wire: this head, the request, the lease that the container had (maybe empty). Without a
 * request and with an id for a lease it asks what keeper_refused() returns, as text.
 */
struct keeper_head {
	uint32_t request_len, lease_len;
};
/* The answer: this head, then the lease, or the trail of @code. */
struct keeper_reply {
	int32_t code;
	uint32_t len;
};
#define GUARD_DIR "guard"
/* Where a guard answers for names, inside: as docker has it. */
#define GUARD_DNS "127.0.0.11"
#define KEEPER_MESSAGE_MAX (sizeof(struct keeper_head) + BRIDGE_REQUEST_MAX + BRIDGE_LEASE_MAX)

/** keeper_connect() - to the keeper, which is started where there is none; a descriptor. Waits for it. */
int keeper_connect(const struct net_plan *n);
/** keeper_try_connect() - to one that is there; -ENOENT, -ECONNREFUSED without a trail. */
int keeper_try_connect(const struct net_plan *n);
/** keeper_netns() - the namespace of its bridges, a descriptor; -ENOENT (no trail): there is no keeper. @dir: keeper_dir. */
int keeper_netns(const char *dir);
/** keeper_request() - ask for @request in the namespace @netns; @lease: what it had, may be "". No trail. */
int keeper_request(int fd, const void *request, size_t n, const char *lease, int netns);
/** keeper_refused() - how often the container @id was refused by its --egress; @dir: keeper_dir. -ENOENT: not known. */
int keeper_refused(const char *dir, const char *id, uint64_t *ret);
/**
 * keeper_answer() - read the answer; @lease has room for BRIDGE_LEASE_MAX
 * Return: 0; what the keeper said; -ECONNRESET when it is gone; -EAGAIN (no trail) when @fd does not wait.
 */
int keeper_answer(int fd, char *lease);
/**
 * keeper_join() - all of the above, waiting: the connection, with @lease filled in
 * Once more when the keeper was on its way out.
 */
int keeper_join(const struct net_plan *n, int netns, char *lease);

/* SPDX-License-Identifier: MIT */
/* What the keeper knows; only for the files of this folder. main.c has the theory. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/address.h"
#include "net/egress.h"
#include "net/keeper.h"

struct mnl_socket;

struct subnet {
	struct address_net net;
	struct address gateway; /* family 0: none */
	struct address first, last; /* of what is given out */
	struct address cursor; /* the last one given out */
};

/* A bridge, while containers are in it. */
struct network {
	char *name, *id, *bridge;
	uint32_t flags;
	unsigned mtu;
	struct subnet subnets[BRIDGE_SUBNETS_MAX];
	unsigned n_subnets;
	struct address reserved[BRIDGE_LIST_MAX]; /* given to nobody */
	unsigned n_reserved;
	int index; /* of the bridge */
	unsigned users;
};

/* A container's place in a network. */
struct endpoint {
	struct network *net;
	char link[16]; /* our end of its veth pair */
	struct bridge_lease lease;
	unsigned metric;
	int32_t priority;
	bool leads_out[2]; /* IPv4, IPv6: it has a default route of the container */
	struct address ip, ip6; /* the same as in the lease; family 0: none */
	char *names; /* "a b c" */
	char *links; /* "other:name other:name" */
	char *servers; /* whom to ask for names of outside; " " between */
};

/* A monitor that is connected. */
struct client {
	int fd; /* -EBADF: free */
	int netns;
	char id[65];
	struct endpoint v[BRIDGE_NETS_MAX];
	unsigned n;
	struct egress_item *egress; /* NULL: it may reach everything (egress.h) */
	unsigned n_egress;
	char *servers; /* of a guard: whom to ask for names; " " between */
	uint64_t refused; /* questions for names that it may not reach */
};

/* An address of a container whose monitor has not come back to us yet. */
struct reserved {
	char id[65], network[129];
	struct address ip, ip6;
};

struct keeper {
	int dir, listen_fd, netns;
	int ready_fd; /* one byte of each slirp4netns that is ready; -EBADF: no way out */
	bool uplink_ready;
	bool uplink_fails; /* it does not come up: nobody waits for it */
	bool uplink_is_pasta; /* it knows one address only */
	int neighbour_fd; /* who asks for addresses that are not masked (neighbour.h); -EBADF: nobody has one */
	bool filters; /* nftables are there */
	bool guards; /* one container's allow-list, and no bridges (net/keeper.h) */
	char warning[256]; /* for the first who comes, else "" */
	struct mnl_socket *nl;
	struct client *clients;
	unsigned n_clients, max_clients;
	struct network **networks;
	unsigned n_networks;
	struct reserved *reserved;
	unsigned n_reserved;
	bool served; /* a container was here */
	bool useless; /* a container came that we have no power over, and none is here */
	unsigned next_link;
	int names_fd; /* to the server of names */
	pid_t names_pid;
};

/* keeper.c */
int keeper_serve(struct keeper *k);

/* main.c */
/** keeper_answer_for_containers() - who looks for one's address on the side of the way out finds us (ARP). */
void keeper_answer_for_containers(void);

/* network.c */
/** network_get() - the bridge of @a, made where it is not; one more user. */
int network_get(struct keeper *k, const struct bridge_attach *a, struct network **ret);
/** network_put() - one user less; the last takes the bridge along. */
void network_put(struct keeper *k, struct network *n);
/** network_renew_rules() - all of them anew, in one step: somebody may have taken them away. */
int network_renew_rules(struct keeper *k);
/** network_device_is_valid() - may it be the name of a device, and no more than that? */
bool network_device_is_valid(const char *name);

/* endpoint.c */
/** endpoint_add() - @c into the network of @a, with the addresses of @had where they are free. */
int endpoint_add(struct keeper *k, struct client *c, const struct bridge_request *q,
		 const struct bridge_attach *a, const struct bridge_lease *had);
/** endpoint_lead_out() - a default route for each family that has none and could have one. */
int endpoint_lead_out(struct keeper *k, struct client *c);
/** endpoint_rename() - other names and servers for one that is there; false: they are what they were. */
bool endpoint_rename(struct endpoint *e, const struct bridge_request *q,
		     const struct bridge_attach *a);
/** endpoint_words() - " " between them; what is no word is left out. malloc'ed. */
char *endpoint_words(const struct bridge_list *l);
/** endpoint_remove() - and its devices. */
void endpoint_remove(struct keeper *k, struct client *c, unsigned i);

/* pool.c */
/** pool_read() - what containers that still run have, and we have not heard of. */
void pool_read(struct keeper *k);
/** pool_take() - an address of @s for the container @id: @want where it is free (@fixed: or none at all), else the next one. */
int pool_take(struct keeper *k, struct network *n, struct subnet *s, const char *id,
	      const struct address *want, bool fixed, struct address *ret);
/** pool_arrived() - @id is here: its reservations are not needed any more. */
void pool_arrived(struct keeper *k, const char *id);

/* names_client.c */
int names_start(struct keeper *k);
/** names_update() - tell the server of names who is here; returns when it knows. */
void names_update(struct keeper *k);
/** names_speaks() - it has something to say (egress.h); false: it died. */
bool names_speaks(struct keeper *k);

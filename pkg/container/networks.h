/* SPDX-License-Identifier: MIT */
/* Networks as users name them: made, found, shown, removed; and a container's place in them. */
#pragma once
#include "pkg/container/container.h"
#include "storage/network.h"

struct json_object;

struct network_request {
	const char *name; /* NULL: make one up */
	const char *driver, *ipam_driver, *device;
	struct strv subnets, gateways, ranges, options, labels, servers, routes;
	struct strv reserved; /* "NAME=IP" */
	struct strv ipam_options;
	int ipv4; /* 0: IPv6 alone; -1 unset, 1 */
	bool ipv6, internal, no_names, ignore;
};
/* Of --opt, as docker calls them. */
#define NETWORK_OPT_ICC "com.docker.network.bridge.enable_icc"
#define NETWORK_OPT_MASQUERADE "com.docker.network.bridge.enable_ip_masquerade"
#define NETWORK_OPT_BINDING "com.docker.network.bridge.host_binding_ipv4"
/** network_make() - check all of it, then make it. @ret_name: malloc'ed. */
int network_make(struct store *st, const struct network_request *q, char **ret_name);
/** network_resolve() - a name, an id or the unique beginning of one; -CE_NO_NETWORK, -CE_AMBIGUOUS. malloc'ed. */
int network_resolve(struct store *st, const char *name, char **ret);
/** network_option() - the value of "key" among @r's options; NULL. */
const char *network_option(const struct network_record *r, const char *key);

/** network_inspect() - podman's shape, with the containers that run in it. */
int network_inspect(struct store *st, const char *name, struct json_object **ret);
/** network_rows() - those that match the filters, sorted by name, as inspect objects without containers. */
int network_rows(struct store *st, const struct strv *filters, struct json_object **ret);
/** network_users() - names of containers that have it in their record. */
int network_users(struct store *st, const char *name, struct strv *ret);
/** network_event_body() - what events say of the network itself; @name is a valid one; malloc'ed. */
char *network_event_body(const char *name);
/** network_drop() - remove one that no container has; -CE_IN_USE naming them. */
int network_drop(struct store *st, const char *name);
/** network_unused() - names of those that prune removes. */
int network_unused(struct store *st, const struct strv *filters, struct strv *ret);
/** network_set_servers() - other name servers; running containers have them at once, also where they ask them themselves. */
int network_set_servers(struct store *st, const char *name, const struct strv *add,
			const struct strv *drop);

/* --- a container's place in one: "NAME[:ip=A,ip6=A,mac=M,alias=N,interface_name=D,gw-priority=N,link=C:N]" -------- */

struct endpoint_spec {
	char *network;
	char *ip, *ip6, *mac, *device; /* NULL: chosen */
	int32_t priority;
	struct strv aliases;
	struct strv links; /* "CONTAINER:NAME" */
};
void endpoint_spec_done(struct endpoint_spec *e);
/** endpoint_spec_parse() - usage error with the reason. */
int endpoint_spec_parse(const char *spec, struct endpoint_spec *ret);
char *endpoint_spec_format(const struct endpoint_spec *e); /* malloc'ed; what parse reads */

/** endpoint_name_means_itself() - localhost and the like mean something everywhere and are nobody's to take. */
bool endpoint_name_means_itself(const char *s);

/** networks_check() - do the networks of @rec exist, and are its addresses in them? */
int networks_check(struct store *st, const struct container_record *rec);
/**
 * networks_match() - is @rec in the network that a filter calls @want: its name, its id or the first twelve digits of that?
 * Or is @want the mode of one that is in none, such as host?
 */
bool networks_match(struct store *st, const struct container_record *rec, const char *want);
/** networks_request() - bridge_request_encode() of what @rec is to have. @servers: in place of its --dns; or NULL. */
int networks_request(struct store *st, const struct container_record *rec,
		     const struct strv *servers, struct sbuf *out);
/** networks_servers() - addresses at which names are answered for, or (none are) the servers themselves. */
int networks_servers(struct store *st, const struct container_record *rec, struct strv *ret,
		     bool *ret_names);
/** networks_resolv_conf() - what its file says with the networks of @rec; 1: the image's stays. */
int networks_resolv_conf(struct store *st, const struct container_record *rec, struct sbuf *out);
/** networks_renew_resolv_conf() - its networks are others than when it was @was: the file too, if nobody has changed it. */
int networks_renew_resolv_conf(struct store *st, const struct container *c, const struct sbuf *was);

/** container_connect() - into one more network, at once when it runs. */
int container_connect(struct store *st, struct container *c, const struct endpoint_spec *e);
/** container_disconnect() - out of it; @force: also one that it is not in. */
int container_disconnect(struct store *st, struct container *c, const char *network, bool force);
/** container_renew_networks() - tell its monitor what the record and the definitions say now. */
int container_renew_networks(struct store *st, struct container *c);

/** networks_warn() - say what the keeper had to say when the container joined. */
void networks_warn(const struct container *c);
/** networks_inspect() - NetworkSettings.Networks. */
struct json_object *networks_inspect(const struct container *c);
/** networks_refused() - how often its --egress refused it in this run; false: it has none, or does not run. */
bool networks_refused(const struct container *c, uint64_t *ret);
/** container_lease() - the first address of each family that it has now; false: none. */
struct bridge_lease;
bool container_lease(const struct container *c, struct bridge_lease *ret);

struct net_port_list;
/** networks_bind() - ports of @l without an address get that which the first of @rec's networks that says one has. */
int networks_bind(struct store *st, const struct container_record *rec, struct net_port_list *l);

/* SPDX-License-Identifier: MIT */
/*
 * Definitions of networks: networks/<name>.json, with podman's field names. The network "podman" is there
 * without a file; a file of that name changes it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

#define NETWORK_DEFAULT "podman" /* what "--network bridge" means */

struct network_subnet {
	char *net, *gateway, *first, *last; /* text; NULL: none, the whole subnet */
};

struct network_record {
	char *name, *id, *device;
	int64_t created_ns;
	struct network_subnet *subnets;
	unsigned n_subnets;
	struct strv routes; /* "net,gateway[,metric]" */
	struct strv servers; /* of names */
	struct strv labels, options; /* "k=v" */
	struct strv reserved; /* "name=address": given to no container */
	bool ipv6, internal, names; /* names: of containers are answered for */
};
void network_record_done(struct network_record *r);
/** network_record_add() - one more subnet, empty. */
struct network_subnet *network_record_add(struct network_record *r);

/** network_lock() - whoever makes, changes or removes definitions holds it from the look to the change. */
int network_lock(struct store *st);
/** network_save() - durable; @replace: -EEXIST (no trail) without it when there is one. */
int network_save(struct store *st, const struct network_record *r, bool replace);
int network_load(struct store *st, const char *name,
		 struct network_record *ret); /* -CE_NO_NETWORK */
/** network_list() - names, sorted, the default one among them. */
int network_list(struct store *st, struct strv *ret);
int network_remove(struct store *st, const char *name);

struct json_object;
/** network_json() - podman's inspect object. */
struct json_object *network_json(const struct network_record *r);

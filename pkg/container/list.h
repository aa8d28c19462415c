/* SPDX-License-Identifier: MIT */
/* `ps`: rows of containers, filtered and sorted. Needs no namespace. */
#pragma once
#include <json-c/json.h>

#include "pkg/container/container.h"

struct list_query {
	bool all; /* not only running ones */
	bool no_trunc;
	bool size; /* count what each takes on disk; enters the base namespace */
	bool json; /* make @ret_json, not @ret_rows */
	bool namespaces; /* say which ones each is in */
	int64_t last; /* newest n, whatever their state; 0: no limit */
	const struct strv *filters; /* "key=value" */
	const struct strv *pods; /* "ID=NAME" of all; NULL: their names are not shown */
	const char *sort; /* command created id image names runningfor status; NULL: created */
};

/** list_pods() - "ID=NAME" of all pods, for list_query.pods. */
int list_pods(struct store *st, struct strv *ret);

/**
 * container_list() - @ret_rows: an object of strings for tables and templates for each container;
 * or @ret_json: what --format json prints (podman's shape). The array is the caller's, the other NULL.
 */
int container_list(struct store *st, const struct list_query *q, struct json_object **ret_rows,
		   struct json_object **ret_json);

/** list_wants_namespaces() - does a template name one of them? They cost a look at each process. */
bool list_wants_namespaces(const char *format);
void list_set_namespaces(struct json_object *o, const struct container *c, bool json);

/* What the default table shows of a container, in the order of its columns. */
enum {
	LIST_ID,
	LIST_IMAGE,
	LIST_COMMAND,
	LIST_CREATED,
	LIST_STATUS,
	LIST_PORTS,
	LIST_NAMES,
	LIST_CELLS
};
/** container_list_cells() - only that, without making objects: @row is called for each. */
int container_list_cells(struct store *st, const struct list_query *q,
			 void (*row)(void *arg, const char *const cells[LIST_CELLS]), void *arg);

/** container_select() - ids that match @filters (any state); for stop, rm … --filter and --all. */
int container_select(struct store *st, const struct strv *filters, bool running_only,
		     struct strv *ret_ids);

/**
 * container_ports() - "0.0.0.0:8080->80/tcp, 0.0.0.0:9000-9002->90-92/tcp, …": as given out while it runs, else as
 * asked for. malloc'ed.
 */
char *container_ports(const struct container *c);
/** container_port_list() - the same as data; from the runtime directory while it runs. */
struct net_port_list;
int container_port_list(const struct container *c, struct net_port_list *ret);
/** container_status_line() - "Up 5 minutes", "Exited (0) 3 hours ago", "Created". malloc'ed. */
char *container_status_line(const struct container *c);

/* SPDX-License-Identifier: MIT */
/*
 * Pods: containers that share namespaces and come and go together. A pod is a record (storage/pod.h);
 * its members are containers whose records name it.
 *
 * What members share is held by one more container, the *infra container*: it has the pod's network,
 * ports, host name and id maps, and no image. Its monitor is a monitor like any other, but keeps the
 * namespaces by descriptors, and no process is in them (rt_plan.pin); in a pod that shares process
 * numbers there is a pid 1, our own, which executes nothing and reaps. So members
 * join it as "container:ID", are started after it because they require it, and survive each other.
 * Members have the infra container's user namespace too: rights over what is shared follow from that.
 */
#pragma once
#include "pkg/container/container.h"
#include "pkg/container/prune.h"
#include "storage/pod.h"

/* What a user asked for with `pod create`, as the option table left it. */
struct pod_request {
	const char *name; /* NULL: make one up */
	const char *share, *exit_policy, *restart, *infra_name, *infra_image, *infra_command;
	const char *pod_id_file;
	bool no_infra, replace, own_parents;
	struct strv label, label_file, security_opt;
	/* network, ports, names, maps, volumes … of what is shared; its limits are the pod's */
	struct container_request infra;
};

/** pod_create() - checked, then made; on failure nothing is left behind. */
int pod_create(struct store *st, const struct pod_request *q, struct pod_record *ret);

/**
 * pod_clone() - a new pod with new containers, as those of @from were when they were made
 * @q: what is to be other, or there besides. Its network, ports, names in /etc/hosts and exit policy are the original's.
 */
int pod_clone(struct store *st, const struct pod_record *from, const struct pod_request *q,
	      struct pod_record *ret);

struct pod_members {
	struct container
		*v; /* the infra container first, then in the order in which they were made */
	size_t n;
};
/** pod_members() - all that are there. */
int pod_members(struct store *st, const struct pod_record *pod, struct pod_members *ret);
void pod_members_done(struct pod_members *m);
/** pod_status() - "Created" "Running" "Degraded" "Paused" "Stopped" "Exited" as podman says. */
const char *pod_status(const struct pod_members *m);

/* A container's request made one of a member; owns what the request points at from then on. */
struct pod_joined {
	struct pod_record pod;
	char *mode, *name;
	struct strv requires, volumes_from, security_opts, env, devices;
	bool made; /* the pod is new, as asked by new: */
};
/** pod_join() - q->pod, when there is one: before defaults are applied. */
int pod_join(struct store *st, struct container_request *q, struct pod_joined *j);
/** pod_join_end() - after container_create() said @r: a pod that is being removed takes nobody, one that was made for it goes again. */
int pod_join_end(struct store *st, struct pod_joined *j, struct container *c, int r);
void pod_joined_done(struct pod_joined *j);

/** pod_start() - the infra container, init containers one after the other, then the rest. */
int pod_start(struct store *st, const struct pod_record *pod);
/** pod_stop() - all at once, the infra container last. @grace_s: -2 each one's own. */
int pod_stop(struct store *st, const struct pod_record *pod, int64_t grace_s);
int pod_kill(struct store *st, const struct pod_record *pod, int sig);
int pod_pause(struct store *st, const struct pod_record *pod, bool pause);
struct pod_removal {
	bool force;
	int64_t grace_s;
};
/** pod_remove() - members too; -CE_BAD_STATE when one runs and force is not set. */
int pod_remove(struct store *st, const char *name, const struct pod_removal *o);
/** pod_remove_container() - @c; with a pod's infra container the pod, whose others live in what it holds. */
int pod_remove_container(struct store *st, struct container *c, const struct remove_options *o);
/** pod_remove_users() - the containers @names so, by force; who is gone already is no error. @grace_s as in remove_options. */
int pod_remove_users(struct store *st, const struct strv *names, int64_t grace_s);

/** pod_prune() - those that have stopped. */
int pod_prune(struct store *st, prune_told *told, void *arg);

struct json_object;
/** pod_inspect() - podman's shape. */
int pod_inspect(struct store *st, const struct pod_record *pod, struct json_object **ret);
struct pod_query {
	const struct strv *filters;
	const char *sort;
	bool no_trunc, ctr_ids, ctr_names, ctr_status;
};
/** pod_rows() - for tables and templates, and podman's JSON. */
int pod_rows(struct store *st, const struct pod_query *q, struct json_object **ret_rows,
	     struct json_object **ret_json);
/** pod_event() - to the journal. */
void pod_event(struct store *st, const struct pod_record *pod, const char *status);
struct event_pending;
/** pod_event_begin() - before the change (event_begin()). */
void pod_event_begin(struct store *st, const struct pod_record *pod, const char *status,
		     struct event_pending *ret);

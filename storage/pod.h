/* SPDX-License-Identifier: MIT */
/* Pods: pods/<name>.json. Who is in one is said by the containers' own records. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "storage/store.h"

struct pod_record {
	char *name, *id;
	int64_t created_ns;
	bool removing; /* nobody may join any longer; what is left of it is to be removed */
	bool limited; /* its infra container's limits are those of all of them together */
	bool own_parents; /* --share-parent=false: cgroup_parent is the infra container's alone */
	bool no_hosts, no_hostname; /* leave that file of the images alone */
	char *infra; /* id of the container that holds what is shared; NULL: nothing is */
	char *hostname;
	char *exit_policy; /* "continue" "stop" */
	char *restart; /* policy of its containers that name none; NULL */
	char *cgroup_parent;
	char *gpus, *systemd_tmpfs; /* of its containers: --gpus, and bytes */
	struct strv share; /* "ipc" "net" "pid" "user" "uts" "cgroup" */
	struct strv labels, security_opts, devices, create_command;
};
void pod_record_done(struct pod_record *r);

/** pod_lock() - whoever makes, changes or removes records holds it from the look to the change. */
int pod_lock(struct store *st);
/** pod_save() - durable; without @replace -EEXIST (no trail) when there is one of its name. */
int pod_save(struct store *st, const struct pod_record *r, bool replace);
int pod_load(struct store *st, const char *name, struct pod_record *ret); /* -CE_NO_POD */
/** pod_resolve() - of a name, id or unique prefix of an id. -CE_NO_POD, -CE_AMBIGUOUS. */
int pod_resolve(struct store *st, const char *name, struct pod_record *ret);
/** pod_list() - names, sorted. */
int pod_list(struct store *st, struct strv *ret);
int pod_drop(struct store *st, const char *name);

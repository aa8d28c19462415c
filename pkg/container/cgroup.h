/* SPDX-License-Identifier: MIT */
/* A container and its cgroup: what is asked for, and where its monitor is put at a start. */
#pragma once
#include "pkg/cgroup/cgroup.h"
#include "pkg/conmon/client.h"
#include "pkg/container/limits.h"

struct container;
struct container_record;
struct container_request;

/** make_cgroup() - limits, mode, parent and manager into the record; refused where the host cannot (container_make()). */
int make_cgroup(const struct container_request *q, struct container_record *r);

/* One start's cgroup: the request, and what came of it. */
struct cgroup_start {
	struct limit_files files, pod_files;
	struct cgroup_request request;
	struct cgroup_made made;
	struct conmon_place place; /* for conmon_start() */
	bool wanted; /* place is to be used */
};

/** cgroup_start_init() - everything that can be known before a process exists. @infra: the record that rec->pod_limits names; or NULL. */
int cgroup_start_init(const struct container_record *rec, const struct container_record *infra,
		      struct cgroup_start *s);
void cgroup_start_done(struct cgroup_start *s);

/** container_gets_cgroup() - will a start of @rec put it into a cgroup of its own? Leaves no trail. */
bool container_gets_cgroup(const struct container_record *rec);

/** container_cgroup() - the directory in which its pid 1 is, NULL (no trail) when it has no cgroup of its own; malloc'ed. */
char *container_cgroup(const struct container *c);

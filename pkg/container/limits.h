/* SPDX-License-Identifier: MIT */
/*
 * What a user may bound: flags (run, create, update) → fields of the record → files of a cgroup.
 * The kernel's units are version 2's; where a flag speaks version 1's (shares), it is translated as
 * other tools do.
 */
#pragma once
#include <stdint.h>

#include "pkg/base/strv.h"
#include "pkg/cgroup/cgroup.h"

struct container_record;

/* As the option table left it; 0 and NULL are "not given". */
struct limit_request {
	uint64_t memory, memory_reservation; /* bytes */
	const char *memory_swap; /* size of memory and swap together, or -1 */
	const char *cpus; /* "1.5" */
	unsigned cpu_shares, cpu_period, blkio_weight;
	int64_t cpu_quota; /* microseconds in a period; negative: no bound */
	const char *cpuset_cpus, *cpuset_mems;
	int64_t pids_limit; /* -1: no bound; LIMIT_UNSET */
	struct strv blkio_weight_device;
	struct strv device_read_bps, device_write_bps, device_read_iops, device_write_iops;
};
#define LIMIT_UNSET INT64_MIN
#define LIMIT_REQUEST_DEFAULTS             \
	{                                  \
		.pids_limit = LIMIT_UNSET, \
	}

#define PIDS_LIMIT_DEFAULT 2048

/** limits_merge() - check @q and put what it gives over what @rec has; -CE_USAGE, then @rec is as before. */
int limits_merge(const struct limit_request *q, struct container_record *rec);
/** limits_given() - whether @q asks for anything. */
bool limits_given(const struct limit_request *q);

/* The files to write for a record; owns all strings. */
struct limit_files {
	struct cgroup_limit *v;
	unsigned n;
	struct strv keep;
};
int limits_files(const struct container_record *rec, struct limit_files *ret);
/** limits_pod_files() - of an infra container's record: those of the pod's cgroup. limits_files() has the rest. */
int limits_pod_files(const struct container_record *rec, struct limit_files *ret);
void limits_files_done(struct limit_files *f);

/** limits_request() - the record's wishes as a request to pkg/cgroup; @manager over the record's unless CGROUP_AUTO. */
int limits_request(const struct container_record *rec, enum cgroup_manager manager,
		   const struct limit_files *f, struct cgroup_request *ret);

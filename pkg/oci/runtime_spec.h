/* SPDX-License-Identifier: MIT */
/*
 * config.json of an OCI bundle (runtime-spec 1.2): what of it a runtime acts on, strictly typed and
 * bounded (threats R33). Members that are not known are ignored, as the spec demands; known ones that
 * would change what a container may do and are not understood are refused by whoever translates it.
 * Strings point into @doc, which the structure holds.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/strv.h"

struct json_object;

#define OCI_RUNTIME_VERSION "1.2.0"
#define OCI_SPEC_MAX (16U << 20) /* bytes of a config.json */

enum oci_ns_kind {
	OCI_NS_USER,
	OCI_NS_PID,
	OCI_NS_UTS,
	OCI_NS_IPC,
	OCI_NS_NETWORK,
	OCI_NS_CGROUP,
	OCI_NS_MOUNT,
	OCI_NS_TIME,
	OCI_NS_KINDS
};

struct oci_namespace {
	bool present;
	const char *path; /* NULL: a new one */
};

/* Clocks that a time namespace may set apart from the host's. */
enum oci_clock { OCI_CLOCK_MONOTONIC, OCI_CLOCK_BOOTTIME, OCI_CLOCKS };

struct oci_time_offset {
	bool present;
	int64_t secs;
	uint32_t nanosecs;
};

struct oci_idmap {
	uint32_t inside, outside, count;
};

struct oci_mount {
	const char *destination, *type, *source; /* the last two may be NULL */
	struct strv options;
	bool idmapped; /* has mappings of its own */
};

struct oci_device {
	const char *path;
	char type; /* c, u, b, p */
	int64_t major, minor;
	int64_t mode, uid, gid; /* permissions; of a FIFO, others are the host's */
};

struct oci_rlimit {
	const char *type; /* "RLIMIT_NOFILE" */
	uint64_t soft, hard;
};

enum oci_cap_set {
	OCI_CAP_BOUNDING,
	OCI_CAP_EFFECTIVE,
	OCI_CAP_INHERITABLE,
	OCI_CAP_PERMITTED,
	OCI_CAP_AMBIENT,
	OCI_CAP_SETS
};

#define OCI_CPUS_MAX 8192U /* the kernel's most */

/* How the kernel is to treat a process, in the numbers of sched_setattr(2) and ioprio_set(2). */
struct oci_scheduling {
	bool has_policy; /* "scheduler" was given */
	uint32_t policy, priority;
	int32_t nice;
	uint64_t flags, runtime_ns, deadline_ns, period_ns;
	uint32_t io_class, io_priority; /* class 0: not given */
	/* Masks of OCI_CPUS_MAX bits, for exec alone: before and in the container's cgroup; NULL: as it is. */
	uint8_t *cpus_initial, *cpus_final;
};

struct oci_process {
	bool terminal, no_new_privileges;
	uint32_t rows, cols;
	uint32_t uid, gid;
	uint32_t umask; /* as the spec's default where it is missing */
	bool has_umask;
	uint32_t *groups;
	unsigned n_groups;
	struct strv args, env;
	const char *cwd;
	bool has_caps;
	struct strv caps[OCI_CAP_SETS];
	struct oci_rlimit *rlimits;
	unsigned n_rlimits;
	const char *apparmor, *selinux;
	bool has_oom_score_adj;
	int64_t oom_score_adj;
	struct oci_scheduling scheduling;
};

enum oci_hook_stage {
	OCI_HOOK_PRESTART,
	OCI_HOOK_CREATE_RUNTIME,
	OCI_HOOK_CREATE_CONTAINER,
	OCI_HOOK_START_CONTAINER,
	OCI_HOOK_POSTSTART,
	OCI_HOOK_POSTSTOP,
	OCI_HOOK_STAGES
};
extern const char *const oci_hook_stages[OCI_HOOK_STAGES];
extern const char *const oci_ns_names[OCI_NS_KINDS];

struct oci_hook {
	enum oci_hook_stage stage;
	const char *path;
	struct strv args, env;
	uint32_t timeout_s;
};

struct oci_spec {
	struct json_object *doc;
	const char *version;
	bool has_process;
	struct oci_process process;
	const char *root_path;
	bool root_read_only;
	const char *hostname, *domainname;
	struct oci_mount *mounts;
	unsigned n_mounts;
	struct oci_hook *hooks;
	unsigned n_hooks;
	struct strv annotations; /* "k=v" */
	struct oci_namespace ns[OCI_NS_KINDS];
	struct oci_idmap *uid_map, *gid_map;
	unsigned n_uid_map, n_gid_map;
	struct oci_device *devices;
	unsigned n_devices;
	const char *cgroups_path;
	struct json_object *resources; /* NULL: none */
	struct json_object *seccomp; /* NULL: none */
	struct strv sysctls; /* "k=v" */
	struct strv masked, read_only;
	const char *propagation; /* of the root */
	const char *mount_label, *personality;
	struct strv personality_flags;
	bool has_intel_rdt;
	struct oci_time_offset offsets[OCI_CLOCKS];
};

/** oci_spec_parse() - -CE_BAD_FORMAT with the member's name, -CE_LIMIT. oci_spec_done() also after failure. */
int oci_spec_parse(const char *json, size_t n, struct oci_spec *ret);
void oci_spec_done(struct oci_spec *s);
/** oci_process_parse() - the "process" object alone (exec --process). */
int oci_process_parse(struct json_object *o, struct oci_process *ret);
void oci_process_done(struct oci_process *p);
/** oci_hook_parse() - one hook of @stage. */
int oci_hook_parse(struct json_object *o, enum oci_hook_stage stage, struct oci_hook *ret);
void oci_hook_done(struct oci_hook *h);

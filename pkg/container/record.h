/* SPDX-License-Identifier: MIT */
/*
 * A container as it is kept on disk (containers/<id>/record.json): every decision made at creation,
 * so that start needs neither the command line nor the image's config. Written once by create,
 * rewritten by rename and by start (random ports). State lives with the monitor (pkg/conmon/client.h).
 *
 * One table (record.c) gives reading and writing; a field that is not in it is not kept.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "net/plan.h"
#include "pkg/base/sbuf.h"
#include "pkg/base/strv.h"

enum mount_kind { MOUNT_BIND, MOUNT_VOLUME, MOUNT_TMPFS, MOUNT_IMAGE, MOUNT_DEVPTS, MOUNT_RAMFS };

/* One -v, --mount, --tmpfs or image volume, checked and resolved. */
struct mount_spec {
	enum mount_kind kind;
	char *source; /* absolute host path, volume name or image; NULL for tmpfs and the like */
	char *target; /* absolute, cleaned */
	char *data; /* tmpfs, devpts: "size=…,mode=…" */
	char *subpath; /* volume, image: this directory or file of it; NULL: all */
	char *upper, *work; /* O: where changes go; NULL: they go with the container */
	struct strv layers; /* image: bottom first */
	uint32_t flags; /* RT_MNT_* */
	uint32_t propagation; /* MS_* or 0 */
	bool overlay; /* O; image: may be written to */
	bool held; /* infra: a volume for those of its pod that name it, not theirs by itself */
	bool anonymous; /* volume made for this container, goes with it */
	bool no_copy; /* volume: do not fill it from the image */
	char *options; /* as given, for inspect */
	/* For the making only, not kept: */
	bool no_create; /* volume: it must be there */
	bool create_source; /* bind: make a directory where there is nothing */
	struct strv volume_labels, volume_options; /* of a volume that is made */
};

struct container_record {
	char *id, *name;
	char *image, *image_id, *image_digest;
	char *rootfs; /* instead of an image: a directory of the user's */
	bool rootfs_overlay; /* which stays as it is */
	struct strv layers; /* diffIDs, bottom first; also tells image removal what is in use */
	struct strv mount_layers; /* those of images that are mounted, each once: in use as well */
	int64_t created_ns;
	struct strv create_command; /* argv of the cuddy that made it */

	struct strv entrypoint, cmd; /* argv is both */
	struct strv env;
	char *user, *workdir, *hostname, *domainname, *umask;
	struct strv labels, annotations, group_add;
	bool tty, interactive, auto_remove, init, privileged, no_new_privs, read_only,
		read_only_tmpfs;
	bool writable_cgroups; /* --security-opt: may divide its own */
	bool remove_image; /* --rmi: with the container, unless another one has it; only with auto_remove */
	bool no_passwd; /* leave /etc/passwd and /etc/group of the image alone */
	char *timezone; /* file of the host that is /etc/localtime inside */
	char *init_path; /* instead of our own init */
	char *pidfile; /* takes the number of pid 1 at each start */
	char *conmon_pidfile; /* that of its monitor */
	char *cidfile; /* has got the id, for inspect */
	bool systemd; /* pid 1 is systemd or the like: writable places and cgroup */
	uint64_t systemd_tmpfs_size; /* of those places; 0: the kernel's default */
	struct strv chroot_dirs; /* which have our files of /etc, too */
	struct strv proc_options; /* "hidepid=2" */
	struct strv hooks_dirs; /* instead of the usual ones */
	char *pod; /* id of the one that it is in; NULL */
	bool is_infra; /* holds what that pod shares; without an image nothing is executed */
	bool pins; /* infra: no process of the pod is needed to keep that (rt_plan.pin) */
	bool ends_with_members; /* infra: the pod's exit policy is "stop" */
	char *pod_limits; /* id of the infra container whose limits bound all of its pod; NULL */
	char *holder; /* id of an infra container that is to know when we have ended */
	char *init_ctr; /* "once" "always": runs before the others of its pod do */
	struct strv requires; /* ids of containers that run before this one starts */
	struct strv
		host_users; /* lines of passwd: users of the host that the container is to know */
	char *passwd_entry, *group_entry; /* lines for a user or group that the image lacks */
	int64_t stop_signal, stop_timeout, timeout;
	char *sdnotify; /* "conmon" "healthy" "ignore"; NULL: the container's own business */
	char *restart; /* "on-failure" "always" "unless-stopped"; NULL: no */
	int64_t restart_max; /* 0: no bound */
	struct health_spec {
		struct strv test; /* "CMD", … or "CMD-SHELL", "…"; empty: no checks */
		int64_t interval_ns; /* -1: only when asked for */
		int64_t timeout_ns, retries, successes;
	} health, startup; /* successes: of startup only, as its retries 0 is for no bound */
	int64_t health_start_period_ns, health_start_interval_ns; /* 0: none of their own */
	bool no_health_events;
	char *health_log; /* "events_logger" or a directory; NULL: with the container */
	int64_t health_max_count, health_max_size; /* 0: as usual; -1: no bound */
	char *health_on_failure; /* "kill" "restart" "stop"; NULL: none */
	char *detach_keys; /* text, "" disables; NULL: default */

	struct mount_spec *mounts;
	unsigned n_mounts;
	struct strv volumes_from; /* as given, for inspect: their mounts are among ours */
	uint64_t shm_size; /* 0: no bound */
	struct strv devices; /* "host:container:rwm" */

	char *ns_user, *ns_pid, *ns_ipc, *ns_uts, *ns_net,
		*ns_cgroup; /* "private", "host", "container:<id>" … */
	bool ipc_unshared; /* ns_ipc is "private" because somebody said so: nobody may join it */
	struct strv uid_map, gid_map; /* "inside:outside:count", outside in B; empty: B's own ids */
	char *network_options; /* after "slirp4netns:" or "pasta:" */
	struct strv networks; /* "NAME:ip=…,alias=…", endpoint_spec_parse(); with ns_net "bridge" */
	struct strv ports; /* "ip:host:container/proto", one port each; host 0 is random at start */
	struct strv exposed_ports;
	bool publish_all; /* -P: they are among the ports, this is for inspect */
	struct strv add_hosts, dns, dns_search, dns_options;
	struct strv egress; /* net/egress.h; none: it may reach everything */
	bool no_hosts, no_hostname; /* leave that file of the image alone */
	char *host_address; /* of host.containers.internal, or "none"; NULL: found at each start */
	char *hosts_file; /* absolute, "none" or "image": what /etc/hosts begins with; NULL: as usual */

	uint64_t caps, caps_added;
	char *seccomp; /* NULL: default; "unconfined"; or an absolute path */
	char *apparmor;
	bool keep_keyring;
	struct strv masked_extra, unmasked; /* security-opt mask=, unmask= ("ALL") */
	struct strv ulimits; /* "nofile=1024:2048" */
	struct strv secrets; /* which and where (secrets.h), never what */
	struct strv sysctls; /* "net.x=1" */
	bool has_oom_score_adj;
	bool linux32; /* personality */
	int64_t oom_score_adj;

	/* limits (limits.h); 0 and NULL: none */
	uint64_t memory, memory_reservation, cpu_shares, cpu_period, blkio_weight;
	int64_t memory_swap, cpu_quota, nano_cpus, pids_limit; /* -1: no bound */
	char *cpuset_cpus, *cpuset_mems;
	struct strv io_rates; /* "rbps /dev/sda:1048576" */
	struct strv cgroup_conf; /* "memory.high=1000000" */
	char *cgroups, *cgroup_parent,
		*cgroup_manager; /* NULL: enabled, the manager's, the host's */

	char *runtime; /* program that makes pid 1; NULL: our own */
	char *runtime_name; /* as it was asked for */
	struct strv runtime_flags; /* "--debug" */

	char *log_driver, *log_path, *log_tag;
	uint64_t log_max_bytes;
	int64_t log_max_files;
};

struct container_record *record_new(void);
/** record_net_mode() - what kind of network the record asks for. */
enum net_mode record_net_mode(const struct container_record *r);
void record_free(struct container_record *r);
void record_freep(struct container_record **r);
struct mount_spec *record_add_mount(struct container_record *r);
/** record_has_volume() - whether the named or anonymous volume @name is among its mounts. */
bool record_has_volume(const struct container_record *r, const char *name);
void mount_spec_done(struct mount_spec *m);
void mount_spec_copy(const struct mount_spec *from, struct mount_spec *to);

int record_parse(const char *json, size_t n, struct container_record **ret);
/** record_parse_listed() - only what lists show and filter by (LISTED in the table, and the mounts). */
int record_parse_listed(const char *json, size_t n, struct container_record **ret);
/** record_write() - JSON text, malloc'ed into @out. */
void record_write(const struct container_record *r, struct sbuf *out);

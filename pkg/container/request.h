/* SPDX-License-Identifier: MIT */
/*
 * What a user asked for with `run` or `create`, as the option table left it: text, not yet checked.
 * cmd/create_opts.c fills it; container_create() checks it and makes a record of it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/strv.h"
#include "pkg/container/limits.h"
#include "pkg/image/image.h"

/* --health-…, --no-healthcheck: text, NULL when not given. */
struct health_request {
	const char *cmd, *interval, *timeout, *retries, *start_period, *start_interval, *on_failure;
	const char *startup_cmd, *startup_interval, *startup_timeout, *startup_retries,
		*startup_success;
	const char *log, *max_count, *max_size; /* these also where there is no check */
	bool none;
};

#define STOP_TIMEOUT_DEFAULT 10

struct container_request {
	const char *image; /* operand */
	char **command; /* operands after it; NULL-terminated */
	char *const *create_argv; /* the whole command line, for the record; NULL: there was none */

	/* life cycle and terminal */
	bool rootfs; /* the operand is DIR[:O], not an image */
	const char *pod; /* --pod: NAME, ID or new:NAME; resolved by whoever knows pods */
	const char *pod_id_file;
	const char *pod_id; /* the id of that */
	bool is_infra; /* without an image nothing is executed */
	struct strv held_volumes; /* of it: names of tmpfs volumes that its pod shares */
	bool pins; /* … and no process is needed, see record.h */
	bool ends_with_members;
	const char *pod_limits; /* id of the infra container, of a pod with limits */
	const char *holder; /* id of the infra container, with that */
	const char *init_ctr; /* once always */
	bool interactive, tty, rm, init, replace;
	bool remove_image; /* --rmi, with rm */
	const char *
		network_cmd; /* containers.conf's default_rootless_network_cmd; NULL: what there is */
	const struct strv *pasta_options; /* of containers.conf; NULL: none */
	const char *name, *cidfile, *entrypoint, *workdir, *stop_signal, *detach_keys;
	int64_t stop_timeout; /* seconds; -1: default */
	unsigned timeout; /* seconds, 0: never */
	const char *init_path, *pidfile;
	struct strv requires; /* names, with commas between */
	const char *systemd; /* true false always */
	const char *conmon_pidfile;
	const char *sdnotify; /* container conmon healthy ignore */
	const char *restart; /* policy[:attempts] */
	struct health_request health;
	struct strv attach; /* stdin stdout stderr */

	/* environment and identity */
	const struct strv *default_env; /* of containers.conf, below the image's; or NULL */
	const struct strv *default_caps; /* instead of caps_default(); or NULL */
	struct strv env, env_file, env_merge, unset_env, group_add;
	bool env_host, unset_env_all, http_proxy;
	const char *tz; /* "local", "Area/City" */
	const char *user, *umask, *hostname, *domainname;
	int passwd; /* -1: default (on) */
	const char *passwd_entry, *group_entry;
	struct strv host_users; /* names or numbers */
	const char *personality;
	struct strv label, label_file, annotation;

	/* storage */
	struct strv volume, volumes_from, mount, tmpfs;
	bool make_sources; /* of volume: what is missing on the host becomes a directory */
	bool read_only;
	int read_only_tmpfs; /* -1: default (on) */
	uint64_t shm_size; /* bytes; 0: default */
	uint64_t systemd_tmpfs_size; /* bytes; 0: default */
	struct strv chroot_dirs; /* with commas between */
	const char *image_volume; /* bind tmpfs ignore */

	/* namespaces */
	struct strv uidmap, gidmap;
	const char *subuidname, *subgidname;
	const char *userns, *pid, *ipc, *uts, *cgroupns;

	/* network */
	const char *network; /* one, of whoever has no options; NULL: networks */
	struct strv networks;
	const char *ip, *ip6, *mac;
	struct strv aliases, links;
	struct strv egress;
	struct strv publish, expose, add_host, dns, dns_search, dns_option;
	const struct strv *host_ips; /* where ports are published that name no address; NULL, none: everywhere */
	bool publish_all, no_hosts, no_hostname;
	bool name_as_hostname; /* where the command line gives no hostname */
	const char *hosts_file; /* a path, "none", "image" or NULL */
	const char *host_address; /* of host.containers.internal, "none"; NULL, "": found */

	/* What containers.conf may ask for, and the command line says is not to be. */
	struct {
		bool env_host, http_proxy, init, no_hosts, privileged, read_only;
	} denied;

	/* security and limits */
	bool privileged;
	struct strv cdi_spec_dirs, hooks_dirs;
	const struct cdi_specs *cdi; /* what was read of them before; NULL: they are read when one is needed */
	const struct strv *more_hooks_dirs; /* of the global flag; NULL: none */
	const char *gpus;
	bool keep_keyring; /* that of the caller's session */
	struct strv cap_add, cap_drop, security_opt, device, ulimit, sysctl, secret;
	int64_t oom_score_adj; /* INT64_MIN: leave */

	struct limit_request limits;
	struct strv cgroup_conf;
	const char *cgroups, *cgroup_parent, *cgroup_manager;

	/* another OCI runtime */
	const char *runtime; /* name or path; NULL: ours */
	struct strv runtime_flags; /* without their dashes */
	const struct strv *more_runtime_flags; /* of the global flag; NULL: none */
	const struct strv *runtimes; /* of containers.conf: "name=path"; NULL: none */

	/* logs */
	const char *log_driver;
	struct strv log_opt;
	bool no_health_events, inspect_in_event; /* "create" tells all that inspect does */

	/* image */
	const char *pull, *platform, *os, *arch, *variant;
	bool quiet; /* for whoever makes the report */
	const struct transfer_handler *report; /* of a pull; NULL: nobody is told */
	struct transfer_access access;
};

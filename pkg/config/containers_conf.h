/* SPDX-License-Identifier: MIT */
/*
 * containers.conf(5): what a container has that nobody asked otherwise for. Later files win, key by key,
 * lists as a whole; in this order, and what does not exist is skipped:
 *
 *	/usr/share/containers/containers.conf      /etc/containers/containers.conf
 *	/etc/containers/containers.conf.d/ *.conf   $XDG_CONFIG_HOME/containers/containers.conf
 *	$XDG_CONFIG_HOME/containers/containers.conf.d/ *.conf
 *
 * and between those of /etc and the user's own, for all without root and for one of them:
 *
 *	/etc/containers/containers.rootless.conf     /etc/containers/containers.rootless.d/ *.conf
 *	/etc/containers/containers.rootless.d/UID/ *.conf (containers.rootless.conf.d is another name of it)
 *
 * A list with {append=true} adds to what earlier files have.
 *
 * CONTAINERS_CONF names one file instead of all these; the modules that --module names come after either,
 * and CONTAINERS_CONF_OVERRIDE names one more at the end. Keys that are not here are for other programs,
 * or for what cuddy does not have (ignored.h). build_cache_max, build_cache_age and build_cache_min_free of
 * [engine] are cuddy's own: what the build cache may take ("20GB", "0": all), how long what nobody uses stays in it
 * ("168h"), and how much of the file system it leaves free ("10GB", "0": any).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/strv.h"

#define CONF_UNSET INT64_MIN
#define CONF_MODULES "CUDDY_CONF_MODULES" /* environment: paths of modules, a line each */

struct conf_list {
	struct strv v;
	bool set, append;
};

struct containers_conf {
	struct conf_list add_compression, annotations, cdi_spec_dirs, cgroup_conf, default_capabilities,
		default_host_ips, default_sysctls, default_ulimits, devices, dns_options,
		dns_searches, dns_servers, env, hooks_dir, mounts, pasta_options,
		runtimes_flags, volumes;
	char *apparmor_profile, *base_hosts_file, *cgroup_manager, *compression_format,
		*host_containers_internal_ip, *image_default_format, *image_volume_mode,
		*infra_command, *infra_image, *kube_generate_type, *log_path, *log_tag,
		*pod_exit_policy, *retry_delay;
	char *cgroupns, *cgroups, *init_path, *ipcns, *log_driver, *netns, *pidns, *seccomp_profile,
		*shm_size, *tz, *umask, *userns, *utsns, *build_cache_age, *build_cache_max,
		*build_cache_min_free,
		*pull_policy, *detach_keys, *runtime, *default_rootless_network_cmd;
	struct strv engine_env; /* [engine] env: what this process has in its environment */
	struct strv runtimes; /* "name=path", of a name those to be tried first come first */
	/* numbers and truths (0, 1); CONF_UNSET */
	int64_t compression_level, container_name_as_hostname, env_host,
		events_container_create_inspect_data, healthcheck_events, http_proxy, init, keyring,
		no_hosts, privileged, read_only, log_size_max, oom_score_adj, pids_limit, retry,
		stop_timeout;
};

/**
 * containers_conf() - the files, read once a process, which keeps what they say
 * What [engine] env has is in the process's environment from then on.
 */
int containers_conf(const struct containers_conf **ret);
/** containers_conf_image_format() - image_default_format: are images that are made docker's? -CE_USAGE. */
int containers_conf_image_format(bool *ret_docker);
/** containers_conf_load() - all files, now. -CE_BAD_FORMAT names file and line. Free with containers_conf_done() also then. */
int containers_conf_load(struct containers_conf *c);
void containers_conf_done(struct containers_conf *c);
/**
 * containers_conf_module() - where the module @name is: an absolute path, or a file below containers.conf.modules
 * In $XDG_CONFIG_HOME/containers, /etc/containers and /usr/share/containers; the first counts. -CE_USAGE names them.
 */
int containers_conf_module(const char *name, char **ret);

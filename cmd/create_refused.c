/* SPDX-License-Identifier: MIT */
/*
 * Flags that podman and docker know and that no container of an ordinary user can have: each is refused
 * with the reason, so that nobody believes in a limit that is not there. Their harmless values pass.
 */
#include <string.h>

#include "cmd/create_opts.h"
#include "pkg/base/err.h"

#define A struct refused_args

const struct opt refused_opts[] = {
	OPT_STR(0, "device-cgroup-rule", "RULE", A, device_cgroup_rule, "Refused", .hidden = true),
	OPT_STR(0, "cpu-rt-period", "N", A, cpu_rt_period, "Refused", .hidden = true),
	OPT_STR(0, "cpu-rt-runtime", "N", A, cpu_rt_runtime, "Refused", .hidden = true),
	OPT_STR(0, "memory-swappiness", "N", A, memory_swappiness, "Refused", .hidden = true),
	OPT_BOOL(0, "oom-kill-disable", A, oom_kill_disable, "Refused", .hidden = true),
	OPT_STR(0, "decryption-key", "KEY", A, decryption_key, "Refused", .hidden = true),
	OPT_STR(0, "seccomp-policy", "POLICY", A, seccomp_policy, "Only default is possible",
		.hidden = true, .complete = COMPLETE_WORDS, .words = "default"),
	OPT_STR(0, "link", "CONTAINER", A, link, "Refused", .hidden = true),
	OPT_STR(0, "link-local-ip", "IP", A, link_local_ip, "Refused", .hidden = true),
	OPT_STR(0, "volume-driver", "NAME", A, volume_driver, "Only local is possible",
		.hidden = true),
	OPT_STR(0, "storage-opt", "KEY=VALUE", A, storage_opt, "Refused", .hidden = true),
	OPT_STR(0, "rdt-class", "NAME", A, rdt_class, "Refused", .hidden = true),
	OPT_STR(0, "kernel-memory", "SIZE", A, kernel_memory, "Refused", .hidden = true),
	OPT_STR(0, "isolation", "NAME", A, isolation, "Only default is possible", .hidden = true),
	OPT_BOOL(0, "use-api-socket", A, use_api_socket, "Refused", .hidden = true),
	OPT_STR(0, "health-log-destination", "PLACE", A, health_log_destination,
		"Only local is possible", .hidden = true),
	OPT_STR(0, "health-max-log-count", "N", A, health_max_log_count, "Only 5 is possible",
		.hidden = true),
	OPT_STR(0, "health-max-log-size", "N", A, health_max_log_size, "Only 500 is possible",
		.hidden = true),
	OPT_BOOL(0, "disable-content-trust", A, disable_content_trust,
		 "Does nothing, as with podman", .hidden = true),
	OPT_END,
};

static bool is_set(const char *value, const char *harmless)
{
	return value && strcmp(value, harmless) != 0;
}

int refused_check(const struct refused_args *a)
{
	const char *v1 = is_set(a->cpu_rt_period, "0")        ? "--cpu-rt-period"
			 : is_set(a->cpu_rt_runtime, "0")     ? "--cpu-rt-runtime"
			 : is_set(a->memory_swappiness, "-1") ? "--memory-swappiness"
			 : a->oom_kill_disable                ? "--oom-kill-disable"
							      : NULL;

	const struct {
		const char *flag, *value, *harmless, *why;
	} others[] = {
		{"link", a->link, "",
		 "containers of one named network know each other by name; see network create"},
		{"link-local-ip", a->link_local_ip, "",
		 "addresses are given with --ip and --ip6 in a named network"},
		{"volume-driver", a->volume_driver, "local",
		 "there are no plugins; the driver is local"},
		{"storage-opt", a->storage_opt, "",
		 "only root can bound the size of a directory tree; bound a tmpfs instead"},
		{"rdt-class", a->rdt_class, "", "classes of caches are root's to give"},
		{"kernel-memory", a->kernel_memory, "0",
		 "control groups of version 2 count it with --memory"},
		{"isolation", a->isolation, "default", "that is of another operating system"},
		{"health-log-destination", a->health_log_destination, "local",
		 "the last results are kept with the container, and every one is an event"},
		{"health-max-log-count", a->health_max_log_count, "5",
		 "the last five results are kept"},
		{"health-max-log-size", a->health_max_log_size, "500",
		 "of each result 500 characters are kept"},
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (is_set(others[i].value, others[i].harmless))
			return err_usage("--%s '%s': not supported: %s", others[i].flag,
					 others[i].value, others[i].why);
	if (a->use_api_socket)
		return err_usage("--use-api-socket: not supported: there is no daemon whose socket "
				 "it could be");
	if (a->device_cgroup_rule)
		return err_usage("--device-cgroup-rule '%s': rules for devices are programs that "
				 "only root may load; a container has the devices that --device "
				 "gives it, and no others",
				 a->device_cgroup_rule);
	if (v1)
		return err_usage("%s: control groups of version 2 do not have it; leave it out",
				 v1);
	if (a->decryption_key)
		return err_usage("--decryption-key: encrypted images are not supported; decrypt "
				 "the image first");
	if (is_set(a->seccomp_policy, "default"))
		return err_usage("--seccomp-policy '%s': an image does not choose its own filter; "
				 "name one with --security-opt seccomp=FILE",
				 a->seccomp_policy);
	return 0;
}

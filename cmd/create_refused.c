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

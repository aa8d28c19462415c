/* SPDX-License-Identifier: MIT */
/* The limits and devices of HostConfig, by the names that podman and docker give them. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/container.h"
#include "pkg/container/inspect_internal.h"
#include "pkg/container/make.h"
#include "pkg/json/json.h"
#include "pkg/oci/linux_names.h"
#include "pkg/runtime/plan.h"

/* "rbps /dev/sda:1048576" of one kind as {"Path":…,"Rate":…}. */
static struct json_object *rates_of(const struct container_record *r, const char *kind,
				    const char *key)
{
	struct json_object *a = json_object_new_array();
	size_t n = strlen(kind);

	for (size_t i = 0; i < r->io_rates.n; i++) {
		const char *s = r->io_rates.v[i], *colon = strrchr(s, ':');
		struct json_object *o;
		uint64_t rate;

		if (strncmp(s, kind, n) != 0 || s[n] != ' ' || !colon ||
		    parse_u64(colon + 1, UINT64_MAX, &rate) < 0)
			continue;
		o = json_object_new_object();
		json_set(o, "Path",
			 json_object_new_string_len(s + n + 1, (int)(colon - s - (long)n - 1)));
		json_set(o, key, json_object_new_uint64(rate));
		(void)json_object_array_add(a, o);
	}
	return a;
}

static void set_u64(struct json_object *o, const char *key, uint64_t v)
{
	json_set(o, key, json_object_new_uint64(v));
}

/* As long as they are what a container of anybody has: scripts read them, and nothing else can be said. */
static void set_constants(struct json_object *o)
{
	static const char *const zeros[] = {"CpuRealtimePeriod", "CpuRealtimeRuntime", "DiskQuota",
					    "KernelMemory",      "CpuCount",           "CpuPercent",
					    "IOMaximumIOps",     "IOMaximumBandwidth"};
	struct json_object *size = json_object_new_array();

	for (size_t i = 0; i < ARRAY_LEN(zeros); i++)
		json_set_i64(o, zeros[i], 0);
	json_set_i64(o, "MemorySwappiness", -1);
	json_set_bool(o, "OomKillDisable", false);
	json_set_str(o, "Isolation", "");
	json_set_str(o, "VolumeDriver", "");
	json_set(o, "Links", NULL);
	(void)json_object_array_add(size, json_object_new_int(0));
	(void)json_object_array_add(size, json_object_new_int(0));
	json_set(o, "ConsoleSize", size);
}

/* "host:container" */
static struct json_object *devices_of(const struct container_record *rec)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < rec->devices.n; i++) {
		AUTO_STRV struct strv parts = STRV_INIT;
		struct json_object *o = json_object_new_object();

		strv_split(&parts, rec->devices.v[i], ':');
		json_set_str(o, "PathOnHost", parts.v[0]);
		json_set_str(o, "PathInContainer", parts.v[parts.n > 1]);
		json_set_str(o, "CgroupPermissions", parts.n > 2 ? parts.v[2] : "");
		(void)json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *ulimits_of(const struct container_record *rec)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < rec->ulimits.n; i++) {
		struct json_object *o;
		struct rt_rlimit l;
		AUTO_FREE char *name = NULL;

		if (ulimit_read(rec->ulimits.v[i], &l) < 0) {
			err_drop();
			continue;
		}
		o = json_object_new_object();
		name = xasprintf("RLIMIT_%s", rlimit_name(l.resource));
		for (char *c = name; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		json_set_str(o, "Name", name);
		json_set_i64(o, "Soft", l.soft == UINT64_MAX ? -1 : (int64_t)l.soft);
		json_set_i64(o, "Hard", l.hard == UINT64_MAX ? -1 : (int64_t)l.hard);
		(void)json_object_array_add(a, o);
	}
	return a;
}

void inspect_limits(struct json_object *o, const struct container *c)
{
	static const char *const kinds[][2] = {{"BlkioDeviceReadBps", "rbps"},
					       {"BlkioDeviceWriteBps", "wbps"},
					       {"BlkioDeviceReadIOps", "riops"},
					       {"BlkioDeviceWriteIOps", "wiops"}};
	const struct container_record *r = c->rec;
	enum cgroup_manager here = cgroup_manager_here();
	bool has = (!r->cgroups || strcmp(r->cgroups, "disabled") != 0) && here != CGROUP_NONE;

	json_set_str(o, "CgroupManager",
		     r->cgroup_manager ? r->cgroup_manager : cgroup_manager_name(here));
	json_set_str(o, "Cgroups", r->cgroups ? r->cgroups : "default");
	json_set_str(o, "CgroupParent", r->cgroup_parent ? r->cgroup_parent : "");
	json_set(o, "CgroupConf", r->cgroup_conf.n ? json_from_strv(&r->cgroup_conf) : NULL);
	set_u64(o, "Memory", r->memory);
	set_u64(o, "MemoryReservation", r->memory_reservation);
	json_set_i64(o, "MemorySwap", r->memory_swap ? r->memory_swap : (int64_t)(2 * r->memory));
	set_u64(o, "CpuShares", r->cpu_shares);
	set_u64(o, "CpuPeriod", r->cpu_period);
	json_set_i64(o, "CpuQuota", r->cpu_quota);
	json_set_i64(o, "NanoCpus", r->nano_cpus);
	json_set_str(o, "CpusetCpus", r->cpuset_cpus ? r->cpuset_cpus : "");
	json_set_str(o, "CpusetMems", r->cpuset_mems ? r->cpuset_mems : "");
	json_set_i64(o, "PidsLimit", r->pids_limit ? r->pids_limit : has ? PIDS_LIMIT_DEFAULT : 0);
	set_u64(o, "BlkioWeight", r->blkio_weight);
	json_set(o, "BlkioWeightDevice", rates_of(r, "weight", "Weight"));
	for (unsigned i = 0; i < 4; i++)
		json_set(o, kinds[i][0], rates_of(r, kinds[i][1], "Rate"));
	json_set(o, "Devices", devices_of(r));
	json_set(o, "Ulimits", ulimits_of(r));
	set_constants(o);
}

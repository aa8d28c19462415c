/* SPDX-License-Identifier: MIT */
/* "info" called as docker: its fields, of what there is without a daemon. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/host.h"
#include "cmd/info.h"
#include "cmd/persona.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/config/containers_conf.h"
#include "pkg/container/cdi_specs.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"
#include "pkg/json/nil.h"
#include "pkg/sys/file.h"

/* Which limits there are is which controllers there are. */
static void add_controllers(struct json_object *d, struct json_object *info)
{
	static const char *const needs[][2] = {
		{"MemoryLimit", "memory"}, {"SwapLimit", "memory"},   {"CpuCfsPeriod", "cpu"},
		{"CpuCfsQuota", "cpu"},    {"CPUCfsPeriod", "cpu"},   {"CPUCfsQuota", "cpu"},
		{"CPUShares", "cpu"},      {"CPUSet", "cpuset"},      {"PidsLimit", "pids"},
	};
	AUTO_JSON struct json_object *have = info_at(info, "host", "cgroupControllers");

	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		bool there = false;

		for (size_t k = 0; have && k < json_object_array_length(have); k++)
			there |= strcmp(json_object_get_string(json_object_array_get_idx(have, k)),
					needs[i][1]) == 0;
		json_set_bool(d, needs[i][0], there);
	}
	json_set_bool(d, "OomKillDisable", false);
}

static bool forwards_ipv4(void)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (file_read_at(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", 16, &text) < 0) {
		err_drop();
		return false;
	}
	return *text.s == '1';
}

/* A map of names to texts is a list of pairs there. */
static struct json_object *pairs(struct json_object *info)
{
	AUTO_JSON struct json_object *status = info_at(info, "store", "graphStatus");
	struct json_object *a = json_object_new_array();

	if (!status)
		return a;
	json_object_object_foreach(status, key, v)
	{
		struct json_object *pair = json_object_new_array();

		(void)json_object_array_add(pair, json_object_new_string(key));
		(void)json_object_array_add(pair, json_object_get(v));
		(void)json_object_array_add(a, pair);
	}
	return a;
}

static struct json_object *runtimes(struct json_object *info)
{
	AUTO_JSON struct json_object *own = info_at(info, "host", "ociRuntime");
	struct json_object *o = json_as_map(json_object_new_object()), *path = NULL;
	struct json_object *one = json_object_new_object();

	if (json_object_object_get_ex(own, "path", &path))
		json_set(one, "path", json_object_get(path));
	json_set(o, "cuddy", one);
	return o;
}

static void add_proxies(struct json_object *d)
{
	static const char *const names[][3] = {{"HttpProxy", "HTTP_PROXY", "http_proxy"},
					       {"HttpsProxy", "HTTPS_PROXY", "https_proxy"},
					       {"NoProxy", "NO_PROXY", "no_proxy"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = getenv(names[i][1]);

		v = v ? v : getenv(names[i][2]);
		json_set_str(d, names[i][0], v ? v : "");
	}
}

static struct json_object *client(void)
{
	struct json_object *o = json_object_new_object();

	json_set_bool(o, "Debug", false);
	json_set_str(o, "Context", "default");
	json_set_str(o, "Version", persona_version());
	json_set_str(o, "Os", "linux");
	json_set_str(o, "Arch", host_architecture());
	json_set(o, "Plugins", json_object_new_array());
	json_set(o, "Warnings", json_nil(JSON_NIL_LIST));
	return o;
}

static struct json_object *plugins(struct json_object *info)
{
	static const char *const kinds[][2] = {{"Volume", "volume"},
					       {"Network", "network"},
					       {"Authorization", "authorization"},
					       {"Log", "log"}};
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		json_set(o, kinds[i][0], info_at(info, "plugins", kinds[i][1]));
	return o;
}

/* What only a daemon has: empty. Containers live on without one, as with "live-restore". */
static void add_daemon(struct json_object *d)
{
	static const char *const nothing[] = {"ID", "Isolation", "InitBinary"};
	static const char *const no[] = {"Debug", "ExperimentalBuild"};
	static const char *const zero[] = {"NFd", "NGoroutines", "NEventsListener"};
	static const char *const commits[] = {"ContainerdCommit", "RuncCommit", "InitCommit"};

	for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
		json_set_str(d, nothing[i], "");
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		json_set_bool(d, no[i], false);
	for (size_t i = 0; i < ARRAY_LEN(zero); i++)
		json_set_i64(d, zero[i], 0);
	for (size_t i = 0; i < ARRAY_LEN(commits); i++) {
		struct json_object *o = json_object_new_object();

		json_set_str(o, "ID", "");
		json_set(d, commits[i], o);
	}
	json_set_bool(d, "LiveRestoreEnabled", true);
	json_set(d, "GenericResources", json_nil(JSON_NIL_LIST));
	json_set(d, "Labels", json_object_new_array());
	json_set(d, "DefaultAddressPools", json_omitted(json_object_new_array()));
	json_set(d, "DiscoveredDevices", json_omitted(json_object_new_array()));
	json_set(d, "ServerErrors", json_omitted(json_object_new_array()));
}

/* Of registries.conf: the mirrors of docker.io, and which hosts have no TLS to be trusted. */
static struct json_object *registry_config(struct json_object *info)
{
	struct json_object *o = json_object_new_object(), *indexes = json_object_new_object();
	AUTO_JSON struct json_object *rules = info_at(info, "registries", "docker.io");
	struct json_object *index = json_object_new_object(), *found = NULL, *at = NULL;
	struct json_object *mirrors = json_object_new_array();

	(void)json_object_object_get_ex(rules, "Mirrors", &found);
	for (size_t i = 0; found && i < json_object_array_length(found); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(found, i), "Location", &at))
			(void)json_object_array_add(mirrors, json_object_get(at));
	(void)json_object_object_get_ex(rules, "Insecure", &found);
	json_set_str(index, "Name", "docker.io");
	json_set(index, "Mirrors", json_object_get(mirrors));
	json_set_bool(index, "Secure", !json_object_get_boolean(found));
	json_set_bool(index, "Official", true);
	json_set(indexes, "docker.io", index);
	json_set(o, "InsecureRegistryCIDRs", json_nil(JSON_NIL_LIST));
	json_set(o, "IndexConfigs", json_as_map(indexes));
	json_set(o, "Mirrors", mirrors);
	return o;
}

static struct json_object *cdi_dirs(void)
{
	AUTO(cdi_specs_done) struct cdi_specs specs = {0};
	const struct containers_conf *conf = NULL;

	if (containers_conf(&conf) < 0)
		err_drop();
	cdi_specs_read(conf ? &conf->cdi_spec_dirs.v : &(struct strv)STRV_INIT, &specs);
	return json_from_strv(&specs.dirs);
}

struct json_object *info_as_docker(struct json_object *info)
{
	static const char *const same[][3] = {
		{"Name", "host", "hostname"},
		{"Architecture", "host", "arch"},
		{"OSType", "host", "os"},
		{"NCPU", "host", "cpus"},
		{"MemTotal", "host", "memTotal"},
		{"KernelVersion", "host", "kernel"},
		{"CgroupDriver", "host", "cgroupManager"},
		{"LoggingDriver", "host", "logDriver"},
		{"Driver", "store", "graphDriverName"},
		{"DockerRootDir", "store", "graphRoot"},
	};
	static const char *const counts[][2] = {{"Containers", "number"},
						{"ContainersRunning", "running"},
						{"ContainersPaused", "paused"},
						{"ContainersStopped", "stopped"}};
	struct json_object *d = json_object_new_object(), *swarm = json_object_new_object();
	AUTO_JSON struct json_object *containers = info_at(info, "store", "containerStore");
	AUTO_JSON struct json_object *images = info_at(info, "store", "imageStore");
	AUTO_JSON struct json_object *release = info_at(info, "host", "distribution");
	AUTO_JSON struct json_object *cgroups = info_at(info, "host", "cgroupVersion");
	AUTO_STRV struct strv options = STRV_INIT;
	AUTO_FREE char *system = NULL;
	const char *id = "", *version = "";
	struct json_object *n;

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		json_set(d, same[i][0], info_at(info, same[i][1], same[i][2]));
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (json_object_object_get_ex(containers, counts[i][1], &n))
			json_set(d, counts[i][0], json_object_get(n));
	if (json_object_object_get_ex(images, "number", &n))
		json_set(d, "Images", json_object_get(n));
	(void)json_get_str(release, "distribution", &id);
	(void)json_get_str(release, "version", &version);
	system = xasprintf("%s %s", id, version);
	strv_add(&options, "name=seccomp,profile=builtin");
	strv_add(&options, "name=rootless");
	json_set_str(d, "OperatingSystem", system);
	json_set_str(d, "CgroupVersion",
		     strcmp(json_object_get_string(cgroups), "v2") == 0 ? "2" : "1");
	json_set_str(d, "ServerVersion", persona_version());
	json_set(d, "SecurityOptions", json_from_strv(&options));
	json_set_str(swarm, "LocalNodeState", "inactive");
	json_set(d, "Swarm", swarm);
	json_set_str(d, "OSVersion", version);
	json_set(d, "DriverStatus", pairs(info));
	json_set(d, "Runtimes", runtimes(info));
	json_set_str(d, "DefaultRuntime", "cuddy");
	json_set_time(d, "SystemTime", clock_now_ns());
	json_set_bool(d, "IPv4Forwarding", forwards_ipv4());
	json_set_str(d, "IndexServerAddress", "https://index.docker.io/v1/");
	json_set(d, "Warnings", info_at(info, "host", "missing"));
	json_set(d, "ClientInfo", client());
	json_set(d, "RegistryConfig", registry_config(info));
	json_set(d, "CDISpecDirs", cdi_dirs());
	json_set(d, "Plugins", plugins(info));
	add_controllers(d, info);
	add_proxies(d);
	add_daemon(d);
	return d;
}


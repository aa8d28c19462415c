/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cmd/host.h"
#include "cmd/info.h"
#include "net/helper.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/config/paths.h"
#include "pkg/container/make.h"
#include "pkg/json/json.h"
#include "pkg/json/nil.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"
#include "storage/store.h"

#define SMALL_FILE (64U << 10)
#define VERSION_WAIT_MS 2000

/* A small file of the system; "" when it cannot be read. */
static void read_file(const char *path, struct sbuf *out)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	sbuf_reset(out);
	if (fd < 0)
		return;
	if (file_read_fd(fd, SMALL_FILE, out) < 0) {
		err_drop();
		sbuf_reset(out);
	}
	sbuf_trim_end(out, "\n");
}

/* The value of NAME=value or NAME="value" in os-release(5); malloc'ed. */
static char *release_value(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		size_t len;

		p += *p == '\n';
		if (strncmp(p, name, n) != 0 || p[n] != '=')
			continue;
		p += n + 1;
		p += *p == '"' || *p == '\'';
		len = strcspn(p, "\"'\n");
		return xstrndup(p, len);
	}
	return xstrdup("unknown");
}

static struct json_object *distribution(void)
{
	static const char *const keys[][2] = {{"distribution", "ID"},
					      {"version", "VERSION_ID"},
					      {"variant", "VARIANT_ID"},
					      {"codename", "VERSION_CODENAME"}};
	struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	read_file("/etc/os-release", &text);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		AUTO_FREE char *value = release_value(text.s, keys[i][1]);

		if (strcmp(value, "unknown") != 0 || strcmp(keys[i][0], "variant") != 0)
			json_set_str(o, keys[i][0], value);
		else /* most have none */
			json_set_str(o, keys[i][0], "");
	}
	return o;
}

static struct json_object *program(const char *name, const char *path, const char *version)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "name", name);
	json_set_str(o, "path", path);
	json_set_str(o, "version", version);
	json_set_str(o, "package", "Unknown"); /* as podman says where no package has it */
	return o;
}

/* The controllers are those that containers can be limited by, not the machine's. */
static void add_cgroups(struct json_object *o)
{
	AUTO_STRV struct strv list = STRV_INIT;

	cgroup_controllers_here(&list);
	json_set(o, "cgroupControllers", json_from_strv(&list));
	json_set_str(o, "cgroupManager", cgroup_manager_name(cgroup_manager_here()));
	json_set_str(o, "cgroupVersion", cgroup_is_v2() ? "v2" : "v1");
}

static struct json_object *id_map(const struct subid_range *v, unsigned n, uint32_t own)
{
	struct json_object *a = json_object_new_array();
	uint32_t inside = 1;

	for (unsigned i = 0; i <= n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_i64(o, "container_id", i ? inside : 0);
		json_set_i64(o, "host_id", i ? v[i - 1].start : own);
		json_set_i64(o, "size", i ? v[i - 1].count : 1);
		inside += i ? v[i - 1].count : 0;
		(void)json_object_array_add(a, o);
	}
	return a;
}

static void miss(struct json_object *missing, const char *text)
{
	(void)json_object_array_add(missing, json_object_new_string(text));
}

/* The map of the base namespace, and whether it can be made at all. */
static void add_ids(struct store *st, struct json_object *o, struct json_object *missing)
{
	AUTO(base_grant_done) struct base_grant g = {0};
	struct json_object *maps = json_object_new_object();
	bool single;
	int r = base_grant_load(&g);

	if (r == 0) {
		json_set(maps, "gidmap", id_map(g.gids, g.n_gids, g.gid));
		json_set(maps, "uidmap", id_map(g.uids, g.n_uids, g.uid));
		r = base_open(store_runtime_fd(st), &g, &single);
	}
	json_set(o, "idMappings", maps);
	if (r < 0) {
		miss(missing, err_message(r));
		err_drop();
		return;
	}
	(void)close(r);
	if (base_grant_is_single(&g)) {
		AUTO_FREE char *hint = base_single_hint(&g);

		miss(missing, hint);
	}
}

/* What a program says of itself; "" when it is missing or says nothing. Malloc'ed. */
static char *version_of(const char *path)
{
	char *argv[] = {(char *)path, (char *)"--version", NULL};
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	int status;

	if (*path && spawn_read(argv, SMALL_FILE, VERSION_WAIT_MS, &out, &status) < 0)
		err_drop();
	sbuf_trim_end(&out, "\n");
	return xstrdup(out.len ? out.s : "");
}

/* The one that is there suffices: what is missing is told for the one that would be used. */
static struct json_object *net_helper(struct store *st, enum net_mode mode,
				      struct json_object *missing)
{
	struct json_object *o = json_object_new_object();
	const char *path = "", *warning = NULL;
	AUTO_FREE char *version = NULL;
	int r = net_helper_find(mode, store_runtime_fd(st), &path, &warning);

	if (r < 0) {
		if (mode == net_default_mode())
			miss(missing, err_message(r));
		err_drop();
		path = "";
	}
	if (warning)
		miss(missing, warning);
	version = version_of(path);
	json_set_str(o, "executable", path);
	json_set_str(o, "package", "Unknown");
	json_set_str(o, "version", version);
	return o;
}

static struct json_object *security(void)
{
	struct json_object *o = json_object_new_object();
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *caps = NULL;

	caps_names(caps_default(), &names);
	caps = strv_join(&names, ",");
	json_set_bool(o, "apparmorEnabled", false);
	json_set_str(o, "capabilities", caps);
	json_set_bool(o, "rootless", true);
	json_set_bool(o, "seccompEnabled", true);
	json_set_str(o, "seccompProfilePath", "default");
	json_set_bool(o, "selinuxEnabled", false);
	return o;
}

static void set_percent(struct json_object *o, const char *key, double part, double all)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%.2f", all > 0 ? 100 * part / all : 0);
	json_set(o, key, json_object_new_double_s(strtod(text, NULL), text));
}

/* Since the boot: proc_stat(5). */
static struct json_object *cpu_utilization(void)
{
	struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	double v[10] = {0}, all = 0;
	const char *p;
	char *end;

	read_file("/proc/stat", &text);
	p = text.len > 4 && strncmp(text.s, "cpu ", 4) == 0 ? text.s + 4 : "";
	for (size_t i = 0; i < ARRAY_LEN(v); i++, p = end) {
		v[i] = strtod(p, &end);
		all += v[i];
	}
	set_percent(o, "userPercent", v[0], all);
	set_percent(o, "systemPercent", v[2], all);
	set_percent(o, "idlePercent", v[3], all);
	return o;
}

static void add_machine(struct json_object *o)
{
	struct utsname un = {0};
	struct sysinfo si = {0};
	AUTO_FREE char *up = NULL;

	(void)uname(&un);
	(void)sysinfo(&si);
	up = xasprintf("%ldh %ldm %lds", (long)si.uptime / 3600, (long)si.uptime / 60 % 60,
		       (long)si.uptime % 60);
	json_set_str(o, "arch", host_architecture());
	json_set_i64(o, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	json_set(o, "cpuUtilization", cpu_utilization());
	json_set(o, "distribution", distribution());
	json_set_str(o, "hostname", un.nodename);
	json_set_str(o, "kernel", un.release);
	json_set_i64(o, "memFree", (int64_t)((uint64_t)si.freeram * si.mem_unit));
	json_set_i64(o, "memTotal", (int64_t)((uint64_t)si.totalram * si.mem_unit));
	json_set_str(o, "os", "linux");
	json_set_i64(o, "swapFree", (int64_t)((uint64_t)si.freeswap * si.mem_unit));
	json_set_i64(o, "swapTotal", (int64_t)((uint64_t)si.totalswap * si.mem_unit));
	json_set_str(o, "uptime", up);
}

static struct json_object *helper(const char *name, struct json_object *missing)
{
	AUTO_FREE char *path = NULL;
	int r = paths_helper(name, &path);

	if (r < 0) {
		miss(missing, err_message(r));
		err_drop();
	}
	return program(name, path ? path : "", CUDDY_VERSION);
}

/* Named networks and their names are kept by a program of ours. */
static struct json_object *network_backend(const char *name, struct json_object *missing)
{
	struct json_object *o = helper("cuddy-net", missing), *dns = json_object_new_object();

	json_set_str(o, "backend", name);
	json_set(dns, "path", json_object_get(json_object_object_get(o, "path")));
	json_set(o, "dns", dns);
	return o;
}

/* A lock is a file: as many as the store's file system has room for; some of those do not count files. */
static uint32_t free_locks(struct store *st)
{
	struct statvfs fs;

	if (statvfs(store_root(st), &fs) < 0 || fs.f_files == 0 || fs.f_favail > UINT32_MAX)
		return UINT32_MAX;
	return (uint32_t)fs.f_favail;
}

struct json_object *info_host(struct store *st)
{
	struct json_object *o = json_object_new_object(), *missing = json_object_new_array();
	struct json_object *socket = json_object_new_object();
	const char *network = net_default_mode() == NET_PASTA ? "pasta" : "slirp4netns";
	AUTO_FREE char *exe = NULL;

	if (paths_self(&exe) < 0)
		err_drop();
	add_machine(o);
	add_cgroups(o);
	json_set(o, "conmon", helper("cuddy-conmon", missing));
	json_set(o, "transfer", helper("cuddy-transfer", missing));
	json_set_str(o, "eventLogger", "file");
	json_set_str(o, "variant", "");
	json_set_i64(o, "freeLocks", free_locks(st));
	/* Nothing is asked of the runtime; other architectures are the kernel's matter (cuddy doctor). */
	json_set(o, "runtimeInfo", json_omitted(json_object_new_object()));
	json_set(o, "emulatedArchitectures", json_omitted(json_object_new_array()));
	add_ids(st, o, missing);
	json_set_str(o, "linkmode", "dynamic");
	json_set_str(o, "logDriver", "k8s-file");
	json_set_str(o, "networkBackend", network);
	json_set(o, "networkBackendInfo", network_backend(network, missing));
	json_set_str(o, "buildahVersion", CUDDY_VERSION); /* builds are its own */
	json_set_str(o, "databaseBackend", "files");
	json_set(o, "ociRuntime", program("cuddy", exe ? exe : "", CUDDY_VERSION));
	json_set_bool(socket, "exists", false);
	json_set_str(socket, "path", "");
	json_set(o, "remoteSocket", socket);
	json_set(o, "pasta", net_helper(st, NET_PASTA, missing));
	json_set_str(o, "rootlessNetworkCmd", network);
	json_set(o, "security", security());
	json_set_bool(o, "serviceIsRemote", false);
	json_set(o, "slirp4netns", net_helper(st, NET_SLIRP, missing));
	json_set(o, "missing", missing);
	return o;
}

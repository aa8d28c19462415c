/* SPDX-License-Identifier: MIT */
#include "pkg/container/stats.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/size.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/networks.h"
#include "pkg/json/json.h"
#include "pkg/json/nil.h"
#include "pkg/sys/file.h"

#define FILE_MAX (1U << 20)

/* A file with one number in it, or "max". */
static uint64_t number_in(int dir, const char *file, uint64_t otherwise)
{
	char text[64];
	uint64_t n;

	if (cgroup_read(dir, file, text, sizeof(text)) < 0 || parse_u64(text, UINT64_MAX, &n) < 0)
		return otherwise;
	return n;
}

static uint64_t key_in(int dir, const char *file, const char *key)
{
	uint64_t n;

	return cgroup_key(dir, file, key, &n) < 0 ? 0 : n;
}

/* "259:0 rbytes=1 wbytes=2 rios=…", a line for each device. */
static void read_io(int dir, struct stats *s)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (file_read_at(dir, "io.stat", FILE_MAX, &text) < 0) {
		err_drop();
		return;
	}
	for (const char *p = text.s; (p = strstr(p, "bytes=")) != NULL; p += 6) {
		uint64_t n = strtoull(p + 6, NULL, 10);

		if (p > text.s && p[-1] == 'r')
			s->read += n;
		else if (p > text.s && p[-1] == 'w')
			s->written += n;
	}
}

static uint64_t machine_memory(void)
{
	struct sysinfo i;

	return sysinfo(&i) < 0 ? 0 : (uint64_t)i.totalram * i.mem_unit;
}

int stats_read(const struct container *c, struct stats *ret)
{
	struct stats s = {.at_ns = clock_monotonic_ns()};
	AUTO_CLOSE int dir = -EBADF;
	uint64_t cache, all = machine_memory();

	if (!container_is_running(c)) {
		*ret = s;
		return 0;
	}
	if (!*c->state.cgroup && conmon_is_pinned(&c->state)) { /* nothing of it to be measured */
		stats_read_net(c, &s);
		*ret = s;
		return 0;
	}
	if (!*c->state.cgroup)
		return err_new(-CE_HOST_SETUP,
			       "it has no cgroup of its own to be measured; %s, and start the "
			       "container again",
			       cgroup_mending());
	dir = open(c->state.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT) { /* it ended meanwhile */
		*ret = s;
		return 0;
	}
	if (dir < 0)
		return err_new(-errno, "open cgroup %s", c->state.cgroup);
	s.cpu_ns = key_in(dir, "cpu.stat", "usage_usec") * 1000;
	s.cpu_system_ns = key_in(dir, "cpu.stat", "system_usec") * 1000;
	/* What the kernel would give back at once is not in use. */
	s.memory = number_in(dir, "memory.current", 0);
	cache = key_in(dir, "memory.stat", "inactive_file");
	s.memory = s.memory > cache ? s.memory - cache : 0;
	s.memory_limit = number_in(dir, "memory.max", all);
	if (s.memory_limit > all)
		s.memory_limit = all;
	s.pids = number_in(dir, "pids.current", 0);
	read_io(dir, &s);
	stats_read_net(c, &s);
	*ret = s;
	return 0;
}

static double percent(double part, double whole)
{
	return whole > 0 ? part * 100.0 / whole : 0;
}

static void set_percent(struct json_object *o, const char *key, double v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%.2f%%", v);
	json_set_str(o, key, text);
}

static void set_pair(struct json_object *o, const char *key, uint64_t a, uint64_t b)
{
	char x[SIZE_TEXT_MAX], y[SIZE_TEXT_MAX], text[2 * SIZE_TEXT_MAX + 4];

	size_format_word(a, x);
	size_format_word(b, y);
	(void)snprintf(text, sizeof(text), "%s / %s", x, y);
	json_set_str(o, key, text);
}

static void set_number(struct json_object *o, const char *key, uint64_t v)
{
	json_set(o, key, json_object_new_uint64(v));
}

/* What podman calls the numbers of a container, as one object. */
static struct json_object *numbers_of(struct json_object *o)
{
	static const char *const names[] = {
		"AvgCPU",  "BlockInput", "BlockOutput",   "ContainerID", "CPU",
		"CPUNano", "Duration",   "CPUSystemNano", "MemLimit",    "Name",
		"Network", "PIDs",       "SystemNano",    "UpTime",
	};
	struct json_object *all = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_set(all, names[i], json_object_get(json_object_object_get(o, names[i])));
	return all;
}

void stats_rows(const struct container *c, struct stats *now, const struct stats *before,
		bool no_trunc, struct json_object **ret_row, struct json_object **ret_json)
{
	struct json_object *o = json_object_new_object(), *j = json_object_new_object();
	int64_t up = container_is_running(c) ? clock_now_ns() - c->state.started_ns : 0;
	double average = percent((double)now->cpu_ns, (double)up), cpu = average;
	static const char *const copies[][2] = {
		{"ID", "id"},
		{"Name", "name"},
		{"CPUTime", "cpu_time"},
		{"CPUPerc", "cpu_percent"},
		{"AVGCPU", "avg_cpu"},
		{"MemUsage", "mem_usage"},
		{"MemPerc", "mem_percent"},
		{"NetIO", "net_io"},
		{"BlockIO", "block_io"},
		{"PIDS", "pids"},
	};
	uint64_t refused = 0;
	char text[65]; /* an id at most */

	/* A run that began since has used less than the one before. */
	if (before && now->at_ns > before->at_ns && now->cpu_ns >= before->cpu_ns)
		cpu = percent((double)(now->cpu_ns - before->cpu_ns),
			      (double)(now->at_ns - before->at_ns));
	(void)snprintf(text, sizeof(text), "%.*s", no_trunc ? 64 : 12, c->rec->id);
	json_set_str(o, "ID", text);
	json_set_str(o, "ContainerID", c->rec->id);
	json_set_str(o, "Container", text);
	json_set_str(o, "Name", c->rec->name);
	(void)snprintf(text, sizeof(text), "%.6fs", (double)now->cpu_ns / NS_PER_S);
	json_set_str(o, "CPUTime", text);
	json_set_str(o, "Up", text); /* podman's name for it */
	set_percent(o, "CPUPerc", cpu);
	set_percent(o, "AVGCPU", average);
	set_pair(o, "MemUsage", now->memory, now->memory_limit);
	set_percent(o, "MemPerc", percent((double)now->memory, (double)now->memory_limit));
	set_pair(o, "NetIO", now->net_in, now->net_out);
	set_pair(o, "BlockIO", now->read, now->written);
	(void)snprintf(text, sizeof(text), "%" PRIu64, now->pids);
	json_set_str(o, "PIDS", text);
	json_set_str(o, "PIDs", text);
	for (size_t i = 0; i < ARRAY_LEN(copies); i++)
		json_set(j, copies[i][1], json_object_get(json_object_object_get(o, copies[i][0])));
	json_set(o, "CPU", json_object_new_double(cpu));
	json_set(o, "AvgCPU", json_object_new_double(average));
	set_number(o, "CPUNano", now->cpu_ns);
	set_number(o, "CPUSystemNano", now->cpu_system_ns);
	set_number(o, "MemUsageBytes", now->memory);
	set_number(o, "MemLimit", now->memory_limit);
	set_number(o, "NetInput", now->net_in);
	set_number(o, "NetOutput", now->net_out);
	json_set(o, "Network", now->network ? now->network : json_object_new_object());
	now->network = NULL;
	set_number(o, "BlockInput", now->read);
	set_number(o, "BlockOutput", now->written);
	(void)networks_refused(c, &refused);
	set_number(o, "EgressRefused", refused);
	set_number(o, "SystemNano", (uint64_t)clock_now_ns());
	set_number(o, "Duration", (uint64_t)(up < 0 ? 0 : up));
	set_number(o, "UpTime", (uint64_t)(up < 0 ? 0 : up));
	json_set(o, "PerCPU", json_nil(JSON_NIL_LIST)); /* the kernel does not count so (cgroup v2) */
	json_set(o, "ContainerStats", numbers_of(o));
	*ret_row = o;
	*ret_json = j;
}

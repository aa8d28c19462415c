/* SPDX-License-Identifier: MIT */
/* "scheduler", "ioPriority" and "execCPUAffinity" of a process. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/json/json.h"
#include "pkg/oci/runtime_spec.h"
#include "pkg/oci/runtime_spec_internal.h"

struct name {
	const char *name;
	uint32_t number;
};

/* As sched_setattr(2), of <linux/sched.h>, and ioprio_set(2) have them. */
static const struct name policies[] = {
	{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},       {"SCHED_BATCH", 3},
	{"SCHED_ISO", 4},   {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", 6},
};
static const struct name flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
	{"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
	{"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};
static const struct name io_classes[] = {
	{"IOPRIO_CLASS_RT", 1},
	{"IOPRIO_CLASS_BE", 2},
	{"IOPRIO_CLASS_IDLE", 3},
};

static int find(const struct name *v, unsigned n, const char *what, const char *name, uint32_t *ret)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(v[i].name, name) != 0)
			continue;
		*ret = v[i].number;
		return 0;
	}
	return err_new(-CE_BAD_FORMAT, "%s \"%s\": no such one", what, name);
}

static int parse_flags(struct json_object *o, uint64_t *ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = json_get_strv(o, "flags", &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		uint32_t one = 0;

		r = find(flags, ARRAY_LEN(flags), "flag", names.v[i], &one);
		*ret |= one;
	}
	return r;
}

static int parse_scheduler(struct json_object *o, struct oci_scheduling *s)
{
	const char *policy = "";
	int64_t nice = 0;
	int r = json_get_str(o, "policy", &policy);

	s->has_policy = true;
	if (r == 0)
		r = find(policies, ARRAY_LEN(policies), "policy", policy, &s->policy);
	if (r == 0)
		r = json_get_i64(o, "nice", &nice);
	if (r == 0 && (nice < -20 || nice > 19))
		r = err_new(-CE_BAD_FORMAT, "\"nice\" is not from -20 to 19");
	s->nice = (int32_t)nice;
	if (r == 0)
		r = oci_u32(o, "priority", &s->priority);
	if (r == 0)
		r = parse_flags(o, &s->flags);
	if (r == 0)
		r = json_get_u64(o, "runtime", &s->runtime_ns);
	if (r == 0)
		r = json_get_u64(o, "deadline", &s->deadline_ns);
	if (r == 0)
		r = json_get_u64(o, "period", &s->period_ns);
	return r < 0 ? err_wrap(r, "scheduler") : 0;
}

static int parse_io_priority(struct json_object *o, struct oci_scheduling *s)
{
	const char *name = "";
	int r = json_get_str(o, "class", &name);

	if (r == 0)
		r = find(io_classes, ARRAY_LEN(io_classes), "class", name, &s->io_class);
	if (r == 0)
		r = oci_u32(o, "priority", &s->io_priority);
	if (r == 0 && s->io_priority > 7)
		r = err_new(-CE_BAD_FORMAT, "\"priority\" is not from 0 to 7");
	return r < 0 ? err_wrap(r, "ioPriority") : 0;
}

/* "0-3,7": each part a number or a range; a step as in cpuset(7) is none of the spec's. */
static int parse_cpus(const char *list, uint8_t **ret)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_FREE uint8_t *mask = xcalloc(OCI_CPUS_MAX / 8, 1);

	strv_split(&parts, list, ',');
	for (size_t i = 0; i < parts.n; i++) {
		char *dash = strchr(parts.v[i], '-');
		uint32_t first, last;

		if (dash)
			*dash++ = '\0';
		if (parse_u32(parts.v[i], OCI_CPUS_MAX - 1, &first) < 0 ||
		    parse_u32(dash ? dash : parts.v[i], OCI_CPUS_MAX - 1, &last) < 0 ||
		    first > last)
			return err_new(-CE_BAD_FORMAT, "\"%s\" is no list of processors", list);
		for (uint32_t c = first; c <= last; c++)
			mask[c / 8] |= (uint8_t)(1U << c % 8);
	}
	*ret = mask;
	mask = NULL;
	return 0;
}

static int parse_affinity(struct json_object *o, struct oci_scheduling *s)
{
	const char *initial = NULL, *final = NULL;
	int r = json_get_str(o, "initial", &initial);

	if (r == 0)
		r = json_get_str(o, "final", &final);
	if (r == 0 && initial && *initial)
		r = parse_cpus(initial, &s->cpus_initial);
	if (r == 0 && final && *final)
		r = parse_cpus(final, &s->cpus_final);
	return r < 0 ? err_wrap(r, "execCPUAffinity") : 0;
}

int oci_scheduling_parse(struct json_object *process, struct oci_scheduling *ret)
{
	struct json_object *scheduler = NULL, *io = NULL, *affinity = NULL;
	int r = json_get_obj(process, "scheduler", &scheduler);

	if (r == 0 && scheduler)
		r = parse_scheduler(scheduler, ret);
	if (r == 0)
		r = json_get_obj(process, "ioPriority", &io);
	if (r == 0 && io)
		r = parse_io_priority(io, ret);
	if (r == 0)
		r = json_get_obj(process, "execCPUAffinity", &affinity);
	return r == 0 && affinity ? parse_affinity(affinity, ret) : r;
}

void oci_scheduling_done(struct oci_scheduling *s)
{
	free(s->cpus_initial);
	free(s->cpus_final);
	*s = (struct oci_scheduling){0};
}

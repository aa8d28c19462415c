/* SPDX-License-Identifier: MIT */
/* linux.resources as files of a cgroup of version 2 (the arithmetic is that of runc and crun). */
#include <inttypes.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/bundle/internal.h"
#include "pkg/json/json.h"

struct limits {
	struct bundle *b;
	struct cgroup_limit *v;
	unsigned n, cap;
};

static void add(struct limits *l, const char *file, char *value, const char *flag)
{
	if (l->n == l->cap) {
		struct cgroup_limit *more;

		l->cap = l->cap ? 2 * l->cap : 16;
		more = bundle_keep(l->b, l->cap, sizeof(*more));
		if (l->n)
			memcpy(more, l->v, l->n * sizeof(*more));
		l->v = more;
	}
	l->v[l->n++] = (struct cgroup_limit){
		.file = file, .value = bundle_keep_str(l->b, value), .flag = flag};
}

static char *number(int64_t v)
{
	return v < 0 ? xstrdup("max") : xasprintf("%" PRId64, v);
}

/* What version 2 of cgroups has no file for: no limit, when it is there and says something. */
static int not_in_v2(struct json_object *o, const char *part, const char *const *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct json_object *v = NULL;

		if (!json_object_object_get_ex(o, keys[i], &v) || !v)
			continue;
		/* A number that is 0 or -1, and a false, say nothing. */
		if (json_object_is_type(v, json_type_int) ? json_object_get_int64(v) > 0
		    : json_object_is_type(v, json_type_boolean)
			    ? json_object_get_boolean(v)
			    : json_object_is_type(v, json_type_array) &&
				      json_object_array_length(v) > 0)
			return err_new(-CE_UNSUPPORTED,
				       "%s.%s: cgroups of version 2 have nothing like it", part,
				       keys[i]);
	}
	return 0;
}

static const char *const memory_of_v1[] = {"kernel", "kernelTCP", "swappiness", "disableOOMKiller"};
static const char *const cpu_of_v1[] = {"realtimeRuntime", "realtimePeriod"};
static const char *const io_of_v1[] = {"leafWeight"};
static const char *const network_of_v1[] = {"classID", "priorities"};

static int network(struct limits *l, struct json_object *o)
{
	(void)l;
	return not_in_v2(o, "network", network_of_v1, ARRAY_LEN(network_of_v1));
}

static int memory(struct limits *l, struct json_object *o)
{
	int64_t limit = 0, swap = 0, low = 0;
	int r = json_get_i64(o, "limit", &limit);

	if (r == 0)
		r = json_get_i64(o, "swap", &swap);
	if (r == 0)
		r = json_get_i64(o, "reservation", &low);
	if (r == 0)
		r = not_in_v2(o, "memory", memory_of_v1, ARRAY_LEN(memory_of_v1));
	if (r < 0)
		return r;
	if (limit)
		add(l, "memory.max", number(limit), "memory.limit");
	if (swap > 0 && limit <= 0)
		return err_new(-CE_BAD_FORMAT, "memory.swap without memory.limit");
	if (swap > 0 && swap < limit)
		return err_new(-CE_BAD_FORMAT, "memory.swap is less than memory.limit");
	if (swap)
		add(l, "memory.swap.max", number(swap < 0 ? -1 : swap - limit), "memory.swap");
	if (low)
		add(l, "memory.low", number(low), "memory.reservation");
	return 0;
}

static int cpu(struct limits *l, struct json_object *o)
{
	uint64_t shares = 0, period = 0, burst = 0;
	int64_t quota = 0, idle = 0;
	const char *cpus = NULL, *mems = NULL;
	int r = json_get_u64(o, "shares", &shares);

	if (r == 0)
		r = json_get_u64(o, "period", &period);
	if (r == 0)
		r = json_get_i64(o, "quota", &quota);
	if (r == 0)
		r = json_get_u64(o, "burst", &burst);
	if (r == 0)
		r = json_get_i64(o, "idle", &idle);
	if (r == 0)
		r = json_get_str(o, "cpus", &cpus);
	if (r == 0)
		r = json_get_str(o, "mems", &mems);
	if (r == 0)
		r = not_in_v2(o, "cpu", cpu_of_v1, ARRAY_LEN(cpu_of_v1));
	if (r < 0)
		return r;
	if (shares) {
		shares = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
		add(l, "cpu.weight", xasprintf("%" PRIu64, 1 + (shares - 2) * 9999 / 262142),
		    "cpu.shares");
	}
	if (quota || period) {
		AUTO_FREE char *q = number(quota > 0 ? quota : -1);

		add(l, "cpu.max", xasprintf("%s %" PRIu64, q, period ? period : 100000),
		    "cpu.quota");
	}
	if (burst)
		add(l, "cpu.max.burst", xasprintf("%" PRIu64, burst), "cpu.burst");
	if (idle)
		add(l, "cpu.idle", xasprintf("%" PRId64, idle), "cpu.idle");
	if (cpus && *cpus)
		add(l, "cpuset.cpus", xstrdup(cpus), "cpu.cpus");
	if (mems && *mems)
		add(l, "cpuset.mems", xstrdup(mems), "cpu.mems");
	return 0;
}

static int pids(struct limits *l, struct json_object *o)
{
	int64_t limit = 0;
	int r = json_get_i64(o, "limit", &limit);

	if (r == 0 && limit)
		add(l, "pids.max", number(limit > 0 ? limit : -1), "pids.limit");
	return r;
}

/* One device of a list, and what its @key says. */
static int device_value(struct json_object *d, const char *key, uint64_t *ret_major,
			uint64_t *ret_minor, uint64_t *ret)
{
	int r = json_get_u64(d, "major", ret_major);

	if (r == 0)
		r = json_get_u64(d, "minor", ret_minor);
	return r < 0 ? r : json_get_u64(d, key, ret);
}

static int throttle(struct limits *l, struct json_object *o, const char *key, const char *word)
{
	struct json_object *a = NULL;
	int r = json_get_arr(o, key, &a);

	for (size_t i = 0; r == 0 && a && i < json_object_array_length(a); i++) {
		struct json_object *d = json_object_array_get_idx(a, i);
		uint64_t major = 0, minor = 0, rate = 0;

		r = device_value(d, "rate", &major, &minor, &rate);
		if (r == 0)
			add(l, "io.max",
			    xasprintf("%" PRIu64 ":%" PRIu64 " %s=%" PRIu64, major, minor, word,
				      rate),
			    key);
	}
	return r;
}

/* From 10 to 1000 in version 1, from 1 to 10000 now. */
static uint64_t io_weight(uint64_t v)
{
	return 1 + ((v < 10 ? 10 : v) - 10) * 9999 / 990;
}

static int device_weights(struct limits *l, struct json_object *o)
{
	struct json_object *a = NULL;
	int r = json_get_arr(o, "weightDevice", &a);

	for (size_t i = 0; r == 0 && a && i < json_object_array_length(a); i++) {
		struct json_object *d = json_object_array_get_idx(a, i);
		uint64_t major = 0, minor = 0, weight = 0;

		r = device_value(d, "weight", &major, &minor, &weight);
		if (r == 0)
			r = not_in_v2(d, "blockIO.weightDevice", io_of_v1, ARRAY_LEN(io_of_v1));
		if (r == 0 && weight)
			add(l, "io.weight",
			    xasprintf("%" PRIu64 ":%" PRIu64 " %" PRIu64, major, minor,
				      io_weight(weight)),
			    "blockIO.weightDevice");
	}
	return r;
}

static int block_io(struct limits *l, struct json_object *o)
{
	uint64_t weight = 0;
	int r = json_get_u64(o, "weight", &weight);

	if (r == 0)
		r = not_in_v2(o, "blockIO", io_of_v1, ARRAY_LEN(io_of_v1));
	if (r == 0 && weight)
		add(l, "io.weight", xasprintf("default %" PRIu64, io_weight(weight)),
		    "blockIO.weight");
	if (r == 0)
		r = device_weights(l, o);
	if (r == 0)
		r = throttle(l, o, "throttleReadBpsDevice", "rbps");
	if (r == 0)
		r = throttle(l, o, "throttleWriteBpsDevice", "wbps");
	if (r == 0)
		r = throttle(l, o, "throttleReadIOPSDevice", "riops");
	return r < 0 ? r : throttle(l, o, "throttleWriteIOPSDevice", "wiops");
}

static int huge_pages(struct limits *l, struct json_object *res)
{
	static const char *const files[] = {"max", "rsvd.max"};
	struct json_object *a = NULL;
	int r = json_get_arr(res, "hugepageLimits", &a);

	for (size_t i = 0; r == 0 && a && i < json_object_array_length(a); i++) {
		struct json_object *h = json_object_array_get_idx(a, i);
		const char *size = "";
		uint64_t limit = 0;

		r = json_get_str(h, "pageSize", &size);
		if (r == 0)
			r = json_get_u64(h, "limit", &limit);
		if (r == 0 && (strchr(size, '/') || !*size))
			r = err_new(-CE_BAD_FORMAT, "hugepageLimits: pageSize \"%s\"", size);
		/* What is reserved, too: else a process is killed by SIGBUS where it could be told ENOMEM. */
		for (unsigned k = 0; r == 0 && k < ARRAY_LEN(files); k++)
			add(l, bundle_keep_str(l->b, xasprintf("hugetlb.%s.%s", size, files[k])),
			    xasprintf("%" PRIu64, limit), "hugepageLimits");
	}
	return r;
}

/* {"mlx5_1": {"hcaHandles": 3}}: a line for each device. */
static int rdma(struct limits *l, struct json_object *res)
{
	static const struct {
		const char *key, *word;
	} parts[] = {{"hcaHandles", "hca_handle"}, {"hcaObjects", "hca_object"}};
	struct json_object *all = NULL;
	int r = json_get_obj(res, "rdma", &all);

	if (r < 0 || !all)
		return r;
	json_object_object_foreach(all, device, o)
	{
		AUTO_SBUF struct sbuf line = SBUF_INIT;

		if (strpbrk(device, " \n") || !json_object_is_type(o, json_type_object))
			return err_new(-CE_BAD_FORMAT, "rdma: \"%s\"", device);
		sbuf_adds(&line, device);
		for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
			uint64_t v = UINT64_MAX;

			r = json_get_u64(o, parts[i].key, &v);
			if (r < 0)
				return r;
			if (v != UINT64_MAX)
				sbuf_addf(&line, " %s=%" PRIu64, parts[i].word, v);
		}
		add(l, "rdma.max", sbuf_steal(&line), "rdma");
	}
	return 0;
}

/* Files as they are called, for all the rest. */
static int unified(struct limits *l, struct json_object *res)
{
	AUTO_STRV struct strv all = STRV_INIT;
	int r = json_get_map(res, "unified", &all);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		char *eq = strchr(all.v[i], '=');

		*eq = '\0';
		if (strchr(all.v[i], '/') || strncmp(all.v[i], "cgroup.", 7) == 0)
			return err_new(-CE_BAD_FORMAT, "unified: \"%s\"", all.v[i]);
		add(l, bundle_keep_str(l->b, xstrdup(all.v[i])), xstrdup(eq + 1), "unified");
	}
	return r;
}

int bundle_limits(struct bundle *b, struct json_object *res, struct cgroup_limit **ret,
		  unsigned *ret_n)
{
	static const struct {
		const char *key;
		int (*fn)(struct limits *l, struct json_object *o);
	} parts[] = {{"memory", memory},
		     {"cpu", cpu},
		     {"pids", pids},
		     {"blockIO", block_io},
		     {"network", network}};
	struct limits l = {.b = b};
	int r = 0;

	for (unsigned i = 0; r == 0 && res && i < ARRAY_LEN(parts); i++) {
		struct json_object *o = NULL;

		r = json_get_obj(res, parts[i].key, &o);
		if (r == 0 && o)
			r = parts[i].fn(&l, o);
	}
	if (r == 0 && res)
		r = huge_pages(&l, res);
	if (r == 0 && res)
		r = rdma(&l, res);
	if (r == 0 && res)
		r = unified(&l, res);
	*ret = l.v;
	*ret_n = l.n;
	return r < 0 ? err_wrap(r, "linux.resources") : 0;
}

/* SPDX-License-Identifier: MIT */
#include "pkg/container/limits.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/record.h"

#define PERIOD_DEFAULT 100000
#define SHARES_MAX 262144
#define MEMORY_MIN (512ULL << 10)

/* "1.5" cpus in thousandths of a millionth, as docker keeps them. */
static int parse_cpus(const char *s, int64_t *ret)
{
	uint64_t whole = 0, part = 0, scale = 1000000000;
	size_t n = strcspn(s, ".");
	AUTO_FREE char *head = xstrndup(s, n);
	const char *tail = s[n] ? s + n + 1 : "";

	if ((n && parse_u64(head, 1 << 20, &whole) < 0) || (!n && !*tail) || strlen(tail) > 9)
		return -EINVAL;
	if (*tail && parse_u64(tail, scale, &part) < 0)
		return -EINVAL;
	for (size_t i = 0; i < strlen(tail); i++)
		scale /= 10;
	*ret = (int64_t)(whole * 1000000000 + part * scale);
	return 0;
}

/* "0-3,7" */
static int check_set(const char *flag, const char *s)
{
	const char *p = s;

	do {
		size_t n = strspn(p, "0123456789");

		p += n;
		if (n && *p == '-') {
			n = strspn(++p, "0123456789");
			p += n;
		}
		if (!n || (*p && *p != ','))
			return err_usage("%s '%s': write numbers and ranges such as 0-2,5", flag,
					 s);
	} while (*p++ == ',' && *p);
	return p[-1] == ',' ? err_usage("%s '%s': ends with a comma", flag, s) : 0;
}

static int merge_memory(const struct limit_request *q, struct container_record *r)
{
	uint64_t swap;

	if (q->memory && q->memory < MEMORY_MIN)
		return err_usage("--memory: %" PRIu64 " bytes are not enough for any process; give "
				 "at least 512k",
				 q->memory);
	if (q->memory)
		r->memory = q->memory;
	if (q->memory_reservation)
		r->memory_reservation = q->memory_reservation;
	if (r->memory && r->memory_reservation > r->memory)
		return err_usage("--memory-reservation is above --memory");
	if (!q->memory_swap)
		return r->memory_swap > 0 && (uint64_t)r->memory_swap < r->memory
			       ? err_usage(
					 "--memory is above the --memory-swap there is; give both")
			       : 0;
	if (strcmp(q->memory_swap, "-1") == 0) {
		r->memory_swap = -1;
		return 0;
	}
	if (parse_size(q->memory_swap, &swap) < 0 || swap > INT64_MAX)
		return err_usage("--memory-swap '%s': write a size such as 1g, or -1 for no bound",
				 q->memory_swap);
	if (swap && !r->memory)
		return err_usage("--memory-swap needs --memory: it is the size of both together");
	if (swap && swap < r->memory)
		return err_usage("--memory-swap is the size of memory and swap together, so it "
				 "cannot be below --memory");
	r->memory_swap = (int64_t)swap;
	return 0;
}

static int merge_cpu(const struct limit_request *q, struct container_record *r)
{
	if (q->cpus && (q->cpu_quota || q->cpu_period))
		return err_usage("--cpus says the same as --cpu-quota and --cpu-period together; "
				 "give one or the other");
	if (q->cpus) {
		if (parse_cpus(q->cpus, &r->nano_cpus) < 0 ||
		    (r->nano_cpus && r->nano_cpus < 10000000))
			return err_usage("--cpus '%s': write a number of at least 0.01, such as "
					 "1.5",
					 q->cpus);
		r->cpu_quota = 0;
		r->cpu_period = 0;
	}
	if (q->cpu_quota || q->cpu_period)
		r->nano_cpus = 0;
	if (q->cpu_quota > 0 && q->cpu_quota < 1000)
		return err_usage("--cpu-quota %" PRId64 ": at least 1000 microseconds",
				 q->cpu_quota);
	if (q->cpu_period && (q->cpu_period < 1000 || q->cpu_period > 1000000))
		return err_usage("--cpu-period %u: from 1000 to 1000000 microseconds",
				 q->cpu_period);
	if (q->cpu_shares && (q->cpu_shares < 2 || q->cpu_shares > SHARES_MAX))
		return err_usage("--cpu-shares %u: from 2 to %d", q->cpu_shares, SHARES_MAX);
	if (q->cpu_quota)
		r->cpu_quota = q->cpu_quota;
	if (q->cpu_period)
		r->cpu_period = q->cpu_period;
	if (q->cpu_shares)
		r->cpu_shares = q->cpu_shares;
	return 0;
}

static int merge_set(const char *flag, const char *given, char **field)
{
	int r = given && *given ? check_set(flag, given) : 0;

	if (r == 0 && given) {
		free(*field);
		*field = *given ? xstrdup(given) : NULL;
	}
	return r;
}

/* "/dev/sda:1mb" becomes "rbps /dev/sda:1048576"; the last one for a device and kind counts. */
static int merge_rates(const char *flag, const char *kind, const struct strv *given, bool is_size,
		       struct strv *rates)
{
	for (size_t i = 0; i < given->n; i++) {
		const char *s = given->v[i], *colon = strrchr(s, ':');
		AUTO_FREE char *device = NULL, *line = NULL;
		struct stat st;
		uint64_t rate;

		if (!colon || *s != '/' ||
		    (is_size ? parse_size(colon + 1, &rate)
			     : parse_u64(colon + 1, UINT64_MAX, &rate)) < 0 ||
		    !rate)
			return err_usage("%s '%s': write DEVICE:RATE, such as /dev/sda:%s", flag, s,
					 is_size ? "1mb" : "1000");
		device = xstrndup(s, (size_t)(colon - s));
		if (stat(device, &st) < 0)
			return err_new(-errno, "%s %s", flag, device);
		if (!S_ISBLK(st.st_mode))
			return err_usage("%s '%s': not a block device", flag, s);
		line = xasprintf("%s %s:", kind, device);
		for (size_t k = rates->n; k-- > 0;)
			if (strncmp(rates->v[k], line, strlen(line)) == 0)
				strv_remove(rates, k);
		strv_addf(rates, "%s%" PRIu64, line, rate);
	}
	return 0;
}

static int merge_io(const struct limit_request *q, struct container_record *r)
{
	uint32_t weight;
	int rc = 0;

	if (q->blkio_weight && (q->blkio_weight < 10 || q->blkio_weight > 1000))
		return err_usage("--blkio-weight %u: from 10 to 1000", q->blkio_weight);
	if (q->blkio_weight)
		r->blkio_weight = q->blkio_weight;
	rc = merge_rates("--blkio-weight-device", "weight", &q->blkio_weight_device, false,
			 &r->io_rates);
	for (size_t i = 0; rc == 0 && i < q->blkio_weight_device.n; i++)
		if (parse_u32(strrchr(q->blkio_weight_device.v[i], ':') + 1, 1000, &weight) < 0 ||
		    weight < 10)
			return err_usage("--blkio-weight-device '%s': from 10 to 1000",
					 q->blkio_weight_device.v[i]);
	if (rc == 0)
		rc = merge_rates("--device-read-bps", "rbps", &q->device_read_bps, true,
				 &r->io_rates);
	if (rc == 0)
		rc = merge_rates("--device-write-bps", "wbps", &q->device_write_bps, true,
				 &r->io_rates);
	if (rc == 0)
		rc = merge_rates("--device-read-iops", "riops", &q->device_read_iops, false,
				 &r->io_rates);
	if (rc == 0)
		rc = merge_rates("--device-write-iops", "wiops", &q->device_write_iops, false,
				 &r->io_rates);
	return rc;
}

int limits_merge(const struct limit_request *q, struct container_record *r)
{
	int rc = merge_memory(q, r);

	if (rc == 0)
		rc = merge_cpu(q, r);
	if (rc == 0)
		rc = merge_set("--cpuset-cpus", q->cpuset_cpus, &r->cpuset_cpus);
	if (rc == 0)
		rc = merge_set("--cpuset-mems", q->cpuset_mems, &r->cpuset_mems);
	if (rc == 0)
		rc = merge_io(q, r);
	if (rc < 0 || q->pids_limit == LIMIT_UNSET)
		return rc;
	if (q->pids_limit < -1)
		return err_usage("--pids-limit %" PRId64 ": a number, or -1 for no bound",
				 q->pids_limit);
	r->pids_limit = q->pids_limit > 0 ? q->pids_limit : -1;
	return 0;
}

bool limits_given(const struct limit_request *q)
{
	return q->memory || q->memory_reservation || q->memory_swap || q->cpus || q->cpu_shares ||
	       q->cpu_period || q->blkio_weight || q->cpu_quota || q->cpuset_cpus ||
	       q->cpuset_mems || q->pids_limit != LIMIT_UNSET || q->blkio_weight_device.n ||
	       q->device_read_bps.n || q->device_write_bps.n || q->device_read_iops.n ||
	       q->device_write_iops.n;
}

/* --- to files ------------------------------------------------------------------------------- */

static void add(struct limit_files *f, const char *flag, const char *file, char *value)
{
	strv_take(&f->keep, value);
	f->v = xreallocarray(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct cgroup_limit){.file = file, .value = value, .flag = flag};
}

static void add_number(struct limit_files *f, const char *flag, const char *file, uint64_t n)
{
	add(f, flag, file, xasprintf("%" PRIu64, n));
}

static void memory_files(const struct container_record *r, struct limit_files *f)
{
	/* Swap first: lowering memory below what is used swaps, as far as it may. */
	if (r->memory_swap < 0)
		add(f, "--memory-swap", "memory.swap.max", xstrdup("max"));
	else if (r->memory_swap)
		add_number(f, "--memory-swap", "memory.swap.max",
			   (uint64_t)r->memory_swap - r->memory);
	else if (r->memory) /* as much swap as memory; a kernel without swap has no such file */
		add_number(f, NULL, "memory.swap.max", r->memory);
	if (r->memory_reservation)
		add_number(f, "--memory-reservation", "memory.low", r->memory_reservation);
	if (r->memory)
		add_number(f, "--memory", "memory.max", r->memory);
}

static void cpu_files(const struct container_record *r, struct limit_files *f)
{
	uint64_t period = r->cpu_period ? r->cpu_period : PERIOD_DEFAULT;

	if (r->nano_cpus)
		add(f, "--cpus", "cpu.max",
		    xasprintf("%" PRId64 " %d", r->nano_cpus / (1000000000 / PERIOD_DEFAULT),
			      PERIOD_DEFAULT));
	else if (r->cpu_quota > 0)
		add(f, "--cpu-quota", "cpu.max",
		    xasprintf("%" PRId64 " %" PRIu64, r->cpu_quota, period));
	else if (r->cpu_period || r->cpu_quota < 0)
		add(f, r->cpu_period ? "--cpu-period" : "--cpu-quota", "cpu.max",
		    xasprintf("max %" PRIu64, period));
	if (r->cpu_shares)
		add_number(f, "--cpu-shares", "cpu.weight",
			   1 + (r->cpu_shares - 2) * 9999 / (SHARES_MAX - 2));
	if (r->cpuset_cpus)
		add(f, "--cpuset-cpus", "cpuset.cpus", xstrdup(r->cpuset_cpus));
	if (r->cpuset_mems)
		add(f, "--cpuset-mems", "cpuset.mems", xstrdup(r->cpuset_mems));
}

static uint64_t io_weight(uint64_t version1)
{
	return 1 + (version1 - 10) * 9999 / 990;
}

/* "rbps /dev/sda:1048576" becomes "8:0 rbps=1048576". */
static int io_files(const struct container_record *r, struct limit_files *f)
{
	if (r->blkio_weight)
		add(f, "--blkio-weight", "io.weight",
		    xasprintf("default %" PRIu64, io_weight(r->blkio_weight)));
	for (size_t i = 0; i < r->io_rates.n; i++) {
		const char *s = r->io_rates.v[i], *device = strchr(s, ' ');
		const char *rate = strrchr(s, ':');
		AUTO_FREE char *path = NULL;
		uint64_t weight = 10;
		struct stat st;

		if (!device || !rate)
			return err_new(-CE_BAD_FORMAT, "rate '%s'", s);
		path = xstrndup(device + 1, (size_t)(rate - device - 1));
		if (stat(path, &st) < 0)
			return err_new(-errno, "the limited device %s", path);
		if (strncmp(s, "weight ", 7) == 0) {
			(void)parse_u64(rate + 1, 1000, &weight);
			add(f, "--blkio-weight-device", "io.weight",
			    xasprintf("%u:%u %" PRIu64, major(st.st_rdev), minor(st.st_rdev),
				      io_weight(weight)));
			continue;
		}
		add(f, "--device-*-bps or -iops", "io.max",
		    xasprintf("%u:%u %.*s=%s", major(st.st_rdev), minor(st.st_rdev),
			      (int)(device - s), s, rate + 1));
	}
	return 0;
}

static int conf_files(const struct container_record *r, struct limit_files *f)
{
	for (size_t i = 0; i < r->cgroup_conf.n; i++) {
		const char *s = r->cgroup_conf.v[i], *eq = strchr(s, '=');
		char *file;

		if (!eq)
			return err_new(-CE_BAD_FORMAT, "--cgroup-conf '%s'", s);
		file = xstrndup(s, (size_t)(eq - s));
		strv_take(&f->keep, file);
		add(f, "--cgroup-conf", file, xstrdup(eq + 1));
	}
	return 0;
}

/* All that somebody asked for. */
static int asked_files(const struct container_record *r, struct limit_files *ret)
{
	struct limit_files f = {0};
	int rc;

	memory_files(r, &f);
	cpu_files(r, &f);
	if (r->pids_limit < 0)
		add(&f, "--pids-limit", "pids.max", xstrdup("max"));
	else if (r->pids_limit)
		add_number(&f, "--pids-limit", "pids.max", (uint64_t)r->pids_limit);
	rc = io_files(r, &f);
	if (rc == 0)
		rc = conf_files(r, &f);
	if (rc < 0)
		limits_files_done(&f);
	else
		*ret = f;
	return rc;
}

int limits_files(const struct container_record *r, struct limit_files *ret)
{
	struct limit_files f = {0};
	int rc = r->is_infra ? 0 : asked_files(r, &f);

	if (rc == 0 && (r->is_infra || !r->pids_limit))
		add_number(&f, NULL, "pids.max", PIDS_LIMIT_DEFAULT);
	if (rc == 0)
		*ret = f;
	return rc;
}

int limits_pod_files(const struct container_record *r, struct limit_files *ret)
{
	return asked_files(r, ret);
}

void limits_files_done(struct limit_files *f)
{
	strv_done(&f->keep);
	free(f->v);
	*f = (struct limit_files){0};
}

int limits_request(const struct container_record *r, enum cgroup_manager manager,
		   const struct limit_files *f, struct cgroup_request *ret)
{
	static const char *const modes[] = {[CGROUP_ENABLED] = "enabled",
					    [CGROUP_DISABLED] = "disabled",
					    [CGROUP_NO_CONMON] = "no-conmon",
					    [CGROUP_SPLIT] = "split"};
	struct cgroup_request q = {
		.manager = manager,
		.id = r->id ? r->id : "",
		.parent = r->cgroup_parent,
		.limits = f->v,
		.n_limits = f->n,
		.stop_timeout_s = r->stop_timeout < 0 ? 90 : (uint32_t)r->stop_timeout};

	if (manager == CGROUP_AUTO && r->cgroup_manager &&
	    cgroup_manager_parse(r->cgroup_manager, &q.manager) < 0)
		return err_new(-CE_BAD_FORMAT, "cgroup manager '%s'", r->cgroup_manager);
	for (unsigned i = 0; r->cgroups && i < ARRAY_LEN(modes); i++)
		if (strcmp(r->cgroups, modes[i]) == 0)
			q.mode = (enum cgroup_mode)i;
	*ret = q;
	return 0;
}

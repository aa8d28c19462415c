/* SPDX-License-Identifier: MIT */
/* Health checks for the monitor: times, and each command as a message for the exec stage. */
#include <string.h>
#include <sys/resource.h>

#include "pkg/base/err.h"
#include "pkg/conmon/health.h"
#include "pkg/container/container.h"
#include "pkg/container/plan.h"

static int plan_check(const struct container_record *rec, const struct health_spec *h,
		      struct conmon_check *ret)
{
	char shell[] = "/bin/sh", c[] = "-c";
	char *in_shell[] = {shell, c, NULL, NULL};
	AUTO_SBUF struct sbuf seccomp = SBUF_INIT;
	struct rt_rlimit rlimits[RLIM_NLIMITS];
	struct rt_exec x = {.gathers = true};
	struct exec_request e = {0};
	int r;

	if (h->test.n < 2)
		return 0;
	in_shell[2] = h->test.v[1];
	e.command = strcmp(h->test.v[0], "CMD-SHELL") == 0 ? in_shell : h->test.v + 1;
	r = exec_process(rec, &e, &rec->env, &seccomp, rlimits, &x.process);
	if (r == 0)
		r = rt_exec_message(&x);
	if (r < 0)
		return r;
	*ret = (struct conmon_check){.fd = r,
				     .interval_ns = h->interval_ns,
				     .timeout_ns = h->timeout_ns,
				     .retries = (uint32_t)h->retries,
				     .successes = (uint32_t)h->successes};
	return 0;
}

static enum conmon_on_failure on_failure(const char *s)
{
	if (!s)
		return CONMON_ON_FAILURE_NONE;
	if (strcmp(s, "kill") == 0)
		return CONMON_ON_FAILURE_KILL;
	return strcmp(s, "stop") == 0 ? CONMON_ON_FAILURE_STOP : CONMON_ON_FAILURE_RESTART;
}

const char *health_log_dir(const struct container_record *rec)
{
	return rec->health_log && *rec->health_log == '/' ? rec->health_log : NULL;
}

static uint32_t bound(int64_t n, uint32_t usual)
{
	return n > 0 ? (uint32_t)n : n == 0 ? usual : 0;
}

uint32_t health_max_count(const struct container_record *rec)
{
	return bound(rec->health_max_count, HEALTH_MAX_COUNT);
}

uint32_t health_max_size(const struct container_record *rec)
{
	return bound(rec->health_max_size, HEALTH_MAX_SIZE);
}

int plan_health(const struct container_record *rec, struct container_plan *p)
{
	struct conmon_config *m = &p->mon;
	int r = plan_check(rec, &rec->health, &m->health);

	if (r == 0 && rec->health.test.n)
		r = plan_check(rec, &rec->startup, &m->startup);
	m->health_start_period_ns = rec->health_start_period_ns;
	m->health_start_interval_ns = rec->health_start_interval_ns;
	m->on_failure = on_failure(rec->health_on_failure);
	m->health_log_dir = health_log_dir(rec);
	m->no_health_events = rec->no_health_events;
	m->health_to_events = rec->health_log && !m->health_log_dir;
	m->health_max_count = health_max_count(rec);
	m->health_max_size = health_max_size(rec);
	return r;
}

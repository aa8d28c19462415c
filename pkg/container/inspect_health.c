/* SPDX-License-Identifier: MIT */
/* What inspect says of health checks: the last results, and how they are made. */
#include <string.h>

#include "pkg/base/clock.h"
#include "pkg/base/utf8.h"
#include "pkg/conmon/health.h"
#include "pkg/container/inspect_internal.h"
#include "pkg/json/json.h"

/* A command may print anything; JSON is UTF-8. */
static void set_output(struct json_object *o, const struct health_result *e)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	for (size_t i = 0; i < e->len;) {
		uint32_t c;
		size_t n = utf8_decode(e->output + i, e->len - i, &c);

		if (n && c)
			sbuf_add(&text, e->output + i, n);
		else
			sbuf_adds(&text, "\xef\xbf\xbd");
		i += n ? n : 1;
	}
	json_set_str(o, "Output", text.s ? text.s : "");
}

struct json_object *health_of(const struct container *c)
{
	struct json_object *o = json_object_new_object(), *log = json_object_new_array();
	struct health_results h;

	health_read(c->dirs.runtime_fd, &h);
	json_set_str(o, "Status",
		     c->state.health ? conmon_health_text(c->state.health) : "starting");
	json_set_i64(o, "FailingStreak", h.streak);
	for (unsigned i = 0; i < h.n; i++) {
		struct json_object *e = json_object_new_object();

		inspect_set_time(e, "Start", h.v[i].start_ns);
		inspect_set_time(e, "End", h.v[i].end_ns);
		json_set_i64(e, "ExitCode", h.v[i].exit_code);
		set_output(e, &h.v[i]);
		(void)json_object_array_add(log, e);
	}
	json_set(o, "Log", log);
	return o;
}

static struct json_object *check_of(const struct health_spec *h)
{
	struct json_object *o = json_object_new_object();

	json_set(o, "Test", json_from_strv(&h->test));
	json_set_i64(o, "Interval", h->interval_ns < 0 ? 0 : h->interval_ns);
	json_set_i64(o, "Timeout", h->timeout_ns);
	json_set_i64(o, "Retries", h->retries);
	return o;
}

void set_health_config(struct json_object *config, const struct container_record *rec)
{
	struct json_object *o;

	if (!rec->health.test.n)
		return;
	o = check_of(&rec->health);
	json_set_i64(o, "StartPeriod", rec->health_start_period_ns);
	if (rec->health_start_interval_ns)
		json_set_i64(o, "StartInterval", rec->health_start_interval_ns);
	json_set(config, "Healthcheck", o);
	json_set_str(config, "HealthcheckOnFailureAction",
		     rec->health_on_failure ? rec->health_on_failure : "none");
	if (!rec->startup.test.n)
		return;
	o = check_of(&rec->startup);
	json_set_i64(o, "Successes", rec->startup.successes);
	json_set(config, "StartupHealthCheck", o);
}

/* SPDX-License-Identifier: MIT */
/* What inspect says of health checks: the last results, and how they are made. */
#include "pkg/base/err.h"
#include "pkg/conmon/health.h"
#include "pkg/container/inspect_internal.h"
#include "pkg/container/plan.h"
#include "pkg/json/json.h"
#include "pkg/json/nil.h"
#include "pkg/sys/file.h"

#define LOG_MAX (64U << 20)

static void add_result(struct json_object *log, struct json_object *from)
{
	struct json_object *e = json_object_new_object();
	const char *start = "", *end = "", *output = "";
	int64_t code = 0;

	if (json_get_str(from, "Start", &start) < 0 || json_get_str(from, "End", &end) < 0 ||
	    json_get_i64(from, "ExitCode", &code) < 0 || json_get_str(from, "Output", &output) < 0)
		err_drop();
	json_set_str(e, "Start", start);
	json_set_str(e, "End", end);
	json_set_i64(e, "ExitCode", code);
	json_set_str(e, "Output", output);
	(void)json_object_array_add(log, e);
}

/* No file, or none that can be read, is no results: in a directory of the user's it may be anything. */
static void read_log(const struct container *c, int64_t *streak, struct json_object *log)
{
	const struct health_place at = {
		.state_dir = c->dirs.runtime_fd, .id = c->rec->id, .dir = health_log_dir(c->rec)};
	AUTO_CLOSE int fd = health_open(&at);
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *results = NULL;

	if (fd < 0 || file_read_fd(fd, LOG_MAX, &text) < 0 ||
	    json_parse(text.s, text.len, &o) < 0 || json_get_i64(o, "FailingStreak", streak) < 0 ||
	    json_get_arr(o, "Log", &results) < 0) {
		err_drop();
		return;
	}
	for (size_t i = 0; results && i < json_object_array_length(results); i++)
		add_result(log, json_object_array_get_idx(results, i));
}

struct json_object *health_of(const struct container *c)
{
	struct json_object *o = json_object_new_object(), *log = json_object_new_array();
	int64_t streak = 0;

	read_log(c, &streak, log);
	json_set_str(o, "Status",
		     c->state.health ? conmon_health_text(c->state.health) : "starting");
	json_set_i64(o, "FailingStreak", streak);
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

	json_set_str(config, "HealthLogDestination", rec->health_log ? rec->health_log : "local");
	json_set_i64(config, "HealthcheckMaxLogCount", health_max_count(rec));
	json_set_i64(config, "HealthcheckMaxLogSize", health_max_size(rec));
	/* What Go calls the same two. */
	json_set(config, "HealthMaxLogCount", json_omitted(json_object_new_int64(health_max_count(rec))));
	json_set(config, "HealthMaxLogSize", json_omitted(json_object_new_int64(health_max_size(rec))));
	if (!rec->health.test.n)
		return;
	o = check_of(&rec->health);
	json_set_i64(o, "StartPeriod", rec->health_start_period_ns);
	if (rec->health_start_interval_ns)
		json_set_i64(o, "StartInterval", rec->health_start_interval_ns);
	json_set(config, "Healthcheck", o);
	json_set_str(config, "HealthcheckOnFailureAction",
		     rec->health_on_failure ? rec->health_on_failure : "none");
	json_set(config, "StartupHealthCheck", json_nil(JSON_NIL_ABSENT));
	if (!rec->startup.test.n)
		return;
	o = check_of(&rec->startup);
	json_set_i64(o, "Successes", rec->startup.successes);
	json_set(config, "StartupHealthCheck", o);
}

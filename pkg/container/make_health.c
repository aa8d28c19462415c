/* SPDX-License-Identifier: MIT */
/* Health checks: flags over what the image says over the customary values. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/conmon/health.h"
#include "pkg/container/make.h"
#include "pkg/json/json.h"

#define DEFAULT_NS (30 * NS_PER_S)
#define DEFAULT_RETRIES 3

/* A JSON array is a command; with CMD or CMD-SHELL in front also as images write it. Else it is for sh. */
static int parse_test(const char *flag, const char *s, struct strv *ret)
{
	AUTO_JSON struct json_object *a = NULL;
	size_t n;

	if (*s != '[') {
		strv_add(ret, "CMD-SHELL");
		strv_add(ret, s);
		return 0;
	}
	if (json_parse(s, strlen(s), &a) < 0 || !json_object_is_type(a, json_type_array) ||
	    (n = json_object_array_length(a)) == 0)
		return err_usage("%s '%s': not a JSON array of strings", flag, s);
	for (size_t i = 0; i < n; i++) {
		struct json_object *e = json_object_array_get_idx(a, i);

		if (!json_object_is_type(e, json_type_string))
			return err_usage("%s '%s': not a JSON array of strings", flag, s);
		strv_add(ret, json_object_get_string(e));
	}
	if (strcmp(ret->v[0], "CMD") != 0 && strcmp(ret->v[0], "CMD-SHELL") != 0)
		strv_insert(ret, 0, "CMD");
	return ret->n > 1 ? 0 : err_usage("%s '%s': names no command", flag, s);
}

static int replace_test(const char *flag, const char *s, struct strv *test)
{
	strv_done(test);
	return parse_test(flag, s, test);
}

static int span(const char *flag, const char *s, int64_t min, int64_t *ret)
{
	int64_t ns;

	if (!s)
		return 0;
	if (parse_duration(s, &ns) < 0)
		return err_usage("%s '%s': write a duration like 30s or 1m30s", flag, s);
	if (ns < min)
		return err_usage("%s '%s': must be %s", flag, s,
				 min == NS_PER_S ? "at least 1s" : "more than nothing");
	*ret = ns;
	return 0;
}

static int count(const char *flag, const char *s, uint32_t min, int64_t *ret)
{
	uint32_t n;

	if (!s)
		return 0;
	if (parse_u32(s, INT32_MAX, &n) < 0 || n < min)
		return err_usage("%s '%s': write a number from %u on", flag, s, min);
	*ret = n;
	return 0;
}

static int interval(const char *flag, const char *s, int64_t *ret)
{
	if (s && strcmp(s, "disable") == 0) {
		*ret = -1;
		return 0;
	}
	return span(flag, s, 1, ret);
}

static int times(const struct health_request *q, struct container_record *r)
{
	int rc = interval("--health-interval", q->interval, &r->health.interval_ns);

	if (rc == 0)
		rc = span("--health-timeout", q->timeout, NS_PER_S, &r->health.timeout_ns);
	if (rc == 0)
		rc = count("--health-retries", q->retries, 1, &r->health.retries);
	if (rc == 0)
		rc = span("--health-start-period", q->start_period, 0, &r->health_start_period_ns);
	if (rc == 0)
		rc = span("--health-start-interval", q->start_interval, 0,
			  &r->health_start_interval_ns);
	return rc;
}

static int on_failure(const char *s, struct container_record *r)
{
	if (!s)
		return 0;
	if (strcmp(s, "none") != 0 && strcmp(s, "kill") != 0 && strcmp(s, "restart") != 0 &&
	    strcmp(s, "stop") != 0)
		return err_usage("--health-on-failure '%s': use none, kill, restart or stop", s);
	free(r->health_on_failure);
	r->health_on_failure = strcmp(s, "none") == 0 ? NULL : xstrdup(s);
	return 0;
}

static int startup(const struct health_request *q, struct container_record *r)
{
	int rc;

	if (!q->startup_cmd && !r->startup.test.n) {
		if (q->startup_interval || q->startup_timeout || q->startup_retries ||
		    q->startup_success)
			return err_usage("--health-startup-…: there is no --health-startup-cmd");
		return 0;
	}
	if (!r->startup.test.n) {
		r->startup.interval_ns = r->startup.timeout_ns = DEFAULT_NS;
		r->startup.successes = 1;
	}
	rc = q->startup_cmd ? replace_test("--health-startup-cmd", q->startup_cmd, &r->startup.test)
			    : 0;
	if (rc == 0)
		rc = interval("--health-startup-interval", q->startup_interval,
			      &r->startup.interval_ns);
	if (rc == 0)
		rc = span("--health-startup-timeout", q->startup_timeout, NS_PER_S,
			  &r->startup.timeout_ns);
	if (rc == 0)
		rc = count("--health-startup-retries", q->startup_retries, 0, &r->startup.retries);
	if (rc == 0)
		rc = count("--health-startup-success", q->startup_success, 0,
			   &r->startup.successes);
	return rc;
}

static void from_image(const struct healthcheck *h, struct container_record *r)
{
	bool known = h->test.n > 1 &&
		     (strcmp(h->test.v[0], "CMD") == 0 || strcmp(h->test.v[0], "CMD-SHELL") == 0);

	if (!known) /* none, or "NONE" */
		return;
	strv_add_all(&r->health.test, &h->test);
	if (h->interval_ns > 0)
		r->health.interval_ns = h->interval_ns;
	if (h->timeout_ns > 0)
		r->health.timeout_ns = h->timeout_ns;
	if (h->retries > 0)
		r->health.retries = h->retries;
	r->health_start_period_ns = h->start_period_ns;
	r->health_start_interval_ns = h->start_interval_ns;
}

static bool log_given(const struct health_request *h)
{
	return h->log || h->max_count || h->max_size;
}

static int bound(const char *flag, const char *s, int64_t usual, int64_t *ret)
{
	uint32_t n;

	if (!s)
		return 0;
	if (parse_u32(s, INT32_MAX, &n) < 0)
		return err_usage("%s '%s': write a number, or 0 for no bound", flag, s);
	*ret = n == 0 ? -1 : (int64_t)n == usual ? 0 : (int64_t)n;
	return 0;
}

static int log_place(const char *s, struct container_record *r)
{
	AUTO_FREE char *dir = NULL;
	struct stat st;

	if (strcmp(s, "local") != 0 && strcmp(s, "events_logger") != 0) {
		dir = path_absolute(s);
		if (stat(dir, &st) < 0)
			return err_new(-errno, "--health-log-destination '%s'", s);
		if (!S_ISDIR(st.st_mode) || strlen(dir) >= HEALTH_DIR_MAX)
			return err_usage("--health-log-destination '%s': use local, events_logger "
					 "or a directory",
					 s);
	}
	free(r->health_log);
	r->health_log = dir ? TAKE_PTR(dir) : strcmp(s, "local") == 0 ? NULL : xstrdup(s);
	return 0;
}

/* They may be given without a check, which may come later. */
static int log_options(const struct health_request *q, struct container_record *r)
{
	int rc = q->log ? log_place(q->log, r) : 0;

	if (rc == 0)
		rc = bound("--health-max-log-count", q->max_count, HEALTH_MAX_COUNT,
			   &r->health_max_count);
	if (rc == 0)
		rc = bound("--health-max-log-size", q->max_size, HEALTH_MAX_SIZE,
			   &r->health_max_size);
	return rc;
}

static bool more_than_cmd(const struct health_request *h)
{
	return h->interval || h->timeout || h->retries || h->start_period || h->start_interval ||
	       h->on_failure || h->startup_cmd || h->startup_interval || h->startup_timeout ||
	       h->startup_retries || h->startup_success;
}

bool health_given(const struct health_request *h)
{
	return h->none || h->cmd || more_than_cmd(h) || log_given(h);
}

static void drop_checks(struct container_record *r)
{
	strv_done(&r->health.test);
	strv_done(&r->startup.test);
	free(r->health_on_failure);
	r->health_on_failure = NULL;
	r->health = r->startup = (struct health_spec){0};
	r->health_start_period_ns = r->health_start_interval_ns = 0;
}

int health_merge(const struct health_request *h, struct container_record *r)
{
	int rc = log_options(h, r);

	if (rc < 0)
		return rc;
	if (h->none && h->cmd)
		return err_usage("--no-healthcheck and --health-cmd contradict each other");
	if (!h->none && !h->cmd && !more_than_cmd(h))
		return 0;
	if (h->none || (h->cmd && strcmp(h->cmd, "none") == 0)) {
		drop_checks(r);
		return 0;
	}
	if (!r->health.test.n) {
		r->health.interval_ns = r->health.timeout_ns = DEFAULT_NS;
		r->health.retries = DEFAULT_RETRIES;
	}
	if (h->cmd && *h->cmd)
		rc = replace_test("--health-cmd", h->cmd, &r->health.test);
	if (rc == 0 && r->health.test.n == 0)
		return err_usage("--health-…: there is no check; say --health-cmd");
	if (rc == 0)
		rc = times(h, r);
	if (rc == 0)
		rc = on_failure(h->on_failure, r);
	return rc == 0 ? startup(h, r) : rc;
}

int make_health(const struct container_request *q, const struct image_config *image,
		struct container_record *r)
{
	const struct health_request *h = &q->health;
	bool none = h->none || (h->cmd && strcmp(h->cmd, "none") == 0);
	bool more = more_than_cmd(h);
	int rc = log_options(h, r);

	if (rc < 0)
		return rc;
	if (h->none && h->cmd)
		return err_usage("--no-healthcheck and --health-cmd contradict each other");
	if (none)
		return 0;
	r->health.interval_ns = r->health.timeout_ns = DEFAULT_NS;
	r->health.retries = DEFAULT_RETRIES;
	if (image)
		from_image(&image->health, r);
	if (h->cmd && *h->cmd) {
		rc = replace_test("--health-cmd", h->cmd, &r->health.test);
	}
	if (rc == 0 && r->health.test.n == 0 && more)
		return err_usage("--health-…: there is no check; say --health-cmd");
	if (rc == 0)
		rc = times(h, r);
	if (rc == 0)
		rc = on_failure(h->on_failure, r);
	if (rc == 0)
		rc = startup(h, r);
	if (rc == 0 && r->health.test.n == 0) /* keep records short */
		r->health = (struct health_spec){0};
	return rc;
}

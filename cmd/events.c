/* SPDX-License-Identifier: MIT */
/* "cuddy events": what happened to containers, images and volumes, and what happens now. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/persona.h"
#include "cmd/when.h"
#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/events.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"

struct events_args {
	struct strv filters;
	const char *format, *since, *until;
	int stream, no_trunc;
};

static const struct events_args events_defaults = {.stream = -1, .no_trunc = -1};

static const struct opt events_opts[] = {
	OPT_LIST('f', "filter", "KEY=VALUE", struct events_args, filters, "Only events that match"),
	OPT_STR(0, "format", "FORMAT", struct events_args, format,
		"Print as json or through a Go template"),
	OPT_TRI(0, "no-trunc", struct events_args, no_trunc, "Whole ids, as is the default"),
	OPT_STR(0, "since", "TIME", struct events_args, since,
		"Also what happened since this time or duration ago"),
	OPT_TRI(0, "stream", struct events_args, stream,
		"Go on with what happens, the default; or end after what has happened"),
	OPT_STR(0, "until", "TIME", struct events_args, until,
		"Up to this time, or for this duration from now"),
	OPT_END,
};

struct printer {
	struct template *t;
	bool json, docker, truncate;
};

static const char *get(struct json_object *o, const char *key)
{
	const char *s = NULL;

	if (json_get_str(o, key, &s) < 0)
		err_drop();
	return s ? s : "";
}

static const char *docker_action(const char *type, const char *status)
{
	static const char *const words[][2] = {{"died", "die"},
					       {"exec", "exec_start"},
					       {"exec_died", "exec_die"},
					       {"loadfromarchive", "load"}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(status, words[i][0]) == 0)
			return words[i][1];
	if (strcmp(status, "remove") != 0 || strcmp(type, "secret") == 0)
		return status;
	return strcmp(type, "image") == 0 ? "delete" : "destroy";
}

/* Of a network docker tells by its own id; who joins or leaves it is an attribute. Return: that id. */
static const char *set_network_attributes(struct json_object *o, struct json_object *attributes)
{
	const char *id = get(o, "NetworkID");

	if (*id)
		json_set_str(attributes, "container", get(o, "ID"));
	json_set_str(attributes, "name", *get(o, "Network") ? get(o, "Network") : get(o, "Name"));
	json_set_str(attributes, "type", "bridge");
	return *id ? id : get(o, "ID");
}

static const char *set_attributes(struct json_object *o, struct json_object *attributes)
{
	struct json_object *labels = NULL;
	int64_t code = -1;

	if (json_get_obj(o, "Attributes", &labels) < 0 ||
	    json_get_i64(o, "ContainerExitCode", &code) < 0)
		err_drop();
	if (labels) {
		json_object_object_foreach(labels, key, value)
			json_set(attributes, key, json_object_get(value));
	}
	if (*get(o, "Image"))
		json_set_str(attributes, "image", get(o, "Image"));
	json_set_str(attributes, "name", get(o, "Name"));
	if (code >= 0) {
		AUTO_FREE char *text = xasprintf("%d", (int)code);

		json_set_str(attributes, "exitCode", text);
	}
	return *get(o, "ID") ? get(o, "ID") : get(o, "Name");
}

static void set_actor(struct json_object *o)
{
	const char *type = get(o, "Type"), *status = get(o, "Status"), *id;
	struct json_object *actor = json_object_new_object(),
			   *attributes = json_object_new_object();

	id = strcmp(type, "network") == 0 ? set_network_attributes(o, attributes)
					  : set_attributes(o, attributes);
	json_set_str(actor, "ID", id);
	json_set(actor, "Attributes", attributes);
	json_set(o, "Actor", actor);
	if (strcmp(status, "health_status") == 0) {
		AUTO_FREE char *action = xasprintf("%s: %s", status, get(o, "HealthStatus"));

		json_set_str(o, "Action", action);
	} else {
		json_set_str(o, "Action", docker_action(type, status));
	}
	json_set_str(o, "Scope", "local");
}

/* A template may name what only some events have. */
static void set_missing(struct json_object *o)
{
	static const char *const texts[] = {"HealthStatus", "HealthLog", "Network", "PodID",
					    "Error", "ContainerInspectData"};
	struct json_object *v;

	if (!json_object_object_get_ex(o, "Image", &v))
		json_set_str(o, "Image", "");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!json_object_object_get_ex(o, texts[i], &v))
			json_set_str(o, texts[i], "");
	if (!json_object_object_get_ex(o, "OOMKilled", &v))
		json_set_bool(o, "OOMKilled", false);
	if (!json_object_object_get_ex(o, "ContainerExitCode", &v))
		json_set_i64(o, "ContainerExitCode", 0);
	if (!json_object_object_get_ex(o, "HealthFailingStreak", &v))
		json_set_i64(o, "HealthFailingStreak", 0);
	if (!json_object_object_get_ex(o, "Attributes", &v))
		json_set(o, "Attributes", json_as_map(json_object_new_object()));
	else
		(void)json_as_map(v);
}

/* What stands in podman's JSON under another name than its templates have. */
static void add_podman_names(struct json_object *o)
{
	static const char *const names[][2] = {{"HealthStatus", "health_status"},
					       {"HealthLog", "health_log"},
					       {"HealthFailingStreak", "health_failing_streak"},
					       {"Network", "network"},
					       {"Error", "error"}};
	struct json_object *v;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (json_object_object_get_ex(o, names[i][0], &v) && v)
			json_set(o, names[i][1], json_object_get(v));
}

/* What docker prints, and only that. */
static struct json_object *docker_shape(struct json_object *o)
{
	static const char *const keys[][2] = {
		{"Type", "Type"},     {"Action", "Action"}, {"Actor", "Actor"},
		{"Scope", "scope"},   {"time", "time"},     {"timeNano", "timeNano"},
		{"Action", "status"}, {"ID", "id"},         {"Image", "from"}};
	struct json_object *out = json_object_new_object(), *v;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_object_object_get_ex(o, keys[i][0], &v) && v)
			json_set(out, keys[i][1], json_object_get(v));
	return out;
}

static void print_labels(struct json_object *o)
{
	struct json_object *labels = NULL;

	if (json_get_obj(o, "Attributes", &labels) < 0)
		err_drop();
	if (!labels)
		return;
	json_object_object_foreach(labels, key, value)
	{
		(void)printf(", ");
		put_untrusted(stdout, key);
		(void)printf("=");
		put_untrusted(stdout, json_object_get_string(value));
	}
}

static void print_container(struct json_object *o)
{
	int64_t streak = 0;

	(void)printf(" %s (image=", get(o, "ID"));
	put_untrusted(stdout, get(o, "Image"));
	(void)printf(", name=%s", get(o, "Name"));
	if (*get(o, "PodID"))
		(void)printf(", pod_id=%s", get(o, "PodID"));
	if (strcmp(get(o, "Status"), "health_status") == 0) {
		if (json_get_i64(o, "HealthFailingStreak", &streak) < 0)
			err_drop();
		(void)printf(", health_status=%s, health_failing_streak=%lld, health_log=",
			     get(o, "HealthStatus"), (long long)streak);
		put_untrusted(stdout, get(o, "HealthLog"));
	}
	print_labels(o);
	(void)printf(")");
}

static void print_network(struct json_object *o)
{
	const char *status = get(o, "Status"), *id = get(o, "ID");

	if (strcmp(status, "connect") == 0 || strcmp(status, "disconnect") == 0)
		(void)printf(" %s (container=%s, name=%s)", id, id, get(o, "Network"));
	else
		(void)printf(" %s (name=%s, type=bridge)", id, get(o, "Name"));
}

static void print_human(struct json_object *o, int64_t ns)
{
	const char *type = get(o, "Type");
	time_t s = ns / NS_PER_S;
	char text[32] = "", zone[16] = "";
	struct tm tm;

	if (localtime_r(&s, &tm)) {
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
		(void)strftime(zone, sizeof(zone), "%z %Z", &tm);
	}
	(void)printf("%s.%09d %s %s %s", text, (int)(ns % NS_PER_S), zone, type, get(o, "Status"));
	if (strcmp(type, "container") == 0 || strcmp(type, "pod") == 0) {
		print_container(o);
	} else if (strcmp(type, "network") == 0) {
		print_network(o);
	} else {
		static const char *const rest[] = {"ID", "Name", "Error"};

		for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
			if (*get(o, rest[i])) {
				(void)putchar(' ');
				put_untrusted(stdout, get(o, rest[i]));
			}
		}
	}
	(void)putchar('\n');
}

static int print_event(struct json_object *o, void *arg)
{
	const struct printer *p = arg;
	int64_t ns = 0;
	int r = 0;

	(void)clock_parse(get(o, "Time"), &ns);
	if (p->truncate) {
		AUTO_FREE char *id = xstrndup(get(o, "ID"), 12);

		json_set_str(o, "ID", id);
	}
	json_set_i64(o, "time", ns / NS_PER_S);
	json_set_i64(o, "timeNano", ns);
	if (!p->json && !p->t) {
		print_human(o, ns);
	} else if (p->json && !p->docker) {
		add_podman_names(o);
		(void)puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
	} else {
		set_actor(o);
		json_set_i64(o, "TimeNano", ns);
		if (p->json) {
			AUTO_JSON struct json_object *d = docker_shape(o);

			(void)puts(
				json_object_to_json_string_ext(d, JSON_C_TO_STRING_NOSLASHESCAPE));
		} else {
			set_missing(o);
			json_set(o, "Time",
				 p->docker ? json_object_new_int64(ns / NS_PER_S) : json_time(ns));
			r = template_exec(p->t, o, stdout);
			(void)putchar('\n');
		}
	}
	/* Whoever reads the stream has it now; and when nobody reads it any more, we are done. */
	return r < 0 ? r : fflush(stdout) == 0 ? 0 : 1;
}

static int events_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct events_args *a = args;
	struct events_query q = {.stream = a->stream != 0, .filters = &a->filters};
	bool braces = a->format && strcmp(a->format, "{{json .}}") == 0;
	struct printer p = {.json = a->format && (braces || strcmp(a->format, "json") == 0),
			    .docker = persona() == PERSONA_DOCKER,
			    .truncate = a->no_trunc == 0};
	struct store *st;
	int r = when_parse("since", a->since, false, &q.since_ns);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = when_parse("until", a->until, true, &q.until_ns);
	if (r == 0)
		r = events_check(&a->filters);
	if (r == 0 && a->format && !p.json)
		r = template_parse(a->format, &p.t);
	if (r == 0)
		r = cmd_store(ctx, &st);
	/* What has happened is shown when it is asked for: with a time, or without a stream. */
	if (r == 0 && q.stream && !a->since && !(a->until && q.until_ns <= clock_now_ns()))
		q.since_ns = clock_now_ns();
	if (r == 0)
		r = events_read(st, &q, print_event, &p);
	template_free(p.t);
	return r < 0 ? err_wrap(r, "events") : 0;
}

const struct command cmd_events = {
	.name = "events",
	.synopsis = "[OPTIONS]",
	.summary = "Show what happens to containers, images and volumes",
	.opts = events_opts,
	.args_size = sizeof(struct events_args),
	.defaults = &events_defaults,
	.max_args = 0,
	.run = events_run,
};

/* SPDX-License-Identifier: MIT */
/*
 * --progress rawjson: a line for each event, in the shape of BuildKit's client.SolveStatus, which
 * programs that follow builds read: vertexes (steps), logs (base64), warnings.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/build.h"
#include "pkg/base/alloc.h"
#include "pkg/base/base64.h"
#include "pkg/base/clock.h"
#include "pkg/base/sha256.h"
#include "pkg/json/json.h"

struct vertex { /* of one stage: the step it is at */
	bool open, cached;
	char digest[72];
	char *name;
	int64_t started_ns;
};

struct build_json {
	FILE *out;
	struct vertex *v;
	unsigned n;
};

struct build_json *build_json_new(FILE *out)
{
	struct build_json *j = xcalloc(1, sizeof(*j));

	j->out = out;
	return j;
}

static void set_now(struct json_object *o, const char *key, int64_t ns)
{
	char when[CLOCK_TEXT_MAX];

	clock_format_utc(ns, when);
	json_set_str(o, key, when);
}

static void put(const struct build_json *j, const char *list, struct json_object *item)
{
	AUTO_JSON struct json_object *doc = json_object_new_object();
	struct json_object *all = json_object_new_array();
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	(void)json_object_array_add(all, item);
	json_set(doc, list, all);
	json_write(doc, false, &text);
	(void)fprintf(j->out, "%s\n", text.s);
	(void)fflush(j->out);
}

static struct vertex *vertex_of(struct build_json *j, unsigned stage)
{
	while (j->n <= stage) {
		j->v = xreallocarray(j->v, j->n + 1, sizeof(*j->v));
		j->v[j->n++] = (struct vertex){0};
	}
	return &j->v[stage];
}

static void put_vertex(const struct build_json *j, const struct vertex *v, bool completed,
		       const char *error)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "digest", v->digest);
	json_set_str(o, "name", v->name);
	set_now(o, "started", v->started_ns);
	if (completed)
		set_now(o, "completed", clock_now_ns());
	if (v->cached)
		json_set_bool(o, "cached", true);
	if (error)
		json_set_str(o, "error", error);
	put(j, "vertexes", o);
}

static void end_step(struct build_json *j, struct vertex *v, const char *error)
{
	if (v->open)
		put_vertex(j, v, true, error);
	freep(&v->name);
	*v = (struct vertex){0};
}

static void begin_step(struct build_json *j, struct vertex *v, const struct build_event *e)
{
	char hex[65];

	end_step(j, v, NULL);
	v->open = true;
	v->started_ns = clock_now_ns();
	v->name = xasprintf("[%s %u/%u] %s", e->stage_name, e->n, e->total, e->text);
	sha256_hex(v->name, strlen(v->name), hex);
	(void)snprintf(v->digest, sizeof(v->digest), "sha256:%s", hex);
	put_vertex(j, v, false, NULL);
}

static void put_text(const struct build_json *j, const struct vertex *v, const char *list,
		     const char *key, const char *text, const char *end)
{
	AUTO_FREE char *all = xasprintf("%s%s", text, end), *coded = NULL;
	struct json_object *o = json_object_new_object();

	coded = base64_encode(all, strlen(all));
	json_set_str(o, "vertex", v->digest);
	if (*end)
		json_set_i64(o, "stream", 2);
	else
		json_set_i64(o, "level", 1);
	json_set_str(o, key, coded);
	if (*end)
		set_now(o, "timestamp", clock_now_ns());
	put(j, list, o);
}

void build_json_event(struct build_json *j, const struct build_event *e)
{
	struct vertex *v = vertex_of(j, e->stage);

	switch (e->kind) {
	case BUILD_EVENT_STEP:
		begin_step(j, v, e);
		break;
	case BUILD_EVENT_CACHED:
		v->cached = true;
		break;
	case BUILD_EVENT_OUTPUT:
	case BUILD_EVENT_REASON:
		put_text(j, v, "logs", "data", e->text, "\n");
		break;
	case BUILD_EVENT_WARNING:
		put_text(j, v, "warnings", "short", e->text, "");
		break;
	case BUILD_EVENT_END:
		end_step(j, v, e->text);
		break;
	}
}

void build_json_free(struct build_json *j)
{
	if (!j)
		return;
	for (unsigned i = 0; i < j->n; i++)
		free(j->v[i].name);
	free(j->v);
	free(j);
}

/* SPDX-License-Identifier: MIT */
#include "pkg/build/image.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/build/cache.h"
#include "pkg/base/err.h"
#include "pkg/oci/manifest.h"

/* What other tools wrote about how they made the base; it is not true of what is made from it. */
static const char *const dropped[] = {
	"container", "container_config", "docker_version", "id",          "parent",
	"parent_id", "throwaway",        "Size",           CACHE_RECORDS, "moby.buildkit.cache.v0"};

void build_image_done(struct build_image *b)
{
	image_config_done(&b->c);
	json_putp(&b->doc);
	*b = (struct build_image){0};
}

static void set_path(struct build_image *b)
{
	if (!strv_env_get(&b->c.env, "PATH"))
		strv_env_set(&b->c.env, BUILD_DEFAULT_PATH);
}

/*
 * Which amd64 or arm64 this machine happens to be says nothing of what is built on it; of 32-bit arm
 * it does.
 */
int build_platform(const char *text, struct platform *ret)
{
	struct platform p = {0};
	int r = 0;

	if (text)
		r = platform_parse(text, &p);
	else
		platform_host(&p);
	if (r == 0 && strcmp(p.os, "linux") != 0)
		r = err_new(-CE_UNSUPPORTED, "%s: only images of Linux are built", text);
	if (r < 0) {
		platform_done(&p);
		return r;
	}
	if (!text && strcmp(p.architecture, "arm") != 0)
		freep(&p.variant);
	/* What all of them are need not be said. */
	if (p.variant && ((strcmp(p.architecture, "arm64") == 0 && strcmp(p.variant, "v8") == 0) ||
			  (strcmp(p.architecture, "amd64") == 0 && strcmp(p.variant, "v1") == 0)))
		freep(&p.variant);
	*ret = p;
	return 0;
}

void build_image_scratch(const struct platform *p, struct build_image *ret)
{
	*ret = (struct build_image){0};
	ret->c.os = xstrdup(p->os);
	ret->c.architecture = xstrdup(p->architecture);
	ret->c.variant = p->variant ? xstrdup(p->variant) : NULL;
	set_path(ret);
}

int build_image_from(const char *config, size_t n, struct build_image *ret)
{
	struct build_image b = {0};
	int r = image_config_parse(config, n, &b.c);

	if (r == 0)
		r = json_parse(config, n, &b.doc);
	if (r < 0) {
		build_image_done(&b);
		return r;
	}
	for (size_t i = 0;
	     i < b.c.env.n;) /* data: without '=' they name nothing of the host (R22) */
		if (strchr(b.c.env.v[i], '=') && b.c.env.v[i][0] != '=')
			i++;
		else
			strv_remove(&b.c.env, i);
	set_path(&b);
	*ret = b;
	return 0;
}

static void set_text(struct json_object *o, const char *key, const char *v)
{
	if (v && *v)
		json_set_str(o, key, v);
	else
		json_object_object_del(o, key);
}

static void set_list(struct json_object *o, const char *key, const struct strv *v)
{
	if (v->n)
		json_set(o, key, json_from_strv(v));
	else
		json_object_object_del(o, key);
}

static void set_labels(struct json_object *o, const struct strv *labels)
{
	AUTO_STRV struct strv sorted = STRV_INIT;

	strv_add_all(&sorted, labels);
	strv_sort(&sorted);
	json_set(o, "Labels", json_from_map(&sorted));
}

static void set_health(struct json_object *o, const struct healthcheck *h)
{
	struct json_object *e = json_object_new_object();

	json_set(e, "Test", json_from_strv(&h->test));
	if (h->interval_ns)
		json_set_i64(e, "Interval", h->interval_ns);
	if (h->timeout_ns)
		json_set_i64(e, "Timeout", h->timeout_ns);
	if (h->start_period_ns)
		json_set_i64(e, "StartPeriod", h->start_period_ns);
	if (h->start_interval_ns)
		json_set_i64(e, "StartInterval", h->start_interval_ns);
	if (h->retries)
		json_set_i64(e, "Retries", h->retries);
	json_set(o, "Healthcheck", e);
}

static struct json_object *run_config(const struct build_image *b, struct json_object *doc)
{
	const struct image_config *c = &b->c;
	struct json_object *o = NULL;

	(void)json_get_obj(doc, "config", &o);
	o = o ? json_object_get(o) : json_object_new_object();
	json_object_object_del(o, "Image");
	set_text(o, "User", c->user);
	if (c->exposed_ports.n)
		json_set(o, "ExposedPorts", json_from_set(&c->exposed_ports));
	set_list(o, "Env", &c->env);
	set_list(o, "Entrypoint", &c->entrypoint);
	set_list(o, "Cmd", &c->cmd);
	if (c->volumes.n)
		json_set(o, "Volumes", json_from_set(&c->volumes));
	set_text(o, "WorkingDir", c->working_dir);
	if (c->labels.n)
		set_labels(o, &c->labels);
	else
		json_object_object_del(o, "Labels");
	set_text(o, "StopSignal", c->stop_signal);
	if (c->health.test.n)
		set_health(o, &c->health);
	else
		json_object_object_del(o, "Healthcheck");
	set_list(o, "OnBuild", &c->onbuild);
	set_list(o, "Shell", &c->shell);
	return o;
}

static bool has_layer(struct json_object *entry)
{
	bool empty = false;

	return json_get_bool(entry, "empty_layer", &empty) == 0 && !empty;
}

/* Of the entries with a layer as many stay so as there are layers: the first ones, and the last. */
static void fit_history(struct json_object *h, size_t n_layers)
{
	size_t n = json_object_array_length(h), with = 0, seen = 0;

	for (size_t i = 0; i < n; i++)
		with += has_layer(json_object_array_get_idx(h, i));
	for (size_t i = 0; i < n; i++) {
		struct json_object *e = json_object_array_get_idx(h, i);

		if (!has_layer(e))
			continue;
		seen++;
		if (seen != with && seen >= n_layers)
			json_set_bool(e, "empty_layer", true);
	}
}

static struct json_object *all_history(struct json_object *doc, struct json_object *ours)
{
	struct json_object *all = json_object_new_array(), *theirs = NULL;

	(void)json_get_arr(doc, "history", &theirs);
	for (size_t i = 0; theirs && i < json_object_array_length(theirs); i++) {
		(void)json_object_array_add(all,
					    json_object_get(json_object_array_get_idx(theirs, i)));
	}
	for (size_t i = 0; i < json_object_array_length(ours); i++)
		(void)json_object_array_add(all,
					    json_object_get(json_object_array_get_idx(ours, i)));
	return all;
}

static struct json_object *rootfs(const struct strv *layers)
{
	struct json_object *o = json_object_new_object(), *ids = json_object_new_array();

	for (size_t i = 0; i < layers->n; i++) {
		AUTO_FREE char *id = xasprintf("sha256:%s", layers->v[i]);

		(void)json_object_array_add(ids, json_object_new_string(id));
	}
	json_set_str(o, "type", "layers");
	json_set(o, "diff_ids", ids);
	return o;
}

static struct json_object *copy_doc(struct json_object *doc)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct json_object *copy = NULL;

	if (doc) {
		json_write(doc, false, &text);
		if (json_parse(text.s, text.len, &copy) < 0)
			err_drop(); /* as deep as it was when it was read */
	}
	return copy ? copy : json_object_new_object();
}

void build_image_write(const struct build_image *b, struct json_object *history, bool squashed,
		       const struct strv *layers, int64_t created_ns, struct sbuf *out)
{
	AUTO_JSON struct json_object *doc = copy_doc(b->doc);
	struct json_object *config = run_config(b, doc),
			   *h = history ? all_history(doc, history) : NULL;
	char when[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
		json_object_object_del(doc, dropped[i]);
	clock_format_utc(created_ns, when);
	json_set_str(doc, "created", when);
	set_text(doc, "author", b->c.author);
	json_set_str(doc, "architecture", b->c.architecture);
	json_set_str(doc, "os", b->c.os);
	set_text(doc, "variant", b->c.variant);
	json_set(doc, "config", config);
	json_set(doc, "rootfs", rootfs(layers));
	json_object_object_del(doc, "history");
	if (h && squashed)
		fit_history(h, layers->n);
	if (h)
		json_set(doc, "history", h);
	json_write(doc, false, out);
}

void build_image_copy(const struct build_image *from, struct build_image *ret)
{
	AUTO_JSON struct json_object *none = json_object_new_array();
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	build_image_write(from, none, false, &from->c.diffids, from->c.created_ns, &text);
	if (build_image_from(text.s, text.len, ret) < 0) {
		struct platform p = {.os = from->c.os,
				     .architecture = from->c.architecture,
				     .variant = from->c.variant};

		err_drop();
		build_image_scratch(&p, ret);
	}
}

/* SPDX-License-Identifier: MIT */
#include "pkg/oci/image_config.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/json/json.h"
#include "pkg/oci/digest.h"

/* More than any honest image has, and less than would make a mess of execve() or a terminal. */
#define LIST_ITEMS_MAX 4096
#define LIST_BYTES_MAX (1UL << 20)
#define STRING_MAX 4096
#define HISTORY_MAX 4096
#define DIFFIDS_MAX 512
#define CONFIG_BYTES_MAX (8UL << 20)

void image_config_done(struct image_config *c)
{
	struct strv *lists[] = {&c->env,         &c->cmd,           &c->entrypoint, &c->shell,
				&c->labels,      &c->exposed_ports, &c->volumes,    &c->onbuild,
				&c->health.test, &c->diffids};

	free(c->os);
	free(c->architecture);
	free(c->variant);
	free(c->author);
	free(c->user);
	free(c->working_dir);
	free(c->stop_signal);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_done(lists[i]);
	for (unsigned i = 0; i < c->n_history; i++) {
		free(c->history[i].created_by);
		free(c->history[i].comment);
	}
	free(c->history);
	memset(c, 0, sizeof(*c));
}

static int get_string(struct json_object *o, const char *key, size_t max, char **ret)
{
	const char *s = NULL;
	int r = json_get_str(o, key, &s);

	if (r < 0 || !s)
		return r;
	if (strlen(s) > max)
		return err_new(-CE_BAD_FORMAT, "\"%s\" is longer than %zu bytes", key, max);
	*ret = xstrdup(s);
	return 0;
}

static int check_list(const char *key, const struct strv *v)
{
	size_t bytes = 0;

	if (v->n > LIST_ITEMS_MAX)
		return err_new(-CE_BAD_FORMAT, "\"%s\" has more than %d items", key,
			       LIST_ITEMS_MAX);
	for (size_t i = 0; i < v->n; i++)
		bytes += strlen(v->v[i]) + 1;
	if (bytes > LIST_BYTES_MAX)
		return err_new(-CE_BAD_FORMAT, "\"%s\" is larger than %lu bytes", key,
			       LIST_BYTES_MAX);
	return 0;
}

static int get_list(struct json_object *o, const char *key, struct strv *ret)
{
	int r = json_get_strv(o, key, ret);

	return r < 0 ? r : check_list(key, ret);
}

/* {"80/tcp": {}}: Go's way to write a set. */
static int get_set(struct json_object *o, const char *key, struct strv *ret)
{
	struct json_object *set = NULL;
	int r = json_get_obj(o, key, &set);

	if (r < 0 || !set)
		return r;
	json_object_object_foreach(set, name, value)
	{
		if (value && !json_object_is_type(value, json_type_object))
			return err_new(-CE_BAD_FORMAT, "\"%s\" is not a set", key);
		strv_add(ret, name);
	}
	return check_list(key, ret);
}

/* Times that cannot be read tell nobody anything; no reason to refuse the image. */
static int get_time(struct json_object *o, const char *key, int64_t *ret)
{
	const char *s = NULL;
	int r = json_get_str(o, key, &s);

	if (r == 0 && s && (clock_parse(s, ret) < 0 || *ret < 0))
		*ret = 0;
	return r;
}

static bool port_is_valid(const char *s)
{
	AUTO_FREE char *copy = xstrdup(s);
	char *dash;
	uint32_t from, to;
	size_t n = strcspn(copy, "/");

	if (copy[n] && strcmp(copy + n, "/tcp") != 0 && strcmp(copy + n, "/udp") != 0 &&
	    strcmp(copy + n, "/sctp") != 0)
		return false;
	copy[n] = '\0';
	dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	if (parse_u32(copy, 65535, &from) < 0 || from == 0)
		return false;
	return !dash || (parse_u32(dash, 65535, &to) == 0 && to >= from);
}

static int get_ports(struct json_object *o, struct strv *ret)
{
	AUTO_STRV struct strv raw = STRV_INIT;
	int r = get_set(o, "ExposedPorts", &raw);

	for (size_t i = 0; r == 0 && i < raw.n; i++) {
		if (!port_is_valid(raw.v[i]))
			return err_new(-CE_BAD_FORMAT, "exposed port '%s'", raw.v[i]);
		strv_addf(ret, "%s%s", raw.v[i], strchr(raw.v[i], '/') ? "" : "/tcp");
	}
	return r;
}

static int get_volumes(struct json_object *o, struct strv *ret)
{
	AUTO_STRV struct strv raw = STRV_INIT;
	int r = get_set(o, "Volumes", &raw);

	for (size_t i = 0; r == 0 && i < raw.n; i++) {
		AUTO_FREE char *rooted = path_join("/", raw.v[i]);
		AUTO_FREE char *clean = path_clean(rooted);

		if (strcmp(clean, "/") == 0 || strlen(clean) > STRING_MAX)
			return err_new(-CE_BAD_FORMAT, "volume '%.64s'", raw.v[i]);
		if (!strv_has(ret, clean))
			strv_add(ret, clean);
	}
	return r;
}

static int get_duration(struct json_object *o, const char *key, int64_t *ret)
{
	int r = json_get_i64(o, key, ret);

	if (r == 0 && *ret < 0)
		return err_new(-CE_BAD_FORMAT, "\"%s\" is negative", key);
	return r;
}

static int get_health(struct json_object *config, struct healthcheck *h)
{
	struct json_object *o = NULL;
	int64_t retries = 0;
	int r = json_get_obj(config, "Healthcheck", &o);

	if (r < 0 || !o)
		return r;
	r = get_list(o, "Test", &h->test);
	if (r == 0)
		r = get_duration(o, "Interval", &h->interval_ns);
	if (r == 0)
		r = get_duration(o, "Timeout", &h->timeout_ns);
	if (r == 0)
		r = get_duration(o, "StartPeriod", &h->start_period_ns);
	if (r == 0)
		r = get_duration(o, "StartInterval", &h->start_interval_ns);
	if (r == 0)
		r = json_get_i64(o, "Retries", &retries);
	if (r == 0 && (retries < 0 || retries > INT32_MAX))
		r = err_new(-CE_BAD_FORMAT, "\"Retries\" is out of range");
	h->retries = (int)retries;
	return r < 0 ? err_wrap(r, "\"Healthcheck\"") : 0;
}

static int check_signal(const char *s)
{
	int sig;

	if (s && *s && parse_signal(s, &sig) < 0)
		return err_new(-CE_BAD_FORMAT, "stop signal '%.64s'", s);
	return 0;
}

static int parse_run_config(struct json_object *o, struct image_config *c)
{
	int r = get_string(o, "User", STRING_MAX, &c->user);

	if (r == 0)
		r = get_string(o, "WorkingDir", STRING_MAX, &c->working_dir);
	if (r == 0)
		r = get_string(o, "StopSignal", STRING_MAX, &c->stop_signal);
	if (r == 0)
		r = check_signal(c->stop_signal);
	if (r == 0)
		r = get_list(o, "Env", &c->env);
	if (r == 0)
		r = get_list(o, "Cmd", &c->cmd);
	if (r == 0)
		r = get_list(o, "Entrypoint", &c->entrypoint);
	if (r == 0)
		r = get_list(o, "Shell", &c->shell);
	if (r == 0)
		r = get_list(o, "OnBuild", &c->onbuild);
	if (r == 0)
		r = json_get_map(o, "Labels", &c->labels);
	if (r == 0)
		r = check_list("Labels", &c->labels);
	if (r == 0)
		r = get_ports(o, &c->exposed_ports);
	if (r == 0)
		r = get_volumes(o, &c->volumes);
	if (r == 0)
		r = get_health(o, &c->health);
	return r;
}

static int parse_rootfs(struct json_object *o, struct image_config *c)
{
	AUTO_STRV struct strv raw = STRV_INIT;
	struct json_object *rootfs = NULL;
	int r = json_get_obj(o, "rootfs", &rootfs);

	if (r == 0 && !rootfs)
		r = err_new(-CE_BAD_FORMAT, "no \"rootfs\"");
	if (r == 0)
		r = json_get_strv(rootfs, "diff_ids", &raw);
	if (r == 0 && raw.n > DIFFIDS_MAX)
		r = err_new(-CE_LIMIT, "%zu layers, at most %d are read", raw.n, DIFFIDS_MAX);
	for (size_t i = 0; r == 0 && i < raw.n; i++) {
		if (!digest_is_valid(raw.v[i]))
			return err_new(-CE_BAD_FORMAT, "'%.80s' is not a digest", raw.v[i]);
		if (strncmp(raw.v[i], "sha256:", 7) != 0)
			return err_new(-CE_UNSUPPORTED, "a layer named by %.6s", raw.v[i]);
		strv_add(&c->diffids, digest_hex(raw.v[i]));
	}
	return r;
}

static int parse_history(struct json_object *o, struct image_config *c)
{
	struct json_object *list = NULL;
	int r = json_get_arr(o, "history", &list);
	size_t n = r == 0 && list ? json_object_array_length(list) : 0;

	if (n > HISTORY_MAX)
		return err_new(-CE_LIMIT, "%zu history entries, at most %d are read", n,
			       HISTORY_MAX);
	c->history = xcalloc(n + 1, sizeof(*c->history));
	c->n_history = (unsigned)n;
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *e = json_object_array_get_idx(list, i);

		r = get_time(e, "created", &c->history[i].created_ns);
		if (r == 0)
			r = get_string(e, "created_by", LIST_BYTES_MAX, &c->history[i].created_by);
		if (r == 0)
			r = get_string(e, "comment", LIST_BYTES_MAX, &c->history[i].comment);
		if (r == 0)
			r = json_get_bool(e, "empty_layer", &c->history[i].empty_layer);
	}
	return r < 0 ? err_wrap(r, "\"history\"") : 0;
}

static int parse_document(struct json_object *o, struct image_config *c)
{
	struct json_object *config = NULL;
	int r;

	if (!json_object_is_type(o, json_type_object))
		return err_new(-CE_BAD_FORMAT, "not an object");
	r = get_string(o, "os", STRING_MAX, &c->os);
	if (r == 0)
		r = get_string(o, "architecture", STRING_MAX, &c->architecture);
	if (r == 0)
		r = get_string(o, "variant", STRING_MAX, &c->variant);
	if (r == 0)
		r = get_string(o, "author", STRING_MAX, &c->author);
	if (r == 0)
		r = get_time(o, "created", &c->created_ns);
	if (r == 0)
		r = parse_rootfs(o, c);
	if (r == 0)
		r = parse_history(o, c);
	if (r == 0)
		r = json_get_obj(o, "config", &config);
	return r == 0 && config ? parse_run_config(config, c) : r;
}

int image_config_parse(const char *json, size_t n, struct image_config *ret)
{
	AUTO(image_config_done) struct image_config c = {0};
	AUTO_JSON struct json_object *o = NULL;
	int r;

	if (n > CONFIG_BYTES_MAX)
		return err_new(-CE_LIMIT, "an image config of %zu bytes, at most %lu are read", n,
			       CONFIG_BYTES_MAX);
	r = json_parse(json, n, &o);
	if (r == 0)
		r = parse_document(o, &c);
	if (r < 0)
		return err_wrap(r, "image config");
	*ret = c;
	memset(&c, 0, sizeof(c));
	return 0;
}

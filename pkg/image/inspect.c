/* SPDX-License-Identifier: MIT */
#include "pkg/image/inspect.h"

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/local_digest.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"
#include "pkg/json/nil.h"
#include "pkg/oci/manifest.h"

static const char *text(const char *s)
{
	return s ? s : "";
}

static void set_some(struct json_object *o, const char *key, const struct strv *list)
{
	if (list->n)
		json_set(o, key, json_from_strv(list));
}

/* {"80/tcp": {}}, as specifications write a set. */
static struct json_object *health_of(const struct healthcheck *h)
{
	struct json_object *o = json_object_new_object();

	json_set(o, "Test", json_from_strv(&h->test));
	if (h->interval_ns)
		json_set_i64(o, "Interval", h->interval_ns);
	if (h->timeout_ns)
		json_set_i64(o, "Timeout", h->timeout_ns);
	if (h->start_period_ns)
		json_set_i64(o, "StartPeriod", h->start_period_ns);
	if (h->start_interval_ns)
		json_set_i64(o, "StartInterval", h->start_interval_ns);
	if (h->retries)
		json_set_i64(o, "Retries", h->retries);
	return o;
}

static struct json_object *config_of(const struct image_config *c)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "User", text(c->user));
	if (c->exposed_ports.n)
		json_set(o, "ExposedPorts", json_from_set(&c->exposed_ports));
	json_set(o, "Env", json_from_strv(&c->env));
	set_some(o, "Entrypoint", &c->entrypoint);
	json_set(o, "Cmd", c->cmd.n ? json_from_strv(&c->cmd) : NULL);
	json_set(o, "Healthcheck",
		 c->health.test.n ? health_of(&c->health) : json_nil(JSON_NIL_ABSENT));
	if (c->volumes.n)
		json_set(o, "Volumes", json_from_set(&c->volumes));
	json_set_str(o, "WorkingDir", text(c->working_dir));
	json_set(o, "Labels", json_from_map(&c->labels));
	if (c->stop_signal)
		json_set_str(o, "StopSignal", c->stop_signal);
	set_some(o, "OnBuild", &c->onbuild);
	set_some(o, "Shell", &c->shell);
	return o;
}

static struct json_object *history_of(const struct image_config *c)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < c->n_history; i++) {
		struct json_object *o = json_object_new_object();
		char at[CLOCK_TEXT_MAX];

		clock_format_rfc3339(c->history[i].created_ns, at);
		json_set_str(o, "created", at);
		json_set_str(o, "created_by", text(c->history[i].created_by));
		if (c->history[i].comment)
			json_set_str(o, "comment", c->history[i].comment);
		if (c->history[i].empty_layer)
			json_set_bool(o, "empty_layer", true);
		(void)json_object_array_add(a, o);
	}
	return a;
}

/* The comment of an image is that of its last step. */
static const char *comment_of(const struct image_config *c)
{
	return c->n_history ? text(c->history[c->n_history - 1].comment) : "";
}

static struct json_object *rootfs_of(const struct image_record *rec)
{
	struct json_object *o = json_object_new_object();
	AUTO_STRV struct strv layers = STRV_INIT;

	for (size_t i = 0; i < rec->diffids.n; i++)
		strv_addf(&layers, "sha256:%s", rec->diffids.v[i]);
	json_set_str(o, "Type", "layers");
	json_set(o, "Layers", json_from_strv(&layers));
	return o;
}

static struct json_object *driver_of(struct store *st, const struct image_record *rec)
{
	struct json_object *o = json_object_new_object(), *data = json_object_new_object();
	AUTO_STRV struct strv lower = STRV_INIT;

	for (size_t i = rec->diffids.n; i > 0; i--) {
		AUTO_FREE char *dir = store_path(st, STORE_LAYERS, rec->diffids.v[i - 1]);

		if (i == rec->diffids.n) {
			AUTO_FREE char *upper = xasprintf("%s/tree", dir);

			json_set_str(data, "UpperDir", upper);
		} else {
			strv_addf(&lower, "%s/tree", dir);
		}
	}
	if (lower.n) {
		AUTO_FREE char *joined = strv_join(&lower, ":");

		json_set_str(data, "LowerDir", joined);
	}
	json_set_str(o, "Name", driver_name(store_driver(st)));
	json_set(o, "Data", json_as_map(data));
	return o;
}

static struct json_object *annotations_of(const struct image_record *rec)
{
	struct manifest m = {0};
	struct json_object *o;

	if (!rec->manifest ||
	    manifest_parse(rec->manifest, rec->manifest_len, rec->manifest_type, &m) < 0)
		err_drop(); /* it was checked when it came; told without it */
	o = json_from_map(rec->annotations.n ? &rec->annotations : &m.annotations);
	manifest_done(&m);
	return o;
}

/* Of docker, whose JSON has it with some of its stores only. Without a manifest there is none. */
static void set_descriptor(struct json_object *o, const struct image_record *rec)
{
	struct json_object *d = json_object_new_object();

	json_set(o, "Manifests", json_omitted(json_object_new_array()));
	json_set_str(d, "mediaType", text(rec->manifest_type));
	json_set_str(d, "digest", text(rec->manifest_digest));
	json_set_i64(d, "size", (int64_t)rec->manifest_len);
	if (rec->manifest)
		json_set(o, "Descriptor", json_omitted(d));
	else
		json_object_put(d);
}

static struct json_object *object_of(struct store *st, const struct image_record *rec,
				     const struct image_config *c, const char *digest)
{
	struct json_object *o = json_object_new_object();
	AUTO_STRV struct strv tags = STRV_INIT, digests = STRV_INIT;

	strv_add_all(&digests, &rec->repo_digests);
	if (!rec->manifest_digest && *text(digest))
		local_repo_digests(&rec->names, digest, &digests);
	json_set_str(o, "Id", rec->id);
	json_set_str(o, "Digest", text(digest));
	image_tags_of(&rec->names, &tags);
	json_set(o, "RepoTags", json_from_strv(&tags));
	json_set(o, "RepoDigests", json_from_strv(&digests));
	json_set_str(o, "Parent", "");
	json_set_str(o, "Comment", comment_of(c));
	json_set_time(o, "Created", rec->created_ns);
	json_set(o, "Config", config_of(c));
	json_set_str(o, "Version", "");
	json_set_str(o, "Author", text(c->author));
	json_set_str(o, "Architecture", text(c->architecture));
	json_set_str(o, "Variant", text(c->variant));
	if (!c->variant)
		(void)json_omitted(json_object_object_get(o, "Variant"));
	json_set_str(o, "Os", text(c->os));
	json_set(o, "OsVersion", json_omitted(json_object_new_string(""))); /* Windows has one */
	json_set_i64(o, "Size", (int64_t)rec->size_bytes);
	json_set_i64(o, "VirtualSize", (int64_t)rec->size_bytes);
	json_set(o, "GraphDriver", driver_of(st, rec));
	set_descriptor(o, rec);
	json_set(o, "RootFS", rootfs_of(rec));
	json_set(o, "Labels", json_from_map(&c->labels));
	json_set(o, "Annotations", annotations_of(rec));
	json_set_str(o, "ManifestType", text(rec->manifest_type));
	json_set_str(o, "User", text(c->user));
	json_set(o, "History", history_of(c));
	json_set(o, "NamesHistory", json_from_strv(&rec->names));
	json_set(o, "Healthcheck",
		 c->health.test.n ? health_of(&c->health) : json_nil(JSON_NIL_ABSENT));
	return o;
}

int image_inspect(struct store *st, const char *name, struct json_object **ret)
{
	struct image_record *rec = NULL;
	struct image_config c = {0};
	AUTO_FREE char *matched = NULL, *digest = NULL;
	int r = image_find(st, name, &rec, &matched);

	if (r == 0)
		r = image_config_parse(rec->config, rec->config_len, &c);
	if (r == 0)
		digest = image_manifest_of(st, rec, matched);
	if (r == 0 && !digest)
		digest = local_digest(st, rec->id, &rec->diffids, rec->manifest_type,
				      &rec->annotations);
	if (r == 0)
		*ret = object_of(st, rec, &c, digest);
	image_config_done(&c);
	image_record_free(rec);
	return r;
}

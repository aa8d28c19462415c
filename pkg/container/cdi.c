/* SPDX-License-Identifier: MIT */
#include "pkg/container/cdi.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/mounts_internal.h"
#include "pkg/json/json.h"
#include "pkg/runtime/plan.h"

#define GPUS_MAX 64

struct found {
	struct container_record *r;
	const char *device, *name; /* all of it, and what stands after '=' */
	char *kind; /* what stands before */
	unsigned hits, hooks;
};

bool cdi_is_name(const char *device)
{
	const char *slash = strchr(device, '/'), *eq = strchr(device, '=');

	return slash && eq && slash > device && slash < eq && slash[1] != '=' && eq[1] &&
	       !strchr(device, ':');
}

static int bad(const char *what)
{
	return err_new(-CE_BAD_FORMAT, "%s", what);
}

static int add_nodes(struct json_object *edits, struct container_record *r)
{
	struct json_object *a = NULL;
	int rc = json_get_arr(edits, "deviceNodes", &a);

	for (size_t i = 0; rc == 0 && a && i < json_object_array_length(a); i++) {
		struct json_object *o = json_object_array_get_idx(a, i);
		const char *path = NULL, *host = NULL;
		struct stat st;

		rc = json_get_str(o, "path", &path);
		if (rc == 0)
			rc = json_get_str(o, "hostPath", &host);
		if (rc == 0 && (!path || *path != '/' || (host && *host != '/')))
			rc = bad("deviceNodes: a path is missing or not absolute");
		if (rc < 0)
			return rc;
		host = host ? host : path;
		if (strchr(path, ':') || strchr(host, ':'))
			return bad("deviceNodes: a path with a colon");
		if (stat(host, &st) < 0 || (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)))
			return err_new(-ENODEV, "%s is no device of this host", host);
		AUTO_FREE char *node = xasprintf("%s:%s", host, path);

		if (!strv_has(&r->devices, node)) /* of another device, too */
			strv_add(&r->devices, node);
	}
	return rc;
}

static int add_mounts(struct json_object *edits, struct container_record *r)
{
	struct json_object *a = NULL;
	int rc = json_get_arr(edits, "mounts", &a);

	for (size_t i = 0; rc == 0 && a && i < json_object_array_length(a); i++) {
		struct json_object *o = json_object_array_get_idx(a, i);
		const char *host = NULL, *inside = NULL;
		AUTO_STRV struct strv options = STRV_INIT;
		struct mount_spec *m;

		rc = json_get_str(o, "hostPath", &host);
		if (rc == 0)
			rc = json_get_str(o, "containerPath", &inside);
		if (rc == 0)
			rc = json_get_strv(o, "options", &options);
		if (rc == 0 && (!host || *host != '/' || !inside))
			rc = bad("mounts: a path is missing or not absolute");
		if (rc < 0)
			return rc;
		m = record_add_mount(r);
		m->flags = BIND_FLAGS;
		for (size_t k = 0; k < options.n; k++)
			if (!mount_flag_word(m, options.v[k]))
				(void)mount_propagation_word(m, options.v[k]);
		rc = mount_set_target(m, inside, inside);
		if (rc == 0)
			rc = mount_set_bind_source(m, host, inside);
	}
	return rc;
}

static int add_env(struct json_object *edits, struct container_record *r)
{
	AUTO_STRV struct strv env = STRV_INIT;
	int rc = json_get_strv(edits, "env", &env);

	for (size_t i = 0; rc == 0 && i < env.n; i++) {
		if (!strchr(env.v[i], '=') || env.v[i][0] == '=')
			return bad("env: not NAME=VALUE");
		strv_env_set(&r->env, env.v[i]);
	}
	return rc;
}

static int apply(struct json_object *of, struct found *f)
{
	struct json_object *edits = NULL, *hooks = NULL;
	int rc = json_get_obj(of, "containerEdits", &edits);

	if (rc < 0 || !edits)
		return rc;
	rc = json_get_arr(edits, "hooks", &hooks);
	f->hooks += hooks ? (unsigned)json_object_array_length(hooks) : 0;
	if (rc == 0)
		rc = add_env(edits, f->r);
	if (rc == 0)
		rc = add_nodes(edits, f->r);
	return rc < 0 ? rc : add_mounts(edits, f->r);
}

/* What all devices of a file need comes once, with the first of them. */
static int search(struct json_object *spec, bool *shared, struct found *f)
{
	struct json_object *devices = NULL;
	const char *kind = NULL;
	unsigned before = f->hits;
	int rc = json_get_str(spec, "kind", &kind);

	if (rc == 0)
		rc = json_get_arr(spec, "devices", &devices);
	if (rc < 0 || !kind || !devices)
		return rc < 0 ? rc : bad("kind or devices are missing");
	if (strcmp(kind, f->kind) != 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < json_object_array_length(devices); i++) {
		struct json_object *d = json_object_array_get_idx(devices, i);
		const char *name = NULL;

		rc = json_get_str(d, "name", &name);
		if (rc < 0 || !name || strcmp(name, f->name) != 0)
			continue;
		f->hits++;
		rc = apply(d, f);
	}
	if (rc < 0 || f->hits == before || *shared)
		return rc;
	*shared = true;
	return apply(spec, f);
}

int cdi_add(struct container_record *r, const char *device, const struct cdi_specs *specs,
	    bool *shared)
{
	const char *eq = strchr(device, '=');
	AUTO_FREE char *kind = xstrndup(device, (size_t)(eq - device));
	struct found f = {.r = r, .device = device, .name = eq + 1, .kind = kind};
	int rc = cdi_specs_check(specs);

	for (unsigned i = 0; rc == 0 && i < specs->n; i++) {
		rc = search(specs->v[i].doc, &shared[i], &f);
		if (rc < 0)
			rc = err_wrap(rc, "%s", specs->v[i].path);
	}
	if (rc < 0)
		return err_wrap(rc, "device %s", device);
	if (f.hits == 0) {
		AUTO_FREE char *where = strv_join(&specs->dirs, " and ");

		return err_usage("device '%s': no CDI specification in %s has it%s", device, where,
				 specs->yaml ? " (those in YAML are not read; write them as JSON)" : "");
	}
	if (f.hits > 1)
		return err_usage("device '%s': more than one CDI specification has it", device);
	if (f.hooks)
		log_warn("device %s: %u hooks of its CDI specification are not run", device,
			 f.hooks);
	return 0;
}

/*
 * docker's long form, a line of CSV: which GPUs, and what for. What for is up to the CDI specification.
 * A value with commas is quoted together with its key: "device=0,1",capabilities=utility
 */
static int gpus_csv(const char *csv, char **ret)
{
	AUTO_STRV struct strv fields = STRV_INIT;
	int r = strv_split_csv(&fields, csv)
			? 0
			: err_usage("--gpus '%s': a quote is not closed", csv);

	for (size_t i = 0; r == 0 && i < fields.n; i++) {
		const char *f = fields.v[i], *eq = strchr(f, '=');

		if (strncmp(f, "count=", 6) == 0 || strncmp(f, "device=", 7) == 0 ||
		    (!eq && *f && i == 0)) {
			if (*ret)
				return err_usage(
					"--gpus '%s': count= and device= exclude each other", csv);
			*ret = xstrdup(strncmp(f, "count=", 6) == 0 ? f + 6 : f);
		} else if (strncmp(f, "driver=", 7) == 0 && strcmp(f + 7, "nvidia") != 0) {
			return err_usage(
				"--gpus '%s': there is no driver but nvidia; other devices "
				"by their CDI names with --device",
				csv);
		} else if (strncmp(f, "driver=", 7) != 0 && strncmp(f, "capabilities=", 13) != 0 &&
			   strncmp(f, "options=", 8) != 0) {
			return err_usage("--gpus '%s': unknown '%s'; known are count= device= "
					 "driver= capabilities= options=",
					 csv, f);
		}
	}
	if (r == 0 && !*ret)
		*ret = xstrdup("all");
	return r;
}

int cdi_gpus(const char *given, struct strv *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	AUTO_FREE char *csv = NULL;
	const char *gpus = given;
	uint32_t n = 0;

	/* podman's device=0,1 has commas without quotes. */
	if (strchr(given, '"') || (strpbrk(given, ",=") &&
				   (strncmp(given, "device=", 7) != 0 || strchr(given + 7, '=')))) {
		int r = gpus_csv(given, &csv);

		if (r < 0)
			return r;
		gpus = csv;
	}
	if (strcmp(gpus, "all") == 0 || strcmp(gpus, "-1") == 0) {
		strv_add(ret, "nvidia.com/gpu=all");
		return 0;
	}
	if (strncmp(gpus, "device=", 7) == 0 && gpus[7]) {
		strv_split(&ids, gpus + 7, ',');
		for (size_t i = 0; i < ids.n; i++)
			strv_addf(ret, "nvidia.com/gpu=%s", ids.v[i]);
		return 0;
	}
	if (parse_u32(gpus, GPUS_MAX, &n) < 0 || n == 0)
		return err_usage("--gpus '%s': write all, a number or device=NAME[,NAME]", gpus);
	for (uint32_t i = 0; i < n; i++)
		strv_addf(ret, "nvidia.com/gpu=%u", i);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * "cuddy info": this machine, this store. One object in podman's shape; templates name its fields as
 * podman's Go code does (.Host.OCIRuntime for host.ociRuntime). Called as docker it is docker's.
 */
#include "cmd/info.h"

#include <ctype.h>
#include <string.h>

#include "cmd/persona.h"
#include "cmd/version.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/json/json.h"
#include "pkg/json/nil.h"

struct info_args {
	const char *format;
};

static const struct opt info_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct info_args, format,
		"Print as json or through a Go template"),
	OPT_END,
};

/* ---- Go's names -------------------------------------------------------------------------------- */

/* Where Go's field is more than the key with a capital. */
static const char *const go_names[][2] = {
	{"cpuUtilization", "CPUUtilization"},
	{"ociRuntime", "OCIRuntime"},
	{"cgroupVersion", "CgroupsVersion"},
	{"cpus", "CPUs"},
	{"os", "OS"},
	{"idMappings", "IDMappings"},
	{"uidmap", "UIDMap"},
	{"gidmap", "GIDMap"},
	{"slirp4netns", "Slirp4NetNS"},
	{"selinuxEnabled", "SELinuxEnabled"},
	{"apparmorEnabled", "AppArmorEnabled"},
	{"capabilities", "DefaultCapabilities"},
	{"seccompEnabled", "SECCOMPEnabled"},
	{"seccompProfilePath", "SECCOMPProfilePath"},
	{"dns", "DNS"},
	{"container_id", "ContainerID"},
	{"host_id", "HostID"},
};

static char *go_name(const char *key)
{
	char *s;

	for (size_t i = 0; i < ARRAY_LEN(go_names); i++)
		if (strcmp(key, go_names[i][0]) == 0)
			return xstrdup(go_names[i][1]);
	s = xstrdup(key);
	s[0] = (char)toupper((unsigned char)s[0]);
	return s;
}

/* Maps keep their keys: they are no fields. */
static bool is_map(const char *key)
{
	return strcmp(key, "registries") == 0 || strcmp(key, "graphOptions") == 0 ||
	       strcmp(key, "graphStatus") == 0;
}

static struct json_object *with_go_names(struct json_object *v)
{
	struct json_object *copy;

	if (json_object_is_type(v, json_type_array)) {
		copy = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(v); i++)
			(void)json_object_array_add(copy,
						    with_go_names(json_object_array_get_idx(v, i)));
		return copy;
	}
	if (!json_object_is_type(v, json_type_object) || json_nil_kind(v) != JSON_NIL_NONE)
		return json_object_get(v);
	copy = json_object_new_object();
	json_object_object_foreach(v, key, e)
	{
		AUTO_FREE char *name = go_name(key);

		json_set(copy, name, is_map(key) ? json_object_get(e) : with_go_names(e));
	}
	return copy;
}

/* ---- podman's shape -------------------------------------------------------------------------- */

static struct json_object *plugins(void)
{
	static const char *const lists[][2] = {
		{"volume", "local"},
		{"network", "bridge slirp4netns pasta none host container ns"},
		{"log", "k8s-file json-file journald none passthrough"}};
	struct json_object *o = json_object_new_object();

	json_set(o, "authorization", json_nil(JSON_NIL_LIST)); /* as podman's: there are none */
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		AUTO_STRV struct strv words = STRV_INIT;

		strv_split(&words, lists[i][1], ' ');
		json_set(o, lists[i][0], json_from_strv(&words));
	}
	return o;
}

struct json_object *info_at(struct json_object *o, const char *a, const char *b)
{
	struct json_object *part = NULL, *v = NULL;

	if (json_object_object_get_ex(o, a, &part) && json_object_object_get_ex(part, b, &v))
		return json_object_get(v);
	return NULL;
}

static int gather(struct store *st, struct json_object **ret)
{
	AUTO_JSON struct json_object *o = json_object_new_object();
	struct json_object *store = NULL, *registries = NULL;
	int r, e;

	json_set(o, "host", info_host(st));
	r = info_store(st, &store);
	json_set(o, "store", store);
	/* A file that is refused stops pulls; here it is one more thing to be told. */
	e = r == 0 ? info_registries(&registries) : 0;
	if (e < 0) {
		AUTO_JSON struct json_object *missing = info_at(o, "host", "missing");

		(void)json_object_array_add(missing, json_object_new_string(err_message(e)));
		err_drop();
		registries = json_object_new_object();
	}
	json_set(o, "registries", registries);
	json_set(o, "plugins", plugins());
	json_set(o, "version", version_describe());
	if (r == 0)
		*ret = TAKE_PTR(o);
	return r;
}

static int info_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct info_args *a = args;
	AUTO_JSON struct json_object *info = NULL, *shown = NULL;
	bool docker = persona() == PERSONA_DOCKER;
	bool is_template = a->format && strcmp(a->format, "json") != 0;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = gather(st, &info);
	if (r < 0)
		return r;
	if (docker)
		shown = info_as_docker(info);
	else
		shown = is_template ? with_go_names(info) : json_object_get(info);
	if (a->format)
		return value_print(shown, a->format, stdout);
	yaml_print(shown, stdout);
	return 0;
}

const struct command cmd_info = {
	.name = "info",
	.synopsis = "[OPTIONS]",
	.summary = "Print facts about this machine and the store, and what is missing",
	.opts = info_opts,
	.args_size = sizeof(struct info_args),
	.run = info_run,
};

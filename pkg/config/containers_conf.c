/* SPDX-License-Identifier: MIT */
#include "pkg/config/containers_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/conf_file.h"
#include "pkg/config/ignored.h"
#include "pkg/config/paths.h"
#include "pkg/config/toml.h"
#include "pkg/sys/names.h"

#define CONF_MAX (1024 * 1024)
#define MODULES_DIR "containers.conf.modules"

enum kind { TEXT, NUMBER, TRUTH, LIST };

struct key {
	const char *table, *name;
	enum kind kind;
	size_t offset;
};

#define K(table, name, kind)                                               \
	{                                                                  \
		table, #name, kind, offsetof(struct containers_conf, name) \
	}
static const struct key keys[] = {
	K("containers", annotations, LIST),
	K("containers", cgroup_conf, LIST),
	K("containers", default_capabilities, LIST),
	K("containers", default_sysctls, LIST),
	K("containers", default_ulimits, LIST),
	K("containers", devices, LIST),
	K("containers", dns_options, LIST),
	K("containers", dns_searches, LIST),
	K("containers", dns_servers, LIST),
	K("containers", env, LIST),
	K("containers", mounts, LIST),
	K("containers", volumes, LIST),
	K("engine", add_compression, LIST),
	K("engine", cdi_spec_dirs, LIST),
	K("engine", hooks_dir, LIST),
	K("engine", runtimes_flags, LIST),
	K("network", default_host_ips, LIST),
	K("network", pasta_options, LIST),
	K("containers", apparmor_profile, TEXT),
	K("containers", base_hosts_file, TEXT),
	K("containers", cgroupns, TEXT),
	K("containers", cgroups, TEXT),
	K("containers", host_containers_internal_ip, TEXT),
	K("containers", init_path, TEXT),
	K("containers", ipcns, TEXT),
	K("containers", log_driver, TEXT),
	K("containers", log_path, TEXT),
	K("containers", log_tag, TEXT),
	K("containers", netns, TEXT),
	K("containers", pidns, TEXT),
	K("containers", seccomp_profile, TEXT),
	K("containers", shm_size, TEXT),
	K("containers", tz, TEXT),
	K("containers", umask, TEXT),
	K("containers", userns, TEXT),
	K("containers", utsns, TEXT),
	K("engine", build_cache_age, TEXT),
	K("engine", build_cache_max, TEXT),
	K("engine", build_cache_min_free, TEXT),
	K("engine", cgroup_manager, TEXT),
	K("engine", compression_format, TEXT),
	K("engine", image_default_format, TEXT),
	K("engine", image_volume_mode, TEXT),
	K("engine", infra_command, TEXT),
	K("engine", infra_image, TEXT),
	K("engine", kube_generate_type, TEXT),
	K("engine", pod_exit_policy, TEXT),
	K("engine", pull_policy, TEXT),
	K("engine", retry_delay, TEXT),
	K("engine", detach_keys, TEXT),
	K("engine", runtime, TEXT),
	K("network", default_rootless_network_cmd, TEXT),
	K("containers", container_name_as_hostname, TRUTH),
	K("containers", env_host, TRUTH),
	K("containers", http_proxy, TRUTH),
	K("containers", init, TRUTH),
	K("containers", keyring, TRUTH),
	K("containers", no_hosts, TRUTH),
	K("containers", privileged, TRUTH),
	K("containers", read_only, TRUTH),
	K("engine", events_container_create_inspect_data, TRUTH),
	K("engine", healthcheck_events, TRUTH),
	K("containers", log_size_max, NUMBER),
	K("containers", oom_score_adj, NUMBER),
	K("containers", pids_limit, NUMBER),
	K("engine", compression_level, NUMBER),
	K("engine", retry, NUMBER),
	K("engine", stop_timeout, NUMBER),
};

static void *at(struct containers_conf *c, const struct key *k)
{
	return (char *)c + k->offset;
}

/* Once said to be added to, a list stays so for the files that come later. */
static int take_list(struct conf_list *list, const char *key, const struct toml_value *v)
{
	AUTO_STRV struct strv more = STRV_INIT;
	int r = toml_want_array(v, key, &more);

	if (r < 0)
		return r;
	if (v->append >= 0)
		list->append = v->append;
	if (!list->append)
		strv_done(&list->v);
	strv_add_all(&list->v, &more);
	list->set = true;
	return 0;
}

static int take(struct containers_conf *c, const struct key *k, const struct toml_value *v)
{
	struct conf_list *list = at(c, k);
	int64_t *number = at(c, k);
	char **text = at(c, k);
	const char *s;
	bool truth;
	int r = 0;

	switch (k->kind) {
	case LIST:
		r = take_list(list, k->name, v);
		break;
	case TRUTH:
		r = toml_want_bool(v, k->name, &truth);
		if (r == 0)
			*number = truth;
		break;
	case NUMBER:
		if (v->kind != TOML_INTEGER)
			return err_new(-CE_BAD_FORMAT, "%s: not a number", k->name);
		*number = v->integer;
		break;
	case TEXT:
		r = toml_want_string(v, k->name, &s);
		if (r == 0) {
			free(*text);
			*text = xstrdup(s);
		}
		break;
	}
	return r;
}

/* [engine.runtimes]: all paths of a name take the place of those an earlier file had for it. */
static int take_runtime(struct containers_conf *c, const char *name, const struct toml_value *v)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	AUTO_FREE char *head = xasprintf("%s=", name);
	int r = toml_want_array(v, name, &paths);

	if (r < 0)
		return r;
	for (size_t i = c->runtimes.n; i-- > 0;)
		if (strncmp(c->runtimes.v[i], head, strlen(head)) == 0)
			strv_remove(&c->runtimes, i);
	for (size_t i = 0; i < paths.n; i++)
		strv_addf(&c->runtimes, "%s%s", head, paths.v[i]);
	return 0;
}

/* [engine] env: later files win, name by name. */
static int take_env(struct containers_conf *c, const struct toml_value *v)
{
	AUTO_STRV struct strv pairs = STRV_INIT;
	int r = toml_want_array(v, "env", &pairs);

	for (size_t i = 0; r == 0 && i < pairs.n; i++) {
		if (*pairs.v[i] == '=' || !strchr(pairs.v[i], '='))
			return err_new(-CE_BAD_FORMAT, "env: '%s': write NAME=VALUE", pairs.v[i]);
		strv_env_set(&c->engine_env, pairs.v[i]);
	}
	return r;
}

struct reading {
	struct containers_conf *c;
	const char *file;
};

static int on_value(void *data, const char *table, const char *key, const struct toml_value *v)
{
	const struct reading *in = data;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(table, keys[i].table) == 0 && strcmp(key, keys[i].name) == 0)
			return take(in->c, &keys[i], v);
	if (strcmp(table, "engine.runtimes") == 0)
		return take_runtime(in->c, key, v);
	if (strcmp(table, "engine") == 0 && strcmp(key, "env") == 0)
		return take_env(in->c, v);
	conf_ignored(in->file, table, key,
		     v->kind == TOML_STRING ? v->string
		     : v->kind == TOML_BOOL ? (v->boolean ? "true" : "false")
					    : NULL);
	return 0;
}

static int read_one(struct containers_conf *c, const char *path, bool needed)
{
	struct reading in = {.c = c, .file = path};
	const struct toml_handler h = {.value = on_value, .data = &in};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r;

	/* How users say "none at all". */
	if (strcmp(path, "/dev/null") == 0 || (!needed && access(path, F_OK) < 0))
		return 0;
	r = conf_file_read(path, CONF_MAX, &text);
	return r < 0 ? r : toml_parse(path, text.s ? text.s : "", text.len, &h);
}

static int read_dir(struct containers_conf *c, const char *path)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? 0 : dir_names(dir, &names);

	strv_sort(&names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *file = path_join(path, names.v[i]);

		if (has_ending(names.v[i], ".conf"))
			r = read_one(c, file, false);
	}
	return r;
}

/* What an administrator says for those without root, for all and for this one. */
static int read_rootless(struct containers_conf *c)
{
	static const char *const dirs[] = {"/etc/containers/containers.rootless.d",
					   "/etc/containers/containers.rootless.conf.d"};
	int r = read_one(c, "/etc/containers/containers.rootless.conf", false);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++) {
		AUTO_FREE char *own = xasprintf("%s/%u", dirs[i], getuid());

		r = read_dir(c, dirs[i]);
		if (r == 0)
			r = read_dir(c, own);
	}
	return r;
}

static int read_all(struct containers_conf *c)
{
	AUTO_FREE char *home = NULL, *own = NULL, *own_dir = NULL;
	int r = read_one(c, "/usr/share/containers/containers.conf", false);

	if (r == 0)
		r = read_one(c, "/etc/containers/containers.conf", false);
	if (r == 0)
		r = read_dir(c, "/etc/containers/containers.conf.d");
	if (r == 0)
		r = read_rootless(c);
	if (r == 0)
		r = paths_config_home(&home);
	if (r < 0)
		return r;
	own = path_join(home, "containers/containers.conf");
	own_dir = path_join(home, "containers/containers.conf.d");
	r = read_one(c, own, false);
	return r < 0 ? r : read_dir(c, own_dir);
}

int containers_conf_module(const char *name, char **ret)
{
	AUTO_STRV struct strv tried = STRV_INIT;
	AUTO_FREE char *home = NULL, *all = NULL;
	int r = paths_config_home(&home);

	if (r < 0)
		return r;
	if (*name == '/') {
		strv_add(&tried, name);
	} else if (*name) {
		strv_addf(&tried, "%s/containers/" MODULES_DIR "/%s", home, name);
		strv_addf(&tried, "/etc/containers/" MODULES_DIR "/%s", name);
		strv_addf(&tried, "/usr/share/containers/" MODULES_DIR "/%s", name);
	}
	for (size_t i = 0; i < tried.n; i++) {
		if (access(tried.v[i], F_OK) < 0)
			continue;
		*ret = xstrdup(tried.v[i]);
		return 0;
	}
	all = strv_join(&tried, " or ");
	return err_usage("'%s': there is no such module%s%s", name, tried.n ? ": no file " : "",
			 all);
}

static int read_modules(struct containers_conf *c)
{
	const char *named = getenv(CONF_MODULES);
	AUTO_STRV struct strv paths = STRV_INIT;
	int r = 0;

	if (named && *named)
		strv_split(&paths, named, '\n');
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		r = read_one(c, paths.v[i], true);
	return r;
}

int containers_conf_load(struct containers_conf *c)
{
	const char *only = getenv("CONTAINERS_CONF"), *last = getenv("CONTAINERS_CONF_OVERRIDE");
	int r;

	*c = (struct containers_conf){0};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].kind == NUMBER || keys[i].kind == TRUTH)
			*(int64_t *)at(c, &keys[i]) = CONF_UNSET;
	r = only && *only ? read_one(c, only, true) : read_all(c);
	if (r == 0)
		r = read_modules(c);
	return r == 0 && last && *last ? read_one(c, last, true) : r;
}

static struct containers_conf ours; /* as long as the process */
static bool have_ours;

int containers_conf(const struct containers_conf **ret)
{
	int r = have_ours ? 0 : containers_conf_load(&ours);

	if (r < 0) {
		containers_conf_done(&ours);
		return r;
	}
	for (size_t i = 0; !have_ours && i < ours.engine_env.n; i++) {
		const char *pair = ours.engine_env.v[i];
		size_t n = strcspn(pair, "=");
		AUTO_FREE char *name = xstrndup(pair, n);

		if (setenv(name, pair + n + 1, 1) < 0)
			return err_new(-errno, "containers.conf: env: '%s'", pair);
	}
	have_ours = true;
	*ret = &ours;
	return 0;
}

int containers_conf_image_format(bool *ret_docker)
{
	const struct containers_conf *c;
	int r = containers_conf(&c);
	const char *f = r == 0 && c->image_default_format ? c->image_default_format : "";

	*ret_docker = strcmp(f, "docker") == 0 || strcmp(f, "v2s2") == 0;
	if (r < 0 || *ret_docker || !*f || strcmp(f, "oci") == 0)
		return r;
	return err_usage("containers.conf: image_default_format '%s': use oci or v2s2", f);
}

void containers_conf_done(struct containers_conf *c)
{
	strv_done(&c->engine_env);
	strv_done(&c->runtimes);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (keys[i].kind == LIST)
			strv_done(&((struct conf_list *)at(c, &keys[i]))->v);
		else if (keys[i].kind == TEXT)
			freep(at(c, &keys[i]));
	}
}

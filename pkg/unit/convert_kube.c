/* SPDX-License-Identifier: MIT */
/*
 * [Kube]: a service that plays Kubernetes YAML. Its main process is "kube play" itself, which stays until the
 * containers have ended or the service is stopped, and removes what it made.
 */
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/unit/convert.h"
#include "pkg/unit/words.h"

static int add_config_map(struct convert *c, const struct unit_line *l)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = convert_words(l, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		strv_add(&c->argv, "--configmap");
		strv_take(&c->argv, convert_path(c, words.v[i]));
	}
	return r;
}

/* "registry" of all containers, "NAME/registry" of one. */
static int add_auto_update(struct convert *c, const struct unit_line *l)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = convert_words(l, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		const char *slash = strchr(words.v[i], '/');

		strv_add(&c->argv, "--annotation");
		if (slash)
			strv_addf(&c->argv, "io.containers.autoupdate/%.*s=%s",
				  (int)(slash - words.v[i]), words.v[i], slash + 1);
		else
			strv_addf(&c->argv, "io.containers.autoupdate=%s", words.v[i]);
	}
	return r;
}

const struct key_row kube_keys[] = {
	{"Yaml", .kind = KEY_OTHER},
	{"KubeDownForce", .kind = KEY_OTHER},
	{"SetWorkingDirectory", .kind = KEY_OTHER},
	{"ServiceName", .kind = KEY_OTHER},
	{"PodmanArgs", .kind = KEY_OTHER},
	{"GlobalArgs", .kind = KEY_OTHER},
	{"ExitCodePropagation", KEY_ONE, .flag = "--service-exit-code-propagation"},
	{"AutoUpdate", KEY_CALL, .call = add_auto_update},
	{"ConfigMap", KEY_CALL, .call = add_config_map},
	{"LogDriver", KEY_ONE, .flag = "--log-driver"},
	{"LogOpt", KEY_WORDS, .flag = "--log-opt"},
	{"Network", KEY_CALL, .call = convert_network},
	{"PublishPort", KEY_EACH, .flag = "--publish"},
	{"UserNS", KEY_ONE, .flag = "--userns"},
	{"ContainersConfModule", .kind = KEY_OTHER},
	{"RemapGid", .kind = KEY_OTHER},
	{"RemapUid", .kind = KEY_OTHER},
	{"RemapUidSize", .kind = KEY_OTHER},
	{"RemapUsers", .kind = KEY_OTHER},
	{.key = NULL},
};

static int yaml_files(struct convert *c, struct strv *ret)
{
	const struct unit_line *l = NULL;
	int r = 0;

	while (r == 0 && (l = unit_file_next(&c->q->in, c->section, "Yaml", l)))
		r = convert_words(l, ret);
	if (r == 0 && ret->n == 0)
		return err_new(-CE_BAD_FORMAT, "%s: [Kube] needs Yaml=", c->q->path);
	for (size_t i = 0; r == 0 && i < ret->n; i++) {
		char *path = convert_path(c, ret->v[i]);

		free(ret->v[i]);
		ret->v[i] = path;
	}
	return r;
}

static int working_directory(struct convert *c, const char *yaml)
{
	const struct unit_line *l = convert_own(c, "SetWorkingDirectory");
	const char *of;

	if (!l)
		return 0;
	of = strcasecmp(l->value, "yaml") == 0   ? yaml
	     : strcasecmp(l->value, "unit") == 0 ? c->q->path
						 : NULL;
	if (!of)
		return err_new(-CE_BAD_FORMAT, "%s: SetWorkingDirectory=%s: use yaml or unit",
			       l->where, l->value);
	if (!unit_file_last(&c->q->in, "Service", "WorkingDirectory"))
		unit_file_addf(c->out, "Service", "WorkingDirectory", "%.*s",
			       (int)(path_base(of) - of), of);
	return 0;
}

static int add_down(struct convert *c, const struct strv *yaml)
{
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	int force = unit_file_bool(&c->q->in, c->section, "KubeDownForce", false), r;

	if (force < 0)
		return force;
	strv_split(&argv, "kube down", ' ');
	if (force)
		strv_add(&argv, "--force");
	strv_add_all(&argv, yaml);
	r = convert_command(c, &argv, &line);
	if (r == 0)
		unit_file_add(c->out, "Service", "ExecStopPost", line.s);
	return r;
}

int convert_kube(struct convert *c)
{
	const struct unit_line *l = NULL;
	AUTO_STRV struct strv yaml = STRV_INIT;
	bool oneshot = false;
	int r = convert_check_service(c, &oneshot);

	if (r == 0)
		r = yaml_files(c, &yaml);
	if (r == 0)
		r = working_directory(c, yaml.v[0]);
	if (r < 0)
		return r;
	unit_file_add(c->out, "Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
	unit_file_add(c->out, "Service", "SyslogIdentifier", "%N");
	if (!unit_file_last(&c->q->in, "Service", "KillMode"))
		unit_file_add(c->out, "Service", "KillMode", "mixed");
	if (oneshot) {
		if (!unit_file_last(c->out, "Service", "RemainAfterExit"))
			unit_file_add(c->out, "Service", "RemainAfterExit", "yes");
	} else {
		unit_file_add(c->out, "Service", "Type", "notify");
		unit_file_add(c->out, "Service", "NotifyAccess", "all");
	}
	strv_split(&c->argv, "kube play --replace", ' ');
	if (!oneshot)
		strv_add(&c->argv, "--service-container=true");
	r = convert_keys(c, kube_keys);
	if (r == 0)
		r = convert_remap(c, false);
	while (r == 0 && (l = unit_file_next(&c->q->in, c->section, "PodmanArgs", l)))
		r = convert_words(l, &c->argv);
	strv_add_all(&c->argv, &yaml);
	if (r == 0)
		r = convert_exec(c, "ExecStart");
	return r == 0 ? add_down(c, &yaml) : r;
}

/* SPDX-License-Identifier: MIT */
/*
 * [Pod]: a service that is there as long as a pod runs. Its main process is the monitor of the pod's infra
 * container, and its containers are services of their own, bound to it: they start and stop with it,
 * and it stops with the last of them.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/unit/convert.h"
#include "pkg/unit/words.h"

const struct key_row pod_keys[] = {
	{"PodName", .kind = KEY_OTHER},
	{"ServiceName", .kind = KEY_OTHER},
	{"PodmanArgs", .kind = KEY_OTHER},
	{"GlobalArgs", .kind = KEY_OTHER},
	{"ExitPolicy", .kind = KEY_OTHER},
	{"StopTimeout", .kind = KEY_OTHER},
	{"AddHost", KEY_EACH, .flag = "--add-host"},
	{"DNS", KEY_EACH, .flag = "--dns"},
	{"DNSOption", KEY_EACH, .flag = "--dns-option"},
	{"DNSSearch", KEY_EACH, .flag = "--dns-search"},
	{"GIDMap", KEY_WORDS, .flag = "--gidmap"},
	{"HostName", KEY_ONE, .flag = "--hostname"},
	{"IP", KEY_ONE, .flag = "--ip"},
	{"IP6", KEY_ONE, .flag = "--ip6"},
	{"Label", KEY_WORDS, .flag = "--label"},
	{"Network", KEY_CALL, .call = convert_network},
	{"NetworkAlias", KEY_EACH, .flag = "--network-alias"},
	{"PublishPort", KEY_EACH, .flag = "--publish"},
	{"ShmSize", KEY_ONE, .flag = "--shm-size"},
	{"SubGIDMap", KEY_ONE, .flag = "--subgidname"},
	{"SubUIDMap", KEY_ONE, .flag = "--subuidname"},
	{"UIDMap", KEY_WORDS, .flag = "--uidmap"},
	{"UserNS", KEY_ONE, .flag = "--userns"},
	{"Volume", KEY_CALL, .call = convert_volume},
	{"ContainersConfModule", .kind = KEY_OTHER},
	{"RemapGid", .kind = KEY_OTHER},
	{"RemapUid", .kind = KEY_OTHER},
	{"RemapUidSize", .kind = KEY_OTHER},
	{"RemapUsers", .kind = KEY_OTHER},
	{.key = NULL},
};

static const struct unit_line *own(const struct convert *c, const char *key)
{
	return unit_file_last(&c->q->in, c->section, key);
}

int convert_pod(struct convert *c, const struct unit_line *l)
{
	const struct quadlet *q = NULL;
	AUTO_FREE char *service = NULL;

	if (quadlet_kind_of(l->value, NULL) != QUADLET_POD)
		return err_new(-CE_BAD_FORMAT, "%s: Pod=%s: must be the file of a pod (.pod)",
			       l->where, l->value);
	q = quadlet_find(c->all, l->value);
	if (!q)
		return err_new(-CE_BAD_FORMAT, "%s: there is no file %s", l->where, l->value);
	service = quadlet_unit_of(q, c->q);
	unit_file_add(c->out, "Unit", "BindsTo", service);
	unit_file_add(c->out, "Unit", "After", service);
	strv_add(&c->argv, "--pod-id-file");
	strv_addf(&c->argv, "%%t/%.*s.pod-id", (int)(strrchr(service, '.') - service), service);
	return 0;
}

bool convert_pod_is_limited(const struct convert *c)
{
	/* What "pod create" takes as a limit begins with one of these. */
	static const char *const heads[] = {"-m",
					    "--memory",
					    "-c",
					    "--cpu",
					    "--blkio-",
					    "--device-read-",
					    "--device-write-",
					    "--pids-"};
	const struct unit_line *l = own(c, "Pod");
	const struct quadlet *pod = l ? quadlet_find(c->all, l->value) : NULL;
	AUTO_STRV struct strv words = STRV_INIT;

	l = NULL;
	while (pod && (l = unit_file_next(&pod->in, "Pod", "PodmanArgs", l)))
		if (convert_words(l, &words) < 0)
			err_drop(); /* told when that file's turn comes */
	for (size_t i = 0; i < words.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(heads); k++)
			if (!strncmp(words.v[i], heads[k], strlen(heads[k])))
				return true;
	return false;
}

/* The containers that name it; each starts with it unless it says otherwise. */
static int add_members(struct convert *c)
{
	for (size_t i = 0; i < c->all->n; i++) {
		const struct quadlet *q = &c->all->v[i];
		const struct unit_line *pod;
		AUTO_FREE char *service = NULL;
		int start;

		if (q->kind != QUADLET_CONTAINER || q->error)
			continue;
		pod = unit_file_last(&q->in, "Container", "Pod");
		if (!pod || strcmp(pod->value, c->q->file) != 0)
			continue;
		start = unit_file_bool(&q->in, "Container", "StartWithPod", true);
		if (start < 0)
			return start;
		if (!start)
			continue;
		service = quadlet_unit_of(q, c->q);
		unit_file_add(c->out, "Unit", "Wants", service);
		unit_file_add(c->out, "Unit", "Before", service);
	}
	return 0;
}

static int add_verb(struct convert *c, const char *key, const char *words)
{
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	int r;

	strv_split(&argv, words, ' ');
	strv_add(&argv, "--pod-id-file=%t/%N.pod-id");
	r = convert_command(c, &argv, &line);
	if (r == 0)
		unit_file_add(c->out, "Service", key, line.s);
	return r;
}

static int add_create(struct convert *c)
{
	const struct unit_line *l = own(c, "ExitPolicy");
	int r;

	strv_split(&c->argv,
		   "pod create --infra-conmon-pidfile=%t/%N.pid "
		   "--pod-id-file=%t/%N.pod-id --replace",
		   ' ');
	strv_addf(&c->argv, "--exit-policy=%s", l ? l->value : "stop");
	r = convert_keys(c, pod_keys);
	if (r == 0)
		r = convert_remap(c, true);
	l = NULL;
	while (r == 0 && (l = unit_file_next(&c->q->in, c->section, "PodmanArgs", l)))
		r = convert_words(l, &c->argv);
	strv_add(&c->argv, "--name");
	strv_add(&c->argv, c->q->object);
	return r == 0 ? convert_exec(c, "ExecStartPre") : r;
}

int convert_pod_file(struct convert *c)
{
	const struct unit_line *l = own(c, "StopTimeout");
	AUTO_FREE char *stop = xasprintf("pod stop --ignore --time=%s", l ? l->value : "10");
	int r = add_members(c);

	if (r == 0)
		r = convert_patience(c, l ? l->value : NULL);
	unit_file_add(c->out, "Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
	unit_file_add(c->out, "Service", "SyslogIdentifier", "%N");
	unit_file_add(c->out, "Service", "Type", "forking");
	unit_file_add(c->out, "Service", "PIDFile", "%t/%N.pid");
	if (!unit_file_last(&c->q->in, "Service", "Restart"))
		unit_file_add(c->out, "Service", "Restart", "on-failure");
	if (r == 0)
		r = add_create(c);
	if (r == 0)
		r = add_verb(c, "ExecStart", "pod start");
	if (r == 0)
		r = add_verb(c, "ExecStop", stop);
	return r == 0 ? add_verb(c, "ExecStopPost", "pod rm --ignore --force") : r;
}

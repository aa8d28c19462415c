/* SPDX-License-Identifier: MIT */
/* [Container]: a service that runs one container. */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/unit/convert.h"
#include "pkg/unit/words.h"

/* "-/dev/x": only where the host has it. */
static int add_device(struct convert *c, const struct unit_line *l)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = convert_words(l, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		bool may_lack = *words.v[i] == '-';
		const char *device = words.v[i] + may_lack;
		AUTO_FREE char *path = xstrndup(device, strcspn(device, ":"));

		if (may_lack && access(path, F_OK) < 0)
			continue;
		strv_add(&c->argv, "--device");
		strv_add(&c->argv, device);
	}
	return r;
}

static int add_one_mount(struct convert *c, const struct unit_line *l, const char *mount)
{
	AUTO_STRV struct strv fields = STRV_INIT;
	AUTO_SBUF struct sbuf spec = SBUF_INIT;
	int r = 0;

	strv_split(&fields, mount, ',');
	for (size_t i = 0; r == 0 && i < fields.n; i++) {
		const char *f = fields.v[i], *eq = strchr(f, '=');

		if (i)
			sbuf_addc(&spec, ',');
		if (eq && (!strncmp(f, "source=", 7) || !strncmp(f, "src=", 4))) {
			sbuf_adds(&spec, "source=");
			r = convert_source(c, l, eq + 1, &spec);
		} else {
			sbuf_adds(&spec, f);
		}
	}
	strv_add(&c->argv, "--mount");
	strv_add(&c->argv, spec.s);
	return r;
}

static int add_mount(struct convert *c, const struct unit_line *l)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = convert_words(l, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = add_one_mount(c, l, words.v[i]);
	return r;
}

/* podman writes it so, too: with a read-only root /tmp is one already. */
static int add_volatile_tmp(struct convert *c, const struct unit_line *l)
{
	int on = unit_file_bool(&c->q->in, c->section, "VolatileTmp", false),
	    read_only = unit_file_bool(&c->q->in, c->section, "ReadOnly", false);

	if (on <= 0 || read_only || l != convert_own(c, "VolatileTmp"))
		return on < 0 ? on : 0;
	strv_add(&c->argv, "--tmpfs");
	strv_add(&c->argv, "/tmp:rw,size=512M,mode=1777");
	return 0;
}

const struct key_row container_keys[] = {
	{"ContainerName", .kind = KEY_OTHER},
	{"Image", .kind = KEY_OTHER},
	{"Rootfs", .kind = KEY_OTHER},
	{"Exec", .kind = KEY_OTHER},
	{"Notify", .kind = KEY_OTHER},
	{"CgroupsMode", .kind = KEY_OTHER},
	{"User", .kind = KEY_OTHER},
	{"Group", .kind = KEY_OTHER},
	{"ReloadCmd", .kind = KEY_OTHER},
	{"ReloadSignal", .kind = KEY_OTHER},
	{"ServiceName", .kind = KEY_OTHER},
	{"PodmanArgs", .kind = KEY_OTHER},
	{"GlobalArgs", .kind = KEY_OTHER},
	{"AddCapability", KEY_WORDS, .flag = "--cap-add"},
	{"AddDevice", KEY_CALL, .call = add_device},
	{"AddHost", KEY_EACH, .flag = "--add-host"},
	{"Annotation", KEY_WORDS, .flag = "--annotation"},
	{"AppArmor", KEY_ONE, .flag = "--security-opt", .prefix = "apparmor="},
	{"AutoUpdate", KEY_ONE, .flag = "--label", .prefix = "io.containers.autoupdate="},
	{"DNS", KEY_EACH, .flag = "--dns"},
	{"DNSOption", KEY_EACH, .flag = "--dns-option"},
	{"DNSSearch", KEY_EACH, .flag = "--dns-search"},
	{"DropCapability", KEY_WORDS, .flag = "--cap-drop"},
	{"Entrypoint", KEY_ONE, .flag = "--entrypoint"},
	{"Environment", KEY_WORDS, .flag = "--env"},
	{"EnvironmentFile", KEY_CALL, .call = convert_env_file},
	{"EnvironmentHost", KEY_BOOL, .flag = "--env-host"},
	{"ExposeHostPort", KEY_EACH, .flag = "--expose"},
	{"GIDMap", KEY_WORDS, .flag = "--gidmap"},
	{"GroupAdd", KEY_EACH, .flag = "--group-add"},
	{"HealthCmd", KEY_ONE, .flag = "--health-cmd"},
	{"HealthInterval", KEY_ONE, .flag = "--health-interval"},
	{"HealthOnFailure", KEY_ONE, .flag = "--health-on-failure"},
	{"HealthRetries", KEY_ONE, .flag = "--health-retries"},
	{"HealthStartPeriod", KEY_ONE, .flag = "--health-start-period"},
	{"HealthStartupCmd", KEY_ONE, .flag = "--health-startup-cmd"},
	{"HealthStartupInterval", KEY_ONE, .flag = "--health-startup-interval"},
	{"HealthStartupRetries", KEY_ONE, .flag = "--health-startup-retries"},
	{"HealthStartupSuccess", KEY_ONE, .flag = "--health-startup-success"},
	{"HealthStartupTimeout", KEY_ONE, .flag = "--health-startup-timeout"},
	{"HealthTimeout", KEY_ONE, .flag = "--health-timeout"},
	{"HostName", KEY_ONE, .flag = "--hostname"},
	{"HttpProxy", KEY_BOOL, .flag = "--http-proxy"},
	{"IP", KEY_ONE, .flag = "--ip"},
	{"IP6", KEY_ONE, .flag = "--ip6"},
	{"Label", KEY_WORDS, .flag = "--label"},
	{"LogDriver", KEY_ONE, .flag = "--log-driver"},
	{"LogOpt", KEY_WORDS, .flag = "--log-opt"},
	{"Mask", KEY_WORDS, .flag = "--security-opt", .prefix = "mask="},
	{"Memory", KEY_ONE, .flag = "--memory"},
	{"Mount", KEY_CALL, .call = add_mount},
	{"Network", KEY_CALL, .call = convert_network},
	{"NetworkAlias", KEY_EACH, .flag = "--network-alias"},
	{"NoNewPrivileges", KEY_FLAG, .flag = "--security-opt", .prefix = "no-new-privileges"},
	{"PidsLimit", KEY_ONE, .flag = "--pids-limit"},
	{"Pod", KEY_CALL, .call = convert_pod},
	{"StartWithPod", .kind = KEY_OTHER},
	{"PublishPort", KEY_EACH, .flag = "--publish"},
	{"Pull", KEY_ONE, .flag = "--pull"},
	{"ReadOnly", KEY_BOOL, .flag = "--read-only"},
	{"ReadOnlyTmpfs", KEY_BOOL, .flag = "--read-only-tmpfs"},
	{"RunInit", KEY_BOOL, .flag = "--init"},
	{"SeccompProfile", KEY_ONE, .flag = "--security-opt", .prefix = "seccomp="},
	{"Secret", KEY_WORDS, .flag = "--secret"},
	{"SecurityLabelDisable", KEY_FLAG, .flag = "--security-opt", .prefix = "label=disable"},
	{"SecurityLabelFileType", KEY_REFUSED, .flag = "SELinux types are not set by cuddy"},
	{"SecurityLabelLevel", KEY_REFUSED, .flag = "SELinux levels are not set by cuddy"},
	{"SecurityLabelNested", KEY_REFUSED, .flag = "SELinux labels are not set by cuddy"},
	{"SecurityLabelType", KEY_REFUSED, .flag = "SELinux types are not set by cuddy"},
	{"ShmSize", KEY_ONE, .flag = "--shm-size"},
	{"StopSignal", KEY_ONE, .flag = "--stop-signal"},
	{"StopTimeout", KEY_ONE, .flag = "--stop-timeout"},
	{"SubGIDMap", KEY_ONE, .flag = "--subgidname"},
	{"SubUIDMap", KEY_ONE, .flag = "--subuidname"},
	{"Sysctl", KEY_WORDS, .flag = "--sysctl"},
	{"Timezone", KEY_ONE, .flag = "--tz"},
	{"Tmpfs", KEY_EACH, .flag = "--tmpfs"},
	{"UIDMap", KEY_WORDS, .flag = "--uidmap"},
	{"Ulimit", KEY_EACH, .flag = "--ulimit"},
	{"Unmask", KEY_WORDS, .flag = "--security-opt", .prefix = "unmask="},
	{"UserNS", KEY_ONE, .flag = "--userns"},
	{"VolatileTmp", KEY_CALL, .call = add_volatile_tmp},
	{"Volume", KEY_CALL, .call = convert_volume},
	{"WorkingDir", KEY_ONE, .flag = "--workdir"},
	{"ContainersConfModule", .kind = KEY_OTHER},
	{"HealthLogDestination", KEY_ONE, .flag = "--health-log-destination"},
	{"HealthMaxLogCount", KEY_ONE, .flag = "--health-max-log-count"},
	{"HealthMaxLogSize", KEY_ONE, .flag = "--health-max-log-size"},
	{"RemapGid", .kind = KEY_OTHER},
	{"RemapUid", .kind = KEY_OTHER},
	{"RemapUidSize", .kind = KEY_OTHER},
	{"RemapUsers", .kind = KEY_OTHER},
	{"Retry", KEY_ONE, .flag = "--retry"},
	{"RetryDelay", KEY_ONE, .flag = "--retry-delay"},
	{.key = NULL},
};

static int bad_value(const struct unit_line *l, const char *why)
{
	return err_new(-CE_BAD_FORMAT, "%s: %s=%s: %s", l->where, l->key, l->value, why);
}

int convert_check_service(const struct convert *c, bool *ret_oneshot)
{
	static const char *const refused[] = {"User", "Group", "DynamicUser"};
	const struct unit_line *l = unit_file_last(&c->q->in, "Service", "KillMode");

	if (l && strcmp(l->value, "mixed") != 0 && strcmp(l->value, "control-group") != 0)
		return bad_value(l, "a container's service needs mixed or control-group");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		l = unit_file_last(&c->q->in, "Service", refused[i]);
		if (l)
			return bad_value(l, "a user's service runs as that user; a container has a "
					    "user of its own");
	}
	l = unit_file_last(&c->q->in, "Service", "Type");
	*ret_oneshot = l && !strcmp(l->value, "oneshot");
	if (l && !*ret_oneshot && strcmp(l->value, "notify") != 0)
		return bad_value(l, "a container's service needs notify or oneshot");
	return 0;
}

static void add_command(struct convert *c, const char *key, const char *prefix, const char *words)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	AUTO_STRV struct strv argv = STRV_INIT;

	strv_split(&argv, words, ' ');
	strv_add(&argv, c->q->object);
	if (convert_command(c, &argv, &line) == 0) /* GlobalArgs were read before */
		unit_file_addf(c->out, "Service", key, "%s%s", prefix, line.s);
}

/* StopTimeout=, or the last flag in PodmanArgs=, which come after it; malloc'ed, or NULL. */
static int stop_timeout(const struct convert *c, char **ret)
{
	static const char flag[] = "--stop-timeout";
	const struct unit_line *l = convert_own(c, "StopTimeout");
	AUTO_STRV struct strv words = STRV_INIT;
	const char *value = l ? l->value : NULL;
	int r = 0;

	l = NULL;
	while (r == 0 && (l = unit_file_next(&c->q->in, c->section, "PodmanArgs", l)))
		r = convert_words(l, &words);
	for (size_t i = 0; i < words.n; i++) {
		if (strncmp(words.v[i], flag, strlen(flag)) != 0)
			continue;
		if (words.v[i][strlen(flag)] == '=')
			value = words.v[i] + sizeof(flag);
		else if (!words.v[i][strlen(flag)] && i + 1 < words.n)
			value = words.v[i + 1];
	}
	*ret = value ? xstrdup(value) : NULL;
	return r;
}

/* By its own signal, and within its own time; removed when that is over, or whatever else has ended it. */
static int stop_commands(struct convert *c)
{
	AUTO_FREE char *timeout = NULL;
	int r = stop_timeout(c, &timeout);

	add_command(c, "ExecStop", "", "stop --ignore");
	add_command(c, "ExecStopPost", "-", "rm -v -f -i");
	return r == 0 ? convert_patience(c, timeout) : r;
}

static int reload_command(struct convert *c)
{
	const struct unit_line *cmd = convert_own(c, "ReloadCmd"),
			       *sig = convert_own(c, "ReloadSignal");
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	int r = 0;

	if (!cmd && !sig)
		return 0;
	if (cmd && sig)
		return bad_value(sig, "there is a ReloadCmd= already");
	strv_add(&argv, cmd ? "exec" : "kill");
	if (sig) {
		strv_add(&argv, "--signal");
		strv_add(&argv, sig->value);
	}
	strv_add(&argv, c->q->object);
	if (cmd)
		r = convert_words(cmd, &argv);
	if (r == 0)
		r = convert_command(c, &argv, &line);
	if (r == 0)
		unit_file_add(c->out, "Service", "ExecReload", line.s);
	return r;
}

/* When the service counts as started: when the container runs, when its payload says so, or when it is healthy. */
static int readiness(struct convert *c, bool oneshot)
{
	const struct unit_line *l = convert_own(c, "Notify");
	bool b = false;

	if (l && strcmp(l->value, "healthy") != 0 && parse_bool(l->value, &b) < 0)
		return bad_value(l, "true, false or healthy");
	if (oneshot) {
		strv_add(&c->argv, "--sdnotify=ignore");
		return 0;
	}
	unit_file_add(c->out, "Service", "Type", "notify");
	unit_file_add(c->out, "Service", "NotifyAccess", "all");
	strv_addf(&c->argv, "--sdnotify=%s",
		  l && !b ? (!strcmp(l->value, "healthy") ? "healthy" : "conmon")
		  : b     ? "container"
			  : "conmon");
	strv_add(&c->argv, "-d");
	return 0;
}

static int user(struct convert *c)
{
	const struct unit_line *u = convert_own(c, "User"), *g = convert_own(c, "Group");

	if (g && !u)
		return bad_value(g, "needs a User= beside it");
	if (!u)
		return 0;
	strv_add(&c->argv, "--user");
	strv_addf(&c->argv, "%s%s%s", u->value, g ? ":" : "", g ? g->value : "");
	return 0;
}

static int image(struct convert *c)
{
	const struct unit_line *l = convert_own(c, "Image"), *rootfs = convert_own(c, "Rootfs");
	AUTO_SBUF struct sbuf ref = SBUF_INIT;
	int r;

	if (!l == !rootfs)
		return err_new(-CE_BAD_FORMAT, "%s: [Container] needs Image= or Rootfs=%s",
			       c->q->path, l ? ", one of both" : "");
	if (rootfs) {
		strv_add(&c->argv, "--rootfs");
		strv_take(&c->argv, convert_path(c, rootfs->value));
		return 0;
	}
	r = convert_source(c, l, l->value, &ref);
	if (r == 0)
		strv_add(&c->argv, ref.s);
	return r;
}

static int arguments(struct convert *c)
{
	const struct unit_line *l = NULL;
	int r = 0;

	while (r == 0 && (l = unit_file_next(&c->q->in, c->section, "PodmanArgs", l)))
		r = convert_words(l, &c->argv);
	if (r == 0)
		r = image(c);
	l = convert_own(c, "Exec");
	if (r == 0 && l)
		r = convert_words(l, &c->argv);
	return r;
}

/*
 * In the cgroup of its service, whose limits then hold it; or in that of its pod, when there is one
 * with limits, and only the monitor stays, to which the service's manager listens.
 */
static int cgroups(struct convert *c)
{
	const struct unit_line *l = convert_own(c, "CgroupsMode");
	bool in_pod = convert_pod_is_limited(c);

	if (l && in_pod && (!strcmp(l->value, "split") || !strcmp(l->value, "disabled")))
		return bad_value(
			l, "the limits of its pod would not hold it; say no-conmon, or nothing");
	strv_addf(&c->argv, "--cgroups=%s", l ? l->value : in_pod ? "no-conmon" : "split");
	return 0;
}

int convert_container(struct convert *c)
{
	bool oneshot = false;
	int r = convert_check_service(c, &oneshot);

	if (r < 0)
		return r;
	/* Which unit a container belongs to is in its label: for "auto-update" and for people. */
	unit_file_add(c->out, "Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
	if (!unit_file_last(&c->q->in, "Service", "KillMode"))
		unit_file_add(c->out, "Service", "KillMode", "mixed");
	unit_file_add(c->out, "Service", "Delegate", "yes");
	if (!unit_file_last(&c->q->in, "Service", "SyslogIdentifier"))
		unit_file_add(c->out, "Service", "SyslogIdentifier", "%N");
	strv_add(&c->argv, "run");
	strv_add(&c->argv, "--name");
	strv_add(&c->argv, c->q->object);
	strv_add(&c->argv, "--replace");
	strv_add(&c->argv, "--rm");
	r = cgroups(c);
	if (r == 0)
		r = readiness(c, oneshot);
	if (r == 0)
		r = user(c);
	if (r == 0)
		r = convert_keys(c, container_keys);
	if (r == 0)
		r = convert_remap(c, true);
	if (r == 0)
		r = arguments(c);
	if (r == 0)
		r = convert_exec(c, "ExecStart");
	if (r == 0)
		r = stop_commands(c);
	return r == 0 ? reload_command(c) : r;
}

/* SPDX-License-Identifier: MIT */
/* Command, environment, user, labels: what pid 1 is. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/make.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/passwd.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ZONES "/usr/share/zoneinfo"
#define LINE_FILE_MAX (1U << 20)
#define ARGS_MAX 4096
#define ID_MAX 2147483647U

static int env_check(const char *assignment)
{
	if (*assignment == '=' || !*assignment)
		return err_usage("environment '%s': the name before '=' is empty", assignment);
	return 0;
}

int env_add(struct strv *env, const char *spec)
{
	size_t n = strlen(spec);
	const char *value;
	int r = env_check(spec);

	/* Who writes lines about users, as login shells do, takes it as one of their fields (R13). */
	if (r == 0 && strncmp(spec, "HOME=", 5) == 0)
		for (const char *c = spec; r == 0 && *c; c++)
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				r = err_usage("environment HOME: a line break or another control "
					      "character is in it; give a directory's path");
	if (r < 0)
		return r;
	if (strchr(spec, '=')) {
		strv_env_set(env, spec);
		return 0;
	}
	if (spec[n - 1] == '*') {
		for (char **e = environ; *e; e++)
			if (strncmp(*e, spec, n - 1) == 0 && strchr(*e, '='))
				strv_env_set(env, *e);
		return 0;
	}
	value = getenv(spec);
	if (value) {
		AUTO_FREE char *pair = xasprintf("%s=%s", spec, value);

		strv_env_set(env, pair);
	}
	return 0;
}

/* The caller's own file: a pipe as well, as in --env-file <(command). */
static int each_line(const char *path, int (*add)(struct strv *, const char *), struct strv *to)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_STRV struct strv lines = STRV_INIT;
	int r = fd < 0 ? err_new(-errno, "open %s", path) : 0;

	if (r < 0)
		return r;
	r = file_read_stream(fd, LINE_FILE_MAX, &b);
	if (r < 0)
		return err_wrap(r, "%s", path);
	if (memchr(b.s, '\0', b.len))
		return err_usage("%s: holds a NUL byte", path);
	strv_split(&lines, b.s, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *line = lines.v[i];
		size_t n = strlen(line);

		while (*line == ' ' || *line == '\t')
			line++;
		if (n && lines.v[i][n - 1] == '\r')
			lines.v[i][n - 1] = '\0';
		if (!*line || *line == '#')
			continue;
		r = add(to, line);
		if (r < 0)
			return err_wrap(r, "%s: line %zu", path, i + 1);
	}
	return 0;
}

/* "export A=1" and "A = 1" are a shell's, or mistakes, with podman and docker as well. */
static int env_add_line(struct strv *env, const char *line)
{
	size_t n = strcspn(line, "=");

	if (strcspn(line, " \t") < n)
		return err_usage("the name '%.*s' has a blank in it; write NAME=VALUE", (int)n, line);
	return env_add(env, line);
}

int env_add_file(struct strv *env, const char *path)
{
	return each_line(path, env_add_line, env);
}

static int label_add(struct strv *labels, const char *spec)
{
	int r = env_check(spec);

	if (r < 0)
		return err_usage("label '%s': the name before '=' is empty", spec);
	if (strchr(spec, '=')) {
		strv_env_set(labels, spec);
	} else {
		AUTO_FREE char *pair = xasprintf("%s=", spec);

		strv_env_set(labels, pair);
	}
	return 0;
}

int label_add_file(struct strv *labels, const char *path)
{
	return each_line(path, label_add, labels);
}

/* Programs know them in lower case, some in upper case. */
static void add_proxies(struct strv *env)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "ftp_proxy",   "no_proxy",
					    "all_proxy",  "HTTP_PROXY",  "HTTPS_PROXY", "FTP_PROXY",
					    "NO_PROXY",   "ALL_PROXY"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);
		AUTO_FREE char *pair = value ? xasprintf("%s=%s", names[i], value) : NULL;

		if (pair)
			strv_env_set(env, pair);
	}
}

/* What comes without being asked for. */
static void add_default_env(const struct container_request *q, const struct image_config *image,
			    struct strv *env)
{
	strv_env_set(env, DEFAULT_PATH);
	strv_env_set(env, "container=podman");
	if (q->tty)
		strv_env_set(env, "TERM=xterm");
	if (q->default_env)
		for (size_t i = 0; i < q->default_env->n; i++)
			if (env_check(q->default_env->v[i]) == 0)
				strv_env_set(env, q->default_env->v[i]);
	/* The image's entries are data: without '=' they name nothing of the host (R22). */
	for (size_t i = 0; image && i < image->env.n; i++)
		if (strchr(image->env.v[i], '=') && image->env.v[i][0] != '=')
			strv_env_set(env, image->env.v[i]);
}

/* --env-merge NAME=TEXT: $NAME and ${NAME} in TEXT are what the container has so far; \$ is a dollar. */
static int env_merge(struct strv *env, const char *spec)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	const char *p = strchr(spec, '=');

	if (!p || p == spec)
		return err_usage("--env-merge '%s': write NAME=TEXT", spec);
	sbuf_add(&out, spec, (size_t)(++p - spec));
	while (*p) {
		AUTO_FREE char *name = NULL;
		const char *value;
		bool braces = p[0] == '$' && p[1] == '{';
		size_t n;

		if (p[0] == '\\' && p[1] == '$')
			p++;
		else if (*p == '$') {
			p += 1 + braces;
			n = strspn(
				p,
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
			if (n == 0 || (braces && p[n] != '}'))
				return err_usage("--env-merge '%s': after '$' comes NAME or {NAME}",
						 spec);
			name = xstrndup(p, n);
			value = strv_env_get(env, name);
			sbuf_adds(&out, value ? value : "");
			p += n + braces;
			continue;
		}
		sbuf_addc(&out, *p++);
	}
	strv_env_set(env, out.s);
	return 0;
}

void env_unset(struct strv *env, const char *name)
{
	size_t n = strlen(name);

	for (size_t k = 0; k < env->n; k++)
		if (strncmp(env->v[k], name, n) == 0 && env->v[k][n] == '=')
			strv_remove(env, k--);
}

/* Ours, without what a service manager says to this one process. */
static void add_host_env(struct strv *env)
{
	static const char *const ours[] = {"LISTEN_PID",    "LISTEN_FDS",   "LISTEN_FDNAMES",
					   "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"};

	for (char **e = environ; *e; e++)
		if (strchr(*e, '='))
			strv_env_set(env, *e);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		env_unset(env, ours[i]);
}

static int make_env(const struct container_request *q, const struct image_config *image,
		    struct container_record *r)
{
	int rc = 0;

	if (q->env_host)
		add_host_env(&r->env);
	if (q->http_proxy)
		add_proxies(&r->env);
	if (!q->unset_env_all)
		add_default_env(q, image, &r->env);
	for (size_t i = 0; i < q->unset_env.n; i++)
		env_unset(&r->env, q->unset_env.v[i]);
	for (size_t i = 0; rc == 0 && i < q->env_merge.n; i++)
		rc = env_merge(&r->env, q->env_merge.v[i]);
	for (size_t i = 0; rc == 0 && i < q->env_file.n; i++)
		rc = env_add_file(&r->env, q->env_file.v[i]);
	for (size_t i = 0; rc == 0 && i < q->env.n; i++)
		rc = env_add(&r->env, q->env.v[i]);
	return rc;
}

/* --entrypoint '["a","b"]' or one word; an empty one drops the image's. */
static int make_entrypoint(const char *given, struct strv *out)
{
	AUTO_JSON struct json_object *a = NULL;

	if (!*given)
		return 0;
	if (*given != '[') {
		strv_add(out, given);
		return 0;
	}
	if (json_parse(given, strlen(given), &a) < 0 || !json_object_is_type(a, json_type_array))
		return err_usage("--entrypoint '%s': not a JSON array of strings", given);
	for (size_t i = 0; i < json_object_array_length(a); i++) {
		struct json_object *e = json_object_array_get_idx(a, i);

		if (!json_object_is_type(e, json_type_string))
			return err_usage("--entrypoint '%s': not a JSON array of strings", given);
		strv_add(out, json_object_get_string(e));
	}
	return 0;
}

static int make_command(const struct container_request *q, const struct image_config *image,
			struct container_record *r)
{
	int rc = 0;

	if (q->entrypoint)
		rc = make_entrypoint(q->entrypoint, &r->entrypoint);
	else if (image)
		strv_add_all(&r->entrypoint, &image->entrypoint);
	if (rc < 0)
		return rc;
	for (char **c = q->command; c && *c; c++)
		strv_add(&r->cmd, *c);
	/* An entrypoint given here drops the image's command, as docker does. */
	if (r->cmd.n == 0 && !q->entrypoint && image)
		strv_add_all(&r->cmd, &image->cmd);
	if (q->is_infra && !q->image)
		return 0;
	if (r->entrypoint.n + r->cmd.n == 0)
		return err_usage("%s has no command of its own; write one after the image name",
				 q->image ? q->image : "the image");
	if (r->entrypoint.n + r->cmd.n > ARGS_MAX)
		return err_usage("more than %d arguments", ARGS_MAX);
	if (!*(r->entrypoint.n ? r->entrypoint.v[0] : r->cmd.v[0]))
		return err_new(-CE_CMD_NOT_FOUND, "the command's name is empty");
	return 0;
}

static int id_part(const char *s, size_t n)
{
	AUTO_FREE char *part = xstrndup(s, n);
	uint32_t id;

	if (!n)
		return -EINVAL;
	if (strspn(part, "0123456789") == n)
		return parse_u32(part, ID_MAX, &id);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)part[i] <= ' ' || part[i] == 0x7f || part[i] == '+' ||
		    part[i] == '/')
			return -EINVAL;
	return *part == '-' ? -EINVAL : 0;
}

int user_check(const char *s)
{
	const char *colon = strchr(s, ':');

	if (!*s)
		return 0;
	if (id_part(s, colon ? (size_t)(colon - s) : strlen(s)) < 0 ||
	    (colon && id_part(colon + 1, strlen(colon + 1)) < 0))
		return err_usage("user '%s': write name|uid[:group|gid], ids from 0 to %u", s,
				 ID_MAX);
	return 0;
}

static int check_workdir(const char *dir)
{
	if (*dir != '/')
		return err_usage("working directory '%s': must be absolute", dir);
	if (strlen(dir) >= PATH_MAX)
		return err_usage("working directory: longer than %d bytes", PATH_MAX - 1);
	return 0;
}

static int make_labels(const struct container_request *q, const struct image_config *image,
		       struct container_record *r)
{
	const char *unit = getenv("PODMAN_SYSTEMD_UNIT");
	int rc = 0;

	for (size_t i = 0; image && i < image->labels.n; i++)
		strv_env_set(&r->labels, image->labels.v[i]);
	/* Started by a unit of systemd: the unit's name goes with it, for auto-update and for people. */
	if (unit && *unit) {
		AUTO_FREE char *label = xasprintf("PODMAN_SYSTEMD_UNIT=%s", unit);

		strv_env_set(&r->labels, label);
	}
	for (size_t i = 0; rc == 0 && i < q->label_file.n; i++)
		rc = label_add_file(&r->labels, q->label_file.v[i]);
	for (size_t i = 0; rc == 0 && i < q->label.n; i++)
		rc = label_add(&r->labels, q->label.v[i]);
	for (size_t i = 0; rc == 0 && i < q->annotation.n; i++)
		rc = strchr(q->annotation.v[i], '=')
			     ? label_add(&r->annotations, q->annotation.v[i])
			     : err_usage("--annotation '%s': write KEY=VALUE", q->annotation.v[i]);
	return rc;
}

static int make_stop(const struct container_request *q, const struct image_config *image,
		     struct container_record *r)
{
	const char *name = q->stop_signal                ? q->stop_signal
			   : image && image->stop_signal ? image->stop_signal
			   : r->systemd                  ? "SIGRTMIN+3"
							 : "SIGTERM";
	int sig;

	if (parse_signal(name, &sig) < 0)
		return err_usage("stop signal '%s': not a signal; write a name like SIGTERM or a "
				 "number from 1 to 64",
				 name);
	r->stop_signal = sig;
	if (q->stop_timeout < -1)
		return err_usage("--stop-timeout: must be -1 (for ever) or more seconds");
	r->stop_timeout = q->stop_timeout;
	r->timeout = q->timeout;
	return 0;
}

/* A zone of the host's database, or the one it is in itself. */
static int make_timezone(const char *tz, struct container_record *r)
{
	AUTO_FREE char *path = NULL;
	struct stat st;

	if (!tz)
		return 0;
	if (strcmp(tz, "local") == 0) {
		path = realpath("/etc/localtime", NULL);
	} else {
		AUTO_FREE char *joined = path_join(ZONES, tz);

		path = path_clean(joined);
		if (!path_is_within(path, ZONES))
			return err_usage("--tz '%s': not the name of a time zone", tz);
	}
	if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return err_usage("--tz '%s': the host has no such time zone in " ZONES, tz);
	r->timezone = TAKE_PTR(path);
	return 0;
}

/* Written when the container runs already, so what is in the way is said before. */
static int pid_path(const char *flag, const char *given, char **ret)
{
	AUTO_FREE char *dir = NULL;

	if (!given)
		return 0;
	*ret = path_absolute(given);
	if (access(*ret, W_OK) == 0)
		return 0;
	if (errno == ENOENT) {
		dir = xstrndup(*ret, (size_t)(strrchr(*ret, '/') - *ret) + 1);
		if (access(dir, W_OK) == 0)
			return 0;
	}
	return err_new(-errno, "%s %s", flag, *ret);
}

static int make_init(const struct container_request *q, struct container_record *r)
{
	struct stat st;
	int rc = pid_path("--pidfile", q->pidfile, &r->pidfile);

	if (rc == 0)
		rc = pid_path("--conmon-pidfile", q->conmon_pidfile, &r->conmon_pidfile);
	r->init = q->init || q->init_path;
	if (rc < 0 || !q->init_path)
		return rc;
	r->init_path = path_absolute(q->init_path);
	if (stat(r->init_path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return err_usage("--init-path %s: not a program", r->init_path);
	return 0;
}

static int make_groups(const struct container_request *q, struct container_record *r)
{
	if (strv_has(&q->group_add, "keep-groups") && q->group_add.n > 1)
		return err_usage(
			"--group-add keep-groups stands alone: the kernel lets nobody add to "
			"groups that are kept");
	strv_add_all(&r->group_add, &q->group_add);
	return 0;
}

static int check_entry(const char *flag, const char *entry)
{
	for (const char *c = entry ? entry : ""; *c; c++)
		if ((unsigned char)*c < ' ')
			return err_usage("%s: one line, without control characters", flag);
	return 0;
}

/* --hostuser: who it is on the host, with the same number inside. */
static int host_user(const char *who, struct container_record *r)
{
	AUTO(passwd_entry_done) struct passwd_entry e = {0};
	uint32_t uid;
	int rc = parse_u32(who, UINT32_MAX - 1, &uid) == 0 ? passwd_find(uid, &e)
							   : passwd_find_name(who, &e);

	if (rc < 0)
		return err_usage("--hostuser '%s': no such user on the host", who);
	for (const char *c = e.full_name; *c; c++)
		if ((unsigned char)*c < ' ')
			return err_usage("--hostuser '%s': its line on the host is malformed", who);
	strv_addf(&r->host_users, "%s:*:%u:%u:%s:%s:/bin/sh", e.name, e.uid, e.gid, e.full_name,
		  e.home);
	return 0;
}

static int make_accounts(const struct container_request *q, struct container_record *r)
{
	int rc = check_entry("--passwd-entry", q->passwd_entry);

	if (rc == 0)
		rc = check_entry("--group-entry", q->group_entry);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < q->host_users.n; i++)
		rc = host_user(q->host_users.v[i], r);
	if (rc < 0)
		return rc;
	if (q->host_users.n && q->passwd == 0)
		return err_usage("--hostuser and --passwd=false contradict each other");
	r->no_passwd = q->passwd == 0;
	r->passwd_entry = q->passwd_entry ? xstrdup(q->passwd_entry) : NULL;
	r->group_entry = q->group_entry ? xstrdup(q->group_entry) : NULL;
	return 0;
}

static void make_hooks(const struct container_request *q, struct container_record *r)
{
	for (size_t i = 0; q->more_hooks_dirs && i < q->more_hooks_dirs->n; i++)
		strv_take(&r->hooks_dirs, path_absolute(q->more_hooks_dirs->v[i]));
	for (size_t i = 0; i < q->hooks_dirs.n; i++)
		strv_take(&r->hooks_dirs, path_absolute(q->hooks_dirs.v[i]));
}

int make_process(const struct container_request *q, const struct image_config *image,
		 struct container_record *r)
{
	const char *user = q->user ? q->user : image && image->user ? image->user : "";
	const char *dir = q->workdir && *q->workdir                            ? q->workdir
			  : image && image->working_dir && *image->working_dir ? image->working_dir
									       : "/";
	uint32_t mask;
	int rc = make_command(q, image, r);

	if (rc == 0)
		rc = make_env(q, image, r);
	if (rc == 0)
		rc = make_labels(q, image, r);
	make_hooks(q, r);
	if (rc == 0)
		make_systemd(q, r);
	if (rc == 0)
		rc = make_stop(q, image, r);
	if (rc == 0)
		rc = make_accounts(q, r);
	if (rc == 0)
		rc = make_timezone(q->tz, r);
	if (rc == 0)
		rc = make_init(q, r);
	if (rc == 0)
		rc = make_groups(q, r);
	if (rc == 0)
		rc = user_check(user);
	if (rc == 0)
		rc = check_workdir(dir);
	if (rc == 0 && q->umask && parse_octal(q->umask, 0777, &mask) < 0)
		rc = err_usage("--umask '%s': write octal digits up to 0777", q->umask);
	if (rc < 0)
		return rc;
	if (q->personality && strcasecmp(q->personality, "LINUX") != 0 &&
	    strcasecmp(q->personality, "LINUX32") != 0)
		return err_usage("--personality '%s': use LINUX or LINUX32", q->personality);
	r->linux32 = q->personality && strcasecmp(q->personality, "LINUX32") == 0;
	r->user = xstrdup(user);
	r->workdir = path_clean(dir);
	r->umask = q->umask ? xstrdup(q->umask) : NULL;
	r->tty = q->tty;
	r->interactive = q->interactive;
	r->auto_remove = q->rm;
	r->remove_image = q->rm && q->remove_image;
	return q->restart ? restart_parse(q->restart, r) : 0;
}

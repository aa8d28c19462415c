/* SPDX-License-Identifier: MIT */
/* Capabilities, security options, devices, limits, sysctls. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/cdi.h"
#include "pkg/container/make.h"
#include "pkg/runtime/plan.h"
#include "pkg/sys/file.h"

#define DEVICE_DEPTH_MAX 8
#define SYSCTL_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_.-"
#define CAP_BIT(c) (1ULL << (c))

uint64_t caps_default(void)
{
	return CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) |
	       CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_NET_BIND_SERVICE) |
	       CAP_BIT(CAP_SETFCAP) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) |
	       CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SYS_CHROOT);
}

static int make_caps(const struct container_request *q, struct container_record *r)
{
	uint64_t add = 0, drop = 0, mask = 0;
	int rc;

	for (size_t i = 0; i < q->cap_add.n; i++) {
		rc = caps_parse(q->cap_add.v[i], &mask);
		if (rc < 0)
			return rc;
		add |= mask;
	}
	for (size_t i = 0; i < q->cap_drop.n; i++) {
		rc = caps_parse(q->cap_drop.v[i], &mask);
		if (rc < 0)
			return rc;
		drop |= mask;
	}
	if (add != caps_all() && drop != caps_all() && (add & drop))
		return err_usage("a capability is both added and dropped; give it to one of "
				 "--cap-add and --cap-drop");
	r->caps = q->privileged ? caps_all() : caps_default();
	if (q->default_caps && !q->privileged) {
		r->caps = 0;
		for (size_t i = 0; i < q->default_caps->n; i++) {
			rc = caps_parse(q->default_caps->v[i], &mask);
			if (rc < 0)
				return err_wrap(rc, "containers.conf");
			r->caps |= mask;
		}
	}
	/* ALL is applied first, so that "--cap-drop ALL --cap-add X" and its mirror mean what they say. */
	if (drop == caps_all())
		r->caps = add;
	else
		r->caps = (r->caps | add) & ~drop;
	r->caps_added = add & ~(drop == caps_all() ? 0 : drop);
	return 0;
}

/* What proc(5) lets be said of a mount; other words would fail in the middle of a start. */
static int proc_options(const char *value, struct container_record *r)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, value, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i];
		uint32_t gid;

		if (strcmp(w, "subset=pid") != 0 && strcmp(w, "hidepid=0") != 0 &&
		    strcmp(w, "hidepid=1") != 0 && strcmp(w, "hidepid=2") != 0 &&
		    strcmp(w, "hidepid=4") != 0 && strcmp(w, "hidepid=off") != 0 &&
		    strcmp(w, "hidepid=noaccess") != 0 && strcmp(w, "hidepid=invisible") != 0 &&
		    strcmp(w, "hidepid=ptraceable") != 0 &&
		    (strncmp(w, "gid=", 4) != 0 || parse_u32(w + 4, INT32_MAX, &gid) < 0))
			return err_usage("--security-opt proc-opts=%s: unknown '%s'; known are "
					 "hidepid= gid= subset=pid",
					 value, w);
		strv_add(&r->proc_options, w);
	}
	return 0;
}

/* Without SELinux there is nothing to label, and scripts that name labels work as with podman. */
static int label_opt(const char *spec, const char *value)
{
	static const char *const known[] = {"user:", "role:", "type:", "level:", "filetype:"};
	bool ok = strcmp(value, "disable") == 0 || strcmp(value, "nested") == 0;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		ok = ok || strncmp(value, known[i], strlen(known[i])) == 0;
	if (!ok)
		return err_usage("--security-opt '%s': use label=disable, nested, user:, role:, "
				 "type:, level: or filetype:",
				 spec);
	if (strcmp(value, "disable") != 0 && access("/sys/fs/selinux/enforce", F_OK) == 0)
		return err_usage("--security-opt '%s': labels of SELinux are not supported; "
				 "label=disable is",
				 spec);
	return 0;
}

static int apparmor_opt(const char *spec, const char *value, struct container_record *r)
{
	free(r->apparmor);
	r->apparmor = strcmp(value, "unconfined") == 0 ? NULL : xstrdup(value);
	if (r->apparmor && access("/sys/kernel/security/apparmor", F_OK) < 0 &&
	    access("/sys/module/apparmor/parameters/enabled", F_OK) < 0)
		return err_usage("--security-opt '%s': this kernel has no AppArmor", spec);
	return 0;
}

static int mask_opt(const char *spec, const char *value, struct strv *paths)
{
	size_t first = paths->n;

	strv_split(paths, value, ':');
	for (size_t i = first; i < paths->n; i++)
		if (paths->v[i][0] != '/')
			return err_usage("--security-opt '%s': '%s' is not an absolute path", spec,
					 paths->v[i]);
	return 0;
}

static int security_opt(const char *spec, struct container_record *r)
{
	const char *eq = strpbrk(spec, "=:");
	AUTO_FREE char *key = eq ? xstrndup(spec, (size_t)(eq - spec)) : xstrdup(spec);
	const char *value = eq ? eq + 1 : NULL;
	bool on = true;

	if (strcmp(key, "no-new-privileges") == 0 || strcmp(key, "writable-cgroups") == 0) {
		if (value && parse_bool(value, &on) < 0)
			return err_usage("--security-opt '%s': say true or false", spec);
		*(*key == 'n' ? &r->no_new_privs : &r->writable_cgroups) = on;
		return 0;
	}
	if (!value || !*value)
		return err_usage("--security-opt '%s': write key=value", spec);
	if (strcmp(key, "seccomp") == 0) {
		free(r->seccomp);
		r->seccomp = strcmp(value, "builtin") == 0      ? NULL
			     : strcmp(value, "unconfined") == 0 ? xstrdup(value)
								: path_absolute(value);
	} else if (strcmp(key, "apparmor") == 0) {
		return apparmor_opt(spec, value, r);
	} else if (strcmp(key, "mask") == 0) {
		return mask_opt(spec, value, &r->masked_extra);
	} else if (strcmp(key, "unmask") == 0) {
		if (strcasecmp(value, "ALL") != 0)
			return mask_opt(spec, value, &r->unmasked);
		strv_add(&r->unmasked, "ALL");
	} else if (strcmp(key, "systempaths") == 0 && strcmp(value, "unconfined") == 0) {
		strv_add(&r->unmasked, "ALL");
	} else if (strcmp(key, "proc-opts") == 0) {
		return proc_options(value, r);
	} else if (strcmp(key, "label") == 0) {
		return label_opt(spec, value);
	} else {
		return err_usage("--security-opt '%s': unknown; known are no-new-privileges[=B] "
				 "seccomp=FILE|builtin|unconfined "
				 "apparmor=PROFILE|unconfined mask=PATH[:PATH] "
				 "unmask=ALL|PATH[:PATH] label=disable proc-opts=K=V "
				 "systempaths=unconfined writable-cgroups[=B]",
				 spec);
	}
	return 0;
}

int security_opts_make(const struct strv *opts, struct container_record *r)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < opts->n; i++)
		rc = security_opt(opts->v[i], r);
	return rc;
}

static int limit_value(const char *s, uint64_t *ret)
{
	if (strcmp(s, "-1") == 0 || strcmp(s, "unlimited") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	return parse_u64(s, UINT64_MAX, ret);
}

int ulimit_read(const char *spec, struct rt_rlimit *ret)
{
	const char *eq = strchr(spec, '=');
	const char *colon = eq ? strchr(eq, ':') : NULL;
	AUTO_FREE char *soft = NULL;

	if (!eq)
		return err_usage("ulimit '%s': write TYPE=SOFT[:HARD]", spec);
	soft = colon ? xstrndup(eq + 1, (size_t)(colon - eq - 1)) : xstrdup(eq + 1);
	if (rlimit_find(spec, (size_t)(eq - spec), &ret->resource)) {
		if (limit_value(soft, &ret->soft) < 0 ||
		    limit_value(colon ? colon + 1 : soft, &ret->hard) < 0)
			return err_usage("ulimit '%s': limits are numbers, -1 for none", spec);
		if (ret->soft > ret->hard)
			return err_usage("ulimit '%s': the soft limit is above the hard one", spec);
		return 0;
	}
	return err_usage(
		"ulimit '%s': unknown type; see setrlimit(2), in lower case without RLIMIT_", spec);
}

int ulimit_parse(const char *spec, struct rt_rlimit *ret)
{
	struct rlimit now;
	int r = ulimit_read(spec, ret);

	/* Without privilege on the host nothing above our own hard limit can be given. */
	if (r < 0 || getrlimit((int)ret->resource, &now) < 0 || now.rlim_max == RLIM_INFINITY ||
	    ret->hard <= now.rlim_max)
		return r;
	if (ret->hard != UINT64_MAX)
		return err_usage("ulimit '%s': your own hard limit is %llu", spec,
				 (unsigned long long)now.rlim_max);
	ret->hard = now.rlim_max;
	if (ret->soft > ret->hard)
		ret->soft = ret->hard;
	return 0;
}

/* A directory stands for all nodes below it, such as /dev/snd and /dev/dri. */
static int device_tree(const char *source, const char *target, unsigned depth,
		       struct container_record *r)
{
	AUTO_CLOSEDIR DIR *d = opendir(source);
	int rc = 0;

	if (!d)
		return err_usage("device %s: %s", source, err_text(-errno));
	for (struct dirent *e; rc == 0 && (e = readdir(d)) != NULL;) {
		AUTO_FREE char *from = NULL, *to = NULL;
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		from = path_join(source, e->d_name);
		to = path_join(target, e->d_name);
		if (lstat(from, &st) < 0)
			continue; /* gone meanwhile */
		if (S_ISDIR(st.st_mode) && depth < DEVICE_DEPTH_MAX)
			rc = device_tree(from, to, depth + 1, r);
		else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			strv_addf(&r->devices, "%s:%s", from, to);
	}
	return rc;
}

static int device_check(const char *spec, struct container_record *r)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_FREE char *source = NULL, *target = NULL;
	struct stat st;

	strv_split(&parts, spec, ':');
	if (parts.n > 3 || parts.v[0][0] != '/')
		return err_usage("device '%s': write /dev/X[:/dev/Y][:rwm]", spec);
	source = path_clean(parts.v[0]);
	/* The middle part may be left out: "/dev/fuse:rw". */
	if (parts.n >= 2 && parts.v[1][0] == '/')
		target = path_clean(parts.v[1]);
	else
		target = xstrdup(source);
	if (parts.n >= 2 && parts.v[parts.n - 1][0] != '/' &&
	    strspn(parts.v[parts.n - 1], "rwm") != strlen(parts.v[parts.n - 1]))
		return err_usage("device '%s': the access is made of r, w and m", spec);
	if (stat(source, &st) < 0)
		return err_usage("device '%s': %s: %s", spec, source, err_text(-errno));
	if (S_ISDIR(st.st_mode))
		return device_tree(source, target, 0, r);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_usage("device '%s': %s is not a device node", spec, source);
	strv_addf(&r->devices, "%s:%s", source, target);
	return 0;
}

/* Only what belongs to a namespace of the container, and no tricks in the key (R26). */
static int sysctl_check(const char *spec, const struct container_record *r)
{
	static const char *const ipc[] = {"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
					  "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
					  "kernel.shmmni", "kernel.shm_rmid_forced"};
	const char *eq = strchr(spec, '=');
	size_t n = eq ? (size_t)(eq - spec) : 0;

	if (!n || strspn(spec, SYSCTL_CHARS) != n ||
	    strstr(spec, ".."))
		return err_usage("sysctl '%s': write key=value, the key with dots", spec);
	for (const char *v = eq + 1; *v; v++)
		if ((unsigned char)*v < ' ')
			return err_usage("sysctl '%s': a control character in the value", spec);
	if (strncmp(spec, "net.", 4) == 0) {
		if (strcmp(r->ns_net, "host") == 0)
			return err_usage("sysctl '%s': needs a network namespace of its own, not "
					 "--network host",
					 spec);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(ipc); i++)
		if (strlen(ipc[i]) == n && strncmp(spec, ipc[i], n) == 0)
			goto ipc_key;
	if (strncmp(spec, "fs.mqueue.", 10) != 0)
		return err_usage("sysctl '%s': not of a namespace; net.*, kernel.shm*, "
				 "kernel.msg*, kernel.sem and fs.mqueue.* are",
				 spec);
ipc_key:
	if (strcmp(r->ns_ipc, "private") != 0)
		return err_usage("sysctl '%s': needs an IPC namespace of its own", spec);
	if (!eq[1] || eq[1 + strspn(eq + 1, "0123456789abcdefABCDEFxX -")])
		return err_usage("sysctl '%s': the value of such a key is a number, or some with "
				 "blanks between",
				 spec);
	return 0;
}

/* "a.b=1,c.d=2" is two, "a.b=1,2" one. */
static void sysctls_split(const struct strv *given, struct strv *ret)
{
	for (size_t i = 0; i < given->n; i++) {
		const char *at = given->v[i], *end;

		for (end = strchr(at, ','); end; end = strchr(end + 1, ',')) {
			size_t n = strspn(end + 1, SYSCTL_CHARS);

			if (end[1 + n] != '=' || !memchr(end + 1, '.', n))
				continue;
			strv_addf(ret, "%.*s", (int)(end - at), at);
			at = end + 1;
		}
		strv_add(ret, at);
	}
}

/* CDI names among --device, and what --gpus stands for. */
int devices_make(const struct container_request *q, struct container_record *r)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO(cdi_specs_done) struct cdi_specs own = {.n = 0};
	const struct cdi_specs *specs = q->cdi;
	AUTO_FREE bool *shared = NULL;
	int rc = q->gpus ? cdi_gpus(q->gpus, &names) : 0;

	strv_add_all(&names, &q->device);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		bool is_cdi = cdi_is_name(names.v[i]);

		if (is_cdi && !specs) {
			cdi_specs_read(&q->cdi_spec_dirs, &own);
			specs = &own;
		}
		if (is_cdi && !shared)
			shared = xcalloc(specs->n + 1, sizeof(*shared));
		rc = is_cdi ? cdi_add(r, names.v[i], specs, shared) : device_check(names.v[i], r);
	}
	return rc;
}

#define OOM_SCORE "/proc/self/oom_score_adj"

/* How far down one may go the kernel does not tell, so it is tried on ourselves; back up everybody may. */
static int oom_score_check(int64_t wanted)
{
	AUTO_SBUF struct sbuf now = SBUF_INIT;
	AUTO_CLOSE int fd = -EBADF;
	int rc = file_read_at(AT_FDCWD, OOM_SCORE, 16, &now);
	char text[8];
	int n;

	if (wanted < -1000 || wanted > 1000)
		return err_usage("--oom-score-adj: from -1000 to 1000");
	if (rc < 0)
		return rc;
	if (wanted >= strtol(now.s, NULL, 10))
		return 0;
	fd = open(OOM_SCORE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_new(-errno, "open " OOM_SCORE);
	n = snprintf(text, sizeof(text), "%d", (int)wanted);
	if (write(fd, text, (size_t)n) != n)
		return err_usage("--oom-score-adj %d: only root goes below the %ld that this "
				 "session began with",
				 (int)wanted, strtol(now.s, NULL, 10));
	return write(fd, now.s, now.len) == (ssize_t)now.len ? 0
							      : err_new(-errno, "write " OOM_SCORE);
}

int make_security(const struct container_request *q, struct container_record *r)
{
	AUTO_STRV struct strv sysctls = STRV_INIT;
	struct rt_rlimit unused;
	int rc = make_caps(q, r);

	r->privileged = q->privileged;
	if (q->privileged)
		r->seccomp = xstrdup("unconfined");
	r->keep_keyring = q->keep_keyring;
	if (rc == 0)
		rc = security_opts_make(&q->security_opt, r);
	for (size_t i = 0; rc == 0 && i < q->ulimit.n; i++) {
		/* All that its caller has, whatever that is at each start. */
		rc = strcmp(q->ulimit.v[i], "host") == 0 ? 0
							 : ulimit_parse(q->ulimit.v[i], &unused);
		strv_env_set(&r->ulimits, q->ulimit.v[i]);
	}
	if (rc == 0)
		rc = devices_make(q, r);
	sysctls_split(&q->sysctl, &sysctls);
	for (size_t i = 0; rc == 0 && i < sysctls.n; i++) {
		rc = sysctl_check(sysctls.v[i], r);
		strv_env_set(&r->sysctls, sysctls.v[i]);
	}
	if (rc == 0 && q->oom_score_adj != INT64_MIN) {
		rc = oom_score_check(q->oom_score_adj);
		r->has_oom_score_adj = true;
		r->oom_score_adj = q->oom_score_adj;
	}
	return rc;
}

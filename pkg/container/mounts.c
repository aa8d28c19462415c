/* SPDX-License-Identifier: MIT */
#include "pkg/container/mounts.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/base/sbuf.h"
#include "pkg/config/paths.h"
#include "pkg/runtime/plan.h"
#include "pkg/sys/random.h"

/* Binds and volumes: no device nodes and no setuid through them unless asked for (`dev`, `suid`). */
#define BIND_FLAGS (RT_MNT_NOSUID | RT_MNT_NODEV)
#define TMPFS_FLAGS (RT_MNT_NOSUID | RT_MNT_NODEV | RT_MNT_NOEXEC)

/* Words that bind, volume and tmpfs options share: set and clear bits. */
static const struct {
	const char *word;
	uint32_t set, clear;
} flag_words[] = {
	{"rw", 0, RT_MNT_RO},           {"ro", RT_MNT_RO, 0},       {"nosuid", RT_MNT_NOSUID, 0},
	{"suid", 0, RT_MNT_NOSUID},     {"nodev", RT_MNT_NODEV, 0}, {"dev", 0, RT_MNT_NODEV},
	{"noexec", RT_MNT_NOEXEC, 0},   {"exec", 0, RT_MNT_NOEXEC}, {"U", RT_MNT_CHOWN, 0},
	{"noatime", RT_MNT_NOATIME, 0},
};

static const struct {
	const char *word;
	uint32_t propagation;
	bool recursive;
} propagation_words[] = {
	{"private", MS_PRIVATE, false},       {"rprivate", MS_PRIVATE, true},
	{"slave", MS_SLAVE, false},           {"rslave", MS_SLAVE, true},
	{"shared", MS_SHARED, false},         {"rshared", MS_SHARED, true},
	{"unbindable", MS_UNBINDABLE, false}, {"runbindable", MS_UNBINDABLE, true},
};

static bool flag_word(struct mount_spec *m, const char *w)
{
	for (size_t i = 0; i < ARRAY_LEN(flag_words); i++) {
		if (strcmp(w, flag_words[i].word) == 0) {
			m->flags = (m->flags | flag_words[i].set) & ~flag_words[i].clear;
			return true;
		}
	}
	return false;
}

static bool propagation_word(struct mount_spec *m, const char *w)
{
	for (size_t i = 0; i < ARRAY_LEN(propagation_words); i++) {
		if (strcmp(w, propagation_words[i].word) == 0) {
			m->propagation = propagation_words[i].propagation |
					 (propagation_words[i].recursive ? MS_REC : 0);
			return true;
		}
	}
	return false;
}

/* Docker's consistency words mean nothing on Linux; SELinux labels nothing where there is none. */
static bool ignored_word(const char *w)
{
	static const char *const words[] = {"cached", "delegated", "consistent", "default",
					    "z",      "Z",         "copy"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(w, words[i]) == 0)
			return true;
	return false;
}

static int set_target(struct mount_spec *m, const char *target, const char *spec)
{
	if (*target != '/')
		return err_usage("mount '%s': the path in the container must be absolute, not '%s'",
				 spec, target);
	if (strchr(target, '\n'))
		return err_usage("mount '%s': a line break in a path", spec);
	m->target = path_clean(target);
	if (strcmp(m->target, "/") == 0)
		return err_usage("mount '%s': nothing can be mounted over /", spec);
	return 0;
}

static int set_bind_source(struct mount_spec *m, const char *source, const char *spec)
{
	struct stat st;

	m->kind = MOUNT_BIND;
	m->source = path_absolute(source);
	if (stat(m->source, &st) < 0 && errno == ENOENT)
		return err_usage("mount '%s': %s does not exist on the host; make it first", spec,
				 m->source);
	return 0;
}

static int set_volume_source(struct mount_spec *m, const char *source, const char *spec)
{
	m->kind = MOUNT_VOLUME;
	if (!source || !*source) {
		char name[65];

		random_hex(name, 64);
		m->source = xstrdup(name);
		m->anonymous = true;
		return 0;
	}
	if (!name_is_valid(source))
		return err_usage("mount '%s': '%s' is neither a path (it must begin with / or .) "
				 "nor a volume name "
				 "([A-Za-z0-9][A-Za-z0-9_.-]*)",
				 spec, source);
	m->source = xstrdup(source);
	return 0;
}

static int volume_options(struct mount_spec *m, const char *options, const char *spec)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, options, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i];

		if (strcmp(w, "O") == 0)
			m->overlay = true;
		else if (strcmp(w, "nocopy") == 0)
			m->no_copy = true;
		else if (strcmp(w, "bind") == 0)
			m->flags |= RT_MNT_NONREC;
		else if (strcmp(w, "rbind") == 0)
			m->flags &= ~RT_MNT_NONREC;
		else if (!flag_word(m, w) && !propagation_word(m, w) && !ignored_word(w))
			return err_usage("volume '%s': unknown option '%s'; known are ro rw U O "
					 "nocopy noexec exec "
					 "nosuid suid nodev dev bind rbind z Z and "
					 "[r]private|slave|shared|unbindable",
					 spec, w);
	}
	if (m->overlay && (m->flags & RT_MNT_RO))
		return err_usage("volume '%s': 'O' and 'ro' contradict each other", spec);
	m->options = xstrdup(options);
	return 0;
}

int mounts_add_volume(struct container_record *r, const char *spec)
{
	struct mount_spec *m = record_add_mount(r);
	AUTO_STRV struct strv parts = STRV_INIT;
	int rc;

	strv_split(&parts, spec, ':');
	if (parts.n > 3)
		return err_usage(
			"volume '%s': too many colons; write [SOURCE:]DESTINATION[:OPTIONS]", spec);
	m->flags = BIND_FLAGS;
	if (parts.n == 1) {
		rc = set_volume_source(m, NULL, spec);
		return rc < 0 ? rc : set_target(m, parts.v[0], spec);
	}
	if (!*parts.v[0])
		return err_usage("volume '%s': the source before the colon is empty", spec);
	if (parts.v[0][0] == '/' || parts.v[0][0] == '.')
		rc = set_bind_source(m, parts.v[0], spec);
	else
		rc = set_volume_source(m, parts.v[0], spec);
	if (rc == 0)
		rc = set_target(m, parts.v[1], spec);
	if (rc == 0 && parts.n == 3)
		rc = volume_options(m, parts.v[2], spec);
	return rc;
}

/* tmpfs options go to the kernel, so only known keys with checked values do. */
static int tmpfs_option(struct mount_spec *m, struct sbuf *data, const char *w, const char *spec)
{
	const char *eq = strchr(w, '=');
	uint64_t size;
	uint32_t mode;

	if (strncmp(w, "size=", 5) == 0 || strncmp(w, "nr_inodes=", 10) == 0) {
		size_t n = strlen(eq + 1);

		if (n > 1 && eq[n] == '%' && w[0] == 's') {
			AUTO_FREE char *number = xstrndup(eq + 1, n - 1);

			if (parse_u64(number, 100, &size) < 0)
				return err_usage("tmpfs '%s': bad size '%s'", spec, eq + 1);
			sbuf_addf(data, "%s%s", data->len ? "," : "", w);
			return 0;
		}
		if (parse_size(eq + 1, &size) < 0)
			return err_usage("tmpfs '%s': bad size '%s'; write a number with k, m or g",
					 spec, eq + 1);
		sbuf_addf(data, "%s%.*s=%llu", data->len ? "," : "", (int)(eq - w), w,
			  (unsigned long long)size);
		return 0;
	}
	if (strncmp(w, "mode=", 5) == 0) {
		if (parse_octal(eq + 1, 07777, &mode) < 0)
			return err_usage("tmpfs '%s': bad mode '%s'; write octal digits", spec,
					 eq + 1);
		sbuf_addf(data, "%smode=%o", data->len ? "," : "", mode);
		return 0;
	}
	if (strcmp(w, "tmpcopyup") == 0)
		m->flags |= RT_MNT_COPYUP;
	else if (strcmp(w, "notmpcopyup") == 0)
		m->flags &= ~RT_MNT_COPYUP;
	else if (!flag_word(m, w) && !propagation_word(m, w) && !ignored_word(w))
		return err_usage("tmpfs '%s': unknown option '%s'; known are rw ro size= mode= "
				 "nr_inodes= [no]exec "
				 "[no]suid [no]dev noatime [no]tmpcopyup U",
				 spec, w);
	return 0;
}

static int tmpfs_options(struct mount_spec *m, const char *options, const char *spec)
{
	AUTO_SBUF struct sbuf data = SBUF_INIT;
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, options, ',');
	for (size_t i = 0; i < words.n; i++) {
		int rc = *words.v[i] ? tmpfs_option(m, &data, words.v[i], spec) : 0;

		if (rc < 0)
			return rc;
	}
	if (data.len)
		m->data = sbuf_steal(&data);
	return 0;
}

int mounts_add_tmpfs(struct container_record *r, const char *spec)
{
	struct mount_spec *m = record_add_mount(r);
	const char *colon = strchr(spec, ':');
	AUTO_FREE char *target = colon ? xstrndup(spec, (size_t)(colon - spec)) : xstrdup(spec);
	int rc;

	m->kind = MOUNT_TMPFS;
	m->flags = TMPFS_FLAGS | RT_MNT_COPYUP;
	rc = set_target(m, target, spec);
	if (rc == 0 && colon) {
		rc = tmpfs_options(m, colon + 1, spec);
		m->options = xstrdup(colon + 1);
	}
	return rc;
}

/* What a --mount value said, before it is known to fit together. */
struct mount_words {
	const char *type, *source, *target;
	struct sbuf tmpfs;
};

static bool mount_boolean(struct mount_spec *m, const char *key, const char *value, int *rc)
{
	static const struct {
		const char *key;
		const char *yes, *no;
	} rows[] = {
		{"ro", "ro", "rw"},
		{"readonly", "ro", "rw"},
		{"rw", "rw", "ro"},
		{"readwrite", "rw", "ro"},
		{"U", "U", NULL},
		{"chown", "U", NULL},
		{"exec", "exec", "noexec"},
		{"noexec", "noexec", "exec"},
		{"suid", "suid", "nosuid"},
		{"nosuid", "nosuid", "suid"},
		{"dev", "dev", "nodev"},
		{"nodev", "nodev", "dev"},
		{"noatime", "noatime", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool on = true;

		if (strcmp(key, rows[i].key) != 0)
			continue;
		if (value && parse_bool(value, &on) < 0)
			*rc = err_usage("mount option '%s=%s': say true or false", key, value);
		else if (on || rows[i].no)
			(void)flag_word(m, on ? rows[i].yes : rows[i].no);
		return true;
	}
	return false;
}

static int mount_key(struct mount_spec *m, struct mount_words *w, const char *key,
		     const char *value, const char *spec)
{
	int rc = 0;

	if (mount_boolean(m, key, value, &rc))
		return rc;
	if (strcmp(key, "tmpcopyup") == 0 || strcmp(key, "notmpcopyup") == 0) {
		m->flags = *key == 't' ? m->flags | RT_MNT_COPYUP : m->flags & ~RT_MNT_COPYUP;
		return 0;
	}
	if (strcmp(key, "bind-nonrecursive") == 0) {
		m->flags |= RT_MNT_NONREC;
		return 0;
	}
	if (strcmp(key, "volume-nocopy") == 0 || strcmp(key, "nocopy") == 0) {
		m->no_copy = true;
		return 0;
	}
	if (!value)
		return err_usage("mount '%s': '%s' needs a value", spec, key);
	if (strcmp(key, "type") == 0)
		w->type = value;
	else if (strcmp(key, "src") == 0 || strcmp(key, "source") == 0)
		w->source = value;
	else if (strcmp(key, "dst") == 0 || strcmp(key, "dest") == 0 ||
		 strcmp(key, "destination") == 0 || strcmp(key, "target") == 0)
		w->target = value;
	else if (strcmp(key, "bind-propagation") == 0) {
		if (!propagation_word(m, value))
			return err_usage("mount '%s': unknown propagation '%s'", spec, value);
	} else if (strcmp(key, "tmpfs-size") == 0)
		sbuf_addf(&w->tmpfs, ",size=%s", value);
	else if (strcmp(key, "tmpfs-mode") == 0)
		sbuf_addf(&w->tmpfs, ",mode=%s", value);
	else if (strcmp(key, "consistency") != 0 && strcmp(key, "relabel") != 0)
		return err_usage("mount '%s': unknown key '%s'", spec, key);
	return 0;
}

static int mount_finish(struct mount_spec *m, struct mount_words *w, const char *spec)
{
	int rc;

	if (!w->target)
		return err_usage("mount '%s': no destination; add dst=PATH", spec);
	rc = set_target(m, w->target, spec);
	if (rc < 0)
		return rc;
	if (strcmp(w->type, "tmpfs") == 0) {
		if (w->source)
			return err_usage("mount '%s': a tmpfs has no source", spec);
		m->kind = MOUNT_TMPFS;
		return tmpfs_options(m, w->tmpfs.s, spec);
	}
	if (w->tmpfs.len)
		return err_usage("mount '%s': tmpfs-size and tmpfs-mode go with type=tmpfs", spec);
	if (strcmp(w->type, "bind") == 0) {
		if (!w->source)
			return err_usage("mount '%s': a bind mount needs src=PATH", spec);
		return set_bind_source(m, w->source, spec);
	}
	return set_volume_source(m, w->source, spec);
}

int mounts_add_mount(struct container_record *r, const char *spec)
{
	struct mount_spec *m = record_add_mount(r);
	struct mount_words w = {.type = "volume", .tmpfs = SBUF_INIT};
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_STRV struct strv seen = STRV_INIT;
	int rc = 0;

	strv_split(&parts, spec, ',');
	for (size_t i = 0; i < parts.n; i++) /* the type decides the defaults, wherever it stands */
		if (strncmp(parts.v[i], "type=", 5) == 0)
			w.type = parts.v[i] + 5;
	if (strcmp(w.type, "bind") != 0 && strcmp(w.type, "volume") != 0 &&
	    strcmp(w.type, "tmpfs") != 0)
		return err_usage(
			"mount '%s': type '%s' is not supported; use bind, volume or tmpfs", spec,
			w.type);
	m->flags = strcmp(w.type, "tmpfs") == 0 ? TMPFS_FLAGS | RT_MNT_COPYUP : BIND_FLAGS;
	for (size_t i = 0; rc == 0 && i < parts.n; i++) {
		char *eq = strchr(parts.v[i], '=');

		if (eq)
			*eq = '\0';
		if (strv_has(&seen, parts.v[i]))
			rc = err_usage("mount '%s': '%s' is given twice", spec, parts.v[i]);
		else
			rc = mount_key(m, &w, parts.v[i], eq ? eq + 1 : NULL, spec);
		strv_add(&seen, parts.v[i]);
	}
	if (rc == 0)
		rc = mount_finish(m, &w, spec);
	m->options = xstrdup(spec);
	sbuf_done(&w.tmpfs);
	return rc;
}

static bool target_taken(const struct container_record *r, const char *target)
{
	for (unsigned i = 0; i < r->n_mounts; i++)
		if (r->mounts[i].target && strcmp(r->mounts[i].target, target) == 0)
			return true;
	return false;
}

int mounts_add_image_volume(struct container_record *r, const char *target, const char *how)
{
	struct mount_spec *m;
	int rc;

	if (strcmp(how, "ignore") == 0 || target_taken(r, target))
		return 0;
	m = record_add_mount(r);
	if (strcmp(how, "tmpfs") == 0) {
		m->kind = MOUNT_TMPFS;
		m->flags = RT_MNT_NOSUID | RT_MNT_NODEV | RT_MNT_COPYUP;
		return set_target(m, target, target);
	}
	m->flags = BIND_FLAGS;
	rc = set_volume_source(m, NULL, target);
	return rc < 0 ? rc : set_target(m, target, target);
}

/* A mount over /proc hides what the runtime checks there; over the cgroup tree likewise (R05). */
static bool is_forbidden(const char *target)
{
	return path_is_within(target, "/proc") || path_is_within(target, "/sys/fs/cgroup");
}

static bool is_same(const struct stat *st, const char *path)
{
	struct stat other;

	return stat(path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/*
 * U gives everything below a directory to the container's user: a slip of the pen must not do that
 * to a home, to what a home lies in, or to a directory of the system (C08). By inode, so that no
 * link or second name leads there.
 */
static int may_change_owner(const struct mount_spec *m)
{
	static const char *const system[] = {"/",    "/bin", "/boot", "/dev",     "/etc", "/home",
					     "/lib", "/opt", "/proc", "/root",    "/run", "/sbin",
					     "/srv", "/sys", "/tmp",  "/var/tmp", "/usr", "/var"};
	AUTO_FREE char *home = NULL;
	struct stat st;
	bool bad = false;

	if (m->kind != MOUNT_BIND || !(m->flags & RT_MNT_CHOWN) || stat(m->source, &st) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(system) && !bad; i++)
		bad = is_same(&st, system[i]);
	if (paths_home(&home) < 0)
		err_drop();
	while (home && *home && !bad) {
		bad = is_same(&st, home);
		*strrchr(home, '/') = '\0';
	}
	return bad ? err_usage("mount of %s: U would give all of it to the container's user; "
			       "mount a directory below it",
			       m->source)
		   : 0;
}

static int by_target(const void *a, const void *b)
{
	return strcmp(((const struct mount_spec *)a)->target,
		      ((const struct mount_spec *)b)->target);
}

int mounts_check(struct container_record *r)
{
	if (r->n_mounts > 1)
		qsort(r->mounts, r->n_mounts, sizeof(*r->mounts), by_target);
	for (unsigned i = 0; i < r->n_mounts; i++) {
		int rc = may_change_owner(&r->mounts[i]);

		if (rc < 0)
			return rc;
		if (is_forbidden(r->mounts[i].target))
			return err_usage(
				"mount on %s: nothing may be mounted on /proc or /sys/fs/cgroup",
				r->mounts[i].target);
		if (i && strcmp(r->mounts[i].target, r->mounts[i - 1].target) == 0)
			return err_usage("two mounts on %s: give only one of them",
					 r->mounts[i].target);
	}
	return 0;
}

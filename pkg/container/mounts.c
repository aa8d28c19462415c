/* SPDX-License-Identifier: MIT */
#include "pkg/container/mounts.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/paths.h"
#include "pkg/container/mounts_internal.h"
#include "pkg/runtime/plan.h"
#include "pkg/sys/random.h"

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

bool mount_flag_word(struct mount_spec *m, const char *w)
{
	for (size_t i = 0; i < ARRAY_LEN(flag_words); i++) {
		if (strcmp(w, flag_words[i].word) == 0) {
			m->flags = (m->flags | flag_words[i].set) & ~flag_words[i].clear;
			return true;
		}
	}
	return false;
}

bool mount_propagation_word(struct mount_spec *m, const char *w)
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
bool mount_ignored_word(const char *w)
{
	static const char *const words[] = {"cached",  "delegated", "consistent",
					    "default", "z",         "Z"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(w, words[i]) == 0)
			return true;
	return false;
}

int mount_no_idmap(const char *spec)
{
	return err_usage("mount '%s': idmap: the kernel lets only root of the host change the ids "
			 "of a mount; use U, or --userns with a map under which the owner fits",
			 spec);
}

int mount_no_atime(const char *spec)
{
	return err_usage("mount '%s': noatime: the kernel lets only root of the host change how a "
			 "mount keeps access times; a tmpfs can have it",
			 spec);
}

int mount_set_target(struct mount_spec *m, const char *target, const char *spec)
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

int mount_set_subpath(struct mount_spec *m, const char *path, const char *spec)
{
	free(m->subpath);
	m->subpath = path_clean(path);
	if (!*path || *path == '/' || strcmp(m->subpath, "..") == 0 ||
	    strncmp(m->subpath, "../", 3) == 0)
		return err_usage("mount '%s': a subpath is relative and stays inside", spec);
	return 0;
}

int mount_set_bind_source(struct mount_spec *m, const char *source, const char *spec)
{
	struct stat st;

	m->kind = MOUNT_BIND;
	m->source = path_absolute(source);
	if (!m->create_source && stat(m->source, &st) < 0 && errno == ENOENT)
		return err_usage("mount '%s': %s does not exist on the host; make it first", spec,
				 m->source);
	return 0;
}

int mount_set_volume_source(struct mount_spec *m, const char *source, const char *spec)
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

static struct mount_spec *find_target(struct container_record *r, const char *target)
{
	for (unsigned i = 0; i < r->n_mounts; i++)
		if (r->mounts[i].target && strcmp(r->mounts[i].target, target) == 0)
			return &r->mounts[i];
	return NULL;
}

int mounts_add_held(struct container_record *r, const char *name)
{
	struct mount_spec *m = record_add_mount(r);
	AUTO_FREE char *target = xasprintf("/run/volumes/%s", name);
	int rc = mount_set_volume_source(m, name, name);

	m->flags = BIND_FLAGS;
	m->held = true;
	return rc < 0 ? rc : mount_set_target(m, target, name);
}

int mounts_add_image_volume(struct container_record *r, const char *target, const char *how)
{
	struct mount_spec *m;
	int rc;

	if (strcmp(how, "ignore") == 0 || find_target(r, target))
		return 0;
	m = record_add_mount(r);
	if (strcmp(how, "tmpfs") == 0) {
		m->kind = MOUNT_TMPFS;
		m->flags = RT_MNT_NOSUID | RT_MNT_NODEV | RT_MNT_COPYUP;
		return mount_set_target(m, target, target);
	}
	m->flags = BIND_FLAGS;
	rc = mount_set_volume_source(m, NULL, target);
	return rc < 0 ? rc : mount_set_target(m, target, target);
}

/* ":ro,z": podman's words; what they do not say stays as it is in the other container. */
static int from_words(const char *options, const char *spec, int *ret_ro)
{
	AUTO_STRV struct strv words = STRV_INIT;

	*ret_ro = -1;
	strv_split(&words, options, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i];

		if (strcmp(w, "ro") == 0 || strcmp(w, "rw") == 0)
			*ret_ro = w[1] == 'o';
		else if (!mount_ignored_word(w))
			return err_usage("--volumes-from '%s': unknown option '%s'; known are ro "
					 "rw z Z",
					 spec, w);
	}
	return 0;
}

char *mounts_from_name(const char *spec)
{
	const char *colon = strchr(spec, ':');

	return colon ? xstrndup(spec, (size_t)(colon - spec)) : xstrdup(spec);
}

int mounts_add_from(struct container_record *r, const char *spec,
		    const struct container_record *other, unsigned *n_from)
{
	const char *colon = strchr(spec, ':');
	int ro, rc = from_words(colon ? colon + 1 : "z", spec, &ro);

	for (unsigned i = 0; rc == 0 && i < other->n_mounts; i++) {
		const struct mount_spec *theirs = &other->mounts[i];
		struct mount_spec *m = find_target(r, theirs->target);

		/* A tmpfs is its container's own. What was asked for here wins; of two others the later. */
		if (theirs->held || (theirs->kind != MOUNT_BIND && theirs->kind != MOUNT_VOLUME &&
				     theirs->kind != MOUNT_IMAGE))
			continue;
		if (m && m - r->mounts >= *n_from)
			continue;
		if (m) {
			mount_spec_done(m);
		} else {
			/* Those of other containers stand first. */
			(void)record_add_mount(r);
			memmove(&r->mounts[*n_from + 1], &r->mounts[*n_from],
				(r->n_mounts - 1 - *n_from) * sizeof(*r->mounts));
			m = &r->mounts[(*n_from)++];
		}
		mount_spec_copy(theirs, m);
		if (ro >= 0)
			m->flags = ro ? m->flags | RT_MNT_RO : m->flags & ~RT_MNT_RO;
	}
	return rc;
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

/* SPDX-License-Identifier: MIT */
/* --mount type=TYPE,key=value,… */
#include <glob.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/mounts_internal.h"
#include "pkg/runtime/plan.h"

enum type {
	T_BIND = 1,
	T_VOLUME = 2,
	T_TMPFS = 4,
	T_RAMFS = 8,
	T_IMAGE = 16,
	T_DEVPTS = 32,
	T_GLOB = 64,
};
#define T_HOST (T_BIND | T_GLOB)
#define T_MEMORY (T_TMPFS | T_RAMFS)
#define T_FILES (T_HOST | T_VOLUME | T_MEMORY | T_IMAGE)

static const struct {
	const char *name;
	enum type type;
	enum mount_kind kind;
	uint32_t flags;
} types[] = {
	{"bind", T_BIND, MOUNT_BIND, BIND_FLAGS},
	{"volume", T_VOLUME, MOUNT_VOLUME, BIND_FLAGS},
	{"tmpfs", T_TMPFS, MOUNT_TMPFS, TMPFS_FLAGS | RT_MNT_COPYUP},
	{"ramfs", T_RAMFS, MOUNT_RAMFS, TMPFS_FLAGS | RT_MNT_COPYUP},
	{"image", T_IMAGE, MOUNT_IMAGE, BIND_FLAGS | RT_MNT_RO},
	{"devpts", T_DEVPTS, MOUNT_DEVPTS, RT_MNT_NOSUID | RT_MNT_NOEXEC},
	{"glob", T_GLOB, MOUNT_BIND, BIND_FLAGS},
};

/* What a --mount value said, before it is known to fit together. */
struct mount_words {
	enum type type;
	const char *source, *target, *subpath;
	struct sbuf memory; /* of a tmpfs or devpts */
};

/* Keys that are yes or no, as they stand or with a value. */
static const struct {
	const char *key;
	unsigned types;
	const char *yes, *no;
} booleans[] = {
	{"ro", T_FILES, "ro", "rw"},
	{"readonly", T_FILES, "ro", "rw"},
	{"rw", T_FILES, "rw", "ro"},
	{"readwrite", T_FILES, "rw", "ro"},
	{"U", T_HOST | T_VOLUME | T_MEMORY, "U", NULL},
	{"chown", T_HOST | T_VOLUME | T_MEMORY, "U", NULL},
	{"exec", T_FILES, "exec", "noexec"},
	{"noexec", T_FILES, "noexec", "exec"},
	{"suid", T_FILES, "suid", "nosuid"},
	{"nosuid", T_FILES, "nosuid", "suid"},
	{"dev", T_FILES, "dev", "nodev"},
	{"nodev", T_FILES, "nodev", "dev"},
	{"noatime", T_MEMORY, "noatime", NULL},
};

static bool mount_boolean(struct mount_spec *m, const struct mount_words *w, const char *key,
			  const char *value, int *rc)
{
	for (size_t i = 0; i < ARRAY_LEN(booleans); i++) {
		bool on = true;

		if (strcmp(key, booleans[i].key) != 0 || !(booleans[i].types & w->type))
			continue;
		if (value && parse_bool(value, &on) < 0)
			*rc = err_usage("mount option '%s=%s': say true or false", key, value);
		else if (on || booleans[i].no)
			(void)mount_flag_word(m, on ? booleans[i].yes : booleans[i].no);
		return true;
	}
	return false;
}

/* Keys without a value, or whose value is yes or no, that are no flag word. */
static const struct {
	const char *key;
	unsigned types;
	uint32_t flag;
	bool clear;
} flags[] = {
	{"tmpcopyup", T_MEMORY, RT_MNT_COPYUP, false},
	{"notmpcopyup", T_MEMORY, RT_MNT_COPYUP, true},
	{"bind-nonrecursive", T_HOST, RT_MNT_NONREC, false},
};

/* The same, of the mount itself. */
static const struct {
	const char *key;
	unsigned types;
	size_t offset;
} members[] = {
	{"volume-nocopy", T_VOLUME, offsetof(struct mount_spec, no_copy)},
	{"nocopy", T_VOLUME, offsetof(struct mount_spec, no_copy)},
	{"nocreate", T_VOLUME, offsetof(struct mount_spec, no_create)},
	{"bind-create-src", T_BIND, offsetof(struct mount_spec, create_source)},
};

static bool mount_flag(struct mount_spec *m, const struct mount_words *w, const char *key,
		       const char *value, int *rc)
{
	bool on = true;

	if (value && parse_bool(value, &on) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (strcmp(key, flags[i].key) != 0 || !(flags[i].types & w->type))
			continue;
		if (on != flags[i].clear)
			m->flags |= flags[i].flag;
		else
			m->flags &= ~flags[i].flag;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (strcmp(key, members[i].key) != 0 || !(members[i].types & w->type))
			continue;
		*(bool *)((char *)m + members[i].offset) = on;
		return true;
	}
	if (strcmp(key, "noswap") == 0 && (w->type & T_MEMORY)) {
		if (on && w->type == T_TMPFS)
			*rc = err_usage("mount option noswap: the kernel lets only root keep a "
					"tmpfs from swap; type=ramfs is never swapped out");
		return true;
	}
	if (strcmp(key, "newinstance") == 0 && w->type == T_DEVPTS) {
		if (!on)
			*rc = err_usage("mount option newinstance: every devpts is a new one");
		return true;
	}
	if (strcmp(key, "no-dereference") == 0 && w->type == T_BIND) {
		if (on)
			*rc = err_usage("mount option no-dereference: what is mounted is what a link "
					"leads to; name that, or make the link in the container");
		return true;
	}
	if ((strcmp(key, "z") == 0 || strcmp(key, "Z") == 0) && (w->type & (T_HOST | T_VOLUME)))
		return true; /* labels of SELinux, as with -v */
	if (strcmp(key, "noatime") == 0 && (w->type & T_FILES)) {
		*rc = on ? mount_no_atime(key) : 0;
		return true;
	}
	if (strcmp(key, "idmap") == 0 && (w->type & (T_HOST | T_VOLUME))) {
		*rc = on ? mount_no_idmap(key) : 0;
		return true;
	}
	return false;
}

static int devpts_number(struct mount_words *w, const char *key, const char *value,
			 const char *spec)
{
	uint32_t n;
	bool octal = strcmp(key, "mode") == 0 || strcmp(key, "ptmxmode") == 0;
	int r = octal ? parse_octal(value, 0777, &n) : parse_u32(value, INT32_MAX, &n);

	if (r < 0)
		return err_usage("mount '%s': bad %s '%s'", spec, key, value);
	/* What is said later wins over the usual one. */
	sbuf_addf(&w->memory, octal ? ",%s=%o" : ",%s=%u", key, n);
	return 0;
}

static bool is_one_of(const char *key, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(key, *names) == 0)
			return true;
	return false;
}

/* docker's words for what lies below a bind. */
static int bind_recursive(struct mount_spec *m, const char *value, const char *spec)
{
	if (strcmp(value, "disabled") == 0 || strcmp(value, "false") == 0)
		m->flags |= RT_MNT_NONREC;
	else if (strcmp(value, "enabled") == 0 || strcmp(value, "true") == 0 ||
		 strcmp(value, "readonly") == 0)
		m->flags &= ~RT_MNT_NONREC; /* ro holds for all that lies below, always */
	else
		return err_usage("mount '%s': bind-recursive=%s: use enabled, disabled or "
				 "readonly",
				 spec, value);
	return 0;
}

static int volume_label(struct mount_spec *m, const char *value, const char *spec)
{
	if (!*value || *value == '=')
		return err_usage("mount '%s': a label has a name", spec);
	strv_add(&m->volume_labels, value);
	return 0;
}

static int mount_value(struct mount_spec *m, struct mount_words *w, const char *key,
		       const char *value, const char *spec)
{
	static const char *const source[] = {"src", "source", NULL},
				 *const target[] = {"dst", "dest", "destination", "target", NULL},
				 *const subpath[] = {"subpath", "volume-subpath", "image-subpath",
						     NULL},
				 *const devpts[] = {"uid", "gid", "mode", "max", "ptmxmode", NULL};

	if (strcmp(key, "type") == 0) {
		return 0;
	} else if (is_one_of(key, target)) {
		w->target = value;
	} else if (is_one_of(key, source) && !(w->type & (T_MEMORY | T_DEVPTS))) {
		w->source = value;
	} else if (is_one_of(key, subpath) && (w->type & (T_VOLUME | T_IMAGE))) {
		w->subpath = value;
	} else if (strcmp(key, "bind-propagation") == 0 && (w->type & T_HOST)) {
		if (!mount_propagation_word(m, value))
			return err_usage("mount '%s': unknown propagation '%s'", spec, value);
	} else if (strcmp(key, "tmpfs-size") == 0 && w->type == T_TMPFS) {
		sbuf_addf(&w->memory, ",size=%s", value);
	} else if ((strcmp(key, "tmpfs-mode") == 0 && (w->type & T_MEMORY)) ||
		   (strcmp(key, "mode") == 0 && w->type == T_RAMFS)) {
		sbuf_addf(&w->memory, ",mode=%s", value);
	} else if (is_one_of(key, devpts) && w->type == T_DEVPTS) {
		return devpts_number(w, key, value, spec);
	} else if (strcmp(key, "bind-recursive") == 0 && w->type == T_BIND) {
		return bind_recursive(m, value, spec);
	} else if (strcmp(key, "volume-label") == 0 && w->type == T_VOLUME) {
		return volume_label(m, value, spec);
	} else if (strcmp(key, "volume-opt") == 0 && w->type == T_VOLUME) {
		strv_add(&m->volume_options, value);
	} else if (strcmp(key, "volume-driver") == 0 && w->type == T_VOLUME) {
		if (strcmp(value, "local") != 0)
			return err_usage("mount '%s': there is no volume driver but 'local'", spec);
	} else if (strcmp(key, "relabel") == 0 && (w->type & (T_HOST | T_VOLUME))) {
		if (strcmp(value, "shared") != 0 && strcmp(value, "private") != 0)
			return err_usage("mount '%s': relabel=%s: use shared or private", spec,
					 value);
	} else if (strcmp(key, "consistency") != 0) {
		return err_usage("mount '%s': unknown key '%s'", spec, key);
	}
	return 0;
}

static int mount_key(struct mount_spec *m, struct mount_words *w, const char *key,
		     const char *value, const char *spec)
{
	int rc = 0;

	if (mount_boolean(m, w, key, value, &rc) || mount_flag(m, w, key, value, &rc))
		return rc;
	if (!value)
		return err_usage("mount '%s': '%s' is unknown here or needs a value", spec, key);
	return mount_value(m, w, key, value, spec);
}

static int mount_finish(struct mount_spec *m, struct mount_words *w, const char *spec)
{
	int rc = 0;

	if (!w->target && w->type != T_GLOB)
		return err_usage("mount '%s': no destination; add dst=PATH", spec);
	if (w->target)
		rc = mount_set_target(m, w->target, spec);
	if (rc == 0 && w->subpath)
		rc = mount_set_subpath(m, w->subpath, spec);
	if (rc < 0)
		return rc;
	switch (w->type) {
	case T_TMPFS:
	case T_RAMFS:
		return mount_tmpfs_words(m, w->memory.s, spec);
	case T_DEVPTS:
		m->data = xasprintf("newinstance,ptmxmode=0666%s", w->memory.s);
		return 0;
	case T_VOLUME:
		return mount_set_volume_source(m, w->source, spec);
	default:
		break;
	}
	if (!w->source)
		return err_usage("mount '%s': no source; add src=%s", spec,
				 w->type == T_IMAGE ? "IMAGE" : "PATH");
	if (w->type == T_BIND)
		return mount_set_bind_source(m, w->source, spec);
	if (w->type == T_IMAGE) {
		m->overlay = !(m->flags & RT_MNT_RO);
		if (m->overlay && m->subpath)
			return err_usage("mount '%s': a part of an image is read-only", spec);
		m->source = xstrdup(w->source);
	}
	return 0;
}

/* Each path that matches becomes a mount like @pattern: below its target, or on its own name. */
static int expand_glob(struct container_record *r, size_t at, const struct mount_words *w,
		       const char *spec)
{
	glob_t g = {0};
	int rc = glob(w->source, GLOB_ERR, NULL, &g);

	if (rc != 0) {
		globfree(&g);
		return err_usage("mount '%s': nothing matches '%s'", spec, w->source);
	}
	rc = 0;
	for (size_t i = 0; rc == 0 && i < g.gl_pathc; i++) {
		AUTO_FREE char *path = path_absolute(g.gl_pathv[i]);
		AUTO_FREE char *target = w->target ? path_join(w->target, strrchr(path, '/') + 1)
						   : xstrdup(path);
		struct mount_spec *m = i ? record_add_mount(r) : &r->mounts[at];

		if (i)
			mount_spec_copy(&r->mounts[at], m);
		free(TAKE_PTR(m->target));
		free(TAKE_PTR(m->source));
		rc = mount_set_target(m, target, spec);
		if (rc == 0)
			rc = mount_set_bind_source(m, path, spec);
	}
	globfree(&g);
	return rc;
}

static int find_type(struct mount_spec *m, struct mount_words *w, const struct strv *parts,
		     const char *spec)
{
	const char *name = "volume";

	for (size_t i = 0; i < parts->n; i++) /* it decides the defaults, wherever it stands */
		if (strncmp(parts->v[i], "type=", 5) == 0)
			name = parts->v[i] + 5;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(name, types[i].name) != 0)
			continue;
		w->type = types[i].type;
		m->kind = types[i].kind;
		m->flags = types[i].flags;
		return 0;
	}
	return err_usage("mount '%s': type '%s' is not supported; use bind, volume, tmpfs, ramfs, "
			 "image, artifact, devpts or glob",
			 spec, name);
}

int mounts_add_mount(struct container_record *r, const char *spec)
{
	struct mount_spec *m = record_add_mount(r);
	size_t at = r->n_mounts - 1;
	struct mount_words w = {.memory = SBUF_INIT};
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_STRV struct strv seen = STRV_INIT;
	int rc;

	rc = strv_split_csv(&parts, spec)
		     ? find_type(m, &w, &parts, spec)
		     : err_usage("mount '%s': a quote is not closed", spec);
	for (size_t i = 0; rc == 0 && i < parts.n; i++) {
		char *eq = strchr(parts.v[i], '=');

		if (eq)
			*eq = '\0';
		if (strv_has(&seen, parts.v[i]) && strcmp(parts.v[i], "volume-label") != 0 &&
		    strcmp(parts.v[i], "volume-opt") != 0)
			rc = err_usage("mount '%s': '%s' is given twice", spec, parts.v[i]);
		else
			rc = mount_key(m, &w, parts.v[i], eq ? eq + 1 : NULL, spec);
		strv_add(&seen, parts.v[i]);
	}
	if (rc == 0)
		rc = mount_finish(m, &w, spec);
	m->options = xstrdup(spec);
	if (rc == 0 && w.type == T_GLOB)
		rc = expand_glob(r, at, &w, spec);
	sbuf_done(&w.memory);
	return rc;
}

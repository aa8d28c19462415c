/* SPDX-License-Identifier: MIT */
#include "pkg/build/mount_spec.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/base/strv.h"
#include "pkg/cli/options.h"

static const char *const type_names[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
static const uint32_t modes[] = {0755, 0755, 01777, 0400, 0600}; /* of each, when none is given */

enum key {
	K_TYPE,
	K_TARGET,
	K_SOURCE,
	K_FROM,
	K_RO,
	K_RW,
	K_ID,
	K_SHARING,
	K_MODE,
	K_UID,
	K_GID,
	K_SIZE,
	K_REQUIRED,
	K_ENV,
	K_NOEXEC,
	K_COPYUP,
	K_PROPAGATION,
	K_RELABEL,
	K_OWN,
	K_NONREC,
	K_LINK,
	K_MOOT, /* so in any case, or nothing that there is here */
	K_COUNT
};

#define B (1U << RUN_MOUNT_BIND)
#define C (1U << RUN_MOUNT_CACHE)
#define T (1U << RUN_MOUNT_TMPFS)
#define S (1U << RUN_MOUNT_SECRET)
#define H (1U << RUN_MOUNT_SSH)

static const struct {
	const char *name;
	enum key key;
	unsigned types;
} keys[] = {
	{"type", K_TYPE, B | C | T | S | H},
	{"target", K_TARGET, B | C | T | S | H},
	{"dst", K_TARGET, B | C | T | S | H},
	{"destination", K_TARGET, B | C | T | S | H},
	{"source", K_SOURCE, B | C},
	{"src", K_SOURCE, B | C},
	{"from", K_FROM, B | C},
	{"ro", K_RO, B | C},
	{"readonly", K_RO, B | C},
	{"rw", K_RW, B},
	{"readwrite", K_RW, B},
	{"id", K_ID, C | S | H},
	{"sharing", K_SHARING, C},
	{"mode", K_MODE, C | S | H},
	{"uid", K_UID, C | S | H},
	{"gid", K_GID, C | S | H},
	{"size", K_SIZE, T},
	{"required", K_REQUIRED, S | H},
	{"env", K_ENV, S},
	{"tmpfs-size", K_SIZE, T},
	{"tmpfs-mode", K_MODE, T},
	{"tmpcopyup", K_COPYUP, T},
	{"noexec", K_NOEXEC, B | C | T},
	{"nosuid", K_MOOT, B | C | T},
	{"nodev", K_MOOT, B | C | T},
	{"consistency", K_MOOT, B},
	{"bind-propagation", K_PROPAGATION, B | C},
	{"bind-nonrecursive", K_NONREC, B},
	{"no-dereference", K_LINK, B},
	{"relabel", K_RELABEL, B},
	{"z", K_MOOT, B | C},
	{"Z", K_MOOT, B | C},
	{"U", K_OWN, B | C | T},
	{"chown", K_OWN, B | C | T},
};

struct parsed {
	char *v[K_COUNT]; /* NULL: not given; "" without '=' */
};

static void parsed_done(struct parsed *p)
{
	for (unsigned i = 0; i < K_COUNT; i++)
		free(p->v[i]);
}

void run_mount_done(struct run_mount *m)
{
	free(m->from);
	free(m->source);
	free(m->target);
	free(m->id);
	free(m->env);
	*m = (struct run_mount){0};
}

static int find_type(const char *name, enum run_mount_type *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(type_names); i++) {
		if (strcmp(type_names[i], name) == 0) {
			*ret = (enum run_mount_type)i;
			return 0;
		}
	}
	return err_usage("type=%s: use bind, cache, tmpfs, secret or ssh", name);
}

static int unknown_key(const char *name, enum run_mount_type type)
{
	const char *names[ARRAY_LEN(keys)], *hint;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].types & (1U << type))
			names[n++] = keys[i].name;
	hint = suggest(name, names, n);
	if (hint)
		return err_usage("unknown key '%s' for type=%s; did you mean '%s'?", name,
				 type_names[type], hint);
	return err_usage("unknown key '%s' for type=%s", name, type_names[type]);
}

static int take_key(const char *word, enum run_mount_type type, struct parsed *p)
{
	size_t n = strcspn(word, "=");
	AUTO_FREE char *name = xstrndup(word, n);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char **v = &p->v[keys[i].key];

		if (strcmp(keys[i].name, name) != 0 || !(keys[i].types & (1U << type)))
			continue;
		if (*v && keys[i].key != K_MOOT)
			return err_usage("'%s' is given twice", name);
		free(*v);
		*v = xstrdup(word[n] ? word + n + 1 : "");
		return 0;
	}
	return unknown_key(name, type);
}

static int get_bool(const char *name, const char *v, bool def, bool *ret)
{
	*ret = v ? true : def;
	if (v && *v && parse_bool(v, ret) < 0)
		return err_usage("%s=%s: true or false", name, v);
	return 0;
}

static int get_ids(const struct parsed *p, struct run_mount *m)
{
	if (p->v[K_MODE] && parse_octal(p->v[K_MODE], 07777, &m->mode) < 0)
		return err_usage("mode=%s: octal digits up to 7777", p->v[K_MODE]);
	if (p->v[K_UID] && parse_u32(p->v[K_UID], INT32_MAX, &m->uid) < 0)
		return err_usage("uid=%s: a number", p->v[K_UID]);
	if (p->v[K_GID] && parse_u32(p->v[K_GID], INT32_MAX, &m->gid) < 0)
		return err_usage("gid=%s: a number", p->v[K_GID]);
	if (p->v[K_SIZE] && (parse_size(p->v[K_SIZE], &m->size) < 0 || !m->size))
		return err_usage("size=%s: a size like 64m", p->v[K_SIZE]);
	return 0;
}

static int get_sharing(const char *v, enum run_mount_sharing *ret)
{
	*ret = SHARING_SHARED;
	if (!v || strcmp(v, "shared") == 0)
		return 0;
	if (strcmp(v, "private") == 0)
		*ret = SHARING_PRIVATE;
	else if (strcmp(v, "locked") == 0)
		*ret = SHARING_LOCKED;
	else
		return err_usage("sharing=%s: use shared, private or locked", v);
	return 0;
}

/* What buildah knows besides. Labels of SELinux are not made, here as little as with -v. */
static int get_more(const struct parsed *p, struct run_mount *m)
{
	const char *how = p->v[K_PROPAGATION], *label = p->v[K_RELABEL];
	bool own, link = false;
	int r = get_bool("noexec", p->v[K_NOEXEC], false, &m->no_exec);

	if (r == 0)
		r = get_bool("tmpcopyup", p->v[K_COPYUP], false, &m->copy_up);
	if (r == 0)
		r = get_bool("U", p->v[K_OWN], false, &own);
	if (r == 0)
		r = get_bool("bind-nonrecursive", p->v[K_NONREC], false, &m->no_recurse);
	if (r == 0)
		r = get_bool("no-dereference", p->v[K_LINK], false, &link);
	if (r < 0)
		return r;
	if (link)
		return err_new(-CE_UNSUPPORTED, "no-dereference: what is mounted is what a link leads to, and nothing "
						"can be mounted that is one; use COPY, or make the link in the command");
	if (own)
		return err_new(-CE_UNSUPPORTED, "U: the owners of what is mounted stay as they are; %s",
			       m->type == RUN_MOUNT_CACHE ? "write uid= and gid=" : "use COPY --chown");
	if (how && strcmp(how, "private") != 0 && strcmp(how, "rprivate") != 0)
		return err_new(-CE_UNSUPPORTED,
			       "bind-propagation=%s: nothing is mounted there while the command runs; only private and "
			       "rprivate",
			       how);
	if (label && strcmp(label, "shared") != 0 && strcmp(label, "private") != 0)
		return err_usage("relabel=%s: use shared or private", label);
	return 0;
}

static char *clean_target(const char *given, const char *cwd)
{
	AUTO_FREE char *joined = *given == '/' ? xstrdup(given) : path_join(cwd, given);

	return path_clean(joined);
}

/* What each type takes for granted. */
static int fill_target(const struct parsed *p, const char *cwd, struct run_mount *m)
{
	const char *given = p->v[K_TARGET];

	if (given && *given) {
		m->target = clean_target(given, cwd);
	} else if (m->type == RUN_MOUNT_SECRET) {
		if (!m->id)
			return err_usage("type=secret needs id= or target=");
		if (!m->env)
			m->target = xasprintf("/run/secrets/%s", path_base(m->id));
	} else if (m->type != RUN_MOUNT_SSH) {
		return err_usage("type=%s needs target=", type_names[m->type]);
	}
	if (m->target && strcmp(m->target, "/") == 0)
		return err_usage("nothing can be mounted on /");
	if (m->type == RUN_MOUNT_CACHE && !m->id)
		m->id = xstrdup(m->target);
	if (m->type == RUN_MOUNT_SECRET && !m->id)
		m->id = xstrdup(path_base(m->target));
	if (m->type == RUN_MOUNT_SSH && !m->id)
		m->id = xstrdup("default");
	return 0;
}

static int fill(const struct parsed *p, const char *cwd, struct run_mount *m)
{
	bool ro;
	int r = get_ids(p, m);

	if (r == 0)
		r = get_bool("required", p->v[K_REQUIRED], false, &m->required);
	if (r == 0)
		r = get_sharing(p->v[K_SHARING], &m->sharing);
	if (r == 0)
		r = get_more(p, m);
	if (r == 0)
		r = get_bool("rw", p->v[K_RW], m->type == RUN_MOUNT_CACHE, &m->read_write);
	if (r == 0)
		r = get_bool("ro", p->v[K_RO], false, &ro);
	if (r < 0)
		return r;
	if (ro && p->v[K_RW] && m->read_write)
		return err_usage("both ro and rw");
	if (p->v[K_RO])
		m->read_write = !ro;
	if (p->v[K_ID] && *p->v[K_ID])
		m->id = xstrdup(p->v[K_ID]);
	if (p->v[K_FROM] && *p->v[K_FROM])
		m->from = xstrdup(p->v[K_FROM]);
	if (p->v[K_SOURCE] && *p->v[K_SOURCE])
		m->source = xstrdup(p->v[K_SOURCE]);
	if (p->v[K_ENV] && *p->v[K_ENV])
		m->env = xstrdup(p->v[K_ENV]);
	return fill_target(p, cwd, m);
}

int run_mount_parse(const char *spec, const char *cwd, struct run_mount *ret)
{
	AUTO(parsed_done) struct parsed p = {{NULL}};
	AUTO(run_mount_done) struct run_mount m = {.from_stage = -1};
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	strv_split(&words, spec, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++)
		if (strncmp(words.v[i], "type=", 5) == 0)
			r = find_type(words.v[i] + 5, &m.type);
	m.mode = modes[m.type];
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = take_key(words.v[i], m.type, &p);
	if (r == 0)
		r = fill(&p, cwd, &m);
	if (r < 0)
		return err_wrap(r, "--mount=%s", spec);
	*ret = m;
	m = (struct run_mount){0};
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* "mounts", "root" and "linux.devices". */
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/bundle/internal.h"

#define ATIMES (RT_MNT_NOATIME | RT_MNT_STRICTATIME)

/*
 * With an "r" in front they are of all mounts below as well: those of a bind always are. relatime is
 * what the kernel does unless told otherwise.
 */
static const struct {
	const char *word;
	uint32_t set, clear;
} flag_words[] = {
	{"ro", RT_MNT_RO, 0},
	{"rw", 0, RT_MNT_RO},
	{"nosuid", RT_MNT_NOSUID, 0},
	{"suid", 0, RT_MNT_NOSUID},
	{"nodev", RT_MNT_NODEV, 0},
	{"dev", 0, RT_MNT_NODEV},
	{"noexec", RT_MNT_NOEXEC, 0},
	{"exec", 0, RT_MNT_NOEXEC},
	{"noatime", RT_MNT_NOATIME, ATIMES},
	{"atime", 0, RT_MNT_NOATIME},
	{"relatime", 0, ATIMES},
	{"norelatime", 0, 0},
	{"strictatime", RT_MNT_STRICTATIME, ATIMES},
	{"nostrictatime", 0, RT_MNT_STRICTATIME},
	{"nodiratime", RT_MNT_NODIRATIME, 0},
	{"diratime", 0, RT_MNT_NODIRATIME},
	{"nosymfollow", RT_MNT_NOSYMFOLLOW, 0},
	{"symfollow", 0, RT_MNT_NOSYMFOLLOW},
};

static const struct {
	const char *word;
	uint32_t flag;
} propagation_words[] = {
	{"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
	{"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
	{"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
	{"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

/* What is true anyway, unless somebody says otherwise; said after the opposite the kernel refuses it. */
static const char *const idle_words[] = {"defaults",   "async", "nomand", "nolazytime",
					 "noiversion", "loud",  "silent"};

/* Of a whole file system, and made by whoever mounted it: a bind has no say in it. */
static const char *const whole_words[] = {"sync", "dirsync", "lazytime", "mand", "iversion"};

static const char *const bind_words[] = {"bind", "rbind"};

void bundle_mount_words(struct strv *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(flag_words); i++) {
		strv_add(ret, flag_words[i].word);
		strv_addf(ret, "r%s", flag_words[i].word);
	}
	for (unsigned i = 0; i < ARRAY_LEN(propagation_words); i++)
		strv_add(ret, propagation_words[i].word);
	for (unsigned i = 0; i < ARRAY_LEN(idle_words); i++)
		strv_add(ret, idle_words[i]);
	for (unsigned i = 0; i < ARRAY_LEN(whole_words); i++)
		strv_add(ret, whole_words[i]);
	for (unsigned i = 0; i < ARRAY_LEN(bind_words); i++)
		strv_add(ret, bind_words[i]);
	strv_add(ret, "tmpcopyup");
	strv_sort(ret);
}

static bool is_word(const char *w, const char *const *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(w, list[i]) == 0)
			return true;
	return false;
}

static bool propagation(const char *w, uint32_t *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(propagation_words); i++) {
		if (strcmp(w, propagation_words[i].word) != 0)
			continue;
		*ret = propagation_words[i].flag;
		return true;
	}
	return false;
}

/* A word that is about the mount and not about the file system. */
static bool mount_word(struct rt_mount *m, const char *w)
{
	if (strcmp(w, "tmpcopyup") == 0) {
		m->flags |= RT_MNT_COPYUP;
		return true;
	}
	for (unsigned i = 0; i < ARRAY_LEN(flag_words); i++) {
		if (strcmp(w, flag_words[i].word) != 0 &&
		    (*w != 'r' || strcmp(w + 1, flag_words[i].word) != 0))
			continue;
		m->flags = (m->flags & ~flag_words[i].clear) | flag_words[i].set;
		return true;
	}
	return propagation(w, &m->propagation) || is_word(w, idle_words, ARRAY_LEN(idle_words));
}

static int read_options(struct bundle *b, const struct oci_mount *o, struct rt_mount *m)
{
	struct sbuf data = SBUF_INIT;
	bool bind = o->type && strcmp(o->type, "bind") == 0, deep = false;

	for (size_t i = 0; i < o->options.n; i++) {
		const char *w = o->options.v[i];

		if (is_word(w, bind_words, ARRAY_LEN(bind_words))) {
			bind = true;
			deep = deep || *w == 'r';
		}
	}
	for (size_t i = 0; i < o->options.n; i++) {
		const char *w = o->options.v[i];

		if (is_word(w, bind_words, ARRAY_LEN(bind_words)) || mount_word(m, w))
			continue;
		if (strcmp(w, "remount") == 0 || strcmp(w, "idmap") == 0 ||
		    strcmp(w, "ridmap") == 0 || bind || strchr(w, ',') || !*w) {
			sbuf_done(&data);
			if (is_word(w, whole_words, ARRAY_LEN(whole_words)))
				return err_new(-CE_UNSUPPORTED,
					       "option \"%s\" of a bind: it is for whoever mounts "
					       "the file system",
					       w);
			return err_new(-CE_UNSUPPORTED, "option \"%s\"", w);
		}
		sbuf_addf(&data, "%s%s", data.len ? "," : "", w);
	}
	if (bind)
		m->type = RT_MOUNT_BIND;
	if (bind && !deep)
		m->flags |= RT_MNT_NONREC;
	if (data.len)
		m->data = bundle_keep_str(b, sbuf_steal(&data));
	sbuf_done(&data);
	return 0;
}

static const struct {
	const char *name;
	enum rt_mount_type type;
	enum rt_ns_kind ns; /* whose the file system shows; RT_NS_COUNT: nobody's */
	const char *host; /* bound where that namespace is the host's */
} types[] = {
	{"tmpfs", RT_MOUNT_TMPFS, RT_NS_COUNT, NULL},
	{"ramfs", RT_MOUNT_RAMFS, RT_NS_COUNT, NULL},
	{"devpts", RT_MOUNT_DEVPTS, RT_NS_COUNT, NULL},
	{"proc", RT_MOUNT_PROC, RT_NS_PID, "/proc"},
	{"sysfs", RT_MOUNT_SYSFS, RT_NS_NET, "/sys"},
	{"mqueue", RT_MOUNT_MQUEUE, RT_NS_IPC, "/dev/mqueue"},
	{"cgroup", RT_MOUNT_CGROUP2, RT_NS_CGROUP, CGROUP_ROOT},
	{"cgroup2", RT_MOUNT_CGROUP2, RT_NS_CGROUP, CGROUP_ROOT},
};

/* The kernel shows a namespace only to who has power over it: of the host's, what is mounted there is bound. */
static void use_hosts(struct rt_mount *m, const char *host, bool read_only)
{
	m->type = RT_MOUNT_BIND;
	m->source = host;
	m->data = NULL;
	m->flags &= ~(RT_MNT_NONREC | RT_MNT_COPYUP);
	if (read_only)
		m->flags |= RT_MNT_RO;
}

static int file_system(struct rt_plan *p, const struct bundle_host *h, const struct oci_mount *o,
		       struct rt_mount *m)
{
	const char *type = o->type ? o->type : "";
	unsigned i = 0;

	while (i < ARRAY_LEN(types) && strcmp(type, types[i].name) != 0)
		i++;
	if (i == ARRAY_LEN(types))
		return err_new(-CE_UNSUPPORTED, "type \"%s\"", type);
	m->type = types[i].type;
	if (m->type == RT_MOUNT_CGROUP2 &&
	    (!cgroup_is_v2() || p->ns[RT_NS_CGROUP].mode != RT_NS_NEW)) {
		use_hosts(m, CGROUP_ROOT, true);
		return 0;
	}
	if (types[i].ns != RT_NS_COUNT && p->ns[types[i].ns].mode == RT_NS_HOST &&
	    !(h->privileged && h->initial && p->ns[RT_NS_USER].mode == RT_NS_HOST))
		use_hosts(m, types[i].host, m->type == RT_MOUNT_SYSFS);
	return 0;
}

static int plan_mount(struct bundle *b, const struct bundle_host *h, const struct oci_mount *o,
		      struct rt_mount *m)
{
	AUTO_FREE char *rooted = path_join("/", o->destination);
	int r;

	m->target = bundle_keep_str(b, path_clean(rooted));
	if (strcmp(m->target, "/") == 0)
		return err_new(-CE_UNSUPPORTED, "over the root itself");
	if (o->idmapped)
		return err_new(-CE_UNSUPPORTED,
			       "uidMappings, gidMappings of a mount: the kernel gives id-mapped "
			       "mounts to nobody but root");
	m->type = RT_MOUNT_OVERLAY; /* until it is known */
	r = read_options(b, o, m);
	if (r < 0)
		return r;
	if (m->type != RT_MOUNT_BIND)
		return file_system(&b->plan, h, o, m);
	if (!o->source || !*o->source)
		return err_new(-CE_BAD_FORMAT, "a bind without a source");
	m->source = *o->source == '/' ? o->source
				      : bundle_keep_str(b, path_join(b->dir, o->source));
	return 0;
}

static int plan_root(struct bundle *b)
{
	struct rt_root *root = &b->plan.root;
	const char **lower = bundle_keep(b, 2, sizeof(*lower));
	const char *prop = b->spec.propagation ? b->spec.propagation : "";
	char *path = *b->spec.root_path == '/' ? xstrdup(b->spec.root_path)
					       : path_join(b->dir, b->spec.root_path);

	lower[0] = bundle_keep_str(b, path_clean(path));
	free(path);
	if (strcmp(lower[0], "/") == 0)
		return err_new(-CE_UNSUPPORTED, "root: the host's own root");
	*root = (struct rt_root){.driver = RT_ROOT_DIR,
				 .lower = lower,
				 .n_lower = 1,
				 .read_only = b->spec.root_read_only};
	if (*prop && !propagation(prop, &root->propagation))
		return err_new(-CE_BAD_FORMAT, "linux.rootfsPropagation \"%s\"", prop);
	/* All is private in there to begin with, and made from mounts that only hear of the host. */
	if (!(root->propagation & (MS_SHARED | MS_UNBINDABLE)))
		root->propagation = 0;
	return 0;
}

int bundle_mounts(struct bundle *b, const struct bundle_host *h)
{
	struct rt_mount *mounts = bundle_keep(b, b->spec.n_mounts, sizeof(*mounts));
	int r = plan_root(b);

	for (unsigned i = 0; r == 0 && i < b->spec.n_mounts; i++) {
		r = plan_mount(b, h, &b->spec.mounts[i], &mounts[i]);
		if (r < 0)
			r = err_wrap(r, "mount %s", b->spec.mounts[i].destination);
	}
	b->plan.mounts = mounts;
	b->plan.n_mounts = b->spec.n_mounts;
	return r;
}

/* Made anyway, on a /dev of the container's own. */
static bool is_usual(const char *path)
{
	static const char *const usual[] = {"/dev/null",    "/dev/zero",    "/dev/full",
					    "/dev/random",  "/dev/urandom", "/dev/tty",
					    "/dev/console", "/dev/ptmx"};

	return is_word(path, usual, ARRAY_LEN(usual));
}

/* Nobody can make a node in a user namespace: the host's, of the same numbers, is bound. FIFOs are no nodes. */
int bundle_devices(struct bundle *b)
{
	struct rt_device *devices = bundle_keep(b, b->spec.n_devices, sizeof(*devices));
	struct rt_fifo *fifos = bundle_keep(b, b->spec.n_devices, sizeof(*fifos));
	unsigned n = 0, n_fifos = 0;

	for (unsigned i = 0; i < b->spec.n_devices; i++) {
		const struct oci_device *d = &b->spec.devices[i];
		struct stat st;

		if (is_usual(d->path))
			continue;
		if (d->type == 'p') {
			fifos[n_fifos++] = (struct rt_fifo){.target = d->path,
							    .mode = (uint32_t)d->mode & 0777,
							    .uid = (uint32_t)d->uid,
							    .gid = (uint32_t)d->gid};
			continue;
		}
		if (stat(d->path, &st) < 0)
			return err_new(-errno, "device %s of the host", d->path);
		if (st.st_rdev != makedev((unsigned)d->major, (unsigned)d->minor) ||
		    (d->type == 'b') != S_ISBLK(st.st_mode))
			return err_new(-CE_UNSUPPORTED,
				       "device %s: the host has no %c %lld:%lld at that place",
				       d->path, d->type, (long long)d->major, (long long)d->minor);
		devices[n++] = (struct rt_device){.source = d->path, .target = d->path};
	}
	b->plan.devices = devices;
	b->plan.n_devices = n;
	b->plan.fifos = fifos;
	b->plan.n_fifos = n_fifos;
	return 0;
}

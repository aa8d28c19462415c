/* SPDX-License-Identifier: MIT */
/*
 * What "volume create" takes: driver local with type=, device= and o=. As far as the kernel lets an
 * ordinary user mount: nothing (a directory of the store), a directory of the host, a tmpfs.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/mounts_internal.h"
#include "pkg/container/volumes.h"
#include "pkg/runtime/base.h"
#include "pkg/runtime/plan.h"
#include "pkg/sys/random.h"
#include "storage/event.h"

static int option_id(const char *word, int64_t *ret)
{
	uint32_t id;

	if (parse_u32(word + 4, INT32_MAX, &id) < 0)
		return err_usage("volume option '%s': an id from 0 to %d", word, INT32_MAX);
	*ret = id;
	return 0;
}

/* Asks for what is so: no quota; and no other program is waited for that could take too long. */
static bool is_so_anyway(const char *w)
{
	uint32_t seconds;

	return strcmp(w, "noquota") == 0 || (strncmp(w, "timeout=", 8) == 0 &&
					     parse_u32(w + 8, INT32_MAX, &seconds) == 0);
}

/* "o=": owner and [no]copy are ours, the rest belongs to the mount. */
static int split_words(const char *o, struct volume_record *v, struct strv *rest)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	strv_split(&words, o, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		const char *w = words.v[i];

		if (strncmp(w, "uid=", 4) == 0 || strncmp(w, "UID=", 4) == 0)
			r = option_id(w, &v->uid);
		else if (strncmp(w, "gid=", 4) == 0 || strncmp(w, "GID=", 4) == 0)
			r = option_id(w, &v->gid);
		else if (strcmp(w, "nocopy") == 0)
			v->needs_copy_up = false;
		else if (*w && strcmp(w, "copy") != 0 && !is_so_anyway(w))
			strv_add(rest, w);
	}
	return r;
}

static int bind_type(const char *device, const char *words, const struct strv *rest,
		     struct mount_spec *m)
{
	if (!strv_has(rest, "bind") && !strv_has(rest, "rbind"))
		return err_usage("volume option device=%s: an ordinary user can mount directories "
				 "(type=none, o=bind) and tmpfs (type=tmpfs), but no file systems "
				 "of devices or of the network",
				 device);
	if (*device != '/')
		return err_usage("volume option device=%s: must be absolute", device);
	m->kind = MOUNT_BIND;
	m->flags = BIND_FLAGS | (strv_has(rest, "rbind") ? 0 : RT_MNT_NONREC);
	m->source = path_clean(device);
	return mount_bind_words(m, words, "o=");
}

static int tmpfs_type(const char *device, const struct volume_record *v, const char *words,
		      struct mount_spec *m)
{
	AUTO_SBUF struct sbuf all = SBUF_INIT;

	if (device && strcmp(device, "tmpfs") != 0)
		return err_usage("volume option device=%s: a tmpfs has none; write device=tmpfs",
				 device);
	sbuf_adds(&all, words);
	if (v->uid >= 0)
		sbuf_addf(&all, ",uid=%lld", (long long)v->uid);
	if (v->gid >= 0)
		sbuf_addf(&all, ",gid=%lld", (long long)v->gid);
	m->kind = MOUNT_TMPFS;
	m->flags = RT_MNT_NOSUID | RT_MNT_NODEV;
	return mount_tmpfs_words(m, all.s, "o=");
}

static int options_of(struct volume_record *v, enum volume_type *ret_type, struct mount_spec *m)
{
	const char *type = strv_env_get(&v->options, "type");
	const char *device = strv_env_get(&v->options, "device");
	const char *o = strv_env_get(&v->options, "o");
	AUTO_STRV struct strv rest = STRV_INIT;
	AUTO_FREE char *words = NULL;
	int r = split_words(o ? o : "", v, &rest);

	words = strv_join(&rest, ",");
	if (r < 0)
		return r;
	if (type && strcmp(type, "tmpfs") == 0) {
		*ret_type = VOLUME_TMPFS;
		return tmpfs_type(device, v, words, m);
	}
	if (type && *type && strcmp(type, "none") != 0 && strcmp(type, "bind") != 0)
		return err_usage("volume option type=%s: an ordinary user cannot mount that; use "
				 "type=tmpfs, or type=none with o=bind and device=DIRECTORY",
				 type);
	if (device && *device) {
		*ret_type = VOLUME_BIND;
		return bind_type(device, words, &rest, m);
	}
	if (type && *type)
		return err_usage("volume option type=%s: goes with device=DIRECTORY and o=bind",
				 type);
	if (rest.n && (strncmp(rest.v[0], "size=", 5) == 0 || strncmp(rest.v[0], "inodes=", 7) == 0))
		return err_usage("volume option o=%s: only root can bound a directory, by a quota; a "
				 "volume in memory has bounds: type=tmpfs with o=size=, nr_inodes=",
				 words);
	if (rest.n)
		return err_usage(
			"volume option o=%s: unknown without a device; known are uid= gid= "
			"[no]copy",
			words);
	*ret_type = VOLUME_PLAIN;
	return 0;
}

int volume_options(const struct volume_record *v, enum volume_type *ret_type,
		   struct mount_spec *ret)
{
	struct volume_record scratch = *v; /* its lists are only read */
	struct mount_spec m = {0};
	int r = options_of(&scratch, ret_type, &m);

	if (r < 0)
		mount_spec_done(&m);
	else
		*ret = m;
	return r;
}

int volume_request_check(const struct volume_request *q, struct volume_record *v)
{
	struct mount_spec unused = {0};
	enum volume_type type;
	bool no_copy = false;
	int r;

	if (!name_is_valid(v->name))
		return err_usage("volume create '%s': names match [A-Za-z0-9][A-Za-z0-9_.-]*, at "
				 "most 128 characters",
				 v->name);
	if (q->driver && strcmp(q->driver, "local") != 0)
		return err_usage("--driver '%s': there is no volume driver but 'local'", q->driver);
	for (size_t i = 0; i < q->labels.n; i++) {
		const char *l = q->labels.v[i];

		if (*l == '=' || !*l)
			return err_usage("--label '%s': the name before '=' is empty", l);
		if (strchr(l, '='))
			strv_env_set(&v->labels, l);
		else
			strv_addf(&v->labels, "%s=", l);
	}
	for (size_t i = 0; i < q->options.n; i++) {
		const char *o = q->options.v[i];

		/* By themselves, too, as podman has them. */
		if (strcmp(o, "copy") == 0 || strcmp(o, "nocopy") == 0) {
			no_copy = *o == 'n';
			continue;
		}
		if (strncmp(o, "type=", 5) != 0 && strncmp(o, "device=", 7) != 0 &&
		    strncmp(o, "o=", 2) != 0)
			return err_usage("--opt '%s': unknown; known are type= device= o= copy "
					 "nocopy",
					 o);
		strv_env_set(&v->options, o);
	}
	r = options_of(v, &type, &unused);
	mount_spec_done(&unused);
	if (r == 0 && type != VOLUME_PLAIN)
		v->needs_copy_up = v->needs_chown = false;
	v->needs_copy_up = v->needs_copy_up && !no_copy;
	if (q->uid >= 0)
		v->uid = q->uid;
	if (q->gid >= 0)
		v->gid = q->gid;
	if (v->uid >= 0 || v->gid >= 0)
		v->needs_chown = false;
	return r;
}

/* Owners other than root exist in the base namespace only. */
static int enter_for_owner(struct store *st, const struct volume_record *v)
{
	return v->uid > 0 || v->gid > 0 ? base_enter_own(store_runtime_fd(st)) : 0;
}

int volume_make(struct store *st, const struct volume_request *q, char **ret_name)
{
	AUTO(volume_record_done) struct volume_record v = VOLUME_RECORD_NEW;
	char made_up[65];
	int r;

	random_hex(made_up, 64);
	v.name = xstrdup(q->name ? q->name : made_up);
	v.anonymous = !q->name;
	v.created_ns = clock_now_ns();
	r = volume_request_check(q, &v);
	if (r == 0)
		r = enter_for_owner(st, &v);
	if (r == 0)
		r = volume_create_told(st, &v);
	if (r == -EEXIST && !q->ignore)
		return err_new(-CE_NAME_IN_USE, "volume create %s", v.name);
	if (r < 0 && r != -EEXIST)
		return r;
	err_drop();
	*ret_name = TAKE_PTR(v.name);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Mounts that users and images asked for: binds, volumes, images, file systems in memory. */
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/plan.h"
#include "pkg/container/volumes.h"
#include "storage/layer.h"
#include "storage/store.h"

/* A tmpfs lives in the mount namespace of the container that has it: another one would get a different one. */
static int check_alone(struct store *st, const char *name)
{
	AUTO(volume_use_done) struct volume_use use = {0};
	int r = volume_use_load(st, &use);

	if (r == 0 && volume_count(&use.mounted, name))
		return err_new(-CE_IN_USE,
			       "volume %s is a tmpfs, which only one running container at a time "
			       "can have",
			       name);
	return r;
}

/* The tmpfs that the pod's infra container has made: 1, or 0 when it has none of that name. */
static int pod_tmpfs(const struct mount_spec *s, struct container_plan *p)
{
	const char *dir = strv_env_get(&p->pod_volumes, s->source);
	struct rt_mount *m;

	if (!dir)
		return 0;
	if (p->rt.peer.target.pid != p->pod_owner.pid)
		return err_usage("volume %s: it is a tmpfs of the pod, whose mounts cannot be "
				 "shared together with the IPC namespace of another container",
				 s->source);
	if (s->overlay)
		return err_usage("volume %s: 'O' needs a directory, and this is a tmpfs",
				 s->source);
	m = plan_add_mount(p, RT_MOUNT_BIND, plan_keep(p, xstrdup(dir)), s->target);
	m->flags = RT_MNT_JOINED | (s->flags & RT_MNT_RO);
	return 1;
}

/* A volume that is a mount of its own: what its options say, and what this use of it adds. */
static int volume_with_options(const struct plan_input *in, const struct volume_record *v,
			       const struct mount_spec *s, struct container_plan *p)
{
	struct mount_spec o = {0};
	enum volume_type type;
	struct rt_mount *m;
	int r = volume_options(v, &type, &o);

	if (r == 0 && type == VOLUME_TMPFS) {
		r = pod_tmpfs(s, p);
		if (r == 1) {
			mount_spec_done(&o);
			return 0;
		}
	}
	/* What is held is the pod's alone, whose containers may outlive it. */
	if (r == 0 && type == VOLUME_TMPFS && !s->held && !in->idle)
		r = check_alone(in->store, v->name);
	if (r == 0 && type == VOLUME_TMPFS && s->overlay)
		r = err_usage("volume %s: 'O' needs a directory, and this is a tmpfs", v->name);
	if (r < 0) {
		mount_spec_done(&o);
		return err_wrap(r, "volume %s", v->name);
	}
	if (type == VOLUME_TMPFS) {
		m = plan_add_mount(p, RT_MOUNT_TMPFS, NULL, s->target);
		m->data = plan_tmpfs_data(p, o.data ? plan_keep(p, TAKE_PTR(o.data)) : NULL);
		if (v->needs_copy_up && !s->no_copy)
			m->flags |= RT_MNT_COPYUP;
	} else {
		m = plan_add_mount(p, s->overlay ? RT_MOUNT_OVERLAY : RT_MOUNT_BIND,
				   plan_keep(p, TAKE_PTR(o.source)), s->target);
	}
	m->flags |= s->flags | (o.flags & (RT_MNT_RO | RT_MNT_NOEXEC | RT_MNT_NONREC));
	m->propagation = s->propagation ? s->propagation : o.propagation;
	mount_spec_done(&o);
	return 0;
}

static int add_volume(const struct plan_input *in, const struct mount_spec *s,
		      struct container_plan *p)
{
	AUTO(volume_record_done) struct volume_record v = {0};
	struct rt_mount *m;
	int r = volume_load(in->store, s->source, &v);

	if (r == -CE_NO_VOLUME && in->dry && !s->no_create) { /* it would be made */
		err_drop();
		v.needs_copy_up = v.needs_chown = true;
		r = 0;
	}
	if (r < 0)
		return r;
	if (strv_env_get(&v.options, "type") || strv_env_get(&v.options, "device"))
		return volume_with_options(in, &v, s, p);
	m = plan_add_mount(p, s->overlay ? RT_MOUNT_OVERLAY : RT_MOUNT_BIND,
			   plan_keep(p, volume_data_path(in->store, s->source)), s->target);
	m->flags = s->flags;
	m->propagation = s->propagation;
	if (v.needs_copy_up && !s->no_copy && !s->overlay)
		m->flags |= RT_MNT_COPYUP;
	if (v.needs_chown && !s->overlay)
		m->flags |= RT_MNT_DRESS;
	return 0;
}

/* The layers of an image. */
static int add_image(const struct plan_input *in, const struct mount_spec *s,
		     struct container_plan *p)
{
	AUTO_STRV struct strv dirs = STRV_INIT;
	const char **lower;
	struct rt_mount *m;
	int r = layer_stack_bare(in->store, &s->layers, &dirs);

	if (r == 0 && store_has_file_marks(in->store) && (dirs.n > 1 || s->overlay))
		return err_new(-CE_UNSUPPORTED,
			       "image %s as a mount: an overlay, for which the store's file "
			       "system has no attributes or whiteouts",
			       s->source);
	if (r == 0)
		r = plan_own_layers(in, p, &dirs);
	if (r < 0)
		return err_wrap(r, "image %s", s->source);
	if (dirs.n == 1 && !s->overlay) {
		m = plan_add_mount(p, RT_MOUNT_BIND, plan_keep(p, xstrdup(dirs.v[0])), s->target);
	} else {
		m = plan_add_mount(p, RT_MOUNT_OVERLAY, NULL, s->target);
		m->n_lower = (unsigned)dirs.n;
		lower = xcalloc(dirs.n, sizeof(*lower));
		for (unsigned i = 0; i < m->n_lower; i++)
			lower[i] = plan_keep(p, xstrdup(dirs.v[i]));
		(void)plan_keep(p, (char *)lower);
		m->lower = (const char *const *)lower;
	}
	m->flags = s->flags;
	return 0;
}

/* Changes to an O mount live with the container: directories beside its upper one. */
static int overlay_dirs(const struct plan_input *in, struct rt_mount *m, unsigned index,
			struct container_plan *p)
{
	AUTO_FREE char *name = xasprintf("overlay-%u", index);
	AUTO_FREE char *base = path_join(in->dirs->data_path, name);

	if (store_has_file_marks(in->store))
		return err_new(
			-CE_UNSUPPORTED,
			"%s: an overlay as a mount, for which the store's file system has no "
			"attributes or whiteouts; leave the option O out or give another --root",
			m->target);
	m->upper = plan_keep(p, path_join(base, "upper"));
	m->work = plan_keep(p, path_join(base, "work"));
	if (in->dry)
		return 0;
	if ((mkdir(base, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(m->upper, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(m->work, 0700) < 0 && errno != EEXIST))
		return err_new(-errno, "make %s", base);
	return 0;
}

static int add_one(const struct plan_input *in, const struct mount_spec *s,
		   struct container_plan *p)
{
	static const enum rt_mount_type types[] = {
		[MOUNT_BIND] = RT_MOUNT_BIND,
		[MOUNT_TMPFS] = RT_MOUNT_TMPFS,
		[MOUNT_DEVPTS] = RT_MOUNT_DEVPTS,
		[MOUNT_RAMFS] = RT_MOUNT_RAMFS,
	};
	struct rt_mount *m;

	if (s->kind == MOUNT_VOLUME)
		return add_volume(in, s, p);
	if (s->kind == MOUNT_IMAGE)
		return add_image(in, s, p);
	m = plan_add_mount(p, s->overlay ? RT_MOUNT_OVERLAY : types[s->kind], s->source, s->target);
	m->flags = s->flags;
	m->data = s->kind == MOUNT_TMPFS ? plan_tmpfs_data(p, s->data) : s->data;
	m->propagation = s->propagation;
	return 0;
}

int plan_user_mounts(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;

	for (unsigned i = 0; i < rec->n_mounts; i++) {
		const struct mount_spec *s = &rec->mounts[i];
		struct rt_mount *m;
		int r = add_one(in, s, p);

		if (r < 0)
			return r;
		m = &p->mounts[p->n_mounts - 1];
		m->subpath = s->subpath;
		if (s->overlay && s->upper) {
			m->upper = s->upper;
			m->work = s->work;
		} else if (s->overlay) {
			r = overlay_dirs(in, m, i, p);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

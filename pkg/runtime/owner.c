/* SPDX-License-Identifier: MIT */
/*
 * U of a volume: all of it becomes the container's user's.
 *
 * I may do that only with what belongs to ids of its own map. The caller's files do not when he is
 * nobody inside (--userns auto, nomap), nor does what an earlier container with other ids left in a
 * volume. M has all capabilities over the ids of B, so I asks it, with a descriptor (O_PATH) of what
 * it opened by its own rights: M looks up no path for it. The ids are those of the container, which
 * only M translates: it gives nothing to anybody outside of the container's map.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/runtime/internal.h"

static int give(int what, uid_t uid, gid_t gid)
{
	struct stat st;

	if (fstat(what, &st) < 0)
		return err_new(-errno, "stat");
	if (S_ISDIR(st.st_mode))
		return tree_chown(what, uid, gid);
	return fchownat(what, "", uid, gid, AT_EMPTY_PATH) < 0 ? err_new(-errno, "chown") : 0;
}

int owner_give(const struct rt_child *x, int what)
{
	struct sync_owner o = {x->ids.uid, x->ids.gid};
	int r = give(what, o.uid, o.gid);

	/* Who prepares for another runtime is in B itself. */
	if ((r != -EPERM && r != -EACCES) || x->plan->ns[RT_NS_USER].mode != RT_NS_NEW ||
	    x->plan->foreign.program)
		return r;
	err_drop();
	return sync_ask_owner(x->sync, what, &o);
}

static int give_for(const struct rt_plan *p, int what, const struct sync_owner *o)
{
	uint32_t uid, gid;
	int r;

	if (p->ns[RT_NS_USER].mode != RT_NS_NEW ||
	    !idmap_find(p->uid_map, p->n_uid_map, o->uid, &uid) ||
	    !idmap_find(p->gid_map, p->n_gid_map, o->gid, &gid))
		return err_new(-CE_PROTOCOL, "an owner that the container does not have");
	r = give(what, uid, gid);
	return r < 0 ? err_wrap(r, "U, which gives a volume to the container's user") : 0;
}

int owner_attend(const struct rt_plan *p, int sock, enum rt_point point, int *ret_fds)
{
	struct sync_owner o;
	int fds[RT_SYNC_FDS], r;

	while ((r = sync_wait_owner(sock, point, &o, fds)) > 0) {
		r = give_for(p, fds[0], &o);
		for (unsigned i = 0; i < RT_SYNC_FDS; i++)
			closep(&fds[i]);
		if (r == 0)
			r = sync_send(sock, RT_POINT_OWNED, NULL, 0);
		if (r < 0)
			return r;
	}
	for (unsigned i = 0; r == 0 && i < RT_SYNC_FDS; i++) {
		if (ret_fds)
			ret_fds[i] = fds[i];
		else
			closep(&fds[i]);
	}
	return r;
}

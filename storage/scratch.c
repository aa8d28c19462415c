/* SPDX-License-Identifier: MIT */
#include "storage/scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/rmtree.h"
#include "storage/stage.h"

#define TREE "tree"

/* The store may be closed by the time of the exit, so this has its own descriptor of it. */
static struct {
	pid_t owner;
	int root;
	struct strv stages, locks; /* below root */
} ours = {.root = -EBADF};

void scratch_clear(void)
{
	if (ours.owner != getpid())
		return;
	for (size_t i = 0; i < ours.stages.n; i++)
		if (rmtree(ours.root, ours.stages.v[i]) < 0)
			err_drop(); /* the next sweep tries again */
		else
			(void)unlinkat(ours.root, ours.locks.v[i], 0);
	strv_done(&ours.stages);
	strv_done(&ours.locks);
}

static int prepare(struct store *st)
{
	if (ours.owner == getpid())
		return 0;
	strv_done(&ours.stages);
	strv_done(&ours.locks);
	closep(&ours.root);
	ours.root = open(store_root(st), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ours.root < 0 || atexit(scratch_clear) != 0)
		return err_new(-errno, "open the store");
	ours.owner = getpid();
	return 0;
}

int scratch_dir(struct store *st)
{
	struct stage s = STAGE_INIT;
	int tree = -EBADF, r = prepare(st);

	if (r == 0)
		r = stage_begin(st, &s);
	if (r < 0)
		return r;
	if (mkdirat(s.fd, TREE, 0700) < 0 || fchmodat(s.fd, TREE, 0755, 0) < 0 ||
	    (tree = openat(s.fd, TREE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0) {
		r = err_new(-errno, "make a directory in the store");
		stage_abort(st, &s);
		return r;
	}
	strv_addf(&ours.stages, "staging/%s", s.name);
	strv_addf(&ours.locks, "staging/%s.lock", s.name);
	/* The lock stays held by its descriptor until we end: nobody sweeps it. */
	closep(&s.fd);
	free(s.name);
	return tree;
}

/* SPDX-License-Identifier: MIT */
/*
 * --userns ns:PATH. Which files belong to whom in it is told by its maps as the base namespace sees
 * them: a child in the base namespace (L) has a child of its own (E) enter the namespace, and reads
 * /proc/E/{uid,gid}_map. What is not below the base namespace shows ids that nobody has.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/wire.h"
#include "pkg/container/idmap.h"
#include "pkg/container/userns.h"
#include "pkg/runtime/base.h"
#include "pkg/sys/apart.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"
#include "storage/store.h"

#define MAPS_MAX 32768

/* E: stays until L has read, and closes its end of the pipe. */
static void __attribute__((noreturn)) enter(int ns, int said, int until)
{
	char c = 0;
	int e = setns(ns, CLONE_NEWUSER) < 0 ? errno : 0;

	(void)write_full(said, &e, sizeof(e));
	while (read(until, &c, 1) > 0)
		;
	_exit(0);
}

static int read_maps(pid_t pid, struct sbuf *out)
{
	static const char *const files[] = {"uid_map", "gid_map"};

	for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;
		char path[48];
		int r;

		(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		r = file_read_at(AT_FDCWD, path, MAPS_MAX / 2, &text);
		if (r < 0)
			return r;
		wire_put_str(out, text.s ? text.s : "");
	}
	return 0;
}

/* L, once it is in the base namespace. */
static int look(const char *path, struct sbuf *out)
{
	AUTO_CLOSE int ns = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO_CLOSE int pidfd = -EBADF, said = -EBADF, until = -EBADF;
	int to[2], from[2], e = 0, r;
	pid_t pid;

	if (ns < 0)
		return err_new(-errno, "open %s", path);
	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	said = from[0];
	until = to[1];
	pid = clone_fork(0, &pidfd);
	if (pid == 0) {
		(void)close(to[1]);
		enter(ns, from[1], to[0]);
	}
	(void)close(from[1]);
	(void)close(to[0]);
	if (pid < 0)
		return (int)pid;
	r = read_full(said, &e, sizeof(e));
	if (r == 0 && e)
		r = err_new(-e,
			    "enter %s (it must be a user namespace below your base namespace: "
			    "a container's, or one made in `cuddy unshare`)",
			    path);
	if (r == 0)
		r = read_maps(pid, out);
	closep(&until);
	(void)pidfd_wait(pidfd, -1, &e);
	return r;
}

struct place {
	struct store *st;
	const char *path;
};

static int look_inside(const void *arg, struct sbuf *out)
{
	const struct place *p = arg;
	int r = base_enter_own(store_runtime_fd(p->st));

	return r == 0 ? look(p->path, out) : r;
}

static int keep_map(const char *text, const char *path, struct strv *ret)
{
	AUTO(idmap_done) struct idmap m = {0};

	for (const char *l = text; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		unsigned inside, outside, count;

		if (sscanf(l, "%u %u %u", &inside, &outside, &count) != 3)
			return err_new(-CE_BAD_FORMAT, "maps of %s", path);
		if (outside == UINT32_MAX)
			return err_usage("--userns ns:%s: its ids are not those of your base "
					 "namespace",
					 path);
		idmap_add(&m, inside, outside, count);
	}
	if (m.n == 0)
		return err_usage("--userns ns:%s: it has no ids yet", path);
	idmap_write(&m, ret);
	return 0;
}

int make_userns_path(struct store *st, const char *mode, struct container_record *rec)
{
	const char *path = mode + strlen("ns:"), *uids, *gids;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct wire_reader w;
	int r;

	if (*path != '/')
		return err_usage("--userns '%s': the path must be absolute", mode);
	r = apart_run(look_inside, &(struct place){st, path}, &b);
	if (r < 0)
		return err_wrap(r, "--userns %s", mode);
	wire_reader_init(&w, b.s, b.len);
	uids = wire_get_str(&w);
	gids = wire_get_str(&w);
	if (w.failed || !uids || !gids)
		return err_new(-CE_PROTOCOL, "--userns %s", mode);
	r = keep_map(uids, path, &rec->uid_map);
	if (r == 0)
		r = keep_map(gids, path, &rec->gid_map);
	rec->ns_user = xstrdup(mode);
	return r;
}

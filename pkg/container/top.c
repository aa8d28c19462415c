/* SPDX-License-Identifier: MIT */
/*
 * Which processes there are: those in the pid namespace of the container's first process or in one
 * below it. Who made the user namespace may look at all of them; what cannot be looked at is not
 * the container's.
 */
#include "pkg/container/top.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/top_internal.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"
#include "pkg/sys/procfs.h"

#define DB_MAX (1U << 20)

static void view_done(struct top_view *v)
{
	closep(&v->proc);
	sbuf_done(&v->uid_map);
	sbuf_done(&v->gid_map);
	sbuf_done(&v->passwd);
	sbuf_done(&v->group);
	sbuf_done(&v->host_passwd);
	sbuf_done(&v->host_group);
}

static int open_pid_ns(int proc, pid_t pid)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "%d/ns/pid", (int)pid);
	return openat(proc, path, O_RDONLY | O_CLOEXEC);
}

/* Is the namespace of @pid the one with @inode, or does it lie below that? Up at most 32, the kernel's limit. */
static bool is_within(int proc, pid_t pid, ino_t inode)
{
	AUTO_CLOSE int ns = open_pid_ns(proc, pid);
	struct stat st;

	for (int i = 0; i <= 32 && ns >= 0 && fstat(ns, &st) == 0; i++) {
		int parent;

		if (st.st_ino == inode)
			return true;
		parent = ioctl(ns, NS_GET_PARENT);
		closep(&ns);
		ns = parent;
	}
	return false;
}

/* How many numbers "NSpid:\t512\t7" holds, and the one at @level (from 1). */
static unsigned ns_number(const struct top_proc *p, const char *key, unsigned level, int64_t *ret)
{
	char line[512], *save = NULL;
	unsigned n = 0;

	top_status(p, key, line, sizeof(line));
	for (char *s = strtok_r(line, "\t ", &save); s; s = strtok_r(NULL, "\t ", &save)) {
		n++;
		if (n == level && parse_i64(s, 0, INT32_MAX, ret) < 0)
			*ret = 0;
	}
	return n;
}

/* @p's own words from stat and status; false when it has gone. */
static bool read_proc(int proc, pid_t pid, struct top_proc *p)
{
	unsigned long long user, kernel, start, vsize;
	char path[32], text[1024];
	char *open, *close;
	long nice;
	int ppid;

	*p = (struct top_proc){.host_pid = pid};
	(void)snprintf(path, sizeof(path), "%d/stat", (int)pid);
	if (procfs_read(proc, path, text, sizeof(text)) <= 0)
		return false;
	open = strchr(text, '(');
	close = strrchr(text, ')'); /* the name may hold blanks and brackets */
	if (!open || !close || close < open ||
	    sscanf(close + 1,
		   " %c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %ld %*d %*d "
		   "%llu %llu",
		   &p->state, &ppid, &p->tty, &user, &kernel, &nice, &start, &vsize) != 8)
		return false;
	(void)snprintf(p->comm, sizeof(p->comm), "%.*s", (int)(close - open - 1), open + 1);
	p->host_ppid = ppid;
	p->ticks = (int64_t)(user + kernel);
	p->nice = nice;
	p->start = (int64_t)start;
	p->vsize = vsize;
	(void)snprintf(path, sizeof(path), "%d/status", (int)pid);
	return procfs_read(proc, path, p->status, sizeof(p->status)) > 0;
}

static int read_map(int proc, pid_t pid, const char *file, struct sbuf *out)
{
	char path[40], text[8192];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
	n = procfs_read(proc, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	sbuf_add(out, text, (size_t)n);
	return 0;
}

/* What cannot be read gives numbers for names. */
static void read_names(int root, struct top_view *v)
{
	(void)file_read_in(root, "/etc/passwd", DB_MAX, &v->passwd);
	(void)file_read_in(root, "/etc/group", DB_MAX, &v->group);
	(void)file_read_at(AT_FDCWD, "/etc/passwd", DB_MAX, &v->host_passwd);
	(void)file_read_at(AT_FDCWD, "/etc/group", DB_MAX, &v->host_group);
	err_drop();
}

/* The container's first process, pinned; its number may not become another's while we look. */
static int open_view(const struct container *c, struct top_view *v, ino_t *ret_ns,
		     unsigned *ret_level)
{
	AUTO_CLOSE int pidfd = pidfd_of(&c->state.init), root = -EBADF, ns = -EBADF;
	AUTO_FREE struct top_proc *init = xcalloc(1, sizeof(*init));
	pid_t pid = c->state.init.pid;
	char path[32];
	struct stat st;
	int64_t unused;
	int r;

	v->proc = procfs_open_host();
	if (v->proc < 0)
		return v->proc;
	(void)snprintf(path, sizeof(path), "%d/root", (int)pid);
	root = openat(v->proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ns = open_pid_ns(v->proc, pid);
	r = read_map(v->proc, pid, "uid_map", &v->uid_map);
	if (r == 0)
		r = read_map(v->proc, pid, "gid_map", &v->gid_map);
	if (pidfd < 0 || root < 0 || ns < 0 || r < 0 || fstat(ns, &st) < 0 ||
	    !read_proc(v->proc, pid, init) || pidfd_signal(pidfd, 0) < 0)
		return err_new(-CE_BAD_STATE, "its first process cannot be looked at: it has "
					      "ended, or belongs to another user");
	read_names(root, v);
	*ret_ns = st.st_ino;
	*ret_level = ns_number(init, "NSpid:", 1, &unused);
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct top_proc *x = *(struct top_proc *const *)a, *y = *(struct top_proc *const *)b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int collect(const struct top_view *v, ino_t ns, unsigned level, struct top_proc ***ret,
		   size_t *ret_n)
{
	AUTO_CLOSEDIR DIR *d = opendir("/proc");
	AUTO_FREE struct top_proc *p = xcalloc(1, sizeof(*p));
	struct top_proc **all = NULL;
	struct dirent *e;
	size_t n = 0;
	uint32_t pid;

	if (!d)
		return err_new(-errno, "open /proc");
	while ((e = readdir(d)) != NULL) {
		if (parse_u32(e->d_name, INT32_MAX, &pid) < 0 ||
		    !is_within(v->proc, (pid_t)pid, ns) || !read_proc(v->proc, (pid_t)pid, p))
			continue;
		(void)ns_number(p, "NSpid:", level, &p->pid);
		(void)ns_number(p, "NSpgid:", level, &p->pgid);
		all = xreallocarray(all, n + 1, sizeof(*all));
		all[n++] = TAKE_PTR(p);
		p = xcalloc(1, sizeof(*p));
	}
	err_drop(); /* those that ended meanwhile */
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (all[k]->host_pid == all[i]->host_ppid)
				all[i]->ppid = all[k]->pid;
	if (n > 1)
		qsort(all, n, sizeof(struct top_proc *), by_pid);
	*ret = all;
	*ret_n = n;
	return 0;
}

static struct json_object *row(const struct top_view *v, const struct top_proc *p,
			       const struct strv *descriptors)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < descriptors->n; i++) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;

		top_field_find(descriptors->v[i])(v, p, &text);
		json_set_str(o, descriptors->v[i], text.len ? text.s : "");
	}
	return o;
}

int container_top(const struct container *c, const struct strv *descriptors,
		  struct json_object **ret_rows)
{
	AUTO(view_done)
	struct top_view v = {.proc = -EBADF,
			     .uid_map = SBUF_INIT,
			     .gid_map = SBUF_INIT,
			     .passwd = SBUF_INIT,
			     .group = SBUF_INIT,
			     .host_passwd = SBUF_INIT,
			     .host_group = SBUF_INIT};
	struct top_proc **all = NULL;
	struct json_object *rows;
	unsigned level = 1;
	size_t n = 0;
	ino_t ns = 0;
	int r;

	for (size_t i = 0; i < descriptors->n; i++)
		if (!top_field_find(descriptors->v[i]))
			return err_usage("unknown descriptor '%s'; there are %s", descriptors->v[i],
					 top_words());
	if (!container_is_running(c) || c->state.status == CONMON_RESTARTING)
		return err_new(-CE_BAD_STATE, "it does not run, so it has no processes");
	r = conmon_is_pinned(&c->state) ? 0 : open_view(c, &v, &ns, &level);
	if (r == 0 && ns)
		r = collect(&v, ns, level, &all, &n);
	if (r < 0)
		return r;
	rows = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		(void)json_object_array_add(rows, row(&v, all[i], descriptors));
		free(all[i]);
	}
	free(all);
	*ret_rows = rows;
	return 0;
}

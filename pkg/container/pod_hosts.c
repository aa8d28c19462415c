/* SPDX-License-Identifier: MIT */
/*
 * /etc/hosts of a pod's containers is that of the container whose network they have: each of them is found there by
 * its name, as with podman. Written anew when one starts, is removed or renamed; who was renamed or removed while
 * the pod did not run is not in it, as the file is made with each start of the pod.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "net/plan.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/container.h"
#include "pkg/container/plan.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"

#define HOSTS_MAX (1024UL * 1024)

struct search {
	const char *pod, *mode;
	struct strv names;
};

static int add_name(const struct container *c, void *arg)
{
	struct search *s = arg;

	if (c->rec->pod && strcmp(c->rec->pod, s->pod) == 0 && strcmp(c->rec->ns_net, s->mode) == 0)
		strv_add(&s->names, c->rec->name);
	return 0;
}

static void put_lines(const struct sbuf *old, const struct strv *names, struct sbuf *out)
{
	AUTO_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, old->len ? old->s : "", '\n');
	while (lines.n && !*lines.v[lines.n - 1])
		strv_remove(&lines, lines.n - 1);
	for (size_t i = 0; i < lines.n; i++)
		if (!has_ending(lines.v[i], NET_HOSTS_POD))
			sbuf_addf(out, "%s\n", lines.v[i]);
	for (size_t i = 0; i < names->n; i++)
		sbuf_addf(out, "127.0.0.1\t%s" NET_HOSTS_POD "\n", names->v[i]);
}

/* From the first byte on that is another: who reads meanwhile misses no line that stays. */
static int rewrite(int fd, const struct sbuf *old, const struct sbuf *now)
{
	size_t same = 0, size = old->len > now->len ? old->len : now->len;
	AUTO_FREE char *lines = xcalloc(1, size + 1);

	while (same < old->len && same < now->len && old->s[same] == now->s[same])
		same++;
	if (same == size)
		return 0;
	memcpy(lines, now->s + same, now->len - same);
	return net_replace_tail(fd, (off_t)same, lines, now->len - same, size - same) ? 0 : -errno;
}

/* @owner: has the file; two that change it at once would write over each other. */
static int write_names(struct store *st, const struct container *owner, struct search *s)
{
	AUTO_SBUF struct sbuf old = SBUF_INIT, now = SBUF_INIT;
	AUTO_CLOSE int fd = -EBADF, lock = -EBADF;
	int r;

	fd = openat(owner->dirs.runtime_fd, "hosts", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) /* --no-hosts */
		return 0;
	/* Not the file's own lock: a payload may take that and keep it. */
	lock = lock_open(owner->dirs.runtime_fd, "hosts.lock", LOCK_EXCLUSIVE);
	r = lock < 0 ? lock : file_read_fd(fd, HOSTS_MAX, &old);
	if (r == 0)
		r = container_each(st, add_name, s);
	if (r < 0)
		return r;
	strv_sort(&s->names);
	put_lines(&old, &s->names, &now);
	return rewrite(fd, &old, &now);
}

int plan_pod_hosts(struct store *st, const struct container_record *rec)
{
	struct search s = {.pod = rec->pod, .mode = rec->ns_net};
	struct container owner;
	int r;

	if (!rec->pod || strncmp(rec->ns_net, "container:", 10) != 0)
		return 0;
	r = container_open_id(st, rec->ns_net + 10, &owner);
	if (r < 0)
		return r;
	if (owner.rec->is_infra && owner.rec->pod && strcmp(owner.rec->pod, rec->pod) == 0 &&
	    container_is_running(&owner))
		r = write_names(st, &owner, &s);
	container_done(&owner);
	strv_done(&s.names);
	return r;
}

void container_pod_hosts(struct store *st, const struct container_record *rec)
{
	if (plan_pod_hosts(st, rec) < 0)
		err_drop();
}

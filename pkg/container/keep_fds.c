/* SPDX-License-Identifier: MIT */
#include "pkg/container/keep_fds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/plan.h"

void keep_fds_done(struct keep_fds *k)
{
	free(k->v);
	strv_done(&k->env);
	*k = (struct keep_fds){0};
}

/* In its place, once. */
static int add(struct keep_fds *k, const char *what, uint32_t fd)
{
	unsigned at = 0;

	if (fd < 3 || fd > RT_KEEP_LAST)
		return err_usage("%s: descriptor %u: only 3 to %u can be passed on", what, fd,
				 RT_KEEP_LAST);
	if (fcntl((int)fd, F_GETFD) < 0)
		return err_usage("%s: descriptor %u is not open", what, fd);
	while (at < k->n && k->v[at] < fd)
		at++;
	if (at < k->n && k->v[at] == fd)
		return 0;
	if (k->n == RT_KEEP_MAX)
		return err_usage("%s: more than %u descriptors", what, RT_KEEP_MAX);
	k->v = xreallocarray(k->v, k->n + 1, sizeof(*k->v));
	memmove(k->v + at + 1, k->v + at, (k->n - at) * sizeof(*k->v));
	k->v[at] = fd;
	k->n++;
	return 0;
}

static int add_range(struct keep_fds *k, const char *what, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < n; i++)
		r = add(k, what, 3 + i);
	return r;
}

int keep_fds_named(unsigned first, const struct strv *lists, struct keep_fds *k)
{
	int r = add_range(k, "--preserve-fds", first);

	for (size_t i = 0; r == 0 && i < lists->n; i++) {
		AUTO_STRV struct strv numbers = STRV_INIT;
		uint32_t fd;

		strv_split(&numbers, lists->v[i], ',');
		for (size_t m = 0; r == 0 && m < numbers.n; m++)
			r = parse_u32(numbers.v[m], INT32_MAX, &fd) < 0
				    ? err_usage("--preserve-fd '%s': not numbers", lists->v[i])
				    : add(k, "--preserve-fd", fd);
	}
	return r;
}

int keep_fds_listen(struct keep_fds *k)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS"),
		   *names = getenv("LISTEN_FDNAMES");
	uint32_t count, owner;

	if (!pid || !n || parse_u32(pid, INT32_MAX, &owner) < 0 || (pid_t)owner != getpid())
		return 0;
	if (parse_u32(n, RT_KEEP_MAX, &count) < 0)
		return err_usage("LISTEN_FDS '%s': not a number up to %u", n, RT_KEEP_MAX);
	strv_addf(&k->env, "LISTEN_FDS=%u", count);
	if (names)
		strv_addf(&k->env, "LISTEN_FDNAMES=%s", names);
	return add_range(k, "LISTEN_FDS", count);
}

void keep_fds_plan(const struct keep_fds *k, struct container_plan *p)
{
	struct rt_process *proc = &p->rt.process;

	proc->keep_fds = k->v;
	proc->n_keep_fds = k->n;
	proc->listens = k->env.n > 0;
	for (size_t i = 0; i < k->env.n; i++)
		strv_env_set(&p->env, k->env.v[i]);
	proc->envp = (const char *const *)p->env.v;
}

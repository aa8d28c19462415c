/* SPDX-License-Identifier: MIT */
/* What builds keep stays within bounds without being asked for. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/build/cache.h"
#include "pkg/sys/process.h"

#define LEAST_BYTES 10000000000ULL
#define LEAST_WHEN_SHORT_BYTES 1000000000ULL
#define LOOK_NS (3600 * (int64_t)NS_PER_S)
#define LOOK_WHEN_SHORT_NS (60 * (int64_t)NS_PER_S)
#define STAMP "looked"

void cache_policy_default(struct store *st, struct cache_policy *ret)
{
	int cache = store_fd(st, STORE_CACHE);
	uint64_t tenth = 0;
	struct statvfs v;

	if (cache >= 0 && fstatvfs(cache, &v) == 0)
		tenth = (uint64_t)v.f_blocks * v.f_frsize / 10;
	*ret = (struct cache_policy){.by_default = true,
				     .max_bytes = tenth > LEAST_BYTES ? tenth : LEAST_BYTES,
				     .min_free_bytes = tenth / 2,
				     .least_bytes = LEAST_WHEN_SHORT_BYTES};
}

static bool is_short(int cache, const struct cache_policy *p)
{
	struct statvfs v;

	return fstatvfs(cache, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize < p->min_free_bytes;
}

/* To look at all of it takes its time: by default once an hour. */
static bool is_due(struct store *st, const struct cache_policy *p)
{
	int cache = store_fd(st, STORE_CACHE);
	AUTO_CLOSE int fd = -EBADF;
	struct stat sb;
	int64_t pause;

	if (!p->max_bytes && !p->age_ns && !p->min_free_bytes)
		return false;
	if (!p->by_default)
		return true;
	fd = cache < 0 ? -1
		       : openat(cache, STAMP, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &sb) < 0)
		return false;
	pause = is_short(cache, p) ? LOOK_WHEN_SHORT_NS : LOOK_NS;
	if (sb.st_size && sb.st_mtim.tv_sec * NS_PER_S + pause > clock_now_ns())
		return false;
	return pwrite(fd, "\n", 1, 0) == 1;
}

static void tend(struct store *st, const struct cache_policy *p)
{
	const struct cache_limits by_age = {.only.before_ns = clock_now_ns() - p->age_ns};
	const struct cache_limits by_size = {.has_max = true,
					     .max_bytes = p->max_bytes ? p->max_bytes : UINT64_MAX,
					     .min_free_bytes = p->min_free_bytes,
					     .least_bytes = p->min_free_bytes ? p->least_bytes : 0};
	struct cache_pruned gone;

	if (p->age_ns)
		(void)cache_prune(st, &by_age, &gone);
	if (p->max_bytes || p->min_free_bytes)
		(void)cache_prune(st, &by_size, &gone);
	err_drop();
}

void cache_tend_later(struct store *st, const struct cache_policy *p, bool made)
{
	bool due = made && is_due(st, p);
	pid_t pid;

	if (!due) {
		layer_settle_later(st);
		return;
	}
	pid = fork();
	if (pid != 0)
		return;
	(void)setsid();
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	(void)layer_settle(st);
	tend(st, p);
	(void)store_empty_trash(st);
	_exit(0);
}

/* SPDX-License-Identifier: MIT */
#include "storage/listed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/sys/file.h"
#include "storage/container_store.h"
#include "storage/store_internal.h"

#define FILE_NAME "listed"
#define FILE_MAX (64UL << 20)
#define FRESH_LEAST 4U
#define SETTLED_NS (3 * NS_PER_S)

/* Native: nobody but this user on this machine until it is switched off reads it. */
struct head {
	char magic[16];
	uint64_t dev, ino; /* of the directory of all containers */
};

struct entry {
	char id[64];
	uint64_t ino;
	int64_t mtime_ns, ctime_ns;
	uint32_t n, unstarted; /* bytes of the record follow, up to a multiple of eight */
};

#define MAGIC "cuddy listed 1\n"

static size_t padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static int64_t ns(const struct timespec *t)
{
	return t->tv_sec * NS_PER_S + t->tv_nsec;
}

static bool head_of(const struct listed *l, struct head *ret)
{
	struct stat st;

	*ret = (struct head){.magic = MAGIC};
	if (l->dir < 0 || fstat(l->dir, &st) < 0)
		return false;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	return true;
}

void listed_begin(struct store *st, size_t n, struct listed *ret)
{
	struct head h;

	*ret = (struct listed){
		.st = st, .dir = -EBADF, .have = SBUF_INIT, .next = SBUF_INIT, .one = SBUF_INIT};
	if (n < LISTED_LEAST)
		return;
	ret->dir = store_fd(st, STORE_CONTAINERS);
	if (!head_of(ret, &h)) {
		ret->dir = -EBADF;
		err_drop();
		return;
	}
	ret->before_ns = clock_now_ns() - SETTLED_NS;
	sbuf_add(&ret->next, &h, sizeof(h));
	if (file_read_own(store_runtime_fd(st), FILE_NAME, FILE_MAX, &ret->have) < 0)
		err_drop();
	if (ret->have.len < sizeof(h) || memcmp(ret->have.s, &h, sizeof(h)) != 0)
		sbuf_reset(&ret->have);
	ret->at = sizeof(h);
}

/* The next entry of the file, whole; NULL: there is none. */
static const char *peek(const struct listed *l, struct entry *ret)
{
	if (l->at > l->have.len || l->have.len - l->at < sizeof(*ret))
		return NULL;
	memcpy(ret, l->have.s + l->at, sizeof(*ret));
	if (padded(ret->n) > l->have.len - l->at - sizeof(*ret))
		return NULL;
	return l->have.s + l->at + sizeof(*ret);
}

static void keep(struct listed *l, const struct entry *e, const char *text)
{
	static const char none[8];

	sbuf_add(&l->next, e, sizeof(*e));
	sbuf_add(&l->next, text, e->n);
	sbuf_add(&l->next, none, padded(e->n) - e->n);
}

static bool find(struct listed *l, const struct entry *now, struct listed_record *ret)
{
	struct entry e;
	const char *text;

	while ((text = peek(l, &e)) != NULL) {
		int d = memcmp(e.id, now->id, sizeof(e.id));

		if (d > 0)
			return false;
		l->at += sizeof(e) + padded(e.n);
		if (d < 0)
			continue;
		if (e.ino != now->ino || e.mtime_ns != now->mtime_ns || e.ctime_ns != now->ctime_ns)
			return false;
		keep(l, &e, text);
		*ret = (struct listed_record){text, e.n, e.unstarted};
		return true;
	}
	return false;
}

static int read_one(struct listed *l, const char *id, struct listed_record *ret)
{
	int r;

	sbuf_reset(&l->one);
	r = container_store_read(l->st, id, &l->one);
	*ret = (struct listed_record){l->one.s, l->one.len, false};
	return r;
}

int listed_read(struct listed *l, const char *id, struct listed_record *ret)
{
	char started[64 + sizeof("/started")];
	struct entry e = {.n = 0};
	struct stat st;
	int r;

	if (l->dir < 0 || strlen(id) != sizeof(e.id))
		return read_one(l, id, ret);
	/* Before the record: a change after this look has another time. */
	if (fstatat(l->dir, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? err_new(-CE_NO_CONTAINER, "%.12s", id)
				       : err_new(-errno, "look at %s", id);
	memcpy(e.id, id, sizeof(e.id));
	e.ino = st.st_ino;
	e.mtime_ns = ns(&st.st_mtim);
	e.ctime_ns = ns(&st.st_ctim);
	if (find(l, &e, ret))
		return 0;
	r = read_one(l, id, ret);
	if (r < 0 || ret->n > UINT32_MAX / 2 || e.mtime_ns >= l->before_ns ||
	    e.ctime_ns >= l->before_ns)
		return r;
	(void)snprintf(started, sizeof(started), "%s/started", id);
	ret->unstarted = fstatat(l->dir, started, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
	e.n = (uint32_t)ret->n;
	e.unstarted = ret->unstarted;
	keep(l, &e, ret->text);
	l->fresh++;
	return 0;
}

void listed_end(struct listed *l)
{
	if (l->fresh >= FRESH_LEAST && l->next.len <= FILE_MAX &&
	    file_replace(store_runtime_fd(l->st), FILE_NAME, l->next.s, l->next.len, 0600,
			 FILE_NO_SYNC) < 0)
		err_drop(); /* a full disk: the next list reads them again */
	sbuf_done(&l->have);
	sbuf_done(&l->next);
	sbuf_done(&l->one);
}

void listed_forget(struct store *st)
{
	(void)unlinkat(store_runtime_fd(st), FILE_NAME, 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the ring
 *
 * Threads   producer  fills slot[head % SLOTS], then head++; stops at the end or at an error
 *           hasher    hashes slot[hashed % SLOTS], then hashed++
 *           caller    holds slot[used % SLOTS] between two feed_next(), then used++
 * A slot is free when both hashed and used are past it. head, hashed and used only grow and are
 * guarded by one mutex; slots are big (256 KiB) so that waking up costs little.
 * An error's words are kept per thread; the producer's are carried to the caller in the ring.
 */
#include "pkg/archive/feed.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"

#define SLOT_SIZE (256U << 10)
#define SLOTS 8

struct slot {
	size_t len;
	unsigned char data[SLOT_SIZE];
};

struct feed {
	struct stream *stream;
	struct hash *hash;
	bool threads, holding;

	pthread_t producer, hasher;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool started, stop, at_end;
	unsigned long head, hashed, used;
	int error;
	char words[512];

	struct slot slot[]; /* one without threads */
};

static void lock(struct feed *f)
{
	(void)pthread_mutex_lock(&f->lock);
}

static void unlock(struct feed *f)
{
	(void)pthread_mutex_unlock(&f->lock);
}

static void wait_change(struct feed *f)
{
	(void)pthread_cond_wait(&f->changed, &f->lock);
}

static void announce(struct feed *f)
{
	(void)pthread_cond_broadcast(&f->changed);
}

/* Whole slots, so that a trickling pipe does not mean a hand-over for every few bytes. */
static ssize_t fill(struct stream *s, struct slot *slot)
{
	slot->len = 0;
	while (slot->len < SLOT_SIZE) {
		ssize_t got = stream_read(s, slot->data + slot->len, SLOT_SIZE - slot->len);

		if (got < 0)
			return got;
		if (got == 0)
			break;
		slot->len += (size_t)got;
	}
	return (ssize_t)slot->len;
}

static void *produce(void *arg)
{
	struct feed *f = arg;

	lock(f);
	while (!f->started && !f->stop)
		wait_change(f);
	while (!f->stop && !f->at_end) {
		unsigned long last = f->hashed < f->used ? f->hashed : f->used;
		ssize_t got;

		if (f->head - last == SLOTS) {
			wait_change(f);
			continue;
		}
		unlock(f);
		got = fill(f->stream, &f->slot[f->head % SLOTS]);
		lock(f);
		if (got < 0) {
			f->error = (int)got;
			(void)snprintf(f->words, sizeof(f->words), "%s", err_trail());
		}
		if (got > 0)
			f->head++;
		else
			f->at_end = true;
		announce(f);
	}
	unlock(f);
	return NULL;
}

static void *digest(void *arg)
{
	struct feed *f = arg;

	lock(f);
	for (;;) {
		struct slot *s = &f->slot[f->hashed % SLOTS];

		if (f->stop || (f->at_end && f->hashed == f->head))
			break;
		if (f->hashed == f->head) {
			wait_change(f);
			continue;
		}
		unlock(f);
		hash_add(f->hash, s->data, s->len);
		lock(f);
		f->hashed++;
		announce(f);
	}
	unlock(f);
	return NULL;
}

static struct feed *new_feed(struct stream *s, unsigned slots)
{
	struct feed *f = xmalloc(sizeof(*f) + sizeof(struct slot) * slots);

	memset(f, 0, sizeof(*f));
	f->stream = s;
	return f;
}

struct feed *feed_new_plain(struct stream *s)
{
	return new_feed(s, 1);
}

struct feed *feed_new(struct stream *s, bool threads)
{
	struct feed *f = new_feed(s, threads ? SLOTS : 1);

	f->hash = hash_new(HASH_SHA256);
	if (!threads)
		return f;
	f->threads = true;
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->changed, NULL);
	if (pthread_create(&f->producer, NULL, produce, f) != 0) {
		f->threads = false; /* no more processes allowed: slower, not broken */
		return f;
	}
	if (pthread_create(&f->hasher, NULL, digest, f) == 0)
		return f;
	lock(f);
	f->stop = true;
	announce(f);
	unlock(f);
	(void)pthread_join(f->producer, NULL);
	f->threads = false;
	return f;
}

void feed_start(struct feed *f)
{
	if (!f->threads)
		return;
	lock(f);
	f->started = true;
	announce(f);
	unlock(f);
}

static ssize_t next_direct(struct feed *f, const unsigned char **ret)
{
	ssize_t got;

	if (f->at_end)
		return 0;
	got = fill(f->stream, &f->slot[0]);
	if (got <= 0) {
		f->at_end = got == 0;
		return got;
	}
	if (f->hash)
		hash_add(f->hash, f->slot[0].data, (size_t)got);
	*ret = f->slot[0].data;
	return got;
}

ssize_t feed_next(struct feed *f, const unsigned char **ret)
{
	ssize_t n = 0;

	if (!f->threads)
		return next_direct(f, ret);
	lock(f);
	if (f->holding) {
		f->used++;
		f->holding = false;
		announce(f);
	}
	while (f->used == f->head && !f->at_end)
		wait_change(f);
	if (f->used < f->head) {
		const struct slot *s = &f->slot[f->used % SLOTS];

		*ret = s->data;
		n = (ssize_t)s->len;
		f->holding = true;
	} else if (f->error) {
		n = err_set(f->error, f->words);
	}
	unlock(f);
	return n;
}

static void join(struct feed *f)
{
	if (!f->threads)
		return;
	(void)pthread_join(f->producer, NULL);
	(void)pthread_join(f->hasher, NULL);
	f->threads = false;
}

void feed_sha256(struct feed *f, char hex[65])
{
	char all[HASH_HEX_MAX];

	join(f); /* at the end both leave by themselves */
	hash_hex(f->hash, all);
	memcpy(hex, all, 65);
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	if (f->threads) {
		lock(f);
		f->stop = true;
		announce(f);
		unlock(f);
		join(f);
	}
	stream_close(f->stream);
	hash_free(f->hash);
	free(f);
}

void feed_freep(struct feed **f)
{
	feed_free(*f);
	*f = NULL;
}

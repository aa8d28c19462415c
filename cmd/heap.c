/* SPDX-License-Identifier: MIT */
/*
 * malloc() of a program that is linked with musl, does one job and ends.
 *
 * musl's own is made to be small and hard to misuse, and would be half the time of a listing of a thousand containers.
 * This one has a list of free blocks of each size, cuts new ones off an arena that only grows, and gives large ones
 * pages of their own, which go back when they are freed. The word before a block says what it is: a pointer that was
 * never allocated here, or is freed twice, ends the program.
 *
 * Not for threads: cuddy has none. The memory of a child after vfork() is its parent's, as with every malloc().
 */
#if !defined(__GLIBC__) || defined(HEAP_UNDER_TEST)
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define UNIT 16UL /* every block is a number of these, and its bytes begin at one */
#define LARGE (128 * 1024UL)
#define ARENA (256 * 1024UL)
#define ARENA_MAX (4 * 1024 * 1024UL)
#define PAGE 4096UL
#define CLASSES 64U
#define EXACT \
	16U /* up to so many units there is a class for each number; then four for each doubling */

enum kind { USED = 0x5ca1ab1e, UNUSED = 0x0dd5eed5, OWN_PAGES = 0x0ddba115, MOVED = 0x5eed0dd5 };

struct head {
	uint32_t kind;
	uint32_t n; /* its class; pages; how far before it the block is that it lies in */
};
struct unused {
	struct head head;
	struct unused *next;
};

static struct unused *unused[CLASSES];
static unsigned char *arena, *arena_end;
static size_t arena_size = ARENA;

static unsigned class_of(size_t units)
{
	unsigned shift;

	if (units <= EXACT)
		return (unsigned)units;
	shift = 63U - (unsigned)__builtin_clzl(units - 1) - 2;
	return EXACT + (shift - 2) * 4 + (unsigned)((units - 1) >> shift) - 3;
}

static size_t class_units(unsigned c)
{
	return c <= EXACT ? c : (size_t)(5 + (c - EXACT - 1) % 4) << (2 + (c - EXACT - 1) / 4);
}

static struct head *head_of(void *p)
{
	return (struct head *)p - 1;
}

/* Of a block for @n bytes: never so small that a list cannot lead through it. */
static unsigned class_for(size_t n)
{
	size_t units = (n + sizeof(struct head) + UNIT - 1) / UNIT;

	return class_of(units < 2 ? 2 : units);
}

/* Whole pages for @n bytes and what stands before them; 0: too many. */
static size_t pages_size(size_t n)
{
	size_t size = (n + UNIT + PAGE - 1) & ~(PAGE - 1);

	if (size >= n && size / PAGE <= UINT32_MAX)
		return size;
	errno = ENOMEM;
	return 0;
}

static bool new_arena(void)
{
	unsigned char *a = mmap(NULL, arena_size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (a == MAP_FAILED)
		return false;
	/* What is left of the last one was not enough for a block, and is given up: mostly pages nobody has touched. */
	arena = a + UNIT - sizeof(struct head);
	arena_end = a + arena_size;
	if (arena_size < ARENA_MAX)
		arena_size *= 2;
	return true;
}

static void *own_pages(size_t n)
{
	size_t size = pages_size(n);
	unsigned char *a;

	if (!size)
		return NULL;
	a = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a == MAP_FAILED)
		return NULL;
	*head_of(a + UNIT) = (struct head){OWN_PAGES, (uint32_t)(size / PAGE)};
	return a + UNIT;
}

/* @ret_fresh: of pages that nobody has written to. */
static void *take(size_t n, bool *ret_fresh)
{
	unsigned c;
	size_t size;
	struct head *h;

	*ret_fresh = true;
	if (n >= LARGE)
		return own_pages(n);
	c = class_for(n);
	if (unused[c]) {
		h = &unused[c]->head;
		if (h->kind != UNUSED)
			abort();
		unused[c] = unused[c]->next;
		*ret_fresh = false;
	} else {
		size = class_units(c) * UNIT;
		if ((size_t)(arena_end - arena) < size && !new_arena())
			return NULL;
		h = (struct head *)(void *)arena;
		arena += size;
	}
	*h = (struct head){USED, c};
	return h + 1;
}

void *malloc(size_t n)
{
	bool fresh;

	return take(n, &fresh);
}

void *calloc(size_t n, size_t size)
{
	size_t all;
	bool fresh;
	void *p;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	p = take(all, &fresh);
	if (p && !fresh)
		memset(p, 0, all);
	return p;
}

/* The block that @p is or lies in; ends the program when it is none. */
static struct head *block_of(void *p)
{
	struct head *h = head_of(p);

	if (h->kind == MOVED)
		h = head_of((unsigned char *)p - h->n);
	if (h->kind != OWN_PAGES && (h->kind != USED || h->n < 2 || h->n >= CLASSES))
		abort();
	return h;
}

void free(void *p)
{
	struct unused *u;
	struct head *h;
	int saved = errno;

	if (!p)
		return;
	h = block_of(p);
	if (h->kind == OWN_PAGES) {
		(void)munmap((unsigned char *)(h + 1) - UNIT, h->n * PAGE);
		errno = saved;
		return;
	}
	h->kind = UNUSED;
	u = (struct unused *)(void *)h;
	u->next = unused[h->n];
	unused[h->n] = u;
}

size_t malloc_usable_size(void *p)
{
	struct head *h;

	if (!p)
		return 0;
	h = block_of(p);
	if (h->kind == OWN_PAGES)
		return h->n * PAGE - UNIT - (size_t)((unsigned char *)p - (unsigned char *)(h + 1));
	return class_units(h->n) * UNIT - sizeof(struct head) -
	       (size_t)((unsigned char *)p - (unsigned char *)(h + 1));
}

/* A string that grows is often the last block of the arena, and large ones the kernel moves. */
static bool grow_in_place(struct head *h, size_t n)
{
	size_t size = class_units(h->n) * UNIT, want;
	unsigned c;

	if (h->kind == OWN_PAGES || n >= LARGE || (unsigned char *)h + size != arena)
		return false;
	c = class_for(n);
	want = class_units(c) * UNIT;
	if (want < size || (size_t)(arena_end - arena) < want - size)
		return false;
	arena += want - size;
	h->n = c;
	return true;
}

static void *grow_pages(struct head *h, size_t n)
{
	size_t size = pages_size(n);
	unsigned char *a = (unsigned char *)(h + 1) - UNIT;

	if (!size)
		return NULL;
	a = mremap(a, h->n * PAGE, size, MREMAP_MAYMOVE);
	if (a == MAP_FAILED)
		return NULL;
	head_of(a + UNIT)->n = (uint32_t)(size / PAGE);
	return a + UNIT;
}

void *realloc(void *p, size_t n)
{
	size_t had = malloc_usable_size(p);
	struct head *h;
	void *now;

	if (!p)
		return malloc(n);
	if (n <= had && (had <= 4 * UNIT || n > had / 2))
		return p;
	h = block_of(p);
	if (h + 1 == p && h->kind == OWN_PAGES && n >= LARGE)
		return grow_pages(h, n);
	if (h + 1 == p && n > had && grow_in_place(h, n))
		return p;
	now = malloc(n);
	if (!now)
		return NULL;
	memcpy(now, p, n < had ? n : had);
	free(p);
	return now;
}

void *aligned_alloc(size_t align, size_t n)
{
	unsigned char *p, *at;
	size_t most;

	if (align & (align - 1) || __builtin_add_overflow(n, align, &most) || align > LARGE) {
		errno = EINVAL;
		return NULL;
	}
	if (align <= UNIT)
		return malloc(n);
	p = malloc(most);
	if (!p)
		return NULL;
	at = (unsigned char *)(((uintptr_t)p + align - 1) & ~(align - 1));
	if (at != p)
		*head_of(at) = (struct head){MOVED, (uint32_t)(at - p)};
	return at;
}

void *memalign(size_t align, size_t n)
{
	return aligned_alloc(align, n);
}

int posix_memalign(void **ret, size_t align, size_t n)
{
	int saved = errno, r;
	void *p = aligned_alloc(align, n);

	r = p ? 0 : errno;
	errno = saved;
	if (p)
		*ret = p;
	return r;
}
#endif

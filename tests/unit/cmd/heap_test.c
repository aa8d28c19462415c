/* SPDX-License-Identifier: MIT */
/* cmd/heap.c by other names, beside the C library's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void *heap_malloc(size_t n);
void *heap_calloc(size_t n, size_t size);
void *heap_realloc(void *p, size_t n);
void heap_free(void *p);
void *heap_aligned_alloc(size_t align, size_t n);
void *heap_memalign(size_t align, size_t n);
int heap_posix_memalign(void **ret, size_t align, size_t n);
size_t heap_usable(void *p);

#define HEAP_UNDER_TEST
#undef malloc
#undef calloc
#undef realloc
#undef free
#define malloc heap_malloc
#define calloc heap_calloc
#define realloc heap_realloc
#define free heap_free
#define aligned_alloc heap_aligned_alloc
#define memalign heap_memalign
#define posix_memalign heap_posix_memalign
#define malloc_usable_size heap_usable
#include "cmd/heap.c"

#define SLOTS 512

static struct slot {
	unsigned char *p;
	size_t n;
	unsigned char with;
} slots[SLOTS];

static void check(const struct slot *s)
{
	for (size_t i = 0; i < s->n; i++)
		assert_int_equal(s->p[i], s->with);
}

static size_t some_size(void)
{
	static const size_t most[] = {16, 64, 300, 5000, 70000, 3 * LARGE};

	return (size_t)random() % most[(size_t)random() % (sizeof(most) / sizeof(*most))];
}

static void fill(struct slot *s, size_t n)
{
	assert_non_null(s->p);
	assert_int_equal((uintptr_t)s->p % UNIT, 0);
	assert_true(heap_usable(s->p) >= n);
	s->n = n;
	s->with = (unsigned char)random();
	memset(s->p, s->with, n);
}

static void one_step(struct slot *s)
{
	size_t n = some_size(), align = (size_t)1 << random() % 14;
	struct slot was = *s;

	switch (random() % 5) {
	case 0:
		s->p = heap_malloc(n);
		fill(s, n);
		break;
	case 1:
		s->p = heap_calloc(1 + n / 7, 7);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(s->p[i], 0);
		fill(s, n);
		break;
	case 2:
		s->p = heap_aligned_alloc(align, n);
		assert_int_equal((uintptr_t)s->p % align, 0);
		fill(s, n);
		break;
	default:
		s->p = heap_realloc(s->p, n);
		s->n = n < s->n ? n : s->n;
		check(s);
		fill(s, n);
		return;
	}
	if (was.p) {
		check(&was);
		heap_free(was.p);
	}
}

static void test_at_random(void **state)
{
	(void)state;
	srandom(20);
	memset(slots, 0, sizeof(slots));
	for (unsigned i = 0; i < 60000; i++)
		one_step(&slots[(size_t)random() % SLOTS]);
	for (unsigned i = 0; i < SLOTS; i++) {
		check(&slots[i]);
		heap_free(slots[i].p);
	}
}

/* What is freed is what is given out next: a program that goes on does not grow. */
static void test_reuse(void **state)
{
	unsigned char *end;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		slots[i].p = heap_malloc(100 * i + 1);
	for (unsigned i = 0; i < 8; i++)
		heap_free(slots[i].p);
	end = arena;
	for (unsigned round = 0; round < 1000; round++) {
		for (unsigned i = 0; i < 8; i++)
			slots[i].p = heap_malloc(100 * i + 1);
		for (unsigned i = 0; i < 8; i++)
			heap_free(slots[i].p);
	}
	assert_ptr_equal(arena, end);
}

static void test_sizes(void **state)
{
	(void)state;
	for (size_t units = 2; units <= LARGE / UNIT; units++) {
		unsigned c = class_of(units);

		assert_true(c < CLASSES);
		assert_true(class_units(c) >= units);
		assert_true(units <= EXACT ? class_units(c) == units
					   : class_units(c) - units < units / 4 + 1);
		assert_true(c <= 2 || class_units(c - 1) < units);
	}
}

static void test_too_much(void **state)
{
	void *p = NULL;

	(void)state;
	errno = 0;
	assert_null(heap_calloc(SIZE_MAX / 2, 3));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(heap_malloc(SIZE_MAX - 100));
	assert_int_equal(errno, ENOMEM);
	p = heap_malloc(10);
	assert_null(heap_realloc(p, SIZE_MAX - 100));
	heap_free(p); /* is still there */
	assert_null(heap_aligned_alloc(48, 10));
	assert_int_equal(heap_posix_memalign(&p, 3, 10), EINVAL);
	heap_free(NULL);
	p = heap_malloc(0);
	assert_non_null(p);
	heap_free(p);
}

static void twice(void)
{
	void *p = heap_malloc(40);

	heap_free(p);
	heap_free(p);
}

static void inside(void)
{
	unsigned char *p = heap_calloc(1, 100);

	heap_free(p + 32);
}

static void foreign(void)
{
	static uint64_t words[4];

	heap_free(&words[2]);
}

static void written_after(void)
{
	uint64_t *p = heap_malloc(40);

	heap_free(p);
	p[-1] = 1;
	(void)heap_malloc(40);
}

/* A misuse ends the program there and then. */
static void test_misuse(void **state)
{
	void (*const misuses[])(void) = {twice, inside, foreign, written_after};
	const struct rlimit none = {0, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(misuses) / sizeof(*misuses); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			(void)setrlimit(RLIMIT_CORE, &none);
			(void)signal(SIGABRT, SIG_DFL);
			misuses[i]();
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_random), cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_sizes),	  cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_misuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

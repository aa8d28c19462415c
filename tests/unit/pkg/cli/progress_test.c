/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/clock.h"
#include "pkg/cli/progress.h"

static int64_t fake_ns;

static int64_t fake_clock(void)
{
	return fake_ns;
}

struct screen {
	FILE *out;
	char *text;
	size_t len;
	struct progress *p;
};

static void screen_open(struct screen *s, bool bars, unsigned rows, unsigned columns)
{
	struct progress_options o = {.verb = "Copying blob",
				     .bars = bars,
				     .rows = rows,
				     .columns = columns,
				     .now_ns = fake_clock};

	*s = (struct screen){0};
	fake_ns = 1000 * NS_PER_S;
	s->out = open_memstream(&s->text, &s->len);
	assert_non_null(s->out);
	o.out = s->out;
	s->p = progress_new(&o);
}

static void screen_close(struct screen *s)
{
	progress_free(s->p);
	(void)fclose(s->out);
	free(s->text);
}

static void tell(struct screen *s, uint32_t number, enum progress_state state, const char *label,
		 uint64_t done, uint64_t total)
{
	const struct progress_item item = {
		.number = number, .state = state, .label = label, .done = done, .total = total};

	progress_update(s->p, &item);
}

/* What the last drawing wrote: after the last "erase to the end of the screen". */
static const char *last_drawing(const struct screen *s)
{
	const char *last = s->text, *at;

	for (at = s->text; (at = strstr(at, "\x1b[J")) != NULL;)
		last = at += 3;
	return last;
}

static unsigned count_lines(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void what_another_process_fetches_shows_how_far_that_is(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, true, 24, 100);
	tell(&s, 0, PROGRESS_WAITING, "aaaa", 500000, 1000000);
	assert_non_null(strstr(last_drawing(&s), "500 kB / 1 MB  elsewhere"));
	screen_close(&s);
}

static void without_a_terminal_each_end_is_one_plain_line(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, false, 0, 0);
	tell(&s, 0, PROGRESS_WAITING, "aaaa", 0, 100);
	tell(&s, 1, PROGRESS_EXISTS, "bbbb", 50, 50);
	tell(&s, 0, PROGRESS_RUNNING, "aaaa", 20, 100);
	tell(&s, 0, PROGRESS_DONE, "aaaa", 100, 100);
	tell(&s, 0, PROGRESS_DONE, "aaaa", 100, 100);
	assert_string_equal(s.text, "Copying blob bbbb exists\nCopying blob aaaa done\n");
	screen_close(&s);
}

static void bars_show_each_item_and_the_sum_with_speed_and_time_left(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, true, 24, 100);
	tell(&s, 0, PROGRESS_RUNNING, "aaaa", 0, 1000000);
	tell(&s, 1, PROGRESS_EXISTS, "bbbb", 77777, 77777);
	tell(&s, 2, PROGRESS_WAITING, "cccc", 0, 1000000);
	fake_ns += NS_PER_S;
	tell(&s, 0, PROGRESS_RUNNING, "aaaa", 500000, 1000000);
	assert_non_null(strstr(last_drawing(&s), "Copying blob aaaa  [=========="));
	assert_non_null(strstr(last_drawing(&s), "500 kB / 1 MB\x1b[K\n"));
	assert_non_null(strstr(last_drawing(&s), "Copying blob bbbb  exists\x1b[K\n"));
	assert_non_null(strstr(last_drawing(&s), "Copying blob cccc  waiting\x1b[K\n"));
	/* What is here already is no part of the sum. */
	assert_non_null(strstr(last_drawing(&s), "1 of 3             [======="));
	assert_non_null(strstr(last_drawing(&s), "500 kB / 2 MB  500 kB/s  3s left\x1b[K\n"));
	assert_int_equal(count_lines(last_drawing(&s)), 4);
	screen_close(&s);
}

static void a_single_item_has_no_second_line(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, true, 24, 100);
	tell(&s, 0, PROGRESS_RUNNING, "archive", 0, 0);
	fake_ns += NS_PER_S;
	tell(&s, 0, PROGRESS_RUNNING, "archive", 3000000, 0);
	assert_string_equal(last_drawing(&s), "Copying blob archive  3 MB  3 MB/s\x1b[K\n");
	fake_ns += NS_PER_S;
	tell(&s, 0, PROGRESS_DONE, "archive", 3000000, 0);
	assert_string_equal(last_drawing(&s), "Copying blob archive  done\x1b[K\n");
	screen_close(&s);
}

static void speed_falls_to_nothing_when_nothing_comes(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, true, 24, 100);
	tell(&s, 0, PROGRESS_RUNNING, "a", 0, 1000000);
	fake_ns += NS_PER_S;
	tell(&s, 0, PROGRESS_RUNNING, "a", 500000, 1000000);
	for (int i = 0; i < 40; i++) {
		fake_ns += NS_PER_S / 2;
		progress_tick(s.p);
	}
	assert_null(strstr(last_drawing(&s), "B/s"));
	assert_null(strstr(last_drawing(&s), "left"));
	screen_close(&s);
}

static void lines_fit_a_small_screen(void **state)
{
	struct screen s;
	char label[8];

	(void)state;
	screen_open(&s, true, 6, 30);
	for (uint32_t i = 0; i < 20; i++) {
		(void)snprintf(label, sizeof(label), "l%u", i);
		fake_ns += NS_PER_S;
		tell(&s, i, i < 18 ? PROGRESS_DONE : PROGRESS_RUNNING, label, i < 18 ? 10 : 5, 10);
	}
	assert_int_equal(count_lines(last_drawing(&s)), 5);
	assert_non_null(strstr(last_drawing(&s), "blob l18"));
	assert_non_null(strstr(last_drawing(&s), "blob l19"));
	for (const char *p = last_drawing(&s); *p;) {
		size_t len = strcspn(p, "\x1b");

		assert_true(len < 30);
		p += strcspn(p, "\n") + 1;
	}
	screen_close(&s);
}

static void labels_cannot_write_to_the_terminal(void **state)
{
	struct screen s;

	(void)state;
	screen_open(&s, true, 24, 100);
	tell(&s, 0, PROGRESS_RUNNING, "a\x1b[31m\x07\xe2\x80\xae", 1, 10);
	assert_non_null(strstr(s.text, "Copying blob a?[31m????"));
	screen_close(&s);
}

static void drawing_is_not_done_more_often_than_seen(void **state)
{
	struct screen s;
	size_t len;

	(void)state;
	screen_open(&s, true, 24, 100);
	tell(&s, 0, PROGRESS_RUNNING, "a", 1, 10000);
	len = s.len;
	for (uint64_t i = 2; i < 1000; i++)
		tell(&s, 0, PROGRESS_RUNNING, "a", i, 10000);
	assert_int_equal(s.len, len);
	progress_pause(s.p);
	len = s.len;
	progress_tick(s.p);
	assert_int_equal(s.len, len); /* off the screen until there is news */
	screen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_another_process_fetches_shows_how_far_that_is),
		cmocka_unit_test(without_a_terminal_each_end_is_one_plain_line),
		cmocka_unit_test(bars_show_each_item_and_the_sum_with_speed_and_time_left),
		cmocka_unit_test(a_single_item_has_no_second_line),
		cmocka_unit_test(speed_falls_to_nothing_when_nothing_comes),
		cmocka_unit_test(lines_fit_a_small_screen),
		cmocka_unit_test(labels_cannot_write_to_the_terminal),
		cmocka_unit_test(drawing_is_not_done_more_often_than_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* threats: Z11 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/container/idmap.h"

static void expect(const struct idmap *m, const char *want)
{
	AUTO_STRV struct strv text = STRV_INIT;
	AUTO_FREE char *joined = NULL;

	idmap_write(m, &text);
	joined = strv_join(&text, " ");
	assert_string_equal(joined, want);
}

static void what_is_inserted_takes_both_places(void **state)
{
	AUTO(idmap_done) struct idmap m = {0};

	(void)state;
	idmap_add(&m, 0, 0, 100);
	idmap_insert(&m, 10, 50, 5); /* in the middle of both sides */
	expect(&m, "0:0:10 15:15:35 55:55:45 10:50:5");
	idmap_insert(&m, 0, 0, 10);
	expect(&m, "15:15:35 55:55:45 10:50:5 0:0:10");
	idmap_insert(&m, 500, 600, 1); /* nowhere */
	expect(&m, "15:15:35 55:55:45 10:50:5 0:0:10 500:600:1");
	idmap_insert(&m, 90, 0, 20); /* over an end */
	expect(&m, "20:20:30 55:55:35 10:50:5 500:600:1 90:0:20");
}

/* No id appears twice on a side, and none that was not asked about is lost. */
static void insertion_keeps_maps_disjoint(void **state)
{
	(void)state;
	srandom(7);
	for (int round = 0; round < 2000; round++) {
		AUTO(idmap_done) struct idmap m = {0};
		uint32_t in[6], out[6], n[6];

		idmap_add(&m, 0, 0, 64);
		for (int i = 0; i < 6; i++) {
			in[i] = (uint32_t)random() % 70;
			out[i] = (uint32_t)random() % 70;
			n[i] = 1 + (uint32_t)random() % 9;
			idmap_insert(&m, in[i], out[i], n[i]);
		}
		for (unsigned a = 0; a < m.n; a++)
			for (unsigned b = 0; b < a; b++) {
				assert_true(m.v[a].inside >= m.v[b].inside + m.v[b].count ||
					    m.v[b].inside >= m.v[a].inside + m.v[a].count);
				assert_true(m.v[a].outside >= m.v[b].outside + m.v[b].count ||
					    m.v[b].outside >= m.v[a].outside + m.v[a].count);
			}
		for (uint32_t k = 0; k < n[5]; k++) {
			uint32_t got;

			assert_true(idmap_find(m.v, m.n, in[5] + k, &got));
			assert_int_equal(got, out[5] + k);
			assert_true(idmap_has_outside(m.v, m.n, out[5] + k));
		}
	}
}

static void maps_are_checked_against_what_is_ours(void **state)
{
	static const struct {
		uint32_t v[2][3];
		int want;
	} rows[] = {
		{{{0, 0, 10}, {10, 10, 90}}, 0},
		{{{0, 0, 10}, {10, 10, 91}}, -CE_USAGE},
		{{{1, 0, 10}, {11, 10, 1}}, -CE_USAGE},
		{{{0, 0, 10}, {9, 20, 1}}, -CE_USAGE},
		{{{0, 0, 10}, {20, 9, 1}}, -CE_USAGE},
		{{{0, 4294967295U, 1}, {1, 1, 1}}, -CE_USAGE},
		{{{0, 0, 1}, {4294967295U, 1, 2}}, -CE_USAGE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(idmap_done) struct idmap m = {0};

		for (int k = 0; k < 2; k++)
			idmap_add(&m, rows[i].v[k][0], rows[i].v[k][1], rows[i].v[k][2]);
		assert_int_equal(idmap_check(&m, 100, "--uidmap"), rows[i].want);
	}
}

static void text_comes_back_as_it_was(void **state)
{
	AUTO_STRV struct strv text = STRV_INIT, bad = STRV_INIT;
	AUTO(idmap_done) struct idmap m = {0}, unused = {0};

	(void)state;
	strv_add(&text, "0:1:1000");
	strv_add(&text, "1000:0:1");
	assert_int_equal(idmap_read(&text, &m), 0);
	expect(&m, "0:1:1000 1000:0:1");
	assert_false(idmap_is_identity(m.v, m.n));
	strv_add(&bad, "0:1");
	assert_int_equal(idmap_read(&bad, &unused), -CE_BAD_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_inserted_takes_both_places),
		cmocka_unit_test(insertion_keeps_maps_disjoint),
		cmocka_unit_test(maps_are_checked_against_what_is_ours),
		cmocka_unit_test(text_comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

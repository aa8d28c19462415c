/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/transfer/chunked_table.h"

#define SHA(c) "sha256:" #c "000000000000000000000000000000000000000000000000000000000000000"
#define END "],\"tarSplitDigest\":\"" SHA(9) "\"}"
#define BEGIN "{\"version\":1,\"entries\":["
#define FILE_A                                                                    \
	"{\"type\":\"reg\",\"name\":\"a\",\"size\":10,\"offset\":5,\"endOffset\":9," \
	"\"digest\":\"" SHA(1) "\",\"uid\":7}"
#define FILE_B                                                                              \
	"{\"type\":\"reg\",\"name\":\"b\",\"size\":7,\"offset\":100000,\"endOffset\":100040," \
	"\"digest\":\"" SHA(2) "\",\"chunkSize\":3,\"chunkDigest\":\"" SHA(3) "\"},"       \
	"{\"type\":\"chunk\",\"name\":\"b\",\"offset\":100020,\"chunkSize\":4,"              \
	"\"chunkOffset\":3,\"chunkDigest\":\"" SHA(4) "\"}"

static int parse(const char *text, struct chunked_table *t)
{
	int r = chunked_table_parse(text, strlen(text), 1000000, t);

	err_drop();
	return r;
}

static void files_and_pieces_are_found(void **state)
{
	AUTO(chunked_table_done) struct chunked_table t = {0};
	const struct chunked_file *f;

	(void)state;
	assert_int_equal(parse(BEGIN FILE_B ",{\"type\":\"dir\",\"name\":\"d\"}," FILE_A END, &t), 0);
	assert_int_equal(t.n_files, 2);
	assert_int_equal(t.bytes, 17);
	f = chunked_table_find(&t, "b");
	assert_non_null(f);
	assert_int_equal(f->n, 2);
	assert_int_equal(t.pieces[f->first].end, 100020);
	assert_int_equal(t.pieces[f->first + 1].end, 100040);
	assert_int_equal(t.pieces[f->whole].size, 7);
	assert_null(chunked_table_find(&t, "d"));
	f = chunked_table_find(&t, "a");
	assert_int_equal(t.pieces[f->first].size, 10);
	assert_int_equal(t.pieces[f->first].digest[0], '1');
}

static void what_is_missing_is_asked_for_in_few_ranges(void **state)
{
	AUTO(chunked_table_done) struct chunked_table t = {0};
	struct chunked_range *v;
	unsigned n;

	(void)state;
	assert_int_equal(parse(BEGIN FILE_B "," FILE_A END, &t), 0);
	chunked_table_missing(&t, 64, &v, &n);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].begin, 5);
	assert_int_equal(v[1].begin, 100000);
	assert_int_equal(v[1].end, 100040);
	free(v);
	chunked_table_missing(&t, 1, &v, &n);
	assert_int_equal(n, 1);
	assert_int_equal(v[0].end, 100040);
	free(v);
	t.pieces[chunked_table_find(&t, "b")->whole].path = "here";
	chunked_table_missing(&t, 64, &v, &n);
	assert_int_equal(n, 1);
	assert_int_equal(v[0].end, 9);
	free(v);
}

static void what_cannot_be_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		BEGIN "]}",
		"{\"version\":2,\"entries\":[" FILE_A END,
		BEGIN FILE_A "," FILE_A END,
		BEGIN "7" END,
		BEGIN "{\"type\":\"reg\",\"size\":1}" END,
		BEGIN "{\"type\":\"chunk\",\"name\":\"a\",\"chunkSize\":1}" END,
		BEGIN "{\"type\":\"reg\",\"name\":\"a\",\"size\":1,\"offset\":5,\"endOffset\":5,\"digest\":\"" SHA(1) "\"}" END,
		BEGIN "{\"type\":\"reg\",\"name\":\"a\",\"size\":1,\"offset\":9,\"endOffset\":5,\"digest\":\"" SHA(1) "\"}" END,
		BEGIN "{\"type\":\"reg\",\"name\":\"a\",\"size\":1,\"offset\":5,\"endOffset\":1000001,\"digest\":\"" SHA(1) "\"}" END,
		BEGIN "{\"type\":\"reg\",\"name\":\"a\",\"size\":1,\"offset\":5,\"endOffset\":9}" END,
		BEGIN "{\"type\":\"reg\",\"name\":\"a\",\"size\":1,\"offset\":5,\"endOffset\":9,\"digest\":\"sha256:x\"}" END,
		BEGIN "{\"type\":\"reg\",\"name\":\"a\",\"size\":-1,\"offset\":5,\"endOffset\":9,\"digest\":\"" SHA(1) "\"}" END,
		BEGIN "{\"type\":\"reg\",\"name\":\"a\",\"size\":18446744073709551615,\"offset\":5,\"endOffset\":9,\"digest\":\"" SHA(1) "\"}" END,
		/* pieces that are more, or less, than the file */
		BEGIN "{\"type\":\"reg\",\"name\":\"b\",\"size\":7,\"offset\":1,\"endOffset\":9,\"digest\":\"" SHA(2) "\",\"chunkSize\":3,\"chunkDigest\":\"" SHA(3) "\"},{\"type\":\"chunk\",\"name\":\"b\",\"offset\":4,\"chunkSize\":5,\"chunkDigest\":\"" SHA(4) "\"}" END,
		BEGIN "{\"type\":\"reg\",\"name\":\"b\",\"size\":7,\"offset\":1,\"endOffset\":9,\"digest\":\"" SHA(2) "\",\"chunkSize\":3,\"chunkDigest\":\"" SHA(3) "\"},{\"type\":\"chunk\",\"name\":\"b\",\"offset\":4,\"chunkSize\":3,\"chunkDigest\":\"" SHA(4) "\"}" END,
	};
	struct chunked_table t = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_true(parse(texts[i], &t) < 0);
}

static void every_truncation_is_refused(void **state)
{
	static const char text[] = BEGIN FILE_B "," FILE_A END;
	struct chunked_table t = {0};

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		assert_true(chunked_table_parse(text, n, 1000000, &t) < 0);
		err_drop();
	}
}

static void annotations_are_read_as_they_are_written(void **state)
{
	struct chunked c = {.digest = SHA(1), .table = {10, 20, 30}, .split = {38, 5, 6}}, got;
	AUTO_STRV struct strv a = STRV_INIT;

	(void)state;
	chunked_annotate(&c, &a);
	assert_true(chunked_of(&a, 100, &got));
	assert_string_equal(got.digest, c.digest);
	assert_int_equal(got.split.plain, 6);
	assert_false(chunked_of(&a, 40, &got)); /* beyond the blob's end */
	strv_done(&a);
	a = (struct strv)STRV_INIT;
	c.table.plain = CHUNKED_TABLE_MAX + 1;
	chunked_annotate(&c, &a);
	assert_false(chunked_of(&a, 100, &got));
}

static void records_end_where_they_are_cut(void **state)
{
	struct chunked_where w = {.offset = 3, .size = 4, .path = "a/b"}, got;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	size_t at = 0;

	(void)state;
	memset(w.digest, 'a', 64);
	chunked_where_put(&b, &w);
	chunked_where_put(&b, &w);
	assert_true(chunked_where_next(b.s, b.len, &at, &got));
	assert_string_equal(got.path, "a/b");
	assert_int_equal(got.offset, 3);
	for (size_t n = at; n < b.len; n++) {
		size_t from = at;

		assert_false(chunked_where_next(b.s, n, &from, &got));
	}
	assert_true(chunked_where_next(b.s, b.len, &at, &got));
	assert_false(chunked_where_next(b.s, b.len, &at, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_and_pieces_are_found),
		cmocka_unit_test(what_is_missing_is_asked_for_in_few_ranges),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(annotations_are_read_as_they_are_written),
		cmocka_unit_test(records_end_where_they_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#include "pkg/base/strv.h"
#include "pkg/json/fields.h"

struct thing {
	char *name, *note;
	char id[65];
	int64_t at;
	uint64_t bytes;
	bool on;
	struct strv list, map;
	struct json_object *any;
};

static const struct json_field fields[] = {
	FIELD_TEXT(struct thing, "Name", name, JSON_REQUIRED),
	FIELD_TEXT(struct thing, "Note", note, JSON_SPARSE),
	FIELD_HEX64(struct thing, "Id", id, JSON_REQUIRED),
	FIELD_I64(struct thing, "At", at, 0),
	FIELD_U64(struct thing, "Bytes", bytes, JSON_SPARSE),
	FIELD_BOOL(struct thing, "On", on, JSON_SPARSE),
	FIELD_LIST(struct thing, "List", list, 0),
	FIELD_MAP(struct thing, "Map", map, JSON_SPARSE),
	FIELD_ANY(struct thing, "Any", any, JSON_SPARSE),
	FIELD_END,
};

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int read_thing(const char *text, struct thing *t)
{
	return json_record_read(text, strlen(text), fields, "a thing", t);
}

static void what_is_written_is_read_back(void **state)
{
	static const char full[] =
		"{\"Name\":\"n\",\"Note\":\"x\",\"Id\":\"" ID
		"\",\"At\":-5,\"Bytes\":7,\"On\":true,"
		"\"List\":[\"a\",\"b\"],\"Map\":{\"k\":\"v=w\"},\"Any\":{\"deep\":[1]}}";
	static const char bare[] = "{\"Name\":\"n\",\"Id\":\"" ID "\",\"At\":0,\"List\":[]}";
	const char *const texts[] = {full, bare};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		AUTO_SBUF struct sbuf out = SBUF_INIT;
		struct thing t = {0};

		assert_int_equal(read_thing(texts[i], &t), 0);
		assert_string_equal(t.id, ID);
		assert_int_equal(t.list.n, i ? 0 : 2);
		json_record_write(fields, &t, &out);
		assert_string_equal(out.s, texts[i]);
		json_record_done(fields, &t);
		assert_null(t.name);
	}
}

static void what_is_missing_keeps_its_default(void **state)
{
	struct thing t = {.at = -1, .on = true};

	(void)state;
	assert_int_equal(read_thing("{\"Name\":\"n\",\"Id\":\"" ID "\",\"At\":null}", &t), 0);
	assert_int_equal(t.at, -1);
	assert_true(t.on);
	json_record_done(fields, &t);
}

static void damaged_records_say_what_of_them(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"Id\":\"" ID "\"}",
		"{\"Name\":null,\"Id\":\"" ID "\"}",
		"{\"Name\":\"n\",\"Id\":\"../../etc\"}",
		"{\"Name\":\"n\",\"Id\":\"" ID "0\"}",
		"{\"Name\":7,\"Id\":\"" ID "\"}",
		"{\"Name\":\"n\",\"Id\":\"" ID "\",\"Bytes\":-1}",
		"{\"Name\":\"n\",\"Id\":\"" ID "\",\"List\":{}}",
		"{\"Name\":\"n\",\"Id\":\"" ID "\",\"Any\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct thing t = {0};

		assert_true(read_thing(bad[i], &t) < 0);
		assert_non_null(strstr(err_trail(), "the record of a thing: "));
		err_drop();
		json_record_done(fields, &t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(what_is_missing_keeps_its_default),
		cmocka_unit_test(damaged_records_say_what_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* threats: Z04. JSON and the documents made of it: what is accepted means the same after it was written again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"
#include "pkg/container/record.h"
#include "pkg/json/json.h"
#include "pkg/oci/image_config.h"
#include "pkg/oci/manifest.h"
#include "tests/unit/fuzz.h"

#define D "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const struct fuzz_text corpus[] = {
	FUZZ_TEXT("{\"a\":[1,-2,3.5,1e3,true,false,null,\"x\\u00e4\\ud83d\\ude00\\n\"],\"b\":{"
		  "\"c\":{}}}"),
	FUZZ_TEXT("[9223372036854775807,-9223372036854775808,18446744073709551615,0,-0,1.0,1e999]"),
	FUZZ_TEXT(
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST
		"\",\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" D
		"\",\"size\":7023},"
		"\"layers\":[{\"mediaType\":\"" MEDIA_OCI_LAYER_GZIP "\",\"digest\":\"" D
		"\",\"size\":32654,\"annotations\":{\"k\":\"v\"}}],\"annotations\":{\"a\":\"b\"}}"),
	FUZZ_TEXT("{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX
		  "\",\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"" D
		  "\",\"size\":7143,"
		  "\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\","
		  "\"os.features\":[\"a\"]}}]}"),
	FUZZ_TEXT(
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2026-01-01T00:00:00Z\","
		"\"config\":{\"User\":\"1:2\",\"Env\":[\"A=b\",\"PATH=/bin\"],\"Cmd\":[\"sh\"],"
		"\"Entrypoint\":null,\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{\"/"
		"v\":{}},\"Labels\":{\"l\":\"m\"},\"StopSignal\":\"SIGTERM\",\"Healthcheck\":{"
		"\"Test\":"
		"[\"CMD\",\"x\"],\"Interval\":1000000000,\"Retries\":3}},\"rootfs\":{\"type\":"
		"\"layers\",\"diff_ids\":[\"" D "\"]},\"history\":[{\"created_by\":\"x\"}]}"),
};
static const struct fuzz_text words[] = {
	FUZZ_TEXT("\\u0000"),
	FUZZ_TEXT("\\ud800"),
	FUZZ_TEXT("99999999999999999999"),
	FUZZ_TEXT("-"),
	FUZZ_TEXT("1e999"),
	FUZZ_TEXT("9223372036854775808"),
	FUZZ_TEXT("null"),
	FUZZ_TEXT("\"layers\":[],"),
	FUZZ_TEXT("\"a\":1,"),
	FUZZ_TEXT("[[["),
	FUZZ_TEXT("\xff"),
	FUZZ_TEXT("{\"size\":-1}"),
	FUZZ_TEXT("true"),
	FUZZ_TEXT("01"),
	FUZZ_TEXT(","),
	FUZZ_TEXT("}"),
	FUZZ_TEXT("\xef\xbb\xbf"),
	FUZZ_TEXT("//"),
};

/* Strings without NUL, valid UTF-8, none deeper than the limit. */
static void assert_sound(struct json_object *o, unsigned depth)
{
	assert_in_range(depth, 0, JSON_DEPTH_MAX);
	switch (json_object_get_type(o)) {
	case json_type_string:
		assert_int_equal(strlen(json_object_get_string(o)), json_object_get_string_len(o));
		assert_true(utf8_is_valid(json_object_get_string(o),
					  strlen(json_object_get_string(o))));
		break;
	case json_type_array:
		for (size_t i = 0; i < json_object_array_length(o); i++)
			assert_sound(json_object_array_get_idx(o, i), depth + 1);
		break;
	case json_type_object: {
		json_object_object_foreach(o, key, value)
		{
			assert_true(utf8_is_valid(key, strlen(key)));
			assert_sound(value, depth + 1);
		}
		break;
	}
	default:
		break;
	}
}

static void what_is_accepted_means_the_same_again(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT, once = SBUF_INIT, twice = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "json", 30000); fuzz_more(&f);) {
		AUTO_JSON struct json_object *a = NULL, *b = NULL;
		struct json_scan s;
		int r, skip;

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		r = json_parse(in.s, in.len, &a);
		err_drop();
		/* The reader that builds nothing is as strict, but for keys that come twice. */
		json_scan_init(&s, in.s, in.len);
		skip = json_scan_skip(&s);
		if (skip == 0)
			skip = json_scan_end(&s);
		json_scan_done(&s);
		err_drop();
		if (r == 0)
			assert_int_equal(skip, 0);
		if (r < 0)
			continue;
		good++;
		assert_sound(a, 0);
		sbuf_reset(&once);
		sbuf_reset(&twice);
		json_write(a, false, &once);
		assert_int_equal(json_parse(once.s, once.len, &b), 0);
		assert_true(json_object_equal(a, b));
		json_write(b, false, &twice);
		assert_string_equal(once.s, twice.s);
	}
	assert_true(good > f.done / 20);
}

/* Any number that an int64 does not hold is refused as one, and the others are what they say. */
static void integers_never_wrap(void **state)
{
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "json integers", 20000); fuzz_more(&f);) {
		AUTO_JSON struct json_object *o = NULL;
		char text[96], digits[40];
		size_t n = 1 + fuzz_below(&f, 22);
		bool negative = fuzz_one_in(&f, 2), fits;
		unsigned __int128 v = 0;
		int64_t got = 77;
		uint64_t u = 77;
		int r;

		for (size_t i = 0; i < n; i++)
			digits[i] = (char)((i ? '0' : '1') + fuzz_below(&f, i ? 10 : 9));
		digits[n] = '\0';
		if (fuzz_one_in(&f, 4)) /* at the edge */
			(void)snprintf(
				digits, sizeof(digits), "%llu",
				(unsigned long long)((fuzz_one_in(&f, 2) ? (uint64_t)INT64_MAX
									 : UINT64_MAX) -
						     2 + fuzz_below(&f, 3)));
		for (const char *p = digits; *p; p++)
			v = v * 10 + (unsigned)(*p - '0');
		(void)snprintf(text, sizeof(text), "{\"n\":%s%s}", negative ? "-" : "", digits);
		if (json_parse(text, strlen(text), &o) < 0) {
			err_drop();
			assert_true(v > INT64_MAX);
			continue;
		}
		fits = v <= (unsigned __int128)INT64_MAX + negative;
		r = json_get_i64(o, "n", &got);
		assert_int_equal(r == 0, fits);
		if (fits)
			assert_true(got == (int64_t)(negative ? -(__int128)v : (__int128)v));
		r = json_get_u64(o, "n", &u);
		if (r == 0)
			assert_true(!negative && v == u);
		err_drop();
	}
}

/* Documents: an error with words or a value within its bounds. */
static void documents_are_refused_or_within_bounds(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT, out = SBUF_INIT, again = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "documents", 20000); fuzz_more(&f);) {
		AUTO(image_config_done) struct image_config c = {0};
		AUTO(manifest_done) struct manifest m = {0};
		AUTO(record_freep) struct container_record *rec = NULL, *rec2 = NULL;

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		if (manifest_parse(in.s, in.len, NULL, &m) == 0) {
			good++;
			assert_true(m.n_layers <= MANIFEST_LAYERS_MAX &&
				    m.n_children <= MANIFEST_CHILDREN_MAX);
			for (unsigned i = 0; i < m.n_layers; i++) {
				assert_int_equal(strlen(m.layers[i].digest), strlen(D));
				assert_int_equal(strspn(m.layers[i].digest + 7, "0123456789abcdef"),
						 64);
				assert_true(m.layers[i].size <= INT64_MAX);
			}
		} else {
			assert_true(*err_trail());
		}
		err_drop();
		if (image_config_parse(in.s, in.len, &c) == 0) {
			good++;
			for (size_t i = 0; i < c.volumes.n; i++)
				assert_true(*c.volumes.v[i] == '/' &&
					    !strstr(c.volumes.v[i], "/../"));
			assert_true(c.health.interval_ns >= 0 && c.health.retries >= 0);
		}
		err_drop();
		if (record_parse(in.s, in.len, &rec) == 0) {
			sbuf_reset(&out);
			sbuf_reset(&again);
			record_write(rec, &out);
			assert_int_equal(record_parse(out.s, out.len, &rec2), 0);
			record_write(rec2, &again);
			assert_string_equal(out.s, again.s);
		}
		err_drop();
	}
	assert_true(good > f.done / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_accepted_means_the_same_again),
		cmocka_unit_test(integers_never_wrap),
		cmocka_unit_test(documents_are_refused_or_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

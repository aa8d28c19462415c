/* SPDX-License-Identifier: MIT */
/* threats: L03, L08, L09, L10, L11 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/archive/tar.h"
#include "pkg/archive/tar_number.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"

struct spec {
	const char *name;
	char type;
	const char *link, *content;
	const char *uid; /* 8 bytes at most, as it stands */
};

static void finish_header(unsigned char *h)
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += h[i];
	(void)snprintf((char *)h + 148, 7, "%06o", sum);
}

static void add(struct sbuf *b, const struct spec *s)
{
	unsigned char h[512] = {0};
	size_t n = s->content ? strlen(s->content) : 0;
	static const char zero[512];

	memcpy(h, s->name, strnlen(s->name, 100));
	memcpy(h + 100, "0000644", 8);
	memcpy(h + 108, s->uid ? s->uid : "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	(void)snprintf((char *)h + 124, 12, "%011o", (unsigned)n & 0xffffff);
	memcpy(h + 136, "13727406000", 12);
	h[156] = (unsigned char)s->type;
	if (s->link)
		memcpy(h + 157, s->link, strnlen(s->link, 100));
	memcpy(h + 257, "ustar\00000", 8);
	finish_header(h);
	sbuf_add(b, h, 512);
	if (n) {
		sbuf_add(b, s->content, n);
		sbuf_add(b, zero, (512 - n % 512) % 512);
	}
}

static int first(struct sbuf *b, struct tar_entry *e, char *path)
{
	static const char zero[1024];
	struct feed *f;
	struct tar *t;
	int r;

	sbuf_add(b, zero, sizeof(zero));
	f = feed_new(stream_from_memory(b->s, b->len), false);
	t = tar_new(f);
	r = tar_next(t, e);
	if (r == 1 && path)
		(void)snprintf(path, 300, "%s", e->path);
	tar_free(t);
	feed_free(f);
	return r;
}

static void names_come_out_relative_and_clean(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {{"/etc//passwd", "etc/passwd"},
		 {"./a/./b/", "a/b"},
		 {".", ""},
		 {"/", ""},
		 {"", ""},
		 {"../x", NULL},
		 {"a/../../x", NULL},
		 {"a/..", NULL},
		 {"..", NULL},
		 {"..a/b..", "..a/b.."}};
	char out[TAR_PATH_MAX + 1];
	static char deep[2 * 300 + 1], wide[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int r = tar_clean_path(t[i].in, strlen(t[i].in), out);

		assert_int_equal(r, t[i].out ? 0 : -CE_BAD_FORMAT);
		if (t[i].out)
			assert_string_equal(out, t[i].out);
	}
	for (int i = 0; i < 300; i++)
		memcpy(deep + 2 * i, "d/", 2);
	assert_int_equal(tar_clean_path(deep, 600, out), -CE_LIMIT);
	memset(wide, 'w', sizeof(wide));
	assert_int_equal(tar_clean_path(wide, 256, out), -CE_LIMIT);
	assert_int_equal(tar_clean_path(wide, 255, out), 0);
	for (int i = 100; i < 5000; i += 100)
		wide[i] = '/';
	assert_int_equal(tar_clean_path(wide, 5000, out), -CE_LIMIT);
	assert_int_equal(tar_clean_path("a\0b", 3, out), -CE_BAD_FORMAT);
}

static void an_entry_has_its_fields_and_its_content(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct tar_entry e;
	struct feed *f;
	struct tar *t;
	const unsigned char *p;
	char hex[65];

	(void)state;
	add(&b, &(struct spec){"pax", 'x',
			       .content = "28 mtime=1600000000.5000000\n"
					  "26 SCHILY.xattr.user.a=xy\n"});
	add(&b, &(struct spec){"dir/file", '0', .content = "hello"});
	add(&b, &(struct spec){"dir/next", '1', .link = "/dir/./file"});
	f = feed_new(stream_from_memory(b.s, b.len), true);
	t = tar_new(f);
	feed_start(f);
	assert_int_equal(tar_next(t, &e), 1);
	assert_string_equal(e.path, "dir/file");
	assert_int_equal(e.mtime_s, 1600000000);
	assert_int_equal(e.mtime_ns, 500000000);
	assert_int_equal(e.n_xattrs, 1);
	assert_string_equal(e.xattrs[0].name, "user.a");
	assert_int_equal(tar_content(t, &p), 5);
	assert_memory_equal(p, "hello", 5);
	assert_int_equal(tar_content(t, &p), 0);
	assert_int_equal(tar_next(t, &e), 1);
	assert_int_equal(e.type, TAR_HARDLINK);
	assert_string_equal(e.link, "dir/file");
	assert_int_equal(e.n_xattrs, 0);
	assert_int_equal(tar_next(t, &e), 0);
	assert_int_equal(tar_drain(t), 0);
	feed_sha256(f, hex);
	assert_int_equal(strlen(hex), 64);
	tar_free(t);
	feed_free(f);
}

static void malformed_pax_records_are_refused(void **state)
{
	static const char *const t[] = {"999999 k=v\n",
					"5 k=v\n",
					"7 k=v\nx",
					"7 =vv\n",
					"11 uid=-100\n",
					"22 uid=4294967295000\n",
					"11 mtime=x\n",
					"13 size=0x10\n",
					"x k=v\n",
					"30 GNU.sparse.major=1\n",
					"0 k=v\n",
					"14 mtime=1.nan\n",
					"16 linkpath=a/..\n-"};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		AUTO_SBUF struct sbuf b = SBUF_INIT;
		struct tar_entry e;

		add(&b, &(struct spec){"pax", 'x', .content = t[i]});
		add(&b, &(struct spec){"f", '0'});
		if (first(&b, &e, NULL) >= 0)
			fail_msg("accepted: %s", t[i]);
	}
}

static void ids_that_would_wrap_are_refused(void **state)
{
	static const char *const t[] = {"\xff\xff\xff\xff\xff\xff\xff\xff",
					"\x80\0\0\0\xff\xff\xff\xff", "\x80\0\0\1\0\0\0\0",
					"0000008", "-000001"};
	AUTO_SBUF struct sbuf ok = SBUF_INIT;
	struct tar_entry e;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		AUTO_SBUF struct sbuf b = SBUF_INIT;

		add(&b, &(struct spec){"f", '0', .uid = t[i]});
		assert_int_equal(first(&b, &e, NULL), -CE_BAD_FORMAT);
	}
	add(&ok, &(struct spec){"f", '0', .uid = "\x80\0\0\0\x7f\xff\xff\xff"});
	assert_int_equal(first(&ok, &e, NULL), 1);
	assert_int_equal(e.uid, 2147483647);
}

static void a_long_name_wins_over_the_header_and_has_no_second_part(void **state)
{
	AUTO_SBUF struct sbuf a = SBUF_INIT, b = SBUF_INIT;
	char path[300] = "";
	struct tar_entry e;

	(void)state;
	add(&a, &(struct spec){"././@LongLink", 'L', .content = "long/name/here"});
	add(&a, &(struct spec){"short", '0'});
	assert_int_equal(first(&a, &e, path), 1);
	assert_string_equal(path, "long/name/here");
	add(&b, &(struct spec){"pax", 'x', .content = "18 path=from/pax/x\n"});
	add(&b, &(struct spec){"short", '0'});
	assert_int_equal(first(&b, &e, path), -CE_BAD_FORMAT); /* 19 is the right length */
}

static void truncated_and_damaged_archives_are_errors(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct tar_entry e;
	struct feed *f;
	struct tar *t;

	(void)state;
	add(&b, &(struct spec){"f", '0', .content = "content"});
	f = feed_new(stream_from_memory(b.s, 516), false);
	t = tar_new(f);
	assert_int_equal(tar_next(t, &e), 1);
	assert_int_equal(tar_next(t, &e), -CE_BAD_FORMAT);
	tar_free(t);
	feed_free(f);
	b.s[3] ^= 1;
	assert_int_equal(first(&b, &e, NULL), -CE_BAD_FORMAT);
}

/* As umoci 0.4 writes them. */
static void an_archive_may_end_with_the_last_byte_of_a_file(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct spec s = {.name = "a", .type = '0', .content = "hello"};
	static const size_t lengths[] = {512 + 5, 512 + 100, 1024, 1024 + 512};

	(void)state;
	add(&b, &s);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct feed *f;
		struct tar_entry e;
		struct tar *t;

		while (b.len < lengths[i])
			sbuf_addc(&b, '\0');
		f = feed_new(stream_from_memory(b.s, lengths[i]), false);
		t = tar_new(f);
		assert_int_equal(tar_next(t, &e), 1);
		assert_int_equal(tar_next(t, &e), 0);
		tar_free(t);
		feed_free(f);
	}
}

static void times_are_clamped_and_fractions_count_downwards_below_zero(void **state)
{
	int64_t s = 0;
	uint32_t ns = 0;

	(void)state;
	assert_int_equal(tar_time("-1.25", 5, &s, &ns), 0);
	assert_int_equal(s, -2);
	assert_int_equal(ns, 750000000);
	assert_int_equal(tar_time("99999999999999999999999", 23, &s, &ns), 0);
	assert_int_equal(s, 1LL << 34);
	assert_int_equal(tar_time("nan", 3, &s, &ns), -EINVAL);
	assert_int_equal(tar_time("", 0, &s, &ns), -EINVAL);
	assert_int_equal(tar_time("1.x", 3, &s, &ns), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_out_relative_and_clean),
		cmocka_unit_test(an_entry_has_its_fields_and_its_content),
		cmocka_unit_test(malformed_pax_records_are_refused),
		cmocka_unit_test(ids_that_would_wrap_are_refused),
		cmocka_unit_test(a_long_name_wins_over_the_header_and_has_no_second_part),
		cmocka_unit_test(an_archive_may_end_with_the_last_byte_of_a_file),
		cmocka_unit_test(truncated_and_damaged_archives_are_errors),
		cmocka_unit_test(times_are_clamped_and_fractions_count_downwards_below_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

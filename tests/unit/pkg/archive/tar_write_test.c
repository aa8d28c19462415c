/* SPDX-License-Identifier: MIT */
/* What the writer writes the reader reads back, field by field; and what tar(1) would see of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/archive/feed.h"
#include "pkg/archive/tar_write.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"

struct memory_out {
	struct out base;
	struct sbuf b;
};

static int memory_write(struct out *o, const void *p, size_t n)
{
	sbuf_add(&((struct memory_out *)o)->b, p, n);
	return 0;
}

static int memory_finish(struct out *o)
{
	(void)o;
	return 0;
}

static void memory_close(struct out *o)
{
	(void)o;
}

static const struct out_ops memory_ops = {memory_write, memory_finish, memory_close};
#define MEMORY_OUT                                    \
	{                                             \
		.base = {&memory_ops}, .b = SBUF_INIT \
	}

static char long_dir[181], long_name[201], very_long[701];

static void fill(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s[i] = i % 90 == 89 ? '/' : (char)('a' + i % 26);
	s[n] = '\0';
}

static void expect(const struct tar_entry *in, const struct tar_entry *out)
{
	assert_int_equal(in->type, out->type);
	assert_string_equal(in->path, out->path);
	if (in->link)
		assert_string_equal(in->link, out->link);
	assert_int_equal(in->mode, out->mode);
	assert_int_equal(in->uid, out->uid);
	assert_int_equal(in->gid, out->gid);
	assert_int_equal(in->mtime_s, out->mtime_s);
	assert_int_equal(in->mtime_ns, out->mtime_ns);
	assert_int_equal(in->major, out->major);
	assert_int_equal(in->minor, out->minor);
	assert_int_equal(in->n_xattrs, out->n_xattrs);
	for (unsigned i = 0; i < in->n_xattrs; i++) {
		assert_string_equal(in->xattrs[i].name, out->xattrs[i].name);
		assert_int_equal(in->xattrs[i].len, out->xattrs[i].len);
		assert_memory_equal(in->xattrs[i].value, out->xattrs[i].value, in->xattrs[i].len);
	}
}

static void what_is_written_is_read(void **state)
{
	static unsigned char zeros[] = {0, '\n', 0, '=', 255};
	static char cap[] = "security.capability", user[] = "user.empty";
	const struct tar_xattr x[] = {{cap, zeros, 5}, {user, zeros, 0}};
	const struct tar_entry t[] = {
		{.type = TAR_DIR, .path = "", .mode = 0755, .mtime_s = 1},
		{.type = TAR_DIR, .path = "tmp", .mode = 01777},
		{.type = TAR_DIR, .path = long_dir, .mode = 0700},
		{.type = TAR_SYMLINK, .path = "l", .link = "../../x y", .mode = 0777},
		{.type = TAR_SYMLINK, .path = "ll", .link = very_long, .mode = 0777},
		{.type = TAR_FIFO,
		 .path = long_name,
		 .mode = 04711,
		 .uid = 2097151,
		 .gid = 2097152},
		{.type = TAR_FIFO, .path = "ids", .uid = 2147483647, .gid = 2147483647},
		{.type = TAR_FIFO, .path = "old", .mtime_s = -2, .mtime_ns = 750000000},
		{.type = TAR_FIFO, .path = "older", .mtime_s = -1, .mtime_ns = 1},
		{.type = TAR_FIFO, .path = "late", .mtime_s = 1LL << 34, .mtime_ns = 0},
		{.type = TAR_FIFO, .path = "exact", .mtime_s = 1700000000, .mtime_ns = 123456789},
		{.type = TAR_CHAR, .path = "null", .major = 1, .minor = 3},
		{.type = TAR_FIFO, .path = "x", .xattrs = x, .n_xattrs = 2},
		{.type = TAR_FIFO, .path = very_long, .mode = 0600},
		{.type = TAR_FIFO, .path = "\xff\xfe not utf-8", .mode = 0600},
	};
	struct memory_out o = MEMORY_OUT;
	const struct tar_write_options how = {.subsecond = true};
	struct tar_writer *w = tar_writer_new(&o.base, &how);
	struct tar_entry e;
	struct feed *f;
	struct tar *r;

	(void)state;
	fill(long_dir, 170);
	fill(long_name, 200);
	fill(very_long, 700);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(tar_write_entry(w, &t[i]), 0);
	assert_int_equal(tar_write_end(w), 0);
	tar_writer_free(w);
	assert_int_equal(o.b.len % 512, 0);
	f = feed_new(stream_from_memory(o.b.s, o.b.len), false);
	r = tar_new(f);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(tar_next(r, &e), 1);
		expect(&t[i], &e);
	}
	assert_int_equal(tar_next(r, &e), 0);
	tar_free(r);
	feed_free(f);
	sbuf_done(&o.b);
}

static void only_what_ustar_cannot_say_costs_a_pax_header(void **state)
{
	const struct tar_entry plain = {.type = TAR_DIR, .path = long_dir, .mtime_s = 1};
	const struct tar_entry odd = {
		.type = TAR_DIR, .path = "a", .mtime_s = 1, .mtime_ns = 5, .uid = 1U << 21};
	struct memory_out o = MEMORY_OUT;
	struct tar_writer *w = tar_writer_new(&o.base, NULL);

	(void)state;
	fill(long_dir, 170);
	assert_int_equal(tar_write_entry(w, &plain), 0);
	assert_int_equal(tar_write_end(w), 0);
	assert_int_equal(o.b.len, 3 * 512);
	assert_int_equal(o.b.s[156], '5');
	tar_writer_free(w);

	sbuf_reset(&o.b);
	w = tar_writer_new(&o.base, NULL);
	assert_int_equal(tar_write_entry(w, &odd), 0);
	assert_int_equal(tar_write_end(w), 0);
	assert_int_equal(o.b.s[156], 'x');
	assert_string_equal(o.b.s + 512, "15 uid=2097152\n");
	tar_writer_free(w);
	sbuf_done(&o.b);
}

static void no_time_is_later_than_the_clamp(void **state)
{
	const struct tar_write_options how = {.subsecond = true, .has_clamp = true, .clamp_s = 100};
	const struct tar_entry t[] = {
		{.type = TAR_FIFO, .path = "a", .mtime_s = 101, .mtime_ns = 7},
		{.type = TAR_FIFO, .path = "b", .mtime_s = 99}};
	struct memory_out o = MEMORY_OUT;
	struct tar_writer *w = tar_writer_new(&o.base, &how);

	(void)state;
	assert_int_equal(tar_write_entry(w, &t[0]), 0);
	assert_int_equal(tar_write_entry(w, &t[1]), 0);
	assert_int_equal(tar_write_end(w), 0);
	assert_int_equal(o.b.len, 4 * 512);
	assert_string_equal(o.b.s + 136, "00000000144");
	assert_string_equal(o.b.s + 512 + 136, "00000000143");
	tar_writer_free(w);
	sbuf_done(&o.b);
}

/* 8 GiB and more do not fit the header's octal digits. */
static void a_large_size_goes_into_the_pax_header(void **state)
{
	const struct tar_entry e = {.type = TAR_FILE, .path = "big", .size = 077777777777ULL + 1};
	struct memory_out o = MEMORY_OUT;
	struct tar_writer *w = tar_writer_new(&o.base, NULL);
	static char block[256 << 10];

	(void)state;
	assert_int_equal(tar_write_entry(w, &e), 0);
	assert_int_equal(tar_write_content(w, block, sizeof(block)), 0); /* the buffer goes out */
	assert_string_equal(o.b.s + 512, "19 size=8589934592\n");
	assert_int_equal(tar_write_end(w), -EINVAL); /* not complete */
	assert_int_equal(tar_write_entry(w, &e), -EINVAL);
	err_drop();
	tar_writer_free(w);
	sbuf_done(&o.b);
}

/* The header is written before the file is read: its size holds whatever happens to the file. */
static void a_file_that_changes_keeps_the_archive_whole(void **state)
{
	struct memory_out o = MEMORY_OUT;
	struct tar_writer *w = tar_writer_new(&o.base, NULL);
	struct tar_entry e = {.type = TAR_FILE, .path = "f", .size = 1000};
	FILE *f = tmpfile();

	(void)state;
	assert_int_equal(write(fileno(f), "0123456789", 10), 10);
	(void)lseek(fileno(f), 0, SEEK_SET);
	assert_int_equal(tar_write_entry(w, &e), 0);
	assert_int_equal(tar_write_file(w, fileno(f)), 1);
	(void)lseek(fileno(f), 0, SEEK_SET);
	e.size = 4;
	assert_int_equal(tar_write_entry(w, &e), 0);
	assert_int_equal(tar_write_file(w, fileno(f)), 1);
	(void)lseek(fileno(f), 0, SEEK_SET);
	e.size = 10;
	assert_int_equal(tar_write_entry(w, &e), 0);
	assert_int_equal(tar_write_file(w, fileno(f)), 0);
	assert_int_equal(tar_write_end(w), 0);
	assert_int_equal(o.b.len, (3 + 2 + 2 + 2) * 512);
	assert_memory_equal(o.b.s + 512, "0123456789\0\0", 12);
	assert_memory_equal(o.b.s + 4 * 512, "0123\0\0", 6);
	(void)fclose(f);
	tar_writer_free(w);
	sbuf_done(&o.b);
}

static void pack(enum out_format f, int level, const char *p, size_t n, struct memory_out *o,
		 struct out_digest *d)
{
	struct out *x;

	assert_int_equal(out_encode(&o->base, f, level, &x), 0);
	x = out_digest(x, d);
	for (size_t at = 0; at < n; at += 70001)
		assert_int_equal(out_write(x, p + at, n - at < 70001 ? n - at : 70001), 0);
	assert_int_equal(out_finish(x), 0);
	out_close(x);
}

static void compressed_is_decoded_to_the_same(void **state)
{
	static const struct {
		enum out_format f;
		int level;
		enum stream_format back;
	} t[] = {{OUT_PLAIN, 0, STREAM_PLAIN},
		 {OUT_GZIP, 0, STREAM_GZIP},
		 {OUT_GZIP, 9, STREAM_GZIP},
		 {OUT_ZSTD, 0, STREAM_ZSTD},
		 {OUT_ZSTD, 7, STREAM_ZSTD}};
	static char in[3 << 20];
	char hex[65];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * i >> (i % 7));
	hash_sha256_of(in, sizeof(in), hex);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct memory_out a = MEMORY_OUT, b = MEMORY_OUT;
		struct stream *s;
		struct out_digest d;
		struct feed *f;
		const unsigned char *p;
		char back[65];
		ssize_t n;

		pack(t[i].f, t[i].level, in, sizeof(in), &a, &d);
		assert_string_equal(d.hex, hex);
		assert_int_equal(d.bytes, sizeof(in));
		pack(t[i].f, t[i].level, in, sizeof(in), &b, &d);
		assert_int_equal(a.b.len, b.b.len);
		assert_memory_equal(a.b.s, b.b.s, a.b.len);
		assert_int_equal(
			stream_decode(stream_from_memory(a.b.s, a.b.len), t[i].back, NULL, &s), 0);
		f = feed_new(s, false);
		while ((n = feed_next(f, &p)) > 0)
			;
		assert_int_equal(n, 0);
		feed_sha256(f, back);
		assert_string_equal(back, hex);
		feed_free(f);
		sbuf_done(&a.b);
		sbuf_done(&b.b);
	}
}

static void nothing_compresses_too(void **state)
{
	static const enum out_format t[] = {OUT_GZIP, OUT_ZSTD};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct memory_out o = MEMORY_OUT;
		struct out_digest d;
		struct stream *s;
		char c;

		pack(t[i], 0, "", 0, &o, &d);
		assert_true(o.b.len > 0);
		assert_int_equal(
			stream_decode(stream_from_memory(o.b.s, o.b.len), STREAM_DETECT, NULL, &s),
			0);
		assert_int_equal(stream_read(s, &c, 1), 0);
		stream_close(s);
		sbuf_done(&o.b);
	}
}

static void a_level_that_is_none_is_refused(void **state)
{
	struct memory_out o = MEMORY_OUT;
	struct out *x;

	(void)state;
	assert_int_equal(out_encode(&o.base, OUT_GZIP, 10, &x), -CE_USAGE);
	assert_int_equal(out_encode(&o.base, OUT_ZSTD, 23, &x), -CE_USAGE);
	err_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(only_what_ustar_cannot_say_costs_a_pax_header),
		cmocka_unit_test(no_time_is_later_than_the_clamp),
		cmocka_unit_test(a_large_size_goes_into_the_pax_header),
		cmocka_unit_test(a_file_that_changes_keeps_the_archive_whole),
		cmocka_unit_test(compressed_is_decoded_to_the_same),
		cmocka_unit_test(nothing_compresses_too),
		cmocka_unit_test(a_level_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

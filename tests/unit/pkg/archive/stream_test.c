/* SPDX-License-Identifier: MIT */
/* Compressed inputs are made by the libraries themselves; hostile ones are cut or joined from them. */
/* threats: L12, C03 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "pkg/archive/stream.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"

static void add_gzip(struct sbuf *b, const void *p, size_t n)
{
	z_stream z = {0};
	size_t max = n + n / 100 + 1024;
	unsigned char *out = malloc(max);

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(size_t)p;
	z.avail_in = (unsigned)n;
	z.next_out = out;
	z.avail_out = (unsigned)max;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	sbuf_add(b, out, max - z.avail_out);
	(void)deflateEnd(&z);
	free(out);
}

static void add_zstd(struct sbuf *b, const void *p, size_t n)
{
	size_t max = ZSTD_compressBound(n);
	unsigned char *out = malloc(max);
	size_t got = ZSTD_compress(out, max, p, n, 3);

	assert_false(ZSTD_isError(got));
	sbuf_add(b, out, got);
	free(out);
}

static void add_xz(struct sbuf *b, const void *p, size_t n)
{
	size_t max = lzma_stream_buffer_bound(n), at = 0;
	unsigned char *out = malloc(max);

	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, p, n, out, &at, max),
			 LZMA_OK);
	sbuf_add(b, out, at);
	free(out);
}

static void add_bzip2(struct sbuf *b, const void *p, size_t n)
{
	unsigned len = (unsigned)(n + n / 50 + 1024);
	char *out = malloc(len);

	assert_int_equal(
		BZ2_bzBuffToBuffCompress(out, &len, (char *)(size_t)p, (unsigned)n, 1, 0, 0),
		BZ_OK);
	sbuf_add(b, out, len);
	free(out);
}

/* Read in odd pieces; returns the size or the error. */
static ssize_t content(const void *p, size_t n, const struct stream_limits *l, struct sbuf *out)
{
	struct stream *s = NULL;
	static char buf[4099];
	ssize_t got;
	int r = stream_decode(stream_from_memory(p, n), STREAM_DETECT, l, &s);

	if (r < 0)
		return r;
	do {
		got = stream_read(s, buf, sizeof(buf));
		if (got > 0)
			sbuf_add(out, buf, (size_t)got);
	} while (got > 0);
	stream_close(s);
	return got < 0 ? got : (ssize_t)out->len;
}

static void (*const adders[])(struct sbuf *, const void *, size_t) = {add_gzip, add_zstd, add_xz,
								      add_bzip2};

static struct sbuf sample(void)
{
	struct sbuf s = SBUF_INIT;

	for (unsigned i = 0; i < 60000; i++)
		sbuf_addf(&s, "%x,", i * 2654435761U);
	return s;
}

static void several_members_are_one_content(void **state)
{
	AUTO_SBUF struct sbuf in = sample();

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		AUTO_SBUF struct sbuf z = SBUF_INIT, out = SBUF_INIT;

		adders[i](&z, in.s, in.len);
		adders[i](&z, "", 0);
		adders[i](&z, "tail", 4);
		assert_int_equal(content(z.s, z.len, NULL, &out), in.len + 4);
		assert_memory_equal(out.s, in.s, in.len);
		assert_string_equal(out.s + in.len, "tail");
	}
}

static void truncation_and_trailing_garbage_are_errors(void **state)
{
	AUTO_SBUF struct sbuf in = sample();

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		AUTO_SBUF struct sbuf z = SBUF_INIT;
		static const unsigned cut[] = {1, 4, 9, 5000};

		adders[i](&z, in.s, in.len);
		for (size_t k = 0; k < 4; k++) {
			AUTO_SBUF struct sbuf out = SBUF_INIT;

			assert_true(content(z.s, z.len - cut[k], NULL, &out) < 0);
		}
		sbuf_adds(&z, "this is not a member");
		{
			AUTO_SBUF struct sbuf out = SBUF_INIT;

			assert_true(content(z.s, z.len, NULL, &out) < 0);
		}
	}
}

static void damaged_bytes_never_pass(void **state)
{
	AUTO_SBUF struct sbuf in = sample(), z = SBUF_INIT;

	(void)state;
	add_gzip(&z, in.s, in.len);
	for (size_t i = 12; i < z.len; i += z.len / 37) {
		AUTO_SBUF struct sbuf out = SBUF_INIT;

		z.s[i] ^= 0x10;
		assert_true(content(z.s, z.len, NULL, &out) < 0);
		z.s[i] ^= 0x10;
	}
}

static void bombs_are_cut_off(void **state)
{
	size_t n = 100U << 20;
	char *zero = calloc(n, 1);
	struct stream_limits small = {.max_bytes = 1 << 20};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO_SBUF struct sbuf z = SBUF_INIT, out = SBUF_INIT, out2 = SBUF_INIT;

		adders[i](&z, zero, n);
		assert_int_equal(content(z.s, z.len, NULL, &out), -CE_LIMIT); /* ratio */
		assert_true(out.len < (65U << 20));
		assert_int_equal(content(z.s, z.len, &small, &out2), -CE_LIMIT);
	}
	/* What does not expand, or is not compressed at all, is bounded too. */
	for (size_t i = 0; i < n; i++)
		zero[i] = (char)(i * i * 2654435761U >> 13);
	for (size_t i = 0; i <= 2; i++) {
		AUTO_SBUF struct sbuf z = SBUF_INIT, out = SBUF_INIT, out2 = SBUF_INIT;
		struct stream_limits enough = {.max_bytes = 2 << 20};

		if (i < 2)
			adders[i](&z, zero, 2 << 20);
		else
			sbuf_add(&z, zero, 2 << 20);
		assert_int_equal(content(z.s, z.len, &enough, &out), 2 << 20);
		assert_int_equal(content(z.s, z.len, &small, &out2), -CE_LIMIT);
	}
	free(zero);
}

static void floods_of_empty_members_are_cut_off(void **state)
{
	AUTO_SBUF struct sbuf g = SBUF_INIT, z = SBUF_INIT, out = SBUF_INIT;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		add_gzip(&g, "", 0);
		sbuf_add(&z, "\x50\x2a\x4d\x18\0\0\0\0", 8); /* an empty skippable frame */
	}
	assert_int_equal(content(g.s, g.len, NULL, &out), -CE_LIMIT);
	assert_int_equal(content(z.s, z.len, NULL, &out), -CE_LIMIT);
}

static void a_zstd_window_of_two_gigabytes_is_refused(void **state)
{
	/* magic, descriptor without single segment, window 2^31, then a raw last block of one byte */
	static const unsigned char frame[] = {0x28,    0xb5, 0x2f, 0xfd, 0x00,
					      21 << 3, 0x09, 0,    0,    'x'};
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	(void)state;
	assert_int_equal(content(frame, sizeof(frame), NULL, &out), -CE_BAD_FORMAT);
}

static void unknown_compressions_are_named(void **state)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;

	(void)state;
	assert_int_equal(content("LZIP\1aaaaaaaaaaaaaaaa", 20, NULL, &out), -CE_UNSUPPORTED);
	assert_string_equal(err_trail(), "lzip compression");
	assert_int_equal(content("plain", 5, NULL, &out), 5);
	sbuf_reset(&out);
	assert_int_equal(content("", 0, NULL, &out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_members_are_one_content),
		cmocka_unit_test(truncation_and_trailing_garbage_are_errors),
		cmocka_unit_test(damaged_bytes_never_pass),
		cmocka_unit_test(bombs_are_cut_off),
		cmocka_unit_test(floods_of_empty_members_are_cut_off),
		cmocka_unit_test(a_zstd_window_of_two_gigabytes_is_refused),
		cmocka_unit_test(unknown_compressions_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

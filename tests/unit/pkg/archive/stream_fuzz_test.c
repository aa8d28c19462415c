/* SPDX-License-Identifier: MIT */
/*
 * threats: Z03. Random gzip and zstd streams: what comes out stays within the limit, ends, and is right when nothing
 * was changed; and what was changed is never taken for more than it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "pkg/archive/stream.h"
#include "pkg/base/err.h"
#include "tests/unit/fuzz.h"

#define PLAIN 20000
#define CAP (256U << 10)

static char plain[PLAIN], packed[8][PLAIN + 1000];
static struct fuzz_text corpus[8];

static size_t gzip(int level, char *to, size_t room)
{
	z_stream z = {.next_in = (unsigned char *)plain,
		      .avail_in = PLAIN,
		      .next_out = (unsigned char *)to,
		      .avail_out = (unsigned)room};

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	(void)deflateEnd(&z);
	return z.total_out;
}

static size_t zstd(int level, int window, char *to, size_t room)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	if (window)
		(void)ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window);
	n = ZSTD_compress2(c, to, room, plain, PLAIN);
	ZSTD_freeCCtx(c);
	assert_false(ZSTD_isError(n));
	return n;
}

static int make_corpus(void **state)
{
	static const char skippable[] = "\x50\x2a\x4d\x18\x04\x00\x00\x00skip";
	size_t n[8], half;

	(void)state;
	for (size_t i = 0; i < PLAIN; i++)
		plain[i] = (char)(i % 251 < 100 ? i * i >> 3 : 'a' + i % 7);
	n[0] = gzip(6, packed[0], sizeof(packed[0]));
	n[1] = gzip(0, packed[1], sizeof(packed[1]));
	n[2] = zstd(3, 0, packed[2], sizeof(packed[2]));
	n[3] = zstd(1, 10, packed[3], sizeof(packed[3]));
	memcpy(packed[4], skippable, sizeof(skippable) - 1);
	half = sizeof(skippable) - 1;
	n[4] = half + zstd(5, 27, packed[4] + half, sizeof(packed[4]) - half);
	/* Two members, two frames, an empty one in front. */
	memcpy(packed[5], packed[0], n[0]);
	memcpy(packed[5] + n[0], packed[0], n[0] < PLAIN / 2 ? n[0] : 0);
	n[5] = n[0] + (n[0] < PLAIN / 2 ? n[0] : 0);
	memcpy(packed[6], packed[2], n[2]);
	n[6] = n[2];
	n[7] = 0;
	for (unsigned i = 0; i < 8; i++)
		corpus[i] = (struct fuzz_text){packed[i], n[i]};
	return 0;
}

/* Return: bytes, or the failure. */
static int64_t decode(const struct sbuf *in, enum stream_format f, bool *ret_same)
{
	const struct stream_limits l = {.max_bytes = CAP};
	struct stream *s = NULL;
	static char buf[65536];
	int64_t sum = 0;
	ssize_t n;
	int r = stream_decode(stream_from_memory(in->s ? in->s : "", in->len), f, &l, &s);

	*ret_same = true;
	if (r < 0)
		return r;
	while ((n = stream_read(s, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; *ret_same && i < n; i++)
			*ret_same = buf[i] == plain[(sum + i) % PLAIN];
		sum += n;
		assert_true(sum <= (int64_t)CAP);
	}
	if (n == 0)
		assert_int_equal(stream_read(s, buf, 1), 0); /* the end stays one */
	stream_close(s);
	return n < 0 ? n : sum;
}

static void what_was_not_changed_is_right(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		struct sbuf in = {.s = (char *)(uintptr_t)corpus[i].p, .len = corpus[i].n};
		bool same;
		int64_t n = decode(&in, i % 7 == 0 || i == 1 || i == 5 ? STREAM_GZIP : STREAM_ZSTD,
				   &same);

		assert_true(n > 0 && n % PLAIN == 0 && same);
		for (in.len = 0; in.len < corpus[i].n; in.len += 1 + in.len / 3) {
			n = decode(&in, STREAM_GZIP + (i >= 2 && i != 5), &same);
			assert_true(n < 0 || (n % PLAIN == 0 && same)); /* cut off is not an end */
			err_drop();
		}
	}
}

static void what_was_changed_stays_within_the_limit(void **state)
{
	static const struct fuzz_text words[] = {
		FUZZ_TEXT("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"),
		FUZZ_TEXT("\x28\xb5\x2f\xfd"),
		FUZZ_TEXT("\x28\xb5\x2f\xfd\x00\xf8"),
		FUZZ_TEXT("\x50\x2a\x4d\x18\xff\xff\xff\xff"),
		FUZZ_TEXT("\x4b\x04\x00\xfe\xff"),
	};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "streams", 3000); fuzz_more(&f);) {
		bool same;
		int64_t n;

		fuzz_mutate(&f, corpus, 8, words, sizeof(words) / sizeof(*words), &in);
		n = decode(&in, (enum stream_format)(STREAM_DETECT + (int)fuzz_below(&f, 4)),
			   &same);
		assert_true(n <= (int64_t)CAP);
		if (n < 0)
			assert_true(*err_trail()); /* said why */
		err_drop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_not_changed_is_right),
		cmocka_unit_test(what_was_changed_stays_within_the_limit),
	};

	return cmocka_run_group_tests(tests, make_corpus, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pkg/net/neighbour.h"

/* What slirp4netns 1.2 asks for fd77::50, from its fd00::2, whose device is 52:56:00:00:00:02. */
static const unsigned char asked[72] = {
	0x60, 0, 0, 0,    0,   32, 58,   255, 0xfd, 0,    0, 0, 0,    0,    0, 0, 0, 0,
	0,    0, 0, 0,    0,   2,  0xff, 2,   0,    0,    0, 0, 0,    0,    0, 0, 0, 1,
	0xff, 0, 0, 0x50, 135, 0,  0,    0,   0,    0,    0, 0, 0xfd, 0x77, 0, 0, 0, 0,
	0,    0, 0, 0,    0,   0,  0,    0,   0,    0x50, 1, 1, 0x52, 0x56, 0, 0, 0, 2};

static void a_solicitation_is_understood(void **state)
{
	/* Each byte that makes something else of it. */
	static const struct {
		unsigned at, value;
	} wrong[] = {{0, 0x45}, {6, 17}, {7, 254}, {40, 136}, {41, 1}, {48, 0xff}};
	struct address a, want;

	(void)state;
	assert_true(address_parse("fd77::50", &want));
	assert_true(neighbour_asked(asked, sizeof(asked), &a) && address_equal(&a, &want));
	assert_true(neighbour_asked(asked, 64, &a));
	assert_false(neighbour_asked(asked, 63, &a));
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		unsigned char p[sizeof(asked)];

		memcpy(p, asked, sizeof(p));
		p[wrong[i].at] = (unsigned char)wrong[i].value;
		assert_false(neighbour_asked(p, sizeof(p), &a));
	}
}

static uint32_t sum(const unsigned char *p, size_t n)
{
	uint32_t s = (uint32_t)n - 40 + 58;

	for (size_t i = 8; i < n; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	return (s & 0xffff) + (s >> 16);
}

static void the_answer_comes_from_whom_it_is_about(void **state)
{
	static const unsigned char mac[6] = {2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};
	static const unsigned char all[16] = {0xff, 2, [15] = 1};
	unsigned char out[NEIGHBOUR_ADVERT], probe[sizeof(asked)];
	struct address a;

	(void)state;
	assert_true(neighbour_asked(asked, sizeof(asked), &a));
	neighbour_advert(asked, &a, mac, out);
	assert_memory_equal(out + 8, a.b, 16);
	assert_memory_equal(out + 24, asked + 8, 16);
	assert_int_equal(out[7], 255);
	assert_int_equal(out[40], 136);
	assert_int_equal(out[44], 0xe0);
	assert_memory_equal(out + 48, a.b, 16);
	assert_memory_equal(out + 66, mac, 6);
	assert_int_equal(sum(out, sizeof(out)), 0xffff);

	memcpy(probe, asked, sizeof(probe));
	memset(probe + 8, 0, 16);
	neighbour_advert(probe, &a, mac, out);
	assert_memory_equal(out + 24, all, 16);
	assert_int_equal(out[44], 0xa0);
	assert_int_equal(sum(out, sizeof(out)), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_solicitation_is_understood),
		cmocka_unit_test(the_answer_comes_from_whom_it_is_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "pkg/archive/tar_number.h"

#include <errno.h>
#include <stdbool.h>

#define TIME_MIN (-(1LL << 31))
#define TIME_MAX (1LL << 34) /* ext4's last second is in the year 2446 */

static int base256(const unsigned char *p, size_t n, int64_t *ret)
{
	bool negative = (p[0] & 0x40) != 0;
	uint64_t v = negative ? ~0ULL : 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[i];

		if (i == 0) /* the top bit is the mark, the next one the sign */
			c = negative ? (unsigned char)(c | 0x80) : (unsigned char)(c & 0x7f);
		if ((v >> 56) != (negative ? 0xffULL : 0))
			return -EINVAL;
		v = v << 8 | c;
	}
	if ((v >> 63) != (negative ? 1U : 0U))
		return -EINVAL;
	*ret = (int64_t)v;
	return 0;
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\0';
}

int tar_field(const unsigned char *p, size_t n, int64_t *ret)
{
	uint64_t v = 0;

	if (p[0] & 0x80)
		return base256(p, n, ret);
	while (n && is_blank(*p))
		p++, n--;
	while (n && is_blank(p[n - 1]))
		n--;
	for (; n; p++, n--) {
		/* Some writers leave junk after the terminator; it is not part of the number. */
		if (is_blank(*p))
			break;
		if (*p < '0' || *p > '7' || v >> 60)
			return -EINVAL;
		v = v << 3 | (uint64_t)(*p - '0');
	}
	*ret = (int64_t)v;
	return 0;
}

int tar_decimal(const char *p, size_t n, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (n == 0 || n > 20)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -EINVAL;
		if (v > (max - (uint64_t)(p[i] - '0')) / 10)
			return -EINVAL;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*ret = v;
	return 0;
}

int64_t tar_clamp_time(int64_t s)
{
	return s < TIME_MIN ? TIME_MIN : s > TIME_MAX ? TIME_MAX : s;
}

static int fraction(const char *p, size_t n, uint32_t *ret_ns)
{
	uint32_t ns = 0;

	for (size_t i = 0; i < 9; i++) {
		ns *= 10;
		if (i < n)
			ns += (uint32_t)(p[i] - '0');
	}
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return -EINVAL;
	*ret_ns = ns;
	return 0;
}

int tar_time(const char *p, size_t n, int64_t *ret_s, uint32_t *ret_ns)
{
	bool negative = n && *p == '-';
	uint32_t ns = 0;
	int64_t s = 0;
	size_t i = negative ? 1 : 0, first = i;

	for (; i < n && p[i] != '.'; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -EINVAL;
		if (s <= TIME_MAX)
			s = s * 10 + (p[i] - '0');
	}
	if (i == first || (i < n && fraction(p + i + 1, n - i - 1, &ns) < 0))
		return -EINVAL;
	if (negative) {
		s = -s;
		if (ns) {
			s--;
			ns = 1000000000U - ns;
		}
	}
	*ret_s = tar_clamp_time(s);
	*ret_ns = ns;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "pkg/base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int digits(const char **s, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	const char *p = *s;

	for (; *p >= '0' && *p < (char)('0' + base); p++) {
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v) || v > max)
			return -ERANGE;
	}
	if (p == *s)
		return -EINVAL;
	*s = p;
	*ret = v;
	return 0;
}

static int whole(const char *s, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t v;
	int r = digits(&s, base, max, &v);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*ret = v;
	return 0;
}

int parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
	return whole(s, 10, max, ret);
}

int parse_u32(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	int r = whole(s, 10, max, &v);

	if (r == 0)
		*ret = (uint32_t)v;
	return r;
}

int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	uint64_t v;
	int neg = *s == '-';
	int64_t sv;
	int r = whole(s + neg, 10, INT64_MAX, &v);

	if (r < 0)
		return r;
	sv = neg ? -(int64_t)v : (int64_t)v;
	if (sv < min || sv > max)
		return -ERANGE;
	*ret = sv;
	return 0;
}

int parse_octal(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	int r = whole(s, 8, max, &v);

	if (r == 0)
		*ret = (uint32_t)v;
	return r;
}

/* ".25" as millionths, so sizes and durations need no floating point. */
static int fraction(const char **s, uint64_t *ret_millionths)
{
	uint64_t v = 0, scale = 100000;
	const char *p = *s;

	if (*p != '.') {
		*ret_millionths = 0;
		return 0;
	}
	for (p++; isdigit((unsigned char)*p); p++, scale /= 10)
		v += (uint64_t)(*p - '0') * scale;
	if (p == *s + 1)
		return -EINVAL;
	*s = p;
	*ret_millionths = v;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "bkmgtp";
	uint64_t v, frac, mult = 1, part;
	const char *u;
	int r;

	r = digits(&s, 10, UINT64_MAX, &v);
	if (r < 0)
		return r;
	r = fraction(&s, &frac);
	if (r < 0)
		return r;
	if (*s) {
		u = strchr(units, tolower((unsigned char)*s));
		if (!u)
			return -EINVAL;
		mult = 1ULL << (10 * (unsigned)(u - units));
		s++;
		if (mult > 1 && tolower((unsigned char)*s) == 'i')
			s++;
		if (mult > 1 && tolower((unsigned char)*s) == 'b')
			s++;
		if (*s)
			return -EINVAL;
	}
	if (__builtin_mul_overflow(v, mult, &v))
		return -ERANGE;
	part = (uint64_t)((unsigned __int128)frac * mult / 1000000);
	if (__builtin_add_overflow(v, part, &v) || v > INT64_MAX)
		return -ERANGE;
	*ret = v;
	return 0;
}

static int duration_unit(const char **s, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", 1000},
		{"µs", 1000},
		{"ms", 1000000},
		{"s", 1000000000},
		{"m", 60LL * 1000000000},
		{"h", 3600LL * 1000000000},
	};

	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(*s, units[i].name, n) == 0 && !isalpha((unsigned char)(*s)[n])) {
			*s += n;
			*ret_ns = units[i].ns;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_duration(const char *s, int64_t *ret_ns)
{
	int64_t total = 0, part, unit = 0;
	uint64_t v, frac = 0;
	int r;

	if (strcmp(s, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	if (!*s)
		return -EINVAL;
	while (*s) {
		r = digits(&s, 10, INT64_MAX, &v);
		if (r == 0)
			r = fraction(&s, &frac);
		if (r == 0)
			r = duration_unit(&s, &unit);
		if (r < 0)
			return r;
		if (__builtin_mul_overflow((int64_t)v, unit, &part) ||
		    __builtin_add_overflow(total, part, &total) ||
		    __builtin_add_overflow(total, (int64_t)((__int128)frac * unit / 1000000),
					   &total))
			return -ERANGE;
	}
	*ret_ns = total;
	return 0;
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = {"true", "1", "yes", "on", "t", "y"};
	static const char *const no[] = {"false", "0", "no", "off", "f", "n"};

	for (unsigned i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(s, yes[i]) == 0 || strcasecmp(s, no[i]) == 0) {
			*ret = strcasecmp(s, yes[i]) == 0;
			return 0;
		}
	}
	return -EINVAL;
}

#define SIGNALS(X)                                                                               \
	X(1, HUP)                                                                                \
	X(2, INT)                                                                                \
	X(3, QUIT)                                                                               \
	X(4, ILL)                                                                                \
	X(5, TRAP) X(6, ABRT) X(7, BUS) X(8, FPE) X(9, KILL) X(10, USR1) X(11, SEGV) X(12, USR2) \
		X(13, PIPE) X(14, ALRM) X(15, TERM) X(16, STKFLT) X(17, CHLD) X(18, CONT)        \
			X(19, STOP) X(20, TSTP) X(21, TTIN) X(22, TTOU) X(23, URG) X(24, XCPU)   \
				X(25, XFSZ) X(26, VTALRM) X(27, PROF) X(28, WINCH) X(29, IO)     \
					X(30, PWR) X(31, SYS)

static const char *const signal_names[] = {
#define X(n, name) [n] = "SIG" #name,
	SIGNALS(X)
#undef X
};

/* The kernel's numbers: SIGRTMIN of the C library is larger by the ones it keeps for itself. */
#define RT_MIN 34
#define RT_MAX 64

int parse_signal(const char *s, int *ret)
{
	uint32_t n;
	const char *name = strncasecmp(s, "SIG", 3) == 0 ? s + 3 : s;

	if (isdigit((unsigned char)*s)) {
		if (parse_u32(s, RT_MAX, &n) < 0 || n == 0)
			return -EINVAL;
		*ret = (int)n;
		return 0;
	}
	for (int i = 1; i < 32; i++) {
		if (strcasecmp(signal_names[i] + 3, name) == 0) {
			*ret = i;
			return 0;
		}
	}
	if (strncasecmp(name, "RTMIN", 5) == 0 || strncasecmp(name, "RTMAX", 5) == 0) {
		int up = strncasecmp(name, "RTMIN", 5) == 0;

		n = 0;
		name += 5;
		if (*name &&
		    (*name != (up ? '+' : '-') || parse_u32(name + 1, RT_MAX - RT_MIN, &n) < 0))
			return -EINVAL;
		*ret = up ? RT_MIN + (int)n : RT_MAX - (int)n;
		return 0;
	}
	return -EINVAL;
}

const char *signal_name(int sig)
{
	static char buf[16];

	if (sig > 0 && sig < 32)
		return signal_names[sig];
	(void)snprintf(buf, sizeof(buf), "SIG%d", sig);
	return buf;
}

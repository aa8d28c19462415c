/* SPDX-License-Identifier: MIT */
#include "pkg/base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pkg/base/auto.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void clock_format_utc(int64_t ns, char out[CLOCK_TEXT_MAX])
{
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;
	size_t n;

	if (ns == 0) {
		(void)snprintf(out, CLOCK_TEXT_MAX, "0001-01-01T00:00:00Z");
		return;
	}
	(void)gmtime_r(&s, &tm);
	n = strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, CLOCK_TEXT_MAX - n, ".%09lldZ", (long long)(ns % NS_PER_S));
}

void clock_format_rfc3339(int64_t ns, char out[CLOCK_TEXT_MAX])
{
	size_t n;

	clock_format_utc(ns, out);
	n = strlen(out) - 1; /* the Z */
	if (!memchr(out, '.', n))
		return;
	while (out[n - 1] == '0')
		n--;
	if (out[n - 1] == '.')
		n--;
	out[n++] = 'Z';
	out[n] = '\0';
}

static const char *read_fraction(const char *p, int64_t *ret_ns)
{
	int64_t scale = NS_PER_S / 10, v = 0;

	if (*p != '.') {
		*ret_ns = 0;
		return p;
	}
	for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
		v += (*p - '0') * scale;
	*ret_ns = v;
	return p;
}

static int parse_epoch(const char *s, int64_t *ret_ns)
{
	char *end;
	int64_t frac;
	long long sec = strtoll(s, &end, 10);
	const char *p = end;

	if (end == s || sec > INT64_MAX / NS_PER_S - 1 || sec < 0)
		return -EINVAL;
	p = read_fraction(p, &frac);
	if (*p)
		return -EINVAL;
	*ret_ns = sec * NS_PER_S + frac;
	return 0;
}

#define GO_ZERO (-62135596800LL) /* 0001-01-01T00:00:00Z */

/* 15, 15:04 and 15:04:05, as people shorten it; NULL: none of them. */
static const char *read_time(const char *p, struct tm *tm)
{
	static const char *const forms[] = {"%H:%M:%S", "%H:%M", "%H"};
	const char *end = NULL;

	for (size_t i = 0; !end && i < ARRAY_LEN(forms); i++)
		end = strptime(p, forms[i], tm);
	return end;
}

static int parse_instant(const char *s, bool local, int64_t *ret_ns)
{
	struct tm tm = {.tm_isdst = -1};
	int64_t frac, zone = 0, at;
	const char *p;

	if (strlen(s) < 10 || s[4] != '-')
		return parse_epoch(s, ret_ns);
	p = strptime(s, "%Y-%m-%d", &tm);
	if (!p)
		return -EINVAL;
	if (*p == 'T' || *p == 't' || *p == ' ') {
		p = read_time(p + 1, &tm);
		if (!p)
			return -EINVAL;
	}
	p = read_fraction(p, &frac);
	if (*p == 'Z' || *p == 'z') {
		p++;
		local = false;
	} else if (*p == '+' || *p == '-') {
		int h, m, used = 0;

		if (sscanf(p + 1, "%2d:%2d%n", &h, &m, &used) != 2 || used != 5)
			return -EINVAL;
		zone = (*p == '-' ? -1 : 1) * (h * 3600LL + m * 60LL);
		p += 6;
		local = false;
	}
	if (*p)
		return -EINVAL;
	at = local ? (int64_t)mktime(&tm) : (int64_t)timegm(&tm) - zone;
	if (at == GO_ZERO)
		*ret_ns = 0;
	else if (at > INT64_MAX / NS_PER_S - 1 || at < INT64_MIN / NS_PER_S + 1)
		return -EINVAL;
	else
		*ret_ns = at * NS_PER_S + frac;
	return 0;
}

int clock_parse(const char *s, int64_t *ret_ns)
{
	return parse_instant(s, false, ret_ns);
}

int clock_parse_local(const char *s, int64_t *ret_ns)
{
	return parse_instant(s, true, ret_ns);
}

void clock_format_span(int64_t span_ns, char out[CLOCK_TEXT_MAX])
{
	long long s = span_ns > 0 ? span_ns / NS_PER_S : 0;
	long long m = s / 60, h = (m + 30) / 60;

	if (s < 1)
		(void)snprintf(out, CLOCK_TEXT_MAX, "Less than a second");
	else if (s == 1)
		(void)snprintf(out, CLOCK_TEXT_MAX, "1 second");
	else if (s < 60)
		(void)snprintf(out, CLOCK_TEXT_MAX, "%lld seconds", s);
	else if (m == 1)
		(void)snprintf(out, CLOCK_TEXT_MAX, "About a minute");
	else if (m < 60)
		(void)snprintf(out, CLOCK_TEXT_MAX, "%lld minutes", m);
	else if (h == 1)
		(void)snprintf(out, CLOCK_TEXT_MAX, "About an hour");
	else if (h < 48)
		(void)snprintf(out, CLOCK_TEXT_MAX, "%lld hours", h);
	else if (h < 24 * 7 * 2)
		(void)snprintf(out, CLOCK_TEXT_MAX, "%lld days", h / 24);
	else if (h < 24 * 30 * 2)
		(void)snprintf(out, CLOCK_TEXT_MAX, "%lld weeks", h / 24 / 7);
	else if (h < 24 * 365 * 2)
		(void)snprintf(out, CLOCK_TEXT_MAX, "%lld months", h / 24 / 30);
	else
		(void)snprintf(out, CLOCK_TEXT_MAX, "%lld years", h / 24 / 365);
}

void clock_format_go(int64_t ns, char out[CLOCK_TEXT_MAX])
{
	char rfc[CLOCK_TEXT_MAX];

	clock_format_utc(ns, rfc);
	(void)snprintf(out, CLOCK_TEXT_MAX, "%.10s %.8s +0000 UTC", rfc, rfc + 11);
}

void clock_format_go_ns(int64_t ns, char out[CLOCK_TEXT_MAX])
{
	char rfc[CLOCK_TEXT_MAX];
	int n;

	clock_format_rfc3339(ns, rfc);
	n = (int)strcspn(rfc + 11, "Z");
	(void)snprintf(out, CLOCK_TEXT_MAX, "%.10s %.*s +0000 UTC", rfc, n > 18 ? 18 : n, rfc + 11);
}

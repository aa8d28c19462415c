/* SPDX-License-Identifier: MIT */
/* Wall-clock instants are int64_t nanoseconds since the epoch (UTC); 0 means "never". */
#pragma once
#include <stdint.h>

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define CLOCK_TEXT_MAX 40

int64_t clock_now_ns(void); /* CLOCK_REALTIME */
int64_t clock_monotonic_ns(void); /* CLOCK_MONOTONIC, for time-outs */
/** clock_format_utc() - RFC 3339 with nanoseconds and Z; 0 gives Go's zero "0001-01-01T00:00:00Z". */
void clock_format_utc(int64_t ns, char out[CLOCK_TEXT_MAX]);
/** clock_format_rfc3339() - the same as Go writes it in JSON: no zeros at the end of the fraction. */
void clock_format_rfc3339(int64_t ns, char out[CLOCK_TEXT_MAX]);
/** clock_format_go() - "2022-11-26 11:30:00 +0000 UTC", as Go prints an instant; whole seconds. */
void clock_format_go(int64_t ns, char out[CLOCK_TEXT_MAX]);
/** clock_format_go_ns() - the same with its fraction: "2022-11-26 11:30:00.5 +0000 UTC". */
void clock_format_go_ns(int64_t ns, char out[CLOCK_TEXT_MAX]);
/** clock_parse() - RFC 3339 (any zone or none for UTC, no fraction, no seconds or minutes, or only the day; years 1678..2261, and Go's zero as 0) or seconds[.fraction]; 0 or -EINVAL. */
int clock_parse(const char *s, int64_t *ret_ns);
/** clock_parse_local() - what somebody typed: without a zone it is the time on the wall here, as for podman and docker. */
int clock_parse_local(const char *s, int64_t *ret_ns);
/** clock_format_span() - "5 minutes", "About an hour", "3 weeks": what docker prints. */
void clock_format_span(int64_t span_ns, char out[CLOCK_TEXT_MAX]);

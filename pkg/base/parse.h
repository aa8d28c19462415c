/* SPDX-License-Identifier: MIT */
/*
 * Numbers from text, the only way: no leading blanks or signs, no trailing junk, no overflow.
 * Return 0, -EINVAL (malformed) or -ERANGE (over @max); no trail: the caller knows the words.
 * Outputs are untouched on failure. No allocation.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

int parse_u64(const char *s, uint64_t max, uint64_t *ret); /* decimal */
int parse_u32(const char *s, uint32_t max, uint32_t *ret); /* decimal */
int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret); /* decimal, '-' allowed */
int parse_octal(const char *s, uint32_t max, uint32_t *ret); /* file modes */
/** parse_size() - bytes: digits, optional fraction, optional b k m g t (or kb, kib …), 1024-based. */
int parse_size(const char *s, uint64_t *ret);
/** parse_duration() - Go durations ("1h2m3.5s", "300ms", "0") in nanoseconds. */
int parse_duration(const char *s, int64_t *ret_ns);
/** parse_bool() - true/false/1/0/yes/no/on/off (any case). */
int parse_bool(const char *s, bool *ret);
/** parse_signal() - "TERM", "SIGTERM", "15", "RTMIN+3"; 1..64. */
int parse_signal(const char *s, int *ret);
/** signal_name() - "SIGTERM"; static storage; "SIG<n>" where there is no name. */
const char *signal_name(int sig);

/* SPDX-License-Identifier: MIT */
/*
 * System call filters as BPF bytes, ready for seccomp(2). The default profile for the default
 * capabilities is compiled when cuddy is built and costs nothing at run time; any other is compiled
 * by our own compiler in well under a millisecond, so there is no cache that could be tampered with
 * or grow stale (threats K09).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"

/** seccomp_default_bytes() - the default profile for a bounding set of @caps (bit = number); @storage keeps the bytes if they had to be made. */
int seccomp_default_bytes(uint64_t caps, struct sbuf *storage, const void **ret, size_t *ret_len);

/**
 * seccomp_load_profile() - a profile in docker's JSON format, at most 1 MiB, compiled for @caps
 * -CE_BAD_FORMAT with the reason for anything that is not understood; never a weaker filter.
 */
int seccomp_load_profile(const char *path, uint64_t caps, struct sbuf *storage, const void **ret,
			 size_t *ret_len);
struct json_object;
/**
 * seccomp_describe() - "linux.seccomp" of a config.json: the profile at @path, or NULL: the default one
 * Never weaker than the filter; a few refusals have another errno.
 */
int seccomp_describe(const char *path, uint64_t caps, struct json_object **ret);
/**
 * seccomp_flags_parse() - "flags" of a profile as seccomp(2) has them
 * Those that only make sense with a listener are -CE_UNSUPPORTED, as listeners are.
 */
int seccomp_flags_parse(struct json_object *profile, uint32_t *ret);
/** seccomp_compile_profile() - the same on text in memory. */
int seccomp_compile_profile(const char *json, size_t n, uint64_t caps, struct sbuf *out);

/* SPDX-License-Identifier: MIT */
/* Capabilities of this process as 64-bit sets (bit = number). 0, or -errno with a trail. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define CAPS_ALL UINT64_MAX

struct caps {
	uint64_t effective, permitted, inheritable;
};

int caps_get(struct caps *ret);
int caps_set(const struct caps *c);
/** caps_last() - the highest capability this kernel knows. */
int caps_last(void);
/** caps_bound() - drop all but @keep from the bounding set (needs CAP_SETPCAP). */
int caps_bound(uint64_t keep);
/** caps_bounding() - the bounding set. */
uint64_t caps_bounding(void);
/** caps_ambient() - make the ambient set exactly @set (must be permitted and inheritable). */
int caps_ambient(uint64_t set);

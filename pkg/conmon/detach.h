/* SPDX-License-Identifier: MIT */
/* Recognising the detach keys in what somebody types. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct detach {
	char keys[32]; /* "" never matches */
	unsigned held; /* keys typed so far, held back */
};

/**
 * detach_feed() - pass typed bytes through, holding back what may become the keys
 * @out: room for @n + 32 bytes. Return: bytes put there; @ret_hit: the keys are complete and the
 * rest of @in is dropped.
 */
size_t detach_feed(struct detach *d, const char *in, size_t n, char *out, bool *ret_hit);

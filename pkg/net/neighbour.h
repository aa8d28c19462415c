/* SPDX-License-Identifier: MIT */
/*
 * Neighbor discovery (RFC 4861) on the side of the way out, for containers whose IPv6 addresses are not masked.
 *
 * slirp4netns asks whose a destination is, and believes whom an advertisement comes from instead of whom it is about
 * (libslirp 4.7): the kernel's proxy, which answers from an address of its own, is not understood. So we answer
 * from the address that was asked for.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

#define NEIGHBOUR_ADVERT 72U /* bytes of an answer, from its IPv6 header on */

/** neighbour_open() - hear solicitations that come in by @device. Return: a descriptor, never blocking, or -errno. */
int neighbour_open(const char *device);
/**
 * neighbour_answer() - read what was heard, and answer for the addresses that @ours says are ours.
 * Return: 0 or -errno: the device is gone, and the descriptor of no more use.
 */
int neighbour_answer(int fd, bool (*ours)(const void *data, const struct address *a),
		     const void *data);

/** neighbour_asked() - whom the solicitation @p, from its IPv6 header on, asks for; false: it is none (§7.1.1). */
bool neighbour_asked(const unsigned char *p, size_t n, struct address *ret);
/** neighbour_advert() - the answer to @p that @target has the link-layer address @mac. */
void neighbour_advert(const unsigned char *p, const struct address *target,
		      const unsigned char mac[6], unsigned char out[NEIGHBOUR_ADVERT]);

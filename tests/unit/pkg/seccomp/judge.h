/* SPDX-License-Identifier: MIT */
/* What a filter says of a made-up system call: an interpreter of classic BPF. Included after cmocka. */
#pragma once
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t word_at(const struct seccomp_data *d, uint32_t offset)
{
	uint32_t w;

	assert_in_range(offset, 0, sizeof(*d) - 4);
	memcpy(&w, (const char *)d + offset, 4);
	return w;
}

static inline uint32_t judge_at(const void *prog, size_t bytes, const struct seccomp_data *d)
{
	const struct sock_filter *f = prog;
	uint32_t a = 0;

	for (size_t pc = 0; pc < bytes / sizeof(*f);) {
		struct sock_filter i = f[pc++];

		switch (i.code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = word_at(d, i.k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i.k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i.k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i.k ? i.jt : i.jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i.k ? i.jt : i.jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > i.k ? i.jt : i.jf;
			break;
		case BPF_RET | BPF_K:
			return i.k;
		default:
			fail_msg("unexpected opcode 0x%x", i.code);
		}
	}
	fail_msg("ran off the end");
	return 0;
}

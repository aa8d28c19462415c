/* SPDX-License-Identifier: MIT */
/* threats: Z12. Random profiles, compiled, against the rules read one after the other; and damaged JSON profiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/audit.h>
#include <stdio.h>

#include "pkg/base/err.h"
#include "pkg/seccomp/filter.h"
#include "pkg/seccomp/seccomp.h"
#include "tests/unit/fuzz.h"
#include "tests/unit/pkg/seccomp/judge.h"

#define X32_BIT 0x40000000U
#define INSNS_MAX 4096

static const char *const calls[] = {
	"read",  "write", "openat",  "clone",     "clone3", "socket",          "kill",
	"mount", "ioctl", "mkdir",   "mmap2",     "futex",  "getrandom",       "socketcall",
	"prctl", "bpf",   "chown32", "open_tree", "time",   "arm_fadvise64_64"};
static const uint64_t values[] = {0,          1,           5,           0x7e020000, 0x80000000,
				  0xffffffff, 0x100000000, 0x100000005, UINT64_MAX, INT64_MAX};

static uint64_t some_value(struct fuzz *f)
{
	return fuzz_one_in(f, 4) ? fuzz_word(f) : values[fuzz_below(f, ARRAY_LEN(values))];
}

static uint32_t some_action(struct fuzz *f)
{
	static const uint32_t v[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1,
				     SECCOMP_RET_ERRNO | 38, SECCOMP_RET_KILL_THREAD,
				     SECCOMP_RET_LOG};

	return v[fuzz_below(f, ARRAY_LEN(v))];
}

static void make_profile(struct fuzz *f, struct sc_profile *p)
{
	unsigned n = (unsigned)fuzz_below(f, 60);

	*p = (struct sc_profile){.default_action = some_action(f),
				 .arches = 1U << SC_X86_64 | (unsigned)fuzz_below(f, 2) << SC_X86 |
					   (unsigned)fuzz_below(f, 2) << SC_X32};
	while (n-- > 0) {
		struct sc_cond c[SC_CONDS_MAX];
		unsigned n_conds = fuzz_one_in(f, 2) ? 0
						     : (unsigned)fuzz_below(f, SC_CONDS_MAX + 1);

		for (unsigned i = 0; i < n_conds; i++)
			c[i] = (struct sc_cond){.index = (unsigned)fuzz_below(f, 6),
						.op = (enum sc_op)fuzz_below(f, SC_MASKED_EQ + 1),
						.value = some_value(f),
						.value2 = some_value(f)};
		sc_add(p, calls[fuzz_below(f, ARRAY_LEN(calls))], some_action(f), c, n_conds);
	}
}

static bool holds(const struct sc_cond *c, uint64_t arg)
{
	switch (c->op) {
	case SC_EQ:
		return arg == c->value;
	case SC_NE:
		return arg != c->value;
	case SC_LT:
		return arg < c->value;
	case SC_LE:
		return arg <= c->value;
	case SC_GE:
		return arg >= c->value;
	case SC_GT:
		return arg > c->value;
	case SC_MASKED_EQ:
		return (arg & c->value) == c->value2;
	}
	return false;
}

static uint32_t oracle(const struct sc_profile *p, const struct seccomp_data *d)
{
	enum sc_arch arch = d->arch == AUDIT_ARCH_I386           ? SC_X86
			    : ((uint32_t)d->nr & ~(X32_BIT - 1)) ? SC_X32
								 : SC_X86_64;

	if ((d->arch != AUDIT_ARCH_I386 && d->arch != AUDIT_ARCH_X86_64) ||
	    !(p->arches & 1U << arch))
		return SECCOMP_RET_KILL_PROCESS;
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct sc_rule *r = &p->rules[i];
		bool all = sc_number(arch, r->name) == d->nr && d->nr != SC_NO_SYSCALL;

		for (unsigned k = 0; k < r->n_conds && all; k++)
			all = holds(&r->conds[k], d->args[r->conds[k].index]);
		if (all)
			return r->action;
	}
	return p->default_action;
}

static int some_number(struct fuzz *f)
{
	static const enum sc_arch arches[] = {SC_X86_64, SC_X86, SC_X32};

	switch (fuzz_below(f, 8)) {
	case 0:
		return (int)fuzz_below(f, 600);
	case 1:
		return (int)(X32_BIT | fuzz_below(f, 600));
	case 2:
		return (int)(uint32_t)fuzz_word(f);
	default:
		return sc_number(arches[fuzz_below(f, 3)], calls[fuzz_below(f, ARRAY_LEN(calls))]);
	}
}

static void a_compiled_profile_says_what_its_rules_say(void **state)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "seccomp", 800); fuzz_more(&f);) {
		struct sc_profile p;
		int r;

		make_profile(&f, &p);
		sbuf_reset(&out);
		r = sc_compile(&p, &out);
		assert_int_equal(r, 0);
		assert_in_range(out.len / sizeof(struct sock_filter), 1, INSNS_MAX);
		for (unsigned i = 0; i < 200; i++) {
			static const uint32_t arches[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64,
							  AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0};
			struct seccomp_data d = {.nr = some_number(&f),
						 .arch = arches[fuzz_below(&f, ARRAY_LEN(arches))]};
			uint32_t want, got;

			for (unsigned k = 0; k < 6; k++)
				d.args[k] = some_value(&f);
			want = oracle(&p, &d);
			got = judge_at(out.s, out.len, &d);
			if (want != got)
				fail_msg("arch %x nr %x: rules say %x, the filter %x", d.arch,
					 (unsigned)d.nr, want, got);
		}
		sc_profile_done(&p);
	}
}

/* Damage makes a filter that the kernel would take, or an error; never a crash. */
static void damaged_json_is_an_error_or_a_filter(void **state)
{
	static const struct fuzz_text corpus[] = {
		FUZZ_TEXT(
			"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"archMap\":["
			"{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":"
			"[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]}],\"syscalls\":[{\"names\":["
			"\"read\",\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[],"
			"\"includes\":{},"
			"\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},{\"names\":[\"clone\"],"
			"\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":2114060288,"
			"\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},{\"names\":[\"clone3\"],"
			"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}]}"),
		FUZZ_TEXT("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_"
			  "X86_64\"],\"syscalls\":[{\"name\":\"kill\",\"action\":\"SCMP_ACT_KILL_"
			  "PROCESS\","
			  "\"args\":[{\"index\":5,\"value\":18446744073709551615,\"op\":\"SCMP_CMP_"
			  "GE\"}]}]}"),
	};
	static const struct fuzz_text words[] = {
		FUZZ_TEXT("99999999999999999999"),
		FUZZ_TEXT("-1"),
		FUZZ_TEXT("no_such_call"),
		FUZZ_TEXT("SCMP_ARCH_ARM"),
		FUZZ_TEXT("SCMP_ACT_TRACE"),
		FUZZ_TEXT("SCMP_CMP_LT"),
		FUZZ_TEXT("\"minKernel\":\"4.8\","),
		FUZZ_TEXT("null"),
		FUZZ_TEXT("{\"caps\":[\"CAP_SYS_ADMIN\"]}"),
	};
	AUTO_SBUF struct sbuf in = SBUF_INIT, out = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "seccomp JSON", 6000); fuzz_more(&f);) {
		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		sbuf_reset(&out);
		if (seccomp_compile_profile(in.s, in.len, fuzz_one_in(&f, 2) ? 0 : UINT64_MAX,
					    &out) < 0) {
			assert_true(*err_trail());
			err_drop();
			continue;
		}
		assert_in_range(out.len / sizeof(struct sock_filter), 1, INSNS_MAX);
		for (unsigned i = 0; i < 20; i++) {
			struct seccomp_data d = {.nr = some_number(&f),
						 .arch = AUDIT_ARCH_X86_64,
						 .args = {some_value(&f)}};

			(void)judge_at(out.s, out.len, &d); /* ends, at a return */
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
		cmocka_unit_test(a_compiled_profile_says_what_its_rules_say),
#endif
		cmocka_unit_test(damaged_json_is_an_error_or_a_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

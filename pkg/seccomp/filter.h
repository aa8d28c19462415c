/* SPDX-License-Identifier: MIT */
/*
 * Rules and their compiler. A profile is a default action and rules in order; for one system call
 * the first rule whose conditions all hold decides. The compiler makes, per architecture, a binary
 * tree over intervals of numbers, since the kernel runs the filter once per number at load time.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/sbuf.h"

enum sc_arch { SC_X86_64, SC_X86, SC_X32, SC_AARCH64, SC_ARM, SC_ARCH_COUNT };
#define SC_NO_SYSCALL (-1)

/** sc_number() - of system call @name on @arch; SC_NO_SYSCALL when it has none. */
int sc_number(enum sc_arch arch, const char *name);
/** sc_name_is_known() - on any architecture. */
bool sc_name_is_known(const char *name);
/** sc_native_arches() - bits of those this machine can run. */
unsigned sc_native_arches(void);
/** sc_arch_of() - "SCMP_ARCH_X86_64" or "amd64"; -1 when it is none of ours. */
int sc_arch_of(const char *name);

enum sc_op { SC_EQ, SC_NE, SC_LT, SC_LE, SC_GE, SC_GT, SC_MASKED_EQ };
struct sc_cond {
	unsigned index; /* 0..5 */
	enum sc_op op;
	uint64_t value; /* SC_MASKED_EQ: (arg & value) == value2 */
	uint64_t value2;
};

/** sc_op_name(), sc_arch_name() - in libseccomp's words: "SCMP_CMP_EQ", "SCMP_ARCH_X86". */
const char *sc_op_name(enum sc_op op);
const char *sc_arch_name(enum sc_arch arch);

#define SC_CONDS_MAX 6
struct sc_rule {
	char name[40];
	uint32_t action; /* SECCOMP_RET_* with its data */
	unsigned n_conds;
	struct sc_cond conds[SC_CONDS_MAX];
};

struct sc_profile {
	uint32_t default_action;
	unsigned arches; /* bits of enum sc_arch; all others are killed */
	struct sc_rule *rules;
	size_t n_rules, cap;
};
#define SC_RULES_MAX 20000

void sc_profile_done(struct sc_profile *p);
void sc_add(struct sc_profile *p, const char *name, uint32_t action, const struct sc_cond *conds,
	    unsigned n_conds);
/** sc_compile() - append an array of struct sock_filter; -CE_LIMIT when it is too long for the kernel. */
int sc_compile(const struct sc_profile *p, struct sbuf *out);

/** sc_load() - a profile in docker's format. Free with sc_profile_done() also after a failure. */
int sc_load(const char *path, uint64_t caps, struct sc_profile *ret);

/** sc_policy() - the default profile for a capability set. */
void sc_policy(uint64_t caps, struct sc_profile *ret);
/** sc_policy_caps() - the bits of @caps that the default profile depends on. */
uint64_t sc_policy_caps(uint64_t caps);

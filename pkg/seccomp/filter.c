/* SPDX-License-Identifier: MIT */
/*
 * The compiler. Layout of a filter:
 *
 *	load arch;  one test per kernel architecture → its tree;  otherwise KILL_PROCESS
 *	tree:       load number;  JGE tests down to a leaf
 *	leaf:       RET action, or the call's rules one after the other (loads and tests of arguments)
 *
 * Jumps of BPF reach 255 instructions; a longer one becomes a test over an unconditional jump.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/seccomp/filter.h"

#define INSNS_MAX 4096 /* the kernel's limit */
#define X32_BIT 0x40000000U

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "argument words are laid out for little endian"
#endif

struct insns {
	struct sock_filter v[INSNS_MAX];
	unsigned n;
	bool overflow;
};

/* What one number leads to: consecutive numbers with the same end become one interval. */
struct leaf {
	uint32_t start; /* first number */
	const struct sc_rule **rules; /* NULL: the default action */
	unsigned n;
};

static unsigned put(struct insns *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->n >= INSNS_MAX) {
		p->overflow = true;
		return 0;
	}
	p->v[p->n] = (struct sock_filter){code, jt, jf, k};
	return p->n++;
}

static void put_ret(struct insns *p, uint32_t action)
{
	(void)put(p, BPF_RET | BPF_K, action, 0, 0);
}

/* --- conditions ---------------------------------------------------------------------------- */

/* Jumps to "this rule does not apply", patched when its end is known. */
struct fixups {
	unsigned at[SC_CONDS_MAX * 2];
	bool on_true[SC_CONDS_MAX * 2];
	unsigned n;
};

static void test(struct insns *p, struct fixups *f, uint16_t op, uint32_t k, bool fail_on_true)
{
	f->at[f->n] = put(p, BPF_JMP | op | BPF_K, k, 0, 0);
	f->on_true[f->n++] = fail_on_true;
}

static void load_word(struct insns *p, unsigned index, bool high)
{
	(void)put(p, BPF_LD | BPF_W | BPF_ABS,
		  (uint32_t)(offsetof(struct seccomp_data, args) + index * 8 + (high ? 4 : 0)), 0,
		  0);
}

static void put_cond(struct insns *p, struct fixups *f, const struct sc_cond *c)
{
	uint32_t hi = (uint32_t)(c->value >> 32), lo = (uint32_t)c->value;

	load_word(p, c->index, true);
	switch (c->op) {
	case SC_MASKED_EQ:
		(void)put(p, BPF_ALU | BPF_AND | BPF_K, hi, 0, 0);
		test(p, f, BPF_JEQ, (uint32_t)(c->value2 >> 32), false);
		load_word(p, c->index, false);
		(void)put(p, BPF_ALU | BPF_AND | BPF_K, lo, 0, 0);
		test(p, f, BPF_JEQ, (uint32_t)c->value2, false);
		return;
	case SC_EQ:
		test(p, f, BPF_JEQ, hi, false);
		load_word(p, c->index, false);
		test(p, f, BPF_JEQ, lo, false);
		return;
	case SC_NE:
		(void)put(p, BPF_JMP | BPF_JEQ | BPF_K, hi, 0, 2); /* other high word: holds */
		load_word(p, c->index, false);
		test(p, f, BPF_JEQ, lo, true);
		return;
	case SC_GE:
	case SC_GT:
		(void)put(p, BPF_JMP | BPF_JGT | BPF_K, hi, 3, 0); /* larger high word: holds */
		test(p, f, BPF_JEQ, hi, false);
		load_word(p, c->index, false);
		test(p, f, c->op == SC_GE ? BPF_JGE : BPF_JGT, lo, false);
		return;
	case SC_LT:
	case SC_LE:
		test(p, f, BPF_JGT, hi, true);
		(void)put(p, BPF_JMP | BPF_JEQ | BPF_K, hi, 0, 2); /* smaller high word: holds */
		load_word(p, c->index, false);
		test(p, f, c->op == SC_LT ? BPF_JGE : BPF_JGT, lo, true);
		return;
	}
}

static void put_rule(struct insns *p, const struct sc_rule *r)
{
	struct fixups f = {.n = 0};

	for (unsigned i = 0; i < r->n_conds; i++)
		put_cond(p, &f, &r->conds[i]);
	put_ret(p, r->action);
	for (unsigned i = 0; i < f.n && !p->overflow; i++) {
		uint8_t d = (uint8_t)(p->n - f.at[i] -
				      1); /* at most 6 conditions of 6 instructions */

		if (f.on_true[i])
			p->v[f.at[i]].jt = d;
		else
			p->v[f.at[i]].jf = d;
	}
}

/* --- the tree ------------------------------------------------------------------------------ */

static void put_leaf(struct insns *p, const struct sc_profile *prof, const struct leaf *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		put_rule(p, l->rules[i]);
		if (l->rules[i]->n_conds == 0)
			return;
	}
	put_ret(p, prof->default_action);
}

static void put_tree(struct insns *p, const struct sc_profile *prof, const struct leaf *l,
		     unsigned n)
{
	unsigned mid = n / 2, at, left;

	if (n == 1) {
		put_leaf(p, prof, l);
		return;
	}
	at = put(p, BPF_JMP | BPF_JGE | BPF_K, l[mid].start, 0, 1);
	(void)put(p, BPF_JMP | BPF_JA, 0, 0, 0);
	put_tree(p, prof, l, mid);
	if (p->overflow)
		return;
	left = p->n - at - 2;
	if (left <= 255) { /* near enough: drop the unconditional jump */
		memmove(&p->v[at + 1], &p->v[at + 2], left * sizeof(p->v[0]));
		p->n--;
		p->v[at].jt = (uint8_t)left;
		p->v[at].jf = 0;
	} else {
		p->v[at + 1].k = left;
	}
	put_tree(p, prof, l + mid, n - mid);
}

/* --- leaves -------------------------------------------------------------------------------- */

struct numbered {
	uint32_t number;
	size_t order;
	const struct sc_rule *rule;
};

static int by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static bool same_end(const struct leaf *l, uint32_t default_action,
		     const struct sc_rule *const *rules, unsigned n)
{
	uint32_t a = l->n ? l->rules[0]->action : default_action,
		 b = n ? rules[0]->action : default_action;

	if ((l->n && l->rules[0]->n_conds) || (n && rules[0]->n_conds))
		return false;
	return a == b;
}

static void add_leaf(struct leaf *l, size_t *n, uint32_t start, const struct sc_rule **rules,
		     unsigned n_rules, uint32_t default_action)
{
	if (*n && same_end(&l[*n - 1], default_action, rules, n_rules))
		return;
	l[(*n)++] = (struct leaf){.start = start, .rules = rules, .n = n_rules};
}

/* The tree of the architectures in @arches, which share one kernel architecture (x32 lives in x86_64's). */
static void put_arch(struct insns *p, const struct sc_profile *prof, unsigned arches)
{
	struct numbered *v = xcalloc(prof->n_rules * 2 + 1, sizeof(*v));
	const struct sc_rule **rules = xcalloc(prof->n_rules * 2 + 1, sizeof(*rules));
	struct leaf *l = xcalloc(prof->n_rules * 4 + 4, sizeof(*l));
	static const struct sc_rule killed = {.action = SECCOMP_RET_KILL_PROCESS};
	static const struct sc_rule *kill_rule[1] = {&killed};
	size_t n = 0, leaves = 0;
	bool has_x32 = arches & (1U << SC_X32);

	for (unsigned a = 0; a < SC_ARCH_COUNT; a++) {
		for (size_t i = 0; (arches & (1U << a)) && i < prof->n_rules; i++) {
			int nr = sc_number((enum sc_arch)a, prof->rules[i].name);

			if (nr != SC_NO_SYSCALL)
				v[n++] = (struct numbered){(uint32_t)nr, i, &prof->rules[i]};
		}
	}
	qsort(v, n, sizeof(*v), by_number);
	for (size_t i = 0; i < n; i++)
		rules[i] = v[i].rule;
	add_leaf(l, &leaves, 0, NULL, 0, prof->default_action);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && v[end].number == v[i].number; end++)
			;
		if (leaves == 1 && v[i].number == 0)
			leaves = 0;
		add_leaf(l, &leaves, v[i].number, &rules[i], (unsigned)(end - i),
			 prof->default_action);
		if (end == n || v[end].number != v[i].number + 1)
			add_leaf(l, &leaves, v[i].number + 1, NULL, 0, prof->default_action);
	}
	if ((arches & (1U << SC_X86_64)) && !has_x32)
		add_leaf(l, &leaves, X32_BIT, kill_rule, 1, prof->default_action);
	(void)put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	put_tree(p, prof, l, (unsigned)leaves);
	free(v);
	free(rules);
	free(l);
}

int sc_compile(const struct sc_profile *prof, struct sbuf *out)
{
	static const struct {
		uint32_t audit;
		unsigned arches;
	} kernel[] = {
		{AUDIT_ARCH_X86_64, 1U << SC_X86_64 | 1U << SC_X32},
		{AUDIT_ARCH_I386, 1U << SC_X86},
		{AUDIT_ARCH_AARCH64, 1U << SC_AARCH64},
		{AUDIT_ARCH_ARM, 1U << SC_ARM},
	};
	AUTO_FREE struct insns *p = xcalloc(1, sizeof(*p));

	for (unsigned i = 0; i < ARRAY_LEN(kernel); i++) {
		unsigned arches = kernel[i].arches & prof->arches, at;

		if (!arches)
			continue;
		(void)put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
		(void)put(p, BPF_JMP | BPF_JEQ | BPF_K, kernel[i].audit, 1, 0);
		at = put(p, BPF_JMP | BPF_JA, 0, 0, 0);
		put_arch(p, prof, arches);
		if (p->overflow)
			break;
		p->v[at].k = p->n - at - 1;
	}
	put_ret(p, SECCOMP_RET_KILL_PROCESS);
	if (p->overflow)
		return err_new(-CE_LIMIT, "the filter needs more than %d instructions", INSNS_MAX);
	sbuf_add(out, p->v, p->n * sizeof(p->v[0]));
	return 0;
}

void sc_add(struct sc_profile *p, const char *name, uint32_t action, const struct sc_cond *conds,
	    unsigned n_conds)
{
	struct sc_rule *r;

	if (p->n_rules == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 512;
		p->rules = xreallocarray(p->rules, p->cap, sizeof(*p->rules));
	}
	r = &p->rules[p->n_rules++];
	*r = (struct sc_rule){.action = action, .n_conds = n_conds};
	strncpy(r->name, name, sizeof(r->name) - 1);
	for (unsigned i = 0; i < n_conds; i++)
		r->conds[i] = conds[i];
}

void sc_profile_done(struct sc_profile *p)
{
	free(p->rules);
	*p = (struct sc_profile){0};
}

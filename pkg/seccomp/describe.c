/* SPDX-License-Identifier: MIT */
/*
 * Filters as runtime-spec writes them ("linux.seccomp"), for runtimes of others, which give them to
 * libseccomp. There the order of rules means nothing, and a rule without conditions takes the place of
 * all others of its call; so what our own profile says by order is said in other words.
 */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/seccomp/filter.h"
#include "pkg/seccomp/seccomp.h"

#define FIRST_ARGUMENTS 64 /* all there are of socket(2)'s families, with room */

static void set_action(struct json_object *o, const char *key, const char *errno_key,
		       uint32_t action)
{
	static const struct {
		uint32_t action;
		const char *name;
	} names[] = {{SECCOMP_RET_ALLOW, "SCMP_ACT_ALLOW"},
		     {SECCOMP_RET_LOG, "SCMP_ACT_LOG"},
		     {SECCOMP_RET_TRACE, "SCMP_ACT_TRACE"},
		     {SECCOMP_RET_ERRNO, "SCMP_ACT_ERRNO"},
		     {SECCOMP_RET_TRAP, "SCMP_ACT_TRAP"},
		     {SECCOMP_RET_KILL_THREAD, "SCMP_ACT_KILL_THREAD"},
		     {SECCOMP_RET_KILL_PROCESS, "SCMP_ACT_KILL_PROCESS"}};
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].action == kind)
			json_set_str(o, key, names[i].name);
	if (kind == SECCOMP_RET_ERRNO || kind == SECCOMP_RET_TRACE)
		json_set_i64(o, errno_key, action & SECCOMP_RET_DATA);
}

static struct json_object *conditions(const struct sc_cond *c, unsigned n)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_i64(o, "index", c[i].index);
		json_set(o, "value", json_object_new_uint64(c[i].value));
		json_set(o, "valueTwo", json_object_new_uint64(c[i].value2));
		json_set_str(o, "op", sc_op_name(c[i].op));
		(void)json_object_array_add(a, o);
	}
	return a;
}

static void add_rule(struct json_object *rules, const char *name, uint32_t action,
		     const struct sc_cond *c, unsigned n)
{
	struct json_object *o = json_object_new_object(), *names = json_object_new_array();

	(void)json_object_array_add(names, json_object_new_string(name));
	json_set(o, "names", names);
	set_action(o, "action", "errnoRet", action);
	if (n)
		json_set(o, "args", conditions(c, n));
	(void)json_object_array_add(rules, o);
}

static bool allows(uint32_t action)
{
	return action == SECCOMP_RET_ALLOW;
}

/* The last word of the profile about this call, which has conditions too; NULL: it has none. */
static const struct sc_rule *otherwise(const struct sc_profile *p, const char *name)
{
	const struct sc_rule *last = NULL;
	bool conditional = false;

	for (size_t i = 0; i < p->n_rules; i++) {
		if (strcmp(p->rules[i].name, name) != 0)
			continue;
		if (p->rules[i].n_conds)
			conditional = true;
		else
			last = &p->rules[i];
	}
	return conditional ? last : NULL;
}

static bool is_refused(const struct sc_profile *p, const char *name, uint64_t value)
{
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct sc_rule *r = &p->rules[i];

		if (r->n_conds == 1 && strcmp(r->name, name) == 0 && r->conds[0].value2 == value)
			return true;
	}
	return false;
}

/* "All but these": each of those that remain. Compared in the 32 bits that the kernel looks at. */
static void add_remaining(const struct sc_profile *p, const char *name, struct json_object *rules)
{
	for (unsigned v = 0; v < FIRST_ARGUMENTS; v++) {
		const struct sc_cond c = {
			.index = 0, .op = SC_MASKED_EQ, .value = UINT32_MAX, .value2 = v};

		if (!is_refused(p, name, v))
			add_rule(rules, name, SECCOMP_RET_ALLOW, &c, 1);
	}
}

static void add_own(const struct sc_profile *p, const struct sc_rule *r, struct json_object *rules)
{
	const struct sc_rule *last = otherwise(p, r->name);

	if (!last)
		add_rule(rules, r->name, r->action, NULL, 0);
	else if (!allows(last->action) && r != last) /* what is not allowed is refused anyway */
		add_rule(rules, r->name, r->action, r->conds, r->n_conds);
	else if (allows(last->action) && r == last)
		add_remaining(p, r->name, rules);
}

static struct json_object *arches(unsigned bits)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < SC_ARCH_COUNT; i++)
		if (bits >> i & 1)
			(void)json_object_array_add(
				a, json_object_new_string(sc_arch_name((enum sc_arch)i)));
	return a;
}

int seccomp_describe(const char *path, uint64_t caps, struct json_object **ret)
{
	struct json_object *o, *rules;
	struct sc_profile p = {0};
	int r = 0;

	if (path)
		r = sc_load(path, caps, &p);
	else
		sc_policy(caps, &p);
	if (r < 0) {
		sc_profile_done(&p);
		return r;
	}
	o = json_object_new_object();
	rules = json_object_new_array();
	set_action(o, "defaultAction", "defaultErrnoRet", p.default_action);
	json_set(o, "architectures", arches(p.arches));
	for (size_t i = 0; i < p.n_rules; i++) {
		const struct sc_rule *x = &p.rules[i];

		if (path)
			add_rule(rules, x->name, x->action, x->conds, x->n_conds);
		else
			add_own(&p, x, rules);
	}
	json_set(o, "syscalls", rules);
	sc_profile_done(&p);
	*ret = o;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Profiles in docker's JSON format. Strict: an action, operator, architecture key or condition that is
 * not understood refuses the profile. A name that nobody knows is skipped only where the default
 * action refuses it anyway (threats K04).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/utsname.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/json/json.h"
#include "pkg/seccomp/filter.h"
#include "pkg/seccomp/seccomp.h"
#include "pkg/sys/file.h"

#define PROFILE_MAX (1U << 20)

static int bad(const char *what, const char *word)
{
	return err_new(-CE_BAD_FORMAT, "seccomp profile: %s '%s' is not understood", what, word);
}

static int parse_action(const char *s, uint32_t errno_ret, uint32_t *ret)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
		{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
		{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
		{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
		{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
		{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
		{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
	};

	for (unsigned i = 0; i < ARRAY_LEN(actions); i++) {
		if (strcmp(s, actions[i].name) != 0)
			continue;
		*ret = actions[i].action;
		if (*ret == SECCOMP_RET_ERRNO || *ret == SECCOMP_RET_TRACE)
			*ret |= errno_ret;
		return 0;
	}
	return bad("action", s);
}

static int get_errno(struct json_object *o, const char *key, uint32_t *ret)
{
	uint64_t v = *ret;
	int r = json_get_u64(o, key, &v);

	if (r < 0)
		return r;
	if (v > 4095)
		return err_new(-CE_BAD_FORMAT, "seccomp profile: %s is larger than any errno", key);
	*ret = (uint32_t)v;
	return 0;
}

static const char *const ops[] = {
	[SC_EQ] = "SCMP_CMP_EQ",
	[SC_NE] = "SCMP_CMP_NE",
	[SC_LT] = "SCMP_CMP_LT",
	[SC_LE] = "SCMP_CMP_LE",
	[SC_GE] = "SCMP_CMP_GE",
	[SC_GT] = "SCMP_CMP_GT",
	[SC_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

const char *sc_op_name(enum sc_op op)
{
	return ops[op];
}

static int parse_cond(struct json_object *o, struct sc_cond *ret)
{
	const char *op = "";
	uint64_t index = UINT64_MAX;
	int r = json_get_u64(o, "index", &index);

	*ret = (struct sc_cond){0};
	if (r == 0)
		r = json_get_u64(o, "value", &ret->value);
	if (r == 0)
		r = json_get_u64(o, "valueTwo", &ret->value2);
	if (r == 0)
		r = json_get_str(o, "op", &op);
	if (r < 0)
		return err_wrap(r, "seccomp profile: args");
	if (index > 5)
		return err_new(-CE_BAD_FORMAT, "seccomp profile: args have an index from 0 to 5");
	ret->index = (unsigned)index;
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
		if (strcmp(op, ops[i]) == 0) {
			ret->op = (enum sc_op)i;
			return 0;
		}
	}
	return bad("operator", op);
}

static const char *const cap_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

static int has_cap(const char *name, uint64_t caps, bool *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(cap_names); i++) {
		if (strcmp(name, cap_names[i]) == 0) {
			*ret = caps >> i & 1;
			return 0;
		}
	}
	return bad("capability", name);
}

/* "4.8": is the running kernel at least that? */
static int kernel_at_least(const char *want, bool *ret)
{
	unsigned a, b, x, y;
	struct utsname u;
	char rest;

	if (sscanf(want, "%u.%u%c", &a, &b, &rest) != 2)
		return bad("minKernel", want);
	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &x, &y) != 2)
		return err_new(-CE_BAD_FORMAT, "version of the running kernel");
	*ret = x > a || (x == a && y >= b);
	return 0;
}

/* "includes" (@want true: all must hold) or "excludes" (any that holds drops the rule). */
static int filter_applies(struct json_object *rule, const char *key, bool want, uint64_t caps,
			  bool *ret)
{
	AUTO_STRV struct strv names = STRV_INIT, arches = STRV_INIT;
	struct json_object *o = NULL;
	const char *kernel = NULL;
	bool hit = false, any = false;
	int r = json_get_obj(rule, key, &o);

	if (r < 0 || !o)
		return r;
	r = json_get_strv(o, "caps", &names);
	if (r == 0)
		r = json_get_strv(o, "arches", &arches);
	if (r == 0)
		r = json_get_str(o, "minKernel", &kernel);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = has_cap(names.v[i], caps, &hit);
		if (r == 0 && hit != want)
			*ret = false;
	}
	if (r == 0 && kernel) {
		r = kernel_at_least(kernel, &hit);
		if (r == 0 && hit != want)
			*ret = false;
	}
	for (size_t i = 0; i < arches.n; i++) {
		int a = sc_arch_of(arches.v[i]);

		any = any || (a >= 0 && (sc_native_arches() >> a & 1));
	}
	if (arches.n && any != want)
		*ret = false;
	return r;
}

static int add_conditions(struct sc_profile *p, const char *name, uint32_t action,
			  const struct sc_cond *c, unsigned n)
{
	bool repeated = false;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < i; j++)
			repeated = repeated || c[i].index == c[j].index;
	/* Two conditions on one argument are alternatives in this format, else all must hold. */
	if (repeated)
		for (unsigned i = 0; i < n; i++)
			sc_add(p, name, action, &c[i], 1);
	else
		sc_add(p, name, action, c, n);
	if (p->n_rules > SC_RULES_MAX)
		return err_new(-CE_LIMIT, "seccomp profile: more than %d rules", SC_RULES_MAX);
	return 0;
}

static int parse_args(struct json_object *rule, struct sc_cond conds[SC_CONDS_MAX], unsigned *ret_n)
{
	struct json_object *args = NULL;
	int r = json_get_arr(rule, "args", &args);
	size_t n;

	*ret_n = 0;
	if (r < 0 || !args)
		return r;
	n = json_object_array_length(args);
	if (n > SC_CONDS_MAX)
		return err_new(-CE_BAD_FORMAT, "seccomp profile: more than %d args", SC_CONDS_MAX);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct json_object *a = json_object_array_get_idx(args, i);

		r = json_object_is_type(a, json_type_object)
			    ? parse_cond(a, &conds[i])
			    : bad("args entry", json_object_to_json_string(a));
	}
	*ret_n = (unsigned)n;
	return r;
}

static int parse_rule(struct sc_profile *p, struct json_object *rule, uint32_t default_errno,
		      uint64_t caps)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct sc_cond conds[SC_CONDS_MAX];
	const char *name = NULL, *action = "";
	uint32_t e = default_errno, act = 0;
	bool applies = true;
	unsigned n;
	int r = json_get_strv(rule, "names", &names);

	if (r == 0)
		r = json_get_str(rule, "name", &name);
	if (r == 0)
		r = json_get_str(rule, "action", &action);
	if (r == 0)
		r = get_errno(rule, "errnoRet", &e);
	if (r == 0)
		r = parse_action(action, e, &act);
	if (r == 0)
		r = parse_args(rule, conds, &n);
	if (r == 0)
		r = filter_applies(rule, "includes", true, caps, &applies);
	if (r == 0)
		r = filter_applies(rule, "excludes", false, caps, &applies);
	if (name)
		strv_add(&names, name);
	for (size_t i = 0; r == 0 && applies && i < names.n; i++) {
		bool allows = act == SECCOMP_RET_ALLOW || act == SECCOMP_RET_LOG;

		if (sc_name_is_known(names.v[i]))
			r = add_conditions(p, names.v[i], act, conds, n);
		else if (!allows && (p->default_action == SECCOMP_RET_ALLOW ||
				     p->default_action == SECCOMP_RET_LOG))
			r = bad("system call", names.v[i]);
	}
	return r;
}

static int parse_arches(struct json_object *o, struct sc_profile *p)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct json_object *map = NULL;
	int r = json_get_strv(o, "architectures", &names);

	if (r == 0)
		r = json_get_arr(o, "archMap", &map);
	if (r < 0)
		return r;
	for (size_t i = 0; map && i < json_object_array_length(map); i++) {
		struct json_object *m = json_object_array_get_idx(map, i);
		const char *arch = "";

		r = json_object_is_type(m, json_type_object)
			    ? json_get_str(m, "architecture", &arch)
			    : -CE_BAD_FORMAT;
		if (r < 0)
			return err_wrap(r, "seccomp profile: archMap");
		if (sc_arch_of(arch) < 0 || !(sc_native_arches() >> sc_arch_of(arch) & 1))
			continue;
		strv_add(&names, arch);
		r = json_get_strv(m, "subArchitectures", &names);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < names.n; i++) {
		int a = sc_arch_of(names.v[i]);

		if (a < 0 && strncmp(names.v[i], "SCMP_ARCH_", 10) != 0)
			return bad("architecture", names.v[i]);
		if (a >= 0)
			p->arches |= 1U << a & sc_native_arches();
	}
	/* Its own architecture is always covered, as libseccomp's filters do. */
	p->arches |= sc_native_arches() & (1U << SC_X86_64 | 1U << SC_AARCH64);
	return 0;
}

int seccomp_flags_parse(struct json_object *profile, uint32_t *ret)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} known[] = {{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
		     {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
		     {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW}};
	AUTO_STRV struct strv names = STRV_INIT;
	int r = json_get_strv(profile, "flags", &names);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		unsigned k = 0;

		while (k < ARRAY_LEN(known) && strcmp(names.v[i], known[k].name) != 0)
			k++;
		if (k == ARRAY_LEN(known))
			return err_new(-CE_UNSUPPORTED, "seccomp profile: flag %s", names.v[i]);
		*ret |= known[k].flag;
	}
	return r;
}

static int parse_profile(struct json_object *o, uint64_t caps, struct sc_profile *p)
{
	struct json_object *rules = NULL;
	const char *action = "", *listener = NULL;
	uint32_t e = EPERM;
	int r = json_get_str(o, "defaultAction", &action);

	if (r == 0)
		r = get_errno(o, "defaultErrnoRet", &e);
	if (r == 0)
		r = parse_action(action, e, &p->default_action);
	if (r == 0)
		r = json_get_str(o, "listenerPath", &listener);
	if (r == 0 && listener && *listener)
		return err_new(-CE_UNSUPPORTED, "seccomp profile: listenerPath");
	if (r == 0)
		r = parse_arches(o, p);
	if (r == 0)
		r = json_get_arr(o, "syscalls", &rules);
	for (size_t i = 0; r == 0 && rules && i < json_object_array_length(rules); i++) {
		struct json_object *rule = json_object_array_get_idx(rules, i);

		r = json_object_is_type(rule, json_type_object)
			    ? parse_rule(p, rule, EPERM, caps)
			    : bad("syscalls entry", json_object_to_json_string(rule));
	}
	return r;
}

static int parse_text(const char *json, size_t n, uint64_t caps, struct sc_profile *p)
{
	AUTO_JSON struct json_object *o = NULL;
	int r = json_parse(json, n, &o);

	if (r < 0)
		return err_wrap(r, "seccomp profile");
	if (!json_object_is_type(o, json_type_object))
		return err_new(-CE_BAD_FORMAT, "seccomp profile: not an object");
	return parse_profile(o, caps, p);
}

int sc_load(const char *path, uint64_t caps, struct sc_profile *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = file_read_at(AT_FDCWD, path, PROFILE_MAX, &text);

	if (r == 0)
		r = parse_text(text.s, text.len, caps, ret);
	return r < 0 ? err_wrap(r, "%s", path) : 0;
}

int seccomp_compile_profile(const char *json, size_t n, uint64_t caps, struct sbuf *out)
{
	struct sc_profile p = {0};
	int r = parse_text(json, n, caps, &p);

	if (r == 0)
		r = sc_compile(&p, out);
	sc_profile_done(&p);
	return r;
}

int seccomp_load_profile(const char *path, uint64_t caps, struct sbuf *storage, const void **ret,
			 size_t *ret_len)
{
	struct sc_profile p = {0};
	int r = sc_load(path, caps, &p);

	if (r == 0)
		r = sc_compile(&p, storage);
	sc_profile_done(&p);
	if (r < 0)
		return r;
	*ret = storage->s;
	*ret_len = storage->len;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* From a parsed config.json to the plan that pkg/runtime executes. */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/bundle/internal.h"
#include "pkg/json/json.h"
#include "pkg/oci/linux_names.h"
#include "pkg/seccomp/seccomp.h"

_Static_assert((int)OCI_HOOK_PRESTART == (int)RT_HOOK_PRESTART &&
		       (int)OCI_HOOK_POSTSTOP == (int)RT_HOOK_POSTSTOP,
	       "the stages of hooks are the same");

/* --- a process -------------------------------------------------------------------------------- */

/* One of another kernel is not given: the spec wants a warning and no failure. */
static uint64_t cap_mask(struct bundle *b, const struct strv *names)
{
	uint64_t all = 0, one = 0;

	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i];
		AUTO_FREE char *words = NULL;

		if (strncmp(name, "CAP_", 4) == 0 && caps_parse(name, &one) == 0) {
			all |= one;
			continue;
		}
		err_drop();
		words = xasprintf("process.capabilities: \"%s\" is not known and not given", name);
		if (!strv_has(&b->warnings, words))
			strv_add(&b->warnings, words);
	}
	return all;
}

static int plan_rlimits(struct bundle *b, const struct oci_process *o, struct rt_process *ret)
{
	struct rt_rlimit *l = bundle_keep(b, o->n_rlimits, sizeof(*l));

	for (unsigned i = 0; i < o->n_rlimits; i++) {
		const char *type = o->rlimits[i].type;
		AUTO_FREE char *name = NULL;

		if (strncmp(type, "RLIMIT_", 7) == 0)
			name = xstrdup(type + 7);
		for (char *p = name; p && *p; p++)
			*p = (char)tolower((unsigned char)*p);
		if (!name || !rlimit_find(name, strlen(name), &l[i].resource))
			return err_new(-CE_BAD_FORMAT, "process.rlimits: \"%s\"", type);
		if (o->rlimits[i].soft > o->rlimits[i].hard)
			return err_new(-CE_BAD_FORMAT, "process.rlimits: %s: soft above hard",
				       type);
		l[i].soft = o->rlimits[i].soft;
		l[i].hard = o->rlimits[i].hard;
	}
	ret->rlimits = l;
	ret->n_rlimits = o->n_rlimits;
	return 0;
}

static int plan_seccomp(struct bundle *b, struct rt_process *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r;

	if (!b->spec.seccomp)
		return 0;
	if (!b->seccomp.len) {
		json_write(b->spec.seccomp, false, &text);
		r = seccomp_compile_profile(text.s, text.len, ret->caps, &b->seccomp);
		if (r < 0)
			return err_wrap(r, "linux.seccomp");
	}
	ret->seccomp = b->seccomp.s;
	ret->seccomp_len = b->seccomp.len;
	r = seccomp_flags_parse(b->spec.seccomp, &ret->seccomp_flags);
	return r < 0 ? err_wrap(r, "linux.seccomp") : 0;
}

static void plan_scheduling(const struct oci_scheduling *o, struct rt_scheduling *ret)
{
	*ret = (struct rt_scheduling){.has_policy = o->has_policy,
				      .policy = o->policy,
				      .priority = o->priority,
				      .nice = o->nice,
				      .flags = o->flags,
				      .runtime_ns = o->runtime_ns,
				      .deadline_ns = o->deadline_ns,
				      .period_ns = o->period_ns,
				      .io = o->io_class << 13 | o->io_priority,
				      .cpus_before = o->cpus_initial,
				      .cpus_before_len = OCI_CPUS_MAX / 8,
				      .cpus = o->cpus_final,
				      .cpus_len = OCI_CPUS_MAX / 8};
}

static void plan_groups(struct bundle *b, const struct oci_process *o, struct rt_process *ret)
{
	const char **groups = bundle_keep(b, (size_t)o->n_groups + 1, sizeof(*groups));

	for (unsigned i = 0; i < o->n_groups; i++)
		groups[i] = bundle_keep_str(b, xasprintf("%u", o->groups[i]));
	ret->groups = groups;
}

int bundle_process(struct bundle *b, const struct oci_process *o, struct rt_process *ret)
{
	const char *keep = strv_env_get(&b->spec.annotations, "run.oci.keep_original_groups");
	int r;

	if (o->selinux && *o->selinux)
		return err_new(-CE_UNSUPPORTED, "process.selinuxLabel");
	*ret = (struct rt_process){
		.argv = bundle_strings(&o->args),
		.envp = bundle_strings(&o->env),
		.cwd = o->cwd,
		.make_cwd = true,
		.user = bundle_keep_str(b, xasprintf("%u:%u", o->uid, o->gid)),
		.keep_groups = keep && strcmp(keep, "1") == 0,
		.umask = o->umask,
		.terminal = o->terminal,
		.rows = (uint16_t)o->rows,
		.cols = (uint16_t)o->cols,
		.no_new_privs = o->no_new_privileges,
		.own_sets = true,
		.caps = cap_mask(b, &o->caps[OCI_CAP_BOUNDING]),
		.effective = cap_mask(b, &o->caps[OCI_CAP_EFFECTIVE]),
		.permitted = cap_mask(b, &o->caps[OCI_CAP_PERMITTED]),
		.inheritable = cap_mask(b, &o->caps[OCI_CAP_INHERITABLE]),
		.ambient = cap_mask(b, &o->caps[OCI_CAP_AMBIENT]),
		.has_oom_score_adj = o->has_oom_score_adj,
		.oom_score_adj = (int32_t)o->oom_score_adj,
		.linux32 = b->spec.personality && strcmp(b->spec.personality, "LINUX32") == 0,
		.apparmor = o->apparmor && *o->apparmor && strcmp(o->apparmor, "unconfined") != 0
				    ? o->apparmor
				    : NULL,
		.outlives = true,
	};
	if (o->has_oom_score_adj && (o->oom_score_adj < -1000 || o->oom_score_adj > 1000))
		return err_new(-CE_BAD_FORMAT, "process.oomScoreAdj: not from -1000 to 1000");
	plan_groups(b, o, ret);
	plan_scheduling(&o->scheduling, &ret->scheduling);
	r = plan_rlimits(b, o, ret);
	return r < 0 ? r : plan_seccomp(b, ret);
}

/* --- the rest --------------------------------------------------------------------------------- */

void bundle_hooks(struct bundle *b, const char *id)
{
	struct rt_hook *hooks = bundle_keep(b, b->spec.n_hooks, sizeof(*hooks));
	AUTO_JSON struct json_object *state = json_object_new_object();
	struct sbuf text = SBUF_INIT;

	for (unsigned i = 0; i < b->spec.n_hooks; i++) {
		const struct oci_hook *h = &b->spec.hooks[i];

		hooks[i] = (struct rt_hook){.stage = (enum rt_hook_stage)h->stage,
					    .path = h->path,
					    .argv = bundle_strings(&h->args),
					    .envp = bundle_strings(&h->env),
					    .timeout_s = h->timeout_s};
	}
	b->plan.hooks = hooks;
	b->plan.n_hooks = b->spec.n_hooks;
	json_set_str(state, "ociVersion", OCI_RUNTIME_VERSION);
	json_set_str(state, "id", id);
	json_set_str(state, "bundle", b->dir);
	json_set(state, "annotations", json_from_map(&b->spec.annotations));
	json_write(state, false, &text);
	text.s[--text.len] = '\0'; /* its closing brace; the opening one is left out below */
	b->plan.hook_state = bundle_keep_str(b, xstrdup(text.s + 1));
	sbuf_done(&text);
}

/* Only what belongs to a namespace of the container's: the rest is the host's. */
static int check_sysctl(const struct rt_plan *p, const char *s)
{
	static const struct {
		const char *prefix;
		enum rt_ns_kind ns;
	} known[] = {
		{"net.", RT_NS_NET},        {"kernel.shm", RT_NS_IPC}, {"kernel.msg", RT_NS_IPC},
		{"kernel.sem=", RT_NS_IPC}, {"fs.mqueue.", RT_NS_IPC},
	};

	for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
		if (strncmp(s, known[i].prefix, strlen(known[i].prefix)) != 0)
			continue;
		if (p->ns[known[i].ns].mode == RT_NS_HOST)
			break;
		return 0;
	}
	return err_new(-CE_UNSUPPORTED, "linux.sysctl: %s: not of a namespace of this container's",
		       s);
}

static int plan_names(struct bundle *b)
{
	struct rt_plan *p = &b->plan;
	const char *name = b->spec.hostname, *domain = b->spec.domainname;

	if (((name && *name) || (domain && *domain)) && p->ns[RT_NS_UTS].mode != RT_NS_NEW)
		return err_new(-CE_BAD_FORMAT, "hostname: without a new uts namespace");
	if ((name && strlen(name) > 64) || (domain && strlen(domain) > 64))
		return err_new(-CE_BAD_FORMAT, "hostname: longer than 64 bytes");
	p->hostname = name && *name ? name : NULL;
	p->domainname = domain && *domain ? domain : NULL;
	for (size_t i = 0; i < b->spec.sysctls.n; i++) {
		int r = check_sysctl(p, b->spec.sysctls.v[i]);

		if (r < 0)
			return r;
	}
	p->sysctls = bundle_strings(&b->spec.sysctls);
	return 0;
}

static int check_paths(const char *what, const struct strv *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		if (*paths->v[i] != '/')
			return err_new(-CE_BAD_FORMAT, "%s: \"%s\" is not absolute", what,
				       paths->v[i]);
	return 0;
}

static int refuse(const struct oci_spec *s)
{
	if (!s->has_process)
		return err_new(-CE_BAD_FORMAT, "\"process\" is missing");
	if (s->mount_label && *s->mount_label)
		return err_new(-CE_UNSUPPORTED, "linux.mountLabel");
	if (s->personality && strcmp(s->personality, "LINUX") != 0 &&
	    strcmp(s->personality, "LINUX32") != 0)
		return err_new(-CE_UNSUPPORTED, "linux.personality %s", s->personality);
	if (s->personality_flags.n)
		return err_new(-CE_UNSUPPORTED, "linux.personality: flag %s",
			       s->personality_flags.v[0]);
	if (s->has_intel_rdt)
		return err_new(-CE_UNSUPPORTED, "linux.intelRdt");
	return 0;
}

int bundle_plan(struct bundle *b, const char *id, const struct bundle_host *h)
{
	struct rt_plan *p = &b->plan;
	int r = refuse(&b->spec);

	p->id = bundle_keep_str(b, xstrdup(id));
	p->hold = true;
	p->net.mode = NET_NONE;
	if (r == 0)
		r = bundle_namespaces(b, h);
	if (r == 0)
		r = bundle_mounts(b, h);
	if (r == 0)
		r = bundle_devices(b);
	if (r == 0)
		r = plan_names(b);
	if (r == 0)
		r = check_paths("linux.maskedPaths", &b->spec.masked);
	if (r == 0)
		r = check_paths("linux.readonlyPaths", &b->spec.read_only);
	p->masked = bundle_strings(&b->spec.masked);
	p->read_only = bundle_strings(&b->spec.read_only);
	if (r == 0)
		bundle_hooks(b, id);
	if (r == 0)
		r = bundle_process(b, &b->spec.process, &p->process);
	return r < 0 ? err_wrap(r, "config.json") : 0;
}

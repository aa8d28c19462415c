/* SPDX-License-Identifier: MIT */
/* "process" of a config.json, and what exec --process reads. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/runtime_spec.h"
#include "pkg/oci/runtime_spec_internal.h"

#define GROUPS_MAX 1024U
#define RLIMITS_MAX 64U

static const char *const cap_sets[OCI_CAP_SETS] = {
	[OCI_CAP_BOUNDING] = "bounding",       [OCI_CAP_EFFECTIVE] = "effective",
	[OCI_CAP_INHERITABLE] = "inheritable", [OCI_CAP_PERMITTED] = "permitted",
	[OCI_CAP_AMBIENT] = "ambient",
};

void oci_process_done(struct oci_process *p)
{
	strv_done(&p->args);
	strv_done(&p->env);
	for (unsigned i = 0; i < OCI_CAP_SETS; i++)
		strv_done(&p->caps[i]);
	free(p->groups);
	free(p->rlimits);
	oci_scheduling_done(&p->scheduling);
	memset(p, 0, sizeof(*p));
}

static int parse_user(struct json_object *o, struct oci_process *p)
{
	struct json_object *a, *umask_ = NULL;
	unsigned n;
	int r = oci_u32(o, "uid", &p->uid);

	if (r == 0)
		r = oci_u32(o, "gid", &p->gid);
	p->umask = 022;
	if (r == 0)
		r = oci_u32(o, "umask", &p->umask);
	if (r == 0 && p->umask > 0777)
		r = err_new(-CE_BAD_FORMAT, "\"umask\" is larger than 0777");
	p->has_umask = json_object_object_get_ex(o, "umask", &umask_) && umask_;
	if (r == 0)
		r = oci_array(o, "additionalGids", GROUPS_MAX, &a, &n);
	if (r < 0)
		return r;
	p->groups = xcalloc((size_t)n + 1, sizeof(*p->groups));
	for (unsigned i = 0; i < n; i++) {
		struct json_object *v = json_object_array_get_idx(a, i);

		if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0 ||
		    json_object_get_int64(v) > UINT32_MAX)
			return err_new(-CE_BAD_FORMAT, "\"additionalGids\" holds what is no id");
		p->groups[p->n_groups++] = (uint32_t)json_object_get_int64(v);
	}
	return 0;
}

static int parse_rlimits(struct json_object *o, struct oci_process *p)
{
	struct json_object *a;
	unsigned n;
	int r = oci_array(o, "rlimits", RLIMITS_MAX, &a, &n);

	p->rlimits = xcalloc((size_t)n + 1, sizeof(*p->rlimits));
	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct json_object *l = json_object_array_get_idx(a, i);
		struct oci_rlimit *rl = &p->rlimits[i];

		rl->type = "";
		r = json_get_str(l, "type", &rl->type);
		if (r == 0)
			r = json_get_u64(l, "soft", &rl->soft);
		if (r == 0)
			r = json_get_u64(l, "hard", &rl->hard);
		for (unsigned k = 0; r == 0 && k < i; k++)
			if (strcmp(p->rlimits[k].type, rl->type) == 0)
				r = err_new(-CE_BAD_FORMAT, "rlimit %s twice", rl->type);
		p->n_rlimits = i + 1;
	}
	return r;
}

static int parse_size(struct json_object *o, struct oci_process *p)
{
	struct json_object *size = NULL;
	int r = json_get_obj(o, "consoleSize", &size);

	if (r < 0 || !size)
		return r;
	r = oci_u32(size, "height", &p->rows);
	if (r == 0)
		r = oci_u32(size, "width", &p->cols);
	if (r == 0 && (p->rows > UINT16_MAX || p->cols > UINT16_MAX))
		r = err_new(-CE_BAD_FORMAT, "\"consoleSize\" is no terminal's");
	return r;
}

static int parse_caps(struct json_object *o, struct oci_process *p)
{
	struct json_object *caps = NULL;
	int r = json_get_obj(o, "capabilities", &caps);

	p->has_caps = caps != NULL;
	for (unsigned i = 0; r == 0 && caps && i < OCI_CAP_SETS; i++)
		r = json_get_strv(caps, cap_sets[i], &p->caps[i]);
	return r;
}

static bool has_member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) && v;
}

static int parse_all(struct json_object *o, struct oci_process *p)
{
	struct json_object *user = NULL;
	int r = json_get_bool(o, "terminal", &p->terminal);

	p->umask = 022;
	if (r == 0)
		r = parse_size(o, p);
	if (r == 0)
		r = json_get_obj(o, "user", &user);
	if (r == 0 && user)
		r = parse_user(user, p);
	if (r == 0)
		r = json_get_strv(o, "args", &p->args);
	if (r == 0)
		r = json_get_strv(o, "env", &p->env);
	if (r == 0)
		r = json_get_str(o, "cwd", &p->cwd);
	if (r == 0)
		r = parse_caps(o, p);
	if (r == 0)
		r = parse_rlimits(o, p);
	if (r == 0)
		r = json_get_bool(o, "noNewPrivileges", &p->no_new_privileges);
	if (r == 0)
		r = json_get_str(o, "apparmorProfile", &p->apparmor);
	if (r == 0)
		r = json_get_str(o, "selinuxLabel", &p->selinux);
	if (r < 0)
		return r;
	p->has_oom_score_adj = has_member(o, "oomScoreAdj");
	r = json_get_i64(o, "oomScoreAdj", &p->oom_score_adj);
	return r < 0 ? r : oci_scheduling_parse(o, &p->scheduling);
}

int oci_process_parse(struct json_object *o, struct oci_process *ret)
{
	int r = parse_all(o, ret);

	if (r == 0 && ret->args.n == 0)
		r = err_new(-CE_BAD_FORMAT, "\"args\" is empty");
	if (r == 0 && (!ret->cwd || *ret->cwd != '/'))
		r = err_new(-CE_BAD_FORMAT, "\"cwd\" is no absolute path");
	return r < 0 ? err_wrap(r, "process") : 0;
}

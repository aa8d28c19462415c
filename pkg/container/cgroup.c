/* SPDX-License-Identifier: MIT */
#include "pkg/container/cgroup.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/make.h"

static int check_conf(const struct container_request *q, struct container_record *r)
{
	for (size_t i = 0; i < q->cgroup_conf.n; i++) {
		const char *s = q->cgroup_conf.v[i];
		/* Capitals are those of hugetlb.2MB.max. */
		size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._BGKM");

		if (!n || s[n] != '=' || !s[n + 1] || !strchr(s, '.') || *s == '.')
			return err_usage("--cgroup-conf '%s': write FILE=VALUE with a file of "
					 "cgroup v2, such as memory.high=100000000",
					 s);
		strv_add(&r->cgroup_conf, s);
	}
	return 0;
}

/* For systemd's sake a cgroup is written to where there is one; who asks for it must get it. */
static int check_writable(const struct container_record *r)
{
	if (!r->writable_cgroups || (cgroup_is_v2() && strcmp(r->ns_cgroup, "private") == 0 &&
				     container_gets_cgroup(r)))
		return 0;
	return err_usage("--security-opt writable-cgroups needs a cgroup (v2) and a cgroup namespace of the "
			 "container's own: %s",
			 cgroup_is_v2() ? "use --cgroupns private and a --cgroups other than disabled, "
					  "where 'cuddy doctor' finds a cgroup manager"
					: "this machine has version 1");
}

int make_cgroup(const struct container_request *q, struct container_record *r)
{
	struct cgroup_start s;
	enum cgroup_manager m;
	int rc = limits_merge(&q->limits, r);

	if (rc == 0)
		rc = check_conf(q, r);
	if (rc < 0)
		return rc;
	if (q->cgroup_manager && cgroup_manager_parse(q->cgroup_manager, &m) < 0)
		return err_usage("--cgroup-manager '%s': use systemd, cgroupfs or none",
				 q->cgroup_manager);
	r->cgroup_manager = q->cgroup_manager ? xstrdup(q->cgroup_manager) : NULL;
	if (q->cgroups && strcmp(q->cgroups, "enabled") != 0)
		r->cgroups = xstrdup(q->cgroups);
	if (q->cgroup_parent && *q->cgroup_parent)
		r->cgroup_parent = xstrdup(q->cgroup_parent);
	rc = cgroup_start_init(r, NULL, &s);
	if (rc == 0)
		cgroup_start_done(&s);
	return rc < 0 ? rc : check_writable(r);
}

static int place(void *data, pid_t monitor, const char **ret_dir)
{
	struct cgroup_start *s = data;
	int r = cgroup_make(&s->request, monitor, &s->made);

	if (r == 0)
		*ret_dir = s->made.dir.s;
	return r;
}

static bool is_wanted(const struct cgroup_request *q)
{
	return q->mode != CGROUP_DISABLED &&
	       (q->manager == CGROUP_AUTO ? cgroup_manager_here() : q->manager) != CGROUP_NONE;
}

bool container_gets_cgroup(const struct container_record *rec)
{
	const struct limit_files none = {0};
	struct cgroup_request q;

	if (limits_request(rec, CGROUP_AUTO, &none, &q) < 0) {
		err_drop();
		return false;
	}
	return is_wanted(&q);
}

int cgroup_start_init(const struct container_record *rec, const struct container_record *infra,
		      struct cgroup_start *ret)
{
	struct cgroup_start s = {.made = CGROUP_MADE_INIT};
	int r = limits_files(rec, &s.files);

	if (rec->is_infra)
		infra = rec;
	if (r == 0)
		r = limits_request(rec, CGROUP_AUTO, &s.files, &s.request);
	if (r == 0 && infra)
		r = limits_pod_files(infra, &s.pod_files);
	if (r == 0 && s.pod_files.n) {
		s.request.pod = rec->pod ? rec->pod : "";
		s.request.pod_limits = s.pod_files.v;
		s.request.n_pod_limits = s.pod_files.n;
	}
	if (r == 0)
		r = cgroup_check(&s.request);
	if (r < 0) {
		limits_files_done(&s.files);
		limits_files_done(&s.pod_files);
		return r;
	}
	s.wanted = is_wanted(&s.request);
	*ret = s;
	ret->place = (struct conmon_place){.place = place, .data = ret};
	return 0;
}

void cgroup_start_done(struct cgroup_start *s)
{
	cgroup_made_done(&s->made);
	limits_files_done(&s->files);
	limits_files_done(&s->pod_files);
}

/* Not the recorded one: a container with a systemd of its own moves its processes further down. */
char *container_cgroup(const struct container *c)
{
	AUTO_SBUF struct sbuf dir = SBUF_INIT;

	if (!*c->state.cgroup || !container_is_running(c))
		return NULL;
	if (conmon_is_pinned(&c->state))
		return xstrdup(c->state.cgroup);
	if (cgroup_of(c->state.init.pid, &dir) < 0) {
		err_drop();
		return NULL;
	}
	return sbuf_steal(&dir);
}

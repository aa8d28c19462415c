/* SPDX-License-Identifier: MIT */
#include "pkg/container/runtime.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/bundle/from_plan.h"
#include "pkg/container/make.h"
#include "pkg/json/json.h"
#include "pkg/seccomp/seccomp.h"

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* [engine.runtimes]: "crun=/usr/bin/crun", as the configuration lists them; the first that is there. */
static char *listed(const struct strv *runtimes, const char *name, bool *ret_known)
{
	size_t n = strlen(name);

	for (size_t i = 0; runtimes && i < runtimes->n; i++) {
		const char *s = runtimes->v[i];

		if (strncmp(s, name, n) != 0 || s[n] != '=')
			continue;
		*ret_known = true;
		if (is_program(s + n + 1))
			return path_absolute(s + n + 1);
	}
	return NULL;
}

static char *usual(const char *name)
{
	static const char *const dirs[] = {
		"/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char *path = path_join(dirs[i], name);

		if (is_program(path))
			return path;
		free(path);
	}
	return NULL;
}

static int find_program(const struct container_request *q, char **ret)
{
	const char *name = q->runtime;
	bool known = false;

	if (strchr(name, '/')) {
		*ret = is_program(name) ? path_absolute(name) : NULL;
	} else {
		*ret = listed(q->runtimes, name, &known);
		if (!*ret && !known)
			*ret = usual(name);
	}
	return *ret ? 0
		    : err_usage(
			      "--runtime '%s': there is no such program; name one by its path, or "
			      "install it (crun, runc)",
			      name);
}

/* What they are not told, or could not do: better refused than left out in silence. */
static int check(const struct container_request *q, const struct container_record *r)
{
	if (q->init && !r->init_path)
		return err_usage("--runtime %s with --init: our own init is part of our own "
				 "runtime; name a program with --init-path",
				 q->runtime);
	if (strncmp(r->ns_user, "auto", 4) == 0 || strcmp(r->ns_user, "nomap") == 0)
		return err_usage("--runtime %s with --userns %s: as nobody in the container you "
				 "lock the runtime out of your own directories",
				 q->runtime, r->ns_user);
	if (q->pod_id || q->is_infra)
		return err_usage("--runtime %s with --pod: what the containers of a pod share is "
				 "in reach of our own runtime only",
				 q->runtime);
	if (strncmp(r->ns_ipc, "container:", 10) == 0)
		return err_usage("--runtime %s with --ipc %s: the other container's /dev/shm is in "
				 "reach of our own runtime only",
				 q->runtime, r->ns_ipc);
	if (r->egress.n)
		return err_usage("--runtime %s with --egress: the namespace that keeps root inside "
				 "away from the list is our own runtime's",
				 q->runtime);
	for (unsigned i = 0; i < r->n_mounts; i++)
		if (r->mounts[i].kind == MOUNT_TMPFS && (r->mounts[i].flags & RT_MNT_CHOWN))
			return err_usage("--runtime %s: a tmpfs with U on %s is something that "
					 "only our own runtime has",
					 q->runtime, r->mounts[i].target);
	return 0;
}

int make_runtime(const struct container_request *q, struct container_record *r)
{
	int rc;

	if (!q->runtime || !*q->runtime || strcmp(q->runtime, "cuddy") == 0)
		return q->runtime_flags.n || (q->more_runtime_flags && q->more_runtime_flags->n)
			       ? err_usage("--runtime-flag: our own runtime has no flags; name "
					   "another one with --runtime")
			       : 0;
	rc = find_program(q, &r->runtime);
	if (rc == 0)
		rc = check(q, r);
	if (rc < 0)
		return rc;
	r->runtime_name = xstrdup(q->runtime);
	for (size_t i = 0; q->more_runtime_flags && i < q->more_runtime_flags->n; i++)
		strv_addf(&r->runtime_flags, "--%s", q->more_runtime_flags->v[i]);
	for (size_t i = 0; i < q->runtime_flags.n; i++)
		strv_addf(&r->runtime_flags, "--%s", q->runtime_flags.v[i]);
	return 0;
}

static bool is_crun(const char *program)
{
	return strcmp(path_base(program), "crun") == 0;
}

/* It is born in the container's cgroup, or there is none: nobody else makes one. */
static void add_flags(const struct container_record *rec, struct container_plan *p)
{
	bool given = false;

	for (size_t i = 0; i < rec->runtime_flags.n; i++) {
		const char *s = rec->runtime_flags.v[i];

		given = given || strncmp(s, "--cgroup-manager", 16) == 0 ||
			strncmp(s, "--systemd-cgroup", 16) == 0;
	}
	if (is_crun(rec->runtime) && !given)
		strv_add(&p->runtime_flags, "--cgroup-manager=disabled");
	strv_add_all(&p->runtime_flags, &rec->runtime_flags);
}

static int check_kept(const struct rt_process *p)
{
	for (unsigned i = 0; i < p->n_keep_fds; i++)
		if (p->keep_fds[i] != 3 + i)
			return err_usage("--preserve-fd: with --runtime they are those from 3 on, "
					 "without a gap");
	return 0;
}

int plan_runtime(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	AUTO_JSON struct json_object *seccomp = NULL;
	AUTO_STRV struct strv annotations = STRV_INIT;
	struct rt_foreign *f = &p->rt.foreign;
	char *parts[3];
	int r = 0;

	if (!rec->runtime)
		return 0;
	add_flags(rec, p);
	f->flags = (const char *const *)p->runtime_flags.v;
	f->dir = in->dirs->runtime_path;
	strv_add_all(&annotations, &rec->annotations);
	if (p->rt.process.keep_groups)
		strv_env_set(&annotations, "run.oci.keep_original_groups=1");
	r = check_kept(&p->rt.process);
	if (r == 0 && p->rt.process.seccomp)
		r = seccomp_describe(rec->seccomp, rec->caps, &seccomp);
	if (r == 0)
		r = bundle_for_runtime(&p->rt, seccomp, &annotations, parts);
	if (r < 0)
		return err_wrap(r, "--runtime %s", rec->runtime_name);
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++)
		f->config[i] = plan_keep(p, parts[i]);
	f->program = rec->runtime;
	return 0;
}

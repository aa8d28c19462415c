/* SPDX-License-Identifier: MIT */
/* --pod: what a container that is to be in a pod takes over from it. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/pod/internal.h"

void pod_joined_done(struct pod_joined *j)
{
	pod_record_done(&j->pod);
	free(j->mode);
	free(j->name);
	strv_done(&j->requires);
	strv_done(&j->volumes_from);
	strv_done(&j->security_opts);
	strv_done(&j->env);
	strv_done(&j->devices);
	*j = (struct pod_joined){0};
}

/* new:NAME: the pod gets what the container asked for and pods have. */
static int make_new(struct store *st, const char *name, struct container_request *q,
		    struct pod_joined *j)
{
	struct pod_request p = {.name = *name ? name : NULL,
				.restart = q->restart,
				.pod_id_file = q->pod_id_file,
				.infra = {.stop_timeout = STOP_TIMEOUT_DEFAULT,
					  .read_only_tmpfs = -1,
					  .oom_score_adj = INT64_MIN,
					  .passwd = -1,
					  .limits = LIMIT_REQUEST_DEFAULTS,
					  .networks = q->networks,
					  .ip = q->ip,
					  .ip6 = q->ip6,
					  .mac = q->mac,
					  .aliases = q->aliases,
					  .links = q->links,
					  .publish = q->publish,
					  .add_host = q->add_host,
					  .dns = q->dns,
					  .dns_search = q->dns_search,
					  .dns_option = q->dns_option,
					  .no_hosts = q->no_hosts,
					  .hostname = q->hostname,
					  .userns = q->userns,
					  .uidmap = q->uidmap,
					  .gidmap = q->gidmap}};
	int r;

	q->pod_id_file = NULL;
	r = pod_create(st, &p, &j->pod);
	if (r < 0)
		return err_wrap(r, "--pod new:%s", name);
	j->made = true;
	/* The lists stay the option table's. */
	q->networks = q->aliases = q->links = q->publish = q->add_host = q->uidmap = q->gidmap =
		(struct strv)STRV_INIT;
	q->dns = q->dns_search = q->dns_option = (struct strv)STRV_INIT;
	q->ip = q->ip6 = q->mac = q->hostname = q->userns = NULL;
	return 0;
}

/* What the pod has decided; the flag that contradicts it. */
static const char *contradiction(const struct pod_record *pod, const struct container_request *q)
{
	if (q->userns || q->uidmap.n || q->gidmap.n || q->subuidname || q->subgidname)
		return "--userns";
	if (pod_shares(pod, "net")) {
		if (q->publish.n || q->publish_all)
			return "--publish";
		if (q->networks.n && strcmp(q->networks.v[0], "pod") != 0)
			return "--network";
		if (q->ip || q->ip6 || q->mac)
			return "--ip";
		if (q->links.n)
			return "--link";
		if (q->aliases.n)
			return "--network-alias";
		if (q->add_host.n)
			return "--add-host";
		if (q->dns.n || q->dns_search.n || q->dns_option.n)
			return "--dns";
	}
	if (pod_shares(pod, "uts") && q->hostname)
		return "--hostname";
	if (pod->limited && q->cgroup_parent)
		return "--cgroup-parent";
	return NULL;
}

static void share(const struct pod_record *pod, const char *what, const char *mode, const char **to)
{
	if (!*to && pod_shares(pod, what))
		*to = mode;
}

static void take_over(struct container_request *q, struct pod_joined *j)
{
	const struct pod_record *pod = &j->pod;

	if (!q->restart && pod->restart && !q->rm && !q->init_ctr)
		q->restart = pod->restart;
	if (!q->cgroup_parent && !pod->own_parents)
		q->cgroup_parent = pod->cgroup_parent;
	if (!q->gpus)
		q->gpus = pod->gpus;
	if (!q->systemd_tmpfs_size && pod->systemd_tmpfs)
		(void)parse_u64(pod->systemd_tmpfs, UINT64_MAX, &q->systemd_tmpfs_size);
	q->no_hosts = q->no_hosts || pod->no_hosts;
	q->no_hostname = q->no_hostname || pod->no_hostname;
	strv_add_all(&j->devices, &pod->devices);
	strv_add_all(&j->devices, &q->device);
	q->device = j->devices;
	strv_add_all(&j->security_opts, &pod->security_opts);
	strv_add_all(&j->security_opts, &q->security_opt);
	q->security_opt = j->security_opts;
	if (!pod->infra)
		return;
	if (pod->limited)
		q->pod_limits = pod->infra;
	j->mode = xasprintf("container:%s", pod->infra);
	q->userns = j->mode;
	if (pod_shares(pod, "net")) {
		q->networks = (struct strv)STRV_INIT;
		q->network = j->mode;
	}
	share(pod, "ipc", j->mode, &q->ipc);
	share(pod, "uts", j->mode, &q->uts);
	share(pod, "pid", j->mode, &q->pid);
	share(pod, "cgroup", j->mode, &q->cgroupns);
	if (pod->hostname && q->uts == j->mode) {
		strv_addf(&j->env, "HOSTNAME=%.63s", pod->hostname);
		strv_add_all(&j->env, &q->env);
		q->env = j->env;
	}
	if (strcmp(pod->exit_policy, "stop") == 0 && !q->init_ctr)
		q->holder = pod->infra;
	strv_add(&j->requires, pod->infra);
	strv_add_all(&j->requires, &q->requires);
	q->requires = j->requires;
	strv_add(&j->volumes_from, pod->infra);
	strv_add_all(&j->volumes_from, &q->volumes_from);
	q->volumes_from = j->volumes_from;
}

static int read_id_file(const char *path, struct pod_joined *j)
{
	char id[65] = "";
	FILE *f = fopen(path, "re");

	if (!f || !fgets(id, sizeof(id), f)) {
		int e = f ? ENODATA : errno;

		if (f)
			(void)fclose(f);
		return err_new(-e, "--pod-id-file %s", path);
	}
	(void)fclose(f);
	id[strcspn(id, "\r\n \t")] = '\0';
	j->name = xstrdup(id);
	return 0;
}

int pod_join(struct store *st, struct container_request *q, struct pod_joined *j)
{
	const char *name = q->pod, *flag;
	int r = 0;

	*j = (struct pod_joined){.made = false};
	if (!name && !q->pod_id_file)
		return q->init_ctr ? err_usage("--init-ctr goes with --pod") : 0;
	if (name && strncmp(name, "new:", 4) == 0) {
		r = make_new(st, name + 4, q, j);
	} else {
		if (!name) {
			r = read_id_file(q->pod_id_file, j);
			name = j->name;
		}
		if (r == 0)
			r = pod_resolve(st, name, &j->pod);
		if (r < 0)
			return err_wrap(r, "--pod");
	}
	if (r < 0)
		return r;
	if (j->pod.removing)
		return err_new(-CE_BAD_STATE, "--pod %s: it is being removed", j->pod.name);
	flag = j->pod.infra ? contradiction(&j->pod, q) : NULL;
	if (flag)
		r = err_usage("%s: the pod %s decides that; give it to pod create", flag,
			      j->pod.name);
	if (r < 0)
		return pod_join_end(st, j, NULL, r);
	q->pod_id = j->pod.id;
	take_over(q, j);
	return 0;
}

int pod_join_end(struct store *st, struct pod_joined *j, struct container *c, int r)
{
	const struct remove_options gone = {.force = true, .volumes = true};
	AUTO(pod_record_done) struct pod_record now = {0};
	AUTO_CLOSE int lock = -EBADF;
	char words[1024];

	if (!j->pod.id || (r < 0 && !j->made))
		return r;
	if (r < 0) {
		(void)snprintf(words, sizeof(words), "%s", err_trail());
		if (pod_remove(st, j->pod.name, &(struct pod_removal){.force = true}) < 0)
			err_drop();
		return err_set(r, words);
	}
	lock = pod_lock(st);
	if (lock < 0)
		return lock;
	r = pod_load(st, j->pod.name, &now);
	if (r == 0 && strcmp(now.id, j->pod.id) == 0 && !now.removing)
		return 0;
	err_drop();
	if (container_remove(st, c, &gone) < 0)
		err_drop();
	container_done(c);
	return err_new(-CE_NO_POD, "%s was removed meanwhile", j->pod.name);
}

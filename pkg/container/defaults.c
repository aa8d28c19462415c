/* SPDX-License-Identifier: MIT */
#include "pkg/container/defaults.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/cgroup/cgroup.h"

void request_defaults_done(struct request_defaults *d)
{
	strv_done(&d->annotation);
	strv_done(&d->cgroup_conf);
	strv_done(&d->hooks_dirs);
	strv_done(&d->mount);
	strv_done(&d->sysctl);
	strv_done(&d->ulimit);
	strv_done(&d->device);
	strv_done(&d->volume);
	strv_done(&d->security_opt);
	strv_done(&d->log_opt);
}

static void text(const char **to, const char *conf)
{
	if (!*to && conf && *conf)
		*to = conf;
}

static void truth(bool *to, int64_t conf, bool denied)
{
	if (conf == 1 && !denied)
		*to = true;
}

/* Ours first: what the command line says comes later, and wins. */
static void list(struct strv *to, const struct conf_list *conf, struct strv *both)
{
	if (!conf->v.n)
		return;
	strv_add_all(both, &conf->v);
	strv_add_all(both, to);
	*to = *both;
}

/* Somebody else's network, with its files. */
static bool is_joined(const char *network)
{
	return strncmp(network, "container:", 10) == 0 || strncmp(network, "pod:", 4) == 0;
}

/* A parameter of a namespace that this container shares with others is theirs. */
static void sysctls(struct request_defaults *d, struct container_request *q)
{
	const char *mode = q->network ? q->network : q->networks.n ? q->networks.v[0] : "";
	struct statvfs host;
	bool net = strcmp(mode, "host") != 0 && !is_joined(mode) && strncmp(mode, "ns:", 3) != 0,
	     ipc = !q->ipc || strcmp(q->ipc, "private") == 0 || strcmp(q->ipc, "shareable") == 0;

	/* A procfs without them is what the caller asked for. */
	for (size_t i = 0; i < q->security_opt.n; i++)
		if (strncmp(q->security_opt.v[i], "proc-opts", 9) == 0 &&
		    strstr(q->security_opt.v[i], "subset="))
			return;
	/* Nor can they be set in the host's where an engine around us has made it read-only. */
	if (q->pid && strcmp(q->pid, "host") == 0 && statvfs("/proc/sys", &host) == 0 &&
	    (host.f_flag & ST_RDONLY))
		return;
	for (size_t i = 0; i < d->conf->default_sysctls.v.n; i++) {
		const char *s = d->conf->default_sysctls.v.v[i];

		if (strncmp(s, "net.", 4) == 0 ? net : ipc)
			strv_add(&d->sysctl, s);
	}
	strv_add_all(&d->sysctl, &q->sysctl);
	q->sysctl = d->sysctl;
}

static bool has_security_opt(const struct container_request *q, const char *key)
{
	for (size_t i = 0; i < q->security_opt.n; i++)
		if (strncmp(q->security_opt.v[i], key, strlen(key)) == 0)
			return true;
	return false;
}

static void security(struct request_defaults *d, struct container_request *q)
{
	const char *profile = d->conf->seccomp_profile, *apparmor = d->conf->apparmor_profile;

	if (profile && *profile && !q->privileged && !has_security_opt(q, "seccomp"))
		strv_addf(&d->security_opt, "seccomp=%s", profile);
	if (apparmor && *apparmor && !q->privileged && !q->is_infra &&
	    !has_security_opt(q, "apparmor"))
		strv_addf(&d->security_opt, "apparmor=%s", apparmor);
	if (!d->security_opt.n)
		return;
	strv_add_all(&d->security_opt, &q->security_opt);
	q->security_opt = d->security_opt;
}

static bool has_log_opt(const struct container_request *q, const char *head)
{
	for (size_t i = 0; i < q->log_opt.n; i++)
		if (strncmp(q->log_opt.v[i], head, strlen(head)) == 0)
			return true;
	return false;
}

static bool is_log_file(const char *driver)
{
	return !driver || strstr(driver, "-file") || strcmp(driver, "local") == 0;
}

static void logs(struct request_defaults *d, struct container_request *q)
{
	int64_t max = d->conf->log_size_max;
	const char *tag = d->conf->log_tag, *path = d->conf->log_path;

	text(&q->log_driver, d->conf->log_driver);
	if (max != CONF_UNSET && (max >= 4096 || max == -1) && !has_log_opt(q, "max-size="))
		strv_addf(&d->log_opt, "max-size=%lld", (long long)max);
	if (path && *path && is_log_file(q->log_driver) && !has_log_opt(q, "path="))
		strv_addf(&d->log_opt, "path=%s", path);
	/* Elsewhere a tag is refused. */
	if (tag && *tag && q->log_driver && strcmp(q->log_driver, "journald") == 0 &&
	    !has_log_opt(q, "tag="))
		strv_addf(&d->log_opt, "tag=%s", tag);
	if (!d->log_opt.n)
		return;
	strv_add_all(&d->log_opt, &q->log_opt);
	q->log_opt = d->log_opt;
}

/* Theirs are looked at before those that the caller names. */
static void runtime(struct request_defaults *d, struct container_request *q)
{
	const struct containers_conf *c = d->conf;

	text(&q->cgroup_manager, c->cgroup_manager);
	list(&q->cgroup_conf, &c->cgroup_conf, &d->cgroup_conf);
	if (!q->more_hooks_dirs || !q->more_hooks_dirs->n)
		list(&q->hooks_dirs, &c->hooks_dir, &d->hooks_dirs);
	if (!q->cdi_spec_dirs.n)
		q->cdi_spec_dirs = c->cdi_spec_dirs.v;
	/* What a pod's containers share is our own runtime's doing. */
	if (q->pod_id || q->is_infra)
		return;
	text(&q->runtime, c->runtime);
	if (q->runtime && strcmp(q->runtime, "cuddy") != 0 && (!q->more_runtime_flags || !q->more_runtime_flags->n))
		q->more_runtime_flags = &c->runtimes_flags.v;
}

static int shm(const struct containers_conf *c, struct container_request *q)
{
	if (!q->shm_size && c->shm_size && parse_size(c->shm_size, &q->shm_size) < 0)
		return err_usage("containers.conf: shm_size '%s': not a size", c->shm_size);
	return 0;
}

static int numbers(const struct containers_conf *c, struct container_request *q)
{
	if (q->oom_score_adj == INT64_MIN && c->oom_score_adj != CONF_UNSET)
		q->oom_score_adj = c->oom_score_adj;
	/* A host that cannot limit anything runs containers all the same. */
	if (q->limits.pids_limit == LIMIT_UNSET && c->pids_limit != CONF_UNSET &&
	    cgroup_manager_here() != CGROUP_NONE)
		q->limits.pids_limit = c->pids_limit;
	if (q->stop_timeout == STOP_TIMEOUT_DEFAULT && c->stop_timeout != CONF_UNSET)
		q->stop_timeout = c->stop_timeout;
	return shm(c, q);
}

/* Lines that were asked for in files which are not written, or are another container's. Before any file's words are mixed in. */
static int check_names(const struct container_request *q)
{
	const bool no_server = q->dns.n == 1 && strcmp(q->dns.v[0], "none") == 0;
	const char *joined = q->networks.n == 1 ? q->networks.v[0] : "";

	if (q->no_hosts && q->add_host.n)
		return err_usage("--add-host and --no-hosts contradict each other");
	if (!is_joined(joined))
		return 0;
	if (q->add_host.n || q->hosts_file)
		return err_usage("--network %s: /etc/hosts is that container's, too; use --add-host "
				 "and --hosts-file there",
				 joined);
	if ((q->dns.n && !no_server) || q->dns_search.n || q->dns_option.n)
		return err_usage("--network %s: /etc/resolv.conf is that container's, too; use "
				 "--dns, --dns-search and --dns-option there",
				 joined);
	return 0;
}

static void names(const struct containers_conf *c, struct container_request *q)
{
	if (!q->dns.n)
		q->dns = c->dns_servers.v;
	if (!q->dns_search.n)
		q->dns_search = c->dns_searches.v;
	if (!q->dns_option.n)
		q->dns_option = c->dns_options.v;
	truth(&q->no_hosts, c->no_hosts, q->denied.no_hosts);
	if (!q->no_hosts)
		text(&q->hosts_file, c->base_hosts_file);
	text(&q->network_cmd, c->default_rootless_network_cmd);
	q->pasta_options = &c->pasta_options.v;
}

/* What a process may do, and with what. */
static void means(struct request_defaults *d, struct container_request *q)
{
	const struct containers_conf *c = d->conf;

	q->default_caps = c->default_capabilities.set ? &c->default_capabilities.v : NULL;
	list(&q->ulimit, &c->default_ulimits, &d->ulimit);
	list(&q->device, &c->devices, &d->device);
	list(&q->volume, &c->volumes, &d->volume);
	security(d, q);
}

int request_defaults_build(struct request_defaults *d, struct container_request *q)
{
	int r;

	*d = (struct request_defaults){.annotation = STRV_INIT};
	r = check_names(q);
	if (r == 0)
		r = containers_conf(&d->conf);
	if (r < 0)
		return r;
	names(d->conf, q);
	means(d, q);
	return shm(d->conf, q);
}

int request_defaults_apply(struct request_defaults *d, struct container_request *q)
{
	const struct containers_conf *c;
	bool maps = q->uidmap.n || q->gidmap.n || q->subuidname || q->subgidname;
	int r;

	*d = (struct request_defaults){.annotation = STRV_INIT};
	r = check_names(q);
	if (r < 0)
		return r;
	r = containers_conf(&d->conf);
	if (r < 0)
		return r;
	c = d->conf;
	if (!maps)
		text(&q->userns, getenv("PODMAN_USERNS"));
	if (!maps)
		text(&q->userns, c->userns);
	text(&q->pid, c->pidns);
	text(&q->ipc, c->ipcns);
	text(&q->uts, c->utsns);
	text(&q->cgroupns, c->cgroupns);
	text(&q->cgroups, c->cgroups);
	text(&q->network, c->netns);
	text(&q->tz, c->tz);
	text(&q->umask, c->umask);
	text(&q->pull, c->pull_policy);
	text(&q->detach_keys, c->detach_keys);
	runtime(d, q);
	q->runtimes = &c->runtimes;
	text(&q->image_volume, c->image_volume_mode);
	truth(&q->name_as_hostname, c->container_name_as_hostname, false);
	truth(&q->init, c->init, q->denied.init);
	if (q->init)
		text(&q->init_path, c->init_path);
	truth(&q->env_host, c->env_host, q->denied.env_host);
	truth(&q->http_proxy, c->http_proxy, q->denied.http_proxy);
	names(c, q);
	truth(&q->privileged, c->privileged, q->denied.privileged);
	truth(&q->read_only, c->read_only, q->denied.read_only);
	q->default_env = &c->env.v;
	list(&q->annotation, &c->annotations, &d->annotation);
	means(d, q);
	if (!q->is_infra)
		list(&q->mount, &c->mounts, &d->mount);
	q->host_ips = &c->default_host_ips.v;
	q->host_address = c->host_containers_internal_ip;
	q->keep_keyring = c->keyring == 0;
	q->no_health_events = c->healthcheck_events == 0;
	q->inspect_in_event = c->events_container_create_inspect_data == 1;
	if (c->default_sysctls.v.n)
		sysctls(d, q);
	logs(d, q);
	return numbers(c, q);
}

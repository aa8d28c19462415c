/* SPDX-License-Identifier: MIT */
/*
 * Making a pod. Its record stands first, marked as one to be removed, then its infra container, then
 * the record without the mark: what a crash leaves is taken away by the next `pod create`, `rm` or `prune`.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/path.h"
#include "pkg/container/defaults.h"
#include "pkg/container/make.h"
#include "pkg/pod/internal.h"
#include "pkg/sys/random.h"
#include "storage/event.h"

#define SHARE_DEFAULT "ipc,net,uts"

bool pod_shares(const struct pod_record *pod, const char *what)
{
	return strv_has(&pod->share, what);
}

static int make_share(const char *list, struct pod_record *pod)
{
	static const char *const known[] = {"ipc", "net", "pid", "user", "uts", "cgroup"};
	AUTO_STRV struct strv parts = STRV_INIT;

	strv_split(&parts, list, ',');
	for (size_t i = 0; i < parts.n; i++) {
		const char *s = parts.v[i] + (*parts.v[i] == '+');
		bool ok = strcmp(s, "none") == 0 || !*s;

		/* "+pid": with what is shared anyhow */
		if (i == 0 && *parts.v[i] == '+')
			strv_split(&pod->share, SHARE_DEFAULT, ',');
		for (size_t k = 0; k < ARRAY_LEN(known); k++) {
			if (strcmp(s, known[k]) != 0)
				continue;
			ok = true;
			if (!pod_shares(pod, s))
				strv_add(&pod->share, s);
		}
		if (!ok)
			return err_usage("--share '%s': unknown namespace '%s'; known are ipc net "
					 "pid user uts cgroup, or none",
					 list, s);
		if (strcmp(s, "none") == 0 && parts.n > 1)
			return err_usage("--share '%s': none stands alone", list);
	}
	return 0;
}

/* What was asked for of the pod's network, and of the files about it. */
static const char *of_network(const struct container_request *c)
{
	return c->publish.n                                   ? "--publish"
	       : c->networks.n                                ? "--network"
	       : c->add_host.n                                ? "--add-host"
	       : c->hosts_file                                ? "--hosts-file"
	       : c->dns.n + c->dns_search.n + c->dns_option.n ? "--dns"
	       : c->ip                                        ? "--ip"
	       : c->ip6                                       ? "--ip6"
	       : c->mac                                       ? "--mac-address"
	       : c->aliases.n                                 ? "--network-alias"
							      : NULL;
}

/* The first parameter of namespaces that its containers do not get from it, or NULL. */
static const char *foreign_sysctl(const struct container_request *c, const struct pod_record *pod)
{
	for (size_t i = 0; i < c->sysctl.n; i++)
		if (!pod_shares(pod, strncmp(c->sysctl.v[i], "net.", 4) == 0 ? "net" : "ipc"))
			return c->sysctl.v[i];
	return NULL;
}

int pod_check_shared(const struct container_request *c, const struct pod_record *pod)
{
	const char *net = of_network(c), *sysctl = foreign_sysctl(c, pod);

	if (net && !pod_shares(pod, "net"))
		return err_usage("%s: the pod does not share its network (--share)", net);
	if (c->hostname && !pod_shares(pod, "uts"))
		return err_usage("--hostname: the pod does not share its UTS namespace (--share)");
	if (c->shm_size && !pod_shares(pod, "ipc"))
		return err_usage("--shm-size: the pod does not share its IPC namespace (--share)");
	return sysctl ? err_usage("--sysctl %s: the pod does not share that namespace (--share)",
				  sysctl)
		      : 0;
}

const char *pod_needs_infra(const struct pod_request *q)
{
	const struct container_request *c = &q->infra;
	const char *net = of_network(c);

	return net                                       ? net
	       : c->hostname                             ? "--hostname"
	       : c->volume.n + c->volumes_from.n         ? "--volume"
	       : limits_given(&c->limits)                ? "a limit of the pod"
	       : c->sysctl.n                             ? "--sysctl"
	       : c->shm_size                             ? "--shm-size"
	       : c->userns || c->uidmap.n || c->gidmap.n ? "--userns"
	       : c->subuidname || c->subgidname          ? "--subuidname"
	       : c->pid                                  ? "--pid"
	       : c->uts                                  ? "--uts"
	       : q->infra_name                           ? "--infra-name"
	       : c->conmon_pidfile                       ? "--infra-conmon-pidfile"
	       : q->infra_image                          ? "--infra-image"
	       : q->infra_command                        ? "--infra-command"
							 : NULL;
}

int pod_name_check(const char *name)
{
	if (name_is_valid(name))
		return 0;
	return err_usage("pod name '%s': names match [A-Za-z0-9][A-Za-z0-9_.-]*, at most 128 "
			 "characters",
			 name);
}

/* Its containers get them; said now when none can have them. */
int pod_check_given(const struct pod_request *q)
{
	AUTO(record_freep) struct container_record *trial = record_new();
	int r = devices_make(&q->infra, trial);

	return r < 0 ? r : security_opts_make(&q->security_opt, trial);
}

static int check(const struct pod_request *q, const struct pod_record *pod)
{
	const struct container_request *c = &q->infra;
	const char *flag = q->no_infra ? pod_needs_infra(q) : NULL;

	int r = q->name ? pod_name_check(q->name) : 0;

	if (r < 0)
		return r;
	if (flag)
		return err_usage("%s needs the infra container that --infra=false leaves out",
				 flag);
	if (q->no_infra && pod->share.n)
		return err_usage("--share needs the infra container that --infra=false leaves out");
	r = pod_check_shared(c, pod);
	if (r < 0)
		return r;
	if (q->own_parents && limits_given(&c->limits))
		return err_usage("--share-parent=false: the limits of a pod are those of a cgroup "
				 "that its containers share");
	if (q->infra_command && !q->infra_image)
		return err_usage("--infra-command needs --infra-image: the pod's own holder "
				 "executes nothing");
	if (strcmp(pod->exit_policy, "continue") != 0 && strcmp(pod->exit_policy, "stop") != 0)
		return err_usage("--exit-policy '%s': use continue or stop", pod->exit_policy);
	return pod_check_given(q);
}

int pod_add_labels(struct pod_record *pod, const struct strv *files, const struct strv *labels)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->n; i++)
		r = label_add_file(&pod->labels, files->v[i]);
	for (size_t i = 0; r == 0 && i < labels->n; i++) {
		AUTO_FREE char *pair = strchr(labels->v[i], '=') ? xstrdup(labels->v[i])
								 : xasprintf("%s=", labels->v[i]);

		strv_env_set(&pod->labels, pair);
	}
	return r;
}

static int make_record(struct store *st, const struct pod_request *q, struct pod_record *pod)
{
	struct container_record *trial = NULL;
	char id[65];
	int r = 0;

	random_hex(id, 64);
	pod->id = xstrdup(id);
	pod->name = q->name ? xstrdup(q->name) : container_name_new(st);
	pod->created_ns = clock_now_ns();
	pod->exit_policy = xstrdup(q->exit_policy ? q->exit_policy : "continue");
	pod->restart = q->restart ? xstrdup(q->restart) : NULL;
	strv_add_all(&pod->security_opts, &q->security_opt);
	strv_add_all(&pod->devices, &q->infra.device);
	pod->gpus = q->infra.gpus ? xstrdup(q->infra.gpus) : NULL;
	if (q->infra.systemd_tmpfs_size)
		pod->systemd_tmpfs = xasprintf("%" PRIu64, q->infra.systemd_tmpfs_size);
	pod->no_hosts = q->infra.no_hosts;
	pod->no_hostname = q->infra.no_hostname;
	pod->limited = limits_given(&q->infra.limits);
	pod->own_parents = q->own_parents;
	if (q->infra.cgroup_parent && *q->infra.cgroup_parent)
		pod->cgroup_parent = xstrdup(q->infra.cgroup_parent);
	for (size_t i = 0; q->infra.create_argv && q->infra.create_argv[i]; i++)
		strv_add(&pod->create_command, q->infra.create_argv[i]);
	r = make_share(q->share ? q->share : q->no_infra ? "none" : SHARE_DEFAULT, pod);
	if (r == 0 && q->infra.pid && !pod_shares(pod, "pid"))
		strv_add(&pod->share, "pid");
	if (r == 0)
		r = pod_add_labels(pod, &q->label_file, &q->label);
	if (r == 0)
		r = check(q, pod);
	if (r == 0 && q->restart) {
		trial = record_new();
		r = restart_parse(q->restart, trial);
		record_free(trial);
	}
	/* The host's name is not a pod's to decide. */
	if (r == 0 && pod_shares(pod, "uts") && !q->no_infra &&
	    (q->infra.hostname || !q->infra.uts || strcmp(q->infra.uts, "host") != 0))
		pod->hostname = xstrdup(q->infra.hostname ? q->infra.hostname : pod->name);
	return r;
}

char *pod_hostname(const struct pod_record *pod)
{
	size_t n = strspn(pod->hostname, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.-_");

	return xstrndup(pod->hostname, n > 63 ? 63 : n);
}

bool pod_pins(const struct pod_record *pod, const char *image, const char *pid)
{
	bool own = !pid || !*pid || strcmp(pid, "private") == 0;

	return !image && !(own && pod_shares(pod, "pid"));
}

static int make_infra(struct store *st, const struct pod_request *q, struct pod_record *pod)
{
	AUTO(request_defaults_done) struct request_defaults defaults = {0};
	AUTO_FREE char *name = q->infra_name ? xstrdup(q->infra_name)
					     : xasprintf("%.12s-infra", pod->id);
	AUTO_FREE char *hostname = pod->hostname ? pod_hostname(pod) : NULL;
	AUTO_STRV struct strv command = STRV_INIT;
	struct container_request c = q->infra;
	struct container infra;
	int r;

	c.name = name;
	c.is_infra = true;
	/* Its root is empty: devices and what goes with them are for the others. */
	c.gpus = NULL;
	c.create_argv = NULL;
	c.device = (struct strv)STRV_INIT;
	c.ends_with_members = strcmp(pod->exit_policy, "stop") == 0;
	c.pod_id = pod->id;
	c.image = q->infra_image;
	c.hostname = hostname;
	c.init = !q->infra_image;
	c.pins = pod_pins(pod, q->infra_image, c.pid);
	if (q->infra_command) {
		strv_split(&command, q->infra_command, ' ');
		c.command = command.v;
	}
	/* A service manager takes for a main process only who stays in its unit. */
	if (c.conmon_pidfile && !c.cgroups)
		c.cgroups = "no-conmon";
	r = request_defaults_apply(&defaults, &c);
	if (r == 0 && !c.image)
		c.init_path = NULL;
	if (r == 0 && !pod_shares(pod, "net"))
		c.network = "none";
	if (r == 0)
		r = container_create(st, &c, &infra);
	if (r < 0)
		return r;
	pod->infra = xstrdup(infra.rec->id);
	container_done(&infra);
	return 0;
}

static int write_id_file(const char *path, const char *id)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : write_full(fd, id, 64);

	return r < 0 ? err_new(r, "--pod-id-file %s", path) : 0;
}

/* With the lock. What has the name: is it to make room, or did a crash leave it? */
static int make_room(struct store *st, const char *name, bool replace)
{
	AUTO(pod_record_done) struct pod_record old = {0};
	char id[65];
	int r;

	if (container_store_resolve(st, name, id) == 0 && strncmp(id, name, 64) != 0 &&
	    !hex_is_valid(name, 64))
		return err_new(-CE_NAME_IN_USE, "name %s belongs to container %.12s", name, id);
	err_drop();
	r = pod_load(st, name, &old);
	if (r == -CE_NO_POD) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return r;
	if (!old.removing && !replace)
		return err_new(-CE_NAME_IN_USE, "name %s belongs to pod %.12s", name, old.id);
	return pod_remove_locked(st, &old, &(struct pod_removal){.force = true, .grace_s = -2});
}

int pod_begin(struct store *st, struct pod_record *pod, bool replace)
{
	int r = make_room(st, pod->name, replace);

	pod->removing = true;
	return r < 0 ? r : pod_save(st, pod, false);
}

int pod_end(struct store *st, struct pod_record *pod, int r)
{
	struct event_pending event = {.fd = -EBADF};
	char words[1024];

	pod->removing = false;
	if (r == 0) {
		pod_event_begin(st, pod, "create", &event);
		r = pod_save(st, pod, true);
	}
	if (r == 0)
		pod_event(st, pod, "create");
	event_over(store_runtime_fd(st), &event);
	if (r == 0)
		return 0;
	(void)snprintf(words, sizeof(words), "%s", err_trail());
	if (pod_remove_locked(st, pod, &(struct pod_removal){.force = true}) < 0)
		err_drop();
	return err_set(r, words);
}

/* What containers.conf says of pods; of their containers: pkg/container/defaults.h. */
static int apply_defaults(struct pod_request *q)
{
	const struct containers_conf *conf;
	int r = containers_conf(&conf);

	if (r < 0)
		return r;
	if (!q->exit_policy)
		q->exit_policy = conf->pod_exit_policy;
	if (q->no_infra || q->infra_image || !conf->infra_image || !*conf->infra_image)
		return 0;
	q->infra_image = conf->infra_image;
	/* Without that image there is nothing that could execute it. */
	if (!q->infra_command && conf->infra_command && *conf->infra_command)
		q->infra_command = conf->infra_command;
	return 0;
}

int pod_create(struct store *st, const struct pod_request *q, struct pod_record *ret)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	AUTO_CLOSE int lock = -EBADF;
	struct pod_request full = *q;
	int r;

	if (q->replace && !q->name)
		return err_usage("--replace needs a name");
	r = apply_defaults(&full);
	q = &full;
	if (r == 0)
		r = make_record(st, q, &pod);
	if (r < 0)
		return r;
	lock = pod_lock(st);
	r = lock < 0 ? lock : pod_begin(st, &pod, q->replace);
	if (r < 0)
		return r;
	if (!q->no_infra)
		r = make_infra(st, q, &pod);
	if (r == 0 && q->pod_id_file)
		r = write_id_file(q->pod_id_file, pod.id);
	r = pod_end(st, &pod, r);
	if (r < 0)
		return r;
	*ret = pod;
	pod = (struct pod_record){0};
	return 0;
}

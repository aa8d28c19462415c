/* SPDX-License-Identifier: MIT */
#include "pkg/container/make.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/files.h"
#include "net/helper.h"
#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/cli/format.h"
#include "pkg/conmon/client.h"
#include "pkg/container/cgroup.h"
#include "pkg/container/container.h"
#include "pkg/container/mount_artifact.h"
#include "pkg/container/mounts.h"
#include "pkg/container/runtime.h"
#include "pkg/container/secrets.h"
#include "storage/container_store.h"
#include "storage/pod.h"

#define SHM_DEFAULT (64ULL << 20)

/* The network of a pod, for who is not in it: that of the container that holds it. */
static int pod_network(struct store *st, const char *name, char **ret)
{
	AUTO(pod_record_done) struct pod_record pod = {0};
	int r = pod_resolve(st, name, &pod);

	if (r < 0)
		return err_wrap(r, "--network pod:%s", name);
	if (!pod.infra || !strv_has(&pod.share, "net"))
		return err_usage("--network pod:%s: its containers do not share a network", name);
	*ret = xasprintf("container:%s", pod.infra);
	return 0;
}

/* A namespace mode: private, host, container:X (resolved to its id here). */
static int ns_mode(struct store *st, const char *flag, const char *given, const char *allowed,
		   char **ret)
{
	if (!given || !*given || strcmp(given, "private") == 0 ||
	    (strcmp(flag, "--ipc") == 0 && strcmp(given, "shareable") == 0)) {
		*ret = xstrdup("private");
		return 0;
	}
	if (strncmp(given, "ns:", 3) == 0 && strstr(allowed, "ns:")) {
		if (given[3] != '/')
			return err_usage("%s '%s': the path must be absolute", flag, given);
		*ret = xstrdup(given);
		return 0;
	}
	if (strcmp(given, "host") == 0 || (strcmp(given, "none") == 0 && strstr(allowed, "none"))) {
		*ret = xstrdup(given);
		return 0;
	}
	if (strncmp(given, "container:", 10) == 0 && strstr(allowed, "container:")) {
		char id[65];
		int r = container_store_resolve(st, given + 10, id);

		if (r < 0)
			return err_wrap(r, "%s %s", flag, given);
		*ret = xasprintf("container:%s", id);
		return 0;
	}
	return err_usage("%s '%s': not supported; use %s", flag, given, allowed);
}

/* --ipc private keeps others out; what is not said, or shareable, does not. */
static int ipc_mode(struct store *st, const struct container_request *q, struct container_record *r)
{
	int rc = ns_mode(st, "--ipc", q->ipc,
			 "private, shareable, host, none, container:NAME or ns:PATH", &r->ns_ipc);
	struct container owner;
	bool closed;

	r->ipc_unshared = q->ipc && strcmp(q->ipc, "private") == 0;
	if (rc < 0 || strncmp(r->ns_ipc, "container:", 10) != 0)
		return rc;
	rc = container_open(st, r->ns_ipc + 10, &owner);
	if (rc < 0)
		return rc;
	closed = owner.rec->ipc_unshared || strcmp(owner.rec->ns_ipc, "none") == 0;
	container_done(&owner);
	return closed ? err_usage("--ipc %s: that container shares its IPC namespace with nobody; "
				  "make it with --ipc shareable",
				  q->ipc)
		      : 0;
}

int make_namespaces(struct store *st, const struct container_request *q, struct container_record *r)
{
	int rc = make_userns(st, q, r);

	if (rc == 0)
		rc = ns_mode(st, "--pid", q->pid, "private, host, container:NAME or ns:PATH",
			     &r->ns_pid);
	if (rc == 0)
		rc = ipc_mode(st, q, r);
	if (rc == 0)
		rc = ns_mode(st, "--uts", q->uts, "private, host, container:NAME or ns:PATH",
			     &r->ns_uts);
	if (rc == 0)
		rc = ns_mode(st, "--cgroupns", q->cgroupns,
			     "private, host, container:NAME or ns:PATH", &r->ns_cgroup);
	if (rc < 0)
		return rc;
	if ((q->hostname || q->domainname) && strcmp(r->ns_uts, "private") != 0)
		return err_usage("--%s needs a UTS namespace of its own, not --uts %s",
				 q->hostname ? "hostname" : "domainname", q->uts);
	return 0;
}

/* "NAME[:OPTIONS]" of a program that serves the network; 0: it is another mode. */
static int helper_mode(const char *given, const char *name, enum net_mode mode,
		       const struct strv *more, struct container_record *r)
{
	size_t len = strlen(name);
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_FREE char *options = NULL;
	struct net_plan n = {.mode = mode};
	int rc = 0;

	if (strncmp(given, name, len) != 0 || (given[len] && given[len] != ':'))
		return 0;
	/* The configuration's first, as with podman; pasta refuses most of what is said twice. */
	if (more)
		strv_add_all(&words, more);
	if (given[len])
		strv_add(&words, given + len + 1);
	options = strv_join(&words, ",");
	if (words.n)
		rc = mode == NET_PASTA ? net_plan_parse_pasta(options, &n)
				       : net_plan_parse_slirp(options, &n);
	if (rc < 0)
		return more && more->n ? err_wrap(rc, "with pasta_options of containers.conf") : rc;
	r->ns_net = xstrdup(name);
	r->network_options = words.n ? TAKE_PTR(options) : NULL;
	return 1;
}

static int network_mode(struct store *st, const struct container_request *q,
			struct container_record *r)
{
	const char *n = q->network ? q->network : q->networks.n ? q->networks.v[0] : "private";
	int rc = make_networks(st, q, r);
	enum net_mode mode;

	if (rc == 0)
		rc = helper_mode(n, "slirp4netns", NET_SLIRP, NULL, r);
	if (rc == 0)
		rc = helper_mode(n, "pasta", NET_PASTA, q->pasta_options, r);
	if (rc)
		return rc < 0 ? rc : 0;
	if (strcmp(n, "private") == 0 || strcmp(n, "default") == 0) {
		rc = net_helper_mode(q->network_cmd, &mode);
		if (rc == 0 && mode == NET_PASTA)
			rc = helper_mode("pasta", "pasta", mode, q->pasta_options, r);
		else if (rc == 0)
			r->ns_net = xstrdup("slirp4netns");
		return rc < 0 ? rc : 0;
	}
	if (strncmp(n, "pod:", 4) == 0)
		return pod_network(st, n + 4, &r->ns_net);
	return ns_mode(
		st, "--network", n,
		"NAME[:OPTIONS], slirp4netns[:OPTIONS], pasta[:OPTIONS], private, none, host, "
		"container:NAME, pod:NAME or ns:PATH",
		&r->ns_net);
}

static int publish(const struct container_request *q, const char *spec, struct net_port_list *list)
{
	AUTO_STRV struct strv specs = STRV_INIT;
	int rc = 0;

	net_port_put_at(spec, q->host_ips, &specs);
	for (size_t i = 0; rc == 0 && i < specs.n; i++)
		rc = net_port_parse(specs.v[i], list);
	return rc;
}

/* What is exposed and not published already, each on a port of its own. */
static int publish_exposed(const struct container_request *q, const struct container_record *r,
			   struct net_port_list *list)
{
	unsigned n_named = list->n;

	for (size_t i = 0; i < r->exposed_ports.n; i++) {
		struct net_port_list one = {0};
		bool named = false;
		int rc = net_port_parse(r->exposed_ports.v[i], &one);

		for (unsigned k = 0; rc == 0 && k < n_named; k++)
			named = named || (one.n && list->v[k].proto == one.v[0].proto &&
					  list->v[k].container_port == one.v[0].container_port);
		net_port_list_done(&one);
		if (rc == 0 && !named)
			rc = publish(q, r->exposed_ports.v[i], list);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_ports(const struct container_request *q, const struct image_config *image,
		       struct container_record *r)
{
	struct net_port_list list = {0};
	int rc = 0;

	for (size_t i = 0; image && i < image->exposed_ports.n; i++)
		if (!strv_has(&r->exposed_ports, image->exposed_ports.v[i]))
			strv_add(&r->exposed_ports, image->exposed_ports.v[i]);
	for (size_t i = 0; rc == 0 && i < q->expose.n; i++) {
		if (strchr(q->expose.v[i], ':'))
			rc = err_usage("--expose '%s': a port or a range of the container, as 80, "
				       "80/udp or 8000-8010",
				       q->expose.v[i]);
		else
			rc = net_port_parse(q->expose.v[i], &list);
		for (unsigned k = 0; rc == 0 && k < list.n; k++) {
			AUTO_FREE char *e = xasprintf("%u/%s", list.v[k].container_port,
						      list.v[k].proto == NET_UDP ? "udp" : "tcp");

			if (!strv_has(&r->exposed_ports, e))
				strv_add(&r->exposed_ports, e);
		}
		net_port_list_done(&list);
	}
	for (size_t i = 0; rc == 0 && i < q->publish.n; i++)
		rc = publish(q, q->publish.v[i], &list);
	/* -P asks for what the image names, as far as there is a network to publish from. */
	if (q->publish_all && net_mode_publishes(record_net_mode(r)))
		rc = rc < 0 ? rc : publish_exposed(q, r, &list);
	if (rc == 0 && list.n > NET_PUBLISHED_MAX)
		rc = err_usage("%u published ports: at most %d", list.n, NET_PUBLISHED_MAX);
	/* As with podman and docker: scripts name both, and the ports are reachable. */
	if (rc == 0 && record_net_mode(r) == NET_HOST && list.n) {
		log_warn("--publish does nothing with --network host: the host's ports are the "
			 "container's");
		net_port_list_done(&list);
		list = (struct net_port_list){0};
	}
	if (rc == 0) {
		struct net_plan n = {.mode = record_net_mode(r), .n_ports = list.n};

		rc = net_plan_check(&n);
	}
	for (unsigned i = 0; rc == 0 && i < list.n; i++)
		strv_take(&r->ports, net_port_format(&list.v[i]));
	net_port_list_done(&list);
	return rc;
}

static int check_hostname(const char *flag, const char *h)
{
	size_t n = strlen(h);

	if (!n || n > 64 || *h == '-' || *h == '.' ||
	    strspn(h, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") != n)
		return err_usage("--%s: at most 64 letters, digits, '-', '_' and '.', not "
				 "beginning with '-' or '.'",
				 flag);
	return 0;
}

static int make_hosts_file(const struct container_request *q, struct container_record *r)
{
	const char *f = q->hosts_file;

	if (!f || !*f)
		return 0;
	if (q->no_hosts)
		return err_usage("--hosts-file and --no-hosts contradict each other");
	if (q->is_infra && strcmp(f, "image") == 0)
		return err_usage("--hosts-file image: a pod has no image; name a file, or none");
	r->hosts_file = strcmp(f, "none") == 0 || strcmp(f, "image") == 0 ? xstrdup(f)
									   : path_absolute(f);
	if (*r->hosts_file == '/' && access(r->hosts_file, R_OK) < 0)
		return err_usage("--hosts-file %s: %s", r->hosts_file, err_text(-errno));
	return 0;
}

/* Only of a file, so the words are that file's. */
static int make_host_address(const struct container_request *q, struct container_record *r)
{
	const char *a = q->host_address;
	struct in6_addr unused;

	if (!a || !*a)
		return 0;
	if (strcmp(a, "none") != 0 && inet_pton(AF_INET, a, &unused) != 1 &&
	    inet_pton(AF_INET6, a, &unused) != 1)
		return err_usage("containers.conf: host_containers_internal_ip '%s': an address, or "
				 "none",
				 a);
	r->host_address = xstrdup(a);
	return 0;
}

int make_network(const struct container_request *q, const struct image_config *image,
		 struct container_record *r)
{
	struct net_files_options o = {.hostname = q->hostname,
				      .no_hosts = q->no_hosts,
				      .add_hosts = q->add_host,
				      .dns = q->dns,
				      .dns_search = q->dns_search,
				      .dns_options = q->dns_option};
	int rc = q->hostname ? check_hostname("hostname", q->hostname) : 0;

	if (rc == 0 && q->domainname)
		rc = check_hostname("domainname", q->domainname);
	if (rc == 0)
		rc = net_check_files_options(&o);
	if (rc == 0)
		rc = check_ports(q, image, r);
	if (rc < 0)
		return rc;
	rc = make_hosts_file(q, r);
	if (rc == 0)
		rc = make_host_address(q, r);
	if (rc < 0)
		return rc;
	r->publish_all = q->publish_all;
	r->hostname = q->hostname ? xstrdup(q->hostname) : NULL;
	r->domainname = q->domainname ? xstrdup(q->domainname) : NULL;
	r->no_hosts = q->no_hosts;
	r->no_hostname = q->no_hostname;
	strv_add_all(&r->add_hosts, &q->add_host);
	strv_add_all(&r->dns, &q->dns);
	strv_add_all(&r->dns_search, &q->dns_search);
	strv_add_all(&r->dns_options, &q->dns_option);
	return 0;
}

static int take_volumes(struct store *st, const struct container_request *q,
			struct container_record *r)
{
	unsigned n_from = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < q->volumes_from.n; i++) {
		AUTO_FREE char *name = mounts_from_name(q->volumes_from.v[i]);
		struct container other;

		rc = container_open(st, name, &other);
		if (rc == 0) {
			rc = mounts_add_from(r, q->volumes_from.v[i], other.rec, &n_from);
			container_done(&other);
		}
		if (rc < 0 && rc != -CE_USAGE)
			return err_wrap(rc, "--volumes-from");
		strv_add(&r->volumes_from, q->volumes_from.v[i]);
	}
	return rc;
}

static int chroot_dirs(const char *list, struct container_record *r)
{
	AUTO_STRV struct strv dirs = STRV_INIT;

	strv_split(&dirs, list, ',');
	for (size_t i = 0; i < dirs.n; i++) {
		if (dirs.v[i][0] != '/')
			return err_usage("--chrootdirs '%s': paths in the container are absolute",
					 list);
		strv_take(&r->chroot_dirs, path_clean(dirs.v[i]));
	}
	return 0;
}

static int make_mounts(struct store *st, const struct container_request *q,
		       const struct image_config *image, struct container_record *r)
{
	const char *how = q->image_volume ? q->image_volume : "bind";
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < q->volume.n; i++)
		rc = mounts_add_volume(r, q->volume.v[i], q->make_sources);
	for (size_t i = 0; rc == 0 && i < q->mount.n; i++)
		rc = mount_is_artifact(q->mount.v[i])
			     ? mounts_add_artifact(st, r, q->mount.v[i])
			     : mounts_add_mount(r, q->mount.v[i]);
	for (size_t i = 0; rc == 0 && i < q->tmpfs.n; i++)
		rc = mounts_add_tmpfs(r, q->tmpfs.v[i]);
	for (size_t i = 0; rc == 0 && i < q->held_volumes.n; i++)
		rc = mounts_add_held(r, q->held_volumes.v[i]);
	if (rc == 0)
		rc = take_volumes(st, q, r);
	for (size_t i = 0; rc == 0 && image && i < image->volumes.n; i++)
		rc = mounts_add_image_volume(r, image->volumes.v[i], how);
	if (rc == 0)
		rc = mounts_check(r);
	r->read_only = q->read_only;
	r->read_only_tmpfs = q->read_only && q->read_only_tmpfs != 0;
	for (size_t i = 0; rc == 0 && i < q->chroot_dirs.n; i++)
		rc = chroot_dirs(q->chroot_dirs.v[i], r);
	r->shm_size = q->shm_size == UINT64_MAX ? 0 : q->shm_size ? q->shm_size : SHM_DEFAULT;
	return rc;
}

static int make_notify(const struct container_request *q, struct container_record *r)
{
	if (!q->sdnotify || strcmp(q->sdnotify, "container") == 0)
		return 0;
	if (strcmp(q->sdnotify, "healthy") == 0 && r->health.test.n == 0)
		return err_usage("--sdnotify healthy needs a health check: the image has none, "
				 "write --health-cmd");
	r->sdnotify = xstrdup(q->sdnotify);
	return 0;
}

int container_make(struct store *st, const struct container_request *q,
		   const struct image_config *image, struct container_record **ret)
{
	AUTO(record_freep) struct container_record *r = record_new();
	char keys[32];
	int rc = 0;

	if (q->name && !name_is_valid(q->name))
		rc = err_usage("--name '%s': names match [A-Za-z0-9][A-Za-z0-9_.-]*, at most 128 "
			       "characters",
			       q->name);
	if (rc == 0)
		rc = make_process(q, image, r);
	if (rc == 0)
		rc = make_namespaces(st, q, r);
	if (rc == 0)
		rc = network_mode(st, q, r);
	if (rc == 0)
		rc = make_security(q, r);
	if (rc == 0)
		rc = make_mounts(st, q, image, r);
	if (rc == 0)
		rc = make_secrets(st, &q->secret, r);
	if (rc == 0)
		rc = make_network(q, image, r);
	if (rc == 0)
		rc = make_health(q, image, r);
	if (rc == 0)
		rc = make_notify(q, r);
	if (rc == 0)
		rc = make_logging(q, r);
	if (rc == 0)
		rc = make_cgroup(q, r);
	if (rc == 0)
		rc = make_runtime(q, r);
	if (rc == 0 && q->detach_keys)
		rc = conmon_detach_keys(q->detach_keys, keys);
	if (rc < 0)
		return rc;
	r->detach_keys = q->detach_keys ? xstrdup(q->detach_keys) : NULL;
	r->pod = q->pod_id ? xstrdup(q->pod_id) : NULL;
	r->is_infra = q->is_infra;
	r->pins = q->pins;
	for (size_t i = 0; q->create_argv && q->create_argv[i]; i++)
		strv_add(&r->create_command, q->create_argv[i]);
	r->ends_with_members = q->ends_with_members;
	r->pod_limits = q->pod_limits ? xstrdup(q->pod_limits) : NULL;
	r->holder = q->holder ? xstrdup(q->holder) : NULL;
	r->init_ctr = q->init_ctr ? xstrdup(q->init_ctr) : NULL;
	*ret = TAKE_PTR(r);
	return 0;
}

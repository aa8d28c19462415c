/* SPDX-License-Identifier: MIT */
/* Namespaces, id maps and the network of a container. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "net/egress.h"
#include "net/files.h"
#include "net/helper.h"
#include "net/keeper.h"
#include "net/pasta.h"
#include "net/slirp.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/conmon/client.h"
#include "pkg/container/idmap.h"
#include "pkg/container/image_file.h"
#include "pkg/container/networks.h"
#include "pkg/container/plan.h"
#include "pkg/sys/file.h"
#include "storage/store.h"

#define HOSTS_MAX (1U << 20)

/* The container that was joined last: of a pod's namespaces each is joined, and all are one container's. */
struct peer {
	const char *id;
	struct container_record *rec;
	struct conmon_state state;
};

static void peer_done(struct peer *p)
{
	record_free(p->rec);
	*p = (struct peer){0};
}

static int peer_open(struct store *st, const char *id, bool dry, struct peer *p)
{
	AUTO(container_dirs_done)
	struct container_dirs d = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct conmon_state s;
	int r;

	if (p->id && strcmp(p->id, id) == 0)
		return 0;
	peer_done(p);
	r = container_store_open(st, id, &d);
	if (r == 0)
		r = conmon_state_read(d.runtime_fd, d.data_fd, &s);
	if (r == 0)
		r = container_store_read(st, id, &text);
	if (r == 0)
		r = record_parse(text.s, text.len, &p->rec);
	if (r < 0)
		return err_wrap(r, "join the namespace of %.12s", id);
	if (!conmon_can_join(&s) && !dry) /* with its start it would be */
		return err_new(-CE_BAD_STATE, "join the namespace of %.12s: it does not run", id);
	p->id = id;
	p->state = s;
	return 0;
}

static const char *mode_of(const struct container_record *rec, enum rt_ns_kind kind)
{
	switch (kind) {
	case RT_NS_USER:
		return rec->ns_user;
	case RT_NS_PID:
		return rec->ns_pid;
	case RT_NS_UTS:
		return rec->ns_uts;
	case RT_NS_IPC:
		return rec->ns_ipc;
	case RT_NS_NET:
		return rec->ns_net;
	case RT_NS_CGROUP:
		return rec->ns_cgroup;
	case RT_NS_TIME:
		return "host";
	case RT_NS_COUNT:
		break;
	}
	return "";
}

/* Whose its namespaces are: pid 1's, or pinned by the monitor of a pod. */
static const struct proc_id *peer_owner(const struct peer *p)
{
	return conmon_is_pinned(&p->state) ? &p->state.monitor : &p->state.init;
}

static bool is_of_pod(const struct peer *peer, const struct container_record *rec)
{
	return peer->rec->is_infra && rec->pod && strcmp(rec->pod, peer->rec->pod) == 0;
}

static void share_mounts(const struct peer *peer, struct container_plan *p)
{
	p->rt.peer.target = *peer_owner(peer);
	p->rt.peer.user_fd = peer->state.pins[RT_NS_USER];
	p->rt.peer.mounts_fd = peer->state.pins[RT_PIN_MOUNTS];
}

/* A file system in memory is there once in a pod, however many of it mount the volume. */
static void note_volumes(const struct peer *peer, struct container_plan *p)
{
	const struct container_record *rec = peer->rec;

	p->pod_owner = *peer_owner(peer);
	for (unsigned i = 0; i < rec->n_mounts; i++)
		if (rec->mounts[i].kind == MOUNT_VOLUME && !rec->mounts[i].subpath)
			strv_addf(&p->pod_volumes, "%s=%s", rec->mounts[i].source,
				  rec->mounts[i].target);
}

static int one_ns(const struct plan_input *in, enum rt_ns_kind kind, struct peer *peer,
		  struct container_plan *p)
{
	const char *mode = mode_of(in->record, kind);
	struct rt_ns *ns = &p->rt.ns[kind];
	int r;

	*ns = (struct rt_ns){.mode = RT_NS_NEW};
	if (strncmp(mode, "ns:", 3) == 0)
		*ns = (struct rt_ns){.mode = RT_NS_JOIN, .path = mode + 3};
	else if (strcmp(mode, "host") == 0)
		ns->mode = RT_NS_HOST;
	if (strncmp(mode, "container:", 10) != 0)
		return 0;
	/* pid 1 of a running container; the host's are not entered but stayed in. */
	r = peer_open(in->store, mode + strlen("container:"), in->dry, peer);
	if (r < 0)
		return r;
	ns->mode = strcmp(mode_of(peer->rec, kind), "host") == 0 ? RT_NS_HOST : RT_NS_JOIN;
	if (ns->mode == RT_NS_JOIN && kind == RT_NS_PID && conmon_is_pinned(&peer->state))
		return err_new(-CE_BAD_STATE,
			       "--pid container:%.12s: it is the infra container of a pod that "
			       "does not share process ids, and has no process",
			       peer->id);
	ns->target = *peer_owner(peer);
	ns->fd = peer->state.pins[kind];
	/* Another IPC namespace than the pod's brings its own mounts. */
	if (kind == RT_NS_IPC || (is_of_pod(peer, in->record) && !p->rt.peer.target.pid))
		share_mounts(peer, p);
	if (is_of_pod(peer, in->record) && !p->pod_volumes.n)
		note_volumes(peer, p);
	return 0;
}

/* Identity onto B's range, cut where B's own map is cut: a nested range across two extents is EPERM. */
static struct rt_idmap *identity(const struct subid_range *ranges, unsigned n, bool single,
				 unsigned *ret_n)
{
	struct rt_idmap *m = xcalloc(n + 1, sizeof(*m));
	uint32_t next = 1;

	m[0] = (struct rt_idmap){0, 0, 1};
	*ret_n = 1;
	for (unsigned i = 0; !single && i < n; i++) {
		m[(*ret_n)++] = (struct rt_idmap){next, next, ranges[i].count};
		next += ranges[i].count;
	}
	return m;
}

static int kept_map(const struct strv *text, struct rt_idmap **ret, unsigned *ret_n)
{
	struct idmap m = {0};
	int r = idmap_read(text, &m);

	*ret = m.v;
	*ret_n = m.n;
	return r;
}

int plan_ids(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	int r = 0;

	if (p->uid_map)
		return 0;
	if (rec->uid_map.n) {
		r = kept_map(&rec->uid_map, &p->uid_map, &p->rt.n_uid_map);
		if (r == 0)
			r = kept_map(&rec->gid_map, &p->gid_map, &p->rt.n_gid_map);
	} else {
		p->uid_map = identity(in->grant->uids, in->grant->n_uids, in->single_id,
				      &p->rt.n_uid_map);
		p->gid_map = identity(in->grant->gids, in->grant->n_gids, in->single_id,
				      &p->rt.n_gid_map);
	}
	p->rt.uid_map = p->uid_map;
	p->rt.gid_map = p->gid_map;
	return r;
}

int plan_namespaces(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	struct rt_ns *ns = p->rt.ns;
	struct peer peer = {0};
	int r = 0;

	for (enum rt_ns_kind kind = 0; r == 0 && kind < RT_NS_COUNT; kind++)
		r = one_ns(in, kind, &peer, p);
	peer_done(&peer);
	if (r < 0)
		return r;
	if (rec->egress.n) {
		/* Its root may be any but that of B, who has power over the list. */
		if (ns[RT_NS_USER].mode == RT_NS_HOST || ns[RT_NS_USER].path)
			return err_usage("--egress needs a user namespace of the container's own");
		ns[RT_NS_NET].mode = RT_NS_KEPT;
	}
	if (ns[RT_NS_UTS].mode == RT_NS_NEW)
		p->rt.hostname = plan_keep(p, plan_hostname(rec));
	p->rt.hostname_may_fail = !rec->hostname;
	if (ns[RT_NS_UTS].mode == RT_NS_NEW)
		p->rt.domainname = rec->domainname;
	return plan_ids(in, p);
}

int plan_network(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	struct net_plan *n = &p->rt.net;
	const char *warning = NULL;
	int r;

	n->mode = record_net_mode(rec);
	if (net_mode_has_helper(n->mode)) {
		r = net_helper_find(n->mode, store_runtime_fd(in->store), &n->helper_path,
				    &warning);
		if (r < 0)
			return r;
	}
	if (warning)
		log_warn("%s", warning);
	if (rec->network_options) {
		r = n->mode == NET_PASTA ? net_plan_parse_pasta(rec->network_options, n)
					 : net_plan_parse_slirp(rec->network_options, n);
		if (r < 0)
			return r;
	}
	if (n->mode == NET_PASTA)
		net_pasta_plan(n);
	else if (n->mode == NET_SLIRP)
		net_slirp_plan(n);
	if (n->mode == NET_BRIDGE || rec->egress.n) {
		r = n->mode == NET_BRIDGE ? plan_bridge(in, p) : plan_guard(in, p);
		if (r < 0)
			return r;
	}
	return net_mode_publishes(n->mode) ? plan_ports(in, p) : 0;
}

static int write_one(const struct plan_input *in, const char *name, const struct sbuf *text)
{
	return file_replace(in->dirs->runtime_fd, name, text->s, text->len, 0644, FILE_NO_SYNC);
}

/* Those it would have asked are asked by the guard, which is asked in their place, if there are names to ask for. */
static int write_guarded(const struct plan_input *in, struct container_plan *p,
			 struct net_files_options *o)
{
	AUTO_STRV struct strv servers = STRV_INIT, lines = STRV_INIT, guard = STRV_INIT;
	AUTO_SBUF struct sbuf before = SBUF_INIT, after = SBUF_INIT;
	int r = net_make_resolv_conf(&p->rt.net, o, &before);
	bool names = false;

	if (r < 0)
		return r;
	strv_split(&lines, before.s ? before.s : "", '\n');
	for (size_t i = 0; i < lines.n; i++)
		if (strncmp(lines.v[i], "nameserver ", 11) == 0)
			strv_add(&servers, lines.v[i] + 11);
	for (size_t i = 0; i < in->record->egress.n; i++) {
		struct egress_item item;

		names = names || (egress_parse(in->record->egress.v[i], &item) == 0 && *item.name);
	}
	r = plan_bridge_request(in, &servers);
	if (r < 0 || strv_has(&in->record->dns, "none"))
		return r;
	if (names) {
		strv_add(&guard, GUARD_DNS);
		o->dns = (struct strv)STRV_INIT;
		o->servers = &guard;
		r = net_make_resolv_conf(&p->rt.net, o, &after);
	}
	return r < 0 ? r : write_one(in, "resolv.conf", names ? &after : &before);
}

/* --hosts-file image; an image without one has nothing to begin with. */
static int image_hosts(const struct plan_input *in, struct sbuf *out)
{
	const struct container_record *rec = in->record;
	AUTO_CLOSE int root = -EBADF;
	int r;

	if (rec->rootfs) {
		root = open(rec->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = root < 0 ? err_new(-errno, "open %s", rec->rootfs)
			     : file_read_in(root, "etc/hosts", HOSTS_MAX, out);
	} else {
		r = image_file_read(in->store, &rec->layers, "etc/hosts", HOSTS_MAX, out);
	}
	r = err_forgive(r, -ENOENT);
	return r < 0 ? err_wrap(r, "--hosts-file image") : 0;
}

int plan_write_files(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	AUTO_FREE char *hostname = plan_hostname(rec);
	struct net_files_options o = {.hostname = hostname,
				      .container_name = rec->name,
				      .add_hosts = rec->add_hosts,
				      .dns = rec->dns,
				      .dns_search = rec->dns_search,
				      .dns_options = rec->dns_options,
				      .no_hosts = rec->no_hosts,
				      .host_address = rec->host_address,
				      .hosts_file = rec->hosts_file};
	AUTO_SBUF struct sbuf hosts = SBUF_INIT, resolv = SBUF_INIT, name = SBUF_INIT,
			      base = SBUF_INIT;
	int r = 0;

	if (p->rt.net.mode == NET_JOIN) /* the other container's files are bound */
		return plan_pod_hosts(in->store, rec);
	if (p->rt.net.mode == NET_BRIDGE)
		r = plan_bridge_request(in, NULL);
	if (r == 0 && !rec->no_hosts && rec->hosts_file && strcmp(rec->hosts_file, "image") == 0) {
		r = image_hosts(in, &base);
		o.hosts_base = base.len ? base.s : "";
		o.hosts_file = NULL;
	}
	if (r == 0 && !rec->no_hosts) {
		r = net_make_hosts(&p->rt.net, &o, &hosts);
		if (r == 0)
			r = write_one(in, "hosts", &hosts);
		if (p->rt.net.mode == NET_BRIDGE)
			plan_bridge_hosts(in, p, hostname, hosts.len);
	}
	if (r == 0 && net_plan_is_guarded(&p->rt.net))
		r = write_guarded(in, p, &o);
	else if (r == 0 && !strv_has(&rec->dns, "none")) {
		r = p->rt.net.mode == NET_BRIDGE
			    ? networks_resolv_conf(in->store, rec, &resolv)
			    : net_make_resolv_conf(&p->rt.net, &o, &resolv);
		if (r == 0)
			r = write_one(in, "resolv.conf", &resolv);
	}
	if (r == 0) {
		sbuf_addf(&name, "%s\n", hostname);
		r = write_one(in, "hostname", &name);
	}
	return r < 0 ? r : p->ports.n ? plan_write_ports(in->dirs, &p->ports) : 0;
}

/* SPDX-License-Identifier: MIT */
/* What a container in named networks needs besides: the keeper, its request, lines for its own addresses. */
#include <string.h>

#include "net/helper.h"
#include "net/keeper.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/path.h"
#include "pkg/config/containers_conf.h"
#include "pkg/config/paths.h"
#include "pkg/conmon/bridge.h"
#include "pkg/container/networks.h"
#include "pkg/container/plan.h"
#include "pkg/sys/file.h"
#include "pkg/sys/private_dir.h"
#include "storage/store.h"

/* As it is configured, else what is installed. */
static int find_uplink(struct store *st, const char **ret, const char **ret_warning)
{
	const struct containers_conf *conf;
	enum net_mode mode = NET_SLIRP;
	int r = containers_conf(&conf);

	if (r == 0)
		r = net_helper_mode(conf->default_rootless_network_cmd, &mode);
	return r < 0 ? r : net_helper_find(mode, store_runtime_fd(st), ret, ret_warning);
}

/* All bridges of a user share one way out; without it they are as good as internal. */
int plan_bridge(const struct plan_input *in, struct container_plan *p)
{
	struct net_plan *n = &p->rt.net;
	AUTO_CLOSE int dir = -EBADF;
	const char *warning = NULL;
	char *program = NULL;
	int r = paths_helper("cuddy-net", &program);

	if (r < 0)
		return r;
	if (!in->dry) {
		dir = private_dir_at(store_runtime_fd(in->store), "net", true);
		if (dir < 0) {
			free(program);
			return dir;
		}
	}
	n->keeper_path = plan_keep(p, program);
	n->keeper_dir = plan_keep(p, path_join(store_runroot(in->store), "net"));
	r = find_uplink(in->store, &n->uplink_path, &warning);
	if (r < 0) {
		log_warn("networks have no way out: %s", err_trail());
		n->uplink_path = NULL;
		err_drop();
	}
	if (warning)
		log_warn("%s", warning);
	return 0;
}

int plan_guard(const struct plan_input *in, struct container_plan *p)
{
	AUTO_CLOSE int dir = -EBADF;
	char *program = NULL;
	int r = paths_helper("cuddy-net", &program);

	if (r < 0)
		return r;
	p->rt.net.keeper_path = plan_keep(p, program);
	if (in->dry)
		return 0;
	dir = private_dir_at(in->dirs->runtime_fd, GUARD_DIR, true);
	p->rt.net.keeper_dir = plan_keep(p, path_join(in->dirs->runtime_path, GUARD_DIR));
	return dir < 0 ? dir : 0;
}

int plan_bridge_request(const struct plan_input *in, const struct strv *servers)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = networks_request(in->store, in->record, servers, &b);

	return r < 0 ? r
		     : file_replace(in->dirs->runtime_fd, BRIDGE_REQUEST_FILE, b.s, b.len, 0600,
				    FILE_NO_SYNC);
}

void plan_bridge_hosts(const struct plan_input *in, struct container_plan *p, const char *hostname,
		       size_t base)
{
	const char *name = in->record->name;
	bool same = strcmp(hostname, name) == 0;

	p->rt.net.hosts_path = plan_keep(p, path_join(in->dirs->runtime_path, "hosts"));
	p->rt.net.hosts_names = plan_keep(p, same ? xstrdup(name)
						  : xasprintf("%s %s", hostname, name));
	p->rt.net.hosts_base = (uint32_t)base;
}

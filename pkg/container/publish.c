/* SPDX-License-Identifier: MIT */
/* `update --publish-add`, `--publish-rm`: ports of a container, running or not. */
#include <string.h>

#include "net/port_change.h"
#include "net/ports.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/list.h"
#include "pkg/container/networks.h"
#include "pkg/container/plan.h"

/* Everything that is changed, found out before anything is. */
struct change {
	struct net_port_list now; /* as given out while it runs, else as asked for */
	bool *leaves; /* of now */
	struct net_port_list added;
	int *fds; /* of added; -EBADF where it does not run */
};

static void change_done(struct change *ch)
{
	for (unsigned i = 0; ch->fds && i < ch->added.n; i++)
		closep(&ch->fds[i]);
	free(ch->fds);
	free(ch->leaves);
	net_port_list_done(&ch->now);
	net_port_list_done(&ch->added);
}

/* @want as --publish-rm has it: no host port means any, no address too. */
static bool is_meant(const struct net_port *p, const struct net_port *want)
{
	return p->proto == want->proto && p->container_port == want->container_port &&
	       (!want->host_port || p->host_port == want->host_port) &&
	       (want->any_family || strcmp(p->host_ip, want->host_ip) == 0);
}

static int find_leaving(const char *spec, struct change *ch)
{
	struct net_port_list want = NET_PORT_LIST_INIT;
	int r = net_port_parse(spec, &want);

	for (unsigned k = 0; r == 0 && k < want.n; k++) {
		bool any = false;

		for (unsigned i = 0; i < ch->now.n; i++)
			if (is_meant(&ch->now.v[i], &want.v[k]))
				any = ch->leaves[i] = true;
		if (!any)
			r = err_new(-CE_NO_OBJECT, "--publish-rm %s: it publishes no such port",
				    spec);
	}
	net_port_list_done(&want);
	return r;
}

static int find_changes(struct store *st, const struct container *c,
			const struct publish_request *q, struct change *ch)
{
	const struct net_plan n = {.mode = record_net_mode(c->rec), .n_ports = 1};
	int r = net_plan_check(&n);

	if (r == 0)
		r = container_port_list(c, &ch->now);
	if (r == 0 && ch->now.n != c->rec->ports.n)
		r = err_new(-CE_BAD_STATE, "the list of its ports is not the record's");
	if (r < 0)
		return r;
	ch->leaves = xcalloc(ch->now.n + 1, sizeof(bool));
	for (size_t i = 0; r == 0 && i < q->rm.n; i++)
		r = find_leaving(q->rm.v[i], ch);
	for (size_t i = 0; r == 0 && i < q->add.n; i++)
		r = net_port_parse(q->add.v[i], &ch->added);
	if (r == 0)
		r = networks_bind(st, c->rec, &ch->added);
	if (r == 0 && ch->added.n && ch->now.n + ch->added.n > NET_PUBLISHED_MAX)
		r = err_usage("--publish-add: more than %d ports", NET_PUBLISHED_MAX);
	if (r < 0 || !container_is_running(c))
		return r;
	ch->fds = xcalloc(ch->added.n + 1, sizeof(int));
	for (unsigned i = 0; i < ch->added.n; i++)
		ch->fds[i] = -EBADF;
	r = net_ports_bind(&ch->added, ch->fds);
	return r < 0 ? plan_explain_ports(st, &ch->added, r) : 0;
}

static int tell(const struct container *c, const struct net_port *p, int fd)
{
	struct net_port_change m;
	char where[NET_PORT_WHERE];
	int r;

	net_port_change_of(p, fd >= 0, &m);
	r = conmon_publish(c->dirs.runtime_fd, &m, fd);
	if (r == 0 || r == -ESRCH) { /* it has ended: the next start reads the record */
		err_drop();
		return 0;
	}
	net_port_where(p, where);
	return err_new(r, "%s %s", fd >= 0 ? "publish" : "no longer publish", where);
}

/* The record keeps what was asked for ("0:80"), the runtime directory what was given out. */
static int write_down(struct store *st, struct container *c, struct change *ch,
		      const struct publish_request *q)
{
	AUTO_STRV struct strv specs = STRV_INIT;
	struct net_port_list out = NET_PORT_LIST_INIT, asked = NET_PORT_LIST_INIT;
	int r = 0;

	for (unsigned i = 0; i < ch->now.n; i++) {
		AUTO_FREE char *given = net_port_format(&ch->now.v[i]);

		if (ch->leaves[i])
			continue;
		strv_add(&specs, c->rec->ports.v[i]);
		r = net_port_parse(given, &out);
	}
	for (unsigned i = 0; r == 0 && i < ch->added.n; i++) {
		AUTO_FREE char *given = net_port_format(&ch->added.v[i]);

		r = net_port_parse(given, &out);
	}
	for (size_t i = 0; r == 0 && i < q->add.n; i++)
		r = net_port_parse(q->add.v[i], &asked);
	for (unsigned i = 0; r == 0 && i < asked.n; i++)
		strv_take(&specs, net_port_format(&asked.v[i]));
	if (r == 0) {
		strv_done(&c->rec->ports);
		strv_add_all(&c->rec->ports, &specs);
		r = container_save(st, c);
	}
	if (r == 0 && container_is_running(c))
		r = plan_write_ports(&c->dirs, &out);
	net_port_list_done(&out);
	net_port_list_done(&asked);
	return r;
}

int container_publish(struct store *st, struct container *c, const struct publish_request *q)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id);
	struct change ch = {.now = NET_PORT_LIST_INIT, .added = NET_PORT_LIST_INIT};
	int r = lock < 0 ? lock : container_reload(st, c);

	if (r == 0)
		r = find_changes(st, c, q, &ch);
	for (unsigned i = 0; r == 0 && container_is_running(c) && i < ch.now.n; i++)
		if (ch.leaves[i])
			r = tell(c, &ch.now.v[i], -EBADF);
	for (unsigned i = 0; r == 0 && container_is_running(c) && i < ch.added.n; i++)
		r = tell(c, &ch.added.v[i], ch.fds[i]);
	if (r == 0)
		r = write_down(st, c, &ch, q);
	if (r == 0)
		container_event(st, c->rec, "update", NULL);
	change_done(&ch);
	return r;
}

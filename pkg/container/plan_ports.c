/* SPDX-License-Identifier: MIT */
/* Published ports of a container that starts: its sockets, and who else has them. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/container/list.h"
#include "pkg/container/networks.h"
#include "pkg/container/plan.h"
#include "pkg/sys/file.h"

#define PORTS_FILE "ports" /* what was given out, a specification a line */

static bool is_any(const char *ip)
{
	return strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
}

static bool collide(const struct net_port *a, const struct net_port *b)
{
	return a->proto == b->proto && a->host_port == b->host_port &&
	       (is_any(a->host_ip) || is_any(b->host_ip) || strcmp(a->host_ip, b->host_ip) == 0);
}

/* Name of the running container that has @p; NULL: none of ours. */
static char *holder_name(struct store *st, const struct net_port *p)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	char *name = NULL;

	if (container_select(st, &(struct strv)STRV_INIT, true, &ids) < 0)
		ids.n = 0;
	for (size_t i = 0; i < ids.n && !name; i++) {
		struct net_port_list l = NET_PORT_LIST_INIT;
		struct container c;

		if (container_open_id(st, ids.v[i], &c) < 0)
			continue;
		if (container_is_running(&c) && container_port_list(&c, &l) == 0)
			for (unsigned k = 0; k < l.n && !name; k++)
				if (collide(&l.v[k], p))
					name = xstrdup(c.rec->name);
		net_port_list_done(&l);
		container_done(&c);
	}
	return name;
}

int plan_explain_ports(struct store *st, const struct net_port_list *l, int r)
{
	const struct net_port *p = &l->v[l->failed];
	AUTO_FREE char *why = NULL, *name = NULL;
	char where[NET_PORT_WHERE];

	if (r != -EADDRINUSE || p->host_port_last)
		return r;
	why = xstrdup(err_trail()); /* what is asked below may leave another */
	name = holder_name(st, p);
	err_drop();
	if (!name)
		return err_set(r, why);
	net_port_where(p, where);
	return err_new(-CE_BAD_STATE, "publish %s: container %s has that port", where, name);
}

/* A port that nobody chose stays the one it was in the last run, where it can. */
static void wish_for_last(const struct plan_input *in, struct net_port_list *l)
{
	struct net_port_list last = NET_PORT_LIST_INIT;
	AUTO_STRV struct strv lines = STRV_INIT;
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (file_read_at(in->dirs->runtime_fd, PORTS_FILE, 1U << 20, &b) == 0)
		strv_split(&lines, b.s, '\n');
	for (size_t i = 0; i < lines.n; i++)
		if (*lines.v[i])
			(void)net_port_parse(lines.v[i], &last);
	err_drop(); /* it never ran, or not since the machine started */
	for (unsigned i = 0; i < l->n; i++)
		for (unsigned k = 0; k < last.n && !l->v[i].host_port; k++)
			if (l->v[i].proto == last.v[k].proto &&
			    l->v[i].container_port == last.v[k].container_port &&
			    strcmp(l->v[i].host_ip, last.v[k].host_ip) == 0)
				l->v[i].host_port_wish = last.v[k].host_port;
	net_port_list_done(&last);
}

int plan_ports(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	int r = 0;

	for (size_t i = 0; r == 0 && i < rec->ports.n; i++)
		r = net_port_parse(rec->ports.v[i], &p->ports);
	if (r == 0)
		r = networks_bind(in->store, rec, &p->ports);
	if (r < 0 || !p->ports.n)
		return r;
	p->port_fds = xcalloc(p->ports.n, sizeof(int));
	for (unsigned i = 0; i < p->ports.n; i++)
		p->port_fds[i] = -EBADF;
	wish_for_last(in, &p->ports);
	r = net_ports_bind(&p->ports, p->port_fds);
	if (r < 0)
		return plan_explain_ports(in->store, &p->ports, r);
	p->rt.net.ports = p->ports.v;
	p->rt.net.n_ports = p->ports.n;
	return 0;
}

int plan_write_ports(const struct container_dirs *dirs, const struct net_port_list *l)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	for (unsigned i = 0; i < l->n; i++) {
		AUTO_FREE char *spec = net_port_format(&l->v[i]);

		sbuf_addf(&b, "%s\n", spec);
	}
	return file_replace(dirs->runtime_fd, PORTS_FILE, b.s, b.len, 0644, FILE_NO_SYNC);
}

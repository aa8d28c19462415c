/* SPDX-License-Identifier: MIT */
/*
 * Ports that come and go while the container runs. The monitor holds each socket as the proxy does, so
 * that a next run has it too; the plan keeps saying what was published at the start.
 */
#include <unistd.h>

#include "net/ports.h"
#include "pkg/base/err.h"
#include "pkg/conmon/monitor.h"

static bool is_gone(const struct monitor *m, unsigned i)
{
	return m->port_gone[i / 8] >> i % 8 & 1;
}

int publish_plan(struct monitor *m, struct net_plan *n, int *fds)
{
	/* In the plan's memory, which has room for more than NET_PUBLISHED_MAX (RT_PORTS_MAX). */
	struct net_port *v = (struct net_port *)(uintptr_t)n->ports;
	unsigned kept = 0;

	if (n->n_ports > NET_PUBLISHED_MAX)
		return err_new(-CE_LIMIT, "%u published ports", n->n_ports);
	m->n_ports = n->n_ports;
	for (unsigned i = 0; i < m->n_ports; i++) {
		if (is_gone(m, i))
			continue;
		v[kept] = v[i];
		fds[kept++] = CM_FD_PORTS + (int)i;
	}
	for (unsigned i = 0; i < m->n_added; i++) {
		v[kept] = (struct net_port){.proto = (enum net_proto)m->added[i].proto,
					    .host_ip = "",
					    .container_port = m->added[i].container_port};
		fds[kept++] = m->added[i].fd;
	}
	n->n_ports = kept;
	return 0;
}

int publish_serve(struct monitor *m, const struct net_plan *n, const int *fds)
{
	pid_t pid = pinned_visit(m);
	int r = pid < 0 ? (int)pid : net_proxy_start(n, fds, pid, &m->run.proxy_ctl);

	if (pid > 0)
		pinned_leave(m, pid);
	if (r < 0)
		return r;
	m->run.proxy_pidfd = r;
	return 0;
}

/* The first port of a run that had none. */
static int begin(struct monitor *m, const struct net_port_change *c, int fd)
{
	const struct net_port port = {.proto = (enum net_proto)c->proto,
				      .host_ip = "",
				      .container_port = c->container_port};
	const struct net_plan n = {.mode = NET_PATH, .ports = &port, .n_ports = 1};

	return publish_serve(m, &n, &fd);
}

static int add(struct monitor *m, const struct net_port_change *c, int *fd)
{
	int r = 0;

	if (m->n_added == ADDED_PORTS_MAX)
		return -ENOSPC;
	if (!m->exited)
		r = m->run.proxy_ctl < 0 ? begin(m, c, *fd)
					 : net_proxy_change(m->run.proxy_ctl, c, *fd);
	if (r < 0)
		return r;
	m->added[m->n_added++] = (struct added_port){
		.fd = TAKE_FD(*fd), .proto = c->proto, .container_port = c->container_port};
	return 0;
}

/* Return: was it ours? Its copy here is closed. */
static bool forget(struct monitor *m, const struct net_port_change *c)
{
	for (unsigned i = 0; i < m->n_ports; i++) {
		if (is_gone(m, i) || !net_port_change_is(c, CM_FD_PORTS + (int)i))
			continue;
		(void)close(CM_FD_PORTS + (int)i);
		m->port_gone[i / 8] |= (unsigned char)(1U << i % 8);
		return true;
	}
	for (unsigned i = 0; i < m->n_added; i++) {
		if (!net_port_change_is(c, m->added[i].fd))
			continue;
		closep(&m->added[i].fd);
		m->added[i] = m->added[--m->n_added];
		return true;
	}
	return false;
}

int publish_change(struct monitor *m, const struct net_port_change *c, int *fd)
{
	int r;

	if (!net_port_change_check(c) || (c->add == 1) != (*fd >= 0))
		return -EINVAL;
	if (c->add)
		r = add(m, c, fd);
	else
		r = m->run.proxy_ctl < 0 ? 0 : net_proxy_change(m->run.proxy_ctl, c, -1);
	if (r == 0 && !c->add && !forget(m, c))
		r = -ENOENT;
	err_drop();
	return r;
}

void publish_close(struct monitor *m)
{
	for (unsigned i = 0; i < m->n_ports; i++)
		if (!is_gone(m, i))
			(void)close(CM_FD_PORTS + (int)i);
	m->n_ports = 0;
	while (m->n_added)
		closep(&m->added[--m->n_added].fd);
}

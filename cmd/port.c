/* SPDX-License-Identifier: MIT */
/* "cuddy port": which addresses of the host lead to a container's ports. One that does not run has none. */
#include <stdio.h>
#include <string.h>

#include "cmd/each.h"
#include "net/ports.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/list.h"

struct port_args {
	struct each_one one;
	bool all;
};

static const struct opt port_opts[] = {
	OPT_BOOL('a', "all", struct port_args, all, "All running containers"),
	OPT_BOOL('l', "latest", struct port_args, one.latest, "The newest container"),
	OPT_END,
};

struct wanted {
	const char *text; /* NULL: every port */
	uint32_t port;
	enum net_proto proto;
	bool with_id;
};

static int wanted_parse(const char *text, struct wanted *w)
{
	char number[8];
	size_t n = strcspn(text, "/");

	(void)snprintf(number, sizeof(number), "%.*s", (int)n, text);
	w->text = text;
	w->proto = strcmp(text + n, "/udp") == 0 ? NET_UDP : NET_TCP;
	if (n >= sizeof(number) || parse_u32(number, 65535, &w->port) < 0 || w->port == 0 ||
	    (text[n] && strcmp(text + n, "/tcp") != 0 && strcmp(text + n, "/udp") != 0))
		return err_usage("port '%s': write a port of the container as 80, 80/tcp or 80/udp",
				 text);
	return 0;
}

static const char *proto_name(enum net_proto p)
{
	return p == NET_UDP ? "udp" : "tcp";
}

static void print_port(const struct container *c, const struct net_port *p, const struct wanted *w)
{
	bool six = strchr(p->host_ip, ':') != NULL;

	if (w->with_id)
		(void)printf("%.12s\t", c->rec->id);
	if (!w->text)
		(void)printf("%u/%s -> ", p->container_port, proto_name(p->proto));
	(void)printf("%s%s%s:%u\n", six ? "[" : "", p->host_ip, six ? "]" : "", p->host_port);
}

static int print_ports(const struct container *c, const struct wanted *w)
{
	struct net_port_list l = NET_PORT_LIST_INIT;
	bool found = false;
	int r = container_is_running(c) ? container_port_list(c, &l) : 0;

	for (unsigned i = 0; r == 0 && i < l.n; i++) {
		if (w->text && (l.v[i].container_port != w->port || l.v[i].proto != w->proto))
			continue;
		print_port(c, &l.v[i], w);
		found = true;
	}
	net_port_list_done(&l);
	if (r == 0 && w->text && !found)
		return err_new(-CE_NO_OBJECT, "port %u/%s is not published%s", w->port,
			       proto_name(w->proto),
			       container_is_running(c) ? "" : ": the container does not run");
	return r;
}

static int print_all(struct cmd_ctx *ctx)
{
	const struct wanted every = {.with_id = true};
	AUTO_STRV struct strv ids = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = container_select(st, &(struct strv)STRV_INIT, true, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct container c;
		int one = container_open_id(st, ids.v[i], &c);

		if (one == -CE_NO_CONTAINER) { /* it went meanwhile */
			err_drop();
			continue;
		}
		if (one == 0) {
			one = print_ports(&c, &every);
			container_done(&c);
		}
		if (one < 0)
			ctx->status = cmd_report(err_wrap(one, "port %.12s", ids.v[i]));
	}
	return r;
}

static int port_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct port_args *a = args;
	struct wanted w = {0};
	struct container c;
	int names = a->one.latest ? 0 : 1, r;

	if (a->all && (argc || a->one.latest))
		return err_usage("port: --all goes without names, ports and --latest");
	if (a->all)
		return print_all(ctx);
	if (argc > names + 1)
		return err_usage("port: --latest stands for the name; only a port may follow");
	r = argc > names ? wanted_parse(argv[names], &w) : 0;
	if (r == 0)
		r = each_open(ctx, "port", &a->one, &argc, &argv, &c);
	if (r < 0)
		return r;
	r = print_ports(&c, &w);
	if (r < 0)
		r = err_wrap(r, "port %s", c.rec->name);
	container_done(&c);
	return r;
}

const struct command cmd_port = {
	.name = "port",
	.synopsis = "[OPTIONS] CONTAINER [PORT[/PROTO]]",
	.summary = "Show the published ports of a container",
	.opts = port_opts,
	.args_size = sizeof(struct port_args),
	.max_args = 2,
	.complete = COMPLETE_RUNNING,
	.run = port_run,
};

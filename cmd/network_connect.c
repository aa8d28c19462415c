/* SPDX-License-Identifier: MIT */
/* "cuddy network connect", "disconnect", "reload" and "update": changes under running containers. */
#include <stdio.h>
#include <string.h>

#include "cmd/each.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/networks.h"

struct connect_args {
	struct strv aliases, links;
	const char *ip, *ip6, *mac, *priority;
	struct strv driver_options, local;
};

static const struct opt connect_opts[] = {
	OPT_LIST(0, "alias", "NAME", struct connect_args, aliases,
		 "A further name of the container in this network", .commas = true),
	OPT_STR(0, "ip", "IP", struct connect_args, ip, "IPv4 address"),
	OPT_STR(0, "ip6", "IP", struct connect_args, ip6, "IPv6 address"),
	OPT_STR(0, "mac-address", "MAC", struct connect_args, mac, "MAC address"),
	OPT_STR(0, "gw-priority", "N", struct connect_args, priority,
		"The network of the highest one has the default route"),
	OPT_LIST(0, "driver-opt", "KEY=VALUE", struct connect_args, driver_options,
		 "Name of its device: com.docker.network.endpoint.ifname=NAME"),
	OPT_LIST(0, "link-local-ip", "IP", struct connect_args, local, "Refused", .hidden = true),
	OPT_LIST(0, "link", "CONTAINER[:NAME]", struct connect_args, links,
		 "What it alone calls another container of this network",
		 .complete = COMPLETE_CONTAINER),
	OPT_END,
};

/* The same words as --network NAME:ip=…, so that one parser checks them. */
static int connect_spec(const struct connect_args *a, const char *network,
			struct endpoint_spec *ret)
{
	const struct {
		const char *key, *value;
	} one[] = {{"ip", a->ip}, {"ip6", a->ip6}, {"mac", a->mac}, {"gw-priority", a->priority}};
	const struct {
		const char *key;
		const struct strv *values;
	} many[] = {{"alias", &a->aliases}, {"link", &a->links}};
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (a->local.n)
		return err_usage("--link-local-ip %s: not supported: addresses are given with "
				 "--ip and --ip6",
				 a->local.v[0]);

	sbuf_addf(&text, "%s:", network);
	for (size_t i = 0; i < ARRAY_LEN(one); i++) {
		if (!one[i].value)
			continue;
		if (strpbrk(one[i].value, ",="))
			return err_usage("%s %s: malformed", one[i].key, one[i].value);
		sbuf_addf(&text, "%s=%s,", one[i].key, one[i].value);
	}
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		for (size_t k = 0; k < many[i].values->n; k++) {
			if (strpbrk(many[i].values->v[k], ",="))
				return err_usage("--%s %s: malformed", many[i].key,
						 many[i].values->v[k]);
			sbuf_addf(&text, "%s=%s,", many[i].key, many[i].values->v[k]);
		}
	for (size_t i = 0; i < a->driver_options.n; i++) {
		if (strchr(a->driver_options.v[i], ','))
			return err_usage("--driver-opt %s: malformed", a->driver_options.v[i]);
		sbuf_addf(&text, "driver-opt=%s,", a->driver_options.v[i]);
	}
	sbuf_trim_end(&text, ",:");
	return endpoint_spec_parse(text.s, ret);
}

static int connect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO(endpoint_spec_done) struct endpoint_spec e = {0};
	AUTO_FREE char *network = NULL;
	struct container c;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = network_resolve(st, argv[0], &network);
	if (r == 0)
		r = connect_spec(args, network, &e);
	if (r == 0)
		r = container_open(st, argv[1], &c);
	if (r < 0)
		return err_wrap(r, "network connect");
	r = container_connect(st, &c, &e);
	container_done(&c);
	return r < 0 ? err_wrap(r, "network connect %s %s", argv[0], argv[1]) : 0;
}

const struct command cmd_network_connect = {
	.name = "connect",
	.group = "network",
	.synopsis = "[OPTIONS] NETWORK CONTAINER",
	.summary = "Put a container into one more network",
	.opts = connect_opts,
	.args_size = sizeof(struct connect_args),
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_NETWORK,
	.complete_rest = COMPLETE_CONTAINER,
	.run = connect_run,
};

struct disconnect_args {
	bool force;
};

static const struct opt disconnect_opts[] = {
	OPT_BOOL('f', "force", struct disconnect_args, force,
		 "Succeed when it is not in the network"),
	OPT_END,
};

static int disconnect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct disconnect_args *a = args;
	AUTO_FREE char *network = NULL;
	struct container c;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0)
		r = network_resolve(st, argv[0], &network);
	if (r == 0)
		r = container_open(st, argv[1], &c);
	if (r < 0)
		return err_wrap(r, "network disconnect");
	r = container_disconnect(st, &c, network, a->force);
	container_done(&c);
	return r < 0 ? err_wrap(r, "network disconnect %s %s", argv[0], argv[1]) : 0;
}

const struct command cmd_network_disconnect = {
	.name = "disconnect",
	.group = "network",
	.synopsis = "[OPTIONS] NETWORK CONTAINER",
	.summary = "Take a container out of a network",
	.opts = disconnect_opts,
	.args_size = sizeof(struct disconnect_args),
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_NETWORK,
	.complete_rest = COMPLETE_CONTAINER,
	.run = disconnect_run,
};

struct reload_args {
	struct each_args each;
};

static const struct opt reload_opts[] = {
	OPT_BOOL('a', "all", struct reload_args, each.all, "All running containers"),
	OPT_BOOL('l', "latest", struct reload_args, each.latest, "The newest container"),
	OPT_END,
};

static void reload_one(struct cmd_ctx *ctx, struct store *st, const char *name, bool named)
{
	struct container c;
	int r = container_open(st, name, &c);

	if (r == 0) {
		bool is_in = strcmp(c.rec->ns_net, "bridge") == 0 && container_is_running(&c);

		if (is_in)
			r = container_renew_networks(st, &c);
		else if (named && !container_is_running(&c))
			r = err_new(-CE_BAD_STATE, "it does not run");
		if (r == 0 && (is_in || named))
			(void)puts(c.rec->id);
		container_done(&c);
	}
	if (r == -CE_NO_CONTAINER && !named)
		err_drop();
	else if (r < 0)
		ctx->status = cmd_report(err_wrap(r, "network reload %s", name));
}

static int reload_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct reload_args *a = args;
	const struct each e = {.args = &a->each, .verb = "network reload", .running_only = true};
	AUTO_STRV struct strv names = STRV_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = each_select(st, &e, argc, argv, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		reload_one(ctx, st, names.v[i], !a->each.all);
	return r;
}

const struct command cmd_network_reload = {
	.name = "reload",
	.group = "network",
	.synopsis = "[OPTIONS] [CONTAINER...]",
	.summary = "Have containers' networks be what their definitions say now",
	.opts = reload_opts,
	.args_size = sizeof(struct reload_args),
	.max_args = -1,
	.complete = COMPLETE_RUNNING,
	.run = reload_run,
};

struct update_args {
	struct strv add, drop;
};

static const struct opt update_opts[] = {
	OPT_LIST(0, "dns-add", "IP", struct update_args, add, "One more name server",
		 .commas = true),
	OPT_LIST(0, "dns-drop", "IP", struct update_args, drop, "Not this name server any more",
		 .commas = true),
	OPT_END,
};

static int update_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct update_args *a = args;
	AUTO_FREE char *network = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	if (r == 0 && a->add.n + a->drop.n == 0)
		r = err_usage("network update: use --dns-add or --dns-drop");
	if (r == 0)
		r = network_resolve(st, argv[0], &network);
	if (r == 0)
		r = network_set_servers(st, network, &a->add, &a->drop);
	if (r == 0)
		(void)puts(network);
	return r < 0 ? err_wrap(r, "network update") : 0;
}

const struct command cmd_network_update = {
	.name = "update",
	.group = "network",
	.synopsis = "[OPTIONS] NETWORK",
	.summary = "Change the name servers of a network",
	.opts = update_opts,
	.args_size = sizeof(struct update_args),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_NETWORK,
	.run = update_run,
};

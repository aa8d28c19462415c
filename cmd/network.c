/* SPDX-License-Identifier: MIT */
/* "cuddy network …": create, list, inspect, and what scripts ask. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/persona.h"
#include "cmd/show.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/networks.h"
#include "pkg/json/json.h"
#include "pkg/json/kind.h"
#include "pkg/json/nil.h"

static const struct opt create_opts[] = {
	OPT_STR('d', "driver", "DRIVER", struct network_request, driver, "Network driver: bridge",
		.complete = COMPLETE_WORDS, .words = "bridge"),
	OPT_LIST(0, "subnet", "NETWORK", struct network_request, subnets,
		 "Addresses of the network, one for each family", .commas = true),
	OPT_LIST(0, "gateway", "IP", struct network_request, gateways, "Gateway of a subnet",
		 .commas = true),
	OPT_LIST(0, "ip-range", "RANGE", struct network_request, ranges,
		 "What is given to containers: FIRST-LAST or a part of a subnet", .commas = true),
	OPT_TRI(0, "ipv4", struct network_request, ipv4,
		"IPv4 addresses; =false with --ipv6: none"),
	OPT_BOOL(0, "ipv6", struct network_request, ipv6, "IPv6 addresses too"),
	OPT_LIST(0, "aux-address", "NAME=IP", struct network_request, reserved,
		 "An address that no container gets"),
	OPT_LIST(0, "ipam-opt", "KEY=VALUE", struct network_request, ipam_options, "Refused",
		 .hidden = true),
	OPT_BOOL(0, "internal", struct network_request, internal, "No way out"),
	OPT_BOOL(0, "disable-dns", struct network_request, no_names,
		 "Do not answer for names of containers"),
	OPT_LIST(0, "dns", "IP", struct network_request, servers, "Whom to ask for other names",
		 .commas = true),
	OPT_LIST(0, "route", "NETWORK,GATEWAY[,METRIC]", struct network_request, routes,
		 "A route in its containers"),
	OPT_STR(0, "interface-name", "NAME", struct network_request, device,
		"Name of the bridge device"),
	OPT_STR(0, "ipam-driver", "DRIVER", struct network_request, ipam_driver,
		"Who gives addresses: host-local, or none for a network without",
		.complete = COMPLETE_WORDS, .words = "host-local none"),
	OPT_LIST('o', "opt", "KEY=VALUE", struct network_request, options,
		 "Option: mtu=N, isolate=true|false|strict, metric=N, no_default_route=true, "
		 "com.docker.network.bridge.{name,enable_icc,enable_ip_masquerade,host_binding_"
		 "ipv4}"),
	OPT_LIST(0, "label", "KEY=VALUE", struct network_request, labels, "Attach a label"),
	OPT_BOOL(0, "ignore", struct network_request, ignore, "Succeed when the network exists"),
	OPT_MOOT(0, "attachable", NULL, "Containers can always be put into a network"),
	OPT_REFUSED(0, "scope", "SCOPE", "there is one host, and no swarm", "local"),
	OPT_REFUSED(0, "ingress", NULL, "there is no swarm whose requests could be routed", NULL),
	OPT_REFUSED(0, "config-only", NULL, "there is no swarm: a network is made where it is used",
		    NULL),
	OPT_REFUSED(0, "config-from", "NETWORK",
		    "there is no swarm: say its subnets and options with flags", NULL),
	OPT_END,
};

static const struct network_request create_defaults = {.ipv4 = -1};

static int create_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct network_request q = *(const struct network_request *)args;
	AUTO_FREE char *name = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	q.name = argc ? argv[0] : NULL;
	if (r == 0)
		r = network_make(st, &q, &name);
	if (r == 0)
		(void)puts(name);
	return r;
}

const struct command cmd_network_create = {
	.name = "create",
	.group = "network",
	.synopsis = "[OPTIONS] [NAME]",
	.summary = "Create a network",
	.opts = create_opts,
	.args_size = sizeof(struct network_request),
	.defaults = &create_defaults,
	.max_args = 1,
	.run = create_run,
};

struct ls_args {
	bool quiet, no_heading, no_trunc;
	const char *format;
	struct strv filters;
};

static const struct opt ls_opts[] = {
	OPT_LIST('f', "filter", "KEY=VALUE", struct ls_args, filters, "Only networks that match"),
	OPT_BOOL('q', "quiet", struct ls_args, quiet, "Only names"),
	OPT_BOOL('n', "noheading", struct ls_args, no_heading, "No table heading"),
	OPT_BOOL(0, "no-trunc", struct ls_args, no_trunc, "Whole ids"),
	OPT_STR(0, "format", "FORMAT", struct ls_args, format,
		"Print as json or through a Go template"),
	OPT_END,
};

static struct json_object *time_of(struct json_object *o)
{
	const char *created = "";
	int64_t ns = 0;

	(void)json_get_str(o, "created", &created);
	(void)clock_parse(created, &ns);
	return json_time(ns);
}

/* What a subnet may lack is there for templates, and not set. */
static void complete_subnets(struct json_object *o)
{
	static const char *const names[] = {"gateway", "lease_range"};
	struct json_object *all = json_object_object_get(o, "subnets");

	for (size_t i = 0; all && i < json_object_array_length(all); i++)
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			struct json_object *s = json_object_array_get_idx(all, i);

			if (!json_object_object_get(s, names[k]))
				json_set(s, names[k], json_nil(JSON_NIL_ABSENT));
		}
}

/* The first of its IPAM, as docker has it: an entry for each subnet. */
static struct json_object *ipam_of(struct json_object *o)
{
	struct json_object *ipam = json_object_new_object(), *config = json_object_new_array();
	struct json_object *all = json_object_object_get(o, "subnets");
	struct json_object *options = json_object_object_get(o, "ipam_options"), *driver = NULL;

	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		static const char *const names[][2] = {{"Subnet", "subnet"},
						       {"Gateway", "gateway"}};
		struct json_object *s = json_object_array_get_idx(all, i);
		struct json_object *one = json_object_new_object();

		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			const char *v = "";

			(void)json_get_str(s, names[k][1], &v);
			json_set_str(one, names[k][0], v);
		}
		(void)json_object_array_add(config, one);
	}
	(void)json_object_object_get_ex(options, "driver", &driver);
	json_set(ipam, "Driver", json_object_get(driver));
	json_set(ipam, "Options", json_as_map(json_object_new_object()));
	json_set(ipam, "Config", config);
	return ipam;
}

/* One without any addresses is a bridge for both families. */
static bool has_ipv4(struct json_object *o)
{
	struct json_object *all = json_object_object_get(o, "subnets");
	size_t n = all ? json_object_array_length(all) : 0;
	bool found = n == 0;

	for (size_t i = 0; i < n && !found; i++) {
		const char *net = "";

		(void)json_get_str(json_object_array_get_idx(all, i), "subnet", &net);
		found = !strchr(net, ':');
	}
	return found;
}

/* docker's names, for its templates. */
static void add_docker(struct json_object *row, struct json_object *o)
{
	static const char *const never[] = {"Attachable", "Ingress", "ConfigOnly"};
	struct json_object *six = json_object_object_get(o, "ipv6_enabled");
	struct json_object *from = json_object_new_object();
	bool ipv4 = has_ipv4(o);

	json_set_str(row, "Scope", "local");
	json_set(row, "IPAM", ipam_of(o));
	json_set_bool(row, "EnableIPv4", ipv4);
	json_set_bool(row, "IPv4", ipv4);
	json_set(row, "EnableIPv6", json_object_get(six));
	json_set(row, "IPv6", json_object_get(six));
	json_set(row, "CreatedAt", time_of(o));
	json_set_str(from, "Network", "");
	json_set(row, "ConfigFrom", from);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		json_set_bool(row, never[i], false);
}

/* podman's names for templates; what is in them has its JSON names, which templates know by Go's, too. */
static struct json_object *template_row(struct json_object *o, bool no_trunc)
{
	static const struct {
		const char *to, *from;
		enum json_nil nil; /* what is there when nothing is; JSON_NIL_NONE: an empty map */
	} names[] = {{"Name", "name", JSON_NIL_NONE},
		     {"ID", "id", JSON_NIL_NONE},
		     {"Driver", "driver", JSON_NIL_NONE},
		     {"NetworkInterface", "network_interface", JSON_NIL_NONE},
		     {"Created", "created", JSON_NIL_NONE},
		     {"Subnets", "subnets", JSON_NIL_NONE},
		     {"IPv6Enabled", "ipv6_enabled", JSON_NIL_NONE},
		     {"Internal", "internal", JSON_NIL_NONE},
		     {"DNSEnabled", "dns_enabled", JSON_NIL_NONE},
		     {"NetworkDNSServers", "network_dns_servers", JSON_NIL_LIST},
		     {"Labels", "labels", JSON_NIL_NONE},
		     {"Options", "options", JSON_NIL_NONE},
		     {"IPAMOptions", "ipam_options", JSON_NIL_NONE},
		     {"Routes", "routes", JSON_NIL_LIST},
		     {"Containers", "containers", JSON_NIL_MAP}};
	struct json_object *row = json_object_new_object();

	complete_subnets(o);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct json_object *v = json_object_object_get(o, names[i].from);

		json_set(row, names[i].to,
			 v                               ? json_object_get(v)
			 : names[i].nil == JSON_NIL_NONE ? json_as_map(json_object_new_object())
							 : json_nil(names[i].nil));
	}
	json_set(row, "Created", time_of(o));
	add_docker(row, o);
	if (!no_trunc) {
		AUTO_FREE char *id = NULL;
		const char *whole = "";

		(void)json_get_str(o, "id", &whole);
		id = strndup(whole, 12);
		json_set_str(row, "ID", id);
	}
	return row;
}

static int ls_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	static const struct column columns[] = {
		{"NETWORK ID", "ID"}, {"NAME", "Name"}, {"DRIVER", "Driver"}, {NULL, NULL}};
	const struct ls_args *a = args;
	const struct list_options o = show_options(a->format, a->quiet, a->no_heading, "Name",
						   columns);
	AUTO_JSON struct json_object *found = NULL, *rows = json_object_new_array();
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = network_rows(st, &a->filters, &found);
	for (size_t i = 0; r == 0 && i < json_object_array_length(found); i++) {
		struct json_object *row = template_row(json_object_array_get_idx(found, i),
						       a->no_trunc);

		show_labels_as_text(row); /* as podman and docker */
		(void)json_object_array_add(rows, row);
	}
	return r < 0 ? r : list_print(&o, rows, found, stdout);
}

const struct command cmd_network_ls = {
	.name = "ls",
	.group = "network",
	.synopsis = "[OPTIONS]",
	.summary = "List networks",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};

struct inspect_args {
	const char *format;
	bool verbose;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", "FORMAT", struct inspect_args, format,
		"Print as json or through a Go template"),
	OPT_BOOL('v', "verbose", struct inspect_args, verbose,
		 "The same: there is nothing more to tell of a network of this host"),
	OPT_END,
};

static int inspect_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct inspect_args *a = args;
	AUTO_JSON struct json_object *array = json_object_new_array();
	/* As with podman "{{json .}}" is the whole array; docker says it an object a line. */
	const char *format = a->format && persona() != PERSONA_DOCKER &&
					     strcmp(a->format, "{{json .}}") == 0
				     ? "json"
				     : a->format;
	bool template = format && strcmp(format, "json") != 0;
	struct store *st;
	int r = cmd_store(ctx, &st);

	for (int i = 0; r == 0 && i < argc; i++) {
		AUTO_JSON struct json_object *o = NULL;
		int one = network_inspect(st, argv[i], &o);

		if (one < 0)
			ctx->status = cmd_report(err_wrap(one, "network inspect %s", argv[i]));
		else
			(void)json_object_array_add(array, template ? template_row(o, true)
								    : json_object_get(o));
	}
	return r < 0 ? r : show_objects(array, format);
}

const struct command cmd_network_inspect = {
	.name = "inspect",
	.group = "network",
	.synopsis = "[OPTIONS] NETWORK [NETWORK...]",
	.summary = "Print everything about networks",
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.min_args = 1,
	.max_args = -1,
	.complete = COMPLETE_NETWORK,
	.run = inspect_run,
};

static int exists_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO_FREE char *name = NULL;
	struct store *st;
	int r = cmd_store(ctx, &st);

	(void)args;
	(void)argc;
	if (r == 0)
		r = network_resolve(st, argv[0], &name);
	return cmd_exists(ctx, r, -CE_NO_NETWORK);
}

const struct command cmd_network_exists = {
	.name = "exists",
	.group = "network",
	.synopsis = "NETWORK",
	.summary = "Exit with 0 when it exists, with 1 when not",
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_NETWORK,
	.run = exists_run,
};

/* SPDX-License-Identifier: MIT */
/* "cuddy update": change what a container was made with, running or not. */
#include <stdio.h>

#include "cmd/create_opts.h"
#include "cmd/each.h"
#include "cmd/limit_opts.h"
#include "net/ports.h"
#include "pkg/base/err.h"
#include "pkg/config/containers_conf.h"

struct update_args {
	struct each_args each;
	struct limit_request limits;
	struct settings_request settings;
	struct publish_request publish;
	const char *restart;
};

static const struct update_args update_defaults = {.limits = LIMIT_REQUEST_DEFAULTS};

static const struct opt update_opts[] = {
	OPT_BOOL('l', "latest", struct update_args, each.latest, "The newest container"),
	OPT_STR(0, "restart", "POLICY", struct update_args, restart,
		"When to start again by itself: no, on-failure[:N], always or unless-stopped",
		.complete = COMPLETE_WORDS, .words = "no on-failure always unless-stopped"),
	OPT_GROUP(limit_opts, struct update_args, limits),
	OPT_ROWS(refused_opts),
	OPT_GROUP(health_opts, struct update_args, settings.health),
	OPT_LIST('e', "env", "NAME[=VALUE]", struct update_args, settings.env,
		 "Set an environment variable, from the next start on"),
	OPT_LIST(0, "unsetenv", "NAME", struct update_args, settings.unset_env,
		 "Take an environment variable away, from the next start on"),
	OPT_LIST(0, "ulimit", "TYPE=SOFT[:HARD]", struct update_args, settings.ulimits,
		 "Set a resource limit, from the next start on"),
	OPT_LIST(0, "publish-add", "[[IP:]PORT:]PORT[/PROTO]", struct update_args, publish.add,
		 "Publish a port of the container on the host, at once when it runs"),
	OPT_LIST(0, "publish-rm", "[[IP:]PORT:]PORT[/PROTO]", struct update_args, publish.rm,
		 "Publish a port no longer; connections in use go on"),
	OPT_END,
};

static int update_one(struct store *st, struct container *c, const void *arg)
{
	const struct update_args *a = arg;
	int r = limits_given(&a->limits) ? container_set_limits(st, c, &a->limits) : 0;

	if (r == 0 && settings_given(&a->settings))
		r = container_set_settings(st, c, &a->settings);
	if (r == 0 && (a->publish.add.n || a->publish.rm.n))
		r = container_publish(st, c, &a->publish);
	return r == 0 && a->restart ? container_set_restart(st, c, a->restart) : r;
}

static int update_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct update_args *a = args;
	struct update_args whole = *a;
	const struct each e = {
		.args = &a->each, .verb = "update", .one = update_one, .arg = &whole};
	const struct containers_conf *conf = NULL;
	AUTO_STRV struct strv add = STRV_INIT;
	int r = 0;

	if (!a->restart && !limits_given(&a->limits) && !settings_given(&a->settings) &&
	    !a->publish.add.n && !a->publish.rm.n)
		return err_usage(
			"update: say what to change: --restart, a limit such as --memory, "
			"a --health-… flag, --env, --ulimit, --publish-add or --publish-rm");
	if (a->publish.add.n)
		r = containers_conf(&conf);
	for (size_t i = 0; r == 0 && i < a->publish.add.n; i++)
		net_port_put_at(a->publish.add.v[i], &conf->default_host_ips.v, &add);
	whole.publish.add = add;
	return r < 0 ? r : each_container(ctx, &e, argc, argv);
}

const struct command cmd_update = {
	.name = "update",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Change settings of containers",
	.opts = update_opts,
	.args_size = sizeof(struct update_args),
	.defaults = &update_defaults,
	.max_args = -1,
	.complete = COMPLETE_CONTAINER,
	.run = update_run,
};

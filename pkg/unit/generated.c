/* SPDX-License-Identifier: MIT */
/*
 * A container that is there is started in the foreground and attached (Type=exec): its monitor lives in
 * a cgroup of its own, so a process that waits for it is what the service has; no file with a process
 * number is involved. With --new the monitor stays in the service's cgroup and tells systemd itself
 * when all is ready (Type=notify).
 */
#include "pkg/unit/generated.h"

#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/unit/words.h"

#define STOP_MARGIN_S 60 /* what stopping takes besides waiting */
#define CIDFILE "%t/%n.ctr-id"

/* A word of the user's as systemd takes it: "%" and "$" are no more than themselves. */
static void add_literal(struct strv *argv, const char *word)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	for (; *word; word++) {
		if (*word == '%' || *word == '$')
			sbuf_addc(&b, *word);
		sbuf_addc(&b, *word);
	}
	strv_add(argv, b.s ? b.s : "");
}

static void add_command(struct unit_file *out, const char *key, const struct strv *argv)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;

	unit_words_join(&line, argv);
	unit_file_add(out, "Service", key, line.s);
}

static void start_new(const struct generated *g, struct unit_file *out)
{
	AUTO_STRV struct strv argv = STRV_INIT;

	add_literal(&argv, g->program);
	for (size_t i = 0; i < g->image; i++)
		add_literal(&argv, g->command->v[i]);
	/* Last, so that they count. */
	strv_add(&argv, "--cidfile=" CIDFILE);
	strv_add(&argv, "--cgroups=no-conmon");
	strv_add(&argv, "--rm");
	if (!g->own_readiness)
		strv_add(&argv, "--sdnotify=conmon");
	strv_add(&argv, "-d");
	if (g->named)
		strv_add(&argv, "--replace");
	for (size_t i = g->image; i < g->command->n; i++)
		add_literal(&argv, g->command->v[i]);
	/* A file that a crash left: cuddy refuses to write over one. */
	unit_file_add(out, "Service", "ExecStartPre", "/bin/rm -f " CIDFILE);
	add_command(out, "ExecStart", &argv);
	unit_file_add(out, "Service", "Type", "notify");
	unit_file_add(out, "Service", "NotifyAccess", "all");
}

static void start_kept(const struct generated *g, struct unit_file *out)
{
	AUTO_STRV struct strv argv = STRV_INIT;

	add_literal(&argv, g->program);
	strv_add(&argv, "start");
	strv_add(&argv, "--attach");
	add_literal(&argv, g->container);
	add_command(out, "ExecStart", &argv);
	unit_file_add(out, "Service", "Type", "exec");
}

/* @verb: words up to the container. */
static void stop_command(const struct generated *g, struct unit_file *out, const char *key,
			 const char *verb)
{
	AUTO_STRV struct strv argv = STRV_INIT;

	add_literal(&argv, g->program);
	strv_split(&argv, verb, ' ');
	strv_add(&argv, "-t");
	strv_addf(&argv, "%u", g->stop_timeout_s);
	if (g->command)
		strv_add(&argv, "--cidfile=" CIDFILE);
	else
		add_literal(&argv, g->container);
	add_command(out, key, &argv);
}

static void add_units(struct unit_file *out, const char *key, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++)
		unit_file_add(out, "Unit", key, names->v[i]);
}

void generated_unit(const struct generated *g, struct unit_file *out)
{
	unit_file_addf(out, "Unit", "Description", "cuddy %s.service", g->unit);
	unit_file_add(out, "Unit", "Documentation", "man:cuddy-generate-systemd(1)");
	add_units(out, "After", g->after);
	add_units(out, "Wants", g->wants);
	add_units(out, "Requires", g->requires);
	unit_file_add(out, "Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
	for (size_t i = 0; i < g->env->n; i++) {
		AUTO_SBUF struct sbuf word = SBUF_INIT;
		AUTO_STRV struct strv literal = STRV_INIT;

		add_literal(&literal, g->env->v[i]);
		unit_words_quote(&word, literal.v[0]);
		unit_file_add(out, "Service", "Environment", word.s);
	}
	unit_file_add(out, "Service", "Restart", g->restart);
	if (g->restart_s)
		unit_file_addf(out, "Service", "RestartSec", "%u", g->restart_s);
	if (g->start_timeout_s)
		unit_file_addf(out, "Service", "TimeoutStartSec", "%u", g->start_timeout_s);
	unit_file_addf(out, "Service", "TimeoutStopSec", "%u", g->stop_timeout_s + STOP_MARGIN_S);
	if (g->command)
		start_new(g, out);
	else
		start_kept(g, out);
	stop_command(g, out, "ExecStop", "stop --ignore");
	if (g->command)
		stop_command(g, out, "ExecStopPost", "rm -f --ignore");
	else
		stop_command(g, out, "ExecStopPost", "stop --ignore");
	unit_file_add(out, "Install", "WantedBy", "default.target");
}

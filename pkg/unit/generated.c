/* SPDX-License-Identifier: MIT */
/*
 * A container that is there is started in the foreground and attached (Type=exec): its monitor lives in
 * a cgroup of its own, so a process that waits for it is what the service has; no file with a process
 * number is involved. With --new the monitor stays in the service's cgroup and tells systemd itself
 * when all is ready (Type=notify).
 *
 * A pod that is there is started and stopped as a whole by a service that stands for it (Type=oneshot);
 * with --new its infra container's monitor is the main process (Type=forking), as with a .pod file.
 */
#include "pkg/unit/generated.h"

#include <inttypes.h>
#include <string.h>

#include "pkg/base/alloc.h"
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
	if (g->instances_of)
		strv_addf(&argv, "--name=%s-%%i", g->instances_of);
	if (g->named || g->instances_of)
		strv_add(&argv, "--replace");
	if (g->pod)
		strv_addf(&argv, "--pod=%s", g->pod);
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
	/*
	 * Stopping by SIGTERM or SIGKILL is no failure. Where failures start it again, such an end that
	 * nobody asked systemd for does so too.
	 */
	unit_file_add(out, "Service", "SuccessExitStatus", "137 143");
	if (!strcmp(g->restart, "on-failure"))
		unit_file_add(out, "Service", "RestartForceExitStatus", "137 143");
}

/* "PROGRAM WORDS", and whom it is about: by the file with its id (@by_file), or by name. */
static void act_on(struct unit_file *out, const char *key, const char *program, const char *words,
		   const char *by_file, const char *name)
{
	AUTO_STRV struct strv argv = STRV_INIT;

	add_literal(&argv, program);
	strv_split(&argv, words, ' ');
	if (by_file)
		strv_add(&argv, by_file);
	else
		add_literal(&argv, name);
	add_command(out, key, &argv);
}

static void act_on_container(const struct generated *g, struct unit_file *out, const char *key,
			     const char *verb)
{
	AUTO_FREE char *words = xasprintf("%s -t %" PRId64, verb, g->stop_timeout_s);

	act_on(out, key, g->program, words, g->command ? "--cidfile=" CIDFILE : NULL, g->container);
}

static void add_units(struct unit_file *out, const char *key, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++)
		unit_file_add(out, "Unit", key, names->v[i]);
}

/* systemd waits longer than stopping takes. */
static void add_patience(struct unit_file *out, int64_t stop_timeout_s)
{
	if (stop_timeout_s < 0)
		unit_file_add(out, "Service", "TimeoutStopSec", "infinity");
	else
		unit_file_addf(out, "Service", "TimeoutStopSec", "%" PRId64,
			       stop_timeout_s + STOP_MARGIN_S);
}

struct common {
	const char *unit;
	const struct strv *after, *wants, *requires, *env;
};

static void add_common(const struct common *c, struct unit_file *out)
{
	unit_file_addf(out, "Unit", "Description", "cuddy %s%s.service", c->unit,
		       strchr(c->unit, '@') ? "%i" : "");
	unit_file_add(out, "Unit", "Documentation", "man:cuddy-generate-systemd(1)");
	add_units(out, "After", c->after);
	add_units(out, "Wants", c->wants);
	add_units(out, "Requires", c->requires);
	unit_file_add(out, "Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
	for (size_t i = 0; i < c->env->n; i++) {
		AUTO_SBUF struct sbuf word = SBUF_INIT;
		AUTO_STRV struct strv literal = STRV_INIT;

		add_literal(&literal, c->env->v[i]);
		unit_words_quote(&word, literal.v[0]);
		unit_file_add(out, "Service", "Environment", word.s);
	}
}

void generated_unit(const struct generated *g, struct unit_file *out)
{
	const struct common c = {g->unit, g->after, g->wants, g->requires, g->env};

	add_common(&c, out);
	if (g->pod_unit) {
		unit_file_addf(out, "Unit", "BindsTo", "%s.service", g->pod_unit);
		unit_file_addf(out, "Unit", "After", "%s.service", g->pod_unit);
	}
	unit_file_add(out, "Service", "Restart", g->restart);
	if (g->restart_s)
		unit_file_addf(out, "Service", "RestartSec", "%u", g->restart_s);
	if (g->start_timeout_s)
		unit_file_addf(out, "Service", "TimeoutStartSec", "%u", g->start_timeout_s);
	add_patience(out, g->stop_timeout_s);
	if (g->command)
		start_new(g, out);
	else
		start_kept(g, out);
	act_on_container(g, out, "ExecStop", "stop --ignore");
	if (g->command)
		act_on_container(g, out, "ExecStopPost", "rm -f --ignore");
	else
		act_on_container(g, out, "ExecStopPost", "stop --ignore");
	if (!g->pod_unit)
		unit_file_add(out, "Install", "WantedBy", "default.target");
}

static void act_on_pod(const struct generated_pod *g, struct unit_file *out, const char *key,
		       const char *words)
{
	act_on(out, key, g->program, words, g->command ? "--pod-id-file=%t/%N.pod-id" : NULL,
	       g->pod);
}

static void create_pod(const struct generated_pod *g, struct unit_file *out)
{
	AUTO_STRV struct strv argv = STRV_INIT;

	add_literal(&argv, g->program);
	for (size_t i = 0; i <= g->command->n; i++) {
		if (i == g->flags) /* unless the user's own say something else */
			strv_add(&argv, "--exit-policy=stop");
		if (i == g->operand)
			strv_split(&argv,
				   "--infra-conmon-pidfile=%t/%N.pid --pod-id-file=%t/%N.pod-id "
				   "--replace",
				   ' ');
		if (i < g->command->n)
			add_literal(&argv, g->command->v[i]);
	}
	unit_file_add(out, "Service", "Type", "forking");
	unit_file_add(out, "Service", "PIDFile", "%t/%N.pid");
	unit_file_add(out, "Service", "Restart", "on-failure");
	add_command(out, "ExecStartPre", &argv);
}

void generated_pod_unit(const struct generated_pod *g, struct unit_file *out)
{
	const struct common c = {g->unit, g->after, g->wants, g->requires, g->env};
	AUTO_FREE char *stop = xasprintf("pod stop --ignore -t %" PRId64, g->stop_timeout_s);

	add_common(&c, out);
	add_units(out, "Wants", g->services);
	add_units(out, "Before", g->services);
	add_patience(out, g->stop_timeout_s);
	if (g->command) {
		create_pod(g, out);
	} else {
		unit_file_add(out, "Service", "Type", "oneshot");
		unit_file_add(out, "Service", "RemainAfterExit", "yes");
	}
	act_on_pod(g, out, "ExecStart", "pod start");
	act_on_pod(g, out, "ExecStop", stop);
	if (g->command)
		act_on_pod(g, out, "ExecStopPost", "pod rm --ignore --force");
	unit_file_add(out, "Install", "WantedBy", "default.target");
}

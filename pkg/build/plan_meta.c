/* SPDX-License-Identifier: MIT */
/* Instructions that change the config and nothing else. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/build/plan_internal.h"
#include "pkg/container/make.h"

static void set(char **field, char *v)
{
	free(*field);
	*field = v;
}

static int plan_env(struct planner *pl, const struct inst *in, struct sbuf *h)
{
	struct stage_plan *p = pl->p;
	bool env = in->kind == INST_ENV;

	for (size_t i = 0; i < in->args.n; i++) {
		size_t n = strcspn(in->args.v[i], "=");
		AUTO_FREE char *raw = xstrndup(in->args.v[i], n), *name = NULL, *value = NULL,
			       *pair = NULL;
		int r = plan_word(pl, raw, &name);

		if (r == 0)
			r = plan_word(pl, in->args.v[i] + n + 1, &value);
		if (r == 0 && (!*name || (env && strchr(name, '='))))
			r = err_usage("'%s' is no name", name);
		if (r < 0)
			return r;
		pair = xasprintf("%s=%s", name, value);
		strv_env_set(env ? &p->image.c.env : &p->image.c.labels, pair);
		if (env)
			strv_env_set(&p->vars, pair);
		sbuf_addf(h, " %s", pair);
	}
	return 0;
}

/* --- EXPOSE -------------------------------------------------------------------------------------- */

static int expose_word(struct strv *ports, const char *word)
{
	AUTO_FREE char *spec = xstrdup(word);
	char *slash = strchr(spec, '/'), *dash;
	const char *proto = slash ? slash + 1 : "tcp", *first = spec;
	uint32_t from, to;

	if (slash)
		*slash = '\0';
	for (char *c = slash ? slash + 1 : spec + strlen(spec); *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (strrchr(spec, ':')) /* the host's part means nothing in an image */
		first = strrchr(spec, ':') + 1;
	dash = strchr(spec, '-');
	if (dash)
		*dash = '\0';
	if ((strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0 &&
	     strcmp(proto, "sctp") != 0) ||
	    parse_u32(first, 65535, &from) < 0 || !from)
		return err_usage("'%s' is not PORT[-PORT][/tcp|udp|sctp]", word);
	to = from;
	if (dash && (parse_u32(dash + 1, 65535, &to) < 0 || to < from))
		return err_usage("'%s' is not a range of ports", word);
	for (; from <= to; from++) {
		AUTO_FREE char *port = xasprintf("%u/%s", from, proto);

		if (!strv_has(ports, port))
			strv_add(ports, port);
	}
	return 0;
}

static int plan_expose(struct planner *pl, const struct inst *in, struct sbuf *h)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->args.n; i++)
		r = expand_words(&pl->x, in->args.v[i], &words);
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		r = expose_word(&pl->p->image.c.exposed_ports, words.v[i]);
		sbuf_addf(h, " %s", words.v[i]);
	}
	return r;
}

static int plan_volume(struct planner *pl, const struct inst *in, struct sbuf *h)
{
	struct strv *volumes = &pl->p->image.c.volumes;

	for (size_t i = 0; i < in->args.n; i++) {
		AUTO_FREE char *word = NULL, *joined = NULL, *clean = NULL;
		int r = plan_word(pl, in->args.v[i], &word);

		if (r == 0 && !*word)
			r = err_usage("the name of a volume is empty");
		if (r < 0)
			return r;
		joined = path_join("/", word);
		clean = path_clean(joined);
		if (!strv_has(volumes, clean))
			strv_add(volumes, clean);
		sbuf_addf(h, " %s", clean);
	}
	return 0;
}

/* --- commands ------------------------------------------------------------------------------------ */

static void quote_list(struct sbuf *h, const struct strv *v)
{
	sbuf_adds(h, " [");
	for (size_t i = 0; i < v->n; i++) {
		sbuf_adds(h, i ? " \"" : "\"");
		for (const char *c = v->v[i]; *c; c++) {
			if (*c == '"' || *c == '\\')
				sbuf_addc(h, '\\');
			sbuf_addc(h, *c);
		}
		sbuf_addc(h, '"');
	}
	sbuf_addc(h, ']');
}

static int plan_command(struct planner *pl, const struct inst *in, struct strv *list,
			struct sbuf *h)
{
	strv_done(list);
	if (in->exec_form)
		strv_add_all(list, &in->args);
	else if (in->args.n)
		plan_shell(pl, in->args.v[0], list);
	quote_list(h, list);
	return 0;
}

static int plan_entrypoint(struct planner *pl, const struct inst *in, struct sbuf *h)
{
	int r = plan_command(pl, in, &pl->p->image.c.entrypoint, h);

	/* A command of the base image was meant for the base image's entrypoint. */
	if (!pl->cmd_set)
		strv_done(&pl->p->image.c.cmd);
	return r;
}

static int health_time(struct planner *pl, const struct inst *in, const char *name, int64_t *ret)
{
	AUTO_FREE char *v = NULL;
	int r = plan_flag(pl, in, name, &v);

	if (r < 0 || !v)
		return r;
	if (parse_duration(v, ret) < 0 || (*ret && *ret < NS_PER_MS))
		return err_usage("--%s=%s: a duration like 30s, at least 1ms, or 0", name, v);
	return 0;
}

static int plan_health(struct planner *pl, const struct inst *in, struct sbuf *h)
{
	struct healthcheck c = {0};
	AUTO_FREE char *retries = NULL;
	uint32_t n = 0;
	int r = health_time(pl, in, "interval", &c.interval_ns);

	if (r == 0)
		r = health_time(pl, in, "timeout", &c.timeout_ns);
	if (r == 0)
		r = health_time(pl, in, "start-period", &c.start_period_ns);
	if (r == 0)
		r = health_time(pl, in, "start-interval", &c.start_interval_ns);
	if (r == 0)
		r = plan_flag(pl, in, "retries", &retries);
	if (r == 0 && retries && parse_u32(retries, INT32_MAX, &n) < 0)
		r = err_usage("--retries=%s: a number", retries);
	if (r < 0)
		return r;
	c.retries = (int)n;
	if (strcmp(in->health, "NONE") == 0) {
		strv_add(&c.test, "NONE");
	} else if (in->exec_form) {
		strv_add(&c.test, "CMD");
		strv_add_all(&c.test, &in->args);
	} else {
		strv_add(&c.test, "CMD-SHELL");
		strv_add(&c.test, in->args.v[0]);
	}
	strv_done(&pl->p->image.c.health.test);
	pl->p->image.c.health = c;
	quote_list(h, &c.test);
	return 0;
}

static int plan_text(struct planner *pl, const struct inst *in, struct sbuf *h)
{
	struct image_config *c = &pl->p->image.c;
	AUTO_FREE char *v = NULL;
	int sig, r = in->kind == INST_MAINTAINER ? 0 : plan_word(pl, in->args.v[0], &v);

	if (r < 0)
		return r;
	if (!v)
		v = xstrdup(in->args.v[0]);
	sbuf_addf(h, " %s", v);
	if (in->kind == INST_MAINTAINER) {
		set(&c->author, TAKE_PTR(v));
	} else if (in->kind == INST_USER) {
		r = user_check(v);
		if (r == 0)
			set(&c->user, TAKE_PTR(v));
	} else if (parse_signal(v, &sig) < 0) {
		r = err_usage("'%s' is not a signal; write a name like SIGTERM or a number from 1 "
			      "to 64",
			      v);
	} else {
		set(&c->stop_signal, TAKE_PTR(v));
	}
	return r;
}

int plan_meta(struct planner *pl, const struct inst *in)
{
	AUTO_SBUF struct sbuf h = SBUF_INIT;
	struct image_config *c = &pl->p->image.c;
	int r = 0;

	sbuf_adds(&h, inst_name(in->kind));
	switch (in->kind) {
	case INST_ENV:
	case INST_LABEL:
		r = plan_env(pl, in, &h);
		break;
	case INST_EXPOSE:
		r = plan_expose(pl, in, &h);
		break;
	case INST_VOLUME:
		r = plan_volume(pl, in, &h);
		break;
	case INST_CMD:
		r = plan_command(pl, in, &c->cmd, &h);
		pl->cmd_set = true;
		break;
	case INST_ENTRYPOINT:
		r = plan_entrypoint(pl, in, &h);
		break;
	case INST_SHELL:
		strv_done(&c->shell);
		strv_add_all(&c->shell, &in->args);
		quote_list(&h, &c->shell);
		break;
	case INST_HEALTHCHECK:
		r = plan_health(pl, in, &h);
		break;
	case INST_ONBUILD:
		strv_add(&c->onbuild, in->args.v[0]);
		return 0; /* no history of its own */
	default:
		r = plan_text(pl, in, &h);
	}
	if (r < 0)
		return r;
	plan_add(pl, in, OP_META)->history = sbuf_steal(&h);
	return 0;
}

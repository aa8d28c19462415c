/* SPDX-License-Identifier: MIT */
/* --secret of containers. The record names secrets; it never holds one. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/plan.h"
#include "pkg/container/secrets.h"
#include "storage/store.h"

void secret_use_done(struct secret_use *u)
{
	free(u->source);
	free(u->target);
	u->source = u->target = NULL;
}

static int set_word(struct secret_use *u, const char *w, bool first, const char *spec)
{
	const char *eq = strchr(w, '='), *v = eq ? eq + 1 : "";
	size_t n = eq ? (size_t)(eq - w) : 0;
	int r = 0;

	if ((!eq && first) || (n == 6 && strncmp(w, "source", n) == 0) ||
	    (n == 3 && strncmp(w, "src", n) == 0)) {
		free(u->source);
		u->source = xstrdup(eq ? v : w);
	} else if (n == 4 && strncmp(w, "type", n) == 0) {
		if (strcmp(v, "mount") != 0 && strcmp(v, "env") != 0)
			return err_usage("--secret '%s': type is mount or env", spec);
		u->env = *v == 'e';
	} else if (n == 6 && strncmp(w, "target", n) == 0) {
		free(u->target);
		u->target = xstrdup(v);
	} else if (n == 3 && strncmp(w, "uid", n) == 0) {
		r = parse_u32(v, INT32_MAX, &u->uid);
	} else if (n == 3 && strncmp(w, "gid", n) == 0) {
		r = parse_u32(v, INT32_MAX, &u->gid);
	} else if (n == 4 && strncmp(w, "mode", n) == 0) {
		r = parse_octal(v, 0777, &u->mode);
	} else {
		return err_usage("--secret '%s': unknown word '%s'; known are type= target= uid= "
				 "gid= mode=",
				 spec, w);
	}
	return r < 0 ? err_usage("--secret '%s': '%s' is not a number", spec, w) : 0;
}

static int check_target(const struct secret_use *u, const char *spec)
{
	if (u->env && (!*u->target || strchr(u->target, '=')))
		return err_usage("--secret '%s': '%s' names no variable", spec, u->target);
	if (!u->env &&
	    (!*u->target || strchr(u->target, '\n') || u->target[strlen(u->target) - 1] == '/' ||
	     (*u->target != '/' && strchr(u->target, '/'))))
		return err_usage("--secret '%s': the target is an absolute path or a file name",
				 spec);
	if (!u->env && (strcmp(u->target, ".") == 0 || strcmp(u->target, "..") == 0))
		return err_usage("--secret '%s': '%s' is not a file name", spec, u->target);
	return 0;
}

int secret_use_parse(const char *spec, struct secret_use *ret)
{
	AUTO(secret_use_done) struct secret_use u = {.mode = 0444};
	AUTO_STRV struct strv words = STRV_INIT;
	int r = 0;

	strv_split(&words, spec, ',');
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = set_word(&u, words.v[i], i == 0, spec);
	if (r == 0 && (!u.source || !*u.source))
		r = err_usage("--secret '%s': which secret? write its name first", spec);
	if (r < 0)
		return r;
	if (!u.target)
		u.target = xstrdup(u.source);
	if (!u.env && *u.target == '/') {
		char *clean = path_clean(u.target);

		free(u.target);
		u.target = clean;
	}
	r = check_target(&u, spec);
	if (r < 0)
		return r;
	*ret = u;
	u = (struct secret_use){0};
	return 0;
}

int make_secrets(struct store *st, const struct strv *specs, struct container_record *r)
{
	AUTO_STRV struct strv targets = STRV_INIT;

	for (size_t i = 0; i < specs->n; i++) {
		AUTO(secret_use_done) struct secret_use u = {0};
		AUTO(secret_record_done) struct secret_record s = {0};
		AUTO_FREE char *key = NULL;
		int rc = secret_use_parse(specs->v[i], &u);

		if (rc == 0)
			rc = secret_find(st, u.source, &s);
		if (rc < 0)
			return rc == -CE_USAGE ? rc : err_wrap(rc, "--secret");
		key = xasprintf("%c%s", u.env ? 'e' : 'm', u.target);
		if (strv_has(&targets, key))
			return err_usage("--secret '%s': %s is another secret's target",
					 specs->v[i], u.target);
		if (!u.env &&
		    (path_is_within(u.target, "/proc") || path_is_within(u.target, "/sys")))
			return err_usage("--secret '%s': not below /proc or /sys", specs->v[i]);
		strv_add(&targets, key);
		/* An id stands for one value, a name for the present one. */
		strv_addf(&r->secrets, "source=%s,type=%s,target=%s,uid=%u,gid=%u,mode=%o", s.name,
			  u.env ? "env" : "mount", u.target, u.uid, u.gid, u.mode);
	}
	return 0;
}

static int read_value(struct store *st, const char *name, struct sbuf *ret)
{
	AUTO(secret_record_done) struct secret_record s = {0};
	int r = secret_load(st, name, &s);

	return r < 0 ? r : secret_read(st, &s, ret);
}

int secrets_add_env(struct store *st, const struct container_record *rec, struct strv *env)
{
	for (size_t i = 0; i < rec->secrets.n; i++) {
		AUTO(secret_use_done) struct secret_use u = {0};
		struct sbuf data = SBUF_INIT, pair = SBUF_INIT;
		int r = secret_use_parse(rec->secrets.v[i], &u);

		if (r < 0)
			return r;
		if (!u.env)
			continue;
		r = read_value(st, u.source, &data);
		if (r == 0 && memchr(data.s, '\0', data.len))
			r = err_usage("secret %s holds a NUL byte, so it cannot be a variable",
				      u.source);
		if (r == 0) {
			sbuf_addf(&pair, "%s=", u.target);
			sbuf_add(&pair, data.s, data.len);
			strv_env_set(env, pair.s);
		}
		secret_wipe(&data);
		secret_wipe(&pair);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_secrets(const struct plan_input *in, struct container_plan *p)
{
	const struct container_record *rec = in->record;
	unsigned n = 0;

	p->secrets = xcalloc(rec->secrets.n + 1, sizeof(*p->secrets));
	p->secret_data = xcalloc(rec->secrets.n + 1, sizeof(*p->secret_data));
	for (size_t i = 0; i < rec->secrets.n; i++)
		p->secret_data[i] = (struct sbuf)SBUF_INIT;
	p->n_secrets = (unsigned)rec->secrets.n;
	for (size_t i = 0; i < rec->secrets.n; i++) {
		AUTO(secret_use_done) struct secret_use u = {0};
		int r = secret_use_parse(rec->secrets.v[i], &u);

		if (r < 0)
			return r;
		if (u.env)
			continue;
		r = read_value(in->store, u.source, &p->secret_data[i]);
		if (r < 0)
			return r;
		p->secrets[n++] = (struct rt_secret){.target = plan_keep(p, TAKE_PTR(u.target)),
						     .uid = u.uid,
						     .gid = u.gid,
						     .mode = u.mode,
						     .data = p->secret_data[i].s,
						     .len = p->secret_data[i].len};
	}
	p->rt.secrets = p->secrets;
	p->rt.n_secrets = n;
	return secrets_add_env(in->store, rec, &p->env);
}

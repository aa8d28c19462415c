/* SPDX-License-Identifier: MIT */
#include "pkg/build/source_judge.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/remote.h"
#include "pkg/config/registries.h"

#define IMAGE "docker-image://"
#define GIT "git://"

static const char *after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

int judge_local(const struct source_policies *p, const char *name)
{
	AUTO(source_done) struct source s = {0};
	AUTO_FREE char *before = xasprintf("local://%s", name);
	int r;

	if (!p->n)
		return 0;
	s.identifier = xstrdup(before);
	r = source_policies_apply(p, &s);
	if (r == 0 && strcmp(s.identifier, before) != 0)
		r = err_new(-CE_UNSUPPORTED, "source policy: %s cannot become %s", before,
			    s.identifier);
	return r;
}

/* --- images --------------------------------------------------------------------------------------- */

/* All that a short name may turn out to be, as full names. */
static int meanings(struct store *st, const char *name, enum pull_policy pull, struct strv *ret)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO(registries_done) struct registries conf = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *matched = NULL;
	char id[65];
	int r;

	if (reference_parse(name, &ref) < 0) {
		err_drop(); /* whoever looks it up says what is wrong with it */
		strv_add(ret, name);
		return 0;
	}
	if (ref.host) {
		reference_normalise(&ref);
		strv_take(ret, reference_text(&ref));
		return 0;
	}
	if (image_resolve_strict(st, name, id, &matched) < 0)
		err_drop();
	if (matched)
		strv_add(ret, matched);
	if (matched && (pull == PULL_MISSING || pull == PULL_NEVER))
		return 0;
	r = registries_load(&conf);
	if (r < 0)
		return r;
	registries_candidates(&conf, ref.path, &names);
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *full = xasprintf("%s%s%s%s%s", names.v[i], ref.tag ? ":" : "",
						 ref.tag ? ref.tag : "", ref.digest ? "@" : "",
						 ref.digest ? ref.digest : "");
		AUTO(reference_done) struct reference one = {0};

		r = reference_parse(full, &one);
		if (r < 0)
			return r;
		reference_normalise(&one);
		strv_take(ret, reference_text(&one));
	}
	return 0;
}

static int judge_one(const struct source_policies *p, const char *full, char **ret)
{
	AUTO(source_done) struct source s = {0};
	AUTO_FREE char *before = after(full, "oci-layout://") ? xstrdup(full)
							      : xasprintf(IMAGE "%s", full);
	int r;

	s.identifier = xstrdup(before);
	r = source_policies_apply(p, &s);
	if (r < 0 || strcmp(s.identifier, before) == 0)
		return r;
	if (!after(before, IMAGE) || !after(s.identifier, IMAGE))
		return err_new(-CE_UNSUPPORTED, "source policy: %s cannot become %s", before,
			       s.identifier);
	*ret = xstrdup(after(s.identifier, IMAGE));
	return 0;
}

int judge_image(const struct source_policies *p, struct store *st, const char *name,
		enum pull_policy pull, char **ret)
{
	AUTO_STRV struct strv names = STRV_INIT;
	char *other = NULL;
	int r = 0;

	if (p->n && after(name, "oci-layout://"))
		strv_add(&names, name);
	else if (p->n)
		r = meanings(st, name, pull, &names);
	for (size_t i = 0; r == 0 && !other && i < names.n; i++)
		r = judge_one(p, names.v[i], &other);
	if (r < 0)
		return r;
	*ret = other ? other : xstrdup(name);
	return 0;
}

/* --- URLs and repositories ------------------------------------------------------------------------- */

void judged_done(struct judged *j)
{
	free(j->url);
	free(j->checksum);
	*j = (struct judged){0};
}

/* "https://HOST/PATH#REF" is git://HOST/PATH#REF there, and the attribute says how it is reached. */
static void git_identifier(const char *url, struct source *s)
{
	const char *host = strstr(url, "://") + 3;

	s->identifier = xasprintf(GIT "%s", host);
	strv_addf(&s->attrs, "git.fullurl=%.*s", (int)strcspn(url, "#"), url);
}

/* The way it is reached stays what it was, or becomes what the policy says. */
static int git_url(const char *written, const struct source *s, char **ret)
{
	const char *full = strv_env_get(&s->attrs, "git.fullurl"), *to = after(s->identifier, GIT);
	size_t place = to ? strcspn(to, "#") : 0,
	       scheme = (size_t)(strstr(written, "://") - written);
	AUTO_FREE char *url = NULL;
	enum remote_kind kind;

	if (!to)
		return err_new(-CE_UNSUPPORTED, "source policy: the repository %s cannot become %s",
			       written, s->identifier);
	if (strncmp(written, full, strcspn(written, "#")) == 0 && !full[strcspn(written, "#")])
		url = xasprintf("%.*s://%.*s", (int)scheme, written, (int)place, to);
	else
		url = xstrdup(full);
	*ret = xasprintf("%s%s", url, to + place);
	if (remote_kind_of(*ret, &kind) == 0 && kind == REMOTE_GIT)
		return 0;
	err_drop();
	return err_new(-CE_UNSUPPORTED, "source policy: the repository %s cannot become %s",
		       written, *ret);
}

int judge_remote(const struct source_policies *p, const char *url, const char *checksum,
		 struct judged *ret)
{
	AUTO(source_done) struct source s = {0};
	enum remote_kind kind = REMOTE_NONE, now = REMOTE_NONE;
	const char *attr, *sum;
	int r = p->n ? remote_kind_of(url, &kind) : 0;

	if (kind == REMOTE_GIT)
		git_identifier(url, &s);
	else
		s.identifier = xstrdup(url);
	attr = kind == REMOTE_GIT ? "git.checksum" : "http.checksum";
	if (checksum)
		strv_addf(&s.attrs, "%s=%s", attr, checksum);
	if (r == 0)
		r = source_policies_apply(p, &s);
	if (r == 0 && kind == REMOTE_GIT)
		r = git_url(url, &s, &ret->url);
	else if (r == 0)
		ret->url = xstrdup(s.identifier);
	if (r == 0 && kind == REMOTE_URL &&
	    (remote_kind_of(ret->url, &now) < 0 || now != REMOTE_URL)) {
		err_drop();
		r = err_new(-CE_UNSUPPORTED, "source policy: %s cannot become %s", url, ret->url);
	}
	sum = strv_env_get(&s.attrs, attr);
	if (r == 0 && sum && *sum)
		ret->checksum = xstrdup(sum);
	return r < 0 || !ret->checksum || !p->n ? r : remote_checksum_check(ret->checksum);
}

/* SPDX-License-Identifier: MIT */
/*
 * --userns, --uidmap and their kin, as maps onto the base namespace, where 0 is the user and 1… are
 * his subordinate ids. As with podman, numbers on the right of a map mean those, so that no map
 * depends on which ids a host granted.
 *
 *	private   each id is itself: root inside is the user         (no map is kept)
 *	host      the base namespace itself
 *	keep-id   the user is himself inside, root is subordinate: only the user's own id changes place
 *	nomap     the user is nobody inside
 *	auto      a range that no other container has; found when the container is made
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/container.h"
#include "pkg/container/idmap.h"
#include "pkg/container/make.h"
#include "pkg/container/userns.h"
#include "pkg/runtime/base.h"

/* How many subordinate ids there are. */
static uint32_t total(const struct subid_range *v, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += v[i].count;
	return sum > INT32_MAX ? INT32_MAX : (uint32_t)sum;
}

static void keep_id(uint32_t id, uint32_t available, struct idmap *m)
{
	idmap_add(m, 0, 1, id < available ? id : available);
	idmap_add(m, id, 0, 1);
	if (available > id)
		idmap_add(m, id + 1, id + 1, available - id);
}

static int options_of(const char *mode, const char *text, struct userns_options *o)
{
	AUTO_STRV struct strv parts = STRV_INIT;

	strv_split(&parts, text, ',');
	for (size_t i = 0; i < parts.n; i++) {
		const char *eq = strchr(parts.v[i], '=');
		const char *value = eq ? eq + 1 : "";
		size_t n = eq ? (size_t)(eq - parts.v[i]) : 0;
		bool automatic = strcmp(mode, "auto") == 0;
		int r = 0;

		if (n == 4 && strncmp(parts.v[i], "size", n) == 0)
			r = parse_u32(value, INT32_MAX, &o->size);
		else if (n == 3 && !automatic && strncmp(parts.v[i], "uid", n) == 0)
			r = parse_u32(value, INT32_MAX, &o->uid);
		else if (n == 3 && !automatic && strncmp(parts.v[i], "gid", n) == 0)
			r = parse_u32(value, INT32_MAX, &o->gid);
		else if (n == 10 && automatic && strncmp(parts.v[i], "uidmapping", n) == 0)
			strv_add(&o->uid_maps, value);
		else if (n == 10 && automatic && strncmp(parts.v[i], "gidmapping", n) == 0)
			strv_add(&o->gid_maps, value);
		else
			return err_usage(
				"--userns %s: unknown option '%s'; known are %s", mode, parts.v[i],
				automatic ? "size= uidmapping= gidmapping=" : "uid= gid= size=");
		if (r < 0)
			return err_usage("--userns %s: '%s' is not a number", mode, parts.v[i]);
	}
	return 0;
}

void userns_options_done(struct userns_options *o)
{
	strv_done(&o->uid_maps);
	strv_done(&o->gid_maps);
}

int userns_options_parse(const char *text, struct userns_options *ret)
{
	const char *colon = strchr(text, ':');
	AUTO_FREE char *mode = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);

	ret->uid = ret->gid = UINT32_MAX;
	return colon ? options_of(mode, colon + 1, ret) : 0;
}

static int need_ids(const struct base_grant *g, const char *mode)
{
	AUTO_FREE char *hint = NULL;

	if (!base_grant_is_single(g))
		return 0;
	hint = base_single_hint(g);
	return err_new(-CE_HOST_SETUP, "--userns %s: %s", mode, hint);
}

static void keep_maps(const struct idmap *u, const struct idmap *g, struct container_record *r)
{
	idmap_write(u, &r->uid_map);
	idmap_write(g, &r->gid_map);
}

static int make_keep_id(const struct container_request *q, const struct base_grant *grant,
			struct container_record *r)
{
	AUTO(userns_options_done) struct userns_options o = {0};
	AUTO(idmap_done) struct idmap u = {0}, g = {0};
	uint32_t uids = total(grant->uids, grant->n_uids), gids = total(grant->gids, grant->n_gids);
	uint32_t uid = (uint32_t)grant->uid, gid = (uint32_t)grant->gid;
	int rc = userns_options_parse(q->userns, &o);

	if (rc == 0)
		rc = need_ids(grant, "keep-id");
	if (rc < 0)
		return rc;
	if (o.uid != UINT32_MAX)
		uid = o.uid;
	if (o.gid != UINT32_MAX)
		gid = o.gid;
	if (o.size && o.size < uids)
		uids = o.size;
	if (o.size && o.size < gids)
		gids = o.size;
	keep_id(uid, uids, &u);
	keep_id(gid, gids, &g);
	keep_maps(&u, &g, r);
	r->ns_user = xstrdup(q->userns);
	if (!q->user) { /* whatever user the image names: one keeps one's id to be it */
		free(r->user);
		r->user = xasprintf("%u:%u", uid, gid);
	}
	return 0;
}

static int make_nomap(const struct container_request *q, const struct base_grant *grant,
		      struct container_record *r)
{
	AUTO(idmap_done) struct idmap u = {0}, g = {0};
	int rc = need_ids(grant, "nomap");

	if (rc < 0)
		return rc;
	idmap_add(&u, 0, 1, total(grant->uids, grant->n_uids));
	idmap_add(&g, 0, 1, total(grant->gids, grant->n_gids));
	keep_maps(&u, &g, r);
	r->ns_user = xstrdup(q->userns);
	return 0;
}

/* --- explicit maps ---------------------------------------------------------------------------- */

/* "@ID" is an id of the host: what it is called in the base namespace. */
static int host_id(const char *text, uint32_t own, const struct subid_range *v, unsigned n,
		   uint32_t *ret)
{
	uint32_t id, next = 1;

	if (parse_u32(text, UINT32_MAX, &id) < 0)
		return -EINVAL;
	if (id == own) {
		*ret = 0;
		return 0;
	}
	for (unsigned i = 0; i < n; i++) {
		if (id >= v[i].start && id - v[i].start < v[i].count) {
			*ret = next + (id - v[i].start);
			return 0;
		}
		next += v[i].count;
	}
	return -ERANGE;
}

struct map_kind {
	const char *flag;
	char letter, other; /* "u" and "g" before a map: only for these, or for both */
	uint32_t own;
	const struct subid_range *v;
	unsigned n;
};

static void add_private(const struct map_kind *k, struct idmap *m)
{
	idmap_add(m, 0, 0, 1);
	idmap_add(m, 1, 1, total(k->v, k->n));
}

/* "[+ug]INSIDE:[@]OUTSIDE[:COUNT]" */
static int add_map(const struct map_kind *k, const char *spec, bool *extends, struct idmap *m)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	size_t flags = strspn(spec, "+ug");
	bool plus = memchr(spec, '+', flags) != NULL;
	bool mine = memchr(spec, k->letter, flags) || !memchr(spec, k->other, flags);
	uint32_t in, out, count = 1;
	int r;

	strv_split(&parts, spec + flags, ':');
	if (parts.n < 2 || parts.n > 3)
		return err_usage("%s '%s': write CONTAINER-ID:FROM-ID[:COUNT]", k->flag, spec);
	r = parts.v[1][0] == '@' ? host_id(parts.v[1] + 1, k->own, k->v, k->n, &out)
				 : parse_u32(parts.v[1], INT32_MAX, &out);
	if (r == -ERANGE && parts.v[1][0] == '@')
		return err_usage("%s '%s': %s of the host is not one of your ids", k->flag, spec,
				 parts.v[1] + 1);
	if (r < 0 || parse_u32(parts.v[0], INT32_MAX, &in) < 0 ||
	    (parts.n == 3 && parse_u32(parts.v[2], INT32_MAX, &count) < 0) || count == 0)
		return err_usage("%s '%s': not numbers from 0 to %d", k->flag, spec, INT32_MAX);
	if (!mine)
		return 0;
	if (plus && !*extends && m->n == 0) /* the first one starts from what a private one has */
		add_private(k, m);
	*extends = *extends || plus;
	if (plus)
		idmap_insert(m, in, out, count);
	else
		idmap_add(m, in, out, count);
	return 0;
}

static int add_maps(const struct map_kind *k, const struct strv *specs, struct idmap *m)
{
	bool extends = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < specs->n; i++)
		r = add_map(k, specs->v[i], &extends, m);
	if (r == 0 && m->n == 0) /* each was for the other kind alone */
		add_private(k, m);
	return r < 0 ? r : idmap_check(m, (uint64_t)total(k->v, k->n) + 1, k->flag);
}

/* --subuidname: all of the ranges that a name has, which can only be ours. */
static int named_range(const char *flag, const char *name, const struct base_grant *g, uint32_t n,
		       struct idmap *m)
{
	if (!base_grant_is_of(g, name))
		return err_usage("%s '%s': the ranges of others cannot be used; name yourself",
				 flag, name);
	idmap_add(m, 0, 1, n);
	return 0;
}

static int make_explicit(const struct container_request *q, const struct base_grant *grant,
			 struct container_record *r)
{
	const struct map_kind uk = {"--uidmap",           'u',         'g',
				    (uint32_t)grant->uid, grant->uids, grant->n_uids},
			      gk = {"--gidmap",           'g',         'u',
				    (uint32_t)grant->gid, grant->gids, grant->n_gids};
	AUTO(idmap_done) struct idmap u = {0}, g = {0};
	/* One kind of map alone is meant for both. */
	const struct strv *us = q->uidmap.n ? &q->uidmap : &q->gidmap;
	const struct strv *gs = q->gidmap.n ? &q->gidmap : &q->uidmap;
	const char *un = q->subuidname ? q->subuidname : q->subgidname;
	const char *gn = q->subgidname ? q->subgidname : q->subuidname;
	const char *said = q->subuidname ? "--subuidname" : "--subgidname";
	int rc = need_ids(grant, "with maps");

	if (rc == 0 && un && (q->uidmap.n || q->gidmap.n))
		rc = err_usage(
			"--subuidname and --subgidname do not go with --uidmap and --gidmap");
	if (rc == 0)
		rc = un ? named_range(said, un, grant, total(grant->uids, grant->n_uids), &u)
			: add_maps(&uk, us, &u);
	if (rc == 0)
		rc = gn ? named_range("--subgidname", gn, grant, total(grant->gids, grant->n_gids),
				      &g)
			: add_maps(&gk, gs, &g);
	if (rc < 0)
		return rc;
	keep_maps(&u, &g, r);
	r->ns_user = xstrdup("private");
	return 0;
}

/* --- together --------------------------------------------------------------------------------- */

static int make_joined(struct store *st, const char *mode, struct container_record *r)
{
	struct container other;
	int rc = container_open(st, mode + strlen("container:"), &other);

	if (rc < 0)
		return err_wrap(rc, "--userns %s", mode);
	if (strcmp(other.rec->ns_user, "host") == 0)
		r->ns_user = xstrdup("host");
	else
		r->ns_user = xasprintf("container:%s", other.rec->id);
	strv_add_all(&r->uid_map, &other.rec->uid_map);
	strv_add_all(&r->gid_map, &other.rec->gid_map);
	container_done(&other);
	return 0;
}

static bool is_mode(const char *given, const char *mode)
{
	size_t n = strlen(mode);

	return strncmp(given, mode, n) == 0 && (!given[n] || given[n] == ':');
}

static int make_auto(const struct container_request *q, const struct base_grant *grant,
		     struct container_record *r)
{
	AUTO(userns_options_done) struct userns_options o = {0};
	int rc = userns_options_parse(q->userns, &o);

	if (rc == 0)
		rc = need_ids(grant, "auto");
	if (rc == 0)
		r->ns_user = xstrdup(q->userns);
	return rc;
}

int make_userns(struct store *st, const struct container_request *q, struct container_record *r)
{
	const char *mode = q->userns && *q->userns ? q->userns : "private";
	bool maps = q->uidmap.n || q->gidmap.n || q->subuidname || q->subgidname;
	AUTO(base_grant_done) struct base_grant grant = {0};
	int rc;

	if (maps && strcmp(mode, "private") != 0)
		return err_usage("--userns %s and maps of your own contradict each other", mode);
	if (!maps && (strcmp(mode, "private") == 0 || strcmp(mode, "host") == 0)) {
		r->ns_user = xstrdup(mode);
		return 0;
	}
	if (strncmp(mode, "container:", 10) == 0)
		return make_joined(st, mode, r);
	if (strncmp(mode, "ns:", 3) == 0)
		return make_userns_path(st, mode, r);
	rc = base_grant_load(&grant);
	if (rc < 0)
		return rc;
	if (maps)
		return make_explicit(q, &grant, r);
	if (is_mode(mode, "keep-id"))
		return make_keep_id(q, &grant, r);
	if (strcmp(mode, "nomap") == 0)
		return make_nomap(q, &grant, r);
	if (is_mode(mode, "auto"))
		return make_auto(q, &grant, r);
	return err_usage("--userns '%s': not supported; use private, host, "
			 "keep-id[:uid=,gid=,size=], nomap, auto[:size=], container:NAME, "
			 "ns:PATH or --uidmap and --gidmap",
			 mode);
}

/* SPDX-License-Identifier: MIT */
/*
 * RemapUsers=manual|auto|keep-id with RemapUid=, RemapGid= and RemapUidSize=: how unit files said before UserNS=,
 * UIDMap= and GIDMap= which ids a container has.
 */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/unit/convert.h"

static int bad(const struct unit_line *l, const char *why)
{
	return err_new(-CE_BAD_FORMAT, "%s: %s=%s: %s", l->where, l->key, l->value, why);
}

struct remap {
	const struct unit_line *users, *uid, *gid, *size; /* the last of each, or NULL */
	struct strv uids, gids;
};

static void remap_done(struct remap *m)
{
	strv_done(&m->uids);
	strv_done(&m->gids);
}

static int read_words(const struct convert *c, const char *key, struct strv *ret)
{
	const struct unit_line *l = NULL;
	int r = 0;

	while (r == 0 && (l = unit_file_next(&c->q->in, c->section, key, l)))
		r = convert_words(l, ret);
	return r;
}

/* Two ways of saying it in one file: neither could be right. */
static int check_alone(const struct convert *c, const struct unit_line *l)
{
	static const char *const keys[] = {"UserNS", "UIDMap", "GIDMap", "SubUIDMap", "SubGIDMap"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (convert_own(c, keys[i]))
			return err_new(-CE_BAD_FORMAT,
				       "%s: %s= does not go with %s=; keep the latter", l->where,
				       l->key, keys[i]);
	return 0;
}

static void add_each(struct convert *c, const char *flag, const struct strv *values)
{
	for (size_t i = 0; i < values->n; i++) {
		strv_add(&c->argv, flag);
		strv_add(&c->argv, values->v[i]);
	}
}

static int add_auto(struct convert *c, const struct remap *m)
{
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_FREE char *all = NULL;
	uint32_t size = 0;

	for (size_t i = 0; i < m->uids.n; i++)
		strv_addf(&words, "uidmapping=%s", m->uids.v[i]);
	for (size_t i = 0; i < m->gids.n; i++)
		strv_addf(&words, "gidmapping=%s", m->gids.v[i]);
	if (m->size && parse_u32(m->size->value, UINT32_MAX, &size) < 0)
		return bad(m->size, "not a number of ids");
	if (size)
		strv_addf(&words, "size=%u", size);
	all = strv_join(&words, ",");
	strv_add(&c->argv, "--userns");
	strv_addf(&c->argv, "auto%s%s", words.n ? ":" : "", all);
	return 0;
}

static int add_keep_id(struct convert *c, const struct remap *m)
{
	if (m->uids.n > 1)
		return bad(m->uid, "keep-id maps one id");
	if (m->gids.n > 1)
		return bad(m->gid, "keep-id maps one id");
	strv_add(&c->argv, "--userns");
	strv_addf(&c->argv, "keep-id%s%s%s%s%s", m->uids.n || m->gids.n ? ":" : "",
		  m->uids.n ? "uid=" : "", m->uids.n ? m->uids.v[0] : "",
		  !m->gids.n  ? ""
		  : m->uids.n ? ",gid="
			      : "gid=",
		  m->gids.n ? m->gids.v[0] : "");
	return 0;
}

int convert_remap(struct convert *c, bool manual)
{
	AUTO(remap_done)
	struct remap m = {.users = convert_own(c, "RemapUsers"),
			  .uid = convert_own(c, "RemapUid"),
			  .gid = convert_own(c, "RemapGid"),
			  .size = convert_own(c, "RemapUidSize")};
	const struct unit_line *any = m.users ? m.users : m.uid ? m.uid : m.gid ? m.gid : m.size;
	int r = any ? check_alone(c, any) : 0;

	if (r < 0 || !any)
		return r;
	if (!m.users)
		return bad(any, "needs a RemapUsers= beside it");
	r = read_words(c, "RemapUid", &m.uids);
	if (r == 0)
		r = read_words(c, "RemapGid", &m.gids);
	if (r < 0)
		return r;
	if (m.size && strcmp(m.users->value, "auto") != 0)
		return bad(m.size, "goes with RemapUsers=auto only");
	if (!strcmp(m.users->value, "auto"))
		return add_auto(c, &m);
	if (!strcmp(m.users->value, "keep-id"))
		return add_keep_id(c, &m);
	if (strcmp(m.users->value, "manual") != 0)
		return bad(m.users, "manual, auto or keep-id");
	if (!manual)
		return bad(m.users, "pods of YAML have no maps of their own; use auto or keep-id");
	add_each(c, "--uidmap", &m.uids);
	add_each(c, "--gidmap", &m.gids);
	return 0;
}

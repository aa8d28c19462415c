/* SPDX-License-Identifier: MIT */
/* Namespaces and maps of ids. */
#include <string.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/bundle/internal.h"

static const enum rt_ns_kind kind_of[OCI_NS_KINDS] = {
	[OCI_NS_USER] = RT_NS_USER,   [OCI_NS_PID] = RT_NS_PID,     [OCI_NS_UTS] = RT_NS_UTS,
	[OCI_NS_IPC] = RT_NS_IPC,     [OCI_NS_NETWORK] = RT_NS_NET, [OCI_NS_CGROUP] = RT_NS_CGROUP,
	[OCI_NS_MOUNT] = RT_NS_COUNT, [OCI_NS_TIME] = RT_NS_TIME,
};

/* One extent of the base namespace: its ids from @inside on are the host's from @outside on. */
struct extent {
	uint64_t inside, outside, count;
};

static unsigned base_extents(const struct bundle *b, uint32_t own, const struct subid_range *v,
			     unsigned n, bool single, struct extent *out)
{
	uint64_t next = 1;
	unsigned e = 0;

	(void)b;
	out[e++] = (struct extent){0, own, 1};
	for (unsigned i = 0; !single && i < n; i++) {
		out[e++] = (struct extent){next, v[i].start, v[i].count};
		next += v[i].count;
	}
	return e;
}

/* A range of the host's ids may be spread over several extents. */
static int through_base(struct bundle *b, const struct oci_idmap *m, unsigned n,
			const struct extent *ext, unsigned n_ext, const char *what,
			const struct rt_idmap **ret, unsigned *ret_n)
{
	struct rt_idmap *out = bundle_keep(b, (size_t)n * n_ext, sizeof(*out));
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t done = 0;

		for (unsigned e = 0; e < n_ext; e++) {
			uint64_t lo = m[i].outside, hi = lo + m[i].count;
			uint64_t elo = ext[e].outside, ehi = elo + ext[e].count;

			lo = lo > elo ? lo : elo;
			hi = hi < ehi ? hi : ehi;
			if (lo >= hi)
				continue;
			out[k++] = (struct rt_idmap){
				.inside = (uint32_t)(m[i].inside + (lo - m[i].outside)),
				.outside = (uint32_t)(ext[e].inside + (lo - elo)),
				.count = (uint32_t)(hi - lo)};
			done += hi - lo;
		}
		if (done != m[i].count)
			return err_new(
				-CE_HOST_SETUP,
				"%s %u+%u: not all of these ids are yours to map (own id and "
				"/etc/sub%s)",
				what, m[i].outside, m[i].count, what);
	}
	*ret = out;
	*ret_n = k;
	return 0;
}

static int as_it_is(struct bundle *b, const struct oci_idmap *m, unsigned n,
		    const struct rt_idmap **ret, unsigned *ret_n)
{
	struct rt_idmap *out = bundle_keep(b, n, sizeof(*out));

	for (unsigned i = 0; i < n; i++)
		out[i] = (struct rt_idmap){m[i].inside, m[i].outside, m[i].count};
	*ret = out;
	*ret_n = n;
	return 0;
}

/* All that the base namespace has. */
static void whole_base(struct bundle *b, const struct extent *ext, unsigned n_ext,
		       const struct rt_idmap **ret, unsigned *ret_n)
{
	struct rt_idmap *out = bundle_keep(b, 1, sizeof(*out));
	const struct extent *last = &ext[n_ext - 1];

	out[0].count = (uint32_t)(last->inside + last->count);
	*ret = out;
	*ret_n = 1;
}

static int plan_maps(struct bundle *b, const struct bundle_host *h)
{
	const struct oci_spec *s = &b->spec;
	const struct base_grant *g = &h->grant;
	struct rt_plan *p = &b->plan;
	struct extent *uids, *gids;
	unsigned nu, ng;
	int r;

	if (h->privileged) {
		r = as_it_is(b, s->uid_map, s->n_uid_map, &p->uid_map, &p->n_uid_map);
		return r < 0 ? r
			     : as_it_is(b, s->gid_map, s->n_gid_map, &p->gid_map, &p->n_gid_map);
	}
	uids = bundle_keep(b, (size_t)g->n_uids + 1, sizeof(*uids));
	gids = bundle_keep(b, (size_t)g->n_gids + 1, sizeof(*gids));
	nu = base_extents(b, g->uid, g->uids, g->n_uids, h->single, uids);
	ng = base_extents(b, g->gid, g->gids, g->n_gids, h->single, gids);
	if (!s->ns[OCI_NS_USER].present) {
		whole_base(b, uids, nu, &p->uid_map, &p->n_uid_map);
		whole_base(b, gids, ng, &p->gid_map, &p->n_gid_map);
		return 0;
	}
	r = through_base(b, s->uid_map, s->n_uid_map, uids, nu, "uid", &p->uid_map, &p->n_uid_map);
	return r < 0 ? r
		     : through_base(b, s->gid_map, s->n_gid_map, gids, ng, "gid", &p->gid_map,
				    &p->n_gid_map);
}

static bool maps_root(const struct rt_idmap *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (m[i].inside == 0)
			return true;
	return false;
}

/* A line for each clock, as the kernel wants them. */
static int plan_clocks(struct bundle *b)
{
	static const char *const names[OCI_CLOCKS] = {
		[OCI_CLOCK_MONOTONIC] = "monotonic", [OCI_CLOCK_BOOTTIME] = "boottime"};
	struct sbuf lines = SBUF_INIT;

	for (unsigned i = 0; i < OCI_CLOCKS; i++) {
		const struct oci_time_offset *t = &b->spec.offsets[i];

		if (!t->present)
			continue;
		if (b->plan.ns[RT_NS_TIME].mode != RT_NS_NEW) {
			sbuf_done(&lines);
			return err_new(-CE_BAD_FORMAT,
				       "linux.timeOffsets: without a new time namespace");
		}
		sbuf_addf(&lines, "%s %lld %u\n", names[i], (long long)t->secs, t->nanosecs);
	}
	if (lines.len)
		b->plan.clocks = bundle_keep_str(b, sbuf_steal(&lines));
	sbuf_done(&lines);
	return 0;
}

int bundle_namespaces(struct bundle *b, const struct bundle_host *h)
{
	const struct oci_namespace *ns = b->spec.ns;
	struct rt_plan *p = &b->plan;
	int r;

	if (!ns[OCI_NS_MOUNT].present || ns[OCI_NS_MOUNT].path)
		return err_new(
			-CE_UNSUPPORTED,
			"linux.namespaces: a container has a new mount namespace of its own");
	for (unsigned k = 0; k < OCI_NS_KINDS; k++)
		if (kind_of[k] != RT_NS_COUNT)
			p->ns[kind_of[k]] = (struct rt_ns){
				.mode = !ns[k].present ? RT_NS_HOST
					: ns[k].path   ? RT_NS_JOIN
						       : RT_NS_NEW,
				.path = ns[k].path,
			};
	r = plan_clocks(b);
	if (r < 0)
		return r;
	/* An ordinary user has power only over namespaces that belong to one of his own. */
	if (!ns[OCI_NS_USER].present && !h->privileged)
		p->ns[RT_NS_USER].mode = RT_NS_NEW;
	if (p->ns[RT_NS_USER].mode != RT_NS_NEW) {
		if (b->spec.n_uid_map || b->spec.n_gid_map)
			return err_new(-CE_BAD_FORMAT,
				       "linux.uidMappings: without a new user namespace");
		return 0;
	}
	r = plan_maps(b, h);
	if (r < 0)
		return r;
	if (!maps_root(p->uid_map, p->n_uid_map) || !maps_root(p->gid_map, p->n_gid_map))
		return err_new(-CE_UNSUPPORTED, "linux.uidMappings, gidMappings: id 0 must be "
						"mapped, it builds the container");
	return 0;
}

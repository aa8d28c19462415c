/* SPDX-License-Identifier: MIT */
/*
 * Addresses. What is given out is what connected containers have, and nothing else is written down: a
 * container that is killed takes its connection along, and its addresses are free. After the keeper itself
 * was killed the running containers come back one by one; until then what their monitors noted in
 * <runtime directory>/<id>/network is theirs as long as the monitor's lock is held.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <stdio.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/net/keeper.h"
#include "pkg/sys/file.h"
#include "pkg/sys/lock.h"

#define ID_DIGITS 64

static void read_lease(struct keeper *k, const char *id, const char *text)
{
	struct bridge_lease l;

	while (bridge_lease_next(&text, &l)) {
		struct reserved *r;

		k->reserved = xreallocarray(k->reserved, k->n_reserved + 1, sizeof(*k->reserved));
		r = &k->reserved[k->n_reserved++];
		*r = (struct reserved){.ip = {.family = 0}};
		(void)snprintf(r->id, sizeof(r->id), "%s", id);
		(void)snprintf(r->network, sizeof(r->network), "%s", l.network);
		(void)address_parse(l.ip, &r->ip);
		(void)address_parse(l.ip6, &r->ip6);
	}
}

static bool still_runs(int runtime, const char *id)
{
	char path[ID_DIGITS + 8];
	int held;

	(void)snprintf(path, sizeof(path), "%.64s/lock", id);
	held = lock_is_held(runtime, path);
	err_drop();
	return held == 1;
}

void pool_read(struct keeper *k)
{
	AUTO_CLOSE int runtime = openat(k->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *e;
	int again = runtime < 0 ? -1 : fcntl(runtime, F_DUPFD_CLOEXEC, 3);

	d = again < 0 ? NULL : fdopendir(again);
	while (d && (e = readdir(d)) != NULL) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;
		char path[ID_DIGITS + 16];

		if (strlen(e->d_name) != ID_DIGITS || !still_runs(runtime, e->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "%.64s/network", e->d_name);
		if (file_read_at(runtime, path, BRIDGE_LEASE_MAX, &text) == 0)
			read_lease(k, e->d_name, text.s);
		err_drop();
	}
}

void pool_arrived(struct keeper *k, const char *id)
{
	for (unsigned i = 0; i < k->n_reserved;) {
		if (strcmp(k->reserved[i].id, id) == 0)
			k->reserved[i] = k->reserved[--k->n_reserved];
		else
			i++;
	}
}

static bool is_reserved(struct keeper *k, const struct network *n, const char *id,
			const struct address *a)
{
	AUTO_CLOSE int runtime = -EBADF;

	for (unsigned i = 0; i < k->n_reserved; i++) {
		struct reserved *r = &k->reserved[i];

		if (strcmp(r->network, n->name) != 0 || strcmp(r->id, id) == 0 ||
		    (!address_equal(&r->ip, a) && !address_equal(&r->ip6, a)))
			continue;
		if (runtime < 0)
			runtime = openat(k->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (runtime >= 0 && still_runs(runtime, r->id))
			return true;
		*r = k->reserved[--k->n_reserved];
		i--;
	}
	return false;
}

static bool is_free(struct keeper *k, const struct network *n, const struct subnet *s,
		    const char *id, const struct address *a)
{
	struct address last = address_net_last(&s->net);

	if (address_equal(a, &s->net.base) || address_equal(a, &s->gateway) ||
	    (a->family == AF_INET && s->net.prefix < 31 && address_equal(a, &last)))
		return false;
	for (unsigned i = 0; i < n->n_reserved; i++)
		if (address_equal(&n->reserved[i], a))
			return false;
	for (unsigned i = 0; i < k->n_clients; i++)
		for (unsigned e = 0; e < k->clients[i].n; e++) {
			const struct endpoint *p = &k->clients[i].v[e];

			if (p->net == n && (address_equal(&p->ip, a) || address_equal(&p->ip6, a)))
				return false;
		}
	return !is_reserved(k, n, id, a);
}

int pool_take(struct keeper *k, struct network *n, struct subnet *s, const char *id,
	      const struct address *want, bool fixed, struct address *ret)
{
	struct address a = s->cursor;
	char text[INET6_ADDRSTRLEN];
	unsigned n_taken = k->n_reserved + n->n_reserved + 4, i;

	if (want->family == s->net.base.family && address_net_has(&s->net, want) &&
	    is_free(k, n, s, id, want)) {
		*ret = *want;
		return 0;
	}
	if (fixed)
		return err_new(-CE_IN_USE, "address %s in network %s", address_format(want, text),
			       n->name);
	for (i = 0; i < k->n_clients; i++)
		n_taken += k->clients[i].n;
	/* Each step meets a taken address or the end, so there are no more of them than those. */
	for (i = 0; i <= n_taken; i++) {
		if (address_compare(&a, &s->last) >= 0 || !address_next(&a) ||
		    address_compare(&a, &s->first) < 0)
			a = s->first;
		if (!is_free(k, n, s, id, &a))
			continue;
		*ret = s->cursor = a;
		return 0;
	}
	return err_new(-CE_LIMIT, "network %s has no free address", n->name);
}

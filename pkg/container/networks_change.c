/* SPDX-License-Identifier: MIT */
/* Places in networks, and what networks are, changed while containers run. */
#include <string.h>

#include "net/address.h"
#include "net/bridge.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/log.h"
#include "pkg/base/path.h"
#include "pkg/conmon/bridge.h"
#include "pkg/container/networks.h"
#include "pkg/sys/file.h"
#include "storage/event.h"

int container_renew_networks(struct store *st, struct container *c)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r = networks_request(st, c->rec, NULL, &b);

	if (r == 0)
		r = file_replace(c->dirs.runtime_fd, BRIDGE_REQUEST_FILE, b.s, b.len, 0600,
				 FILE_NO_SYNC);
	return r < 0 ? r : conmon_renew_networks(c->dirs.runtime_fd);
}

/* What the file of one that runs says before a change. False: it is not to follow. */
static bool asks_by(struct store *st, const struct container *c, struct sbuf *ret)
{
	if (!container_is_running(c))
		return false;
	if (networks_resolv_conf(st, c->rec, ret) == 0)
		return true;
	err_drop();
	return false;
}

/* The change is made: a file that stays behind it is said, and no failure. */
static void ask_anew(struct store *st, const struct container *c, const struct sbuf *was)
{
	if (networks_renew_resolv_conf(st, c, was) < 0) {
		log_warn("%s asks for names where it did before: %s", c->rec->name, err_trail());
		err_drop();
	}
}

/* An event of the network's, with the id of who joined or left it. */
static void tell(struct store *st, const struct container_record *rec, const char *status,
		 const char *network)
{
	AUTO(network_record_done) struct network_record n = {0};
	AUTO_SBUF struct sbuf body = SBUF_INIT;

	sbuf_addf(&body, "\"Network\":\"%s\"", network);
	if (network_load(st, network, &n) == 0)
		sbuf_addf(&body, ",\"NetworkID\":\"%s\"", n.id);
	err_drop();
	event_write(store_runtime_fd(st), "network", status, rec->id, rec->name, body.s, NULL);
}

/* With its lock held: record, then monitor; when that refuses the record is as before. */
static int change(struct store *st, struct container *c, struct strv *networks, const char *status,
		  const char *network)
{
	struct strv before = c->rec->networks;
	AUTO_SBUF struct sbuf resolv = SBUF_INIT;
	bool asks = asks_by(st, c, &resolv);
	int r;

	c->rec->networks = *networks;
	r = container_is_running(c) ? container_renew_networks(st, c) : 0;
	if (r == 0)
		r = container_save(st, c);
	if (r < 0) {
		*networks = c->rec->networks;
		c->rec->networks = before;
		return r;
	}
	*networks = before;
	if (asks)
		ask_anew(st, c, &resolv);
	tell(st, c->rec, status, network);
	return 0;
}

static int lock_for_change(struct store *st, struct container *c)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id);
	int r = lock < 0 ? lock : container_reload(st, c);

	if (r < 0)
		return r;
	if (strcmp(c->rec->ns_net, "bridge") != 0)
		return err_new(
			-CE_BAD_STATE,
			"its network mode is %s; only containers in networks can be connected "
			"to others",
			c->rec->ns_net);
	return TAKE_FD(lock);
}

static bool is_of(const char *spec, const char *network)
{
	size_t n = strcspn(spec, ":");

	return strncmp(spec, network, n) == 0 && !network[n];
}

int container_connect(struct store *st, struct container *c, const struct endpoint_spec *e)
{
	AUTO_CLOSE int lock = lock_for_change(st, c);
	AUTO_STRV struct strv networks = STRV_INIT;

	if (lock < 0)
		return lock;
	for (size_t i = 0; i < c->rec->networks.n; i++)
		if (is_of(c->rec->networks.v[i], e->network))
			return err_new(-CE_BAD_STATE, "it is in network %s already", e->network);
	strv_add_all(&networks, &c->rec->networks);
	strv_take(&networks, endpoint_spec_format(e));
	{
		struct container_record probe = {.networks = networks};
		int r = networks_check(st, &probe);

		if (r < 0)
			return r;
	}
	return change(st, c, &networks, "connect", e->network);
}

int container_disconnect(struct store *st, struct container *c, const char *network, bool force)
{
	AUTO_CLOSE int lock = lock_for_change(st, c);
	AUTO_STRV struct strv networks = STRV_INIT;

	if (lock < 0)
		return lock;
	for (size_t i = 0; i < c->rec->networks.n; i++)
		if (!is_of(c->rec->networks.v[i], network))
			strv_add(&networks, c->rec->networks.v[i]);
	if (networks.n == c->rec->networks.n)
		return force ? 0 : err_new(-CE_BAD_STATE, "it is not in network %s", network);
	return change(st, c, &networks, "disconnect", network);
}

static bool drop_server(struct strv *servers, const char *ip)
{
	for (size_t i = 0; i < servers->n; i++)
		if (strcmp(servers->v[i], ip) == 0) {
			strv_remove(servers, i);
			return true;
		}
	return false;
}

/* One that has the network whose servers are changed. */
struct user {
	struct container c;
	struct sbuf resolv; /* before the change */
	bool asks;
};

static void users_free(struct user *u, size_t n)
{
	for (size_t i = 0; u && i < n; i++) {
		container_done(&u[i].c);
		sbuf_done(&u[i].resolv);
	}
	free(u);
}

/* Those that went meanwhile are left out. */
static int users_load(struct store *st, const char *name, struct user **ret, size_t *ret_n)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = network_users(st, name, &names);

	*ret = xcalloc(names.n + 1, sizeof(**ret));
	*ret_n = 0;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct user *u = &(*ret)[*ret_n];

		if (container_open(st, names.v[i], &u->c) < 0) {
			err_drop();
			continue;
		}
		u->asks = asks_by(st, &u->c, &u->resolv);
		(*ret_n)++;
	}
	return r;
}

/* Gone meanwhile, or about to start: it will read the new ones. */
static void user_renew(struct store *st, struct user *u)
{
	AUTO_CLOSE int lock = container_store_lock(st, u->c.rec->id);

	if (lock >= 0 && container_is_running(&u->c) && container_reload(st, &u->c) == 0 &&
	    container_renew_networks(st, &u->c) == 0 && u->asks)
		ask_anew(st, &u->c, &u->resolv);
	err_drop();
}

static int change_servers(struct network_record *n, const struct strv *add,
			  const struct strv *drop)
{
	struct address a;

	for (size_t i = 0; i < drop->n; i++)
		if (!drop_server(&n->servers, drop->v[i]))
			return err_usage("--dns-drop %s: network %s has no such server", drop->v[i],
					 n->name);
	for (size_t i = 0; i < add->n; i++) {
		if (!address_parse(add->v[i], &a))
			return err_usage("--dns-add %s: want an IP address", add->v[i]);
		if (!strv_has(&n->servers, add->v[i]))
			strv_add(&n->servers, add->v[i]);
	}
	return n->servers.n > BRIDGE_LIST_MAX
		       ? err_usage("at most %d name servers", BRIDGE_LIST_MAX)
		       : 0;
}

int network_set_servers(struct store *st, const char *name, const struct strv *add,
			const struct strv *drop)
{
	AUTO(network_record_done) struct network_record n = {0};
	AUTO_CLOSE int lock = network_lock(st);
	struct user *users = NULL;
	size_t n_users = 0;
	int r = lock < 0 ? lock : network_load(st, name, &n);

	if (r == 0)
		r = change_servers(&n, add, drop);
	if (r == 0)
		r = users_load(st, name, &users, &n_users);
	if (r == 0)
		r = network_save(st, &n, true);
	for (size_t i = 0; r == 0 && i < n_users; i++)
		user_renew(st, &users[i]);
	users_free(users, n_users);
	return r;
}

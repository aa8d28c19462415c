/* SPDX-License-Identifier: MIT */
/* --network NAME…: which networks a container is to be in, and as what. */
#include <string.h>

#include "net/bridge.h"
#include "net/egress.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/make.h"
#include "pkg/container/networks.h"

/* Words that --network knows are not names of networks; "bridge" is the default one. */
static bool is_mode(const char *spec)
{
	static const char *const modes[] = {"none",  "host",        "private", "default",  "ns",
					    "pasta", "slirp4netns", "pod",     "container"};
	size_t n = strcspn(spec, ":");

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strlen(modes[i]) == n && strncmp(spec, modes[i], n) == 0)
			return true;
	return n == 0;
}

static bool wants_place(const struct container_request *q)
{
	return q->ip || q->ip6 || q->mac || q->aliases.n || q->links.n;
}

/* What is said by flags of its own counts for the only network; aliases and links for all. */
static int add_flags(const struct container_request *q, size_t n_networks, struct endpoint_spec *e)
{
	const struct {
		const char *flag, *key, *value;
	} one[] = {
		{"--ip", "ip", q->ip}, {"--ip6", "ip6", q->ip6}, {"--mac-address", "mac", q->mac}};
	AUTO(endpoint_spec_done) struct endpoint_spec more = {0};
	struct sbuf text = SBUF_INIT;
	int r;

	sbuf_addf(&text, "%s:", e->network);
	for (size_t i = 0; i < ARRAY_LEN(one); i++) {
		if (!one[i].value)
			continue;
		if (n_networks > 1)
			r = err_usage("%s goes with one network; write --network NAME:%s=… instead",
				      one[i].flag, one[i].key);
		else if (strchr(one[i].value, ',') || strchr(one[i].value, '='))
			r = err_usage("%s %s: malformed", one[i].flag, one[i].value);
		else
			r = 0;
		if (r < 0) {
			sbuf_done(&text);
			return r;
		}
		sbuf_addf(&text, "%s=%s,", one[i].key, one[i].value);
	}
	for (size_t i = 0; i < q->aliases.n; i++)
		sbuf_addf(&text, "alias=%s,", strchr(q->aliases.v[i], ',') ? "," : q->aliases.v[i]);
	for (size_t i = 0; i < q->links.n; i++)
		sbuf_addf(&text, "link=%s,", strchr(q->links.v[i], ',') ? "," : q->links.v[i]);
	sbuf_trim_end(&text, ",:");
	r = endpoint_spec_parse(text.s, &more);
	sbuf_done(&text);
	if (r < 0)
		return r;
	if ((more.ip && e->ip) || (more.ip6 && e->ip6) || (more.mac && e->mac))
		return err_usage("--network %s: an address is given twice", e->network);
	if (more.ip)
		e->ip = TAKE_PTR(more.ip);
	if (more.ip6)
		e->ip6 = TAKE_PTR(more.ip6);
	if (more.mac)
		e->mac = TAKE_PTR(more.mac);
	for (size_t i = 0; i < more.aliases.n; i++)
		if (!strv_has(&e->aliases, more.aliases.v[i]))
			strv_add(&e->aliases, more.aliases.v[i]);
	strv_add_all(&e->links, &more.links);
	return 0;
}

static int add_network(struct store *st, const struct container_request *q, const char *spec,
		       struct container_record *r)
{
	AUTO(endpoint_spec_done) struct endpoint_spec e = {0};
	AUTO_FREE char *name = NULL;
	int rc = endpoint_spec_parse(spec, &e);

	if (rc == 0)
		rc = network_resolve(st, e.network, &name);
	if (rc < 0)
		return rc == -CE_NO_NETWORK ? err_wrap(rc, "--network") : rc;
	free(e.network);
	e.network = TAKE_PTR(name);
	for (size_t i = 0; i < r->networks.n; i++)
		if (strcspn(r->networks.v[i], ":") == strlen(e.network) &&
		    strncmp(r->networks.v[i], e.network, strlen(e.network)) == 0)
			return err_usage("--network %s is given twice", e.network);
	rc = add_flags(q, q->networks.n, &e);
	if (rc == 0)
		strv_take(&r->networks, endpoint_spec_format(&e));
	return rc;
}

static bool has_helper(const struct container_request *q)
{
	const char *spec = q->networks.n ? q->networks.v[0] : "default";
	static const char *const modes[] = {"private", "default", "pasta", "slirp4netns"};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strlen(modes[i]) == strcspn(spec, ":") &&
		    strncmp(spec, modes[i], strlen(modes[i])) == 0)
			return true;
	return false;
}

/* Who is asked for names must be known, and reached by the container's way out. */
static int check_servers(const struct container_request *q)
{
	struct address_net local;

	(void)address_net_parse("127.0.0.0/8", &local);
	for (size_t i = 0; i < q->dns.n; i++) {
		struct address a;

		if (strcmp(q->dns.v[i], "none") == 0 ||
		    (address_parse(q->dns.v[i], &a) && address_net_has(&local, &a)))
			return err_usage("--egress: names need a server to ask, which --dns %s is "
					 "not",
					 q->dns.v[i]);
	}
	return 0;
}

/* The list is kept where the container has no power: by the keeper of its networks or a guard of its own (net/keeper.h). */
static int make_egress(struct store *st, const struct container_request *q,
		       struct container_record *r)
{
	AUTO_STRV struct strv servers = STRV_INIT;
	bool names = true, wanted = false;
	int rc = 0;

	if (q->egress.n && r->networks.n == 0 && !has_helper(q))
		return err_usage("--egress needs a network of the container's own: a named one, "
				 "slirp4netns or pasta");
	if (q->egress.n && q->userns && strcmp(q->userns, "host") == 0)
		return err_usage("--egress does not go with --userns host: root there has power "
				 "over the list");
	if (q->egress.n > BRIDGE_LIST_MAX)
		return err_usage("--egress: at most %d", BRIDGE_LIST_MAX);
	for (size_t i = 0; rc == 0 && i < q->egress.n; i++) {
		struct egress_item item;

		rc = egress_parse(q->egress.v[i], &item);
		wanted = wanted || (rc == 0 && *item.name);
	}
	if (rc == 0 && wanted)
		rc = r->networks.n ? networks_servers(st, r, &servers, &names) : check_servers(q);
	if (rc < 0)
		return rc;
	if (!names)
		return err_usage("--egress: names need a network that answers for names (one made "
				 "without --disable-dns, with a gateway)");
	strv_add_all(&r->egress, &q->egress);
	return 0;
}

int make_networks(struct store *st, const struct container_request *q, struct container_record *r)
{
	size_t modes = 0;
	int rc = 0;

	for (size_t i = 0; i < q->networks.n; i++)
		modes += is_mode(q->networks.v[i]);
	if (modes && q->networks.n > 1)
		return err_usage("--network: several are for named networks, not for none, host, "
				 "slirp4netns and the like");
	if (q->networks.n == 0 || modes) {
		if (wants_place(q))
			return err_usage("--ip, --ip6, --mac-address, --network-alias and --link "
					 "need a named network; make one with network create");
		return q->egress.n ? make_egress(st, q, r) : 0;
	}
	for (size_t i = 0; rc == 0 && i < q->networks.n; i++)
		rc = add_network(st, q, q->networks.v[i], r);
	if (rc == 0)
		rc = networks_check(st, r);
	if (rc == 0)
		rc = make_egress(st, q, r);
	if (rc < 0)
		return rc;
	r->ns_net = xstrdup("bridge");
	return 1;
}

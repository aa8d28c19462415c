/* SPDX-License-Identifier: MIT */
/*
 * Names of containers, answered for at the gateway addresses of their networks: a process of its own, without
 * any power, since it reads what containers send. It gets its sockets and its whole table at each change.
 */
#pragma once
#include <sys/types.h>

#include "net/address.h"
#include "net/bridge.h"
#include "pkg/base/sbuf.h"

#define NAMES_NETS_MAX 256
#define NAMES_ENTRIES_MAX 8192

#define NAMES_MARK 0x63756464U /* of its sockets in a container's own namespace */

/** names_main() - serve; @fd: SEQPACKET to the keeper. Returns when that closes. @mark: NAMES_MARK, or 0. */
int names_main(int fd, unsigned mark);

/*
 * A table on the wire: "N network internal" opens a network, "L address" is where it is asked, "E id ip ip6
 * name name …" ("-" for no address) a container in it, "A id other:name …" what it calls others there, "S id server server …" whom to ask for names of
 * outside on behalf of that container, "G id name - name …" that it may ask for no other names than these,
 * its list's items. One line each.
 *
 * The other way round: egress.h.
 */
struct names_entry {
	unsigned net;
	const char *id;
	struct address ip, ip6;
	char *names; /* " a b c " in lower case, blanks around each */
};

/* What one container calls others of the network, and nobody else does. */
struct names_links {
	unsigned net;
	const char *id;
	char *words; /* " other:name other:name " in lower case */
};

struct names_net {
	bool internal;
	struct address listen[BRIDGE_SUBNETS_MAX];
	unsigned n_listen;
};

struct names_servers {
	const char *id;
	struct address v[BRIDGE_LIST_MAX];
	unsigned n;
};

/* What a container may ask for of outside; one place an item of its list, "-" where that is no name. */
struct names_limit {
	const char *id;
	const char *v[BRIDGE_LIST_MAX];
	unsigned n;
};

struct names_table {
	char *text; /* what the pointers point into */
	struct names_net *nets;
	struct names_entry *entries;
	struct names_servers *servers;
	struct names_limit *limits;
	struct names_links *links;
	unsigned n_nets, n_entries, n_servers, n_limits, n_links;
};

/** names_table_parse() - of @text, which the table takes over. */
int names_table_parse(char *text, struct names_table *ret);
void names_table_done(struct names_table *t);

enum names_verdict {
	NAMES_ANSWERED, /* @out is the answer */
	NAMES_FORWARD, /* somebody else knows */
	NAMES_DROP /* no question */
};
/**
 * names_answer() - what is said to the @n bytes of @q, which came from @client in network @net
 * @out has room for NAMES_MESSAGE_MAX. @udp: an answer that does not fit 512 bytes is cut.
 */
#define NAMES_MESSAGE_MAX 4096
enum names_verdict names_answer(const struct names_table *t, unsigned net,
				const struct address *client, const unsigned char *q, size_t n,
				bool udp, unsigned char *out, size_t *ret_len);
/** names_refuse() - the same question back with @rcode. */
size_t names_refuse(const unsigned char *q, size_t n, unsigned rcode, unsigned char *out);
#define NAMES_NEWS_MAX 8192
/** names_limit_of() - what @client may ask for; NULL: everything. */
const struct names_limit *names_limit_of(const struct names_table *t, unsigned net,
					 const struct address *client);
/** names_limit_by_id() - the same of container @id. */
const struct names_limit *names_limit_by_id(const struct names_table *t, const char *id);
#define NAMES_NAME_MAX 256
/** names_asked() - the name in the question of @m, in lower case and without our domain; false: there is none. */
bool names_asked(const unsigned char *m, size_t n, char name[NAMES_NAME_MAX]);
/** names_limit_allows() - may @name be asked for? */
bool names_limit_allows(const struct names_limit *l, const char *name);
/**
 * names_limit_news() - for the keeper: the addresses in the answer @m for @name, and the items they belong to
 * Return: bytes in @out, which has room for NAMES_NEWS_MAX; 0: nothing to say.
 */
size_t names_limit_news(const struct names_limit *l, const char *name, const unsigned char *m,
			size_t n, char *out);
/** names_servers_of() - whom to ask for @client; NULL: nobody. */
const struct names_servers *names_servers_of(const struct names_table *t, unsigned net,
					     const struct address *client);

/* SPDX-License-Identifier: MIT */
/*
 * Questions and answers (RFC 1035). One question a message, as everybody sends; A, AAAA and PTR of
 * containers are answered, other types of a container's name are "no data". A question is read with the
 * length in hand, compression is not taken in questions, and an answer only refers to the question.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/net/names.h"

#define HEAD 12
#define TYPE_A 1
#define TYPE_PTR 12
#define TYPE_AAAA 28
#define TYPE_ANY 255
#define CLASS_IN 1
#define RCODE_NXDOMAIN 3
#define TTL_S 1
#define UDP_PLAIN 512
#define NAME_TEXT NAMES_NAME_MAX

struct question {
	char name[NAME_TEXT]; /* lower case, no dot at the end */
	unsigned type, class;
	size_t end; /* of it, in the message */
};

static unsigned get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static bool read_question(const unsigned char *q, size_t n, struct question *ret)
{
	size_t at = HEAD, len = 0;

	if (n < HEAD || (q[2] & 0xf8) != 0 || get16(q + 4) != 1)
		return false;
	while (at < n && q[at]) {
		size_t label = q[at++];

		if (label > 63 || at + label >= n || len + label + 1 >= sizeof(ret->name))
			return false;
		if (len)
			ret->name[len++] = '.';
		for (size_t i = 0; i < label; i++) {
			unsigned char c = q[at++];

			/* What no name of ours has must not look like a dot or a blank of ours. */
			ret->name[len++] = c <= ' ' || c == '.' || c >= 0x7f ? '?'
									     : (char)tolower(c);
		}
	}
	ret->name[len] = '\0';
	if (at + 5 > n)
		return false;
	ret->type = get16(q + at + 1);
	ret->class = get16(q + at + 3);
	ret->end = at + 5;
	return true;
}

/* Ours is below our domain and above it. */
static bool cut_domain(char *name)
{
	static const char below[] = "." BRIDGE_DOMAIN;

	if (!has_ending(name, below))
		return false;
	name[strlen(name) - (sizeof(below) - 1)] = '\0';
	return true;
}

bool names_asked(const unsigned char *m, size_t n, char name[NAMES_NAME_MAX])
{
	struct question k;

	if (!read_question(m, n, &k))
		return false;
	(void)cut_domain(k.name);
	memcpy(name, k.name, sizeof(k.name));
	return true;
}

static void begin_answer(const unsigned char *q, size_t end, unsigned rcode, unsigned char *out)
{
	memcpy(out, q, end);
	out[2] = 0x80 | (q[2] & 0x01); /* an answer; recursion as desired */
	out[3] = 0x80 | (unsigned char)rcode;
	put16(out + 4, 1);
	memset(out + 6, 0, 6);
}

size_t names_refuse(const unsigned char *q, size_t n, unsigned rcode, unsigned char *out)
{
	struct question k;

	if (!read_question(q, n, &k))
		return 0;
	begin_answer(q, k.end, rcode, out);
	return k.end;
}

/* --- the table --------------------------------------------------------------------------------- */

void names_table_done(struct names_table *t)
{
	for (unsigned i = 0; i < t->n_entries; i++)
		free(t->entries[i].names);
	for (unsigned i = 0; i < t->n_links; i++)
		free(t->links[i].words);
	free(t->links);
	free(t->entries);
	free(t->nets);
	free(t->servers);
	free(t->limits);
	free(t->text);
	*t = (struct names_table){0};
}

static bool optional_address(const char *s, struct address *ret)
{
	*ret = (struct address){0};
	return s && (strcmp(s, "-") == 0 || address_parse(s, ret));
}

/* The words that are left, in lower case, blanks around each. malloc'ed. */
static char *parse_words(char **save)
{
	struct sbuf b = SBUF_INIT;
	const char *word;

	sbuf_addc(&b, ' ');
	while ((word = strtok_r(NULL, " ", save)) != NULL) {
		for (; *word; word++)
			sbuf_addc(&b, (char)tolower((unsigned char)*word));
		sbuf_addc(&b, ' ');
	}
	return sbuf_steal(&b);
}

static bool parse_entry(char **save, struct names_table *t)
{
	struct names_entry *e = &t->entries[t->n_entries];
	const char *id = strtok_r(NULL, " ", save), *ip = strtok_r(NULL, " ", save),
		   *ip6 = strtok_r(NULL, " ", save);

	if (!id || t->n_nets == 0)
		return false;
	*e = (struct names_entry){.net = t->n_nets - 1, .id = id};
	if (!optional_address(ip, &e->ip) || !optional_address(ip6, &e->ip6))
		return false;
	e->names = parse_words(save);
	t->n_entries++;
	return true;
}

static bool parse_links(char **save, struct names_table *t)
{
	const char *id = strtok_r(NULL, " ", save);

	if (!id || t->n_nets == 0)
		return false;
	t->links[t->n_links++] = (struct names_links){
		.net = t->n_nets - 1, .id = id, .words = parse_words(save)};
	return true;
}

static bool parse_servers(char **save, struct names_table *t)
{
	struct names_servers *s = &t->servers[t->n_servers];
	const char *ip;

	*s = (struct names_servers){.id = strtok_r(NULL, " ", save)};
	while ((ip = strtok_r(NULL, " ", save)) != NULL)
		if (s->n == BRIDGE_LIST_MAX || !address_parse(ip, &s->v[s->n++]))
			return false;
	t->n_servers++;
	return s->id != NULL;
}

static bool parse_limit(char **save, struct names_table *t)
{
	struct names_limit *l = &t->limits[t->n_limits];
	const char *name;

	*l = (struct names_limit){.id = strtok_r(NULL, " ", save)};
	while ((name = strtok_r(NULL, " ", save)) != NULL) {
		if (l->n == BRIDGE_LIST_MAX)
			return false;
		l->v[l->n++] = name;
	}
	t->n_limits++;
	return l->id != NULL;
}

static bool parse_line(char *line, struct names_table *t)
{
	char *save = NULL;
	const char *kind = strtok_r(line, " ", &save), *arg;
	struct names_net *net = t->n_nets ? &t->nets[t->n_nets - 1] : NULL;

	if (!kind)
		return false;
	switch (*kind) {
	case 'N':
		arg = strtok_r(NULL, " ", &save);
		t->nets[t->n_nets++] = (struct names_net){.internal = arg && *arg == '1'};
		return arg != NULL;
	case 'L':
		arg = strtok_r(NULL, " ", &save);
		return net && arg && net->n_listen < BRIDGE_SUBNETS_MAX &&
		       address_parse(arg, &net->listen[net->n_listen++]);
	case 'E':
		return parse_entry(&save, t);
	case 'A':
		return parse_links(&save, t);
	case 'S':
		return parse_servers(&save, t);
	case 'G':
		return parse_limit(&save, t);
	}
	return false;
}

int names_table_parse(char *text, struct names_table *ret)
{
	struct names_table t = {.text = text};
	size_t lines = 1;
	char *save = NULL;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	t.nets = xcalloc(lines, sizeof(*t.nets));
	t.entries = xcalloc(lines, sizeof(*t.entries));
	t.servers = xcalloc(lines, sizeof(*t.servers));
	t.limits = xcalloc(lines, sizeof(*t.limits));
	t.links = xcalloc(lines, sizeof(*t.links));
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (parse_line(l, &t))
			continue;
		names_table_done(&t);
		return err_new(-CE_PROTOCOL, "the table of names");
	}
	*ret = t;
	return 0;
}

static const struct names_entry *entry_of(const struct names_table *t, unsigned net,
					  const struct address *ip)
{
	for (unsigned i = 0; i < t->n_entries; i++)
		if (t->entries[i].net == net &&
		    (address_equal(&t->entries[i].ip, ip) || address_equal(&t->entries[i].ip6, ip)))
			return &t->entries[i];
	return NULL;
}

const struct names_servers *names_servers_of(const struct names_table *t, unsigned net,
					     const struct address *client)
{
	const struct names_entry *e = entry_of(t, net, client);

	for (unsigned i = 0; e && i < t->n_servers; i++)
		if (strcmp(t->servers[i].id, e->id) == 0)
			return t->servers[i].n ? &t->servers[i] : NULL;
	return NULL;
}

const struct names_limit *names_limit_of(const struct names_table *t, unsigned net,
					 const struct address *client)
{
	const struct names_entry *e = entry_of(t, net, client);

	return e ? names_limit_by_id(t, e->id) : NULL;
}

/* --- answers ----------------------------------------------------------------------------------- */

struct answer {
	const struct names_table *t;
	const struct names_entry *client;
	unsigned net;
	unsigned char *out;
	size_t len, max;
	unsigned n;
	bool cut;
};

static void put_record(struct answer *a, unsigned type, const void *data, size_t n)
{
	unsigned char *p = a->out + a->len;

	if (a->len + 12 + n > a->max) {
		a->cut = true;
		return;
	}
	put16(p, 0xc000 | HEAD); /* the name is the question's */
	put16(p + 2, type);
	put16(p + 4, CLASS_IN);
	put16(p + 6, 0);
	put16(p + 8, TTL_S);
	put16(p + 10, (unsigned)n);
	memcpy(p + 12, data, n);
	a->len += 12 + n;
	a->n++;
}

/* Is @e in a network that the client is in? */
static bool is_neighbour(const struct answer *a, const struct names_entry *e)
{
	if (e->net == a->net)
		return true;
	for (unsigned i = 0; a->client && i < a->t->n_entries; i++)
		if (a->t->entries[i].net == e->net &&
		    strcmp(a->t->entries[i].id, a->client->id) == 0)
			return true;
	return false;
}

/* Those who have @name; @net: in that network, or NULL. */
static bool answer_from(struct answer *a, const char *name, const unsigned *net, unsigned type)
{
	char key[NAME_TEXT + 2];
	bool found = false;

	(void)snprintf(key, sizeof(key), " %s ", name);
	for (unsigned i = 0; i < a->t->n_entries; i++) {
		const struct names_entry *e = &a->t->entries[i];

		if ((net ? e->net != *net : !is_neighbour(a, e)) || !strstr(e->names, key))
			continue;
		found = true;
		if ((type == TYPE_A || type == TYPE_ANY) && e->ip.family)
			put_record(a, TYPE_A, e->ip.b, 4);
		if ((type == TYPE_AAAA || type == TYPE_ANY) && e->ip6.family)
			put_record(a, TYPE_AAAA, e->ip6.b, 16);
	}
	return found;
}

/* What the client itself calls another comes first, also when that one is not there. */
static bool answer_name(struct answer *a, const char *name, unsigned type)
{
	bool found = false, linked = false;
	char key[NAME_TEXT + 2];

	(void)snprintf(key, sizeof(key), ":%s ", name);
	for (unsigned i = 0; a->client && i < a->t->n_links; i++) {
		const struct names_links *l = &a->t->links[i];
		const char *end = strcmp(l->id, a->client->id) == 0 ? strstr(l->words, key) : NULL;
		const char *at = end;
		char other[NAME_TEXT];

		if (!end)
			continue;
		while (at[-1] != ' ')
			at--;
		(void)snprintf(other, sizeof(other), "%.*s", (int)(end - at), at);
		linked = true;
		found = answer_from(a, other, &l->net, type) || found;
	}
	return linked ? found : answer_from(a, name, NULL, type);
}

/* "4.3.2.1.in-addr.arpa", or 32 nibbles below ip6.arpa. */
static bool reverse_address(const char *name, struct address *ret)
{
	static const char v4[] = ".in-addr.arpa", v6[] = ".ip6.arpa", hex[] = "0123456789abcdef";
	size_t n = strlen(name);
	unsigned o[4];
	int end = 0;

	*ret = (struct address){0};
	if (has_ending(name, v4)) {
		if (sscanf(name, "%3u.%3u.%3u.%3u.in-addr.arpa%n", &o[3], &o[2], &o[1], &o[0],
			   &end) != 4 ||
		    (size_t)end != n)
			return false;
		ret->family = AF_INET;
		for (unsigned i = 0; i < 4; i++) {
			if (o[i] > 255)
				return false;
			ret->b[i] = (unsigned char)o[i];
		}
		return true;
	}
	if (n != 63 + sizeof(v6) - 1 || strcmp(name + 63, v6) != 0)
		return false;
	ret->family = AF_INET6;
	for (unsigned i = 0; i < 32; i++) {
		const char *digit = name[2 * i] ? strchr(hex, name[2 * i]) : NULL;

		if (!digit || (i < 31 && name[2 * i + 1] != '.'))
			return false;
		ret->b[15 - i / 2] |= (unsigned char)((digit - hex) << (i % 2 ? 4 : 0));
	}
	return true;
}

static bool answer_reverse(struct answer *a, const struct address *ip)
{
	const struct names_entry *e = NULL;
	unsigned char data[NAME_TEXT + 2];
	size_t at = 0;

	for (unsigned i = 0; !e && i < a->t->n_entries; i++)
		if (is_neighbour(a, &a->t->entries[i]) &&
		    (address_equal(&a->t->entries[i].ip, ip) ||
		     address_equal(&a->t->entries[i].ip6, ip)))
			e = &a->t->entries[i];
	if (!e)
		return false;
	for (const char *p = e->names + 1; *p && *p != ' '; p += *p == '.') {
		size_t n = strcspn(p, ". ");

		if (n == 0 || n > 63 || at + n + 2 > sizeof(data))
			return false;
		data[at++] = (unsigned char)n;
		memcpy(data + at, p, n);
		at += n;
		p += n;
	}
	data[at++] = 0;
	put_record(a, TYPE_PTR, data, at);
	return true;
}

enum names_verdict names_answer(const struct names_table *t, unsigned net,
				const struct address *client, const unsigned char *q, size_t n,
				bool udp, unsigned char *out, size_t *ret_len)
{
	struct answer a = {.t = t,
			   .client = entry_of(t, net, client),
			   .net = net,
			   .out = out,
			   .max = udp ? UDP_PLAIN : NAMES_MESSAGE_MAX};
	bool ours, found;
	struct address reverse;
	struct question k;

	if (!read_question(q, n, &k))
		return NAMES_DROP;
	ours = cut_domain(k.name);
	begin_answer(q, k.end, 0, out);
	a.len = k.end;
	if (k.class != CLASS_IN || !*k.name)
		found = false;
	else if (k.type == TYPE_PTR && reverse_address(k.name, &reverse))
		found = answer_reverse(&a, &reverse);
	else
		found = answer_name(&a, k.name, k.type);
	if (!found && !ours)
		return NAMES_FORWARD;
	if (!found)
		out[3] |= RCODE_NXDOMAIN;
	out[2] |= 0x04 | (a.cut ? 0x02 : 0); /* authoritative; cut */
	put16(out + 6, a.n);
	*ret_len = a.len;
	return NAMES_ANSWERED;
}

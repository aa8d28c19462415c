/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/net/names.h"
#include "pkg/net/rules.h"

static const char table[] = "N 0\nL 10.1.0.1\nL fd00:1::1\n"
			    "E aa 10.1.0.2 fd00:1::2 web WWW aaa\n"
			    "E bb 10.1.0.3 - db shared\n"
			    "E cc 10.1.0.4 - other shared\n"
			    "A aa DB:Base nobody:gone db:web\n"
			    "N 1\nL 10.2.0.1\n"
			    "E aa 10.2.0.2 - web\n"
			    "E dd 10.2.0.9 - hidden\n"
			    "S aa 10.0.2.3 9.9.9.9\nS dd\n";

struct asked {
	unsigned char out[NAMES_MESSAGE_MAX];
	size_t len;
	enum names_verdict verdict;
	unsigned rcode, n;
};

static struct names_table load(void)
{
	struct names_table t;

	assert_int_equal(names_table_parse(xstrdup(table), &t), 0);
	return t;
}

static size_t question(const char *name, unsigned type, unsigned char *q)
{
	size_t at = 12;

	memset(q, 0, 12);
	q[0] = 0x12;
	q[1] = 0x34;
	q[2] = 1;
	q[5] = 1;
	for (const char *p = name; *p; p += *p == '.') {
		size_t n = strcspn(p, ".");

		q[at++] = (unsigned char)n;
		memcpy(q + at, p, n);
		at += n;
		p += n;
	}
	q[at++] = 0;
	q[at++] = 0;
	q[at++] = (unsigned char)type;
	q[at++] = 0;
	q[at++] = 1;
	return at;
}

static struct asked ask(const struct names_table *t, unsigned net, const char *from,
			const char *name, unsigned type)
{
	unsigned char q[512];
	struct asked a = {.len = 0};
	struct address client;

	assert_true(address_parse(from, &client));
	a.verdict = names_answer(t, net, &client, q, question(name, type, q), true, a.out, &a.len);
	a.rcode = a.out[3] & 0xf;
	a.n = (unsigned)a.out[6] << 8 | a.out[7];
	return a;
}

static void names_and_aliases_have_addresses(void **state)
{
	struct names_table t = load();
	struct asked a = ask(&t, 0, "10.1.0.3", "wEb", 1);

	(void)state;
	assert_int_equal(a.verdict, NAMES_ANSWERED);
	assert_int_equal(a.n, 1);
	assert_memory_equal(a.out + a.len - 4, "\x0a\x01\x00\x02", 4);
	assert_int_equal(a.out[0], 0x12);
	a = ask(&t, 0, "10.1.0.3", "www.dns.podman", 28);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.out[a.len - 1], 2);
	a = ask(&t, 0, "10.1.0.3", "shared", 1);
	assert_int_equal(a.n, 2);
	/* A name that is there without such an address: no data, and nobody else is asked. */
	a = ask(&t, 0, "10.1.0.3", "db", 28);
	assert_int_equal(a.verdict, NAMES_ANSWERED);
	assert_int_equal(a.rcode, 0);
	assert_int_equal(a.n, 0);
	names_table_done(&t);
}

static void links_are_one_containers_own(void **state)
{
	struct names_table t = load();
	struct asked a = ask(&t, 0, "10.1.0.2", "base", 1);

	(void)state;
	assert_int_equal(a.n, 1);
	assert_memory_equal(a.out + a.len - 4, "\x0a\x01\x00\x03", 4);
	/* Also by the server of its other network; and before what others are called. */
	a = ask(&t, 1, "10.2.0.1", "base", 1);
	assert_int_equal(a.verdict, NAMES_FORWARD);
	a = ask(&t, 1, "10.2.0.2", "BASE.dns.podman", 1);
	assert_int_equal(a.n, 1);
	a = ask(&t, 0, "10.1.0.2", "web", 1);
	assert_int_equal(a.n, 1);
	assert_memory_equal(a.out + a.len - 4, "\x0a\x01\x00\x03", 4);
	a = ask(&t, 0, "10.1.0.2", "gone.dns.podman", 1);
	assert_int_equal(a.rcode, 3);
	a = ask(&t, 0, "10.1.0.3", "base", 1);
	assert_int_equal(a.verdict, NAMES_FORWARD);
	names_table_done(&t);
}

static void networks_keep_their_names(void **state)
{
	struct names_table t = load();
	struct asked a = ask(&t, 0, "10.1.0.3", "hidden", 1);

	(void)state;
	assert_int_equal(a.verdict, NAMES_FORWARD);
	a = ask(&t, 0, "10.1.0.3", "hidden.dns.podman", 1);
	assert_int_equal(a.verdict, NAMES_ANSWERED);
	assert_int_equal(a.rcode, 3);
	/* aa is in both: either server knows both. */
	a = ask(&t, 0, "10.1.0.2", "hidden", 1);
	assert_int_equal(a.n, 1);
	names_table_done(&t);
}

static void addresses_have_names(void **state)
{
	struct names_table t = load();
	struct asked a = ask(&t, 0, "10.1.0.3", "2.0.1.10.in-addr.arpa", 12);

	(void)state;
	assert_int_equal(a.n, 1);
	assert_memory_equal(a.out + a.len - 5, "\3web\0", 5);
	a = ask(&t, 0, "10.1.0.3", "9.0.2.10.in-addr.arpa", 12);
	assert_int_equal(a.verdict, NAMES_FORWARD);
	a = ask(&t, 0, "10.1.0.3",
		"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa", 12);
	assert_int_equal(a.n, 1);
	assert_memory_equal(a.out + a.len - 5, "\3web\0", 5);
	a = ask(&t, 0, "10.1.0.3", "2.0.1.in-addr.arpa", 12);
	assert_int_equal(a.verdict, NAMES_FORWARD);
	names_table_done(&t);
}

static void whom_to_ask_depends_on_the_container(void **state)
{
	struct names_table t = load();
	struct address a, d, unknown;

	(void)state;
	assert_true(address_parse("10.1.0.2", &a) && address_parse("10.2.0.9", &d) &&
		    address_parse("10.1.0.77", &unknown));
	assert_non_null(names_servers_of(&t, 0, &a));
	assert_int_equal(names_servers_of(&t, 0, &a)->n, 2);
	assert_null(names_servers_of(&t, 1, &d));
	assert_null(names_servers_of(&t, 0, &unknown));
	names_table_done(&t);
}

/* Every cut and every single changed byte: an answer within bounds, or none. */
static void foreign_bytes_are_harmless(void **state)
{
	struct names_table t = load();
	unsigned char q[512], bad[512], out[NAMES_MESSAGE_MAX];
	size_t n = question("web.dns.podman", 1, q), len;
	struct address client;

	(void)state;
	assert_true(address_parse("10.1.0.3", &client));
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(names_answer(&t, 0, &client, q, cut, true, out, &len), NAMES_DROP);
	for (size_t i = 0; i < n; i++)
		for (unsigned v = 0; v < 256; v++) {
			memcpy(bad, q, n);
			bad[i] = (unsigned char)v;
			len = 0;
			if (names_answer(&t, 0, &client, bad, n, true, out, &len) == NAMES_ANSWERED)
				assert_in_range(len, 12, 512);
		}
	/* A pointer in a question, a label that runs over the end. */
	q[12] = 0xc0;
	assert_int_equal(names_answer(&t, 0, &client, q, n, true, out, &len), NAMES_DROP);
	q[12] = 60;
	assert_int_equal(names_answer(&t, 0, &client, q, n, true, out, &len), NAMES_DROP);
	names_table_done(&t);
}

static void what_does_not_fit_a_datagram_says_so(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct names_table t;
	struct asked a;

	(void)state;
	sbuf_adds(&b, "N 0\nL 10.1.0.1\n");
	for (unsigned i = 2; i < 102; i++)
		sbuf_addf(&b, "E c%u 10.1.0.%u - many\n", i, i);
	assert_int_equal(names_table_parse(sbuf_steal(&b), &t), 0);
	a = ask(&t, 0, "10.1.0.2", "many", 1);
	assert_true(a.len <= 512);
	assert_true(a.out[2] & 2);
	assert_true(a.n > 10);
	names_table_done(&t);
}

static void a_bad_table_is_refused(void **state)
{
	static const char *const bad[] = {"E a 10.0.0.1 - x", "L 10.0.0.1",        "X",
					  "N 0\nL 10.0.0",    "N 0\nE a 10.0.0.1", "S a nobody"};
	struct names_table t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(names_table_parse(xstrdup(bad[i]), &t), -CE_PROTOCOL);
}

static void rules_of_a_network(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	(void)state;
	rules_network("podman1", BRIDGE_NAMES, true, &b);
	assert_string_equal(b.s, "add element inet cuddy bridges { \"podman1\" }\n"
				 "add element inet cuddy outer { \"podman1\" }\n"
				 "add element inet cuddy same { \"podman1\" . \"podman1\" }\n");
	sbuf_reset(&b);
	rules_network("podman1", BRIDGE_INTERNAL | BRIDGE_OPEN, false, &b);
	assert_string_equal(b.s, "delete element inet cuddy bridges { \"podman1\" }\n"
				 "delete element inet cuddy same { \"podman1\" . \"podman1\" }\n");
	sbuf_reset(&b);
	rules_network("x", BRIDGE_OPEN, true, &b);
	assert_non_null(strstr(b.s, "open { \"x\" }"));
}

static void what_a_limited_one_hears_is_told(void **state)
{
	/* site.example: a CNAME, then A of 300 s and AAAA of a day; names are pointers. */
	static const unsigned char answer[] =
		"\x12\x34\x81\x80\0\1\0\3\0\0\0\0\4site\7example\0\0\1\0\1"
		"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x11"
		"\xc0\x2a\0\1\0\1\0\0\1\x2c\0\4\x0a\1\2\3"
		"\xc0\x2a\0\x1c\0\1\0\1\x51\x80\0\x10"
		"\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";
	static const char list[] =
		"N 0\nE aa 10.1.0.2 - web\nG aa - site.example *.example other\n";
	struct names_table t;
	const struct names_limit *l;
	const struct address client = {.family = AF_INET, .b = {10, 1, 0, 2}};
	char news[NAMES_NEWS_MAX];
	size_t n = sizeof(answer) - 1, said;

	(void)state;
	assert_int_equal(names_table_parse(xstrdup(list), &t), 0);
	l = names_limit_of(&t, 0, &client);
	assert_non_null(l);
	assert_true(names_limit_allows(l, "site.example"));
	assert_true(names_limit_allows(l, "a.b.example"));
	assert_false(names_limit_allows(l, "example"));
	assert_false(names_limit_allows(l, "-"));
	assert_false(names_limit_allows(l, "site.example.org"));
	said = names_limit_news(l, "site.example", answer, n, news);
	assert_int_equal(said, strlen(news));
	assert_string_equal(news, "A aa\n1 300 10.1.2.3\n2 300 10.1.2.3\n"
				  "1 86400 fd00::1\n2 86400 fd00::1\n");
	assert_int_equal(names_limit_news(l, "elsewhere.org", answer, n, news), 0);
	/* Cut anywhere it says less, and reads no further. */
	for (size_t cut = 0; cut < n; cut++) {
		AUTO_FREE unsigned char *part = xmalloc(cut + 1);

		memcpy(part, answer, cut);
		(void)names_limit_news(l, "site.example", part, cut, news);
	}
	names_table_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_aliases_have_addresses),
		cmocka_unit_test(links_are_one_containers_own),
		cmocka_unit_test(networks_keep_their_names),
		cmocka_unit_test(addresses_have_names),
		cmocka_unit_test(whom_to_ask_depends_on_the_container),
		cmocka_unit_test(foreign_bytes_are_harmless),
		cmocka_unit_test(what_does_not_fit_a_datagram_says_so),
		cmocka_unit_test(a_bad_table_is_refused),
		cmocka_unit_test(what_a_limited_one_hears_is_told),
		cmocka_unit_test(rules_of_a_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

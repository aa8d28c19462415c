/* SPDX-License-Identifier: MIT */
/* What containers ask the server of names, what servers of outside answer, and its table. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/net/names.h"

static const char table[] = "N 0\nL 10.1.0.1\nL fd00:1::1\n"
			    "E aa 10.1.0.2 fd00:1::2 web www a.b.c\n"
			    "E bb 10.1.0.3 - db shared\nA aa db:base\n"
			    "N 1\nL 10.2.0.1\nE aa 10.2.0.2 - web\nS aa 10.0.2.3\n"
			    "G aa example.com *.org -\n";

static void ask(const struct names_table *t, const uint8_t *p, size_t n)
{
	struct address client = {0};
	unsigned char out[NAMES_MESSAGE_MAX];
	char name[NAMES_NAME_MAX], news[NAMES_NEWS_MAX];
	const struct names_limit *l;
	size_t len = 0;

	MUST(address_parse("10.1.0.2", &client));
	for (int udp = 0; udp < 2; udp++) {
		switch (names_answer(t, 0, &client, p, n, udp, out, &len)) {
		case NAMES_ANSWERED:
			MUST(len >= 12 && len <= (udp ? (n > 512 ? n : 512) : sizeof(out)));
			MUST(memcmp(out, p, 2) == 0 && (out[2] & 0x80));
			break;
		case NAMES_FORWARD:
		case NAMES_DROP:
			break;
		}
	}
	MUST(names_refuse(p, n, 5, out) <= n);
	l = names_limit_of(t, 0, &client);
	MUST(l);
	if (names_asked(p, n, name)) {
		MUST(strlen(name) < sizeof(name) && !strpbrk(name, " \n"));
		(void)names_limit_allows(l, name);
	}
	MUST(names_limit_news(l, "example.com", p, n, news) < sizeof(news));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct names_table t;

	if (n > 0 && p[0] == 'T') {
		char *text = xstrndup((const char *)p + 1, n - 1);

		if (names_table_parse(text, &t) < 0) {
			err_drop();
			return 0;
		}
	} else {
		MUST(names_table_parse(xstrdup(table), &t) == 0);
		if (n <= NAMES_MESSAGE_MAX)
			ask(&t, p, n);
	}
	names_table_done(&t);
	return 0;
}

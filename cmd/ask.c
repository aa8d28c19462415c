/* SPDX-License-Identifier: MIT */
#include "cmd/ask.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/sbuf.h"
#include "pkg/cli/format.h"

#define TRIES 3
#define LINE_MAX_BYTES 64

bool ask_can(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Byte for byte: what is typed after this line belongs to whom standard input goes to next. */
static int read_line(struct sbuf *ret)
{
	char c;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ENODATA;
		if (c == '\n')
			return 0;
		if (ret->len < LINE_MAX_BYTES)
			sbuf_add(ret, &c, 1);
	}
}

int ask_which(const char *question, const struct strv *answers)
{
	put_untrusted(stderr, question);
	(void)fputc('\n', stderr);
	for (size_t i = 0; i < answers->n; i++) {
		(void)fprintf(stderr, "  %zu  ", i + 1);
		put_untrusted(stderr, answers->v[i]);
		(void)fputc('\n', stderr);
	}
	for (unsigned tries = 0; tries < TRIES; tries++) {
		AUTO_SBUF struct sbuf line = SBUF_INIT;
		int64_t n = 1;

		(void)fprintf(stderr, "Number [1]: ");
		if (read_line(&line) < 0)
			break;
		if (line.len == 0 || parse_i64(line.s, 1, (int64_t)answers->n, &n) == 0)
			return (int)n - 1;
		err_drop();
	}
	return err_usage("nothing was chosen");
}

/* SPDX-License-Identifier: MIT */
#include "pkg/conmon/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/file.h"

#define FILE_MAX (HEALTH_RESULTS * (4 * HEALTH_OUTPUT_MAX + 96) + 32)

static size_t put_escaped(char *out, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	char *o = out;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c != 0x7f && c != '\\') {
			*o++ = p[i];
			continue;
		}
		*o++ = '\\';
		*o++ = 'x';
		*o++ = hex[c >> 4];
		*o++ = hex[c & 15];
	}
	return (size_t)(o - out);
}

int health_write(int state_dir, const struct health_results *h)
{
	static char b[FILE_MAX];
	size_t n = (size_t)snprintf(b, sizeof(b), "streak=%u\n", h->streak);

	for (unsigned i = 0; i < h->n; i++) {
		const struct health_result *e = &h->v[i];

		n += (size_t)snprintf(b + n, sizeof(b) - n, "check=%" PRId64 " %" PRId64 " %d ",
				      e->start_ns, e->end_ns, e->exit_code);
		n += put_escaped(b + n, e->output, e->len);
		b[n++] = '\n';
	}
	return file_replace(state_dir, "health", b, n, 0600, FILE_NO_SYNC);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void get_escaped(const char *p, size_t n, struct health_result *e)
{
	for (size_t i = 0; i < n && e->len < sizeof(e->output); i++) {
		if (p[i] == '\\' && i + 3 < n && nibble(p[i + 2]) >= 0 && nibble(p[i + 3]) >= 0) {
			e->output[e->len++] = (char)(nibble(p[i + 2]) << 4 | nibble(p[i + 3]));
			i += 3;
		} else {
			e->output[e->len++] = p[i];
		}
	}
}

static void read_check(const char *p, size_t n, struct health_results *h)
{
	struct health_result *e = &h->v[h->n];
	int at = 0;

	*e = (struct health_result){0};
	if (sscanf(p, "%" SCNd64 " %" SCNd64 " %d%n", &e->start_ns, &e->end_ns, &e->exit_code,
		   &at) != 3 ||
	    (size_t)at >= n || p[at] != ' ')
		return;
	get_escaped(p + at + 1, n - (size_t)at - 1, e);
	h->n++;
}

void health_read(int state_dir, struct health_results *ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	*ret = (struct health_results){0};
	if (state_dir < 0 || file_read_at(state_dir, "health", FILE_MAX, &b) < 0) {
		err_drop();
		return;
	}
	for (const char *p = b.s, *end; (end = strchr(p, '\n')) != NULL; p = end + 1) {
		if (strncmp(p, "streak=", 7) == 0)
			ret->streak = (uint32_t)strtoul(p + 7, NULL, 10);
		else if (strncmp(p, "check=", 6) == 0 && ret->n < HEALTH_RESULTS)
			read_check(p + 6, (size_t)(end - p) - 6, ret);
	}
}

/* SPDX-License-Identifier: MIT */
#include "pkg/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/utf8.h"

static const char *log_spec;
static const char *log_role = "cuddy";
static int log_fd = 2;
static int log_terminal = -1; /* is it one? Asked early: the unpacker may not ask any more */

void log_init(const char *spec, const char *role)
{
	log_spec = spec && *spec ? spec : NULL;
	log_role = role;
	log_terminal = isatty(log_fd);
}

void log_set_fd(int fd)
{
	log_fd = fd;
	log_terminal = isatty(fd);
}

bool log_wants(const char *module)
{
	size_t n = strlen(module);
	const char *p = log_spec;

	if (!p)
		return false;
	if (strcmp(p, "all") == 0)
		return true;
	while ((p = strstr(p, module)) != NULL) {
		if ((p == log_spec || p[-1] == ',') && (p[n] == ',' || !p[n]))
			return true;
		p += n;
	}
	return false;
}

/* Some of the words are strangers': what a terminal would obey is escaped (D12). */
static void put_safe(const char *s, size_t n)
{
	char out[1024 + UTF8_ESCAPED_MAX + 1];
	size_t len = 0;

	for (size_t i = 0; i < n;) {
		char piece[UTF8_ESCAPED_MAX];

		i += utf8_escape_step(s + i, n - i, piece);
		for (const char *p = piece; *p; p++)
			out[len++] = *p;
		if (i == n)
			out[len++] = '\n';
		if (i == n || len >= 1024) {
			(void)!write(log_fd, out, len);
			len = 0;
		}
	}
}

static void put_line(char *buf, size_t max, int n, const char *fmt, va_list ap)
{
	int saved = errno;

	n += vsnprintf(buf + n, max - (size_t)n, fmt, ap);
	if (n > (int)max - 1)
		n = (int)max - 1;
	if (log_terminal < 0)
		log_terminal = isatty(log_fd);
	if (log_fd >= 0 && log_terminal) {
		put_safe(buf, (size_t)n);
	} else if (log_fd >= 0) {
		buf[n++] = '\n';
		(void)!write(log_fd, buf, (size_t)n);
	}
	errno = saved;
}

void log_line(const char *module, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int n = snprintf(buf, sizeof(buf), "[%d %s] %s: ", (int)getpid(), log_role, module);

	va_start(ap, fmt);
	put_line(buf, sizeof(buf), n, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int n = snprintf(buf, sizeof(buf), "cuddy: warning: ");

	va_start(ap, fmt);
	put_line(buf, sizeof(buf), n, fmt, ap);
	va_end(ap);
}

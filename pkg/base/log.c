/* SPDX-License-Identifier: MIT */
#include "pkg/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_spec;
static const char *log_role = "cuddy";
static int log_fd = 2;

void log_init(const char *spec, const char *role)
{
	log_spec = spec && *spec ? spec : NULL;
	log_role = role;
}

void log_set_fd(int fd)
{
	log_fd = fd;
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

static void put_line(char *buf, size_t max, int n, const char *fmt, va_list ap)
{
	int saved = errno;

	n += vsnprintf(buf + n, max - (size_t)n, fmt, ap);
	if (n > (int)max - 1)
		n = (int)max - 1;
	buf[n++] = '\n';
	if (log_fd >= 0)
		(void)!write(log_fd, buf, (size_t)n);
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

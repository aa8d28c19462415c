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

void log_line(const char *module, const char *fmt, ...)
{
	char buf[1024];
	int saved = errno;
	int n;
	va_list ap;

	n = snprintf(buf, sizeof(buf), "[%d %s] %s: ", (int)getpid(), log_role, module);
	va_start(ap, fmt);
	n += vsnprintf(buf + n, sizeof(buf) - (size_t)n, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(buf) - 1)
		n = (int)sizeof(buf) - 1;
	buf[n++] = '\n';
	if (log_fd >= 0)
		(void)!write(log_fd, buf, (size_t)n);
	errno = saved;
}

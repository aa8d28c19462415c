/* SPDX-License-Identifier: MIT */
/*
 * What a distribution's archives of C libraries call in place of printf and its like, as they were compiled
 * with _FORTIFY_SOURCE: with a C library that has no such functions they come from here. The names
 * and their arguments are those of the Linux Standard Base.
 */
#include <features.h>
#ifndef __GLIBC__
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define LIKE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...) LIKE_PRINTF(3, 4);
int __vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap) LIKE_PRINTF(3, 0);
int __snprintf_chk(char *s, size_t n, int flag, size_t room, const char *fmt, ...)
	LIKE_PRINTF(5, 6);
int __vsnprintf_chk(char *s, size_t n, int flag, size_t room, const char *fmt, va_list ap)
	LIKE_PRINTF(5, 0);
int __sprintf_chk(char *s, int flag, size_t room, const char *fmt, ...) LIKE_PRINTF(4, 5);
int __asprintf_chk(char **ret, int flag, const char *fmt, ...) LIKE_PRINTF(3, 4);
int __vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap) LIKE_PRINTF(3, 0);
void __vsyslog_chk(int priority, int flag, const char *fmt, va_list ap) LIKE_PRINTF(3, 0);
char *__strcat_chk(char *to, const char *from, size_t room);

int __vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return vfprintf(f, fmt, ap);
}

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = vfprintf(f, fmt, ap);
	va_end(ap);
	return n;
}

int __vsnprintf_chk(char *s, size_t n, int flag, size_t room, const char *fmt, va_list ap)
{
	(void)flag;
	if (n > room)
		abort();
	return vsnprintf(s, n, fmt, ap);
}

int __snprintf_chk(char *s, size_t n, int flag, size_t room, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = __vsnprintf_chk(s, n, flag, room, fmt, ap);
	va_end(ap);
	return r;
}

int __sprintf_chk(char *s, int flag, size_t room, const char *fmt, ...)
{
	size_t n = room < INT_MAX ? room : INT_MAX;
	va_list ap;
	int r;

	(void)flag;
	va_start(ap, fmt);
	r = vsnprintf(s, n, fmt, ap);
	va_end(ap);
	if (r >= 0 && (size_t)r >= n)
		abort();
	return r;
}

int __vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return vasprintf(ret, fmt, ap);
}

int __asprintf_chk(char **ret, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}

void __vsyslog_chk(int priority, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	vsyslog(priority, fmt, ap);
}

char *__strcat_chk(char *to, const char *from, size_t room)
{
	size_t at = strlen(to), n = strlen(from) + 1;

	if (at + n > room)
		abort();
	memcpy(to + at, from, n);
	return to;
}
#endif

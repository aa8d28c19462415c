/* SPDX-License-Identifier: MIT */
#include "pkg/build/mode.h"

#include <string.h>
#include <sys/stat.h>

#include "pkg/base/err.h"
#include "pkg/base/parse.h"

/* One clause: who, then any number of operators with permissions. Return: behind it, or NULL. */
static const char *clause(const char *s, mode_t *mode, bool directory)
{
	mode_t who = 0;

	for (; *s && strchr("ugoa", *s); s++)
		who |= *s == 'u' ? 04700 : *s == 'g' ? 02070 : *s == 'o' ? 01007 : 07777;
	if (!who)
		who = 07777;
	if (!*s || !strchr("+-=", *s))
		return NULL;
	while (*s && strchr("+-=", *s)) {
		char op = *s++;
		mode_t bits = 0;

		for (; *s && strchr("rwxXst", *s); s++) {
			if (*s == 'r')
				bits |= 0444;
			else if (*s == 'w')
				bits |= 0222;
			else if (*s == 'x' || (*s == 'X' && (directory || (*mode & 0111))))
				bits |= 0111;
			else if (*s == 's')
				bits |= 06000;
			else if (*s == 't')
				bits |= 01000;
		}
		bits &= who;
		if (op == '=')
			*mode &= ~(who & 0777);
		if (op == '-')
			*mode &= ~bits;
		else
			*mode |= bits;
	}
	return s;
}

static bool symbolic(const char *s, mode_t *mode, bool directory)
{
	for (;;) {
		s = clause(s, mode, directory);
		if (!s || !*s)
			return s != NULL;
		if (*s++ != ',')
			return false;
	}
}

int mode_check(const char *spec)
{
	mode_t m = 0;
	uint32_t octal;

	if (parse_octal(spec, 07777, &octal) == 0 || symbolic(spec, &m, false))
		return 0;
	return err_usage("--chmod=%s: octal digits up to 7777, or like u=rwX,go-w", spec);
}

mode_t mode_apply(const char *spec, mode_t mode, bool directory)
{
	uint32_t octal;

	if (parse_octal(spec, 07777, &octal) == 0)
		return octal;
	mode &= 07777;
	(void)symbolic(spec, &mode, directory);
	return mode;
}

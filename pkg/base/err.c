/* SPDX-License-Identifier: MIT */
#include "pkg/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/utf8.h"

#define TRAIL_MAX 2048

/* Per thread: decoding threads fail on their own (pkg/archive/feed.c). */
static __thread char trail[TRAIL_MAX];
static __thread int trail_code;

static const struct {
	int status;
	const char *text;
} domain[] = {
#define X(code, status, text) [code - CE_FIRST_] = {status, text},
	CUDDY_ERRORS(X)
#undef X
};

static int is_domain(int r)
{
	return -r > CE_FIRST_ && -r < CE_LAST_;
}

int err_new(int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(trail, sizeof(trail), fmt, ap);
	va_end(ap);
	trail_code = r;
	return r;
}

int err_wrap(int r, const char *fmt, ...)
{
	char older[TRAIL_MAX];
	size_t n;
	va_list ap;

	older[0] = '\0';
	if (trail_code == r)
		memcpy(older, trail, sizeof(older));
	va_start(ap, fmt);
	(void)vsnprintf(trail, sizeof(trail), fmt, ap);
	va_end(ap);
	n = strlen(trail);
	if (older[0])
		(void)snprintf(trail + n, sizeof(trail) - n, ": %s", older);
	trail_code = r;
	return r;
}

int err_set(int r, const char *words)
{
	(void)snprintf(trail, sizeof(trail), "%s", words);
	trail_code = r;
	return r;
}

void err_drop(void)
{
	trail[0] = '\0';
	trail_code = 0;
}

int err_forgive(int r, int code)
{
	if (r != code)
		return r;
	err_drop();
	return 0;
}

const char *err_trail(void)
{
	return trail;
}

/* As they are known on Linux: the small C library has words of its own for these. */
static const struct {
	int code;
	const char *text;
} words[] = {
	{EIO, "Input/output error"},
	{ECHILD, "No child processes"},
	{ENOMEM, "Cannot allocate memory"},
	{EBUSY, "Device or resource busy"},
	{EXDEV, "Invalid cross-device link"},
	{EMFILE, "Too many open files"},
	{ENOTTY, "Inappropriate ioctl for device"},
	{ESPIPE, "Illegal seek"},
	{EDOM, "Numerical argument out of domain"},
	{ERANGE, "Numerical result out of range"},
	{EDEADLK, "Resource deadlock avoided"},
	{ENAMETOOLONG, "File name too long"},
	{ELOOP, "Too many levels of symbolic links"},
	{ETIME, "Timer expired"},
	{EREMOTE, "Object is remote"},
	{ECOMM, "Communication error on send"},
	{EOVERFLOW, "Value too large for defined data type"},
	{EILSEQ, "Invalid or incomplete multibyte or wide character"},
	{EUSERS, "Too many users"},
	{ENOTSOCK, "Socket operation on non-socket"},
	{EMSGSIZE, "Message too long"},
	{ENOTSUP, "Operation not supported"},
	{EADDRINUSE, "Address already in use"},
	{EADDRNOTAVAIL, "Cannot assign requested address"},
	{ENETUNREACH, "Network is unreachable"},
	{ENETRESET, "Network dropped connection on reset"},
	{ECONNABORTED, "Software caused connection abort"},
	{EISCONN, "Transport endpoint is already connected"},
	{ENOTCONN, "Transport endpoint is not connected"},
	{ESHUTDOWN, "Cannot send after transport endpoint shutdown"},
	{ETOOMANYREFS, "Too many references: cannot splice"},
	{ETIMEDOUT, "Connection timed out"},
	{EHOSTUNREACH, "No route to host"},
	{EINPROGRESS, "Operation now in progress"},
	{EUCLEAN, "Structure needs cleaning"},
	{EDQUOT, "Disk quota exceeded"},
	{EOWNERDEAD, "Owner died"},
};

const char *err_text(int r)
{
	if (is_domain(r))
		return domain[-r - CE_FIRST_].text;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].code == -r)
			return words[i].text;
	return strerror(-r);
}

/* Names in a trail may come from an image or a registry: no control character reaches a terminal. */
static size_t escape(char *out, size_t room, const char *in)
{
	size_t n = 0, left = strlen(in);

	while (left > 0 && n + UTF8_ESCAPED_MAX < room) {
		unsigned used = utf8_escape_step(in, left, out + n);

		in += used;
		left -= used;
		n += strlen(out + n);
	}
	out[n] = '\0';
	return n;
}

const char *err_message(int r)
{
	static char buf[TRAIL_MAX * 2];
	size_t n = 0;

	if (trail_code == r && trail[0])
		n = escape(buf, sizeof(buf), trail);
	/* A usage error's own words are complete. */
	if (r == -CE_USAGE && n)
		return buf;
	(void)snprintf(buf + n, sizeof(buf) - n, "%s%s", n ? ": " : "", err_text(r));
	return buf;
}

int err_exit_status(int r)
{
	return is_domain(r) ? domain[-r - CE_FIRST_].status : 125;
}

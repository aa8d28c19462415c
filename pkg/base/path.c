/* SPDX-License-Identifier: MIT */
#include "pkg/base/path.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/sbuf.h"

char *path_join(const char *a, const char *b)
{
	size_t n = strlen(a);

	while (n > 1 && a[n - 1] == '/')
		n--;
	while (*b == '/')
		b++;
	if (n == 1 && a[0] == '/')
		return xasprintf("/%s", b);
	if (n == 0)
		return xstrdup(b);
	return xasprintf("%.*s/%s", (int)n, a, b);
}

char *path_join3(const char *a, const char *b, const char *c)
{
	AUTO_FREE char *ab = path_join(a, b);

	return path_join(ab, c);
}

char *path_clean(const char *p)
{
	struct sbuf b = SBUF_INIT;
	bool absolute = *p == '/';
	size_t floor = 0; /* what ".." may not remove: leading "../" of a relative path */

	if (absolute)
		sbuf_addc(&b, '/');
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (b.len > floor + absolute) {
				while (b.len > floor + absolute && b.s[b.len - 1] != '/')
					b.s[--b.len] = '\0';
				if (b.len > floor + absolute)
					b.s[--b.len] = '\0';
			} else if (!absolute) {
				sbuf_adds(&b, b.len ? "/.." : "..");
				floor = b.len;
			}
		} else if (n && !(n == 1 && p[0] == '.')) {
			if (b.len && b.s[b.len - 1] != '/')
				sbuf_addc(&b, '/');
			sbuf_add(&b, p, n);
		}
		p += n;
		while (*p == '/')
			p++;
	}
	if (!b.len)
		sbuf_addc(&b, '.');
	return sbuf_steal(&b);
}

char *path_absolute(const char *p)
{
	AUTO_FREE char *joined = NULL;
	char cwd[PATH_MAX];

	if (*p == '/')
		return path_clean(p);
	/* A deleted working directory: the file will not be found, whatever we answer. */
	joined = path_join(getcwd(cwd, sizeof(cwd)) ? cwd : "/", p);
	return path_clean(joined);
}

const char *path_base(const char *p)
{
	const char *slash = strrchr(p, '/');

	return slash ? slash + 1 : p;
}

bool path_is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return *path == '/';
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool has_ending(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

bool name_is_valid(const char *s)
{
	size_t n = 0;

	if (!is_alnum(*s))
		return false;
	for (; s[n]; n++)
		if (n >= 128 || !(is_alnum(s[n]) || s[n] == '_' || s[n] == '.' || s[n] == '-'))
			return false;
	return true;
}

bool hex_is_valid(const char *s, unsigned max)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n > 0 && n <= max && !s[n];
}

bool hex_is_exactly(const char *s, unsigned n)
{
	return hex_is_valid(s, n) && strlen(s) == n;
}

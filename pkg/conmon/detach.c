/* SPDX-License-Identifier: MIT */
#include "pkg/conmon/detach.h"

#include <string.h>

#include "pkg/base/err.h"
#include "pkg/conmon/client.h"

size_t detach_feed(struct detach *d, const char *in, size_t n, char *out, bool *ret_hit)
{
	size_t len = strlen(d->keys), o = 0;

	*ret_hit = false;
	if (len == 0) {
		memcpy(out, in, n);
		return n;
	}
	for (size_t i = 0; i < n; i++) {
		/* Let go of held keys from the front until the rest, with this byte, is a beginning again. */
		while (d->held && in[i] != d->keys[d->held]) {
			unsigned keep = d->held - 1;

			while (keep && memcmp(d->keys, d->keys + d->held - keep, keep) != 0)
				keep--;
			memcpy(out + o, d->keys, d->held - keep);
			o += d->held - keep;
			d->held = keep;
		}
		if (in[i] != d->keys[d->held]) {
			out[o++] = in[i];
			continue;
		}
		if (++d->held == len) {
			d->held = 0;
			*ret_hit = true;
			return o;
		}
	}
	return o;
}

static int parse_key(const char *s, size_t n, char *ret)
{
	char c = n ? s[n - 1] : 0;

	if (n == 1) {
		*ret = c;
		return c > 0x20 && c < 0x7f ? 0 : -EINVAL;
	}
	if (n != 6 || strncmp(s, "ctrl-", 5) != 0)
		return -EINVAL;
	if (c >= 'a' && c <= 'z')
		*ret = (char)(c - 'a' + 1);
	else if (c >= 'A' && c <= 'Z')
		*ret = (char)(c - 'A' + 1);
	else if (c == '[' || c == '\\' || c == ']' || c == '^' || c == '_')
		*ret = (char)(c - '@');
	else
		return -EINVAL;
	return 0;
}

int conmon_detach_keys(const char *spec, char out[32])
{
	char keys[32];
	size_t n = 0;

	for (const char *p = spec; *p;) {
		size_t len = strcspn(p, ",");

		/* A comma is a key too: "," alone, or between commas. */
		if (len == 0 && *p == ',' && (p[1] == ',' || !p[1]))
			len = 1;
		if (n + 1 >= sizeof(keys))
			return err_usage("detach keys '%s': at most %zu keys", spec,
					 sizeof(keys) - 1);
		if (parse_key(p, len, &keys[n]) < 0)
			return err_usage("detach keys '%s': '%.*s' is not a character or "
					 "ctrl-<a-z, [, \\, ], ^ or _>",
					 spec, (int)len, p);
		n++;
		p += len;
		if (*p == ',' && !p[1])
			return err_usage("detach keys '%s': a key is missing at the end", spec);
		p += *p == ',';
	}
	keys[n] = '\0';
	memcpy(out, keys, n + 1);
	return 0;
}

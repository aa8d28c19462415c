/* SPDX-License-Identifier: MIT */
#include "pkg/base/base64.h"

#include <errno.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t n)
{
	const unsigned char *p = data;
	struct sbuf b = SBUF_INIT;

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16;

		v |= i + 1 < n ? (unsigned)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? (unsigned)p[i + 2] : 0;
		sbuf_addc(&b, alphabet[v >> 18]);
		sbuf_addc(&b, alphabet[v >> 12 & 63]);
		sbuf_addc(&b, i + 1 < n ? alphabet[v >> 6 & 63] : '=');
		sbuf_addc(&b, i + 2 < n ? alphabet[v & 63] : '=');
	}
	return sbuf_steal(&b);
}

int base64_decode(const char *s, struct sbuf *out)
{
	size_t n = strlen(s);
	unsigned v = 0, bits = 0;

	while (n > 0 && s[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		const char *at = s[i] ? strchr(alphabet, s[i]) : NULL;

		if (!at)
			return -EINVAL;
		v = v << 6 | (unsigned)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			sbuf_addc(out, (char)(v >> bits & 0xff));
		}
	}
	return bits >= 6 || (v & ((1u << bits) - 1)) ? -EINVAL : 0;
}

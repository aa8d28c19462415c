/* SPDX-License-Identifier: MIT */
#include "pkg/build/remote.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/build/source_judge.h"
#include "pkg/image/transfer_client.h"

#define FETCH_MAX (64ULL << 30)

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

int remote_kind_of(const char *s, enum remote_kind *ret)
{
	size_t n = strcspn(s, "#?");

	*ret = REMOTE_NONE;
	if (begins(s, "git://")) {
		*ret = REMOTE_GIT;
	} else if (begins(s, "http://") || begins(s, "https://")) {
		*ret = n > 4 && strncmp(s + n - 4, ".git", 4) == 0 ? REMOTE_GIT : REMOTE_URL;
	} else if (begins(s, "git@") || strstr(s, "://") || strstr(s, "::")) {
		return err_new(-CE_UNSUPPORTED, "%s: only https://, http:// and git:// are fetched",
			       s);
	}
	return 0;
}

static void take_modified(void *data, const char *from, const char *modified)
{
	(void)from;
	if (!*modified || clock_parse(modified, data) < 0)
		err_drop();
}

int remote_fetch(struct builder *b, const char *url, int fd, int64_t *ret_modified_ns)
{
	const struct transfer_fetch f = {
		.url = url, .max_bytes = FETCH_MAX, .tls_verify = b->o->pull.access.tls_verify};
	const struct transfer_handler h = {.image = take_modified, .data = ret_modified_ns};
	int r;

	*ret_modified_ns = 0;
	r = transfer_fetch_to(&f, &h, fd);
	return r < 0 ? err_wrap(r, "fetch") : 0;
}

int remote_checksum_check(const char *c)
{
	if (strncmp(c, "sha256:", 7) == 0 ? strlen(c) == 71 && hex_is_valid(c + 7, 64)
					  : strlen(c) == 40 && hex_is_valid(c, 40))
		return 0;
	return err_usage("'%s' is no checksum: sha256: and 64 hex digits, or the 40 of a commit",
			 c);
}

static int hash_file(int fd, char ret[65])
{
	static char piece[64 << 10];
	struct sha256 h;
	ssize_t n;

	sha256_init(&h);
	for (off_t at = 0; (n = pread(fd, piece, sizeof(piece), at)) > 0; at += n)
		sha256_add(&h, piece, (size_t)n);
	sha256_end_hex(&h, ret);
	return n < 0 ? err_new(-errno, "read") : 0;
}

int remote_content_check(int fd, const char *checksum)
{
	char hex[65];
	int r = checksum ? hash_file(fd, hex) : 0;

	if (r == 0 && checksum && strcmp(hex, checksum + strcspn(checksum, ":") + 1) != 0)
		r = err_new(-CE_BAD_DIGEST, "it has sha256:%s, not %s", hex, checksum);
	return r;
}

int remote_fetch_judged(struct builder *b, const char *url, int fd, int64_t *ret_modified_ns)
{
	AUTO(judged_done) struct judged j = {0};
	int r = judge_remote(&b->policies, url, NULL, &j);

	if (r == 0)
		r = remote_fetch(b, j.url, fd, ret_modified_ns);
	return r < 0 ? r : remote_content_check(fd, j.checksum);
}

int remote_untar(struct builder *b, int fd, int dir)
{
	const struct transfer_untar u = {.has_owner = true, .overwrite = true};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	const struct transfer_handler h = {.data = NULL};
	const int fds[2] = {fd, dir};
	int r;

	(void)b;
	transfer_untar_put(&body, &u);
	r = transfer_run(NULL, TRANSFER_UNTAR, &body, fds, 2, &h);
	return r < 0 ? err_wrap(r, "unpack") : 0;
}

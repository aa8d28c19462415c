/* SPDX-License-Identifier: MIT */
#include "pkg/build/material.h"
#include "pkg/build/remote.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/base/sha256.h"
#include "pkg/build/source_judge.h"
#include "pkg/build/url_body.h"
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

static void take_validators(void *data, const char *from, const char *id)
{
	struct url_note *n = data;
	const char *etag = strchr(id, ' ');
	AUTO_FREE char *modified = xstrndup(id, strcspn(id, " "));

	(void)from;
	if (strcmp(modified, "-") != 0 && clock_parse(modified, &n->modified_ns) < 0)
		err_drop();
	if (etag && transfer_etag_is_strong(etag + 1))
		(void)snprintf(n->etag, sizeof(n->etag), "%s", etag + 1);
}

int remote_fetch(struct builder *b, const char *url, int fd, struct url_note *ret)
{
	const struct transfer_fetch f = {
		.url = url, .max_bytes = FETCH_MAX, .tls_verify = b->o->pull.access.tls_verify};
	const struct transfer_handler h = {.image = take_validators, .data = ret};
	int r;

	*ret = (struct url_note){.modified_ns = 0};
	r = transfer_fetch_to(&f, &h, fd);
	return r < 0 ? err_wrap(r, "fetch") : 0;
}

static void take_same(void *data, const char *from, const char *id)
{
	(void)from;
	*(bool *)data = strcmp(id, "same") == 0;
}

int remote_is_same(struct builder *b, const char *url, char ret[65])
{
	const int verified = b->o->pull.access.tls_verify;
	bool same = false;
	const struct transfer_handler h = {.image = take_same, .data = &same};
	struct url_note n;
	int r = url_note_find(b->st, url, verified, &n);

	if (r > 0) {
		const struct transfer_fetch f = {.url = url,
						 .tls_verify = verified,
						 .known_etag = n.etag,
						 .known_modified_ns = n.modified_ns};

		r = transfer_fetch_to(&f, &h, STDIN_FILENO);
	}
	if (r < 0)
		return err_wrap(r, "fetch");
	memcpy(ret, n.digest, sizeof(n.digest));
	return same;
}

int remote_checksum_check(const char *c)
{
	if (strncmp(c, "sha256:", 7) == 0 ? strlen(c) == 71 && hex_is_valid(c + 7, 64)
					  : hex_is_exactly(c, 40))
		return 0;
	return err_usage("'%s' is no checksum: sha256: and 64 hex digits, or the 40 of a commit",
			 c);
}

int remote_hash_file(int fd, char ret[65])
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
	int r = checksum ? remote_hash_file(fd, hex) : 0;

	if (r == 0 && checksum && strcmp(hex, checksum + strcspn(checksum, ":") + 1) != 0)
		r = err_new(-CE_BAD_DIGEST, "it has sha256:%s, not %s", hex, checksum);
	return r;
}

/* A time of whole seconds says nothing of what came within the same one, and clocks differ. */
#define MODIFIED_SETTLED_NS (60 * NS_PER_S)

int remote_note(struct builder *b, const char *url, int fd, struct url_note *n)
{
	struct url_note noted = *n;
	int r;

	if (noted.modified_ns > clock_now_ns() - MODIFIED_SETTLED_NS)
		noted.modified_ns = 0;
	if (!noted.etag[0] && !noted.modified_ns)
		return 0;
	r = remote_hash_file(fd, noted.digest);
	if (r == 0)
		r = url_note_put(b->st, url, b->o->pull.access.tls_verify, &noted);
	memcpy(n->digest, noted.digest, sizeof(n->digest));
	return r < 0 ? r : 1;
}

/* 1: @fd has what @url gave before, and the server says that it still gives that. */
static int take_kept(struct builder *b, const char *url, int fd)
{
	char digest[65];
	int r = b->o->no_cache ? 0 : remote_is_same(b, url, digest);

	return r > 0 ? url_body_take(b->st, digest, fd) : r;
}

/* Without a copy it is fetched again next time, that is all. */
static void keep(struct builder *b, const char *url, int fd, struct url_note *said)
{
	int r = remote_note(b, url, fd, said);

	if (r > 0)
		r = url_body_put(b->st, said->digest, fd);
	if (r < 0)
		err_drop();
}

int remote_fetch_judged(struct builder *b, const char *url, int fd)
{
	AUTO(judged_done) struct judged j = {0};
	struct url_note said;
	int r = judge_remote(&b->policies, url, NULL, &j);

	if (r == 0)
		r = take_kept(b, j.url, fd);
	if (r == 0) {
		r = remote_fetch(b, j.url, fd, &said);
		if (r == 0)
			keep(b, j.url, fd, &said);
	}
	r = r < 0 ? r : lseek(fd, 0, SEEK_SET) < 0 ? err_new(-errno, "seek") : 0;
	if (r == 0)
		r = remote_content_check(fd, j.checksum);
	if (r == 0)
		material_file(b, j.url, fd);
	return r;
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

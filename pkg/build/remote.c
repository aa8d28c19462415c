/* SPDX-License-Identifier: MIT */
#include "pkg/build/remote.h"

#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
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
	struct transfer_handler h = {.image = take_modified, .data = ret_modified_ns};
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	int r;

	*ret_modified_ns = 0;
	transfer_fetch_put(&body, &f);
	r = transfer_run(NULL, TRANSFER_FETCH, &body, &fd, 1, &h);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_new(-errno, "seek");
	return r < 0 ? err_wrap(r, "fetch") : 0;
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

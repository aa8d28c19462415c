/* SPDX-License-Identifier: MIT */
#include "cmd/url.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/image/transfer_client.h"
#include "pkg/sys/file.h"

bool url_is(const char *s)
{
	return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

int url_read(const char *url, size_t max, int tls_verify, struct sbuf *ret)
{
	const struct transfer_fetch f = {.url = url, .max_bytes = max, .tls_verify = tls_verify};
	const struct transfer_handler h = {.data = NULL};
	AUTO_CLOSE int fd = memfd_create("url", MFD_CLOEXEC);
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	int r;

	if (fd < 0)
		return err_new(-errno, "memfd");
	transfer_fetch_put(&body, &f);
	r = transfer_run(NULL, TRANSFER_FETCH, &body, &fd, 1, &h);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_new(-errno, "seek");
	return r < 0 ? r : file_read_fd(fd, max, ret);
}

/* SPDX-License-Identifier: MIT */
#include "cmd/url.h"

#include <string.h>
#include <sys/mman.h>

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
	AUTO_CLOSE int fd = memfd_create("url", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return err_new(-errno, "memfd");
	r = transfer_fetch_to(&f, NULL, fd);
	return r < 0 ? r : file_read_fd(fd, max, ret);
}

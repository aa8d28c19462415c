/* SPDX-License-Identifier: MIT */
/* An archive of whatever compression, as load, import, build and cp read it. */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "pkg/archive/feed.h"
#include "pkg/archive/tar.h"
#include "pkg/base/err.h"

static bool climbs(const char *s)
{
	for (; *s; s += strcspn(s, "/"), s += strspn(s, "/"))
		if (strncmp(s, "..", 2) == 0 && (!s[2] || s[2] == '/'))
			return true;
	return false;
}

static void read_all(struct stream *s)
{
	struct feed *f = feed_new(s, false);
	struct tar *t = tar_new(f);
	const unsigned char *p;
	struct tar_entry e;
	uint64_t sum = 0;
	int r;

	while ((r = tar_next(t, &e)) == 1) {
		ssize_t n;

		MUST(strlen(e.path) <= TAR_PATH_MAX && *e.path != '/' && !climbs(e.path));
		MUST(e.type != TAR_HARDLINK || (*e.link != '/' && !climbs(e.link)));
		MUST(e.uid <= TAR_ID_MAX && e.gid <= TAR_ID_MAX && e.mode <= 07777);
		MUST(e.n_xattrs <= TAR_XATTRS_MAX);
		for (unsigned i = 0; i < e.n_xattrs; i++)
			for (size_t k = 0; k < e.xattrs[i].len; k++)
				sum += e.xattrs[i].value[k];
		while ((n = tar_content(t, &p)) > 0)
			sum += p[n - 1];
		if (n < 0)
			break;
	}
	if (r == 0)
		(void)tar_drain(t);
	(void)sum;
	tar_free(t);
	feed_free(f);
	err_drop();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct stream_limits l = {.max_bytes = 16 << 20};
	struct stream *s;

	if (stream_decode(stream_from_memory(p, n), STREAM_DETECT, &l, &s) < 0)
		err_drop();
	else
		read_all(s);
	return 0;
}

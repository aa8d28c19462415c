/* SPDX-License-Identifier: MIT */
#include "pkg/build/tag_digest.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"

#define NOTES_MAX (1U << 20)

static int open_notes(struct builder *b)
{
	if (b->tag_digests < 0)
		b->tag_digests = b->o->tag_digests >= 0
					 ? fd_dup(b->o->tag_digests)
					 : memfd_create("digests", MFD_CLOEXEC);
	return b->tag_digests < 0 ? err_new(-errno, "memfd_create") : 0;
}

int tag_digest_find(struct builder *b, const char *name, char ret[DIGEST_TEXT_MAX])
{
	AUTO_SBUF struct sbuf notes = SBUF_INIT;
	size_t n = strlen(name);
	int r = open_notes(b);

	*ret = '\0';
	if (r == 0 && lseek(b->tag_digests, 0, SEEK_SET) < 0)
		r = err_new(-errno, "seek");
	if (r == 0)
		r = file_read_fd(b->tag_digests, NOTES_MAX, &notes);
	for (char *line = notes.s; r == 0 && line && *line; line += strcspn(line, "\n") + 1) {
		if (strncmp(line, name, n) != 0 || line[n] != ' ')
			continue;
		(void)snprintf(ret, DIGEST_TEXT_MAX, "%.*s", (int)strcspn(line + n + 1, "\n"),
			       line + n + 1);
		return 1;
	}
	return r;
}

int tag_digest_note(struct builder *b, const char *name, const char *digest)
{
	AUTO_SBUF struct sbuf line = SBUF_INIT;
	int r = open_notes(b);

	sbuf_addf(&line, "%s %s\n", name, digest);
	if (r == 0 && lseek(b->tag_digests, 0, SEEK_END) < 0)
		r = err_new(-errno, "seek");
	if (r == 0)
		r = write_full(b->tag_digests, line.s, line.len);
	return r < 0 ? err_wrap(r, "note what %s stands for", name) : 0;
}

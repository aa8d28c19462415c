/* SPDX-License-Identifier: MIT */
#include "storage/marker.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/sys/file.h"

#define FORMAT 1
#define WORD "cuddy-store "
#define MARKER_MAX 8192

static int parse_line(const char *line, const char *path, struct marker *m)
{
	if (strcmp(line, "marks files") == 0)
		m->file_marks = true;
	else if (strncmp(line, "driver ", 7) != 0 || driver_parse(line + 7, &m->driver) < 0)
		return err_new(-CE_UNSUPPORTED,
			       "the store %s says '%.40s', which this cuddy does "
			       "not know",
			       path, line);
	return 0;
}

static int parse_moved(const char *line, const char *path, struct marker *m)
{
	m->moved_to = *line == '/' ? path_clean(line) : NULL;
	return m->moved_to ? 1 : err_new(-CE_CORRUPT, "%s/" MARKER " says nowhere", path);
}

int marker_read(int root, const char *path, struct marker *ret)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char *save = NULL, *line;
	uint32_t version;
	int r = file_read_at(root, MARKER, MARKER_MAX, &b);

	*ret = (struct marker){.driver = STORE_OVERLAY};
	if (r == -ENOENT) {
		err_drop();
		return 0;
	}
	if (r < 0)
		return err_wrap(r, "open the store %s", path);
	line = strtok_r(b.s, "\n", &save);
	if (!line || strncmp(line, WORD, sizeof(WORD) - 1) != 0)
		return err_new(-CE_CORRUPT, "%s/" MARKER " is not a store's", path);
	line += sizeof(WORD) - 1;
	if (strcmp(line, "moved") == 0) {
		line = strtok_r(NULL, "\n", &save);
		return parse_moved(line ? line : "", path, ret);
	}
	if (parse_u32(line, UINT32_MAX, &version) < 0)
		return err_new(-CE_CORRUPT, "%s/" MARKER " is not a store's", path);
	if (version != FORMAT)
		return err_new(-CE_UNSUPPORTED, "the store %s has format %u, this cuddy knows %d",
			       path, version, FORMAT);
	while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
		r = parse_line(line, path, ret);
		if (r < 0)
			return r;
	}
	return 1;
}

int marker_write(int root, const struct marker *m)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	int r;

	if (m->moved_to)
		sbuf_addf(&b, WORD "moved\n%s\n", m->moved_to);
	else
		sbuf_addf(&b, WORD "%d\ndriver %s\n%s", FORMAT, driver_name(m->driver),
			  m->file_marks ? "marks files\n" : "");
	r = file_create(root, MARKER, b.s, b.len, 0600, FILE_SYNC);
	return r == -EEXIST ? 0 : r;
}

/* SPDX-License-Identifier: MIT */
/*
 * Where export and its like write an archive: standard output, or a file that appears when it is
 * whole; and where load and its like read one from.
 */
#pragma once
#include <stdbool.h>

struct archive_file {
	int fd, dir; /* dir: of the file to be; -EBADF when the output is written as it is */
	const char *name;
	bool nameless; /* O_TMPFILE */
	char temporary[32];
};
#define ARCHIVE_FILE_INIT                   \
	{                                   \
		.fd = -EBADF, .dir = -EBADF \
	}

/** archive_file_open() - @path NULL or "-": standard output, which must not be a terminal. */
int archive_file_open(struct archive_file *f, const char *path);
/** archive_file_keep() - it is whole: give the file its name. */
int archive_file_keep(struct archive_file *f);
/** archive_file_put() - all of a short text, then keep it. @path for messages; NULL: nothing was asked for. */
int archive_file_put(struct archive_file *f, const char *path, const char *text);
/** archive_file_drop() - close; what was not kept is removed. */
void archive_file_drop(struct archive_file *f);

/** archive_input_open() - @path NULL or "-": standard input, which must not be a terminal. A descriptor. */
int archive_input_open(const char *path);
/**
 * archive_input_fetch() - the same; what begins with http:// or https:// is fetched first, as a whole, into
 * a file without a name in $TMPDIR (/var/tmp), so that nothing of a download that breaks is ever read.
 */
int archive_input_fetch(const char *path);

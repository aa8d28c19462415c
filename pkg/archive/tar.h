/* SPDX-License-Identifier: MIT */
/*
 * Tar, reading only: v7, ustar, star, GNU long names, pax. Input is hostile (threats L03, L08-L11):
 * every field is checked and bounded, names are bytes without NUL, and what leaves here is
 * relative, without empty, "." or ".." components.
 *
 * GNU sparse files, multi-volume archives and unknown types are refused. A global pax header is
 * checked and then ignored, as every other image tool does, so that all of them see one tree.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pkg/archive/feed.h"

#define TAR_PATH_MAX 4095
#define TAR_NAME_MAX 255 /* one component */
#define TAR_DEPTH_MAX 256
#define TAR_ID_MAX 2147483647U
#define TAR_SIZE_MAX (1ULL << 48)
#define TAR_EXTENSION_MAX (1U << 20)
#define TAR_KEY_MAX 256
#define TAR_XATTR_MAX (64U << 10)
#define TAR_XATTRS_MAX 256U

enum tar_type { TAR_FILE, TAR_HARDLINK, TAR_SYMLINK, TAR_CHAR, TAR_BLOCK, TAR_DIR, TAR_FIFO };

struct tar_xattr {
	char *name; /* no NUL */
	unsigned char *value;
	size_t len;
};

struct tar_entry {
	enum tar_type type;
	const char *path; /* "" is the root of the tree */
	const char *link; /* hard link: cleaned as path; symbolic link: as it stands */
	const char *raw_path, *raw_link; /* as the archive has them; raw_link "" without one */
	uint32_t raw_mode; /* with what old writers leave in the bits above */
	uint32_t mode; /* 07777 */
	uint32_t uid, gid;
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint64_t size; /* 0 but for TAR_FILE */
	uint32_t major, minor;
	const struct tar_xattr *xattrs;
	unsigned n_xattrs;
};

struct tar;
struct tar *tar_new(struct feed *f); /* @f stays the caller's */
/** tar_on_framing() - @tell gets every byte but the content that tar_content() hands out. */
void tar_on_framing(struct tar *t, void (*tell)(void *data, const void *p, size_t n), void *data);
void tar_free(struct tar *t);
void tar_freep(struct tar **t);
/** tar_next() - the next entry, valid until the next call; skips unread content. 1, 0 at the end, -code. */
int tar_next(struct tar *t, struct tar_entry *ret);
/** tar_content() - the next piece of the entry's content, as feed_next(). */
ssize_t tar_content(struct tar *t, const unsigned char **ret);
/** tar_drain() - read what follows the end of the archive, so that the feed's hash covers all bytes. */
int tar_drain(struct tar *t);

/**
 * tar_clean_path() - @in (@n bytes) relative and normal, into @out (TAR_PATH_MAX + 1 bytes)
 * Return: 0; -CE_BAD_FORMAT or -CE_LIMIT with trail: NUL, "..", too long, too deep.
 */
int tar_clean_path(const char *in, size_t n, char *out);

/* SPDX-License-Identifier: MIT */
/*
 * Files from elsewhere: URLs by cuddy-transfer, archives unpacked by its sandboxed reader, repositories
 * by the host's git, which may talk https, http and git and nothing else (threats B10). All land in
 * directories below staging/, which a builder that dies leaves to the next command.
 */
#pragma once
#include <stdbool.h>

#include "pkg/base/clock.h"
#include "pkg/build/builder.h"
#include "pkg/build/url_note.h"

enum remote_kind { REMOTE_NONE, REMOTE_URL, REMOTE_GIT };
/** remote_kind_of() - by the look of it; usage error for schemes that are not taken. */
int remote_kind_of(const char *s, enum remote_kind *ret);

/** remote_fetch() - to @fd, a file. @ret: what the server says of it; its digest is left alone. */
int remote_fetch(struct builder *b, const char *url, int fd, struct url_note *ret);
/**
 * remote_is_same() - 1 when the server says that @url is still what it gave before, digest in @ret; 0: it is not,
 * or nothing is known of it. Nothing is fetched.
 */
int remote_is_same(struct builder *b, const char *url, char ret[65]);
/** remote_note() - what @fd got from @url is @n, by its validators; 1 and @n has its digest, 0: there are none. */
int remote_note(struct builder *b, const char *url, int fd, struct url_note *n);
/** remote_checksum_check() - "sha256:<64 hex digits>" of a URL, or a commit's 40; usage error. */
int remote_checksum_check(const char *checksum);
/** remote_hash_file() - sha256 of all of it, wherever its position is. */
int remote_hash_file(int fd, char ret[65]);
/** remote_content_check() - does the file @fd have it? NULL: anything will do. */
int remote_content_check(int fd, const char *checksum);
/**
 * remote_fetch_judged() - to @fd, an empty file, whatever the source policies make of @url; @fd is at its beginning
 * What the server says it still is comes from the build cache (url_body.h).
 */
int remote_fetch_judged(struct builder *b, const char *url, int fd);
/** remote_untar() - the archive @fd into the directory @dir; all belongs to root there. */
int remote_untar(struct builder *b, int fd, int dir);

struct git_source {
	char *url, *ref, *subdir; /* "" where the fragment does not say */
};
int git_source_parse(const char *s, struct git_source *ret);
void git_source_done(struct git_source *g);
/** git_commit() - what the ref stands for now; 40 or 64 hex digits. */
int git_commit(const struct git_source *g, char ret[65]);
/** git_checkout() - @path: an empty directory. With its submodules; modes 644 and 755. @commit: which it became. */
int git_checkout(const struct git_source *g, const char *path, bool keep_git_dir, char commit[65]);
/** git_checkout_judged() - of what the source policies make of @url; @ret: what that is. */
int git_checkout_judged(struct builder *b, const char *url, const char *path, bool keep_git_dir,
			struct git_source *ret);
/** git_commit_check() - usage: what is fetched has to be @checksum; NULL: anything will do. */
int git_commit_check(const char *url, const char *commit, const char *checksum);

/* SPDX-License-Identifier: MIT */
/* User namespaces of containers: the words of --userns, and ranges that are one container's alone. */
#pragma once
#include "pkg/container/record.h"

struct store;

/** make_userns_path() - "ns:/proc/N/ns/user": below the base namespace; its maps become the record's. */
int make_userns_path(struct store *st, const char *mode, struct container_record *r);

struct userns_options {
	uint32_t size; /* 0: not given */
	uint32_t uid, gid; /* keep-id; UINT32_MAX: not given */
	struct strv uid_maps, gid_maps; /* auto: "inside:outside:count" that must be so */
};
/** userns_options_parse() - "keep-id:uid=1,gid=2", "auto:size=3". */
int userns_options_parse(const char *text, struct userns_options *ret);
void userns_options_done(struct userns_options *o);

/**
 * userns_allocate() - for a record that says "auto": a range that no other container has
 * @layers: of the image, bottom first: its users decide the size where none is given.
 * @ret_lock: a descriptor to be held until the record stands; -EBADF when nothing was allocated. NULL: the
 * record will never stand, and the range is nobody's.
 */
int userns_allocate(struct store *st, struct container_record *r, int *ret_lock);

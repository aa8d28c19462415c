/* SPDX-License-Identifier: MIT */
/*
 * How the root file systems of a store's containers are made. Decided by experiment when the store is
 * made, written into its marker, and the same for ever: what lies in containers/ depends on it.
 *
 *	overlay         the kernel's, in the container's user namespace
 *	fuse-overlayfs  the same in user space: for file systems that the kernel's cannot write to
 *	vfs             a plain copy of all layers for each container: works everywhere, costs space
 */
#pragma once
#include <stdbool.h>

enum store_driver { STORE_OVERLAY, STORE_FUSE_OVERLAY, STORE_VFS };

/* What a file system can do. */
struct fs_probe {
	bool attributes; /* user.* extended attributes */
	bool whiteouts; /* character devices 0:0 */
	bool overlay; /* the kernel's overlay, writable */
	const char *why_not; /* overlay; a few words, static */
};

const char *driver_name(enum store_driver d);
/** driver_parse() - podman's names, "overlay2" for overlay; -CE_USAGE lists them. */
int driver_parse(const char *name, enum store_driver *ret);
/** driver_fuse_program() - path of fuse-overlayfs; -CE_HOST_SETUP with the line that mends it. */
int driver_fuse_program(const char **ret);

/**
 * driver_probe() - try things out below the directory @root, and remove them again
 * Where no user namespace can be made, overlay is taken to work if the other two do.
 */
int driver_probe(int root, struct fs_probe *ret);

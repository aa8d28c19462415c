/* SPDX-License-Identifier: MIT */
/* Images into archives and directories: the client's side of cuddy-transfer's save. */
#pragma once
#include "pkg/base/strv.h"
#include "pkg/image/transfer_client.h"

struct save_options {
	const char *kind; /* docker-archive, oci-archive, oci-dir, docker-dir */
	struct transfer_form form; /* format NULL: OCI's for oci-…, Docker's for docker-dir */
	bool any_format; /* no, the image's own */
	bool plain; /* manifests that have to be made have layers that are not compressed */
	const char *platform; /* as in image_of_platform(); NULL: any */
	bool renamed; /* there it is called @name, NULL: nothing at all */
	const char *name;
	bool list; /* the one of @names is a manifest list, and goes whole, as image_save_list() has it */
	const char *told; /* status of each image's event: "save", "push"; NULL: none */
	const char *told_name; /* NULL: its first name */
};

/**
 * image_save() - every image that @names name, once, with those of its names that were given
 * @fd: a file or pipe for archives, else a directory that is empty or holds that kind: an OCI layout gets
 * these as well, docker-dir holds one image, this one then. Killed or failed, it is what it was.
 */
int image_save(struct store *st, const struct strv *names, const struct save_options *o, int fd,
	       const struct transfer_handler *h);

/**
 * image_save_list() - a manifest list that is here with all that it names, as one entry of an OCI layout
 * @o: as for image_save(), with @kind oci-archive or oci-dir; platform, name and renamed do not count.
 * @names: what it is called there; none: nothing. @annotations: "k=v", of what names it there, not of itself.
 * What the list only knows at a registry has to be pulled first: -CE_NO_IMAGE.
 */
int image_save_list(struct store *st, const char *list, const struct strv *names,
		    const struct strv *annotations, const struct save_options *o, int fd,
		    const struct transfer_handler *h);

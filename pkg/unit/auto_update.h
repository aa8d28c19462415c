/* SPDX-License-Identifier: MIT */
/* Containers of units follow their images: io.containers.autoupdate=registry|local on the container. */
#pragma once
#include <stdbool.h>

#include "pkg/base/strv.h"

struct json_object;
struct store;
struct transfer_handler;

struct auto_update {
	bool dry_run; /* only look */
	bool rollback; /* when the unit does not start with the new image, give it the old one back */
	const char *authfile; /* NULL: the container's label, else as for a pull */
	int tls_verify; /* -1: by configuration */
	const struct transfer_handler *report; /* of pulls; may be NULL */
};

/**
 * auto_update() - pull what is newer, point the names at it, restart the units
 * @ret: an array of rows: Unit, Container, ContainerID, ContainerName, Image, Policy, Updated ("true",
 * "false", "pending", "rolled back", "failed").
 * @ret_errors: one line for each container or unit that failed; the others were seen to.
 */
int auto_update(struct store *st, const struct auto_update *o, struct json_object **ret,
		struct strv *ret_errors);

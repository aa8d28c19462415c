/* SPDX-License-Identifier: MIT */
/* The option rows of verbs that compress layers for elsewhere. */
#pragma once
#include "pkg/cli/options.h"
#include "pkg/transfer/protocol.h"

struct compress_args {
	const char *format;
	unsigned level;
	bool force;
};
extern const struct opt compress_opts[];

/** compress_form_of() - what was given, checked, into the form. Usage error. */
int compress_form_of(const struct compress_args *a, struct transfer_form *ret);
/**
 * compress_form_to_registry() - the same of what goes to a registry, where containers.conf counts for what is not given
 * @ret: with its format. @add: the compression of --add-compression, or where that one of containers.conf goes; NULL:
 * there are no twins.
 */
int compress_form_to_registry(const struct compress_args *a, struct transfer_form *ret, const char **add);

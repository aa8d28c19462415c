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

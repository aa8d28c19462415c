/* SPDX-License-Identifier: MIT */
/*
 * What of this machine is in the way of containers. Each check asks the code that needs the thing, by
 * doing what that code does and undoing it: there is no second opinion that could be another one.
 * Nothing is changed; a directory that file systems are tried out in is removed again.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct store_options;

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_NOTE, /* all works, something less well or only so far */
	DOCTOR_PROBLEM, /* something does not work */
};

struct doctor_finding {
	const char *check; /* "user-namespaces"; static */
	enum doctor_status status;
	char *found; /* what is so */
	char *breaks,
		*mend; /* what does not work for it, and the command that mends it; NULL with DOCTOR_OK */
};

struct doctor_report {
	struct doctor_finding *v;
	size_t n;
	bool contained; /* what mends is said for whoever runs the container around us */
};
void doctor_report_done(struct doctor_report *d);

const char *doctor_status_name(enum doctor_status s); /* "ok", "note", "problem" */

/**
 * doctor_examine() - everything; errors are findings. @o: the store whose place is looked at.
 * @contained: whose words mend: 1 those of whoever runs the container around us, 0 those of a host's root, -1 by looks.
 */
void doctor_examine(const struct store_options *o, int contained, struct doctor_report *ret);

/* SPDX-License-Identifier: MIT */
/* Shared by the checks: writing findings down. Only for pkg/doctor. */
#pragma once
#include "pkg/doctor/doctor.h"

struct base_grant;

/* All is well. */
void doctor_ok(struct doctor_report *d, const char *check, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Where something is amiss; all but @check are copied, @mend may be NULL. */
struct doctor_words {
	const char *check;
	enum doctor_status status;
	const char *breaks, *mend;
};
void doctor_tell(struct doctor_report *d, const struct doctor_words *w, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * doctor_error() - the trail of @r is what was found, and is dropped
 * Where it says "…; as root: COMMAND" in one of the ways that messages for the host have, the command is
 * taken out of it as what mends, unless @w has one.
 */
void doctor_error(struct doctor_report *d, const struct doctor_words *w, int r);

void doctor_kernel(struct doctor_report *d);
void doctor_ids(struct doctor_report *d);
void doctor_places(struct doctor_report *d, const struct store_options *o);
void doctor_networks(struct doctor_report *d);
void doctor_systemd(struct doctor_report *d);
void doctor_quotas(struct doctor_report *d);
void doctor_files(struct doctor_report *d);
/** doctor_is_contained() - are we in a container, by the marks that engines leave below @root, "/"? */
bool doctor_is_contained(const char *root);
/** doctor_outer_mend() - what mends @check in a container where @mend does on a host; NULL: the same; malloc'ed. */
char *doctor_outer_mend(const char *check, const char *mend);
/* doctor_user() - the user's name for commands, "USER" when nobody knows it; malloc'ed. */
char *doctor_user(void);

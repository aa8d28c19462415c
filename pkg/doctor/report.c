/* SPDX-License-Identifier: MIT */
#include "pkg/doctor/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/passwd.h"
#include "pkg/sys/private_dir.h"

/* How messages about the host say that a command follows; longer ones first. */
static const char *const leads[] = {
	"; mend it as root with: ",
	"; mend it as root: ",
	"; as root: ",
	"; mend that line ",
};

const char *doctor_status_name(enum doctor_status s)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_PROBLEM] = "problem"};

	return names[s];
}

void doctor_report_done(struct doctor_report *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].found);
		free(d->v[i].breaks);
		free(d->v[i].mend);
	}
	free(d->v);
	*d = (struct doctor_report){0};
}

static void add(struct doctor_report *d, const struct doctor_words *w, char *found)
{
	char *outer = w->mend && d->contained ? doctor_outer_mend(w->check, w->mend) : NULL;

	d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = (struct doctor_finding){.check = w->check,
					       .status = w->status,
					       .found = found,
					       .breaks = w->breaks ? xstrdup(w->breaks) : NULL,
					       .mend = outer     ? outer
						       : w->mend ? xstrdup(w->mend)
								 : NULL};
}

static char *words(const char *fmt, va_list ap)
{
	struct sbuf b = SBUF_INIT;

	sbuf_vaddf(&b, fmt, ap);
	return sbuf_steal(&b);
}

void doctor_ok(struct doctor_report *d, const char *check, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, &(struct doctor_words){.check = check, .status = DOCTOR_OK}, words(fmt, ap));
	va_end(ap);
}

void doctor_tell(struct doctor_report *d, const struct doctor_words *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, w, words(fmt, ap));
	va_end(ap);
}

void doctor_error(struct doctor_report *d, const struct doctor_words *w, int r)
{
	/* The text of -CE_HOST_SETUP says nothing that the trail does not. */
	char *found = xstrdup(r == -CE_HOST_SETUP && *err_trail() ? err_trail() : err_message(r));
	struct doctor_words with = *w;

	err_drop();
	for (size_t i = 0; i < ARRAY_LEN(leads) && !with.mend; i++) {
		char *at = strstr(found, leads[i]), *aside;

		if (!at)
			continue;
		with.mend = strstr(leads[i], "line") ? at + 2 : at + strlen(leads[i]);
		*at = '\0';
		aside = strstr(at + 1, "  (or use ");
		if (aside)
			*aside = '\0';
	}
	add(d, &with, found);
}

char *doctor_user(void)
{
	AUTO(passwd_entry_done) struct passwd_entry e = {0};

	return xstrdup(passwd_find(outer_uid(), &e) == 0 ? e.name : "USER");
}

void doctor_examine(const struct store_options *o, int contained, struct doctor_report *ret)
{
	ret->contained = contained < 0 ? doctor_is_contained("/") : contained;
	doctor_kernel(ret);
	doctor_ids(ret);
	doctor_places(ret, o);
	doctor_networks(ret);
	doctor_systemd(ret);
	doctor_quotas(ret);
	doctor_files(ret);
}

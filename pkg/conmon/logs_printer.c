/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/conmon/logs_internal.h"

#define FLUSH_AT (1U << 18)
#define LINE_MAX_HELD (1U << 20) /* a labelled line longer than this is not waited for */

static bool one_target(void)
{
	struct stat x, y;

	return fstat(1, &x) == 0 && fstat(2, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

void log_printer_init(struct log_printer *p, const struct logs_options *o, const char *label)
{
	*p = (struct log_printer){
		.o = o, .label = label, .out = {SBUF_INIT, SBUF_INIT}, .same_target = one_target()};
}

void log_printer_done(struct log_printer *p)
{
	sbuf_done(&p->out[0]);
	sbuf_done(&p->out[1]);
}

static int flush_one(struct log_printer *p, int i, bool at_end)
{
	struct sbuf *out = &p->out[i];
	size_t n = out->len;
	int r;

	if (p->label && p->in_line[i] && at_end) {
		sbuf_addc(out, '\n');
		n = out->len;
		p->in_line[i] = false;
	} else if (p->label && p->in_line[i] && n < LINE_MAX_HELD) {
		const char *nl = memrchr(out->s, '\n', n);

		n = nl ? (size_t)(nl - out->s) + 1 : 0;
	}
	r = n ? write_full(i + 1, out->s, n) : 0;
	memmove(out->s, out->s + n, out->len - n);
	out->len -= n;
	return r < 0 ? err_new(r, "write logs") : 0;
}

int log_printer_flush(struct log_printer *p, bool at_end)
{
	int r = flush_one(p, p->last, at_end), r2 = flush_one(p, !p->last, at_end);

	return r < 0 ? r : r2;
}

int log_printer_add(struct log_printer *p, const struct log_record *rec)
{
	int i = rec->stream - 1, r = 0;
	struct sbuf *out = &p->out[i];

	if (p->o->until_ns && rec->time_ns > p->o->until_ns) {
		p->past_until = true;
		return 0;
	}
	if (p->o->since_ns && rec->time_ns < p->o->since_ns)
		return 0;
	if (i != p->last && p->same_target)
		r = flush_one(p, p->last, false);
	p->last = i;
	if (!p->in_line[i]) {
		char when[CLOCK_TEXT_MAX];

		if (p->label)
			sbuf_adds(out, p->label);
		if (p->o->timestamps) {
			clock_format_utc(rec->time_ns, when);
			sbuf_addf(out, "%s ", when);
		}
	}
	sbuf_add(out, rec->text, rec->len);
	if (rec->whole)
		sbuf_addc(out, '\n');
	p->in_line[i] = !rec->whole;
	if (out->len >= FLUSH_AT && r == 0)
		r = flush_one(p, i, false);
	return r;
}

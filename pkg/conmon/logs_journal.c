/* SPDX-License-Identifier: MIT */
/*
 * Logs in the journal, as `journalctl -o export` gives them: "NAME=value" lines, or "NAME", a length in
 * eight bytes and that many bytes; an empty line ends an entry. What is there is read first; following
 * is a second journalctl that begins behind the last entry seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/strv.h"
#include "pkg/conmon/log_journal.h"
#include "pkg/conmon/logs_internal.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"
#include "pkg/sys/userns.h"

#define READ_SIZE 65536
#define ENTRY_MAX (1U << 24) /* larger ones are not ours */

/* The last lines, until it is known that they are. */
struct held {
	struct log_record rec;
	char *text;
};
struct held_list {
	struct held *v;
	size_t from, n, cap, lines;
};

void log_journal_init(struct log_journal_reader *j, const char *id, struct log_printer *p)
{
	*j = (struct log_journal_reader){.id = id,
					 .p = p,
					 .out = -EBADF,
					 .pidfd = -EBADF,
					 .err = -EBADF,
					 .in = SBUF_INIT,
					 .cursor = SBUF_INIT};
}

static void end_journalctl(struct log_journal_reader *j, int *ret_status)
{
	*ret_status = 0;
	closep(&j->out); /* one that still writes gets SIGPIPE */
	if (j->pidfd >= 0)
		(void)pidfd_wait(j->pidfd, -1, ret_status);
	closep(&j->pidfd);
}

void log_journal_done(struct log_journal_reader *j)
{
	int status;

	if (j->pidfd >= 0)
		(void)pidfd_signal(j->pidfd, SIGKILL);
	end_journalctl(j, &status);
	closep(&j->err);
	sbuf_done(&j->in);
	sbuf_done(&j->cursor);
}

static int start(struct log_journal_reader *j, bool follow)
{
	const struct logs_options *o = j->p->o;
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_FREE char *program = NULL;
	AUTO_CLOSE int wr = -EBADF;
	struct spawn s = {.stdio = {-1}, .death_signal = SIGKILL};
	int p[2], r = program_find("journalctl", &program);

	if (r < 0)
		return err_wrap(r, "the journal is read by journalctl");
	strv_add(&argv, program);
	strv_take(&argv, xasprintf("CONTAINER_ID_FULL=%s", j->id));
	/* Anybody may write an entry with this id; inside of a namespace our own uid is not known. */
	if (userns_is_initial() == 1)
		strv_take(&argv, xasprintf("_UID=%u", (unsigned)getuid()));
	strv_add(&argv, "--quiet");
	strv_add(&argv, "--no-pager");
	strv_add(&argv, "--output=export");
	strv_add(&argv,
		 "--output-fields=MESSAGE,PRIORITY," JOURNAL_PARTIAL_FIELD "," JOURNAL_END_FIELD);
	if (j->cursor.len)
		strv_take(&argv, xasprintf("--after-cursor=%s", j->cursor.s));
	else if (o->since_ns)
		strv_take(&argv, xasprintf("--since=@%lld", (long long)(o->since_ns / NS_PER_S)));
	if (follow) {
		strv_add(&argv, "--follow");
		strv_add(&argv, "--no-tail");
	}
	if (j->err < 0)
		j->err = memfd_create("journalctl", MFD_CLOEXEC);
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	j->out = p[0];
	wr = p[1];
	s.path = program;
	s.argv = argv.v;
	s.stdio[1] = wr;
	s.stdio[2] = j->err;
	j->pidfd = spawn_start(&s, NULL);
	return j->pidfd < 0 ? j->pidfd : 0;
}

/* --- entries ------------------------------------------------------------------------------------ */

struct field {
	const char *name, *value;
	size_t name_len, len;
};

/* Return: bytes of the field at @p (1: an empty line, with name_len 0), 0 when it is not all there. */
static size_t next_field(const char *p, size_t n, struct field *ret)
{
	const char *nl = memchr(p, '\n', n), *eq;
	uint64_t len = 0;
	size_t head;

	if (!nl)
		return 0;
	head = (size_t)(nl - p) + 1;
	eq = memchr(p, '=', head);
	ret->name = p;
	if (eq || head == 1) {
		ret->name_len = eq ? (size_t)(eq - p) : 0;
		ret->value = eq ? eq + 1 : p;
		ret->len = eq ? (size_t)(nl - ret->value) : 0;
		return head;
	}
	ret->name_len = head - 1;
	if (n - head < 8)
		return 0;
	for (unsigned i = 0; i < 8; i++)
		len |= (uint64_t)(unsigned char)p[head + i] << (8 * i);
	if (len >= n || n - head - 8 < len + 1)
		return 0;
	ret->value = p + head + 8;
	ret->len = (size_t)len;
	return head + 8 + (size_t)len + 1;
}

static bool is_named(const struct field *f, const char *name)
{
	return f->name_len == strlen(name) && memcmp(f->name, name, f->name_len) == 0;
}

struct entry {
	struct log_record rec;
	bool is_end;
};

static void take_field(struct log_journal_reader *j, const struct field *f, struct entry *e)
{
	char number[24];
	uint64_t us;

	if (is_named(f, "MESSAGE")) {
		e->rec.text = f->value;
		e->rec.len = f->len;
	} else if (is_named(f, "PRIORITY")) {
		e->rec.stream = f->len == 1 && *f->value <= '3' ? 2 : 1;
	} else if (is_named(f, JOURNAL_PARTIAL_FIELD)) {
		e->rec.whole = false;
	} else if (is_named(f, JOURNAL_END_FIELD)) {
		e->is_end = true;
	} else if (is_named(f, "__CURSOR")) {
		sbuf_reset(&j->cursor);
		sbuf_add(&j->cursor, f->value, f->len);
	} else if (is_named(f, "__REALTIME_TIMESTAMP") && f->len < sizeof(number)) {
		memcpy(number, f->value, f->len);
		number[f->len] = '\0';
		if (parse_u64(number, INT64_MAX / 1000, &us) == 0)
			e->rec.time_ns = (int64_t)us * 1000;
	}
}

/* Return: bytes of the entry at @p, 0 when it is not all there. */
static size_t next_entry(struct log_journal_reader *j, const char *p, size_t n, struct entry *e)
{
	size_t at = 0, len;
	struct field f;

	*e = (struct entry){.rec = {.stream = 1, .whole = true, .text = ""}};
	while ((len = next_field(p + at, n - at, &f)) != 0) {
		at += len;
		if (f.name_len == 0)
			return at;
		take_field(j, &f, e);
	}
	return 0;
}

/* --- --tail --------------------------------------------------------------------------------------- */

static void drop_line(struct held_list *l)
{
	bool whole;

	do {
		whole = l->v[l->from].rec.whole;
		free(l->v[l->from++].text);
	} while (!whole && l->from < l->n);
	l->lines -= whole;
}

static void hold(struct held_list *l, const struct log_record *rec, uint64_t lines)
{
	struct held *h;

	if (l->from > 1024 && l->from > l->n / 2) {
		memmove(l->v, l->v + l->from, (l->n - l->from) * sizeof(*l->v));
		l->n -= l->from;
		l->from = 0;
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	h = &l->v[l->n++];
	*h = (struct held){.rec = *rec, .text = xmalloc(rec->len + 1)};
	memcpy(h->text, rec->text, rec->len);
	h->rec.text = h->text;
	l->lines += rec->whole;
	while (l->from < l->n && l->lines + !l->v[l->n - 1].rec.whole > lines)
		drop_line(l);
}

static int release(struct held_list *l, struct log_printer *p)
{
	int r = 0;

	for (size_t i = l->from; i < l->n; i++) {
		if (r == 0 && p)
			r = log_printer_add(p, &l->v[i].rec);
		free(l->v[i].text);
	}
	free(l->v);
	*l = (struct held_list){0};
	return r;
}

/* --- reading -------------------------------------------------------------------------------------- */

static int print_entries(struct log_journal_reader *j, struct held_list *held)
{
	size_t at = 0, len;
	struct entry e;
	int r = 0;

	while (r == 0 && (len = next_entry(j, j->in.s + at, j->in.len - at, &e)) != 0) {
		at += len;
		j->quiet = e.is_end;
		if (e.is_end)
			continue;
		if (held)
			hold(held, &e.rec, (uint64_t)j->p->o->tail);
		else
			r = log_printer_add(j->p, &e.rec);
	}
	memmove(j->in.s, j->in.s + at, j->in.len - at);
	j->in.len -= at;
	if (r == 0 && j->in.len > ENTRY_MAX)
		r = err_new(-EMSGSIZE, "an entry of the journal");
	return r;
}

/* Return: 1 when there was something, 0 at the end, -EAGAIN. */
static int read_some(struct log_journal_reader *j, struct held_list *held)
{
	ssize_t n;
	int r;

	sbuf_grow(&j->in, READ_SIZE);
	do
		n = read(j->out, j->in.s + j->in.len, READ_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (n < 0)
		return err_new(-errno, "read journalctl");
	if (n == 0)
		return 0;
	j->in.len += (size_t)n;
	r = print_entries(j, held);
	return r < 0 ? r : 1;
}

/* Its first line of complaint. */
static int journalctl_failed(struct log_journal_reader *j, int status)
{
	AUTO_SBUF struct sbuf words = SBUF_INIT;

	if (j->err >= 0 && lseek(j->err, 0, SEEK_SET) == 0)
		(void)file_read_fd(j->err, 4096, &words);
	words.s[strcspn(words.s, "\n")] = '\0';
	return err_new(-EIO, "journalctl: %s (status %d)", *words.s ? words.s : "failed", status);
}

int log_journal_first(struct log_journal_reader *j)
{
	struct held_list held = {0};
	bool tail = j->p->o->tail >= 0;
	int status, r = start(j, false);

	while (r >= 0) {
		r = read_some(j, tail ? &held : NULL);
		if (r == 0)
			break;
	}
	if (r >= 0) {
		end_journalctl(j, &status);
		/* No entry at all is status 1 for some versions: without words it is no failure. */
		if (status != 0 && j->err >= 0 && lseek(j->err, 0, SEEK_END) > 0)
			r = journalctl_failed(j, status);
	}
	return r < 0 ? (void)release(&held, NULL), r : release(&held, j->p);
}

int log_journal_follow(struct log_journal_reader *j)
{
	int r = start(j, true);

	if (r == 0 && fcntl(j->out, F_SETFL, O_NONBLOCK) < 0)
		r = err_new(-errno, "pipe");
	return r;
}

int log_journal_more(struct log_journal_reader *j)
{
	int status, r = 1;

	j->fresh = false;
	while (r > 0) {
		r = read_some(j, NULL);
		j->fresh |= r > 0;
	}
	if (r != 0)
		return r == -EAGAIN ? 0 : r;
	end_journalctl(j, &status);
	return journalctl_failed(j, status);
}

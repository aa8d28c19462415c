/* SPDX-License-Identifier: MIT */
/*
 * Reading the journal: the older file first. Both are open before the first is read, so a rotation
 * meanwhile loses nothing; when the name has gone to another file, what is left of ours comes first.
 */
#include "pkg/container/events.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cli/filter.h"
#include "pkg/container/events_internal.h"
#include "pkg/json/json.h"
#include "pkg/sys/open.h"
#include "storage/event.h"
#include "storage/store.h"

#define BODY_MAX 16384U /* labels beyond it are left out: a journal is no store */
#define READ_SIZE 65536U
#define SOON_MS 100
#define LINE_MAX_BYTES (1U << 20)

static void add_members(const char *image, const struct strv *labels, struct sbuf *out)
{
	AUTO_JSON struct json_object *o = json_object_new_object();

	json_set_str(o, "Image", image);
	json_set(o, "Attributes", json_from_map(labels));
	json_write_members(o, out);
}

void event_members(const char *image, const struct strv *labels, struct sbuf *out)
{
	add_members(image, labels, out);
	if (out->len > BODY_MAX) {
		sbuf_reset(out);
		add_members(image, &(struct strv)STRV_INIT, out);
	}
}

void event_body(const struct container_record *rec, struct sbuf *out)
{
	event_body_with(rec, &rec->labels, out);
}

void event_body_with(const struct container_record *rec, const struct strv *attributes,
		     struct sbuf *out)
{
	event_members(rec->image, attributes, out);
	if (rec->pod)
		sbuf_addf(out, ",\"PodID\":\"%s\"", rec->pod);
}

void container_event_begin(struct store *st, const struct container_record *rec, const char *status,
			   struct event_pending *ret)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;

	event_body(rec, &body);
	event_begin(store_runtime_fd(st), "container", status, rec->id, rec->name, body.s, ret);
}

void container_event(struct store *st, const struct container_record *rec, const char *status,
		     const char *extra)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;

	event_body(rec, &body);
	event_write(store_runtime_fd(st), "container", status, rec->id, rec->name, body.s, extra);
}

/* --- filters ---------------------------------------------------------------------------------- */

static const char *str(struct json_object *o, const char *key)
{
	const char *s = NULL;

	if (json_get_str(o, key, &s) < 0)
		err_drop();
	return s ? s : "";
}

/* Docker's words for the same. */
static const char *status_of(const char *word)
{
	static const char *const words[][2] = {
		{"die", "died"},	    {"destroy", "remove"},   {"delete", "remove"},
		{"exec_start", "exec"}, {"exec_die", "exec_died"}, {"load", "loadfromarchive"}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i][0]) == 0)
			return words[i][1];
	return word;
}

static bool is_called(const char *name, const char *id, const char *value)
{
	return strcmp(name, value) == 0 || (*value && strncmp(id, value, strlen(value)) == 0);
}

static bool names_it(struct json_object *o, const char *value)
{
	return is_called(str(o, "Name"), str(o, "ID"), value);
}

static bool has_label(struct json_object *o, const char *value)
{
	AUTO_STRV struct strv labels = STRV_INIT;

	if (json_get_map(o, "Attributes", &labels) < 0)
		err_drop();
	return filter_label(&labels, value);
}

static bool matches_one(struct json_object *o, const char *key, const char *value)
{
	const char *type = str(o, "Type");

	if (strcmp(key, "event") == 0 || strcmp(key, "status") == 0)
		return strcmp(str(o, "Status"), status_of(value)) == 0;
	if (strcmp(key, "type") == 0)
		return strcmp(type, value) == 0;
	if (strcmp(key, "label") == 0)
		return has_label(o, value);
	if (strcmp(key, "scope") == 0)
		return strcmp(value, "local") == 0; /* docker's other one is of swarms */
	if (strcmp(key, "image") == 0 && strcmp(type, "container") == 0)
		return strcmp(str(o, "Image"), value) == 0;
	/* Whom somebody joins or leaves is in a member of its own. */
	if (strcmp(key, "network") == 0 && strcmp(type, key) == 0 && *str(o, "NetworkID"))
		return is_called(str(o, "Network"), str(o, "NetworkID"), value);
	return strcmp(type, key) == 0 && names_it(o, value); /* the rest are types, some of them never here */
}

int events_check(const struct strv *filters)
{
	static const char *const keys[] = {"artifact", "config", "container", "daemon",
					   "event",    "image",  "label",     "network",
					   "node",     "plugin", "pod",       "scope",
					   "secret",   "service", "status",   "type",
					   "volume"};

	for (size_t i = 0; i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);

		if (!key)
			return err_usage("--filter '%s': write key=value", filters->v[i]);
		if (!filter_one_of(key, keys, ARRAY_LEN(keys)))
			return err_usage("--filter '%s': unknown key; known are artifact "
					 "container event image label network pod scope secret "
					 "type volume",
					 filters->v[i]);
	}
	return 0;
}

/* Values of one key mean or, different keys and. */
static bool matches(struct json_object *o, const struct strv *filters)
{
	for (size_t i = 0; i < filters->n; i++) {
		const char *value = NULL;
		AUTO_FREE char *key = filter_split(filters->v[i], &value);
		bool hit = false;

		for (size_t k = 0; !hit && k < filters->n; k++) {
			const char *other = NULL;
			AUTO_FREE char *same = filter_split(filters->v[k], &other);

			hit = strcmp(same, key) == 0 && matches_one(o, key, other);
		}
		if (!hit)
			return false;
	}
	return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
	const struct events_query *q;
	int (*each)(struct json_object *event, void *arg);
	void *arg;
	struct sbuf in;
};

static int on_line(struct reader *r, const char *p, size_t n)
{
	AUTO_JSON struct json_object *o = NULL;
	int64_t at = 0;

	/* Torn by a full disk or a crash: not an event. */
	if (json_parse(p, n, &o) < 0 || !json_object_is_type(o, json_type_object) ||
	    clock_parse(str(o, "Time"), &at) < 0) {
		err_drop();
		return 0;
	}
	if ((r->q->since_ns && at < r->q->since_ns) || (r->q->until_ns && at > r->q->until_ns) ||
	    !matches(o, r->q->filters))
		return 0;
	return r->each(o, r->arg);
}

static int on_lines(struct reader *r)
{
	size_t from = 0;
	int rc = 0;

	while (rc == 0) {
		char *nl = memchr(r->in.s + from, '\n', r->in.len - from);

		if (!nl)
			break;
		rc = on_line(r, r->in.s + from, (size_t)(nl - r->in.s) - from);
		from = (size_t)(nl - r->in.s) + 1;
	}
	memmove(r->in.s, r->in.s + from, r->in.len - from);
	r->in.len -= from;
	if (r->in.len > LINE_MAX_BYTES)
		r->in.len = 0;
	r->in.s[r->in.len] = '\0';
	return rc;
}

static int read_on(struct reader *r, int fd)
{
	while (fd >= 0) {
		ssize_t n;
		int rc;

		sbuf_grow(&r->in, READ_SIZE);
		n = read(fd, r->in.s + r->in.len, READ_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_new(-errno, "read events");
		if (n == 0)
			break;
		r->in.len += (size_t)n;
		r->in.s[r->in.len] = '\0';
		rc = on_lines(r);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int open_journal(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 && errno != ENOENT ? err_new(-errno, "open %s", name) : fd;
}

static bool is_same(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/* Another file has the name: the rest of ours, then it. */
static int follow_name(struct reader *r, int dir, int *cur)
{
	AUTO_CLOSE int now = open_journal(dir, EVENTS_FILE);
	int rc = read_on(r, *cur);

	if (rc == 0 && now >= 0 && !is_same(now, *cur)) {
		rc = read_on(r, *cur);
		r->in.len = 0;
		closep(cur);
		*cur = TAKE_FD(now);
		if (rc == 0)
			rc = read_on(r, *cur);
	}
	return rc;
}

/* @soon: look again although nothing was heard. Return: false when the time is over. */
static bool await_change(const struct events_query *q, int watch, bool soon)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};
	char events[4096] __attribute__((aligned(8)));
	int64_t left = q->until_ns ? q->until_ns - clock_now_ns() : 0, ms = left / NS_PER_MS + 1;

	if (q->until_ns && left <= 0)
		return false;
	if (!q->until_ns)
		ms = -1;
	if (soon && (ms < 0 || ms > SOON_MS))
		ms = SOON_MS;
	if (poll(&p, 1, (int)(ms > INT32_MAX ? INT32_MAX : ms)) > 0)
		while (read(watch, events, sizeof(events)) > 0)
			;
	return true;
}

static int watch_dir(int dir)
{
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), pending = -EBADF;
	char path[32];

	if (fd < 0 || inotify_add_watch(fd, fd_path(dir, path),
					IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		return err_new(-errno, "watch the runtime directory");
	/* Whoever is killed with a line on his hands lets go of it. */
	if (mkdirat(dir, EVENTS_PENDING, 0700) < 0 && errno != EEXIST)
		return err_new(-errno, "make " EVENTS_PENDING);
	pending = openat(dir, EVENTS_PENDING, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (pending < 0 ||
	    inotify_add_watch(fd, fd_path(pending, path), IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
		return err_new(-errno, "watch " EVENTS_PENDING);
	return TAKE_FD(fd);
}

static int read_journal(int dir, struct reader *r, int *cur)
{
	AUTO_CLOSE int old = -EBADF;
	int rc = 0;

	*cur = open_journal(dir, EVENTS_FILE);
	old = open_journal(dir, EVENTS_OLD);
	if (!is_same(*cur, old))
		rc = read_on(r, old);
	r->in.len = 0;
	return rc == 0 ? read_on(r, *cur) : rc;
}

int events_written(struct store *st, const struct events_query *q,
		   int (*each)(struct json_object *event, void *arg), void *arg)
{
	struct reader r = {.q = q, .each = each, .arg = arg, .in = SBUF_INIT};
	AUTO_CLOSE int cur = -EBADF;
	int rc = read_journal(store_runtime_fd(st), &r, &cur);

	sbuf_done(&r.in);
	return rc;
}

int events_read(struct store *st, const struct events_query *q,
		int (*each)(struct json_object *event, void *arg), void *arg)
{
	AUTO_CLOSE int watch = -EBADF, cur = -EBADF;
	struct reader r = {.q = q, .each = each, .arg = arg, .in = SBUF_INIT};
	int dir = store_runtime_fd(st), rc = 0;
	bool soon;

	if (q->stream) {
		watch = watch_dir(dir);
		rc = watch < 0 ? watch : 0;
	}
	soon = events_mend(st);
	if (rc == 0)
		rc = read_journal(dir, &r, &cur);
	while (rc == 0 && q->stream && await_change(q, watch, soon)) {
		soon = events_mend(st);
		rc = follow_name(&r, dir, &cur);
	}
	sbuf_done(&r.in);
	return rc;
}

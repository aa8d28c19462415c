/* SPDX-License-Identifier: MIT */
/* Lines that are missing because whoever made the change was killed before he wrote them. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/container/events_internal.h"
#include "pkg/image/image.h"
#include "pkg/json/json.h"
#include "pkg/sys/file.h"
#include "storage/artifact_store.h"
#include "storage/container_store.h"
#include "storage/event.h"
#include "storage/image_store.h"
#include "storage/network.h"
#include "storage/pod.h"
#include "storage/secret.h"
#include "storage/store.h"
#include "storage/volume.h"

#define LINE_BYTES_MAX (1U << 16)

static bool has_pod(struct store *st, const char *id, bool whole)
{
	AUTO(pod_record_done) struct pod_record pod = {0};

	return pod_resolve(st, id, &pod) == 0 && (!whole || !pod.removing);
}

static bool has_secret(struct store *st, const char *id, const char *name)
{
	AUTO(secret_record_done) struct secret_record s = {0};

	return secret_load(st, name, &s) == 0 && strcmp(s.id, id) == 0;
}

static bool has_artifact(struct store *st, const char *id, const char *name)
{
	AUTO(artifact_record_done) struct artifact_record a = {0};

	return artifact_store_load(st, name, &a) == 0 &&
	       strcmp(a.digest + strlen("sha256:"), id) == 0;
}

static bool has_network(struct store *st, const char *id, const char *name)
{
	AUTO(network_record_done) struct network_record n = {0};

	return network_load(st, name, &n) == 0 && strcmp(n.id, id) == 0;
}

/* @made: as one that is wholly there. */
static bool has(struct store *st, const char *type, const char *id, const char *name, bool made)
{
	AUTO(volume_record_done) struct volume_record v = {0};
	char held[65];

	if (strcmp(type, "container") == 0)
		return container_store_resolve(st, id, held) == 0;
	if (strcmp(type, "volume") == 0)
		return volume_load(st, name, &v) == 0;
	if (strcmp(type, "pod") == 0)
		return has_pod(st, id, made);
	if (strcmp(type, "secret") == 0)
		return has_secret(st, id, name);
	if (strcmp(type, "network") == 0)
		return has_network(st, id, name);
	if (strcmp(type, "artifact") == 0)
		return has_artifact(st, id, name);
	if (made && !*name)
		return image_store_has(st, id);
	return ref_get(st, name, held) == 0 && strcmp(held, id) == 0;
}

/* One that its writer did not live to write. */
struct line {
	char *text;
	struct json_object *o;
	const char *type, *status, *id, *name;
};

static bool parse(struct line *l)
{
	size_t n = strlen(l->text);

	/* Torn by a full disk: nobody knows what it was. */
	if (n < 2 || l->text[n - 1] != '\n' || json_parse(l->text, n - 1, &l->o) < 0 ||
	    json_get_str(l->o, "Type", &l->type) < 0 || json_get_str(l->o, "Status", &l->status) < 0 ||
	    json_get_str(l->o, "ID", &l->id) < 0 || json_get_str(l->o, "Name", &l->name) < 0)
		err_drop();
	return l->type && l->status && l->id && l->name;
}

static int count(struct json_object *event, void *arg)
{
	(void)event;
	++*(unsigned *)arg;
	return 0;
}

/* What is told of it later could not have been without. */
static bool is_told_of(struct store *st, const struct line *l, const struct line *all, size_t n)
{
	const char *key = *l->id ? l->id : l->name;
	AUTO_STRV struct strv filters = STRV_INIT;
	struct events_query q = {.filters = &filters};
	unsigned lines = 0;
	const char *when = NULL;

	for (const struct line *other = l + 1; other < all + n; other++)
		if (strcmp(other->type, l->type) == 0 &&
		    strcmp(*l->id ? other->id : other->name, key) == 0)
			return true;
	strv_addf(&filters, "%s=%s", l->type, key);
	if (json_get_str(l->o, "Time", &when) < 0 || !when || clock_parse(when, &q.since_ns) < 0 ||
	    events_written(st, &q, count, &lines) < 0)
		err_drop();
	return lines > 0;
}

/* Is it so, or was it? Then the line is all that is missing. */
static bool was_made(struct store *st, const struct line *l, const struct line *all, size_t n)
{
	static const char *const makes[] = {"create", "tag",    "build",
					    "pull",   "import", "loadfromarchive"};
	const char *image = NULL;
	bool made = false, there;

	if (strcmp(l->status, "commit") == 0)
		return json_get_str(l->o, EVENT_COMMITTED, &image) == 0 && image &&
		       image_store_has(st, image);
	for (size_t i = 0; !made && i < ARRAY_LEN(makes); i++)
		made = strcmp(l->status, makes[i]) == 0;
	there = has(st, l->type, l->id, l->name, made);
	err_drop();
	if (made)
		return there || is_told_of(st, l, all, n);
	if (strcmp(l->type, "image") == 0 && strcmp(l->status, "remove") == 0)
		return !image_store_has(st, l->id);
	return !there;
}

/* Its line has the id of what the name stood for before; the same again is no change. */
static void mend_pull(struct store *st, const struct line *l)
{
	AUTO_FREE char *matched = NULL;
	char id[65];

	if (image_resolve_strict(st, l->name, id, &matched) < 0)
		err_drop();
	else if (strcmp(id, l->id) != 0)
		event_named(store_runtime_fd(st), "image", "pull", id, l->name);
}

static void mend(struct store *st, const struct line *l)
{
	/* With its last name an image goes. */
	if (strcmp(l->status, "untag") == 0 && !image_store_has(st, l->id))
		event_named(store_runtime_fd(st), l->type, "remove", l->id, l->name);
	else
		event_append(store_runtime_fd(st), l->text, strlen(l->text));
}

/* @ret: what it says, when its writer is dead. Return: is he alive, and will write it himself? */
static bool look_at(int dir, const char *name, struct strv *ret)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (fd < 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return true;
	if (file_read_fd(fd, LINE_BYTES_MAX, &text) < 0)
		err_drop();
	/* One of several readers takes it; the others find it locked, or gone. */
	if (unlinkat(dir, name, 0) == 0 && text.len)
		strv_take(ret, sbuf_steal(&text));
	return false;
}

bool events_mend(struct store *st)
{
	int fd = openat(store_runtime_fd(st), EVENTS_PENDING,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	AUTO_STRV struct strv texts = STRV_INIT;
	AUTO_FREE struct line *lines = NULL;
	struct dirent *e;
	bool alive = false;
	size_t n = 0;

	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			alive = look_at(dirfd(d), e->d_name, &texts) || alive;
	if (!texts.n)
		return alive;
	strv_sort(&texts); /* by time, with which they begin */
	lines = xcalloc(texts.n, sizeof(*lines));
	for (size_t i = 0; i < texts.n; i++) {
		lines[n] = (struct line){.text = texts.v[i]};
		if (parse(&lines[n]))
			n++;
		else
			json_object_put(lines[n].o);
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(lines[i].status, "pull") == 0 && strcmp(lines[i].type, "image") == 0)
			mend_pull(st, &lines[i]);
		else if (was_made(st, &lines[i], lines, n))
			mend(st, &lines[i]);
	for (size_t i = 0; i < n; i++)
		json_object_put(lines[i].o);
	return alive;
}

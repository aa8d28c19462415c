/* SPDX-License-Identifier: MIT */
#include "pkg/container/container.h"

#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/settle.h"
#include "pkg/sys/lock.h"
#include "storage/store.h"

void container_done(struct container *c)
{
	record_freep(&c->rec);
	container_dirs_done(&c->dirs);
}

bool container_has_monitor(struct store *st, const char *id)
{
	struct container_dirs d = {.data_fd = -EBADF, .runtime_fd = -EBADF};
	bool held = container_store_look(st, id, &d) == 0 && d.runtime_fd >= 0 &&
		    lock_is_held(d.runtime_fd, "lock") != 0;

	container_dirs_done(&d);
	err_drop();
	return held;
}

bool container_was_lost(struct store *st, const char *id)
{
	bool lost = !container_has_monitor(st, id) && container_store_remove_lost(st, id) == 1;

	if (lost)
		err_drop();
	return lost;
}

static int read_record(struct store *st, const char *id,
		       int (*parse)(const char *json, size_t n, struct container_record **ret),
		       struct container *c)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = container_store_read(st, id, &text);

	if (r == 0)
		r = parse(text.s, text.len, &c->rec);
	return r < 0 && container_was_lost(st, id) ? -CE_NO_CONTAINER : r;
}

static int about(int r, const char *id)
{
	return r == -CE_NO_CONTAINER ? err_new(r, "%.12s", id) : err_wrap(r, "%.12s", id);
}

int container_open_id(struct store *st, const char *id, struct container *ret)
{
	struct container c = {.dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF}};
	int r = read_record(st, id, record_parse, &c);

	if (r == 0)
		r = container_store_open(st, id, &c.dirs);
	if (r == 0)
		r = conmon_state_read(c.dirs.runtime_fd, c.dirs.data_fd, &c.state);
	if (r == 0)
		container_settle(st, c.rec, &c.state);
	if (r == 0 && container_is_leftover(&c)) {
		const struct remove_options o = {.volumes = true};

		/* Where it cannot be removed it is shown as what it is. */
		if (container_remove(st, &c, &o) == 0)
			r = -CE_NO_CONTAINER;
		else
			err_drop();
	}
	if (r < 0) {
		container_done(&c);
		return about(r, id);
	}
	*ret = c;
	return 0;
}

int container_each(struct store *st, int (*fn)(const struct container *c, void *arg), void *arg)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = container_store_list(st, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct container c;

		r = container_open_id(st, ids.v[i], &c);
		if (r < 0) {
			r = err_forgive(r, -CE_NO_CONTAINER);
			continue;
		}
		r = fn(&c, arg);
		container_done(&c);
	}
	return r;
}

static int state_of(struct store *st, const char *id, bool has_run, struct conmon_state *ret)
{
	int data = store_fd(st, STORE_CONTAINERS);

	return data < 0 ? data
			: conmon_state_look(has_run ? store_runtime_fd(st) : -EBADF, data, id, ret);
}

int container_look(struct store *st, const char *id, bool has_run, struct listed *listed,
		   struct container *ret)
{
	struct container c = {.dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF}};
	struct listed_record rec = {.unstarted = false};
	int r = listed ? listed_read(listed, id, &rec)
		       : read_record(st, id, record_parse_listed, &c);

	if (r == 0 && listed)
		r = record_parse_listed(rec.text, rec.n, &c.rec);
	if (r < 0 && listed && container_was_lost(st, id))
		r = -CE_NO_CONTAINER;
	if (r == 0 && (has_run || !rec.unstarted))
		r = state_of(st, id, has_run, &c.state);
	if (r == 0)
		container_settle(st, c.rec, &c.state);
	if (r == 0 && c.rec->auto_remove && c.state.status == CONMON_EXITED) {
		/* Perhaps nobody is left who would remove it: that takes its directories. */
		container_done(&c);
		r = container_open_id(st, id, &c);
		if (r < 0)
			return r;
	} else if (r == 0 && c.rec->ports.n && container_is_running(&c)) {
		r = container_store_look(st, id, &c.dirs);
	}
	closep(&c.dirs.data_fd);
	if (r < 0) {
		container_done(&c);
		return about(r, id);
	}
	*ret = c;
	return 0;
}

int container_open(struct store *st, const char *name, struct container *ret)
{
	char id[65];
	int r = container_store_resolve(st, name, id);

	if (r == 0)
		r = container_open_id(st, id, ret);
	return r == -CE_NO_CONTAINER ? err_new(r, "%s", name) : r;
}

const char *container_status_text(const struct container *c)
{
	switch (c->state.status) {
	case CONMON_RUNNING:
		return "running";
	case CONMON_PAUSED:
		return "paused";
	case CONMON_STOPPING:
		return "stopping";
	case CONMON_EXITED:
		return "exited";
	case CONMON_RESTARTING:
		return "restarting";
	case CONMON_INITIALIZED:
		return "initialized";
	case CONMON_NONE:
	case CONMON_CREATED:
		break;
	}
	return "created";
}

bool container_is_running(const struct container *c)
{
	return c->state.status == CONMON_RUNNING || c->state.status == CONMON_PAUSED ||
	       c->state.status == CONMON_STOPPING || c->state.status == CONMON_RESTARTING ||
	       c->state.status == CONMON_INITIALIZED;
}

bool container_has_begun(const struct container *c)
{
	return container_is_running(c) && c->state.status != CONMON_INITIALIZED;
}

int container_reload(struct store *st, struct container *c)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct container_record *rec;
	int r = container_store_read(st, c->rec->id, &text);

	if (r == 0)
		r = record_parse(text.s, text.len, &rec);
	if (r < 0)
		return r;
	record_freep(&c->rec);
	c->rec = rec;
	return 0;
}

int container_save(struct store *st, const struct container *c)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	record_write(c->rec, &text);
	return container_store_write(st, c->rec->id, text.s, text.len);
}

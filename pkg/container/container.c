/* SPDX-License-Identifier: MIT */
#include "pkg/container/container.h"

#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

void container_done(struct container *c)
{
	record_freep(&c->rec);
	container_dirs_done(&c->dirs);
}

static int open_by(int (*open_dirs)(struct store *st, const char *id, struct container_dirs *ret),
		   struct store *st, const char *id, struct container *ret)
{
	struct container c = {.dirs = {.data_fd = -EBADF, .runtime_fd = -EBADF}};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	int r = container_store_read(st, id, &text);

	if (r == 0)
		r = record_parse(text.s, text.len, &c.rec);
	if (r == 0)
		r = open_dirs(st, id, &c.dirs);
	if (r == 0)
		r = conmon_state_read(c.dirs.runtime_fd, c.dirs.data_fd, &c.state);
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
		return r == -CE_NO_CONTAINER ? err_new(r, "%.12s", id) : err_wrap(r, "%.12s", id);
	}
	*ret = c;
	return 0;
}

int container_open_id(struct store *st, const char *id, struct container *ret)
{
	return open_by(container_store_open, st, id, ret);
}

int container_look(struct store *st, const char *id, struct container *ret)
{
	int r = open_by(container_store_look, st, id, ret);

	if (r < 0)
		return r;
	closep(&ret->dirs.data_fd);
	if (!container_is_running(ret) || !ret->rec->ports.n)
		closep(&ret->dirs.runtime_fd);
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
	case CONMON_NONE:
	case CONMON_CREATED:
		break;
	}
	return "created";
}

bool container_is_running(const struct container *c)
{
	return c->state.status == CONMON_RUNNING || c->state.status == CONMON_PAUSED ||
	       c->state.status == CONMON_STOPPING;
}

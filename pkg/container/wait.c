/* SPDX-License-Identifier: MIT */
/*
 * A monitor tells the end to whoever is connected, so waiting for that costs nothing and misses
 * nothing, not even with --rm; other states are looked at from time to time.
 */
#include "pkg/container/wait.h"

#include <poll.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"

int wait_parse(const char *name, unsigned *set)
{
	static const struct {
		const char *name;
		unsigned bit;
	} rows[] = {
		{"configured", WAIT_CREATED},      {"created", WAIT_CREATED},
		{"initialized", WAIT_INITIALIZED}, {"running", WAIT_RUNNING},
		{"paused", WAIT_PAUSED},           {"stopping", WAIT_STOPPING},
		{"stopped", WAIT_EXITED},          {"exited", WAIT_EXITED},
		{"removing", WAIT_REMOVED},        {"healthy", WAIT_HEALTHY},
		{"unhealthy", WAIT_UNHEALTHY},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(name, rows[i].name) == 0) {
			*set |= rows[i].bit;
			return 0;
		}
	}
	return err_usage("--condition '%s': use configured, created, initialized, running, paused, "
			 "stopping, "
			 "stopped, exited, removing, healthy or unhealthy",
			 name);
}

static unsigned health_bit(const struct container *c)
{
	return c->state.health == CONMON_HEALTHY     ? WAIT_HEALTHY
	       : c->state.health == CONMON_UNHEALTHY ? WAIT_UNHEALTHY
						     : 0;
}

static unsigned state_bit(const struct container *c)
{
	switch (c->state.status) {
	case CONMON_RESTARTING:
		return 0;
	case CONMON_RUNNING:
		return WAIT_RUNNING;
	case CONMON_INITIALIZED:
		return WAIT_INITIALIZED;
	case CONMON_PAUSED:
		return WAIT_PAUSED;
	case CONMON_STOPPING:
		return WAIT_STOPPING;
	case CONMON_EXITED:
		return WAIT_EXITED;
	case CONMON_NONE:
	case CONMON_CREATED:
		break;
	}
	return WAIT_CREATED;
}

static void done(struct waited *w, int code)
{
	w->done = true;
	w->code = code;
}

/* Has its monitor said that it ended, or left? */
static int listen_to(struct waited *w)
{
	int code, r = w->watch < 0 ? 0 : conmon_watched(w->watch, &code);

	if (r > 0)
		done(w, code);
	if (r != 0)
		closep(&w->watch);
	return r < 0 && r != -ESRCH ? r : 0;
}

static int look(struct store *st, const struct wait_for *f, struct waited *w)
{
	struct container c;
	unsigned now;
	int r = listen_to(w);

	if (r < 0 || w->done)
		return r;
	r = container_open_id(st, w->id, &c);
	if (r == -CE_NO_CONTAINER && (f->set & (WAIT_REMOVED | WAIT_EXITED))) {
		err_drop();
		done(w, -1);
		return 0;
	}
	if (r < 0)
		return r;
	now = state_bit(&c);
	if ((now | health_bit(&c)) & f->set)
		done(w, now == WAIT_EXITED && (f->set & WAIT_EXITED) ? c.state.exit_code : -1);
	else if (now == WAIT_CREATED && (f->set & WAIT_EXITED) && c.state.status == CONMON_NONE)
		done(w, 0); /* as podman says of one that never ran */
	else if (w->watch < 0 && (f->set & WAIT_EXITED))
		w->watch = conmon_watch(c.dirs.runtime_fd);
	container_done(&c);
	return 0;
}

/* Until something is said, or it is time to look again. */
static void rest(const struct wait_for *f, const struct waited *v, size_t n)
{
	AUTO_FREE struct pollfd *p = xcalloc(n, sizeof(*p));
	bool look_again = f->set & ~(unsigned)WAIT_EXITED;
	int64_t ms = (f->interval_ns + NS_PER_MS - 1) / NS_PER_MS;

	for (size_t i = 0; i < n; i++) {
		p[i] = (struct pollfd){.fd = v[i].done ? -1 : v[i].watch, .events = POLLIN};
		look_again = look_again || (!v[i].done && v[i].watch < 0);
	}
	(void)poll(p, n, look_again ? (int)(ms > INT32_MAX ? INT32_MAX : ms) : -1);
}

int container_wait(struct store *st, const struct wait_for *f, struct waited *v, size_t n)
{
	size_t ended = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		v[i].watch = -EBADF;
	while (r == 0) {
		ended = 0;
		for (size_t i = 0; r == 0 && i < n; i++) {
			if (!v[i].done)
				r = look(st, f, &v[i]);
			ended += v[i].done;
		}
		if (r < 0 || ended == n || (f->first && ended))
			break;
		rest(f, v, n);
	}
	for (size_t i = 0; i < n; i++)
		closep(&v[i].watch);
	return r;
}

/* SPDX-License-Identifier: MIT */
#include "pkg/cgroup/scope.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/cgroup/cgroup.h"
#include "pkg/cgroup/dbus.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER SYSTEMD ".Manager"
#define OBJECT "/org/freedesktop/systemd1"
#define TIMEOUT_MS 25000
#define STOP_MARGIN_S \
	80 /* besides waiting: many of them end at once on a slow machine; with the usual 10 s that is systemd's own patience */
#define CHECK_MS 5000
#define NAMES_MAX 16
#define JOIN_PAUSE_MS 20

/* (sv): the name of a property, then a variant with its type. */
static void property(struct sbuf *b, const char *name, const char *type)
{
	dbus_put_struct(b);
	dbus_put_str(b, name);
	dbus_put_signature(b, type);
}

/* StartTransientUnit(name, mode, properties, auxiliary units) */
static int start_transient(struct dbus *d, const char *unit, const char *what, const char *id,
			   const char *slice, pid_t pid, uint32_t stop_timeout_s)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char about[64];
	size_t list, pids;

	(void)snprintf(about, sizeof(about), "cuddy %s %.12s", what, id);
	dbus_put_str(&b, unit);
	dbus_put_str(&b, "fail");
	list = dbus_put_array(&b, 8);
	property(&b, "Description", "s");
	dbus_put_str(&b, about);
	property(&b, "Slice", "s");
	dbus_put_str(&b, slice);
	property(&b, "Delegate", "b");
	dbus_put_u32(&b, 1);
	property(&b, "CollectMode", "s");
	dbus_put_str(&b, "inactive-or-failed");
	/* At shutdown the monitor stops its container in time; systemd waits a little longer than that. */
	property(&b, "TimeoutStopUSec", "t");
	dbus_put_u64(&b, ((uint64_t)stop_timeout_s + STOP_MARGIN_S) * 1000000);
	property(&b, "PIDs", "au");
	pids = dbus_put_array(&b, 4);
	dbus_put_u32(&b, (uint32_t)pid);
	dbus_end_array(&b, pids, 4);
	dbus_end_array(&b, list, 8);
	list = dbus_put_array(&b, 8);
	dbus_end_array(&b, list, 8);
	return dbus_call(d, SYSTEMD, OBJECT, MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", &b);
}

/* The answer to call @serial; signals that come before it are kept in @ret_early (one job). */
static int await_reply(struct dbus *d, int serial, struct dbus_message *m)
{
	for (;;) {
		int r = dbus_next(d, m);

		if (r < 0)
			return r;
		if (m->reply_serial != (uint32_t)serial)
			continue;
		if (m->type == DBUS_RETURN)
			return 0;
		if (m->type != DBUS_ERROR)
			continue;
		if (strcmp(m->error, SYSTEMD ".UnitExists") == 0)
			return -EEXIST;
		return err_new(-CE_HOST_SETUP, "the user's systemd says: %s",
			       dbus_get_str(&m->body));
	}
}

/* JobRemoved(id, job, unit, result): it comes to whoever asked for the job. */
static int await_job(struct dbus *d, const char *job)
{
	struct dbus_message m;

	for (;;) {
		int r = dbus_next(d, &m);

		if (r < 0)
			return r;
		if (m.type != DBUS_SIGNAL || strcmp(m.member, "JobRemoved") != 0)
			continue;
		(void)dbus_get_u32(&m.body);
		if (strcmp(dbus_get_str(&m.body), job) != 0)
			continue;
		(void)dbus_get_str(&m.body);
		if (strcmp(dbus_get_str(&m.body), "done") == 0)
			return 0;
		return err_new(-CE_HOST_SETUP, "the user's systemd could not start a scope; see "
					       "journalctl --user");
	}
}

static int listen_for_jobs(struct dbus *d)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	dbus_put_str(&b, "type='signal',sender='" SYSTEMD "',interface='" MANAGER
			 "',member='JobRemoved',path='" OBJECT "'");
	return dbus_call(d, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
			 "AddMatch", "s", &b);
}

int cgroup_bus_check(void)
{
	AUTO_DBUS struct dbus d = DBUS_INIT;
	struct dbus_message m;
	int r = dbus_open(&d, CHECK_MS);

	if (r == 0)
		r = dbus_call(&d, SYSTEMD, OBJECT, "org.freedesktop.DBus.Peer", "Ping", "", NULL);
	return r < 0 ? r : await_reply(&d, r, &m);
}

int scope_start(const char *id, const char *name, const char *slice, pid_t pid,
		uint32_t stop_timeout_s)
{
	AUTO_DBUS struct dbus d = DBUS_INIT;
	struct dbus_message m;
	AUTO_FREE char *ours = name ? NULL : xasprintf("cuddy-%s", id);
	char job[128];
	int r = dbus_open(&d, TIMEOUT_MS);

	if (!name)
		name = ours;
	if (r == 0)
		r = listen_for_jobs(&d);
	for (unsigned n = 0; r >= 0; n++) {
		AUTO_FREE char *unit = n == 0 ? xasprintf("%s.scope", name)
					      : xasprintf("%s-%u.scope", name, n);
		int serial = start_transient(&d, unit, "container", id, slice, pid, stop_timeout_s);

		r = serial < 0 ? serial : await_reply(&d, serial, &m);
		if (r != -EEXIST || n == NAMES_MAX)
			break;
		r = 0;
	}
	if (r == 0) {
		(void)snprintf(job, sizeof(job), "%s", dbus_get_str(&m.body));
		r = await_job(&d, job);
	}
	return r < 0 ? err_wrap(r, "start the scope %.80s", name) : 0;
}

/* AttachProcessesToUnit(unit, path below its cgroup, pids) */
static int attach(struct dbus *d, const char *unit, const char *below, pid_t pid)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct dbus_message m;
	size_t pids;
	int r;

	dbus_put_str(&b, unit);
	dbus_put_str(&b, below);
	pids = dbus_put_array(&b, 4);
	dbus_put_u32(&b, (uint32_t)pid);
	dbus_end_array(&b, pids, 4);
	r = dbus_call(d, SYSTEMD, OBJECT, MANAGER, "AttachProcessesToUnit", "ssau", &b);
	return r < 0 ? r : await_reply(d, r, &m);
}

/* One that is just being made or going is neither to be made nor joined for a moment. */
int scope_join(const char *id, const char *slice, pid_t pid, uint32_t stop_timeout_s)
{
	const struct timespec pause = {.tv_nsec = JOIN_PAUSE_MS * NS_PER_MS};
	AUTO_DBUS struct dbus d = DBUS_INIT;
	struct dbus_message m;
	char unit[128], job[128];
	int r = dbus_open(&d, TIMEOUT_MS);

	(void)snprintf(unit, sizeof(unit), CGROUP_POD_PREFIX "%s.scope", id);
	if (r == 0)
		r = listen_for_jobs(&d);
	for (unsigned n = 0; r >= 0 && n < TIMEOUT_MS / JOIN_PAUSE_MS; n++) {
		int serial = start_transient(&d, unit, "pod", id, slice, pid, stop_timeout_s);

		r = serial < 0 ? serial : await_reply(&d, serial, &m);
		if (r == 0) {
			(void)snprintf(job, sizeof(job), "%s", dbus_get_str(&m.body));
			r = await_job(&d, job);
			break;
		}
		if (r != -EEXIST)
			break;
		r = attach(&d, unit, "/supervisor", pid);
		if (r == 0)
			break;
		if (n + 1 < TIMEOUT_MS / JOIN_PAUSE_MS) {
			err_drop();
			r = 0;
			(void)nanosleep(&pause, NULL);
		}
	}
	return r < 0 ? err_wrap(r, "join the scope of the pod %.12s", id) : 0;
}

int scope_attach(const char *dir, pid_t pid)
{
	AUTO_DBUS struct dbus d = DBUS_INIT;
	AUTO_FREE char *unit = NULL;
	const char *end = strstr(dir, ".scope/"), *begin;
	int r;

	if (!end)
		return err_new(-EACCES, "enter cgroup %s", dir);
	for (begin = end; begin[-1] != '/';)
		begin--;
	end += strlen(".scope");
	unit = xstrndup(begin, (size_t)(end - begin));
	r = dbus_open(&d, TIMEOUT_MS);
	if (r == 0)
		r = attach(&d, unit, end, pid);
	return r < 0 ? err_wrap(r, "enter cgroup %s", dir) : 0;
}

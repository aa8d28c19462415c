/* SPDX-License-Identifier: MIT */
/* Who is in a pod, and how it is with them. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/container/events.h"
#include "pkg/container/list.h"
#include "pkg/json/json.h"
#include "pkg/pod/internal.h"
#include "storage/event.h"

void pod_members_done(struct pod_members *m)
{
	for (size_t i = 0; i < m->n; i++)
		container_done(&m->v[i]);
	free(m->v);
	*m = (struct pod_members){0};
}

static int in_order(const void *a, const void *b)
{
	const struct container *x = a, *y = b;

	if (x->rec->is_infra != y->rec->is_infra)
		return x->rec->is_infra ? -1 : 1;
	return x->rec->created_ns < y->rec->created_ns ? -1
						       : x->rec->created_ns > y->rec->created_ns;
}

int pod_members(struct store *st, const struct pod_record *pod, struct pod_members *ret)
{
	AUTO(pod_members_done) struct pod_members m = {0};
	AUTO_STRV struct strv ids = STRV_INIT, filter = STRV_INIT;
	int r;

	strv_addf(&filter, "pod=%s", pod->id);
	r = container_select(st, &filter, false, &ids);
	m.v = xcalloc(ids.n + 1, sizeof(*m.v));
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		r = container_open_id(st, ids.v[i], &m.v[m.n]);
		m.n += r == 0;
		r = err_forgive(r, -CE_NO_CONTAINER); /* it went since */
	}
	if (r < 0)
		return r;
	qsort(m.v, m.n, sizeof(*m.v), in_order);
	*ret = m;
	m = (struct pod_members){0};
	return 0;
}

const char *pod_status(const struct pod_members *m)
{
	size_t running = 0, paused = 0, exited = 0, n = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct container *c = &m->v[i];

		/* What has done its work in the beginning does not count. */
		if (c->rec->init_ctr && c->state.status == CONMON_EXITED && !c->state.exit_code)
			continue;
		n++;
		paused += c->state.status == CONMON_PAUSED;
		running += c->state.status != CONMON_PAUSED && container_is_running(c);
		exited += c->state.status == CONMON_EXITED;
	}
	return n == 0         ? "Created"
	       : running == n ? "Running"
	       : paused == n  ? "Paused"
	       : exited == n  ? "Exited"
	       : running      ? "Degraded"
	       : exited       ? "Stopped"
			      : "Created";
}

void pod_event(struct store *st, const struct pod_record *pod, const char *status)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	event_members("", &pod->labels, &text);
	event_write(store_runtime_fd(st), "pod", status, pod->id, pod->name, text.s, NULL);
}

void pod_event_begin(struct store *st, const struct pod_record *pod, const char *status,
		     struct event_pending *ret)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	event_members("", &pod->labels, &text);
	event_begin(store_runtime_fd(st), "pod", status, pod->id, pod->name, text.s, ret);
}

/* SPDX-License-Identifier: MIT */
/* Restart policies, and starting again what runs. Doing what a policy says is the monitor's (pkg/conmon). */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/container/container.h"
#include "pkg/container/events.h"
#include "pkg/container/make.h"

int restart_parse(const char *spec, struct container_record *r)
{
	static const char *const names[] = {"no", "never", "on-failure", "always",
					    "unless-stopped"};
	const char *colon = strchr(spec, ':');
	AUTO_FREE char *name = colon ? xstrndup(spec, (size_t)(colon - spec)) : xstrdup(spec);
	uint32_t max = 0;
	size_t i = 0;

	while (i < ARRAY_LEN(names) && strcmp(name, names[i]) != 0)
		i++;
	if (*spec && i == ARRAY_LEN(names))
		return err_usage("--restart '%s': use no, on-failure[:N], always or unless-stopped",
				 spec);
	if (colon && strcmp(name, "on-failure") != 0)
		return err_usage("--restart '%s': only on-failure takes a number of attempts",
				 spec);
	if (colon && parse_u32(colon + 1, INT32_MAX, &max) < 0)
		return err_usage("--restart '%s': write on-failure:N with a number of attempts",
				 spec);
	if (r->auto_remove && (strcmp(name, "always") == 0 || strcmp(name, "unless-stopped") == 0))
		return err_usage("--rm and --restart %s contradict each other: it would never be "
				 "removed",
				 name);
	free(r->restart);
	r->restart = i < 2 || !*spec ? NULL : TAKE_PTR(name);
	r->restart_max = max;
	return 0;
}

enum conmon_restart restart_policy(const struct container_record *r)
{
	if (!r->restart)
		return CONMON_RESTART_NO;
	if (strcmp(r->restart, "on-failure") == 0)
		return CONMON_RESTART_ON_FAILURE;
	return strcmp(r->restart, "always") == 0 ? CONMON_RESTART_ALWAYS
						 : CONMON_RESTART_UNLESS_STOPPED;
}

bool container_is_wanted(const struct container *c)
{
	switch (restart_policy(c->rec)) {
	case CONMON_RESTART_ALWAYS:
		return true;
	case CONMON_RESTART_UNLESS_STOPPED:
		return !c->state.stopped_by_user;
	case CONMON_RESTART_ON_FAILURE:
	case CONMON_RESTART_NO:
		break;
	}
	return false;
}

int container_set_restart(struct store *st, struct container *c, const char *policy)
{
	AUTO_CLOSE int lock = container_store_lock(st, c->rec->id);
	int r = lock < 0 ? lock : container_reload(st, c);

	if (r == 0)
		r = restart_parse(policy, c->rec);
	if (r == 0)
		r = container_save(st, c);
	if (r == 0 && container_is_running(c))
		r = conmon_set_restart(c->dirs.runtime_fd, restart_policy(c->rec),
				       (uint32_t)c->rec->restart_max);
	r = err_forgive(
		r, -ESRCH); /* it has ended meanwhile, and is started with what the record says */
	if (r == 0)
		container_event(st, c->rec, "update", NULL);
	return r;
}

/* Its end would be its removal: the monitor, which sees to that, starts it again itself. */
static int restart_by_monitor(struct container *c, int signal, int64_t grace_s)
{
	int64_t s = grace_s == -2 ? c->rec->stop_timeout : grace_s;
	int r = conmon_restart(c->dirs.runtime_fd, signal, s < 0 ? -1 : s * 1000);

	if (r == -ESRCH)
		return err_new(-CE_BAD_STATE, "it ended just now, and was made with --rm");
	return r;
}

int container_restart(struct store *st, struct container *c, int signal, int64_t grace_s)
{
	const struct start_options o = {.foreground = false};
	int r;

	if (c->rec->auto_remove && container_is_running(c))
		return restart_by_monitor(c, signal, grace_s);
	r = container_stop(c, signal, grace_s);
	if (r == 0)
		r = container_start(st, c, &o, NULL);
	if (r == 0)
		container_event(st, c->rec, "restart", NULL);
	if (r == -CE_BAD_STATE && container_is_running(c)) {
		err_drop(); /* somebody else started it between the two: it is new, as asked */
		return 0;
	}
	return r;
}

/* SPDX-License-Identifier: MIT */
#include "pkg/conmon/config.h"

#include <string.h>

#include "pkg/base/err.h"

#define CONFIG_VERSION 11U
#define VOLUMES_MAX 1024U

static const bool *config_flag(const struct conmon_config *c, unsigned i)
{
	const bool *const flags[] = {&c->terminal,          &c->keep_stdin, &c->stdin_once,
				     &c->foreground,        &c->no_stdout,  &c->no_stderr,
				     &c->auto_remove,       &c->tied,       &c->await_cgroup,
				     &c->ends_with_members, &c->hold,       &c->health_to_events,
				     &c->no_health_events};

	return i < ARRAY_LEN(flags) ? flags[i] : NULL;
}

static void put_check(struct sbuf *out, const struct conmon_check *c)
{
	wire_put_u32(out, (uint32_t)c->fd);
	wire_put_u64(out, (uint64_t)c->interval_ns);
	wire_put_u64(out, (uint64_t)c->timeout_ns);
	wire_put_u32(out, c->retries);
	wire_put_u32(out, c->successes);
}

static void get_check(struct wire_reader *r, struct conmon_check *c)
{
	c->fd = (int)wire_get_u32(r);
	c->interval_ns = (int64_t)wire_get_u64(r);
	c->timeout_ns = (int64_t)wire_get_u64(r);
	c->retries = wire_get_u32(r);
	c->successes = wire_get_u32(r);
}

void conmon_config_encode(const struct conmon_config *c, struct sbuf *out)
{
	uint32_t flags = 0, n = 0;

	for (unsigned i = 0; config_flag(c, i); i++)
		flags |= (uint32_t)*config_flag(c, i) << i;
	while (c->anonymous_volumes && c->anonymous_volumes[n])
		n++;
	wire_put_u32(out, CONFIG_VERSION);
	wire_put_str(out, c->id);
	wire_put_str(out, c->name);
	wire_put_str(out, c->event_body);
	wire_put_str(out, c->state_dir);
	wire_put_str(out, c->data_dir);
	wire_put_u32(out, (uint32_t)c->log_driver);
	wire_put_str(out, c->log_path);
	wire_put_str(out, c->log_fields);
	wire_put_u64(out, c->log_max_bytes);
	wire_put_u32(out, c->log_max_files);
	wire_put_u32(out, flags);
	wire_put_str(out, c->detach_keys);
	wire_put_u32(out, (uint32_t)c->stop_signal);
	wire_put_u32(out, c->stop_timeout_s);
	wire_put_u32(out, c->timeout_s);
	wire_put_u32(out, (uint32_t)c->restart);
	wire_put_u32(out, c->restart_max);
	put_check(out, &c->health);
	put_check(out, &c->startup);
	wire_put_u64(out, (uint64_t)c->health_start_period_ns);
	wire_put_u64(out, (uint64_t)c->health_start_interval_ns);
	wire_put_str(out, c->health_log_dir);
	wire_put_u32(out, c->health_max_count);
	wire_put_u64(out, c->health_max_size);
	wire_put_u32(out, (uint32_t)c->on_failure);
	wire_put_u32(out, (uint32_t)c->notify);
	wire_put_str(out, c->trash_dir);
	wire_put_str(out, c->name_link);
	wire_put_str(out, c->engine);
	wire_put_str(out, c->engine_root);
	wire_put_str(out, c->engine_runroot);
	wire_put_u32(out, n);
	for (uint32_t i = 0; i < n; i++)
		wire_put_str(out, c->anonymous_volumes[i]);
	wire_put_u32(out, (uint32_t)c->runtime_dir_fd);
	wire_put_u32(out, (uint32_t)c->lock_fd);
	wire_put_u32(out, (uint32_t)c->control_fd);
}

static int decode_volumes(struct wire_reader *r, void *arena, size_t arena_size,
			  struct conmon_config *c)
{
	const char **v = arena;
	uint32_t n = wire_get_u32(r);

	if (r->failed || n > VOLUMES_MAX || arena_size / sizeof(*v) < (size_t)n + 1)
		return -CE_PROTOCOL;
	for (uint32_t i = 0; i < n; i++) {
		v[i] = wire_get_str(r);
		if (!v[i])
			return -CE_PROTOCOL;
	}
	v[n] = NULL;
	c->anonymous_volumes = v;
	return 0;
}

static bool config_is_sound(const struct conmon_config *c)
{
	return c->id && c->state_dir && *c->state_dir == '/' && c->data_dir &&
	       *c->data_dir == '/' && c->log_driver <= CONMON_LOG_JOURNALD && c->stop_signal >= 0 &&
	       c->stop_signal <= 64 && (!c->detach_keys || strlen(c->detach_keys) < 32) &&
	       (!c->auto_remove || (c->trash_dir && c->name_link)) &&
	       (!c->engine || (c->auto_remove && c->engine_root && c->engine_runroot)) &&
	       (c->log_path || c->log_driver == CONMON_LOG_NONE ||
		c->log_driver == CONMON_LOG_PASSTHROUGH) &&
	       (c->log_fields || c->log_driver != CONMON_LOG_JOURNALD) &&
	       (!c->health_log_dir || *c->health_log_dir == '/');
}

/* Strings stay in the message, the volume list goes to @arena (aligned for pointers). */
int conmon_config_decode(struct wire_reader *r, void *arena, size_t arena_size,
			 struct conmon_config *ret)
{
	struct conmon_config c = {0};
	uint32_t flags, driver, restart, on_failure, notify;
	int e;

	if (wire_get_u32(r) != CONFIG_VERSION)
		return err_new(-CE_PROTOCOL, "the monitor's configuration: another version");
	c.id = wire_get_str(r);
	c.name = wire_get_str(r);
	c.event_body = wire_get_str(r);
	c.state_dir = wire_get_str(r);
	c.data_dir = wire_get_str(r);
	driver = wire_get_u32(r);
	c.log_driver = driver <= CONMON_LOG_JOURNALD ? (enum conmon_log)driver : CONMON_LOG_NONE;
	c.log_path = wire_get_str(r);
	c.log_fields = wire_get_str(r);
	c.log_max_bytes = wire_get_u64(r);
	c.log_max_files = wire_get_u32(r);
	flags = wire_get_u32(r);
	for (unsigned i = 0; config_flag(&c, i); i++)
		*(bool *)(size_t)config_flag(&c, i) = flags >> i & 1;
	c.detach_keys = wire_get_str(r);
	c.stop_signal = (int)wire_get_u32(r);
	c.stop_timeout_s = wire_get_u32(r);
	c.timeout_s = wire_get_u32(r);
	restart = wire_get_u32(r);
	c.restart = restart <= CONMON_RESTART_UNLESS_STOPPED ? (enum conmon_restart)restart
							     : CONMON_RESTART_NO;
	c.restart_max = wire_get_u32(r);
	get_check(r, &c.health);
	get_check(r, &c.startup);
	c.health_start_period_ns = (int64_t)wire_get_u64(r);
	c.health_start_interval_ns = (int64_t)wire_get_u64(r);
	c.health_log_dir = wire_get_str(r);
	c.health_max_count = wire_get_u32(r);
	c.health_max_size = wire_get_u64(r);
	on_failure = wire_get_u32(r);
	c.on_failure = on_failure <= CONMON_ON_FAILURE_STOP ? (enum conmon_on_failure)on_failure
							    : CONMON_ON_FAILURE_NONE;
	notify = wire_get_u32(r);
	c.notify = notify <= CONMON_NOTIFY_HEALTHY ? (enum conmon_notify)notify
						   : CONMON_NOTIFY_NONE;
	c.trash_dir = wire_get_str(r);
	c.name_link = wire_get_str(r);
	c.engine = wire_get_str(r);
	c.engine_root = wire_get_str(r);
	c.engine_runroot = wire_get_str(r);
	e = decode_volumes(r, arena, arena_size, &c);
	c.runtime_dir_fd = (int)wire_get_u32(r);
	c.lock_fd = (int)wire_get_u32(r);
	c.control_fd = (int)wire_get_u32(r);
	if (e < 0 || wire_failed(r) || driver > CONMON_LOG_JOURNALD ||
	    restart > CONMON_RESTART_UNLESS_STOPPED || on_failure > CONMON_ON_FAILURE_STOP ||
	    notify > CONMON_NOTIFY_HEALTHY || !config_is_sound(&c))
		return err_new(-CE_PROTOCOL, "the monitor's configuration");
	*ret = c;
	return 0;
}

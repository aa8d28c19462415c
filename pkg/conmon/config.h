/* SPDX-License-Identifier: MIT */
/* What a monitor is told at its start, next to the plan, in the same memfd. */
#pragma once
#include "pkg/base/sbuf.h"
#include "pkg/base/wire.h"
#include "pkg/runtime/plan.h"

enum conmon_log {
	CONMON_LOG_K8S_FILE,
	CONMON_LOG_JSON_FILE,
	CONMON_LOG_NONE,
	CONMON_LOG_PASSTHROUGH,
	CONMON_LOG_JOURNALD
};

enum conmon_restart {
	CONMON_RESTART_NO,
	CONMON_RESTART_ON_FAILURE,
	CONMON_RESTART_ALWAYS,
	CONMON_RESTART_UNLESS_STOPPED
};

enum conmon_on_failure {
	CONMON_ON_FAILURE_NONE,
	CONMON_ON_FAILURE_KILL,
	CONMON_ON_FAILURE_RESTART,
	CONMON_ON_FAILURE_STOP
};

#define CONMON_NOTIFY_DIR "notify" /* in state_dir */
#define CONMON_MEMBERS "members" /* there, too: conmon_member() */
#define CONMON_NOTIFY_SOCKET "notify.sock"
/* Who says that the service is ready, to whoever gave NOTIFY_SOCKET (sd_notify(3)). */
enum conmon_notify {
	CONMON_NOTIFY_NONE,
	CONMON_NOTIFY_CONTAINER, /* the payload, through a socket of its own in state_dir/notify */
	CONMON_NOTIFY_CONMON, /* we, as soon as it runs */
	CONMON_NOTIFY_HEALTHY, /* we, once it is healthy */
};

/* A health check. */
struct conmon_check {
	int fd; /* rt_exec_message() of its command; negative: there is none */
	int64_t interval_ns; /* negative: only when asked for */
	int64_t timeout_ns;
	uint32_t retries; /* failures in a row that count; startup: 0, no number does */
	uint32_t successes; /* startup: in a row that end it */
};

struct conmon_config {
	const char *id; /* 64 hex digits */
	const char *name;
	const char *event_body; /* what its events say besides (event.h) */
	const char *state_dir; /* runtime directory of this container: state, lock, socket */
	const char *data_dir; /* durable directory of this container: exit status, removal */
	enum conmon_log log_driver;
	const char *log_path; /* journald: its socket */
	const char *log_fields; /* journald: of each entry, "NAME=value\n" for each */
	uint64_t log_max_bytes; /* rotate at this size; 0: never */
	uint32_t log_max_files; /* kept in all, the current one included */
	bool terminal;
	bool keep_stdin; /* -i: stdin stays open without a client */
	bool stdin_once; /* close the payload's stdin when the foreground client leaves */
	bool foreground; /* descriptors 0..2 of the caller were handed over */
	bool no_stdout, no_stderr; /* -a without them */
	const char *detach_keys; /* bytes, already decoded; "" disables */
	int stop_signal;
	uint32_t stop_timeout_s;
	uint32_t timeout_s; /* --timeout: kill after; 0 never */
	enum conmon_restart restart;
	uint32_t restart_max; /* CONMON_RESTART_ON_FAILURE: attempts in a row; 0: no bound */
	struct conmon_check health, startup;
	int64_t health_start_period_ns, health_start_interval_ns; /* the last 0: as otherwise */
	const char *health_log_dir; /* NULL: state_dir (health.h) */
	bool no_health_events; /* results are in no events */
	bool health_to_events; /* each result is in its event, too */
	uint32_t health_max_count; /* results kept; 0: all */
	uint64_t health_max_size; /* bytes kept of what each prints; 0: all */
	enum conmon_on_failure on_failure;
	enum conmon_notify notify;
	int notify_fd; /* connected to NOTIFY_SOCKET; meaningless without notify */
	bool await_cgroup; /* the container's cgroup comes by CM_CGROUP, once we are where we belong */
	bool ends_with_members; /* we hold a pod: stop when the last one's descriptor is closed */
	int pod_fd; /* conmon_member() of who holds our pod, for life; 0: none */
	bool auto_remove; /* --rm */
	bool hold; /* build all of it, but wait for CM_START with the first run */
	bool tied; /* the container is killed when the cuddy that started it is gone */
	const char *trash_dir; /* auto_remove: data_dir is renamed into this, then deleted */
	const char *name_link; /* auto_remove: path of the name claim to unlink */
	const char *const *anonymous_volumes; /* auto_remove: volume directories to remove too */
	/*
	 * auto_remove, when more has to go than we know how to remove (--rmi): path of a cuddy that does all
	 * of it, and where its store is. NULL: we remove the container ourselves.
	 */
	const char *engine, *engine_root, *engine_runroot;
	int runtime_dir_fd; /* for base_register(); inherited descriptor */
	int lock_fd; /* the container's exclusive lock, inherited */
	int control_fd; /* SEQPACKET to the starting cuddy: reports launch, then exit */
};

void conmon_config_encode(const struct conmon_config *c, struct sbuf *out);
int conmon_config_decode(struct wire_reader *r, void *arena, size_t arena_size,
			 struct conmon_config *ret);

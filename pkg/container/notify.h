/* SPDX-License-Identifier: MIT */
/*
 * --sdnotify: a service manager that gave us NOTIFY_SOCKET (sd_notify(3)) hears from the monitor. The
 * payload never has that socket; at most one of the monitor's, whose messages it looks at first.
 */
#pragma once
#include "pkg/conmon/config.h"
#include "pkg/container/container.h"

#define NOTIFY_PLACE "/run/notify" /* in the container */

struct notify {
	enum conmon_notify who;
	int fd; /* connected to the manager's socket */
};

/** notify_who() - who is to tell the service manager that started us; CONMON_NOTIFY_NONE without one. */
enum conmon_notify notify_who(const struct container_record *rec);
/**
 * notify_watchdog() - WATCHDOG_USEC as it was meant for this process; NULL
 * The payload gets it without WATCHDOG_PID: it is another process there, and sd_watchdog_enabled(3) then
 * takes it as its own.
 */
const char *notify_watchdog(void);
/** notify_begin() - whether this start has anybody to tell; makes the directory of the payload's socket. */
int notify_begin(const struct container *c, struct notify *ret);
/**
 * notify_monitor() - who of them is the monitor's to tell of
 * In the foreground it is we who are the unit's main process, so "it runs" is ours to say (notify_started()): a
 * manager may listen to nobody else (NotifyAccess=main).
 */
enum conmon_notify notify_monitor(const struct notify *n, bool foreground);
/** notify_started() - it runs. */
void notify_started(const struct notify *n, bool foreground);
void notify_done(struct notify *n);

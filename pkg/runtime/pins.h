/* SPDX-License-Identifier: MIT */
/*
 * Namespaces that no process is in: open descriptors of a monitor keep them (rt_plan.pin). Whoever joins
 * one opens /proc/MONITOR/fd/N, which gives the namespace itself.
 */
#pragma once
#include "pkg/runtime/plan.h"

#define RT_PINS (RT_PIN_MOUNTS + 1)
/* clang-format off */
#define RT_PINS_INIT {[0 ... RT_PINS - 1] = -EBADF}
/* clang-format on */

/** pins_open() - those of process @pid, which is alive and not reaped; none of the pid and time namespaces. */
int pins_open(pid_t pid, int pins[RT_PINS]);
void pins_close(int pins[RT_PINS]);
/**
 * pins_visit() - a child in the user and network namespaces of @pins, for those who want them of a process
 * Return: its pid, for pins_leave() once they have them.
 */
pid_t pins_visit(const int pins[RT_PINS]);
/** pins_leave() - end and reap it; keeps the trail. */
void pins_leave(pid_t visitor);
/** pin_path() - "/proc/PID/fd/N". Whoever opens it asks pidfd_of() before and the pidfd after that. */
#define PIN_PATH_MAX 48
void pin_path(const struct proc_id *monitor, int fd, char out[PIN_PATH_MAX]);
/** pin_open() - descriptor @fd of @monitor, which lives. -ESRCH, without a trail: it is gone. */
int pin_open(const struct proc_id *monitor, int fd);

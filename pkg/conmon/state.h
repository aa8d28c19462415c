/* SPDX-License-Identifier: MIT */
/* The two small files by which a monitor tells the world (see client.h); shared by both sides. */
#pragma once
#include "pkg/conmon/client.h"

/** state_write() - state_dir/state, replaced atomically. No allocation. */
int state_write(int state_dir, const struct conmon_state *s, const char *boot_id);
/** started_write() - data_dir/started: this container has run, last at @started_ns. Best effort. */
void started_write(int data_dir, int64_t started_ns);
/** exit_write() - data_dir/exit, on disk when it returns if @durable. No allocation. */
int exit_write(int data_dir, const struct conmon_state *s, bool durable);
/** exit_write_as() - the same by another @name, which is read by nobody. */
int exit_write_as(int data_dir, const char *name, const struct conmon_state *s, bool durable);

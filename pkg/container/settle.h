/* SPDX-License-Identifier: MIT */
/*
 * The end of a run that nobody was left to record, its monitor having been killed or the machine gone
 * down: whoever sees it first writes the exit file and the event. One of many, by a lock (flock) of
 * the container's directory, which a start holds while it removes what is left of the last run.
 */
#pragma once
#include "pkg/container/container.h"

/** container_settle() - does nothing unless @s is unrecorded; @s is then what is true after it. */
void container_settle(struct store *st, const struct container_record *rec, struct conmon_state *s);

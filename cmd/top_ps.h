/* SPDX-License-Identifier: MIT */
/* What ps(1) is told, as "cuddy top" takes it: podman runs the image's ps with it, docker the host's; here none runs. */
#pragma once
#include <stdbool.h>

#include "pkg/base/strv.h"

/** top_is_ps() - whether these are words for ps, and no descriptors: "-ef", "aux", "-o" … */
bool top_is_ps(int argc, char **argv);
/**
 * top_ps_columns() - the descriptors that show what ps would, and the headings that ps has for them
 * Of selections those that take in all processes, of formats -f, u and -o NAME[=HEADING],…. -CE_USAGE for all else.
 */
int top_ps_columns(int argc, char **argv, struct strv *descriptors, struct strv *headings);

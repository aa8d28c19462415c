/* SPDX-License-Identifier: MIT */
/* The option rows for limits that run, create and update share. */
#pragma once
#include "pkg/cli/options.h"
#include "pkg/container/limits.h"

extern const struct opt limit_opts[];

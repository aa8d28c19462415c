/* SPDX-License-Identifier: MIT */
/* What "pod create" decides and "pod clone" decides anew. */
#pragma once
#include "pkg/cli/options.h"

extern const struct opt pod_opts[]; /* fills a struct pod_request */

/* SPDX-License-Identifier: MIT */
/* --since and --until of logs and events. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** when_parse() - an instant, or a duration before now (@ahead: after now); @s NULL leaves it. -CE_USAGE. */
int when_parse(const char *flag, const char *s, bool ahead, int64_t *ret_ns);

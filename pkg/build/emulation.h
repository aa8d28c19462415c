/* SPDX-License-Identifier: MIT */
#pragma once

/** emulation_check() - can programs of @arch (as in image configs) run here? -CE_UNSUPPORTED says what is missing. */
int emulation_check(const char *arch);

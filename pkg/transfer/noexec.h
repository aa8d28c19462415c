/* SPDX-License-Identifier: MIT */
#pragma once

/**
 * noexec_enter() - from here on this process and its children execute no program
 * Called when configuration, credentials and helpers were read, before the first foreign byte.
 */
int noexec_enter(void);

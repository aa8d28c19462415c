/* SPDX-License-Identifier: MIT */
/* The way out of all bridges: one slirp4netns or pasta, which lives in the host's network. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#define UPLINK_DEVICE "tap0"
#define UPLINK_DNS "10.0.2.3" /* slirp4netns(1): the host's IPv4 name server; pasta is told so */
#define UPLINK_DNS6 "fd00::3" /* and the IPv6 one */

#define UPLINK_FAILS "!" /* instead of what one writes that is ready */

bool uplink_is_pasta(const char *program); /* else it is slirp4netns */
/**
 * uplink_hold() - pid 1 of the keeper: have @program serve the namespace @netns until @keeper ends
 * @ready_fd gets what each writes that is started, and UPLINK_FAILS once several have ended at once. Returns @keeper's
 * exit status.
 */
int uplink_hold(const char *program, int netns, int ready_fd, pid_t keeper);

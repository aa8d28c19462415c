/* SPDX-License-Identifier: MIT */
/* Who has a port of the host, as far as the kernel tells an ordinary user. */
#pragma once
#include "net/plan.h"

struct net_holder {
	unsigned uid;
	pid_t pid; /* 0: not one of ours, or it hides */
	char name[32]; /* of the process; control characters are shown as "?" */
};

bool net_port_holder(enum net_proto proto, uint16_t port, struct net_holder *ret);

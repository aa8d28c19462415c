/* SPDX-License-Identifier: MIT */
/* Shared by helper.c and the two files that know one program each. */
#pragma once
#include "net/helper.h"

#define HELPER_WORDS_MAX 200

struct helper_words {
	char *v[HELPER_WORDS_MAX + 1];
	unsigned n;
};

/* Append to argv; what does not fit is an error of net_helper_start(). */
void helper_word(struct helper_words *w, const char *s);

/* Numbers of the descriptors that the program is born with. */
struct helper_fds {
	int ready, exit;
	int netns; /* -EBADF: by the number of the process */
};

/* Room for words that must be made; lives until the program was started. */
struct helper_text {
	char ready[40], quit[16], target[40], mtu[16], cidr[24];
	char options[4096];
	char outbound[2][INET6_ADDRSTRLEN]; /* IPv4, IPv6 */
};

int slirp_words(const struct net_plan *n, struct helper_text *t, struct helper_words *w);
int pasta_words(const struct net_plan *n, struct helper_text *t, struct helper_words *w);
/* Absolute path of an installed program, or NULL. */
const char *slirp_installed(void);
const char *pasta_installed(void);

/* SPDX-License-Identifier: MIT */
#include "pkg/seccomp/seccomp.h"

#include <linux/filter.h>

#include "pkg/base/auto.h"
#include "pkg/seccomp/filter.h"
#include "seccomp_default.inc"

int seccomp_default_bytes(uint64_t caps, struct sbuf *storage, const void **ret, size_t *ret_len)
{
	struct sc_profile p;
	int r;

	if (sc_policy_caps(caps) == GEN_CAPS) {
		*ret = gen_filter;
		*ret_len = sizeof(gen_filter);
		return 0;
	}
	sc_policy(caps, &p);
	r = sc_compile(&p, storage);
	sc_profile_done(&p);
	if (r < 0)
		return r;
	*ret = storage->s;
	*ret_len = storage->len;
	return 0;
}

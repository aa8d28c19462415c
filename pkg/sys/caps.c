/* SPDX-License-Identifier: MIT */
#include "pkg/sys/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/err.h"

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_RAISE 2
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

int caps_get(struct caps *ret)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) < 0)
		return err_new(-errno, "capget");
	ret->effective = d[0].effective | (uint64_t)d[1].effective << 32;
	ret->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	ret->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	return 0;
}

int caps_set(const struct caps *c)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {
		{(uint32_t)c->effective, (uint32_t)c->permitted, (uint32_t)c->inheritable},
		{(uint32_t)(c->effective >> 32), (uint32_t)(c->permitted >> 32),
		 (uint32_t)(c->inheritable >> 32)},
	};

	if (syscall(SYS_capset, &h, d) < 0)
		return err_new(-errno, "capset");
	return 0;
}

int caps_last(void)
{
	static int last = -1;

	if (last < 0) {
		int none = 64; /* the first that is known not to be one */

		last = 0;
		while (last + 1 < none) {
			int c = (last + none) / 2;

			if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0)
				last = c;
			else
				none = c;
		}
	}
	return last;
}

uint64_t caps_bounding(void)
{
	uint64_t set = 0;

	for (int c = 0; c <= caps_last(); c++)
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
			set |= (uint64_t)1 << c;
	return set;
}

int caps_bound(uint64_t keep)
{
	for (int c = 0; c <= caps_last(); c++) {
		if (keep & ((uint64_t)1 << c))
			continue;
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
			return err_new(-errno, "drop capability %d", c);
	}
	return 0;
}

int caps_ambient(uint64_t set)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_new(-errno, "clear ambient capabilities");
	for (int c = 0; c <= caps_last(); c++)
		if ((set & ((uint64_t)1 << c)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			return err_new(-errno, "raise ambient capability %d", c);
	return 0;
}

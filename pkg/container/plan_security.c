/* SPDX-License-Identifier: MIT */
/* The system call filter a process gets: the built-in one, a profile of the user's, or none. */
#include <string.h>

#include "pkg/base/err.h"
#include "pkg/container/plan.h"
#include "pkg/seccomp/seccomp.h"

int plan_security(const struct container_record *r, bool privileged, struct rt_process *proc,
		  struct sbuf *storage)
{
	int rc;

	/* A privileged container's record says "unconfined", unless its maker named a profile. */
	proc->seccomp = NULL;
	proc->seccomp_len = 0;
	if (privileged || (r->seccomp && strcmp(r->seccomp, "unconfined") == 0))
		return 0;
	if (!r->seccomp)
		return seccomp_default_bytes(proc->caps, storage, &proc->seccomp,
					     &proc->seccomp_len);
	rc = seccomp_load_profile(r->seccomp, proc->caps, storage, &proc->seccomp,
				  &proc->seccomp_len);
	return rc < 0 ? err_wrap(rc, "seccomp profile") : 0;
}

/* SPDX-License-Identifier: MIT */
/* The server of names reads bytes of containers: it keeps no right but to answer. */
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/net/names_internal.h"
#include "pkg/sys/syscalls.h"

#define CAP_NET_RAW 13

static int drop_powers(bool marks)
{
	struct {
		uint32_t version;
		int pid;
	} head = {.version = 0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, .pid = 0};
	const uint32_t raw = marks ? 1U << CAP_NET_RAW : 0;
	const uint32_t powers[6] = {raw, raw}; /* effective, permitted, of the first 32 */

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, powers) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_new(-errno, "drop privileges");
	return 0;
}

int names_confine(bool marks)
{
	static const unsigned short allowed[] = {
#ifdef SYS_poll
		SYS_poll,
#endif
		SYS_ppoll,   SYS_recvfrom,      SYS_sendto,          SYS_accept4, SYS_socket,
		SYS_bind,    SYS_listen,        SYS_connect,         SYS_close,   SYS_setsockopt,
		SYS_madvise, SYS_mmap,          SYS_munmap,          SYS_mremap,  SYS_brk,
		SYS_futex,   SYS_rt_sigreturn,  SYS_exit_group,      SYS_exit,    SYS_getrandom,
		SYS_write,   SYS_clock_gettime, SYS_restart_syscall,
	};
	int r = drop_powers(marks);

	if (r == 0)
		r = syscalls_allow_only(allowed, ARRAY_LEN(allowed));
	return r < 0 ? err_wrap(r, "server of names") : 0;
}

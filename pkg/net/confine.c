/* SPDX-License-Identifier: MIT */
/* The server of names reads bytes of containers: it keeps no right but to answer. */
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/net/names.h"
#include "pkg/net/names_internal.h"
#include "pkg/sys/caps.h"
#include "pkg/sys/syscalls.h"

#define ADMIN (1ULL << CAP_NET_ADMIN)
#define RAW (1ULL << CAP_NET_RAW)

static int set_powers(uint64_t effective, uint64_t permitted)
{
	return caps_set(&(struct caps){.effective = effective, .permitted = permitted});
}

static bool may_mark(void)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const unsigned mark = NAMES_MARK;

	return fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
}

/* Marks need CAP_NET_RAW since Linux 5.17; before, all power over the network. */
static int keep_marks(void)
{
	int r = set_powers(RAW, RAW | ADMIN);

	if (r == 0)
		r = may_mark() ? set_powers(RAW, RAW) : set_powers(ADMIN, ADMIN);
	return r;
}

static int drop_powers(bool marks)
{
	int r = marks ? keep_marks() : set_powers(0, 0);

	if (r == 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		r = err_new(-errno, "prctl");
	return r < 0 ? err_wrap(r, "drop privileges") : 0;
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

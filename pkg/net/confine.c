/* SPDX-License-Identifier: MIT */
/* The server of names reads bytes of containers: it keeps no right but to answer. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/net/names_internal.h"

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

static int drop_powers(void)
{
	struct {
		uint32_t version;
		int pid;
	} head = {.version = 0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, .pid = 0};
	uint32_t none[6] = {0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_new(-errno, "server of names: drop privileges");
	return 0;
}

int names_confine(void)
{
#if defined(OUR_ARCH) && !defined(__SANITIZE_ADDRESS__)
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
	enum { N = ARRAY_LEN(allowed) };
	struct sock_filter code[N + 6];
	struct sock_fprog prog = {.len = N + 6, .filter = code};
	unsigned at = 0;
	int r = drop_powers();

	if (r < 0)
		return r;
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, arch));
	code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < N; i++)
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							  (unsigned char)(N - i), 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return err_new(-errno, "server of names: system call filter");
	return 0;
#else
	return drop_powers(); /* no table for this machine, or a sanitizer that wants more */
#endif
}

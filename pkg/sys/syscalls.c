/* SPDX-License-Identifier: MIT */
#include "pkg/sys/syscalls.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#if defined(OUR_ARCH) && !defined(__SANITIZE_ADDRESS__)
int syscalls_allow_only(const unsigned short *allowed, unsigned n)
{
	struct sock_filter code[SYSCALLS_MAX + 6];
	struct sock_fprog prog = {.len = (unsigned short)(n + 6), .filter = code};
	unsigned at = 0;

	if (n > SYSCALLS_MAX) /* a jump reaches 255 instructions */
		return err_new(-E2BIG, "system call filter");
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, arch));
	code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < n; i++)
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							  (unsigned char)(n - i), 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return err_new(-errno, "system call filter");
	return 0;
}
#else
int syscalls_allow_only(const unsigned short *allowed, unsigned n)
{
	(void)allowed;
	(void)n;
	return 0;
}
#endif

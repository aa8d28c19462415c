/* SPDX-License-Identifier: MIT */
#include "pkg/transfer/jail.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/caps.h"

/* --- limits ------------------------------------------------------------------------------------ */

static int limit(int what, uint64_t value)
{
	struct rlimit l, now;

	if (getrlimit((__rlimit_resource_t)what, &now) < 0)
		return err_new(-errno, "getrlimit");
	if (now.rlim_max < value)
		value = now.rlim_max;
	l = (struct rlimit){value, value};
	return setrlimit((__rlimit_resource_t)what, &l) < 0 ? err_new(-errno, "setrlimit") : 0;
}

int jail_limits(const struct jail_limits *l)
{
	int r = limit(RLIMIT_CORE, 0);

#ifndef __SANITIZE_ADDRESS__ /* its shadow is terabytes of address space */
	if (r == 0)
		r = limit(RLIMIT_AS, l->memory_bytes);
#endif
	if (r == 0)
		r = limit(RLIMIT_FSIZE, l->file_bytes);
	if (r == 0)
		r = limit(RLIMIT_NOFILE, l->files);
	return r < 0 ? r : limit(RLIMIT_CPU, l->cpu_s);
}

/* --- root -------------------------------------------------------------------------------------- */

int jail_root(int fd, bool read_only)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					      MOUNT_ATTR_NOEXEC |
					      (read_only ? MOUNT_ATTR_RDONLY : 0)};
	AUTO_CLOSE int tree = -EBADF;
	int root;

	/* The working directory follows into the copy of the mounts; a descriptor does not. */
	if (fchdir(fd) < 0)
		return err_new(-errno, "enter the tree");
	if (unshare(CLONE_NEWNS) < 0)
		return err_new(-errno, "unshare mounts");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_new(-errno, "make mounts private");
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_new(-errno, "open_tree");
	/* Since Linux 5.12; without it the staging directory's own flags stand. */
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 &&
	    errno != ENOSYS)
		return err_new(-errno, "mount_setattr");
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_new(-errno, "move_mount");
	if (fchdir(tree) < 0)
		return err_new(-errno, "enter the new root");
	/* Old root on top of the new one, then taken away: pivot_root(2), "." trick. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_new(-errno, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_new(-errno, "unmount the old root");
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? err_new(-errno, "open the root") : root;
}

/* --- capabilities ------------------------------------------------------------------------------ */

int jail_drop(void)
{
	const uint64_t needed = 1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER |
				1ULL << CAP_FSETID | 1ULL << CAP_MKNOD | 1ULL << CAP_SETFCAP;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_new(-errno, "no_new_privs");
	return caps_set(&(struct caps){.effective = needed, .permitted = needed});
}

/* --- system calls ------------------------------------------------------------------------------ */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#else
#error "add this architecture's AUDIT_ARCH"
#endif

/* The common ones first: the filter is a list. */
static const unsigned allowed[] = {
	SYS_write,
	SYS_openat,
	SYS_close,
	SYS_utimensat,
	SYS_futex,
	SYS_read,
	SYS_fchown,
	SYS_fchmod,
	SYS_mkdirat,
	SYS_symlinkat,
	SYS_linkat,
	SYS_openat2,
	SYS_fchownat,
	SYS_readlinkat,
	SYS_fsetxattr,
	SYS_mknodat,
	SYS_unlinkat,
	SYS_fchmodat,
	SYS_fstat,
	SYS_fstatfs,
	SYS_lseek,
	SYS_getdents64,
	SYS_renameat2,
	SYS_fremovexattr,
	SYS_fcntl,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_brk,
	SYS_exit,
	SYS_exit_group,
	SYS_rt_sigreturn,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_sigaltstack,
	SYS_getrandom,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_sched_yield,
	SYS_restart_syscall,
	SYS_set_robust_list,
	SYS_gettid,
	SYS_getpid,
	SYS_tgkill,
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_statx,
};

int jail_seccomp(void)
{
	enum { N = ARRAY_LEN(allowed), HEAD = 5 };
	struct sock_filter f[HEAD + N + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		/* x32 numbers are none of the list's. */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, N, 0),
	};
	struct sock_fprog prog = {.len = ARRAY_LEN(f), .filter = f};

	for (unsigned i = 0; i < N; i++)
		f[HEAD + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							   (unsigned char)(N - i), 0);
	f[HEAD + N] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	f[HEAD + N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) != 0)
		return err_new(-errno, "seccomp");
	return 0;
}

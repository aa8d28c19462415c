/* SPDX-License-Identifier: MIT */
/*
 * Makes harmless attempts at dangerous system calls and prints the errno of each: what a container may.
 *	sysprobe hold NAME COMMAND...	COMMAND with a key of that name in its session keyring
 *	sysprobe search NAME		is there such a key in ours?
 *	sysprobe enter DIRECTORY	our effective and other groups, and whether they let us go there
 *	sysprobe reach PID...		what of ptrace, memory, descriptors, namespaces and signals works on others
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *name;
	long nr, a, b, c;
} probes[] = {
	{"mount", SYS_mount, 0, 0, 0},
	{"umount2", SYS_umount2, 0, 0, 0},
	{"pivot_root", SYS_pivot_root, 0, 0, 0},
	{"unshare-user", SYS_unshare, CLONE_NEWUSER, 0, 0},
	{"setns", SYS_setns, -1, 0, 0},
	{"clone-newuser", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0},
	{"clone3", 435, 0, 0, 0},
	{"fsopen", 430, 0, 0, 0},
	{"open_tree", 428, -1, 0, 0},
	{"move_mount", 429, -1, 0, 0},
	{"mount_setattr", 442, -1, 0, 0},
	{"keyctl", SYS_keyctl, 0, -3, 0},
	{"add_key", SYS_add_key, 0, 0, 0},
	{"request_key", SYS_request_key, 0, 0, 0},
	{"bpf", SYS_bpf, -1, 0, 0},
	{"perf_event_open", SYS_perf_event_open, 0, 0, 0},
	{"userfaultfd", SYS_userfaultfd, 0, 0, 0},
	{"io_uring_setup", 425, 0, 0, 0},
	{"kexec_load", SYS_kexec_load, 0, 0, 0},
	{"init_module", SYS_init_module, 0, 0, 0},
	{"reboot", SYS_reboot, 0, 0, 0},
	{"swapon", SYS_swapon, 0, 0, 0},
	{"acct", SYS_acct, 0, 0, 0},
	{"open_by_handle_at", SYS_open_by_handle_at, -1, 0, 0},
	{"pidfd_getfd", 438, -1, 0, 0},
	{"process_madvise", 440, -1, 0, 0},
	{"socket-alg", SYS_socket, 38, SOCK_SEQPACKET, 0},
	{"socket-vsock", SYS_socket, 40, SOCK_STREAM, 0},
	{"kcmp", SYS_kcmp, 0, 0, 0},
	{"move_pages", SYS_move_pages, 0, 0, 0},
	{"splice", SYS_splice, -1, 0, -1},
	{"vmsplice", SYS_vmsplice, -1, 0, 0},
	{"socket-unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0},
	{"socket-inet", SYS_socket, AF_INET, SOCK_STREAM, 0},
	{"socket-inet6", SYS_socket, AF_INET6, SOCK_DGRAM, 0},
	{"socket-netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0},
	{"personality-bad", SYS_personality, 0x0040000, 0, 0},
	{"unknown", 599, 0, 0, 0},
	{"getpid", SYS_getpid, 0, 0, 0},
};

static int hold(const char *name, char **argv)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", name, "x", 1, KEY_SPEC_SESSION_KEYRING) < 0) {
		perror("key");
		return 125;
	}
	execv(argv[0], argv);
	perror(argv[0]);
	return 127;
}

static int search(const char *name)
{
	long r = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);

	puts(r > 0 ? "found" : errno == ENOKEY ? "none" : strerror(errno));
	return 0;
}

static int enter(const char *dir)
{
	gid_t groups[32];
	int n = getgroups(32, groups);

	printf("%d:", (int)getegid());
	for (int i = 0; i < n; i++)
		printf(" %d", (int)groups[i]);
	printf(": %s\n", chdir(dir) == 0 ? "let in" : strerror(errno));
	return 0;
}

/* Anything but EPERM is said: a bad address, for one, is found only after permission was given. */
static void try(const char *what, pid_t pid, long r)
{
	if (r >= 0 || errno != EPERM)
		printf("%s %d: %s\n", what, (int)pid, r >= 0 ? "works" : strerror(errno));
}

static void reach(pid_t pid)
{
	char byte = 0;
	struct iovec own = {&byte, 1}, theirs = {&byte, 1};
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		printf("pidfd %d: %s\n", (int)pid, strerror(errno));
	try("ptrace", pid, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	try("process_vm_readv", pid, process_vm_readv(pid, &own, 1, &theirs, 1, 0));
	try("process_vm_writev", pid, process_vm_writev(pid, &own, 1, &theirs, 1, 0));
	try("pidfd_getfd", pid, syscall(SYS_pidfd_getfd, pidfd, 0, 0));
	try("setns user", pid, setns(pidfd, CLONE_NEWUSER));
	try("setns mnt", pid, setns(pidfd, CLONE_NEWNS));
	try("setns net", pid, setns(pidfd, CLONE_NEWNET));
	try("kill", pid, kill(pid, 0));
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "reach") == 0) {
		for (int i = 2; i < argc; i++)
			reach((pid_t)atoi(argv[i]));
		return 0;
	}
	if (argc > 3 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2], argv + 3);
	if (argc == 3 && strcmp(argv[1], "enter") == 0)
		return enter(argv[2]);
	if (argc == 3 && strcmp(argv[1], "search") == 0)
		return search(argv[2]);
	for (unsigned i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		long r = syscall(probes[i].nr, probes[i].a, probes[i].b, probes[i].c, 0, 0);

		if (probes[i].nr == SYS_clone && r == 0)
			_exit(0); /* the child of a clone that should not have worked */
		printf("%s %s\n", probes[i].name,
		       r >= 0            ? "ok"
		       : errno == EPERM  ? "EPERM"
		       : errno == ENOSYS ? "ENOSYS"
					 : "other");
	}
	return 0;
}

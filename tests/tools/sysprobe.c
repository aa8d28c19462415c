/* SPDX-License-Identifier: MIT */
/* Makes harmless attempts at dangerous system calls and prints the errno of each: what a container may. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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
	{"socket-unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0},
	{"personality-bad", SYS_personality, 0x0040000, 0, 0},
	{"unknown", 599, 0, 0, 0},
	{"getpid", SYS_getpid, 0, 0, 0},
};

int main(void)
{
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

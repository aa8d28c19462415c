/* SPDX-License-Identifier: MIT */
/* Names to numbers: libseccomp knows the old ones; since 424 all architectures count alike. */
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/auto.h"
#include "pkg/seccomp/filter.h"

#define X32_BIT 0x40000000

static const struct {
	const char *name;
	int number;
} newer[] = {
	{"quotactl_fd", 443},
	{"landlock_create_ruleset", 444},
	{"landlock_add_rule", 445},
	{"landlock_restrict_self", 446},
	{"process_mrelease", 448},
	{"futex_waitv", 449},
	{"set_mempolicy_home_node", 450},
	{"cachestat", 451},
	{"fchmodat2", 452},
	{"map_shadow_stack", 453},
	{"futex_wake", 454},
	{"futex_wait", 455},
	{"futex_requeue", 456},
	{"statmount", 457},
	{"listmount", 458},
	{"lsm_get_self_attr", 459},
	{"lsm_set_self_attr", 460},
	{"lsm_list_modules", 461},
	{"mseal", 462},
	{"setxattrat", 463},
	{"getxattrat", 464},
	{"listxattrat", 465},
	{"removexattrat", 466},
	{"open_tree_attr", 467},
	{"file_getattr", 468},
	{"file_setattr", 469},
};

static const uint32_t lib_arch[SC_ARCH_COUNT] = {
	[SC_X86_64] = SCMP_ARCH_X86_64,   [SC_X86] = SCMP_ARCH_X86, [SC_X32] = SCMP_ARCH_X32,
	[SC_AARCH64] = SCMP_ARCH_AARCH64, [SC_ARM] = SCMP_ARCH_ARM,
};

/* The library hides these behind socketcall and ipc; 32-bit programs of today call them directly. */
static const struct {
	const char *name;
	int number;
} direct_x86[] = {
	{"socket", 359},      {"socketpair", 360},  {"bind", 361},       {"connect", 362},
	{"listen", 363},      {"accept4", 364},     {"getsockopt", 365}, {"setsockopt", 366},
	{"getsockname", 367}, {"getpeername", 368}, {"sendto", 369},     {"sendmsg", 370},
	{"recvfrom", 371},    {"recvmsg", 372},     {"shutdown", 373},   {"semget", 393},
	{"semctl", 394},      {"shmget", 395},      {"shmctl", 396},     {"shmat", 397},
	{"shmdt", 398},       {"msgget", 399},      {"msgsnd", 400},     {"msgrcv", 401},
	{"msgctl", 402},
};

int sc_number(enum sc_arch arch, const char *name)
{
	int n;

	for (unsigned i = 0; i < ARRAY_LEN(newer); i++)
		if (strcmp(newer[i].name, name) == 0)
			return newer[i].number | (arch == SC_X32 ? X32_BIT : 0);
	for (unsigned i = 0; arch == SC_X86 && i < ARRAY_LEN(direct_x86); i++)
		if (strcmp(direct_x86[i].name, name) == 0)
			return direct_x86[i].number;
	n = seccomp_syscall_resolve_name_arch(lib_arch[arch], name);
	/* Negative numbers are the library's own names for calls that this architecture has not. */
	if (n < 0)
		return SC_NO_SYSCALL;
	return arch == SC_X32 ? n | X32_BIT : n;
}

bool sc_name_is_known(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(newer); i++)
		if (strcmp(newer[i].name, name) == 0)
			return true;
	return seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR;
}

unsigned sc_native_arches(void)
{
#if defined(__x86_64__)
	return 1U << SC_X86_64 | 1U << SC_X86 | 1U << SC_X32;
#elif defined(__aarch64__)
	return 1U << SC_AARCH64 | 1U << SC_ARM;
#else
#error "no system call filter for this architecture"
#endif
}

static const struct {
	const char *scmp, *go;
	enum sc_arch arch;
} arch_names[] = {
	{"SCMP_ARCH_X86_64", "amd64", SC_X86_64}, {"SCMP_ARCH_X86", "x86", SC_X86},
	{"SCMP_ARCH_X32", "x32", SC_X32},         {"SCMP_ARCH_AARCH64", "arm64", SC_AARCH64},
	{"SCMP_ARCH_ARM", "arm", SC_ARM},
};

int sc_arch_of(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(arch_names); i++)
		if (strcmp(name, arch_names[i].scmp) == 0 || strcmp(name, arch_names[i].go) == 0)
			return (int)arch_names[i].arch;
	return -1;
}

const char *sc_arch_name(enum sc_arch arch)
{
	for (unsigned i = 0; i < ARRAY_LEN(arch_names); i++)
		if (arch_names[i].arch == arch)
			return arch_names[i].scmp;
	return "";
}

/* SPDX-License-Identifier: MIT */
/* Filters are judged by running them: a small interpreter of classic BPF over made-up calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/seccomp/filter.h"
#include "pkg/seccomp/seccomp.h"
#include "pkg/sys/file.h"
#include "tests/unit/pkg/seccomp/judge.h"

#define DEFAULT_CAPS 0x800405fbULL
#define ALLOW SECCOMP_RET_ALLOW
#define E(e) (SECCOMP_RET_ERRNO | (e))

static uint32_t judge(const void *prog, size_t bytes, uint32_t arch, int nr, uint64_t arg0,
		      uint64_t arg2)
{
	struct seccomp_data d = {.nr = nr, .arch = arch, .args = {arg0, 0, arg2}};

	return judge_at(prog, bytes, &d);
}

static const void *prog;
static size_t len;
static struct sbuf storage = SBUF_INIT;

static void use_caps(uint64_t caps)
{
	sbuf_reset(&storage);
	assert_int_equal(seccomp_default_bytes(caps, &storage, &prog, &len), 0);
}

#if defined(__x86_64__)
static uint32_t native(const char *name, uint64_t arg0)
{
	return judge(prog, len, AUDIT_ARCH_X86_64, sc_number(SC_X86_64, name), arg0, 0);
}

static uint32_t i386(const char *name, uint64_t arg0)
{
	return judge(prog, len, AUDIT_ARCH_I386, sc_number(SC_X86, name), arg0, 0);
}

static uint32_t x32(const char *name, uint64_t arg0)
{
	return judge(prog, len, AUDIT_ARCH_X86_64, sc_number(SC_X32, name), arg0, 0);
}

static void ordinary_calls_are_allowed_on_all_three(void **state)
{
	static const char *const names[] = {"read",  "write", "openat",       "execve",
					    "mmap2", "futex", "rt_sigaction", "getrandom"};

	(void)state;
	use_caps(DEFAULT_CAPS);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (sc_number(SC_X86_64, names[i]) >= 0)
			assert_int_equal(native(names[i], 0), ALLOW);
		if (sc_number(SC_X32, names[i]) >= 0)
			assert_int_equal(x32(names[i], 0), ALLOW);
		assert_int_equal(i386(names[i], 0), ALLOW);
	}
}

static void denied_calls_answer_eperm_and_unknown_ones_enosys(void **state)
{
	static const char *const names[] = {
		"mount",       "umount2", "unshare",           "setns",           "io_uring_setup",
		"bpf",         "keyctl",  "add_key",           "perf_event_open", "userfaultfd",
		"move_mount",  "fsopen",  "open_by_handle_at", "kexec_load",      "init_module",
		"pidfd_getfd", "kcmp",    "process_madvise",   "move_pages",      "reboot"};

	(void)state;
	use_caps(DEFAULT_CAPS);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(native(names[i], 0), E(EPERM));
		assert_int_equal(i386(names[i], 0), E(EPERM));
		assert_int_equal(x32(names[i], 0), E(EPERM));
	}
	assert_int_equal(judge(prog, len, AUDIT_ARCH_X86_64, 599, 0, 0), E(ENOSYS));
	assert_int_equal(judge(prog, len, AUDIT_ARCH_X86_64, 100000, 0, 0), E(ENOSYS));
	assert_int_equal(judge(prog, len, AUDIT_ARCH_AARCH64, 64, 0, 0), SECCOMP_RET_KILL_PROCESS);
}

static void clone_makes_no_namespaces(void **state)
{
	(void)state;
	use_caps(DEFAULT_CAPS);
	assert_int_equal(native("clone", 0x01200011), ALLOW);
	for (int bit = 25; bit < 31; bit++)
		assert_int_equal(native("clone", UINT64_C(1) << bit), E(EPERM));
	assert_int_equal(native("clone", 0x00020000), E(EPERM));
	assert_int_equal(native("clone3", 0), E(ENOSYS));
	use_caps(DEFAULT_CAPS | UINT64_C(1) << CAP_SYS_ADMIN);
	assert_int_equal(native("clone", 0x10000000), ALLOW);
	assert_int_equal(native("clone3", 0), ALLOW);
	assert_int_equal(native("mount", 0), ALLOW);
	assert_int_equal(native("keyctl", 0), E(EPERM));
}

static void families_alg_and_vsock_are_refused(void **state)
{
	(void)state;
	use_caps(DEFAULT_CAPS);
	for (uint64_t f = 0; f < 50; f++) {
		assert_int_equal(native("socket", f), f == 38 || f == 40 ? E(EPERM) : ALLOW);
		assert_int_equal(i386("socket", f), f == 38 || f == 40 ? E(EPERM) : ALLOW);
	}
	/* The kernel takes an int: high bits must not open the door. */
	assert_int_equal(native("socket", UINT64_C(0xdead00000026)), E(EPERM));
	assert_int_equal(native("personality", 0), ALLOW);
	assert_int_equal(native("personality", 0x0040000), E(EPERM));
}

/* "x86_64 0-23 allow": what each number answers with zero arguments. */
static void describe(struct sbuf *out, const char *label, uint32_t arch, uint32_t base)
{
	uint32_t first = 0, last_action = judge(prog, len, arch, (int)base, 0, 0);

	for (uint32_t n = 1; n <= 601; n++) {
		uint32_t a = n == 601 ? 0 : judge(prog, len, arch, (int)(base + n), 0, 0);

		if (a == last_action)
			continue;
		sbuf_addf(out, "%s %u-%u %s\n", label, first, n - 1,
			  last_action == ALLOW       ? "allow"
			  : last_action == E(EPERM)  ? "EPERM"
			  : last_action == E(ENOSYS) ? "ENOSYS"
						     : "other");
		first = n;
		last_action = a;
	}
}

static void every_number_answers_as_the_golden_table_says(void **state)
{
	AUTO_SBUF struct sbuf now = SBUF_INIT, golden = SBUF_INIT;

	(void)state;
	use_caps(DEFAULT_CAPS);
	describe(&now, "x86_64", AUDIT_ARCH_X86_64, 0);
	describe(&now, "x32", AUDIT_ARCH_X86_64, 0x40000000);
	describe(&now, "i386", AUDIT_ARCH_I386, 0);
	if (getenv("GOLDEN_UPDATE"))
		assert_int_equal(file_replace(AT_FDCWD, getenv("GOLDEN_UPDATE"), now.s, now.len,
					      0644, FILE_NO_SYNC),
				 0);
	assert_int_equal(file_read_at(AT_FDCWD, "tests/golden/seccomp.txt", 1 << 20, &golden), 0);
	assert_string_equal(now.s, golden.s);
}
#endif

static void embedded_bytes_equal_what_is_compiled_now(void **state)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	struct sc_profile p;

	(void)state;
	use_caps(DEFAULT_CAPS);
	assert_int_equal(storage.len, 0);
	sc_policy(DEFAULT_CAPS, &p);
	assert_int_equal(sc_compile(&p, &out), 0);
	sc_profile_done(&p);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.s, prog, len);
}

static int compile_json(const char *json)
{
	sbuf_reset(&storage);
	int r = seccomp_compile_profile(json, strlen(json), DEFAULT_CAPS, &storage);

	prog = storage.s;
	len = storage.len;
	return r;
}

#if defined(__x86_64__)
static void a_json_profile_means_what_it_says(void **state)
{
	(void)state;
	assert_int_equal(compile_json("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":["
				      "\"SCMP_ARCH_X86_64\"],"
				      "\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],\"action\":"
				      "\"SCMP_ACT_ERRNO\",\"errnoRet\":28},"
				      "{\"names\":[\"kill\"],\"action\":\"SCMP_ACT_ERRNO\","
				      "\"args\":[{\"index\":0,\"value\":5,"
				      "\"op\":\"SCMP_CMP_GE\"}]},"
				      "{\"names\":[\"chdir\"],\"action\":\"SCMP_ACT_ERRNO\","
				      "\"excludes\":{\"caps\":[\"CAP_CHOWN\"]}},"
				      "{\"names\":[\"chroot\"],\"action\":\"SCMP_ACT_ERRNO\","
				      "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}}]}"),
			 0);
	assert_int_equal(native("mkdir", 0), E(28));
	assert_int_equal(native("read", 0), ALLOW);
	assert_int_equal(native("kill", 4), ALLOW);
	assert_int_equal(native("kill", 5), E(EPERM));
	assert_int_equal(native("kill", UINT64_C(0x100000000)), E(EPERM));
	assert_int_equal(native("chdir", 0), ALLOW);
	assert_int_equal(native("chroot", 0), ALLOW);
	assert_int_equal(i386("read", 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(x32("read", 0), SECCOMP_RET_KILL_PROCESS);
}

static void comparisons_look_at_all_64_bits(void **state)
{
	static const struct {
		const char *op;
		uint64_t value, arg;
		bool holds;
	} cases[] = {
		{"EQ", 5, 5, true},
		{"EQ", 5, 0x100000005, false},
		{"NE", 5, 5, false},
		{"NE", 5, 0x100000005, true},
		{"LT", 5, 4, true},
		{"LT", 5, 5, false},
		{"LT", 5, 0x100000000, false},
		{"LT", 0x100000005, 9, true},
		{"LE", 5, 5, true},
		{"LE", 5, 6, false},
		{"GE", 5, 5, true},
		{"GE", 5, 4, false},
		{"GE", 0x100000000, 5, false},
		{"GT", 5, 5, false},
		{"GT", 5, 6, true},
		{"GT", 5, 0x100000000, true},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char json[512];

		(void)snprintf(json, sizeof(json),
			       "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":"
			       "\"kill\",\"action\":\"SCMP_ACT_ERRNO\","
			       "\"args\":[{\"index\":0,\"value\":%llu,\"op\":\"SCMP_CMP_%s\"}]}]}",
			       (unsigned long long)cases[i].value, cases[i].op);
		assert_int_equal(compile_json(json), 0);
		assert_int_equal(native("kill", cases[i].arg), cases[i].holds ? E(EPERM) : ALLOW);
	}
}
#endif

static void bad_profiles_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
		"{\"defaultAction\":1}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[1]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"nosuchcall\"],"
		"\"action\":\"SCMP_ACT_ERRNO\"}]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"BOOM\"}]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":9999}]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"SCMP_ACT_ERRNO\","
		"\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"SCMP_ACT_ERRNO\","
		"\"args\":[{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_XX\"}]}]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"VAX\"]}",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(compile_json(bad[i]) < 0);
	/* Unknown, but the default refuses it anyway. */
	assert_int_equal(compile_json("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{"
				      "\"names\":[\"nosuchcall\"],"
				      "\"action\":\"SCMP_ACT_ALLOW\"}]}"),
			 0);
}

static void the_kernel_takes_the_filter_and_obeys_it(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	use_caps(DEFAULT_CAPS);
	pid = fork();
	if (pid == 0) {
		struct sock_fprog f = {.len = (unsigned short)(len / 8),
				       .filter = (struct sock_filter *)(size_t)prog};

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f) < 0)
			_exit(1);
		if (syscall(SYS_unshare, 0) != -1 || errno != EPERM)
			_exit(2);
		if (syscall(435, NULL, 0) != -1 || errno != ENOSYS)
			_exit(3);
		if (syscall(SYS_getpid) <= 0 || syscall(SYS_socket, 38, 5, 0) != -1 ||
		    errno != EPERM)
			_exit(4);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A family that there is not is refused by the described one, and by the kernel otherwise. */
static void compare(const struct sbuf *theirs, int nr, uint64_t arg)
{
	bool no_family = nr == SYS_socket && (uint32_t)arg >= 64;
	bool ours = judge(prog, len, AUDIT_ARCH_X86_64, nr, arg, 0) == ALLOW;
	bool other = judge(theirs->s, theirs->len, AUDIT_ARCH_X86_64, nr, arg, 0) == ALLOW;

	if (no_family ? other : ours != other)
		fail_msg("call %d with %llx", nr, (unsigned long long)arg);
}

/* For runtimes of others, whose rules have no order: what they allow is what our filter allows. */
static void the_described_profile_allows_the_same(void **state)
{
	static const uint64_t args[] = {
		0,          1,          2,          8,          16,
		38,         39,         40,         63,         0x20000,
		0x10000000, 0x7e020000, 0x40000011, 0xffffffff, (1ULL << 32) + 38};
	AUTO_SBUF struct sbuf text = SBUF_INIT, theirs = SBUF_INIT;
	AUTO_JSON struct json_object *o = NULL;

	(void)state;
	for (int privileged = 0; privileged < 2; privileged++) {
		uint64_t caps = privileged ? UINT64_MAX : DEFAULT_CAPS;

		use_caps(caps);
		json_putp(&o);
		sbuf_reset(&text);
		sbuf_reset(&theirs);
		assert_int_equal(seccomp_describe(NULL, caps, &o), 0);
		json_write(o, false, &text);
		assert_int_equal(seccomp_compile_profile(text.s, text.len, caps, &theirs), 0);
		for (int nr = 0; nr < 600; nr++)
			for (size_t i = 0; i < ARRAY_LEN(args); i++)
				compare(&theirs, nr, args[i]);
	}
}

static int release(void **state)
{
	(void)state;
	sbuf_done(&storage);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
		cmocka_unit_test(ordinary_calls_are_allowed_on_all_three),
		cmocka_unit_test(denied_calls_answer_eperm_and_unknown_ones_enosys),
		cmocka_unit_test(clone_makes_no_namespaces),
		cmocka_unit_test(families_alg_and_vsock_are_refused),
		cmocka_unit_test(every_number_answers_as_the_golden_table_says),
		cmocka_unit_test(a_json_profile_means_what_it_says),
		cmocka_unit_test(comparisons_look_at_all_64_bits),
#endif
		cmocka_unit_test(embedded_bytes_equal_what_is_compiled_now),
		cmocka_unit_test(bad_profiles_are_refused),
		cmocka_unit_test(the_described_profile_allows_the_same),
		cmocka_unit_test(the_kernel_takes_the_filter_and_obeys_it),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}

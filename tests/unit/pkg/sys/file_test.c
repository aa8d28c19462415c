/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/file.h"
#include "tests/unit/scratch_dir.h"

static void own_files_are_read_whole_whatever_their_size(void **state)
{
	static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 300000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		AUTO_SBUF struct sbuf text = SBUF_INIT;
		AUTO_FREE char *want = xcalloc(1, sizes[i] + 1);

		memset(want, 'a' + (int)i, sizes[i]);
		assert_int_equal(file_replace(dir_fd, "f", want, sizes[i], 0600, FILE_NO_SYNC), 0);
		sbuf_adds(&text, "before:");
		assert_int_equal(file_read_own(dir_fd, "f", 300000, &text), 0);
		assert_int_equal(text.len, strlen("before:") + sizes[i]);
		assert_string_equal(text.s + strlen("before:"), want);
	}
}

static void own_files_have_a_limit_and_are_files(void **state)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	(void)state;
	assert_int_equal(file_replace(dir_fd, "f", "0123456789", 10, 0600, FILE_NO_SYNC), 0);
	assert_int_equal(file_read_own(dir_fd, "f", 9, &text), -CE_LIMIT);
	err_drop();
	assert_int_equal(file_read_own(dir_fd, "nosuch", 9, &text), -ENOENT);
	err_drop();
	assert_int_equal(mkdirat(dir_fd, "d", 0700), 0);
	assert_int_equal(file_read_own(dir_fd, "d", 9, &text), -EISDIR);
	err_drop();
	assert_int_equal(symlinkat("f", dir_fd, "link"), 0);
	assert_int_equal(file_read_own(dir_fd, "link", 99, &text), -ELOOP);
	err_drop();
}

/* From here on this process is on a file system whose rename knows no flags, as NFS is. */
static void forget_flags(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void put(const char *name, const char *text)
{
	(void)unlinkat(dir_fd, name, 0);
	assert_int_equal(file_create(dir_fd, name, text, strlen(text), 0600, FILE_NO_SYNC), 0);
}

static void holds(const char *name, const char *text)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	assert_int_equal(file_read_at(dir_fd, name, 99, &b), 0);
	assert_string_equal(b.s, text);
}

static void rename_and_swap(void)
{
	put("old", "a");
	put("there", "b");
	assert_int_equal(file_rename_new(dir_fd, "old", dir_fd, "there"), -EEXIST);
	holds("old", "a");
	holds("there", "b");
	assert_int_equal(file_rename_new(dir_fd, "old", dir_fd, "free"), 0);
	holds("free", "a");
	assert_int_equal(file_rename_new(dir_fd, "old", dir_fd, "free2"), -ENOENT);
	assert_int_equal(file_swap(dir_fd, "free", "there"), 0);
	holds("free", "b");
	holds("there", "a");
	assert_int_equal(file_swap(dir_fd, "free", "fresh"), 0);
	holds("fresh", "b");
	assert_int_equal(file_swap(dir_fd, "free", "there"), -ENOENT);
	holds("there", "a");
	assert_int_equal(unlinkat(dir_fd, "fresh", 0), 0);
	assert_int_equal(unlinkat(dir_fd, "there", 0), 0);
}

static void renames_do_without_flags(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	rename_and_swap();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		forget_flags();
		rename_and_swap();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_files_are_read_whole_whatever_their_size),
		cmocka_unit_test(own_files_have_a_limit_and_are_files),
		cmocka_unit_test(renames_do_without_flags),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

/* SPDX-License-Identifier: MIT */
/*
 * threats: Z16. open_in() and open_beneath() on random trees of links, against a walk written here: one component
 * after another, never following, ".." by memory. Both find the same inode or none, and nothing outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/sys/open.h"
#include "pkg/sys/rmtree.h"
#include "tests/unit/fuzz.h"

#define NAMES 5
#define DEPTH 64
#define LINKS 40 /* what the kernel follows in one path */

static char top[64];
static int root = -EBADF, outside = -EBADF;
static dev_t outside_dev;
static ino_t outside_ino[2];

static int make_top(void **state)
{
	struct stat st;
	int t;

	(void)state;
	strcpy(top, "/tmp/cuddy-walk-XXXXXX");
	assert_non_null(mkdtemp(top));
	t = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t >= 0);
	assert_int_equal(mkdirat(t, "outside", 0700), 0);
	outside = openat(t, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(outside, "a", 0700), 0);
	assert_int_equal(fstat(outside, &st), 0);
	outside_dev = st.st_dev;
	outside_ino[0] = st.st_ino;
	assert_int_equal(fstatat(outside, "a", &st, 0), 0);
	outside_ino[1] = st.st_ino;
	close(t);
	return 0;
}

static int drop_top(void **state)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	close(outside);
	return rmtree(tmp, top + strlen("/tmp/"));
}

static void name_of(struct fuzz *f, char out[2])
{
	out[0] = (char)('a' + fuzz_below(f, NAMES));
	out[1] = '\0';
}

static void random_path(struct fuzz *f, char *out, size_t room, bool may_be_absolute)
{
	unsigned n = 1 + (unsigned)fuzz_below(f, 5);
	size_t len = 0;

	if (may_be_absolute && fuzz_one_in(f, 3))
		out[len++] = '/';
	for (unsigned i = 0; i < n && len + 16 < room; i++) {
		char name[2];

		name_of(f, name);
		len += (size_t)snprintf(out + len, room - len, "%s%s",
					i ? fuzz_one_in(f, 8) ? "//" : "/" : "",
					fuzz_one_in(f, 3)   ? ".."
					: fuzz_one_in(f, 9) ? "."
							    : name);
	}
	if (fuzz_one_in(f, 4))
		out[len++] = '/';
	out[len] = '\0';
}

/* Directories three deep, files, and links that point anywhere: up, around, to the top of the machine. */
static void grow(struct fuzz *f, int dir, unsigned depth)
{
	for (char c = 'a'; c < 'a' + NAMES; c++) {
		char name[2] = {c, 0}, target[256];

		switch (fuzz_below(f, 6)) {
		case 0:
		case 1:
			if (depth < 3 && mkdirat(dir, name, 0700) == 0) {
				AUTO_CLOSE int sub = openat(dir, name,
							    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

				grow(f, sub, depth + 1);
			}
			break;
		case 2: {
			AUTO_CLOSE int fd = openat(dir, name,
						   O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

			assert_true(fd >= 0);
			break;
		}
		case 3:
			break;
		default:
			if (fuzz_one_in(f, 6))
				(void)snprintf(target, sizeof(target), "%s/outside", top);
			else
				random_path(f, target, sizeof(target), true);
			assert_int_equal(symlinkat(target, dir, name), 0);
		}
	}
}

/* --- the oracle -------------------------------------------------------------------------------- */

struct walk {
	int stack[DEPTH]; /* directories from the root to here; [0] is the root */
	unsigned depth, links;
	bool beneath; /* leaving is an error, else the root is its own parent */
};

static int go(struct walk *w, const char *path, bool follow_last, struct stat *ret);

static int step(struct walk *w, const char *name, bool last, bool slash, bool follow_last,
		struct stat *ret)
{
	char target[4096];
	ssize_t n;
	int fd;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		if (name[1] && w->depth == 0 && w->beneath)
			return -EXDEV;
		if (name[1] && w->depth > 0)
			close(w->stack[w->depth--]);
		return fstat(w->stack[w->depth], ret) < 0 ? -errno : 0;
	}
	n = readlinkat(w->stack[w->depth], name, target, sizeof(target) - 1);
	if (n >= 0 && (!last || slash || follow_last)) {
		target[n] = '\0';
		if (++w->links > LINKS)
			return -ELOOP;
		return go(w, target, true, ret);
	}
	if (fstatat(w->stack[w->depth], name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(ret->st_mode))
		return 0;
	if (w->depth + 1 >= DEPTH)
		return -ENAMETOOLONG;
	fd = openat(w->stack[w->depth], name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	w->stack[++w->depth] = fd;
	return 0;
}

static int go(struct walk *w, const char *path, bool follow_last, struct stat *ret)
{
	if (*path == '/') {
		if (w->beneath)
			return -EXDEV;
		while (w->depth > 0)
			close(w->stack[w->depth--]);
	}
	(void)fstat(w->stack[w->depth], ret);
	for (const char *p = path + strspn(path, "/"), *end; *p; p = end) {
		char name[8];
		bool last, slash;
		int r;

		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, "/"), p);
		if (strcspn(p, "/") > sizeof(name) - 1)
			return -ENOENT; /* of the machine's own tree: not in this one */
		end = p + strcspn(p, "/");
		slash = *end == '/';
		end += strspn(end, "/");
		last = !*end;
		if (!S_ISDIR(ret->st_mode))
			return -ENOTDIR;
		r = step(w, name, last, slash, follow_last, ret);
		if (r < 0)
			return r;
		if ((!last || slash) && !S_ISDIR(ret->st_mode))
			return -ENOTDIR;
	}
	return 0;
}

static int oracle(const char *path, bool beneath, bool follow_last, struct stat *ret)
{
	struct walk w = {.stack = {openat(root, ".", O_PATH | O_CLOEXEC)}, .beneath = beneath};
	int r = go(&w, path, follow_last, ret);

	for (unsigned i = 0; i <= w.depth; i++)
		close(w.stack[i]);
	return r;
}

/* --- the comparison ---------------------------------------------------------------------------- */

static void compare(const char *path, bool beneath, bool follow)
{
	struct stat want = {0}, got = {0};
	int r = oracle(path, beneath, follow, &want), flags = O_PATH | (follow ? 0 : O_NOFOLLOW);
	AUTO_CLOSE int fd = beneath ? open_beneath(root, path, flags, 0)
				    : open_in(root, path, flags, 0);

	err_drop();
	if ((r < 0) != (fd < 0))
		fail_msg("%s%s%s: walk %d, open %d", path, beneath ? " beneath" : "",
			 follow ? " follow" : "", r, fd);
	if (fd < 0) {
		if (r != fd)
			fail_msg("%s: walk %s, open %s", path, strerror(-r), strerror(-fd));
		return;
	}
	assert_int_equal(fstat(fd, &got), 0);
	if (got.st_ino != want.st_ino || got.st_dev != want.st_dev)
		fail_msg("%s: another inode", path);
	for (size_t i = 0; i < ARRAY_LEN(outside_ino); i++)
		assert_false(got.st_dev == outside_dev && got.st_ino == outside_ino[i]);
}

static void a_walk_by_hand_finds_the_same(void **state)
{
	AUTO_CLOSE int t = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "open_in", 150); fuzz_more(&f);) {
		assert_int_equal(mkdirat(t, "root", 0700), 0);
		root = openat(t, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		grow(&f, root, 0);
		for (unsigned i = 0; i < 100; i++) {
			char path[256];

			if (fuzz_one_in(&f, 10))
				(void)snprintf(path, sizeof(path), "../outside%s",
					       fuzz_one_in(&f, 2) ? "/a" : "");
			else
				random_path(&f, path, sizeof(path), true);
			compare(path, fuzz_one_in(&f, 2), fuzz_one_in(&f, 2));
		}
		close(root);
		assert_int_equal(rmtree(t, "root"), 0);
	}
}

/* Anybody's renames, of whatever file, make the kernel give up a way that goes through "..": others of the machine, too. */
static pid_t rename_all_the_time(int dir)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(openat(dir, "here", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	for (;;)
		if (renameat(dir, "here", dir, "there") < 0 ||
		    renameat(dir, "there", dir, "here") < 0)
			_exit(1);
}

static void while_others_rename_the_way_is_found(void **state)
{
	AUTO_CLOSE int t = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), at = -EBADF;
	struct timespec begun, now;
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(mkdirat(t, "root", 0700), 0);
	at = openat(t, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(at, "a", 0700), 0);
	assert_int_equal(symlinkat("a/../a/../a/../a/../loop", at, "loop"), 0);
	pid = rename_all_the_time(t);
	assert_true(pid > 0);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	do {
		assert_int_equal(open_in(at, "loop", O_PATH, 0), -ELOOP);
		err_drop();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - begun.tv_sec < 2);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)unlinkat(t, "here", 0);
	(void)unlinkat(t, "there", 0);
	assert_int_equal(rmtree(t, "root"), 0);
}

/* Where a sandbox around us has no openat2, nothing is opened by another, weaker way. */
static void without_openat2_nothing_is_opened(void **state)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = ARRAY_LEN(code), .filter = code};
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		int t = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
			_exit(2);
		_exit(open_in(t, "outside", O_PATH, 0) == -ENOSYS &&
				      open_beneath(t, "outside", O_PATH, 0) == -ENOSYS &&
				      open_nofollow(t, "outside", O_PATH, 0) == -ENOSYS &&
				      mkdir_in(t, "x", 0700) == -ENOSYS
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_walk_by_hand_finds_the_same, make_top, drop_top),
		cmocka_unit_test_setup_teardown(while_others_rename_the_way_is_found, make_top,
						drop_top),
		cmocka_unit_test_setup_teardown(without_openat2_nothing_is_opened, make_top,
						drop_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

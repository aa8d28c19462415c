/* SPDX-License-Identifier: MIT */
/* The real worker with its sandbox, in a user namespace of one id. Archives are made by GNU tar's rules by hand. */
/* threats: L01, L02, L03, L04, L05, L06 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/rmtree.h"
#include "pkg/transfer/jail.h"
#include "pkg/transfer/unpack.h"

struct entry {
	const char *name;
	char type;
	const char *data; /* content, or link target */
	unsigned mode;
};

static void add(struct sbuf *b, const struct entry *e)
{
	unsigned char h[512] = {0};
	bool file = e->type == '0' || e->type == 'x';
	size_t n = file && e->data ? strlen(e->data) : 0;
	static const char zero[512];
	unsigned sum = 0;

	memcpy(h, e->name, strnlen(e->name, 100));
	(void)snprintf((char *)h + 100, 8, "%07o", (e->mode ? e->mode : 0644) & 077777);
	memcpy(h + 108, "0000000\0000000000", 16);
	(void)snprintf((char *)h + 124, 12, "%011o", (unsigned)n & 0xffffff);
	memcpy(h + 136, "13727410000", 12);
	memset(h + 148, ' ', 8);
	h[156] = (unsigned char)e->type;
	if (!file && e->data)
		memcpy(h + 157, e->data, strnlen(e->data, 100));
	memcpy(h + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += h[i];
	(void)snprintf((char *)h + 148, 8, "%06o", sum & 0777777);
	sbuf_add(b, h, 512);
	if (n) {
		sbuf_add(b, e->data, n);
		sbuf_add(b, zero, (512 - n % 512) % 512);
	}
}

static char top[] = "/tmp/cuddy-unpack-XXXXXX";
static int tree;

static int remove_tmp(const char *path)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return rmtree(tmp, path + 5);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/cuddy-unpack-XXXXXX");
	assert_non_null(mkdtemp(top));
	tree = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return tree < 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)close(tree);
	return remove_tmp(top);
}

static bool file_marks;

static int run(const struct entry *e, size_t n, bool end, struct unpack_result *ret)
{
	static const char zero[1024];
	struct layer_stage stage = {.tree_fd = tree};
	struct unpack_limits l = {.single_id = true, .file_marks = file_marks};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct unpack_job j;

	for (size_t i = 0; i < n; i++)
		add(&b, &e[i]);
	if (end)
		sbuf_add(&b, zero, sizeof(zero));
	assert_return_code(unpack_start(&stage, LAYER_DETECT, &l, &j), 0);
	assert_return_code(write_full(j.input_fd, b.s, b.len), 0);
	return unpack_finish(&j, ret);
}
#define RUN(ret, ...)                                                    \
	({                                                               \
		const struct entry list_[] = {__VA_ARGS__};              \
		run(list_, sizeof(list_) / sizeof(list_[0]), true, ret); \
	})

static void links_in_the_archive_stay_inside(void **state)
{
	struct unpack_result u = {0};
	struct stat st;

	(void)state;
	assert_int_equal(RUN(&u, {"out", '2', "/"}, {"up", '2', "../../.."}, {"out/a/f", '0', "A"},
			     {"up/b/f", '0', "B"}, {"out/out/up/c", '0', "C"}),
			 0);
	assert_return_code(fstatat(tree, "a/f", &st, 0), errno);
	assert_return_code(fstatat(tree, "b/f", &st, 0), errno);
	assert_return_code(fstatat(tree, "c", &st, 0), errno);
	assert_int_equal(u.implied.n, 3); /* . a b */
	assert_string_equal(u.implied.v[1], "a");
	assert_int_equal(u.tree_bytes, 3);
	unpack_result_done(&u);
}

/* images: F5 */
static void whiteouts_touch_only_lower_layers(void **state)
{
	struct unpack_result u = {0};
	struct stat st;
	char v[2];

	(void)state;
	assert_int_equal(RUN(&u, {"gone/.wh.x", '0'}, {"kept", '0', "1"}, {".wh.kept", '0'},
			     {".wh.late", '0'}, {"late", '0', "2"}, {"again/.wh.d", '0'},
			     {"again/d/f", '0', "3"}, {"op/.wh..wh..opq", '0'},
			     {".wh..wh.plnk/1", '0'}, {".wh..wh.aufs", '0'}),
			 0);
	assert_return_code(fstatat(tree, "gone/x", &st, 0), errno);
	assert_true(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	assert_return_code(fstatat(tree, "kept", &st, 0), errno);
	assert_true(S_ISREG(st.st_mode));
	assert_return_code(fstatat(tree, "late", &st, 0), errno);
	assert_true(S_ISREG(st.st_mode));
	assert_return_code(fchdir(tree), errno);
	assert_int_equal(getxattr("again/d", "user.overlay.opaque", v, 2), 1);
	assert_int_equal(getxattr("op", "user.overlay.opaque", v, 2), 1);
	assert_true(access(".wh..wh.plnk", F_OK) < 0);
	unpack_result_done(&u);
}

/* The same archive for a file system that cannot hold overlay's marks: never a mark beside what it deletes. */
static void whiteouts_as_files(void **state)
{
	static const char *const there[] = {"gone/.wh.x", "kept", "late", "again/d/.wh..wh..opq",
					    "op/.wh..wh..opq"};
	static const char *const not_there[] = {"gone/x",      ".wh.kept",     ".wh.late",
						"again/.wh.d", ".wh..wh.plnk", ".wh..wh.aufs",
						"dir/.wh.gone"};
	struct unpack_result u = {0};
	struct stat st;
	char v[2];

	(void)state;
	file_marks = true;
	assert_int_equal(RUN(&u, {"gone/.wh.x", '0'}, {"kept", '0', "1"}, {".wh.kept", '0'},
			     {".wh.late", '0'}, {"late", '0', "2"}, {"again/.wh.d", '0'},
			     {"again/d/f", '0', "3"}, {"op/.wh..wh..opq", '0'},
			     {".wh..wh.plnk/1", '0'}, {".wh..wh.aufs", '0'}, {"dir/.wh.gone", '0'},
			     {"dir", '0', "now a file"}),
			 0);
	file_marks = false;
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		if (fstatat(tree, there[i], &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			fail_msg("%s", there[i]);
	for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++)
		if (fstatat(tree, not_there[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			fail_msg("%s", not_there[i]);
	assert_return_code(fchdir(tree), errno);
	assert_true(getxattr("again/d", "user.overlay.opaque", v, 2) < 0);
	unpack_result_done(&u);
}

static void names_that_lie_are_refused(void **state)
{
	static const struct entry bad[] = {
		{"../x", '0'},      {"a/../../x", '0'}, {".", '2', "/tmp"},  {"./", '1', "x"},
		{".wh.", '0'},      {".wh..", '0'},     {".wh...", '0'},     {"a/.wh...", '0'},
		{"h", '1', "../v"}, {"h", '1', "h"},    {"null", '3', NULL}, {".wh.a/b", '0'},
		{"s", 'S'},         {"v", 'V'},
	};
	struct unpack_result u = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (run(&bad[i], 1, true, &u) >= 0)
			fail_msg("accepted: %s", bad[i].name);
	assert_true(RUN(&u, {"d/", '5'}, {"h", '1', "d"}) < 0);
	assert_true(RUN(&u, {"f", '0'}, {"f/x", '0'}) < 0);
	assert_true(RUN(&u, {"l", '2', "l"}, {"l/x", '0'}) < 0);
	assert_int_equal(run(&(struct entry){"f", '0', "x"}, 1, false, &u),
			 0); /* no end marker is no error */
	unpack_result_done(&u);
}

/* images: F6 */
static void later_entries_replace_earlier_ones(void **state)
{
	struct unpack_result u = {0};
	struct stat st;

	(void)state;
	assert_int_equal(RUN(&u, {"a/b/c", '0', "1"}, {"a", '0', "file"}, {"x", '0', "old"},
			     {"x", '5', NULL, 0700}, {"x/y", '0', "2"}, {"d", '5', NULL, 0755},
			     {"d/k", '0', "keep"}, {"d", '5', NULL, 0711}, {"h", '1', "/d/k"},
			     {"s", '2', "d"}, {"hs", '1', "s"}),
			 0);
	assert_return_code(fstatat(tree, "a", &st, 0), errno);
	assert_true(S_ISREG(st.st_mode) && st.st_size == 4);
	assert_return_code(fstatat(tree, "x/y", &st, 0), errno);
	assert_return_code(fstatat(tree, "d", &st, 0), errno);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(st.st_mtime, 1600000000);
	assert_return_code(fstatat(tree, "d/k", &st, 0), errno);
	assert_int_equal(st.st_nlink, 2);
	assert_return_code(fstatat(tree, "hs", &st, AT_SYMLINK_NOFOLLOW), errno);
	assert_true(S_ISLNK(st.st_mode) && st.st_nlink == 2);
	assert_int_equal(u.implied.n, 1);
	unpack_result_done(&u);
}

static void modes_do_not_depend_on_the_umask(void **state)
{
	struct unpack_result u = {0};
	struct stat st;

	(void)state;
	(void)umask(077);
	assert_int_equal(
		RUN(&u, {"d/", '5', NULL, 01777}, {"d/f", '0', "x", 0666}, {"i/f", '0', "x", 0755}),
		0);
	assert_return_code(fstatat(tree, "d", &st, 0), errno);
	assert_int_equal(st.st_mode & 07777, 01777);
	assert_return_code(fstatat(tree, "d/f", &st, 0), errno);
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_return_code(fstatat(tree, "i", &st, 0), errno);
	assert_int_equal(st.st_mode & 07777, 0755);
	unpack_result_done(&u);
}

static void overlay_attributes_of_an_image_are_dropped(void **state)
{
	struct unpack_result u = {0};
	char v[8];

	(void)state;
	assert_int_equal(RUN(&u,
			     {"p", 'x',
			      "33 SCHILY.xattr.user.overlay.a=y\n32 SCHILY.xattr.trusted.abcde=y\n"
			      "28 SCHILY.xattr.user.fine=y\n31 SCHILY.xattr.user.cuddy.x=y\n"},
			     {"f", '0', "x"}),
			 0);
	assert_return_code(fchdir(tree), errno);
	assert_int_equal(listxattr("f", NULL, 0), sizeof("user.fine"));
	assert_int_equal(getxattr("f", "user.fine", v, 8), 1);
	unpack_result_done(&u);
}

/* images: S18 */
static void a_link_into_a_lower_layer_is_copied_from_there(void **state)
{
	struct unpack_result u = {0};
	struct layer_stage stage = {.tree_fd = tree};
	char low[] = "/tmp/cuddy-lower-XXXXXX";
	struct stat st;
	int lower;

	(void)state;
	assert_non_null(mkdtemp(low));
	lower = open(low, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_return_code(mkdirat(lower, "bin", 0755), errno);
	assert_return_code(close(openat(lower, "bin/tool", O_CREAT | O_WRONLY, 0644)), errno);
	assert_return_code(fchmodat(lower, "bin/tool", 04755, 0), errno);
	assert_int_equal(RUN(&u, {"one", '1', "bin/tool"}, {"two", '1', "bin/tool"}), 0);
	assert_int_equal(u.links.n, 4);
	assert_int_equal(unpack_resolve_links(&stage, &u, &lower, 1), 0);
	assert_return_code(fstatat(tree, "two", &st, 0), errno);
	assert_int_equal(st.st_mode & 07777, 04755);
	assert_int_equal(st.st_nlink, 2);
	unpack_result_done(&u);
	assert_int_equal(RUN(&u, {"three", '1', "bin/none"}), 0);
	assert_int_equal(unpack_resolve_links(&stage, &u, &lower, 1), -CE_BAD_FORMAT);
	unpack_result_done(&u);
	(void)close(lower);
	assert_int_equal(remove_tmp(low), 0);
}

static void owners_without_subordinate_ids_are_recorded(void **state)
{
	struct unpack_result u = {0};
	char v[32] = "";

	(void)state;
	assert_int_equal(RUN(&u, {"p", 'x', "12 uid=1234\n10 gid=50\n"}, {"f", '0', "x", 04755}),
			 0);
	assert_return_code(fchdir(tree), errno);
	assert_true(getxattr("f", "user.cuddy.owner", v, 31) > 0);
	assert_string_equal(v, "1234:50:4755");
	unpack_result_done(&u);
}

/* Exit status 0 when each call below is refused. */
static int try_forbidden(void)
{
	char *argv[] = {(char *)(size_t) "/bin/true", NULL};
	int fd, status;

	if (jail_drop() < 0 || jail_seccomp() < 0)
		return 10;
	fd = open("/", O_RDONLY | O_CLOEXEC); /* still works */
	if (fd < 0)
		return 11;
	(void)execv(argv[0], argv);
	if (errno != ENOSYS)
		return 12;
	if (unshare(CLONE_NEWNS) == 0 || errno != ENOSYS)
		return 13;
	if (fork() >= 0 || errno != ENOSYS)
		return 14;
	if (kill(1, 0) == 0 || errno != ENOSYS)
		return 15;
	status = chroot("/");
	return status == 0 ? 16 : 0;
}

static void the_sandbox_refuses_exec_and_new_processes(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(try_forbidden());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write_full(fd, text, strlen(text)) < 0)
		exit(1);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(links_in_the_archive_stay_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(whiteouts_touch_only_lower_layers, setup, teardown),
		cmocka_unit_test_setup_teardown(whiteouts_as_files, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_lie_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(later_entries_replace_earlier_ones, setup,
						teardown),
		cmocka_unit_test_setup_teardown(modes_do_not_depend_on_the_umask, setup, teardown),
		cmocka_unit_test_setup_teardown(overlay_attributes_of_an_image_are_dropped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_link_into_a_lower_layer_is_copied_from_there,
						setup, teardown),
		cmocka_unit_test_setup_teardown(owners_without_subordinate_ids_are_recorded, setup,
						teardown),
		cmocka_unit_test(the_sandbox_refuses_exec_and_new_processes),
	};
	char map[64];
	unsigned uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWUSER) == 0) {
		write_file("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "0 %u 1", uid);
		write_file("/proc/self/uid_map", map);
		(void)snprintf(map, sizeof(map), "0 %u 1", gid);
		write_file("/proc/self/gid_map", map);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

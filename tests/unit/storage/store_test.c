/* SPDX-License-Identifier: MIT */
#include "tests/unit/storage/scratch.h"

#include <sys/file.h>
#include <sys/xattr.h>

#include "pkg/config/paths.h"
#include "pkg/sys/private_dir.h"
#include "storage/network.h"
#include "storage/pod.h"

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static int try_open(const char *root, const char *runroot)
{
	AUTO(store_closep) struct store *st = NULL;
	struct store_options o = {.root = root, .runroot = runroot};
	int r = store_open(&o, &st);

	if (r == 0)
		for (unsigned d = 0; d < STORE_DIR_COUNT; d++)
			assert_true(store_fd(st, d) >= 0);
	return r;
}

static void everything_is_private_under_any_umask(void **state)
{
	static const mode_t masks[] = {0, 0777, 022};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		AUTO_FREE char *root = xasprintf("%s/u%zu/store", s->dir, i);
		AUTO_FREE char *run = xasprintf("%s/r%zu", s->dir, i);
		AUTO_FREE char *layers = path_join(root, "layers");
		AUTO_FREE char *marker = path_join(root, "version");
		mode_t old = umask(masks[i]);
		int r = try_open(root, run);

		(void)umask(old);
		assert_int_equal(r, 0);
		assert_int_equal(mode_of(root), 0700);
		assert_int_equal(mode_of(run), 0700);
		assert_int_equal(mode_of(layers), 0700);
		assert_int_equal(mode_of(marker), 0600);
		assert_int_equal(try_open(root, run), 0);
	}
}

static void a_readable_directory_is_tightened(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(chmod(s->root, 0755), 0);
	assert_int_equal(try_open(s->root, s->runroot), 0);
	assert_int_equal(mode_of(s->root), 0700);
}

static void a_writable_directory_with_content_is_refused(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(chmod(s->root, 0777), 0);
	assert_int_equal(try_open(s->root, s->runroot), -CE_HOST_SETUP);
	assert_int_equal(mode_of(s->root), 0777);
	assert_int_equal(chmod(s->root, 0700), 0);
	assert_int_equal(chmod(s->runroot, 0777), 0);
	assert_int_equal(try_open(s->root, s->runroot), 0); /* empty: nobody put anything there */
	assert_int_equal(mode_of(s->runroot), 0700);
	err_drop();
}

static void links_and_files_are_no_store(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *link = path_join(s->dir, "link"), *file = path_join(s->dir, "file");
	int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(symlink(s->root, link), 0);
	assert_int_equal(try_open(link, s->runroot), -CE_HOST_SETUP);
	assert_int_equal(try_open(file, s->runroot), -CE_HOST_SETUP);
	assert_int_equal(try_open(s->root, link), -CE_HOST_SETUP);
	assert_int_equal(try_open("/", s->runroot), -CE_USAGE);
	err_drop();
}

static void somebody_elses_directory_is_left_alone(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *dir = path_join(s->dir, "documents"), *file = path_join(dir, "letter");
	int fd;

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(try_open(dir, s->runroot), -CE_HOST_SETUP);
	assert_int_equal(mode_of(dir), 0755);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(try_open(dir, s->runroot), -CE_HOST_SETUP);
	assert_int_equal(setenv("HOME", dir, 1), 0);
	assert_int_equal(try_open(dir, s->runroot), -CE_USAGE);
	err_drop();
}

static void an_interrupted_first_start_is_finished(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *root = path_join(s->dir, "half"),
		       *tmp = path_join(root, ".tmp-0123456789abcdef");
	int fd;

	assert_int_equal(mkdir(root, 0700), 0);
	fd = open(tmp, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(try_open(root, s->runroot), 0);
}

static void a_newer_format_is_refused(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *marker = path_join(s->root, "version");
	FILE *f = fopen(marker, "we");

	assert_non_null(f);
	(void)fputs("cuddy-store 2\n", f);
	(void)fclose(f);
	assert_int_equal(try_open(s->root, s->runroot), -CE_UNSUPPORTED);
	f = fopen(marker, "we");
	(void)fputs("something\n", f);
	(void)fclose(f);
	assert_int_equal(try_open(s->root, s->runroot), -CE_CORRUPT);
	err_drop();
}

static int open_with(const char *root, const char *runroot, const char *driver,
		     enum store_driver *ret)
{
	AUTO(store_closep) struct store *st = NULL;
	struct store_options o = {.root = root, .runroot = runroot, .driver = driver};
	int r = store_open(&o, &st);

	if (r == 0)
		*ret = store_driver(st);
	return r;
}

static void the_driver_is_remembered_and_stays(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *root = path_join(s->dir, "fuse"), *old = path_join(s->root, "version");
	enum store_driver d;
	FILE *f;

	assert_int_equal(open_with(root, s->runroot, "cow", &d), -CE_USAGE);
	assert_int_equal(open_with(root, s->runroot, "fuse-overlayfs", &d), 0);
	assert_int_equal(d, STORE_FUSE_OVERLAY);
	assert_int_equal(open_with(root, s->runroot, NULL, &d), 0);
	assert_int_equal(d, STORE_FUSE_OVERLAY);
	assert_int_equal(open_with(root, s->runroot, "overlay", &d), -CE_USAGE);
	/* One of before there were drivers. */
	f = fopen(old, "we");
	(void)fputs("cuddy-store 1\n", f);
	(void)fclose(f);
	assert_int_equal(open_with(s->root, s->runroot, "overlay2", &d), 0);
	assert_int_equal(d, STORE_OVERLAY);
	f = fopen(old, "we");
	(void)fputs("cuddy-store 1\ndriver punchcards\n", f);
	(void)fclose(f);
	assert_int_equal(open_with(s->root, s->runroot, NULL, &d), -CE_UNSUPPORTED);
	err_drop();
}

static void the_probe_leaves_nothing_and_tells_what_is(void **state)
{
	struct scratch *s = *state;
	AUTO_CLOSE int dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fs_probe p;
	struct stat before, after;

	assert_int_equal(fstat(dir, &before), 0);
	assert_int_equal(driver_probe(dir, &p), 0);
	assert_int_equal(fstat(dir, &after), 0);
	assert_int_equal(before.st_nlink, after.st_nlink);
	assert_true(p.overlay || p.why_not);
	assert_true(!p.overlay || p.attributes);
}

static void expect_runtime(const char *want)
{
	AUTO_FREE char *got = NULL;

	assert_int_equal(paths_runtime(&got), 0);
	assert_string_equal(got, want);
}

static void the_runtime_directory_must_be_ours_and_private(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *xdg = path_join(s->dir, "xdg"), *inside = path_join(xdg, "cuddy");
	AUTO_FREE char *link = path_join(s->dir, "xdglink");
	AUTO_FREE char *fallback = xasprintf("/tmp/cuddy-%u", (unsigned)geteuid());

	assert_int_equal(unsetenv("CUDDY_RUNROOT"), 0);
	assert_int_equal(mkdir(xdg, 0700), 0);
	assert_int_equal(symlink(xdg, link), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", xdg, 1), 0);
	expect_runtime(inside);
	assert_int_equal(chmod(xdg, 0777), 0);
	expect_runtime(fallback);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", link, 1), 0);
	assert_int_equal(chmod(xdg, 0700), 0);
	expect_runtime(fallback);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "relative", 1), 0);
	expect_runtime(fallback);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	expect_runtime(fallback);
}

static void trash_takes_things_away_at_once(void **state)
{
	struct scratch *s = *state;
	int cache = store_fd(s->st, STORE_CACHE);

	assert_true(store_trash_is_empty(s->st));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mkdirat(cache, "x", 0700), 0);
		assert_int_equal(mkdirat(cache, "x/y", 0), 0);
		assert_int_equal(store_trash(s->st, STORE_CACHE, "x"), 0);
		assert_int_equal(faccessat(cache, "x", F_OK, 0), -1);
	}
	assert_false(store_trash_is_empty(s->st));
	assert_int_equal(store_empty_trash(s->st), 0);
	assert_true(store_trash_is_empty(s->st));
	assert_int_equal(store_trash(s->st, STORE_CACHE, "x"), -ENOENT);
	err_drop();
}

static void what_another_deletes_is_passed_by(void **state)
{
	struct scratch *s = *state;
	int cache = store_fd(s->st, STORE_CACHE), mine, trash = store_fd(s->st, STORE_TRASH);

	assert_int_equal(mkdirat(cache, "x", 0700), 0);
	mine = openat(cache, "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(mine, LOCK_EX), 0);
	assert_int_equal(renameat(cache, "x", trash, "x"), 0);
	assert_true(store_trash_is_empty(s->st));
	assert_int_equal(store_empty_trash(s->st), 0);
	assert_int_equal(faccessat(trash, "x", F_OK, 0), 0);
	close(mine); /* it died over it */
	assert_false(store_trash_is_empty(s->st));
	assert_int_equal(store_empty_trash(s->st), 0);
	assert_int_equal(faccessat(trash, "x", F_OK, 0), -1);
}

/* A directory stands for all that an ordinary user's unlink(2) can be refused for. */
static void what_cannot_be_removed_is_said(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(mkdirat(store_fd(s->st, STORE_NETWORKS), "n.json", 0700), 0);
	assert_int_equal(mkdirat(store_fd(s->st, STORE_PODS), "p.json", 0700), 0);
	assert_int_equal(network_remove(s->st, "n"), -EISDIR);
	assert_string_equal(err_trail(), "remove network n");
	assert_int_equal(pod_drop(s->st, "p"), -EISDIR);
	assert_string_equal(err_trail(), "remove pod p");
	assert_int_equal(network_remove(s->st, "none"), -CE_NO_NETWORK);
	assert_int_equal(pod_drop(s->st, "none"), -CE_NO_POD);
	err_drop();
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(everything_is_private_under_any_umask),
		T(a_readable_directory_is_tightened),
		T(a_writable_directory_with_content_is_refused),
		T(links_and_files_are_no_store),
		T(somebody_elses_directory_is_left_alone),
		T(an_interrupted_first_start_is_finished),
		T(a_newer_format_is_refused),
		T(the_driver_is_remembered_and_stays),
		T(the_probe_leaves_nothing_and_tells_what_is),
		T(the_runtime_directory_must_be_ours_and_private),
		T(trash_takes_things_away_at_once),
		T(what_another_deletes_is_passed_by),
		T(what_cannot_be_removed_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

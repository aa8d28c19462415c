/* SPDX-License-Identifier: MIT */
/* From tree to tree, and what may stand in the way. threats: C01, C04 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/archive/tree_put.h"
#include "pkg/base/err.h"
#include "pkg/sys/rmtree.h"

struct place {
	char dir[64];
	int up, fd, from, to, victim;
};

static int sub(int dir, const char *name)
{
	return mkdirat(dir, name, 0755) < 0 ? -1
					    : openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int setup(void **state)
{
	static struct place p;

	(void)snprintf(p.dir, sizeof(p.dir), "/var/tmp/tree_put.XXXXXX");
	if (!mkdtemp(p.dir))
		return -1;
	p.up = open("/var/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p.fd = open(p.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p.from = sub(p.fd, "from");
	p.to = sub(p.fd, "to");
	p.victim = sub(p.fd, "victim");
	*state = &p;
	return p.victim < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	int r = rmtree(p->up, p->dir + strlen("/var/tmp/"));

	(void)close(p->fd);
	(void)close(p->up);
	(void)close(p->from);
	(void)close(p->to);
	(void)close(p->victim);
	return r;
}

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void expect(int dir, const char *name, const char *text)
{
	char buf[64] = "";
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, buf, sizeof(buf) - 1) >= 0);
	assert_string_equal(buf, text);
	(void)close(fd);
}

static int copy(struct place *p, const struct tree_tar_options *from,
		const struct tree_put_options *to)
{
	struct tree_put *put_ = tree_put_new(p->to, to);
	struct tree_tar *walk = tree_tar_new(tree_put_sink(put_), from);
	int r = tree_tar_add(walk, p->from, ".", "");

	if (r == 0)
		r = tree_put_end(put_);
	tree_tar_free(walk);
	tree_put_free(put_);
	return r;
}

static void digest(int dir, const struct tree_tar_options *o, char ret[65])
{
	const struct tar_write_options how = {.subsecond = true};
	struct tree_tar_result res;
	struct out_digest d;
	struct out *out = out_digest(out_to_nothing(), &d);

	assert_int_equal(tree_tar(dir, out, &how, o, &res), 0);
	memcpy(ret, d.hex, 65);
	out_close(out);
}

static void a_copy_is_equal_in_all_that_an_archive_says(void **state)
{
	const struct tree_tar_options o = {.overlay = true};
	const struct tree_put_options to = {.overlay = true};
	struct place *p = *state;
	char a[65], b[65];
	int d, f;

	d = sub(p->from, "d");
	put(d, "f", "content");
	put(d, "new", "1");
	f = openat(d, "f", O_RDWR | O_CLOEXEC);
	assert_int_equal(fsetxattr(f, "user.mine", "y", 1, 0), 0);
	assert_int_equal(fchmod(f, 04751), 0);
	(void)close(f);
	assert_int_equal(linkat(d, "f", p->from, "hard", 0), 0);
	assert_int_equal(symlinkat("../nowhere", d, "l"), 0);
	assert_int_equal(mkfifoat(d, "p", 0622), 0);
	assert_int_equal(mknodat(d, "gone", S_IFCHR, 0), 0);
	assert_int_equal(fsetxattr(d, "user.overlay.opaque", "y", 1, 0), 0);
	assert_int_equal(fchmod(d, 01711), 0);
	(void)close(d);
	assert_int_equal(copy(p, &o, &to), 0);
	digest(p->from, &o, a);
	digest(p->to, &o, b);
	assert_string_equal(a, b);
	/* And over itself. */
	assert_int_equal(unlinkat(p->to, "d/gone", 0), 0);
	assert_int_equal(copy(p, &o, &to), 0);
	digest(p->to, &o, b);
	assert_string_equal(a, b);
}

static void links_in_the_destination_are_not_followed(void **state)
{
	const struct tree_put_options to = {.overwrite = false}, over = {.overwrite = true};
	struct place *p = *state;
	int d;

	put(p->victim, "f", "canary");
	d = sub(p->from, "d");
	put(d, "f", "evil");
	(void)close(d);
	assert_int_equal(symlinkat("../victim", p->to, "d"), 0);
	assert_int_equal(copy(p, NULL, &to), -CE_UNSAFE);
	expect(p->victim, "f", "canary");
	assert_int_equal(copy(p, NULL, &over), 0);
	expect(p->victim, "f", "canary");
	expect(p->to, "d/f", "evil");
	err_drop();
}

static void a_file_replaces_a_link_and_not_what_it_names(void **state)
{
	const struct tree_put_options to = {.overwrite = false};
	struct place *p = *state;

	put(p->victim, "f", "canary");
	put(p->from, "f", "new");
	assert_int_equal(symlinkat("../victim/f", p->to, "f"), 0);
	assert_int_equal(copy(p, NULL, &to), 0);
	expect(p->to, "f", "new");
	expect(p->victim, "f", "canary");
}

static void directories_and_others_change_places_only_on_demand(void **state)
{
	const struct tree_put_options to = {.overwrite = false}, over = {.overwrite = true};
	struct place *p = *state;
	int d = sub(p->to, "x");

	put(d, "inner", "old");
	(void)close(d);
	put(p->from, "x", "file");
	assert_int_equal(copy(p, NULL, &to), -CE_UNSAFE);
	expect(p->to, "x/inner", "old");
	assert_int_equal(copy(p, NULL, &over), 0);
	expect(p->to, "x", "file");
	err_drop();
}

static void what_cannot_be_finished_leaves_the_old_file(void **state)
{
	const struct tree_put_options to = {.overwrite = false};
	const struct tar_entry e = {.type = TAR_FILE, .path = "f", .size = 10, .mode = 0644};
	struct place *p = *state;
	struct tree_put *t = tree_put_new(p->to, &to);
	DIR *d;
	unsigned n = 0;

	put(p->to, "f", "old");
	assert_int_equal(tree_put_entry(t, &e), 0);
	assert_int_equal(tree_put_content(t, "new", 3), 0);
	tree_put_free(t); /* as after an error */
	expect(p->to, "f", "old");
	d = fdopendir(dup(p->to));
	while (readdir(d))
		n++;
	(void)closedir(d);
	assert_int_equal(n, 3);
}

static void to_a_host_no_bit_gives_rights(void **state)
{
	const struct tree_put_options to = {
		.plain = true, .has_owner = true, .uid = getuid(), .gid = getgid()};
	struct place *p = *state;
	struct stat st;

	put(p->from, "f", "x");
	assert_int_equal(fchmodat(p->from, "f", 06755, 0), 0);
	assert_int_equal(copy(p, NULL, &to), 0);
	assert_int_equal(fstatat(p->to, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void an_owner_that_the_destination_lacks_is_an_error(void **state)
{
	const struct tree_ids ids = {.inside = 0, .outside = getuid(), .count = 1};
	const struct tree_put_options to = {.uids = &ids, .n_uids = 1, .gids = &ids, .n_gids = 1};
	const struct tar_entry e = {.type = TAR_DIR, .path = "d", .mode = 0755, .uid = 5};
	struct place *p = *state;
	struct tree_put *t = tree_put_new(p->to, &to);

	assert_int_equal(tree_put_entry(t, &e), -CE_HOST_SETUP);
	err_drop();
	tree_put_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_copy_is_equal_in_all_that_an_archive_says, setup,
						teardown),
		cmocka_unit_test_setup_teardown(links_in_the_destination_are_not_followed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_file_replaces_a_link_and_not_what_it_names, setup,
						teardown),
		cmocka_unit_test_setup_teardown(directories_and_others_change_places_only_on_demand,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_finished_leaves_the_old_file, setup,
						teardown),
		cmocka_unit_test_setup_teardown(to_a_host_no_bit_gives_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(an_owner_that_the_destination_lacks_is_an_error,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* threats: L04 */
#include "tests/unit/storage/scratch.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "storage/check.h"
#include "storage/layer.h"

/* A layer from words: "d1777 tmp", "i tmp" (a directory that the archive did not list), "w tmp"
 * (whiteout), "f name", "o dir" (opaque). The id is @c 64 times. */
static void add(struct store *st, char c, const char *const *words)
{
	struct layer_stage ls = {0};
	struct layer_record rec = {0};
	char id[65];

	memset(id, c, 64);
	id[64] = '\0';
	assert_int_equal(layer_stage_begin(st, &ls), 0);
	for (; *words; words++) {
		const char *path = strchr(*words, ' ') + 1;
		int fd;

		switch (**words) {
		case 'd':
		case 'i':
		case 'o':
			assert_true(mkdirat(ls.tree_fd, path, 0700) == 0 || strcmp(path, ".") == 0);
			assert_int_equal(fchmodat(ls.tree_fd, path,
						  **words == 'd'
							  ? (mode_t)strtoul(*words + 1, NULL, 8)
							  : 0755,
						  0),
					 0);
			if (**words == 'i')
				strv_add(&rec.implied, path);
			fd = openat(ls.tree_fd, path, O_RDONLY | O_CLOEXEC);
			if (**words == 'o')
				assert_int_equal(fsetxattr(fd, "user.overlay.opaque", "y", 1, 0),
						 0);
			else
				(void)fsetxattr(fd, "user.test", &c, 1, 0);
			(void)close(fd);
			break;
		case 'w':
			assert_int_equal(mknodat(ls.tree_fd, path, S_IFCHR, makedev(0, 0)), 0);
			break;
		default:
			assert_int_equal(mknodat(ls.tree_fd, path, S_IFREG | 0644, 0), 0);
		}
	}
	assert_int_equal(layer_stage_commit(st, &ls, id, &rec), 0);
	layer_record_done(&rec);
}

static void stack(struct scratch *s, const char *letters, struct strv *ret)
{
	AUTO_STRV struct strv ids = STRV_INIT;

	for (; *letters; letters++) {
		char id[65];

		memset(id, *letters, 64);
		id[64] = '\0';
		strv_add(&ids, id);
	}
	if (layer_stack(s->st, &ids, ret) < 0)
		fail_msg("%s", err_trail());
}

static mode_t mode_in(const char *dir, const char *path)
{
	AUTO_FREE char *p = path_join(dir, path);
	struct stat st;

	return lstat(p, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void without_implied_directories_there_is_no_fix_up(void **state)
{
	static const char *const a[] = {"d1777 tmp", "f tmp/x", NULL}, *const b[] = {"d0755 usr",
										     NULL};
	struct scratch *s = *state;

	add(s->st, 'a', a);
	add(s->st, 'b', b);
	for (int i = 0; i < 2; i++) {
		AUTO_STRV struct strv dirs = STRV_INIT;

		stack(s, "ab", &dirs);
		assert_int_equal(dirs.n, 3);
		assert_non_null(strstr(dirs.v[0], "/layers/bbbb"));
		assert_non_null(strstr(dirs.v[1], "/layers/aaaa"));
		assert_int_equal(mode_in(dirs.v[2], "tmp"), 01777);
		assert_int_equal(mode_in(dirs.v[2], "proc"), 0555);
		assert_int_equal(mode_in(dirs.v[2], "dev/shm"), 01777);
		assert_int_equal(mode_in(dirs.v[2], "etc/resolv.conf"), 0644);
	}
}

/* As two equal steps of a build make it: overlay takes no directory twice. */
static void a_layer_that_comes_twice_is_stacked_once(void **state)
{
	static const char *const a[] = {"f one", NULL}, *const b[] = {"f two", NULL};
	AUTO_STRV struct strv dirs = STRV_INIT;
	struct scratch *s = *state;

	add(s->st, 'a', a);
	add(s->st, 'b', b);
	stack(s, "abaab", &dirs);
	assert_int_equal(dirs.n, 3);
	assert_non_null(strstr(dirs.v[0], "/layers/bbbb"));
	assert_non_null(strstr(dirs.v[1], "/layers/aaaa"));
}

/* images: S5 */
static void an_implied_directory_shows_who_lists_it(void **state)
{
	static const char *const a[] = {"d1777 tmp", "d0750 srv", "d0700 srv/deep", NULL};
	static const char *const b[] = {"i tmp",      "f tmp/x",      "i srv",
					"i srv/deep", "f srv/deep/y", NULL};
	struct scratch *s = *state;
	AUTO_STRV struct strv dirs = STRV_INIT;
	AUTO_FREE char *tmp = NULL;
	char c = 0;

	add(s->st, 'a', a);
	add(s->st, 'b', b);
	stack(s, "ab", &dirs);
	assert_int_equal(dirs.n, 4);
	assert_int_equal(mode_in(dirs.v[0], "tmp"), 01777);
	assert_int_equal(mode_in(dirs.v[0], "srv"), 0750);
	assert_int_equal(mode_in(dirs.v[0], "srv/deep"), 0700);
	assert_int_equal(mode_in(dirs.v[0], "tmp/x"), 0);
	tmp = path_join(dirs.v[0], "tmp");
	assert_int_equal(getxattr(tmp, "user.test", &c, 1), 1);
	assert_int_equal(c, 'a');
}

static void a_listed_parent_of_a_fixed_directory_keeps_its_own(void **state)
{
	static const char *const a[] = {"d0711 srv", "d0700 srv/deep", NULL};
	static const char *const b[] = {"d0751 srv", "i srv/deep", "f srv/deep/y", NULL};
	struct scratch *s = *state;
	AUTO_STRV struct strv dirs = STRV_INIT;

	add(s->st, 'a', a);
	add(s->st, 'b', b);
	stack(s, "ab", &dirs);
	assert_int_equal(dirs.n, 4);
	assert_int_equal(mode_in(dirs.v[0], "srv"), 0751);
	assert_int_equal(mode_in(dirs.v[0], "srv/deep"), 0700);
}

static void what_is_hidden_gives_no_attributes(void **state)
{
	static const char *const a[] = {"d1777 tmp", "d0700 srv", "d0701 srv/in", "d0700 var",
					NULL};
	static const char *const b[] = {"w tmp", "o srv", "f var.", NULL};
	static const char *const c[] = {"i tmp",      "f tmp/x", "i srv", "i srv/in",
					"f srv/in/y", "i var",   NULL};
	struct scratch *s = *state;
	AUTO_STRV struct strv dirs = STRV_INIT;

	add(s->st, 'a', a);
	add(s->st, 'b', b);
	add(s->st, 'c', c);
	stack(s, "abc", &dirs);
	assert_int_equal(dirs.n, 5);
	assert_int_equal(mode_in(dirs.v[0], "tmp"), 0);
	assert_int_equal(mode_in(dirs.v[0], "srv/in"), 0);
	assert_int_equal(mode_in(dirs.v[0], "srv"), 0755); /* b lists it, opaque */
	assert_int_equal(mode_in(dirs.v[0], "var"), 0700);
}

static void an_opaque_root_ends_the_stack(void **state)
{
	static const char *const a[] = {"d1777 tmp", "f secret", NULL}, *const b[] = {"o .", NULL};
	static const char *const c[] = {"i tmp", "f tmp/x", NULL};
	struct scratch *s = *state;
	AUTO_STRV struct strv dirs = STRV_INIT;

	add(s->st, 'a', a);
	add(s->st, 'b', b);
	add(s->st, 'c', c);
	stack(s, "abc", &dirs);
	assert_int_equal(dirs.n, 3); /* c, b, the placeholder; tmp of a gives no attributes */
	assert_non_null(strstr(dirs.v[0], "cccc"));
	assert_non_null(strstr(dirs.v[1], "bbbb"));
}

static void a_stack_goes_with_its_layers(void **state)
{
	static const char *const a[] = {"d1777 tmp", NULL}, *const b[] = {"i tmp", "f tmp/x", NULL};
	struct scratch *s = *state;
	AUTO_STRV struct strv dirs = STRV_INIT;

	add(s->st, 'a', a);
	add(s->st, 'b', b);
	stack(s, "ab", &dirs);
	assert_int_equal(dirs.n, 4);
	assert_int_equal(access(dirs.v[0], F_OK), 0);
	assert_int_equal(layer_remove_unused(s->st, NULL), 0);
	assert_int_equal(access(dirs.v[0], F_OK), -1);
	assert_int_equal(access(dirs.v[3], F_OK), 0); /* the placeholder stays */
}

/* Named as a cuddy before ChainIDs did it: printf '%s\0%s\0' aaa… bbb… | sha256sum */
#define OLDER "stack-94268a637c44316a8aed801f1f16ab857ad2eadda9e9fb16459dc67133419dab"

static void a_stack_of_an_older_cuddy_is_no_damage_and_goes_with_its_layers(void **state)
{
	static const char *const a[] = {"d1777 tmp", NULL}, *const b[] = {"i tmp", "f tmp/x", NULL};
	AUTO(findings_done) struct findings found = {0};
	struct scratch *s = *state;
	AUTO_STRV struct strv dirs = STRV_INIT;
	AUTO_FREE char *older = path_join(s->root, "cache/" OLDER);

	add(s->st, 'a', a);
	add(s->st, 'b', b);
	stack(s, "ab", &dirs);
	*strrchr(dirs.v[0], '/') = '\0'; /* cache/stack-…/tree */
	assert_int_equal(rename(dirs.v[0], older), 0);
	assert_int_equal(store_check(s->st, 24 * 3600, true, &found), 0);
	assert_int_equal(found.n, 0);
	assert_int_equal(access(older, F_OK), 0);
	assert_int_equal(layer_remove_unused(s->st, NULL), 0);
	assert_int_equal(access(older, F_OK), -1);
}

static void a_missing_layer_is_named(void **state)
{
	struct scratch *s = *state;
	AUTO_STRV struct strv ids = STRV_INIT, dirs = STRV_INIT;
	char id[65];

	fake_id(id);
	strv_add(&ids, id);
	assert_int_equal(layer_stack(s->st, &ids, &dirs), -CE_CORRUPT);
	assert_non_null(strstr(err_trail(), "is missing"));
	assert_int_equal(dirs.n, 0);
	err_drop();
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_layer_that_comes_twice_is_stacked_once),
		T(without_implied_directories_there_is_no_fix_up),
		T(an_implied_directory_shows_who_lists_it),
		T(a_listed_parent_of_a_fixed_directory_keeps_its_own),
		T(what_is_hidden_gives_no_attributes),
		T(an_opaque_root_ends_the_stack),
		T(a_stack_goes_with_its_layers),
		T(a_stack_of_an_older_cuddy_is_no_damage_and_goes_with_its_layers),
		T(a_missing_layer_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/archive/recipe.h"
#include "pkg/archive/tar_write.h"
#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"

static void tell_recipe(void *data, const void *p, size_t n)
{
	recipe_raw(data, p, n);
}

static char big[200000];

static void add(struct tar_writer *w, enum tar_type type, const char *path, const char *content,
		size_t n)
{
	struct tar_entry e = {.type = type,
			      .path = path,
			      .link = type == TAR_SYMLINK ? "a" : "",
			      .mode = 0644,
			      .size = n,
			      .mtime_s = 5};

	assert_int_equal(tar_write_entry(w, &e), 0);
	if (n)
		assert_int_equal(tar_write_content(w, content, n), 0);
}

/* An archive with something after its end, as some tools write. */
static int make_archive(void)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	AUTO(out_closep) struct out *o = out_to_fd(fd);
	AUTO(tar_writer_freep) struct tar_writer *w = tar_writer_new(o, NULL);
	AUTO_FREE char *longest = xcalloc(1, 301);

	memset(longest, 'n', 250);
	memset(big, 'b', sizeof(big));
	add(w, TAR_FILE, "a", "hello", 5);
	add(w, TAR_FILE, "empty", "", 0);
	add(w, TAR_SYMLINK, "link", "", 0);
	add(w, TAR_FILE, longest, big, sizeof(big));
	add(w, TAR_FILE, "last", big, 512);
	assert_int_equal(tar_write_end(w), 0);
	assert_int_equal(out_finish(o), 0);
	assert_int_equal(write_full(fd, big, 7000), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* What extraction does: contents into files, everything else to the recipe. */
static bool unpack(int archive, int tree, int recipe)
{
	struct recipe_writer *rw = recipe_writer_new(recipe);
	struct feed *f = feed_new_plain(stream_from_fd(archive));
	struct tar *t = tar_new(f);
	const unsigned char *p;
	struct tar_entry e;
	ssize_t got;
	bool whole;

	tar_on_framing(t, tell_recipe, rw);
	feed_start(f);
	while (tar_next(t, &e) == 1) {
		AUTO_CLOSE int fd = -EBADF;

		if (e.type != TAR_FILE || e.size == 0)
			continue;
		fd = openat(tree, e.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		recipe_file(rw, e.path, e.size);
		while ((got = tar_content(t, &p)) > 0)
			assert_int_equal(write_full(fd, p, (size_t)got), 0);
	}
	assert_int_equal(tar_drain(t), 0);
	whole = recipe_end(rw);
	recipe_writer_free(rw);
	tar_free(t);
	feed_free(f);
	return whole;
}

struct made {
	char dir[32];
	int archive, tree, recipe;
};

static void begin(struct made *m)
{
	(void)strcpy(m->dir, "/tmp/cuddy-recipe-XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	m->tree = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->archive = make_archive();
	m->recipe = memfd_create("recipe", MFD_CLOEXEC);
	assert_true(unpack(m->archive, m->tree, m->recipe));
}

static void end(struct made *m)
{
	AUTO_FREE char *command = xasprintf("rm -rf %s", m->dir);

	assert_int_equal(system(command), 0);
	closep(&m->tree);
	closep(&m->archive);
	closep(&m->recipe);
}

static int again(const struct made *m, int to)
{
	AUTO(out_closep) struct out *o = out_to_fd(to);

	assert_int_equal(lseek(m->recipe, 0, SEEK_SET), 0);
	return recipe_make(m->recipe, m->tree, -EBADF, o);
}

/* images: S1 */
static void an_archive_is_made_again_byte_for_byte(void **state)
{
	AUTO_CLOSE int to = memfd_create("again", MFD_CLOEXEC);
	struct made m;
	struct stat a, b;
	void *pa, *pb;

	(void)state;
	begin(&m);
	assert_int_equal(again(&m, to), 0);
	assert_int_equal(fstat(m.archive, &a), 0);
	assert_int_equal(fstat(to, &b), 0);
	assert_int_equal(a.st_size, b.st_size);
	pa = mmap(NULL, (size_t)a.st_size, PROT_READ, MAP_PRIVATE, m.archive, 0);
	pb = mmap(NULL, (size_t)a.st_size, PROT_READ, MAP_PRIVATE, to, 0);
	assert_memory_equal(pa, pb, (size_t)a.st_size);
	assert_int_equal(fstat(m.recipe, &b), 0);
	assert_true(b.st_size < 1000); /* of an archive of 210000 */
	end(&m);
}

static void a_changed_tree_or_recipe_is_an_error(void **state)
{
	AUTO_CLOSE int to = memfd_create("again", MFD_CLOEXEC);
	struct stat st;
	struct made m;

	(void)state;
	begin(&m);
	assert_int_equal(unlinkat(m.tree, "a", 0), 0);
	assert_true(again(&m, to) < 0);
	assert_int_equal(symlinkat("/etc/hostname", m.tree, "a"), 0);
	assert_true(again(&m, to) < 0);
	assert_int_equal(fstat(m.recipe, &st), 0);
	for (off_t n = 0; n < st.st_size; n += 7) {
		assert_int_equal(ftruncate(m.recipe, st.st_size - 1 - n), 0);
		assert_true(again(&m, to) < 0);
	}
	err_drop();
	end(&m);
}

/* Files that others took the place of, and one that was never spoken of; whose content is in the recipe. */
static void replaced_content_is_in_the_recipe(void **state)
{
	static const char *const steps[][2] = {
		{"a", "one"}, {"b", "other"}, {"a", "second"}, {"a", "the third"}, {NULL, NULL}};
	AUTO_CLOSE int fd = memfd_create("recipe", MFD_CLOEXEC), more = memfd_create("more", 0),
		       to = memfd_create("again", MFD_CLOEXEC);
	char dir[] = "/tmp/cuddy-recipe-XXXXXX", text[64] = {0};
	AUTO(out_closep) struct out *o = out_to_fd(to);
	struct recipe_writer *w = recipe_writer_new(fd);
	AUTO_CLOSE int tree = -EBADF;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	tree = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; steps[i][0]; i++) {
		const char *name = steps[i][0], *content = steps[i][1];
		AUTO_CLOSE int old = openat(tree, name, O_RDONLY | O_CLOEXEC), f = -EBADF;

		if (old >= 0) {
			assert_int_equal(fstat(old, &st), 0);
			recipe_lost(w, name, old, (uint64_t)st.st_size);
			assert_int_equal(unlinkat(tree, name, 0), 0);
		}
		f = openat(tree, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		recipe_raw(w, "-", 1);
		recipe_file(w, name, strlen(content));
		assert_int_equal(write_full(f, content, strlen(content)), 0);
	}
	assert_int_equal(write_full(more, "x", 1), 0);
	assert_int_equal(lseek(more, 0, SEEK_SET), 0);
	recipe_lost(w, "c", more, 1);
	assert_true(recipe_end(w));
	recipe_writer_free(w);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(recipe_make(fd, tree, -EBADF, o), 0);
	assert_int_equal(lseek(to, 0, SEEK_SET), 0);
	assert_true(read(to, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "-one-other-second-the third");
	assert_int_equal(unlinkat(tree, "a", 0), 0);
	assert_int_equal(unlinkat(tree, "b", 0), 0);
	assert_int_equal(rmdir(dir), 0);

	/* More than all files have: somebody makes us copy one again and again. */
	w = recipe_writer_new(to);
	recipe_file(w, "a", 1);
	assert_int_equal(lseek(more, 0, SEEK_SET), 0);
	recipe_lost(w, "a", more, 1);
	recipe_lost(w, "a", more, 1);
	assert_false(recipe_end(w));
	recipe_writer_free(w);
}

static void what_was_declared_void_has_no_recipe(void **state)
{
	AUTO_CLOSE int fd = memfd_create("recipe", MFD_CLOEXEC);
	struct recipe_writer *w = recipe_writer_new(fd);

	(void)state;
	recipe_raw(w, "x", 1);
	recipe_void(w);
	assert_false(recipe_end(w));
	recipe_writer_free(w);
	recipe_raw(NULL, "x", 1);
	recipe_file(NULL, "x", 1);
	assert_false(recipe_end(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_archive_is_made_again_byte_for_byte),
		cmocka_unit_test(a_changed_tree_or_recipe_is_an_error),
		cmocka_unit_test(replaced_content_is_in_the_recipe),
		cmocka_unit_test(what_was_declared_void_has_no_recipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

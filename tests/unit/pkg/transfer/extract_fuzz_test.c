/* SPDX-License-Identifier: MIT */
/*
 * threats: Z01, Z02. Random archives read, and extracted without the sandbox around: what surrounds the tree stays
 * as it is, whatever the names and links say; and every byte of an archive is accounted for, since the recipe and the
 * tree together make it again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/archive/feed.h"
#include "pkg/archive/recipe.h"
#include "pkg/archive/tar.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rmtree.h"
#include "pkg/transfer/extract.h"
#include "tests/unit/fuzz.h"

static void tell_recipe(void *data, const void *p, size_t n)
{
	recipe_raw(data, p, n);
}

static char top[64];
static int around = -EBADF;

/* --- archives ---------------------------------------------------------------------------------- */

static const char *const names[] = {"a",
				    "b",
				    "a/b",
				    "a/b/c",
				    "l",
				    "l/n",
				    "l/victim",
				    "../x",
				    "/x",
				    "a/../../victim",
				    "./",
				    "",
				    ".",
				    "a/..",
				    "/",
				    ".wh.a",
				    "a/.wh..wh..opq",
				    ".wh..",
				    ".wh...",
				    ".wh.",
				    "a/.wh.b",
				    "d/d/d",
				    "l/../victim",
				    "..//..",
				    "a//b///c",
				    "victim",
				    "victim/f",
				    "../victim/f",
				    "l/f",
				    "\xff\xfe",
				    "d"};
static const char *const targets[] = {
	"/", "..",      "../..", "../victim", "../victim/f",           "a",  "b", "l", "/a",
	".", "d/../..", "a/b",   "",          "../../../../../../tmp", "l/f"};
static const char types[] = "0000025551112346\0xgLKSVD7";

static void number(char *field, size_t n, uint64_t v)
{
	for (field[n - 1] = '\0'; n-- > 1; v >>= 3)
		field[n - 1] = (char)('0' + (v & 7));
}

static void sum_up(unsigned char *h)
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += h[i];
	(void)snprintf((char *)h + 148, 7, "%06o", sum & 0777777);
}

static void add_entry(struct fuzz *f, struct sbuf *out)
{
	static const char *const pax[] = {"18 path=../victim\n",
					  "13 path=a/b\n",
					  "19 linkpath=../..\n",
					  "17 size=99999999\n",
					  "12 uid=4e9\n",
					  "9999 k=v\n",
					  "11 size=1\n",
					  "22 mtime=-1.999999999\n",
					  "3 x\n"};
	static const char zero[512];
	char content[1200];
	union {
		unsigned char b[512];
		char c[512];
	} h = {{0}};
	char type = types[fuzz_below(f, sizeof(types) - 1)];
	size_t n = type == '0' || type == '\0'
			   ? fuzz_below(f, fuzz_one_in(f, 3) ? sizeof(content) : 8)
			   : 0;

	memset(content, 'c', sizeof(content));
	if (strchr("xg", type) && type) {
		n = strlen(pax[fuzz_below(f, ARRAY_LEN(pax))]);
		for (size_t i = 0; i < ARRAY_LEN(pax); i++)
			if (strlen(pax[i]) == n)
				memcpy(content, pax[i], n);
	} else if (strchr("LK", type) && type) {
		const char *name = names[fuzz_below(f, ARRAY_LEN(names))];

		n = strlen(name) + fuzz_below(f, 2);
		memcpy(content, name, strlen(name) + 1);
	}
	(void)snprintf(h.c, 100, "%s", names[fuzz_below(f, ARRAY_LEN(names))]);
	number(h.c + 100, 8, fuzz_one_in(f, 4) ? fuzz_below(f, 010000) : 0755);
	number(h.c + 108, 8, fuzz_one_in(f, 8) ? fuzz_below(f, 07777777) : 0);
	number(h.c + 116, 8, 0);
	number(h.c + 124, 12, fuzz_one_in(f, 40) ? fuzz_word(f) >> 31 : n);
	number(h.c + 136, 12, 1600000000);
	h.c[156] = type;
	(void)snprintf(h.c + 157, 100, "%s", targets[fuzz_below(f, ARRAY_LEN(targets))]);
	memcpy(h.c + 257, "ustar\00000", 8);
	if (fuzz_one_in(f, 30))
		h.b[fuzz_below(f, 512)] = (unsigned char)fuzz_word(f);
	if (!fuzz_one_in(f, 60))
		sum_up(h.b);
	sbuf_add(out, h.b, 512);
	sbuf_add(out, content, n);
	sbuf_add(out, zero, (512 - n % 512) % 512);
}

static void make_archive(struct fuzz *f, struct sbuf *out)
{
	static const char zero[1024];

	sbuf_reset(out);
	for (size_t i = 1 + fuzz_below(f, 12); i > 0; i--)
		add_entry(f, out);
	if (!fuzz_one_in(f, 10))
		sbuf_add(out, zero, sizeof(zero));
	if (fuzz_one_in(f, 10))
		out->len = fuzz_below(f, out->len + 1);
	if (fuzz_one_in(f, 20))
		sbuf_add(out, "what follows", 12);
}

/* --- the reader -------------------------------------------------------------------------------- */

static bool has_up(const char *p)
{
	for (; *p; p += strcspn(p, "/"), p += strspn(p, "/"))
		if (strncmp(p, "..", 2) == 0 && (!p[2] || p[2] == '/'))
			return true;
	return false;
}

/* Return: the verdict, and how many entries and bytes there were before it. */
static int read_archive(const struct sbuf *b, uint64_t *entries, uint64_t *bytes)
{
	struct feed *f = feed_new(stream_from_memory(b->s, b->len), false);
	struct tar *t = tar_new(f);
	const unsigned char *p;
	struct tar_entry e;
	ssize_t n;
	int r;

	*entries = *bytes = 0;
	while ((r = tar_next(t, &e)) == 1) {
		uint64_t got = 0;

		(*entries)++;
		assert_in_range(strlen(e.path), 0, TAR_PATH_MAX);
		assert_true(*e.path != '/' && !has_up(e.path));
		if (e.type == TAR_HARDLINK)
			assert_true(*e.link != '/' && !has_up(e.link));
		assert_true(e.uid <= TAR_ID_MAX && e.gid <= TAR_ID_MAX && e.mode <= 07777);
		assert_true(e.type == TAR_FILE || e.size == 0);
		if (*entries % 3 == 0)
			continue; /* content that nobody reads is passed over */
		while ((n = tar_content(t, &p)) > 0)
			got += (uint64_t)n;
		if (n < 0) {
			r = (int)n;
			break;
		}
		assert_int_equal(got, e.size);
		*bytes += got;
	}
	if (r == 0)
		r = tar_drain(t);
	assert_in_range(*bytes, 0, b->len);
	tar_free(t);
	feed_free(f);
	err_drop();
	return r;
}

static void archives_are_read_to_one_verdict(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	struct fuzz f;
	unsigned good = 0;

	(void)state;
	for (fuzz_begin(&f, "tar", 20000); fuzz_more(&f);) {
		uint64_t entries, bytes, entries2, bytes2;
		int r;

		make_archive(&f, &in);
		r = read_archive(&in, &entries, &bytes);
		assert_int_equal(read_archive(&in, &entries2, &bytes2), r);
		assert_true(entries == entries2 && bytes == bytes2);
		good += r == 0;
	}
	assert_true(good > f.done / 50); /* else nothing was looked at */
}

/* --- onto disk --------------------------------------------------------------------------------- */

static int make_top(void **state)
{
	AUTO_CLOSE int victim = -EBADF;

	(void)state;
	strcpy(top, "/tmp/cuddy-extract-XXXXXX");
	assert_non_null(mkdtemp(top));
	around = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(around, "victim", 0751), 0);
	victim = openat(around, "victim", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_replace(victim, "f", "canary", 6, 0640, FILE_NO_SYNC), 0);
	assert_int_equal(file_replace(around, "x", "canary", 6, 0640, FILE_NO_SYNC), 0);
	return 0;
}

static int drop_top(void **state)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	close(around);
	return rmtree(tmp, top + strlen("/tmp/"));
}

static void add_stat(struct sbuf *out, int dir, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	sbuf_addf(out, "%s %o %u %u %llu %llu %lld.%ld %lld.%ld\n", name, st.st_mode, st.st_uid,
		  st.st_gid, (unsigned long long)st.st_nlink, (unsigned long long)st.st_size,
		  (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
		  st.st_ctim.tv_nsec);
}

/* Everything around the tree but the directory's own times, which the tree's coming and going moves. */
static void picture(struct sbuf *out)
{
	AUTO_CLOSE int victim = openat(around, "victim",
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = opendir(top);

	sbuf_reset(out);
	assert_true(victim >= 0 && d);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.' && strcmp(e->d_name, "tree") != 0 &&
		    strcmp(e->d_name, "victim") != 0)
			add_stat(out, around, e->d_name);
	closedir(d);
	add_stat(out, victim, ".");
	add_stat(out, victim, "f");
	assert_int_equal(file_read_at(victim, "f", 64, out), 0);
	assert_int_equal(file_read_at(around, "x", 64, out), 0);
}

static int extract_archive(const struct sbuf *in, int tree, struct recipe_writer *recipe)
{
	struct extract_options o = {.max_entries = 1000, .file_marks = true, .single_id = true};
	struct feed *feed = feed_new(stream_from_memory(in->s, in->len), false);
	struct tar *t = tar_new(feed);
	struct extract x;
	int r;

	extract_init(&x, tree, &o);
	x.recipe = recipe;
	tar_on_framing(t, tell_recipe, recipe);
	r = extract_all(&x, t);
	extract_done(&x);
	tar_free(t);
	feed_free(feed);
	err_drop();
	return r;
}

static void assert_made_again(int recipe, int tree, const struct sbuf *in)
{
	AUTO_CLOSE int again = memfd_create("again", MFD_CLOEXEC);
	AUTO(out_closep) struct out *o = out_to_fd(again);
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	assert_int_equal(lseek(recipe, 0, SEEK_SET), 0);
	assert_int_equal(recipe_make(recipe, tree, -EBADF, o), 0);
	assert_int_equal(out_finish(o), 0);
	assert_int_equal(lseek(again, 0, SEEK_SET), 0);
	assert_int_equal(file_read_fd(again, 1 << 24, &text), 0);
	assert_int_equal(text.len, in->len);
	assert_memory_equal(text.s, in->s, in->len);
}

static void nothing_around_the_tree_changes(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT, before = SBUF_INIT, after = SBUF_INIT;
	unsigned good = 0, again = 0;
	struct fuzz f;

	(void)state;
	(void)umask(0);
	picture(&before);
	for (fuzz_begin(&f, "extract", 1500); fuzz_more(&f);) {
		AUTO_CLOSE int recipe = memfd_create("recipe", MFD_CLOEXEC), tree = -EBADF;
		struct recipe_writer *w = recipe_writer_new(recipe);
		int r;

		assert_int_equal(mkdirat(around, "tree", 0755), 0);
		tree = openat(around, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		make_archive(&f, &in);
		r = extract_archive(&in, tree, w);
		picture(&after);
		assert_string_equal(after.s, before.s);
		good += r == 0;
		if (r == 0 && recipe_end(w)) {
			again++;
			assert_made_again(recipe, tree, &in);
		}
		recipe_writer_free(w);
		assert_int_equal(rmtree(around, "tree"), 0);
	}
	assert_true(good > f.done / 50 && again * 10 > good * 9);
}

static void write_file(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	(void)write_full(fd, text, strlen(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archives_are_read_to_one_verdict),
		cmocka_unit_test_setup_teardown(nothing_around_the_tree_changes, make_top,
						drop_top),
	};
	unsigned uid = getuid(), gid = getgid();
	char map[64];

	if (unshare(CLONE_NEWUSER) == 0) {
		write_file("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "0 %u 1", uid);
		write_file("/proc/self/uid_map", map);
		(void)snprintf(map, sizeof(map), "0 %u 1", gid);
		write_file("/proc/self/gid_map", map);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* A directory made here, as tar. threats: C05, L05 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/archive/feed.h"
#include "pkg/archive/tree_put.h"
#include "pkg/archive/tree_tar.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/sys/rmtree.h"

struct place {
	char dir[64];
	int fd, top;
};

static int setup(void **state)
{
	static struct place p;

	(void)snprintf(p.dir, sizeof(p.dir), "/var/tmp/tree_tar.XXXXXX");
	if (!mkdtemp(p.dir))
		return -1;
	p.top = open("/var/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p.fd = open(p.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	int r = rmtree(p->top, p->dir + strlen("/var/tmp/"));

	(void)close(p->fd);
	(void)close(p->top);
	return r;
}

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

/* One line for each entry: type, path, link, size of its content, attributes. */
static void listing(int dir, const struct tree_tar_options *o, struct sbuf *ret,
		    struct tree_tar_result *res)
{
	FILE *tmp = tmpfile();
	struct out *out = out_to_fd(fileno(tmp));
	struct tar_entry e;
	struct feed *f;
	struct tar *t;
	int r;

	assert_int_equal(tree_tar(dir, out, NULL, o, res), 0);
	out_close(out);
	(void)lseek(fileno(tmp), 0, SEEK_SET);
	f = feed_new(stream_from_fd(fileno(tmp)), false);
	t = tar_new(f);
	while ((r = tar_next(t, &e)) == 1) {
		sbuf_addf(ret, "%c %s", "fhlcbdp"[e.type], *e.path ? e.path : ".");
		if (e.type == TAR_HARDLINK || e.type == TAR_SYMLINK)
			sbuf_addf(ret, " > %s", e.link);
		if (e.type == TAR_FILE)
			sbuf_addf(ret, " %d", (int)e.size);
		for (unsigned i = 0; i < e.n_xattrs; i++)
			sbuf_addf(ret, " %s", e.xattrs[i].name);
		sbuf_addc(ret, '\n');
	}
	assert_int_equal(r, 0);
	tar_free(t);
	feed_free(f);
	(void)fclose(tmp);
}

static void all_kinds_of_files_in_byte_order(void **state)
{
	struct place *p = *state;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct tree_tar_result res;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(mkdirat(p->fd, "d", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "d/sub", 0700), 0);
	put(p->fd, "d/f", "content");
	put(p->fd, "B", "");
	put(p->fd, "d.x", "x");
	assert_int_equal(linkat(p->fd, "d/f", p->fd, "z", 0), 0);
	assert_int_equal(linkat(p->fd, "d/f", p->fd, "C", 0), 0);
	assert_int_equal(symlinkat("/nowhere", p->fd, "l"), 0);
	assert_int_equal(linkat(p->fd, "l", p->fd, "l2", 0), 0);
	assert_int_equal(mkfifoat(p->fd, "p", 0644), 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", p->dir);
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)close(s);
	listing(p->fd, NULL, &b, &res);
	assert_string_equal(b.s, "d .\nf B 0\nf C 7\nd d\nh d/f > C\nd d/sub\nf d.x 1\n"
				 "l l > /nowhere\nh l2 > l\np p\nh z > C\n");
	assert_int_equal(res.entries, 11);
	assert_int_equal(res.bytes, 8);
	assert_int_equal(res.sockets, 1);
	assert_int_equal(res.changed, 0);
}

/* images: S19 */
static void an_upper_directory_becomes_a_layer(void **state)
{
	const struct tree_tar_options o = {.overlay = true}, merged = {0};
	struct place *p = *state;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_SBUF struct sbuf plain = SBUF_INIT;
	struct tree_tar_result res;
	int d;

	assert_int_equal(mkdirat(p->fd, "d", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "d/opaque", 0755), 0);
	put(p->fd, "d/opaque/new", "1");
	put(p->fd, ".wh.forged", "");
	put(p->fd, "d/.wh..wh..opq", "");
	put(p->fd, "white", "");
	put(p->fd, "attr", "");
	assert_int_equal(mknodat(p->fd, "gone", S_IFCHR, 0), 0);
	assert_int_equal(linkat(p->fd, "gone", p->fd, "d/gone", 0), 0);
	d = openat(p->fd, "d/opaque", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(d, "user.overlay.opaque", "y", 1, 0), 0);
	assert_int_equal(fsetxattr(d, "user.overlay.origin", "zzz", 3, 0), 0);
	(void)close(d);
	d = openat(p->fd, "attr", O_RDWR | O_CLOEXEC);
	assert_int_equal(fsetxattr(d, "user.mine", "y", 1, 0), 0);
	assert_int_equal(fsetxattr(d, "user.a", "y", 1, 0), 0);
	assert_int_equal(fsetxattr(d, "user.fuseoverlayfs.x", "y", 1, 0), 0);
	assert_int_equal(fsetxattr(d, "user.cuddy.owner", "1:2:4755", 8, 0), 0);
	(void)close(d);
	d = openat(p->fd, "white", O_RDWR | O_CLOEXEC);
	assert_int_equal(fsetxattr(d, "user.overlay.whiteout", "", 0, 0), 0);
	(void)close(d);
	listing(p->fd, &o, &b, &res);
	assert_string_equal(b.s, "d .\nf attr 0 user.a user.mine\nd d\nf d/.wh.gone 0\nd d/opaque\n"
				 "f d/opaque/.wh..wh..opq 0\nf d/opaque/new 1\nf .wh.gone 0\n"
				 "f .wh.white 0\n");
	assert_int_equal(res.unnameable, 2);
	listing(p->fd, &merged, &plain, &res);
	assert_non_null(strstr(plain.s, "f .wh.forged 0\n"));
	assert_null(strstr(plain.s, "gone 0"));
	assert_null(strstr(plain.s, "overlay"));
}

/* Overlay's marks and files in their place give the same archive, so the same digest. */
static void marks_that_are_files_say_the_same(void **state)
{
	const struct tree_tar_options o = {.overlay = true, .file_marks = true};
	struct place *p = *state;
	AUTO_SBUF struct sbuf devices = SBUF_INIT;
	AUTO_SBUF struct sbuf files = SBUF_INIT;
	struct tree_tar_result res;
	int d;

	assert_int_equal(mkdirat(p->fd, "d", 0755), 0);
	put(p->fd, "d/new", "1");
	put(p->fd, "a", "");
	put(p->fd, "h", "");
	assert_int_equal(mknodat(p->fd, "gone", S_IFCHR, 0), 0);
	d = openat(p->fd, "d", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(d, "user.overlay.opaque", "y", 1, 0), 0);
	listing(p->fd, &o, &devices, &res);
	assert_int_equal(unlinkat(p->fd, "gone", 0), 0);
	put(p->fd, ".wh.gone", "");
	assert_int_equal(fremovexattr(d, "user.overlay.opaque"), 0);
	put(d, ".wh..wh..opq", "");
	put(d, ".wh..opq", ""); /* fuse-overlayfs's own */
	(void)close(d);
	listing(p->fd, &o, &files, &res);
	assert_string_equal(devices.s, "d .\nf a 0\nd d\nf d/.wh..wh..opq 0\nf d/new 1\n"
				       "f .wh.gone 0\nf h 0\n");
	assert_string_equal(devices.s, files.s);
	assert_int_equal(res.unnameable, 0);
}

static void owners_are_those_of_the_container(void **state)
{
	struct place *p = *state;
	const struct tree_ids own = {.inside = 70000, .outside = 0, .count = 1U << 31};
	const struct tree_ids other = {.inside = 0, .outside = getuid() + 1, .count = 5};
	const struct tree_tar_options o = {.uids = &own, .n_uids = 1, .gids = &other, .n_gids = 1};
	struct tree_tar_result res;
	struct tar_entry e;
	FILE *tmp = tmpfile();
	struct out *out = out_to_fd(fileno(tmp));
	struct feed *f;
	struct tar *t;

	put(p->fd, "f", "1");
	assert_int_equal(tree_tar(p->fd, out, NULL, &o, &res), 0);
	out_close(out);
	(void)lseek(fileno(tmp), 0, SEEK_SET);
	f = feed_new(stream_from_fd(fileno(tmp)), false);
	t = tar_new(f);
	assert_int_equal(tar_next(t, &e), 1);
	assert_int_equal(e.uid, 70000 + getuid());
	assert_int_equal(e.gid, 65534);
	tar_free(t);
	feed_free(f);
	(void)fclose(tmp);
}

static void what_extraction_recorded_counts_with_one_id(void **state)
{
	struct place *p = *state;
	const struct tree_tar_options o = {.single_id = true};
	/* As large as they may be: other engines give ids of ten digits. */
	const struct tar_entry large = {.uid = 1000650000, .gid = TAR_ID_MAX, .mode = 02755};
	struct tree_tar_result res;
	struct tar_entry e;
	FILE *tmp = tmpfile();
	struct out *out = out_to_fd(fileno(tmp));
	struct feed *f;
	struct tar *t;
	int d;

	put(p->fd, "f", "1");
	put(p->fd, "g", "2");
	d = openat(p->fd, "f", O_RDWR | O_CLOEXEC);
	assert_int_equal(fsetxattr(d, "user.cuddy.owner", "33:44:4750", 10, 0), 0);
	(void)close(d);
	d = openat(p->fd, "g", O_RDWR | O_CLOEXEC);
	assert_int_equal(tree_record_owner(d, &large), 0);
	(void)close(d);
	assert_int_equal(tree_tar(p->fd, out, NULL, &o, &res), 0);
	out_close(out);
	(void)lseek(fileno(tmp), 0, SEEK_SET);
	f = feed_new(stream_from_fd(fileno(tmp)), false);
	t = tar_new(f);
	assert_int_equal(tar_next(t, &e), 1);
	assert_int_equal(tar_next(t, &e), 1);
	assert_int_equal(e.uid, 33);
	assert_int_equal(e.gid, 44);
	assert_int_equal(e.mode, 04750);
	assert_int_equal(e.n_xattrs, 0);
	assert_int_equal(tar_next(t, &e), 1);
	assert_int_equal(e.uid, large.uid);
	assert_int_equal(e.gid, large.gid);
	assert_int_equal(e.mode, large.mode);
	tar_free(t);
	feed_free(f);
	(void)fclose(tmp);
}

/* images: S5 */
static void implied_directories_have_no_entry(void **state)
{
	struct place *p = *state;
	AUTO_STRV struct strv implied = STRV_INIT;
	struct tree_tar_options o = {.overlay = true, .implied = &implied};
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct tree_tar_result res;

	assert_int_equal(mkdirat(p->fd, "usr", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "usr/bin", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "usr/lib", 0755), 0);
	put(p->fd, "usr/bin/x", "");
	strv_add(&implied, ".");
	strv_add(&implied, "usr");
	strv_add(&implied, "usr/bin");
	listing(p->fd, &o, &b, &res);
	assert_string_equal(b.s, "f usr/bin/x 0\nd usr/lib\n");
}

static void the_same_tree_gives_the_same_digest(void **state)
{
	struct place *p = *state;
	struct out_digest a, b;
	struct tree_tar_result res;
	struct out *o;
	char name[32];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i * 7919 % 300);
		put(p->fd, name, name);
	}
	o = out_digest(out_to_nothing(), &a);
	assert_int_equal(tree_tar(p->fd, o, NULL, NULL, &res), 0);
	out_close(o);
	o = out_digest(out_to_nothing(), &b);
	assert_int_equal(tree_tar(p->fd, o, NULL, NULL, &res), 0);
	out_close(o);
	assert_string_equal(a.hex, b.hex);
	assert_int_equal(a.bytes, (1 + 300 * 2 + 2) * 512);
}

static void too_deep_is_an_error(void **state)
{
	struct place *p = *state;
	struct tree_tar_result res;
	struct out *o = out_to_nothing();
	int fd = dup(p->fd);

	for (int i = 0; i < 260; i++) {
		int sub;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		sub = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(fd);
		fd = sub;
	}
	(void)close(fd);
	assert_int_equal(tree_tar(p->fd, o, NULL, NULL, &res), -CE_LIMIT);
	err_drop();
	out_close(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_kinds_of_files_in_byte_order, setup, teardown),
		cmocka_unit_test_setup_teardown(an_upper_directory_becomes_a_layer, setup,
						teardown),
		cmocka_unit_test_setup_teardown(marks_that_are_files_say_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(owners_are_those_of_the_container, setup, teardown),
		cmocka_unit_test_setup_teardown(what_extraction_recorded_counts_with_one_id, setup,
						teardown),
		cmocka_unit_test_setup_teardown(implied_directories_have_no_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_tree_gives_the_same_digest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(too_deep_is_an_error, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

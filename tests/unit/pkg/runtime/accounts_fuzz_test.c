/* SPDX-License-Identifier: MIT */
/*
 * threats: Z09. passwd and group of images, subuid and subgid of the host, on random and damaged lines: digits are
 * never a name, ids are in range, and who is found stands there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/runtime/base.h"
#include "pkg/runtime/user.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rmtree.h"
#include "tests/unit/fuzz.h"

#define ID_MAX 2147483647U

static const struct fuzz_text passwd[] = {
	FUZZ_TEXT("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:50::/home/user:/bin/sh\n1000:x:0:0::/"
		  ":\n"),
	FUZZ_TEXT("user:x:4294967295:50::/x:\nuser:x:2147483648:0:::\nuser:x:7:8::/seven:\n"),
	FUZZ_TEXT("\n::::::\nuser\nuser:x\nuser:x:\nuser:x:0x10:0::/:\nuser:x: 5:5::/:\n+::::::\n"),
	FUZZ_TEXT("user:x:-1:0::/:\nuser:x:+1:0::/:\nuser:x:1.0:0::/"
		  ":\nuser:x:5:99999999999999999999::/:\r\n"),
};
static const struct fuzz_text group[] = {
	FUZZ_TEXT("root:x:0:\nstaff:x:50:user,root\nextra:x:60:user\n50:x:0:user\n"),
	FUZZ_TEXT("staff:x:4294967295:user\nstaff:x:-2:\nstaff:x:2147483648:user\nstaff:x:51:,,"
		  "user,\n"),
	FUZZ_TEXT("staff:x:50:usera,auser,us er\nstaff\n:::\nx:y:z:user\n"),
};
static const struct fuzz_text words[] = {
	FUZZ_TEXT(":"), FUZZ_TEXT("\n"),          FUZZ_TEXT("\0"),         FUZZ_TEXT("user:"),
	FUZZ_TEXT("0"), FUZZ_TEXT("4294967296"),  FUZZ_TEXT("2147483647"), FUZZ_TEXT(","),
	FUZZ_TEXT("-"), FUZZ_TEXT("user:x:0:0:"), FUZZ_TEXT("#")};
static const char *const specs[] = {"",           "0",          "1000",        "user",
				    "user:staff", "user:50",    "1000:50",     "root:1",
				    "nosuch",     "4294967295", "4294967296",  "2147483648",
				    "2147483647", "-1",         "+1",          " 1",
				    "0x0",        "1:",         ":1",          "1:2:3",
				    "01",         "1e1",        "user:nosuch", "x\ny"};

static char top[64];
static int root = -EBADF;

static int make_root(void **state)
{

	(void)state;
	strcpy(top, "/tmp/cuddy-accounts-XXXXXX");
	assert_non_null(mkdtemp(top));
	root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(root, "etc", 0755), 0);
	return 0;
}

static int drop_root(void **state)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	close(root);
	return rmtree(tmp, top + strlen("/tmp/"));
}

/* Does some line of @text begin with "@name:anything:@id:"? */
static bool stands_there(const struct sbuf *text, const char *name, uint32_t id)
{
	for (const char *l = text->s; l && *l; l = strchr(l, '\n'), l = l ? l + 1 : NULL) {
		const char *p = l + strlen(name), *colon, *end;
		unsigned long long v = 0;

		if (strncmp(l, name, strlen(name)) != 0 || *p != ':')
			continue;
		colon = strpbrk(p + 1, ":\n");
		if (!colon || *colon != ':')
			continue;
		for (end = colon + 1; isdigit((unsigned char)*end) && end - colon < 12; end++)
			v = v * 10 + (unsigned)(*end - '0');
		if (end > colon + 1 && (*end == ':' || *end == '\n' || !*end) && v == id)
			return true;
	}
	return false;
}

static bool all_digits(const char *s, size_t n)
{
	return n && strspn(s, "0123456789") >= n;
}

static void check_result(const char *spec, const struct sbuf *pw, const struct sbuf *gr,
			 const struct rt_ids *ids)
{
	size_t n = strcspn(spec, ":");
	const char *g = spec[n] ? spec + n + 1 : NULL;
	bool has_primary = false;
	char name[64];

	(void)snprintf(name, sizeof(name), "%.*s", (int)n, spec);
	assert_true(ids->uid <= ID_MAX && ids->gid <= ID_MAX);
	assert_true(*ids->home == '/');
	if (all_digits(name, n))
		assert_int_equal(ids->uid, strtoull(name, NULL, 10));
	else if (*name && strcmp(name, "root") != 0)
		assert_true(stands_there(pw, name, ids->uid));
	else
		assert_true(ids->uid == 0 || stands_there(pw, name, ids->uid));
	if (g && all_digits(g, strlen(g)))
		assert_int_equal(ids->gid, strtoull(g, NULL, 10));
	else if (g)
		assert_true(stands_there(gr, g, ids->gid));
	for (unsigned i = 0; i < ids->n_groups; i++) {
		assert_in_range(ids->groups[i], 0, ID_MAX);
		has_primary = has_primary || ids->groups[i] == ids->gid;
		for (unsigned k = 0; k < i; k++)
			assert_true(ids->groups[k] != ids->groups[i]);
	}
	assert_true(has_primary);
}

static void users_of_images_are_who_stands_there(void **state)
{
	AUTO_SBUF struct sbuf pw = SBUF_INIT, gr = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "accounts", 1500); fuzz_more(&f);) {
		fuzz_mutate(&f, passwd, ARRAY_LEN(passwd), words, ARRAY_LEN(words), &pw);
		fuzz_mutate(&f, group, ARRAY_LEN(group), words, ARRAY_LEN(words), &gr);
		assert_int_equal(file_replace(root, "etc/passwd", pw.s, pw.len, 0644, FILE_NO_SYNC),
				 0);
		assert_int_equal(file_replace(root, "etc/group", gr.s, gr.len, 0644, FILE_NO_SYNC),
				 0);
		for (int i = 0; i < 3; i++) {
			const char *spec = specs[fuzz_below(&f, ARRAY_LEN(specs))];
			struct rt_process p = {.user = spec};
			struct rt_ids ids = {0};

			if (user_resolve(root, &p, &ids) == 0) {
				good++;
				check_result(spec, &pw, &gr, &ids);
				free(ids.groups);
				free(ids.home);
			} else {
				assert_true(*err_trail() && !ids.groups && !ids.home);
			}
			err_drop();
		}
	}
	assert_true(good > f.done / 20);
}

/* What a line grants: not id 0, not ours, nothing twice, nothing beyond the last id; else an error that says where. */
static void ranges_of_the_host_are_disjoint_and_nobody_elses(void **state)
{
	static const struct fuzz_text lines[] = {
		FUZZ_TEXT("me:100000:65536\nother:165536:65536\n"),
		FUZZ_TEXT("4711:100000:65536\n4711:300000:10\n4711:310000:1\n"),
		FUZZ_TEXT("x:1:1\n# 4711:1:1\n4711:4294967290:5\n"),
		FUZZ_TEXT("4711:200000:0\n\n4711:200000:65536\n471:1:9\n47111:5:5\n"),
		FUZZ_TEXT("4711:5000:65536"),
	};
	static const struct fuzz_text parts[] = {FUZZ_TEXT("4711:"),
						 FUZZ_TEXT(":"),
						 FUZZ_TEXT("\n"),
						 FUZZ_TEXT("0"),
						 FUZZ_TEXT("4711:4700:20\n"),
						 FUZZ_TEXT("4294967295"),
						 FUZZ_TEXT("4294967296"),
						 FUZZ_TEXT("\r"),
						 FUZZ_TEXT("-1"),
						 FUZZ_TEXT(" "),
						 FUZZ_TEXT("4711:0:9\n"),
						 FUZZ_TEXT("\0")};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned good = 0, bad = 0;
	char file[96];
	struct fuzz f;

	(void)state;
	if (geteuid() != 4711)
		skip(); /* no namespace to put other files into */
	(void)snprintf(file, sizeof(file), "%s/subid", top);
	for (fuzz_begin(&f, "subids", 600); fuzz_more(&f);) {
		AUTO_CLOSE int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);
		struct base_grant g = {0};

		fuzz_mutate(&f, lines, ARRAY_LEN(lines), parts, ARRAY_LEN(parts), &in);
		assert_int_equal(write_full(fd, in.s, in.len), 0);
		base_grant_forget();
		if (base_grant_load(&g) < 0) {
			bad++;
			assert_non_null(strstr(err_trail(), "line"));
			err_drop();
			continue;
		}
		good += g.n_uids > 0;
		for (unsigned i = 0; i < g.n_uids; i++) {
			const struct subid_range *r = &g.uids[i];
			uint64_t end = (uint64_t)r->start + r->count;

			assert_true(r->start > 0 && r->count > 0 && end <= UINT32_MAX);
			assert_true(r->start > 4711 || end <= 4711);
			for (unsigned k = 0; k < i; k++)
				assert_true(end <= g.uids[k].start ||
					    r->start >=
						    (uint64_t)g.uids[k].start + g.uids[k].count);
		}
		base_grant_done(&g);
	}
	assert_true(good > f.done / 20 && bad > f.done / 20);
}

static int write_to(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : write_full(fd, text, strlen(text));
}

/* As user 4711 of a namespace in which the host's files are one of ours. */
static int other_files(void **state)
{
	unsigned uid = getuid(), gid = getgid();
	char map[64], file[96];
	AUTO_CLOSE int fd = -EBADF;

	make_root(state);
	(void)snprintf(file, sizeof(file), "%s/subid", top);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 0;
	(void)write_to("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "4711 %u 1", uid);
	(void)write_to("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "4711 %u 1", gid);
	(void)write_to("/proc/self/gid_map", map);
	if (mount(file, "/etc/subuid", NULL, MS_BIND, NULL) < 0 ||
	    mount(file, "/etc/subgid", NULL, MS_BIND, NULL) < 0)
		return -1;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(users_of_images_are_who_stands_there, make_root,
						drop_root),
		cmocka_unit_test_setup_teardown(ranges_of_the_host_are_disjoint_and_nobody_elses,
						other_files, drop_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

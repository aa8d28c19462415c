/* SPDX-License-Identifier: MIT */
/*
 * threats: Z18. Words of strangers on their way to other programs: names of credential helpers, servers, repositories.
 * A helper that is ours notes down what it was started as and told; nothing else is ever started.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/plan.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/build/remote.h"
#include "pkg/config/credential_helper.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rmtree.h"
#include "tests/unit/fuzz.h"

static char top[64];
static int dir = -EBADF;

static void add_program(const char *name, const char *script)
{
	AUTO_CLOSE int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write_full(fd, script, strlen(script)), 0);
}

static int make_programs(void **state)
{
	static char note[256], path[256];

	(void)state;
	strcpy(top, "/tmp/cuddy-programs-XXXXXX");
	assert_non_null(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(note, sizeof(note),
		       "#!/bin/sh\nprintf '%%s\\n' \"$#\" \"$1\" >%s/args\ncat >%s/stdin\necho "
		       "'{\"Username\":\"u\",\"Secret\":\"s\"}'\n",
		       top, top);
	add_program("docker-credential-ours", note);
	(void)snprintf(note, sizeof(note), "#!/bin/sh\necho >%s/ran\n", top);
	add_program("wrong", note);
	add_program("touch", note);
	(void)snprintf(path, sizeof(path), "%s:/usr/bin:/bin", top);
	setenv("PATH", path, 1);
	return 0;
}

static int drop_programs(void **state)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	close(dir);
	return rmtree(tmp, top + strlen("/tmp/"));
}

static const struct fuzz_text names[] = {FUZZ_TEXT("ours"),       FUZZ_TEXT("../wrong"),
					 FUZZ_TEXT("-x"),         FUZZ_TEXT("ours; touch x"),
					 FUZZ_TEXT("$(touch x)"), FUZZ_TEXT("ours\nwrong"),
					 FUZZ_TEXT("OURS"),       FUZZ_TEXT("ours get")};
static const struct fuzz_text servers[] = {
	FUZZ_TEXT("r.example"), FUZZ_TEXT("https://r.example:5000/v2/"),
	FUZZ_TEXT("-get"),      FUZZ_TEXT("--help"),
	FUZZ_TEXT("a\nb"),      FUZZ_TEXT("`touch x`"),
	FUZZ_TEXT("a b;c|d&e")};
static const struct fuzz_text words[] = {
	FUZZ_TEXT("-"), FUZZ_TEXT(" "), FUZZ_TEXT("\n"), FUZZ_TEXT("/"),  FUZZ_TEXT(".."),
	FUZZ_TEXT("'"), FUZZ_TEXT(";"), FUZZ_TEXT("$("), FUZZ_TEXT("\r"), FUZZ_TEXT("\x01")};

static void only_the_named_helper_is_asked_and_told_over_stdin(void **state)
{
	AUTO_SBUF struct sbuf name = SBUF_INIT, server = SBUF_INIT, text = SBUF_INIT;
	unsigned asked = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "helpers", 400); fuzz_more(&f);) {
		AUTO(credential_done) struct credential c = {0};
		int r;

		if (fuzz_one_in(&f, 2)) {
			sbuf_reset(&name);
			sbuf_adds(&name, "ours");
		} else {
			fuzz_mutate(&f, names, ARRAY_LEN(names), words, ARRAY_LEN(words), &name);
		}
		fuzz_mutate(&f, servers, ARRAY_LEN(servers), words, ARRAY_LEN(words), &server);
		(void)unlinkat(dir, "args", 0);
		(void)unlinkat(dir, "stdin", 0);
		r = helper_get(name.s, server.s, &c);
		err_drop();
		assert_int_equal(faccessat(dir, "ran", F_OK, 0), -1);
		if (faccessat(dir, "args", F_OK, 0) < 0) {
			assert_true(r < 0 || !c.user);
			continue;
		}
		asked++;
		assert_string_equal(name.s, "ours");
		sbuf_reset(&text);
		assert_int_equal(file_read_at(dir, "args", 4096, &text), 0);
		assert_string_equal(text.s, "1\nget\n");
		/* One line is one server: what has two was not asked about. */
		sbuf_reset(&text);
		assert_int_equal(file_read_at(dir, "stdin", FUZZ_INPUT_MAX, &text), 0);
		sbuf_trim_end(&text, "\n");
		assert_null(strchr(text.s, '\n'));
		assert_string_equal(text.s, server.s);
	}
	assert_true(asked > f.done / 10);
}

static void words_for_git_are_no_options(void **state)
{
	static const struct fuzz_text corpus[] = {
		FUZZ_TEXT("https://h.example/r.git#main:sub/dir"),
		FUZZ_TEXT("git://h/r#v1.0"),
		FUZZ_TEXT("http://h/r.git"),
		FUZZ_TEXT("ext::sh -c touch%20x"),
		FUZZ_TEXT("--upload-pack=touch x"),
		FUZZ_TEXT("file:///etc#main"),
		FUZZ_TEXT("https://h/r.git#--exec=x"),
		FUZZ_TEXT("https://h/r.git#a:../.."),
		FUZZ_TEXT("git@h:r.git"),
	};
	static const struct fuzz_text parts[] = {
		FUZZ_TEXT("#"),     FUZZ_TEXT(":"),    FUZZ_TEXT("-"),
		FUZZ_TEXT(".."),    FUZZ_TEXT("/"),    FUZZ_TEXT("\n"),
		FUZZ_TEXT("ext::"), FUZZ_TEXT(".git"), FUZZ_TEXT("://")};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "git", 60000); fuzz_more(&f);) {
		enum remote_kind kind = REMOTE_NONE;
		struct git_source g = {0};

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), parts, ARRAY_LEN(parts), &in);
		if (remote_kind_of(in.s, &kind) == 0 && kind == REMOTE_GIT &&
		    git_source_parse(in.s, &g) == 0) {
			good++;
			assert_true(strncmp(g.url, "https://", 8) == 0 ||
				    strncmp(g.url, "http://", 7) == 0 ||
				    strncmp(g.url, "git://", 6) == 0);
			assert_true(*g.ref != '-' && !strpbrk(g.ref, " \n\t"));
			for (const char *p = g.subdir; *p;
			     p += strcspn(p, "/"), p += strspn(p, "/"))
				assert_true(strncmp(p, "..", 2) != 0 || (p[2] && p[2] != '/'));
		}
		git_source_done(&g);
		err_drop();
	}
	assert_true(good > f.done / 20);
}

static void options_of_slirp_are_numbers(void **state)
{
	static const struct fuzz_text corpus[] = {
		FUZZ_TEXT("allow_host_loopback=true,mtu=1500,cidr=10.0.3.0/24,enable_ipv6=true"),
		FUZZ_TEXT("mtu=65520"), FUZZ_TEXT("cidr=192.168.0.0/25")};
	static const struct fuzz_text parts[] = {
		FUZZ_TEXT(","), FUZZ_TEXT("="), FUZZ_TEXT("-"), FUZZ_TEXT("99999999999"),
		FUZZ_TEXT("/"), FUZZ_TEXT("0"), FUZZ_TEXT(" "), FUZZ_TEXT("--api-socket=/tmp/x"),
		FUZZ_TEXT("\n")};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "slirp", 60000); fuzz_more(&f);) {
		struct net_plan n = {0};

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), parts, ARRAY_LEN(parts), &in);
		if (net_plan_parse_slirp(in.s, &n) == 0) {
			good++;
			assert_true(n.mtu <= 65535 && n.prefix <= 32);
			assert_true(!n.prefix ||
				    (n.network & (uint32_t)((1ULL << (32 - n.prefix)) - 1)) == 0);
		}
		err_drop();
	}
	assert_true(good > f.done / 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_named_helper_is_asked_and_told_over_stdin,
						make_programs, drop_programs),
		cmocka_unit_test(words_for_git_are_no_options),
		cmocka_unit_test(options_of_slirp_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

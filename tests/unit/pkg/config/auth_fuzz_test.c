/* SPDX-License-Identifier: MIT */
/* Files of credentials and answers of their helpers, damaged in any way. */
/* threats: G11 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../fuzz.h"
#include "pkg/base/err.h"
#include "pkg/config/auth.h"
#include "pkg/config/credential_helper.h"

/* dTpw is u:p, djpx is v:q */
static const struct fuzz_text files[] = {
	FUZZ_TEXT("{\"auths\":{\"r.example:5000\":{\"auth\":\"dTpw\"},\"r.example:5000/ns/"
		  "deep\":{\"auth\":\"djpx\"},"
		  "\"https://index.docker.io/v1/"
		  "\":{\"identitytoken\":\"again\",\"auth\":\"djpx\"}}}"),
	FUZZ_TEXT("{\"credHelpers\":{\"r.example:5000\":\"asking\",\"s.example\":\"other-one\"},"
		  "\"auths\":{}}"),
	FUZZ_TEXT("{\"credsStore\":\"asking\",\"HttpHeaders\":{\"x\":[1,2.5,null,true]},\"auths\":{"
		  "\"r.example:5000\":{}}}"),
};
static const struct fuzz_text file_words[] = {
	FUZZ_TEXT("\"auths\":{"), FUZZ_TEXT("\"auth\":"), FUZZ_TEXT("\"dTpw\""),
	FUZZ_TEXT("null"),        FUZZ_TEXT("\\u0000"),   FUZZ_TEXT("r.example:5000"),
	FUZZ_TEXT("https://"),    FUZZ_TEXT("/"),         FUZZ_TEXT("{},"),
	FUZZ_TEXT("../x"),
};

static int asked;

static int nobody_knows(int line, const char *name, const char *server, struct credential *ret)
{
	assert_int_equal(line, 7);
	assert_true(*name && *server);
	(void)ret;
	asked++;
	return 0;
}

static bool is_empty(const struct credential *c)
{
	return !c->user && !c->password && !c->identity_token;
}

static void rewrite(int fd, const struct sbuf *text)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, text->s ? text->s : "", text->len, 0), (ssize_t)text->len);
}

/* images: N6 */
static void a_damaged_file_gives_nobody_what_is_anothers(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	int fd = memfd_create("auth.json", MFD_CLOEXEC);
	char file[32];
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	helper_ask_elsewhere(7, nobody_knows);
	for (fuzz_begin(&f, "auth.json", 1000); fuzz_more(&f);) {
		AUTO(credential_done) struct credential own = {0}, other = {0};

		fuzz_mutate(&f, files, 3, file_words, 10, &in);
		rewrite(fd, &in);
		if (auth_find("r.example:5000", "ns/deep/x", file, &own) < 0)
			assert_true(*err_trail());
		else if (!is_empty(&own)) {
			good++;
			assert_true(own.identity_token || (own.user && own.password));
			assert_true(!own.user || !strchr(own.user, ':'));
		}
		err_drop();
		/* It is in none of them, nor are the letters that would make it. */
		if (auth_find("q.invalid", "w", file, &other) < 0)
			assert_true(*err_trail());
		else
			assert_true(is_empty(&other));
		err_drop();
	}
	(void)close(fd);
	assert_true(good > 20 && asked > 20);
}

static const struct fuzz_text answers[] = {
	FUZZ_TEXT("{\"ServerURL\":\"https://r.example\",\"Username\":\"u\",\"Secret\":\"p\"}"),
	FUZZ_TEXT("{\"Username\":\"<token>\",\"Secret\":\"again\"}\n"),
};
static const struct fuzz_text answer_words[] = {
	FUZZ_TEXT("\"Username\":"),
	FUZZ_TEXT("\"Secret\":"),
	FUZZ_TEXT("<token>"),
	FUZZ_TEXT("null"),
	FUZZ_TEXT("\\u0000"),
	FUZZ_TEXT("{}"),
	FUZZ_TEXT("[]"),
	FUZZ_TEXT("\"\""),
};

/* images: N7 */
static void a_damaged_answer_is_a_whole_credential_or_none(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned names = 0, tokens = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "helper", 4000); fuzz_more(&f);) {
		AUTO(credential_done) struct credential c = {0};

		fuzz_mutate(&f, answers, 2, answer_words, 8, &in);
		if (helper_answer(&in, &c) < 0) {
			assert_true(*err_trail());
			assert_true(is_empty(&c));
			err_drop();
			continue;
		}
		assert_true(c.identity_token ? !c.user && !c.password : c.user && c.password);
		assert_true(!c.user || strcmp(c.user, "<token>") != 0);
		names += c.user != NULL;
		tokens += c.user == NULL;
	}
	assert_true(names > 20 && tokens > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_file_gives_nobody_what_is_anothers),
		cmocka_unit_test(a_damaged_answer_is_a_whole_credential_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

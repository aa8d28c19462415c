/* SPDX-License-Identifier: MIT */
/* threats: G11 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/config/auth.h"

static int look(const char *text, mode_t mode, const char *host, const char *path,
		struct credential *c)
{
	char file[] = "/tmp/cuddy-auth-XXXXXX";
	int fd = mkstemp(file), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
	r = auth_find(host, path, file, c);
	(void)unlink(file);
	return r;
}

/* dTpw is u:p, djpx is v:q */
static const char two[] =
	"{\"auths\":{\"r.example\":{\"auth\":\"dTpw\"},\"r.example/ns\":{\"auth\":\"djpx\"},"
	"\"https://index.docker.io/v1/\":{\"auth\":\"djpx\"}}}";

/* images: N6 */
static void the_most_specific_entry_wins(void **state)
{
	AUTO(credential_done) struct credential a = {0}, b = {0}, c = {0}, d = {0};

	(void)state;
	assert_int_equal(look(two, 0600, "r.example", "ns/x", &a), 0);
	assert_string_equal(a.user, "v");
	assert_string_equal(a.password, "q");
	assert_int_equal(look(two, 0600, "r.example", "other", &b), 0);
	assert_string_equal(b.user, "u");
	assert_int_equal(look(two, 0600, "registry-1.docker.io", "library/x", &c), 0);
	assert_string_equal(c.user, "v");
	assert_int_equal(look(two, 0600, "s.example", "x", &d), 0);
	assert_null(d.user);
}

static void files_open_to_others_are_refused_when_they_hold_the_secret(void **state)
{
	AUTO(credential_done) struct credential c = {0};

	(void)state;
	assert_int_equal(look(two, 0644, "r.example", "x", &c), -CE_UNSAFE);
	assert_null(c.user);
	assert_int_equal(look(two, 0644, "s.example", "x", &c), 0);
	assert_int_equal(
		look("{\"credHelpers\":{\"r.example\":\"../../x\"}}", 0600, "r.example", "x", &c),
		-CE_UNSAFE);
	assert_int_equal(look("{\"auths\":[]}", 0600, "r.example", "x", &c), -CE_BAD_FORMAT);
	assert_int_equal(
		look("{\"auths\":{\"r.example\":{\"auth\":\"!\"}}}", 0600, "r.example", "x", &c),
		-CE_BAD_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_entry_wins),
		cmocka_unit_test(files_open_to_others_are_refused_when_they_hold_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* threats: R20, R22, R26 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <cmocka.h>

#include "cmd/create_opts.h"
#include "pkg/base/err.h"
#include "pkg/container/make.h"
#include "pkg/runtime/plan.h"

static char sh[] = "sh";
static char *command[] = {sh, NULL};

static struct container_request request(void)
{
	struct container_request q = CONTAINER_REQUEST_DEFAULTS;

	q.image = "img";
	q.command = command;
	return q;
}

static int make(struct container_request *q, struct container_record **ret)
{
	return container_make(NULL, q, NULL, ret);
}

static void users_are_ids_or_names_never_both(void **state)
{
	static const char *const good[] = {"", "1", "1:2", "root:1", "www-data", "2147483647"};
	static const char *const bad[] = {"4294967295", "4294967296", "2147483648", "-1",
					  "+1",         " 1",         "1:",         ":1",
					  "a b",        "a:b:c d",    "-1:2",       "1:-1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(user_check(good[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(user_check(bad[i]), -CE_USAGE);
}

static void image_environment_never_reads_ours(void **state)
{
	struct container_request q = request();
	struct image_config image = {0};
	AUTO(record_freep) struct container_record *r = NULL;

	(void)state;
	assert_int_equal(setenv("TOK", "hunter2", 1), 0);
	strv_add(&image.env, "TOK");
	strv_add(&image.env, "TOK*");
	strv_add(&image.env, "=x");
	strv_add(&image.env, "PATH=/image");
	assert_int_equal(container_make(NULL, &q, &image, &r), 0);
	assert_null(strv_env_get(&r->env, "TOK"));
	assert_string_equal(strv_env_get(&r->env, "PATH"), "/image");
	record_freep(&r);
	strv_add(&q.env, "TOK"); /* the user's own flag does */
	assert_int_equal(container_make(NULL, &q, &image, &r), 0);
	assert_string_equal(strv_env_get(&r->env, "TOK"), "hunter2");
	strv_done(&q.env);
	strv_done(&image.env);
}

static void capabilities_add_up(void **state)
{
	static const char *const bad[] = {"NO_SUCH", "chown,kill", "CAP_CHOWN;x", "chown ", "", "cap_"};
	struct container_request q = request();
	AUTO(record_freep) struct container_record *r = NULL;

	(void)state;
	assert_int_equal(make(&q, &r), 0);
	assert_true(r->caps == 0x800405fbULL);
	record_freep(&r);
	strv_add(&q.cap_drop, "ALL");
	strv_add(&q.cap_add, "net_raw");
	assert_int_equal(make(&q, &r), 0);
	assert_true(r->caps == 1ULL << CAP_NET_RAW);
	assert_true(r->caps_added == 1ULL << CAP_NET_RAW);
	record_freep(&r);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		strv_add(&q.cap_add, bad[i]);
		assert_int_equal(make(&q, &r), -CE_USAGE);
		strv_remove(&q.cap_add, 1);
	}
	strv_done(&q.cap_add);
	strv_done(&q.cap_drop);
}

static void dangerous_sysctls_are_refused_before_anything_happens(void **state)
{
	static const char *const bad[] = {
		"kernel.shm_rmid_forced=1+kernel.core_pattern=x+",
		"net/ipv4/../../kernel/core_pattern=x",
		"kernel.core_pattern=x",
		"net.ipv4..x=1",
		"=1",
		"net.x",
		"vm.overcommit_memory=1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct container_request q = request();
		AUTO(record_freep) struct container_record *r = NULL;
		int rc;

		strv_add(&q.sysctl, bad[i]);
		rc = make(&q, &r);
		assert_int_equal(rc, -CE_USAGE);
		strv_done(&q.sysctl);
	}
	{
		struct container_request q = request();
		AUTO(record_freep) struct container_record *r = NULL;

		q.network = "host";
		strv_add(&q.sysctl, "net.ipv4.ip_forward=1");
		assert_int_equal(make(&q, &r), -CE_USAGE);
		strv_done(&q.sysctl);
	}
}

static void bad_values_are_usage_errors(void **state)
{
	struct container_request q;
	AUTO(record_freep) struct container_record *r = NULL;
	struct rt_rlimit l;

	(void)state;
	q = request(), q.name = "../x";
	assert_int_equal(make(&q, &r), -CE_USAGE);
	q = request(), q.hostname = "a\nb";
	assert_int_equal(make(&q, &r), -CE_USAGE);
	q = request(), q.workdir = "relative";
	assert_int_equal(make(&q, &r), -CE_USAGE);
	q = request(), q.stop_signal = "SIGKILL;x";
	assert_int_equal(make(&q, &r), -CE_USAGE);
	q = request(), q.network = "no-such-mode";
	assert_int_equal(make(&q, &r), -CE_USAGE);
	q = request(), q.log_driver = "syslog";
	assert_int_equal(make(&q, &r), -CE_USAGE);
	q = request(), q.command = NULL;
	assert_int_equal(make(&q, &r), -CE_USAGE);
	assert_int_equal(ulimit_parse("nofile=2:1", &l), -CE_USAGE);
	assert_int_equal(ulimit_parse("nofiles=1", &l), -CE_USAGE);
	assert_int_equal(ulimit_parse("core=0", &l), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_ids_or_names_never_both),
		cmocka_unit_test(image_environment_never_reads_ours),
		cmocka_unit_test(capabilities_add_up),
		cmocka_unit_test(dangerous_sysctls_are_refused_before_anything_happens),
		cmocka_unit_test(bad_values_are_usage_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

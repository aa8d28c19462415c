/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/transfer/protocol.h"

static void pull_request(struct sbuf *b)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct transfer_pull p = {
		.name = "busybox",
		.access = {.tls_verify = -1, .creds = "u:p", .retries = 3, .retry_delay_s = 2}};
	struct transfer_request q = {
		.op = TRANSFER_PULL, .root = "/r", .runroot = "/run", .single_id = true};

	transfer_pull_put(&body, &p);
	q.body = body.s;
	q.body_n = body.len;
	transfer_request_put(b, &q);
}

static void a_pull_request_survives_the_wire(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct transfer_request q;
	struct transfer_pull p;

	(void)state;
	pull_request(&b);
	assert_int_equal(transfer_request_get(b.s, b.len, &q), 0);
	assert_int_equal(q.op, TRANSFER_PULL);
	assert_true(q.single_id);
	assert_int_equal(transfer_pull_get(&q, &p), 0);
	assert_string_equal(p.name, "busybox");
	assert_int_equal(p.access.tls_verify, -1);
	assert_null(p.access.authfile);
	assert_string_equal(p.access.creds, "u:p");
	assert_int_equal(p.access.retry_delay_s, 2);
}

static void every_truncation_is_refused(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct transfer_request q;

	(void)state;
	pull_request(&b);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(transfer_request_get(b.s, n, &q), -CE_PROTOCOL);
}

static void an_end_carries_code_and_trail(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct transfer_message m;

	(void)state;
	transfer_put_end(&b, -CE_BAD_DIGEST, "pull x");
	assert_int_equal(transfer_message_get(b.s, b.len, &m), 0);
	assert_int_equal(m.event, TRANSFER_EV_END);
	assert_int_equal(m.code, -CE_BAD_DIGEST);
	assert_string_equal(m.text, "pull x");
	assert_int_equal(transfer_message_get(b.s, b.len - 1, &m), -CE_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pull_request_survives_the_wire),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(an_end_carries_code_and_trail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

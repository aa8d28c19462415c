/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cgroup/dbus.h"

/* Two ends that speak to each other: what one calls the other reads. */
static void make_pair(struct dbus *a, struct dbus *b)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*a = (struct dbus)DBUS_INIT;
	*b = (struct dbus)DBUS_INIT;
	a->fd = fds[0];
	b->fd = fds[1];
	a->deadline_ns = b->deadline_ns = clock_monotonic_ns() + 20 * NS_PER_S;
}

static void a_call_is_read_as_it_was_written(void **state)
{
	AUTO_DBUS struct dbus a, b;
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct dbus_message m;
	size_t list;

	(void)state;
	make_pair(&a, &b);
	dbus_put_str(&body, "x");
	list = dbus_put_array(&body, 8);
	dbus_put_struct(&body);
	dbus_put_str(&body, "in a struct");
	dbus_end_array(&body, list, 8);
	dbus_put_u32(&body, 77);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(dbus_call(&a, "org.x", "/o", "org.x.I", "Do", "sa(s)u", &body), i);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(dbus_next(&b, &m), 0);
		assert_int_equal(m.type, DBUS_CALL);
		assert_string_equal(m.member, "Do");
		assert_string_equal(dbus_get_str(&m.body), "x");
		assert_int_equal(dbus_get_u32(&m.body), 16); /* bytes of the array */
		assert_int_equal(dbus_get_u32(&m.body), 0); /* padding: a struct begins at 8 */
		assert_string_equal(dbus_get_str(&m.body), "in a struct");
		assert_int_equal(dbus_get_u32(&m.body), 77);
		assert_false(m.body.failed);
		assert_int_equal(dbus_get_u32(&m.body), 0);
		assert_true(m.body.failed);
	}
}

/* Every prefix and every changed byte of a message: an answer or an error, never a read beyond it. */
static void spoilt_messages_are_survived(void **state)
{
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	unsigned char good[512], bad[512];
	struct dbus_message m;
	ssize_t n;

	(void)state;
	dbus_put_str(&body, "hello");
	{
		AUTO_DBUS struct dbus a, b;

		make_pair(&a, &b);
		assert_int_equal(dbus_call(&a, "d", "/p", "i", "m", "s", &body), 1);
		n = recv(b.fd, good, sizeof(good), 0);
		assert_in_range(n, 16, sizeof(good) - 1);
	}
	for (ssize_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < 4; k++) {
			static const unsigned char values[] = {0, 1, 0x7f, 0xff};
			AUTO_DBUS struct dbus a, b;

			make_pair(&a, &b);
			memcpy(bad, good, (size_t)n);
			bad[i] = values[k];
			assert_int_equal(send(a.fd, bad, (size_t)n, 0), n);
			closep(&a.fd);
			if (dbus_next(&b, &m) == 0)
				(void)dbus_get_str(&m.body);
			err_drop();
		}
		{
			AUTO_DBUS struct dbus a, b;

			make_pair(&a, &b);
			assert_int_equal(send(a.fd, good, (size_t)i, 0), i);
			closep(&a.fd);
			assert_int_equal(dbus_next(&b, &m), -CE_PROTOCOL);
		}
	}
}

static void silence_ends_at_the_deadline(void **state)
{
	AUTO_DBUS struct dbus a, b;
	struct dbus_message m;

	(void)state;
	make_pair(&a, &b);
	b.deadline_ns = clock_monotonic_ns() + 10 * NS_PER_MS;
	assert_int_equal(dbus_next(&b, &m), -CE_TIMEOUT);
}

static void the_address_comes_from_the_environment(void **state)
{
	AUTO_FREE char *path = NULL, *abstract = NULL;

	(void)state;
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x/bus,guid=1;tcp:host=h", 1);
	path = dbus_address();
	assert_string_equal(path, "/x/bus");
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=/tmp/y,guid=1", 1);
	abstract = dbus_address();
	assert_string_equal(abstract, "@/tmp/y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_read_as_it_was_written),
		cmocka_unit_test(spoilt_messages_are_survived),
		cmocka_unit_test(silence_ends_at_the_deadline),
		cmocka_unit_test(the_address_comes_from_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

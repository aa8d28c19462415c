/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/sys/socket.h"

/* The first process of a container that fails before it has read all it was told must be heard. */
static void last_words_are_behind_a_reset(void **state)
{
	char word[8];
	unsigned n_fds;
	int p[2];

	(void)state;
	assert_int_equal(socket_pair(p), 0);
	assert_int_equal(socket_send(p[0], "unread", 6, NULL, 0), 0);
	assert_int_equal(socket_send(p[1], "last", 4, NULL, 0), 0);
	close(p[1]);
	assert_int_equal(socket_recv(p[0], word, sizeof(word), NULL, 0, &n_fds), 4);
	assert_memory_equal(word, "last", 4);
	assert_int_equal(socket_recv(p[0], word, sizeof(word), NULL, 0, &n_fds), 0);
	close(p[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_words_are_behind_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What a session bus sends. */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/cgroup/dbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_DBUS struct dbus d = DBUS_INIT;
	struct dbus_message m;
	int fds[2];

	if (n > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return 0;
	MUST(send(fds[1], p, n, 0) == (ssize_t)n);
	(void)close(fds[1]);
	d.fd = fds[0];
	d.deadline_ns = clock_monotonic_ns() + 10 * NS_PER_S;
	while (dbus_next(&d, &m) == 0) {
		size_t all = strlen(m.member) + strlen(m.error);

		for (int i = 0; i < 4 && !m.body.failed; i++)
			all += i % 2 ? dbus_get_u32(&m.body) : strlen(dbus_get_str(&m.body));
		MUST(m.body.at <= m.body.end);
		(void)all;
	}
	err_drop();
	return 0;
}

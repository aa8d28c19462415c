/* SPDX-License-Identifier: MIT */
/*
 * G10: a server that drips. The limits are those of real use; it is time that goes a hundred times as fast:
 * this program's clock_gettime() is the one that libcurl finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/http/http.h"
#include "tests/unit/server.h"

#define FASTER 100
#define NS 1000000000LL

int clock_gettime(clockid_t id, struct timespec *ts)
{
	static int64_t first;
	int64_t now;

	if (syscall(SYS_clock_gettime, id, ts) < 0)
		return -1;
	if (id == CLOCK_REALTIME || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID)
		return 0;
	now = ts->tv_sec * NS + ts->tv_nsec;
	if (!first)
		first = now;
	now = first + (now - first) * FASTER;
	ts->tv_sec = now / NS;
	ts->tv_nsec = now % NS;
	return 0;
}

/* Seconds of that clock. */
static void sleep_s(unsigned s)
{
	struct timespec ts = {.tv_nsec = NS / FASTER * s};

	(void)nanosleep(&ts, NULL);
}

static int tried_again;

/* images: R5 */
/* "/BYTES/SECONDS/ALL": so many bytes each so many seconds, until all are out or nobody listens. */
static void *serve(void *data)
{
	static const char zeros[65536];
	static int asked;
	static const char not_now[] = "HTTP/1.1 503 Not now\r\nContent-Length: 0\r\n\r\n";
	int fd = (int)(intptr_t)data, n;
	unsigned piece = 0, every = 0, all = 0;
	char buf[4096] = "";

	if (read(fd, buf, sizeof(buf) - 1) > 0 && strncmp(buf, "GET /busy ", 10) == 0) {
		/* First not now, but in some years. */
		n = snprintf(buf, sizeof(buf),
			     "HTTP/1.1 %s\r\nRetry-After: Fri, 31 Dec 2060 23:59:59 "
			     "GMT\r\nContent-Length: 0\r\n\r\n",
			     __atomic_fetch_add(&asked, 1, __ATOMIC_SEQ_CST) ? "200 OK"
									     : "429 Busy");
		(void)!write(fd, buf, (size_t)n);
	} else if (strncmp(buf, "GET /again ", 11) == 0) {
		(void)__atomic_fetch_add(&tried_again, 1, __ATOMIC_SEQ_CST);
		(void)!write(fd, not_now, strlen(not_now));
	} else if (strncmp(buf, "GET /later ", 11) == 0) {
		(void)!write(fd, not_now, strlen(not_now));
	} else if (sscanf(buf, "GET /%u/%u/%u ", &piece, &every, &all) == 3) {
		n = snprintf(buf, sizeof(buf), "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
			     all);
		if (write(fd, buf, (size_t)n) == n)
			for (unsigned sent = 0; sent < all && write(fd, zeros, piece) == piece;
			     sent += piece)
				sleep_s(every);
	}
	(void)close(fd);
	return NULL;
}

static void what_drips_is_given_up_and_what_is_slow_is_not(void **state)
{
	static const struct {
		const char *path;
		unsigned timeout_s;
		int ends; /* as http_finished() */
		unsigned least_s;
		unsigned retries, delay_ms, most_s;
	} rows[] = {
		{"1/10/100000", 0, -CE_TIMEOUT, 55}, /* stalls, as good as: after a minute */
		{"4096/2/100000000", 60, -CE_TIMEOUT,
		 55}, /* comes, but not in the time for the whole */
		{"busy", 0, 1, 55}, /* R5: not before what it says, nor later than is reasonable */
		{"4096/2/131072", 0, 1,
		 30}, /* the same without such a time: two KiB a second are a slow line */
		{"again", 0, 1, 13, 3, 2000, 0}, /* R5: two seconds, four, eight */
		{"later", 0, 1, 55, 1, 1000000, 500}, /* R5: a minute at most */
	};
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	const struct http_policy policy = {.plain = true};
	struct http_transfer *t[N];
	char url[N][80];
	struct http *h;
	unsigned port = server_begin(serve), left = N;
	time_t until = time(NULL) + 30;
	int64_t begun = clock_monotonic_ns(), ended[N] = {0};

	(void)state;
	assert_int_equal(http_new(&h), 0);
	for (unsigned i = 0; i < N; i++) {
		struct http_request q = {.url = url[i],
					 .policy = &policy,
					 .max_body = 1U << 30,
					 .retries = rows[i].retries ? rows[i].retries : 1,
					 .retry_delay_ms = rows[i].delay_ms,
					 .timeout_s = rows[i].timeout_s};

		(void)snprintf(url[i], sizeof(url[i]), "http://127.0.0.1:%u/%s", port,
			       rows[i].path);
		t[i] = http_start(h, &q);
		assert_non_null(t[i]);
	}
	while (left && time(NULL) < until) {
		assert_int_equal(http_wait(h, NULL, 0, 100), 0);
		left = 0;
		for (unsigned i = 0; i < N; i++) {
			left += http_finished(t[i]) == 0;
			if (http_finished(t[i]) != 0 && !ended[i])
				ended[i] = clock_monotonic_ns();
		}
	}
	for (unsigned i = 0; i < N; i++) {
		int r = http_finished(t[i]);

		if (r != rows[i].ends || ended[i] - begun < rows[i].least_s * NS ||
		    (rows[i].most_s && ended[i] - begun > rows[i].most_s * NS))
			fail_msg("%s: %d %s after %lld s", rows[i].path, r,
				 r < 0 ? err_trail() : "", (long long)((ended[i] - begun) / NS));
		http_stop(t[i]);
	}
	http_freep(&h);
	assert_int_equal(tried_again, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_drips_is_given_up_and_what_is_slow_is_not)};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

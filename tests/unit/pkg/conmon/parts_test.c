/* SPDX-License-Identifier: MIT */
/* The small parts of the monitor: configuration, detach keys, state files, sinks. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/conmon/client.h"
#include "pkg/conmon/detach.h"
#include "pkg/conmon/health.h"
#include "pkg/conmon/sink.h"
#include "pkg/conmon/state.h"
#include "pkg/conmon/talk.h"
#include "pkg/sys/file.h"
#include "tests/unit/scratch_dir.h"

static const char *const volumes[] = {"/v/one", "/v/two", NULL};
static const struct conmon_config sample = {
	.id = "abc",
	.name = "web",
	.state_dir = "/run/x",
	.data_dir = "/data/x",
	.log_driver = CONMON_LOG_JSON_FILE,
	.log_path = "/data/x/ctr.log",
	.log_max_bytes = 1ULL << 33,
	.log_max_files = 3,
	.terminal = true,
	.stdin_once = true,
	.no_stderr = true,
	.detach_keys = "\x10\x11",
	.stop_signal = 15,
	.stop_timeout_s = 10,
	.timeout_s = 5,
	.restart = CONMON_RESTART_ON_FAILURE,
	.restart_max = 7,
	.health = {.fd = 7, .interval_ns = -1, .timeout_ns = 5, .retries = 3},
	.startup = {.fd = -EBADF, .successes = 2},
	.health_start_period_ns = 11,
	.health_log_dir = "/logs",
	.health_to_events = true,
	.health_max_count = 9,
	.health_max_size = 1ULL << 33,
	.on_failure = CONMON_ON_FAILURE_STOP,
	.auto_remove = true,
	.trash_dir = "/trash",
	.name_link = "/names/web",
	.anonymous_volumes = volumes,
	.runtime_dir_fd = 6,
	.lock_fd = 5,
	.control_fd = 4,
};

static int decode(const void *p, size_t n, struct conmon_config *ret)
{
	static const char *arena[8];
	struct wire_reader r;

	wire_reader_init(&r, p, n);
	return conmon_config_decode(&r, arena, sizeof(arena), ret);
}

static void config_survives_the_wire(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct conmon_config c;

	(void)state;
	conmon_config_encode(&sample, &b);
	assert_int_equal(decode(b.s, b.len, &c), 0);
	assert_string_equal(c.id, "abc");
	assert_string_equal(c.detach_keys, "\x10\x11");
	assert_true(c.terminal && c.stdin_once && c.no_stderr && c.auto_remove);
	assert_false(c.keep_stdin || c.foreground || c.no_stdout);
	assert_true(c.restart == CONMON_RESTART_ON_FAILURE && c.restart_max == 7);
	assert_true(c.health.fd == 7 && c.health.interval_ns == -1 && c.health.retries == 3);
	assert_true(c.startup.fd == -EBADF && c.startup.successes == 2);
	assert_true(c.health_start_period_ns == 11 && c.on_failure == CONMON_ON_FAILURE_STOP);
	assert_true(c.log_max_bytes == 1ULL << 33 && c.lock_fd == 5);
	assert_true(c.health_to_events && c.health_max_count == 9 &&
		    c.health_max_size == 1ULL << 33);
	assert_string_equal(c.health_log_dir, "/logs");
	assert_string_equal(c.anonymous_volumes[1], "/v/two");
	assert_null(c.anonymous_volumes[2]);
}

static void cut_or_damaged_config_is_refused(void **state)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	struct conmon_config c;

	(void)state;
	conmon_config_encode(&sample, &b);
	for (size_t n = 0; n < b.len; n++) {
		AUTO_FREE char *cut = malloc(n ? n : 1);

		memcpy(cut, b.s, n);
		assert_int_equal(decode(cut, n, &c), -CE_PROTOCOL);
	}
	sbuf_addc(&b, 'x');
	assert_int_equal(decode(b.s, b.len, &c), -CE_PROTOCOL);
	b.len--;
	/* Any one byte changed: refused or decoded, never read out of bounds (the sanitizer looks). */
	for (size_t i = 0; i < b.len; i++) {
		b.s[i] = (char)(b.s[i] ^ 0xff);
		(void)decode(b.s, b.len, &c);
		b.s[i] = (char)(b.s[i] ^ 0xff);
	}
}

static void feed_all(const char *keys, const char *in, size_t step, const char *want, bool want_hit)
{
	struct detach d = {0};
	char out[256];
	size_t n = 0, len = strlen(in);
	bool hit = false;

	strcpy(d.keys, keys);
	for (size_t i = 0; i < len && !hit; i += step)
		n += detach_feed(&d, in + i, len - i < step ? len - i : step, out + n, &hit);
	out[n] = '\0';
	assert_string_equal(out, want);
	assert_int_equal(hit, want_hit);
}

static void detach_keys_are_found_however_they_arrive(void **state)
{
	(void)state;
	for (size_t step = 1; step < 8; step++) {
		feed_all("\x10\x11",
			 "ab\x10\x11"
			 "cd",
			 step, "ab", true);
		feed_all("\x10\x11",
			 "a\x10"
			 "b\x10\x10\x11",
			 step,
			 "a\x10"
			 "b\x10",
			 true);
		feed_all("\x10\x11", "\x11\x10x", step, "\x11\x10x", false);
		feed_all("aab", "aaab", step, "a", true);
		feed_all("abac", "ababac", step, "ab", true);
		feed_all("", "\x10\x11", step, "\x10\x11", false);
	}
}

static void detach_key_words_are_checked(void **state)
{
	static const char *const bad[] = {
		"ctrl-",   "ctrl-1",
		"ctrl-pp", "ab",
		"ctrl-p,", "ctrl-p,,x,",
		"\x01",    "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,a,b,c,d,e,f"};
	char k[32];

	(void)state;
	assert_int_equal(conmon_detach_keys("ctrl-p,ctrl-q", k), 0);
	assert_string_equal(k, "\x10\x11");
	assert_int_equal(conmon_detach_keys("ctrl-],a,ctrl-_", k), 0);
	assert_string_equal(k, "\x1d"
			       "a\x1f");
	assert_int_equal(conmon_detach_keys("a,,,b", k), 0);
	assert_string_equal(k, "a,b");
	assert_int_equal(conmon_detach_keys("", k), 0);
	assert_string_equal(k, "");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(conmon_detach_keys(bad[i], k), -CE_USAGE);
}

static void state_follows_lock_and_exit_file(void **state)
{
	struct conmon_state s = {.status = CONMON_RUNNING,
				 .init = {.pid = INT32_MAX - 1, .start = 1},
				 .monitor = {.pid = 7, .start = 9},
				 .started_ns = 42},
			    got;
	char boot[37];
	int lock;

	(void)state;
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), 0);
	assert_int_equal(got.status, CONMON_NONE);
	assert_int_equal(proc_boot_id(boot), 0);
	assert_int_equal(state_write(dir_fd, &s, boot), 0);
	lock = openat(dir_fd, "lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), 0);
	assert_int_equal(got.status, CONMON_RUNNING);
	assert_true(got.monitor.pid == 7 && got.monitor.start == 9 && got.started_ns == 42);
	close(lock); /* killed: nothing durable was said */
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), 0);
	assert_true(got.status == CONMON_EXITED && got.exit_code == 137);
	assert_string_equal(got.error, "the container's monitor was killed");
	assert_int_equal(state_write(dir_fd, &s, "another-boot"), 0);
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), 0);
	assert_string_equal(got.error, "the machine went down");
	started_write(dir_fd, 42 * NS_PER_S + 7);
	assert_int_equal(conmon_state_read(-1, dir_fd, &got), 0); /* a reboot while it ran */
	assert_true(got.status == CONMON_EXITED && got.exit_code == 137);
	assert_int_equal(got.started_ns, 42 * NS_PER_S + 7);
	assert_string_equal(got.error, "the machine went down");
	s.exit_code = 3;
	s.finished_ns = 43;
	assert_int_equal(unlinkat(dir_fd, "started", 0), 0); /* as when the disk was full then */
	assert_int_equal(exit_write(dir_fd, &s, true), 0);
	assert_int_equal(conmon_state_read(-1, dir_fd, &got),
			 0); /* after a reboot only that is left */
	assert_true(got.status == CONMON_EXITED && got.exit_code == 3 && got.started_ns == 42);
	assert_string_equal(got.error, "");
}

static void assert_log(const struct health_place *at, const char *want)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	AUTO_CLOSE int fd = health_open(at);

	assert_true(fd >= 0);
	assert_int_equal(file_read_fd(fd, 1 << 20, &b), 0);
	assert_string_equal(b.s, want);
}

#define RESULT(code, output)                                                           \
	"{\"Start\":\"1970-01-01T00:00:01.000000000Z\",\"End\":\"1970-01-01T00:00:02." \
	"000000000Z\","                                                                \
	"\"ExitCode\":" code ",\"Output\":\"" output "\"}"

static void health_log_keeps_the_last_results(void **state)
{
	const struct health_place at = {.state_dir = dir_fd, .id = "abc"};
	const struct health_verdict bad = {.status = "unhealthy", .streak = 4},
				    good = {.status = "healthy"};
	struct health_result e = {.start_ns = NS_PER_S,
				  .end_ns = 2 * NS_PER_S,
				  .exit_code = -1,
				  .output = "a\n\\\"\0\xff\x7f\xc3\xa4,",
				  .len = 10};
	char text[HEALTH_EVENT_MAX];

	(void)state;
	assert_int_equal(health_open(&at), -ENOENT);
	assert_int_equal(health_write(&at, &good, NULL, 5, true), 0);
	assert_log(&at, "{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[\n]}\n");
	assert_int_equal(health_write(&at, &bad, &e, 2, true), 0);
#define WILD RESULT("-1", "a\\u000a\\\\\\\"\xef\xbf\xbd\xef\xbf\xbd\\u007f\xc3\xa4,")
	assert_log(&at, "{\"Status\":\"unhealthy\",\"FailingStreak\":4,\"Log\":[\n" WILD "\n]}\n");
	health_event(&e, text);
	assert_memory_equal(text, "{\\\"Start\\\":", 11);
	assert_non_null(strstr(text, "a\\\\u000a\\\\\\\\\\\\\\\"\xef\xbf\xbd"));
	e = (struct health_result){NS_PER_S, 2 * NS_PER_S, 7, "x", 1};
	assert_int_equal(health_write(&at, &good, &e, 2, true), 0);
#define X RESULT("7", "x")
	assert_log(&at,
		   "{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[\n" WILD ",\n" X "\n]}\n");
	assert_int_equal(health_write(&at, &good, &e, 0, true), 0);
	assert_log(&at, "{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[\n" WILD ",\n" X
			",\n" X "\n]}\n");
	assert_int_equal(health_write(&at, &good, NULL, 2, true), 0);
	assert_log(&at,
		   "{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[\n" X ",\n" X "\n]}\n");
	/* What is no log of ours is not kept, and no reason to fail. */
	assert_int_equal(file_replace(dir_fd, "health", "{\"Start\n\n]\nx\n" X, 12 + strlen(X) + 1,
				      0600, FILE_NO_SYNC),
			 0);
	assert_int_equal(health_write(&at, &good, &e, 1, true), 0);
	assert_log(&at, "{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[\n" X "\n]}\n");
	assert_int_equal(health_write(&at, &good, NULL, 1, false), 0);
	assert_log(&at, "{\"Status\":\"healthy\",\"FailingStreak\":0,\"Log\":[\n]}\n");
	/* The most that can stand in an event. */
	e.len = HEALTH_EVENT_OUTPUT + 1;
	e.output = calloc(1, e.len);
	memset((char *)(size_t)e.output, 1, e.len);
	health_event(&e, text);
	assert_true(strlen(text) > 7UL * HEALTH_EVENT_OUTPUT && strlen(text) < sizeof(text));
	free((char *)(size_t)e.output);
}

static void waiting_for_the_next_run_needs_a_monitor(void **state)
{
	struct conmon_state s = {.status = CONMON_RESTARTING,
				 .monitor = {.pid = 7, .start = 9},
				 .started_ns = 42,
				 .finished_ns = 43,
				 .exit_code = 9,
				 .reason = CONMON_BY_TIMEOUT,
				 .restarts = 5},
			    got;
	char boot[37];
	int lock;

	(void)state;
	assert_int_equal(proc_boot_id(boot), 0);
	assert_int_equal(state_write(dir_fd, &s, boot), 0);
	assert_int_equal(exit_write(dir_fd, &s, false), 0);
	lock = openat(dir_fd, "lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), 0);
	assert_true(got.status == CONMON_RESTARTING && got.exit_code == 9 && got.restarts == 5);
	assert_int_equal(got.reason, CONMON_BY_TIMEOUT);
	s.status = CONMON_RUNNING; /* the exit file is of the run before */
	assert_int_equal(state_write(dir_fd, &s, boot), 0);
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), 0);
	assert_true(got.status == CONMON_RUNNING && got.restarts == 5 && got.finished_ns == 0);
	s.status = CONMON_RESTARTING;
	s.stopped_by_user = true;
	assert_int_equal(state_write(dir_fd, &s, boot), 0);
	close(lock);
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), 0);
	assert_true(got.status == CONMON_EXITED && got.exit_code == 9 && got.stopped_by_user);
}

static void last_words_are_heard_though_ours_were_not(void **state)
{
	struct cm_head h;
	char data[8];
	int p[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p), 0);
	assert_int_equal(talk_send(p[0], CM_RESIZE, 24, 80, NULL, 0), 0);
	assert_int_equal(talk_send(p[1], CM_EXIT, 7, 0, NULL, 0), 0);
	close(p[1]);
	assert_int_equal(talk_receive(p[0], &h, data, sizeof(data)), 1);
	assert_true(h.type == CM_EXIT && h.a == 7);
	assert_int_equal(talk_receive(p[0], &h, data, sizeof(data)), 0);
	close(p[0]);
}

static void damaged_state_is_an_error_and_not_absence(void **state)
{
	struct conmon_state got;

	(void)state;
	assert_int_equal(
		file_replace(dir_fd, "state", "status=running\npid=x\n", 21, 0600, FILE_NO_SYNC),
		0);
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), -CE_CORRUPT);
	assert_int_equal(unlinkat(dir_fd, "state", 0), 0);
	assert_int_equal(file_replace(dir_fd, "exit", "exit_code=999\n", 14, 0600, FILE_NO_SYNC),
			 0);
	assert_int_equal(conmon_state_read(dir_fd, dir_fd, &got), -CE_CORRUPT);
}

/* Fill @s until it takes nothing; the caller's description must not have become non-blocking. */
static void expect_never_blocks(int wr)
{
	static const char junk[65536];
	struct sink s;
	ssize_t n;

	sink_init(&s, wr);
	(void)alarm(10);
	while ((n = sink_write(&s, junk, sizeof(junk))) > 0)
		;
	(void)alarm(0);
	assert_int_equal(n, 0);
}

static void a_full_sink_takes_nothing_and_never_blocks(void **state)
{
	int p[2], sp[2], own;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	expect_never_blocks(p[1]); /* as it is: small writes */
	assert_int_equal(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
	close(p[0]);
	close(p[1]);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	own = sink_reopen(p[1], O_WRONLY);
	assert_true(fcntl(own, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
	expect_never_blocks(own);
	close(own);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp), 0);
	expect_never_blocks(sp[0]);
	assert_int_equal(fcntl(sp[0], F_GETFL) & O_NONBLOCK, 0);
	close(sp[0]);
	close(sp[1]);
}

#define D(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_survives_the_wire),
		cmocka_unit_test(cut_or_damaged_config_is_refused),
		cmocka_unit_test(detach_keys_are_found_however_they_arrive),
		cmocka_unit_test(detach_key_words_are_checked),
		D(state_follows_lock_and_exit_file),
		D(health_log_keeps_the_last_results),
		D(waiting_for_the_next_run_needs_a_monitor),
		cmocka_unit_test(last_words_are_heard_though_ours_were_not),
		D(damaged_state_is_an_error_and_not_absence),
		cmocka_unit_test(a_full_sink_takes_nothing_and_never_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

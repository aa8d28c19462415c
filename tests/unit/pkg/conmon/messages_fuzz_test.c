/* SPDX-License-Identifier: MIT */
/* threats: Z13. What monitor, launcher and client read of each other: damaged, cut, with descriptors nobody asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/bridge.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/conmon/config.h"
#include "pkg/conmon/detach.h"
#include "pkg/conmon/protocol.h"
#include "pkg/runtime/plan.h"
#include "pkg/sys/socket.h"
#include "tests/unit/fuzz.h"

static const char *const strings[] = {"one", "two", "", NULL};

static void sample_config(struct sbuf *out)
{
	conmon_config_encode(&(struct conmon_config){.id = "abc",
						     .name = "web",
						     .state_dir = "/run/x",
						     .data_dir = "/data/x",
						     .log_path = "/data/x/ctr.log",
						     .detach_keys = "\x10\x11",
						     .trash_dir = "/trash",
						     .name_link = "/names/web",
						     .health = {.fd = 3},
						     .startup = {.fd = -EBADF},
						     .anonymous_volumes = strings},
			     out);
}

static void sample_plan(struct sbuf *out)
{
	static const struct rt_idmap map[] = {{0, 1, 10}, {10, 100, 65000}};
	static const struct rt_mount mounts[] = {{.source = "/a", .target = "/b"},
						 {.target = "/proc"}};
	static const struct net_port ports[2];

	rt_plan_encode(&(struct rt_plan){.id = "abc",
					 .hostname = "host",
					 .pin = true,
					 .ns[RT_NS_NET] = {.mode = RT_NS_JOIN, .fd = 12},
					 .peer = {.user_fd = 13, .mounts_fd = 14},
					 .uid_map = map,
					 .n_uid_map = 2,
					 .gid_map = map,
					 .n_gid_map = 1,
					 .mounts = mounts,
					 .n_mounts = 2,
					 .masked = strings,
					 .sysctls = strings,
					 .net = {.ports = ports, .n_ports = 2},
					 .process = {.argv = strings, .envp = strings, .cwd = "/"}},
		       out);
}

static void sample_bridge(struct sbuf *out)
{
	static struct bridge_request q = {
		.id = "abc",
		.servers = {{"10.0.0.1"}, 1},
		.nets = {{.name = "app",
			  .id = "0123",
			  .bridge = "cu0",
			  .subnets = {{.net = "10.89.0.0/24", .gateway = "10.89.0.1"}},
			  .n_subnets = 1,
			  .names = {{"web", "www"}, 2}}},
		.n = 1};

	bridge_request_encode(&q, out);
}

/* Each is either what was said, or refused; an accepted one is well-formed, so it can be said again. */
static void read_config(const char *p, size_t n)
{
	const char *arena[256];
	struct conmon_config c;
	struct wire_reader r;
	AUTO_SBUF struct sbuf again = SBUF_INIT;

	wire_reader_init(&r, p, n);
	if (conmon_config_decode(&r, arena, sizeof(arena), &c) == 0) {
		assert_true(*c.state_dir == '/' && *c.data_dir == '/' && c.stop_signal <= 64);
		conmon_config_encode(&c, &again);
		assert_in_range(again.len, n, n);
	}
}

static void read_plan(const char *p, size_t n)
{
	AUTO_FREE void *arena = xcalloc(1, rt_arena_size(n));
	AUTO_SBUF struct sbuf again = SBUF_INIT;
	struct rt_plan plan;
	struct wire_reader r;

	wire_reader_init(&r, p, n);
	if (rt_plan_decode(&r, arena, rt_arena_size(n), &plan) == 0) {
		rt_plan_encode(&plan, &again);
		assert_in_range(again.len, n, n);
	}
}

static void read_bridge(const char *p, size_t n)
{
	static struct bridge_request q;
	AUTO_SBUF struct sbuf again = SBUF_INIT;

	if (bridge_request_decode(p, n, &q) == 0) {
		bridge_request_encode(&q, &again);
		assert_in_range(again.len, n, n);
	}
}

static void damaged_messages_are_refused_or_whole(void **state)
{
	static const struct {
		void (*make)(struct sbuf *);
		void (*read)(const char *, size_t);
	} kinds[] = {{sample_config, read_config},
		     {sample_plan, read_plan},
		     {sample_bridge, read_bridge}};
	static const struct fuzz_text words[] = {
		FUZZ_TEXT("\0\0\0\0"),         FUZZ_TEXT("\xff\xff\xff\xff"),
		FUZZ_TEXT("\xff\xff\xff\x7f"), FUZZ_TEXT("\x01\0\0\0"),
		FUZZ_TEXT("\0\0\x01\0"),       FUZZ_TEXT("\x41\0\0\0"),
		FUZZ_TEXT("\xfe\xff\xff\xff"), FUZZ_TEXT("\x04\0\0\0abc\0"),
	};
	struct sbuf samples[ARRAY_LEN(kinds)] = {SBUF_INIT, SBUF_INIT, SBUF_INIT};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		kinds[i].make(&samples[i]);
	for (fuzz_begin(&f, "messages", 60000); fuzz_more(&f);) {
		size_t k = fuzz_below(&f, ARRAY_LEN(kinds));
		const struct fuzz_text one = {samples[k].s, samples[k].len};
		AUTO_FREE char *exact =
			NULL; /* no byte more than the message has: the sanitizer looks */

		fuzz_mutate(&f, &one, 1, words, ARRAY_LEN(words), &in);
		exact = malloc(in.len ? in.len : 1);
		memcpy(exact, in.s, in.len);
		kinds[k].read(exact, in.len);
		err_drop();
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		kinds[i].read(samples[i].s, samples[i].len);
		sbuf_done(&samples[i]);
	}
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* With more descriptors than socket_send() would give. */
static void throw_at(int fd, const char *p, size_t n, unsigned n_fds)
{
	char control[CMSG_SPACE(64 * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec iov = {(void *)(size_t)p, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[64];

	for (unsigned i = 0; i < n_fds; i++)
		fds[i] = fd;
	if (n_fds) {
		struct cmsghdr *h;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &m, 0), n);
}

static void descriptors_that_nobody_asked_for_are_closed(void **state)
{
	char data[6000] = {0}, got[5000];
	unsigned before;
	struct fuzz f;
	int pair[2];

	(void)state;
	assert_int_equal(socket_pair(pair), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	before = open_fds();
	for (fuzz_begin(&f, "descriptors", 5000); fuzz_more(&f);) {
		size_t n = 1 + fuzz_below(&f, sizeof(data));
		unsigned n_fds = (unsigned)fuzz_below(&f, 64), max = (unsigned)fuzz_below(&f, 3),
			 have = 99;
		int fds[3] = {-1, -1, -1};
		ssize_t r;

		throw_at(pair[0], data, n, n_fds);
		r = socket_recv(pair[1], got, sizeof(got), fds, max, &have);
		assert_int_equal(r, n > sizeof(got) ? -EMSGSIZE : (ssize_t)n);
		assert_in_range(have, 0, max);
		for (unsigned i = 0; i < have; i++) {
			assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
			close(fds[i]);
		}
		assert_int_equal(fds[max], -1);
		assert_int_equal(open_fds(), before);
		assert_int_equal(socket_recv(pair[1], got, sizeof(got), fds, 0, NULL), -EAGAIN);
	}
	close(pair[0]);
	close(pair[1]);
}

/* However it is cut into packets: all that was typed but the keys, and nothing of what comes behind them. */
static void detach_keys_are_found_in_any_packets(void **state)
{
	static const char keys[][4] = {"\x10\x11", "a", "aab", "aba", ""};
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "detach", 60000); fuzz_more(&f);) {
		struct detach d = {0};
		char in[64], out[64 + 32], all[128];
		size_t n = fuzz_below(&f, sizeof(in)), len = 0, at = 0, want;
		bool hit = false;
		char *found;

		strcpy(d.keys, keys[fuzz_below(&f, ARRAY_LEN(keys))]);
		for (size_t i = 0; i < n; i++)
			in[i] = "aab\x10\x11z"[fuzz_below(&f, 6)];
		found = *d.keys ? memmem(in, n, d.keys, strlen(d.keys)) : NULL;
		want = found ? (size_t)(found - in) : n;
		while (at < n && !hit) {
			size_t piece = 1 + fuzz_below(&f, n - at),
			       put = detach_feed(&d, in + at, piece, out, &hit);

			assert_in_range(put, 0, piece + 32);
			memcpy(all + len, out, put);
			len += put;
			at += piece;
		}
		assert_int_equal(hit, found != NULL);
		/* What may still become the keys is held back. */
		assert_in_range(len, want - (hit ? 0 : d.held), want);
		assert_memory_equal(all, in, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_messages_are_refused_or_whole),
		cmocka_unit_test(descriptors_that_nobody_asked_for_are_closed),
		cmocka_unit_test(detach_keys_are_found_in_any_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

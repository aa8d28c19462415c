/* SPDX-License-Identifier: MIT */
/* threats: Z10. Values of flags: what is refused leaves nothing, what is taken is within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "net/ports.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"
#include "pkg/base/path.h"
#include "pkg/container/mounts.h"
#include "tests/unit/fuzz.h"

static const struct fuzz_text mount_values[] = {
	FUZZ_TEXT("/tmp:/a:ro,rslave"),
	FUZZ_TEXT("data:/b/../c:U,exec,suid"),
	FUZZ_TEXT("/d"),
	FUZZ_TEXT("type=bind,src=/tmp,dst=/x,ro,bind-propagation=rslave"),
	FUZZ_TEXT("type=volume,source=v,target=/v,subpath=a,volume-nocopy"),
	FUZZ_TEXT("type=tmpfs,destination=/t,tmpfs-size=64m,tmpfs-mode=1777"),
	FUZZ_TEXT("type=image,src=busybox,dst=/i,rw=true"),
	FUZZ_TEXT("/run/x:size=10m,mode=700,noexec"),
};
static const struct fuzz_text mount_words[] = {
	FUZZ_TEXT(".."),
	FUZZ_TEXT("/"),
	FUZZ_TEXT(":"),
	FUZZ_TEXT(","),
	FUZZ_TEXT("="),
	FUZZ_TEXT("\n"),
	FUZZ_TEXT("/proc/self"),
	FUZZ_TEXT("/sys/fs/cgroup"),
	FUZZ_TEXT("/dev"),
	FUZZ_TEXT("idmap"),
	FUZZ_TEXT("O"),
	FUZZ_TEXT("shared"),
	FUZZ_TEXT("\""),
	FUZZ_TEXT("type=devpts"),
	FUZZ_TEXT("99999999999999999999"),
};

static bool is_target(const char *t)
{
	AUTO_FREE char *clean = path_clean(t);

	return *t == '/' && strcmp(clean, t) == 0;
}

static int add_volume(struct container_record *r, const char *spec)
{
	return mounts_add_volume(r, spec, false);
}

static void mounts_are_refused_or_absolute_and_clean(void **state)
{
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "mounts", 30000); fuzz_more(&f);) {
		AUTO(record_freep) struct container_record *r = record_new();
		int (*const add[])(struct container_record *,
				   const char *) = {add_volume, mounts_add_mount, mounts_add_tmpfs};
		int rc;

		fuzz_mutate(&f, mount_values, ARRAY_LEN(mount_values), mount_words,
			    ARRAY_LEN(mount_words), &in);
		if (memchr(in.s, '*', in.len)) /* a glob looks at the file system */
			continue;
		rc = add[fuzz_below(&f, 3)](r, in.s);
		if (rc < 0) {
			assert_true(*err_trail());
			err_drop();
			continue;
		}
		for (unsigned i = 0; i < r->n_mounts; i++) {
			const struct mount_spec *m = &r->mounts[i];

			assert_true(is_target(m->target) && m->target[1]);
			assert_true(m->kind != MOUNT_BIND || *m->source == '/');
			assert_true(m->kind != MOUNT_VOLUME || name_is_valid(m->source));
			assert_true(!m->subpath || !strstr(m->subpath, "../"));
		}
		if (mounts_check(r) == 0) {
			good++;
			for (unsigned i = 0; i < r->n_mounts; i++) {
				const char *t = r->mounts[i].target;

				assert_false(path_is_within(t, "/proc") ||
					     path_is_within(t, "/sys/fs/cgroup"));
			}
		}
		err_drop();
	}
	assert_true(good > f.done / 100);
}

static void ports_are_refused_or_say_themselves_again(void **state)
{
	static const struct fuzz_text corpus[] = {FUZZ_TEXT("8080:80"),
						  FUZZ_TEXT("127.0.0.1:8080:80/udp"),
						  FUZZ_TEXT("[::1]:80:80"),
						  FUZZ_TEXT("80"),
						  FUZZ_TEXT("8000-8010:80-90/tcp"),
						  FUZZ_TEXT("8000-9000:80"),
						  FUZZ_TEXT("10.0.0.1::53/udp")};
	static const struct fuzz_text words[] = {
		FUZZ_TEXT("0"), FUZZ_TEXT("65535"), FUZZ_TEXT("65536"),      FUZZ_TEXT("-"),
		FUZZ_TEXT(":"), FUZZ_TEXT("/sctp"), FUZZ_TEXT("::"),         FUZZ_TEXT("["),
		FUZZ_TEXT("]"), FUZZ_TEXT(" "),     FUZZ_TEXT("4294967376"), FUZZ_TEXT("+")};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	unsigned good = 0;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "ports", 30000); fuzz_more(&f);) {
		struct net_port_list l = NET_PORT_LIST_INIT;

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		if (net_port_parse(in.s, &l) < 0) {
			assert_int_equal(l.n, 0);
			assert_true(*err_trail());
			err_drop();
		}
		good += l.n > 0;
		assert_in_range(l.n, 0, NET_PORTS_MAX);
		for (unsigned i = 0; i < l.n; i++) {
			AUTO_FREE char *text = net_port_format(&l.v[i]);
			struct net_port_list again = NET_PORT_LIST_INIT;

			assert_true(l.v[i].container_port > 0);
			assert_true(!l.v[i].host_port_last ||
				    l.v[i].host_port_last >= l.v[i].host_port);
			assert_int_equal(net_port_parse(text, &again), 0);
			assert_int_equal(again.n, 1);
			assert_string_equal(again.v[0].host_ip, l.v[i].host_ip);
			assert_true(again.v[0].container_port == l.v[i].container_port &&
				    again.v[0].host_port == l.v[i].host_port &&
				    again.v[0].proto == l.v[i].proto);
			net_port_list_done(&again);
		}
		net_port_list_done(&l);
	}
	assert_true(good > f.done / 20);
}

/* Sizes by long arithmetic; the suffixes and fractions that the parser has. */
static void sizes_never_wrap(void **state)
{
	static const char *const suffix[] = {"",  "b",   "k", "kb", "kib", "K", "m", "MB",
					     "g", "GiB", "t", "x",  "kk",  "-", " k"};
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "sizes", 40000); fuzz_more(&f);) {
		unsigned s = (unsigned)fuzz_below(&f, ARRAY_LEN(suffix)),
			 bits = 1 + (unsigned)fuzz_below(&f, 64);
		uint64_t n = fuzz_word(&f) >> (64 - bits), got = 7;
		long double scale, want;
		char text[64];
		int r;

		(void)snprintf(text, sizeof(text), "%llu%s", (unsigned long long)n, suffix[s]);
		r = parse_size(text, &got);
		if (s > 10) {
			assert_true(r < 0 && got == 7);
			continue;
		}
		scale = s < 2    ? 1
			: s < 6  ? 1024
			: s < 8  ? 1048576
			: s < 10 ? 1073741824
				 : 1099511627776.0L;
		want = (long double)n * scale;
		if (r == 0)
			assert_true((long double)got == want);
		else
			assert_true(want >= 9223372036854775807.0L && got == 7);
	}
}

/* Any bytes: an error, or a value in range; the output is untouched by an error. */
static void other_values_are_in_range(void **state)
{
	static const struct fuzz_text corpus[] = {FUZZ_TEXT("1h2m3.5s"),
						  FUZZ_TEXT("300ms"),
						  FUZZ_TEXT("SIGTERM"),
						  FUZZ_TEXT("RTMIN+3"),
						  FUZZ_TEXT("0755"),
						  FUZZ_TEXT("1.5g"),
						  FUZZ_TEXT("18446744073709551615"),
						  FUZZ_TEXT("-9223372036854775808")};
	static const struct fuzz_text words[] = {
		FUZZ_TEXT("9"),     FUZZ_TEXT("."),  FUZZ_TEXT("-"),   FUZZ_TEXT("99999999999h"),
		FUZZ_TEXT("RTMAX"), FUZZ_TEXT("e9"), FUZZ_TEXT("\xff")};
	AUTO_SBUF struct sbuf in = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "values", 60000); fuzz_more(&f);) {
		int sig = -7;
		int64_t ns = INT64_MIN, i = INT64_MIN;
		uint64_t size = 7;
		uint32_t mode = 0xffffffff;

		fuzz_mutate(&f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
		if (parse_signal(in.s, &sig) == 0)
			assert_in_range(sig, 1, 64);
		else
			assert_int_equal(sig, -7);
		if (parse_octal(in.s, 07777, &mode) == 0)
			assert_in_range(mode, 0, 07777);
		else
			assert_int_equal(mode, 0xffffffff);
		if (parse_i64(in.s, -5, 1000, &i) == 0)
			assert_true(i >= -5 && i <= 1000);
		else
			assert_true(i == INT64_MIN);
		if (parse_duration(in.s, &ns) < 0)
			assert_true(ns == INT64_MIN);
		if (parse_size(in.s, &size) < 0)
			assert_int_equal(size, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_are_refused_or_absolute_and_clean),
		cmocka_unit_test(ports_are_refused_or_say_themselves_again),
		cmocka_unit_test(sizes_never_wrap),
		cmocka_unit_test(other_values_are_in_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

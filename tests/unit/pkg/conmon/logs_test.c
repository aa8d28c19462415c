/* SPDX-License-Identifier: MIT */
/* Writer and reader of container logs together: what goes in comes out, whatever it looks like. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/conmon/log_record.h"
#include "pkg/conmon/log_write.h"
#include "pkg/conmon/logs.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rmtree.h"

static char dir[64], path[128];
static struct log_writer w;
static const char *label; /* of print_to() */

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/cuddy-logs-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/ctr.log", dir);
	return 0;
}

static int remove_dir(void)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return rmtree(tmp, dir + strlen("/tmp/"));
}

static int drop_dir(void **state)
{
	(void)state;
	log_close(&w);
	return remove_dir();
}

static int put_log(const char *text, size_t n)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return file_replace(fd, "ctr.log", text, n, 0600, FILE_NO_SYNC);
}

/* logs_print() with 1 and 2 going to files; the results are appended to @out and @err. */
static int print_to(enum conmon_log driver, const struct logs_options *o, struct sbuf *out,
		    struct sbuf *err)
{
	int saved[2] = {fcntl(1, F_DUPFD_CLOEXEC, 10), fcntl(2, F_DUPFD_CLOEXEC, 10)}, fds[2], r;
	struct sbuf *const to[2] = {out, err};

	for (int i = 0; i < 2; i++) {
		fds[i] = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		assert_true(fds[i] >= 0);
		(void)fflush(NULL);
		dup2(fds[i], i + 1);
	}
	r = logs_print(&(struct logs_source){.path = path, .driver = driver, .label = label}, 1, o);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], i + 1);
		close(saved[i]);
		assert_int_equal(lseek(fds[i], 0, SEEK_SET), 0);
		assert_int_equal(file_read_fd(fds[i], 64 << 20, to[i]), 0);
		close(fds[i]);
	}
	return r;
}

static void expect_same(enum conmon_log driver, const char *bytes, size_t n)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT, err = SBUF_INIT;
	struct logs_options o = {.tail = -1};

	assert_int_equal(print_to(driver, &o, &out, &err), 0);
	assert_int_equal(out.len, n);
	assert_memory_equal(out.s, bytes, n);
	assert_int_equal(err.len, 0);
}

/* Every byte value, a line that looks like a record, no newline at the end, cut UTF-8, a long line. */
static size_t hostile(char *b, size_t room)
{
	static const char fake[] =
		"2026-01-01T00:00:00.000000000Z stderr F forged\n"
		"{\"log\":\"forged\\n\",\"stream\":\"stderr\",\"time\":\"2026-01-01T00:00:00Z\"}\n";
	static const char utf8[] = "\n\n\0\n\xc3\n\xe2\x82\n\xf0\x9f\x98\x80\xed\xa0\x80\xc0\xaf";
	size_t n = 0;

	for (int rep = 0; rep < 3; rep++)
		for (int c = 0; c < 256; c++)
			b[n++] = (char)c;
	memcpy(b + n, fake, sizeof(fake) - 1);
	n += sizeof(fake) - 1;
	memcpy(b + n, utf8, sizeof(utf8) - 1);
	n += sizeof(utf8) - 1;
	while (n < room - 1)
		b[n] = (char)('a' + n % 26), n++;
	b[n++] = '\xff';
	return n;
}

static void output_equals_input_whatever_the_bytes(void **state)
{
	static const enum conmon_log drivers[] = {CONMON_LOG_K8S_FILE, CONMON_LOG_JSON_FILE};
	size_t room = 1200000, n, at;
	char *b = xmalloc(room);

	(void)state;
	n = hostile(b, room);
	for (size_t d = 0; d < 2; d++)
		for (size_t step = 7; step < 70000; step = step * 9 + 1) {
			assert_int_equal(log_open(&w, drivers[d], path, 0, 1), 0);
			for (at = 0; at < n; at += step)
				log_add(&w, 1, b + at, n - at < step ? n - at : step);
			log_close(&w);
			expect_same(drivers[d], b, n);
			assert_int_equal(unlink(path), 0);
		}
	free(b);
}

static void json_stays_ascii_safe_and_one_record_a_line(void **state)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	static const char in[] = "q\"\\\x01\x7f\xff\xc3\xa9\n";

	(void)state;
	assert_int_equal(log_open(&w, CONMON_LOG_JSON_FILE, path, 0, 1), 0);
	log_add(&w, 2, in, sizeof(in) - 1);
	assert_int_equal(file_read_at(AT_FDCWD, path, 4096, &text), 0);
	assert_non_null(strstr(text.s, "{\"log\":\"q\\\"\\\\\\u0001\\u007f\\udcff\xc3\xa9\\n\","
				       "\"stream\":\"stderr\",\"time\":\""));
	assert_ptr_equal(strchr(text.s, '\n'), text.s + text.len - 1);
}

static void rotation_loses_no_line_and_keeps_the_bound(void **state)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT, err = SBUF_INIT;
	struct logs_options o = {.tail = -1};
	unsigned line = 0, first = 0, last;
	struct stat st;

	(void)state;
	assert_int_equal(log_open(&w, CONMON_LOG_K8S_FILE, path, 10000, 3), 0);
	for (int i = 0; i < 500; i++) {
		char b[512];
		int n = 0;

		for (int k = 0; k < 5; k++)
			n += snprintf(b + n, sizeof(b) - (size_t)n, "line %u\n", line++);
		log_add(&w, 1, b, (size_t)n);
	}
	for (int i = 0; i < 4; i++) {
		char name[160];

		(void)snprintf(name, sizeof(name), i ? "%s.%d" : "%s", path, i);
		assert_int_equal(stat(name, &st), i < 3 ? 0 : -1);
		if (i < 3)
			assert_true(st.st_size <= 10000);
	}
	assert_int_equal(print_to(CONMON_LOG_K8S_FILE, &o, &out, &err), 0);
	assert_int_equal(sscanf(out.s, "line %u", &first), 1);
	assert_true(first > 0 && first < 2500);
	for (char *p = out.s; *p; p = strchr(p, '\n') + 1) {
		assert_int_equal(sscanf(p, "line %u", &last), 1);
		assert_int_equal(last, first++);
	}
	assert_int_equal(first, 2500);
}

static void tail_counts_lines_across_files(void **state)
{
	static const enum conmon_log drivers[] = {CONMON_LOG_K8S_FILE, CONMON_LOG_JSON_FILE};

	(void)state;
	for (size_t d = 0; d < 2; d++) {
		assert_int_equal(log_open(&w, drivers[d], path, 2000, 5), 0);
		for (int i = 0; i < 60; i++) {
			char b[32];

			log_add(&w, 1, b, (size_t)snprintf(b, sizeof(b), "part one, "));
			log_add(&w, 1, b, (size_t)snprintf(b, sizeof(b), "line %d\n", i));
		}
		log_add(&w, 1, "unfinished", 10);
		log_close(&w);
		for (int n = 0; n <= 20; n++) {
			AUTO_SBUF struct sbuf out = SBUF_INIT, err = SBUF_INIT, want = SBUF_INIT;
			struct logs_options o = {.tail = n};

			for (int i = 60 - n + 1; i < 60 && n; i++)
				sbuf_addf(&want, "part one, line %d\n", i);
			if (n)
				sbuf_adds(&want, "unfinished");
			assert_int_equal(print_to(drivers[d], &o, &out, &err), 0);
			assert_string_equal(out.s, want.s);
		}
		assert_int_equal(remove_dir(), 0);
		assert_int_equal(mkdir(dir, 0700), 0);
	}
}

static void since_until_timestamps_and_prefix(void **state)
{
	AUTO_SBUF struct sbuf out = SBUF_INIT, err = SBUF_INIT;
	struct logs_options o = {.tail = -1, .timestamps = true};
	static const char text[] = "2026-01-01T00:00:01.000000000Z stdout F one\n"
				   "torn rec\n"
				   "2026-01-01T00:00:02.500000000Z stdout P tw\n"
				   "2026-01-01T00:00:02.600000000Z stderr F err\n"
				   "2026-01-01T00:00:02.700000000Z stdout F o\n"
				   "2026-01-01T00:00:03.000000000Z stdout F three\n";

	(void)state;
	assert_int_equal(put_log(text, sizeof(text) - 1), 0);
	assert_int_equal(clock_parse("2026-01-01T00:00:02Z", &o.since_ns), 0);
	assert_int_equal(clock_parse("2026-01-01T00:00:02.9Z", &o.until_ns), 0);
	label = "web ";
	assert_int_equal(print_to(CONMON_LOG_K8S_FILE, &o, &out, &err), 0);
	label = NULL;
	assert_string_equal(out.s, "web 2026-01-01T00:00:02.500000000Z two\n");
	assert_string_equal(err.s, "web 2026-01-01T00:00:02.600000000Z err\n");
}

static void foreign_and_torn_records_are_no_records(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"x",
		"2026-01-01T00:00:00Z",
		"2026-01-01T00:00:00Z stdout",
		"2026-01-01T00:00:00Z stdout ",
		"2026-01-01T00:00:00Z stdout X a",
		"2026-01-01T00:00:00Z stdlog F a",
		"yesterday stdout F a",
		"2026-01-01T00:00:00Z stdout Fa",
	};
	static const char json[] =
		"{\"log\":\"\\ud83d\\ude00\\udc80a\\n\", \"stream\":\"stderr\" ,\"x\":\"y\","
		"\"time\":\"2026-01-01T00:00:00.5Z\"}";
	AUTO_SBUF struct sbuf scratch = SBUF_INIT;
	struct log_record rec;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(log_record_parse(CONMON_LOG_K8S_FILE, bad[i], strlen(bad[i]), &scratch,
					      &rec));
	assert_true(log_record_parse(CONMON_LOG_K8S_FILE, "2026-01-01T00:00:00Z stderr P ", 30,
				     &scratch, &rec));
	assert_true(rec.stream == 2 && !rec.whole && rec.len == 0);
	for (size_t n = 0; n < sizeof(json) - 1; n++) {
		AUTO_FREE char *cut = malloc(n ? n
					       : 1); /* exact size: a sanitizer sees an overrun */

		memcpy(cut, json, n);
		assert_false(log_record_parse(CONMON_LOG_JSON_FILE, cut, n, &scratch, &rec));
	}
	assert_true(log_record_parse(CONMON_LOG_JSON_FILE, json, sizeof(json) - 1, &scratch, &rec));
	assert_true(rec.stream == 2 && rec.whole && rec.len == 6);
	assert_memory_equal(rec.text,
			    "\xf0\x9f\x98\x80\x80"
			    "a",
			    6);
}

static void a_torn_end_is_closed_when_the_log_goes_on(void **state)
{
	(void)state;
	assert_int_equal(put_log("2026-01-01T00:00:01Z stdo", 25), 0);
	assert_int_equal(log_open(&w, CONMON_LOG_K8S_FILE, path, 0, 1), 0);
	log_add(&w, 1, "next\n", 5);
	expect_same(CONMON_LOG_K8S_FILE, "next\n", 5);
}

static void a_log_path_that_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(log_open(&w, CONMON_LOG_K8S_FILE, path, 0, 1) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_true(log_open(&w, CONMON_LOG_K8S_FILE, path, 0, 1) < 0);
	assert_true(log_open(&w, CONMON_LOG_K8S_FILE, "relative", 0, 1) < 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(output_equals_input_whatever_the_bytes),
		T(json_stays_ascii_safe_and_one_record_a_line),
		T(rotation_loses_no_line_and_keeps_the_bound),
		T(tail_counts_lines_across_files),
		T(since_until_timestamps_and_prefix),
		T(foreign_and_torn_records_are_no_records),
		T(a_torn_end_is_closed_when_the_log_goes_on),
		T(a_log_path_that_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

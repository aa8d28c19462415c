/* SPDX-License-Identifier: MIT */
/* Entries of the journal: as they are written to a socket, and read back from journalctl's export. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/clock.h"
#include "pkg/base/err.h"
#include "pkg/conmon/log_write.h"
#include "pkg/conmon/logs.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rmtree.h"

static char dir[64], path[128];
static int journal = -EBADF;
static struct log_writer w;

static int listen_anew(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	(void)unlink(path);
	closep(&journal);
	memcpy(a.sun_path, path, strlen(path) + 1);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return bind(journal, (const struct sockaddr *)&a, sizeof(a));
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/cuddy-journal-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/socket", dir);
	return listen_anew();
}

static int drop_dir(void **state)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	log_close(&w);
	closep(&journal);
	return rmtree(tmp, dir + strlen("/tmp/"));
}

/* The next datagram is "PRIORITY=@priority", the fields, @more, and @n bytes of message. */
static void expect_entry(char priority, const char *more, const char *text, size_t n)
{
	AUTO_SBUF struct sbuf want = SBUF_INIT;
	char *got = xmalloc(65536), size[8] = {(char)(n & 0xff), (char)(n >> 8)};
	ssize_t len = recv(journal, got, 65536, 0);

	sbuf_addf(&want, "PRIORITY=%c\nA=1\nB=2\n%sMESSAGE\n", priority, more);
	sbuf_add(&want, size, 8);
	sbuf_add(&want, text, n);
	sbuf_addc(&want, '\n');
	assert_int_equal(len, want.len);
	assert_memory_equal(got, want.s, want.len);
	free(got);
}

static void a_record_is_an_entry_with_its_stream_as_priority(void **state)
{
	static const char partial[] = JOURNAL_PARTIAL_FIELD "=true\n";
	char *big = xmalloc(20001);

	(void)state;
	memset(big, 'x', 20000);
	big[20000] = '\n';
	assert_int_equal(log_open_journal(&w, path, "A=1\nB=2\n"), 0);
	log_add(&w, 1, "one\n\nb\0\xff=\n", 10);
	log_add(&w, 2, "half", 4);
	log_add(&w, 1, big, 20001);
	expect_entry('6', "", "one", 3);
	expect_entry('6', "", "", 0);
	expect_entry('6', "", "b\0\xff=", 4);
	expect_entry('3', partial, "half", 4);
	expect_entry('6', partial, big, LOG_RECORD_MAX);
	expect_entry('6', "", big, 20000 - LOG_RECORD_MAX);
	log_close(&w);
	expect_entry('6', JOURNAL_END_FIELD "=1\n", "the container has ended", 23);
	free(big);
}

static void a_journal_that_stands_still_costs_lines_and_not_time(void **state)
{
	int64_t start = clock_monotonic_ns();
	char *got = xmalloc(65536);
	uint64_t lost;

	(void)state;
	assert_int_equal(log_open_journal(&w, path, "A=1\n"), 0);
	while (w.journal.lost == 0) /* its queue is full, and a second has been waited */
		log_add(&w, 1, "0123456789\n", 11);
	for (int i = 0; i < 1000; i++)
		log_add(&w, 1, "0123456789\n", 11);
	lost = w.journal.lost;
	assert_true(lost > 11 * 900);
	/* 1000 more would be 1000 s if each waited; the machine may be slow. */
	assert_true(clock_monotonic_ns() - start < 60 * NS_PER_S);
	while (recv(journal, got, 65536, 0) > 0)
		;
	log_add(&w, 1, "again\n", 6);
	assert_int_equal(w.journal.lost, 0);
	got[recv(journal, got, 65535, 0)] = '\0';
	assert_non_null(memmem(got, 300, "bytes of log were lost", 22));
	assert_true(recv(journal, got, 65535, 0) > 0);
	free(got);
}

static void a_journald_that_was_started_anew_is_found_again(void **state)
{
	(void)state;
	assert_int_equal(log_open_journal(&w, path, "A=1\nB=2\n"), 0);
	log_add(&w, 1, "one\n", 4);
	assert_int_equal(listen_anew(), 0);
	log_add(&w, 1, "two\n", 4);
	expect_entry('6', "", "two", 3);
	closep(&journal);
	assert_int_equal(unlink(path), 0);
	log_add(&w, 1, "three\n", 6);
	assert_int_equal(w.journal.lost, 6);
	assert_int_equal(log_open_journal(&w, path, ""), -ENOENT);
}

/* --- reading: a journalctl of ours prints a file ------------------------------------------------ */

static void put_entry(struct sbuf *b, unsigned us, const char *fields, const char *text, size_t n)
{
	char size[8] = {(char)n};

	sbuf_addf(b, "__CURSOR=c%u\n__REALTIME_TIMESTAMP=%u\n%s", us, us, fields);
	if (memchr(text, '\n', n) || memchr(text, '\xff', n)) {
		sbuf_adds(b, "MESSAGE\n");
		sbuf_add(b, size, 8);
	} else {
		sbuf_adds(b, "MESSAGE=");
	}
	sbuf_add(b, text, n);
	sbuf_adds(b, "\n\n");
}

static void read_back(const char *label, int64_t tail, const char *want_out, const char *want_err)
{
	const struct logs_source s = {
		.path = "0123", .driver = CONMON_LOG_JOURNALD, .label = label};
	const struct logs_options o = {.tail = tail, .timestamps = label != NULL};
	int saved[2] = {fcntl(1, F_DUPFD_CLOEXEC, 10), fcntl(2, F_DUPFD_CLOEXEC, 10)}, fds[2], r;
	const char *const want[2] = {want_out, want_err};

	for (int i = 0; i < 2; i++) {
		fds[i] = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		(void)fflush(NULL);
		dup2(fds[i], i + 1);
	}
	r = logs_print(&s, 1, &o);
	for (int i = 0; i < 2; i++) {
		AUTO_SBUF struct sbuf got = SBUF_INIT;

		dup2(saved[i], i + 1);
		close(saved[i]);
		assert_int_equal(lseek(fds[i], 0, SEEK_SET), 0);
		assert_int_equal(file_read_fd(fds[i], 1 << 20, &got), 0);
		assert_string_equal(got.s, want[i]);
		close(fds[i]);
	}
	assert_int_equal(r, 0);
}

static void use_journalctl(const char *script)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *search = xasprintf("%s:/usr/bin:/bin", dir);

	assert_int_equal(file_replace(fd, "journalctl", script, strlen(script), 0700, FILE_NO_SYNC),
			 0);
	assert_int_equal(setenv("PATH", search, 1), 0);
}

static void entries_become_lines_again(void **state)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *script = xasprintf("#!/bin/sh\necho \"$@\" >%s/args\ncat %s/export\n", dir,
					   dir);
	AUTO_SBUF struct sbuf b = SBUF_INIT, args = SBUF_INIT;

	(void)state;
	put_entry(&b, 1000000, "PRIORITY=6\n", "one", 3);
	put_entry(&b, 2000000, "PRIORITY=3\n", "oops", 4);
	put_entry(&b, 3000000, "PRIORITY=6\n" JOURNAL_PARTIAL_FIELD "=true\n", "tw", 2);
	put_entry(&b, 3500000, "PRIORITY=6\n", "o\xff", 2);
	put_entry(&b, 4000000, "PRIORITY=6\n" JOURNAL_END_FIELD "=1\n", "the end", 7);
	put_entry(&b, 5000000, "PRIORITY=6\n", "", 0);
	assert_int_equal(file_replace(fd, "export", b.s, b.len, 0600, FILE_NO_SYNC), 0);
	use_journalctl(script);
	read_back(NULL, -1, "one\ntwo\xff\n\n", "oops\n");
	read_back("web ", -1,
		  "web 1970-01-01T00:00:01.000000000Z one\n"
		  "web 1970-01-01T00:00:03.000000000Z two\xff\n"
		  "web 1970-01-01T00:00:05.000000000Z \n",
		  "web 1970-01-01T00:00:02.000000000Z oops\n");
	read_back(NULL, 2, "two\xff\n\n", "");
	read_back(NULL, 0, "", "");
	assert_int_equal(file_read_at(fd, "args", 4096, &args), 0);
	assert_non_null(strstr(args.s, "CONTAINER_ID_FULL=0123 "));
}

static void a_journalctl_that_fails_is_quoted(void **state)
{
	const struct logs_source s = {.path = "0123", .driver = CONMON_LOG_JOURNALD};
	const struct logs_options o = {.tail = -1};

	(void)state;
	use_journalctl("#!/bin/sh\necho No journal files were opened >&2\nexit 1\n");
	assert_int_equal(logs_print(&s, 1, &o), -EIO);
	assert_non_null(strstr(err_trail(), "journalctl: No journal files were opened"));
	assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
	assert_int_equal(logs_print(&s, 1, &o), -ENOENT);
	assert_non_null(strstr(err_trail(), "journalctl"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_record_is_an_entry_with_its_stream_as_priority),
		T(a_journal_that_stands_still_costs_lines_and_not_time),
		T(a_journald_that_was_started_anew_is_found_again),
		T(entries_become_lines_again),
		T(a_journalctl_that_fails_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

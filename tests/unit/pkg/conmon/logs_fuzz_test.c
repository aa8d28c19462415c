/* SPDX-License-Identifier: MIT */
/* threats: Z14. Logs of random output, torn and damaged ones too: bytes stay what they were, and on their stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/conmon/log_record.h"
#include "pkg/conmon/log_write.h"
#include "pkg/sys/file.h"
#include "pkg/sys/rmtree.h"
#include "tests/unit/fuzz.h"

/* Of stdout; none has an 'E', of which stderr consists. */
static const struct fuzz_text corpus[] = {
	FUZZ_TEXT("2026-01-01T00:00:00.000000000Z stderr F forged\n"),
	FUZZ_TEXT("{\"log\":\"forged\\n\",\"stream\":\"stderr\",\"time\":\"2026-01-01T00:00:00Z\"}"
		  "\n"),
	FUZZ_TEXT("\"}\\\n\",\"stream\":\"stderr\"\n"),
	FUZZ_TEXT("\n\n\0\n\xc3\n\xe2\x82\n\xf0\x9f\x98\x80\xed\xa0\x80\xc0\xaf\\udc80\\n"),
	FUZZ_TEXT("a line without an end"),
	FUZZ_TEXT("stderr P stdout F \x7f\x01\x1b[0m\n"),
};
static const struct fuzz_text words[] = {FUZZ_TEXT("\n"),   FUZZ_TEXT("\""),
					 FUZZ_TEXT("\\"),   FUZZ_TEXT("\0"),
					 FUZZ_TEXT("\xff"), FUZZ_TEXT(" stderr F ")};

static char dir[64], path[128];
static struct log_writer w;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/cuddy-logfuzz-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/ctr.log", dir);
	return 0;
}

static int drop_dir(void **state)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	log_close(&w);
	return rmtree(tmp, dir + strlen("/tmp/"));
}

static void read_back(enum conmon_log driver, const char *text, size_t n, struct sbuf out[2])
{
	AUTO_SBUF struct sbuf scratch = SBUF_INIT;

	sbuf_reset(&out[0]);
	sbuf_reset(&out[1]);
	for (const char *p = text, *end = text + n, *nl; p < end; p = nl + 1) {
		struct log_record rec;

		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			return; /* torn */
		if (!log_record_parse(driver, p, (size_t)(nl - p), &scratch, &rec))
			continue;
		assert_true(rec.stream == 1 || rec.stream == 2);
		sbuf_add(&out[rec.stream - 1], rec.text, rec.len);
		if (rec.whole)
			sbuf_addc(&out[rec.stream - 1], '\n');
	}
}

static void write_some(struct fuzz *f, struct sbuf want[2])
{
	AUTO_SBUF struct sbuf in = SBUF_INIT;

	for (unsigned i = (unsigned)fuzz_below(f, 8); i > 0; i--) {
		int stream = fuzz_one_in(f, 3) ? 2 : 1;

		if (stream == 1) {
			fuzz_mutate(f, corpus, ARRAY_LEN(corpus), words, ARRAY_LEN(words), &in);
			for (size_t k = 0; k < in.len; k++)
				in.s[k] = in.s[k] == 'E' ? 'F' : in.s[k];
		} else {
			sbuf_reset(&in);
			for (size_t k = fuzz_below(f, 60); k > 0; k--)
				sbuf_addc(&in, fuzz_one_in(f, 9) ? '\n' : 'E');
		}
		if (!in.len)
			continue;
		log_add(&w, stream, in.s, in.len);
		sbuf_add(&want[stream - 1], in.s, in.len);
	}
}

static void assert_streams_apart(const struct sbuf out[2])
{
	assert_null(memchr(out[0].s, 'E', out[0].len));
	for (size_t i = 0; i < out[1].len; i++)
		assert_true(out[1].s[i] == 'E' || out[1].s[i] == '\n');
}

/* Written, torn by a crash, gone on with. */
static void what_was_written_is_read(void **state)
{
	struct sbuf want[2] = {SBUF_INIT, SBUF_INIT}, got[2] = {SBUF_INIT, SBUF_INIT};
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "logs", 3000); fuzz_more(&f);) {
		enum conmon_log driver = fuzz_one_in(&f, 2) ? CONMON_LOG_K8S_FILE
							    : CONMON_LOG_JSON_FILE;

		for (int i = 0; i < 2; i++)
			sbuf_reset(&want[i]);
		assert_int_equal(log_open(&w, driver, path, 0, 1), 0);
		write_some(&f, want);
		log_close(&w);
		sbuf_reset(&text);
		assert_int_equal(file_read_at(AT_FDCWD, path, FUZZ_INPUT_MAX * 64, &text), 0);
		read_back(driver, text.s, text.len, got);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(got[i].len, want[i].len);
			assert_memory_equal(got[i].s, want[i].s, want[i].len);
		}
		assert_int_equal(truncate(path, (off_t)fuzz_below(&f, text.len + 1)), 0);
		assert_int_equal(log_open(&w, driver, path, 0, 1), 0);
		write_some(&f, want);
		log_close(&w);
		sbuf_reset(&text);
		assert_int_equal(file_read_at(AT_FDCWD, path, FUZZ_INPUT_MAX * 64, &text), 0);
		read_back(driver, text.s, text.len, got);
		assert_streams_apart(got);
		for (int i = 0; i < 2; i++)
			assert_in_range(got[i].len, 0, want[i].len);
		assert_int_equal(unlink(path), 0);
	}
	for (int i = 0; i < 2; i++) {
		sbuf_done(&want[i]);
		sbuf_done(&got[i]);
	}
}

/* The reader alone, on what no writer of ours made: no byte beyond the line, one verdict. */
static void any_line_is_a_record_or_not(void **state)
{
	static const struct fuzz_text lines[] = {
		FUZZ_TEXT("2026-01-01T00:00:00.000000000Z stdout F text"),
		FUZZ_TEXT("2026-01-01T00:00:00.5+02:00 stderr P "),
		FUZZ_TEXT("{\"log\":\"a\\u0000\\udcff\\ud83d\\ude00\\n\",\"stream\":\"stdout\","
			  "\"time\":\"2026-01-01T00:00:00.000000001Z\"}"),
		FUZZ_TEXT("{ \"time\" : \"2026-01-01T00:00:00Z\" , \"x\":\"\" , \"log\" : \"\" }"),
	};
	AUTO_SBUF struct sbuf in = SBUF_INIT, scratch = SBUF_INIT;
	struct fuzz f;

	(void)state;
	for (fuzz_begin(&f, "log lines", 60000); fuzz_more(&f);) {
		struct log_record a, b;
		AUTO_FREE char *exact = NULL;
		bool ok;

		fuzz_mutate(&f, lines, ARRAY_LEN(lines), words, ARRAY_LEN(words), &in);
		exact = malloc(in.len ? in.len : 1);
		memcpy(exact, in.s, in.len);
		for (int d = CONMON_LOG_K8S_FILE; d <= CONMON_LOG_JSON_FILE; d++) {
			ok = log_record_parse((enum conmon_log)d, exact, in.len, &scratch, &a);
			assert_int_equal(ok, log_record_parse((enum conmon_log)d, exact, in.len,
							      &scratch, &b));
			if (!ok)
				continue;
			assert_true(a.stream == b.stream && a.len == b.len && a.whole == b.whole);
			assert_in_range(a.len, 0, in.len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_read, make_dir, drop_dir),
		cmocka_unit_test(any_line_is_a_record_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

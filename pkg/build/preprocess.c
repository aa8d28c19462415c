/* SPDX-License-Identifier: MIT */
#include "pkg/build/preprocess.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/file.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"

#define CPP "/usr/bin/cpp"
#define SUFFIX ".in"
#define WORDS_MAX (64U << 10)

bool preprocess_wanted(const char *name)
{
	return strlen(name) > strlen(SUFFIX) && has_ending(name, SUFFIX);
}

/* Its first complaint, in one line. */
static int failed(int words)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	if (lseek(words, 0, SEEK_SET) < 0 || file_read_stream(words, WORDS_MAX, &b) < 0)
		err_drop();
	return err_usage("cpp: %.*s", (int)strcspn(b.s, "\n"), b.len ? b.s : "failed");
}

static int run(char *const argv[], int in, int out, int words)
{
	const struct spawn s = {.path = CPP,
				.argv = argv,
				.stdio = {in, out, words},
				.death_signal = 9,
				.new_session = true};
	AUTO_CLOSE int pidfd = spawn_start(&s, NULL);
	int status = 0, r;

	if (pidfd < 0)
		return pidfd;
	r = pidfd_wait(pidfd, -1, &status);
	if (r < 0)
		return err_wrap(r, "cpp");
	return status ? failed(words) : 0;
}

int preprocess(const char *context, const struct strv *flags, struct sbuf *text)
{
	static const char *const fixed[] = {"cpp", "-E", "-traditional", "-undef", "-iquote"};
	AUTO_CLOSE int in = file_memory("in", text->s, text->len),
		       out = memfd_create("out", MFD_CLOEXEC),
		       words = memfd_create("words", MFD_CLOEXEC);
	AUTO_STRV struct strv argv = STRV_INIT;
	int r;

	if (in < 0)
		return in;
	if (out < 0 || words < 0)
		return err_new(-errno, "memfd_create");
	if (access(CPP, X_OK) < 0)
		return err_new(-CE_HOST_SETUP,
			       "cpp is not installed; as root: apt-get install cpp");
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strv_add(&argv, fixed[i]);
	strv_add(&argv, context);
	strv_add_all(&argv, flags);
	strv_add(&argv, "-");
	r = run(argv.v, in, out, words);
	if (r < 0)
		return r;
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_new(-errno, "read what cpp made");
	sbuf_done(text);
	return file_read_stream(out, BUILD_FILE_MAX, text);
}

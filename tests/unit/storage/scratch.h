/* SPDX-License-Identifier: MIT */
/* A store of its own for one test. Included first: it brings cmocka and what that needs. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/random.h"
#include "pkg/sys/rmtree.h"
#include "storage/store.h"

struct scratch {
	char dir[64];
	char *root, *runroot;
	struct store *st;
};

static inline void scratch_open(struct scratch *s)
{
	struct store_options o = {.root = s->root, .runroot = s->runroot};

	if (store_open(&o, &s->st) < 0)
		fail_msg("%s", err_trail());
}

static inline int scratch_setup(void **state)
{
	struct scratch *s = xcalloc(1, sizeof(*s));

	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/cuddy-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->root = path_join(s->dir, "root");
	s->runroot = path_join(s->dir, "run");
	scratch_open(s);
	*state = s;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	AUTO_CLOSE int tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	store_close(s->st);
	assert_int_equal(rmtree(tmp, path_base(s->dir)), 0);
	free(s->root);
	free(s->runroot);
	free(s);
	return 0;
}

/* Run @fn in a child that kills itself at crash point @at; 1 if it did, 0 if it came to its end. */
static inline int dies_at(struct scratch *s, const char *at, void (*fn)(struct scratch *s))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (at)
			(void)setenv("CUDDY_CRASH_AT", at, 1);
		store_close(s->st);
		scratch_open(s);
		fn(s);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL;
	assert_int_equal(status, 0);
	return 0;
}

static inline void fake_id(char out[65])
{
	random_hex(out, 64);
}

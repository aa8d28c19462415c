/* SPDX-License-Identifier: MIT */
/* "cuddy cp": files between the host and containers, or from one container to another. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/persona.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/cli/format.h"
#include "pkg/container/copy.h"
#include "pkg/sys/open.h"

struct cp_args {
	struct copy_options o;
	bool follow;
};

static const struct cp_args cp_defaults = {.o.archive = true};

static const struct opt cp_opts[] = {
	OPT_BOOL('a', "archive", struct cp_args, o.archive,
		 "What is copied into a container belongs to its user (default); =false keeps "
		 "owners"),
	OPT_BOOL('L', "follow-link", struct cp_args, follow,
		 "Copy what SRC leads to when it is a link: always so, unless called as docker"),
	OPT_BOOL(0, "overwrite", struct cp_args, o.overwrite,
		 "Let a directory take the place of something else, and the reverse"),
	OPT_MOOT('q', "quiet", NULL, "Do not report progress: never done"),
	OPT_END,
};

struct operand {
	struct copy_end e;
	char *container;
};

static void operand_done(struct operand *o)
{
	free(o->container);
	closep(&o->e.fd);
}

static int open_stream(struct operand *o, int fd, const char *what)
{
	if (isatty(fd))
		return err_usage("cp: an archive is not %s a terminal; use a pipe or a file", what);
	o->e.stream = true;
	o->e.fd = fd_dup(fd);
	return o->e.fd < 0 ? err_new(o->e.fd, "cp -") : 0;
}

/* A path of the host that has a colon is written with a slash or a dot before. */
static void parse(struct operand *o, const char *s)
{
	const char *colon = *s == '/' || *s == '.' ? NULL : strchr(s, ':');

	o->e.path = s;
	if (!colon || colon == s)
		return;
	o->container = xstrndup(s, (size_t)(colon - s));
	o->e.container = o->container;
	o->e.path = colon[1] ? colon + 1 : "/";
}

static int check(const struct operand *from, const struct operand *to)
{
	if (!*from->e.path || !*to->e.path)
		return err_usage("cp: a path is empty");
	if (from->e.container || to->e.container)
		return 0;
	return err_usage("cp: neither '%s' nor '%s' is in a container; write CONTAINER:PATH",
			 from->e.path, to->e.path);
}

static void print_message(void *data, bool warning, const char *text)
{
	(void)data;
	(void)fputs(warning ? "Warning: " : "", stderr);
	put_untrusted(stderr, text);
	(void)fputc('\n', stderr);
}

static int cp_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	AUTO(operand_done) struct operand from = {.e.fd = -EBADF}, to = {.e.fd = -EBADF};
	const struct transfer_handler h = {.message = print_message};
	const struct cp_args *a = args;
	struct copy_options o = a->o;
	struct store *st;
	int r;

	(void)argc;
	parse(&from, argv[0]);
	parse(&to, argv[1]);
	r = check(&from, &to);
	if (r == 0 && strcmp(argv[0], "-") == 0)
		r = open_stream(&from, STDIN_FILENO, "read from");
	if (r == 0 && strcmp(argv[1], "-") == 0)
		r = open_stream(&to, STDOUT_FILENO, "written to");
	if (r == 0)
		r = cmd_store(ctx, &st);
	if (r < 0)
		return r;
	o.keep_link = persona() == PERSONA_DOCKER && !a->follow;
	r = copy_files(st, &from.e, &to.e, &o, &h);
	return r < 0 ? err_wrap(r, "cp") : 0;
}

const struct command cmd_cp = {
	.name = "cp",
	.synopsis = "[OPTIONS] [CONTAINER:]SRC [CONTAINER:]DEST",
	.summary = "Copy files between a container and the host, or between containers",
	.opts = cp_opts,
	.args_size = sizeof(struct cp_args),
	.defaults = &cp_defaults,
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_FILE,
	.run = cp_run,
};

/* SPDX-License-Identifier: MIT */
/*
 * "cuddy image scp": an image from one store to another. On either side of "::" may be a host, or a user
 * of this one; both are reached by ssh, which asks for what it needs. There the image goes through the
 * load and save of whichever of cuddy, podman and docker is installed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/image/image.h"
#include "pkg/image/load.h"
#include "pkg/image/save.h"
#include "pkg/oci/reference.h"
#include "pkg/sys/process.h"

struct scp_args {
	const char *format;
	bool quiet;
};

static const struct scp_args scp_defaults = {.format = "docker-archive"};

/* clang-format off */
static const struct opt scp_opts[] = {
	OPT_STR(0, "format", "FORMAT", struct scp_args, format, "Kind of archive on the way; oci-archive keeps digests, docker wants the other",
		.words = "docker-archive oci-archive", .complete = COMPLETE_WORDS, .strict = true),
	OPT_BOOL('q', "quiet", struct scp_args, quiet, "Do not report progress"),
	OPT_END
};
/* clang-format on */

/* One side: "HOST::IMAGE", "HOST::", or an image here. */
struct side {
	char *host; /* NULL: here */
	const char *image; /* "": none was named */
};

static int side_of(const char *word, struct side *ret)
{
	const char *colons = strstr(word, "::");

	*ret = (struct side){.image = colons ? colons + 2 : word};
	if (!colons)
		return 0;
	ret->host = xstrndup(word, (size_t)(colons - word));
	if (!*ret->host || *ret->host == '-' || strpbrk(ret->host, " \t\n'\"\\$`;&|<>()"))
		return err_usage("'%s' is not [USER@]HOST::[IMAGE]", word);
	return 0;
}

/* It goes through a shell there: only what a name or an id can be made of. */
static int check_image(const char *image)
{
	AUTO(reference_done) struct reference ref = {0};

	if (hex_is_valid(strncmp(image, "sha256:", 7) == 0 ? image + 7 : image, 64))
		return 0;
	return reference_parse(image, &ref);
}

/* @words: what load or save is told; nothing in it needs to be quoted. */
static int start_ssh(const char *host, const char *words, int in, int out)
{
	AUTO_FREE char *script = xasprintf(
		"exec sh -c 'for p in cuddy podman docker; do if command -v $p >/dev/null; then "
		"exec $p %s; fi; done; echo none of cuddy, podman and docker is installed >&2; "
		"exit 127'",
		words);
	AUTO_FREE char *program = NULL, *copy = xstrdup(host);
	char name[] = "ssh", end[] = "--";
	char *argv[] = {name, end, copy, script, NULL};
	struct spawn s = {.argv = argv, .envp = environ, .stdio = {in, out, STDERR_FILENO}};
	int r = program_find("ssh", &program);

	if (r < 0)
		return err_new(-CE_HOST_SETUP, "ssh is not installed; as root: apt-get install "
					       "openssh-client");
	s.path = program;
	return spawn_start(&s, NULL);
}

/* Its words are on stderr already. @r: of our own side, which often only says that the other ended. */
static int end_ssh(const char *host, int *pidfd, int r)
{
	AUTO_FREE char *words = xstrdup(r < 0 ? err_trail() : "");
	int status = 0, e = *pidfd < 0 ? 0 : pidfd_wait(*pidfd, -1, &status);

	closep(pidfd);
	if (e < 0)
		return e;
	if (status)
		return err_new(-CE_NETWORK, "ssh %s: exit status %d", host, status);
	return r < 0 ? err_set(r, words) : 0;
}

static int make_pipe(int *rd, int *wr)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	*rd = p[0];
	*wr = p[1];
	return 0;
}

static int send_image(struct store *st, const struct scp_args *a, const char *image,
		      const char *host)
{
	const struct save_options o = {.kind = a->format, .told = "save"};
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, ssh = -EBADF;
	AUTO_STRV struct strv names = STRV_INIT;
	struct transfer_report report;
	char id[65];
	AUTO_FREE char *matched = NULL;
	int r = image_resolve(st, image, id, &matched);

	if (r == 0)
		r = make_pipe(&rd, &wr);
	if (r == 0)
		r = ssh = start_ssh(host, "load", rd, STDERR_FILENO);
	closep(&rd);
	if (r < 0)
		return r;
	strv_add(&names, image);
	transfer_report_init(&report, REPORT_PULL, a->quiet, NULL);
	r = image_save(st, &names, &o, wr, &report.handler);
	transfer_report_done(&report);
	closep(&wr);
	r = end_ssh(host, &ssh, r);
	if (r == 0)
		(void)printf("%s\n", matched ? matched : id);
	return r;
}

static char *save_words(const struct scp_args *a, const char *image)
{
	/* Docker has no such option, and this is what it does. */
	return strcmp(a->format, "docker-archive") == 0
		       ? xasprintf("save %s", image)
		       : xasprintf("save --format %s %s", a->format, image);
}

static void print_loaded(const char *reference, const char *id)
{
	(void)printf("%s\n", reference ? reference : id);
}

static int fetch_image(struct store *st, const struct scp_args *a, const struct side *from)
{
	const struct transfer_load how = {.platform = NULL};
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, ssh = -EBADF;
	AUTO_FREE char *words = save_words(a, from->image);
	struct transfer_report report;
	int r = make_pipe(&rd, &wr);

	if (r == 0)
		r = ssh = start_ssh(from->host, words, -1, wr);
	closep(&wr);
	if (r < 0)
		return r;
	transfer_report_init(&report, REPORT_READ, a->quiet, print_loaded);
	r = image_load_told(st, rd, &how, &report.handler);
	transfer_report_done(&report);
	closep(&rd);
	return end_ssh(from->host, &ssh, r);
}

/* Neither is here: the bytes pass through a pipe of ours. */
static int pass_on(const struct scp_args *a, const struct side *from, const struct side *to)
{
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, source = -EBADF, sink = -EBADF;
	AUTO_FREE char *words = save_words(a, from->image);
	int r = make_pipe(&rd, &wr);

	if (r == 0)
		r = source = start_ssh(from->host, words, -1, wr);
	closep(&wr);
	if (r >= 0)
		r = sink = start_ssh(to->host, "load", rd, STDOUT_FILENO);
	closep(&rd);
	r = end_ssh(to->host, &sink, r < 0 ? r : 0);
	return end_ssh(from->host, &source, r);
}

static int check_sides(const struct side *from, const struct side *to)
{
	if (!from->host && !to->host)
		return err_usage("image scp: one of both is [USER@]HOST::; here 'cuddy tag' gives "
				 "an image another name");
	if (!*from->image)
		return err_usage("image scp: which image of %s? HOST::IMAGE names it", from->host);
	if (*to->image)
		return err_usage("image scp: '%s': an image keeps its names; tag it there",
				 to->image);
	return from->host ? check_image(from->image) : 0;
}

static int scp_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	const struct scp_args *a = args;
	struct side from = {0}, to = {.image = ""};
	struct store *st;
	int r = side_of(argv[0], &from);

	if (r == 0 && argc > 1)
		r = side_of(argv[1], &to);
	if (r == 0)
		r = check_sides(&from, &to);
	if (r == 0 && !(from.host && to.host))
		r = cmd_store_for_images(ctx, &st);
	if (r == 0)
		r = !to.host	 ? fetch_image(st, a, &from)
		    : !from.host ? send_image(st, a, from.image, to.host)
				 : pass_on(a, &from, &to);
	freep(&from.host);
	freep(&to.host);
	return r < 0 ? err_wrap(r, "image scp") : 0;
}

const struct command cmd_image_scp = {
	.name = "scp",
	.group = "image",
	.synopsis = "[OPTIONS] [[USER@]HOST::]IMAGE [[USER@]HOST::]",
	.summary = "Copy an image to another host or user, or from there",
	.opts = scp_opts,
	.args_size = sizeof(struct scp_args),
	.defaults = &scp_defaults,
	.min_args = 1,
	.max_args = 2,
	.complete = COMPLETE_IMAGE,
	.run = scp_run,
};

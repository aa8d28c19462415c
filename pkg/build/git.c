/* SPDX-License-Identifier: MIT */
/*
 * Repositories, by the host's git with an environment of ours: protocols are a closed set also for
 * submodules and redirects, no hooks, nobody is asked for a password. What it checks out is opened
 * below the directory like any context.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/build/material.h"
#include "pkg/build/remote.h"
#include "pkg/build/source_judge.h"
#include "pkg/sys/file.h"
#include "pkg/sys/process.h"
#include "pkg/sys/rmtree.h"

#define GIT "/usr/bin/git"
#define OUTPUT_MAX (1UL << 20)
#define ARGS_MAX 24

void git_source_done(struct git_source *g)
{
	free(g->url);
	free(g->ref);
	free(g->subdir);
	*g = (struct git_source){0};
}

static bool has_dots(const char *path)
{
	AUTO_STRV struct strv parts = STRV_INIT;

	strv_split(&parts, path, '/');
	return strv_has(&parts, "..");
}

int git_source_parse(const char *s, struct git_source *ret)
{
	const char *hash = strchr(s, '#'), *colon = hash ? strchr(hash, ':') : NULL;
	struct git_source g;

	g.url = xstrndup(s, hash ? (size_t)(hash - s) : strlen(s));
	g.ref = !hash ? xstrdup("")
		      : xstrndup(hash + 1, colon ? (size_t)(colon - hash - 1) : strlen(hash + 1));
	g.subdir = xstrdup(colon ? colon + 1 : "");
	*ret = g;
	if (*g.ref == '-' || strpbrk(g.ref, " \t\n~^:?*[\\") || strstr(g.ref, ".."))
		return err_usage("%s: '%s' is no branch, tag or commit", g.url, g.ref);
	if (has_dots(g.subdir))
		return err_usage("%s: '%s' leads out of the repository", g.url, g.subdir);
	return 0;
}

/* The last line git had to say. */
static int failed(int words, const char *what, int status)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char *line;

	if (lseek(words, 0, SEEK_SET) < 0 || file_read_stream(words, OUTPUT_MAX, &b) < 0)
		err_drop();
	sbuf_trim_end(&b, "\n ");
	line = strrchr(b.s, '\n');
	line = line ? line + 1 : b.s;
	if (strncmp(line, "fatal: ", 7) == 0)
		line += 7;
	return err_usage("git %s: %s (status %d)", what, *line ? line : "failed", status);
}

/* git -C @dir @args. @out: what it prints, may be NULL. */
static int run(const char *dir, const char *const *args, struct sbuf *out)
{
	static const char *const fixed[] = {"git",
					    "-c",
					    "core.hooksPath=/dev/null",
					    "-c",
					    "core.fsmonitor=false",
					    "-c",
					    "advice.detachedHead=false",
					    "-c",
					    "init.defaultBranch=main",
					    "-C"};
	const char *home = getenv("HOME");
	AUTO_FREE char *home_env = xasprintf("HOME=%s", home ? home : "/nonexistent");
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C.UTF-8",
		    protocols[] = "GIT_ALLOW_PROTOCOL=https:http:git",
		    prompt[] = "GIT_TERMINAL_PROMPT=0", lfs[] = "GIT_LFS_SKIP_SMUDGE=1";
	char *envp[] = {path, locale, protocols, prompt, lfs, home_env, NULL};
	AUTO_CLOSE int rd = -EBADF, wr = -EBADF, pidfd = -EBADF,
		       words = memfd_create("git", MFD_CLOEXEC);
	const char *argv[ARGS_MAX + ARRAY_LEN(fixed)];
	struct spawn s = {.path = GIT, .envp = envp, .new_session = true, .death_signal = 9};
	mode_t old;
	size_t n = 0;
	int p[2], status = 0, r = 0;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		argv[n++] = fixed[i];
	argv[n++] = dir;
	for (size_t i = 0; args[i] && n + 1 < ARRAY_LEN(argv); i++)
		argv[n++] = args[i];
	argv[n] = NULL;
	if (access(GIT, X_OK) < 0)
		return err_new(-CE_HOST_SETUP,
			       "git is not installed; as root: apt-get install git");
	if (words < 0 || pipe2(p, O_CLOEXEC) < 0)
		return err_new(-errno, "pipe");
	rd = p[0];
	wr = p[1];
	s.argv = (char *const *)(size_t)argv;
	s.stdio[0] = -1;
	s.stdio[1] = wr;
	s.stdio[2] = words;
	old = umask(022); /* files are 644 and 755 whatever ours is */
	pidfd = spawn_start(&s, NULL);
	(void)umask(old);
	if (pidfd < 0)
		return pidfd;
	closep(&wr);
	if (out)
		r = file_read_stream(rd, OUTPUT_MAX, out);
	closep(&rd);
	if (r == 0)
		r = pidfd_wait(pidfd, -1, &status);
	if (r < 0)
		return err_wrap(r, "git");
	return status ? failed(words, args[0], status) : 0;
}

static bool is_hash(const char *s)
{
	size_t n = strlen(s);

	return n >= 7 && n <= 64 && hex_is_valid(s, 64);
}

int git_commit(const struct git_source *g, char ret[65])
{
	const char *const args[] = {"ls-remote", "--quiet", "--", g->url, *g->ref ? g->ref : "HEAD",
				    NULL};
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	size_t n;
	int r;

	if (strlen(g->ref) == 40 && is_hash(g->ref)) {
		memcpy(ret, g->ref, 41);
		return 0;
	}
	r = run("/", args, &out);
	if (r < 0)
		return r;
	n = strspn(out.s, "0123456789abcdef");
	if ((n != 40 && n != 64) || out.s[n] != '\t')
		return is_hash(g->ref)
			       ? err_usage("%s: commits are named in full, by 40 digits", g->url)
			       : err_usage("%s: there is no '%s'", g->url,
					   *g->ref ? g->ref : "HEAD");
	memcpy(ret, out.s, n);
	ret[n] = '\0';
	return 0;
}

int git_commit_check(const char *url, const char *commit, const char *checksum)
{
	if (!checksum || strcmp(commit, checksum) == 0)
		return 0;
	return err_new(-CE_BAD_DIGEST, "%s is at commit %s, not %s", url, commit, checksum);
}

static int fetch_commit(const struct git_source *g, const char *path, const char *commit)
{
	const char *const one[] = {"fetch", "-q",   "--depth=1", "--no-tags",
				   "--",    g->url, commit,      NULL};
	const char *const all[] = {"fetch",
				   "-q",
				   "--",
				   g->url,
				   "+refs/heads/*:refs/remotes/origin/*",
				   "+refs/tags/*:refs/tags/*",
				   NULL};
	int r = run(path, one, NULL);

	if (r >= 0)
		return r;
	err_drop(); /* a server that hands out only what refs point at */
	return run(path, all, NULL);
}

int git_checkout(const struct git_source *g, const char *path, bool keep_git_dir, char commit[65])
{
	static const char *const init[] = {"init", "-q", "--template=", NULL};
	static const char *const modules[] = {"submodule",   "-q",        "update", "--init",
					      "--recursive", "--depth=1", NULL};
	const char *const checkout[] = {"checkout", "-q", "--detach", commit, NULL};
	AUTO_FREE char *list = path_join(path, ".gitmodules");
	AUTO_CLOSE int dir = -EBADF;
	struct stat st;
	int r = git_commit(g, commit);

	if (r == 0)
		r = run(path, init, NULL);
	if (r == 0)
		r = fetch_commit(g, path, commit);
	if (r == 0)
		r = run(path, checkout, NULL);
	if (r == 0 && lstat(list, &st) == 0 && S_ISREG(st.st_mode))
		r = run(path, modules, NULL);
	if (r < 0 || keep_git_dir)
		return r;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? err_new(-errno, "open %s", path) : rmtree(dir, ".git");
}

int git_checkout_judged(struct builder *b, const char *url, const char *path, bool keep_git_dir,
			struct git_source *ret)
{
	AUTO(judged_done) struct judged j = {0};
	char commit[65];
	int r = judge_remote(&b->policies, url, NULL, &j);

	if (r == 0)
		r = git_source_parse(j.url, ret);
	if (r == 0 && j.checksum) {
		r = git_commit(ret, commit);
		if (r == 0)
			r = git_commit_check(j.url, commit, j.checksum);
	}
	if (r == 0)
		r = git_checkout(ret, path, keep_git_dir, commit);
	if (r == 0)
		material_remote(b, j.url, commit);
	return r;
}

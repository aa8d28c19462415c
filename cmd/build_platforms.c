/* SPDX-License-Identifier: MIT */
/*
 * --platform with several, and --manifest: each platform is built by a child of its own (a build moves
 * its process into B), one after the other, so that what they have in common is done once. A list is
 * made when all of them are there, aside, and gets its names last.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/build.h"
#include "cmd/transfer_report.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"
#include "pkg/build/cache_place.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/platform.h"
#include "pkg/image/tag.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/clone.h"
#include "pkg/sys/process.h"
#include "pkg/sys/random.h"

#define TRAIL_BYTES 4096

struct shared {
	bool finished;
	int error;
	struct build_result result;
	char trail[TRAIL_BYTES];
};

int build_platforms_of(const struct build_args *a, struct strv *ret)
{
	const char *first = platform_or_default(a->platforms.n ? a->platforms.v[0] : NULL, a->os,
						a->arch, a->variant);
	char *parts = NULL;
	int r = platform_choice(first, a->os, a->arch, a->variant, &parts);

	if (r < 0)
		return r;
	if (!a->platforms.n && parts)
		strv_add(ret, parts);
	free(parts);
	for (size_t i = 0; i < a->platforms.n; i++) {
		AUTO_STRV struct strv some = STRV_INIT;

		strv_split(&some, a->platforms.v[i], ',');
		for (size_t k = 0; k < some.n; k++) {
			if (!*some.v[k])
				return err_usage("--platform '%s': nothing is named",
						 a->platforms.v[i]);
			if (!strv_has(ret, some.v[k]))
				strv_add(ret, some.v[k]);
		}
	}
	return 0;
}

int build_log_of(FILE *log, const char *name, const char *platform)
{
	struct platform p = {0};
	AUTO_FREE char *file = NULL;
	AUTO_CLOSE int fd = -EBADF;
	int r = 0;

	if (platform)
		r = platform_parse(platform, &p);
	else
		platform_host(&p);
	if (r == 0) {
		/* The variant only where two are built side by side: with buildah the names have none. */
		bool has_variant = p.variant && *p.variant && strcmp(p.architecture, "arm") == 0;

		file = xasprintf("%s_%s_%s%s%s", name, p.os, p.architecture, has_variant ? "_" : "",
				 has_variant ? p.variant : "");
	}
	platform_done(&p);
	if (r < 0)
		return r;
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || fflush(log) != 0 || dup3(fd, fileno(log), O_CLOEXEC) < 0)
		return err_new(-errno, "--logsplit: %s", file);
	return 0;
}

/* "linux_arm64", as buildx names it. */
static int open_sub(int dir, const char *platform)
{
	AUTO_FREE char *name = xstrdup(platform);
	int fd;

	for (char *p = name; (p = strchr(p, '/')) != NULL;)
		*p = '_';
	if (mkdirat(dir, name, 0777) < 0 && errno != EEXIST)
		return err_new(-errno, "make %s", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_new(-errno, "open %s", name) : fd;
}

/*
 * Each child reads its standard input from the beginning. What comes through a pipe is kept in a file without
 * a name for that, in the store.
 */
static int keep_stdin(struct store *st, const struct build_options *o)
{
	bool wanted = strcmp(o->context, "-") == 0 || strv_has(&o->files, "-");
	AUTO_FREE char *path = store_path(st, STORE_STAGING, ".");
	AUTO_CLOSE int fd = -EBADF;
	int r;

	if (!wanted || lseek(STDIN_FILENO, 0, SEEK_CUR) == 0)
		return 0;
	fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : copy_stream(STDIN_FILENO, fd);
	if (r == 0 && dup2(fd, STDIN_FILENO) < 0)
		r = -errno;
	return r < 0 ? err_new(r, "keep standard input") : 0;
}

static void rewind_stdin(const struct build_options *o)
{
	if (strcmp(o->context, "-") == 0 || strv_has(&o->files, "-"))
		(void)lseek(STDIN_FILENO, 0, SEEK_SET);
}

static void __attribute__((noreturn))
build_child(struct store *st, const struct build_options *all, const char *platform, FILE *log,
	    const char *split_log, struct shared *ret, pid_t parent)
{
	struct build_options o = *all;
	AUTO_CLOSE int dir = -EBADF;
	int r = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	rewind_stdin(&o);
	o.platform = platform;
	o.tags = (struct strv)STRV_INIT; /* of the list */
	if (o.tree_dir >= 0) {
		dir = open_sub(o.tree_dir, platform);
		o.tree_dir = dir;
		r = dir < 0 ? dir : 0;
	}
	if (r == 0 && split_log)
		r = build_log_of(log, split_log, platform);
	if (r == 0)
		r = build_image(st, &o, &ret->result);
	ret->error = r;
	(void)snprintf(ret->trail, sizeof(ret->trail), "%s", r < 0 ? err_trail() : "");
	ret->finished = true;
	_exit(0);
}

static int build_for(struct store *st, const struct build_options *o, const char *platform,
		     FILE *log, const char *split_log, struct build_result *ret)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	AUTO_CLOSE int pidfd = -EBADF;
	pid_t parent = getpid(), pid;
	int status, r;

	if (s == MAP_FAILED)
		return err_new(-errno, "mmap");
	(void)fflush(NULL);
	pid = clone_fork(0, &pidfd);
	if (pid == 0)
		build_child(st, o, platform, log, split_log, s, parent);
	r = pid < 0 ? pid : pidfd_wait(pidfd, -1, &status);
	if (r >= 0 && !s->finished)
		r = err_new(-CE_PROTOCOL, "its builder died");
	else if (r >= 0)
		r = s->error < 0 ? err_set(s->error, s->trail) : 0;
	*ret = s->result;
	(void)munmap(s, sizeof(*s));
	return r < 0 && platform ? err_wrap(r, "%s", platform) : r < 0 ? r : 0;
}

int build_all_platforms(struct store *st, const struct build_options *o, struct strv *ret)
{
	struct build_options look = *o;
	struct build_result result = {.run_status = 0};
	int r = keep_stdin(st, o);

	look.call = CALL_PLATFORMS;
	look.report = NULL;
	look.tree_dir = -EBADF;
	if (r == 0)
		r = build_for(st, &look, NULL, NULL, NULL, &result);
	if (r == 0)
		strv_split(ret, result.platforms, ',');
	rewind_stdin(o);
	return r;
}

int build_each_platform(struct store *st, const struct build_options *o,
			const struct strv *platforms, FILE *out, const char *split_log,
			struct strv *ret_ids, struct build_result *ret)
{
	struct build_options each = *o;
	AUTO_CLOSE int digests = memfd_create("digests", MFD_CLOEXEC);
	int r = digests < 0 ? err_new(-errno, "memfd_create") : keep_stdin(st, o);

	each.tag_digests = digests;
	for (size_t i = 0; r == 0 && i < platforms->n; i++) {
		if (out && !split_log) {
			(void)fprintf(out, "==> %s\n", platforms->v[i]);
			(void)fflush(out);
		}
		r = build_for(st, &each, platforms->v[i], out, split_log, ret);
		if (r == 0 && ret->id[0])
			strv_add(ret_ids, ret->id);
	}
	return r;
}

/* --- lists ----------------------------------------------------------------------------------------- */

int build_platform_of_image(struct store *st, const char *id, char **ret)
{
	AUTO(platform_done) struct platform is_for = {0};
	struct image_record *rec = NULL;
	int r = image_store_load(st, id, &rec);

	if (r == 0)
		r = image_config_platform(rec->config, rec->config_len, &is_for);
	image_record_free(rec);
	if (r == 0)
		*ret = platform_text(&is_for);
	return r;
}

static int add_image(struct store *st, const char *list, const char *id,
		     const struct annotations *annotations, char ret_id[65])
{
	struct list_source s = {.image = id, .access = {.tls_verify = -1}};
	AUTO_FREE char *platform = NULL;
	int r = build_platform_of_image(st, id, &platform);

	if (r == 0) {
		annotations_for(annotations, ANNOTATE_DESCRIPTOR, platform, &s.words.annotations);
		r = list_add(st, list, &s, ret_id);
	}
	strv_done(&s.words.annotations);
	return r;
}

/* A list to add to: the one that is there, or a new one. */
static int make_list(struct store *st, const char *name, bool amend, const struct strv *ids,
		     const struct annotations *annotations, char ret_id[65])
{
	AUTO_STRV struct strv of_list = STRV_INIT;
	int r;

	annotations_for(annotations, ANNOTATE_INDEX, NULL, &of_list);
	r = list_create(st, name, amend, &of_list, ret_id);
	for (size_t i = 0; r == 0 && i < ids->n; i++)
		r = add_image(st, name, ids->v[i], annotations, ret_id);
	return r;
}

/* In the place of a list or an image that had the name. */
static int give_name(struct store *st, struct list_record *rec, const char *tag)
{
	AUTO_FREE char *full = NULL, *own = rec->name;
	AUTO_CLOSE int lock = -EBADF;
	int r = image_tag_name(tag, &full);

	if (r < 0)
		return r;
	lock = list_store_lock(st);
	if (lock < 0)
		return lock;
	rec->name = full;
	r = list_store_put(st, rec, false);
	if (r == 0 && ref_is_own(st, full))
		r = ref_remove(st, full);
	rec->name = TAKE_PTR(own);
	return r;
}

int build_drop_list(struct store *st, const char *list, int r)
{
	AUTO(list_record_done) struct list_record gone = {0};
	AUTO_FREE char *words = r < 0 ? xstrdup(err_trail()) : NULL;

	if (list_remove(st, list, &gone) < 0)
		err_drop();
	return words ? err_set(r, words) : r;
}

int build_put_list(struct store *st, const struct build_options *o, const struct build_attest *a,
		   const struct strv *ids, char ret_id[65])
{
	const struct strv *tags = &o->tags;
	AUTO(list_record_done) struct list_record rec = {0};
	char name[] = "localhost/build-0123456789abcdef";
	int r;

	random_hex(strchr(name, '-') + 1, 16);
	r = make_list(st, name, false, ids, &o->annotations, ret_id);
	if (r == 0)
		r = build_attest_list(st, a, o, name, ids, ret_id);
	if (r == 0 && tags->n)
		r = list_find(st, name, &rec);
	for (size_t i = 0; r == 0 && i < tags->n; i++)
		r = give_name(st, &rec, tags->v[i]);
	return r < 0 || tags->n ? build_drop_list(st, name, r) : r;
}

int build_add_to_list(struct store *st, const char *list, const struct strv *ids,
		      const struct annotations *annotations)
{
	char id[65];
	int r = make_list(st, list, true, ids, annotations, id);

	return r < 0 ? err_wrap(r, "--manifest %s", list) : 0;
}

int build_push_lists(struct store *st, const struct build_options *o, const struct strv *names,
		     const struct transfer_form *form, bool quiet)
{
	AUTO_STRV struct strv mount_from = STRV_INIT;
	struct list_push_options p = {
		.all = true, .access = o->pull.access, .form = *form, .mount_from = &mount_from};
	struct transfer_report report;
	int r = 0;

	cache_repositories(&o->cache_to, &mount_from);
	transfer_report_init(&report, REPORT_PULL, quiet, build_note_pushed);
	p.report = &report.handler;
	for (size_t i = 0; r == 0 && i < names->n; i++)
		r = list_push(st, names->v[i], NULL, &p);
	transfer_report_done(&report);
	return r;
}

/* SPDX-License-Identifier: MIT */
#include "pkg/bundle/bundle.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/bundle/internal.h"
#include "pkg/config/paths.h"
#include "pkg/sys/caps.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"
#include "pkg/sys/private_dir.h"
#include "pkg/sys/userns.h"

#define CAP_SYS_ADMIN_BIT (1ULL << 21)

/* The parent of the user namespace that @path is, or belongs to; -ENOENT (no trail) when that is not below ours. */
static int base_of(const char *path, bool is_user)
{
	AUTO_CLOSE int ns = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
		       owner = -EBADF;
	AUTO_CLOSE int parent = -EBADF;
	struct stat own, theirs;

	if (ns < 0)
		return err_new(-errno, "open namespace %s", path);
	owner = is_user ? fd_dup(ns) : userns_of(ns);
	parent = owner < 0 ? owner : userns_parent(owner);
	if (parent < 0) {
		err_drop();
		return -ENOENT;
	}
	if (fstat(parent, &theirs) < 0 || stat("/proc/self/ns/user", &own) < 0)
		return err_new(-errno, "look at namespace %s", path);
	return own.st_ino == theirs.st_ino ? -ENOENT : TAKE_FD(parent);
}

static int base_of_joined(const struct oci_spec *spec)
{
	for (unsigned k = 0; k < OCI_NS_KINDS; k++) {
		int r = spec->ns[k].path ? base_of(spec->ns[k].path, k == OCI_NS_USER) : -ENOENT;

		if (r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

int bundle_host_look(const struct oci_spec *spec, struct bundle_host *ret)
{
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int dir = -EBADF;
	struct caps have;
	int r = caps_get(&have);

	*ret = (struct bundle_host)BUNDLE_HOST_INIT;
	if (r < 0)
		return r;
	ret->initial = userns_is_initial() == 1;
	ret->privileged = geteuid() == 0 && (have.effective & CAP_SYS_ADMIN_BIT);
	if (ret->privileged || !spec)
		return 0;
	r = base_grant_load(&ret->grant);
	if (r < 0)
		return r;
	ret->single = base_grant_is_single(&ret->grant);
	r = ret->base_ns = base_of_joined(spec);
	if (r != -ENOENT)
		return r < 0 ? r : 0;
	r = paths_runtime(&path);
	if (r == 0)
		r = dir = private_dir_open(path, true);
	if (r >= 0)
		r = ret->base_ns = base_open(dir, &ret->grant, &ret->single);
	return r < 0 ? r : 0;
}

void bundle_host_done(struct bundle_host *h)
{
	closep(&h->base_ns);
	if (!h->privileged)
		base_grant_done(&h->grant);
}

void *bundle_keep(struct bundle *b, size_t n, size_t size)
{
	b->blocks = xreallocarray(b->blocks, (size_t)b->n_blocks + 1, sizeof(*b->blocks));
	b->blocks[b->n_blocks] = xcalloc(n ? n : 1, size);
	return b->blocks[b->n_blocks++];
}

const char *bundle_keep_str(struct bundle *b, char *s)
{
	strv_take(&b->strings, s);
	return s;
}

const char *const *bundle_strings(const struct strv *sv)
{
	static const char *const none[1];
	const char *const *v;

	if (!sv->n)
		return none;
	memcpy(&v, &sv->v, sizeof(v));
	return v;
}

void bundle_done(struct bundle *b)
{
	for (unsigned i = 0; i < b->n_blocks; i++)
		free(b->blocks[i]);
	free(b->blocks);
	strv_done(&b->strings);
	strv_done(&b->warnings);
	sbuf_done(&b->seccomp);
	sbuf_done(&b->text);
	oci_spec_done(&b->spec);
	free(b->dir);
	*b = (struct bundle){.text = SBUF_INIT, .seccomp = SBUF_INIT};
}

int bundle_load_text(const char *dir, const char *text, size_t n, struct bundle *b)
{
	*b = (struct bundle){.text = SBUF_INIT, .seccomp = SBUF_INIT, .dir = xstrdup(dir)};
	sbuf_add(&b->text, text, n);
	return oci_spec_parse(b->text.s, b->text.len, &b->spec);
}

int bundle_load(const char *dir, struct bundle *b)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	AUTO_FREE char *path = path_absolute(dir);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	*b = (struct bundle){.text = SBUF_INIT, .seccomp = SBUF_INIT};
	if (fd < 0)
		return err_new(-errno, "bundle %s", path);
	r = file_read_at(fd, "config.json", OCI_SPEC_MAX, &text);
	return r < 0 ? err_wrap(r, "bundle %s", path) : bundle_load_text(path, text.s, text.len, b);
}

/* SPDX-License-Identifier: MIT */
#include "cmd/image_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/archive_file.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/manifest_list.h"
#include "pkg/image/push.h"
#include "pkg/image/tag.h"
#include "pkg/oci/reference.h"
#include "pkg/sys/file.h"
#include "pkg/transfer/pack.h"

static bool is_empty(int dir)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;

	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, PACK_UNFINISHED) != 0)
			return false;
	return d != NULL;
}

/* Only what was written for images is written over, or gets more of them. */
static int check_dir(int dir, const char *kind, const char *path)
{
	static const char version[] = "Directory Transport Version: 1.";
	bool layout = strcmp(kind, "oci-dir") == 0;
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	if (is_empty(dir) || (layout && faccessat(dir, "oci-layout", F_OK, 0) == 0))
		return 0;
	if (layout)
		return err_new(-ENOTEMPTY, "directory %s is no OCI layout", path);
	if (file_read_at(dir, "version", 4096, &text) < 0)
		err_drop();
	if (text.len >= strlen(version) && strncmp(text.s, version, strlen(version)) == 0)
		return 0;
	return err_new(-ENOTEMPTY, "directory %s is none of the \"dir\" transport", path);
}

static int to_file(struct store *st, const struct strv *names, const struct save_options *o,
		   const char *path, const struct transfer_handler *h)
{
	AUTO(archive_file_drop) struct archive_file f = ARCHIVE_FILE_INIT;
	/* In the caller's rights, before the base namespace is entered. */
	int r = archive_file_open(&f, path);

	if (r == 0)
		r = image_save(st, names, o, f.fd, h);
	return r == 0 ? archive_file_keep(&f) : r;
}

static int to_dir(struct store *st, const struct strv *names, const struct save_options *o,
		  const char *path, const struct transfer_handler *h)
{
	AUTO_CLOSE int dir = -EBADF;
	bool made;
	int why, r;

	if (!path)
		return err_usage("--format %s writes a directory: --output names it", o->kind);
	made = mkdir(path, 0777) == 0;
	why = errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) /* what is not there could not be made, and that is the reason */
		return err_new(errno == ENOENT ? -why : -errno, "directory %s", path);
	r = check_dir(dir, o->kind, path);
	if (r == 0)
		r = image_save(st, names, o, dir, h);
	if (r < 0 && made)
		(void)rmdir(path);
	return r;
}

int image_to_output(struct store *st, const struct strv *names, const struct save_options *o,
		    const char *path, const struct transfer_handler *h)
{
	return strstr(o->kind, "-dir") ? to_dir(st, names, o, path, h)
				       : to_file(st, names, o, path, h);
}

/* --- push -------------------------------------------------------------------------------------- */

/* In Docker's archives names are whole references; in a layout they are what was typed. */
static int name_there(const struct transport *t, char **ret)
{
	AUTO(reference_done) struct reference ref = {0};
	int r;

	if (!t->entry)
		return 0;
	if (t->entry[0] == '@')
		return err_usage("'%s': an image is chosen by its index to be read, not to be "
				 "written",
				 t->entry);
	if (t->kind != TRANSPORT_DOCKER_ARCHIVE) {
		*ret = xstrdup(t->entry);
		return 0;
	}
	r = reference_parse(t->entry, &ref);
	if (r == 0 && ref.digest)
		r = err_usage("'%s': an archive names images by tags", t->entry);
	if (r < 0)
		return r;
	reference_normalise(&ref);
	*ret = reference_text(&ref);
	return 0;
}

static int check_form(const struct transport *t, const struct push_options *o, bool compress)
{
	const struct transfer_form *f = &o->form;
	const char *what = transport_name(t->kind);

	if (o->sign.by || o->sign.sigstore_key || o->sign.passphrase_file)
		return err_usage("%s: holds no signatures; sign what is at a registry", what);
	if (compress && t->kind != TRANSPORT_DIR)
		return err_usage("--compress is for dir: destinations; --compression-format says "
				 "how layers are sent elsewhere");
	if (t->kind == TRANSPORT_DOCKER_ARCHIVE && (f->compression || f->format))
		return err_usage("docker-archive: has one form, with layers that are not "
				 "compressed");
	if (t->kind != TRANSPORT_DIR && f->format && strcmp(f->format, "docker") == 0)
		return err_usage("%s: holds OCI's manifests; dir: holds Docker's as well", what);
	return 0;
}

static int to_store(struct store *st, const char *name, const char *as)
{
	AUTO_STRV struct strv names = STRV_INIT;

	strv_add(&names, as);
	return image_tag(st, name, &names);
}

static bool is_list(struct store *st, const char *name)
{
	AUTO_FREE char *matched = NULL;
	char id[65];

	if (image_resolve(st, name, id, &matched) == 0)
		return false;
	err_drop();
	return list_is(st, name);
}

int image_to_place(struct store *st, const char *name, const char *place,
		   const struct push_options *o, bool compress)
{
	static const char *const kinds[] = {[TRANSPORT_DIR] = "docker-dir",
					    [TRANSPORT_DOCKER_ARCHIVE] = "docker-archive",
					    [TRANSPORT_OCI_ARCHIVE] = "oci-archive",
					    [TRANSPORT_OCI] = "oci-dir"};
	AUTO(transport_done) struct transport t = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *as = NULL;
	struct save_options s = {.form = o->form,
				 .platform = o->platform,
				 .renamed = true,
				 .told = "push",
				 .told_name = place};
	int r = transport_parse(place, &t);

	if (r == 0)
		r = check_form(&t, o, compress);
	if (r < 0)
		return r;
	if (t.kind == TRANSPORT_STORE)
		return to_store(st, name, t.path);
	r = name_there(&t, &as);
	if (r == 0 && t.kind == TRANSPORT_DOCKER_ARCHIVE && access(t.path, F_OK) == 0)
		r = err_new(-EEXIST, "%s: Docker's archives are not changed", t.path);
	if (r < 0)
		return r;
	s.kind = kinds[t.kind];
	s.list = !o->platform && is_list(st, name);
	if (s.list && strncmp(s.kind, "oci", 3) != 0)
		return err_new(-CE_UNSUPPORTED,
			       "%s: holds one image, and %s is a list; oci: and oci-archive: hold lists",
			       transport_name(t.kind), name);
	s.name = as;
	s.any_format = t.kind == TRANSPORT_DIR;
	s.plain = t.kind == TRANSPORT_DIR && !o->form.compression && !compress;
	if (compress)
		s.form.compression = "gzip";
	strv_add(&names, name);
	return image_to_output(st, &names, &s, t.path, o->report);
}

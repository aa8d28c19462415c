/* SPDX-License-Identifier: MIT */
/* -v [SOURCE:]DIR[:OPTIONS] */
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/container/mounts_internal.h"
#include "pkg/runtime/plan.h"

/* upperdir=, workdir=: changes of an O mount are kept there instead of with the container. */
static int overlay_dir(char **dir, const char *path, const char *word, const char *spec)
{
	struct stat st;

	free(*dir);
	*dir = path_absolute(path);
	if (!*path || stat(*dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_usage("volume '%s': %s names no directory of the host; make it first",
				 spec, word);
	return 0;
}

static int bind_word(struct mount_spec *m, const char *w, const char *spec)
{
	if (strcmp(w, "O") == 0)
		m->overlay = true;
	else if (strncmp(w, "upperdir=", 9) == 0)
		return overlay_dir(&m->upper, w + 9, "upperdir", spec);
	else if (strncmp(w, "workdir=", 8) == 0)
		return overlay_dir(&m->work, w + 8, "workdir", spec);
	else if (strcmp(w, "nocopy") == 0 || strcmp(w, "copy") == 0)
		m->no_copy = *w == 'n';
	else if (strcmp(w, "nocreate") == 0 && m->kind == MOUNT_VOLUME)
		m->no_create = true;
	else if (strncmp(w, "subpath=", 8) == 0 && m->kind == MOUNT_VOLUME)
		return mount_set_subpath(m, w + 8, spec);
	else if (strcmp(w, "bind") == 0)
		m->flags |= RT_MNT_NONREC;
	else if (strcmp(w, "rbind") == 0)
		m->flags &= ~RT_MNT_NONREC;
	else if (strcmp(w, "idmap") == 0 || strncmp(w, "idmap=", 6) == 0)
		return mount_no_idmap(spec);
	else if (strcmp(w, "noatime") == 0)
		return mount_no_atime(spec);
	else if (!mount_flag_word(m, w) && !mount_propagation_word(m, w) && !mount_ignored_word(w))
		return err_usage("volume '%s': unknown option '%s'; known are ro rw U O upperdir= "
				 "workdir= [no]copy [no]exec [no]suid [no]dev [r]bind z Z "
				 "[r]private|slave|shared|unbindable%s",
				 spec, w, m->kind == MOUNT_VOLUME ? " nocreate subpath=" : "");
	return 0;
}

int mount_bind_words(struct mount_spec *m, const char *options, const char *spec)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int rc = 0;

	strv_split(&words, options, ',');
	for (size_t i = 0; rc == 0 && i < words.n; i++)
		rc = bind_word(m, words.v[i], spec);
	if (rc < 0)
		return rc;
	if (m->overlay && (m->flags & RT_MNT_RO))
		return err_usage("volume '%s': 'O' and 'ro' contradict each other", spec);
	if (!m->upper != !m->work || (m->upper && !m->overlay))
		return err_usage("volume '%s': upperdir= and workdir= go together, and with O",
				 spec);
	m->options = xstrdup(options);
	return 0;
}

int mounts_add_volume(struct container_record *r, const char *spec, bool create)
{
	struct mount_spec *m = record_add_mount(r);
	AUTO_STRV struct strv parts = STRV_INIT;
	int rc;

	strv_split(&parts, spec, ':');
	if (parts.n > 3)
		return err_usage(
			"volume '%s': too many colons; write [SOURCE:]DESTINATION[:OPTIONS]", spec);
	m->flags = BIND_FLAGS;
	m->create_source = create;
	if (parts.n == 1) {
		rc = mount_set_volume_source(m, NULL, spec);
		return rc < 0 ? rc : mount_set_target(m, parts.v[0], spec);
	}
	if (!*parts.v[0])
		return err_usage("volume '%s': the source before the colon is empty", spec);
	if (parts.v[0][0] == '/' || parts.v[0][0] == '.')
		rc = mount_set_bind_source(m, parts.v[0], spec);
	else
		rc = mount_set_volume_source(m, parts.v[0], spec);
	/* Who binds the host's devices means them: what the user may open there he may open here. */
	if (rc == 0 && m->kind == MOUNT_BIND && path_is_within(m->source, "/dev"))
		m->flags &= ~(uint32_t)RT_MNT_NODEV;
	if (rc == 0)
		rc = mount_set_target(m, parts.v[1], spec);
	if (rc == 0 && parts.n == 3)
		rc = mount_bind_words(m, parts.v[2], spec);
	return rc;
}

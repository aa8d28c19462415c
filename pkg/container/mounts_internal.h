/* SPDX-License-Identifier: MIT */
/* What the files of mounts_*.c share: words of options, and the parts of a mount. See mounts.h. */
#pragma once
#include "pkg/base/sbuf.h"
#include "pkg/container/mounts.h"

/* Binds and volumes: no device nodes and no setuid through them unless asked for (`dev`, `suid`). */
#define BIND_FLAGS (RT_MNT_NOSUID | RT_MNT_NODEV)
#define TMPFS_FLAGS (RT_MNT_NOSUID | RT_MNT_NODEV | RT_MNT_NOEXEC)

/** mount_flag_word() - "ro", "exec" … into @m->flags; false when it is none of them. */
bool mount_flag_word(struct mount_spec *m, const char *w);
bool mount_propagation_word(struct mount_spec *m, const char *w); /* "rslave" … */
bool mount_ignored_word(const char *w); /* means nothing here, and nothing is lost by that */
int mount_set_target(struct mount_spec *m, const char *target, const char *spec);
int mount_set_bind_source(struct mount_spec *m, const char *source, const char *spec);
int mount_set_volume_source(struct mount_spec *m, const char *source,
			    const char *spec); /* NULL or "": anonymous */
int mount_set_subpath(struct mount_spec *m, const char *path, const char *spec);
/** mount_no_idmap() - the usage error that says why idmap cannot be had. */
int mount_no_idmap(const char *spec);
/** mount_no_atime() - likewise for noatime on what is no file system of the container's own. */
int mount_no_atime(const char *spec);
/** mount_bind_words() - options after the second colon of -v; @spec: for the words of errors. */
int mount_bind_words(struct mount_spec *m, const char *options, const char *spec);
/** mount_tmpfs_words() - options of a tmpfs or ramfs into @m->data and @m->flags. */
int mount_tmpfs_words(struct mount_spec *m, const char *options, const char *spec);

/* SPDX-License-Identifier: MIT */
/* A user's own unit files: ~/.config/containers/systemd, and what systemd sees of them. */
#pragma once
#include "pkg/unit/quadlet.h"

struct install_request {
	struct strv sources; /* files and directories */
	struct strv names, texts; /* files that were fetched, in step */
	const char *application; /* a directory for all of them below the user's own, or NULL */
	bool replace;
};

/**
 * installed_add() - copy files there, and directories with all that is in them
 * What is below a directory keeps its place ("web.container.d/10.conf", "sub/db.container"); of a directory
 * "web.container.d" that is below its own name. Links to what lies beside them stay links. A file "x.quadlets"
 * is the files that are in it.
 * All are translated first: when one cannot be, nothing is changed. Each file appears by rename.
 * @program: for the translation. @ret_paths: what is there now. -CE_NAME_IN_USE without @replace, and when a
 * unit of that name is elsewhere in the directory.
 */
int installed_add(const struct install_request *q, const char *program, struct strv *ret_paths);
bool installed_is_own(const struct quadlet *q);
/** installed_remove() - take away the file @name and its own drop-ins; -CE_NO_OBJECT; what others (root) installed is theirs. */
int installed_remove(const struct quadlet_set *all, const char *name);
/** installed_application() - the directory below the user's own that holds the file; malloc'ed, NULL when it is in none. */
char *installed_application(const struct quadlet *q);
bool installed_has_application(const char *name);
/** installed_remove_application() - take away that directory and all that is in it, at once by a rename; -CE_NO_OBJECT. */
int installed_remove_application(const char *name);
/**
 * installed_publish() - have systemd see what the files say now
 * Where systemd has our generator (a package or "make install" put it there), that is all; else the
 * services are written to ~/.config/systemd/user. @reload: have it read its units again.
 * @ret_errors: files that cannot be translated.
 */
int installed_publish(const char *program, bool reload, struct strv *ret_errors);

#define GENERATOR_NAME "cuddy-user-generator"

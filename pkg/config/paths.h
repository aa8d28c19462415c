/* SPDX-License-Identifier: MIT */
/* Where things are: XDG directories, our own helper programs. All results malloc'ed. */
#pragma once
#include <stdbool.h>

/** paths_data() - $XDG_DATA_HOME/cuddy or ~/.local/share/cuddy (CUDDY_ROOT wins). -CE_HOST_SETUP without a home. */
int paths_data(char **ret);
bool paths_data_is_asked_for(void); /* by CUDDY_ROOT */
/** paths_runtime() - $XDG_RUNTIME_DIR/cuddy when that directory is ours and private, else /tmp/cuddy-<uid> (CUDDY_RUNROOT wins). */
int paths_runtime(char **ret);
int paths_config_home(char **ret); /* $XDG_CONFIG_HOME or ~/.config */
int paths_cache_home(char **ret); /* $XDG_CACHE_HOME or ~/.cache */
/** paths_self() - absolute path of the program that we are. */
int paths_self(char **ret);
/** paths_helper() - absolute path of one of our programs: beside the executable in a build tree, else libexec/cuddy. */
int paths_helper(const char *program, char **ret);
/** paths_home() - $HOME, else the passwd entry. */
int paths_home(char **ret);

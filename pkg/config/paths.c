/* SPDX-License-Identifier: MIT */
#include "pkg/config/paths.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"
#include "pkg/sys/passwd.h"
#include "pkg/sys/private_dir.h"

/* The XDG rule: a relative path in the environment is as good as none. */
static const char *absolute_env(const char *name)
{
	const char *v = getenv(name);

	return v && *v == '/' ? v : NULL;
}

/* Our own variables are not XDG's: a relative one is meant from the working directory. */
static char *own_env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? path_absolute(v) : NULL;
}

int paths_home(char **ret)
{
	AUTO(passwd_entry_done) struct passwd_entry e = {0};
	const char *home = absolute_env("HOME");

	if (!home && passwd_find(outer_uid(), &e) == 0 && *e.home == '/')
		home = e.home;
	if (!home)
		return err_new(-CE_HOST_SETUP,
			       "no home directory: HOME is unset and uid %u has none in passwd; "
			       "set HOME or --root",
			       (unsigned)outer_uid());
	*ret = path_clean(home);
	return 0;
}

static int below_home(const char *env, const char *otherwise, char **ret)
{
	AUTO_FREE char *home = NULL;
	const char *dir = absolute_env(env);
	int r;

	if (dir) {
		*ret = path_clean(dir);
		return 0;
	}
	r = paths_home(&home);
	if (r < 0)
		return r;
	*ret = path_join(home, otherwise);
	return 0;
}

bool paths_data_is_asked_for(void)
{
	const char *v = getenv("CUDDY_ROOT");

	return v && *v;
}

int paths_data(char **ret)
{
	AUTO_FREE char *base = NULL;
	char *own = own_env("CUDDY_ROOT");
	int r;

	if (own) {
		*ret = own;
		return 0;
	}
	r = below_home("XDG_DATA_HOME", ".local/share", &base);
	if (r < 0)
		return r;
	*ret = path_join(base, "cuddy");
	return 0;
}

int paths_runtime(char **ret)
{
	const char *xdg = absolute_env("XDG_RUNTIME_DIR");
	char *own = own_env("CUDDY_RUNROOT");
	AUTO_FREE char *clean = xdg ? path_clean(xdg) : NULL;

	if (own)
		*ret = own;
	else if (clean && private_dir_check(clean))
		*ret = path_join(clean, "cuddy");
	else
		*ret = xasprintf("/tmp/cuddy-%u", (unsigned)outer_uid());
	return 0;
}

int paths_config_home(char **ret)
{
	return below_home("XDG_CONFIG_HOME", ".config", ret);
}

int paths_cache_home(char **ret)
{
	return below_home("XDG_CACHE_HOME", ".cache", ret);
}

int paths_self(char **ret)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return err_new(-errno, "readlink /proc/self/exe");
	exe[n] = '\0';
	*ret = xstrdup(exe);
	return 0;
}

int paths_helper(const char *program, char **ret)
{
	AUTO_FREE char *exe = NULL, *beside = NULL, *installed = NULL;
	int r = paths_self(&exe);
	char *slash;

	if (r < 0)
		return r;
	slash = strrchr(exe, '/');
	if (!slash)
		return err_new(-ENOENT, "find %s", program);
	*slash = '\0';
	beside = path_join(exe, program);
	if (access(beside, X_OK) == 0) {
		*ret = TAKE_PTR(beside);
		return 0;
	}
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	installed = path_join3(exe, "libexec/cuddy", program);
	if (access(installed, X_OK) < 0)
		return err_new(-errno, "find %s (looked at %s and %s)", program, beside, installed);
	*ret = TAKE_PTR(installed);
	return 0;
}

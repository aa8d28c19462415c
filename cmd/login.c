/* SPDX-License-Identifier: MIT */
/* "cuddy login" and "cuddy logout": who the user is, by flags, standard input or terminal. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/cli/format.h"
#include "pkg/config/auth.h"
#include "pkg/config/registries.h"
#include "pkg/image/login.h"
#include "pkg/image/transfer_client.h"
#include "pkg/sys/file.h"
#include "pkg/sys/tty.h"
#include "storage/secret.h"

#define PASSWORD_MAX (64 * 1024)

/* Which registry it is about. */
struct place {
	char *key, *host, *path;
	const char *entry; /* what the file calls it, when that is not the key */
};

static void place_done(struct place *p)
{
	freep(&p->key);
	freep(&p->host);
	freep(&p->path);
}

/* Without a name, the registry that short names are looked for first. */
static int place_of(const char *typed, struct place *ret)
{
	AUTO(registries_done) struct registries conf = {0};
	int r = 0;

	if (!typed) {
		r = registries_load(&conf);
		typed = conf.search.n ? conf.search.v[0] : "docker.io";
	}
	return r < 0 ? r : registry_key(typed, &ret->key, &ret->host, &ret->path);
}

/*
 * --compat-auth-file: docker's own file. It has no keys but hosts, and one of them is a whole url.
 */
static int compat_place(const char *authfile, const char *compat, struct place *p)
{
	if (!compat)
		return 0;
	if (authfile)
		return err_usage("--authfile and --compat-auth-file: one of both");
	if (strchr(p->key, '/'))
		return err_usage(
			"--compat-auth-file: docker keeps credentials of registries, not of "
			"'%s'",
			p->key);
	if (strcmp(p->key, "docker.io") == 0)
		p->entry = "https://index.docker.io/v1/";
	return 0;
}

struct login_args {
	const char *compat, *secret;
	const char *quiet_password; /* the same as password when nobody could see it */
	const char *username, *password, *authfile, *cert_dir;
	bool password_stdin, get_login, verbose;
	int tls_verify;
};

static const struct login_args login_defaults = {.tls_verify = -1};

/* clang-format off */
static const struct opt login_opts[] = {
	OPT_STR(0, "authfile", "FILE", struct login_args, authfile, "Credentials file to use instead of the usual one",
		.complete = COMPLETE_FILE),
	OPT_STR(0, "cert-dir", "DIR", struct login_args, cert_dir, "Directory with certificates for the registry",
		.complete = COMPLETE_DIR),
	OPT_STR(0, "compat-auth-file", "FILE", struct login_args, compat, "The same for a file of docker's",
		.complete = COMPLETE_FILE),
	OPT_BOOL(0, "get-login", struct login_args, get_login, "Print who is logged in and exit"),
	OPT_STR('p', "password", "PASSWORD", struct login_args, password, "Password; other users may see it in the process list"),
	OPT_BOOL(0, "password-stdin", struct login_args, password_stdin, "Read the password from standard input"),
	OPT_STR(0, "secret", "NAME", struct login_args, secret, "Read the password from a secret; its name is the user's unless one is given", .complete = COMPLETE_SECRET),
	OPT_TRI(0, "tls-verify", struct login_args, tls_verify, "Require a valid certificate of the registry"),
	OPT_STR('u', "username", "NAME", struct login_args, username, "User name"),
	OPT_BOOL('v', "verbose", struct login_args, verbose, "Say which file the credentials went to"),
	OPT_END
};
/* clang-format on */

static bool is_known(const struct credential *c)
{
	return c->user || c->identity_token;
}

static int print_login(const struct place *p, const struct credential *c)
{
	if (!is_known(c))
		return err_new(-CE_NO_OBJECT, "not logged into %s", p->key);
	put_untrusted(stdout, c->user ? c->user : "<token>");
	(void)putchar('\n');
	return 0;
}

static int need_terminal(const char *what)
{
	return isatty(STDIN_FILENO) ? 0
				    : err_usage("%s is not asked for without a terminal: "
						"--username and --password-stdin give it",
						what);
}

static int ask_user(const struct credential *known, char **ret)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int r = need_terminal("the user name");

	if (r < 0)
		return r;
	if (known->user)
		(void)fprintf(stderr, "Username (%s): ", known->user);
	else
		(void)fputs("Username: ", stderr);
	n = getline(&line, &size, stdin);
	if (n < 0)
		return err_usage("no user name was given");
	line[strcspn(line, "\r\n")] = '\0';
	*ret = *line || !known->user ? TAKE_PTR(line) : xstrdup(known->user);
	return **ret ? 0 : err_usage("no user name was given");
}

static int read_password(bool from_stdin, char **ret)
{
	struct sbuf b = SBUF_INIT;
	int r;

	if (from_stdin) {
		r = file_read_stream(STDIN_FILENO, PASSWORD_MAX, &b);
	} else {
		r = need_terminal("the password");
		if (r == 0)
			r = tty_read_secret(STDIN_FILENO, STDERR_FILENO, "Password: ", &b);
	}
	if (r == 0) {
		sbuf_trim_end(&b, "\r\n");
		r = b.len && strlen(b.s) == b.len ? 0 : err_usage("no password was given");
	}
	if (r == 0)
		*ret = sbuf_steal(&b);
	sbuf_done(&b);
	return r;
}

static int check_args(const struct login_args *a)
{
	if (a->password && a->password_stdin)
		return err_usage("--password and --password-stdin are two ways of saying one "
				 "thing; give one");
	if (a->secret && (a->password || a->password_stdin))
		return err_usage("--secret holds the password; give no other");
	if (a->password_stdin && !a->username)
		return err_usage("--password-stdin also needs --username");
	if (a->username && (!*a->username || strchr(a->username, ':')))
		return err_usage("--username \"%s\": a user name is not empty and has no colon",
				 a->username);
	return 0;
}

/* Return: 1 when the credentials that are there already are good. */
static int try_known(const struct login_args *a, const struct place *p,
		     const struct transfer_access *access, const struct credential *known)
{
	int r;

	if (!is_known(known) || a->password || a->password_stdin)
		return 0;
	if (a->username && (!known->user || strcmp(known->user, a->username) != 0))
		return 0;
	(void)printf("Authenticating with existing credentials for %s\n", p->key);
	(void)fflush(stdout);
	r = registry_check(p->host, access, known);
	if (r == 0)
		(void)printf("Existing credentials are valid. Already logged in to %s\n", p->key);
	if (r != -CE_DENIED)
		return r < 0 ? r : 1;
	/* Somebody may be there who knows better ones. */
	if (!isatty(STDIN_FILENO))
		return r;
	err_drop();
	(void)puts("Existing credentials are invalid, please enter valid username and password");
	(void)fflush(stdout);
	return 0;
}

static int new_credential(const struct login_args *a, const struct credential *known,
			  struct credential *ret)
{
	int r = 0;

	if (a->username)
		ret->user = xstrdup(a->username);
	else
		r = ask_user(known, &ret->user);
	if (r < 0)
		return r;
	if (!a->password)
		return read_password(a->password_stdin, &ret->password);
	if (a->password != a->quiet_password)
		(void)fputs("cuddy: warning: --password is seen by other users of this machine; "
			    "--password-stdin is not\n",
			    stderr);
	ret->password = xstrdup(a->password);
	return 0;
}

static int login(const struct login_args *a, const struct place *p)
{
	AUTO(credential_done) struct credential known = {0}, given = {0};
	AUTO_FREE char *where = NULL;
	struct transfer_access access = {.tls_verify = a->tls_verify,
					 .cert_dir = a->cert_dir,
					 .retries = 1,
					 .retry_delay_s = 1};
	int r;

	if (!a->get_login)
		transfer_expect();
	r = auth_known(p->key, a->authfile, &known);
	if (a->get_login)
		return r < 0 ? r : print_login(p, &known);
	if (r < 0) /* a file that cannot be used: storing says why, or mends it */
		err_drop();
	r = try_known(a, p, &access, &known);
	if (r != 0)
		return r < 0 ? r : 0;
	r = new_credential(a, &known, &given);
	if (r == 0)
		r = registry_check(p->host, &access, &given);
	if (r == 0)
		r = auth_store(p->entry ? p->entry : p->key, a->authfile, &given, &where);
	if (r < 0)
		return r;
	if (a->verbose)
		(void)printf("Used: %s\n", where);
	(void)puts("Login Succeeded!");
	return 0;
}

/* A password as `login --password-stdin` would take it. */
static int of_secret(struct cmd_ctx *ctx, const char *name, char **ret)
{
	AUTO(secret_record_done) struct secret_record rec = {0};
	struct sbuf b = SBUF_INIT;
	struct store *st;
	int r = cmd_store(ctx, &st);

	if (r == 0)
		r = secret_load(st, name, &rec);
	if (r == 0)
		r = secret_read(st, &rec, &b);
	if (r == 0) {
		sbuf_trim_end(&b, "\r\n");
		r = b.len && strlen(b.s) == b.len
			    ? 0
			    : err_usage("--secret %s: it does not hold a password", name);
	}
	if (r == 0)
		*ret = xstrdup(b.s);
	secret_wipe(&b);
	return r;
}

static int login_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct login_args with = *(const struct login_args *)args, *a = &with;
	AUTO(place_done) struct place p = {0};
	AUTO_FREE char *password = NULL;
	int r = check_args(a);

	/* The limit on cores does not count where the kernel hands them to a program. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r == 0)
		r = place_of(argc > 0 ? argv[0] : NULL, &p);
	if (r == 0)
		r = compat_place(a->authfile, a->compat, &p);
	if (a->compat)
		a->authfile = a->compat;
	if (r == 0 && a->secret) {
		r = of_secret(ctx, a->secret, &password);
		a->quiet_password = a->password = password;
		a->username = a->username ? a->username : a->secret;
	}
	if (r == 0)
		r = login(a, &p);
	if (password)
		explicit_bzero(password, strlen(password));
	return r < 0 && r != -CE_USAGE && !a->get_login ? err_wrap(r, "login to %s", p.key) : r;
}

const struct command cmd_login = {
	.name = "login",
	.synopsis = "[OPTIONS] [REGISTRY]",
	.summary = "Keep credentials for a registry",
	.opts = login_opts,
	.args_size = sizeof(struct login_args),
	.defaults = &login_defaults,
	.max_args = 1,
	.run = login_run,
};

/* --- logout ------------------------------------------------------------------------------------ */

struct logout_args {
	const char *authfile, *compat;
	bool all;
};

static const struct opt logout_opts[] = {
	OPT_BOOL('a', "all", struct logout_args, all, "Forget the credentials of all registries"),
	OPT_STR(0, "authfile", "FILE", struct logout_args, authfile,
		"Credentials file to use instead of the usual one", .complete = COMPLETE_FILE),
	OPT_STR(0, "compat-auth-file", "FILE", struct logout_args, compat,
		"The same for a file of docker's", .complete = COMPLETE_FILE),
	OPT_END,
};

static int logout(const struct logout_args *a, const struct place *p)
{
	AUTO(credential_done) struct credential elsewhere = {0};
	int r = auth_erase(p->key, a->authfile);

	if (r == 0) {
		(void)printf("Removed login credentials for %s\n", p->key);
		return 0;
	}
	if (r != -ENOENT)
		return err_wrap(r, "logout from %s", p->key);
	if (auth_known(p->key, a->authfile, &elsewhere) == 0 && is_known(&elsewhere))
		return err_new(-CE_BAD_STATE,
			       "the credentials for %s were kept by another tool (docker?); its "
			       "own logout removes them",
			       p->key);
	err_drop();
	return err_new(-CE_NO_OBJECT, "not logged into %s", p->key);
}

static int logout_run(struct cmd_ctx *ctx, const void *args, int argc, char **argv)
{
	struct logout_args with = *(const struct logout_args *)args, *a = &with;
	AUTO(place_done) struct place p = {0};
	int r;

	(void)ctx;
	if (a->all && argc > 0)
		return err_usage("logout: --all is about every registry; name none");
	if (!a->all) {
		r = place_of(argc > 0 ? argv[0] : NULL, &p);
		if (r == 0)
			r = compat_place(a->authfile, a->compat, &p);
		a->authfile = a->compat ? a->compat : a->authfile;
		return r < 0 ? r : logout(a, &p);
	}
	a->authfile = a->compat ? a->compat : a->authfile;
	r = auth_erase(NULL, a->authfile);
	if (r < 0)
		return err_wrap(r, "logout");
	(void)puts("Removed login credentials for all registries");
	return 0;
}

const struct command cmd_logout = {
	.name = "logout",
	.synopsis = "[OPTIONS] [REGISTRY]",
	.summary = "Forget the credentials for a registry",
	.opts = logout_opts,
	.args_size = sizeof(struct logout_args),
	.max_args = 1,
	.run = logout_run,
};

/* SPDX-License-Identifier: MIT */
#include "pkg/image/secrets.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/image/tokens.h"
#include "pkg/sys/file.h"
#include "pkg/sys/open.h"

#define KEY_MIN 24 /* the shortest token */
#define LOOK_MAX 65536 /* keys and configuration are small; what is longer is not read */

/* @has: what must be in the file, since the name alone is common. */
static const struct rule {
	const char *parent, *name, *has, *what;
} rules[] = {
	{NULL, "id_rsa", NULL, "SSH private key"},
	{NULL, "id_dsa", NULL, "SSH private key"},
	{NULL, "id_ecdsa", NULL, "SSH private key"},
	{NULL, "id_ed25519", NULL, "SSH private key"},
	{NULL, ".env", "=", "environment with values"},
	{NULL, ".env.*", "=", "environment with values"},
	{NULL, ".netrc", "password", "password for a host"},
	{NULL, ".git-credentials", "://", "git credentials"},
	{NULL, ".npmrc", "_auth", "npm token"},
	{NULL, ".pypirc", "password", "PyPI password"},
	{NULL, ".pgpass", ":", "PostgreSQL password"},
	{NULL, ".my.cnf", "password", "MySQL password"},
	{NULL, ".vault-token", NULL, "Vault token"},
	{NULL, ".htpasswd", ":", "password hashes"},
	{NULL, ".dockercfg", "\"auth\"", "registry credentials"},
	{".docker", "config.json", "\"auth\"", "registry credentials"},
	{"containers", "auth.json", "\"auth\"", "registry credentials"},
	{".aws", "credentials", "aws_secret_access_key", "AWS secret key"},
	{".kube", "config", "user", "Kubernetes credentials"},
	{"gh", "hosts.yml", "oauth_token", "GitHub token"},
	{".cargo", "credentials.toml", "token", "crates.io token"},
	{".m2", "settings.xml", "<password>", "Maven password"},
	{".azure", "msal_token_cache.json", NULL, "Azure credentials"},
	{NULL, ".yarnrc.yml", "npmAuthToken", "npm token"},
	{NULL, ".s3cfg", "secret_key", "S3 secret key"},
	{"gcloud", "application_default_credentials.json", NULL, "Google Cloud credentials"},
	{NULL, "*.json", "\"private_key\"", "service account key"},
	{NULL, "*.tfstate", NULL, "Terraform state"},
	{NULL, "*.kdbx", NULL, "password database"},
	{NULL, "*.p12", NULL, "PKCS #12 keys"},
	{NULL, "*.pfx", NULL, "PKCS #12 keys"},
	{NULL, "*.jks", NULL, "Java key store"},
};

static bool contains(const struct sbuf *b, const char *word)
{
	return b->len && memmem(b->s, b->len, word, strlen(word)) != NULL;
}

static bool read_small(int dir, const char *name, const struct stat *sb, struct sbuf *out)
{
	AUTO_CLOSE int fd = -EBADF;

	if (sb->st_size > LOOK_MAX)
		return false;
	fd = open_nofollow(dir, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd >= 0 && file_read_fd(fd, LOOK_MAX, out) == 0)
		return true;
	err_drop(); /* gone, or grown */
	return false;
}

const char *secret_look(int dir, const char *parent, const char *name, const struct stat *sb)
{
	AUTO_SBUF struct sbuf text = SBUF_INIT;
	bool was_read = false;

	if (!S_ISREG(sb->st_mode) || sb->st_size == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct rule *u = &rules[i];

		if (fnmatch(u->name, name, 0) != 0 || (u->parent && strcmp(u->parent, parent) != 0))
			continue;
		if (u->has && !was_read)
			was_read = read_small(dir, name, sb, &text);
		if (!u->has || contains(&text, u->has))
			return u->what;
	}
	/* Keys and tokens need no particular name. Certificates and public keys begin alike and are none. */
	if (!was_read && sb->st_size >= KEY_MIN && !read_small(dir, name, sb, &text))
		return NULL;
	if (text.len > 20 && memcmp(text.s, "PuTTY-User-Key-File-", 20) == 0)
		return "SSH private key";
	if (text.len > 11 && memcmp(text.s, "-----BEGIN ", 11) == 0 &&
	    contains(&text, "PRIVATE KEY-----"))
		return "private key";
	return text.len ? token_look(text.s, text.len) : NULL;
}

/* SPDX-License-Identifier: MIT */
/* Signing what is at a registry already. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/image/image.h"
#include "pkg/image/push.h"
#include "pkg/transfer/user_side.h"

#define REMOTE "docker://"

/* Has the repository that @name is of ever given or taken it? */
static bool is_at_registry(const struct image_record *rec, const char *name, const char *digest)
{
	AUTO(reference_done) struct reference ref = {0};
	AUTO_FREE char *repository = NULL, *there = NULL;

	if (reference_parse(name, &ref) < 0) {
		err_drop();
		return false;
	}
	repository = reference_name(&ref);
	there = xasprintf("%s@%s", repository, digest);
	return strv_has(&rec->repo_digests, there);
}

/* An image that is here: the manifest that its registry knew it by. */
static int find_here(struct store *st, const char *name, char **ret_to, char **ret_digest)
{
	AUTO_FREE char *matched = NULL, *digest = NULL;
	struct image_record *rec = NULL;
	char id[65];
	int r = image_resolve(st, name, id, &matched);

	if (r == 0 && !matched)
		r = err_usage("'%s' is an id, and a signature states a name: use that", name);
	if (r == 0)
		r = image_store_load(st, id, &rec);
	if (r == 0)
		digest = image_manifest_of(st, rec, matched);
	if (r == 0 && (!digest || !is_at_registry(rec, matched, digest)))
		r = err_usage("%s was neither pulled nor pushed; 'cuddy push --sign-by' sends and "
			      "signs it",
			      matched);
	image_record_free(rec);
	if (r < 0)
		return r;
	*ret_to = matched;
	*ret_digest = digest;
	matched = digest = NULL;
	return 0;
}

static int directory_of(const char *typed, char **ret)
{
	struct stat sb;

	if (!typed)
		return 0;
	*ret = realpath(typed, NULL);
	if (!*ret || stat(*ret, &sb) < 0)
		return err_new(-errno, "--directory %s", typed);
	return S_ISDIR(sb.st_mode) ? 0 : err_new(-ENOTDIR, "--directory %s", typed);
}

int image_sign(struct store *st, const char *name, const struct image_sign_options *o)
{
	static const struct transfer_handler nothing_told;
	AUTO_FREE char *to = NULL, *digest = NULL, *directory = NULL;
	AUTO_SBUF struct sbuf body = SBUF_INIT;
	struct user_side_offer offer = {.sign_by = o->by};
	bool remote = strncmp(name, REMOTE, strlen(REMOTE)) == 0;
	struct transfer_sign_image s = {.all = o->all, .access = o->access};
	int r = directory_of(o->directory, &directory);

	if (r == 0 && o->all && !remote)
		r = err_usage("--all: which images %s has its registry knows: write " REMOTE "%s",
			      name, name);
	if (r == 0)
		r = remote ? push_destination(name, NULL, NULL, &to)
			   : find_here(st, name, &to, &digest);
	if (r < 0)
		return r;
	offer.reference = s.name = to;
	s.digest = digest;
	s.sign = (struct transfer_sign){.simple = true, .directory = directory};
	transfer_sign_image_put(&body, &s);
	r = transfer_run_for(NULL, TRANSFER_SIGN, &body, NULL, 0, &nothing_told, &offer);
	explicit_bzero(body.s, body.len);
	return r;
}

/* SPDX-License-Identifier: MIT */
/*
 * --attest, --provenance and --sbom. Attestations are not made, so that all that can be said is that none is
 * wanted: docker's tools and actions say it, often for all builds. What they would be is checked all the same: a
 * misspelt "disabled" must not look as if it had been understood.
 */
#include <string.h>

#include "cmd/build.h"
#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/parse.h"

/* As buildx reads it, "KEY=VALUE[,…]": which type, if it is said, and whether it is disabled. */
static int parse(const char *spec, char **ret_type, bool *ret_disabled)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, spec, ',');
	for (size_t i = 0; i < words.n; i++) {
		const char *w = words.v[i], *eq = strchr(w, '=');

		if (!eq || eq == w)
			return err_usage("'%s' is not KEY=VALUE", w);
		if (strncmp(w, "type=", 5) == 0) {
			if (*ret_type)
				return err_usage("type= is given twice");
			*ret_type = xstrdup(eq + 1);
		} else if (strncmp(w, "disabled=", 9) == 0 && parse_bool(eq + 1, ret_disabled) < 0) {
			return err_usage("'%s': true or false", w);
		}
	}
	return 0;
}

static int refuse(void)
{
	return err_usage("not supported: attestations are not made; leave the option out, and add what another tool "
			 "says of the image with 'manifest add --artifact'");
}

static int check_attest(const char *spec)
{
	AUTO_FREE char *type = NULL;
	bool disabled = false;
	int r = parse(spec, &type, &disabled);

	if (r == 0 && (!type || (strcmp(type, "sbom") != 0 && strcmp(type, "provenance") != 0)))
		r = err_usage("use type=sbom or type=provenance");
	if (r == 0 && !disabled)
		r = refuse();
	return r < 0 ? err_wrap(r, "--attest %s", spec) : 0;
}

/* A word for yes or no, or what --attest would have besides the type. */
static int check_short(const char *option, const char *v)
{
	AUTO_FREE char *type = NULL;
	bool on = false, disabled = false;
	int r = 0;

	if (!v)
		return 0;
	if (parse_bool(v, &on) == 0)
		disabled = !on;
	else
		r = parse(v, &type, &disabled);
	if (r == 0 && type)
		r = err_usage("type= goes with --attest");
	if (r == 0 && !disabled)
		r = refuse();
	return r < 0 ? err_wrap(r, "%s=%s", option, v) : 0;
}

int build_attest_check(const struct build_args *a)
{
	int r = check_short("--provenance", a->provenance);

	if (r == 0)
		r = check_short("--sbom", a->sbom);
	for (size_t i = 0; r == 0 && i < a->attest.n; i++)
		r = check_attest(a->attest.v[i]);
	return r;
}

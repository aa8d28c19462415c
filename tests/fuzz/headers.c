/* SPDX-License-Identifier: MIT */
/* What a registry says in headers: where to go on, whom to prove oneself to, what comes next. Input: base, "\n", value. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/http/url.h"
#include "pkg/oci/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_FREE char *all = xstrndup((const char *)p, n), *to = NULL, *next = NULL, *shown = NULL;
	char *value = strchr(all, '\n');
	AUTO(challenge_done) struct challenge c = {0};
	AUTO(reference_done) struct reference ref = {0};

	if (!value)
		return 0;
	*value++ = '\0';
	if (url_redirect(all, value, false, &to) == 0)
		MUST(strncmp(to, "https://", 8) == 0 && !strpbrk(to, "\r\n"));
	shown = url_shown(value);
	next = link_next(value);
	(void)challenge_parse(value, "bearer", &c);
	if (reference_parse(value, &ref) == 0)
		reference_normalise(&ref);
	err_drop();
	return 0;
}

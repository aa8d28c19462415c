/* SPDX-License-Identifier: MIT */
/* Files that people write, and others give them: Containerfiles, units, YAML, TOML. The first byte says which. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/build/file.h"
#include "pkg/build/ignore.h"
#include "pkg/config/registries.h"
#include "pkg/json/json.h"
#include "pkg/json/yaml.h"
#include "pkg/unit/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(registries_done) struct registries conf = {0};
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *s = xmalloc(n + 1);
	struct build_file *file = NULL;
	struct unit_file unit = {0};

	if (n == 0)
		return 0;
	n--;
	memcpy(s, p + 1, n);
	s[n] = '\0';
	switch (p[0] % 4) {
	case 0:
		if (build_file_parse("Containerfile", s, n, &file) == 0)
			MUST(file->n_stages <= BUILD_STAGES_MAX);
		build_file_free(file);
		break;
	case 1:
		(void)unit_file_parse(&unit, "x.container", s, n);
		unit_file_done(&unit);
		break;
	case 2:
		(void)yaml_parse(s, n, &o);
		break;
	default:
		(void)registries_parse(&conf, "registries.conf", s, n);
	}
	err_drop();
	return 0;
}

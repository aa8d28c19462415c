/* SPDX-License-Identifier: MIT */
/* Documents in JSON: of registries and archives, of bundles, of users. The first byte says which. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/json/json.h"
#include "pkg/oci/image_config.h"
#include "pkg/oci/manifest.h"
#include "pkg/oci/runtime_spec.h"
#include "pkg/seccomp/seccomp.h"
#include "pkg/transfer/policy.h"

/* What is accepted is written and read again to the same. */
static void round_trip(const char *s, size_t n)
{
	AUTO_SBUF struct sbuf a = SBUF_INIT, b = SBUF_INIT;
	AUTO_JSON struct json_object *o = NULL, *again = NULL;

	if (json_parse(s, n, &o) < 0)
		return;
	json_write(o, false, &a);
	MUST(json_parse(a.s, a.len, &again) == 0);
	json_write(again, false, &b);
	MUST(a.len == b.len && memcmp(a.s, b.s, a.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(image_config_done) struct image_config config = {0};
	AUTO(manifest_done) struct manifest manifest = {0};
	AUTO(oci_spec_done) struct oci_spec spec = {0};
	AUTO(policy_done) struct policy policy = {0};
	AUTO_SBUF struct sbuf filter = SBUF_INIT;
	AUTO_FREE char *s = xmalloc(n + 1);

	if (n == 0)
		return 0;
	n--;
	memcpy(s, p + 1, n); /* bytes of zero too */
	s[n] = '\0';
	switch (p[0] % 6) {
	case 0:
		round_trip(s, n);
		break;
	case 1:
		(void)image_config_parse(s, n, &config);
		break;
	case 2:
		(void)manifest_parse(s, n, NULL, &manifest);
		MUST(manifest.n_layers <= MANIFEST_LAYERS_MAX);
		break;
	case 3:
		(void)oci_spec_parse(s, n, &spec);
		break;
	case 4:
		(void)seccomp_compile_profile(s, n, 0x800405fb, &filter);
		break;
	default:
		(void)policy_parse(s, n, &policy);
	}
	err_drop();
	return 0;
}

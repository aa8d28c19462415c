/* SPDX-License-Identifier: MIT */
/* threats: G07, G09, L14 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/oci/manifest.h"

#define A64 "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CONFIG \
	"\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" A64 "\",\"size\":2}"
#define LAYER "{\"mediaType\":\"" MEDIA_OCI_LAYER_GZIP "\",\"digest\":\"" A64 "\",\"size\":9}"
#define V2 "\"schemaVersion\":2,"
#define TYPE(t) "\"mediaType\":\"" t "\","

static int parse(const char *json, const char *type)
{
	struct manifest m = {0};
	int r = manifest_parse(json, strlen(json), type, &m);

	if (r == 0)
		manifest_done(&m);
	return r;
}

/* images: F1 */
static void an_image_manifest_is_read(void **state)
{
	static const char json[] = "{" V2 CONFIG ",\"layers\":[" LAYER "," LAYER
				   "],\"annotations\":{\"a\":\"b\"}}";
	struct manifest m = {0};

	(void)state;
	assert_int_equal(
		manifest_parse(json, strlen(json), MEDIA_OCI_MANIFEST "; charset=utf-8", &m), 0);
	assert_false(m.is_index);
	assert_int_equal(m.n_layers, 2);
	assert_int_equal(m.layers[1].size, 9);
	assert_string_equal(m.config.digest, A64);
	assert_string_equal(m.media_type, MEDIA_OCI_MANIFEST);
	assert_int_equal(manifest_layer_media(m.layers[0].media_type), LAYER_MEDIA_GZIP);
	assert_true(manifest_is_config(m.config.media_type));
	assert_string_equal(m.annotations.v[0], "a=b");
	manifest_done(&m);
}

/* images: F2 */
static void type_confusion_is_refused(void **state)
{
	static const struct {
		const char *json, *type;
	} bad[] = {
		{"{" V2 CONFIG ",\"layers\":[],\"manifests\":[]}", NULL},
		{"{" V2 "\"manifests\":[],\"layers\":[]}", MEDIA_OCI_INDEX},
		{"{" V2 CONFIG ",\"layers\":[]}", MEDIA_OCI_INDEX},
		{"{" V2 "\"manifests\":[]}", MEDIA_OCI_MANIFEST},
		{"{" V2 TYPE(MEDIA_OCI_INDEX) CONFIG ",\"layers\":[]}", MEDIA_OCI_INDEX},
		{"{" V2 TYPE(MEDIA_OCI_MANIFEST) CONFIG ",\"layers\":[]}", MEDIA_DOCKER_MANIFEST},
		{"{" V2 CONFIG ",\"layers\":[]}", "text/plain"},
		{"{" V2 CONFIG ",\"layers\":[],\"Layers\":[]}", NULL},
		{"{" V2 CONFIG ",\"config\":{},\"layers\":[]}", NULL},
		{"{" V2 CONFIG ",\"layers\":[]} x", NULL},
		{"\xef\xbb\xbf{" V2 CONFIG ",\"layers\":[]}", NULL},
		{"{" V2 "\"layers\":[]}", NULL},
		{"{" V2 CONFIG "}", NULL},
		{"{\"schemaVersion\":1," CONFIG ",\"layers\":[]}", NULL},
		{"{" V2 CONFIG ",\"fsLayers\":[]}", NULL},
		{"{" V2 CONFIG ",\"layers\":{}}", NULL},
		{"{" V2 CONFIG ",\"layers\":[null]}", NULL},
		{"[]", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (parse(bad[i].json, bad[i].type) >= 0)
			fail_msg("accepted: %s as %s", bad[i].json,
				 bad[i].type ? bad[i].type : "unknown");
	assert_int_equal(parse("{" V2 CONFIG ",\"layers\":[]}", NULL), 0);
	assert_int_equal(
		parse("{" V2 TYPE(MEDIA_DOCKER_LIST) "\"manifests\":[]}", MEDIA_DOCKER_LIST), 0);
	assert_int_equal(parse("{}", "application/vnd.docker.distribution.manifest.v1+prettyjws"),
			 -CE_UNSUPPORTED);
	err_drop();
}

/* images: F3 */
static void bad_descriptors_are_refused(void **state)
{
	static const char *const digests[] = {
		"",
		"sha256:",
		"md5:0",
		"sha256:../x",
		("sha256:" A64),
		"SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"sha256:AAAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	static const char *const sizes[] = {"-1", "\"2\"", "null", "1.5", "99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
		AUTO_FREE char *j = xasprintf("{" V2 CONFIG
					      ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"%s\","
					      "\"size\":1}]}",
					      digests[i]);

		assert_int_equal(parse(j, NULL), -CE_BAD_FORMAT);
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO_FREE char *j = xasprintf("{" V2 CONFIG
					      ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" A64
					      "\",\"size\":%s}]}",
					      sizes[i]);

		assert_true(parse(j, NULL) < 0);
	}
	err_drop();
}

/* "os/arch/variant" words, "-" for no platform, "z" in front for a zstd twin. */
static int choose(const char *children, const char *want)
{
	AUTO_STRV struct strv words = STRV_INIT;
	struct manifest m = {.is_index = true};
	const struct descriptor *d = NULL;
	struct platform p;
	int r;

	strv_split(&words, children, ' ');
	m.children = xcalloc(words.n, sizeof(*m.children));
	m.n_children = (unsigned)words.n;
	for (size_t i = 0; i < words.n; i++) {
		AUTO_STRV struct strv w = STRV_INIT;
		const char *s = words.v[i];
		struct descriptor *c = &m.children[i];

		if (*s == 'z') {
			strv_add(&c->annotations, "io.github.containers.compression.zstd=true");
			s++;
		}
		if (*s == '-')
			continue;
		strv_split(&w, s, '/');
		c->has_platform = true;
		c->platform.os = xstrdup(w.v[0]);
		c->platform.architecture = xstrdup(w.v[1]);
		c->platform.variant = w.n > 2 ? xstrdup(w.v[2]) : NULL;
	}
	assert_int_equal(platform_parse(want, &p), 0);
	r = manifest_choose(&m, &p, &d);
	r = r < 0 ? -1 : (int)(d - m.children);
	platform_done(&p);
	manifest_done(&m);
	err_drop();
	return r;
}

/* images: F7, F8 */
/* @n layers, and blanks behind the last brace up to @size bytes. */
static int parse_large(unsigned n, size_t size)
{
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	sbuf_adds(&b, "{" V2 CONFIG ",\"layers\":[");
	for (unsigned i = 0; i < n; i++)
		sbuf_addf(&b, "%s%s", i ? "," : "", LAYER);
	sbuf_adds(&b, "]}");
	while (b.len < size)
		sbuf_addc(&b, ' ');
	return parse(b.s, NULL);
}

static void amounts_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(parse_large(MANIFEST_LAYERS_MAX, 0), 0);
	assert_int_equal(parse_large(MANIFEST_LAYERS_MAX + 1, 0), -CE_LIMIT);
	assert_int_equal(parse_large(1, MANIFEST_BYTES_MAX), 0);
	assert_int_equal(parse_large(1, MANIFEST_BYTES_MAX + 1), -CE_LIMIT);
	assert_int_equal(parse_large(0, 5 << 20), -CE_LIMIT);
	assert_int_equal(parse_large(600, 0), -CE_LIMIT);
	err_drop();
}

static void the_best_variant_is_chosen(void **state)
{
	(void)state;
	assert_int_equal(choose("linux/arm64 linux/amd64", "linux/amd64"), 1);
	assert_int_equal(choose("linux/arm64 linux/amd64", "x86_64"), 1);
	assert_int_equal(choose("linux/amd64 linux/amd64/v3 linux/amd64/v2", "linux/amd64/v3"), 1);
	assert_int_equal(choose("linux/amd64/v3 linux/amd64/v2", "linux/amd64/v2"), 1);
	assert_int_equal(choose("linux/amd64/v3", "linux/amd64"), -1);
	assert_int_equal(choose("linux/arm/v5 linux/arm/v6 linux/arm/v7", "linux/arm/v6"), 1);
	assert_int_equal(choose("linux/arm/v5 linux/arm/v6 linux/arm/v7", "armhf"), 2);
	assert_int_equal(choose("linux/arm64/v8 linux/arm64", "aarch64"), 0);
	assert_int_equal(choose("windows/amd64 unknown/unknown", "linux/amd64"), -1);
	assert_int_equal(choose("- linux/amd64", "linux/amd64"), 1);
	assert_int_equal(choose("- linux/arm64", "linux/amd64"), 0);
	assert_int_equal(choose("linux/amd64 zlinux/amd64", "linux/amd64"), 1);
	assert_int_equal(choose("linux/amd64 linux/amd64", "linux/amd64"), 0);
}

/* images: F7 */
static void platforms_have_one_spelling(void **state)
{
	static const char *const t[][2] = {
		{"linux/x86_64", "linux/amd64/v1"},  {"arm64", "linux/arm64/v8"},
		{"linux/aarch64", "linux/arm64/v8"}, {"linux/arm/7", "linux/arm/v7"},
		{"linux/armhf", "linux/arm/v7"},     {"linux/s390x", "linux/s390x"},
	};
	static const char *const bad[] = {"", "/", "a/b/c/d", "linux/", "linux/a b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTO_FREE char *text = NULL;
		struct platform p;

		assert_int_equal(platform_parse(t[i][0], &p), 0);
		text = platform_text(&p);
		assert_string_equal(text, t[i][1]);
		platform_done(&p);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct platform p;

		assert_int_equal(platform_parse(bad[i], &p), -CE_USAGE);
	}
	err_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_manifest_is_read),
		cmocka_unit_test(type_confusion_is_refused),
		cmocka_unit_test(bad_descriptors_are_refused),
		cmocka_unit_test(amounts_are_bounded),
		cmocka_unit_test(the_best_variant_is_chosen),
		cmocka_unit_test(platforms_have_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* threats: R31 */
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
#include "pkg/oci/image_config.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" A64 "\"]}"

static int parse(const char *json)
{
	struct image_config c = {0};
	int r = image_config_parse(json, strlen(json), &c);

	image_config_done(&c);
	return r;
}

static int parse_with(const char *key, const char *value)
{
	AUTO_FREE char *j = xasprintf("{" ROOTFS ",\"config\":{\"%s\":%s}}", key, value);

	return parse(j);
}

/* images: F9 */
static void what_a_container_needs_is_read(void **state)
{
	static const char json[] =
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"created\":\"2024-01-02T03:04:"
		"05Z\"," ROOTFS ",\"history\":[{\"created_by\":\"RUN x\"},{\"empty_layer\":true}],"
		"\"config\":{\"User\":\"1:2\",\"Env\":[\"A=b\"],\"Cmd\":[\"sh\"],\"Entrypoint\":"
		"null,"
		"\"Labels\":{\"l\":\"v\"},\"ExposedPorts\":{\"80\":{},\"53/"
		"udp\":{}},\"Volumes\":{\"/data/../d/\":{}},"
		"\"StopSignal\":\"SIGQUIT\",\"Healthcheck\":{\"Test\":[\"NONE\"],\"Interval\":5,"
		"\"Retries\":3},"
		"\"Unknown\":[1]}}";
	struct image_config c = {0};

	(void)state;
	assert_int_equal(image_config_parse(json, strlen(json), &c), 0);
	assert_string_equal(c.user, "1:2");
	assert_string_equal(c.cmd.v[0], "sh");
	assert_int_equal(c.entrypoint.n, 0);
	assert_string_equal(c.labels.v[0], "l=v");
	assert_string_equal(c.exposed_ports.v[0], "80/tcp");
	assert_string_equal(c.exposed_ports.v[1], "53/udp");
	assert_string_equal(c.volumes.v[0], "/d");
	assert_string_equal(c.diffids.v[0], A64);
	assert_int_equal(c.health.retries, 3);
	assert_int_equal(c.n_history, 2);
	assert_true(c.history[1].empty_layer);
	assert_int_equal(c.created_ns, 1704164645000000000LL);
	image_config_done(&c);
}

static void every_field_of_another_type_is_refused(void **state)
{
	static const char *const keys[] = {"User",   "WorkingDir",   "StopSignal", "Env",
					   "Cmd",    "Entrypoint",   "Shell",      "OnBuild",
					   "Labels", "ExposedPorts", "Volumes",    "Healthcheck"};
	static const char *const wrong[] = {"7", "[[\"x\"]]", "\"a\\u0000b\"", "true", "[null]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		for (size_t k = 0; k < ARRAY_LEN(wrong); k++)
			if (parse_with(keys[i], wrong[k]) >= 0)
				fail_msg("%s: %s was accepted", keys[i], wrong[k]);
		assert_int_equal(parse_with(keys[i], "null"), 0);
	}
	err_drop();
}

static void values_out_of_range_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{"StopSignal", "\"SIGKILL;x\""},
		{"StopSignal", "\"0\""},
		{"StopSignal", "\"999\""},
		{"ExposedPorts", "{\"0/tcp\":{}}"},
		{"ExposedPorts", "{\"80/xyz\":{}}"},
		{"ExposedPorts", "{\"70000\":{}}"},
		{"ExposedPorts", "{\"9-8/tcp\":{}}"},
		{"Volumes", "{\"/\":{}}"},
		{"Volumes", "{\"/a/..\":{}}"},
		{"Healthcheck", "{\"Interval\":-1}"},
		{"Healthcheck", "{\"Interval\":9223372036854775808}"},
		{"Healthcheck", "{\"Retries\":-2}"},
		{"Healthcheck", "{\"Test\":\"x\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (parse_with(bad[i][0], bad[i][1]) >= 0)
			fail_msg("%s: %s was accepted", bad[i][0], bad[i][1]);
	assert_true(parse("{}") < 0);
	assert_true(parse("[]") < 0);
	assert_true(parse("{\"rootfs\":{\"diff_ids\":[\"sha256:../x\"]}}") < 0);
	assert_true(parse("{\"rootfs\":{\"diff_ids\":[7]}}") < 0);
	assert_int_equal(parse("{\"rootfs\":{\"diff_ids\":[\"sha512:" A64 A64 "\"]}}"),
			 -CE_UNSUPPORTED);
	assert_true(parse("{" ROOTFS ",\"config\":{\"User\":\"a\",\"User\":\"b\"}}") < 0);
	assert_true(parse("{" ROOTFS ",\"history\":[1]}") < 0);
	err_drop();
}

static void giant_fields_are_refused(void **state)
{
	AUTO_SBUF struct sbuf list = SBUF_INIT;
	AUTO_FREE char *big = xmalloc((2UL << 20) + 1), *quoted = NULL, *listed = NULL;

	(void)state;
	memset(big, 'a', 2UL << 20);
	big[2UL << 20] = '\0';
	quoted = xasprintf("\"%s\"", big);
	listed = xasprintf("[\"%s\"]", big);
	assert_true(parse_with("User", quoted) < 0);
	assert_true(parse_with("Cmd", listed) < 0);
	sbuf_adds(&list, "[\"\"");
	for (int i = 0; i < 5000; i++)
		sbuf_adds(&list, ",\"\"");
	sbuf_addc(&list, ']');
	assert_true(parse_with("Entrypoint", list.s) < 0);
	err_drop();
}

static int parse_layers(unsigned n)
{
	AUTO(image_config_done) struct image_config c = {0};
	AUTO_SBUF struct sbuf b = SBUF_INIT;

	sbuf_adds(&b, "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":"
		      "\"layers\",\"diff_ids\":[");
	for (unsigned i = 0; i < n; i++)
		sbuf_adds(&b, i ? ",\"sha256:" A64 "\"" : "\"sha256:" A64 "\"");
	sbuf_adds(&b, "]}}");
	return image_config_parse(b.s, b.len, &c);
}

static void layers_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(parse_layers(512), 0);
	assert_int_equal(parse_layers(513), -CE_LIMIT);
	err_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_container_needs_is_read),
		cmocka_unit_test(every_field_of_another_type_is_refused),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(giant_fields_are_refused),
		cmocka_unit_test(layers_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/config/ignored.h"
#include "pkg/config/registries.h"

static const char conf[] =
	"# comment\n"
	"unqualified-search-registries = [\n  \"docker.io\", # the hub\n  'quay.io',\n]\n"
	"short-name-mode = \"permissive\"\n"
	"[[registry]]\nprefix = \"example.com/foo\"\nlocation = \"internal.example/bar\"\ninsecure "
	"= true\n"
	"[[registry.mirror]]\nlocation = \"mirror.example/m\"\n"
	"[[registry.mirror]]\nlocation = \"digests.example\"\npull-from-mirror = \"digest-only\"\n"
	"[[registry]]\nprefix = \"*.bad.example\"\nblocked = true\n"
	"[[registry]]\nlocation = \"localhost:5000\"\ninsecure = true\n"
	"[aliases]\n\"debian\" = \"docker.io/library/debian\"\n\"a/b\" = \"quay.io/a/b\"\n";

static void load(struct registries *r)
{
	*r = (struct registries){.enforcing = true};
	assert_int_equal(registries_parse(r, "t.conf", conf, sizeof(conf) - 1), 0);
}

/* images: N3 */
static void short_names_mean_aliases_then_the_search_list(void **state)
{
	AUTO(registries_done) struct registries r;
	AUTO_STRV struct strv names = STRV_INIT, more = STRV_INIT;

	(void)state;
	load(&r);
	assert_int_equal(registries_short(&r, "debian", &names), 0);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "docker.io/library/debian");
	assert_int_equal(registries_short(&r, "busybox", &more), 0);
	assert_int_equal(more.n, 2);
	assert_string_equal(more.v[0], "docker.io/library/busybox");
	assert_string_equal(more.v[1], "quay.io/busybox");
}

static void several_candidates_need_a_decision_when_enforcing(void **state)
{
	AUTO(registries_done) struct registries r;
	AUTO_STRV struct strv names = STRV_INIT;

	(void)state;
	load(&r);
	r.enforcing = true;
	assert_int_equal(registries_short(&r, "busybox", &names), -CE_AMBIGUOUS);
	assert_non_null(strstr(err_trail(), "\"busybox\" = \"docker.io/library/busybox\""));
}

static void without_configuration_short_names_are_the_hubs(void **state)
{
	AUTO(endpoints_done) struct endpoints e = {0};
	struct registries r = {.enforcing = true};
	AUTO_STRV struct strv names = STRV_INIT;

	(void)state;
	assert_int_equal(registries_short(&r, "me/x", &names), 0);
	assert_string_equal(names.v[0], "docker.io/me/x");
	assert_int_equal(registries_endpoints(&r, names.v[0], false, &e), 0);
	assert_int_equal(e.n, 1);
	assert_string_equal(e.v[0].host, "registry-1.docker.io");
	assert_string_equal(e.v[0].path, "me/x");
	assert_false(e.v[0].insecure);
}

/* images: N2 */
static void mirrors_come_before_the_rewritten_primary(void **state)
{
	AUTO(registries_done) struct registries r;
	AUTO(endpoints_done) struct endpoints e = {0}, d = {0}, other = {0};

	(void)state;
	load(&r);
	assert_int_equal(registries_endpoints(&r, "example.com/foo/img", false, &e), 0);
	assert_int_equal(e.n, 2);
	assert_string_equal(e.v[0].host, "mirror.example");
	assert_string_equal(e.v[0].path, "m/img");
	assert_true(e.v[0].mirror);
	assert_false(e.v[0].insecure);
	assert_string_equal(e.v[1].host, "internal.example");
	assert_string_equal(e.v[1].path, "bar/img");
	assert_true(e.v[1].insecure);
	assert_int_equal(registries_endpoints(&r, "example.com/foo/img", true, &d), 0);
	assert_int_equal(d.n, 3);
	assert_int_equal(registries_endpoints(&r, "example.com/food", false, &other), 0);
	assert_string_equal(other.v[0].host, "example.com");
}

static void blocked_registries_are_refused_by_wildcard(void **state)
{
	AUTO(registries_done) struct registries r;
	AUTO(endpoints_done) struct endpoints e = {0};

	(void)state;
	load(&r);
	assert_int_equal(registries_endpoints(&r, "x.bad.example/y", false, &e), -CE_DENIED);
	assert_int_equal(registries_endpoints(&r, "bad.example/y", false, &e), 0);
}

static void an_empty_alias_takes_one_away_and_slashes_at_the_end_mean_nothing(void **state)
{
	static const char text[] = "[[registry]]\nprefix = \"example.com/foo\"\nlocation = \"in.example/\"\n"
				   "[aliases]\n\"debian\" = \"\"\n";
	AUTO(registries_done) struct registries r;
	AUTO(endpoints_done) struct endpoints e = {0};
	AUTO_STRV struct strv names = STRV_INIT;

	(void)state;
	load(&r);
	assert_int_equal(registries_parse(&r, "later.conf", text, sizeof(text) - 1), 0);
	registries_candidates(&r, "debian", &names);
	assert_string_equal(names.v[0], "docker.io/library/debian");
	assert_string_equal(names.v[1], "quay.io/debian");
	assert_int_equal(registries_endpoints(&r, "example.com/foo/img", false, &e), 0);
	assert_int_equal(e.n, 1); /* the later rule took the place of the one with mirrors */
	assert_string_equal(e.v[0].host, "in.example");
	assert_string_equal(e.v[0].path, "img");
}

static void what_is_not_understood_is_an_error_with_its_line(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"a = \n", "t:1: a string"},
		{"\n\na = \"x\n", "t:3: string without an end"},
		{"[[registry]]\ninsecure = \"yes\"\n", "t:2: insecure must be true or false"},
		{"[[registry]]\n", "t: a [[registry]] needs prefix or location"},
		{"[registries.search]\n", "t:1: version 1"},
		{"[[registry]]\nlocation = \"x\"\nbloked = true\n", "t:3: unknown key \"bloked\" in [[registry]]"},
		{"[[registry]]\nlocation = \"x\"\n[[registry.mirror]]\nlocation = \"y\"\ninsecur = true\n",
		 "t:5: unknown key \"insecur\" in [[registry.mirror]]"},
		{"[[registry]]\nlocation = \"https://x\"\n", "t: location \"https://x\": it has no scheme"},
		{"[[registry]]\nlocation = \"x\"\n[[registry.mirror]]\nlocation = \"http://y\"\n",
		 "t: location \"http://y\": it has no scheme"},
		{"[[registry]]\nprefix = \"x\"\nlocation = \"/\"\n", "t: an empty location"},
		{"[[registry]]\nlocation = \"x\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "
		 "\"y\"\npull-from-mirror = \"tag-only\"\n",
		 "t: mirror-by-digest-only and pull-from-mirror"},
		{"[[registry]]\nlocation = \"x\"\n[[registry.mirror]]\nlocation = \"y\"\npull-from-mirror = \"no\"\n",
		 "t:5: pull-from-mirror \"no\""},
		{"short-name-mode = \"x\"\n", "t:1: short-name-mode \"x\""},
		{"[aliases]\n\"x\" = \"y\"\n", "t:2: [aliases] \"x\" = \"y\": want HOST/REPOSITORY"},
		{"[aliases]\n\"x\" = \"a.b/y:1\"\n", "t:2: [aliases] \"x\" = \"a.b/y:1\": want HOST/REPOSITORY"},
		{"a = \"\"\"x\"\"\"\n", "t:1: strings over several lines"},
		{"a = 1 2\n", "t:1: unexpected text"},
		{"a = {x = 1}\n", "t:1: a string"},
		{"[x\n", "t:1: ']' was expected"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(registries_done) struct registries r = {0};

		assert_true(registries_parse(&r, "t", rows[i].text, strlen(rows[i].text)) < 0);
		if (strncmp(err_trail(), rows[i].words, strlen(rows[i].words)) != 0)
			fail_msg("%s", err_trail());
	}
}

static void what_has_no_effect_is_noted_once(void **state)
{
	static const char text[] = "additional-layer-store-auth-helper = \"h\"\nnobody-knows = 1\n"
				   "[somewhere]\nkey = true\n";
	const struct strv *lines = conf_ignored_list();
	size_t n = lines->n;

	(void)state;
	for (int i = 0; i < 2; i++) {
		AUTO(registries_done) struct registries r = {0};

		assert_int_equal(registries_parse(&r, "t.conf", text, sizeof(text) - 1), 0);
	}
	assert_int_equal(lines->n, n + 3);
	assert_non_null(strstr(lines->v[n], "additional-layer-store-auth-helper: there are no "));
	assert_string_equal(lines->v[n + 1], "t.conf: nobody-knows: cuddy does nothing with it");
	assert_string_equal(lines->v[n + 2], "t.conf: [somewhere] key: cuddy does nothing with it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_names_mean_aliases_then_the_search_list),
		cmocka_unit_test(several_candidates_need_a_decision_when_enforcing),
		cmocka_unit_test(without_configuration_short_names_are_the_hubs),
		cmocka_unit_test(mirrors_come_before_the_rewritten_primary),
		cmocka_unit_test(blocked_registries_are_refused_by_wildcard),
		cmocka_unit_test(an_empty_alias_takes_one_away_and_slashes_at_the_end_mean_nothing),
		cmocka_unit_test(what_is_not_understood_is_an_error_with_its_line),
		cmocka_unit_test(what_has_no_effect_is_noted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

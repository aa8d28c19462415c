/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/base/utf8.h"
#include "pkg/cli/format.h"
#include "pkg/cli/template_internal.h"
#include "pkg/json/kind.h"
#include "pkg/json/nil.h"

static struct json_object *json(const char *s)
{
	struct json_object *o = NULL;

	assert_int_equal(json_parse(s, strlen(s), &o), 0);
	return o;
}

static const char container[] =
	"{\"Id\":\"abc\",\"Name\":\"web\",\"Names\":[\"web\",\"www\"],\"Size\":12,\"Up\":true,"
	"\"None\":null,\"Rate\":0.5,"
	"\"State\":{\"Status\":\"running\",\"Pid\":7},\"Labels\":{\"b\":\"2\",\"a\":\"1\"},"
	"\"Empty\":[],"
	"\"Ports\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]},\"Html\":\"<a&b>\"}";

/* The result, or the message of the error; static storage. */
static const char *run(const char *format)
{
	static struct sbuf out = SBUF_INIT;
	AUTO_JSON struct json_object *o = json(container);
	struct template *t = NULL;
	int r = template_parse(format, &t);

	sbuf_done(&out);
	if (r == 0)
		r = template_run(t, o, TEMPLATE_RAW, &out);
	template_free(t);
	if (r < 0) {
		sbuf_reset(&out);
		sbuf_adds(&out, err_message(r));
	}
	return out.s;
}

/* What is not set: as Go shows nil slices, maps and pointers to structs. */
static void unset_values_are_nil(void **state)
{
	static const char format[] =
		"{{.L}} {{.M}} {{.P}} {{json .}} {{len .L}} {{len .M}} {{.P.Status}}"
		"{{if .P}}x{{end}}{{range .L}}x{{end}}{{index .M \"k\"}}.";
	AUTO_JSON struct json_object *o = json_object_new_object();
	AUTO_SBUF struct sbuf out = SBUF_INIT;
	struct template *t = NULL;

	(void)state;
	json_set(o, "L", json_nil(JSON_NIL_LIST));
	json_set(o, "M", json_nil(JSON_NIL_MAP));
	json_set(o, "P", json_nil(JSON_NIL_POINTER));
	assert_int_equal(template_parse(format, &t), 0);
	assert_int_equal(template_run(t, o, TEMPLATE_RAW, &out), 0);
	assert_string_equal(out.s, "[] map[] <nil> {\"L\":null,\"M\":null,\"P\":null} 0 0 .");
	template_free(t);
}

static void templates_print_what_go_prints(void **state)
{
	static const char *const t[][2] = {
		{"plain", "plain"},
		{"", ""},
		{"{{.Id}}", "abc"},
		{"{{.ID}}", "abc"},
		{"{{ .State.Pid }}", "7"},
		{"{{.Up}} {{.None}} {{.Rate}}", "true <no value> 0.5"},
		{"{{.Names}} {{.Labels}} {{.Empty}}", "[web www] map[a:1 b:2] []"},
		{"a\\tb\\n", "a\tb\n"},
		{"{{\"a\\tb\"}}", "a\tb"},
		{"{{`a\\tb`}}", "a\\tb"},
		{"{{\"\\u00e9\\x41\"}}", "\xc3\xa9"
					 "A"},
		{"a {{- /* c */ -}} b", "ab"},
		{"a {{/* }} */}}b", "a b"},
		{"a  {{- .Id -}}  b", "aabcb"},
		{"{{\"}}\"}}", "}}"},
		{"{{json .Names}}", "[\"web\",\"www\"]"},
		{"{{json .Html}}", "\"<a&b>\""},
		{"{{.Names | json}}", "[\"web\",\"www\"]"},
		{"{{join .Names \", \"}}", "web, www"},
		{"{{split \"a,b\" \",\"}}", "[a b]"},
		{"{{upper .Name}}{{lower \"AB\"}}{{title \"ab cd\"}}", "WEBabAb Cd"},
		{"{{pad .Id 1 2}}|{{truncate .Name 2}}|{{truncate .Name 9}}", " abc  |we|web"},
		{"{{len .Names}} {{len .Id}} {{len .Labels}} {{len .None}}", "2 3 2 0"},
		{"{{index .Names 1}} {{index .Labels \"a\"}} {{index .Labels \"zz\"}}.", "www 1 ."},
		{"{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080"},
		{"{{with index .Ports \"80/tcp\"}}{{range .}}{{.HostPort}}{{end}}{{end}}", "8080"},
		{"{{slice .Id 1}} {{slice .Id 0 1}} {{slice .Names 1}}", "bc a [www]"},
		{"{{printf \"%-5s|%5s|%05d|%x|%q|%.2f|%v|%t|%%\" .Id .Id .Size 255 \"a\\\"b\" "
		 ".Rate .Up .Up}}",
		 "abc  |  abc|00012|ff|\"a\\\"b\"|0.50|true|true|%"},
		{"{{print .Id .Name 1 2}}|{{println 1 2}}", "abcweb1 2|1 2\n"},
		{"{{if .Up}}y{{else}}n{{end}}{{if .None}}y{{else}}n{{end}}{{if not "
		 ".Empty}}e{{end}}",
		 "yne"},
		{"{{if .None}}1{{else if eq .Size 12}}2{{else}}3{{end}}", "2"},
		{"{{if and .Up (eq .State.Status \"running\")}}ok{{end}}{{or .None \"x\"}}", "okx"},
		{"{{and .None .None.Deep}}", "<no value>"},
		{"{{eq .Size 1 2 12}}{{ne 1 2}}{{lt 1 2}}{{le 2 2}}{{gt 1 2}}{{ge \"b\" \"a\"}}",
		 "truetruetruetruefalsetrue"},
		{"{{range .Names}}[{{.}}]{{end}}{{range .Empty}}x{{else}}none{{end}}",
		 "[web][www]none"},
		{"{{range $i, $n := .Names}}{{$i}}={{$n}} {{end}}", "0=web 1=www "},
		{"{{range $k, $v := .Labels}}{{$k}}={{$v}},{{end}}", "a=1,b=2,"},
		{"{{range .Names}}{{$.Id}} {{end}}{{$x := .Id}}{{$x}}{{with "
		 ".State}}{{.Pid}}{{$x}}{{end}}",
		 "abc abc abc7abc"},
		{"{{$n := 1}}{{range .Names}}{{$n = .}}{{end}}{{$n}}", "www"},
		{"{{.Label \"a\"}}{{.Label \"q\"}}.", "1."},
		{"{{with .None}}x{{else}}y{{end}}", "y"},
		{"{{.Name | printf \"%s-%s\" \"x\" | upper}}", "X-WEB"},
		{"{{true}}{{-1}}", "true-1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *got = run(t[i][0]);

		if (strcmp(got, t[i][1]) != 0)
			fail_msg("%s gave \"%s\", not \"%s\"", t[i][0], got, t[i][1]);
	}
}

static void a_wrong_template_is_told_in_one_line(void **state)
{
	static const char *const t[][2] = {
		{"{{.Nmae}}", "format: no field .Nmae; did you mean .Name?"},
		{"{{.Quux}}", "format: no field .Quux; '{{json .}}' shows what there is"},
		{"{{.None.X}}", "format: field .X of a value that is not set"},
		{"{{.Id.X}}", "format: field .X of something that has no fields"},
		{"{{.Id", "format: an action is not closed by \"}}\""},
		{"{{}}", "format: empty action"},
		{"{{\"a}}", "format: an action is not closed by \"}}\""},
		{"{{if .Id}}x", "format: a block has no {{end}}"},
		{"{{end}}", "format: \"end\" outside of a block"},
		{"{{if .Id}}{{else}}{{else}}{{end}}", "format: two \"else\" in one block"},
		{"{{frobnicate .}}", "format: unknown function \"frobnicate\""},
		{"{{$x}}", "format: undefined variable \"$x\""},
		{"{{$x = 1}}", "format: undefined variable \"$x\""},
		{"{{(.Id}}", "format: missing \")\""},
		{"{{.Id | .Name}}", "format: after \"|\" a function is expected"},
		{"{{.Id 1}}", "format: .Id takes no arguments"},
		{"{{\"a\" 1}}", "format: a value takes no arguments"},
		{"{{upper}}", "format: wrong number of arguments for \"upper\""},
		{"{{upper 1}}", "format: upper needs a string"},
		{"{{eq 1 \"1\"}}", "format: cannot compare int with string"},
		{"{{index .Names 2}}", "format: index 2 is out of range: the list has 2"},
		{"{{printf \"%d\" .Id}}", "format: printf: %d does not fit its argument"},
		{"{{printf \"%9999s\" .Id}}", "format: printf: field wider than 4096"},
		{"{{range .Id}}{{end}}", "format: range over something that is no list"},
		{"{{.Id ! }}", "format: unexpected \"!\" in an action"},
		{"{{| json}}", "format: a value is missing in an action"},
		{"{{\"\\q\"}}", "format: bad escape in a string"},
		{"{{12x}}", "format: bad number"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *got = run(t[i][0]);

		if (strcmp(got, t[i][1]) != 0)
			fail_msg("%s gave \"%s\", not \"%s\"", t[i][0], got, t[i][1]);
	}
}

static void deep_nesting_is_refused(void **state)
{
	AUTO_SBUF struct sbuf s = SBUF_INIT;

	(void)state;
	sbuf_adds(&s, "{{");
	for (int i = 0; i < 5000; i++)
		sbuf_addc(&s, '(');
	sbuf_adds(&s, "}}");
	assert_string_equal(run(s.s), "format: nested too deeply");
	sbuf_reset(&s);
	for (int i = 0; i < 2000; i++)
		sbuf_adds(&s, "{{if .Id}}");
	assert_string_equal(run(s.s), "format: nested too deeply");
}

static const struct column columns[] = {{"CONTAINER ID", "ID"}, {"NAMES", "Names"}, {NULL, NULL}};

static const char *list(struct list_options o, const char *rows)
{
	static char *text;
	AUTO_JSON struct json_object *arr = json(rows);
	size_t n;
	FILE *f;
	int r;

	free(text);
	f = open_memstream(&text, &n);
	o.columns = columns;
	o.quiet_field = "ID";
	r = list_print(&o, arr, NULL, f);
	(void)fclose(f);
	return r < 0 ? err_message(r) : text;
}

static const char rows[] =
	"[{\"ID\":\"abc\",\"Names\":\"web\",\"CreatedAt\":\"now\",\"Labels\":\"a=1,b=2\",\"LabelMap\":{\"a\":\"1\",\"b\":\"2\"}},"
	"{\"ID\":\"d\",\"Names\":\"x\\ty\\u001b[2J\",\"CreatedAt\":\"then\",\"Labels\":\"\"}]";

static void lists_come_in_every_form(void **state)
{
	(void)state;
	assert_string_equal(
		list((struct list_options){0}, rows),
		"CONTAINER ID  NAMES\nabc           web\nd             x\\ty\\x1b[2J\n");
	assert_string_equal(list((struct list_options){0}, "[]"), "CONTAINER ID  NAMES\n");
	assert_string_equal(list((struct list_options){.no_heading = true}, rows),
			    "abc  web\nd    x\\ty\\x1b[2J\n");
	assert_string_equal(list((struct list_options){.quiet = true}, rows), "abc\nd\n");
	assert_string_equal(list((struct list_options){.format = "{{.ID}}:{{.Label \"b\"}}"}, rows),
			    "abc:2\nd:\n");
	assert_string_equal(
		list(
			(struct list_options){
				.format =
					"table {{.ID}}\\t{{upper .CreatedAt}}\\t{{.Label \"a\"}}"},
			rows),
		"CONTAINER ID  CREATED AT  a\nabc           NOW         1\nd             THEN      "
		"  \n");
	assert_string_equal(list((struct list_options){.format = "table {{.ID}}"}, "[]"),
			    "CONTAINER ID\n");
	assert_string_equal(
		list((struct list_options){.format = "{{range .ID}}{{.}}{{end}}"}, rows),
		"format: range over something that is no list"); /* each row's */
	assert_string_equal(
		list(
			(struct list_options){
				.format = "{{- range $i, $r := . -}}{{$i}}{{$r.ID}} {{end}}"},
			rows),
		"0abc 1d ");
	assert_string_equal(
		list((struct list_options){.format = "table {{.ID}} {{.CreatedAt}}"}, rows),
		"CONTAINER ID  CREATED AT\nabc           now\nd             then\n");
	assert_string_equal(
		list((struct list_options){.format = "{{range .}}{{.ID}} {{end}}"}, rows),
		"abc d ");
	assert_string_equal(list((struct list_options){.format = "json"}, "[]"), "[]\n");
	assert_string_equal(list((struct list_options){.format = "{{.Nope}}"}, rows),
			    "format: no field .Nope; '{{json .}}' shows what there is");
}

static void escaping_leaves_nothing_a_terminal_obeys(void **state)
{
	AUTO_SBUF struct sbuf once = SBUF_INIT, twice = SBUF_INIT;
	char all[256 * 2];
	size_t n = sizeof(all);

	(void)state;
	for (size_t i = 0; i < 256; i++) {
		all[i] = (char)i;
		all[511 - i] = (char)(i ^ 0x5a);
	}
	sbuf_add_untrusted(&once, all, n, false);
	for (size_t i = 0; i < once.len; i++)
		assert_true(((unsigned char)once.s[i] >= 0x20 || once.s[i] == '\n' ||
			     once.s[i] == '\t') &&
			    once.s[i] != 0x7f);
	assert_true(utf8_is_valid(once.s, once.len));
	sbuf_add_untrusted(&twice, once.s, once.len, false);
	assert_string_equal(once.s, twice.s);
	sbuf_reset(&once);
	sbuf_add_untrusted(&once, "\xc2\x9b\xe2\x80\xae\x9b\xe2\x80", 8, false);
	assert_string_equal(once.s, "\\u009b\\u202e\\x9b\\xe2\\x80");
}

static void yaml_reads_back_as_what_it_was(void **state)
{
	AUTO_JSON struct json_object *o = json(
		"{\"a\":{\"b\":\"x y\",\"n\":\"1.5\",\"t\":\"true\",\"e\":\"\",\"i\":3,"
		"\"z\":[],\"m\":{}},\"l\":[\"p\",{\"q\":1,\"r\":\"c: d\"}],\"v\":\"12\","
		"\"c\":\"a\\u001b\"}");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	yaml_print(o, out);
	(void)fclose(out);
	assert_string_equal(text, "a:\n"
				  "  b: x y\n"
				  "  \"n\": \"1.5\"\n" /* a truth value of YAML 1.1, unquoted */
				  "  t: \"true\"\n"
				  "  e: \"\"\n"
				  "  i: 3\n"
				  "  z: []\n"
				  "  m: {}\n"
				  "l:\n"
				  "  - p\n"
				  "  - q: 1\n"
				  "    r: \"c: d\"\n"
				  "v: \"12\"\n"
				  "c: \"a\\u001b\"\n");
	free(text);
}

/* @format of an object with instants and a map; static storage. */
static const char *run_kinds(const char *format)
{
	static struct sbuf out = SBUF_INIT;
	AUTO_JSON struct json_object *o = json_object_new_object();
	struct template *t = NULL;
	int r = template_parse(format, &t);

	json_set_time(o, "T", 1700000000123000000);
	json_set_time(o, "Z", 0);
	json_set(o, "M", json_as_map(json("{\"k\":\"v\"}")));
	sbuf_done(&out);
	if (r == 0)
		r = template_run(t, o, TEMPLATE_RAW, &out);
	template_free(t);
	if (r < 0) {
		sbuf_reset(&out);
		sbuf_adds(&out, err_message(r));
	}
	return out.s;
}

/* What Go's text/template prints of a time.Time and of a map[string]string. */
static void instants_have_methods_and_maps_any_key(void **state)
{
	static const char *const cases[][2] = {
		{"{{.T}}", "2023-11-14 22:13:20.123 +0000 UTC"},
		{"{{json .T}}", "\"2023-11-14T22:13:20.123Z\""},
		{"{{.T.Unix}} {{.T.UnixMilli}} {{.T.UnixNano}} {{.T.Nanosecond}}",
		 "1700000000 1700000000123 1700000000123000000 123000000"},
		{"{{.T.Year}} {{.T.Month}} {{.T.Day}} {{.T.Weekday}} {{.T.YearDay}}",
		 "2023 November 14 Tuesday 318"},
		{"{{.T.UTC.Hour}} {{.T.Minute}} {{.T.Second}} {{.T.IsZero}} {{.T.String}}",
		 "22 13 20 false 2023-11-14 22:13:20.123 +0000 UTC"},
		{"{{.T.Format \"2006-01-02T15:04:05Z07:00\"}}", "2023-11-14T22:13:20Z"},
		{"{{.T.Format \"Mon, 02 Jan 2006 15:04:05 MST\"}}", "Tue, 14 Nov 2023 22:13:20 UTC"},
		{"{{.T.UTC.Format \"Monday January _2 3:4:5 PM 06 -0700 .000000 .999999 x\"}}",
		 "Tuesday November 14 10:13:20 PM 23 +0000 .123000 .123 x"},
		{"{{.Z}} {{.Z.IsZero}} {{.Z.Unix}} {{.Z.Year}}",
		 "0001-01-01 00:00:00 +0000 UTC true -62135596800 1"},
		{"{{with .T}}{{.Unix}}{{end}} {{(.T).Unix}} {{printf \"%s\" .Z}}",
		 "1700000000 1700000000 0001-01-01 00:00:00 +0000 UTC"},
		{"{{.M.k}} {{.M.none}} {{if .M.none}}x{{end}}{{index .M \"none\"}}.",
		 "v <no value> ."},
		{"{{.M.none.more}}", "format: field .more of a value that is not set"},
		{"{{.T.Format 5}}", "format: .Format takes a layout like \"2006-01-02\""},
		{"{{.M.k.Format \"x\"}}", "format: .Format is a method of instants"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(run_kinds(cases[i][0]), cases[i][1]);
	assert_non_null(strstr(run_kinds("{{.T.Foo}}"), "no method .Foo"));
	template_times_as_text(); /* docker's; the last, as it holds from here on */
	assert_string_equal(run_kinds("{{.T}} {{.T.Unix}}"), "2023-11-14T22:13:20.123Z 1700000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unset_values_are_nil),
		cmocka_unit_test(templates_print_what_go_prints),
		cmocka_unit_test(a_wrong_template_is_told_in_one_line),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(lists_come_in_every_form),
		cmocka_unit_test(yaml_reads_back_as_what_it_was),
		cmocka_unit_test(instants_have_methods_and_maps_any_key),
		cmocka_unit_test(escaping_leaves_nothing_a_terminal_obeys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

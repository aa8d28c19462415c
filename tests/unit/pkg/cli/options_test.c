/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/cli/options.h"

struct inner {
	const char *user;
	struct strv env, dns, sysctl;
};

struct args {
	bool quiet, tty;
	int tls;
	unsigned time;
	int64_t number, wait_ns;
	uint64_t memory;
	const char *type, *cgroups;
	struct inner in;
};

static const struct opt inner_opts[] = {
	OPT_STR('u', "user", "USER", struct inner, user, "User to run as"),
	OPT_LIST('e', "env", "NAME=VALUE", struct inner, env, "Set a variable"),
	OPT_LIST(0, "dns", "IP", struct inner, dns, "Ask a server", .commas = true),
	OPT_LIST(0, "sysctl", "KEY=VALUE", struct inner, sysctl, "Set a parameter", .pairs = true),
	OPT_END};

static const struct opt opts[] = {
	OPT_BOOL('q', "quiet", struct args, quiet, "Say less"),
	OPT_BOOL('t', "tty", struct args, tty, "Allocate a terminal"),
	OPT_TRI(0, "tls-verify", struct args, tls, "Check certificates"),
	OPT_UINT('T', "time", "SECONDS", struct args, time, "Wait", .max = 100),
	OPT_UINT(0, "timeout", "SECONDS", struct args, time, "Wait", .max = 100, .hidden = true),
	OPT_INT(0, "number", "N", struct args, number, "A number", .min = -1),
	OPT_DURATION(0, "interval", "TIME", struct args, wait_ns, "How often"),
	OPT_SIZE('m', "memory", "SIZE", struct args, memory, "Limit"),
	OPT_STR(0, "type", "TYPE", struct args, type, "Kind", .words = "image container",
		.strict = true),
	OPT_STR(0, "cgroups", "MODE", struct args, cgroups, "Mode", .optional = true),
	OPT_REFUSED('r', "remote", NULL, "no server", NULL),
	OPT_REFUSED(0, "driver", "NAME", "no plugins", "local none"),
	OPT_MOOT(0, "sync", NULL, "Always so"),
	OPT_GROUP(inner_opts, struct args, in),
	OPT_END};

static int parse(struct args *a, bool interspersed, int *ret_first, const char **argv)
{
	int argc = 0;

	memset(a, 0, sizeof(*a));
	a->tls = -1;
	while (argv[argc])
		argc++;
	*ret_first = opt_parse(opts, a, argc, (char **)(uintptr_t)argv, interspersed, "verb");
	return *ret_first < 0 ? *ret_first : 0;
}

#define PARSE(inter, ...) \
	parse(&a, inter, &first, argv = (const char *[]){"verb", __VA_ARGS__, NULL})

static void a_refused_flag_says_why_and_its_harmless_values_pass(void **state)
{
	struct args a;
	const char **argv;
	int first;

	(void)state;
	assert_int_equal(PARSE(true, "--remote=false", "--driver", "local", "--driver=none",
			       "--driver=", "--sync", "--sync=false", "-q"),
			 0);
	assert_true(a.quiet);
	assert_int_equal(PARSE(true, "-r"), -CE_USAGE);
	assert_string_equal(err_trail(), "verb: -r: not supported: no server");
	assert_int_equal(PARSE(true, "--driver", "nfs"), -CE_USAGE);
	assert_string_equal(err_trail(), "verb: --driver 'nfs': not supported: no plugins");
	assert_int_equal(PARSE(true, "--remote=perhaps"), -CE_USAGE);
	assert_int_equal(PARSE(true, "--driver"), -CE_USAGE);
	err_drop();
}

static void every_spelling_of_a_flag_is_understood(void **state)
{
	struct args a;
	const char **argv;
	int first;

	(void)state;
	assert_int_equal(PARSE(true, "-qt", "one", "--time", "7", "-m2g", "--tls-verify=false",
			       "-e", "A=1", "-e=B=2", "--env=C=3", "two", "--number=-1",
			       "--interval", "1m", "--cgroups", "three"),
			 0);
	assert_true(a.quiet && a.tty && a.tls == 0);
	assert_int_equal(a.time, 7);
	assert_true(a.memory == 2ULL << 30);
	assert_int_equal(a.in.env.n, 3);
	assert_string_equal(a.in.env.v[1], "B=2");
	assert_string_equal(a.in.env.v[2], "C=3");
	assert_int_equal(a.number, -1);
	assert_int_equal(a.wait_ns, 60000000000LL);
	assert_string_equal(a.cgroups, "");
	assert_string_equal(argv[first], "one");
	assert_string_equal(argv[first + 1], "two");
	assert_string_equal(argv[first + 2], "three");
	opt_release(opts, &a);
	assert_int_equal(PARSE(true, "-q", "--quiet=false", "--timeout=9", "--", "-x"), 0);
	assert_false(a.quiet);
	assert_int_equal(a.time, 9);
	assert_string_equal(argv[first], "-x");
}

static void operands_that_are_a_command_keep_their_flags(void **state)
{
	struct args a;
	const char **argv;
	int first;

	(void)state;
	assert_int_equal(PARSE(false, "-q", "image", "-t", "--help"), 0);
	assert_false(a.tty);
	assert_string_equal(argv[first], "image");
	assert_string_equal(argv[first + 1], "-t");
	assert_int_equal(PARSE(true, "-q", "-h"), 0);
	assert_int_equal(first, OPT_WANTS_HELP);
}

static void wrong_usage_is_one_line_that_helps(void **state)
{
	static const char *const t[][3] = {
		{"--tiem", "1", "verb: unknown flag --tiem; did you mean --time?"},
		{"--xyzzy", "",
		 "verb: unknown flag --xyzzy; 'cuddy verb --help' lists what there is"},
		{"-qZ", "", "verb: unknown flag -Z in \"-qZ\"; see 'cuddy verb --help'"},
		{"--time", "x",
		 "verb: bad value \"x\" for --time: expected a whole number from 0 to 100"},
		{"--time", "101",
		 "verb: bad value \"101\" for --time: expected a whole number from 0 to 100"},
		{"--time=1 ", "",
		 "verb: bad value \"1 \" for --time: expected a whole number from 0 to 100"},
		{"--number", "-2", "verb: bad value \"-2\" for --number: expected a whole number"},
		{"--type", "pod", "verb: bad value \"pod\" for --type: one of image container"},
		{"--type", "", "verb: bad value \"\" for --type: one of image container"},
		{"--quiet=maybe", "",
		 "verb: bad value \"maybe\" for --quiet: expected true or false"},
		{"-m", "1q", "verb: bad value \"1q\" for -m: expected a size such as 512m or 2g"},
		{"--interval", "5",
		 "verb: bad value \"5\" for --interval: expected a duration such as 30s or 1h30m"},
	};
	struct args a;
	const char **argv;
	int first;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(PARSE(true, t[i][0], t[i][1]), -CE_USAGE);
		assert_string_equal(err_message(-CE_USAGE), t[i][2]);
	}
	assert_int_equal(PARSE(true, "--user"), -CE_USAGE);
	assert_string_equal(err_message(-CE_USAGE),
			    "verb: --user needs a value: USER; see 'cuddy verb --help'");
}

static void suggestions_are_near_or_absent(void **state)
{
	static const char *const words[] = {"start", "stop", "inspect", "images",
					    "image", "rm",   "rmi"};

	(void)state;
	assert_string_equal(suggest("strat", words, 7), "start");
	assert_string_equal(suggest("imagse", words, 7), "images");
	assert_string_equal(suggest("insp", words, 7), "inspect");
	assert_null(suggest("xyzzy", words, 7));
	assert_null(suggest("", words, 7));
}

static void commas_part_values_where_a_value_has_none(void **state)
{
	struct args a;
	int first;

	(void)state;
	assert_int_equal(parse(&a, true, &first,
			       (const char *[]){"verb", "--dns", "1,2", "--dns=3", "-e", "A=1,2",
						"--dns", "", "--sysctl", "a=1,2,b=3,c=", "--sysctl", "x", NULL}),
			 0);
	assert_int_equal(a.in.dns.n, 4);
	assert_string_equal(a.in.dns.v[0], "1");
	assert_string_equal(a.in.dns.v[1], "2");
	assert_string_equal(a.in.dns.v[2], "3");
	assert_string_equal(a.in.dns.v[3], "");
	assert_int_equal(a.in.env.n, 1);
	assert_string_equal(a.in.env.v[0], "A=1,2");
	assert_int_equal(a.in.sysctl.n, 4);
	assert_string_equal(a.in.sysctl.v[0], "a=1,2");
	assert_string_equal(a.in.sysctl.v[1], "b=3");
	assert_string_equal(a.in.sysctl.v[2], "c=");
	assert_string_equal(a.in.sysctl.v[3], "x");
	strv_done(&a.in.sysctl);
	strv_done(&a.in.dns);
	strv_done(&a.in.env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_part_values_where_a_value_has_none),
		cmocka_unit_test(a_refused_flag_says_why_and_its_harmless_values_pass),
		cmocka_unit_test(every_spelling_of_a_flag_is_understood),
		cmocka_unit_test(operands_that_are_a_command_keep_their_flags),
		cmocka_unit_test(wrong_usage_is_one_line_that_helps),
		cmocka_unit_test(suggestions_are_near_or_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/helper_internal.h"
#include "net/pasta.h"
#include "pkg/base/err.h"

static char *words_of(const char *options, const char *dns, char *out, size_t size)
{
	struct net_plan n = {.mode = NET_PASTA, .helper_path = "pasta"};
	struct helper_text t = {.ready = "/r", .target = "/n"};
	struct helper_words w = {.n = 0};
	size_t used = 0;

	assert_int_equal(net_plan_parse_pasta(options, &n), 0);
	n.dns = dns;
	assert_int_equal(pasta_words(&n, &t, &w), 0);
	*out = '\0';
	for (unsigned i = 0; i < w.n; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "", w.v[i]);
	return out;
}

static void the_command_line_is_closed_unless_opened(void **state)
{
	char b[1024];

	(void)state;
	assert_string_equal(words_of("", "169.254.1.1", b, sizeof(b)),
			    "pasta --foreground --quiet --stderr --config-net --no-netns-quit "
			    "--no-map-gw -t none -u none -T none -U none --dns-forward 169.254.1.1 "
			    "--pid /r --netns /n");
	assert_string_equal(
		words_of("-t,8080:80,--map-gw,--mtu=1500,-4,--config-net", NULL, b, sizeof(b)),
		"pasta --foreground --quiet --stderr --config-net --no-netns-quit "
		"-u none -T none -U none --tcp-ports 8080:80 --mtu 1500 --ipv4-only "
		"--pid /r --netns /n");
}

static void options_are_checked_word_by_word(void **state)
{
	static const char *const bad[] = {
		"--nosuch", "-x",         "--mtu",  "--mtu,",  "--mtu=", "mtu", "-t",    "--pid,/x",
		"-P,/x",    "--map-gw=1", "--mt,1", "--netns", "-",      "--",  "-4,,-6"};
	struct net_plan n = {.mode = NET_PASTA};
	struct in_addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (net_plan_parse_pasta(bad[i], &n) != -CE_USAGE)
			fail_msg("accepted: %s", bad[i]);
	assert_null(n.options);
	assert_int_equal(net_plan_parse_pasta("-a,fd00::1,-a,10.1.2.3", &n), 0);
	assert_true(net_pasta_value(&n, "--address", &a));
	assert_int_equal(ntohl(a.s_addr), 0x0a010203);
	assert_false(net_pasta_value(&n, "--gateway", &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_command_line_is_closed_unless_opened),
		cmocka_unit_test(options_are_checked_word_by_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

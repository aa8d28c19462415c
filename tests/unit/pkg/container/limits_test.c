/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/container/limits.h"
#include "pkg/container/record.h"

/* Value of @file among the files of @r, "" when it is not written. */
static const char *value_of(const struct container_record *r, const char *file)
{
	static char copy[64];
	struct limit_files f;

	*copy = '\0';
	assert_int_equal(limits_files(r, &f), 0);
	for (unsigned i = 0; i < f.n; i++)
		if (strcmp(f.v[i].file, file) == 0)
			assert_true((size_t)snprintf(copy, sizeof(copy), "%s", f.v[i].value) <
				    sizeof(copy));
	limits_files_done(&f);
	return copy;
}

static void flags_become_files(void **state)
{
	static const struct {
		struct limit_request q;
		const char *file, *value;
	} rows[] = {
		{{.cpus = "1.5"}, "cpu.max", "150000 100000"},
		{{.cpus = ".25"}, "cpu.max", "25000 100000"},
		{{.cpus = "2"}, "cpu.max", "200000 100000"},
		{{.cpus = "0.333333333"}, "cpu.max", "33333 100000"},
		{{.cpu_quota = 5000}, "cpu.max", "5000 100000"},
		{{.cpu_quota = -1, .cpu_period = 20000}, "cpu.max", "max 20000"},
		{{.cpu_shares = 1024}, "cpu.weight", "39"},
		{{.cpu_shares = 2}, "cpu.weight", "1"},
		{{.cpu_shares = 262144}, "cpu.weight", "10000"},
		{{.memory = 1 << 20}, "memory.max", "1048576"},
		{{.memory = 1 << 20}, "memory.swap.max", "1048576"},
		{{.memory = 1 << 20, .memory_swap = "3m"}, "memory.swap.max", "2097152"},
		{{.memory = 1 << 20, .memory_swap = "1m"}, "memory.swap.max", "0"},
		{{.memory = 1 << 20, .memory_swap = "-1"}, "memory.swap.max", "max"},
		{{.pids_limit = LIMIT_UNSET}, "pids.max", "2048"},
		{{.pids_limit = -1}, "pids.max", "max"},
		{{.pids_limit = 0}, "pids.max", "max"},
		{{.pids_limit = 5}, "pids.max", "5"},
		{{.cpuset_cpus = "0-2,5"}, "cpuset.cpus", "0-2,5"},
		{{.blkio_weight = 10}, "io.weight", "default 1"},
		{{.blkio_weight = 1000}, "io.weight", "default 10000"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		AUTO(record_freep) struct container_record *r = record_new();

		assert_int_equal(limits_merge(&rows[i].q, r), 0);
		assert_string_equal(value_of(r, rows[i].file), rows[i].value);
	}
}

static void nonsense_is_a_usage_error(void **state)
{
	static const struct limit_request bad[] = {
		{.memory = 1},
		{.memory = 1 << 20, .memory_reservation = 2 << 20},
		{.memory_swap = "1g"},
		{.memory = 2 << 20, .memory_swap = "1m"},
		{.memory = 2 << 20, .memory_swap = "-2"},
		{.cpus = ""},
		{.cpus = "."},
		{.cpus = "-1"},
		{.cpus = "1.x"},
		{.cpus = "0.001"},
		{.cpus = "1.0000000001"},
		{.cpus = "1", .cpu_quota = 1000},
		{.cpu_quota = 999},
		{.cpu_period = 999},
		{.cpu_period = 1000001},
		{.cpu_shares = 1},
		{.cpu_shares = 262145},
		{.cpuset_cpus = "a"},
		{.cpuset_cpus = "0-"},
		{.cpuset_cpus = "0,"},
		{.cpuset_cpus = ",0"},
		{.cpuset_mems = "0 1"},
		{.blkio_weight = 9},
		{.blkio_weight = 1001},
		{.pids_limit = -2},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		AUTO(record_freep) struct container_record *r = record_new();
		int rc = limits_merge(&bad[i], r);

		if (rc != -CE_USAGE)
			print_error("row %u\n", i);
		assert_int_equal(rc, -CE_USAGE);
	}
}

static void later_wishes_go_over_earlier_ones(void **state)
{
	AUTO(record_freep) struct container_record *r = record_new();
	struct limit_request q = {.cpus = "1", .memory = 1 << 20, .pids_limit = 9};

	(void)state;
	assert_int_equal(limits_merge(&q, r), 0);
	q = (struct limit_request){.cpu_quota = 20000, .pids_limit = LIMIT_UNSET};
	assert_int_equal(limits_merge(&q, r), 0);
	assert_string_equal(value_of(r, "cpu.max"), "20000 100000");
	assert_string_equal(value_of(r, "memory.max"), "1048576");
	assert_string_equal(value_of(r, "pids.max"), "9");
	q = (struct limit_request){.cpus = "2", .pids_limit = LIMIT_UNSET};
	assert_int_equal(limits_merge(&q, r), 0);
	assert_string_equal(value_of(r, "cpu.max"), "200000 100000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_become_files),
		cmocka_unit_test(nonsense_is_a_usage_error),
		cmocka_unit_test(later_wishes_go_over_earlier_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

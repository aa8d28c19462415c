/* SPDX-License-Identifier: MIT */
/* threats: R33 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/bundle/bundle.h"
#include "pkg/json/json.h"

#define HEAD                                                                                \
	"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/" \
	"\",\"args\":[\"x\"]"

static struct subid_range ranges[] = {{.start = 100000, .count = 1000},
				      {.start = 300000, .count = 500}};

/* A user 1000 with two ranges of subordinate ids. */
static struct bundle_host user(void)
{
	return (struct bundle_host){.base_ns = -EBADF,
				    .grant = {.uid = 1000,
					      .gid = 1000,
					      .uids = ranges,
					      .gids = ranges,
					      .n_uids = 2,
					      .n_gids = 2}};
}

static int plan(const char *json, const struct bundle_host *h, struct bundle *b)
{
	int r = bundle_load_text("/b", json, strlen(json), b);

	return r < 0 ? r : bundle_plan(b, "id", h);
}

static int plan_and_drop(const char *json)
{
	struct bundle_host h = user();
	struct bundle b;
	int r = plan(json, &h, &b);

	bundle_done(&b);
	return r;
}

static void ids_of_the_host_become_ids_of_the_base_namespace(void **state)
{
	static const char json[] = HEAD
		"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1},"
		"{\"containerID\":1,\"hostID\":100500,\"size\":500}],"
		"\"gidMappings\":[{\"containerID\":0,\"hostID\":300000,\"size\":500}]}}";
	struct bundle_host h = user();
	struct bundle b;

	(void)state;
	assert_int_equal(plan(json, &h, &b), 0);
	assert_int_equal(b.plan.n_uid_map, 2);
	assert_int_equal(b.plan.uid_map[0].outside, 0);
	assert_int_equal(b.plan.uid_map[1].inside, 1);
	assert_int_equal(b.plan.uid_map[1].outside, 501);
	assert_int_equal(b.plan.uid_map[1].count, 500);
	assert_int_equal(b.plan.gid_map[0].outside, 1001);
	bundle_done(&b);
	h = (struct bundle_host){.privileged = true, .base_ns = -EBADF};
	assert_int_equal(plan(json, &h, &b), 0); /* root of a namespace: as it stands */
	assert_int_equal(b.plan.uid_map[1].outside, 100500);
	bundle_done(&b);
}

static void ids_that_are_not_the_users_are_refused(void **state)
{
	static const char *const maps[] = {
		"{\"containerID\":0,\"hostID\":0,\"size\":1}",
		"{\"containerID\":0,\"hostID\":100900,\"size\":200}",
		"{\"containerID\":0,\"hostID\":1000,\"size\":0}",
		"{\"containerID\":0,\"hostID\":4294967295,\"size\":2}",
		"{\"containerID\":1,\"hostID\":1000,\"size\":1}", /* nobody is root */
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(maps); i++) {
		AUTO_FREE char *json = xasprintf(
			HEAD
			"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}],"
			"\"uidMappings\":[%s],"
			"\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]}}",
			maps[i]);

		assert_true(plan_and_drop(json) < 0);
	}
}

static void mount_options_are_flags_data_or_refused(void **state)
{
	static const char json[] = HEAD
		"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]},\"mounts\":"
		"["
		"{\"destination\":\"/a/../"
		"t\",\"type\":\"tmpfs\",\"options\":[\"nosuid\",\"size=1k\",\"mode=700\",\"ro\","
		"\"rw\"]},"
		"{\"destination\":\"rel\",\"source\":\"src\",\"options\":[\"rbind\",\"ro\","
		"\"rslave\"]},"
		"{\"destination\":\"/p\",\"type\":\"proc\"},{\"destination\":\"/"
		"s\",\"type\":\"sysfs\"}]}";
	struct bundle_host h = user();
	struct bundle b;
	const struct rt_mount *m;

	(void)state;
	assert_int_equal(plan(json, &h, &b), 0);
	m = b.plan.mounts;
	assert_int_equal(m[0].type, RT_MOUNT_TMPFS);
	assert_string_equal(m[0].target, "/t");
	assert_string_equal(m[0].data, "size=1k,mode=700");
	assert_int_equal(m[0].flags, RT_MNT_NOSUID);
	assert_int_equal(m[1].type, RT_MOUNT_BIND);
	assert_string_equal(m[1].target, "/rel");
	assert_string_equal(m[1].source, "/b/src");
	assert_int_equal(m[1].flags, RT_MNT_RO);
	assert_int_equal(m[1].propagation, MS_SLAVE | MS_REC);
	assert_int_equal(m[2].type, RT_MOUNT_PROC);
	assert_int_equal(m[3].type, RT_MOUNT_BIND); /* the host's network: its /sys */
	assert_true(m[3].flags & RT_MNT_RO);
	bundle_done(&b);
	assert_true(plan_and_drop(
			    HEAD "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},\"mounts\":[{"
				 "\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/"
				 "y\",\"options\":[\"what\"]}]}") < 0);
	assert_true(
		plan_and_drop(HEAD
			      "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},\"mounts\":[{"
			      "\"destination\":\"/"
			      "x\",\"type\":\"tmpfs\",\"options\":[\"size=1,lowerdir=/\"]}]}") < 0);
}

static void documents_are_bounded_and_strict(void **state)
{
	AUTO_SBUF struct sbuf many = SBUF_INIT;

	(void)state;
	assert_true(plan_and_drop("") < 0);
	assert_true(plan_and_drop("[]") < 0);
	assert_true(plan_and_drop("{\"ociVersion\":\"1.2.0\"}") < 0);
	assert_true(plan_and_drop(HEAD "},\"linux\":{\"namespaces\":[]}}") <
		    0); /* no mount namespace */
	assert_true(plan_and_drop(HEAD ",\"args\":[\"y\"]}}") < 0); /* a key twice */
	assert_true(plan_and_drop(HEAD ",\"user\":{\"uid\":-1}}}") < 0);
	assert_true(plan_and_drop(HEAD ",\"user\":{\"uid\":4294967296}}}") < 0);
	assert_true(plan_and_drop(HEAD ",\"oomScoreAdj\":1001},\"linux\":{\"namespaces\":[{"
				       "\"type\":\"mount\"}]}}") < 0);
	sbuf_adds(&many, HEAD "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},\"mounts\":[");
	for (int i = 0; i < 5000; i++)
		sbuf_addf(&many, "%s{\"destination\":\"/x\",\"type\":\"tmpfs\"}", i ? "," : "");
	sbuf_adds(&many, "]}");
	assert_int_equal(plan_and_drop(many.s), -CE_LIMIT);
}

static void resources_become_files_of_version_2(void **state)
{
	static const char json[] =
		"{\"memory\":{\"limit\":1000,\"swap\":1500,\"reservation\":10},\"pids\":{\"limit\":"
		"-1},"
		"\"cpu\":{\"shares\":1024,\"quota\":5000,\"period\":10000,\"cpus\":\"0-1\"},"
		"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4}],\"rdma\":{\"mlx\":{"
		"\"hcaHandles\":3,\"hcaObjects\":4}},\"blockIO\":{\"weight\":10,\"weightDevice\":[{"
		"\"major\":8,\"minor\":1,\"weight\":1000}],\"leafWeight\":0},\"unified\":{\"memory."
		"high\":\"77\"}}";
	static const char *const want[] = {"memory.max=1000",
					   "memory.swap.max=500",
					   "memory.low=10",
					   "cpu.weight=39",
					   "cpu.max=5000 10000",
					   "cpuset.cpus=0-1",
					   "pids.max=max",
					   "io.weight=default 1",
					   "io.weight=8:1 10000",
					   "hugetlb.2MB.max=4",
					   "hugetlb.2MB.rsvd.max=4",
					   "rdma.max=mlx hca_handle=3 hca_object=4",
					   "memory.high=77"};
	AUTO_JSON struct json_object *o = NULL;
	struct cgroup_limit *l = NULL;
	struct bundle b;
	unsigned n = 0;

	(void)state;
	assert_int_equal(bundle_load_text("/b", HEAD "}}", strlen(HEAD "}}"), &b), 0);
	assert_int_equal(json_parse(json, strlen(json), &o), 0);
	assert_int_equal(bundle_limits(&b, o, &l, &n), 0);
	assert_int_equal(n, ARRAY_LEN(want));
	for (unsigned i = 0; i < n; i++) {
		AUTO_FREE char *got = xasprintf("%s=%s", l[i].file, l[i].value);

		assert_string_equal(got, want[i]);
	}
	bundle_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_of_the_host_become_ids_of_the_base_namespace),
		cmocka_unit_test(ids_that_are_not_the_users_are_refused),
		cmocka_unit_test(mount_options_are_flags_data_or_refused),
		cmocka_unit_test(documents_are_bounded_and_strict),
		cmocka_unit_test(resources_become_files_of_version_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* threats: R05 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <cmocka.h>

#include "pkg/base/err.h"
#include "pkg/container/mounts.h"
#include "pkg/runtime/plan.h"

static void volume_forms_are_told_apart(void **state)
{
	AUTO(record_freep) struct container_record *r = record_new();

	(void)state;
	assert_int_equal(mounts_add_volume(r, "/tmp:/a:ro,rslave", false), 0);
	assert_int_equal(r->mounts[0].kind, MOUNT_BIND);
	assert_true(r->mounts[0].flags & RT_MNT_RO);
	assert_true(r->mounts[0].flags & RT_MNT_NODEV);
	assert_int_equal(r->mounts[0].propagation, MS_SLAVE | MS_REC);
	assert_int_equal(mounts_add_volume(r, "data:/b/../c/:U,exec,suid", false), 0);
	assert_int_equal(r->mounts[1].kind, MOUNT_VOLUME);
	assert_string_equal(r->mounts[1].target, "/c");
	assert_true(r->mounts[1].flags & RT_MNT_CHOWN);
	assert_false(r->mounts[1].flags & RT_MNT_NOSUID);
	assert_int_equal(mounts_add_volume(r, "/d", false), 0);
	assert_true(r->mounts[2].anonymous);
	assert_int_equal(strlen(r->mounts[2].source), 64);
	assert_int_equal(mounts_add_volume(r, "/tmp:/e:O", false), 0);
	assert_true(r->mounts[3].overlay);
	assert_int_equal(mounts_check(r), 0);
}

static void bad_volumes_are_usage_errors(void **state)
{
	static const char *const bad[] = {
		"",
		":/a",
		"/tmp",
		"/tmp:",
		"/tmp:a",
		"/tmp:/",
		"-x:/a",
		"a b:/a",
		"/tmp:/a:wrong",
		"/tmp:/a:ro:x",
		"/tmp:/a:O,ro",
		"/tmp:/a:noatime",
		"/nonexistent-source:/a",
		"../../../..:relative",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(record_freep) struct container_record *r = record_new();
		int rc = mounts_add_volume(r, bad[i], false);

		if (strcmp(bad[i], "/tmp") == 0) /* an anonymous volume there */
			assert_int_equal(rc, 0);
		else
			assert_int_equal(rc, -CE_USAGE);
	}
}

static void long_form_keys_are_a_closed_set(void **state)
{
	static const char *const bad[] = {
		"type=bind,src=/tmp",
		"type=bind,dst=/a",
		"type=nfs,dst=/a",
		"src=/tmp",
		"type=bind,src=/tmp,dst=/a,rw=maybe",
		"type=bind,src=/tmp,dst=/a,bind-propagation=sideways",
		"type=bind,src=/tmp,dst=/a,dst=/b",
		"type=tmpfs,src=/x,dst=/a",
		"type=volume,src=v,dst=/a,tmpfs-size=1m",
		"type=tmpfs,dst=/a,tmpfs-size=1;",
		"type=tmpfs,dst=/a,tmpfs-mode=9",
		"type=bind,bind-propagation=shared,source=/,dst=/a,unknown=1",
	};
	AUTO(record_freep) struct container_record *ok = record_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(record_freep) struct container_record *r = record_new();

		assert_int_equal(mounts_add_mount(r, bad[i]), -CE_USAGE);
	}
	assert_int_equal(mounts_add_mount(ok, "dst=/a,tmpfs-size=1m,type=tmpfs,tmpfs-mode=0700"),
			 0);
	assert_string_equal(ok->mounts[0].data, "size=1048576,mode=700");
	assert_int_equal(mounts_add_mount(ok, "type=bind,source=/tmp,target=/b,readonly"), 0);
	assert_true(ok->mounts[1].flags & RT_MNT_RO);
	assert_int_equal(mounts_add_mount(ok, "source=vol,target=/c,readonly=false"), 0);
	assert_int_equal(ok->mounts[2].kind, MOUNT_VOLUME);
	assert_false(ok->mounts[2].flags & RT_MNT_RO);
}

static void each_type_has_its_own_keys(void **state)
{
	static const char *const bad[] = {
		"type=image,dst=/a",
		"type=image,src=x,dst=/a,U",
		"type=image,src=x,dst=/a,subpath=../b",
		"type=image,src=x,dst=/a,subpath=b,rw",
		"type=ramfs,dst=/a,tmpfs-size=1m",
		"type=devpts,dst=/a,ro",
		"type=devpts,dst=/a,mode=8",
		"type=devpts,dst=/a,max=x",
		"type=glob,dst=/a",
		"type=glob,src=/nonexistent-*,dst=/a",
		"type=bind,src=/tmp,dst=/a,subpath=x",
		"type=bind,src=/tmp,dst=/a,idmap",
		"type=volume,src=v,dst=/a,volume-driver=nfs",
		"type=tmpfs,dst=/a,nocopy",
		"type=bind,\"src=/tmp,dst=/a",
		"type=bind,\"src=/tmp\"x,dst=/a",
		"type=bind,src=/tmp,dst=/a,noatime",
		"type=bind,src=/tmp,dst=/a,relabel=odd",
		"type=tmpfs,dst=/a,relabel=shared",
	};
	AUTO(record_freep) struct container_record *ok = record_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(record_freep) struct container_record *r = record_new();

		assert_int_equal(mounts_add_mount(r, bad[i]), -CE_USAGE);
	}
	assert_int_equal(mounts_add_mount(ok, "type=image,src=x,dst=/a,subpath=b/./c"), 0);
	assert_string_equal(ok->mounts[0].subpath, "b/c");
	assert_true(ok->mounts[0].flags & RT_MNT_RO);
	assert_int_equal(mounts_add_mount(ok, "type=devpts,dst=/b,uid=1,mode=0600,max=9"), 0);
	assert_string_equal(ok->mounts[1].data, "newinstance,ptmxmode=0666,uid=1,mode=600,max=9");
	assert_int_equal(mounts_add_mount(ok, "type=glob,src=/et[c],dst=/g,ro"), 0);
	assert_string_equal(ok->mounts[2].target, "/g/etc");
	assert_string_equal(ok->mounts[2].source, "/etc");
	assert_int_equal(mounts_add_mount(ok, "src=v,dst=/v,volume-nocopy,volume-subpath=s,noatime=false,"
					      "relabel=private,chown"),
			 0);
	assert_true(ok->mounts[3].no_copy && ok->mounts[3].flags & RT_MNT_CHOWN);
	assert_string_equal(ok->mounts[3].subpath, "s");
	assert_int_equal(mounts_add_mount(ok, "type=bind,src=/tmp,dst=/n,bind-nonrecursive"), 0);
	assert_true(ok->mounts[4].flags & RT_MNT_NONREC);
	assert_int_equal(mounts_add_volume(ok, "/tmp:/w:bind,cached,z", false), 0);
	assert_true(ok->mounts[5].flags & RT_MNT_NONREC);
	assert_int_equal(mounts_add_mount(ok, "type=image,src=x,dst=/x,readwrite=true"), 0);
	assert_true(ok->mounts[6].overlay);
	assert_int_equal(mounts_add_mount(ok, "type=image,src=x,dst=/y,image-subpath=e"), 0);
	assert_string_equal(ok->mounts[7].subpath, "e");
	/* A line of CSV, as with podman and docker. */
	assert_int_equal(mounts_add_mount(ok, "type=bind,src=/tmp,\"dst=/a,\"\"b\",ro"), 0);
	assert_string_equal(ok->mounts[8].target, "/a,\"b");
	assert_true(ok->mounts[8].flags & RT_MNT_RO);
}

static void other_containers_mounts_come_second(void **state)
{
	AUTO(record_freep)
	struct container_record *r = record_new(), *a = record_new(), *b = record_new();
	unsigned n_from = 0;

	(void)state;
	assert_int_equal(mounts_add_volume(a, "v1:/one", false), 0);
	assert_int_equal(mounts_add_volume(a, "v2:/two", false), 0);
	assert_int_equal(mounts_add_tmpfs(a, "/three"), 0);
	assert_int_equal(mounts_add_volume(b, "v3:/two", false), 0);
	assert_int_equal(mounts_add_volume(r, "mine:/one", false), 0);
	assert_int_equal(mounts_add_from(r, "a", a, &n_from), 0);
	assert_int_equal(n_from, 1);
	assert_int_equal(mounts_add_from(r, "b:ro", b, &n_from), 0);
	assert_int_equal(r->n_mounts, 2);
	assert_string_equal(r->mounts[0].source, "v3");
	assert_true(r->mounts[0].flags & RT_MNT_RO);
	assert_string_equal(r->mounts[1].source, "mine");
	assert_int_equal(mounts_add_image_volume(r, "/two", "bind"), 0);
	assert_int_equal(r->n_mounts, 2);
	assert_int_equal(mounts_add_from(r, "b:rx", b, &n_from), -CE_USAGE);
}

static void kernel_file_systems_cannot_be_covered(void **state)
{
	static const char *const bad[] = {"/tmp:/proc", "/tmp:/proc/self/attr", "v:/sys/fs/cgroup",
					  "/tmp:/x/../proc"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(record_freep) struct container_record *r = record_new();

		assert_int_equal(mounts_add_volume(r, bad[i], false), 0);
		assert_int_equal(mounts_check(r), -CE_USAGE);
	}
}

static void two_mounts_on_one_place_are_refused_and_parents_come_first(void **state)
{
	AUTO(record_freep) struct container_record *r = record_new();

	(void)state;
	assert_int_equal(mounts_add_volume(r, "v1:/a/b", false), 0);
	assert_int_equal(mounts_add_volume(r, "v2:/a", false), 0);
	assert_int_equal(mounts_add_image_volume(r, "/a", "bind"), 0); /* the user's wins */
	assert_int_equal(mounts_check(r), 0);
	assert_int_equal(r->n_mounts, 2);
	assert_string_equal(r->mounts[0].target, "/a");
	assert_int_equal(mounts_add_tmpfs(r, "/a/b:size=1m"), 0);
	assert_int_equal(mounts_check(r), -CE_USAGE);
}

static void a_record_survives_writing_and_reading(void **state)
{
	AUTO(record_freep) struct container_record *r = record_new(), *back = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	(void)state;
	r->id = strdup("0123");
	r->name = strdup("web");
	r->image_id = strdup("abcd");
	r->caps = UINT64_MAX;
	r->oom_score_adj = -5;
	r->tty = true;
	strv_add(&r->env, "A=b\"\n\x01");
	assert_int_equal(mounts_add_volume(r, "data:/b:ro", false), 0);
	record_write(r, &text);
	assert_int_equal(record_parse(text.s, text.len, &back), 0);
	assert_string_equal(back->name, "web");
	assert_true(back->caps == UINT64_MAX);
	assert_int_equal(back->oom_score_adj, -5);
	assert_true(back->tty);
	assert_string_equal(back->env.v[0], "A=b\"\n\x01");
	assert_int_equal(back->n_mounts, 1);
	assert_string_equal(back->mounts[0].target, "/b");
	assert_true(back->mounts[0].flags == r->mounts[0].flags);
	assert_int_equal(record_parse("{\"Id\":1}", 8, &back), -CE_BAD_FORMAT);
}

static int parse_record(const char *json, struct container_record **ret)
{
	return record_parse(json, strlen(json), ret);
}

static void a_record_is_read_strictly(void **state)
{
	static const char *const bad[] = {
		"{\"Id\":\"1\",\"Name\":\"n\"}",
		"{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\",\"Id\":\"2\"}",
		"{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\"} x",
		"{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\",\"Tty\":1}",
		"{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\",\"Created\":1.5}",
		"{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\",\"Caps\":-1}",
		"{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\",\"Env\":[\"a\",1]}",
		"{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\",\"Mounts\":[{\"Kind\":0}]}",
		("{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\",\"Mounts\":[{\"Kind\":9,\"Target\":"
		 "\"/\"}]}"),
		"{\"Id\":\"1\",\"Name\":\"n\",\"ImageID\":\"i\",\"New\":{\"a\":[1,}}",
		"[]",
		"",
	};
	struct container_record *got = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse_record(bad[i], &got), -CE_BAD_FORMAT);
	/* Written by a later version, in another order, with nulls. */
	assert_int_equal(
		parse_record(" {\"New\":{\"a\":[1,{\"b\":null}]},\"ImageID\":\"i\", \"User\":null,"
			     "\"Name\":\"n\",\"Mounts\":null,\"Created\":-5,\"Id\":\"1\"}\n",
			     &got),
		0);
	assert_string_equal(got->image_id, "i");
	assert_null(got->user);
	assert_true(got->created_ns == -5 && got->n_mounts == 0);
	record_free(got);
}

static void a_list_reads_less_of_a_record(void **state)
{
	AUTO(record_freep) struct container_record *r = record_new(), *back = NULL;
	AUTO_SBUF struct sbuf text = SBUF_INIT;

	(void)state;
	r->id = strdup("0123");
	r->name = strdup("web");
	r->image_id = strdup("abcd");
	r->ns_net = strdup("none");
	r->created_ns = 7;
	r->auto_remove = true;
	strv_add(&r->env, "A=b");
	strv_add(&r->cmd, "true");
	strv_add(&r->labels, "a=b");
	strv_add(&r->ports, "1:2/tcp");
	assert_int_equal(mounts_add_volume(r, "data:/b:ro", false), 0);
	record_write(r, &text);
	assert_int_equal(record_parse_listed(text.s, text.len, &back), 0);
	assert_string_equal(back->ns_net, "none");
	assert_true(back->created_ns == 7 && back->auto_remove && back->n_mounts == 1);
	assert_true(back->cmd.n == 1 && back->labels.n == 1 && back->ports.n == 1);
	assert_int_equal(back->env.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volume_forms_are_told_apart),
		cmocka_unit_test(bad_volumes_are_usage_errors),
		cmocka_unit_test(long_form_keys_are_a_closed_set),
		cmocka_unit_test(each_type_has_its_own_keys),
		cmocka_unit_test(other_containers_mounts_come_second),
		cmocka_unit_test(kernel_file_systems_cannot_be_covered),
		cmocka_unit_test(two_mounts_on_one_place_are_refused_and_parents_come_first),
		cmocka_unit_test(a_record_survives_writing_and_reading),
		cmocka_unit_test(a_record_is_read_strictly),
		cmocka_unit_test(a_list_reads_less_of_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

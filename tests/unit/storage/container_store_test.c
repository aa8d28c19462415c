/* SPDX-License-Identifier: MIT */
#include "tests/unit/storage/scratch.h"

#include "storage/container_store.h"
#include "storage/stage.h"

#define RECORD CONTAINER_RECORD_HEAD "%s\",\"Name\":\"web\"}"

static char id_a[65], id_b[65], record[128];

static int create(struct store *st, const char *id, const char *name)
{
	struct container_dirs d;
	int r;

	(void)snprintf(record, sizeof(record), RECORD, id);
	r = container_store_create(st, id, name, record, strlen(record), true, &d);
	if (r == 0) {
		assert_int_equal(faccessat(d.data_fd, "upper", F_OK, 0), 0);
		assert_true(d.runtime_fd < 0); /* it comes with the first start */
		container_dirs_done(&d);
	}
	return r;
}

static void a_container_is_found_by_name_id_and_prefix(void **state)
{
	struct scratch *s = *state;
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	char got[65], prefix[13];

	fake_id(id_a);
	fake_id(id_b);
	assert_int_equal(create(s->st, id_a, "web"), 0);
	assert_int_equal(create(s->st, id_b, "db"), 0);
	assert_int_equal(container_store_resolve(s->st, "web", got), 0);
	assert_string_equal(got, id_a);
	(void)snprintf(prefix, sizeof(prefix), "%.12s", id_b);
	assert_int_equal(container_store_resolve(s->st, prefix, got), 0);
	assert_string_equal(got, id_b);
	assert_int_equal(container_store_resolve(s->st, "", got), -CE_NO_CONTAINER);
	assert_int_equal(container_store_resolve(s->st, "../web", got), -CE_NO_CONTAINER);
	assert_int_equal(container_store_resolve(s->st, "nosuch", got), -CE_NO_CONTAINER);
	assert_int_equal(container_store_read(s->st, id_a, &b), 0);
	(void)snprintf(record, sizeof(record), RECORD, id_a);
	assert_string_equal(b.s, record);
	err_drop();
}

static void a_common_prefix_is_ambiguous(void **state)
{
	struct scratch *s = *state;
	char got[65];

	fake_id(id_a);
	memcpy(id_b, id_a, 65);
	id_a[63] = '0';
	id_b[63] = '1';
	assert_int_equal(create(s->st, id_a, "one"), 0);
	assert_int_equal(create(s->st, id_b, "two"), 0);
	id_a[20] = '\0';
	assert_int_equal(container_store_resolve(s->st, id_a, got), -CE_AMBIGUOUS);
	err_drop();
}

static void bad_ids_and_names_never_become_paths(void **state)
{
	static const char *const bad[] = {"../x", ".", "..",  "a/b", "-rf",    "a\nb",
					  "",     " ", "a b", "/",   ".hidden"};
	struct scratch *s = *state;

	fake_id(id_a);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(create(s->st, id_a, bad[i]), -CE_USAGE);
		assert_int_equal(create(s->st, bad[i], "good"), -CE_USAGE);
		assert_true(container_store_lock(s->st, bad[i]) < 0);
		assert_true(container_store_remove(s->st, bad[i], NULL) < 0);
	}
	err_drop();
}

static void a_name_has_one_holder(void **state)
{
	struct scratch *s = *state;
	char got[65];

	fake_id(id_a);
	fake_id(id_b);
	assert_int_equal(create(s->st, id_a, "web"), 0);
	assert_int_equal(create(s->st, id_b, "web"), -CE_NAME_IN_USE);
	assert_int_equal(container_store_name(s->st, id_a, "web", "web2"), 0);
	assert_int_equal(create(s->st, id_b, "web"), 0);
	assert_int_equal(container_store_name(s->st, id_a, "web2", "web"), -CE_NAME_IN_USE);
	assert_int_equal(container_store_remove(s->st, id_b, "web"), 0);
	assert_int_equal(container_store_resolve(s->st, "web", got), -CE_NO_CONTAINER);
	assert_int_equal(container_store_lock(s->st, id_b), -CE_NO_CONTAINER);
	assert_int_equal(create(s->st, id_b, "web"), 0);
	err_drop();
}

/* As a power loss leaves it of a record that was not made durable. */
static void a_name_that_leads_nowhere_is_free(void **state)
{
	struct scratch *s = *state;
	int names = store_fd(s->st, STORE_NAMES);
	char got[65];

	fake_id(id_a);
	assert_int_equal(mknodat(names, "web", S_IFREG | 0600, 0), 0);
	assert_int_equal(mknodat(names, "other", S_IFREG | 0600, 0), 0);
	assert_int_equal(create(s->st, id_a, "web"), 0);
	assert_int_equal(container_store_resolve(s->st, "web", got), 0);
	assert_string_equal(got, id_a);
	assert_int_equal(store_empty_trash(s->st), 0);
	assert_int_equal(faccessat(names, "other", F_OK, 0), -1);
	assert_int_equal(faccessat(names, "web", F_OK, 0), 0);
	err_drop();
}

static void what_was_opened_is_known_to_have_run(void **state)
{
	struct scratch *s = *state;
	AUTO_STRV struct strv run = STRV_INIT;
	struct container_dirs d;

	fake_id(id_a);
	fake_id(id_b);
	assert_int_equal(create(s->st, id_a, "one"), 0);
	assert_int_equal(create(s->st, id_b, "two"), 0);
	assert_int_equal(container_store_list_run(s->st, &run), 0);
	assert_int_equal(run.n, 0);
	assert_int_equal(container_store_open(s->st, id_b, &d), 0);
	container_dirs_done(&d);
	assert_int_equal(container_store_list_run(s->st, &run), 0);
	assert_int_equal(run.n, 1);
	assert_string_equal(run.v[0], id_b);
}

static void of_twenty_at_once_one_gets_the_name(void **state)
{
	struct scratch *s = *state;
	AUTO_STRV struct strv ids = STRV_INIT;
	int winners = 0, status;

	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			store_close(s->st);
			scratch_open(s);
			fake_id(id_a);
			_exit(create(s->st, id_a, "race") == 0);
		}
	}
	for (int i = 0; i < 20; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		winners += WEXITSTATUS(status);
	}
	assert_int_equal(winners, 1);
	assert_int_equal(container_store_list(s->st, &ids), 0);
	assert_int_equal(ids.n, 1);
	assert_true(store_trash_is_empty(s->st));
}

static void make_web(struct scratch *s)
{
	assert_int_equal(create(s->st, id_a, "web"), 0);
}

static void drop_web(struct scratch *s)
{
	assert_int_equal(container_store_remove(s->st, id_a, "web"), 0);
}

static void a_killed_create_leaves_all_or_nothing(void **state)
{
	static const char *const points[] = {"container-staged", "container-named",
					     "stage-before-rename", "stage-after-rename"};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		AUTO_STRV struct strv ids = STRV_INIT;
		char got[65];
		bool there = strcmp(points[i], "stage-after-rename") == 0;

		fake_id(id_a);
		assert_int_equal(dies_at(s, points[i], make_web), 1);
		assert_int_equal(container_store_list(s->st, &ids), 0);
		assert_int_equal(ids.n, there);
		assert_int_equal(container_store_resolve(s->st, "web", got),
				 there ? 0 : -CE_NO_CONTAINER);
		assert_int_equal(store_trash_is_empty(s->st), there);
		/* As if it had died while it wrote the name. */
		assert_int_equal(mknodat(store_fd(s->st, STORE_NAMES), ".tmp-x", S_IFREG, 0), 0);
		assert_int_equal(store_empty_trash(s->st), 0);
		assert_true(store_trash_is_empty(s->st));
		assert_int_equal(faccessat(store_fd(s->st, STORE_NAMES), ".tmp-x", F_OK, 0), -1);
		if (there)
			assert_int_equal(container_store_remove(s->st, id_a, "web"), 0);
		fake_id(id_a);
		assert_int_equal(dies_at(s, NULL, make_web), 0); /* the name is free again */
		assert_int_equal(container_store_remove(s->st, id_a, "web"), 0);
		assert_int_equal(store_empty_trash(s->st), 0);
	}
	err_drop();
}

static void a_killed_remove_can_be_repeated(void **state)
{
	struct scratch *s = *state;
	char got[65];

	fake_id(id_a);
	make_web(s);
	assert_int_equal(dies_at(s, "container-trashed", drop_web), 1);
	assert_int_equal(container_store_resolve(s->st, "web", got), -CE_NO_CONTAINER);
	assert_int_equal(container_store_remove(s->st, id_a, "web"), 0);
	fake_id(id_a);
	make_web(s);
	assert_int_equal(dies_at(s, "container-trashed", drop_web), 1);
	assert_int_equal(store_empty_trash(s->st), 0);
	assert_int_equal(faccessat(store_fd(s->st, STORE_NAMES), "web", F_OK, 0), -1);
	assert_int_equal(faccessat(store_runtime_fd(s->st), id_a, F_OK, 0), -1);
	err_drop();
}

static void a_stage_at_work_is_not_swept(void **state)
{
	struct scratch *s = *state;
	struct stage stage = STAGE_INIT;

	assert_int_equal(stage_begin(s->st, &stage), 0);
	assert_true(store_trash_is_empty(s->st));
	assert_int_equal(store_empty_trash(s->st), 0);
	assert_int_equal(faccessat(store_fd(s->st, STORE_STAGING), stage.name, F_OK, 0), 0);
	assert_int_equal(stage_commit(s->st, &stage, STORE_CACHE, "made", true), 0);
	assert_int_equal(faccessat(store_fd(s->st, STORE_CACHE), "made", F_OK, 0), 0);
	stage_abort(s->st, &stage);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_container_is_found_by_name_id_and_prefix),
		T(a_common_prefix_is_ambiguous),
		T(bad_ids_and_names_never_become_paths),
		T(a_name_has_one_holder),
		T(a_name_that_leads_nowhere_is_free),
		T(what_was_opened_is_known_to_have_run),
		T(of_twenty_at_once_one_gets_the_name),
		T(a_killed_create_leaves_all_or_nothing),
		T(a_killed_remove_can_be_repeated),
		T(a_stage_at_work_is_not_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

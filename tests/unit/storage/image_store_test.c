/* SPDX-License-Identifier: MIT */
/* threats: H14 */
#include "tests/unit/storage/scratch.h"

#include "storage/container_store.h"
#include "storage/image_store.h"
#include "storage/layer.h"

static char layer_a[65], layer_b[65], image_id[65], other_id[65];

static void add_layer(struct store *st, const char *diffid)
{
	struct layer_stage ls = {0};
	struct layer_record rec = {.tree_bytes = 42};
	int fd;

	assert_int_equal(layer_stage_begin(st, &ls), 0);
	fd = openat(ls.tree_fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(layer_stage_commit(st, &ls, diffid, &rec), 0);
	layer_stage_abort(st, &ls);
}

static int put(struct store *st, const char *id, const char *l1, const char *l2,
	       const char *repo_digest)
{
	struct image_record r = {0};
	int e;

	memcpy(r.id, id, 65);
	r.config = xstrdup("{}");
	r.config_len = 2;
	r.manifest = xstrdup("{ }");
	r.manifest_len = 3;
	r.manifest_type = xstrdup("type");
	r.manifest_digest = xstrdup("sha256:x");
	r.size_bytes = 84;
	r.created_ns = 5;
	strv_add(&r.diffids, l1);
	if (l2)
		strv_add(&r.diffids, l2);
	if (repo_digest)
		strv_add(&r.repo_digests, repo_digest);
	e = image_store_put(st, &r);
	image_record_done(&r);
	return e;
}

static int setup(void **state)
{
	struct scratch *s;

	(void)scratch_setup(state);
	s = *state;
	fake_id(layer_a);
	fake_id(layer_b);
	fake_id(image_id);
	fake_id(other_id);
	add_layer(s->st, layer_a);
	add_layer(s->st, layer_b);
	return 0;
}

static void what_was_put_comes_back(void **state)
{
	struct scratch *s = *state;
	struct image_record *r = NULL;
	struct layer_record lr = {0};

	assert_int_equal(put(s->st, image_id, layer_a, layer_b, "docker.io/library/x@sha256:1"), 0);
	assert_int_equal(put(s->st, image_id, layer_a, layer_b, "quay.io/x@sha256:1"), 0);
	assert_int_equal(ref_set(s->st, "docker.io/library/x:latest", image_id, NULL, NULL), 0);
	assert_int_equal(image_store_load(s->st, image_id, &r), 0);
	assert_string_equal(r->config, "{}");
	assert_memory_equal(r->manifest, "{ }", 4);
	assert_int_equal(r->size_bytes, 84);
	assert_int_equal(r->diffids.n, 2);
	assert_string_equal(r->diffids.v[1], layer_b);
	assert_int_equal(r->repo_digests.n, 2);
	assert_int_equal(r->names.n, 1);
	image_record_free(r);
	assert_int_equal(layer_record_load(s->st, layer_a, &lr), 0);
	assert_int_equal(lr.tree_bytes, 42);
	layer_record_done(&lr);
	assert_int_equal(image_store_load(s->st, other_id, &r), -CE_NO_IMAGE);
	assert_int_equal(image_store_load(s->st, "../x", &r), -CE_NO_IMAGE);
	err_drop();
}

static void an_image_needs_its_layers(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(put(s->st, image_id, other_id, NULL, NULL), -CE_CORRUPT);
	err_drop();
}

static void removal_keeps_what_others_use(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(put(s->st, image_id, layer_a, layer_b, NULL), 0);
	assert_int_equal(put(s->st, other_id, layer_a, NULL, NULL), 0);
	assert_int_equal(ref_set(s->st, "localhost/x:latest", image_id, NULL, NULL), 0);
	assert_int_equal(image_store_remove(s->st, image_id, 0), 0);
	assert_true(layer_exists(s->st, layer_a));
	assert_false(layer_exists(s->st, layer_b));
	assert_int_equal(ref_get(s->st, "localhost/x:latest", layer_b), -CE_NO_IMAGE);
	assert_int_equal(image_store_remove(s->st, other_id, 0), 0);
	assert_false(layer_exists(s->st, layer_a));
	assert_int_equal(image_store_remove(s->st, other_id, 0), -CE_NO_IMAGE);
	err_drop();
}

static void removal_respects_containers(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *record = xasprintf("{\"ImageID\":\"%s\",\"Layers\":[\"%s\"]}", image_id,
					   layer_a);
	struct container_dirs d;
	char ctr[65];

	fake_id(ctr);
	assert_int_equal(put(s->st, image_id, layer_a, layer_b, NULL), 0);
	assert_int_equal(container_store_create(s->st, ctr, "c", record, strlen(record), false, &d),
			 0);
	container_dirs_done(&d);
	assert_int_equal(image_store_remove(s->st, image_id, 0), -CE_IN_USE);
	assert_int_equal(image_store_remove(s->st, image_id, IMAGE_REMOVE_USED), 0);
	assert_true(layer_exists(s->st, layer_a));
	assert_false(layer_exists(s->st, layer_b));
	err_drop();
}

static void a_damaged_container_record_stops_layer_removal(void **state)
{
	struct scratch *s = *state;
	struct container_dirs d;
	char ctr[65];

	fake_id(ctr);
	assert_int_equal(container_store_create(s->st, ctr, "c", "{\"La", 4, false, &d), 0);
	container_dirs_done(&d);
	assert_true(layer_remove_unused(s->st, NULL) < 0);
	assert_true(layer_exists(s->st, layer_a));
	err_drop();
}

static void a_lease_keeps_a_layer_until_it_ends(void **state)
{
	struct scratch *s = *state;
	struct layer_lease lease = {0};

	assert_int_equal(layer_lease_begin(s->st, &lease), 0);
	assert_int_equal(layer_lease_add(s->st, &lease, layer_a), 0);
	assert_int_equal(layer_remove_unused(s->st, NULL), 0);
	assert_true(layer_exists(s->st, layer_a));
	assert_false(layer_exists(s->st, layer_b));
	assert_int_equal(store_empty_trash(s->st), 0); /* does not take the lease either */
	assert_int_equal(layer_remove_unused(s->st, NULL), 0);
	assert_true(layer_exists(s->st, layer_a));
	layer_lease_end(s->st, &lease);
	assert_int_equal(layer_remove_unused(s->st, NULL), 0);
	assert_false(layer_exists(s->st, layer_a));
}

static void die_with_a_lease(struct scratch *s)
{
	struct layer_lease lease = {0};

	assert_int_equal(layer_lease_begin(s->st, &lease), 0);
	assert_int_equal(layer_lease_add(s->st, &lease, layer_a), 0);
	(void)raise(SIGKILL);
}

static void a_killed_pullers_lease_is_void(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(dies_at(s, NULL, die_with_a_lease), 1);
	assert_int_equal(layer_remove_unused(s->st, NULL), 0);
	assert_false(layer_exists(s->st, layer_a));
}

static void an_unsynced_layer_of_another_boot_does_not_exist(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *mark = path_join3(s->root, "layers", layer_a);
	AUTO_FREE char *file = path_join(mark, "unsettled");
	FILE *f;

	assert_int_equal(access(file, F_OK), 0);
	f = fopen(file, "we");
	assert_non_null(f);
	(void)fputs("another boot", f);
	(void)fclose(f);
	assert_false(layer_exists(s->st, layer_a));
	assert_int_equal(layer_settle(s->st), 0);
	assert_false(layer_exists(s->st, layer_a)); /* a later sync does not make it whole */
	add_layer(s->st, layer_a); /* but a new download does */
	assert_true(layer_exists(s->st, layer_a));
	assert_int_equal(layer_settle(s->st), 0);
	assert_int_equal(access(file, F_OK), -1);
	assert_true(layer_exists(s->st, layer_a));
}

static void put_image(struct scratch *s)
{
	assert_int_equal(put(s->st, image_id, layer_a, layer_b, NULL), 0);
}

static void remove_image(struct scratch *s)
{
	assert_int_equal(image_store_remove(s->st, image_id, 0), 0);
}

static void a_killed_put_leaves_no_half_image(void **state)
{
	static const char *const points[] = {"image-staged", "stage-before-rename",
					     "stage-after-rename"};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		AUTO_STRV struct strv ids = STRV_INIT;
		struct image_record *r = NULL;

		assert_int_equal(dies_at(s, points[i], put_image), 1);
		assert_int_equal(image_store_list(s->st, &ids), 0);
		if (ids.n)
			assert_int_equal(image_store_load(s->st, image_id, &r), 0);
		image_record_free(r);
		assert_int_equal(store_empty_trash(s->st), 0);
		assert_true(store_trash_is_empty(s->st));
		put_image(s);
		assert_int_equal(store_trash(s->st, STORE_IMAGES, image_id), 0);
	}
}

static void a_killed_remove_leaves_whole_images_only(void **state)
{
	static const char *const points[] = {"image-unnamed", "image-trashed"};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		struct image_record *r = NULL;
		int e;

		put_image(s);
		assert_int_equal(ref_set(s->st, "localhost/x:latest", image_id, NULL, NULL), 0);
		assert_int_equal(dies_at(s, points[i], remove_image), 1);
		e = image_store_load(s->st, image_id, &r);
		assert_true(e == 0 || e == -CE_NO_IMAGE);
		image_record_free(r);
		assert_true(layer_exists(s->st, layer_a));
	}
	assert_int_equal(layer_remove_unused(s->st, NULL), 0);
	assert_false(layer_exists(s->st, layer_a));
	err_drop();
}

static void escaping_is_injective_and_safe(void **state)
{
	static const char chars[] = "abcXYZ019._-/:@%+ ~\xc3\n";
	static const char *const pairs[][2] = {
		{"a:V1", "a:v1"}, {"a/b", "a%2fb"}, {".", ".."}, {"a", "a:"}};
	unsigned seed = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO_FREE char *one = ref_escape(pairs[i][0]), *two = ref_escape(pairs[i][1]);

		assert_true(strcasecmp(one, two) != 0);
	}
	for (int i = 0; i < 1000000; i++) {
		char text[64];
		AUTO_FREE char *file = NULL, *back = NULL;
		size_t n = 1 + (size_t)(rand_r(&seed) % 60);

		for (size_t k = 0; k < n; k++)
			text[k] = chars[(size_t)rand_r(&seed) % (sizeof(chars) - 1)];
		text[n] = '\0';
		file = ref_escape(text);
		assert_true(strlen(file) <= 255 && file[0] != '.' && !strchr(file, '/'));
		back = ref_unescape(file);
		assert_non_null(back); /* one way back to exactly one text: no two share a file */
		assert_string_equal(back, text);
	}
}

static void long_references_are_told_apart_by_their_hash(void **state)
{
	struct scratch *s = *state;
	AUTO_FREE char *one = xasprintf("host.example/%0300d:tag", 1),
		       *two = xasprintf("host.example/%0300d:tag", 2);
	AUTO_FREE char *file = ref_escape(one);
	AUTO_STRV struct strv refs = STRV_INIT;
	char got[65];

	assert_int_equal(strlen(file), 72);
	assert_null(ref_unescape(file));
	assert_int_equal(ref_set(s->st, one, image_id, NULL, NULL), 0);
	assert_int_equal(ref_get(s->st, two, got), -CE_NO_IMAGE);
	assert_int_equal(ref_get(s->st, one, got), 0);
	assert_string_equal(got, image_id);
	assert_int_equal(ref_list(s->st, &refs), 0);
	assert_int_equal(refs.n, 1);
	assert_string_equal(refs.v[0], one);
	assert_int_equal(ref_remove(s->st, one), 0);
	assert_int_equal(ref_remove(s->st, one), -CE_NO_IMAGE);
	err_drop();
}

static void every_manifest_of_one_config_is_kept(void **state)
{
	static char a[] = "{\"a\":1}", b[] = "{\"b\":1}", list[] = "{\"l\":1}", config[] = "{}",
		    type[] = "t", index_type[] = "i";
	AUTO_FREE char *da = xasprintf("sha256:%064d", 1), *db = xasprintf("sha256:%064d", 2),
		       *dl = xasprintf("sha256:%064d", 3), *got = NULL;
	struct image_record r = {.config = config, .config_len = 2, .manifest_type = type};
	struct scratch *s = *state;

	memcpy(r.id, image_id, 65);
	strv_add(&r.diffids, layer_a);
	strv_add(&r.names, "localhost/x:a");
	r.manifest = a;
	r.manifest_len = strlen(a);
	r.manifest_digest = da;
	assert_int_equal(image_store_put(s->st, &r), 0);
	strv_done(&r.names);
	strv_add(&r.names, "localhost/x:b");
	r.manifest = b;
	r.manifest_digest = db;
	r.index = list;
	r.index_len = strlen(list);
	r.index_type = index_type;
	r.index_digest = dl;
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(image_store_put(s->st, &r), 0);
	for (int i = 0; i < 4; i++) {
		const char *ask[] = {NULL, da, db, dl}, *want[] = {a, a, b, list};
		AUTO_SBUF struct sbuf bytes = SBUF_INIT;
		AUTO_FREE char *t = NULL, *d = NULL;

		assert_int_equal(image_store_manifest(s->st, image_id, ask[i], &bytes, &t, &d), 0);
		assert_string_equal(bytes.s, want[i]);
		assert_string_equal(t, i == 3 ? "i" : "t");
		assert_string_equal(d, ask[i] ? ask[i] : da);
	}
	assert_int_equal(ref_manifest(s->st, "localhost/x:a", &got), 0);
	assert_string_equal(got, da);
	freep(&got);
	assert_int_equal(ref_manifest(s->st, "localhost/x:b", &got), 0);
	assert_string_equal(got, db);
	strv_done(&r.diffids);
	strv_done(&r.names);
}

/* Pulls of one image by several names: each adds where it has it from. */
static void what_many_add_at_once_is_all_kept(void **state)
{
	struct scratch *s = *state;
	struct image_record *r = NULL;
	enum { MANY = 12 };
	int status, go[2];

	assert_int_equal(put(s->st, image_id, layer_a, NULL, NULL), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	for (int i = 0; i < MANY; i++) {
		AUTO_FREE char *digest = xasprintf("host%d.test/x@sha256:1", i);
		pid_t pid = fork();
		char c;

		assert_true(pid >= 0);
		if (pid > 0)
			continue;
		store_close(s->st);
		scratch_open(s);
		(void)close(go[1]);
		(void)!read(go[0], &c, 1); /* its end: all begin together */
		_exit(put(s->st, image_id, layer_a, NULL, digest) != 0);
	}
	(void)close(go[0]);
	(void)close(go[1]);
	for (int i = 0; i < MANY; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(image_store_load(s->st, image_id, &r), 0);
	assert_int_equal(r->repo_digests.n, MANY);
	image_record_free(r);
}

static void a_reference_moves_and_tells_where_it_was(void **state)
{
	struct scratch *s = *state;
	char old[65] = "?";

	assert_int_equal(ref_set(s->st, "localhost/x:1", image_id, NULL, old), 0);
	assert_string_equal(old, "");
	assert_int_equal(ref_set(s->st, "localhost/x:1", other_id, NULL, old), 0);
	assert_string_equal(old, image_id);
	assert_int_equal(ref_set(s->st, "bad\nname", other_id, NULL, NULL), -CE_USAGE);
	assert_int_equal(ref_set(s->st, "localhost/x:1", "short", NULL, NULL), -CE_USAGE);
	err_drop();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_was_put_comes_back),
		T(an_image_needs_its_layers),
		T(removal_keeps_what_others_use),
		T(removal_respects_containers),
		T(a_damaged_container_record_stops_layer_removal),
		T(a_lease_keeps_a_layer_until_it_ends),
		T(a_killed_pullers_lease_is_void),
		T(an_unsynced_layer_of_another_boot_does_not_exist),
		T(a_killed_put_leaves_no_half_image),
		T(a_killed_remove_leaves_whole_images_only),
		cmocka_unit_test(escaping_is_injective_and_safe),
		T(long_references_are_told_apart_by_their_hash),
		T(every_manifest_of_one_config_is_kept),
		T(what_many_add_at_once_is_all_kept),
		T(a_reference_moves_and_tells_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

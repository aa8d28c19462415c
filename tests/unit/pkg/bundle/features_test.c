/* SPDX-License-Identifier: MIT */
/* What "features" says that we know is known: each word of it makes a plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/bundle/bundle.h"
#include "pkg/bundle/template.h"
#include "pkg/json/json.h"

/* A configuration with gaps for what a word is a word of. */
struct gaps {
	const char *process, *mounts, *linux_, *top;
};

static int plan(const struct gaps *g)
{
	struct bundle_host h = {.privileged = true, .base_ns = -EBADF};
	AUTO_FREE char *json = xasprintf(
		"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/"
		"\",\"args\":[\"x\"]%s},\"mounts\":[%s],\"linux\":{\"namespaces\":[{\"type\":"
		"\"mount\"}%s]%s}%s}",
		g->process ? g->process : "", g->mounts ? g->mounts : "", "",
		g->linux_ ? g->linux_ : "", g->top ? g->top : "");
	struct bundle b;
	int r = bundle_load_text("/b", json, strlen(json), &b);

	if (r == 0)
		r = bundle_plan(&b, "id", &h);
	if (r == 0 && b.warnings.n)
		r = -EINVAL;
	bundle_done(&b);
	return r;
}

static struct json_object *at(struct json_object *o, const char *path)
{
	AUTO_STRV struct strv keys = STRV_INIT;

	strv_split(&keys, path, '.');
	for (size_t i = 0; i < keys.n; i++)
		assert_true(json_object_object_get_ex(o, keys.v[i], &o));
	return o;
}

static void each(struct json_object *features, const char *path, struct gaps (*fill)(const char *))
{
	struct json_object *a = at(features, path);
	size_t n = json_object_array_length(a);

	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		const char *word = json_object_get_string(json_object_array_get_idx(a, i));
		struct gaps g = fill(word);

		if (plan(&g) < 0)
			fail_msg("%s: %s: %s", path, word, err_trail());
	}
}

static char text[512];

static struct gaps mount_option(const char *w)
{
	bool bind = strcmp(w, "bind") == 0 || strcmp(w, "rbind") == 0;

	(void)snprintf(
		text, sizeof(text),
		"{\"destination\":\"/x\",\"type\":\"%s\",\"source\":\"/y\",\"options\":[\"%s\"]}",
		bind ? "none" : "tmpfs", w);
	return (struct gaps){.mounts = text};
}

static struct gaps hook(const char *w)
{
	(void)snprintf(text, sizeof(text), ",\"hooks\":{\"%s\":[{\"path\":\"/bin/true\"}]}", w);
	return (struct gaps){.top = text};
}

static struct gaps capability(const char *w)
{
	(void)snprintf(text, sizeof(text), ",\"capabilities\":{\"bounding\":[\"%s\"]}", w);
	return (struct gaps){.process = text};
}

static struct gaps action(const char *w)
{
	(void)snprintf(
		text, sizeof(text),
		",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
		"\"mkdir\"],\"action\":\"%s\"}]}",
		w);
	return (struct gaps){.linux_ = text};
}

static struct gaps operator_(const char *w)
{
	(void)snprintf(
		text, sizeof(text),
		",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
		"\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":1,\"value\":1,"
		"\"valueTwo\":1,\"op\":\"%s\"}]}]}",
		w);
	return (struct gaps){.linux_ = text};
}

static struct gaps arch(const char *w)
{
	(void)snprintf(
		text, sizeof(text),
		",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"%s\"]}",
		w);
	return (struct gaps){.linux_ = text};
}

static struct gaps flag(const char *w)
{
	(void)snprintf(text, sizeof(text),
		       ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"%s\"]}", w);
	return (struct gaps){.linux_ = text};
}

static void every_word_makes_a_plan(void **state)
{
	AUTO_JSON struct json_object *f = bundle_features();

	(void)state;
	each(f, "mountOptions", mount_option);
	each(f, "hooks", hook);
	each(f, "linux.capabilities", capability);
	each(f, "linux.seccomp.actions", action);
	each(f, "linux.seccomp.operators", operator_);
	each(f, "linux.seccomp.archs", arch);
	each(f, "linux.seccomp.supportedFlags", flag);
}

static void every_namespace_makes_a_plan(void **state)
{
	AUTO_JSON struct json_object *f = bundle_features();
	struct json_object *a = at(f, "linux.namespaces");

	(void)state;
	assert_int_equal(json_object_array_length(a), OCI_NS_KINDS);
	for (size_t i = 0; i < OCI_NS_KINDS; i++) {
		const char *w = json_object_get_string(json_object_array_get_idx(a, i));
		bool known = false;

		for (unsigned k = 0; k < OCI_NS_KINDS; k++)
			known = known || strcmp(w, oci_ns_names[k]) == 0;
		assert_true(known);
	}
}

static void what_is_said_not_to_be_there_is_refused(void **state)
{
	AUTO_JSON struct json_object *f = bundle_features();
	const struct gaps rdt = {.linux_ = ",\"intelRdt\":{}"},
			  label = {.process = ",\"selinuxLabel\":\"a:b:c:d\""},
			  idmap = {
				  .mounts =
					  "{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/"
					  "y\",\"options\":[\"bind\"],\"gidMappings\":[{"
					  "\"containerID\":0,\"hostID\":1,\"size\":1}]}"};

	(void)state;
	assert_false(json_object_get_boolean(at(f, "linux.intelRdt.enabled")));
	assert_true(plan(&rdt) < 0);
	assert_false(json_object_get_boolean(at(f, "linux.selinux.enabled")));
	assert_true(plan(&label) < 0);
	assert_false(json_object_get_boolean(at(f, "linux.mountExtensions.idmap.enabled")));
	assert_true(plan(&idmap) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_makes_a_plan),
		cmocka_unit_test(every_namespace_makes_a_plan),
		cmocka_unit_test(what_is_said_not_to_be_there_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

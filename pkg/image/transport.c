/* SPDX-License-Identifier: MIT */
#include "pkg/image/transport.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/path.h"

static const struct {
	const char *prefix;
	enum transport_kind kind;
	bool has_entry; /* the path ends at its first colon */
} kinds[] = {
	{"docker://", TRANSPORT_REGISTRY, false},
	{"dir:", TRANSPORT_DIR, false},
	{"docker-archive:", TRANSPORT_DOCKER_ARCHIVE, true},
	{"oci-archive:", TRANSPORT_OCI_ARCHIVE, true},
	{"oci:", TRANSPORT_OCI, true},
	{"containers-storage:", TRANSPORT_STORE, false},
};

static const struct {
	const char *prefix, *why;
} refused[] = {
	{"docker-daemon:", "asks Docker's daemon, which cuddy does not talk to: use 'docker save' "
			   "and 'docker load'"},
	{"sif:", "is Singularity's format: convert the image with 'apptainer' first"},
};

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

void transport_done(struct transport *t)
{
	freep(&t->path);
	freep(&t->entry);
	t->kind = TRANSPORT_REGISTRY;
}

const char *transport_name(enum transport_kind k)
{
	static const char *const names[] = {
		[TRANSPORT_REGISTRY] = "docker",         [TRANSPORT_DIR] = "dir",
		[TRANSPORT_DOCKER_ARCHIVE] = "docker-archive",
		[TRANSPORT_OCI_ARCHIVE] = "oci-archive", [TRANSPORT_OCI] = "oci",
		[TRANSPORT_STORE] = "containers-storage"};

	return names[k];
}

bool transport_is_place(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind != TRANSPORT_REGISTRY && begins(name, kinds[i].prefix))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (begins(name, refused[i].prefix))
			return true;
	return false;
}

static int parse_rest(const char *name, const char *rest, bool has_entry, struct transport *ret)
{
	AUTO_FREE char *path = NULL;
	const char *colon = has_entry ? strchr(rest, ':') : NULL;

	path = colon ? xstrndup(rest, (size_t)(colon - rest)) : xstrdup(rest);
	if (!*path)
		return err_usage("'%s' lacks %s", name,
				 ret->kind == TRANSPORT_STORE ? "an image" : "a path");
	if (ret->kind == TRANSPORT_STORE && *path == '[')
		return err_usage("'%s': other stores are reached by 'cuddy --root'", name);
	ret->path = ret->kind == TRANSPORT_STORE ? TAKE_PTR(path) : path_absolute(path);
	ret->entry = colon && colon[1] ? xstrdup(colon + 1) : NULL;
	return 0;
}

int transport_parse(const char *name, struct transport *ret)
{
	*ret = (struct transport){.kind = TRANSPORT_REGISTRY};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (begins(name, refused[i].prefix))
			return err_usage("'%s': %s %s", name, refused[i].prefix, refused[i].why);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!begins(name, kinds[i].prefix))
			continue;
		ret->kind = kinds[i].kind;
		return ret->kind == TRANSPORT_REGISTRY
			       ? 0
			       : parse_rest(name, name + strlen(kinds[i].prefix),
					    kinds[i].has_entry, ret);
	}
	return 0;
}

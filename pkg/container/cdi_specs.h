/* SPDX-License-Identifier: MIT */
/*
 * The files of CDI (cdi.h), read at one moment: whoever changes its user or its namespaces afterwards, as a build
 * does, still has them, and could not judge any more whose they are.
 */
#pragma once
#include "pkg/base/strv.h"

struct json_object;

struct cdi_spec {
	char *path;
	struct json_object *doc; /* NULL: it cannot be read, or must not */
	int error; /* then, with these words */
	char *trail;
};

struct cdi_specs {
	struct cdi_spec *v;
	unsigned n;
	struct strv dirs; /* that were looked into */
	bool yaml; /* there are files that we cannot read */
};

/** cdi_specs_read() - @dirs: of --cdi-spec-dir; none: the usual places. What is wrong is told when it is asked for. */
void cdi_specs_read(const struct strv *dirs, struct cdi_specs *ret);
void cdi_specs_done(struct cdi_specs *s);
/** cdi_specs_check() - the error of the first file that cannot be read. */
int cdi_specs_check(const struct cdi_specs *s);

/**
 * cdi_find() - full names of the devices that @wanted stands for, as BuildKit reads it, sorted; none is no error
 * @wanted: "vendor/class=name", "vendor/class=*" for all, "vendor/class" for the first; a name that no device has may
 * be the class that an annotation of theirs says. @ret_open: of them those whose files say that any build may have
 * them (org.mobyproject.buildkit.device.autoallow).
 */
int cdi_find(const struct cdi_specs *s, const char *wanted, struct strv *ret, struct strv *ret_open);

/* SPDX-License-Identifier: MIT */
/* Between finding (check.c) and mending (check_mend.c). */
#pragma once
#include "pkg/container/check.h"

/** check_mend() - @f->mended and @f->how say what became of it. @busy: layers of running containers, sorted. */
void check_mend(struct store *st, struct finding *f, bool force, const struct strv *busy);
/** check_distrust() - @on: damaged layers that no container runs on are as if they were not there, for the time of mending. */
void check_distrust(struct store *st, struct findings *f, const struct strv *busy, bool on);

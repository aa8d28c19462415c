/* SPDX-License-Identifier: MIT */
/*
 * What is in an image, found by a scanner: BuildKit's protocol (sbom-protocol.md). The scan is one stage more of
 * the file: from the scanner's image, one command over the files of the target and of what else is asked for,
 * all read-only, that writes documents into its own /run/out. So it is planned, cached and shown as any other;
 * nothing of what commands of the file are given by options (volumes, devices, capabilities) is there for it.
 */
#pragma once
#include "pkg/build/builder.h"

/* BUILDKIT_SBOM_SCAN_CONTEXT, BUILDKIT_SBOM_SCAN_STAGE: ARGs that tell what else is scanned, and no variables of commands. */
bool sbom_is_arg(const char *name);
/** sbom_add() - the stage, after those of the file; if one is asked for. b->sbom_stage */
int sbom_add(struct builder *b);
/** sbom_plan() - the command, once that stage and all that the target needs are planned. */
int sbom_plan(struct builder *b);
/**
 * sbom_read() - after the stages have run: what it wrote, an array of statements, that of the target first
 * Links are not followed; NULL when no scan was asked for. Enters B.
 */
int sbom_read(struct builder *b, struct json_object **ret);
/** sbom_tell() - to who makes a list of the images: a line for this one in build_options.sboms. */
int sbom_tell(const struct builder *b, struct json_object *statements);
/** sbom_of() - from such a file the statements about image @id, which are to be released. */
int sbom_of(int sboms, const char *id, struct json_object **ret);

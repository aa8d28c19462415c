/* SPDX-License-Identifier: MIT */
/* libyaml behind one header: YAML documents as JSON values. */
#pragma once
#include "pkg/json/json.h"

/**
 * yaml_parse() - every document of @s into an array, empty ones left out
 * Plain scalars are null, truth, whole and broken numbers as the core schema has them, 0644 octal, else text; keys are text.
 * Bounded in depth, and over all documents in values, text (both with what aliases repeat) and anchors.
 * -CE_BAD_FORMAT names the line.
 */
int yaml_parse(const char *s, size_t n, struct json_object **ret);

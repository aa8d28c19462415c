/* SPDX-License-Identifier: MIT */
/* What "spec" and "features" print. */
#pragma once
#include <stdbool.h>

struct json_object;

/** bundle_template() - a config.json that runs sh; @rootless: the caller is root inside. */
struct json_object *bundle_template(bool rootless);
struct json_object *bundle_features(void);

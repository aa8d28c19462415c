/* SPDX-License-Identifier: MIT */
#pragma once
struct json_object;

/** version_describe() - the object that "version" prints for client and server. */
struct json_object *version_describe(void);

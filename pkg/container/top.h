/* SPDX-License-Identifier: MIT */
/*
 * `top`: the processes of a container, read from the host's /proc: nothing is run inside. Ids are the
 * container's, names those of its own passwd and group, both hostile.
 */
#pragma once
#include <json-c/json.h>

#include "pkg/container/container.h"

/** top_words() - every descriptor, one after the other with blanks between, for help and messages. */
const char *top_words(void);
/** top_header() - "%CPU" for "pcpu"; NULL when there is no such descriptor. */
const char *top_header(const char *descriptor);
/**
 * container_top() - an object for each process, with a string for each of @descriptors, by pid
 * -CE_BAD_STATE when it does not run.
 */
int container_top(const struct container *c, const struct strv *descriptors,
		  struct json_object **ret_rows);

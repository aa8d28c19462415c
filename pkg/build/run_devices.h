/* SPDX-License-Identifier: MIT */
/* RUN --device: devices of this machine by their CDI names (pkg/container/cdi.h), for one command. */
#pragma once
#include <stdbool.h>

struct run_device {
	char *name; /* "vendor/class", "vendor/class=name" or "=*" */
	bool required; /* else the command runs without it where there is none */
};

/** run_device_parse() - "NAME[,required[=BOOL]]", where NAME may be written name=NAME. */
int run_device_parse(const char *spec, struct run_device *ret);
void run_device_done(struct run_device *d);

struct builder;
struct op;
/** run_devices_find() - those that @o gets, into its device_names; what the user did not allow is an error. */
int run_devices_find(struct builder *b, struct op *o);

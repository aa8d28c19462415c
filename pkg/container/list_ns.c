/* SPDX-License-Identifier: MIT */
/* The namespaces that a running container's first process is in, by their numbers. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/container/list.h"
#include "pkg/json/json.h"

static const struct {
	const char *row, *json, *file; /* as templates, podman's JSON and the kernel call it */
} kinds[] = {
	{"Cgroup", "Cgroup", "cgroup"}, {"IPC", "Ipc", "ipc"},    {"MNT", "Mnt", "mnt"},
	{"NET", "Net", "net"},          {"PIDNS", "Pid", "pid"},  {"USERNS", "User", "user"},
	{"UTS", "Uts", "uts"},          {"User", "User", "user"},
};

bool list_wants_namespaces(const char *format)
{
	for (size_t i = 0; format && i < ARRAY_LEN(kinds); i++)
		if (strstr(format, kinds[i].row))
			return true;
	return format && (strstr(format, "Namespaces") || strstr(format, "json"));
}

void list_set_namespaces(struct json_object *o, const struct container *c, bool json)
{
	struct json_object *all = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char path[64], number[24] = "";
		struct stat st;

		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)c->state.init.pid,
			       kinds[i].file);
		if (container_is_running(c) && stat(path, &st) == 0)
			(void)snprintf(number, sizeof(number), "%llu",
				       (unsigned long long)st.st_ino);
		if (*number)
			json_set_str(all, kinds[i].json, number);
		if (!json)
			json_set_str(o, kinds[i].row, number);
	}
	json_set(o, "Namespaces", all);
}

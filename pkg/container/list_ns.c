/* SPDX-License-Identifier: MIT */
/* The namespaces that a running container's first process is in, by their numbers. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/container/list.h"
#include "pkg/json/json.h"

static const struct {
	const char *row, *json; /* as templates and podman's JSON call it */
	unsigned kind;
} kinds[] = {
	{"Cgroup", "Cgroup", RT_NS_CGROUP}, {"IPC", "Ipc", RT_NS_IPC},
	{"MNT", "Mnt", RT_PIN_MOUNTS},      {"NET", "Net", RT_NS_NET},
	{"PIDNS", "Pidns", RT_NS_PID},        {"USERNS", "User", RT_NS_USER},
	{"UTS", "Uts", RT_NS_UTS},          {"User", "User", RT_NS_USER},
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
		char path[PIN_PATH_MAX], number[24] = "";
		struct stat st;

		(void)conmon_ns_path(&c->state, kinds[i].kind, path);
		if (container_is_running(c) && stat(path, &st) == 0)
			(void)snprintf(number, sizeof(number), "%llu",
				       (unsigned long long)st.st_ino);
		if (*number)
			json_set_str(all, json ? kinds[i].json : kinds[i].row, number);
		if (!json)
			json_set_str(o, kinds[i].row, number);
	}
	json_set(o, "Namespaces", all);
}

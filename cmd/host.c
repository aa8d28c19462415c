/* SPDX-License-Identifier: MIT */
#include "cmd/host.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "pkg/base/auto.h"
#include "pkg/base/err.h"

const char *host_architecture(void)
{
	static const char *const names[][2] = {
		{"x86_64", "amd64"},
		{"aarch64", "arm64"},
		{"armv7l", "arm"},
		{"i686", "386"},
	};
	static struct utsname un;

	if (!un.machine[0] && uname(&un) < 0)
		return "unknown";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(un.machine, names[i][0]) == 0)
			return names[i][1];
	return un.machine;
}

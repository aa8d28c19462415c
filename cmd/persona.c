/* SPDX-License-Identifier: MIT */
#include "cmd/persona.h"

#include <errno.h>
#include <string.h>

enum persona persona(void)
{
	if (strcmp(program_invocation_short_name, "podman") == 0)
		return PERSONA_PODMAN;
	if (strcmp(program_invocation_short_name, "docker") == 0)
		return PERSONA_DOCKER;
	return PERSONA_CUDDY;
}

const char *persona_version(void)
{
	static const char *const versions[] = {CUDDY_VERSION, PODMAN_VERSION, DOCKER_VERSION};

	return versions[persona()];
}

const char *persona_version_line(void)
{
	static const char *const lines[] = {
		"cuddy version " CUDDY_VERSION,
		"podman version " PODMAN_VERSION,
		"Docker version " DOCKER_VERSION ", build cuddy-" CUDDY_VERSION,
	};

	return lines[persona()];
}

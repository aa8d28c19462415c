/* SPDX-License-Identifier: MIT */
/*
 * Called as podman or docker (a symbolic link, an alias by install), cuddy is the same program but
 * for what scripts look at before they trust a tool: the version, the beginning of an error,
 * the shape of "info" and that docker lists JSON a row a line. The versions are those whose command lines the verbs follow.
 */
#pragma once

enum persona { PERSONA_CUDDY, PERSONA_PODMAN, PERSONA_DOCKER };

#define PODMAN_VERSION "4.9.0"
#define DOCKER_VERSION "20.10.0"
#define BUILDX_VERSION "0.17.0"
/* The level of docker's API whose objects inspect and friends resemble. */
#define API_VERSION "1.41"

/** persona() - by the name we were called by. */
enum persona persona(void);
/** persona_version() - what this persona says its version is. */
const char *persona_version(void);
/** persona_version_line() - what --version prints, as scripts take it apart. */
const char *persona_version_line(void);

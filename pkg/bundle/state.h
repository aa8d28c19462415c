/* SPDX-License-Identifier: MIT */
#pragma once
#include "pkg/bundle/container.h"

#define OCI_STATE_FILE "state.json"
#define OCI_CONFIG_FILE "config.json"
#define OCI_START_SOCKET "start"
#define OCI_LOCK_FILE "lock"

int oci_check_id(const char *id);
bool oci_is_alive(const struct proc_id *id);
/** oci_container_bundle() - its configuration as it was at create. */
int oci_container_bundle(const struct oci_container *c, struct bundle *b);
/** oci_container_hooks() - those of @stage, told @status. Only a failure's words are for the caller. */
int oci_container_hooks(const struct oci_container *c, enum rt_hook_stage stage,
			const char *status);

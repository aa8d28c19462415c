/* SPDX-License-Identifier: MIT */
/* Parts of "kube play". */
#pragma once
#include "cmd/cmd.h"
#include "pkg/kube/kube.h"

/** kube_wait_begin() - from now on these signals do not end this process, but kube_wait(). */
void kube_wait_begin(void);
/**
 * kube_wait() - until all containers of @made have ended, or somebody ends this process (SIGINT, SIGTERM, SIGHUP)
 * @propagation: what of their exit codes becomes *@ret_code: "none", "any" (the first that is not 0),
 * "all" (the same, when none is 0).
 */
int kube_wait(struct store *st, const struct kube_made *made, const char *propagation,
	      int *ret_code);
/** kube_tell_manager() - of a service: the pods run. @address: NOTIFY_SOCKET as it was. */
int kube_tell_manager(const char *address);
/** kube_build() - kube_request's build_image: "build -t IMAGE DIR" by a process of its own; @arg: struct cmd_ctx. */
int kube_build(void *arg, const char *image, const char *dir);

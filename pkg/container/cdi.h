/* SPDX-License-Identifier: MIT */
/*
 * CDI, the container device interface: "vendor/class=name" stands for what a JSON file of the host says
 * that this device needs: nodes, mounts, variables. Files lie in /etc/cdi and /var/run/cdi, or where
 * CDI_SPEC_DIRS (with colons) or --cdi-spec-dir say. Only root's or our own, which nobody else can
 * write, are read. Nothing of an image leads here.
 */
#pragma once
#include "pkg/container/cdi_specs.h"
#include "pkg/container/record.h"

/** cdi_is_name() - does a --device value name one of these, and not a node of the host? */
bool cdi_is_name(const char *device);
/**
 * cdi_add() - what @device needs, into the record
 * @shared: of each of the specs, whether the record has already what all its devices need; set.
 */
int cdi_add(struct container_record *r, const char *device, const struct cdi_specs *specs,
	    bool *shared);
/** cdi_gpus() - a --gpus value ("all", "2", "device=0,1") as names of devices. */
int cdi_gpus(const char *gpus, struct strv *ret);

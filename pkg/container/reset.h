/* SPDX-License-Identifier: MIT */
#pragma once
#include "storage/store.h"

/**
 * store_reset() - kill every container and remove all that the store holds, whatever state it is in
 * Nothing is parsed on the way but what tells a container's monitor, so damage does not stand in the
 * way. A crash on the way leaves a store with less in it. Moves the process into the base namespace.
 */
int store_reset(struct store *st);

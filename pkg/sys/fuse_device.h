/* SPDX-License-Identifier: MIT */
#pragma once

/** fuse_device_open() - /dev/fuse, O_RDWR; -CE_HOST_SETUP says what mends it. */
int fuse_device_open(void);

/* SPDX-License-Identifier: MIT */
/* A directory of its own for each test of a file: setup and teardown for cmocka. */
#pragma once
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/auto.h"
#include "pkg/sys/rmtree.h"

static char dir[] = "/tmp/cuddy-unit-XXXXXX";
static int dir_fd;

static int make_dir(void **state)
{
	(void)state;
	memset(dir + strlen(dir) - 6, 'X', 6);
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0;
}

static int drop_dir(void **state)
{
	AUTO_CLOSE int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	close(dir_fd);
	return rmtree(tmp, dir + strlen("/tmp/"));
}

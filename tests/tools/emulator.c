/* SPDX-License-Identifier: MIT */
/* For binfmt_misc, in the place of an emulator: notes which program it was to run, and its last argument. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = open("/emulated", O_WRONLY | O_CREAT | O_APPEND, 0644);

	if (fd < 0 || argc < 2)
		return 1;
	(void)dprintf(fd, "%s: %s\n", argv[1], argv[argc - 1]);
	return close(fd) < 0;
}

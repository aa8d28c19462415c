/* SPDX-License-Identifier: MIT */
/* Programs of other processors: what the kernel hands to an emulator (binfmt_misc). */
#include "pkg/build/emulation.h"

#include <fcntl.h>
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/err.h"
#include "pkg/base/sbuf.h"
#include "pkg/oci/manifest.h"
#include "pkg/sys/file.h"

#define BINFMT "/proc/sys/fs/binfmt_misc"

static const struct {
	const char *arch, *qemu;
} names[] = {
	{"amd64", "x86_64"}, {"386", "i386"},          {"arm64", "aarch64"},
	{"arm", "arm"},      {"riscv64", "riscv64"},   {"ppc64le", "ppc64le"},
	{"s390x", "s390x"},  {"mips64le", "mips64el"}, {"mips64", "mips64"},
	{"mips", "mips"},    {"mipsle", "mipsel"},     {"loong64", "loongarch64"},
};

/* These run what the other one is made for. */
static bool runs_natively(const char *host, const char *arch)
{
	return strcmp(host, arch) == 0 || (strcmp(host, "amd64") == 0 && strcmp(arch, "386") == 0);
}

static const char *qemu_name(const char *arch)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].arch, arch) == 0)
			return names[i].qemu;
	return arch;
}

/* "F": the emulator was opened when it was registered, so no root has to have it. */
static bool is_registered(const char *qemu)
{
	AUTO_FREE char *path = xasprintf(BINFMT "/qemu-%s", qemu);
	AUTO_SBUF struct sbuf b = SBUF_INIT;
	const char *flags;

	if (file_read_at(AT_FDCWD, path, 4096, &b) < 0) {
		err_drop();
		return false;
	}
	flags = strstr(b.s, "flags:");
	return strncmp(b.s, "enabled", 7) == 0 && flags &&
	       memchr(flags + 6, 'F', strcspn(flags + 6, "\n"));
}

int emulation_check(const char *arch)
{
	struct platform host = {0};
	bool ok;

	platform_host(&host);
	ok = runs_natively(host.architecture, arch) || is_registered(qemu_name(arch));
	platform_done(&host);
	if (ok)
		return 0;
	return err_new(-CE_UNSUPPORTED,
		       "commands of linux/%s cannot run here: there is no " BINFMT
		       "/qemu-%s; as root: "
		       "apt-get install qemu-user-static, or build that part in a stage "
		       "FROM --platform=$BUILDPLATFORM",
		       arch, qemu_name(arch));
}

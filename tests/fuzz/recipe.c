/* SPDX-License-Identifier: MIT */
/* How a layer's archive is made again: records of a store that is shared. Compressed as they come, or by us. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "pkg/archive/recipe.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/base/io.h"

#define MAGIC "cuddy recipe 1\n"

static int tree = -EBADF;

static char top[] = "/tmp/cuddy-fuzz-XXXXXX";

static void drop_tree(void)
{
	static const char *const names[] = {"f", "p", "l"};

	for (unsigned i = 0; i < 3; i++)
		(void)unlinkat(tree, names[i], 0);
	(void)rmdir(top);
}

/* A file, a FIFO that nobody writes to, and a way out. */
static void make_tree(void)
{
	AUTO_CLOSE int f = -EBADF;

	MUST(mkdtemp(top));
	tree = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f = openat(tree, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MUST(f >= 0 && write_full(f, "content", 7) == 0);
	MUST(atexit(drop_tree) == 0);
	MUST(mkfifoat(tree, "p", 0600) == 0 && symlinkat("/etc/passwd", tree, "l") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static unsigned char plain[1 << 16], packed[1 << 17];
	AUTO_CLOSE int fd = memfd_create("recipe", MFD_CLOEXEC);
	struct out *o = out_to_nothing();

	if (tree < 0)
		make_tree();
	if (n > 0 && p[0] == 'z') {
		MUST(write_full(fd, p + 1, n - 1) == 0);
	} else if (n < sizeof(plain) - sizeof(MAGIC)) {
		size_t len;

		memcpy(plain, MAGIC, sizeof(MAGIC) - 1);
		memcpy(plain + sizeof(MAGIC) - 1, p, n);
		len = ZSTD_compress(packed, sizeof(packed), plain, sizeof(MAGIC) - 1 + n, 1);
		MUST(!ZSTD_isError(len) && write_full(fd, packed, len) == 0);
	}
	MUST(lseek(fd, 0, SEEK_SET) == 0);
	if (recipe_make(fd, tree, -EBADF, o) < 0)
		err_drop();
	out_close(o);
	return 0;
}

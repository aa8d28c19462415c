/* SPDX-License-Identifier: MIT */
/*
 * cuddy-conmon: the program of all that outlives or stands beside a cuddy command. Its first
 * argument is the role; everything else comes by descriptor, so nothing secret is in argv (H09).
 *
 *	cuddy-conmon monitor ID                   descriptors: protocol.h
 *	cuddy-conmon exec-stage PLAN_FD REPORT_FD
 *	cuddy-conmon create-stage                 descriptors: pkg/runtime/create.h
 */
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pkg/base/io.h"
#include "pkg/base/leaks.h"
#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/conmon/monitor.h"
#include "pkg/runtime/create.h"
#include "pkg/runtime/exec.h"

static int exec_stage(const char *plan, const char *report)
{
	uint32_t plan_fd, report_fd;

	if (parse_u32(plan, INT32_MAX, &plan_fd) < 0 ||
	    parse_u32(report, INT32_MAX, &report_fd) < 0)
		return 125;
	return rt_exec_stage_main((int)plan_fd, (int)report_fd);
}

extern const char __ehdr_start[]
	__attribute__((visibility("hidden"))); /* of the file, as it is loaded */

/* What the linker set apart to be read only once it is relocated: musl leaves that undone in a static program (R30). */
static void protect_relocated(void)
{
	const ElfW(Ehdr) *e = (const void *)__ehdr_start;
	const ElfW(Phdr) *h = (const void *)(__ehdr_start + e->e_phoff);
	uintptr_t base = e->e_type == ET_DYN ? (uintptr_t)e : 0, page = (uintptr_t)getpagesize();

	for (unsigned i = 0; i < e->e_phnum; i++) {
		uintptr_t from = (base + h[i].p_vaddr) & -page;
		uintptr_t to = (base + h[i].p_vaddr + h[i].p_memsz) & -page;

		if (h[i].p_type == PT_GNU_RELRO)
			(void)mprotect((void *)from, to - from, PROT_READ);
	}
}

int main(int argc, char **argv)
{
	static const char usage[] = "cuddy-conmon is started by cuddy, not by hand\n";

	/* Before anything else: from now on nobody without rights over B may look into us (R01, R02). */
	(void)prctl(PR_SET_DUMPABLE, 0);
	protect_relocated();
	log_init(getenv("CUDDY_DEBUG"), argc > 1 ? argv[1] : "conmon");
	if (argc == 3 && strcmp(argv[1], "monitor") == 0)
		return monitor_main();
	if (argc == 4 && strcmp(argv[1], "exec-stage") == 0)
		return exec_stage(argv[2], argv[3]);
	if (argc == 2 && strcmp(argv[1], RT_CREATE_ROLE) == 0)
		return rt_create_stage_main();
	(void)write_full(2, usage, sizeof(usage) - 1);
	return 125;
}

/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of cuddy, before the C library's _start: a program that may be loaded anywhere writes its
 * tables' pointers at each start, and the kernel would give it those pages one fault after another. Asked for all at
 * once (MADV_POPULATE_WRITE, Linux 5.14; before that the kernel refuses and nothing is lost) they take a fifth of the
 * time, half a millisecond less at each start where faults are dear. The Makefile says when this is the entry.
 */
#ifdef __x86_64__
__asm__(".text\n"
	".globl cuddy_entry\n"
	".hidden cuddy_entry\n"
	".hidden __init_array_start\n" /* near the first of those that the linker makes read-only later */
	".hidden _edata\n"
	".type cuddy_entry, @function\n"
	"cuddy_entry:\n"
	"	movq %rdx, %r12\n" /* _start finds rdx and the stack as the kernel left them */
	"	leaq __init_array_start(%rip), %rdi\n"
	"	andq $-4096, %rdi\n"
	"	leaq _edata(%rip), %rsi\n"
	"	subq %rdi, %rsi\n"
	"	addq $4095, %rsi\n"
	"	andq $-4096, %rsi\n"
	"	movl $23, %edx\n" /* MADV_POPULATE_WRITE */
	"	movl $28, %eax\n" /* madvise */
	"	syscall\n"
	"	movq %r12, %rdx\n"
	"	jmp _start\n"
	".size cuddy_entry, . - cuddy_entry\n");
#else
extern int cuddy_entry; /* the C library's start is the first here */
#endif

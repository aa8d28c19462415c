# SPDX-License-Identifier: MIT
# One Makefile, no recursion; nothing is written outside build/. "make help" lists the targets.

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

CC     ?= gcc
ifeq ($(origin CC),default)
CC     := gcc
endif
PREFIX ?= /usr/local
SAN    ?=
comma  := ,
B      := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(filter clang%,$(notdir $(CC))),/clang)

VERSION := 0.1.0

# --- flags ------------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wwrite-strings \
	-Wcast-align -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
	-Wredundant-decls -Wdate-time -Wimplicit-fallthrough -Wno-missing-field-initializers \
	-Wno-format-nonliteral
ifeq ($(filter clang%,$(notdir $(CC))),)
WARN += -Wformat-signedness
else
WARN += -Wno-gnu-statement-expression
endif
ifdef WERROR
WARN += -Werror
endif
OPT      ?= -O2 -g
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE
ifeq ($(SAN),)
# 3 also knows sizes that are known when the program runs; an older C library or compiler warns of it.
FORTIFY  := $(if $(shell echo '\#include <features.h>' | $(CC) -O2 -Werror -D_FORTIFY_SOURCE=3 -E -x c - >/dev/null 2>&1 && echo 3),3,2)
HARDEN   += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY)
endif
# gcc defines the macro by itself.
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	$(if $(and $(findstring address,$(SAN)),$(filter clang%,$(notdir $(CC)))),-D__SANITIZE_ADDRESS__=1)
FLAGS    := -std=gnu11 -D_GNU_SOURCE -DCUDDY_VERSION='"$(VERSION)"' -I. -I$B/gen -MMD -MP -fno-common \
	-ffunction-sections -fdata-sections $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) $(CPPFLAGS) $(CFLAGS)
# Sanitizers know of each check a place and a type, as relocations by the thousand at each start: none where addresses
# are fixed.
LINK     := $(if $(SAN),-no-pie,-pie) -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)

# The monitor and every stage inside a container are one small static program: musl where there is
# one (a third of the memory and start-up of static glibc). Sanitizers need the dynamic C library.
ifeq ($(SAN),)
STATIC_CC   ?= $(if $(shell command -v musl-gcc 2>/dev/null),musl-gcc,$(CC))
STATIC_LINK := -static $(LDFLAGS) -Wl,--gc-sections
# musl-gcc hides the kernel's headers along with glibc's; they come last so that musl's own win.
STATIC_INC  := $(if $(findstring musl,$(STATIC_CC)),-idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch 2>/dev/null))
STATIC_FLAGS = $(filter-out -D_FORTIFY_SOURCE=%,$(FLAGS)) $(STATIC_INC)
else
STATIC_CC   := $(CC)
STATIC_LINK := $(LINK)
STATIC_FLAGS = $(FLAGS)
endif

# --- sources, by program ----------------------------------------------------------------------
MAINS      := cmd/main.c pkg/conmon/main.c pkg/transfer/main.c pkg/net/main.c
LIBC_DIRS  := pkg/base pkg/sys pkg/cgroup net pkg/runtime pkg/conmon
CORE_DIRS  := pkg/json pkg/oci pkg/config pkg/seccomp storage
CUDDY_DIRS := cmd pkg/cli pkg/bundle pkg/image pkg/container pkg/build pkg/pod pkg/kube pkg/unit pkg/doctor
TRANS_DIRS := pkg/transfer pkg/archive pkg/http
NET_DIRS   := pkg/net

# Build-time programs: their output is part of the archives.
GENERATORS := pkg/seccomp/generate.c

srcs = $(filter-out $(MAINS) $(GENERATORS),$(wildcard $(addsuffix /*.c,$1)))
objs = $(patsubst %.c,$B/obj/%.o,$1)

# The monitor writes the journal of events as everybody else does.
LIBC_SRCS  := $(call srcs,$(LIBC_DIRS)) storage/event.c
# Both ends of the socket pair between cuddy and cuddy-transfer need its messages; both write archives
# of trees, for which libc is enough.
SHARED     := pkg/transfer/protocol.c pkg/transfer/protocol_list.c pkg/transfer/policy.c pkg/transfer/policy_sigstore.c pkg/transfer/lookaside.c pkg/transfer/user_side.c \
	$(addprefix pkg/archive/,out.c tar_write.c tree_tar.c tree_attrs.c tree_put.c)
CORE_SRCS  := $(filter-out $(LIBC_SRCS),$(call srcs,$(CORE_DIRS))) $(wildcard $(SHARED))
CUDDY_SRCS := $(call srcs,$(CUDDY_DIRS))
TRANS_SRCS := $(filter-out $(SHARED),$(call srcs,$(TRANS_DIRS)))
NET_SRCS   := $(call srcs,$(NET_DIRS))

# Part of the program where their archives are installed: a third of a millisecond less at each start,
# and as much again when the C library is too (cuddy asks it for nothing that loads shared objects).
has_lib     = $(filter /%,$(shell $(CC) -print-file-name=$1))
static_lib  = $(if $(call has_lib,lib$1.a),-Wl$(comma)-Bstatic -l$1 -Wl$(comma)-Bdynamic,-l$1)
LIBS        := json-c cap seccomp yaml
LIBS_CUDDY  := $(foreach l,$(LIBS),$(call static_lib,$l))
ARCHIVES    := rcrt1.o libc.a $(LIBS:%=lib%.a)
ifeq ($(if $(SAN),,$(words $(foreach a,$(ARCHIVES),$(call has_lib,$a)))),$(words $(ARCHIVES)))
# What it costs to be loaded anywhere is most of a start: pointers packed in the file (a start file of glibc 2.36 unpacks
# them), and the pages that hold them had at once (cmd/entry.c).
ENTRY       := $(if $(filter x86_64-%,$(shell $(CC) -print-multiarch 2>/dev/null)),-Wl$(comma)-e$(comma)cuddy_entry)
PACK        := $(if $(shell printf '%s\n' '\#include <limits.h>' '\#if __GLIBC_PREREQ(2, 36)' 1 '\#endif' | $(CC) -E -P - 2>/dev/null | grep -x 1),-Wl$(comma)-z$(comma)pack-relative-relocs)
LINK_CUDDY  := -static-pie $(ENTRY) $(PACK) $(filter-out -pie,$(LINK))
LINK_LIBS   := $(addprefix -l,$(LIBS))
else
LINK_CUDDY  := $(LINK)
LINK_LIBS   := $(LIBS_CUDDY)
endif
# The C library is musl in cuddy, too, where there is one: the start of glibc asks the processor what it is some forty
# times, which on a virtual machine is a trap each. MUSL= has it with glibc. The start file is named, since musl-gcc
# knows nothing of static-pie; malloc() is cmd/heap.c.
MUSL        ?= 1
MUSL_DIR    := $(if $(findstring musl,$(STATIC_CC)),$(wildcard /usr/lib/$(subst gnu,musl,$(shell $(CC) -print-multiarch 2>/dev/null))))
MUSL_PIE    := $(if $(and $(MUSL_DIR),$(wildcard $(MUSL_DIR)/rcrt1.o)),-nostdlib -static-pie $(filter-out -pie,$(LINK)) -L$(MUSL_DIR) $(MUSL_DIR)/rcrt1.o $(MUSL_DIR)/crti.o)
MUSL_LIBS   := -lc -lgcc -lgcc_eh
MUSL_LAST   := $(MUSL_DIR)/crtn.o
ifneq ($(and $(MUSL),$(MUSL_PIE),$(filter -static-pie,$(LINK_CUDDY))),)
CUDDY_OBJS  := static
LINK_CUDDY  := $(ENTRY) $(MUSL_PIE)
LINK_LIBS   := $(foreach l,$(LIBS),$(call has_lib,lib$l.a)) $(MUSL_LIBS)
LINK_LAST   := $(MUSL_LAST)
else
CUDDY_OBJS  := obj
endif
# The monitor is loaded anywhere, too, where there is a start file for it.
ifneq ($(MUSL_PIE),)
CONMON_CC   := $(CC)
CONMON_LINK := $(MUSL_PIE)
CONMON_LAST := $(MUSL_LIBS) $(MUSL_LAST)
else
CONMON_CC   := $(STATIC_CC)
CONMON_LINK := $(if $(filter -static,$(STATIC_LINK)),$(if $(call has_lib,rcrt1.o),$(patsubst -static,-static-pie,$(STATIC_LINK)) $(filter-out -pie,$(LINK)),$(STATIC_LINK)),$(STATIC_LINK))
endif
# libnftables is loaded when rules change, and only then (pkg/net/rules.c).
LIBS_NET   := -lmnl
# libcurl is loaded when a registry is asked, and only then (pkg/http/libcurl.c); most symbols of the 27 libraries that
# it brings are found in these two: where they come first fewer are searched for each.
LIBS_TRANS := -Wl,--push-state,--no-as-needed -lc -lcrypto -Wl,--pop-state -lzstd -lisal -llzma -lbz2 -lz -ljson-c -pthread

PROGRAMS := $(patsubst %/main.c,%,$(wildcard $(MAINS)))
PROGRAMS := $(patsubst cmd,$B/cuddy,$(patsubst pkg/%,$B/cuddy-%,$(PROGRAMS)))

all: $(PROGRAMS) ## build everything into build/
.PHONY: all

$B/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(FLAGS) | $(STATIC_CC) $(STATIC_FLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(FLAGS) | $(STATIC_CC) $(STATIC_FLAGS)' >$@

$B/obj/%.o: %.c $B/flags
	@mkdir -p $(@D); echo "  CC     $<"
	$(if $V,,@)$(CC) $(FLAGS) -c $< -o $@

$B/static/%.o: %.c $B/flags
	@mkdir -p $(@D); echo "  CC(s)  $<"
	$(if $V,,@)$(STATIC_CC) $(STATIC_FLAGS) -c $< -o $@

define archive
@mkdir -p $(@D); rm -f $@; echo "  AR     $@"
$(if $V,,@)ar crs $@ $^
endef

# The default seccomp profile for the default capabilities, compiled to BPF (pkg/seccomp).
DEFAULT_CAPS := 800405fb
$B/gen/seccomp: $(patsubst %,$B/obj/pkg/seccomp/%.o,generate filter policy syscalls) $B/libc.a
	@mkdir -p $(@D); echo "  LINK   $@"
	$(if $V,,@)$(CC) $(LINK) -o $@ $^ -lseccomp

$B/gen/seccomp_default.inc: $B/gen/seccomp
	@echo "  GEN    $@"
	$(if $V,,@)$B/gen/seccomp $(DEFAULT_CAPS) >$@

$B/obj/pkg/seccomp/seccomp.o $B/static/pkg/seccomp/seccomp.o: $B/gen/seccomp_default.inc

$B/libc.a: $(call objs,$(LIBC_SRCS)) ; $(archive)
$B/core.a: $(call objs,$(CORE_SRCS)) ; $(archive)
$B/cuddy.a: $(call objs,$(CUDDY_SRCS)) ; $(archive)
$B/transfer.a: $(call objs,$(TRANS_SRCS)) ; $(archive)
$B/net.a: $(call objs,$(NET_SRCS)) ; $(archive)
$B/static.a: $(patsubst %.c,$B/static/%.o,$(LIBC_SRCS)) ; $(archive)
$B/static-core.a: $(patsubst %.c,$B/static/%.o,$(CORE_SRCS)) ; $(archive)
$B/static-cuddy.a: $(patsubst %.c,$B/static/%.o,$(CUDDY_SRCS)) ; $(archive)

ARCHIVES_static := static-cuddy static-core static
ARCHIVES_obj    := cuddy core libc
$B/cuddy: $B/$(CUDDY_OBJS)/cmd/main.o $(ARCHIVES_$(CUDDY_OBJS):%=$B/%.a)
	@echo "  LINK   $@"
	$(if $V,,@)$(CC) $(LINK_CUDDY) -o $@ $< -Wl,--start-group $(filter %.a,$^) $(LINK_LIBS) -Wl,--end-group $(LINK_LAST)

$B/cuddy-conmon: $B/static/pkg/conmon/main.o $B/static.a
	@echo "  LINK   $@"
	$(if $V,,@)$(CONMON_CC) $(CONMON_LINK) -o $@ $< $B/static.a $(CONMON_LAST)

$B/cuddy-transfer: $B/obj/pkg/transfer/main.o $B/transfer.a $B/core.a $B/libc.a
	@echo "  LINK   $@"
	$(if $V,,@)$(CC) $(LINK) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_TRANS) $(LIBS_CUDDY)

$B/cuddy-net: $B/obj/pkg/net/main.o $B/net.a $B/libc.a
	@echo "  LINK   $@"
	$(if $V,,@)$(CC) $(LINK) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_NET)

# --- tests ------------------------------------------------------------------------------------
UNIT_SRCS := $(shell find tests/unit -name '*_test.c' 2>/dev/null)
UNIT_BINS := $(UNIT_SRCS:tests/unit/%.c=$B/unit/%)

$B/unit/%: tests/unit/%.c $B/flags $B/libc.a $B/core.a $B/cuddy.a $B/transfer.a $B/net.a
	@mkdir -p $(@D); echo "  TEST   $@"
	$(if $V,,@)$(CC) $(FLAGS) -Wno-missing-prototypes -MF $@.d $(LINK) -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcmocka $(LIBS_TRANS) $(LIBS_NET) $(LIBS_CUDDY)

unit: $(if $T,$(foreach b,$(UNIT_BINS),$(if $(findstring $T,$b),$b)),$(UNIT_BINS)) ## build and run the unit tests (T=name filters)
	@tests/run-unit $^
.PHONY: unit

# make reads the sources and finds the compilers when it starts, so what deps-test installs counts
# only for a second make.
check: deps-test ## install what the tests need, build, lint, run all tests (T=name filters by file)
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) -s all unit-programs deb
	@tests/check $B "$T"
.PHONY: check

# Programs that only tests use: a plan without a monitor, a probe of system calls.
TOOLS := $B/tools/rtdrive $B/tools/sysprobe $B/tools/procspy $B/tools/agentask
ifeq ($(SAN),)
$B/tools/%: tests/tools/%.c $B/static.a $B/flags
	@mkdir -p $(@D); echo "  TOOL   $@"
	$(if $V,,@)$(STATIC_CC) $(STATIC_FLAGS) -MF $@.d -MT $@ $(STATIC_LINK) -o $@ $< $B/static.a
else
# They run inside of containers, where a sanitizer's shared objects are not: the plain ones, of gcc. All by one make:
# two at a time would write the same objects.
$(TOOLS) &: $(TOOLS:$B/%=tests/%.c)
	@mkdir -p $B/tools; $(MAKE) --no-print-directory -s SAN= CC=gcc $(TOOLS:$B/%=build/%)
	@cp $(TOOLS:$B/%=build/%) $B/tools/
endif

unit-programs: $(UNIT_BINS) $(TOOLS)
.PHONY: unit-programs

system: all $(TOOLS) $(if $(SAN),,deb) ## run the system tests alone (T=name filters)
	@tests/check $B "$T" system

security: all $(TOOLS) ## run the tests of threats alone (T=name filters)
	@tests/check $B "$T" security

vm: all $(TOOLS) ## run the tests in a Debian guest with systemd and cgroup v2 (T=name filters)
	@tests/check $B "$T" vm
.PHONY: system security vm

# Parsers of foreign bytes, by what they reach: clang's alone, with every part of the program told to count.
FUZZ_SAN := fuzzer-no-link,address,undefined
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$B/fuzz/%,$(if $T,$(wildcard tests/fuzz/$T.c),$(wildcard tests/fuzz/*.c)))
$B/fuzz/%: tests/fuzz/%.c $B/flags $B/libc.a $B/core.a $B/cuddy.a $B/transfer.a $B/net.a
	@mkdir -p $(@D); echo "  FUZZ   $@"
	$(if $V,,@)$(CC) $(FLAGS) -MF $@.d -MT $@ -fsanitize=fuzzer $(LINK) -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_TRANS) $(LIBS_NET) $(LIBS_CUDDY)

fuzz: ## fuzz the parsers of tests/fuzz with clang for SECONDS=60 each (T=name: that one)
	@$(MAKE) --no-print-directory -s CC=clang SAN=$(FUZZ_SAN) fuzz-programs
	@tests/fuzz/run build/san-$(subst $(comma),-,$(FUZZ_SAN))/clang/fuzz "$(or $(SECONDS),60)" $T
fuzz-programs: $(FUZZ_BINS)
.PHONY: fuzz fuzz-programs

# --- measurements -------------------------------------------------------------------------------
$B/bench/runner: tests/bench/runner.c
	@mkdir -p $(@D); echo "  CC     $<"
	$(if $V,,@)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARN) -o $@ $<

$B/bench/floor: tests/bench/floor.c
	@mkdir -p $(@D); echo "  CC     $<"
	$(if $V,,@)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARN) -o $@ $< -lisal -lcrypto

bench: all $B/bench/runner $B/bench/floor ## speed and memory beside podman, crun and bubblewrap (about 10 minutes); T=network, start, images or builds: those rows alone
	@tests/bench/run $B $T
.PHONY: bench

lint: ## layers, forbidden calls, file sizes, generated files
	@tests/lint/run
.PHONY: lint

# The second make sees the compilers and libraries that the first installed.
demo: ## install what is missing, build, and run a container as an unprivileged user
	@tests/deps demo
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) -s all
	@tests/demo $B
.PHONY: demo

# Where zsh looks; Debian's, in packages, elsewhere.
ZSH_DIR ?= $(PREFIX)/share/zsh/site-functions

install: all man ## install into DESTDIR and PREFIX (default /usr/local)
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/libexec/cuddy'
	install -m 755 $B/cuddy '$(DESTDIR)$(PREFIX)/bin/'
	ln -sf cuddy '$(DESTDIR)$(PREFIX)/bin/cuddy-runtime'
	install -m 755 $B/cuddy-conmon $B/cuddy-transfer $B/cuddy-net '$(DESTDIR)$(PREFIX)/libexec/cuddy/'
	install -D -m 644 completions/cuddy.bash '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/cuddy'
	install -D -m 644 completions/_cuddy '$(DESTDIR)$(ZSH_DIR)/_cuddy'
	install -D -m 644 completions/cuddy.fish '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/cuddy.fish'
	install -d '$(DESTDIR)$(PREFIX)/lib/systemd/user-generators'
	ln -sf ../../../bin/cuddy '$(DESTDIR)$(PREFIX)/lib/systemd/user-generators/cuddy-user-generator'
	install -d '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 644 $B/man/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1/'
.PHONY: install

deb: all man ## a Debian package in build/, for the release it is made on
	@rm -rf $B/deb; mkdir -p $B/deb
	@$(MAKE) --no-print-directory -s install DESTDIR='$(CURDIR)/$B/deb/root' PREFIX=/usr ZSH_DIR=/usr/share/zsh/vendor-completions
	@packaging/deb $B/deb $(VERSION)
.PHONY: deb

deps: ## install by apt what building and running need
	@tests/deps build
.PHONY: deps

deps-test: ## the same for the tests
	@tests/deps test
.PHONY: deps-test

# The pages come from the tables of verbs and flags, and from cmd/about.c.
$B/man/cuddy.1: $B/cuddy
	@rm -rf $(@D); mkdir -p $(@D); echo "  MAN    $(@D)"
	$(if $V,,@)$B/cuddy __man $(@D)

man: $B/man/cuddy.1 ## write the manual pages into build/man/
.PHONY: man

# They name no verb or flag themselves: cmd/completion.c says why. "make lint" compares.
completions: all ## write completions/ anew
	@mkdir -p completions
	$B/cuddy completion bash >completions/cuddy.bash
	$B/cuddy completion zsh >completions/_cuddy
	$B/cuddy completion fish >completions/cuddy.fish
.PHONY: completions

fmt: ## format all C files in place
	clang-format -i $$(git ls-files '*.c' '*.h')
.PHONY: fmt

clean: ## remove build/
	rm -rf build
.PHONY: clean

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
.PHONY: help

FORCE:
.PHONY: FORCE

-include $(shell find $B -name '*.d' 2>/dev/null)

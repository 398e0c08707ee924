# Tern's build. One Makefile, everything it makes goes to $(BUILD).
#
#   make                kernel, user programs, boot bundles
#   make kernel-debug   the kernel with invariants and lock-order checks in $(BUILD)/debug
#   make lint           format, static analysis, measures, layering, things that must not compile
#   make host-tests     unit tests of kernel code on this machine, with sanitizers
#   make fuzz           short fuzzer runs (FUZZ_SECONDS each)
#   make image          programs of others (ports/) and the root disk $(BUILD)/root.ext4
#   make bench          figures as a table and as JSON, compared with their bars
#   make study          the IPC paths instruction by instruction: study/study.mk
#   make V=1            shows the commands
#
# A folder with sources is a unit: a new .c or .S file in it is found by itself, and so is a new
# folder of a program: see tests/kernel/programs.mk and servers/servers.mk.

override BUILD := $(patsubst $(CURDIR)/%,%,$(or $(BUILD),build))
CROSS ?= riscv64-linux-gnu-
CC := $(CROSS)gcc
LD := $(CROSS)gcc
NM := $(CROSS)nm
AR := $(CROSS)ar
STRIP := $(CROSS)strip
HOST_CC ?= gcc
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 10
Q := $(if $(V),,@)
say = @mkdir -p $(@D) && echo "$(1) $@"

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

.PHONY: all kernel kernel-debug user bundles servers
all: kernel user bundles servers

WARNINGS := -Wall -Wextra -Werror
COMMON := -std=gnu11 -O2 -g -MMD -MP $(WARNINGS) -ffreestanding -fno-stack-protector -fno-common \
	-fno-pie -mcmodel=medany -mno-save-restore

# ---------------------------------------------------------------------------------- the kernel
# -nostdinc and the compiler's own headers alone: no header of a C library can slip in.
FDT := $(BUILD)/sources/libfdt
FDT_STAMP := $(FDT)/.fetched
KERNEL_INCLUDES := -I. -Iinclude -Iarch/riscv/include -nostdinc -isystem $(FDT) \
	-isystem arch/riscv/libfdt_env
KERNEL_FLAGS := -DTERN_KERNEL $(COMMON) -flto -mabi=lp64 -fno-omit-frame-pointer -fno-strict-aliasing \
	-ffunction-sections -fdata-sections $(KERNEL_INCLUDES)
KERNEL_ARCH := -march=rv64imac_zicsr_zifencei
CC_HEADERS := -isystem $(shell $(CC) -print-file-name=include)
KERNEL_CC := $(CC) $(KERNEL_FLAGS) $(KERNEL_ARCH) $(CC_HEADERS)
KERNEL_LINK := $(filter-out -MMD -MP,$(KERNEL_FLAGS)) $(KERNEL_ARCH) -flto=1 -flto-partition=one \
	-nostdlib -static -no-pie -Wl,--build-id=none -Wl,--gc-sections -Wl,--fatal-warnings

KERNEL_SOURCES := $(filter-out kernel/asm_offsets.c,$(wildcard kernel/*.c)) \
	$(wildcard arch/riscv/*.c) $(wildcard arch/riscv/*.S)
FDT_SOURCES := fdt.c fdt_ro.c fdt_strerror.c

# kernel_rules(folder, extra flags): the rules of one flavour of the kernel.
#
# The kernel is linked twice: the first time with an empty symbol table, from which the table for
# backtraces is made. It stands in a section of its own behind everything it describes, and the
# second link is refused unless every function has stayed where it was.
define kernel_rules
$(1)/include/generated/asm_offsets.h: kernel/asm_offsets.c scripts/asm-offsets.sed $(FDT_STAMP)
	$$(call say,OFFSETS)
	$(Q)$(KERNEL_CC) $(2) -fno-lto -S -MT $$@ -MF $$@.d -o $$@.s $$<
	$(Q)sed -n -f scripts/asm-offsets.sed $$@.s > $$@

$(1)/obj/%.o: % $(1)/include/generated/asm_offsets.h Makefile
	$$(call say,CC)
	$(Q)$(KERNEL_CC) $(2) -I$(1)/include -c -o $$@ $$<

$(1)/obj/libfdt/%.o: $(FDT)/%
	$$(call say,CC)
	$(Q)$(KERNEL_CC) -w -c -o $$@ $$<

$(1)/ksyms-none.S: scripts/ksyms.awk
	$(Q)mkdir -p $$(@D) && awk -f $$< /dev/null > $$@

$(1)/ksyms.S: $(1)/kernel-first.elf scripts/ksyms.awk
	$(Q)$(NM) -n $$< | awk -f scripts/ksyms.awk > $$@

$(1)/%.o: $(1)/%.S
	$(Q)$(KERNEL_CC) -c -o $$@ $$<

$(1)/kernel-first.elf: $(1)/ksyms-none.o
$(1)/kernel.elf: $(1)/ksyms.o
$(1)/kernel-first.elf $(1)/kernel.elf: linker/kernel.ld $(KERNEL_SOURCES:%=$(1)/obj/%.o) \
		$(FDT_SOURCES:%=$(1)/obj/libfdt/%.o)
	$$(call say,LD)
	$(Q)$(LD) $(KERNEL_LINK) -Wl,-Map=$$@.map -T linker/kernel.ld -o $$@ $$(filter %.o,$$^)
	$(Q)scripts/same-symbols.sh $(NM) $(1)/kernel-first.elf $$@

-include $(1)/include/generated/asm_offsets.h.d
-include $(KERNEL_SOURCES:%=$(1)/obj/%.d) $(FDT_SOURCES:%=$(1)/obj/libfdt/%.d)
endef

$(eval $(call kernel_rules,$(BUILD),))
$(eval $(call kernel_rules,$(BUILD)/debug,-DTERN_DEBUG=1))
kernel: $(BUILD)/kernel.elf
kernel-debug: $(BUILD)/debug/kernel.elf

# libfdt reads the device tree; it comes from Debian's sources of kexec-tools, see the script.
$(FDT_STAMP): scripts/fetch-source.sh scripts/source-sha256.txt
	$(Q)scripts/fetch-source.sh kexec-tools $(BUILD)/sources
	$(Q)ln -sfn kexec-tools/kexec/libfdt $(FDT)
	$(Q)touch $@ $(FDT_SOURCES:%=$(FDT)/%)
$(FDT_SOURCES:%=$(FDT)/%): $(FDT_STAMP) ;

# ------------------------------------------------------------------------------- user programs
include libmusl-port/musl.mk ports/ports.mk
include tests/kernel/programs.mk
include servers/servers.mk servers/system.mk
include tests/posix/posix.mk tests/pts/pts.mk study/study.mk

# ------------------------------------------------------------------------------ tests and lint
# tests/host/NAME_test.c and NAME_explore.c are programs of their own, and so is NAME_fuzz.c for
# libFuzzer. Each includes the kernel's .c files that it tests. The other .c files there are
# linked to all of them; headers in tests/host/include stand in for the architecture's.
HOST_FLAGS := -std=gnu11 -O1 -g -MMD -MP $(WARNINGS) -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DTERN_KERNEL -DTERN_DEBUG=1 -Itests/host/include -Itests/host -Iinclude -I.
HOST_MAINS := $(wildcard tests/host/*_test.c tests/host/*_explore.c)
FUZZ_MAINS := $(wildcard tests/host/*_fuzz.c)
HOST_COMMON := $(filter-out $(HOST_MAINS) $(FUZZ_MAINS),$(wildcard tests/host/*.c))
HOST_PROGRAMS := $(HOST_MAINS:tests/host/%.c=$(BUILD)/host/%)
FUZZERS := $(FUZZ_MAINS:tests/host/%.c=$(BUILD)/fuzz/%)
of = $(HOST_COMMON:tests/host/%.c=$(BUILD)/$(1)/obj/%.o)

$(BUILD)/host/obj/%.o: tests/host/%.c Makefile
	$(call say,HOSTCC)
	$(Q)$(HOST_CC) $(HOST_FLAGS) -c -o $@ $<
$(BUILD)/host/%: $(BUILD)/host/obj/%.o $(call of,host)
	$(Q)$(HOST_CC) $(HOST_FLAGS) -o $@ $^ -lcmocka -lpthread

$(BUILD)/fuzz/obj/%.o: tests/host/%.c Makefile
	$(call say,FUZZCC)
	$(Q)$(FUZZ_CC) $(HOST_FLAGS) -fsanitize=fuzzer -c -o $@ $<
$(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/%.o $(call of,fuzz)
	$(Q)$(FUZZ_CC) $(HOST_FLAGS) -fsanitize=fuzzer -o $@ $^

include $(wildcard lib/*/host.mk servers/*/host.mk tests/host/*/host.mk)
-include $(wildcard $(foreach at,host fuzz,$(BUILD)/$(at)/obj/*.d $(BUILD)/$(at)/obj/*/*.d))

.PHONY: host-programs host-tests fuzzers fuzz lint bench clean
host-programs: $(HOST_PROGRAMS)
host-tests: $(HOST_PROGRAMS)
	$(Q)for test in $^; do $$test || exit 1; done

fuzzers: $(FUZZERS)
fuzz: $(FUZZERS)
	$(Q)for fuzzer in $^; do (cd $(BUILD)/fuzz && \
		./$$(basename $$fuzzer) -max_total_time=$(FUZZ_SECONDS)) || exit 1; done

LINT_FLAGS := $(filter-out -MMD -MP -mno-save-restore,$(KERNEL_FLAGS)) -I$(BUILD)/include
lint: $(FDT_STAMP) $(BUILD)/include/generated/asm_offsets.h
	$(Q)KERNEL_CC="$(CC) $(KERNEL_ARCH) $(CC_HEADERS)" KERNEL_FLAGS="$(LINT_FLAGS)" \
		tests/lint/lint.sh

BENCH = BUILD=$(BUILD) /usr/bin/python3 study/bench.py
BENCH_SETS := memory libc servers posix boot
BUNDLES_servers := pipebench filebench restartbench
BUNDLES_posix := posix-bench
OPTIONS_posix := --disk $(BUILD)/posix/bench.ext4
OPTIONS_boot := --boot $(BUILD)/root.ext4 $(BUILD)/posix/bench.ext4
bench: kernel bundles servers $(BUILD)/bundle/posix-bench.tar $(BUILD)/posix/bench.ext4 $(BUILD)/root.ext4
	$(Q)$(BENCH) && $(foreach set,$(BENCH_SETS),$(BENCH) --bars study/$(set)_bars.json \
		$(patsubst %,--bundle %.tar,$(or $(BUNDLES_$(set)),$(set)bench)) \
		$(OPTIONS_$(set)) --out $(BUILD)/bench/$(set).json &&) :
clean:
	rm -rf $(BUILD)

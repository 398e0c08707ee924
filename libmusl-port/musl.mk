# The C library, emu and the compiler wrapper $(BUILD)/bin/tern-cc. Included by the Makefile.
#
# musl itself is built once, and again only when a file of the port that goes into it changes.

MUSL := $(BUILD)/musl
TERN_CC := $(BUILD)/bin/tern-cc
MUSL_STAMP := $(MUSL)/.built
PROFILES := small full

$(MUSL_STAMP): libmusl-port/build.sh $(shell find libmusl-port/overlay -type f)
	$(call say,MUSL)
	$(Q)CROSS=$(CROSS) libmusl-port/build.sh $(BUILD)
	$(Q)touch $@

EMU_SOURCES := $(wildcard libmusl-port/emu/*.c)
EMU_FLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -MMD -MP $(WARNINGS) -ffreestanding -fno-stack-protector -fno-pie \
	-mcmodel=medany -nostdinc -isystem $(MUSL)/include -isystem $(shell $(CC) \
	-print-file-name=include) -Iinclude

$(BUILD)/emu/%.o: libmusl-port/emu/%.c $(MUSL_STAMP) libmusl-port/musl.mk
	$(call say,CC)
	$(Q)$(CC) $(EMU_FLAGS) -c -o $@ $<
-include $(EMU_SOURCES:libmusl-port/emu/%.c=$(BUILD)/emu/%.d)

$(MUSL)/lib/libemu-small.a: $(EMU_SOURCES:libmusl-port/emu/%.c=$(BUILD)/emu/%.o)
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

# The emulation image: full/, and what it shares with the small profile. Of the C library it may use
# functions that know no errno, memory of their own or system calls; the linker finds the others out.
IMAGE := $(BUILD)/emu/emu.elf
IMAGE_SOURCES := $(wildcard libmusl-port/emu/full/*.c libmusl-port/emu/full/*.S)
IMAGE_OBJECTS := $(patsubst libmusl-port/emu/%,$(BUILD)/emu/%.o,$(IMAGE_SOURCES)) \
	$(BUILD)/emu/full/elf.o $(patsubst %,$(BUILD)/emu/%.o,exit futex lock log region time)

$(BUILD)/emu/full/%.o: libmusl-port/emu/full/% $(MUSL_STAMP) libmusl-port/musl.mk
	$(call say,CC)
	$(Q)$(CC) $(EMU_FLAGS) -I. -mno-relax -c -o $@ $<

$(BUILD)/emu/full/elf.o: lib/launch/elf.c $(MUSL_STAMP) libmusl-port/musl.mk
	$(call say,CC)
	$(Q)$(CC) $(EMU_FLAGS) -I. -mno-relax -c -o $@ $<

$(IMAGE): libmusl-port/emu/full/image.ld $(IMAGE_OBJECTS)
	$(call say,LD)
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--fatal-warnings -T $< -o $@ \
		$(filter %.o,$^) $(MUSL)/lib/libc.a $(shell $(CC) -print-libgcc-file-name)
-include $(IMAGE_OBJECTS:.o=.d)

# A program of the full profile knows the emulation image's address, no more.
$(BUILD)/emu/program/%.o: libmusl-port/emu/program/%.S include/tern/emu.h $(MUSL_STAMP) libmusl-port/musl.mk
	$(call say,AS)
	$(Q)$(CC) -Iinclude -c -o $@ $<

$(MUSL)/lib/libemu-full.a: $(BUILD)/emu/program/entry.o $(MUSL_STAMP)
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

# Linux's own headers, for programs that ask for them; searched behind all others.
KERNEL_HEADERS := $(abspath $(dir $(shell $(CC) -print-file-name=libc.so.6))../include)
$(MUSL)/include-linux: $(MUSL_STAMP) libmusl-port/musl.mk
	$(call say,LINK)
	$(Q)mkdir -p $@
	$(Q)for folder in linux asm asm-generic mtd; do \
		ln -sfn $(KERNEL_HEADERS)/$$folder $@/$$folder; done

PORT_VALUES = s|@MUSL@|$(abspath $(MUSL))|g;s|@TOP@|$(CURDIR)|g;s|@CC@|$(CC)|g; \
	s|@GCC_INCLUDE@|$(shell $(CC) -print-file-name=include)|g; \
	s|@LIBGCC@|$(shell $(CC) -print-libgcc-file-name)|g

$(MUSL)/lib/tern-%.specs: libmusl-port/specs.in libmusl-port/musl.mk $(MUSL_STAMP)
	$(call say,SPECS)
	$(Q)sed "$(PORT_VALUES);s|@PROFILE@|$*|g" $< > $@

$(TERN_CC): libmusl-port/tern-cc.sh libmusl-port/musl.mk $(MUSL_STAMP) linker/program.ld $(MUSL)/include-linux \
		$(PROFILES:%=$(MUSL)/lib/libemu-%.a) $(PROFILES:%=$(MUSL)/lib/tern-%.specs)
	$(call say,WRAPPER)
	$(Q)sed "$(PORT_VALUES)" $< > $@
	$(Q)chmod +x $@

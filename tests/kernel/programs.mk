# Programs on the bare kernel: those of tests/kernel and the examples that use its run time. Each
# becomes a program and a boot bundle. Included by the Makefile.

# What they have of servers and lib/ includes headers of the C library: musl's, never the cross compiler's.
USER_FLAGS := $(COMMON) -march=rv64gc -mabi=lp64d -Iinclude -Itests/kernel/rt -I. \
	-nostdinc $(CC_HEADERS) -isystem $(MUSL)/include
USER_LINK := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--gc-sections -T linker/user.ld

RT := tests/kernel/rt
RT_OBJECTS := $(patsubst %,$(BUILD)/user/obj/%.o,$(wildcard $(RT)/*.c $(RT)/*.S))
# An example that includes the run time is one of them; the others use the C library.
BARE_EXAMPLES := $(sort $(dir $(shell grep -l '"rt.h"' examples/*/*.c)))
PROGRAM_FOLDERS := $(filter-out $(RT),$(patsubst %/,%,$(sort \
	$(dir $(wildcard tests/kernel/*/*.[cS])) $(BARE_EXAMPLES))))
PROGRAMS := $(notdir $(PROGRAM_FOLDERS))
ifneq ($(words $(PROGRAMS)),$(words $(sort $(PROGRAMS))))
$(error two folders of programs have the same name: $(PROGRAM_FOLDERS))
endif

user: $(PROGRAMS:%=$(BUILD)/user/%)
bundles: $(PROGRAMS:%=$(BUILD)/bundle/%.tar)

$(BUILD)/user/obj/%.o: % Makefile tests/kernel/programs.mk | $(MUSL_STAMP)
	$(call say,CC)
	$(Q)$(CC) $(USER_FLAGS) -c -o $@ $<

$(BUILD)/user/librt.a: $(RT_OBJECTS)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# program_rules(folder, name, further programs in its bundle): the program and its boot bundle,
# a ustar archive in which the kernel finds the program under the name `init`. A file sources.list
# in the folder names sources from elsewhere that belong to the program.
sources_of = $(wildcard $(1)/*.c $(1)/*.S $(shell cat $(1)/sources.list 2>/dev/null))
define program_rules
$(BUILD)/user/$(2): $(patsubst %,$(BUILD)/user/obj/%.o,$(call sources_of,$(1))) \
		$(BUILD)/user/librt.a linker/user.ld
	$$(call say,LD)
	$(Q)$(LD) $(USER_LINK) -o $$@ $$(filter %.o %.a,$$^) -lgcc

$(BUILD)/bundle/$(2).tar: $(BUILD)/user/$(2) $(3:%=$(BUILD)/user/%) $(wildcard $(1)/bundle.list)
	$$(call say,TAR)
	$(Q)rm -rf $$(@:.tar=) && mkdir -p $$(@:.tar=)
	$(Q)cp $$< $$(@:.tar=)/init
	$(Q)$(if $(3),cp $(3:%=$(BUILD)/user/%) $$(@:.tar=))
	$(Q)tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --mode=0755 \
		-C $$(@:.tar=) -cf $$@ init $(3)

-include $(patsubst %,$(BUILD)/user/obj/%.d,$(call sources_of,$(1)))
endef

bundle_list = $(shell cat $(1)/bundle.list 2>/dev/null)
$(foreach folder,$(PROGRAM_FOLDERS),$(eval \
	$(call program_rules,$(folder),$(notdir $(folder)),$(call bundle_list,$(folder)))))
-include $(RT_OBJECTS:.o=.d)

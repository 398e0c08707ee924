# Programs in user space that use the C library. Included by the Makefile.
#
#   servers/NAME, examples/NAME, tests/musl/NAME,
#   tests/programs/NAME                            become $(BUILD)/servers/NAME
#   lib/NAME/*.c                                   go to one archive behind all of them
#   $(BUILD)/bundle/NAME.tar                       a boot bundle with the program as `init`, and the
#                                                  programs that the folder's bundle.list names
#
# Bundles of folders with a bundle.list are always built, the others on request. A program's folder
# may have *.c and *.S, and a flags.mk that sets FLAGS_NAME and LIBS_NAME.

MUSL_FOLDERS := $(patsubst %/,%,$(filter-out $(BARE_EXAMPLES),$(sort $(dir \
	$(wildcard servers/*/*.[cS] examples/*/*.[cS] tests/musl/*/*.[cS] \
		tests/programs/*/*.[cS])))))
SERVERS := $(notdir $(MUSL_FOLDERS))
SERVER_OBJECTS := $(BUILD)/servers/obj
SERVER_FLAGS := -std=gnu11 -O2 -g -MMD -MP $(WARNINGS) -fno-common -I.

ifneq ($(filter $(SERVERS),$(PROGRAMS))$(words $(SERVERS)),$(words $(sort $(SERVERS))))
$(error two folders of programs have the same name: $(MUSL_FOLDERS) $(PROGRAM_FOLDERS))
endif

-include $(MUSL_FOLDERS:%=%/flags.mk)

$(SERVER_OBJECTS)/%.o: % $(TERN_CC) servers/servers.mk
	$(call say,CC)
	$(Q)$(TERN_CC) --profile=small $(SERVER_FLAGS) $(FLAGS_$(notdir $(patsubst %/,%,$(<D)))) \
		-c -o $@ $<

LIB_OBJECTS := $(patsubst %,$(SERVER_OBJECTS)/%.o,$(wildcard lib/*/*.c lib/*/*.S))
$(BUILD)/servers/libtern.a: $(LIB_OBJECTS)
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# server_rules(folder, name, what else is in its bundle)
define server_rules
$(BUILD)/servers/$(2): $(patsubst %,$(SERVER_OBJECTS)/%.o,$(wildcard $(1)/*.c $(1)/*.S) \
		$(if $(filter tests/musl/%,$(1)),tests/musl/check.c)) \
		$(BUILD)/servers/libtern.a $(TERN_CC)
	$$(call say,LD)
	$(Q)$(TERN_CC) --profile=small -o $$@ $$(filter %.o,$$^) $(BUILD)/servers/libtern.a \
		$(LIBS_$(2))

$(BUILD)/bundle/$(2).tar: $(wildcard $(1)/bundle.list) $(BUILD)/servers/$(2) $(3:%=$(BUILD)/servers/%)
	$$(call say,TAR)
	$(Q)rm -rf $$(@:.tar=) && mkdir -p $$(@:.tar=)
	$(Q)cp $(BUILD)/servers/$(2) $$(@:.tar=)/init
	$(Q)$(if $(3),cp $(3:%=$(BUILD)/servers/%) $$(@:.tar=))
	$(Q)tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --mode=0755 \
		-C $$(@:.tar=) -cf $$@ init $(3)

$(if $(wildcard $(1)/bundle.list),SERVER_BUNDLES += $(BUILD)/bundle/$(2).tar)
-include $(patsubst %,$(SERVER_OBJECTS)/%.d,$(wildcard $(1)/*.c $(1)/*.S))
endef

$(foreach folder,$(MUSL_FOLDERS),$(eval \
	$(call server_rules,$(folder),$(notdir $(folder)),$(call bundle_list,$(folder)))))
-include $(LIB_OBJECTS:.o=.d)


servers: $(TERN_CC) $(SERVERS:%=$(BUILD)/servers/%) $(SERVER_BUNDLES)

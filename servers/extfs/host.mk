# Host tests of extfs: with libext2fs built for this machine from the same source.
E2FS := $(E2FS_SOURCE)
E2FS_HOST := $(BUILD)/e2fsprogs-host
E2FS_HOST_STAMP := $(E2FS_HOST)/.built
E2FS_LIBRARIES := lib/ext2fs/libext2fs.a lib/et/libcom_err.a lib/uuid/libuuid.a
E2FS_REPLAY := debugfs/journal.c e2fsck/recovery.c e2fsck/revoke.c
EXT_SOURCES := $(filter-out %/main.c %/pager.c %/file.c %/block_disk.c,$(wildcard servers/extfs/*.c))
EXT_HOST := $(EXT_SOURCES:%.c=$(BUILD)/host/obj/%.o)
EXT_REPLAY := $(E2FS_REPLAY:%.c=$(E2FS_HOST)/%.replay.o)
EXT_FLAGS := -isystem $(E2FS)/lib -isystem $(E2FS_HOST)/lib

$(E2FS_HOST_STAMP): ports/e2fsprogs/build.sh $(E2FS)/.fetched
	$(call say,E2FS)
	$(Q)ports/e2fsprogs/build.sh $(E2FS) $(E2FS_HOST) && touch $@

$(EXT_REPLAY): $(E2FS_HOST)/%.replay.o: $(E2FS_HOST_STAMP)
	$(Q)mkdir -p $(@D) && $(HOST_CC) -O1 -g -w -DDEBUGFS -I$(E2FS_HOST)/lib -I$(E2FS)/lib -I$(E2FS)/e2fsck \
		-I$(E2FS)/debugfs -c -o $@ $(E2FS)/$*.c

$(EXT_HOST): $(BUILD)/host/obj/%.o: %.c Makefile $(E2FS_HOST_STAMP)
	$(call say,HOSTCC)
	$(Q)$(HOST_CC) $(HOST_FLAGS) $(EXT_FLAGS) -c -o $@ $<
EXT_TESTS := extfs_test extfs_corners_test extfs_power_test
$(EXT_TESTS:%=$(BUILD)/host/obj/%.o): $(E2FS_HOST_STAMP)
$(EXT_TESTS:%=$(BUILD)/host/obj/%.o): HOST_FLAGS += $(EXT_FLAGS)
$(EXT_TESTS:%=$(BUILD)/host/%): $(EXT_HOST) $(filter-out %/tmpfs.o %/attribute.o,$(FS_HOST)) $(EXT_REPLAY) \
		$(E2FS_LIBRARIES:%=$(E2FS_HOST)/%)
$(E2FS_LIBRARIES:%=$(E2FS_HOST)/%): $(E2FS_HOST_STAMP) ;
-include $(EXT_HOST:.o=.d)

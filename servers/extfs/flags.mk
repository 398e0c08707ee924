# libext2fs for Tern: built by ports/e2fsprogs/build.sh; and its journal replay, from the same source.
E2FS_TERN := $(BUILD)/e2fsprogs
E2FS_TERN_STAMP := $(E2FS_TERN)/.built
E2FS_SOURCE := $(BUILD)/sources/e2fsprogs
EXT_TERN_REPLAY := $(patsubst %.c,$(E2FS_TERN)/%.replay.o,debugfs/journal.c e2fsck/recovery.c \
	e2fsck/revoke.c)
FLAGS_extfs := -isystem $(E2FS_SOURCE)/lib -isystem $(E2FS_TERN)/lib
LIBS_extfs := $(E2FS_TERN)/lib/ext2fs/libext2fs.a \
	$(E2FS_TERN)/lib/et/libcom_err.a $(E2FS_TERN)/lib/uuid/libuuid.a

$(E2FS_SOURCE)/.fetched: scripts/fetch-source.sh scripts/source-sha256.txt
	$(Q)scripts/fetch-source.sh e2fsprogs $(BUILD)/sources && touch $@

$(E2FS_TERN_STAMP): ports/e2fsprogs/build.sh $(E2FS_SOURCE)/.fetched $(TERN_CC)
	$(call say,E2FS)
	$(Q)ports/e2fsprogs/build.sh $(E2FS_SOURCE) $(E2FS_TERN) \
		"$(abspath $(TERN_CC)) --profile=small" riscv64-linux-musl && touch $@

$(EXT_TERN_REPLAY): $(E2FS_TERN)/%.replay.o: $(E2FS_TERN_STAMP)
	$(Q)mkdir -p $(@D) && $(TERN_CC) --profile=small -O2 -g -w -DDEBUGFS -I$(E2FS_TERN)/lib \
		-I$(E2FS_SOURCE)/lib -I$(E2FS_SOURCE)/e2fsck -I$(E2FS_SOURCE)/debugfs -c -o $@ \
		$(E2FS_SOURCE)/$*.c
$(patsubst %,$(BUILD)/servers/obj/%.o,$(wildcard servers/extfs/*.c)): $(E2FS_TERN_STAMP)
$(BUILD)/servers/extfs: $(EXT_TERN_REPLAY)

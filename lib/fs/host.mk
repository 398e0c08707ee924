# Host tests and fuzzers of lib/fs and of what is built on it: linked with its objects, not including
# its sources.
FS_SOURCES := $(filter-out lib/fs/serve.c,$(wildcard lib/fs/*.c)) $(filter-out %/main.c,$(wildcard servers/tmpfs/*.c))
FS_HOST := $(FS_SOURCES:%.c=$(BUILD)/host/obj/%.o)
FS_FUZZ := $(FS_SOURCES:%.c=$(BUILD)/fuzz/obj/%.o)
$(BUILD)/host/tmpfs_test $(BUILD)/host/file_rules_test: $(FS_HOST)
$(BUILD)/fuzz/file_fuzz: $(FS_FUZZ)
$(FS_HOST): $(BUILD)/host/obj/%.o: %.c Makefile
	$(call say,HOSTCC)
	$(Q)$(HOST_CC) $(HOST_FLAGS) -include tests/host/include/memobj_calls.h -c -o $@ $<
$(FS_FUZZ): $(BUILD)/fuzz/obj/%.o: %.c Makefile
	$(call say,FUZZCC)
	$(Q)$(FUZZ_CC) $(HOST_FLAGS) -fsanitize=fuzzer-no-link \
		-include tests/host/include/memobj_calls.h -c -o $@ $<
-include $(FS_HOST:.o=.d) $(FS_FUZZ:.o=.d)

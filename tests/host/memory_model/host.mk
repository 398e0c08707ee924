# Part of the Makefile: the model of the memory half drives the kernel's own files, all of them.
MEMORY_OBJECTS := $(patsubst tests/host/%.c,%.o,$(wildcard tests/host/memory_model/*.c)) \
	arch/riscv/page_table.o $(patsubst %,kernel/%.o,account address_space device fault fork handle \
	handle_calls large_page mapping memobj memobj_block memobj_calls memobj_clone memobj_io \
	object object_alloc page_alloc pager pin pressure process radix reclaim region region_calls \
	region_pager restart spinlock stream supply user_copy writeback)
$(BUILD)/host/obj/%.o: %.c Makefile
	$(call say,HOSTCC)
	$(Q)$(HOST_CC) $(HOST_FLAGS) -c -o $@ $<
$(BUILD)/fuzz/obj/%.o: %.c Makefile
	$(call say,FUZZCC)
	$(Q)$(FUZZ_CC) $(HOST_FLAGS) -fsanitize=fuzzer -c -o $@ $<
$(BUILD)/host/memory_model_test $(BUILD)/host/large_page_test: $(MEMORY_OBJECTS:%=$(BUILD)/host/obj/%)
$(BUILD)/fuzz/memory_fuzz: $(MEMORY_OBJECTS:%=$(BUILD)/fuzz/obj/%)

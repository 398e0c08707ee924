# The host tests of lib/process are linked with its objects.
PROCESS_SOURCES := $(wildcard lib/process/*.c)
PROCESS_HOST := $(PROCESS_SOURCES:%.c=$(BUILD)/host/obj/%.o)
$(BUILD)/host/process_test $(BUILD)/host/process_signal_test: $(PROCESS_HOST)
$(PROCESS_HOST): $(BUILD)/host/obj/%.o: %.c Makefile
	$(call say,HOSTCC)
	$(Q)$(HOST_CC) $(HOST_FLAGS) -c -o $@ $<
-include $(PROCESS_HOST:.o=.d)

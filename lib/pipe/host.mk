# The host tests and the fuzzer of lib/pipe are linked with its objects; tests/host/pipe_world.h is the world
# that they run in.
PIPE_SOURCES := $(filter-out lib/pipe/server.c lib/pipe/environment.c,$(wildcard lib/pipe/*.c))
PIPE_HOST := $(PIPE_SOURCES:%.c=$(BUILD)/host/obj/%.o)
PIPE_FUZZ := $(PIPE_SOURCES:%.c=$(BUILD)/fuzz/obj/%.o)
$(addprefix $(BUILD)/host/,pipe_test pipe_socket_test pipe_queue_test pipe_random_test): $(PIPE_HOST)
$(BUILD)/fuzz/pipe_fuzz: $(PIPE_FUZZ)
$(PIPE_HOST): $(BUILD)/host/obj/%.o: %.c Makefile
	$(call say,HOSTCC)
	$(Q)$(HOST_CC) $(HOST_FLAGS) -c -o $@ $<
$(PIPE_FUZZ): $(BUILD)/fuzz/obj/%.o: %.c Makefile
	$(call say,FUZZCC)
	$(Q)$(FUZZ_CC) $(HOST_FLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<
-include $(PIPE_HOST:.o=.d) $(PIPE_FUZZ:.o=.d)

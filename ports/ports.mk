# Programs of others and the root disk that holds them. Included by the Makefile.
#
#   make ports                 each folder of ports/ with a recipe.sh: $(BUILD)/ports/NAME
#   make image                 these, and $(BUILD)/root.ext4
#
# ports/build.sh decides by checksums whether a port has to be built; here it is always asked, and its
# stamp gets a new time only when it was.

PORTS := $(patsubst ports/%/recipe.sh,%,$(wildcard ports/*/recipe.sh))
PORT_STAMPS := $(PORTS:%=$(BUILD)/ports/%/.built)
IMAGE_PROGRAMS := $(patsubst image/programs/%.c,$(BUILD)/image-programs/%,$(wildcard image/programs/*.c))

.PHONY: ports image FORCE
$(PORT_STAMPS): $(BUILD)/ports/%/.built: $(TERN_CC) FORCE
	$(Q)BUILD=$(BUILD) CROSS=$(CROSS) HOST_CC="$(HOST_CC)" ports/build.sh $*
ports: $(PORT_STAMPS)

$(BUILD)/image-programs/%: image/programs/%.c $(TERN_CC) ports/ports.mk
	$(call say,CC)
	$(Q)$(TERN_CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARNINGS) -o $@ $<

$(BUILD)/root.ext4: image/build.sh $(shell find image/skeleton -type f) $(PORT_STAMPS) $(IMAGE_PROGRAMS)
	$(Q)BUILD=$(BUILD) CROSS=$(CROSS) image/build.sh
image: $(BUILD)/root.ext4

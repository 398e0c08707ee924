# Conformance programs and the POSIX benchmark. Included by the Makefile.
#
#   tests/posix/NAME/*.c     becomes $(BUILD)/posix/NAME, with tests/posix/check.c behind it
#   $(BUILD)/posix/disk.ext4 a root disk with all of them in /tests, which the runner runs one by one
#   tests/bench/*.c          programs of $(BUILD)/posix/bench.ext4, of which `driver` is the first
#   $(BUILD)/bundle/posix-tests.tar, posix-bench.tar: the system with /tests/runner or /bench/driver as first

POSIX_TESTS := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard tests/posix/*/*.c)))))
POSIX_BENCH := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c))
# They pass wrong pointers on purpose, and what they do not look at is looked at elsewhere.
POSIX_CC := $(TERN_CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -MMD -MP -I. -Wno-stringop-overread \
	-Wno-stringop-overflow -Wno-unused-result -Wno-nonnull

$(BUILD)/posix/obj/%.o: % $(TERN_CC) tests/posix/posix.mk
	$(call say,CC)
	$(Q)$(POSIX_CC) $(WARNINGS) -c -o $@ $<

define posix_test
$(BUILD)/posix/$(1): $(patsubst %,$(BUILD)/posix/obj/%.o,$(wildcard tests/posix/$(1)/*.c tests/posix/*.c))
	$$(call say,LD)
	$(Q)$(TERN_CC) -o $$@ $$^
-include $(patsubst %,$(BUILD)/posix/obj/%.d,$(wildcard tests/posix/$(1)/*.c tests/posix/*.c))
endef
$(foreach test,$(POSIX_TESTS),$(eval $(call posix_test,$(test))))

# The benchmark comes from elsewhere: its warnings are its own.
$(BUILD)/posix/bench/%: tests/bench/%.c $(TERN_CC) tests/posix/posix.mk
	$(call say,CC)
	$(Q)$(POSIX_CC) -o $@ $<

# posix_disk(name, size, folder on it, programs, another folder with what else is on it)
define posix_disk
$(BUILD)/posix/$(1).ext4: $(4) $(if $(5),$(shell find $(5) -type f)) tests/posix/posix.mk
	$$(call say,DISK)
	$(Q)rm -rf $$@ $$(@:.ext4=.root) && mkdir -p $$(addprefix $$(@:.ext4=.root)/,$(3) bin dev tmp proc root)
	$(Q)cp $(4) $$(@:.ext4=.root)/$(3)
	$(Q)$(if $(5),cp -R $(5)/. $$(@:.ext4=.root))
	$(Q)truncate -s $(2) $$@ && $(MKE2FS) -q -t ext4 -E root_owner=0:0 -d $$(@:.ext4=.root) $$@
endef
MKE2FS := $(firstword $(wildcard /sbin/mke2fs /usr/sbin/mke2fs) mke2fs)
$(eval $(call posix_disk,disk,32M,tests,$(POSIX_TESTS:%=$(BUILD)/posix/%)))
$(eval $(call posix_disk,bench,128M,bench,$(POSIX_BENCH:%=$(BUILD)/posix/bench/%)))

POSIX_MANIFEST := servers/manifest servers/manifest-posix
$(eval $(call system_bundle,posix-tests,$(POSIX_MANIFEST) tests/posix/manifest,,$(IMAGE)))
$(eval $(call system_bundle,posix-bench,$(POSIX_MANIFEST) tests/bench/manifest,,$(IMAGE)))

.PHONY: posix-tests
posix-tests: $(BUILD)/bundle/posix-tests.tar $(BUILD)/posix/disk.ext4

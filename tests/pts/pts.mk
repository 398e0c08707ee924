# Debian's posixtestsuite: one program of all its tests. Included by the Makefile.
#
#   $(BUILD)/pts/tests.o     the tests; they see nothing of Tern but the C library's headers
#   $(BUILD)/pts/pts         with main.c, that runs them, and the C library as it is
#   $(BUILD)/posix/pts.ext4  a root disk with it and what is expected of it in /tests
#   $(BUILD)/bundle/pts.tar, pts-all.tar: the system with /tests/pts as first program

$(BUILD)/pts/tests.o: tests/pts/build.sh tests/pts/compile.sh | $(TERN_CC)
	$(call say,PTS)
	$(Q)tests/pts/build.sh $(BUILD)

$(BUILD)/pts/pts: $(BUILD)/pts/tests.o $(wildcard tests/pts/*.[ch]) $(TERN_CC)
	$(call say,LD)
	$(Q)$(filter-out -MMD -MP,$(POSIX_CC)) $(WARNINGS) -I$(BUILD)/pts -o $@ $(filter %.c %.o,$^)

$(eval $(call posix_disk,pts,32M,tests,$(BUILD)/pts/pts tests/pts/expected tests/pts/seconds,tests/pts/root))
$(eval $(call system_bundle,pts,$(POSIX_MANIFEST) tests/pts/manifest,,$(IMAGE)))
$(eval $(call system_bundle,pts-all,$(POSIX_MANIFEST) tests/pts/manifest-all,,$(IMAGE)))

.PHONY: pts
pts: $(BUILD)/bundle/pts.tar $(BUILD)/bundle/pts-all.tar $(BUILD)/posix/pts.ext4

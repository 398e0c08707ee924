# The page that shows the IPC paths instruction by instruction. Included by the Makefile.
#
#   make study                     $(BUILD)/study/index.html
#   make study BASE=<revision>     the same, with what has changed since that git revision

STUDY_BUNDLES := $(patsubst %,$(BUILD)/bundle/%.tar,bench memorybench pipebench study)

# The system with a program that reads a file as the first one.
$(eval $(call system_bundle,study,$(POSIX_MANIFEST) study/manifest,,$(IMAGE)))

.PHONY: study
study: kernel $(STUDY_BUNDLES) $(BUILD)/posix/bench/reader $(BUILD)/posix/bench.ext4
	$(Q)BUILD=$(BUILD) /usr/bin/python3 study/study.py $(if $(BASE),--base "$(BASE)")

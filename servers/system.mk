# Boot bundles of the whole system: init, the servers and their manifest, which is checked on the way.
# Included by the Makefile. The bundle stays in memory as long as the system runs: it holds programs without
# their symbols, which $(BUILD)/servers has; but the tracer takes them from the bundle that it looks at.

SYSTEM_SERVERS := $(filter-out init,$(notdir $(patsubst %/,%,$(sort \
	$(dir $(wildcard servers/*/*.c))))))
MANIFEST_CHECK := $(BUILD)/host/manifest-check

$(MANIFEST_CHECK): lib/manifest/check/main.c $(wildcard lib/manifest/*.[ch]) servers/system.mk
	$(call say,HOSTCC)
	$(Q)$(HOST_CC) -std=gnu11 -O1 $(WARNINGS) -I. -o $@ $(filter %.c,$^)

# system_bundle(name, parts of the manifest, further programs, other files)
define system_bundle
$(BUILD)/bundle/$(1).tar: $(2) $(MANIFEST_CHECK) $(SYSTEM_SERVERS:%=$(BUILD)/servers/%) \
		$(BUILD)/servers/init $(3:%=$(BUILD)/servers/%) $(4)
	$$(call say,TAR)
	$(Q)rm -rf $$(@:.tar=) && mkdir -p $$(@:.tar=)
	$(Q)cp $$(filter $(BUILD)/servers/%,$$^) $(4) $$(@:.tar=)
	$(if $(filter study,$(1)),,$(Q)$(STRIP) $$(@:.tar=)/*)
	$(Q)cat $(2) > $$(@:.tar=)/manifest
	$(Q)$(MANIFEST_CHECK) $$(@:.tar=)/manifest $(SYSTEM_SERVERS) $(3)
	$(Q)tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --mode=0755 \
		-C $$(@:.tar=) -cf $$@ init manifest $(SYSTEM_SERVERS) $(3) $(notdir $(4))

servers: $(BUILD)/bundle/$(1).tar
endef

# The standard bundle, and the same without programs: what scripts/qemu-run.sh boots, and tests of servers.
$(eval $(call system_bundle,system,servers/manifest servers/manifest-posix,,$(IMAGE)))
$(eval $(call system_bundle,servers,servers/manifest,))
$(eval $(call system_bundle,restartbench,servers/manifest tests/programs/terminal/bench.manifest,terminal))

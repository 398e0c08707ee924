"""Booting: every supported number of harts and size of memory, and clear ends where it cannot."""
import re

import pytest

from machine import DEBUG_KERNEL, KERNEL, Boot, bundle, make_bundle, patched_kernel, symbol


@pytest.mark.parametrize("smp", range(1, 9))
def test_boots_on_harts(smp):
    boot = Boot(initrd=bundle("pingpong"), smp=smp)
    assert boot.status == 0, boot
    assert re.search(rf"\b{smp} hart", boot.console), boot


def test_boots_when_firmware_starts_harts_at_the_first_instruction():
    boot = Boot(initrd=bundle("pingpong"), smp=4, append="test=late-harts")
    assert boot.status == 0, boot
    assert boot.console.count("Tern: 4 harts") == 1, boot


@pytest.mark.parametrize("memory", ["64M", "100M", "1G", "3G", "8G"])
def test_boots_with_memory(memory):
    boot = Boot(initrd=bundle("pingpong"), smp=2, memory=memory)
    assert boot.status == 0, boot


@pytest.mark.parametrize("memory", ["64M", "8G"])
def test_debug_kernel_boots_with_memory(memory):
    boot = Boot(kernel=DEBUG_KERNEL, initrd=bundle("pingpong"), smp=4, memory=memory)
    assert boot.status == 0, boot


def check_fatal(boot, *words):
    """A message that names the cause, a failing status, no backtrace: not the kernel's fault."""
    assert boot.status != 0, boot
    lines = [line for line in boot.console.splitlines() if "fatal" in line]
    assert len(lines) == 1, boot
    for word in words:
        assert word in lines[0], boot
    assert "backtrace" not in boot.console, boot


def test_no_bundle_is_fatal():
    check_fatal(Boot(), "bundle")


def test_too_little_memory_is_fatal():
    check_fatal(Boot(initrd=bundle("pingpong"), memory="32M"), "memory", "64 MiB")


def test_missing_sv48_is_fatal():
    """QEMU 7.2 cannot switch off Sv48 alone; without any translation the same check must fire."""
    check_fatal(Boot(initrd=bundle("pingpong"), cpu="rv64,mmu=off"), "Sv48")


def test_bundle_without_init_is_fatal(tmp_path):
    path = make_bundle(tmp_path / "empty.tar", {"other": b"text"})
    check_fatal(Boot(initrd=path), "init")


def test_bundle_of_garbage_is_fatal(tmp_path):
    path = tmp_path / "garbage.tar"
    path.write_bytes(bytes(range(256)) * 64)
    check_fatal(Boot(initrd=str(path)), "init")


def test_init_that_is_no_program_is_fatal(tmp_path):
    path = make_bundle(tmp_path / "text.tar", {"init": b"#!/bin/sh\n" * 100})
    check_fatal(Boot(initrd=path), "init", "ELF")


def test_truncated_init_is_fatal(tmp_path):
    with open(bundle("pingpong").replace("bundle/", "user/").removesuffix(".tar"), "rb") as file:
        program = file.read()
    path = make_bundle(tmp_path / "short.tar", {"init": program[:4200]})
    check_fatal(Boot(initrd=path), "init")


@pytest.mark.parametrize("kernel", [KERNEL, DEBUG_KERNEL], ids=["release", "debug"])
def test_panic_shows_a_symbolised_backtrace_and_fails(kernel):
    boot = Boot(kernel=kernel, initrd=bundle("pingpong"), append="test=panic", smp=2)
    assert boot.status != 0, boot
    assert "panic" in boot.console, boot
    trace = boot.console[boot.console.index("backtrace"):]
    assert re.search(r"\bkernel_start\+0x[0-9a-f]+", trace), boot


def test_panic_before_the_device_tree_is_read_fails(tmp_path):
    """The reader of the device tree begins with a breakpoint instead of its first instruction."""
    path = patched_kernel(tmp_path / "kernel.elf", "fdt_next_tag", b"\x73\x00\x10\x00")
    boot = Boot(kernel=path, initrd=bundle("pingpong"))
    assert boot.status not in (0, 1), boot
    assert "trap in the kernel: cause 3" in boot.console, boot


@pytest.mark.parametrize("kernel", [KERNEL, DEBUG_KERNEL], ids=["release", "debug"])
def test_stack_overflow_ends_at_the_guard_page(kernel):
    boot = Boot(kernel=kernel, initrd=bundle("pingpong"), append="test=stack-overflow", smp=2)
    assert boot.status not in (0, 1), boot
    fault = re.search(r"trap in the kernel: cause 15, address ([0-9a-f]+)", boot.console)
    assert fault, boot
    guard = symbol(kernel, "boot_stack_guard")
    assert guard <= int(fault[1], 16) < guard + 4096, boot


@pytest.mark.parametrize("kernel", [KERNEL, DEBUG_KERNEL], ids=["release", "debug"])
def test_boots_without_the_sstc_extension(kernel):
    boot = Boot(kernel=kernel, initrd=bundle("pingpong"), cpu="rv64,sstc=off", smp=2)
    assert boot.status == 0, boot


@pytest.mark.parametrize("attempt", range(4))
def test_boots_with_more_harts_than_it_uses(attempt):
    """The firmware picks the boot hart by chance: it may be one of the harts beyond the limit."""
    boot = Boot(initrd=bundle("pingpong"), smp=16)
    assert boot.status == 0, (attempt, boot)
    assert re.search(r"\b8 harts", boot.console), boot

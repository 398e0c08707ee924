"""A source package is taken only when it is the pinned one."""
import os
import shutil
import subprocess

import pytest

from machine import BUILD, TOP


@pytest.fixture(name="copy")
def fixture_copy(tmp_path):
    """The script with its checksums and what it has downloaded, and no way to download."""
    for name in ("fetch-source.sh", "source-sha256.txt"):
        shutil.copy(os.path.join(TOP, "scripts", name), tmp_path)
    shutil.copytree(os.path.join(BUILD, "sources/archives"), tmp_path / "sources/archives")
    fake = tmp_path / "bin/apt-get"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    return tmp_path


def fetch(copy, package):
    environment = {**os.environ, "PATH": f"{copy}/bin:{os.environ['PATH']}"}
    return subprocess.run([copy / "fetch-source.sh", package, copy / "sources"], text=True,
                          capture_output=True, env=environment, check=False)


def test_what_was_downloaded_is_used_again(copy):
    result = fetch(copy, "kexec-tools")
    assert result.returncode == 0, result.stderr
    assert (copy / "sources/kexec-tools/kexec/libfdt/fdt_ro.c").exists()


def test_a_damaged_archive_is_not_unpacked(copy):
    archive = next((copy / "sources/archives").glob("kexec-tools_*.orig.tar.*"))
    archive.write_bytes(archive.read_bytes() + b"x")
    result = fetch(copy, "kexec-tools")
    assert result.returncode == 1
    assert "no network?" in result.stderr
    assert not (copy / "sources/kexec-tools").exists()


def test_a_package_without_checksum_is_refused(copy):
    result = fetch(copy, "hello")
    assert result.returncode == 1
    assert "no checksum" in result.stderr

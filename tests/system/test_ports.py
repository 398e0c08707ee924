"""A port is built of the pinned source or not at all; the root disk holds what it should."""
import os
import re
import shutil
import subprocess

import pytest

from machine import BUILD, TOP

IMAGE = os.path.join(BUILD, "root.ext4")


@pytest.fixture(name="copy")
def fixture_copy(tmp_path):
    """The scripts, a port without work to do, and an apt-get that delivers what the test has put."""
    for name in ("scripts", "ports", "libmusl-port", "linker", "include"):
        shutil.copytree(os.path.join(TOP, name), tmp_path / name)
    (tmp_path / "build/bin").mkdir(parents=True)
    os.symlink("/bin/true", tmp_path / "build/bin/tern-cc")
    recipe = tmp_path / "ports/small/recipe.sh"
    recipe.parent.mkdir()
    recipe.write_text("package=small\nbuild()\n{\n    cat file > \"$root/file\"\n}\n")
    fake = tmp_path / "fake/apt-get"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\ncase \"$*\" in\n*update*) exit 0 ;;\nesac\n"
                    f"[ -d {tmp_path}/mirror ] && cp {tmp_path}/mirror/* .\n")
    fake.chmod(0o755)
    return tmp_path


def build(copy, name="small"):
    environment = {**os.environ, "PATH": f"{copy}/fake:{os.environ['PATH']}",
                   "BUILD": str(copy / "build")}
    return subprocess.run([copy / "ports/build.sh", name], env=environment, text=True,
                          capture_output=True, check=False, timeout=600)


def publish(copy, content):
    """A source package `small` with one file."""
    mirror = copy / "mirror"
    source = copy / "made/small-1"
    for folder in (mirror, source / "debian/source"):
        folder.mkdir(parents=True, exist_ok=True)
    (source / "file").write_text(content)
    archive = mirror / "small_1.orig.tar.gz"
    subprocess.run(["tar", "-C", source.parent, "--exclude=debian", "-czf", archive, "small-1"],
                   check=True)
    (source / "debian/source/format").write_text("3.0 (quilt)\n")
    (source / "debian/changelog").write_text(
        "small (1-1) unstable; urgency=low\n\n  * New.\n\n"
        " -- A <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n")
    (source / "debian/control").write_text(
        "Source: small\nMaintainer: A <a@example.org>\n\nPackage: small\nArchitecture: all\n"
        "Description: small\n")
    shutil.copy(archive, source.parent)
    subprocess.run(["dpkg-source", "-q", "-b", "small-1"], cwd=source.parent, check=True,
                   capture_output=True)
    for made in source.parent.glob("small_1-1*"):
        shutil.copy(made, mirror)
    return archive


def pin(copy, archive):
    with open(copy / "scripts/source-sha256.txt", "a", encoding="ascii") as pins:
        line = subprocess.run(["sha256sum", archive], text=True, capture_output=True, check=True)
        pins.write(f"{line.stdout.split()[0]}  {archive.name}\n")


def test_a_port_is_built_once_until_its_recipe_changes(copy):
    pin(copy, publish(copy, "one"))
    first, second = build(copy), build(copy)
    assert "built port small" in first.stdout, first.stderr
    assert (copy / "build/ports/small/root/file").read_text() == "one"
    assert (second.returncode, second.stdout) == (0, "")
    with open(copy / "ports/small/recipe.sh", "a", encoding="ascii") as recipe:
        recipe.write("# changed\n")
    assert "built port small" in build(copy).stdout


def test_a_source_with_another_checksum_is_refused(copy):
    pin(copy, publish(copy, "one"))
    publish(copy, "two")
    result = build(copy)
    assert result.returncode == 1
    assert "the downloaded tarball is not the pinned one" in result.stderr
    assert not (copy / "build/ports/small/.built").exists()


def test_a_source_that_is_gone_is_named(copy):
    pin(copy, publish(copy, "one"))
    shutil.rmtree(copy / "mirror")
    result = build(copy)
    assert result.returncode == 1
    assert "small: the source package cannot be downloaded" in result.stderr


def test_a_port_without_checksum_is_refused(copy):
    result = build(copy)
    assert result.returncode == 1
    assert "no checksum" in result.stderr


def test_a_build_that_fails_shows_why_and_leaves_no_stamp(copy):
    pin(copy, publish(copy, "one"))
    (copy / "ports/small/recipe.sh").write_text("package=small\nbuild()\n{\n    ls /absent\n"
                                                "    echo on\n}\n")
    result = build(copy)
    assert result.returncode == 1
    assert "/absent" in result.stderr and "small cannot be built" in result.stderr
    assert "built port" not in build(copy).stdout


def debugfs(*requests):
    return subprocess.run(["/usr/sbin/debugfs", "-R", *requests, IMAGE], text=True,
                          capture_output=True, check=True).stdout


def test_the_root_disk_is_a_clean_file_system():
    check = subprocess.run(["/usr/sbin/e2fsck", "-fn", IMAGE], text=True, capture_output=True,
                           check=False)
    assert check.returncode == 0, check.stdout


PROGRAMS = """/bin/busybox /bin/dash /usr/bin/lua /usr/bin/sqlite3 /usr/bin/minigzip /usr/bin/less
/usr/bin/nano /usr/bin/make /usr/bin/mawk /usr/bin/bc /usr/bin/tcc /sbin/tern-run"""


@pytest.mark.parametrize("path", PROGRAMS.split())
def test_a_program_is_on_the_disk(path):
    inode = debugfs(f"stat {path}")
    assert re.search(r"Type: regular\s+Mode:\s+0[157]55", inode), inode
    assert re.search(r"User:\s+0\s+Group:\s+0", inode)


def test_the_compiler_has_its_library():
    for path in ("/usr/include/stdio.h", "/usr/lib/libc.a", "/usr/lib/crt1.o",
                 "/usr/lib/tcc/libtcc1.a"):
        assert "Type: regular" in debugfs(f"stat {path}"), path


def test_the_disk_has_places_to_mount_on():
    for path in ("/dev", "/proc", "/tmp", "/mnt/0", "/mnt/5", "/root"):
        assert "Type: directory" in debugfs(f"stat {path}"), path

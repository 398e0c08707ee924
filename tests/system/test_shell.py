"""The whole system from outside: commands, the root disk, further disks."""
import os
import re
import subprocess
import time

import pytest

from conversation import Conversation
from machine import BUILD, TOP, bundle

SCRIPT = os.environ.get('SCRIPT', os.path.join(TOP, 'scripts/qemu-run.sh'))
TIME_LIMIT = 900


@pytest.fixture(name="disk", scope="module")
def fixture_disk(tmp_path_factory):
    """Where these tests have their root disk: not where a person's is."""
    return str(tmp_path_factory.mktemp("disk") / "root.ext4")


def run(disk, command, *options, time_limit=TIME_LIMIT):
    """A command in Tern; the result has stdout and stderr as bytes, and returncode."""
    return subprocess.run([SCRIPT, "--timeout", str(time_limit), *options, "--run", command],
                          capture_output=True, check=False, timeout=time_limit + 60,
                          stdin=subprocess.DEVNULL, env={**os.environ, "TERN_DISK": disk})


def said(result):
    return result.stdout.decode(), result.stderr.decode(), result.returncode


def test_output_error_and_status_are_the_commands_own(disk):
    result = run(disk, "echo one; echo two >&2; printf three; exit 7", "--fresh")
    assert said(result) == ("one\nthree", "two\n", 7)


QUOTES = r"""printf '%s\n' 'it'\''s' "a \"b\" \$HOME" \\ \`x\` '$(y)' "$((6 * 7))" # ü
true && echo 'two
lines'; echo -n end"""


def test_the_command_arrives_unharmed(disk):
    wanted = "it's\na \"b\" $HOME\n\\\n`x`\n$(y)\n42\ntwo\nlines\nend"
    assert said(run(disk, QUOTES)) == (wanted, "", 0)


def test_output_is_exact_to_the_byte(disk):
    result = run(disk, "lua -e 'for i = 0, 255 do io.write(string.char(i)) end'; printf '\\n\\r\\n\\n'")
    assert (result.stdout, result.returncode) == (bytes(range(256)) + b"\n\r\n\n", 0)


def test_much_output_and_a_long_command(disk):
    words = " ".join(str(number) for number in range(4000))
    result = run(disk, f"set -- {words}; echo $#; seq 40000; head -c 300000 /dev/zero")
    numbers = "".join(f"{number}\n" for number in range(1, 40001))
    assert result.stdout == b"4000\n" + numbers.encode() + bytes(300000)


def test_a_command_that_takes_too_long_ends_with_124(disk):
    for limit in (10, 30, 90, 270):  # enough to begin
        result = run(disk, "echo begun; sleep 1000", time_limit=limit)
        if result.stdout:
            break
    assert (result.stdout, result.returncode) == (b"begun\n", 124)


def test_what_stays_in_the_background_is_not_waited_for(disk):
    begin = time.monotonic()
    assert said(run(disk, "sleep 1000 & echo done")) == ("done\n", "", 0)
    assert time.monotonic() - begin < 800


def test_a_killed_command_has_the_shells_status(disk):
    assert run(disk, "kill -9 $$").returncode == 137


def test_files_stay_until_a_fresh_disk(disk):
    assert said(run(disk, "echo kept > /root/file; exit 0")) == ("", "", 0)
    assert said(run(disk, "cat /root/file")) == ("kept\n", "", 0)
    check = subprocess.run(["/usr/sbin/e2fsck", "-fn", disk], capture_output=True, check=False)
    assert check.returncode == 0, check.stdout
    assert run(disk, "cat /root/file", "--fresh").returncode == 1


def test_a_system_without_a_shell_says_so(tmp_path):
    own = str(tmp_path / "root.ext4")
    assert said(run(own, "mv /bin/sh /bin/shell")) == ("", "", 0)
    result = run(own, "true")
    assert (result.stderr.endswith(b"\n/bin/sh: not found\n"), result.returncode) == (True, 127), result
    subprocess.run(["/usr/sbin/debugfs", "-w", "-R", "symlink /bin/sh ../etc/passwd", own],
                   capture_output=True, check=True)
    result = run(own, "true")
    assert (result.stderr.endswith(b"\n/bin/sh: cannot be executed\n"), result.returncode) == (True, 126), result


IDLE_KIB = 16 * 1024


def test_an_idle_system_needs_little_memory(disk):
    """All RAM but the free pages: the firmware, the kernel's own, its tables, the bundle, the cache."""
    result = run(disk, "cat /proc/meminfo", "--mem", "512")
    free = int(re.search(r"MemFree: +([0-9]+) kB", result.stdout.decode())[1])
    assert 512 * 1024 - free <= IDLE_KIB, result


def test_the_least_memory_is_enough_for_work(disk):
    result = run(disk, "seq 100000 | sort -n | tail -n 1; head -c 4194304 /dev/zero > /tmp/f; "
                 "md5sum < /tmp/f; lua -e 'print(#string.rep(\"x\", 8 << 20))'", "--mem", "64")
    zeroes = "b5cfa9d6c8febd618f91ac2843d50a1c"
    assert said(result) == (f"100000\n{zeroes}  -\n8388608\n", "", 0)


def test_all_disks_are_unmounted_at_once(disk, tmp_path):
    """The server of a disk may have been started again when the system begins to stop."""
    run(disk, "true")
    second = str(tmp_path / "second.ext4")
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", second, "16M"], check=True)
    options = []
    for number, image in enumerate((disk, second)):
        options += ["-drive", f"file={image},if=none,id=disk{number},format=raw",
                    "-device", f"virtio-blk-device,drive=disk{number},bus=virtio-mmio-bus.{number}"]
    talk = Conversation(bundle("system"),
                        options=["-global", "virtio-mmio.force-legacy=false", *options])
    talk.expect("tern:/# ")
    talk.send("exit\n")
    assert talk.end() == 0
    assert "did not stop" not in talk.before
    for image in (disk, second):
        subprocess.run(["/usr/sbin/e2fsck", "-fn", image], check=True, capture_output=True)


def test_disks_are_mounted_by_their_number(disk, tmp_path):
    images = []
    for number in range(2):
        tree = tmp_path / f"tree{number}"
        tree.mkdir()
        (tree / "name").write_text(f"disk {number}\n")
        images.append(str(tmp_path / f"{number}.ext4"))
        subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", tree, images[-1], "16M"],
                       check=True, capture_output=True)
    result = run(disk, "cat /mnt/0/name /mnt/1/name; echo new > /mnt/1/written",
                 "--disk", images[0], "--disk", images[1])
    assert said(result) == ("disk 0\ndisk 1\n", "", 0)
    for image in images:
        subprocess.run(["/usr/sbin/e2fsck", "-fn", image], check=True, capture_output=True)
    written = subprocess.run(["/usr/sbin/debugfs", "-R", "cat /written", images[1]], text=True,
                             check=True, capture_output=True)
    assert written.stdout == "new\n"


PORTS = r"""
cd /usr/share/tern/examples
cc -o /tmp/hello hello.c && /tmp/hello
cc -run hello.c | cut -d, -f1
sort -t, -k2n birds.csv | awk -F, '{ print $2, $1 }' | sed -n 2p
sqlite3 /root/birds.db '.import --csv birds.csv birds' \
    'select name from birds order by km + 0 desc limit 1'
lua primes.lua 12 | tr '\n' ' '; echo
luac -p primes.lua && echo compiled
echo '2^70; scale=5; a(1)*4' | bc -l
echo '2 3 + p' | dc
mawk 'BEGIN { print substr("mawk", 2) }'
echo squeezed | minigzip | minigzip -d
echo zipped | gzip | bzip2 | bunzip2 | zcat
dash -c 'echo dash $((6*7))'
mkdir /tmp/m && cd /tmp/m && printf 'all: a b\na b:\n\t@echo made $@\n' > Makefile && make -j2 | sort
seq 3 | less | tail -n 1
tar -cf - /etc | tar -tf - | grep motd
nano --version | head -n 1 | cut -c 1-10
"""

PORTS_SAY = """Hello from Tern
9000 Black tern
Arctic tern
2 3 5 7 11 \ncompiled
1180591620717411303424
3.14156
5
awk
squeezed
zipped
dash 42
made a
made b
3
etc/motd
 GNU nano,"""


def test_the_ports_work(disk):
    result = run(disk, PORTS, "--fresh")
    lines = result.stdout.decode().splitlines()
    assert re.fullmatch(r"Hello from Tern, process \d+", lines[0]), result
    assert lines[1:] == PORTS_SAY.splitlines(), result.stderr


PROGRAM = r"""cat > /tmp/p.c <<'END'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *half(void *number)
{
	*(double *)number /= 2;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	double number = atof(argv[1]);
	long double sum = 0.1L;
	char text[40];

	pthread_create(&thread, NULL, half, &number);
	pthread_join(thread, NULL);
	snprintf(text, sizeof(text), "%d %.3f %.3Lf", argc, sqrt(number), sum * 3);
	puts(text);
	return (int)strlen(text);
}
END
cd /tmp && tcc -Wall -o p p.c && ./p 4"""


def test_tcc_compiles_a_program_with_threads(disk):
    assert said(run(disk, PROGRAM)) == ("2 1.414 0.300\n", "", 13)


LUA_MAKEFILE = """OBJECTS := $(filter-out luac.o,$(patsubst %.c,%.o,$(wildcard *.c)))
lua: $(OBJECTS)
	tcc -o $@ $^ -lm
%.o: %.c
	tcc -DLUA_USE_POSIX -c -o $@ $<
"""


def test_lua_is_built_with_make_and_tcc(disk, tmp_path):
    source = os.path.join(BUILD, "sources/lua5.4/src")
    tree, image = tmp_path / "lua", tmp_path / "lua.ext4"
    tree.mkdir()
    for name in os.listdir(source):
        if name.endswith((".c", ".h")):
            (tree / name).write_bytes(open(os.path.join(source, name), "rb").read())
    (tree / "lua5.4-deb-multiarch.h").write_text('#define DEB_HOST_MULTIARCH "tern"\n')
    (tree / "Makefile").write_text(LUA_MAKEFILE)
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", tree, image, "32M"], check=True,
                   capture_output=True)
    result = run(disk, "cd /mnt/0 && make -s -j4 && ./lua -e 'print(_VERSION, 2^10 // 3)'",
                 "--disk", str(image))
    assert said(result) == ("Lua 5.4\t341.0\n", "", 0)


TRANSACTIONS = """cd /root
sqlite3 bank.db 'create table t(number integer primary key, text)'
i=0
while [ $i -lt 10000 ]; do
    echo "begin; insert into t(text) values('row $i'); commit;"
    i=$((i + 1))
done | sqlite3 bank.db"""


def test_a_database_survives_a_power_cut_among_transactions(disk):
    for limit in (15, 60, 240):  # enough to begin
        assert run(disk, TRANSACTIONS, "--fresh", time_limit=limit).returncode == 124
        count = run(disk, "sqlite3 /root/bank.db 'pragma integrity_check; select count(*) > 0 from t'")
        if count.stdout != b"ok\n0\n" and b"no such table" not in count.stderr:
            break
    assert said(count) == ("ok\n1\n", "", 0)


def test_a_small_disk_takes_as_many_files_as_fit(disk, tmp_path):
    """What is promised to a growing file in advance is there for others once it is closed."""
    image = tmp_path / "small.ext4"
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", image, "16M"], check=True,
                   capture_output=True)
    result = run(disk, "cd /mnt/0; for i in 0 1 2 3 4 5 6 7 8 9; do dd if=/dev/zero of=a$i bs=900000 "
                 "count=1 2>/dev/null || echo full; done; ls -l a* | awk '{ n += $5 } END { print n }'",
                 "--disk", str(image))
    assert said(result) == ("9000000\n", "", 0)


def test_a_disk_may_have_any_name_but_the_root_disks(disk, tmp_path):
    image = tmp_path / "a:b, c.ext4"
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", image, "4M"], check=True)
    result = run(disk, "df /mnt/0 | grep -c disk1; poweroff -f; sleep 100", "--disk", str(image))
    assert said(result) == ("1\n", "", 0)
    result = run(disk, "true", "--disk", disk)
    assert result.returncode == 2 and b"is the root disk already" in result.stderr


def test_the_cache_is_no_memory_in_use(disk):
    result = run(disk, "dd if=/dev/zero of=/root/big bs=1M count=40 2> /dev/null; free -m; rm /root/big")
    total, used, free, _, cached, available = map(
        int, re.search(r"Mem:(.*)", result.stdout.decode())[1].split())
    assert cached >= 40 and used <= 40 and available >= free + 40 and free <= total - 40


def test_descriptors_and_devices_have_names_and_times(disk):
    output, error, status = said(run(disk, "ls /dev/fd; cd /dev/fd/ && pwd; find /dev/ -mtime +1000; echo"
                                     " $(($(date +%s) - $(stat -c %Y /dev/null) < 1000))"))
    assert (error, status) == ("", 0)
    assert re.fullmatch(r"0\n1\n2\n(\d\n)*/(dev|proc/self)/fd\n1\n", output), output


FILL_TMP = """dd if=/dev/zero of=/tmp/fill bs=64k 2> /dev/null
for i in 1 2 3 4 5 6; do mkdir -p /tmp/d$i; ls -laR /tmp > /dev/null; echo $i 2> /dev/null > /tmp/d$i/f; cat /tmp/d$i/f; done
lua -e 'local n, f = 0
while true do f = io.open("/tmp/d1/f" .. n, "w") if not f then break end f:close() n = n + 1 end
print(n > 500)'
ls /tmp; rm -r /tmp/*; echo fits > /tmp/g; cat /tmp/g"""


def test_a_full_tmp_loses_nothing(disk):
    """Neither its contents nor its names take the memory that the server itself needs."""
    assert said(run(disk, FILL_TMP, "--mem", "64")) == (
        "true\nd1\nd2\nd3\nd4\nd5\nd6\nfill\nfits\n", "", 0)


def test_users_become_root_with_its_password(tmp_path):
    result = run(str(tmp_path / "root.ext4"), "echo root:secret | chpasswd\n"
                 "su user -c 'id -u; echo secret | su -c \"id -u\"; echo wrong | su -c \"id -u\"'")
    assert re.findall(r"\b\d+\b", result.stdout.decode()) == ["1000", "0"]
    assert result.returncode == 1


def test_the_time_has_nanoseconds(disk):
    result = run(disk, "date +%N")
    assert re.fullmatch(r"\d{9}\n", result.stdout.decode())

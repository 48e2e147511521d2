#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small machine with OpenZFS: Debian's kernel, Debian's ZFS and userland, two disks, under QEMU without KVM.

    tools/guest_zfs.py        makes it (build/guest-root, kept): 2 minutes for packages, 10 to 30 for the modules, once
    with Guest() as guest:    boots it; guest.run("zpool list") is (exit code, what was said)

Nothing is installed on this machine: all of it lies in a Debian root of its own; what would start or build something when it is
installed (kernel, zfs-dkms, zfsutils-linux of contrib) is only unpacked there. Root or user namespaces. tests/guest/zfs.py uses it;
nothing of `make test` does.
"""
import base64
import fcntl
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "harness"))
import debian_root  # noqa: E402
from node import ROOT  # noqa: E402

SUITE = "bookworm"
ROOT_NAME = "guest-root"
PACKAGES = ["gcc", "make", "libc6-dev", "linux-headers-cloud-amd64", "qemu-system-x86", "busybox-static", "cpio", "kmod", "procps",
            "libuuid1", "libblkid1", "libssl3", "libtirpc3", "libudev1", "zlib1g", "openssh-server", "openssh-client"]
UNPACK = r"""set -e
kernel=$(basename "$1"/usr/src/linux-headers-*-cloud-amd64 | sed s/linux-headers-//)
echo "$kernel" > "$1/guest-kernel"
chroot "$1" sh -ec "mkdir /guest /tmp/unpack; cd /tmp/unpack
apt-get -q download linux-image-$kernel zfs-dkms zfsutils-linux libnvpair3linux libuutil3linux libzfs4linux libzpool5linux
for file in *.deb; do dpkg -x \$file /guest; done; rm -r /tmp/unpack"
"""
MODULES = r"""kernel=$(cat /guest-kernel); to=/guest/lib/modules/$kernel/extra
rm -rf /build-zfs "$to.new"; cp -r /guest/usr/src/zfs-* /build-zfs; cd /build-zfs
renice -n 19 $$ > /dev/null
./configure --with-config=kernel --with-linux="/usr/src/linux-headers-${kernel%-cloud-amd64}-common" \
    --with-linux-obj="/usr/src/linux-headers-$kernel"
make -j1
mkdir "$to.new"; find module -name "*.ko" -exec cp {} "$to.new/" \;; strip -g "$to.new/"*.ko; mv "$to.new" "$to"; rm -rf /build-zfs"""
# What zfs_sync.sh and its tests use is Debian's own; busybox does what a machine needs besides.
PROGRAMS = """dash cat date dd mktemp mkdir mv rm cp ln ls tail head cut wc sed grep expand tr sort sleep od sha256sum base64 chmod
    touch sync printf env id stat flock setsid setpriv seq uname kmod pgrep pkill mawk zfs zpool zstream sshd ssh ssh-keygen""".split()
BUSYBOX = "mount umount stty ip".split()
DRIVERS = "drivers/virtio/ drivers/block/virtio_blk drivers/char/hw_random/ fs/fscrypto".split()
LIBRARY_PATHS = "/guest/lib/x86_64-linux-gnu:/guest/usr/lib/x86_64-linux-gnu"
INIT = r"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/home LC_ALL=C ZPOOL_IMPORT_UDEV_TIMEOUT_MS=0
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mkdir -p /dev/pts /run/sshd /tmp
mount -t devpts devpts /dev/pts; mount -t tmpfs run /run; mkdir -p /run/sshd; mount -t tmpfs tmp /tmp
for module in virtio_pci virtio_blk zfs; do modprobe $module; done
ip link set lo up
exec < /dev/ttyS1 > /dev/ttyS1
stty -F /dev/ttyS1 raw -echo
echo "ready: "
while read -r line; do
    echo "$line" | base64 -d > /run/command
    sh /run/command > /run/said 2>&1 < /dev/null
    echo "code $?: $(base64 -w 0 < /run/said)"
done
"""
MAKE_LIMIT_S, MODULES_LIMIT_S, BOOT_LIMIT_S, RUN_LIMIT_S = 900, 5400, 300, 600
MEMORY_MIB, DISK_MIB = 1024, 512
SECTOR, FIRST_SECTOR, ZFS_TYPE = 512, 2048, 0xBF


def root():
    return debian_root.make(ROOT_NAME, SUITE, PACKAGES, limit_s=MAKE_LIMIT_S, components=["contrib"], hooks=[UNPACK])


def enter(folder, *command):
    """The argv that runs a command in that root, with devices and processes to look at."""
    how = ["unshare", "--mount", "--propagation", "private"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    inside = 'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; folder=$1; shift; exec chroot "$folder" "$@"'
    return [*how, "/bin/sh", "-ec", inside, "enter", folder, *command]


def ask(folder, *command, limit_s=RUN_LIMIT_S):
    done = subprocess.run(enter(folder, *command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=limit_s)
    assert done.returncode == 0, (command, done.stdout[-3000:])
    return done.stdout


def kernel(folder):
    return open(os.path.join(folder, "guest-kernel")).read().strip()


def modules(folder):
    """OpenZFS for that kernel, compiled once. Returns the seconds it took, 0 when it was there."""
    if os.path.exists(os.path.join(folder, "guest/lib/modules", kernel(folder), "extra/zfs.ko")):
        return 0
    began = time.monotonic()
    ask(folder, "/bin/sh", "-ec", MODULES, limit_s=MODULES_LIMIT_S)
    return time.monotonic() - began


def find(folder, name):
    for place in ("guest/sbin", "guest/usr/sbin", "usr/bin", "usr/sbin", "bin", "sbin"):
        path = os.path.join(folder, place, name)
        if os.path.isfile(path):
            return path
    raise AssertionError("there is no %s in %s" % (name, folder))


def libraries(folder, programs):
    """Every library that these need, as paths in the root; libgcc_s is opened by name when a thread ends."""
    inside = ["/" + os.path.relpath(path, folder) for path in programs]
    said = ask(folder, "/usr/bin/env", "LD_LIBRARY_PATH=" + LIBRARY_PATHS, "ldd", *inside)
    return sorted(set(re.findall(r"(/\S+\.so\S*) \(0x", said)) | {"/lib/x86_64-linux-gnu/libgcc_s.so.1"})


def put(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy2(source, target)


def initramfs(folder, place, files):
    """Everything that machine has: programs, libraries, modules, our scripts (`files`: path there -> path here)."""
    stage = os.path.join(folder, place, "stage")
    for name in ("usr/bin", "usr/lib", "usr/lib64", "etc", "proc", "sys", "dev", "run", "tmp", "home", "var/empty", "var/lib"):
        os.makedirs(os.path.join(stage, name))
    for name, to in (("bin", "usr/bin"), ("sbin", "usr/bin"), ("usr/sbin", "bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
        os.symlink(to, os.path.join(stage, name))
    programs = {name: find(folder, name) for name in PROGRAMS}
    for name, path in programs.items():
        put(path, os.path.join(stage, "usr/bin", name))
    put(find(folder, "busybox"), os.path.join(stage, "usr/bin/busybox"))
    for name, to in [("sh", "dash"), ("awk", "mawk"), ("modprobe", "kmod"), *((name, "busybox") for name in BUSYBOX)]:
        os.symlink(to, os.path.join(stage, "usr/bin", name))
    for path in libraries(folder, programs.values()):
        to = "usr/lib64" if "ld-linux" in path else "usr/lib/x86_64-linux-gnu"
        put(os.path.realpath(os.path.join(folder, path[1:])), os.path.join(stage, to, os.path.basename(path)))
    source, target = "guest/lib/modules/" + kernel(folder), os.path.join(stage, "usr/lib/modules", kernel(folder))
    for within, _, names in os.walk(os.path.join(folder, source)):
        for name in names:
            path = os.path.relpath(os.path.join(within, name), os.path.join(folder, source))
            if path.startswith(("extra/", "modules.order", "modules.builtin")) or any("kernel/" + d in path for d in DRIVERS):
                put(os.path.join(within, name), os.path.join(target, path))
    for path, text in [("init", INIT), ("etc/passwd", "root:x:0:0:root:/home:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\n"),
                       ("etc/group", "root:x:0:\nnogroup:x:65534:\n"), ("etc/hosts", "127.0.0.1 vault\n")]:
        with open(os.path.join(stage, path), "w") as f:
            f.write(text)
    os.chmod(os.path.join(stage, "init"), 0o755)
    for path, here in files.items():
        put(here, os.path.join(stage, path))
    ask(folder, "/bin/sh", "-ec",
        "cd /%s/stage; depmod -b . %s; find . | cpio -o -H newc --quiet > ../initrd" % (place, kernel(folder)))
    shutil.rmtree(stage)


def new_disk(path):
    """An empty disk with one partition: for a whole disk `zpool create` would wait for udev, which is not there."""
    sectors = (DISK_MIB << 20) // SECTOR - FIRST_SECTOR
    with open(path, "wb") as f:
        f.write(bytes(446) + struct.pack("<B3xB3xII", 0, ZFS_TYPE, FIRST_SECTOR, sectors) + bytes(48) + b"\x55\xaa")
        f.truncate(DISK_MIB << 20)


class Guest:
    """The machine and its two disks (/dev/vda1, /dev/vdb1). Its power can be cut; the disks stay."""

    def __init__(self, files=()):
        self.folder = root()
        self.files, self.machine = dict(files), None

    def __enter__(self):
        with open(os.path.join(self.folder, "modules.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            modules(self.folder)
        self.own = tempfile.mkdtemp(prefix="machine-", dir=self.folder)
        self.place = os.path.basename(self.own)
        self.console = os.path.join(self.own, "console")
        try:
            initramfs(self.folder, self.place, self.files)
            for disk in ("a", "b"):
                new_disk(os.path.join(self.own, "disk-" + disk))
            self.boot_s = self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.cut_power()
        shutil.rmtree(self.own)

    def boot(self):
        """Returns the seconds until it listens."""
        began = time.monotonic()
        disks = [word for disk in ("a", "b") for word in
                 ("-drive", "file=/%s/disk-%s,if=virtio,format=raw" % (self.place, disk))]
        self.machine = subprocess.Popen(
            enter(self.folder, "qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max", "-m", str(MEMORY_MIB), "-nodefaults",
                  "-display", "none", "-kernel", "/guest/boot/vmlinuz-" + kernel(self.folder),
                  "-initrd", "/%s/initrd" % self.place, "-append", "console=ttyS0 panic=-1", "-no-reboot",
                  "-serial", "file:/%s/console" % self.place, "-serial", "stdio", *disks),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.rest = b""
        self.answer(b"ready: ", BOOT_LIMIT_S)
        return time.monotonic() - began

    def answer(self, begin, limit_s):
        """The next line that begins so."""
        end = time.monotonic() + limit_s
        while True:
            while b"\n" in self.rest:
                line, self.rest = self.rest.split(b"\n", 1)
                if line.strip(b"\r").startswith(begin):
                    return line.strip(b"\r")
            ready, _, _ = select.select([self.machine.stdout], [], [], max(0, end - time.monotonic()))
            more = os.read(self.machine.stdout.fileno(), 65536) if ready else b""
            if not more:
                raise AssertionError("%s; its console ends: %s" % (
                    "the machine died" if ready else "no answer in %d s" % limit_s, open(self.console, errors="replace").read()[-1500:]))
            self.rest += more

    def run(self, words, limit_s=RUN_LIMIT_S):
        """(exit code, what it said) of a line of shell."""
        self.machine.stdin.write(base64.b64encode(words.encode()) + b"\n")
        self.machine.stdin.flush()
        code, said = re.match(rb"code (\d+): (.*)", self.answer(b"code ", limit_s)).groups()
        return int(code), base64.b64decode(said).decode(errors="replace")

    def cut_power(self):
        if self.machine:
            self.machine.kill()
            self.machine.wait()
            self.machine = None


def main():
    folder = root()
    seconds = modules(folder)
    print("%s: %s" % (os.path.relpath(folder, ROOT), "modules compiled in %.0f s" % seconds if seconds else "all there"))


if __name__ == "__main__":
    main()

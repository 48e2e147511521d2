#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent for other machines, built on an amd64 machine.

    tools/cross.py [--tests]    arm64   -> build/cross-arm64/src/6_program/logicagent
    tools/cross.py --windows    Windows -> build/cross-windows/src/6_program/windows/logicagent.exe

arm64: inside a Debian root of its own (build/cross-root, made once by mmdebstrap and kept): Debian's cross compiler, arm64's
libraries beside amd64's, meson with deploy/cross/aarch64.ini. --tests runs the unit tests of what the agent is made of under qemu-user.
Needs root or user namespaces. Windows: by Debian's mingw as it is installed (tools/packages.txt), for that agent needs no library.
"""
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "harness"))
import debian_root  # noqa: E402
from node import ROOT  # noqa: E402

SUITE = "bookworm"
LIBRARIES = ["libuv1-dev", "libjansson-dev", "libssl-dev", "libseccomp-dev", "libcurl4-openssl-dev", "zlib1g-dev"]
PACKAGES = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "pkg-config", "meson", "ninja-build", "python3", "node-llhttp", "openssl",
            "curl", "qemu-user-static"] + [name + ":arm64" for name in LIBRARIES]
OUT = "build/cross-arm64"
WINDOWS_OUT = "build/cross-windows"
WINDOWS_PROGRAM = WINDOWS_OUT + "/src/6_program/windows/logicagent.exe"
ROOT_LIMIT_S, BUILD_LIMIT_S = 900, 900
PATIENCE_TIMES = 6
# In the root nobody else is: the tree is mounted there for as long as the command runs, and the mount ends with its namespace.
INSIDE = 'mkdir -p "$1/tree" && mount --bind "$2" "$1/tree" && mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && ' \
         'exec chroot "$1" /bin/sh -ec "cd /tree; $3"'


def root():
    return debian_root.make("cross-root", SUITE, PACKAGES, also=["arm64"], limit_s=ROOT_LIMIT_S)


def inside(folder, words):
    """Run a shell line in the tree, in that root. Returns (exit code, what it said)."""
    how = ["unshare", "--mount", "--propagation", "private"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    try:
        done = subprocess.run([*how, "/bin/sh", "-ec", INSIDE, "inside", folder, ROOT, words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_LIMIT_S)
    except subprocess.TimeoutExpired as late:
        return 124, "not done in %d s: %s" % (BUILD_LIMIT_S, (late.stdout or b"")[-2000:])
    return done.returncode, done.stdout


def build(folder):
    setup = "meson setup --cross-file deploy/cross/aarch64.ini -Dagent_only=true --buildtype=release %s" % OUT
    return inside(folder, "[ -f %s/build.ninja ] || %s; ninja -C %s -j2" % (OUT, setup, OUT))


def tests(folder, names=(), at_once=2):
    """The unit tests (or these of them) under qemu-user; an emulated machine is slow, so each has three times its time. Tests in Python
    start our program by the emulator; what ours start (curl, openssl, sh) is of the root itself."""
    which = " ".join(names) if names else "--suite unit"
    told = "LN_EMULATED=qemu-user LN_EXE_WRAPPER=qemu-aarch64-static LN_PATIENCE=%d" % PATIENCE_TIMES
    return inside(folder, "%s meson test -C %s --no-rebuild --timeout-multiplier 3 --num-processes %d %s" % (told, OUT, at_once, which))


def build_windows():
    """logicagent.exe. Returns (exit code, what was said); raises FileNotFoundError without mingw."""
    if not shutil.which("x86_64-w64-mingw32-gcc-win32"):
        raise FileNotFoundError("no mingw: apt-get install gcc-mingw-w64-x86-64-win32")
    setup = ["meson", "setup", "--cross-file", "deploy/cross/x86_64-w64-mingw32.ini", "--buildtype=release", WINDOWS_OUT]
    steps = [] if os.path.exists(os.path.join(ROOT, WINDOWS_OUT, "build.ninja")) else [setup]
    said = ""
    for step in steps + [["ninja", "-C", WINDOWS_OUT, "-j2"]]:
        done = subprocess.run(step, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=BUILD_LIMIT_S)
        said += done.stdout
        if done.returncode:
            return done.returncode, said
    return 0, said


def main():
    began = time.monotonic()
    if sys.argv[1:] == ["--windows"]:
        try:
            code, said = build_windows()
        except FileNotFoundError as why:
            code, said = 1, str(why)
        print("%s in %.0f s" % (WINDOWS_PROGRAM, time.monotonic() - began) if code == 0 else said[-6000:])
        return code
    steps = [build] + ([tests] if "--tests" in sys.argv[1:] else [])
    folder = root()
    for step in steps:
        code, said = step(folder)
        print(said[-6000:])
        if code:
            return code
    print("%s/src/6_program/logicagent in %.0f s" % (OUT, time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Small Debian trees for tests, made once by mmdebstrap below build/ and kept.

    folder = debian_root.make("engine-root", "forky", ["llama.cpp-tools"])   raises Unavailable

Unavailable skips a test; with LN_ROOTS=must in the environment (CI) it fails it.
"""
import fcntl
import os
import shutil
import subprocess

from node import ROOT, Skip

MAKE_LIMIT_S = 400


class Unavailable(Skip):
    """Why this machine cannot have what the test needs."""


def unavailable(why):
    if os.environ.get("LN_ROOTS") == "must":
        raise AssertionError(why)
    raise Unavailable(why)


def make(name, suite, packages, also=(), limit_s=MAKE_LIMIT_S, components=(), hooks=()):
    """The folder build/NAME with these packages of this suite; two at once wait for each other.

    `also`: foreign architectures. `components`: others than main. `hooks`: shell lines that run at the end, "$1" is the folder.
    """
    folder = os.path.join(ROOT, "build", name)
    stamp, wanted = os.path.join(folder, "made-of"), " ".join([suite, *components, *sorted(packages), *hooks])
    kinds = ["--architectures=" + ",".join(["amd64", *also])] if also else []
    kinds += ["--components=" + ",".join(["main", *components])] if components else []
    kinds += ["--customize-hook=" + hook for hook in hooks]
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(stamp) and open(stamp).read() == wanted:
            return folder
        if not shutil.which("mmdebstrap"):
            unavailable("no mmdebstrap: apt-get install mmdebstrap")
        making = folder + ".new"
        for old in (making, folder):
            shutil.rmtree(old, ignore_errors=True)
        try:
            made = subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=apt", *kinds, "--include=" + ",".join(packages),
                 "--aptopt=Acquire::Check-Valid-Until \"false\"", suite, making],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, timeout=limit_s)
        except subprocess.TimeoutExpired:
            unavailable("mmdebstrap did not end in %d s" % limit_s)
        if made.returncode != 0:
            said = [line for line in made.stdout.splitlines() if line.strip()] or ["nothing said"]
            unavailable("mmdebstrap: " + said[-1])
        with open(os.path.join(making, "made-of"), "w") as f:
            f.write(wanted)
        os.rename(making, folder)
        return folder


def enter(folder, *command):
    """The argv that runs a command with the folder as its root."""
    how = ["chroot"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "chroot"]
    return how + [folder, *command]

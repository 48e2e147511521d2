#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make deb`: the packages logic-node and logic-agent from this tree into build/deb; prints their paths.

    tools/deb.py [--no-lintian] [--force]

The tree (what git knows, and what is new and not ignored) is copied to build/deb/tree, where its debian/ is put together of
deploy/debian, deploy/systemd, deploy/layout.*, deploy/agent.* and the page; dpkg-buildpackage does the rest. The version is that of
meson.build. What did not change is not built again; the same files give the same packages.
"""
import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TO = ROOT / "build" / "deb"
TREE = TO / "tree"
PACKAGES = ("logic-node", "logic-agent")
LIMIT_S = 1800
UNITS = {"logic-node": ("logic-orchestrator.service", "llm-inference.service", "ledger-checkpoint.service", "ledger-checkpoint.timer",
                        "zfs-sync.service", "zfs-sync.timer", "restic-sync.service", "restic-sync.timer"),
         "logic-agent": ("logic-agent.service",)}


def fail(why):
    sys.exit("deb.py: " + why)


def version():
    return re.search(r"^\s*version: '([0-9.]+)'", (ROOT / "meson.build").read_text(), re.M).group(1)


def sources():
    """{path: bytes} of the tree as it is now."""
    told = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE,
                          check=True)
    found = {}
    for name in told.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and not path.is_symlink():
            found[name] = (path.read_bytes(), path.stat().st_mode & 0o111)
    return found


def page():
    subprocess.run([sys.executable, ROOT / "tools" / "web.py"], stdout=subprocess.DEVNULL, check=True)
    folder = ROOT / "build" / "web"
    return {"obj/web/" + p.relative_to(folder).as_posix(): (p.read_bytes(), 0) for p in folder.rglob("*") if p.is_file()}


def changelog(epoch):
    """Debian's, of the newest section of ours."""
    text = (ROOT / "CHANGELOG.md").read_text()
    lines = re.findall(r"^- (.*)$", text.split("\n## ")[1], re.M)
    when = subprocess.run(["date", "-R", "-u", "-d", "@%d" % epoch], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    control = (ROOT / "deploy/debian/control").read_text()
    who = re.search(r"^Maintainer: (.*)$", control, re.M).group(1)
    words = ["  * " + (line if len(line) <= 74 else line[:73].rsplit(" ", 1)[0] + " …") for line in lines] or ["  * As CHANGELOG.md says."]
    return "logic-node (%s) unstable; urgency=medium\n\n%s\n\n -- %s  %s\n" % (version(), "\n".join(words), who, when)


def debian(epoch):
    """{path below debian/: bytes}"""
    made = {}
    for path in (ROOT / "deploy" / "debian").iterdir():
        made[path.name] = (path.read_bytes(), path.stat().st_mode & 0o111)
    made.pop("README.md")
    made["changelog"] = (changelog(epoch).encode(), 0)
    for package, names in UNITS.items():
        for name in names:
            made["%s.%s" % (package, name)] = ((ROOT / "deploy/systemd" / name).read_bytes(), 0)
    for package, prefix in (("logic-node", "layout"), ("logic-agent", "agent")):
        made[package + ".sysusers"] = ((ROOT / "deploy" / (prefix + ".sysusers")).read_bytes(), 0)
    made["logic-node.tmpfiles"] = ((ROOT / "deploy/layout.tmpfiles").read_bytes(), 0)
    made["source/format"] = (b"3.0 (native)\n", 0)
    return {"debian/" + name: content for name, content in made.items()}


def lay_out(files):
    """TREE holds these, and what was built before; what did not change keeps its time."""
    for path in sorted(TREE.rglob("*"), reverse=True):
        name = path.relative_to(TREE).as_posix()
        if name.split("/")[0:2] == ["obj", "build"] or name in files:
            continue
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.rmdir()
        else:
            path.unlink()
    for name, (data, executable) in files.items():
        path = TREE / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        path.chmod(0o755 if executable else 0o644)


def build(epoch):
    env = {**os.environ, "DEB_BUILD_OPTIONS": "noautodbgsym nocheck parallel=2", "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8"}
    log = TO / "log"
    with open(log, "w") as out:
        done = subprocess.run(["dpkg-buildpackage", "-b", "-us", "-uc", "-nc", "-rfakeroot" if os.geteuid() else "-r"], cwd=TREE, env=env,
                              stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=LIMIT_S)
    if done.returncode != 0:
        lines = log.read_text(errors="replace").splitlines()
        fail("dpkg-buildpackage failed; the end of %s:\n%s" % (log, "\n".join(lines[-40:])))


def lintian(debs):
    if not shutil.which("lintian"):
        fail("no lintian: apt-get install lintian, or --no-lintian")
    root = ["--allow-root"] if os.geteuid() == 0 else []
    done = subprocess.run(["lintian", *root, "--fail-on", "error,warning", "--tag-display-limit", "0", *map(str, debs)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S)
    if done.returncode != 0:
        fail("lintian:\n" + done.stdout)


def make(force=False):
    """The packages' paths."""
    if not shutil.which("dpkg-buildpackage") or not shutil.which("dh"):
        fail("no debhelper: apt-get install debhelper (tools/install.sh does)")
    TO.mkdir(parents=True, exist_ok=True)
    with open(TO / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        epoch = int(subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)
        plain = {**sources(), **page()}
        digest = hashlib.sha256()
        for name, (data, executable) in sorted({**plain, **debian(0)}.items()):
            digest.update(b"%s\0%d\0%d\0" % (name.encode(), bool(executable), len(data)) + data)
        arch = subprocess.run(["dpkg", "--print-architecture"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        debs = [TO / ("%s_%s_%s.deb" % (name, version(), arch)) for name in PACKAGES]
        stamp = TO / "made-of"
        if not force and stamp.exists() and stamp.read_text() == digest.hexdigest() and all(d.exists() for d in debs):
            return debs
        stamp.unlink(missing_ok=True)
        for old in TO.glob("*.deb"):
            old.unlink()
        TREE.mkdir(exist_ok=True)
        lay_out({**plain, **debian(epoch)})
        build(epoch)
        for deb in debs:
            if not deb.exists():
                fail("dpkg-buildpackage made no %s" % deb)
        stamp.write_text(digest.hexdigest())
        return debs


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--no-lintian", action="store_true")
    words.add_argument("--force", action="store_true", help="build again, whatever is there")
    asked = words.parse_args()
    debs = make(asked.force)
    if not asked.no_lintian:
        lintian(debs)
    for deb in debs:
        print(deb)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The Debian packages as files: lintian has nothing to say, everything that an owner needs is in them and nothing that starts by itself."""
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import deb  # noqa: E402
from node import ROOT, Skip, Tap, equal  # noqa: E402

tap = Tap()
PROGRAMS = {"logic-node": ("logicd", "logicctl"), "logic-agent": ("logicagent",)}
EXECUTABLE = re.compile(r"\./usr/lib/logic-node/bin/\w+|\./usr/bin/\w+|\./usr/lib/logic-node/\w+\.sh|"
                        r"\./usr/lib/systemd/system-generators/[\w-]+")


def run(*words, cwd=None, code=0):
    done = subprocess.run([str(w) for w in words], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=300)
    assert done.returncode == code, (words, done.returncode, done.stdout[-3000:])
    return done.stdout


@functools.lru_cache(maxsize=None)
def packages():
    """{name: path}, built once"""
    if not shutil.which("dh"):
        raise Skip("no debhelper: apt-get install debhelper")
    return {path.name.split("_")[0]: path for path in deb.make()}


class Unpacked:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ln-deb-")
        run("dpkg-deb", "-R", self.path, self.folder)
        return self

    def read(self, name):
        with open(os.path.join(self.folder, name)) as f:
            return f.read()

    def files(self):
        found = []
        for at, _, names in os.walk(self.folder):
            found += ["./" + os.path.relpath(os.path.join(at, name), self.folder) for name in names]
        return found

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


@tap.test
def lintian_says_nothing_of_weight():
    if not shutil.which("lintian"):
        raise Skip("no lintian: apt-get install lintian")
    made = packages()
    deb.lintian(made.values())
    equal([name for path in made.values() for name in run("dpkg-deb", "-c", path).splitlines() if "lintian" in name], [])


@tap.test
def lintian_would_say_something():
    if not shutil.which("lintian"):
        raise Skip("no lintian: apt-get install lintian")
    with Unpacked(packages()["logic-agent"]) as agent:
        shutil.rmtree(os.path.join(agent.folder, "usr/share/doc"))
        bad = os.path.join(agent.folder, "bad.deb")
        run("dpkg-deb", "-b", "--root-owner-group", agent.folder, bad + ".new")
        os.rename(bad + ".new", bad)
        try:
            deb.lintian([bad])
        except SystemExit as why:
            assert "no-copyright-file" in str(why), why
        else:
            raise AssertionError("lintian passed a package without a copyright")


@tap.test
def one_version_everywhere():
    with open(os.path.join(ROOT, "CHANGELOG.md")) as f:
        newest = re.search(r"^## ([0-9.]+)", f.read(), re.M).group(1)
    equal(deb.version(), newest)
    equal({run("dpkg-deb", "-f", path, "Version").strip() for path in packages().values()}, {newest})
    for program in ("logicd", "logicctl"):
        with open(os.path.join(ROOT, "docs/manual", program + ".1")) as f:
            assert '"Logic Node %s"' % newest in f.read(), program


@tap.test
def every_program_has_its_manual_and_completion():
    for name, path in packages().items():
        with Unpacked(path) as package:
            for program in PROGRAMS[name]:
                page = os.path.join(package.folder, "usr/share/man/man1", program + ".1.gz")
                said = subprocess.run(["man", "--warnings", "-l", page], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
                equal((program, said.returncode, said.stderr), (program, 0, ""))
                assert "SYNOPSIS" in said.stdout
                run("bash", "-n", os.path.join(package.folder, "usr/share/bash-completion/completions", program))
            programs = [f for f in package.files() if re.match(r"\./usr/bin/", f)]
            equal(sorted(os.path.basename(f) for f in programs), sorted(PROGRAMS[name]))


@tap.test
def only_programs_are_executable_and_nothing_is_written_over_what_the_owner_has():
    for path in packages().values():
        with Unpacked(path) as package:
            for name in package.files():
                whole = os.path.join(package.folder, name)
                if name.startswith("./DEBIAN/") or os.path.islink(whole):
                    continue
                mode = os.stat(whole).st_mode & 0o7777
                equal((name, oct(mode)), (name, "0o755" if EXECUTABLE.fullmatch(name) else "0o644"))
                assert not name.startswith(("./etc/", "./opt/", "./var/", "./home/")), name


@tap.test
def units_users_and_folders_are_those_of_the_tree():
    for name, path in packages().items():
        with Unpacked(path) as package:
            for unit in deb.UNITS[name]:
                with open(os.path.join(ROOT, "deploy/systemd", unit)) as f:
                    equal(package.read("lib/systemd/system/" + unit), f.read())
            with open(os.path.join(ROOT, "deploy", {"logic-node": "layout", "logic-agent": "agent"}[name] + ".sysusers")) as f:
                equal(package.read("usr/lib/sysusers.d/%s.conf" % name), f.read())
    equal(sorted(u for units in deb.UNITS.values() for u in units),
          sorted(u for u in os.listdir(os.path.join(ROOT, "deploy/systemd")) if u.endswith((".service", ".timer"))))


@tap.test
def installing_enables_and_starts_nothing():
    for path in packages().values():
        with Unpacked(path) as package:
            script = package.read("DEBIAN/postinst")
            acts = re.findall(r"deb-systemd-invoke (\S+)", script) + re.findall(r"systemctl (?:--system )?(\S+)", script)
            assert set(acts) <= {"try-restart", "daemon-reload"}, acts
            for line in script.splitlines():
                if "deb-systemd-helper enable" in line:  # only what the owner enabled before a removal
                    assert "was-enabled" in script[:script.index(line)].splitlines()[-2], script
            for step in ("postinst", "prerm", "postrm"):
                if os.path.exists(os.path.join(package.folder, "DEBIAN", step)):
                    run("sh", "-n", os.path.join(package.folder, "DEBIAN", step))


@tap.test
def rules_of_the_package_have_no_tests_and_all_else():
    with Unpacked(packages()["logic-node"]) as package:
        have = {f[len("./usr/share/logic-node/kb/"):] for f in package.files() if f.startswith("./usr/share/logic-node/kb/")}
    want = set()
    for at, _, names in os.walk(os.path.join(ROOT, "kb/core")):
        want |= {os.path.relpath(os.path.join(at, n), os.path.join(ROOT, "kb")) for n in names if n.endswith(".pl")}
    equal(sorted(have), sorted(want | {"main.pl"}))


@tap.test
def same_files_give_the_same_bytes():
    def state():
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in packages().values()]
    packages()
    made_of, before = (deb.TO / "made-of").read_text(), state()
    deb.make(force=True)
    if (deb.TO / "made-of").read_text() != made_of:
        raise Skip("somebody changed the tree meanwhile")
    equal(state(), before)


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""A small Debian booted in systemd-nspawn, with the packages of this tree.

    with Machine() as machine:             # a fresh one; thrown away at the end
        machine.install()                  # apt-get install ./logic-node_….deb
        machine.set_up()                   # logicctl setup: it runs

Needs root, systemd-nspawn and mmdebstrap; skipped with the reason where one is missing. The tree (build/systemd-root) is made once,
with what the packages depend on; each machine works on an overlay of it, without a network.
"""
import atexit
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import debian_root
from node import ROOT, Skip, wait_for

sys.path.insert(0, os.path.join(ROOT, "tools"))
import deb  # noqa: E402

UNIT = "logic-orchestrator.service"
HOME = "/opt/logic-node"
PORT = 30080
NEEDED = ["systemd-sysv", "dbus"]
FAST = "[Service]\nWatchdogSec=2\nRestartSec=100ms\n"  # a test has no half minute
# What nspawn would deny and a machine does not: roles lock their paths, and systemd hangs programs for addresses and ports on units.
CALLS = "bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self"
MEMORY_V1 = "/sys/fs/cgroup/memory"
MADE = {}


def suite():
    release = open("/etc/os-release").read()
    return re.search(r"^VERSION_CODENAME=(\w+)", release, re.M).group(1)


def packages():
    """{name: path} of copies, built once in this process: another file while a test runs would be another test, and package.py beside
    it builds them anew."""
    if not shutil.which("dh"):
        raise Skip("no debhelper: apt-get install debhelper")
    if not MADE:
        made, folder = deb.make(), tempfile.mkdtemp(prefix="ln-debs-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        with open(deb.TO / "lock", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            MADE.update({path.name.split("_")[0]: shutil.copy(path, folder) for path in made})
    return MADE


def depends():
    """The names that dpkg wants to see installed."""
    found = set()
    for path in packages().values():
        told = subprocess.run(["dpkg-deb", "-f", path, "Depends"], stdout=subprocess.PIPE, text=True, check=True).stdout
        found |= {re.match(r"[a-z0-9.+-]+", one.strip()).group() for one in told.split(",")}
    return sorted(found)


def raised(path, folder, change=None):
    """The same package with a higher version; `change` may edit what is in it."""
    told = subprocess.run(["dpkg-deb", "-f", path, "Package", "Version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    name, version = re.findall(r": (\S+)", told)
    inside = os.path.join(folder, "inside")
    subprocess.run(["dpkg-deb", "-R", path, inside], check=True)
    control = os.path.join(inside, "DEBIAN/control")
    text = open(control).read()
    with open(control, "w") as f:
        f.write(text.replace("Version: " + version, "Version: %s+next" % version))
    if change:
        change(inside)
    made = os.path.join(folder, "%s_%s+next.deb" % (name, version))
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", inside, made], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(inside)
    return os.path.basename(made), version + "+next"


def of_this_machine(*programs):
    """`seen` of a Machine: programs that the small tree has not, with the libraries they need beside those of every Debian."""
    found = {}
    for name in programs:
        path = shutil.which(name)
        if not path:
            debian_root.unavailable("no %s: apt-get install %s" % (name, name))
        told = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
        libraries = [one for one in re.findall(r"=> (/\S+)", told) if re.search(r"lib(jq|onig)\b", one)]
        found.update({one: one for one in [path, *libraries]})
    return found


class Machine:
    """A booted container; `run` is a command inside it, `outside` one of ours in its network.

    `unified`: cgroups v2 as a machine of today has them, so that systemd can hang devices and addresses on units. `memory`: the memory
    controller, too; where this machine has that one by cgroups v1 (it then has no `unified`), a group of it is the container's.
    """

    def __init__(self, seen=(), unified=False, memory=False):
        if os.geteuid() != 0:
            debian_root.unavailable("systemd-nspawn needs root")
        if not shutil.which("systemd-nspawn"):
            debian_root.unavailable("no systemd-nspawn: apt-get install systemd-container")

        self.tree = debian_root.make("systemd-root", suite(), sorted({*NEEDED, *depends()}))
        self.folder = tempfile.mkdtemp(prefix="ln-machine-")  # seen inside as /outside
        self.seen = dict(seen)
        self.process, self.leader = None, None
        self.env = {**os.environ, **({"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if unified else {})}
        mine = memory and os.access(MEMORY_V1 + "/cgroup.procs", os.W_OK)
        self.group = os.path.join(MEMORY_V1, "ln-test-%d" % os.getpid()) if mine else None

    def __enter__(self):
        try:
            self.boot()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def boot(self):
        for path in packages().values():
            shutil.copy(path, self.folder)
        os.chmod(self.folder, 0o755)
        seen = {self.folder: "/outside", **self.seen}
        self.console = open(self.folder + "-console", "w")
        if self.group:
            os.mkdir(self.group)
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory=" + self.tree, "--volatile=overlay",
             "--register=no", "--keep-unit", "--machine=ln-test-%d" % os.getpid(),
             "--private-network", "--console=pipe", "--boot", "--system-call-filter=" + CALLS,
             *("--bind-ro=%s:%s" % pair for pair in seen.items())],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console, env=self.env, preexec_fn=self.enter_group,
            start_new_session=True)
        self.leader = wait_for("the container's first process", self.first_process)
        wait_for("the machine to be up", self.up)
        if self.group:  # nspawn gives v1 controllers to read only, and systemd looks for them once
            self.run("mount", "-o", "remount,rw,bind", MEMORY_V1)
            self.run("systemctl", "daemon-reexec")

    def enter_group(self):
        if self.group:
            with open(self.group + "/cgroup.procs", "w") as f:
                f.write("0")

    def leave_group(self):
        """What ran in it has ended; the kernel may take a moment to notice."""
        folders = [at for at, _, _ in os.walk(self.group, topdown=False)]

        def gone():
            try:
                return [os.rmdir(at) for at in folders if os.path.isdir(at)] is not None
            except OSError:
                return False
        wait_for("the end of " + self.group, gone)

    def first_process(self):
        self.alive()
        nspawn = self.process.pid
        for pid in open("/proc/%d/task/%d/children" % (nspawn, nspawn)).read().split():
            try:
                if open("/proc/%s/comm" % pid).read().strip() in ("systemd", "init"):
                    return pid
            except FileNotFoundError:  # one that has ended meanwhile
                pass
        return None

    def alive(self):
        if self.process.poll() is not None:
            said = open(self.console.name, errors="replace").read().strip() or "nothing said"
            debian_root.unavailable("systemd-nspawn cannot boot here: " + said.splitlines()[-1])

    def up(self):
        self.alive()
        return self.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")

    def done(self, *command, text=None, env=None):
        return subprocess.run(
            ["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-C", "--", *command],
            input=text, stdin=None if text else subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(env or {})})

    def run(self, *command, check=True, text=None, env=None):
        done = self.done(*command, text=text, env=env)
        if check:
            assert done.returncode == 0, (command, done.stdout[-2000:], self.journal()[-3000:])
        return done.stdout

    def outside(self, code):
        """A python of this machine in the container's network."""
        return subprocess.Popen(["nsenter", "-t", self.leader, "-n", "--", sys.executable, "-c", code], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def write(self, path, text):
        self.run("mkdir", "-p", os.path.dirname(path))
        self.run("tee", path, text=text)

    # --- the packages

    def apt(self, *words, env=None):
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", *words, env={"DEBIAN_FRONTEND": "noninteractive", **(env or {})})

    def install(self, name="logic-node"):
        return self.apt("install", "/outside/" + os.path.basename(packages()[name]))

    def set_up(self, *words, drop_in=FAST):
        """As the owner does; the watchdog is quick, unless a test that is not alone on its machine says otherwise."""
        self.write("/etc/systemd/system/%s.d/fast.conf" % UNIT, drop_in)
        self.run("systemctl", "daemon-reload")
        return json.loads(self.run("sh", "-c", "logicctl setup --name box --yes --json 2>/dev/null " + " ".join(words)))

    def ctl(self, *words):
        return json.loads(self.run("logicctl", *words, "--json"))

    # --- the unit

    def show(self, name, unit=UNIT):
        return self.run("systemctl", "show", "--value", "--property=" + name, unit).strip()

    def active(self, unit=UNIT):
        return self.show("ActiveState", unit) == "active"

    def roles(self):
        return json.loads(self.run("cat", HOME + "/run/roles.json"))

    def processes(self):
        """Of the service's user."""
        return self.run("sh", "-c", "cd /proc; for p in [0-9]*; do "
                        "[ \"$(stat -c %U $p 2>&1)\" = logic-node ] && echo $p; done; true").split()

    def answers(self, port=PORT, path="/readyz"):
        asked = self.outside("import http.client as h; c = h.HTTPConnection('127.0.0.1', %d, timeout=20);"
                             "c.request('GET', '%s'); print(c.getresponse().status)" % (port, path))
        return asked.communicate()[0].strip() == "200"

    def journal(self, unit=UNIT):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit, check=False)

    def __exit__(self, kind, value, trace):
        if kind is not None and self.leader:
            for line in self.journal().splitlines()[-25:]:
                print("# " + line)
        if self.process:
            if self.leader and self.process.poll() is None:
                os.kill(int(self.leader), signal.SIGKILL)  # with it every process of the container
            elif self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            self.console.close()
            os.unlink(self.console.name)
        if self.group and os.path.isdir(self.group):
            self.leave_group()
        shutil.rmtree(self.folder, ignore_errors=True)

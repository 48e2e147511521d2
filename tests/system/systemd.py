# SPDX-License-Identifier: Apache-2.0
"""The unit file under a real systemd: a small Debian in a container, the node as its service.

Needs root, systemd-nspawn and mmdebstrap; skipped with the reason where one is missing. The tree
(build/systemd-root) is made once; each run works on an overlay of it that is thrown away.
"""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import debian_root  # noqa: E402
from node import LOGICD, ROOT, Tap, equal, page, wait_for  # noqa: E402

tap = Tap()
UNIT = "logic-orchestrator.service"
NEEDED = ["systemd-sysv", "dbus", "swi-prolog-core", "swi-prolog-core-packages"]
FAST = "[Service]\nWatchdogSec=2\nRestartSec=100ms\n"  # a test has no half minute
ROLES = ["actuator", "gateway", "judge", "ledger", "sensor"]


def suite():
    release = open("/etc/os-release").read()
    return re.search(r"^VERSION_CODENAME=(\w+)", release, re.M).group(1)


def libraries():
    """The packages from which logicd's libraries come, by the names of this release."""
    told = subprocess.run(["ldd", LOGICD], stdout=subprocess.PIPE, text=True, check=True).stdout
    paths = {os.path.realpath(p) for p in re.findall(r"=> (/\S+)", told)}
    paths |= {re.sub("^/usr/lib/", "/lib/", path) for path in paths}  # dpkg knows either name
    owners = subprocess.run(["dpkg", "-S", *sorted(paths)], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
    return sorted({line.split(":")[0] for line in owners.stdout.splitlines()})


class Machine:
    """A booted container; `run` is a command inside it."""

    def __init__(self):
        if os.geteuid() != 0:
            debian_root.unavailable("systemd-nspawn needs root")
        if not shutil.which("systemd-nspawn"):
            debian_root.unavailable("no systemd-nspawn: apt-get install systemd-container")
        self.tree = debian_root.make("systemd-root", suite(), NEEDED + libraries())
        self.folder = tempfile.mkdtemp(prefix="ln-machine-")
        self.process, self.leader = None, None

    def __enter__(self):
        try:
            self.boot()
            self.install()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def boot(self):
        share = "/usr/share/logic-node/"
        seen = {LOGICD: "/usr/lib/logic-node/bin/logicd", ROOT + "/kb": share + "kb", page(): share + "web",
                ROOT + "/deploy/ansible": share + "ansible",
                ROOT + "/deploy": share + "deploy"}
        self.console = open(os.path.join(self.folder, "console"), "w")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory=" + self.tree, "--volatile=overlay",
             "--register=no", "--keep-unit", "--machine=ln-test-%d" % os.getpid(),
             "--private-network", "--console=pipe", "--boot",
             *("--bind-ro=%s:%s" % pair for pair in seen.items())],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console,
            start_new_session=True)
        self.leader = wait_for("the container's first process", self.first_process)
        wait_for("the machine to be up", self.up)

    def first_process(self):
        self.alive()
        nspawn = self.process.pid
        for pid in open("/proc/%d/task/%d/children" % (nspawn, nspawn)).read().split():
            if open("/proc/%s/comm" % pid).read().strip() in ("systemd", "init"):
                return pid
        return None

    def alive(self):
        if self.process.poll() is not None:
            said = open(self.console.name, errors="replace").read().strip() or "nothing said"
            debian_root.unavailable("systemd-nspawn cannot boot here: " + said.splitlines()[-1])

    def up(self):
        self.alive()
        state = self.run("systemctl", "is-system-running", check=False).strip()
        return state in ("running", "degraded")

    def run(self, *command, check=True, text=None):
        done = subprocess.run(
            ["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-C", "--", *command],
            input=text, stdin=None if text else subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        if check:
            assert done.returncode == 0, (command, done.stdout[-2000:], self.journal()[-3000:])
        return done.stdout

    def write(self, path, text):
        self.run("mkdir", "-p", os.path.dirname(path))
        self.run("tee", path, text=text)

    def install(self):
        """As deploy/systemd/README.md says."""
        from_ = "/usr/share/logic-node/deploy/"
        self.run("cp", from_ + "systemd/" + UNIT, "/etc/systemd/system/" + UNIT)
        self.run("cp", from_ + "layout.sysusers", "/usr/lib/sysusers.d/logic-node.conf")
        self.run("cp", from_ + "layout.tmpfiles", "/usr/lib/tmpfiles.d/logic-node.conf")
        self.run("systemd-sysusers")
        self.run("systemd-tmpfiles", "--create", "logic-node.conf")
        self.run("sh", "-c", "cp /usr/share/logic-node/kb/site/*.pl /opt/logic-node/site/")
        key = base64.b64encode(os.urandom(32)).decode()
        self.write("/opt/logic-node/site/keys.pl", 'operator_key(owner, "ed25519:%s").\n' % key)
        self.write("/etc/systemd/system/%s.d/fast.conf" % UNIT, FAST)
        self.run("systemctl", "daemon-reload")

    def show(self, name):
        return self.run("systemctl", "show", "--value", "--property=" + name, UNIT).strip()

    def active(self):
        return self.show("ActiveState") == "active"

    def roles(self):
        return json.loads(self.run("cat", "/opt/logic-node/run/roles.json"))

    def processes(self):
        """Of the service's user."""
        return self.run("sh", "-c", "cd /proc; for p in [0-9]*; do "
                        "[ $(stat -c %U $p 2>&1) = logic-node ] && echo $p; done; true").split()

    def answers(self):
        """HTTP from inside the container's network, with the python of this machine."""
        asked = subprocess.run(
            ["nsenter", "-t", self.leader, "-n", "--", sys.executable, "-c",
             "import http.client as h; c = h.HTTPConnection('127.0.0.1', 30080, timeout=20);"
             "c.request('GET', '/readyz'); print(c.getresponse().status)"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return asked.stdout.strip() == "200"

    def journal(self):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", UNIT, check=False)

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
        shutil.rmtree(self.folder, ignore_errors=True)


@tap.test
def service_starts_ready_feeds_its_watchdog_and_stops_in_order():
    with Machine() as machine:
        machine.run("systemctl", "start", UNIT)  # returns at READY=1
        equal((machine.show("ActiveState"), machine.show("SubState")), ("active", "running"))
        equal(machine.show("StatusText"), "all roles are ready")
        assert machine.answers(), machine.journal()
        equal(sorted(machine.roles()), ROLES)
        equal(len(machine.processes()), 1 + len(ROLES))
        for role in machine.roles().values():  # the roles' own locks work inside the unit's walls
            status = machine.run("cat", "/proc/%d/status" % role["pid"])
            for line in ("Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000"):
                assert line in status, (line, status)
        fed = "WatchdogTimestampMonotonic"
        first = machine.show(fed)
        wait_for("the watchdog to be fed", lambda: machine.show(fed) != first)
        equal(machine.show("NRestarts"), "0")
        machine.run("systemctl", "stop", UNIT)
        equal((machine.show("ActiveState"), machine.show("Result")), ("inactive", "success"))
        said = machine.journal()
        order = [said.index("node_" + word) for word in ("ready", "stopping", "stopped")]
        equal(order, sorted(order))
        assert "Killing process" not in said and "timed out" not in said, said[-3000:]


@tap.test
def supervisor_that_stands_still_is_started_anew():
    with Machine() as machine:
        machine.run("systemctl", "start", UNIT)
        pid, old = machine.show("MainPID"), machine.processes()
        equal(len(old), 1 + len(ROLES))
        machine.run("sh", "-c", "kill -STOP " + pid)
        wait_for("a restart", lambda: machine.show("NRestarts") == "1" and machine.active())
        assert machine.show("MainPID") != pid
        assert "Watchdog timeout" in machine.journal(), machine.journal()[-3000:]
        equal(set(old) & set(machine.processes()), set())
        wait_for("answers", machine.answers)


@tap.test
def role_that_crashes_again_and_again_ends_in_a_failed_unit():
    with Machine() as machine:
        machine.write("/etc/logic-node/logic-node.conf", "LOGICD_OPTIONS=--set supervisor.crashes_max=2\n")
        machine.run("systemctl", "start", UNIT)
        machine.run("sh", "-c", "echo 'this is no fact' > /opt/logic-node/site/house.pl")
        machine.run("systemctl", "restart", "--no-block", UNIT)
        wait_for("the unit to have failed", lambda: machine.show("ActiveState") == "failed")
        said = machine.journal()
        assert "node_failed" in said and "Start request repeated too quickly" in said, said[-3000:]
        equal(machine.processes(), [])


@tap.test
def service_writes_nowhere_but_in_its_folder():
    with Machine() as machine:
        open_to_all = ["/etc/open", "/usr/open", "/var/open", "/srv/open", "/opt/open"]
        machine.run("mkdir", "-m", "777", *open_to_all)
        machine.write("/etc/systemd/system/%s.d/probe.conf" % UNIT,
                      "[Service]\nExecStartPost=-/bin/sh -c 'for d in %s; do touch $d/intruder && "
                      "echo INTRUDED $d; done; touch /opt/logic-node/mine && echo OWN-FOLDER'\n"
                      % " ".join(open_to_all))
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", UNIT)
        said = machine.journal()
        assert "OWN-FOLDER" in said and "INTRUDED" not in said, said[-3000:]


if __name__ == "__main__":
    tap.run()

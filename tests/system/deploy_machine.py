# SPDX-License-Identifier: Apache-2.0
"""deploy/deploy.sh under a real systemd with a real node: a new version over a case that waits, bad versions, a kill, rollback.

The container is that of tests/harness/machine.py; BIND of this machine runs in its network. curl is this machine's, too.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from machine import UNIT, Machine  # noqa: E402
from node import LOGICCTL, LOGICD, NAMED, ROOT, Skip, Tap, equal, page, wait_for  # noqa: E402

tap = Tap()
DNS_PORT = "5353"  # kb/site/house.pl
GUARD = "logic-node-deploy-guard"
BROKEN = """#!/bin/sh
case $1 in serve) echo "this version is broken" >&2; exit 1 ;; esac
exit 0
"""
# Says READY=1 and answers every request with 503; perl is in every Debian.
NEVER_READY = r"""#!/usr/bin/perl
use IO::Socket::UNIX; use Socket;
exit 0 if $ARGV[0] ne 'serve';
my $path = '/opt/logic-node/run/api.sock'; unlink $path;
my $server = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "$!";
my $tell = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $ENV{NOTIFY_SOCKET}) or die "$!"; $tell->send("READY=1\n");
$SIG{ALRM} = sub { $tell->send("WATCHDOG=1\n"); alarm 1 }; alarm 1;
while (1) { my $c = $server->accept or next; sysread $c, my $x, 4096;
  print $c "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"; close $c }
"""


class Deployed(Machine):
    """A booted machine; `built` brings a built tree in, `facts` the examples as its owner's."""

    def __enter__(self):
        Machine.__enter__(self)
        self.inside = "/proc/%s/root" % self.leader
        self.world = os.path.join(self.folder, "named")
        if not os.path.exists(self.inside + "/usr/bin/curl"):
            shutil.copy(shutil.which("curl"), self.inside + "/usr/bin/curl")
        return self

    def facts(self):
        os.makedirs(self.inside + "/etc/logic-node/site")
        for name in os.listdir(ROOT + "/kb/site"):
            if name.endswith(".pl"):
                shutil.copy(os.path.join(ROOT, "kb/site", name), self.inside + "/etc/logic-node/site/")

    def named(self):
        """BIND in the container's network, its secret where the actuator reads it. After the first deploy: then there is a user."""
        secrets = os.path.join(self.folder, "secrets")
        done = self.in_network(NAMED, "start", self.world, "--port", DNS_PORT, "--rndc-port", "9953", "--secrets", secrets)
        if done.returncode != 0:
            raise Skip("no BIND in the container's network: " + done.stdout[-300:])
        shutil.copytree(secrets, self.inside + "/opt/logic-node/secrets", dirs_exist_ok=True)
        self.run("chown", "-R", "logic-node:", "/opt/logic-node/secrets")
        self.run("find", "/opt/logic-node/secrets", "-type", "f", "-exec", "chmod", "600", "{}", "+")

    def in_network(self, *command):
        return subprocess.run(["nsenter", "-t", self.leader, "-n", "--", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)

    def dig(self, name):
        return self.in_network("dig", "-p", DNS_PORT, "@127.0.0.1", name, "+short").stdout.strip()

    def built(self, name, logicd=None):
        """/srv/NAME: the programs, rules and page of this tree; `logicd`: another text as the program."""
        tree = self.inside + "/srv/" + name
        os.makedirs(tree + "/bin")
        os.makedirs(tree + "/deploy")
        for program in (LOGICD, LOGICCTL):
            shutil.copy(program, tree + "/bin/")
        shutil.copytree(ROOT + "/kb/core", tree + "/kb/core")
        shutil.copytree(ROOT + "/kb/site", tree + "/kb/site")
        shutil.copy(ROOT + "/kb/main.pl", tree + "/kb/")
        shutil.copytree(page(), tree + "/web")
        shutil.copytree(ROOT + "/deploy/ansible", tree + "/ansible")
        shutil.copytree(ROOT + "/deploy/systemd", tree + "/deploy/systemd")
        for file in ("layout.sysusers", "layout.tmpfiles", "deploy.sh"):
            shutil.copy(os.path.join(ROOT, "deploy", file), tree + "/deploy/")
        with open(tree + "/web/version.txt", "w") as f:
            f.write(name)
        if logicd:
            with open(tree + "/bin/logicd", "w") as f:
                f.write(logicd)
        return "/srv/" + name

    def deploy(self, *options, ok=True):
        said = self.run("sh", "/srv/one/deploy/deploy.sh", "--json", *options, check=False)
        reports = [line for line in said.splitlines() if line.startswith('{"ok"')]
        assert len(reports) == 1, said[-3000:]
        report = json.loads(reports[0])
        assert report["ok"] == ok, (report, said[-3000:], self.journal()[-2000:])
        return report

    def page_says(self):
        """What is served: the version by its page, through the node itself."""
        return self.run("curl", "-s", "--unix-socket", "/opt/logic-node/run/api.sock", "http://localhost/version.txt", check=False).strip()

    def says(self, *command, status=0):
        said = self.run("sh", "-c", '"$@"; echo "status $?"', "sh", "/opt/logic-node/bin/logicctl", "--json", *command)
        body, _, code = said.rpartition("status ")
        assert int(code) == status, (command, said)
        return body

    def __exit__(self, *what):
        if hasattr(self, "world"):
            self.in_network(NAMED, "stop", self.world)
        Machine.__exit__(self, *what)


def in_force(machine, name, number):
    equal(machine.page_says(), name)
    equal(machine.run("readlink", "/opt/logic-node/current").strip(), "versions/" + number)
    exe = machine.run("readlink", "/proc/%s/exe" % machine.show("MainPID")).strip()
    equal(exe, "/opt/logic-node/versions/%s/bin/logicd" % number)


@tap.test
def new_version_over_a_waiting_case_bad_ones_and_back():
    with Deployed() as machine:
        machine.install()
        machine.set_up()
        one = machine.built("one")
        report = machine.deploy("--from", one)
        equal((report["changed"], report["version"], report["previous"]), (True, "1", "package"))
        in_force(machine, "one", "1")
        equal(machine.run("systemctl", "is-enabled", UNIT).strip(), "enabled")
        pid = machine.show("MainPID")
        equal((machine.deploy("--from", one)["changed"], machine.show("MainPID")), (False, pid))
        equal(machine.deploy("--rollback")["version"], "package")  # and back to the package in one command
        equal(machine.run("readlink", "/proc/%s/exe" % machine.show("MainPID")).strip(), "/usr/lib/logic-node/bin/logicd")
        equal(machine.deploy("--rollback")["version"], "1")

        machine.named()
        machine.says("ask", "--wait", "add test.local to 192.168.1.100")
        equal(machine.dig("test.local"), "192.168.1.100")
        machine.says("ask", "delete test.local", status=4)
        case, = json.loads(machine.says("cases", "--status", "awaiting_consent"))["cases"]

        equal(machine.deploy("--from", machine.built("two"))["version"], "2")
        in_force(machine, "two", "2")
        waiting, = json.loads(machine.says("cases", "--status", "awaiting_consent"))["cases"]
        equal(waiting["id"], case["id"])

        report = machine.deploy("--from", machine.built("broken", BROKEN), ok=False)
        equal(report["stage"], "restart")
        assert "Version 2 is in force as before" in report["sentence"], report
        in_force(machine, "two", "2")
        report = machine.deploy("--from", machine.built("deaf", NEVER_READY), "--wait", "5", ok=False)
        equal(report["stage"], "wait")
        assert "within 5 s" in report["sentence"] and "Version 2 is in force as before" in report["sentence"], report
        in_force(machine, "two", "2")

        machine.run("sh", "-c", "echo 'no_such_fact(x).' > /etc/logic-node/site/wrong.pl")
        equal(machine.deploy("--from", machine.built("three"), ok=False)["stage"], "rules")
        in_force(machine, "two", "2")
        machine.run("rm", "/etc/logic-node/site/wrong.pl")

        machine.says("approve", case["id"], "--yes")
        wait_for("the record to be gone", lambda: machine.dig("test.local") == "")
        equal(machine.deploy("--rollback")["version"], "1")
        in_force(machine, "one", "1")
        machine.says("ledger", "verify")


@tap.test
def killed_behind_the_switch_systemd_itself_puts_the_old_version_back():
    with Deployed() as machine:
        machine.facts()
        machine.deploy("--from", machine.built("one"))
        deaf = machine.built("deaf", NEVER_READY)
        script = ["nsenter", "-t", machine.leader, "-m", "-u", "-i", "-n", "-p", "-C", "--",
                  "sh", "/srv/one/deploy/deploy.sh", "--from", deaf]
        with tempfile.TemporaryFile() as said:
            running = subprocess.Popen(script, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            wait_for("the new version to be started", lambda: "restarted=yes" in machine.run(
                "cat", "/opt/logic-node/versions/.trial", check=False))
            for child in open("/proc/%d/task/%d/children" % (running.pid, running.pid)).read().split():
                os.kill(int(child), signal.SIGKILL)  # the script itself, behind nsenter
            running.wait()
        assert running.returncode != 0
        equal(machine.run("systemctl", "is-active", GUARD + ".timer").strip(), "active")
        # its time is minutes; here it comes at once
        machine.run("systemctl", "start", GUARD + ".service")
        wait_for("the old version", lambda: machine.run("readlink", "/opt/logic-node/current").strip() == "versions/1" and
                 machine.active() and machine.page_says() == "one")
        in_force(machine, "one", "1")
        wait_for("the guard to be gone", lambda: machine.run("systemctl", "is-active", GUARD + ".timer", check=False).strip() == "inactive")
        equal(machine.run("sh", "-c", "ls -A /opt/logic-node/versions").split(), [".guard.sh", ".lock", "1"])


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""The backup as its unit starts it, in a booted machine with the package: the real restic behind the unit's walls, a wrong password, a
place that may not be written, and what the node says of each. One machine for all of it, in the order of a life.

zfs-sync.service goes as far as it can here: there is no /dev/zfs in a container (tests/system/zfs.py, tests/guest/zfs.py have ZFS).
Time is not waited for: the status file's own number is set back, and the rules' waits are taken out.
"""
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from machine import HOME, PORT, Machine, of_this_machine  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402

tap = Tap()
UNIT, ZFS = "restic-sync.service", "zfs-sync.service"
CONFIG, PASSWORD, STATE = "/etc/logic-node/backup.conf", "/etc/logic-node/restic.password", "/var/lib/logic-node-backup"
VAULT = "/mnt/vault/node"
RULES = "/usr/share/logic-node/kb/core/3_rules/conditions.pl"
HOUR = 3600
# What the walls let through, said by the unit's own first step.
PROBE = """[Service]
ExecStartPre=/bin/sh -c 'for file in /etc/x /usr/x /opt/logic-node/keys/x /opt/logic-node/ledger/x /opt/logic-node/secrets/x /home/x; \
do (: > $$file) 2> /dev/null && echo WROTE $$file; done; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status'
"""
CAPABILITIES = 1 << 2 | 1 << 7 | 1 << 6  # DAC_READ_SEARCH, SETUID, SETGID


class House(Machine):
    """A node that was set up, with a repository on a disk and a backup.conf; `paper` is what the owner wrote down."""

    def __init__(self):
        super().__init__(of_this_machine("restic", "jq"))

    def __enter__(self):
        super().__enter__()
        try:
            self.install()
            self.hurry()
            self.set_up()
            self.write("/etc/logic-node/site/backup.pl", 'sense_source("backup", "box", backup, "local", 1).\n')
            self.run("logicctl", "kb", "reload")
            self.password("a password of a test")
            self.configure(VAULT)
            self.run("mkdir", "-p", os.path.dirname(VAULT))
            self.restic("init")
            self.write("/srv/paper", self.run("sh", "-c", "logicctl backup key 2>/dev/null"))
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def hurry(self):
        """The rules do not wait with backups: for_s and clear_s are another test's (tests/flow/alerts.py)."""
        text = self.run("cat", RULES)
        fast, count = re.subn(r"(alert_condition\(backup_\w+,.*?)\[ for_s\(\d+\), clear_s\(\d+\) \]", r"\1[ for_s(0), clear_s(1) ]", text,
                              flags=re.S)
        equal(count, 2)
        self.write(RULES, fast)

    def password(self, text):
        self.run("sh", "-c", "umask 077; cat > " + PASSWORD, text=text + "\n")

    def configure(self, repository):
        self.write(CONFIG, "BACKUP=restic\nREPOSITORY=%s\nPASSWORD_FILE=%s\nKEEP=3\n" % (repository, PASSWORD))

    def restic(self, *words, repository=VAULT):
        return self.run("restic", "-q", "-r", repository, "--password-file", PASSWORD, "--no-cache", *words)

    def sync(self, unit=UNIT):
        """As the timer starts it; what it said in this run."""
        before = len(self.journal(unit))
        self.run("systemctl", "start", unit, check=False)
        self.run("journalctl", "--sync")
        return self.show("Result", unit), self.journal(unit)[before:]

    def status(self):
        return json.loads(self.run("cat", STATE + "/status.json"))

    def metrics(self):
        asked = self.outside("import http.client as h; c = h.HTTPConnection('127.0.0.1', %d, timeout=20); c.request('GET', '/metrics');"
                             "print(c.getresponse().read().decode())" % PORT)
        return dict(re.findall(r"^logic_(backup_\w+) (\S+)$", asked.communicate()[0], re.M))

    def alerts(self):
        return [row["condition"] for row in self.ctl("alert", "list")["alerts"]]

    def age(self, hours):
        """As if the last good run had been so long ago."""
        status = dict(self.status(), good_at=int(time.time()) - hours * HOUR)
        self.run("sh", "-c", "cd %s && cat > s && chmod 644 s && mv s status.json" % STATE, text=json.dumps(status))


def runs_behind_its_walls(house):
    """The first backup; what the unit's process may and may not."""
    drop_in = "/etc/systemd/system/%s.d/probe.conf" % UNIT
    house.write(drop_in, PROBE)
    house.run("systemctl", "daemon-reload")
    before = int(time.time())
    result, said = house.sync()
    equal((result, said if result != "success" else ""), ("success", ""))
    assert "whole: " in said and "WROTE" not in said, said
    for name, wanted in (("CapEff", CAPABILITIES), ("CapBnd", CAPABILITIES), ("NoNewPrivs", 1), ("Seccomp", 2)):
        equal((name, int(re.search(r"^%s:\s*(\w+)$" % name, said, re.M).group(1), 16)), (name, wanted))
    house.run("rm", drop_in)
    house.run("systemctl", "daemon-reload")
    status = house.status()
    equal((status["kind"], status["ok"], before <= status["good_at"] <= time.time()), ("restic", True, True))
    equal(house.run("stat", "-c", "%U:%G %a", STATE, STATE + "/status.json").splitlines(), ["root:logic-node 750", "root:logic-node 644"])
    house.run("logicctl", "backup", "status")


def is_known_to_the_node(house):
    wait_for("the metrics", lambda: set(house.metrics()) == {"backup_known", "backup_age_seconds"})
    told = house.metrics()
    assert told["backup_known"] == "1" and float(told["backup_age_seconds"]) < HOUR, told
    wait_for("the source", lambda: [row["state"] for row in house.ctl("sense", "list")["sources"]] == ["ok"])
    equal(house.alerts(), [])


def comes_back(house):
    """On this machine beside it; with the checkpoints that the hourly timer had kept."""
    notes = house.run("ls", HOME + "/checkpoints").split()
    assert notes, "the run itself has the node sign a checkpoint first"
    house.restic("restore", "latest", "--target", "/srv/out")
    told = json.loads(house.run("sh", "-c", "logicctl restore /srv/out/node.backup --identity /srv/paper --home /srv/again --json "
                                "--checkpoint /srv/out/node.backup.checkpoint 2>/dev/null"))
    assert told["checkpoint_size"] > 0 and told["ledger_size"] >= told["checkpoint_size"], told
    restored = house.run("ls", "/srv/again/checkpoints").split()
    equal(restored, notes)
    house.run("sh", "-c", "cmp %s/checkpoints/%s /srv/again/checkpoints/%s" % (HOME, notes[0], notes[0]))


def fails_with_a_wrong_password(house):
    good_at = house.status()["good_at"]
    house.password("another one")
    result, said = house.sync()
    equal(result, "exit-code")
    assert "is not the repository's. Find the right one; do not init anew" in said, said
    status = house.status()
    equal((status["ok"], status["good_at"]), (False, good_at))
    assert "Find the right one" in status["words"], status
    equal(house.done("logicctl", "backup", "status").returncode, 6)
    house.age(7)
    wait_for("the alert", lambda: house.alerts() == ["backup_old"])
    house.password("a password of a test")
    equal(house.sync()[0], "success")
    wait_for("the end of the alert", lambda: house.alerts() == [])


def fails_where_it_may_not_write(house):
    elsewhere = "/usr/local/vault"
    house.configure(elsewhere)
    house.restic("init", repository=elsewhere)
    result, said = house.sync()
    equal(result, "exit-code")
    assert "ReadWritePaths=" + elsewhere in said, said
    house.configure(VAULT)
    house.run("chown", "-R", "daemon:", VAULT)
    result, said = house.sync()
    equal(result, "exit-code")
    assert "chown -R root: '%s'" % VAULT in said, said
    house.run("chown", "-R", "root:", VAULT)
    equal(house.sync()[0], "success")


def zfs_says_what_is_missing(house):
    good_at = house.status()["good_at"]
    house.write(CONFIG, "BACKUP=zfs\nDATASET=tank/logic-node\nTARGET=vault/logic-node\n")
    result, said = house.sync(ZFS)
    equal(result, "exit-code")
    assert "there is no zfs on this machine: apt-get install zfsutils-linux" in said, said
    status = house.status()
    equal((status["kind"], status["ok"], status["good_at"]), ("zfs", False, good_at))


@tap.test
def a_backup_lives_as_its_unit_starts_it():
    begin = time.monotonic()
    with House() as house:
        print("# a machine with a node: %.1f s" % (time.monotonic() - begin))
        for part in (runs_behind_its_walls, is_known_to_the_node, comes_back, fails_with_a_wrong_password, fails_where_it_may_not_write,
                     zfs_says_what_is_missing):
            begin = time.monotonic()
            part(house)
            print("# %s: %.1f s" % (part.__name__.replace("_", " "), time.monotonic() - begin))


if __name__ == "__main__":
    tap.run()

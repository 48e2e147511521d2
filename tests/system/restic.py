# SPDX-License-Identifier: Apache-2.0
"""deploy/restic_sync.sh with the real restic on a local repository: taken, deduplicated, pruned, torn, locked, damaged, and given back
to a blank folder. The node does not run here (tests/flow/restore.py has one that works): its home was left by one that did."""
import base64
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import debian_root  # noqa: E402
from node import LOGICCTL, ROOT, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
SCRIPT = os.path.join(ROOT, "deploy/restic_sync.sh")
KEYS = ["kind", "ok", "at", "good_at", "dataset", "target", "mode", "snapshot", "sent_bytes", "source_bytes", "target_bytes", "snapshots",
        "words"]
DOCUMENTS = 6  # of half a megabyte: enough that restic cuts the backup in pieces


class House:
    """A home, a repository, a configuration; what is given away is removed in the end."""

    def __init__(self):
        for program in ("restic", "jq"):
            if not shutil.which(program):
                debian_root.unavailable("no %s: apt-get install %s" % (program, program))
        self.folder = tempfile.mkdtemp(prefix="ln-restic-")
        self.home, self.state, self.vault = (os.path.join(self.folder, name) for name in ("home", "state", "vault"))
        self.password, self.paper = os.path.join(self.folder, "password"), os.path.join(self.folder, "paper")
        with open(self.password, "w") as f:
            f.write("a password of a test\n")
        os.chmod(self.password, 0o600)
        self.configure()

    def __enter__(self):
        os.makedirs(self.home)
        with Node(named=False, home=self.home) as node:
            self.ctl("ledger", "checkpoint")
            node.intent("list dns records")
            dice = random.Random(7)
            for number in range(DOCUMENTS):
                path = os.path.join(self.folder, "text%d.md" % number)
                with open(path, "w") as f:
                    f.write("# Text %d\n\n" % number + "\n\n".join(base64.b64encode(dice.randbytes(600)).decode() for _ in range(600)))
                self.ctl("docs", "add", path)
        self.hand("init")
        with open(self.paper, "w") as f:
            f.write(self.ctl("backup", "key"))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def configure(self, **other):
        rows = dict({"BACKUP": "restic", "REPOSITORY": self.vault, "PASSWORD_FILE": self.password, "KEEP": "3", "STATE": self.state,
                     "HOME_DIR": self.home, "LOGICCTL": LOGICCTL}, **other)
        self.config = os.path.join(self.folder, "backup.conf")
        with open(self.config, "w") as f:
            f.write("# of a test\n" + "".join("%s=%s\n" % row for row in rows.items()))

    def ctl(self, *words, home=None):
        return subprocess.run([LOGICCTL, "--home", home or self.home, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=True, stdin=subprocess.DEVNULL).stdout

    def hand(self, *words, check=True):
        """restic as a person would call it."""
        words = ["restic", "-q", "-r", self.vault, "--password-file", self.password, "--cache-dir", self.state + "/cache", *words]
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=check,
                              stdin=subprocess.DEVNULL).stdout

    def sync(self, *words, path=None, code=0):
        done = subprocess.run(["sh", SCRIPT, *words, "--config", self.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=dict(os.environ, PATH=(path + ":" if path else "") + os.environ["PATH"]), stdin=subprocess.DEVNULL)
        equal((done.returncode, done.stdout if done.returncode != code else ""), (code, ""))
        return done.stdout

    def status(self):
        return json.loads(self.sync("status", "--json"))

    def snapshots(self):
        return [row["short_id"] for row in json.loads(self.hand("snapshots", "--no-lock", "--json"))]

    def write(self, text):
        with open(os.path.join(self.home, "site/mine.pl"), "w") as f:
            f.write("%% %s\n" % text)

    def program(self, name, text):
        """A program that stands before the real one on the path; the folder of it."""
        folder = tempfile.mkdtemp(dir=self.folder)
        with open(os.path.join(folder, name), "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(os.path.join(folder, name), 0o755)
        return folder

    def comes_back(self):
        """Out of the newest snapshot, into a blank folder; the home and what `restore` said."""
        out, home = tempfile.mkdtemp(dir=self.folder), os.path.join(tempfile.mkdtemp(dir=self.folder), "home")
        self.hand("restore", "latest", "--target", out)
        told = json.loads(self.ctl("--json", "restore", os.path.join(out, "node.backup"), "--identity", self.paper, home=home))
        return home, told


@tap.test
def first_second_and_more_are_kept_small_pruned_and_come_back():
    with House() as house:
        said = house.sync()
        assert "whole: " in said, said
        first = house.status()
        equal((list(first), first["kind"], first["ok"], first["snapshots"]), (KEYS, "restic", True, 1))
        equal(first["at"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(first["good_at"])))
        house.write("two")
        assert "incremental: " in house.sync()
        second = house.status()
        print("# a backup of %d bytes; the second added %d, both together take %d" %
              (second["source_bytes"], second["sent_bytes"], second["target_bytes"]))
        assert second["sent_bytes"] < second["source_bytes"] * 0.8, "pieces that did not change are kept once"
        for number in range(3):
            house.write("more %d" % number)
            house.sync()
        equal((len(house.snapshots()), house.status()["snapshots"]), (3, 3))
        home, told = house.comes_back()
        assert "more 2" in open(home + "/site/mine.pl").read() and told["ledger_size"] > 0 and told["checkpoint_size"] > 0, told
        assert not os.path.exists(house.state + "/stage")
        with Node(named=False, home=home) as node:
            node.verify_ledger()
            equal(len(json.loads(house.ctl("--json", "docs", "list", home=home))["documents"]), DOCUMENTS)
        said = house.ctl("backup", "status", "--config", house.config)
        assert "good" in said and "restic" in said, said


@tap.test
def one_that_is_cut_off_leaves_the_last_good_and_the_next_goes_on():
    with House() as house:
        house.sync()
        before, real, good_at = house.snapshots(), shutil.which("restic"), house.status()["good_at"]
        assert abs(good_at - time.time()) < 3600, good_at
        slow = house.program("restic", 'case " $* " in *" backup "*) sleep 60 & wait ;; esac\nexec %s "$@"\n' % real)
        house.write("two")
        running = subprocess.Popen(["sh", SCRIPT, "--config", house.config], env=dict(os.environ, PATH=slow + ":" + os.environ["PATH"]),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        wait_for("the stage", lambda: os.path.exists(house.state + "/stage/node.backup"))
        assert "another one runs" in house.sync(code=75)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        equal(house.snapshots(), before)
        # restic itself, slowed and killed in the middle, leaves a lock of a process that is gone, and pieces of no snapshot
        torn = house.program("restic", 'case " $* " in *" backup "*) %s --limit-upload 100 "$@" & sleep 1.2; kill -9 $!; exit 1 ;; esac\n'
                             'exec %s "$@"\n' % (real, real))
        said = house.sync(path=torn, code=1)
        assert "the backup was not taken" in said, said
        status = house.status()
        equal((status["ok"], status["good_at"], status["snapshots"]), (False, good_at, 1))
        equal(house.snapshots(), before)
        house.sync()
        equal(len(house.snapshots()), 2)
        assert "two" in open(house.comes_back()[0] + "/site/mine.pl").read()


@tap.test
def a_lock_of_one_that_runs_is_respected_and_a_stale_one_is_not():
    with House() as house:
        house.sync()
        # one that runs: an exclusive lock as restic's own processes make it; held by a restic that is stopped in its prune
        holder = subprocess.Popen(["restic", "-q", "-r", house.vault, "--password-file", house.password, "--limit-download", "1", "check",
                                   "--no-cache", "--read-data"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # whole: it is written beside under a longer name, and who is stopped then holds nothing
        wait_for("its lock", lambda: any(re.fullmatch("[0-9a-f]{64}", name) for name in os.listdir(house.vault + "/locks")))
        os.kill(holder.pid, signal.SIGSTOP)
        house.write("two")
        said = house.sync(code=1)
        assert "is locked by a restic that runs" in said, said
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        equal(len(os.listdir(house.vault + "/locks")), 1)  # stale now
        house.sync()
        equal(os.listdir(house.vault + "/locks"), [])


@tap.test
def damage_is_found_and_then_nothing_is_forgotten():
    with House() as house:
        for number in range(3):
            house.write("number %d" % number)
            house.sync()
        packs = [os.path.join(folder, name) for folder, _, names in os.walk(house.vault + "/data") for name in names]
        packs = [path for path in packs if os.path.getsize(path) > 100000]  # of the data: what tells of it is looked at each time
        for path in packs:
            data = bytearray(open(path, "rb").read())
            for at in range(1000, len(data), 20000):  # in every piece: one that is no more used may go unseen
                data[at] ^= 1
            os.chmod(path, 0o600)
            with open(path, "wb") as f:
                f.write(data)
        house.sync("check")  # the frame of it is whole …
        found = False
        for number in range(12):  # … and within a round of slices the data is not
            house.write("later %d" % number)
            done = subprocess.run(["sh", SCRIPT, "--config", house.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  stdin=subprocess.DEVNULL)
            if done.returncode:
                assert "is damaged" in done.stdout, done.stdout
                found = True
                break
        assert found, "a round of slices saw nothing"
        equal((house.status()["ok"], len(house.snapshots()) >= 2), (False, True))
        os.remove(next(path for path in packs if os.path.exists(path)))  # one that is still used: pruning took the others
        assert "is damaged" in house.sync("check", code=1)


@tap.test
def what_is_wrong_is_said_with_its_remedy():
    with House() as house:
        other = os.path.join(house.folder, "other")
        with open(other, "w") as f:
            f.write("another\n")
        os.chmod(other, 0o600)
        house.configure(PASSWORD_FILE=other)
        assert "is not the repository's" in house.sync(code=1)
        house.configure(REPOSITORY=house.folder + "/nowhere")
        said = house.sync(code=1)
        assert "there is no repository" in said and " init" in said, said
        equal((house.status()["ok"], house.status()["good_at"]), (False, 0))  # there was none yet
        for wrong, words in [({"REPOSITORY": ""}, "REPOSITORY"), ({"REPOSITORY": "--help"}, "REPOSITORY"), ({"KEEP": "1"}, "KEEP"),
                             ({"KEEP": "x"}, "KEEP"), ({"STATE": "x"}, "STATE"), ({"WHAT": "1"}, "WHAT"),
                             ({"PASSWORD_FILE": "/nonexistent"}, "umask 077")]:
            house.configure(**wrong)
            assert words in house.sync("check", code=2), wrong
        os.chmod(other, 0o644)
        house.configure(PASSWORD_FILE=other)
        assert "chmod 600" in house.sync(code=2)
        for wrong, words in [({"HOME_DIR": "/nonexistent"}, "HOME_DIR"), ({"LOGICCTL": "/nonexistent"}, "LOGICCTL")]:
            house.configure(**wrong)
            assert words in house.sync(code=1), wrong
        house.configure()
        os.rename(house.home + "/keys/recovery.pub", house.home + "/away")
        assert "backup key" in house.sync(code=1)
        os.rename(house.home + "/away", house.home + "/keys/recovery.pub")
        ledger = open(house.home + "/ledger/ledger.db", "r+b")
        ledger.seek(5000)
        ledger.write(b"x" * 3000)
        ledger.close()
        assert "no backup could be made" in house.sync(code=1)
        equal(house.snapshots(), [])


@tap.test
def a_full_repository_is_said_and_goes_on_when_there_is_room():
    with House() as house:
        small = house.folder + "/small"
        os.makedirs(small)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", small], stderr=subprocess.DEVNULL).returncode != 0:
            debian_root.unavailable("no tmpfs may be mounted here")
        try:
            house.vault = small + "/vault"
            house.configure()
            house.hand("init")
            house.sync()
            fill = os.open(small + "/fill", os.O_WRONLY | os.O_CREAT)
            try:
                while True:
                    os.write(fill, bytes(65536))
            except OSError:
                os.close(fill)
            house.write("two")
            assert "no space left" in house.sync(code=1)
            equal(house.status()["ok"], False)
            os.remove(small + "/fill")
            house.sync()
            equal(len(house.snapshots()), 2)
        finally:
            time.sleep(0.2)
            subprocess.run(["umount", "-l", small], check=True)


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""Replication on real ZFS (zfs-fuse): whole, incremental, pruned; pools that are away, targets that went their own way, bad streams.

zfs-fuse knows no raw streams, keys and resumed receives; those ways of zfs_sync.sh are not run here. `ssh` is FAKE: it runs the words here.
"""
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import debian_root  # noqa: E402
from node import ROOT, Tap, equal, wait_for  # noqa: E402

tap = Tap()
SCRIPT = os.path.join(ROOT, "deploy/zfs_sync.sh")
NAME = "lnz%d" % os.getpid()
SOURCE, VAULT = NAME + "a", NAME + "b"  # renamed for each test: what one could not destroy is no other's trouble
count = 0


def run(*words, good=True):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 or not good, (words, done.stdout)
    return done.stdout


def run_when_free(*words):
    """zfs-fuse lets go of what was unmounted a while after the command has ended."""
    wait_for(" ".join(words), lambda: subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0)


class Pools:
    """Two pools in files, a dataset to replicate; the daemon is shared and left as it was found."""

    def __enter__(self):
        if os.geteuid() != 0:
            debian_root.unavailable("zfs-fuse needs root")
        for program in ("zfs-fuse", "zpool"):
            if not shutil.which(program):
                debian_root.unavailable("no %s: apt-get install zfs-fuse" % program)
        self.turn = open(os.path.join(tempfile.gettempdir(), "ln-zfs-fuse.lock"), "w")
        fcntl.flock(self.turn, fcntl.LOCK_EX)  # there is one daemon: who ends it would take the pools of another run along
        global SOURCE, VAULT, count
        count += 1
        SOURCE, VAULT = "%sa%d" % (NAME, count), "%sb%d" % (NAME, count)
        self.folder, self.daemon = tempfile.mkdtemp(prefix="ln-zfs-"), None
        if subprocess.run(["zpool", "list"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            wait_for("zfs-fuse", self.answers)
        for pool in (SOURCE, VAULT):
            path = os.path.join(self.folder, pool + ".img")
            with open(path, "wb") as f:
                f.truncate(96 << 20)
            run("zpool", "create", "-o", "cachefile=none", "-O", "mountpoint=%s/%s" % (self.folder, pool), pool, path)
        run("zfs", "create", SOURCE + "/node")
        run("zfs", "create", VAULT + "/copies")
        self.configure()
        return self

    def answers(self):
        if not self.daemon or self.daemon.poll() is not None:  # one that is just ending has the socket still
            self.daemon = subprocess.Popen(["zfs-fuse", "-n"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return subprocess.run(["zpool", "list"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def __exit__(self, *_):
        run("umount", os.path.join(self.folder, "look"), good=False)
        for pool in (SOURCE, VAULT):
            run("zpool", "destroy", "-f", pool, good=False)
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
        self.turn.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def configure(self, **other):
        rows = dict({"DATASET": SOURCE + "/node", "TARGET": VAULT + "/copies/node", "STATE": self.folder + "/state", "KEEP": "3"}, **other)
        self.config = os.path.join(self.folder, "backup.conf")
        with open(self.config, "w") as f:
            f.write("# of a test\n" + "".join("%s=%s\n" % row for row in rows.items()))

    def write(self, text, name="ledger"):
        with open(os.path.join(self.folder, SOURCE, "node", name), "a") as f:
            f.write(text)

    def sync(self, *words, path=None, code=0):
        """What it said; snapshots are named by the second, so each call waits for a new one."""
        time.sleep(1.05)
        env = dict(os.environ, PATH=(path + ":" if path else "") + os.environ["PATH"])
        done = subprocess.run(["sh", SCRIPT, *words, "--config", self.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=env, stdin=subprocess.DEVNULL)
        equal((done.returncode, done.stdout if done.returncode != code else ""), (code, ""))
        return done.stdout

    def snapshots(self, dataset):
        return run("zfs", "list", "-H", "-r", "-t", "snapshot", "-o", "name", "-s", "creation", dataset).split()

    def look(self):
        """The folder where the copy is mounted now."""
        place = os.path.join(self.folder, "look")
        run_when_free("zfs", "set", "mountpoint=" + place, VAULT + "/copies/node")

        def mounted():
            run("zfs", "mount", VAULT + "/copies/node", good=False)  # it may be already
            return os.path.ismount(place)
        wait_for("the copy is mounted", mounted)
        return place

    def copy_says(self):
        """What a file of the copy says, read from the copy itself."""
        text = open(os.path.join(self.look(), "ledger")).read()
        run("zfs", "unmount", VAULT + "/copies/node")
        return text

    def program(self, name, text):
        """A program that stands before the real one on the path; the folder of it."""
        folder = tempfile.mkdtemp(dir=self.folder)
        with open(os.path.join(folder, name), "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(os.path.join(folder, name), 0o755)
        return folder


@tap.test
def whole_then_incremental_and_no_more_than_are_kept_on_both_sides():
    with Pools() as pools:
        run("zfs", "snapshot", SOURCE + "/node@mine")
        for number in range(5):
            pools.write("entry %d\n" % number)
            said = pools.sync()
            assert said.startswith("incremental: " if number else "whole: "), said
        ours, theirs = pools.snapshots(SOURCE + "/node"), pools.snapshots(VAULT + "/copies/node")
        equal((len(ours), len(theirs), ours[0]), (4, 3, SOURCE + "/node@mine"))  # what is not ours stays
        equal([name.split("@")[1] for name in ours[1:]], [name.split("@")[1] for name in theirs])
        equal(pools.copy_says(), "".join("entry %d\n" % n for n in range(5)))
        status = json.loads(pools.sync("status", "--json"))
        equal((status["ok"], status["mode"], status["snapshots"]), (True, "incremental", 3))
        equal(status["at"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(status["good_at"])))  # the form of restic's (restic.py)
        assert 0 < status["sent_bytes"] < 1 << 20 and status["target_bytes"] > 0, status


@tap.test
def a_pool_that_is_away_for_long_keeps_the_common_snapshot_and_goes_on():
    with Pools() as pools:
        pools.write("one\n")
        pools.sync()
        common, good_at = pools.snapshots(SOURCE + "/node")[-1], json.loads(pools.sync("status", "--json"))["good_at"]
        run_when_free("zpool", "export", VAULT)
        for number in range(5):
            if number == 2:
                status = json.loads(pools.sync("status", "--json"))
                equal((status["ok"], status["good_at"]), (False, good_at))
                shutil.rmtree(pools.folder + "/state")  # the pool was moved to another machine
            pools.write("more\n")
            said = pools.sync(code=1)
            assert "the pool '%s' is not imported on this machine: zpool import %s" % (VAULT, VAULT) in said, said
        ours = pools.snapshots(SOURCE + "/node")
        equal((len(ours), ours[0]), (4, common))  # 3 and the common one
        status = json.loads(pools.sync("status", "--json"))
        assert "not imported" in status["words"] and status["good_at"] == 0, status
        run("zpool", "import", "-d", pools.folder, VAULT)
        assert pools.sync().startswith("incremental: ")
        equal(pools.copy_says(), "one\n" + "more\n" * 5)


@tap.test
def torn_and_bent_streams_leave_the_target_as_it_was_and_the_next_run_mends_it():
    with Pools() as pools:
        pools.write("one\n")
        pools.sync()
        before = pools.snapshots(VAULT + "/copies/node")
        real = shutil.which("zfs")
        torn = pools.program("zfs", '[ "$1" = send ] || exec %s "$@"\n%s "$@" | head -c 700\nexit 0\n' % (real, real))
        bent = pools.program("zfs", '[ "$1" = send ] || exec %s "$@"\n%s "$@" | tr "e" "E"\n' % (real, real))
        dies = pools.program("zfs", '[ "$1" = send ] || exec %s "$@"\n%s "$@" | head -c 700\nkill -9 $$\n' % (real, real))
        for path in (torn, bent, dies):
            pools.write("entry\n" * 50)
            said = pools.sync(path=path, code=1)
            assert "was not taken" in said, said
            equal(pools.snapshots(VAULT + "/copies/node"), before)
        assert pools.sync().startswith("incremental: ")
        equal(pools.copy_says(), "one\n" + "entry\n" * 150)


@tap.test
def a_target_that_went_its_own_way_is_never_overwritten():
    with Pools() as pools:
        pools.write("one\n")
        run("zfs", "create", VAULT + "/copies/node")
        run("zfs", "snapshot", VAULT + "/copies/node@logic-node-20200101T000000Z")  # the name proves nothing
        said = pools.sync(code=1)
        assert "has no snapshot in common" in said and "zfs rename" in said, said
        run("zfs", "unmount", VAULT + "/copies/node")
        run_when_free("zfs", "rename", VAULT + "/copies/node", VAULT + "/copies/old")
        pools.sync()
        equal(run("zfs", "get", "-H", "-o", "value", "readonly", VAULT + "/copies/node").strip(), "on")
        run_when_free("zfs", "set", "readonly=off", VAULT + "/copies/node")  # somebody means it
        with open(os.path.join(pools.look(), "stranger"), "w") as f:
            f.write("somebody wrote here")
        run("zfs", "unmount", VAULT + "/copies/node")
        pools.write("two\n")
        said = pools.sync(code=1)
        assert "zfs rollback -r" in said, said
        run_when_free("zfs", "rollback", "-r", pools.snapshots(VAULT + "/copies/node")[-1])
        assert pools.sync().startswith("incremental: ")


@tap.test
def one_runs_at_a_time_and_another_machine_is_reached_by_ssh():
    with Pools() as pools:
        ssh = pools.program("ssh", 'for word; do last=$word; done\necho "$*" >> %s/ssh.log\nexec sh -c "$last"\n' % pools.folder)  # FAKE
        pools.configure(SSH="backup@vault.home.arpa")
        pools.write("one\n")
        assert "to backup@vault.home.arpa:" in pools.sync(path=ssh)
        log = open(os.path.join(pools.folder, "ssh.log")).read()
        assert "BatchMode=yes" in log and "zfs receive -u" in log, log
        nobody = pools.program("ssh", 'echo "ssh: connect to host: No route to host" >&2\nexit 255\n')
        assert "does ssh backup@vault.home.arpa work?" in pools.sync(path=nobody, code=1)
        slow = pools.program("ssh", "sleep 4\nexit 255\n")
        time.sleep(1.05)
        first = subprocess.Popen(["sh", SCRIPT, "--config", pools.config], env=dict(os.environ, PATH=slow + ":" + os.environ["PATH"]),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert "another one runs" in pools.sync(path=slow, code=75)
        equal(first.wait(60), 1)


@tap.test
def what_is_missing_or_wrong_is_said_before_anything_is_done():
    with Pools() as pools:
        for wrong, words in [({"DATASET": SOURCE + "/none"}, "zfs create"), ({"DATASET": NAME + "c/x"}, "is not imported"),
                             ({"TARGET": VAULT + "/no/node"}, "zfs create -p")]:
            pools.configure(**wrong)
            assert words in pools.sync("check", code=1), wrong
        pools.configure(DATASET=SOURCE + "/none")
        pools.sync(code=1)
        status = json.loads(pools.sync("status", "--json"))
        equal((status["ok"], "zfs create" in status["words"], status["good_at"]), (False, True, 0))  # also what fails before it begins
        for wrong in [{"DATASET": ""}, {"DATASET": "a;reboot"}, {"TARGET": "$(id)"}, {"TARGET": "/x"}, {"KEEP": "1"}, {"KEEP": "x"},
                      {"SSH": "-oProxyCommand=id"}, {"SSH": "a b"}, {"STATE": "x"}, {"WHAT": "1"}]:
            pools.configure(**wrong)
            assert list(wrong)[0] in pools.sync("check", code=2), wrong
        pools.configure()
        equal(pools.snapshots(SOURCE + "/node"), [])


if __name__ == "__main__":
    tap.run()

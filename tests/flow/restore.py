# SPDX-License-Identifier: Apache-2.0
"""A machine is lost and comes back: a backup made while the node works, restored into a blank folder, is the same node. And what is
damaged, forged, of another key or too old is refused before anything is written."""
import base64
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
from fast_rules import with_fast_rules  # noqa: E402
from node import LOGICCTL, ROOT, Node, Skip, Tap, equal, wait_for  # noqa: E402
from soft_passkey import SoftPasskey, consent  # noqa: E402

try:
    from forged_backup import forged, opened
except ImportError:  # python3-cryptography comes with ansible-core
    forged = opened = None

tap = Tap()
RP, ORIGIN = "node.home.arpa", "https://node.home.arpa:30443"
FLIPS = 200
ASKED_S = 15 * 60


def ctl(home, *words, code=0, env=None, stdin=None):
    done = subprocess.run([LOGICCTL, "--home", home, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ, LOGIC_NODE_ETC="/nonexistent", **(env or {})), input=stdin or "")
    equal((done.returncode, done.stderr if done.returncode != code else ""), (code, ""))
    return done.stdout if code == 0 else done.stderr


class House(Node):
    """A node with a case that waits, an alert, a token, a passkey, a host, a document, a model and a recovery key."""

    def __init__(self, **more):
        self.kb, self.phone = None, tempfile.mkdtemp(prefix="ln-phone-")  # what is no part of the machine
        self.passkey = SoftPasskey(self.phone, RP)
        super().__init__(site={"page.pl": 'page_origin("%s").\n' % ORIGIN, "passkeys.pl": self.passkey.fact("owner"),
                               "pushed.pl": 'node("n1", "192.0.2.1", "a machine").\nsense_source("n1", "n1", push, "n1", 1).\n'},
                         settings=["judge.senses_tick_ms=500", "sensor.push_ms=100"], start=False, **more)
        self.kb = with_fast_rules(self.phone)
        os.chmod(os.path.join(self.home, "keys"), 0o700)
        self.token = ctl(self.home, "token", "create", "--name", "n1", "--opaque", "--scopes", "sense").split()[0]
        ctl(self.home, "agent", "enroll", "gpu1", "192.0.2.9")
        os.makedirs(os.path.join(self.home, "models"))
        self.paper = os.path.join(self.phone, "paper")
        with open(self.paper, "w") as f:
            f.write(ctl(self.home, "backup", "key"))
        self.start()

    def command(self):
        command = super().command()
        if self.kb:
            command[command.index("--kb") + 1] = self.kb
        return command

    def live(self):
        """What a restored node must still know."""
        ctl(self.home, "docs", "add", os.path.join(ROOT, "SECURITY.md"))
        equal(self.intent("add a.local to 10.0.0.1")["status"], "success")
        self.waiting = self.intent("delete a.local")
        equal(self.waiting["status"], "awaiting_consent")
        wait_for("the sensor", lambda: self.get("/api/v1/sources")[1].get("sensor") == "ready")
        wait_for("a push", lambda: self.push() == 200)
        wait_for("an alert", lambda: [a for a in self.get("/api/v1/alerts?status=open")[1]["alerts"] if a["node"] == "n1"])

    def push(self):
        return self.request("POST", "/api/v1/senses/n1", b'node_gpu_temperature_celsius{gpu="0"} 95\n',
                            headers={"Content-Type": "text/plain", "Authorization": "Bearer " + self.token})[0]

    def backup(self, code=0):
        self.archive = os.path.join(self.phone, "node.backup")
        return ctl(self.home, "--json", "backup", "make", self.archive, code=code)

    def checkpoint(self):
        return json.loads(open(self.verify_ledger()).read().splitlines()[-1])["checkpoint"]

    def restore(self, *more, home=None, archive=None, paper=None, code=0):
        words = ["restore", archive or self.archive, "--identity", paper or self.paper, *more]
        return ctl(home or self.fresh(), *(["--json"] if code == 0 else []), *words, code=code)

    def fresh(self):
        return os.path.join(self.phone, "fresh", "node")

    def refused(self, words, *more, code, **where):
        """In these words, and nothing was written."""
        before = sorted(os.listdir(self.phone))
        said = self.restore(*more, code=code, **where)
        assert words in said, (words, said)
        parent = os.path.dirname(self.fresh())
        equal((sorted(set(os.listdir(self.phone)) - {"fresh"}), os.listdir(parent) if os.path.exists(parent) else []),
              (sorted(set(before) - {"fresh"}), []))

    def make_and_hear(self, archive):
        return subprocess.run([LOGICCTL, "--home", self.home, "backup", "make", archive], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, check=True).stdout

    def is_lost(self):
        self.kill()
        shutil.rmtree(self.home)

    def comes_back(self, home):
        self.home, self.key = home, os.path.join(home, "keys/owner.pem")
        self.start()

    def __exit__(self, *what):
        super().__exit__(*what)
        shutil.rmtree(self.phone, ignore_errors=True)


class Load(threading.Thread):
    """Names are added until it is told to end; each that was answered is durable."""

    def __init__(self, node, pause_s=0.0):
        super().__init__(daemon=True)
        self.node, self.count, self.done, self.pause_s = node, 0, threading.Event(), pause_s

    def run(self):
        while not self.done.is_set():
            try:
                self.node.intent("add h%d.local to 10.0.%d.%d" % (self.count, self.count // 250, self.count % 250 + 1))
                self.count += 1
            except (OSError, AssertionError, ValueError):
                pass  # a role is just starting again
            time.sleep(self.pause_s)

    def __enter__(self):
        self.start()
        wait_for("some load", lambda: self.count > 2)
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join(60)


def tiny_model(path):
    """A model file of one layer whose numbers are all zero: only its header is ever read."""
    def text(word):
        return struct.pack("<Q", len(word)) + word.encode()

    def number(name, value):
        return text(name) + struct.pack("<II", 4, value)
    tensors = [("token_embd.weight", (64, 16)), ("output_norm.weight", (64,)), ("blk.0.ffn_up.weight", (64, 128))]
    tensors += [("blk.0.attn_%s.weight" % name, (64, 64)) for name in ("q", "k", "v", "output")]
    pairs = [text("general.architecture") + struct.pack("<I", 8) + text("llama")] + [number("llama." + name, value) for name, value in (
        ("block_count", 1), ("context_length", 512), ("embedding_length", 64), ("feed_forward_length", 128), ("attention.head_count", 4),
        ("attention.head_count_kv", 4), ("vocab_size", 16))]
    head, at = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs), 0
    for name, sizes in tensors:
        head += text(name) + struct.pack("<I", len(sizes)) + b"".join(struct.pack("<Q", n) for n in sizes) + struct.pack("<IQ", 0, at)
        at += 4 * sizes[0] * (sizes[1] if len(sizes) > 1 else 1)
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % 32 + at))


def tree(home, parts=("keys", "secrets", "tokens", "pki", "site", "catalogue", "enrol", "checkpoints")):
    """{path: (mode, hash)} of what does not change while the node runs."""
    found = {}
    for part in parts:
        for folder, _, names in os.walk(os.path.join(home, part)):
            found[os.path.relpath(folder, home)] = os.stat(folder).st_mode & 0o777
            for name in names:
                path = os.path.join(folder, name)
                if not name.endswith(".lock") and name != "lock":
                    text = open(path, "rb").read()
                    found[os.path.relpath(path, home)] = (os.stat(path).st_mode & 0o777, hashlib.sha256(text).hexdigest())
    return found


@tap.test
def a_lost_machine_comes_back_from_a_backup_made_under_load():
    with House() as node:
        node.live()
        ctl(node.home, "ledger", "checkpoint")  # as the hourly timer does
        with Load(node):
            made = [json.loads(node.backup()) for _ in range(3)]
        last = made[-1]
        assert made[0]["ledger_size"] < last["ledger_size"], made
        before, files = node.entries(), tree(node.home)
        assert any(name.startswith("checkpoints/checkpoint-") for name in files), files
        node.is_lost()
        begin = time.monotonic()
        told = json.loads(node.restore())
        unpacked = time.monotonic() - begin
        equal(set(os.listdir(told["home"])) & {"sessions", "usage", "history", "kb", "run", "models"}, set())
        node.comes_back(told["home"])
        took = time.monotonic() - begin
        print("# %d files, %d bytes as they are, %d closed; restored and checked in %.2f s, serving after %.2f s (asked: %d s)"
              % (told["files"], told["bytes"], last["bytes"], unpacked, took, ASKED_S))
        assert took < ASKED_S and last["bytes"] < 50 << 20
        equal((told["ledger_size"], tree(node.home)), (last["ledger_size"], files))
        equal(node.entries()[:last["ledger_size"]], before[:last["ledger_size"]])
        node.verify_ledger()  # by the node and by the independent verifier
        equal(node.case(node.waiting["case"])["status"], "awaiting_consent")
        status, answer = consent(node, node.waiting["case"], node.passkey, ORIGIN)
        equal((status, answer["status"], node.named.dig("a.local")), (200, "success", []))
        wait_for("the token to count", lambda: node.push() == 200)
        equal([a["node"] for a in node.get("/api/v1/alerts?status=open")[1]["alerts"]], ["n1"])
        assert "SECURITY.md" in ctl(node.home, "docs", "list") and "gpu1" in ctl(node.home, "agent", "list")
        left = {row["path"] for row in told["about"]["left_out"]}
        equal(left, {"log.jsonl"})


@tap.test
def a_backup_while_the_ledger_role_is_killed_is_whole_too():
    with House() as node:
        with Load(node) as load:
            for _ in range(6):
                answered = load.count
                os.kill(node.pid("ledger"), signal.SIGKILL)
                made = json.loads(node.backup())
                told = json.loads(node.restore())
                equal(told["ledger_size"], made["ledger_size"])
                entries = subprocess.run(["sqlite3", os.path.join(told["home"], "ledger/ledger.db"),
                                          "SELECT count(*) FROM entry WHERE kind = 'case_executed'"], stdout=subprocess.PIPE, text=True)
                if entries.returncode == 0:
                    assert int(entries.stdout) >= answered, (entries.stdout, answered)
                shutil.rmtree(told["home"])
                wait_for("the node again", lambda: node.get("/readyz")[0] == 200)


@tap.test
def each_flipped_byte_each_cut_and_other_keys_are_refused_before_anything_is_written():
    with House() as node:
        equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
        node.backup()
        data, dice = open(node.archive, "rb").read(), random.Random(20261121)
        bent = os.path.join(node.phone, "bent")
        for at in sorted(dice.sample(range(len(data)), FLIPS)) + [0, 20, 21, len(data) - 1, len(data) - 64, len(data) - 65]:
            with open(bent, "wb") as f:
                f.write(data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1:])
            node.refused("", archive=bent, code=2)
        for length in [0, 1, 21, 64, 100] + [dice.randrange(len(data)) for _ in range(20)]:
            with open(bent, "wb") as f:
                f.write(data[:length])
            node.refused("damaged", archive=bent, code=2)
        with open(bent, "wb") as f:
            f.write(data + b"\n")
        node.refused("damaged", archive=bent, code=2)
        os.remove(bent)
        other = os.path.join(node.phone, "other")
        with open(other, "w") as f:
            f.write(ctl(node.home, "backup", "key", "--yes"))
        node.refused("find the other paper", paper=other, code=2)
        with open(other, "w") as f:
            f.write(open(node.paper).read().replace("A", "B").replace("Q", "R"))
        node.refused("check sum", paper=other, code=2)
        node.refused("cannot open", archive="/nonexistent", code=2)
        assert json.loads(node.restore())["files"] > 10


@tap.test
def what_a_stranger_closed_to_the_key_is_not_believed():
    with House() as node:
        if not forged:
            raise Skip("no python3-cryptography")
        node.backup()
        manifest, files = opened(open(node.archive, "rb").read(), open(node.paper).read())
        public = open(os.path.join(node.home, "keys/recovery.pub")).read().strip()
        path = os.path.join(node.phone, "strange")

        def try_it(words, code, *, folders, rows, texts=(b"x",)):
            with open(path, "wb") as f:
                f.write(forged({"folders": folders, "files": rows}, texts, public))
            node.refused(words, archive=path, code=code)

        keys = [{"path": "keys", "mode": 0o700, "nodes": True}]
        open(path, "w").close()
        try_it("no path below", 2, folders=keys, rows=[{"path": "keys/../../evil"}])
        try_it("no path below", 2, folders=[{"path": "..", "mode": 0o700, "nodes": True}], rows=[{"path": "../evil"}])
        try_it("no path below", 2, folders=[{"path": "/tmp", "mode": 0o700, "nodes": True}], rows=[{"path": "/tmp/evil"}])
        try_it("lies in a folder", 2, folders=keys, rows=[{"path": "site/evil.pl"}])
        try_it("no part of a backup", 2, folders=[{"path": "bin", "mode": 0o700, "nodes": True}], rows=[{"path": "bin/logicd"}])
        try_it("link", 2, folders=keys, rows=[{"path": "keys/owner.pem", "link": "/etc/shadow"}])
        try_it("mode", 2, folders=keys, rows=[{"path": "keys/sh", "mode": 0o4755}])
        try_it("named twice", 2, folders=keys, rows=[{"path": "keys/a"}, {"path": "keys/a"}], texts=(b"x", b"y"))
        try_it("bytes", 2, folders=keys, rows=[{"path": "keys/a", "bytes": 1 << 50}])
        try_it("as many pieces", 2, folders=keys, rows=[{"path": "keys/a", "bytes": 1 << 29}])
        try_it("hash of 'keys/a' is another", 2, folders=keys, rows=[{"path": "keys/a", "sha256": "00" * 32}])
        try_it("there is no ledger", 2, folders=keys + [{"path": "ledger", "mode": 0o700, "nodes": True}], rows=[{"path": "keys/a"}])
        # a bomb: as many bytes as are declared, not more
        try_it("a byte of 'keys/a' is wrong", 2, folders=keys, rows=[{"path": "keys/a", "bytes": 5}], texts=(b"\0" * 100000,))
        # another node's key beside this ledger; a ledger of which an entry was changed
        rows = [{"path": row["path"], "mode": row["mode"]} for row in manifest["files"]]
        swapped = dict(files, **{"ledger/node.pem": files["keys/owner.pem"]})
        try_it("not the one that signed", 6, folders=manifest["folders"], rows=rows, texts=[swapped[row["path"]] for row in rows])
        database = files["ledger/ledger.db"]
        changed = dict(files, **{"ledger/ledger.db": database.replace(b'"version":"', b'"Version":"')})
        assert changed["ledger/ledger.db"] != database
        try_it("does not hold", 6, folders=manifest["folders"], rows=rows, texts=[changed[row["path"]] for row in rows])
        with open(path, "wb") as f:  # and the form is what is written down: one made here is taken there
            f.write(forged(dict(manifest, files=rows), [files[row["path"]] for row in rows], public))
        equal(json.loads(node.restore(archive=path))["ledger_size"], manifest["about"]["ledger_size"])


@tap.test
def a_checkpoint_kept_elsewhere_finds_a_backup_that_is_too_old_or_of_another():
    with House() as node:
        equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
        early = node.checkpoint()
        node.backup()
        beside = node.archive + ".checkpoint"
        with open(beside, "w") as f:
            f.write(early)
        told = json.loads(node.restore())
        assert 0 < told["checkpoint_size"] <= told["ledger_size"], told
        shutil.rmtree(os.path.dirname(node.fresh()))
        equal(node.intent("add b.local to 10.0.0.2")["status"], "success")
        late = node.checkpoint()
        with open(beside, "w") as f:
            f.write(late)
        node.refused("give --older", code=3)
        wrong = os.path.join(node.phone, "wrong")
        with House() as another:
            equal(another.intent("add c.local to 10.0.0.3")["status"], "success")
            for text, words in ((another.checkpoint(), "is not this node's"), ("hello\n", "checkpoint"),
                                (early.replace(early.split("\n")[2], base64.b64encode(bytes(32)).decode()), "signature is not"),
                                (late.replace("\n" + late.split("\n")[1] + "\n", "\n1\n"), "signature is not")):
                with open(wrong, "w") as f:
                    f.write(text)
                said = node.restore("--checkpoint", wrong, code=6 if words != "checkpoint" else 2)
                assert words in said, (words, said)
        words = ["restore", node.archive, "--identity", "-", "--older"]
        said = ctl(node.fresh(), *words, stdin=open(node.paper).read().lower().replace("-", " "))
        assert "missing: entries" in said and "Next: " in said, said


@tap.test
def a_home_that_is_laid_out_gets_its_parts_and_one_with_files_is_not_touched():
    with House() as node:
        node.backup()
        home, etc = os.path.join(node.phone, "laid"), os.path.join(node.phone, "etc")
        for folder in ("bin", "run", "kb/state", "keys", "ledger"):
            os.makedirs(os.path.join(home, folder), mode=0o755)
        os.makedirs(etc + "/site")
        os.symlink(etc + "/site", home + "/site")
        os.symlink("kb/state", home + "/state")
        with open(home + "/bin/logicd", "w") as f:
            f.write("a program")
        with open(etc + "/site/mine.pl", "w") as f:
            f.write("% mine\n")
        said = node.restore(home=home, code=2)
        assert "not empty" in said and "mine.pl" in said, said
        equal(os.listdir(home + "/keys"), [])
        os.remove(etc + "/site/mine.pl")
        node.restore(home=home)
        equal((os.path.islink(home + "/site"), os.path.exists(etc + "/site/house.pl"), open(home + "/bin/logicd").read()),
              (True, True, "a program"))
        equal((os.stat(home + "/keys/owner.pem").st_mode & 0o777, os.stat(home + "/secrets").st_mode & 0o777), (0o600, 0o700))
        assert not os.path.exists(home + "/.restore")
        said = node.restore(home=home, code=2)
        assert "not empty" in said, said
        node.is_lost()
        node.comes_back(home)
        node.verify_ledger()


@tap.test
def what_is_left_out_is_said_and_what_is_missing_is_named():
    with House() as node:
        etc = os.path.join(node.phone, "etc")
        os.makedirs(etc)
        with open(etc + "/logic-node.conf", "w") as f:
            f.write("LISTEN=127.0.0.1:30080\n")
        with open(etc + "/stray", "w") as f:
            f.write("x")
        os.symlink("/etc/shadow", node.home + "/site/link.pl.txt")
        os.makedirs(node.home + "/letters")
        os.makedirs(node.home + "/catalogue", exist_ok=True)
        weights = node.home + "/models/tiny.gguf"
        tiny_model(weights)
        ctl(node.home, "model", "add", weights, "--name", "tiny")
        archive = os.path.join(node.phone, "node.backup")
        done = subprocess.run([LOGICCTL, "--home", node.home, "backup", "make", archive], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, env=dict(os.environ, LOGIC_NODE_ETC=etc), check=True)
        for words in ("left out: site/link.pl.txt (a link", "left out: letters (not known"):
            assert words in done.stdout, done.stdout
        assert "MB a backup should have" not in done.stdout, done.stdout
        large = os.path.join(node.home, "catalogue/large")
        with open(large, "wb") as f:
            f.write(os.urandom(51 << 20))  # cannot be shrunk
        said = node.make_and_hear(archive + ".large")
        assert "That is more than the 50 MB a backup should have: `logicctl backup list` says what is large." in said, said
        os.remove(large)
        told = json.loads(ctl(node.fresh(), "--json", "restore", archive, "--identity", node.paper, env={"PATH": "/nonexistent"}))
        equal({row["program"] for row in told["missing"]["packages"]}, {"logicd", "ansible-playbook", "ssh"})
        equal(open(told["home"] + "/machine/logic-node.conf").read(), "LISTEN=127.0.0.1:30080\n")
        assert not os.path.exists(told["home"] + "/machine/stray") and not os.path.lexists(told["home"] + "/site/link.pl.txt")
        [row] = told["missing"]["weights"]
        equal((row["name"], row["sha256"]), ("tiny", hashlib.sha256(open(weights, "rb").read()).hexdigest()))
        listed = json.loads(ctl(node.home, "--json", "backup", "list"))
        equal({row["part"] for row in listed["parts"]} >= {"ledger", "keys", "site"}, True)


@tap.test
def a_full_disk_leaves_the_old_backup_and_no_home():
    with House() as node:
        small = os.path.join(node.phone, "small")
        os.makedirs(small)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], stderr=subprocess.DEVNULL).returncode != 0:
            raise Skip("no tmpfs may be mounted here")
        try:
            archive = os.path.join(small, "node.backup")
            with open(archive, "w") as f:
                f.write("the one before")
            with open(os.path.join(small, "fill"), "w") as f:
                f.write("x" * 50000)
            said = ctl(node.home, "backup", "make", archive, code=6)
            assert "cannot write the backup" in said, said
            equal((sorted(os.listdir(small)), open(archive).read()), (["fill", "node.backup"], "the one before"))
            equal(os.listdir(os.path.join(node.home, "backup")), ["lock"])
            node.backup()
            said = node.restore(home=os.path.join(small, "node"), code=6)
            assert "left" in said and "it needs" in said, said
            equal(sorted(os.listdir(small)), ["fill", "node.backup"])
        finally:
            subprocess.run(["umount", small], check=True)


@tap.test
def secrets_leave_the_home_closed_alone_and_one_backup_runs_at_a_time():
    with House() as node:
        node.backup()
        data = open(node.archive, "rb").read()
        equal(os.stat(node.archive).st_mode & 0o777, 0o600)
        for path in ("keys/owner.pem", "secrets/tsig/home", "pki/ca.key", "keys/backup.secret"):
            text = open(os.path.join(node.home, path), "rb").read().strip()
            assert text[:24] not in data and base64.b64encode(text)[:24] not in data, path
        paper = open(node.paper).read().strip()
        for folder, _, names in os.walk(node.home):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    assert paper.encode() not in open(path, "rb").read(), path
        import fcntl
        with open(os.path.join(node.home, "backup/lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert "another backup" in node.backup(code=6)
        os.remove(os.path.join(node.home, "keys/recovery.pub"))
        assert "logicctl backup key" in node.backup(code=2)


if __name__ == "__main__":
    tap.run()

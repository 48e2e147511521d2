# SPDX-License-Identifier: Apache-2.0
"""The real judge alone: a test plays supervisor, gateway, ledger, actuator and sensor, and so can be as slow, as wrong and as
sudden as no whole node is. The FAKE ledger keeps what was appended and reads it back: another judge may begin where one ended."""
import datetime
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time

from node import LOGICD, ROOT, equal

NODE, PERSON = {"principal": "node:gateway", "channel": "node"}, {"principal": "loopback", "channel": "loopback"}
LEARNED = ("case_executed", "case_failed", "alert_raised", "alert_changed", "alert_cleared", "runbook_generated", "runbook_failed",
           "kb_refused")


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"


def now_ms():
    return int(time.time() * 1000)


def give(control, config):
    """In the child: the two descriptors where a role looks for them, and no other."""
    high = [os.dup2(fd, 200 + i) for i, fd in enumerate((control, config))]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
    os.closerange(5, 256)


class End:
    """One end of a channel: messages in and out; several may share a packet."""

    def __init__(self):
        self.socket, self.other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.waiting = []

    def send(self, kind, **fields):
        self.socket.send(json.dumps(dict(fields, v=1, type=kind)).encode())

    def ready(self, seconds=0.0):
        return self.waiting or select.select([self.socket], [], [], seconds)[0]

    def next(self, seconds=60):
        while not self.waiting:
            assert self.ready(seconds), "nothing came for %d s" % seconds
            packet = self.socket.recv(1 << 18)
            assert packet, "it hung up"
            self.waiting = [json.loads(text) for text in packet.split(b"\0") if text]
        return self.waiting.pop(0)

    def heard(self, wanted=lambda: True):
        """What is there already; nothing more when the other side is gone."""
        while wanted() and self.ready():
            try:
                yield self.next()
            except AssertionError:
                return

    def until(self, kind, **fields):
        while True:
            message = self.next()
            if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
                return message

    def silent(self, kind, seconds=0.3):
        """No message of this kind comes within the time; others are dropped."""
        while self.ready(seconds):
            message = self.next()
            assert message["type"] != kind, message

    def gone(self, seconds=60):
        """It hangs up; what it still says is not looked at."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.socket], [], [], 0.1)[0] and not self.socket.recv(1 << 18):
                return True
        return False


class Ledger:
    """FAKE: entries in memory. `full` refuses, `held` keeps the answers back."""

    def __init__(self):
        self.entries, self.open, self.full, self.held = [], set(), False, False

    def read(self, message):
        what, after = message["what"], message.get("after", 0)
        if what == "open":
            found = [e for e in self.entries if e["case"] in self.open and e["seq"] > after]
        elif what == "case":
            found = [e for e in self.entries if e["case"] == message["case"] and e["seq"] > after]
        elif what == "learned":
            found = [e for e in self.entries if e["kind"] in LEARNED and e["seq"] > after]
        else:
            found = [e for e in self.entries if e["seq"] > after]
        return {"entries": found[:500], "more": len(found) > 500, "info": {"size": len(self.entries)}}

    def append(self, entries):
        given = []
        for entry in entries:
            whole = {"seq": len(self.entries) + 1, "at": now(), "kind": entry["kind"], "case": entry["case"],
                     "actor": entry["actor"], "body": entry["body"], "prev": "0" * 64, "v": 1}
            self.entries.append(whole)
            (self.open.add if entry["open"] and entry["case"] else self.open.discard)(entry["case"])
            given.append({"seq": whole["seq"], "at": whole["at"], "hash": "0" * 64})
        return given

    def of(self, *kinds):
        return [e for e in self.entries if e["kind"] in kinds]


class LoneJudge:
    """Messages of the ledger are answered as soon as anybody waits for something."""

    def __init__(self, site="", ledger=None, kb=None, table=True, **settings):
        self.folder = tempfile.mkdtemp(prefix="ln-judge-")
        self.stored, self.kb = ledger or Ledger(), kb or os.environ.get("KB", os.path.join(ROOT, "kb"))
        folder = os.path.join(self.folder, "site")
        os.mkdir(folder)
        os.mkdir(os.path.join(self.folder, "state"))
        for name in os.listdir(os.path.join(ROOT, "kb/site")):
            if name.endswith(".pl") and name != "house.pl":
                shutil.copy(os.path.join(ROOT, "kb/site", name), folder)
        with open(os.path.join(folder, "house.pl"), "w") as f:
            f.write(site)
        self.control = End()
        with tempfile.TemporaryFile() as config:
            config.write(json.dumps({
                "home": self.folder, "settings": settings, "kb": self.kb, "site": folder, "rules": "0" * 64,
                "site_hash": "0" * 64, "state": os.path.join(self.folder, "state")}).encode())
            config.seek(0)
            self.log = open(os.path.join(self.folder, "log"), "w")
            self.process = subprocess.Popen([LOGICD, "role", "judge"], stdin=subprocess.DEVNULL, stderr=self.log, close_fds=False,
                                            preexec_fn=lambda: give(self.control.other.fileno(), config.fileno()))
        self.control.other.close()
        try:
            self.control.until("loaded")
        except AssertionError:
            time.sleep(0.2)
            self.__exit__(AssertionError)
            raise
        self.ledger, self.gateway, self.actuator, self.sensor = (self.join(r) for r in ("ledger", "gateway", "actuator", "sensor"))
        self.actuator.send("hello", boot="B1")
        self.asked, self.replies, self.events, self.reading = 0, {}, [], 0
        self.sensor.send("caught_up")  # it knows nothing of before
        self.table = table and self.wait("the table", lambda: self.told("senses"))["table"]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.kill()
        self.process.wait()
        if kind:
            print("".join("# " + line + "\n" for line in open(os.path.join(self.folder, "log")).read().splitlines()[-20:]), end="")
        shutil.rmtree(self.folder, ignore_errors=True)

    def join(self, role):
        end = End()
        text = json.dumps({"v": 1, "type": "peer", "role": role}).encode()
        socket.send_fds(self.control.socket, [text], [end.other.fileno()])
        end.other.close()
        return end

    # --- the ledger, played

    def serve(self):
        """Answer what the judge asks of the ledger; keep what it tells the gateway."""
        for message in self.ledger.heard(lambda: not self.stored.held):
            if message["type"] == "read":
                self.ledger.send("entries", id=message["id"], **self.stored.read(message))
            elif self.stored.full:
                self.ledger.send("failed", id=message["id"], error={"kind": "system", "code": "ledger_full", "param": "",
                                                                     "message": "the disk is full"})
            else:
                self.ledger.send("appended", id=message["id"], entries=self.stored.append(message["entries"]))
        for message in self.gateway.heard():
            if message["type"] == "reply":
                self.replies[message["id"]] = message
            elif message["type"] == "event":
                self.events.append(message)

    def wait(self, what, condition, seconds=60):
        end = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            self.serve()
            value = condition()
            if value:
                return value
            assert not ended, "the judge ended; waited for: %s" % what
            assert time.monotonic() < end, "waited %d s for: %s" % (seconds, what)
            time.sleep(0.002)

    def told(self, kind):
        """A message to the sensor, or None."""
        while self.sensor.ready():
            message = self.sensor.next()
            if message["type"] == kind:
                return message
        return None

    # --- gateway and sensor, played

    def ask(self, method, body, who=PERSON):
        self.asked += 1
        self.gateway.send("request", id=self.asked, method=method, who=who, body=body)
        return self.asked

    def answer(self, asked, seconds=60):
        reply = self.wait("a reply", lambda: self.replies.pop(asked, None), seconds)
        return reply.get("body") if reply["ok"] else reply["error"]

    def get(self, method, body=None, who=PERSON):
        return self.answer(self.ask(method, body or {}, who))

    def readings(self, rows):
        """Tell readings; they are taken when this returns."""
        self.reading += 1
        self.sensor.send("readings", id=self.reading, rows=rows)
        equal(self.wait("taken", lambda: self.told("taken"))["id"], self.reading)

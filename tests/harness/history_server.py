# SPDX-License-Identifier: Apache-2.0
"""What tests of history need: the driver of 4_port/history (HISTORY_DRIVE), the real VictoriaMetrics, a FAKE one, and a second decoder of
snappy and protobuf."""
import contextlib
import json
import os
import queue
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from node import ROOT, Skip, equal, free_port, wait_for

DRIVE = os.environ.get("HISTORY_DRIVE", os.path.join(ROOT, "build/debug/src/4_port/history/history_drive"))
VICTORIA = shutil.which("victoria-metrics") or shutil.which("victoria-metrics-prod")
FAST = ["history_batch_ms=50", "history_backoff_min_ms=50", "history_backoff_max_ms=200"]


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="logic-history.")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Drive:
    """history_drive as a child."""

    def __init__(self, url, spool, *limits, wrap=()):
        self.child = subprocess.Popen([*wrap, DRIVE, url, spool, *(list(limits) or FAST)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
        self.lines = queue.Queue()
        self.log = []
        self.readers = [threading.Thread(target=self.read, daemon=True), threading.Thread(target=self.read_log, daemon=True)]
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.child.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def read_log(self):
        self.log.extend(line.decode() for line in self.child.stderr)

    def logged(self, event):
        """Its lines of the log of this event."""
        return [one for one in map(json.loads, self.log) if one["event"] == event]

    def say(self, line):
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def hear(self):
        got = self.lines.get(timeout=60)
        assert got is not None, "".join(self.log)
        return got

    def counts(self):
        self.say("counts")
        return self.hear()

    def ask(self, line):
        self.say(line)
        return self.hear()

    def wait(self, what, condition):
        return wait_for(what, lambda: (lambda c: c if condition(c) else None)(self.counts()))

    def idle(self):
        return self.wait("all is delivered", lambda c: c["pending_samples"] == c["spool_samples"] == 0)

    def end(self):
        self.say("close")
        equal(self.hear(), {"closed": True})
        equal(self.child.wait(timeout=60), 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.child.stdin.close()
        try:
            self.child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        for reader in self.readers:
            reader.join(5)
        self.child.stdout.close()
        self.child.stderr.close()


def balanced(c):
    """No sample is forgotten and none is counted twice."""
    equal(c["samples_taken"] + c["samples_found"], sum(c["samples_" + word] for word in (
        "delivered", "refused", "dropped", "torn", "lost")) + c["spool_samples"] + c["pending_samples"])


class Victoria:
    """The real server, with its own storage; it may be killed and started again."""

    def __init__(self, folder):
        if not VICTORIA:
            raise Skip("no victoria-metrics")
        self.folder, self.port, self.child = folder, free_port(), None
        self.url = "http://127.0.0.1:%d" % self.port

    def start(self):
        self.child = subprocess.Popen([
            VICTORIA, "-httpListenAddr=127.0.0.1:%d" % self.port, "-storageDataPath=" + os.path.join(self.folder, "vm"),
            "-search.latencyOffset=0s", "-memory.allowedBytes=64MB", "-retentionPeriod=12"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=os.setsid)
        wait_for("VictoriaMetrics answers", lambda: self.get("/health") == b"OK")

    def get(self, path):
        try:
            return urllib.request.urlopen(self.url + path, timeout=10).read()
        except OSError:
            return None

    def raw(self, match):
        """What is stored of a series: {labels as text: [(ms, value)]}."""
        self.get("/internal/force_flush")
        out = {}
        for line in (self.get("/api/v1/export?match[]=" + urllib.parse.quote(match)) or b"").splitlines():
            one = json.loads(line)
            key = json.dumps(one["metric"], sort_keys=True)
            out.setdefault(key, []).extend(zip(one["timestamps"], one["values"]))
        return {key: sorted(points) for key, points in out.items()}

    def kill(self):
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()


class Prometheus:
    """The other real server that takes remote write."""

    def __init__(self, folder):
        if not shutil.which("prometheus"):
            raise Skip("no prometheus")
        self.folder, self.port = folder, free_port()
        self.url = "http://127.0.0.1:%d" % self.port

    def __enter__(self):
        with open(self.folder + "/empty.yml", "w") as file:
            file.write("global: {}\n")
        self.child = subprocess.Popen([
            "prometheus", "--config.file=" + self.folder + "/empty.yml", "--storage.tsdb.path=" + self.folder + "/tsdb",
            "--web.listen-address=127.0.0.1:%d" % self.port, "--web.enable-remote-write-receiver"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("Prometheus answers", self.ready)
        return self

    def ready(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(self.url + "/-/ready", timeout=10).status == 200
        return False

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


# --- a second decoder ---------------------------------------------------------------------

def varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def unsnappy(data):
    size, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = (tag >> 2) + 1
            if length > 60:
                extra = length - 60
                length = int.from_bytes(data[at:at + extra], "little") + 1
                at += extra
            out += data[at:at + length]
            at += length
            continue
        if tag & 3 == 1:
            length, offset = ((tag >> 2) & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little")
            at += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack("<d", data[at:at + 8])[0], at + 8
        else:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def decode(body):
    """[({label: value}, [(ms, value)])]"""
    out = []
    for _, series in fields(unsnappy(body)):
        labels, samples = {}, []
        for number, value in fields(series):
            parts = dict(fields(value))
            if number == 1:
                labels[parts[1].decode()] = parts[2].decode()
            else:
                samples.append((parts.get(2, 0), parts.get(1, 0.0)))
        assert list(labels) == sorted(labels), labels
        out.append((labels, samples))
    return out


class Fake:
    """FAKE VictoriaMetrics: for each request the next behaviour of the script, then 204 for ever.

    A behaviour is bytes to answer, "vanish" (before the body is read), "half" (in the middle of it), or a function of the connection;
    `taken` is what was accepted."""

    def __init__(self, *script, forever=b"HTTP/1.1 204 No Content\r\n\r\n"):
        self.script, self.forever = list(script), forever
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.requests, self.taken, self.open = [], [], set()
        self.lock = threading.Lock()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self.listener.accept()
                self.open.add(conn)
                threading.Thread(target=self.talk, args=(conn,), daemon=True).start()

    def talk(self, conn):
        with contextlib.suppress(OSError, ValueError):
            while self.one(conn, conn.makefile("rb")):
                pass
        self.open.discard(conn)
        conn.close()

    def one(self, conn, stream):
        head = []
        while (line := stream.readline()) not in (b"\r\n", b""):
            head.append(line.decode().strip())
        if not head:
            return False
        with self.lock:
            act = self.script.pop(0) if self.script else self.forever
        if act == "vanish":
            return False
        size = next(int(h.split(":")[1]) for h in head if h.lower().startswith("content-length"))
        if act == "half":
            stream.read(size // 2)
            return False
        body = stream.read(size)
        self.requests.append((time.monotonic(), head, body))
        if callable(act):
            return act(self, conn, body)
        if act.startswith(b"HTTP/1.1 2"):
            self.taken.append(body)
        conn.sendall(act)
        return act.startswith(b"HTTP/1.1 ")

    def values(self):
        """Of all that was accepted, in the order it came."""
        return [value for body in self.taken for _, samples in decode(body) for _, value in samples]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for conn in list(self.open):
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)


def status(code, words="x", *more):
    return ("HTTP/1.1 %d %s\r\n%sContent-Length: 0\r\n\r\n" % (code, words, "".join(h + "\r\n" for h in more))).encode()

# SPDX-License-Identifier: Apache-2.0
"""Engines for tests: a real llama-server with a tiny random model, and a fake that misbehaves to order.

    with Llama() as engine: Node(args=["--llm", engine.url])
    with Fake(saying({"action": "none"})) as engine: …

llama-server comes from Debian's next release, in build/engine-root (mmdebstrap makes it once, about
300 MB). Where that cannot be, Unavailable says why and the test is skipped; LN_ENGINE=must makes it fail.
"""
import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading

from node import ROOT, Skip, free_port, wait_for

ENGINE_ROOT = os.path.join(ROOT, "build/engine-root")
PACKAGES = "llama.cpp-tools,python3-gguf,python3-numpy,libggml0-backend-rpc"
SUITE = "forky"
MAKE_LIMIT_S = 400
TINY_GGUF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny_gguf.py")


class Unavailable(Skip):
    """Why there is no real engine on this machine."""


def inside(*command):
    """The argv that runs a command with ENGINE_ROOT as its root."""
    enter = ["chroot"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "chroot"]
    return enter + [ENGINE_ROOT, *command]


def complete():
    return os.path.exists(os.path.join(ENGINE_ROOT, "usr/bin/llama-server"))


def make_root():
    """Make build/engine-root unless it is there; two tests at once wait for each other."""
    os.makedirs(os.path.dirname(ENGINE_ROOT), exist_ok=True)
    with open(ENGINE_ROOT + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if complete():
            return
        if not shutil.which("mmdebstrap"):
            raise Unavailable("no mmdebstrap: apt-get install mmdebstrap")
        making = ENGINE_ROOT + ".new"
        shutil.rmtree(making, ignore_errors=True)
        try:
            made = subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=apt", "--include=" + PACKAGES,
                 "--aptopt=Acquire::Check-Valid-Until \"false\"", SUITE, making],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=MAKE_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Unavailable("mmdebstrap did not end in %d s" % MAKE_LIMIT_S) from None
        if made.returncode != 0:
            said = [line for line in made.stdout.splitlines() if line.strip()] or ["nothing said"]
            raise Unavailable("mmdebstrap: " + said[-1])
        os.rename(making, ENGINE_ROOT)


def require():
    """Make the root, or raise Unavailable; with LN_ENGINE=must its absence is a failure."""
    try:
        make_root()
        proof = subprocess.run(inside("llama-server", "--version"), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        if proof.returncode != 0:
            raise Unavailable("llama-server does not run in its root: " + proof.stdout[-200:])
    except Unavailable as why:
        if os.environ.get("LN_ENGINE") == "must":
            raise AssertionError(str(why)) from None
        raise


class Llama:
    """llama-server with the tiny model, on a loopback port or (unix=True) on a socket."""

    def __init__(self, unix=False):
        require()
        self.folder = tempfile.mkdtemp(prefix="ln-engine-", dir=os.path.join(ENGINE_ROOT, "tmp"))
        self.there = os.path.join("/tmp", os.path.basename(self.folder))  # seen from inside
        self.port = None if unix else free_port()
        self.socket = os.path.join(self.folder, "s.sock") if unix else None
        self.url = "unix:" + self.socket if unix else "http://127.0.0.1:%d" % self.port
        shutil.copy(TINY_GGUF, self.folder)
        made = subprocess.run(inside("python3", self.there + "/tiny_gguf.py", self.there + "/m.gguf"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert made.returncode == 0, made.stdout
        where = ["--host", self.there + "/s.sock"] if unix else \
            ["--host", "127.0.0.1", "--port", str(self.port)]
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(
            inside("llama-server", *where, "-m", self.there + "/m.gguf", "-c", "32768", "-np", "1",
                   "--alias", "tiny-random", "--no-ui"),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def health(self):
        assert self.process.poll() is None, self.log_text()[-2000:]
        connection = http.client.HTTPConnection("127.0.0.1", self.port or 80, timeout=5)
        try:
            if self.socket:
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(self.socket)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def log_text(self):
        return open(self.log.name, errors="replace").read()

    def __enter__(self):
        try:
            wait_for("llama-server to be healthy", self.health)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


# --- fakes: what an engine sends after it has read a request

def completion(content, reason="stop"):
    return {"id": "x", "object": "chat.completion", "model": "fake-model", "choices": [
        {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": content}}]}


def http_answer(body, status="200 OK"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status.encode(), len(raw), raw)


def saying(content, reason="stop"):
    """A well-formed completion whose text is this object, or this string."""
    return http_answer(completion(content if isinstance(content, str) else json.dumps(content), reason))


class Fake:
    """Accepts, reads one whole request, sends `answer` and closes.

    answer  bytes; a function of the request that gives them; None: never answers, never closes
    """

    def __init__(self, answer, path=None):
        self.answer, self.requests, self.held = answer, [], []
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen(64)
        self.url = "unix:" + path if path else "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.one(connection)
            except (OSError, ValueError):
                connection.close()

    def one(self, connection):
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += self.more(connection)
        head, body = raw.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += self.more(connection)
        self.requests.append(json.loads(body))
        if self.answer is None:
            self.held.append(connection)  # silent, not gone
            return
        connection.sendall(self.answer(self.requests[-1]) if callable(self.answer) else self.answer)
        connection.close()

    @staticmethod
    def more(connection):
        got = connection.recv(65536)
        if not got:
            raise OSError("the asker left")
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for connection in self.held:
            connection.close()

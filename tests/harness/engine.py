# SPDX-License-Identifier: Apache-2.0
"""Engines for tests: a real llama-server with a tiny random model, and a fake that misbehaves.

    with Llama() as engine: Node(args=["--llm", engine.url])
    with Fake(saying({"action": "none"})) as engine: …

llama-server comes from Debian's next release, in build/engine-root (debian_root.py; 300 MB).
"""
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading

import debian_root
from node import free_port, wait_for

PACKAGES = ["llama.cpp-tools", "python3-gguf", "python3-numpy", "libggml0-backend-rpc"]
SUITE = "forky"
TINY_GGUF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny_gguf.py")


class Llama:
    """llama-server with the tiny model, on a loopback port or (unix=True) on a socket; `more` are arguments of its."""

    def __init__(self, more=(), unix=False):
        self.root = debian_root.make("engine-root", SUITE, PACKAGES)
        self.folder = tempfile.mkdtemp(prefix="ln-engine-", dir=os.path.join(self.root, "tmp"))
        self.there = os.path.join("/tmp", os.path.basename(self.folder))  # seen from inside
        self.port = None if unix else free_port()
        self.socket = os.path.join(self.folder, "s.sock") if unix else None
        self.url = "unix:" + self.socket if unix else "http://127.0.0.1:%d" % self.port
        shutil.copy(TINY_GGUF, self.folder)
        made = subprocess.run(debian_root.enter(self.root, "python3", self.there + "/tiny_gguf.py",
                                                self.there + "/m.gguf"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert made.returncode == 0, made.stdout
        where = ["--host", self.there + "/s.sock"] if unix else \
            ["--host", "127.0.0.1", "--port", str(self.port)]
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(
            debian_root.enter(self.root, "llama-server", *where, "-m", self.there + "/m.gguf", "-c",
                              "32768", "-np", "1", "--alias", "tiny-random", "--no-ui", *more),
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
        {"index": 0, "finish_reason": reason,
         "message": {"role": "assistant", "content": content}}]}


def http_answer(body, status="200 OK"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status.encode(), len(raw), raw)


def saying(content, reason="stop"):
    """A well-formed completion whose text is this object, or this string."""
    text = content if isinstance(content, str) else json.dumps(content)
    return http_answer(completion(text, reason))


class Fake:
    """Accepts, reads one whole request, sends `answer` and closes.

    answer  bytes; a function of the request that gives them; None: never answers, never closes
    """

    def __init__(self, answer, path=None):
        self.answer, self.requests, self.held = answer, [], []
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen(64)
        self.url = "unix:" + path if path else "http://%s:%d" % self.listener.getsockname()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()  # a stray one holds up nobody

    def serve_one(self, connection):
        try:
            self.one(connection)
        except (OSError, ValueError):
            connection.close()

    def one(self, connection):
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += self.more(connection)
        head, body = raw.split(b"\r\n\r\n", 1)
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += self.more(connection)
        if head.startswith(b"GET ") and self.answer is not None:  # is it well?
            connection.sendall(http_answer({"status": "ok"}))
            connection.close()
            return
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

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A FAKE agent (docs/inference.md section 5): says what a test wants, checks no order and runs no engine.

    with FakeAgent(home) as agent:                     "local": on HOME/run/agent.sock
    with FakeAgent(home, enrol="tower") as agent:      over TLS with client certificates; agent.url for the site facts
        agent.load_s = 2; agent.inhibitors = [{"kind": "person", "words": "alice"}]; agent.asleep = True

As a program it serves `machine_test`: fake_agent.py TEST [ARGUMENT…]; there pools `torn` and `chatty` behave so.
Real agents are in tests/system/. Python's standard library only.
"""
import http.server
import json
import os
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

MIB = 1 << 20
VERSION = "b1-fake"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def address_string(self):
        return "peer"

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.server.agent.looks += 1
        if self.path == "/v1/status" and not self.server.agent.asleep:
            self.answer(200, self.server.agent.status())
        else:
            self.close_connection = True

    def do_POST(self):
        agent = self.server.agent
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(raw)
        if self.path.startswith("/v1/pools/") and not agent.asleep:
            agent.asked.append((self.path, self.headers["X-Logic-Model"], agent.peer(self.connection)))
            agent.bodies.append(raw)
            self.answer(200, {"choices": [{"message": {"role": "assistant", "content": "fake"}}], "usage": {
                "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
            return
        order = json.loads(body["order"])
        if self.path != "/v1/orders" or agent.asleep or not body["signature"]:
            return
        agent.orders.append(order)
        self.send_response(200)
        self.end_headers()
        try:
            agent.carry_out(order["job"], self.line)
        except OSError:
            pass  # nobody listens any more; what was begun goes on

    def line(self, **value):
        self.wfile.write(json.dumps(value).encode() + b"\n")
        self.wfile.flush()


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # a caller that gave up in the middle of a handshake

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "fake", 0


class UnixServer(Server):
    address_family = socket.AF_UNIX

    def get_request(self):
        return self.socket.accept()[0], ("peer", 0)


class FakeAgent:
    def __init__(self, home, host="tower", enrol=None, kind="cpu"):
        self.home, self.host, self.kind = home, host, kind
        self.pools, self.inhibitors, self.orders, self.looks = {}, [], [], 0
        self.load_s, self.asleep, self.tear = 0.05, False, False
        self.bodies = []  # of its pools: what was asked
        self.asked = []  # of its pools: path, model's hash, serial number of the certificate that was shown
        self.lock = threading.Lock()
        self.bundle = None
        if enrol:
            self.bundle = tempfile.mkdtemp(prefix="ln-fake-")
            enroll(home, enrol, "127.0.0.1", self.bundle)
            self.server = Server(("127.0.0.1", 0), Handler)
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.minimum_version = ssl.TLSVersion.TLSv1_3
            tls.load_cert_chain(self.bundle + "/host.crt", self.bundle + "/host.key")
            tls.load_verify_locations(self.bundle + "/ca.crt")
            tls.verify_mode = ssl.CERT_REQUIRED
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.url = "https://127.0.0.1:%d" % self.server.socket.getsockname()[1]
        else:
            path = os.path.join(home, "run/agent.sock")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.exists(path):
                os.remove(path)
            self.server, self.url = UnixServer(path, Handler), "local"
        self.server.agent = self
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        if self.bundle:
            shutil.rmtree(self.bundle, ignore_errors=True)

    def pool(self, name):
        return self.pools.setdefault(name, {
            "pool": name, "state": "empty", "model": "", "sha256": "", "engine": "", "engine_version": "", "slots": 1, "slots_busy": 0,
            "context": 1024, "kind": self.kind, "mask": "", "since_ms": 0, "pid": 0, "buffers": None, "free_bytes": None, "restarts": 0,
            "error": None})

    @staticmethod
    def peer(connection):
        return connection.getpeercert().get("serialNumber") if isinstance(connection, ssl.SSLSocket) else None

    def status(self):
        return {"v": 1, "host": self.host, "version": "fake", "boot_id": "b", "uptime_s": 9, "load_percent": [0, 0, 0],
                "memory": {"total_bytes": 1 << 34, "available_bytes": 1 << 33}, "gpus": [], "driver": {"ready": True, "words": ""},
                "users": [], "inhibitors": self.inhibitors, "pools": list(self.pools.values())}

    def carry_out(self, job, line):
        op = "%s %s" % (job["hand"], job["op"])
        if op == "pool load":
            self.load(job, line)
        elif op == "pool unload":
            line(stage="draining", words="")
            pool = self.pool(job["pool"])
            if pool["slots_busy"]:
                line(done=True, ok=False, changed="no", error={"type": "denied", "code": "pool_busy", "message": "it is busy"})
                return
            pool.update(state="empty", model="", sha256="")
            line(stage="unloading", words="")
            line(done=True, ok=True, result={"took_ms": 5, "free_bytes": None})
        elif op == "host sleep":
            line(stage="sleeping", words="")
            line(done=True, ok=True, result={"took_ms": 5, "how": job["how"]})
            self.asleep = True

    def load(self, job, line):
        name, model = job["pool"], job["model"]
        pool = self.pool(name)
        pool.update(state="loading", model=model["name"], sha256=model["sha256"], engine=job["engine"]["engine"],
                    engine_version=job["engine"]["version"])
        began = time.monotonic()
        timer = threading.Timer(self.load_s, lambda: pool.update(state="ready"))  # goes on whoever listens
        timer.daemon = True
        timer.start()
        if name == "chatty":
            for i in range(5000):
                line(stage="loading", words="line %d" % i)
        for stage in ("agent_up", "driver_ready", "engine_starting", "verifying", "loading"):
            line(stage=stage, words="of %s" % name)
        if self.tear or name == "torn":
            return
        while pool["state"] != "ready":
            time.sleep(0.05)
            line(stage="loading", words="")
        line(stage="ready", words="")
        took = int((time.monotonic() - began) * 1000)
        line(done=True, ok=True, result={
            "took_ms": took, "stages": [{"stage": "loading", "ms": took}], "engine_version": job["engine"]["version"],
            "buffers": {"weights_bytes": MIB, "kv_bytes": MIB, "compute_bytes": MIB, "other_bytes": 0, "device": "CPU", "offloaded": "0/0"},
            "endpoint": "/v1/pools/" + name})


def enroll(home, host, address, out):
    from node import LOGICCTL
    done = subprocess.run([LOGICCTL, "agent", "enroll", host, address, "--out", out, "--home", home], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def stock(home, logicctl):
    """A catalogue of one model, `tiny`, and one engine; the order key. `logicctl`: runs it with these words on `home`, before it serves."""
    logicctl("agent", "enroll", "tower", "127.0.0.1", "--out", home + "/bundle")
    stock_models(home, logicctl)


def stock_models(home, logicctl):
    models = home + "/models"
    os.mkdir(models)
    little_model(models + "/tiny.gguf")
    logicctl("model", "add", models + "/tiny.gguf", "--name", "tiny", "--models-dir", models)
    with open(home + "/catalogue/engines.json", "w") as f:
        json.dump({"schema": "logic-node/engines/v1", "engines": [{
            "engine": "llama", "kind": "llama.cpp", "version": VERSION, "provider": "process", "bin": "/bin/false", "sha256": "0" * 64,
            "flags": [], "args": [], "env": {}, "created_at": "2026-11-21T00:00:00Z", "bundle": ""}]}, f)


def little_model(path):
    """A GGUF header and zeros: small enough to hash, shaped enough to reckon with. No engine could speak with it."""
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    def number(key, value):
        return text(key) + struct.pack("<II", 4, value)

    pairs = [text("general.architecture") + struct.pack("<I", 8) + text("llama"), number("general.alignment", 32),
             number("llama.block_count", 1), number("llama.embedding_length", 64), number("llama.context_length", 2048),
             number("llama.feed_forward_length", 128), number("llama.attention.head_count", 4), number("llama.vocab_size", 64)]
    shapes = {"token_embd.weight": (64, 64), "output.weight": (64, 64), "output_norm.weight": (64,)}
    for part, shape in {"attn_norm": (64,), "ffn_norm": (64,), "attn_q": (64, 64), "attn_k": (64, 64), "attn_v": (64, 64),
                        "attn_output": (64, 64), "ffn_gate": (64, 128), "ffn_up": (64, 128), "ffn_down": (128, 64)}.items():
        shapes["blk.0.%s.weight" % part] = shape
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(pairs)) + b"".join(pairs)
    at = 0
    for name, shape in shapes.items():
        head += text(name) + struct.pack("<I%dQIQ" % len(shape), len(shape), *shape, 0, at)
        at += 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % 32) + b"\0" * at)


if __name__ == "__main__":
    FOLDER = tempfile.mkdtemp(prefix="ln-fake-home-")
    try:
        with FakeAgent(FOLDER) as fake:
            fake.load_s = 1.0
            CODE = subprocess.run(sys.argv[1:], env=dict(os.environ, FAKE_HOME=FOLDER), check=False).returncode
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    sys.exit(CODE)

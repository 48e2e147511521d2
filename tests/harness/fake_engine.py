#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A FAKE llama-server for tests: the same options and answers, and whatever FAKE says goes wrong.

FAKE (environment, words): hang busy html lie mute narrow dies oom flood deaf crash grandchild
cuda cpu_only half release_never late_version bad_version. FAKE_SMI: the file of a fake nvidia-smi's numbers.
"""
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

FAKE = os.environ.get("FAKE", "").split()
SMI = os.environ.get("FAKE_SMI")
HELP = """--version   show version
-c,    --ctx-size N   size
-np,   --parallel N   slots
-ngl,  --gpu-layers N   an exact number, 'auto', or 'all'
-ctk,  --cache-type-k TYPE   type
-a,    --alias STRING   name
-fa,   --flash-attn [on|off|auto]   attention
-fit,  --fit [on|off]   adjust
-lv,   --verbosity, --log-verbosity N   log
--host HOST   address, or UNIX socket
--port PORT   port
--metrics   metrics
--slots, --no-slots   slots
--embedding, --embeddings   embeddings
"""


def option(*names, otherwise=None):
    for at, word in enumerate(sys.argv):
        if word in names:
            return sys.argv[at + 1]
    return otherwise


def say(line):
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def hold(mib):
    if SMI:
        with open(SMI, "w") as f:
            f.write("%d %d" % (mib, os.getpid()))


def buffers():
    device = "CPU_Mapped" if "cuda" not in FAKE or "cpu_only" in FAKE else "CUDA0"
    cache = "CPU" if device == "CPU_Mapped" else "CUDA0"
    say("load_tensors: offloaded %s layers to GPU" % ("2/3" if "half" in FAKE else "3/3"))
    if device == "CUDA0":
        say("load_tensors:   CPU_Mapped model buffer size =    10.00 MiB")
    say("load_tensors: %12s model buffer size =  4000.00 MiB" % device)
    say("llama_kv_cache: %10s KV buffer size =  1000.00 MiB" % cache)
    say("sched_reserve: %10s compute buffer size =   100.00 MiB" % cache)


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body, kind="application/json"):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        slots = int(option("-np", otherwise="1"))
        context = int(option("-c")) // slots // (2 if "narrow" in FAKE else 1)
        if "busy" in FAKE:
            self.answer(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})
        elif "html" in FAKE:
            self.answer(200, b"<html>It works!</html>", "text/html")
        elif self.path == "/props":
            self.answer(200, {"total_slots": slots, "default_generation_settings": {"n_ctx": context}})
        else:
            self.answer(200, {"status": "ok"})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if "lie" in FAKE:
            self.answer(500, {"error": {"code": 500, "message": "no \x1b[31mkernel image", "type": "server_error"}})
        else:
            tokens = 0 if "mute" in FAKE else 1
            self.answer(200, {"choices": [{"text": "a"}], "usage": {"completion_tokens": tokens}})
        if "crash" in FAKE:
            threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGSEGV)).start()

    def log_message(self, *_):
        pass

    def address_string(self):
        return "test"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def end(*_):
    if "release_never" not in FAKE:
        hold(0)
    os._exit(0)


def main():
    if "--help" in sys.argv:
        print(HELP)
        return
    if "--version" in sys.argv:
        time.sleep(600 if "late_version" in FAKE else 0)
        print("no idea" if "bad_version" in FAKE else "version: 1.0 (fake)")
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in FAKE else end)
    if "flood" in FAKE:
        sys.stderr.write("x" * 10_000_000 + "\n")
    if "grandchild" in FAKE:
        print("grandchild", subprocess.Popen(["/bin/sleep", "600"]).pid, flush=True)
    if "hang" in FAKE:
        time.sleep(600)
    if "oom" in FAKE:
        say("ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4000.00 MiB on device 0: cudaMalloc failed: out of memory")
        sys.exit(1)
    if "dies" in FAKE:
        say("load_tensors: loading model tensors")
        sys.exit(3)
    if "busy" in FAKE:
        threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
    buffers()
    if "cuda" in FAKE:
        hold(5100)
    Server(option("--host"), Handler).serve_forever()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Engines as processes, for tests: a real llama-server outside its tree, the fake one, and the driver of 4_port/engine.

    llama = real_llama(folder)           {"bin", "env"} that run without chroot
    model = tiny_model(folder)           path of the tiny random model
    with Drive(config(folder, fake("hang"), model)) as drive:
        event = drive.wait("failed")
"""
import hashlib
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading

import debian_root
import engine
from node import ROOT

HARNESS = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = "usr/lib/x86_64-linux-gnu"
DRIVE = os.environ.get("ENGINE_DRIVE") or os.path.join(ROOT, "build/main/src/4_port/engine/engine_drive")
PATIENCE_S = 60


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def script(path, text):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)
    return path


def real_llama(folder):
    """llama-server of build/engine-root by its own loader, so that it sees the paths of this machine."""
    root = debian_root.make("engine-root", engine.SUITE, engine.PACKAGES)
    at = os.path.join(root, LIBRARIES)
    path = script(os.path.join(folder, "llama-server"), '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' % (
        os.path.join(root, "lib64/ld-linux-x86-64.so.2"), at + "/llama:" + at, os.path.join(root, "usr/bin/llama-server")))
    # the back ends are looked for at a path that is only there inside the tree
    return {"bin": path, "env": {"GGML_BACKEND_PATH": at + "/ggml/backends0/libggml-cpu-x64.so"}}


def tiny_model(folder, tensors=0):
    """The path of the model, or of the first of its parts of so many tensors."""
    root = debian_root.make("engine-root", engine.SUITE, engine.PACKAGES)
    with tempfile.TemporaryDirectory(prefix="ln-model-", dir=os.path.join(root, "tmp")) as inside:
        there = os.path.join("/tmp", os.path.basename(inside))
        shutil.copy(engine.TINY_GGUF, inside)
        made = subprocess.run(debian_root.enter(root, "python3", there + "/tiny_gguf.py", there + "/m.gguf", str(tensors)),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert made.returncode == 0, made.stdout
        if not tensors:
            return shutil.copy(os.path.join(inside, "m.gguf"), os.path.join(folder, "tiny.gguf"))
        parts = sorted(name for name in os.listdir(inside) if "-of-" in name)
        return [shutil.copy(os.path.join(inside, name), os.path.join(folder, name.replace("m-", "tiny-"))) for name in parts][0]


def fake(*wrong, smi=None):
    return {"bin": os.path.join(HARNESS, "fake_engine.py"), "version": "1.0 (fake)", "args": [],
            "env": {"FAKE": " ".join(wrong), **({"FAKE_SMI": smi} if smi else {})}}


def prepared(what):
    return {"engine": "llama", "kind": "llama.cpp", "provider": "process", "flags": [], "created_at": "now", "bundle": "",
            "sha256": sha256(what["bin"]), **what}


def config(folder, what, model, **more):
    return {"kind": "cpu", "mask": "", "model": "tiny", "path": model, "sha256": sha256(model),
            "bytes": os.path.getsize(model), "slots": 2, "context": 1024, "folder": os.path.join(folder, "pool"),
            "prepared": prepared(what), **more}


class Drive:
    """One run of engine_drive; events come in order."""

    def __init__(self, settings):
        self.folder = settings["folder"]
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as f:
            json.dump(settings, f)
        self.config, self.events, self.seen = f.name, queue.Queue(), []
        self.process = subprocess.Popen([DRIVE, f.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def order(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def wait(self, *names):
        """The next event of these names; all before it are in `seen`. Another end of the engine is an error."""
        while True:
            event = self.events.get(timeout=PATIENCE_S)
            assert event, "the driver ended with %r: %r" % (self.process.wait(), self.seen)
            self.seen.append(event)
            if event["event"] in names:
                return event
            assert event["event"] == "stage", event

    def stages(self):
        return [event["stage"] for event in self.seen if event["event"] == "stage"]

    def end(self):
        """All is freed, no handle is left."""
        self.process.stdin.close()
        code = self.process.wait(timeout=PATIENCE_S)
        assert code == 0, "engine_drive: exit %d (3: handles are left)" % code

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.process.poll() is None and not self.process.stdin.closed:
                self.end()
        finally:
            self.process.kill()
            self.process.wait()
            self.reader.join()
            self.process.stdout.close()
            os.unlink(self.config)

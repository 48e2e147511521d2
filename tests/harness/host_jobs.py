# SPDX-License-Identifier: Apache-2.0
"""Jobs of the hands host and pool, run as the actuator runs them: by host_drive (src/4_port/host).

    with Home() as home:                       a node's folder, as far as agents are concerned
        answer = good(home, host.load(model))  {"ok", "changed", "result", "error", "stages"}
        refused(home, job, "pool_busy")
"""
import json
import os
import shutil
import subprocess
import tempfile

from node import ROOT, equal

DRIVE = os.environ.get("HOST_DRIVE") or os.path.join(ROOT, "build/main/src/4_port/host/host_drive")


class Drive:
    """One job, as the actuator runs it."""

    def __init__(self, home, job, **more):
        self.folder = tempfile.mkdtemp(prefix="ln-drive-")
        path = os.path.join(self.folder, "config.json")
        with open(path, "w") as f:
            json.dump({"pki": home + "/pki", "secrets": home + "/secrets", "catalogue": home + "/catalogue",
                       "socket": home + "/run/agent.sock", "case": "01JTESTCASE", "job": job, "silent_ms": 500,
                       "connect_ms": 1000, "look_every_ms": 100, **more}, f)
        self.process = subprocess.Popen([DRIVE, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def end(self, patience_s=120):
        out = self.process.communicate(timeout=patience_s)[0]
        shutil.rmtree(self.folder)
        lines = [json.loads(line) for line in out.splitlines()]
        self.stages = []
        for line in lines[:-1]:
            if not self.stages or self.stages[-1] != line["stage"]:
                self.stages.append(line["stage"])
        self.lines = lines
        return lines[-1]


def drive(home, job, **more):
    d = Drive(home, job, **more)
    answer = d.end()
    answer["stages"] = d.stages
    return answer


def good(home, job, **more):
    answer = drive(home, job, **more)
    assert answer["ok"], answer
    return answer


def refused(home, job, code, changed="no", **more):
    answer = drive(home, job, **more)
    equal((answer["ok"], answer["error"]["code"], answer["changed"]), (False, code, changed))
    return answer


class Home:
    """A node's folder, as far as agents are concerned."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="ln-home-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

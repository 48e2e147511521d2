# SPDX-License-Identifier: Apache-2.0
"""Engines on the node itself: the role `agent`, a real llama-server, no host that sleeps; roles killed under it; somebody who plays."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from engine_process import real_llama, tiny_model  # noqa: E402
from node import LOGICCTL, ROOT, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
ASK = {"model": "tiny", "max_tokens": 8, "messages": [{"role": "user", "content": "hello"}]}
SITE = """host(here, "local", "this machine").
pool(p, here, cpu, "", 0, "its processor").
pool_serves(p, "tiny").
pool_engine(p, %s, 2, 1024, f16).
node("pc", "127.0.0.1", "a gaming PC").
node_volatility("pc", volatile).
node_host("pc", here).
sense_source("screen", "pc", push, "screen", 60).
"""


class House(Node):
    def __init__(self, settings=()):
        super().__init__(named=False, settings=["gateway.status_ms=300", "gateway.grace_ms=1000", *settings], start=False)
        models = os.path.join(self.home, "models")
        os.mkdir(models)
        os.rename(tiny_model(models), os.path.join(models, "tiny.gguf"))
        self.ctl("agent", "enroll", "here", "local", "--models-dir", models)
        os.mkdir(os.path.join(self.home, "bin"))
        self.allow(os.path.join(ROOT, "build/engine-root"))
        llama = real_llama(os.path.join(self.home, "bin"))
        engine = json.loads(self.ctl("engine", "prepare", "--bin", llama["bin"], "--json",
                                     *("env:%s=%s" % pair for pair in llama["env"].items())))
        self.ctl("model", "add", os.path.join(models, "tiny.gguf"), "--name", "tiny", "--models-dir", models)
        self.write_site("pools.pl", SITE % engine["engine"])
        self.start()
        wait_for("the table", lambda: self.get("/v1/capabilities")[1]["pools"])

    def allow(self, folder):
        """The engine of this test lies in a Debian root, not where programs are."""
        path = os.path.join(self.home, "agent/agent.json")
        with open(path) as f:
            config = json.load(f)
        config["execute"] = [folder, os.path.join(self.home, "bin")]
        with open(path, "w") as f:
            json.dump(config, f)

    def ctl(self, *words):
        done = subprocess.run([LOGICCTL, "--home", self.home, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def chat(self, **more):
        return self.post("/v1/chat/completions", dict(ASK, **more))

    def pool(self):
        return self.get("/v1/capabilities")[1]["pools"][0]


@tap.test
def a_pool_of_this_machine_is_loaded_on_demand_and_unloaded_when_idle():
    with House(["gateway.idle_unload_ms=1500"]) as node:
        equal(node.pool()["state"], "empty")
        status, answer = node.chat()
        equal(status, 200)
        assert answer["usage"]["completion_tokens"] > 0, answer
        pool = node.pool()
        equal((pool["state"], pool["model"]), ("ready", "tiny"))
        assert pool["engine_version"], pool
        wait_for("the unload", lambda: node.pool()["state"] == "empty")
        node.verify_ledger()


@tap.test
def measured_memory_replaces_the_estimate_after_the_first_load():
    with House() as node:
        equal(node.pool()["models"][0]["measured"], False)
        equal(node.chat()[0], 200)
        wait_for("what was measured", lambda: node.pool()["models"][0]["measured"])


@tap.test
def whoever_begins_to_play_has_the_machine_at_once_and_the_engine_comes_back_later():
    with House(["gateway.make_way_ms=1000", "sensor.gather_ms=20"]) as node:
        token = node.ctl("token", "create", "--name", "screen", "--scopes", "sense").split()[0]

        def screen(whole):
            wait_for("a push to be taken", lambda: node.request(
                "POST", "/api/v1/senses/screen", b"logic_agent_full_screen %d\n" % whole,
                {"Authorization": "Bearer " + token, "Content-Type": "text/plain"})[0] == 200)
        equal(node.chat()[0], 200)
        equal((node.pool()["state"], len(engines(node))), ("ready", 1))
        told = []

        def stream_again_and_again():
            """Until it is refused: the model is small, an answer of 900 tokens is whole in a moment."""
            while not told or told[-1][0] == 200:
                connection = node.connect()
                connection.request("POST", "/v1/chat/completions", json.dumps(dict(ASK, max_tokens=900, stream=True, ignore_eos=True)))
                response = connection.getresponse()
                told.append((response.status, response.read()))
        client = threading.Thread(target=stream_again_and_again)
        client.start()
        wait_for("it to stream", lambda: node.pool()["running"])
        screen(1)
        begun = time.monotonic()
        wait_for("the engine to be gone", lambda: not engines(node))
        print("# from a push that was taken to an engine that is gone: %d ms" % ((time.monotonic() - begun) * 1000))
        client.join()
        cut = [text for status, text in told if status == 200 and b"[DONE]" not in text]
        print("# %d streams were whole, %d cut" % (len(told) - len(cut) - 1, len(cut)))
        assert all(b"upstream_ended" in text and b"somebody plays" in text for text in cut), cut[0][-500:]
        equal((told[-1][0], b"somebody plays" in told[-1][1]), (503, True))
        status, answer = node.chat()
        equal((status, answer["error"]["code"]), (503, "pool_unavailable"))
        screen(0)
        wait_for("an answer", lambda: node.chat()[0] == 200)
        node.verify_ledger()


def engines(node):
    """Processes of the engine that this node's agent runs."""
    agent, found = node.roles()["agent"]["pid"], []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
            if parent == agent:
                found.append(int(pid))
        except OSError:
            continue
    return found


@tap.test
def an_agent_that_is_killed_takes_its_engine_along_and_both_come_back():
    with House() as node:
        equal(node.chat()[0], 200)
        before = node.roles()["agent"]["pid"]
        os.kill(before, signal.SIGKILL)
        wait_for("the agent again", lambda: node.roles().get("agent", {}).get("pid") not in (None, before))
        wait_for("it to be ready", lambda: node.roles().get("agent", {}).get("ready"))
        end = time.monotonic() + 60
        status = None
        while status != 200 and time.monotonic() < end:  # a pool believed ready is asked first
            status, answer = node.chat()
        equal(status, 200)


if __name__ == "__main__":
    tap.run()

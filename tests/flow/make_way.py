# SPDX-License-Identifier: Apache-2.0
"""Somebody plays on a machine that serves models: it is his at once, and nobody's answer is lost that another pool can give.
Engines and the agent are FAKE, for they must be busy at the right moment; a real engine: tests/system/local_pool.py."""
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from chat_engine import ChatEngine  # noqa: E402
from fake_agent import FakeAgent, stock  # noqa: E402
from node import LOGICCTL, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
SETTINGS = ["gateway.idle_unload_ms=86400000", "gateway.status_ms=200", "gateway.make_way_ms=1500", "judge.senses_tick_ms=300",
            "sensor.gather_ms=20"]
PLAYS = "somebody plays or watches on pc: its whole screen is in use"
PC = 'node("pc", "192.0.2.1", "a gaming PC").\nsense_source("pc", "pc", push, "pc", 60).\n'


class House(Node):
    """`engines`: external pools p0 …, the first of them on the PC. Without: pool p0 of a fake agent, on the PC."""

    def __init__(self, engines=(), volatile="volatile"):
        super().__init__(named=False, settings=SETTINGS, start=False)
        facts = PC + 'node_volatility("pc", %s).\n' % volatile
        self.agent = None if engines else FakeAgent(self.home)
        if engines:
            for i, engine in enumerate(engines):
                facts += 'pool(p%d, none, external, "", 0, "a fake").\npool_at(p%d, "%s").\n' % (i, i, engine.url)
                facts += 'pool_serves(p%d, "tiny").\npool_engine(p%d, llama, 3, 4096, f16).\n' % (i, i)
            facts += 'node_pool("pc", p0).\n'
        else:
            stock(self.home, self.run)
            facts += ('host(tower, "%s", "a fake").\nhost_limits(tower, 30, 0, 0, 60).\nnode_host("pc", tower).\n' % self.agent.url +
                      'pool(p0, tower, cpu, "", 0, "a fake").\npool_serves(p0, "tiny").\npool_engine(p0, llama, 1, 1024, f16).\n')
        self.write_site("machines.pl", facts)
        self.start()
        made = subprocess.run([LOGICCTL, "--home", self.home, "token", "create", "--name", "pc", "--scopes", "sense"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
        self.token = made.stdout.split()[0]

    def run(self, *words):
        subprocess.run([LOGICCTL, *words, "--home", self.home], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)

    def __exit__(self, *why):
        super().__exit__(*why)
        if self.agent:
            self.agent.__exit__()

    def screen(self, whole):
        """The agent of the PC says whether its whole screen is in use."""
        wait_for("a push to be taken", lambda: self.request(
            "POST", "/api/v1/senses/pc", b"logic_agent_full_screen %d\n" % whole,
            {"Authorization": "Bearer " + self.token, "Content-Type": "text/plain"})[0] == 200)

    def pool(self, name="p0"):
        return [p for p in self.get("/v1/capabilities")[1]["pools"] if p["pool"] == name][0]

    def chat(self, text="hello", **more):
        return self.post("/v1/chat/completions", dict({"model": "tiny", "messages": [{"role": "user", "content": text}]}, **more))

    def is_away(self):
        return wait_for("the pool to serve nobody", lambda: self.refused())

    def refused(self):
        try:
            status, answer = self.chat()
        except OSError:  # the gateway was killed a moment ago
            return None
        return answer["error"] if status == 503 else None


def loads(node, op="load"):
    return [order for order in node.agent.orders if order["job"]["op"] == op]


@tap.test
def a_pool_is_unloaded_at_once_the_record_says_why_and_nothing_is_loaded_meanwhile():
    with House() as node:
        equal(node.chat()[0], 200)  # loaded for it
        equal((node.pool()["state"], len(loads(node))), ("ready", 1))
        node.screen(1)
        wait_for("the pool to be empty", lambda: node.pool()["state"] == "empty")
        equal(len(loads(node, "unload")), 1)
        error = node.is_away()
        equal((error["code"], error["message"]), ("pool_unavailable", PLAYS))
        equal(node.pool()["makes_way"], PLAYS)
        opened = [e["body"] for e in node.entries() if e["kind"] == "case_opened" and e["body"]["action"] == "pool_unload"]
        equal([(body["params"], body["by"]["principal"]) for body in opened], [({"pool": "p0", "because": PLAYS}, "node:gateway")])
        time.sleep(0.5)
        equal(len(loads(node)), 1)
        node.screen(0)
        begun = time.monotonic()
        wait_for("the pool to be back", lambda: node.chat()[0] == 200)
        assert time.monotonic() - begun > 1, "a game that is left for a moment is come back to"
        equal((len(loads(node)), node.pool()["makes_way"]), (2, None))
        done = subprocess.run([LOGICCTL, "--home", node.home, "--json", "ledger", "replay"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, check=False, text=True)
        assert json.loads(done.stdout)["ok"], done.stdout


@tap.test
def a_load_that_is_under_way_ends_and_is_unloaded_again():
    with House() as node:
        node.agent.load_s = 2
        answers = []
        asking = threading.Thread(target=lambda: answers.append(node.chat()))
        asking.start()
        wait_for("the load to begin", lambda: loads(node))
        node.screen(1)
        asking.join()
        equal((answers[0][0], answers[0][1]["error"]["message"]), (503, PLAYS))  # it does not wait for a load that is for nobody
        wait_for("the unload", lambda: loads(node, "unload"))
        wait_for("the pool to be empty", lambda: node.pool()["state"] == "empty")
        equal(len(loads(node)), 1)


@tap.test
def what_runs_there_ends_with_words_and_what_has_not_begun_goes_elsewhere():
    with ChatEngine() as pc, ChatEngine() as other, House([pc, other]) as node:
        wait_for("both pools", lambda: [node.pool(p)["state"] for p in ("p0", "p1")] == ["ready", "ready"])
        answers = []

        def ask(text, stream):
            connection = node.connect()
            connection.request("POST", "/v1/chat/completions", json.dumps({
                "model": "tiny", "stream": stream, "messages": [{"role": "user", "content": text}]}))
            response = connection.getresponse()
            try:
                answers.append((stream, response.status, response.read().decode()))
            except http.client.IncompleteRead as torn:
                answers.append((stream, response.status, torn.partial.decode()))

        def begin(text, stream):
            thread = threading.Thread(target=ask, args=(text, stream))
            thread.start()
            return thread

        def running():
            return [node.pool(p)["running"] for p in ("p0", "p1")]
        threads = [begin("slow 0.05 words 160", True) for _ in range(4)]  # of three slots each: one streams at the PC at least
        wait_for("the streams", lambda: sum(running()) == 4)
        threads += [begin("think 4 words 3", False) for _ in range(2)]
        wait_for("all to run, on both", lambda: running() == [3, 3])
        node.screen(1)
        wait_for("nobody to be served there", lambda: node.pool("p0")["running"] == 0)
        equal(node.chat("words 2")[0], 200)  # by the other
        asked = len(pc.seen)
        for _ in range(3):
            equal(node.chat("words 2")[0], 200)
        equal(len(pc.seen), asked)
        for thread in threads:
            thread.join()
        ended = [text for _, status, text in answers if PLAYS in text]
        print("# of three on the PC %d were streams" % len(ended))
        assert 0 < len(ended) <= 3, answers
        for text in ended:
            assert '"upstream_ended"' in text and "[DONE]" not in text, text[-400:]
        equal({status for _, status, _ in answers}, {200})
        equal(sum(1 for stream, _, text in answers if not stream and "w2" in text), 2)  # whole answers: nobody noticed
        node.screen(0)
        wait_for("it to serve again", lambda: node.pool("p0")["state"] == "ready")


@tap.test
def on_a_machine_that_is_said_to_be_stable_nobody_is_sent_away():
    with ChatEngine() as pc, House([pc], volatile="stable") as node:
        wait_for("the pool", lambda: node.chat("words 1")[0] == 200)
        node.screen(1)
        wait_for("the rules to know", lambda: [f for f in node.get("/api/v1/nodes/pc")[1]["facts"] if f.get("metric") == "full_screen"])
        time.sleep(0.7)
        equal(node.chat("words 1")[0], 200)


@tap.test
def whoever_plays_is_remembered_over_other_rules_and_another_gateway():
    with ChatEngine() as pc, House([pc]) as node:
        wait_for("the pool", lambda: node.chat("words 1")[0] == 200)
        node.screen(1)
        node.is_away()
        asked = len(pc.seen)
        for _ in range(3):
            equal(node.post("/api/v1/kb/reload", {})[0], 200)
            equal(node.chat("words 1")[1]["error"]["message"], PLAYS)
        before = node.pid("gateway")
        os.kill(before, signal.SIGKILL)
        wait_for("another gateway", lambda: node.roles().get("gateway", {"pid": before})["pid"] != before)
        wait_for("it to know", lambda: (node.refused() or {}).get("message") == PLAYS)
        node.screen(0)
        wait_for("the pool", lambda: node.chat("words 1")[0] == 200)
        print("# asked of the engine while somebody played: %d" % (len(pc.seen) - asked - 1))


if __name__ == "__main__":
    tap.run()

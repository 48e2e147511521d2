# SPDX-License-Identifier: Apache-2.0
"""500 requests at once from 50 callers with signed tokens, against two real engines: nothing lost, doubled or starved, and the
slots of the engines never exceeded."""
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from engine import Llama  # noqa: E402
from node import LOGICCTL, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
CALLERS, EACH, SLOTS = 50, 10, 4


def site(engines):
    text = ""
    for i, engine in enumerate(engines):
        text += """pool(p%d, none, external, "", 0, "a real engine").
pool_at(p%d, "%s").
pool_serves(p%d, "tiny-random").
pool_engine(p%d, llama, %d, 4096, f16).
""" % (i, i, engine.url, i, i, SLOTS)
    return {"pools.pl": text}


def tokens(node):
    made = []
    for i in range(CALLERS):
        out = subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", "device%d" % i], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        made.append(out.split()[0])
    wait_for("the last token to count", lambda: node.get("/v1/models", headers={"Authorization": "Bearer " + made[-1]})[0] == 200)
    time.sleep(1.5)
    return made


class Watch(threading.Thread):
    """What the engines say of themselves while it runs: more than its slots would be deferred."""

    def __init__(self, engines):
        super().__init__(daemon=True)
        self.engines, self.most, self.deferred, self.samples, self.ended = engines, 0, 0, 0, False
        self.start()

    def run(self):
        while not self.ended:
            for engine in self.engines:
                text = self.metrics(engine)
                self.most = max(self.most, int(float(re.search(r"(?m)^llamacpp:requests_processing (\S+)", text).group(1))))
                self.deferred = max(self.deferred, int(float(re.search(r"(?m)^llamacpp:requests_deferred (\S+)", text).group(1))))
                self.samples += 1
            time.sleep(0.05)

    @staticmethod
    def metrics(engine):
        connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return text


@tap.test
def five_hundred_at_once_are_all_answered_and_no_slot_is_exceeded():
    more = ["--metrics", "-np", str(SLOTS), "-c", str(4096 * SLOTS)]
    with Llama(more=more) as one, Llama(more=more) as two:
        with Node(named=False, site=site([one, two]), settings=["gateway.caller_waiting_max=64"]) as node:
            wait_for("the pools", lambda: all(p["state"] == "ready" for p in node.get("/v1/capabilities")[1]["pools"] or [{"state": ""}]))
            keys = tokens(node)
            watch, answers, gate = Watch([one, two]), [], threading.Barrier(CALLERS * EACH)

            def ask(caller, number):
                body = {"model": "tiny-random", "max_tokens": 12, "messages": [
                    {"role": "user", "content": "caller %d asks for the %d. time" % (caller, number)}]}
                gate.wait()
                begin = time.monotonic()
                status, answer = node.post("/v1/chat/completions", body, headers={"Authorization": "Bearer " + keys[caller]}, timeout=300)
                answers.append((caller, status, answer.get("id"), time.monotonic() - begin))
            threads = [threading.Thread(target=ask, args=(c, n)) for c in range(CALLERS) for n in range(EACH)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            watch.ended = True
            watch.join()
            equal((len(answers), {status for _, status, _, _ in answers}), (CALLERS * EACH, {200}))
            equal(len({i for _, _, i, _ in answers}), CALLERS * EACH)  # none was answered twice
            assert watch.samples > 3 and watch.most <= SLOTS and watch.deferred == 0, (watch.samples, watch.most, watch.deferred)
            rows = node.get("/api/v1/usage?by=caller")[1]["rows"]
            equal({r["caller"]: r["requests"] for r in rows if r["caller"].startswith("device")},
                  {"device%d" % i: EACH for i in range(CALLERS)})
            equal(sum(r["failed"] + r["cancelled"] for r in rows), 0)
            counts = [node.get("/api/v1/queue")[1][word] for word in ("waiting", "running")]
            equal(counts, [0, 0])
            # fair: whoever asked at the same time ends at about the same time, however the callers were dealt
            last = [max(t for c, _, _, t in answers if c == caller) for caller in range(CALLERS)]
            first = [min(t for c, _, _, t in answers if c == caller) for caller in range(CALLERS)]
            whole = max(last)
            print("# all in %.1f s; first answers of the callers %.2f … %.2f s, last ones %.2f … %.2f s; at most %d at an engine" % (
                whole, min(first), max(first), min(last), whole, watch.most))
            assert max(first) < whole * 0.6, "a caller's first answer came when the others were nearly done"
            log = node.log_text()
            assert not any(key in log for key in keys), "a token in the log"


if __name__ == "__main__":
    tap.run()

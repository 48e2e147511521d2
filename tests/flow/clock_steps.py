# SPDX-License-Identifier: Apache-2.0
"""The civil clock steps an hour ahead and back under prompts that wait, run and idle: only the steady clock counts for them. What
goes by the civil clock (tokens' expiry, the usage's day, created_at) follows it. The agent is FAKE (fake_agent.py)."""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import power  # noqa: E402
from bad_world import HOUR_MS, Clock  # noqa: E402
from chat_engine import ChatEngine  # noqa: E402
from inference import House, bearer  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402

tap = Tap()
ASK = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]}
STEPS = (HOUR_MS, -HOUR_MS, 0)


class Stepping:
    """A logicd with a clock that the test sets (bad_world.py)."""

    def command(self):
        return [self.clock.logicd] + super().command()[1:]


class WithAgent(Stepping, power.House):
    def __init__(self, clock, **more):
        self.clock = clock
        super().__init__(**more)


class WithEngine(Stepping, House):
    def __init__(self, clock, *words, **more):
        self.clock = clock
        super().__init__(*words, **more)


@tap.test
def a_step_unloads_nothing_and_ends_no_wait():
    with Clock() as clock, WithAgent(clock, pools=1, settings=["gateway.idle_unload_ms=900000", "gateway.wait_ms=60000"]) as node:
        wait_for("the host to be seen", lambda: node.agent.looks and node.state() == "empty")
        node.agent.load_s = 3
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(node.post("/v1/chat/completions", ASK)))
        waiting.start()
        wait_for("the load", lambda: node.agent.orders)
        for step in STEPS:
            clock.set(step)
            time.sleep(0.5)
            equal((answers, node.get("/api/v1/queue")[1]["waiting"]), ([], 1))  # neither late nor lost
        waiting.join()
        equal((answers[0][0], node.state()), (200, "ready"))
        for step in STEPS:
            clock.set(step)
            time.sleep(1)  # five looks at the pool
            equal(node.state(), "ready")
            equal(node.post("/v1/chat/completions", ASK)[0], 200)
        equal([order["job"]["op"] for order in node.agent.orders], ["load"])


@tap.test
def an_idle_pool_is_unloaded_after_its_steady_time_whatever_the_civil_clock_says():
    with Clock() as clock, WithAgent(clock, pools=1, settings=["gateway.idle_unload_ms=3000"]) as node:
        wait_for("the host to be seen", lambda: node.agent.looks and node.state() == "empty")
        equal(node.post("/v1/chat/completions", ASK)[0], 200)
        begin = time.monotonic()
        clock.set(-HOUR_MS)
        wait_for("the unload", lambda: node.state() == "empty", 20)
        assert time.monotonic() - begin > 2.5, "it was unloaded too early"


@tap.test
def a_stream_goes_on_over_a_step_and_tokens_follow_the_civil_clock():
    with Clock() as clock, ChatEngine() as engine, WithEngine(clock, [engine]) as node:
        token = node.token("brief", "--expires", "30m")

        def status():
            return node.get("/v1/models", headers=bearer(token))[0]
        stream = node.stream("words 20 slow 0.1", token)
        equal(stream.head(), 200)
        clock.set(HOUR_MS)
        equal(status(), 401)  # half an hour past its end
        clock.set(0)
        equal(status(), 200)
        raw = stream.rest()
        assert raw.endswith(b"data: [DONE]\n\n") and raw.count(b'"w') == 20, raw[-300:]
        usage = node.get("/api/v1/usage")[1]["total"]
        equal((usage["requests"], usage["failed"], usage["cancelled"]), (1, 0, 0))


if __name__ == "__main__":
    tap.run()

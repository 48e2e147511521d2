# SPDX-License-Identifier: Apache-2.0
"""From a sleeping host to the first token, on real parts: the whole node, a magic packet on a wire, logicagent over mutual TLS, a
real llama-server with a checked model; then idle unload and power-down. And what goes wrong on the way.

The sleeping machine is a stand-in (tests/harness/sleeper.py): a network namespace whose card waits for its packet.
"""
import http.client
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from node import Tap, equal, wait_for  # noqa: E402
from sleeper import own_network  # noqa: E402
from sleeping_house import ASK, SleepingHouse as House  # noqa: E402

tap = Tap()
TELL_AT_ONCE = ["gateway.retry_ms=62000"]  # whoever waits is not held over 30 s


def stream(node, ask=None):
    connection = node.connect()
    connection.request("POST", "/v1/chat/completions", json.dumps(dict(ask or ASK, stream=True)))
    return connection


@tap.test
def a_sleeping_host_is_woken_serves_and_is_put_to_sleep_again():
    with House(boot_s=0.6) as house:
        equal([m["id"] for m in house.node.get("/v1/models")[1]["data"]], ["tiny"])  # while it sleeps
        equal((house.sleeper.state, house.pool()["state"]), ("off", "empty"))
        begin = time.monotonic()
        connection = stream(house.node)
        response = connection.getresponse()
        equal(response.status, 200)
        stage = response.getheader("X-Logic-Stage")
        raw = response.read()
        took = time.monotonic() - begin
        assert raw.startswith(b": keep-alive") and raw.endswith(b"data: [DONE]\n\n"), raw
        assert stage in ("waking", "booting", "asleep", "agent_up"), stage
        assert house.sleeper.right_packets(), "no magic packet"
        print("# cold start to the last of %d bytes: %.2f s; hands: %s" % (len(raw), took, house.stages()))
        status, answer = house.chat()
        equal((status, answer["usage"]["completion_tokens"] > 0), (200, True))
        house.sleeper.wait("off", 60)
        wait_for("the pool to be empty", lambda: house.pool()["state"] == "empty")
        equal({a: len(house.cases(a)) for a in ("host_wake", "pool_load", "pool_unload", "host_sleep")},
              {"host_wake": 1, "pool_load": 1, "pool_unload": 1, "host_sleep": 1})
        equal(house.chat()[0], 200)  # and again, now with learned times
        learned = house.node.get("/v1/capabilities")[1]["pools"][0]
        assert learned["state"] == "ready", learned
        house.node.verify_ledger()


@tap.test
def one_wake_and_one_load_serve_all_who_wait():
    with House() as house:
        results = []
        threads = [threading.Thread(target=lambda: results.append(house.chat()[0])) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        equal((set(results), len(results)), ({200}, 20))
        equal((len(house.cases("host_wake")), len(house.cases("pool_load"))), (1, 1))


@tap.test
def a_host_that_never_wakes_is_told_with_its_reason():
    with House(TELL_AT_ONCE, facts={"boot_s": 3}, wakes=False) as house:
        begin = time.monotonic()
        status, answer = house.chat(stream=False)
        text = json.dumps(answer)
        assert "tower" in text or "wake" in text or "answer" in text, text
        assert time.monotonic() - begin < 150, "it took too long to say so"
        equal((status in (0, 503), answer["error"]["code"]), (True, "pool_unavailable"))
        assert len(house.sleeper.right_packets()) >= 3, house.sleeper.packets
        equal(house.node.get("/v1/models")[0], 200)


@tap.test
def a_model_that_fits_no_pool_wakes_nobody():
    with House(facts={"vram_mib": 1}) as house:
        status, answer = house.chat()
        equal((status, answer["error"]["code"]), (400, "model_does_not_fit"))
        assert "GiB" in answer["error"]["message"], answer
        time.sleep(0.5)
        equal((house.sleeper.packets, house.cases("host_wake")), ([], []))


@tap.test
def a_model_with_one_changed_byte_is_never_served():
    with House(TELL_AT_ONCE) as house:
        path = house.host.model_path()
        with open(path, "r+b") as f:
            f.seek(-100, os.SEEK_END)
            byte = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte[0] ^ 1]))
        status, answer = house.chat()
        assert status in (0, 503) and answer["error"]["code"] in ("pool_unavailable", "engine_failed"), answer
        assert not house.sleeper.agent.engines(), "an engine runs"
        equal(house.cases("pool_load") != [], True)


@tap.test
def nothing_is_loaded_for_a_caller_who_left():
    with House(boot_s=2) as house:
        connection = stream(house.node)
        wait_for("the packet", house.sleeper.right_packets)
        connection.close()
        wait_for("an empty queue", lambda: house.node.get("/api/v1/queue")[1]["waiting"] == 0)
        house.sleeper.wait("on")
        house.sleeper.wait("off", 60)  # nobody wanted it
        equal(house.cases("pool_load"), [])


@tap.test
def a_node_that_restarts_while_it_holds_loses_nothing_but_the_wait():
    with House(boot_s=1.5) as house:
        connection = stream(house.node)
        wait_for("the packet", house.sleeper.right_packets)
        house.node.kill()
        try:
            raw = connection.getresponse().read()
            assert b"[DONE]" not in raw, raw
        except (OSError, http.client.HTTPException):
            pass
        house.node.start()
        equal(house.chat()[0], 200)
        equal(len(house.sleeper.agent.engines()), 1)


@tap.test
def a_host_that_vanishes_under_a_stream_is_shown_and_woken_again():
    with House(["gateway.retry_ms=1000"]) as house:
        equal(house.chat()[0], 200)
        connection = stream(house.node, dict(ASK, max_tokens=100000, ignore_eos=True))
        response = connection.getresponse()
        response.read(200)
        house.sleeper.plug_off()
        raw = response.read()
        assert b"[DONE]" not in raw, raw[-300:]
        status, answer = house.chat()
        assert status == 200, answer
        equal(house.sleeper.state, "on")


@tap.test
def a_host_that_vanishes_amid_its_load_is_told_and_tried_again():
    with House(["gateway.wait_ms=90000", "gateway.retry_ms=1000"]) as house:
        connection = stream(house.node)
        wait_for("the load", lambda: any(e["kind"] == "warrant_issued" for e in house.node.entries()
                                         if e["case"] in {c["case"] for c in house.cases("pool_load")}))
        house.sleeper.plug_off()  # amid it, or a moment after
        raw = connection.getresponse().read()
        if b"[DONE]" not in raw:  # it was told, with a reason
            assert b'"error"' in raw, raw[-300:]
        status, answer = house.chat()
        end = time.monotonic() + 90
        while status != 200 and time.monotonic() < end:  # refused for a while, never wrong
            assert "error" in answer, answer
            time.sleep(0.5)
            status, answer = house.chat()
        equal(status, 200)
        house.node.verify_ledger()


if __name__ == "__main__":
    own_network()
    tap.run()

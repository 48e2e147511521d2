# SPDX-License-Identifier: Apache-2.0
"""Waking, loading, unloading and putting to sleep, on a whole node by /api/v1/proposals, with a FAKE agent (fake_agent.py) that does
as told: denials with their numbers, and actuator and judge killed amid a load. Real agents: tests/system/cold_start.py."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from fake_agent import VERSION, FakeAgent, stock, stock_models  # noqa: E402
from node import LOGICCTL, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
QUIET = ["gateway.idle_unload_ms=86400000", "gateway.idle_sleep_ms=86400000", "gateway.status_ms=200",  # the node wishes nothing itself
         "actuator.agent_silent_ms=200", "actuator.agent_answer_ms=1000"]


class House(Node):
    """`remote`: over TLS, so it can be woken; else beside the node on its socket."""

    def __init__(self, remote=False, limits=(30, 0, 0, 60), settings=(), sleeps=True, signed=(), late=False, pools=2):
        super().__init__(named=False, settings=QUIET + list(settings), start=late)
        self.agent = FakeAgent(self.home, enrol="tower" if remote else None)
        (stock_models if remote else stock)(self.home, self.logicctl)
        self.write_site("machines.pl", self.facts(limits, remote and sleeps, pools))
        with open(self.home + "/site/policy.pl") as f:
            policy = f.read()
        for action in signed:
            policy, count = re.subn(r"(grant\(operator, *%s, *any, *)freely" % action, r"\1signatures(1)", policy)
            equal(count, 1)
        self.write_site("policy.pl", policy)
        if late:
            self.logicctl("kb", "reload")
        else:
            self.start()

    def facts(self, limits, sleeps, pools):
        text = 'host(tower, "%s", "a fake").\nhost_limits(tower, %d, %d, %d, %d).\n' % ((self.agent.url,) + tuple(limits))
        if sleeps:
            text += 'host_sleep(tower, poweroff).\nhost_wake(tower, "52:54:00:aa:bb:01", "127.255.255.255", "").\n'
        for pool in ["p%d" % i for i in range(pools)]:
            text += 'pool(%s, tower, cpu, "", 0, "a fake").\npool_serves(%s, "tiny").\n' % (pool, pool)
            text += "pool_engine(%s, llama, 1, 1024, f16).\n" % pool
        return text

    def logicctl(self, *words):
        done = subprocess.run([LOGICCTL, *words, "--home", self.home], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout)

    def __exit__(self, *why):
        super().__exit__(*why)
        self.agent.__exit__()

    def good(self, action, **params):
        status, answer = self.propose(action, **params)
        equal((status, answer["status"], answer["text"] if answer["status"] != "success" else ""), (200, "success", ""))
        return answer

    def denied(self, action, rule, **params):
        orders = len(self.agent.orders)
        answer = self.propose(action, **params)[1]
        equal(answer["status"], "denied")
        rules = [reason["rule"] for reason in answer["verdict"]["reasons"]]
        assert any(rule in r for r in rules), (rule, answer["verdict"]["reasons"])
        equal(len(self.agent.orders), orders)  # nothing was sent
        return answer["verdict"]

    def state(self, pool="p0"):
        return [p for p in self.get("/v1/capabilities")[1]["pools"] if p["pool"] == pool][0]["state"]

    def kinds(self, case):
        return [entry["kind"] for entry in self.entries() if entry["case"] == case]


def beside(function, *args, **more):
    """Its result later: a function that waits for its end."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args, **more)))
    thread.start()

    def end():
        thread.join(60)
        assert results, "no answer"
        return results[0]
    return end


@tap.test
def a_model_is_loaded_and_unloaded_by_signed_orders_and_looks_are_not_recorded():
    with House() as node:
        wait_for("the host to be seen", lambda: node.agent.looks and node.state() == "empty")
        equal([e["kind"] for e in node.entries()], ["kb_loaded"])
        answer = node.good("pool_load", pool="p0", model="tiny")
        result = answer["execution"]
        equal((result["engine_version"], result["buffers"]["weights_bytes"]), (VERSION, 1 << 20))
        order = node.agent.orders[0]
        equal((order["host"], order["case"], order["job"]["model"]["name"], order["job"]["need_bytes"] > 0),
              ("tower", answer["case"], "tiny", True))
        wait_for("the gateway to know", lambda: node.state() == "ready")
        pools = wait_for("what was measured", lambda: [
            p for p in node.get("/v1/capabilities")[1]["pools"] if p["models"][0]["measured"]])
        equal(([p["pool"] for p in pools], pools[0]["models"][0]["need_bytes"] >= 3 << 20), (["p0", "p1"], True))  # of the same setup
        equal(node.kinds(answer["case"]),
              ["case_opened", "case_judged", "case_judged", "case_planned", "warrant_issued", "case_executed"])
        node.good("pool_unload", pool="p0")
        wait_for("the pool to be empty", lambda: node.state() == "empty")
        node.verify_ledger()


@tap.test
def what_a_person_did_is_seen_at_once():
    with House(remote=True, settings=["gateway.status_ms=600000"]) as node:  # hosts are looked at each 15 s
        wait_for("the host to be seen", lambda: node.agent.looks and node.state() == "empty")
        node.good("pool_load", pool="p0", model="tiny")
        wait_for("the load to be seen", lambda: node.state() == "ready", 4)
        node.good("pool_unload", pool="p0")
        wait_for("the unload to be seen", lambda: node.state() == "empty", 4)
        node.agent.tear, node.agent.load_s = True, 0
        equal(node.propose("pool_load", pool="p1", model="tiny")[1]["status"], "failed")  # what became of it is not known
        wait_for("what came of it", lambda: node.state("p1") == "ready", 4)


@tap.test
def what_may_not_be_done_is_denied_with_its_reason_and_nothing_is_sent():
    with House() as node:
        node.denied("pool_load", "unknown_pool", pool="p9", model="tiny")
        node.denied("pool_load", "not_served", pool="p0", model="giant")
        node.denied("pool_unload", "unknown_pool", pool="p9")
        node.denied("host_wake", "cannot_wake", host="tower")
        node.denied("host_sleep", "never_sleeps", host="tower")
        node.good("pool_load", pool="p0", model="tiny")
        node.denied("pool_load", "pool_not_empty", pool="p0", model="tiny")
        node.agent.pool("p0")["slots_busy"] = 1
        node.denied("pool_unload", "busy", pool="p0")
        node.agent.pool("p0")["slots_busy"] = 0
        node.good("pool_unload", pool="p0")
        node.agent.asleep = True
        node.denied("pool_load", "agent_silent", pool="p0", model="tiny")


@tap.test
def a_host_sleeps_when_nothing_keeps_it_awake_and_is_woken_again():
    with House(remote=True) as node:
        node.agent.inhibitors = [{"kind": "person", "words": "alice is at the keyboard"}]
        verdict = node.denied("host_sleep", "inhibit", host="tower")
        assert "alice" in json.dumps(verdict["reasons"]), verdict
        node.agent.inhibitors = []
        node.good("pool_load", pool="p0", model="tiny")
        node.denied("host_sleep", "pool", host="tower")
        node.good("pool_unload", pool="p0")
        answer = node.good("host_sleep", host="tower")
        equal((node.agent.asleep, answer["execution"]["how"]), (True, "poweroff"))
        later = threading.Timer(1.5, lambda: setattr(node.agent, "asleep", False))
        later.start()
        answer = node.good("host_wake", host="tower")
        assert answer["execution"]["packets"] >= 3, answer["execution"]
        equal(answer["execution"]["status"]["host"], "tower")


@tap.test
def wakes_and_sleeps_too_often_are_denied_and_say_when_to_come_back():
    with House(remote=True, limits=(30, 0, 3600, 60)) as node:
        node.good("host_sleep", host="tower")
        node.agent.asleep = False
        verdict = wait_for("what was learned", lambda: node.propose("host_wake", host="tower")[1])["verdict"]
        assert any("off" in r["rule"] for r in verdict["reasons"]), verdict
        assert 3500000 < verdict["retry_ms"] <= 3600000, verdict
    with House(remote=True, limits=(30, 3600, 0, 2)) as node:
        node.good("host_wake", host="tower")
        wait_for("what was learned", lambda: "on_too_short" in json.dumps(node.propose("host_sleep", host="tower")[1]))
        equal(node.propose("host_wake", host="tower")[1]["status"], "success")
        verdict = wait_for("the second wake to be learned", lambda: [
            v for v in [node.propose("host_wake", host="tower")[1]["verdict"]] if v["verdict"] == "deny"])[0]
        assert "2" in json.dumps(verdict["reasons"]) and 0 < verdict["retry_ms"] <= 3600000, verdict


@tap.test
def at_consent_hands_look_again_and_the_clock_is_that_of_the_moment():
    def waiting(node, action, **params):
        answer = node.propose(action, **params)[1]
        equal(answer["status"], "awaiting_consent")
        return answer["case"]

    with House(remote=True, limits=(30, 0, 2, 60), signed=("host_sleep", "host_wake", "pool_load")) as node:
        case = waiting(node, "host_sleep", host="tower")
        node.agent.inhibitors = [{"kind": "person", "words": "alice is at the keyboard"}]
        answer = node.consent(case)[1]  # she came after the plan was made
        equal((answer["status"], answer["error"]["code"]), ("failed", "world_moved"))
        assert "alice" in answer["error"]["message"], answer
        equal(node.agent.orders, [])
        equal(node.kinds(case)[-2:], ["consent_given", "case_failed"])
        node.agent.inhibitors = []
        case = waiting(node, "pool_load", pool="p0", model="tiny")
        node.agent.pool("p0").update(state="ready", model="other")
        equal(node.consent(case)[1]["error"]["code"], "world_moved")
        node.agent.pool("p0").update(state="empty", model="")
        equal(node.agent.orders, [])
        sleep, wake = waiting(node, "host_sleep", host="tower"), waiting(node, "host_wake", host="tower")
        looks = node.agent.looks
        equal(node.consent(sleep)[1]["status"], "success")
        assert node.agent.looks > looks
        time.sleep(2.2)  # its least time off, which had not begun when the wake was planned
        threading.Timer(1, lambda: setattr(node.agent, "asleep", False)).start()
        equal(node.consent(wake)[1]["status"], "success")
        node.verify_ledger()


@tap.test
def a_host_that_stays_silent_ends_its_wake_at_its_own_limit():
    with House(remote=True, limits=(3, 0, 0, 60)) as node:
        node.agent.asleep = True
        begin = time.monotonic()
        answer = node.propose("host_wake", host="tower")[1]
        equal((answer["status"], answer["error"]["code"]), ("failed", "not_awake"))
        assert time.monotonic() - begin >= 3, "it gave up early"
        assert "tower" in answer["error"]["message"], answer


@tap.test
def wakes_that_failed_count_among_those_of_the_hour_also_after_a_restart():
    with House(remote=True, limits=(1, 0, 0, 2)) as node:
        node.agent.asleep = True
        for _ in range(2):
            answer = node.propose("host_wake", host="tower")[1]
            equal((answer["status"], answer["error"]["code"]), ("failed", "not_awake"))
        end = [e for e in node.entries() if e["kind"] == "case_failed"][-1]
        equal((end["body"]["changed"], end["body"]["action"], end["body"]["params"]), ("unknown", "host_wake", {"host": "tower"}))
        verdict = wait_for("what was learned", lambda: [
            v for v in [node.propose("host_wake", host="tower")[1]["verdict"]] if v["verdict"] == "deny"])[0]
        assert "woken_too_often" in json.dumps(verdict["reasons"]) and 0 < verdict["retry_ms"] <= 3600000, verdict
        before = node.pid("judge")
        os.kill(before, signal.SIGKILL)
        wait_for("another judge", lambda: node.roles().get("judge", {"pid": before})["pid"] != before)
        wait_for("the node to be ready", lambda: node.get("/readyz")[0] == 200)
        node.denied("host_wake", "woken_too_often", host="tower")
        node.stop()
        shutil.rmtree(node.home + "/state")  # the record alone
        os.mkdir(node.home + "/state")
        node.start()
        node.denied("host_wake", "woken_too_often", host="tower")
        node.verify_ledger()
        done = subprocess.run([LOGICCTL, "--home", node.home, "--json", "ledger", "replay"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        assert json.loads(done.stdout)["ok"], done.stdout + done.stderr


@tap.test
def a_load_that_takes_long_holds_up_neither_looks_nor_other_cases():
    with House(settings=["actuator.warrant_wait_ms=500", "judge.warrant_ms=1000"]) as node:
        node.agent.load_s = 4
        end = beside(node.propose, "pool_load", pool="p0", model="tiny")
        wait_for("the load to begin", lambda: node.agent.orders)
        node.agent.load_s = 0.1
        equal(node.propose("pool_load", pool="p1", model="tiny")[1]["status"], "success")
        node.denied("pool_load", "pool_not_empty", pool="p1", model="tiny")  # that was looked up
        equal(node.agent.pool("p0")["state"], "loading")
        equal(end()[1]["status"], "success")


@tap.test
def no_load_waits_for_those_of_other_pools():
    with House(settings=["actuator.warrant_wait_ms=500"], pools=24) as node:
        node.agent.load_s = 3
        ends = [beside(node.propose, "pool_load", pool="p%d" % i, model="tiny") for i in range(24)]
        wait_for("all to be under way", lambda: len(node.agent.orders) == 24, 3)
        equal([end()[1]["status"] for end in ends], ["success"] * 24)


@tap.test
def an_actuator_killed_amid_a_load_is_followed_by_one_that_waits_for_its_end():
    with House() as node:
        node.agent.load_s = 3
        end = beside(node.propose, "pool_load", pool="p0", model="tiny")
        wait_for("the load to begin", lambda: node.agent.orders)
        os.kill(node.pid("actuator"), signal.SIGKILL)
        status, answer = end()
        equal((status, answer["status"]), (200, "success"))
        equal((node.agent.pool("p0")["state"], len(node.agent.orders)), ("ready", 1))  # ordered once
        equal(node.kinds(answer["case"])[-1], "case_executed")
        node.agent.tear = True  # the agent restarts amid a load: its pool is empty, nothing goes on
        node.agent.load_s = 600
        end = beside(node.propose, "pool_load", pool="p1", model="tiny")
        wait_for("the load to begin", lambda: len(node.agent.orders) == 2)
        answer = end()[1]
        equal((answer["status"], node.case(answer["case"])["error"]["code"]), ("failed", "torn"))


@tap.test
def a_judge_killed_amid_a_load_finds_the_case_and_its_end_again():
    with House() as node:
        node.agent.load_s = 3
        end = beside(node.propose, "pool_load", pool="p0", model="tiny")
        wait_for("the load to begin", lambda: node.agent.orders)
        os.kill(node.pid("judge"), signal.SIGKILL)
        status, answer = end()
        assert status >= 500 and answer["error"]["code"] == "judge_restarted", (status, answer)
        case = [e["case"] for e in node.entries() if e["kind"] == "warrant_issued"][0]
        wait_for("its end", lambda: node.case(case)["status"] == "success")
        equal((node.agent.pool("p0")["state"], len(node.agent.orders)), ("ready", 1))
        node.denied("pool_load", "pool_not_empty", pool="p0", model="tiny")
        node.verify_ledger()


@tap.test
def certificates_that_come_later_are_read_without_a_restart_by_hand():
    with House(remote=True) as node:
        before = node.pid("actuator")
        first = os.stat(node.home + "/pki/actuator.crt").st_ino
        os.replace(copy(node.home + "/pki/actuator.crt"), node.home + "/pki/actuator.crt")
        assert os.stat(node.home + "/pki/actuator.crt").st_ino != first
        wait_for("another actuator", lambda: node.roles().get("actuator", {"pid": before})["pid"] != before)
        wait_for("the node to be ready", lambda: node.get("/readyz")[0] == 200)
        node.good("pool_load", pool="p0", model="tiny")


@tap.test
def the_gateway_reads_certificates_that_come_or_change_while_it_runs():
    def read(count):
        wait_for("the certificates to be read", lambda: node.log_text().count('"event":"certificates_read"') == count)

    def chat():
        equal(node.post("/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]})[0], 200)
        return node.agent.asked[-1]

    with House(remote=True, late=True) as node:  # the first agent is enrolled when the node runs
        before = node.pid("gateway")
        read(1)
        wait_for("the actuator to have read them too", lambda: node.propose("pool_load", pool="p0", model="tiny")[1]["status"] == "success")
        wait_for("the load to be seen", lambda: node.state() == "ready")
        path, model, first = chat()
        equal((path, len(model)), ("/v1/pools/p0/v1/chat/completions", 64))
        os.remove(node.home + "/pki/gateway.crt")  # renewed
        node.logicctl("agent", "enroll", "other", "127.0.0.1", "--out", node.home + "/other")
        read(2)
        # FAKE speaks HTTP/1.0: each request is a connection
        assert chat()[2] != first, first
        with open(node.home + "/pki/gateway/gateway.crt.new", "w") as f:
            f.write("nonsense")
        os.replace(node.home + "/pki/gateway/gateway.crt.new", node.home + "/pki/gateway/gateway.crt")
        wait_for("nonsense to be refused", lambda: '"event":"certificates_refused"' in node.log_text())
        chat()  # those from before are in force
        equal((node.pid("gateway"), node.pid("gateway")), (before, before))
        equal(os.stat(node.home + "/pki/gateway.key").st_ino, os.stat(node.home + "/pki/gateway/gateway.key").st_ino)


def copy(path):
    with open(path, "rb") as f, open(path + ".new", "wb") as g:
        g.write(f.read())
    return path + ".new"


if __name__ == "__main__":
    tap.run()

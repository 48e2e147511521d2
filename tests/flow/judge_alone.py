# SPDX-License-Identifier: Apache-2.0
"""The real judge alone: this test plays supervisor, gateway, ledger and actuator, and so can be as slow, as wrong and as sudden
as no whole node is. Requests inference and host_status, stages, via rule."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from lone_judge import NODE, PERSON, LoneJudge  # noqa: E402
from node import Tap, equal  # noqa: E402

tap = Tap()
STATUS = {"reachable": False, "status": None, "words": "no answer"}
SITE = """host(tower, "https://192.0.2.1:30443", "a machine").
host_wake(tower, "52:54:00:aa:bb:01", "192.0.2.255", "").
host_limits(tower, 300, 600, 60, 6).
"""


class Judge(LoneJudge):
    """Once it has begun, its ledger answers only when the test says so: record()."""

    def __init__(self, **settings):
        super().__init__(SITE, **settings)
        self.wait("the start", lambda: self.stored.of("kb_loaded"))
        self.stored.held, self.recorded = True, self.stored.entries

    def record(self, count=1):
        """Play the ledger for so many of its calls; the entries of the last."""
        for _ in range(count):
            message = self.ledger.next()
            if message["type"] == "read":
                self.ledger.send("entries", id=message["id"], **self.stored.read(message))
            else:
                self.ledger.send("appended", id=message["id"], entries=self.stored.append(message["entries"]))
        return message.get("entries")

    def hands(self):
        return self.answer(self.ask("status", {}))["hands"]


@tap.test
def the_table_of_inference_is_the_door_s_answer():
    with Judge() as judge:
        table = judge.answer(judge.ask("inference", {}, NODE))
        equal(([h["host"] for h in table["hosts"]], table["pools"], table["measured"]), (["tower"], [], []))
        equal((table["hosts"][0]["power"], table["hosts"][0]["wake"]["mac"]), ("unknown", "52:54:00:aa:bb:01"))
        equal(judge.answer(judge.ask("inference", {"x": 1}))["kind"], "input")


@tap.test
def a_host_is_looked_at_without_case_or_record_several_at_once_up_to_a_bound():
    with Judge(host_looks_max=3) as judge:
        recorded = len(judge.recorded)
        asked = [judge.ask("host_status", {"host": "tower"}, NODE) for _ in range(3)]
        looks = [judge.actuator.until("look") for _ in range(3)]
        for look in looks:
            equal((look["case"], look["job"]["hand"], look["job"]["op"], look["job"]["host"]), ("", "host", "status", "tower"))
        equal(judge.answer(judge.ask("host_status", {"host": "tower"}))["code"], "too_many_looks")
        equal(judge.hands()["host_looks"], 3)
        for look in reversed(looks):
            judge.actuator.send("done", id=look["id"], ok=True, result=dict(STATUS, words=str(look["id"])), changed="no")
        results = [judge.answer(a) for a in asked]  # each its own, whoever came first to the rules
        equal(sorted(r["words"] for r in results), sorted(str(look["id"]) for look in looks))
        equal(results[0], dict(STATUS, words=results[0]["words"]))
        equal(judge.hands()["host_looks"], 0)
        judge.ledger.silent("append")
        equal(len(judge.recorded), recorded)


@tap.test
def what_cannot_be_looked_at_is_said_with_its_name():
    with Judge(host_looks_max=1) as judge:
        wrong = judge.answer(judge.ask("host_status", {"host": "toaster"}))
        equal((wrong["kind"], wrong["code"], wrong["param"]), ("input", "unknown_host", "host"))
        assert "toaster" in wrong["message"] and "tower" in wrong["message"], wrong
        for body in ({}, {"host": 7}, {"host": ""}, {"host": "x" * 65}, {"host": "tower", "x": 1}):
            equal(judge.answer(judge.ask("host_status", body))["kind"], "input")
        asked = judge.ask("host_status", {"host": "tower"})
        look = judge.actuator.until("look")
        judge.actuator.send("done", id=look["id"], ok=False, changed="no",
                            error={"kind": "limit", "code": "queue_full", "param": "", "message": "full"})
        equal(judge.answer(asked)["code"], "queue_full")
        asked = judge.ask("host_status", {"host": "tower"})
        judge.actuator.until("look")
        judge.actuator.socket.close()
        equal(judge.answer(asked)["code"], "hands_lost")
        equal(judge.answer(judge.ask("host_status", {"host": "tower"}))["code"], "actuator_away")
        judge.actuator = judge.join("actuator")  # none of these took a place for ever
        judge.actuator.send("hello", boot="B2")
        asked = judge.ask("host_status", {"host": "tower"})
        look = judge.actuator.until("look")
        judge.actuator.send("done", id=look["id"], ok=True, result=STATUS, changed="no")
        equal(judge.answer(asked), STATUS)


def wake(judge, who=NODE, via="rule"):
    asked = judge.ask("proposal", {"action": "host_wake", "params": {"host": "tower"}, "via": via}, who)
    entries = judge.record()
    return asked, entries


@tap.test
def the_node_wishes_by_rule_and_nobody_else_does():
    with Judge() as judge:
        for who, via in ((PERSON, "rule"), (NODE, "api"), (NODE, "model"), (PERSON, "oracle")):
            asked = judge.ask("proposal", {"action": "host_wake", "params": {"host": "tower"}, "via": via}, who)
            equal(judge.answer(asked)["param"], "via")
        asked, entries = wake(judge)
        equal(entries[0]["body"]["by"], {"principal": "node:gateway", "via": "rule"})
        equal([e["kind"] for e in entries], ["case_opened", "case_judged", "case_planned", "warrant_issued"])
        warrant = judge.actuator.until("warrant")
        judge.actuator.send("done", id=warrant["id"], ok=True, changed="yes", result={"took_ms": 5, "packets": 3, "status": {}})
        judge.record()
        equal(judge.answer(asked)["status"], "success")
        for _ in range(8):  # six in an hour; what was learned of the last may come late by one
            asked, entries = wake(judge)
            if entries[-1]["kind"] == "case_judged":
                break
            warrant = judge.actuator.until("warrant")
            judge.actuator.send("done", id=warrant["id"], ok=True, changed="yes", result={"took_ms": 5, "packets": 3, "status": {}})
            judge.record()
            judge.answer(asked)
        answer = judge.answer(asked)
        equal(answer["status"], "denied")
        assert 0 < answer["verdict"]["retry_ms"] <= 3600000, answer["verdict"]


@tap.test
def stages_of_a_case_under_way_go_on_and_others_are_dropped_and_counted():
    with Judge() as judge:
        asked, entries = wake(judge)
        case = entries[0]["case"]
        warrant = judge.actuator.until("warrant")
        judge.actuator.send("progress", id=warrant["id"], case=case, stage="waking", words="é \"1\"")
        stage = judge.gateway.until("stage")
        equal((stage["case"], stage["stage"], stage["words"], stage["at_ms"] > 10 ** 12), (case, "waking", "é \"1\"", True))
        good = {"id": warrant["id"], "case": case, "stage": "booting", "words": ""}
        bad = [dict(good, id=good["id"] + 1), dict(good, id=0), dict(good, id=-7), dict(good, case="01JNOCASE"), dict(good, case=""),
               dict(good, stage=""), dict(good, stage="Boot ing"), dict(good, stage="x" * 33), dict(good, words="w" * 401)]
        for wrong in bad:
            judge.actuator.send("progress", **wrong)
        judge.gateway.silent("stage")
        equal((judge.hands()["stages_told"], judge.hands()["stages_dropped"]), (1, len(bad)))
        judge.actuator.send("done", id=warrant["id"], ok=True, changed="yes", result={"took_ms": 5, "packets": 3, "status": {}})
        equal([e["kind"] for e in judge.record()], ["case_executed"])  # no stage was recorded
        equal(judge.answer(asked)["status"], "success")
        judge.actuator.send("progress", **good)
        judge.gateway.silent("stage")
        equal(judge.hands()["stages_dropped"], len(bad) + 1)


@tap.test
def the_judge_waits_as_long_as_the_hands_take():
    with Judge(warrant_ms=1000, door_ms=1000, consent_ms=1000) as judge:
        asked, entries = wake(judge)
        warrant = judge.actuator.until("warrant")
        judge.gateway.silent("reply", 2.5)  # longer than each of its own limits
        judge.ledger.silent("append", 0.2)
        judge.actuator.send("done", id=warrant["id"], ok=True, changed="yes", result={"took_ms": 2500, "packets": 3, "status": {}})
        equal([e["kind"] for e in judge.record()], ["case_executed"])
        equal(judge.answer(asked)["status"], "success")


@tap.test
def an_actuator_that_dies_amid_a_case_is_followed_by_one_that_is_asked():
    with Judge() as judge:
        asked, entries = wake(judge)
        judge.actuator.until("warrant")
        judge.actuator.socket.close()
        judge.actuator = judge.join("actuator")
        judge.actuator.send("hello", boot="B2")
        question = judge.actuator.until("outcome")
        equal(question["case"], entries[0]["case"])
        judge.actuator.send("progress", id=question["id"], case=question["case"], stage="booting", words="")
        equal(judge.gateway.until("stage")["stage"], "booting")
        judge.actuator.send("done", id=question["id"], ok=True, changed="yes", result={"status": {}})
        equal([e["kind"] for e in judge.record()], ["case_executed"])
        equal(judge.answer(asked)["status"], "success")


tap.run()

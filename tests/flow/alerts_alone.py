# SPDX-License-Identifier: Apache-2.0
"""Readings, alerts and runbooks of the real judge alone, with everybody else played: what is recorded before what, what a
storm leaves, and what is left after each thing that can go wrong in between."""
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from lone_judge import NODE, PERSON, Ledger, LoneJudge, now_ms  # noqa: E402
from node import ROOT, Tap, equal  # noqa: E402

tap = Tap()
NODES = 200
SITE = "".join('node("n%d", "192.0.2.%d", "a machine").\nsense_source("s%d", "n%d", push, "n%d", 10).\n' % (i, i, i, i, i)
               for i in range(1, NODES + 1))
KINDS = ("alert_raised", "alert_changed", "alert_cleared")
TOKEN = {"principal": "token:n1", "channel": "http"}
ANSWER = {"probable_cause": "A process used up the memory.",
          "immediate_actions": [{"text": "See which one it was", "command": "journalctl -k | tail"}],
          "escalation_criteria": ["It happens again within an hour."]}


def judge(**more):
    return LoneJudge(SITE, senses_tick_ms=200, **more)


def killed(node, count=3, before_ms=0):
    return [node, "oom_kills", "", count, now_ms() - before_ms]


def crossing(j, node="n1"):
    """A condition becomes true; told when its group is."""
    j.readings([killed(node)])


def raised(j, count=1):
    return j.wait("%d alerts" % count, lambda: len(j.stored.of("alert_raised")) >= count and j.stored.of("alert_raised"))


def told(j, seq):
    return j.wait("event %d" % seq, lambda: [e for e in j.events if e["seq"] == seq])


@tap.test
def the_sensor_is_given_the_table_and_a_new_one_gets_it_again():
    with judge() as j:
        equal(len(j.table["sources"]), NODES)
        assert {m["metric"] for m in j.table["metrics"]} >= {"cpu_temperature", "oom_kills", "source_ok"}
        j.sensor = j.join("sensor")
        equal(j.wait("the table", lambda: j.told("senses"))["table"], j.table)


@tap.test
def before_the_rules_told_their_table_nothing_is_said_to_be_missing():
    """Rules that fail at it four times, as if they were still at it."""
    with tempfile.TemporaryDirectory() as folder:
        kb = shutil.copytree(os.path.join(ROOT, "kb"), os.path.join(folder, "kb"))
        path = os.path.join(kb, "core/5_doors/senses.pl")
        text = open(path).read()
        assert text.count(":- det(senses/2).\nsenses(In, Out) :-\n") == 1
        with open(path, "w") as f:
            f.write(text.replace(":- det(senses/2).\nsenses(In, Out) :-\n",
                                 ":- dynamic(left/1).\nleft(4).\nsenses(_, _) :-\n    retract(left(N)), N > 0, !,\n"
                                 "    M is N - 1, assertz(left(M)), throw(not_yet).\nsenses(In, Out) :-\n"))
        with judge(kb=kb, table=False) as j:
            j.wait("the start", lambda: j.stored.of("kb_loaded"))
            j.wait("the failure", lambda: "senses_not_known" in open(os.path.join(j.folder, "log")).read())
            span = {"from_ms": 1, "to_ms": 2}
            asked = [j.ask("sources", {}), j.ask("history", dict(span, node="n1", metric="cpu_temperature")),
                     j.ask("push", {"source": "s1", "text": ""}, TOKEN)]
            for one in asked:
                refused = j.answer(one)
                equal((refused["kind"], refused["code"], refused["message"]),
                      ("peer", "senses_starting", "the sources are being read; ask again in a moment"))
            page = j.wait("the table", lambda: (lambda p: "sources" in p and p)(j.get("sources")))  # who asks has it asked again
            assert j.wait("the table", lambda: j.told("senses"))["table"]
            equal((len(page["sources"]), page["sensor"]), (NODES, "ready"))


@tap.test
def an_alert_is_durable_then_learned_then_told():
    with judge() as j:
        crossing(j)
        raised(j)  # the FAKE ledger was asked and answered; a second one is not:
        crossing(j, "n2")
        j.stored.held = True
        j.wait("the record of it", lambda: j.ledger.ready())
        time.sleep(0.3)
        j.serve()
        equal([e["kind"] for e in j.events if e["kind"] in KINDS], ["alert_raised"])
        equal(j.get("alerts")["open"], 1)
        j.stored.held = False
        second = raised(j, 2)[1]
        told(j, second["seq"])
        # whoever was told finds it known by the rules: what they plan is about this alert
        answer = j.ask("proposal", {"action": "alert_acknowledge", "params": {"alert": second["seq"]}, "via": "api"})
        j.wait("the verdict", lambda: j.stored.of("case_judged"))
        words = json.dumps(j.stored.of("case_judged")[0]["body"]["verdict"])
        assert "unknown" not in words and "no alert" not in words, (answer, words)


@tap.test
def readings_are_taken_only_when_what_they_changed_is_durable():
    with judge() as j:
        crossing(j)
        raised(j)
        j.stored.full = True
        j.wait("its group", lambda: True)
        j.sensor.send("readings", id=77, rows=[killed("n2")])
        time.sleep(5)  # the crossing waits for its group and is recorded by a tick or by these rows; the disk refuses
        j.serve()
        before = len(j.stored.of("alert_raised"))
        j.stored.full = False
        equal(before, 1)
        equal(len(raised(j, 2)), 2)
        time.sleep(2.5)
        j.serve()
        equal(len(j.stored.of(*KINDS)), 2)  # tried again, recorded once
        equal([e["body"]["node"] for e in j.stored.of("alert_raised")], ["n1", "n2"])


@tap.test
def what_a_judge_left_is_not_doubled_by_the_next():
    stored = Ledger()
    with judge(ledger=stored) as j:
        crossing(j)
        j.wait("the record", lambda: stored.of("alert_raised"))  # durable; perhaps nobody was told
        j.process.send_signal(signal.SIGKILL)
    for _ in range(2):
        with judge(ledger=stored) as j:
            equal([a["node"] for a in j.get("alerts")["alerts"]], ["n1"])
            crossing(j)  # the same numbers again
            time.sleep(4)
            j.serve()
            equal(len(stored.of("alert_raised")), 1)
            equal(j.get("alert", {"id": stored.of("alert_raised")[0]["seq"]})["status"], "raised")


@tap.test
def a_judge_that_dies_before_the_record_is_followed_by_one_that_makes_it():
    stored = Ledger()
    with judge(ledger=stored) as j:
        stored.held = True
        j.sensor.send("readings", id=1, rows=[killed("n1")])
        time.sleep(4)
        j.process.send_signal(signal.SIGKILL)
    stored.held = False
    equal(len(stored.of(*KINDS)), 0)
    with judge(ledger=stored) as j:
        crossing(j)  # what was not taken is told again
        raised(j)
        time.sleep(1)
        j.serve()
        equal(len(stored.of(*KINDS)), 1)


@tap.test
def a_ledger_that_goes_ends_the_judge():
    with judge() as j:
        j.ledger.socket.close()
        equal(j.process.wait(60), 1)


@tap.test
def ten_thousand_crossings_leave_a_handful_of_alerts():
    with judge() as j:
        for turn in range(50):
            rows = [["n%d" % n, "cpu_temperature", "", 99000 if turn % 2 else 40000, now_ms()] for n in range(1, NODES + 1)]
            j.readings(rows + [killed("n%d" % n, turn % 2) for n in range(1, NODES + 1)])
        j.wait("a storm", lambda: j.stored.of("alert_raised"))
        time.sleep(4)
        j.serve()
        entries = j.stored.of(*KINDS)
        print("# %d rows crossing up and down: %d entries, of them %d raised; %d bytes" % (
            50 * 2 * NODES, len(entries), len(j.stored.of("alert_raised")), len(json.dumps(entries))))
        assert 1 <= len(j.stored.of("alert_raised")) <= 6, [e["body"]["words"] for e in j.stored.of("alert_raised")]
        assert len(entries) <= 30, len(entries)
        members = j.get("alert", {"id": j.stored.of("alert_raised")[0]["seq"]})["members"]
        assert len(members) > 5, members


@tap.test
def a_sensor_that_does_not_wait_or_tells_nonsense_harms_nothing():
    with judge() as j:
        nonsense = [[], ["n1"], ["n1", "cpu_temperature", "", "hot", now_ms()], ["n1", "cpu_temperature", "", 10 ** 17, now_ms()],
                    ["stranger", "cpu_temperature", "", 1, now_ms()], ["n1", "no_such_metric", "", 1, now_ms()],
                    ["n1", "cpu_temperature", "", 99000, now_ms() + 3600000], {"n": 1}, None, 7]
        j.readings(nonsense)
        j.readings([["n1", "cpu_temperature", "", 1.5, now_ms()]])
        j.sensor.send("readings", id=500, rows=[["n1", "cpu_temperature", "", 40000, now_ms()]] * 501)
        j.sensor.send("taken", id=1)
        j.sensor.send("sources", sources=[{"source": "s1", "node": "n1", "state": "ok", "words": "", "at_ms": 1, "series": 3,
                                           "refused": {}}])
        j.wait("sources", lambda: j.get("sources")["sources"][0]["state"] == "ok")
        numbers = j.get("stats")["roles"]["judge"]
        assert numbers["readings_refused"] >= 501, numbers
        crossing(j)
        raised(j)
        equal(len(j.stored.of(*KINDS)), 1)


@tap.test
def history_and_pushes_go_to_the_sensor_and_back_each_with_a_time_and_a_bound():
    with judge(sensor_ms=700, sensor_calls_max=3) as j:
        span = {"from_ms": 1, "to_ms": 2, "step_s": 60}
        asked = j.ask("history", dict(span, node="n1", metric="cpu_temperature"))
        request = j.wait("the request", lambda: j.told("request"))
        equal((request["method"], request["body"]["metric"]), ("history", "cpu_temperature"))
        j.sensor.send("reply", id=request["id"], ok=True, body={"series": []})
        equal(j.answer(asked), {"series": [], "unit": "millicelsius"})
        j.sensor.send("reply", id=request["id"], ok=True, body={"series": [1]})  # nobody asked
        refused = j.ask("history", dict(span, promql="up"))
        request = j.wait("the request", lambda: j.told("request"))
        j.sensor.send("reply", id=request["id"], ok=False, error={"kind": "peer", "code": "no_history", "param": "", "message": "none"})
        equal(j.answer(refused)["code"], "no_history")
        silent = [j.ask("history", dict(span, promql="up")) for _ in range(4)]
        equal(j.answer(silent[3])["code"], "sensor_busy")
        equal([j.answer(s)["code"] for s in silent[:3]], ["sensor_silent"] * 3)
        lost = j.ask("history", dict(span, promql="up"))
        j.wait("the requests", lambda: j.told("request"))
        j.sensor.socket.close()
        equal(j.answer(lost)["code"], "sensor_lost")
        away = j.get("history", dict(span, promql="up"))
        equal((away["kind"], away["code"]), ("peer", "sensor_away"))
        equal((j.get("sources")["sensor"], {s["state"] for s in j.get("sources")["sources"]}), ("away", {"unknown"}))


@tap.test
def what_history_cannot_be_asked_is_refused_by_name():
    with judge() as j:
        for code, body in (("unknown_metric", {"node": "n1", "metric": "x"}), ("bad_query", {"node": "n1"}), ("bad_query", {}),
                           ("bad_query", {"node": "n1", "metric": "cpu_busy", "promql": "up"}),
                           ("out_of_range", {"promql": "up", "to_ms": 0}), ("unknown_field", {"promql": "up", "x": 1}),
                           ("out_of_range", {"promql": "up", "step_s": 0}), ("out_of_range", {"promql": "u" * 5000})):
            equal(j.get("history", dict({"from_ms": 1, "to_ms": 2}, **body))["code"], code)


@tap.test
def a_source_takes_pushes_from_its_own_token_only():
    with judge() as j:
        asked = j.ask("push", {"source": "s1", "text": "up 1\n"}, TOKEN)
        request = j.wait("the push", lambda: j.told("request"))
        equal((request["method"], request["body"]["text"]), ("push", "up 1\n"))
        j.sensor.send("reply", id=request["id"], ok=True, body={"readings": 1})
        equal(j.answer(asked), {"readings": 1})
        for who in (PERSON, NODE, {"principal": "token:n2", "channel": "http"}, {"principal": "n1", "channel": "http"},
                    {"principal": "uid:0", "channel": "unix"}):
            refused = j.get("push", {"source": "s1", "text": ""}, who)
            equal((refused["kind"], refused["code"]), ("denied", "not_your_source"))
        equal(j.get("push", {"source": "nobody", "text": ""}, TOKEN)["code"], "unknown_source")
        equal(j.told("request"), None)


@tap.test
def a_runbook_is_added_once_by_the_node_alone_and_is_only_text():
    stored = Ledger()
    with judge(ledger=stored) as j:
        crossing(j)
        crossing(j, "n2")
        first, second = [e["seq"] for e in raised(j, 2)]
        body = {"alert": first, "answer": ANSWER, "failure": None, "model": {"name": "m", "sha256": "0" * 64},
                "prompt_sha256": "1" * 64, "truncated": False, "ms": 12, "facts": ["a"]}
        equal(j.get("runbook_add", body)["code"], "node_only")
        equal(j.get("runbook_prompt", {"alert": first})["code"], "node_only")
        equal(j.get("runbook_add", dict(body, alert=999), NODE)["code"], "no_such_alert")
        equal(j.get("runbook_add", dict(body, answer=None), NODE)["code"], "bad_value")
        equal(j.get("runbook_add", dict(body, failure={"code": "x", "words": "y"}), NODE)["code"], "bad_value")
        pair = [j.ask("runbook_add", body, NODE) for _ in range(2)]
        equal([j.answer(p).get("status") or "again" for p in pair], ["generated", "again"])
        entry = stored.of("runbook_generated")[0]
        equal({k: entry["body"][k] for k in ("alert", "facts", "truncated", "ms", "prompt_sha256")},
              {"alert": first, "facts": ["a"], "truncated": False, "ms": 12, "prompt_sha256": "1" * 64})
        assert "journalctl" in entry["body"]["markdown"], entry
        told(j, entry["seq"])
        bad = dict(body, alert=second, answer={"probable_cause": "x", "shell": "rm -rf /"})
        equal(j.get("runbook_add", bad, NODE)["status"], "failed")
        equal(j.get("runbook_add", dict(body, alert=second), NODE)["code"], "runbook_there")
        equal([a["runbook_state"] for a in j.get("alerts")["alerts"]], ["failed", "generated"])
    with judge(ledger=stored) as j:  # also after a restart
        equal([a["runbook_state"] for a in j.get("alerts")["alerts"]], ["failed", "generated"])
        equal(j.get("runbook_add", body, NODE)["code"], "runbook_there")
        equal(j.get("runbook_add", dict(body, alert=second), NODE)["code"], "runbook_there")


@tap.test
def events_come_in_the_order_of_the_ledger_also_while_an_alert_is_learned():
    with judge() as j:
        asked = []
        for n in range(1, 5):
            j.sensor.send("readings", id=n, rows=[killed("n%d" % n)])
            j.wait("taken", lambda: j.told("taken"))
            asked += [j.ask("proposal", {"action": "node_list", "params": {}, "via": "api"}) for _ in range(25)]
        for one in asked:
            equal(j.answer(one)["status"], "success")
        last = raised(j, 4)[-1]["seq"]
        told(j, last)
        seqs = [e["seq"] for e in j.events]
        equal(seqs, list(range(seqs[0], seqs[0] + len(seqs))))


@tap.test
def lists_are_asked_by_status_and_in_pages():
    with judge() as j:
        crossing(j)
        crossing(j, "n2")
        ids = [e["seq"] for e in raised(j, 2)]
        equal([a["id"] for a in j.get("alerts", {"limit": 1})["alerts"]], [ids[1]])
        equal([a["id"] for a in j.get("alerts", {"limit": 1, "before": ids[1]})["alerts"]], [ids[0]])
        equal(j.get("alerts", {"status": "cleared"})["alerts"], [])
        for body in ({"status": "shut"}, {"limit": 0}, {"limit": 201}, {"before": -1}, {"x": 1}):
            equal(j.get("alerts", body)["kind"], "input")
        equal(j.get("alert", {"id": 1})["code"], "no_such_alert")


@tap.test
def what_a_thousand_readings_cost():
    with judge() as j:
        total, pid = 50000, j.process.pid
        start = cpu(pid)
        for turn in range(total // 500):
            j.readings([["n%d" % (1 + i % NODES), metric, "", 300 + turn % 7, now_ms()]
                        for i in range(250) for metric in ("cpu_busy", "memory_available_share")])
        spent = cpu(pid) - start
        print("# %d readings of %d series: %.1f us of the judge's processor each" % (total, 2 * NODES, 1e6 * spent / total))
        equal(j.stored.of(*KINDS), [])


def cpu(pid):
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
tap.run()

# SPDX-License-Identifier: Apache-2.0
"""Alerts on a whole node, from a pushed number to a line on the screen: raised once, flapping, acknowledged, cleared; roles that
die in between; the storm; and the replay of it all. Waiting times of two conditions are short here: the rules are a copy."""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from fast_rules import with_fast_rules  # noqa: E402
from node import LOGICCTL, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
NODES = 12
SITE = "".join('node("n%d", "192.0.2.%d", "a machine").\nsense_source("n%d", "n%d", push, "n%d", 1).\n' % (i, i, i, i, i)
               for i in range(1, NODES + 1))
KINDS = ("alert_raised", "alert_changed", "alert_cleared")
HOT, COLD = "95", "40"


class House(Node):
    def __init__(self, **more):
        self.kb = None
        super().__init__(named=False, site={"senses.pl": SITE}, settings=["judge.senses_tick_ms=500", "sensor.push_ms=100"],
                         start=False, **more)
        self.kb = with_fast_rules(self.home)
        self.tokens = {"n%d" % i: self.token("n%d" % i, "--scopes", "sense") for i in range(1, NODES + 1)}
        self.start()
        wait_for("the sensor", lambda: self.get("/api/v1/sources")[1].get("sensor") == "ready")

    def command(self):
        command = super().command()
        if self.kb:
            command[command.index("--kb") + 1] = self.kb
        return command

    def token(self, name, *more):
        return subprocess.run([LOGICCTL, "--home", self.home, "token", "create", "--name", name, "--opaque", *more], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()[0]

    def push(self, source, text, token=None, kind="text/plain"):
        headers = {"Content-Type": kind, "Authorization": "Bearer " + (token or self.tokens[source])}
        return self.request("POST", "/api/v1/senses/" + source, text.encode(), headers=headers)

    def heat(self, source, degrees):
        """Until it is taken: a role that starts again takes its time."""
        text = 'node_gpu_temperature_celsius{gpu="0"} %s\n' % degrees
        return wait_for("the push of %s" % source, lambda: self.push(source, text)[0] == 200)

    def alerts(self, status="open"):
        code, page = self.get("/api/v1/alerts?status=" + status)
        equal(code, 200)
        return page["alerts"]

    def ctl(self, *words, code=0):
        done = subprocess.run([LOGICCTL, "--home", self.home, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, check=False)
        equal((done.returncode, done.stdout if done.returncode != code else ""), (code, ""))
        return done.stdout

    def of(self, *kinds):
        return [e for e in self.entries() if e["kind"] in kinds]

    def alert_of(self, name):
        return wait_for("an alert of " + name, lambda: [a for a in self.alerts() if a["node"] == name])[0]

    def replay(self):
        report = json.loads(self.ctl("--json", "ledger", "replay"))
        equal((report["ok"], report["altered"], report["not_replayed"]), (True, 0, 0))
        return report


class Events(threading.Thread):
    """What the stream says, from `after` on."""

    def __init__(self, node, after=0):
        super().__init__(daemon=True)
        self.connection, self.seen = node.connect(), []
        self.connection.request("GET", "/api/v1/events?after=%d" % after)
        self.response = self.connection.getresponse()
        self.start()

    def run(self):
        try:
            for line in self.response:
                if line.startswith(b"data: "):
                    self.seen.append(json.loads(line[6:]))
        except (OSError, ValueError, AttributeError):
            pass


@tap.test
def an_alert_lives_from_the_crossing_to_the_end_of_its_cause():
    with House() as node:
        stream = Events(node)
        node.heat("n1", COLD)
        node.heat("n1", HOT)
        node.heat("n2", COLD)
        alert = node.alert_of("n1")
        equal((alert["condition"], alert["severity"], alert["status"], alert["part"]), ("gpu_hot", "critical", "raised", "0"))
        path = "/api/v1/alerts/%d" % alert["id"]
        out = node.ctl("alert", "list")
        assert "n1 0" in out and "critical" in out and " ago" in out, out
        equal(node.post(path + "/acknowledge", {"words": "on my way"})[1]["status"], "success")
        seen = node.get(path)[1]
        equal((seen["status"], seen["acknowledged"]["words"]), ("acknowledged", "on my way"))
        node.heat("n1", COLD)
        wait_for("the end", lambda: (time.sleep(0.3), node.heat("n1", COLD), not node.alerts())[2])
        node.heat("n1", HOT)  # again: another alert, or the same that goes on, as the rules say; never two open ones
        node.alert_of("n1")
        equal(len(node.alerts()), 1)
        for _ in range(3):
            for degrees in (COLD, HOT):
                node.heat("n1", degrees)
                time.sleep(0.4)
        equal(len(node.alerts()), 1)
        out = node.ctl("alert", "show", str(alert["id"]))
        assert "95.0 °C" in out and "on my way" in out and "cleared" in out, out
        equal(node.get("/api/v1/alerts/999999")[0], 404)
        # told in the order of the ledger, nothing left out
        entries = node.entries()
        wait_for("the events", lambda: stream.seen and stream.seen[-1]["seq"] >= entries[-1]["seq"])
        equal([e["seq"] for e in stream.seen], list(range(1, len(stream.seen) + 1)))
        told = len(node.of(*KINDS))
        report = node.replay()
        assert report["alerts"] >= told, (report, told)
        assert re.fullmatch("%d verdicts? and %d alert entries given again: all the same" % (report["verdicts"], report["alerts"]),
                            report["words"]), report["words"]
        node.verify_ledger()


@tap.test
def acknowledging_is_a_proposal_and_what_is_none_is_refused():
    with House() as node:
        node.heat("n1", HOT)
        alert = node.alert_of("n1")["id"]
        for body in ({"words": ""}, {"words": "x" * 401}, {"x": 1}, {"words": 1}, []):
            equal(node.post("/api/v1/alerts/%d/acknowledge" % alert, body)[0], 400)
        for path in ("0", "-1", "x", "999999999999999999999", "1e3", "%2e%2e"):
            assert node.post("/api/v1/alerts/%s/acknowledge" % path, {})[0] in (400, 404), path
            assert node.get("/api/v1/alerts/" + path)[0] in (400, 404), path
        equal(node.post("/api/v1/alerts/%d/acknowledge" % (alert + 1000), {})[1]["status"], "denied")
        equal(node.alerts()[0]["status"], "raised")
        equal(node.post("/api/v1/alerts/%d/acknowledge" % alert, None)[1]["status"], "success")
        case = [e for e in node.of("case_opened") if e["body"]["action"] == "alert_acknowledge"][-1]
        equal(case["body"]["by"]["principal"], "loopback")
        equal(node.ctl("alert", "ack", str(alert), "again").split()[0], "success")
        node.replay()


@tap.test
def numbers_are_taken_from_their_own_token_and_within_their_bounds():
    with House() as node:
        equal(node.push("n1", 'node_gpu_temperature_celsius{gpu="0"} 40\n')[0], 200)
        equal(node.push("n1", "x 1\n", token=node.tokens["n2"])[1]["error"]["code"], "not_your_source")
        api = node.token("desk", "--scopes", "api")
        equal(wait_for("the token", lambda: [r for r in [node.push("n1", "x 1\n", token=api)] if r[0] == 403])[0][0], 403)
        for path in ("/api/v1/alerts", "/api/v1/sources", "/api/v1/ledger"):  # scope sense opens nothing else
            equal(node.get(path, headers={"Authorization": "Bearer " + node.tokens["n1"]})[0], 403)
            equal(node.get(path, headers={"Authorization": "Bearer " + api})[0], 200)
        equal(node.request("POST", "/api/v1/senses/n1", b"x 1\n", headers={"Content-Type": "text/plain"})[0], 403)  # nobody's token
        status, answer = node.push("n1", "x" * (131072 + 1))
        equal(status, 413)
        status, answer = node.push("n1", "# " + '"' * 131000 + "\n")  # fits the route, but no message
        equal(status, 413)
        equal(node.push("n1", "x 1\n", kind="application/xml")[0], 415)
        equal(node.request("POST", "/api/v1/senses/n1", b"\xff 1\n", headers={
            "Content-Type": "text/plain", "Authorization": "Bearer " + node.tokens["n1"]})[0], 400)
        equal(node.push("stranger", "x 1\n", token=node.tokens["n1"])[0], 404)
        equal(node.get("/api/v1/history?node=n1&metric=gpu_temperature")[1]["error"]["code"], "no_history")
        equal(node.get("/api/v1/history?node=n1")[0], 400)
        equal(node.of(*KINDS), [])


@tap.test
def nodes_and_sources_say_what_is_known_and_what_is_not():
    with House() as node:
        node.heat("n1", "61.5")
        equal(node.get("/api/v1/nodes/n1")[0], 200)
        out = wait_for("the reading", lambda: [o for o in [node.ctl("node", "show", "n1")] if "61.5 °C" in o])[0]
        assert " ago" in out, out
        out = node.ctl("node", "list")
        assert re.search(r"n2\s+unknown", out), out
        equal(node.get("/api/v1/nodes/stranger")[0], 404)
        wait_for("the source", lambda: re.search(r"n1\s+n1\s+ok", node.ctl("sense", "list")))
        assert "tell nothing" in node.ctl("alert", "list")
        opened = len(node.of("case_opened"))
        node.ctl("node", "list")
        equal(len(node.of("case_opened")), opened)  # looking at a list leaves no record
        # an answer out of readings holds them in its question: it is the same again when they are long gone
        for action, params in (("node_show", {"node": "n1"}), ("node_health", {}), ("node_health", {"node": "n1"}), ("thermal_risk", {})):
            equal(node.propose(action, **params)[1]["status"], "success")
        judged = [e["body"] for e in node.of("case_judged") if e["body"]["question"]["seen"]]
        assert any("61.5" in json.dumps(b["verdict"]["answer"], ensure_ascii=False) or "61500" in json.dumps(b["verdict"]["answer"])
                   for b in judged), judged
        equal(node.replay()["verdicts"], len(node.of("case_judged")))


@tap.test
def nothing_is_lost_or_doubled_when_roles_die_in_between():
    with House() as node:
        for turn, role in enumerate(("judge", "ledger", "gateway", "sensor", "judge"), 1):
            name = "n%d" % turn
            node.heat(name, COLD)
            node.heat(name, HOT)
            pid = node.pid(role)
            os.kill(pid, signal.SIGKILL)
            wait_for("another " + role, lambda: node.roles().get(role, {}).get("pid", pid) != pid)
            node.wait_ready()
            node.heat(name, HOT)  # the machine goes on telling it
            equal(node.alert_of(name)["condition"], "gpu_hot")
        time.sleep(2)
        equal(sorted(e["body"]["node"] for e in node.of("alert_raised")), ["n1", "n2", "n3", "n4", "n5"])
        node.kill()
        node.start()
        equal(sorted(a["node"] for a in node.alerts()), ["n1", "n2", "n3", "n4", "n5"])
        for turn in range(1, 6):
            node.heat("n%d" % turn, HOT)
        time.sleep(4)
        equal(len(node.of("alert_raised")), 5)
        node.replay()
        node.verify_ledger()


@tap.test
def new_rules_go_on_where_the_old_ones_were():
    with House() as node:
        node.heat("n1", HOT)
        alert = node.alert_of("n1")["id"]
        node.write_site("senses.pl", SITE + 'node("n99", "192.0.2.99", "new").\nsense_source("n99", "n99", push, "n1", 1).\n')
        equal(node.post("/api/v1/kb/reload", {})[1]["status"], "success")
        wait_for("the new table", lambda: node.push("n99", 'node_gpu_temperature_celsius{gpu="0"} 40\n', token=node.tokens["n1"])[0] == 200)
        for _ in range(3):
            node.heat("n1", HOT)
            time.sleep(1)
        equal([a["id"] for a in node.alerts()], [alert])
        node.heat("n1", COLD)
        wait_for("the end", lambda: (time.sleep(0.3), node.heat("n1", COLD), not node.alerts())[2])
        equal(len(node.of("alert_raised")), 1)
        node.replay()  # by both rule sets, each its own entries


@tap.test
def a_storm_over_the_house_is_a_handful_of_entries_and_replays():
    with House() as node:
        for turn in range(6):
            threads = [threading.Thread(target=node.push, args=("n%d" % i, "".join(
                'node_gpu_temperature_celsius{gpu="%d"} %s\n' % (gpu, COLD if turn % 2 else HOT) for gpu in range(140))))
                for i in range(1, NODES + 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        wait_for("the storm", node.alerts)
        time.sleep(6)
        entries = node.of(*KINDS)
        print("# %d crossings: %d entries, %d of them raised" % (6 * 140 * NODES, len(entries), len(node.of("alert_raised"))))
        assert len(node.of("alert_raised")) <= 6 and len(entries) <= 40, [(e["kind"], e["body"]["words"]) for e in entries]
        node.replay()


tap.run()

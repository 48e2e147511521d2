# SPDX-License-Identifier: Apache-2.0
"""The change of judges: whoever asks meanwhile is answered by the one or by the other, nothing is lost and nothing is done
twice. What goes on longer than a judge has patience for: judge_leaves.py."""
import collections
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from node import Node, Tap, equal, key_id, wait_for  # noqa: E402

tap = Tap()
RELOADS, ZONES = 20, ("local", "home.arpa", None, None)  # of the clients
PATIENT = ["judge.drain_ms=60000", "judge.hands_wait_ms=60000", "gateway.judge_hold_ms=60000", "supervisor.beat_timeout_ms=600000"]


def reload(node):
    status, answer = node.post("/api/v1/kb/reload", {})
    equal((status, answer.get("status")), (200, "success"))


def kinds(node, kind):
    return [e["kind"] for e in node.entries()].count(kind)


class Client(threading.Thread):
    """Asks, has looked and proposes until it is told to stop. One that has a zone of its own (two in one zone would be in each
    other's way) adds names there and deletes every third with a signature."""

    def __init__(self, node, number, zone, stop):
        super().__init__()
        self.node, self.number, self.zone, self.stop = node, number, zone, stop
        self.added, self.deleted, self.wrong = {}, set(), []

    def good(self, what, status, answer, wanted="success"):
        if (status, answer.get("status", wanted)) != (200, wanted):
            self.wrong.append((what, status, answer))
            return False
        return True

    def one(self, count):
        self.good("ask", *self.node.post("/api/v1/query", {"query": "zone_of", "args": {"name": "a.local"}}))
        self.good("say", *self.node.post("/api/v1/intent", {"nl": "list the nodes"}))
        self.good("look", *self.node.propose("dns_lookup", name="ns.local", type="A"))
        if self.zone:
            self.change("r%d.%s" % (count, self.zone), "10.0.%d.%d" % (self.number, count % 250 + 1), count % 3 == 0)

    def change(self, name, address, delete):
        node = self.node
        if self.good("add", *node.propose("dns_record_add", name=name, type="A", value=address)):
            self.added[name] = address
        if delete:
            status, answer = node.propose("dns_record_delete", name=name, type="A")
            if self.good("delete", status, answer, "awaiting_consent") and self.good("sign", *node.consent(answer["case"])):
                self.deleted.add(name)

    def run(self):
        count = 0
        while not self.stop.wait(0.05):  # a pause: the ledger is read whole in the end
            count += 1
            try:
                self.one(count)
            except Exception as error:
                self.wrong.append(repr(error))


@tap.test
def reloads_one_after_the_other_cost_nobody_an_answer_and_double_nothing():
    with Node(settings=PATIENT) as node:
        stop = threading.Event()
        clients = [Client(node, number, zone, stop) for number, zone in enumerate(ZONES)]
        for client in clients:
            client.start()
        try:
            for _ in range(RELOADS):
                reload(node)
        finally:
            stop.set()
            for client in clients:
                client.join()
        equal([wrong for client in clients for wrong in client.wrong], [])
        added = {name: address for client in clients for name, address in client.added.items()}
        deleted = set.union(*(client.deleted for client in clients))
        assert {name.split(".", 1)[1] for name in added} == {"local", "home.arpa"}, added
        world = {line.split()[0]: line.split()[4] for line in node.named.world().splitlines() if line.split()[3:4] == ["A"]}
        equal({name: world.get(name + ".") for name in added}, {n: None if n in deleted else a for n, a in added.items()})
        seen = collections.Counter()
        for entry in node.entries():
            if entry["kind"] == "case_opened" and entry["body"]["action"] in ("dns_record_add", "dns_record_delete"):
                seen[entry["body"]["action"], entry["body"]["params"]["name"]] += 1
            elif entry["kind"] in ("case_executed", "warrant_issued", "consent_given"):
                seen[entry["kind"], entry["case"]] += 1
            assert entry["kind"] not in ("case_failed", "kb_refused", "consent_rejected"), entry
        equal([what for what, count in seen.items() if count != 1], [])
        equal(sum(1 for what in seen if what[0] == "case_executed"), len(added) + len(deleted))
        equal(kinds(node, "kb_loaded"), 1 + RELOADS)
        node.verify_ledger()


@tap.test
def reloads_asked_at_once_are_done_one_after_the_other():
    with Node(named=False, settings=PATIENT) as node:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(node.post("/api/v1/kb/reload", {}))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal([(status, answer.get("status")) for status, answer in answers], [(200, "success")] * 4)
        wait_for("the last judge", lambda: kinds(node, "kb_loaded") == 5)
        equal(kinds(node, "kb_refused"), 0)


@tap.test
def a_judge_takes_nobody_before_its_hands_have_said_who_they_are():
    with Node(settings=PATIENT) as node:
        equal(node.intent("add slow.local to 10.0.0.7")["status"], "success")
        case = node.intent("delete slow.local")["case"]
        plan, answers = node.plan(case), []
        os.kill(node.pid("actuator"), signal.SIGSTOP)
        try:
            reload(node)
            thread = threading.Thread(target=lambda: answers.append(node.consent(case, plan=plan)))
            thread.start()
            wait_for("the new judge", lambda: node.log_text().count('"cases_rebuilt"') == 2)
            thread.join(1)  # time for an answer that would be wrong
            equal(answers, [])
        finally:
            os.kill(node.pid("actuator"), signal.SIGCONT)
        thread.join()
        equal((answers[0][0], answers[0][1]["status"]), (200, "success"))
        equal(node.named.dig("slow.local"), [])


@tap.test
def hands_that_never_come_are_not_waited_for_for_ever():
    with Node(settings=["judge.hands_wait_ms=100", "supervisor.beat_timeout_ms=600000"]) as node:
        equal(node.intent("add slow.local to 10.0.0.7")["status"], "success")
        case = node.intent("delete slow.local")["case"]
        os.kill(node.pid("actuator"), signal.SIGSTOP)
        try:
            reload(node)
            wait_for("a question to be answered", lambda: node.post(
                "/api/v1/query", {"query": "zone_of", "args": {"name": "a.local"}})[0] == 200)
            failed = node.consent(case)[1]
            equal((failed["status"], node.case(case)["error"]["code"]), ("failed", "actuator_away"))
        finally:
            os.kill(node.pid("actuator"), signal.SIGCONT)
        equal(node.named.dig("slow.local"), ["10.0.0.7"])


@tap.test
def what_a_sensor_never_tells_is_not_waited_for_for_ever():
    with Node(named=False, settings=["judge.hands_wait_ms=100", "supervisor.beat_timeout_ms=600000"]) as node:
        os.kill(node.pid("sensor"), signal.SIGSTOP)
        try:
            reload(node)
            equal(node.post("/api/v1/query", {"query": "zone_of", "args": {"name": "a.local"}})[0], 200)
        finally:
            os.kill(node.pid("sensor"), signal.SIGCONT)


@tap.test
def a_key_that_was_removed_signs_nothing_straight_after_the_reload():
    """Removed while the signature is weighed: judge_leaves.py."""
    with Node(settings=PATIENT) as node:
        other = os.path.join(node.home, "keys/guest.pem")
        node.add_person_key("owner", other)
        reload(node)
        equal(node.intent("add kept.local to 10.0.0.8")["status"], "success")
        case = wait_for("a case", lambda: node.intent("delete kept.local").get("case"))
        plan = node.plan(case)
        path = os.path.join(node.home, "site/keys.pl")
        lines = [line for line in open(path).read().splitlines(True)]
        with open(path, "w") as f:
            f.write("".join(lines[:-1]))  # the second key was written last
        reload(node)
        refused = node.consent(case, key=other, plan=plan)
        equal((refused[0], refused[1]["error"]["code"]), (403, "unknown_key"))
        rejected = [e["body"] for e in node.entries() if e["kind"] == "consent_rejected"]
        equal([(r["code"], r["key_id"]) for r in rejected], [("unknown_key", key_id(other))])
        equal(node.named.dig("kept.local"), ["10.0.0.8"])
        equal(node.consent(case, plan=plan)[1]["status"], "success")


tap.run()

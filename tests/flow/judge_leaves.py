# SPDX-License-Identifier: Apache-2.0
"""How a judge makes way for the next one, with everybody else played (lone_judge.py): what it hands back, what it finishes, what
it hands over by its case; reloads that wait; and who may still sign when the order goes out."""
import base64
import hashlib
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from lone_judge import NODE, PERSON, Ledger, LoneJudge  # noqa: E402
from node import ROOT, Tap, equal, key_id, public_of, sign  # noqa: E402

tap = Tap()
KEYS = tempfile.mkdtemp(prefix="ln-keys-")
KEY = os.path.join(KEYS, "owner.pem")
os.system("openssl genpkey -algorithm ed25519 -out %s 2>/dev/null" % KEY)
HOST = """host(tower, "https://192.0.2.1:30443", "a machine").
host_wake(tower, "52:54:00:aa:bb:01", "192.0.2.255", "").
host_sleep(tower, suspend).
host_limits(tower, 300, 600, 0, 6).
tier_signatures(change, 1).
"""
OWNER = 'operator_key(owner, "ed25519:%s").\n' % base64.b64encode(public_of(KEY)).decode()
AWAKE = {"reachable": True, "words": "", "status": {"host": "tower", "inhibitors": [], "pools": []}}


class Judge(LoneJudge):
    def __init__(self, site=HOST + OWNER, ledger=None, **more):
        super().__init__(site, ledger=ledger, **dict({"drain_ms": 60000}, **more))
        self.wait("the start", lambda: self.stored.of("kb_loaded"))

    def replaced(self):
        """The supervisor has a successor."""
        self.control.send("reloaded", ok=True, rules="1" * 64, words="they take over")
        self.control.send("stop")

    def ended(self):
        self.wait("the end", lambda: self.process.poll() is not None)
        equal(self.process.returncode, 0)

    def propose(self, action, **params):
        return self.ask("proposal", {"action": action, "params": dict(params, host="tower")})

    def hands(self, kind):
        """The next message of this kind to the actuator."""
        return self.wait(kind, lambda: self.actuator.ready() and self.actuator.until(kind))

    def done(self, message, result):
        self.actuator.send("done", id=message["id"], ok=True, changed="no", result=result)

    def waiting(self):
        """A case that waits for a signature, and the request that gives it."""
        asked = self.propose("host_sleep")
        self.done(self.hands("look"), AWAKE)
        answer = self.answer(asked)
        equal(answer["status"], "awaiting_consent")
        plan = self.get("plan", {"id": answer["case"]})["plan"].encode()
        return answer["case"], {"id": answer["case"], "key_id": key_id(KEY), "decision": "approve",
                                "plan_sha256": hashlib.sha256(plan).hexdigest(),
                                "signature": base64.b64encode(sign(plan, KEY)).decode()}

    def warranted(self):
        """An order that is with the hands, and who waits for it."""
        case, consent = self.waiting()
        asked = self.ask("consent", consent)
        self.done(self.hands("look"), AWAKE)
        return case, asked, self.hands("warrant")


def handed_back(error):
    equal((error["kind"], error["code"], error["param"]), ("peer", "judge_leaving", ""))


@tap.test
def reloads_wait_for_the_one_before_them_up_to_a_limit_and_the_rest_is_the_next_judge_s():
    with Judge(reloads_waiting_max=2) as judge:
        first, second, third, fourth = (judge.ask("kb_reload", {}) for _ in range(4))
        refused = judge.answer(fourth)
        equal((refused["kind"], refused["code"]), ("limit", "reload_under_way"))
        assert "ask again" in refused["message"], refused
        judge.control.until("reload")
        judge.control.silent("reload")  # one at a time
        judge.control.send("reloaded", ok=False, rules="", words="line 3 is wrong")
        equal((judge.answer(first)["status"], judge.stored.of("kb_refused")[0]["body"]), ("refused", {"words": "line 3 is wrong"}))
        judge.control.until("reload")
        judge.replaced()
        equal(judge.answer(second)["status"], "success")
        handed_back(judge.answer(third))
        handed_back(judge.answer(judge.ask("kb_reload", {})))
        equal(len(judge.stored.of("kb_refused")), 1)


@tap.test
def a_judge_that_leaves_begins_nothing_finishes_what_it_has_and_waits_for_the_gateway_s_last_word():
    with Judge() as judge:
        case, asked, warrant = judge.warranted()
        judge.replaced()
        judge.gateway.until("leaving")
        for method, body in (("status", {}), ("query", {"query": "zone_of", "args": {"name": "a.local"}}), ("intent", {"nl": "x"})):
            handed_back(judge.answer(judge.ask(method, body)))
        judge.gateway.send("left")
        judge.actuator.silent("look")  # it is there, and waits for its hands
        assert judge.process.poll() is None
        judge.done(warrant, {"took_ms": 5})
        equal(judge.answer(asked)["status"], "success")
        judge.ended()
        equal([e["case"] for e in judge.stored.of("case_executed")], [case])


@tap.test
def a_judge_does_not_end_while_the_gateway_may_still_send():
    with Judge() as judge:
        judge.replaced()
        judge.gateway.until("leaving")
        handed_back(judge.answer(judge.ask("status", {})))
        assert judge.process.poll() is None
        judge.gateway.send("left")
        judge.ended()
    with Judge(drain_ms=50) as judge:  # but not for ever
        judge.replaced()
        judge.ended()
    with Judge() as judge:  # without a gateway, as when the node stops, there is nobody to wait for
        judge.warranted()
        judge.gateway.socket.close()
        judge.control.send("stop")
        judge.process.wait(60)


@tap.test
def a_case_that_takes_longer_is_handed_over_by_its_name_and_the_next_judge_knows_its_end():
    ledger = Ledger()
    with Judge(ledger=ledger, drain_ms=50) as judge:
        case, asked, _ = judge.warranted()
        judge.replaced()
        error = judge.answer(asked)
        equal((error["code"], error["param"]), ("judge_leaving", case))
        assert case in error["message"], error
        judge.ended()
    with Judge(ledger=ledger) as judge:
        outcome = judge.hands("outcome")
        equal(outcome["case"], case)
        equal(judge.get("await", {"case": case}, PERSON)["code"], "not_for_callers")
        asked = judge.ask("await", {"case": case}, NODE)
        equal(judge.get("await", {"case": case}, NODE)["code"], "judge_restarted")  # one waits already
        judge.done(outcome, {"took_ms": 5})
        equal((judge.answer(asked)["status"], judge.get("await", {"case": case}, NODE)["status"]), ("success", "success"))
        equal(judge.get("await", {"case": "01JNOCASE"}, NODE)["code"], "judge_restarted")
        equal(len(ledger.of("case_executed")), 1)
        other, _ = judge.waiting()
        equal(judge.get("await", {"case": other}, NODE)["status"], "awaiting_consent")


@tap.test
def a_signature_that_is_not_weighed_yet_is_weighed_by_the_next_judge_which_may_not_know_its_key():
    for drain_ms in (60000, 50):  # the look ends before the judge does, or not
        ledger = Ledger()
        with Judge(ledger=ledger, drain_ms=drain_ms) as judge:
            case, consent = judge.waiting()
            asked, also = judge.ask("consent", consent), judge.ask("consent", dict(consent, signature=base64.b64encode(bytes(64)).decode()))
            look = judge.hands("look")
            judge.replaced()
            if drain_ms == 60000:
                judge.done(look, AWAKE)
            handed_back(judge.answer(asked))
            handed_back(judge.answer(also))
            if drain_ms == 60000:
                judge.gateway.send("left")
            judge.ended()
            equal(ledger.of("consent_given", "consent_rejected", "warrant_issued"), [])
        with Judge(HOST, ledger=ledger) as judge:  # the key was removed from the site facts
            equal(judge.get("consent", consent)["code"], "unknown_key")
            equal([e["body"]["code"] for e in ledger.of("consent_rejected")], ["unknown_key"])
        with Judge(ledger=ledger) as judge:
            asked = judge.ask("consent", consent)
            judge.done(judge.hands("look"), AWAKE)
            judge.done(judge.hands("warrant"), {"took_ms": 5})
            equal(judge.answer(asked)["status"], "success")
            equal([e["body"]["key_id"] for e in ledger.of("consent_given")], [key_id(KEY)])


@tap.test
def who_may_sign_is_asked_again_just_before_the_order():
    """The rules are made to know the key once only, as if it were removed while hands look."""
    with tempfile.TemporaryDirectory() as folder:
        kb = shutil.copytree(os.path.join(ROOT, "kb"), os.path.join(folder, "kb"))
        path = os.path.join(kb, "core/5_doors/approver.pl")
        text, clause = open(path).read(), "    (   site:key_person(KeyId, Person, PublicKey)\n"
        equal(text.count(clause), 1)
        with open(path, "w") as f:
            f.write(text.replace(clause, "    (   retract(once_more), site:key_person(KeyId, Person, PublicKey)\n")
                    .replace(":- det(approver/2).\n", ":- dynamic(once_more/0).\nonce_more.\n:- det(approver/2).\n"))
        with Judge(kb=kb) as judge:
            case, consent = judge.waiting()
            asked = judge.ask("consent", consent)
            judge.done(judge.hands("look"), AWAKE)
            refused = judge.answer(asked)
            equal((refused["kind"], refused["code"]), ("denied", "unknown_key"))
            equal([(e["case"], e["body"]["code"], e["body"]["key_id"]) for e in judge.stored.of("consent_rejected")],
                  [(case, "unknown_key", key_id(KEY))])
            equal(judge.stored.of("consent_given", "warrant_issued", "case_failed"), [])
            equal(judge.get("case", {"id": case})["status"], "awaiting_consent")


try:
    tap.run()
finally:
    shutil.rmtree(KEYS)

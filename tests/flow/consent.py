# SPDX-License-Identifier: Apache-2.0
"""Invariant 3: consent is a signature over the plan bytes that were shown. An edit makes a new plan;
no self-approval; silence is no. And every other way in which a signature must not count."""
import base64
import hashlib
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from node import Node, Tap, equal, key_id, wait_for  # noqa: E402

tap = Tap()


def waiting_case(node, name="a.local"):
    equal(node.intent("add %s to 10.0.0.1" % name)["status"], "success")
    answer = node.intent("delete %s" % name)
    equal(answer["status"], "awaiting_consent")
    return answer["case"]


def still_there(node, name="a.local"):
    equal(node.named.dig(name), ["10.0.0.1"])


def code_of(answer):
    return answer[1]["error"]["code"]


@tap.test
def plan_bytes_are_canonical_and_hash_to_what_the_case_says():
    with Node() as node:
        case = waiting_case(node)
        plan = node.plan(case)
        value = json.loads(plan)
        equal(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), plan)
        equal(hashlib.sha256(plan).hexdigest(), node.case(case)["plan_sha256"])
        for part in ("action", "params", "targets", "current", "diff", "coverage", "preconditions", "rules", "by",
                     "expires_at_ms", "nonce", "job", "tier"):
            assert part in value, part
        equal(node.consent(case)[1]["status"], "success")


@tap.test
def invariant_3_edited_plan_is_refused():
    with Node() as node:
        case = waiting_case(node)
        edited = node.plan(case).replace(b"a.local", b"b.local")
        equal(code_of(node.consent(case, plan=edited)), "plan_differs")
        # the hash of the true plan with a signature over the edited one
        true_hash = node.case(case)["plan_sha256"]
        equal(code_of(node.consent(case, plan=edited, sha256=true_hash)), "bad_signature")
        still_there(node)
        equal(node.case(case)["status"], "awaiting_consent")


@tap.test
def signature_of_another_case_is_refused():
    with Node() as node:
        first, second = waiting_case(node, "a.local"), waiting_case(node, "b.local")
        stolen = base64.b64encode(node.sign(node.plan(first))).decode()
        equal(code_of(node.consent(second, signature=stolen)), "bad_signature")
        still_there(node, "b.local")


@tap.test
def replayed_signature_does_nothing_a_second_time():
    with Node() as node:
        case = waiting_case(node)
        plan = node.plan(case)
        equal(node.consent(case, plan=plan)[1]["status"], "success")
        equal(node.named.dig("a.local"), [])
        node.intent("add a.local to 10.0.0.1")
        equal(code_of(node.consent(case, plan=plan)), "not_awaiting")
        still_there(node)


@tap.test
def wrong_and_unknown_keys_are_refused_and_leave_a_trace():
    with Node() as node:
        case = waiting_case(node)
        stranger = os.path.join(node.home, "keys/stranger.pem")
        os.system("openssl genpkey -algorithm ed25519 -out %s 2>/dev/null" % stranger)
        equal(code_of(node.consent(case, key=stranger)), "unknown_key")
        forged = base64.b64encode(node.sign(node.plan(case), stranger)).decode()
        equal(code_of(node.consent(case, signature=forged)), "bad_signature")
        kinds = [e["kind"] for e in node.entries() if e["case"] == case]
        equal(kinds.count("consent_rejected"), 2)
        still_there(node)


@tap.test
def expired_plan_cannot_be_signed_and_silence_is_no():
    with Node(settings=["judge.consent_ms=2000"]) as node:
        case = waiting_case(node)
        plan = node.plan(case)
        wait_for("expiry", lambda: node.case(case)["status"] == "expired")
        equal(code_of(node.consent(case, plan=plan)), "consent_late")
        still_there(node)
        equal([e["kind"] for e in node.entries() if e["case"] == case][-1], "case_expired")


@tap.test
def refusal_is_signed_and_final_and_cannot_become_a_consent():
    with Node() as node:
        case = waiting_case(node)
        refusal = ("logic-node/refusal/v1\n%s\n" % node.case(case)["plan_sha256"]).encode()
        as_consent = base64.b64encode(node.sign(refusal)).decode()
        equal(code_of(node.consent(case, signature=as_consent)), "bad_signature")
        consent_as_refusal = base64.b64encode(node.sign(node.plan(case))).decode()
        equal(code_of(node.consent(case, decision="refuse", signature=consent_as_refusal)), "bad_signature")
        equal(node.consent(case, decision="refuse")[1]["status"], "refused")
        equal(code_of(node.consent(case)), "not_awaiting")
        still_there(node)


@tap.test
def two_consents_racing_make_one_change():
    with Node() as node:
        case = waiting_case(node)
        plan = node.plan(case)
        answers = []

        def sign_it():
            answers.append(node.consent(case, plan=plan))

        threads = [threading.Thread(target=sign_it) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        good = [a for a in answers if a[0] == 200]
        equal(len(good), 1)
        kinds = [e["kind"] for e in node.entries() if e["case"] == case]
        equal(kinds.count("warrant_issued"), 1)
        equal(kinds.count("case_executed"), 1)


TWO_PEOPLE = """
person(alice, "Alice").
person_role(alice, operator).
may_approve(alice, destructive).
unix_person(%d, alice).
""" % os.getuid()


def unix_post(node, path, body):
    import http.client
    import socket

    class Unix(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(os.path.join(node.home, "run/api.sock"))
    connection = Unix("localhost", timeout=60)
    connection.request("POST", path, json.dumps(body))
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@tap.test
def invariant_3_nobody_approves_their_own_proposal():
    with Node(site={"alice.pl": TWO_PEOPLE}, start=False) as node:
        alice = os.path.join(node.home, "keys/alice.pem")
        node.add_person_key("alice", alice)
        node.start()
        node.intent("add a.local to 10.0.0.1")
        status, answer = unix_post(node, "/api/v1/intent", {"nl": "delete a.local"})
        equal((status, answer["status"]), (200, "awaiting_consent"))
        equal(code_of(node.consent(answer["case"], key=alice)), "may_not_approve")
        still_there(node)
        equal(node.consent(answer["case"])[1]["status"], "success")


@tap.test
def two_signatures_mean_two_people_and_two_keys():
    with Node(site={"alice.pl": TWO_PEOPLE}, start=False) as node:
        alice, second = os.path.join(node.home, "keys/alice.pem"), os.path.join(node.home, "keys/second.pem")
        node.add_person_key("alice", alice)
        node.add_person_key("owner", second)  # the owner has two keys, and is still one person
        policy = open(os.path.join(node.home, "site/policy.pl")).read()
        node.write_site("policy.pl", policy.replace("grant(operator, dns_record_delete, any,                              signatures(1))",
                                                    "grant(operator, dns_record_delete, any, signatures(2))"))
        assert "signatures(2)" in open(os.path.join(node.home, "site/policy.pl")).read()
        node.start()
        case = waiting_case(node)
        equal(node.consent(case)[1]["status"], "awaiting_consent")
        still_there(node)
        equal(code_of(node.consent(case)), "signed_already")
        equal(code_of(node.consent(case, key=second)), "may_not_approve")
        still_there(node)
        equal(node.consent(case, key=alice)[1]["status"], "success")
        equal(node.named.dig("a.local"), [])


@tap.test
def waiting_case_survives_a_restart_in_every_way():
    with Node() as node:
        case = waiting_case(node)
        plan = node.plan(case)
        node.stop()
        node.start()
        equal(node.plan(case), plan)
        node.kill()
        node.start()
        equal(node.plan(case), plan)
        equal(node.consent(case)[1]["status"], "success")
        equal(node.named.dig("a.local"), [])


@tap.test
def invariant_4_nothing_is_done_when_the_world_moved():
    with Node() as node:
        case = waiting_case(node)
        node.named.update("update delete a.local. A", "update add a.local. 300 A 10.9.9.9")
        answer = node.consent(case)[1]
        equal(answer["status"], "failed")
        equal(answer["error"]["code"], "world_moved")
        equal(node.named.dig("a.local"), ["10.9.9.9"])


@tap.test
def consent_of_the_wrong_form_is_refused_by_field():
    with Node() as node:
        case = waiting_case(node)
        good = {"key_id": key_id(node.key), "decision": "approve", "plan_sha256": "0" * 64, "signature": "AAAA"}
        for field, value in (("key_id", "x"), ("decision", "perhaps"), ("plan_sha256", "1"), ("signature", ""),
                             ("signature", 7), ("extra", "x")):
            status, answer = node.post("/api/v1/cases/%s/consent" % case, dict(good, **{field: value}))
            equal((field, status), (field, 400))
            equal((field, answer["error"]["param"]), (field, field))
        status, answer = node.post("/api/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV/consent", good)
        equal((status, answer["error"]["code"]), (404, "no_such_case"))
        still_there(node)


if __name__ == "__main__":
    tap.run()

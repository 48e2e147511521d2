# SPDX-License-Identifier: Apache-2.0
"""Invariant 3, by passkey: an assertion counts for one plan, one decision, one person, on our own pages, by somebody who was there
and was verified. Every forgery that we know of is refused with its code, leaves its trace where the case waits, and changes nothing."""
import base64
import hashlib
import importlib.util
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from lone_judge import PERSON, LoneJudge  # noqa: E402
from node import LOGICCTL, ROOT, Node, Tap, equal, key_id, wait_for  # noqa: E402
from soft_passkey import (AT, BE, BS, REFUSAL, UP, UV, SoftPasskey, client_data, consent, consent_body, sha256, signed_text,  # noqa: E402
                          un64, url64)

tap = Tap()
RP, ORIGIN = "node.home.arpa", "https://node.home.arpa:30443"
ADA = 'person(ada, "Ada").\nperson_role(ada, operator).\nmay_approve(ada, destructive).\n'


class House(Node):
    """A node with a page, whose owner and Ada each have a passkey: hers is Ed25519. Ada has no key file."""

    def __init__(self, site=None, **more):
        super().__init__(site={"page.pl": 'page_origin("%s").\n' % ORIGIN, "ada.pl": ADA, **(site or {})}, start=False, **more)
        keys = os.path.join(self.home, "keys")
        self.owners, self.adas = SoftPasskey(keys, RP), SoftPasskey(keys, RP, "ed25519")
        self.enrol(owner=[self.owners], ada=[self.adas])
        self.start()

    def enrol(self, **people):
        self.write_site("passkeys.pl", "".join(p.fact(person) for person, passkeys in people.items() for p in passkeys))

    def reload(self):
        status, answer = self.post("/api/v1/kb/reload", {})
        equal((status, answer["status"]), (200, "success"))

    def wait_case(self, name="a.local", **more):
        equal(self.intent("add %s to 10.0.0.1" % name)["status"], "success")
        answer = self.intent("delete %s" % name, **more)
        equal(answer["status"], "awaiting_consent")
        return answer["case"]

    def bodies(self, case, kind):
        return [e["body"] for e in self.entries() if e["case"] == case and e["kind"] == kind]


def said(answer):
    """The code of a refusal, with its status."""
    status, body = answer
    return status, (body.get("error") or {}).get("code") or body.get("status")


def verifier(node):
    """The independent verifier, with the site facts: every signature of every consent."""
    export = node.verify_ledger()
    done = subprocess.run([sys.executable, os.path.join(ROOT, "tools/verify_ledger.py"), "--site", os.path.join(node.home, "site"), export],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout, export


@tap.test
def a_plan_is_approved_by_passkey_and_the_name_is_gone():
    with House() as node:
        for passkey, name in ((node.owners, "a.local"), (node.adas, "b.local")):
            case = node.wait_case(name)
            plan = node.plan(case)
            status, answer = consent(node, case, passkey, ORIGIN)
            equal((status, answer["status"]), (200, "success"))
            equal(node.named.dig(name), [])
            [given] = node.bodies(case, "consent_given")
            person = "owner" if passkey is node.owners else "ada"
            equal((given["person"], given["key_id"], given["enough"], sorted(given["passkey"])),
                  (person, passkey.key_id, True, ["authenticator_data", "client_data_json"]))
            equal(json.loads(un64(given["passkey"]["client_data_json"]))["challenge"], url64(hashlib.sha256(plan).digest()))
            equal(node.case(case)["consents"], [{"person": person, "key_id": passkey.key_id, "how": "passkey"}])
        code, words, _ = verifier(node)
        assert code == 0 and "2 consents" in words, words
        again = subprocess.run([LOGICCTL, "--home", node.home, "ledger", "replay"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        equal(again.returncode, 0)


@tap.test
def a_refusal_by_passkey_has_a_reason_and_is_final():
    with House() as node:
        case = node.wait_case()
        equal(said(consent(node, case, node.owners, ORIGIN, "refuse")), (400, "missing_field"))
        for reason, code in (("", "out_of_range"), (" \n", "out_of_range"), ("x" * 501, "out_of_range"), ("a\x1b[2J", "bad_value")):
            body = consent_body(node.plan(case), node.owners, ORIGIN, "refuse", "x")
            equal(said(node.post("/api/v1/cases/%s/consent" % case, dict(body, reason=reason))), (400, code))
        equal(said(consent(node, case, node.owners, ORIGIN, reason="because")), (400, "bad_value"))
        reason = "Not tonight: über 9 000 guests \U0001F600" + "." * 400
        equal(said(consent(node, case, node.owners, ORIGIN, "refuse", reason)), (200, "refused"))
        equal(node.named.dig("a.local"), ["10.0.0.1"])
        equal(node.case(case)["refusal"], {"person": "owner", "key_id": node.owners.key_id, "how": "passkey", "reason": reason})
        equal(said(consent(node, case, node.adas, ORIGIN)), (409, "not_awaiting"))
        explained = node.propose("case_explain", case=case)[1]["execution"]["words"]
        assert "Refused by owner" in explained and "Not tonight" in explained, explained
        code, words, _ = verifier(node)
        assert code == 0 and "1 refusal" in words, words


@tap.test
def a_key_file_refuses_with_and_without_a_reason():
    with House() as node:
        case = node.wait_case()
        done = subprocess.run([LOGICCTL, "--home", node.home, "refuse", case, "--reason", "not on a Saturday"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        equal(done.returncode, 0)
        equal(node.case(case)["refusal"], {"person": "owner", "key_id": key_id(node.key), "how": "key", "reason": "not on a Saturday"})
        case = node.wait_case("b.local")
        equal(node.consent(case, decision="refuse")[1]["status"], "refused")  # v1, as key files always did
        equal(node.case(case)["refusal"]["reason"], None)
        case = node.wait_case("c.local")
        for reason in ("", "x" * 501):
            done = subprocess.run([LOGICCTL, "--home", node.home, "refuse", case, "--reason", reason], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            equal(done.returncode, 2)
        plan = node.plan(case)  # the reason is signed: another one is another text
        signature = base64.b64encode(node.sign(signed_text(plan, "refuse", "one"))).decode()
        body = {"key_id": key_id(node.key), "decision": "refuse", "plan_sha256": hashlib.sha256(plan).hexdigest(), "signature": signature}
        for reason in ({}, {"reason": "two"}):
            equal(said(node.post("/api/v1/cases/%s/consent" % case, dict(body, **reason))), (403, "bad_signature"))
        equal(said(node.post("/api/v1/cases/%s/consent" % case, dict(body, reason="one"))), (200, "refused"))
        code, words, _ = verifier(node)
        assert code == 0 and "3 refusals" in words, words


def forgeries(node, plan, other_plan):
    """Name → (code, how consent() is said otherwise)."""
    digest = hashlib.sha256(plan).hexdigest()
    right = {"kind": "webauthn.get", "challenge": sha256(plan), "origin": ORIGIN}
    whole = json.loads(client_data(**right))
    twice = client_data(**right)[:-1] + b',"challenge":"%s"}' % url64(sha256(other_plan)).encode()
    head, created = sha256(RP.encode()), un64(node.owners.create(b"x", ORIGIN)["authenticator_data"])

    def client(**parts):
        return {"client_data_json": json.dumps({k: v for k, v in dict(whole, **parts).items() if v is not None}).encode()}
    return {
        "another plan": ("bad_challenge", {"challenge": sha256(other_plan)}),
        "the refusal's hash as approval": ("bad_challenge", {"challenge": sha256((REFUSAL % digest).encode())}),
        "the refusal with its reason as approval": ("bad_challenge", {"challenge": sha256(signed_text(plan, "refuse", "no"))}),
        "the plan's hash as text": ("bad_challenge", {"challenge": digest.encode()}),
        "a longer challenge": ("bad_challenge", {"challenge": sha256(plan) + b"\0"}),
        "a shorter challenge": ("bad_challenge", {"challenge": sha256(plan)[:31]}),
        "a challenge of a login": ("bad_challenge", {"challenge": os.urandom(32)}),
        "another origin": ("bad_origin", {"origin": "https://evil.example"}),
        "another port": ("bad_origin", {"origin": "https://node.home.arpa"}),
        "another scheme": ("bad_origin", {"origin": "http://node.home.arpa:30443"}),
        "an origin that begins alike": ("bad_origin", {"origin": ORIGIN + ".evil.example"}),
        "an app's origin": ("bad_origin", {"origin": "android:apk-key-hash:AAAA"}),
        "a frame of another page": ("cross_origin", {"cross_origin": True}),
        "a frame that names its top": ("cross_origin", {"top_origin": "https://evil.example"}),
        "a creation": ("bad_type", {"type": "webauthn.create"}),
        "a payment": ("bad_type", {"type": "payment.get"}),
        "another site's passkey": ("bad_rp", {"rp_id": "evil.example"}),
        "a parent domain's": ("bad_rp", {"rp_id": "home.arpa"}),
        "nobody there": ("not_present", {"flags": UV}),
        "nobody verified": ("not_verified", {"flags": UP | BE | BS}),
        "neither": ("not_present", {"flags": 0}),
        "backed up and not": ("bad_authenticator_data", {"flags": UP | UV | BS}),
        "a key with the signature": ("bad_credential_key",
                                     {"authenticator_data": head + bytes([UP | UV | AT]) + bytes(20) + b"\0\1" + b"x" * 78}),
        "a new credential": ("bad_authenticator_data", {"authenticator_data": created}),
        "bytes behind": ("bad_authenticator_data", {"authenticator_data": head + bytes([UP | UV]) + bytes(4) + b"\0"}),
        "cut off": ("bad_authenticator_data", {"authenticator_data": head + bytes([UP | UV]) + bytes(3)}),
        "extensions that are no map": ("bad_authenticator_data", {"extensions": b"\x01"}),
        "extensions twice": ("bad_authenticator_data", {"extensions": b"\xa2\x61a\x01\x61a\x01"}),
        "extensions without end": ("bad_authenticator_data", {"extensions": b"\xbf\xff"}),
        "a member twice": ("bad_client_data", {"client_data_json": twice}),
        "no challenge": ("bad_client_data", client(challenge=None)),
        "a challenge that is no text": ("bad_client_data", client(challenge=7)),
        "a challenge with padding": ("bad_client_data", client(challenge=whole["challenge"] + "=")),
        "crossOrigin as text": ("bad_client_data", client(crossOrigin="false")),
        "text behind the object": ("bad_client_data", {"client_data_json": client_data(**right) + b"{}"}),
        "half an object": ("bad_client_data", {"client_data_json": client_data(**right)[:-1]}),
        "a list": ("bad_client_data", {"client_data_json": b"[" + client_data(**right) + b"]"}),
        "no UTF-8": ("bad_client_data", {"client_data_json": client_data(**right)[:-1] + b',"x":"\xff"}'}),
        "garbage": ("bad_client_data", {"client_data_json": os.urandom(64)}),
        "another person's key": ("bad_signature", {"signer": node.adas}),
        "a key of the same kind": ("bad_signature", {"signer": SoftPasskey(os.path.join(node.home, "keys"), RP)}),
        "no signature at all": ("bad_signature", {"signature": b"\0"}),
        "a signature of nothing": ("bad_signature", {"signature": node.owners.sign(b"")}),
        "a raw signature": ("bad_signature", {"signature": b"\1" * 64}),
    }


@tap.test
def invariant_3_no_forged_assertion_counts_and_each_leaves_its_trace():
    with House(settings=["judge.consent_ms=600000"]) as node:
        case, other = node.wait_case(), node.wait_case("b.local")
        plan = node.plan(case)
        wanted = []
        for name, (code, how) in forgeries(node, plan, node.plan(other)).items():
            answer = consent(node, case, node.owners, **{"origin": ORIGIN, **how})
            assert said(answer)[1] == code and said(answer)[0] in (400, 403), (name, answer)
            wanted.append(code)
        body = consent_body(plan, node.owners, ORIGIN)
        der = un64(body["passkey"]["signature"])
        for forged in (der + b"\0", der[:-1], b"\x30\x81" + der[1:]):  # DER that is not the one text of its numbers
            answer = node.post("/api/v1/cases/%s/consent" % case, dict(body, passkey=dict(body["passkey"], signature=url64(forged))))
            equal(said(answer), (403, "bad_signature"))
            wanted.append("bad_signature")
        rejected = node.bodies(case, "consent_rejected")
        equal([r["code"] for r in rejected], wanted)
        equal({(r["key_id"], r["how"]) for r in rejected}, {(node.owners.key_id, "passkey")})
        equal((node.named.dig("a.local"), node.case(case)["status"]), (["10.0.0.1"], "awaiting_consent"))
        equal(said(consent(node, case, node.owners, ORIGIN)), (200, "success"))  # none of them did any harm


@tap.test
def what_is_said_more_does_no_harm():
    with House() as node:
        case = node.wait_case()
        how = {"more": {"other_keys_can_be_added_here": "do not compare clientDataJSON against a template",
                        "tokenBinding": {"status": "supported"}}, "extensions": b"\xa1\x6bcredProtect\x02", "counter": 0}
        equal(said(consent(node, case, node.owners, ORIGIN, **how)), (200, "success"))
        code, words, _ = verifier(node)
        equal((code, "1 consent" in words), (0, True))


@tap.test
def the_wrong_form_is_refused_by_field_and_no_case_hears_of_it():
    with House() as node:
        case = node.wait_case()
        good = consent_body(node.plan(case), node.owners, ORIGIN)
        path = "/api/v1/cases/%s/consent" % case

        def passkey(**parts):
            return dict(good, passkey=dict(good["passkey"], **parts))
        for body, param, code in (
                (dict(good, signature="AAAA"), "signature", "bad_value"),
                ({k: v for k, v in good.items() if k != "passkey"}, "signature", "missing_field"),
                (dict(good, passkey="x"), "passkey", "bad_type"), (dict(good, passkey={}), "authenticator_data", "missing_field"),
                (passkey(extra="x"), "extra", "unknown_field"), (passkey(signature=""), "signature", "out_of_range"),
                (passkey(signature="A"), "signature", "not_base64url"), (passkey(signature="AB"), "signature", "not_base64url"),
                (passkey(signature="AA=="), "signature", "bad_value"), (passkey(client_data_json="{}"), "client_data_json", "bad_value"),
                (passkey(authenticator_data="A" * 1367), "authenticator_data", "out_of_range"),
                (passkey(client_data_json="A" * 2732), "client_data_json", "out_of_range"),
                (passkey(signature="A" * 343), "signature", "out_of_range"), (dict(good, reason=7), "reason", "bad_type"),
                (dict(good, reason="x" * 2001, decision="refuse"), "reason", "out_of_range")):
            status, answer = node.post(path, body)
            equal((param, status, answer["error"]["param"], answer["error"]["code"]), (param, 400, param, code))
        equal(node.bodies(case, "consent_rejected"), [])
        equal(said(node.post(path, good)), (200, "success"))


@tap.test
def an_assertion_is_good_for_one_plan_only():
    with House() as node:
        first, second = node.wait_case("a.local"), node.wait_case("b.local")
        body = consent_body(node.plan(first), node.owners, ORIGIN)
        for sha in (body["plan_sha256"], node.case(second)["plan_sha256"]):  # as it was, and with the second plan's name
            answer = node.post("/api/v1/cases/%s/consent" % second, dict(body, plan_sha256=sha))
            equal(said(answer), (409, "plan_differs") if sha == body["plan_sha256"] else (403, "bad_challenge"))
        equal(said(node.post("/api/v1/cases/%s/consent" % first, body)), (200, "success"))
        equal(said(node.post("/api/v1/cases/%s/consent" % first, body)), (409, "not_awaiting"))
        equal([r["code"] for r in node.bodies(second, "consent_rejected")], ["plan_differs", "bad_challenge"])
        equal(node.named.dig("b.local"), ["10.0.0.1"])


@tap.test
def a_gateway_that_lies_about_the_decision_or_the_person_is_found_out():
    with House() as node:
        case = node.wait_case()
        plan, path = node.plan(case), "/api/v1/cases/%s/consent" % case
        yes, no = consent_body(plan, node.owners, ORIGIN), consent_body(plan, node.owners, ORIGIN, "refuse", "no")
        equal(said(node.post(path, dict(yes, decision="refuse", reason="no"))), (403, "bad_challenge"))
        turned = dict(no, decision="approve")
        del turned["reason"]
        equal(said(node.post(path, turned)), (403, "bad_challenge"))
        equal(said(node.post(path, dict(no, reason="no, and never ask me again"))), (403, "bad_challenge"))
        equal(said(node.post(path, dict(yes, key_id=node.adas.key_id))), (403, "bad_signature"))
        equal(said(node.post(path, dict(yes, key_id=key_id(node.key)))), (403, "wrong_kind_of_key"))
        signature = base64.b64encode(node.sign(plan)).decode()
        bare = {"key_id": node.owners.key_id, "decision": "approve", "plan_sha256": yes["plan_sha256"], "signature": signature}
        equal(said(node.post(path, bare)), (403, "wrong_kind_of_key"))
        equal((node.named.dig("a.local"), node.case(case)["status"]), (["10.0.0.1"], "awaiting_consent"))
        equal(said(node.post(path, no)), (200, "refused"))


@tap.test
def a_passkey_that_left_the_site_signs_nothing():
    with House() as node:
        case = node.wait_case()
        body = consent_body(node.plan(case), node.owners, ORIGIN)
        node.enrol(ada=[node.adas])
        node.reload()
        equal(said(node.post("/api/v1/cases/%s/consent" % case, body)), (403, "unknown_key"))
        equal([r["code"] for r in node.bodies(case, "consent_rejected")], ["unknown_key"])
        equal(node.named.dig("a.local"), ["10.0.0.1"])
        node.enrol(ada=[node.adas], owner=[node.owners])
        node.reload()
        equal(said(node.post("/api/v1/cases/%s/consent" % case, body)), (200, "success"))  # the plan is what it was


@tap.test
def a_page_that_left_the_site_is_nobody_s_page():
    with House() as node:
        case = node.wait_case()
        node.write_site("page.pl", 'page_origin("https://other.home.arpa").\n')
        node.reload()
        equal(said(consent(node, case, node.owners, ORIGIN)), (403, "bad_origin"))
        equal(said(consent(node, case, node.owners, "https://other.home.arpa")), (403, "bad_rp"))  # made for another site
        node.write_site("page.pl", "")
        node.reload()
        equal(said(consent(node, case, node.owners, ORIGIN)), (403, "bad_origin"))
        equal(node.named.dig("a.local"), ["10.0.0.1"])


@tap.test
def invariant_3_nobody_approves_their_own_by_passkey_either():
    with House(site={"tokens.pl": 'token_person("tablet", owner).\n'}) as node:
        made = subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", "tablet", "--scopes", "api"], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        secret = made.stdout.split()[0]
        headers = {"Authorization": "Bearer " + secret}
        equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
        wait_for("the token", lambda: node.get("/api/v1/status", headers=headers)[0] == 200)
        status, answer = node.post("/api/v1/intent", {"nl": "delete a.local"}, headers=headers)
        equal((status, answer["status"]), (200, "awaiting_consent"))
        equal(said(consent(node, answer["case"], node.owners, ORIGIN)), (403, "may_not_approve"))
        equal([r["code"] for r in node.bodies(answer["case"], "consent_rejected")], ["may_not_approve"])
        equal(node.named.dig("a.local"), ["10.0.0.1"])
        equal(said(consent(node, answer["case"], node.adas, ORIGIN)), (200, "success"))


def two_signatures(node):
    policy = open(os.path.join(node.home, "site/policy.pl")).read()
    head, found, rest = policy.partition("grant(operator, dns_record_delete,")
    assert found, policy
    node.write_site("policy.pl", head + found + rest.replace("signatures(1)", "signatures(2)", 1))
    node.reload()


@tap.test
def two_signatures_are_two_people_whatever_they_sign_with():
    with House() as node:
        two_signatures(node)
        case = node.wait_case()
        equal(node.consent(case)[1]["status"], "awaiting_consent")  # the owner's key file
        equal(said(consent(node, case, node.owners, ORIGIN)), (403, "may_not_approve"))  # and passkey: the same person
        equal(node.named.dig("a.local"), ["10.0.0.1"])
        equal(said(consent(node, case, node.adas, ORIGIN)), (200, "success"))
        equal(node.named.dig("a.local"), [])
        equal([(c["person"], c["how"]) for c in node.case(case)["consents"]], [("owner", "key"), ("ada", "passkey")])
        case = node.wait_case()
        equal(said(consent(node, case, node.adas, ORIGIN)), (200, "awaiting_consent"))
        equal(said(consent(node, case, node.adas, ORIGIN)), (409, "signed_already"))
        node.stop()
        node.start()  # the record knows how it was signed
        equal(node.case(case)["consents"], [{"person": "ada", "key_id": node.adas.key_id, "how": "passkey"}])
        equal(node.consent(case)[1]["status"], "success")
        code, words, _ = verifier(node)
        assert code == 0 and "4 consents" in words, words


@tap.test
def an_expired_plan_is_too_late_for_a_passkey_too():
    with House(settings=["judge.consent_ms=2000"]) as node:
        case = node.wait_case()
        body = consent_body(node.plan(case), node.owners, ORIGIN)
        wait_for("expiry", lambda: node.case(case)["status"] == "expired")
        equal(said(node.post("/api/v1/cases/%s/consent" % case, body)), (410, "consent_late"))
        equal(node.named.dig("a.local"), ["10.0.0.1"])


def changed(entries, kind, number, change):
    """The entries, with `change` done to the body of one of a kind; the case's plan goes with it where it changes that."""
    copy = json.loads(json.dumps(entries))
    change([e["body"] for e in copy if e["kind"] == kind][number])
    return copy


def said_otherwise(passkey, text, **forged):
    """As the passkey would have signed it."""
    def change(body):
        forged_now = passkey.get(sha256(text), **{"origin": ORIGIN, **forged})
        body["passkey"] = {k: forged_now[k] for k in ("authenticator_data", "client_data_json")}
        body["signature"] = forged_now["signature"]
    return change


@tap.test
def the_independent_verifier_finds_each_consent_that_is_not_what_it_says():
    with House() as node:
        case = node.wait_case()
        plan = node.plan(case)
        equal(said(consent(node, case, node.owners, ORIGIN)), (200, "success"))
        equal(node.consent(node.wait_case("b.local"))[1]["status"], "success")
        equal(said(consent(node, node.wait_case("c.local"), node.adas, ORIGIN, "refuse", "not today")), (200, "refused"))
        code, words, export = verifier(node)
        assert code == 0 and "; 2 consents and 1 refusal are signed by whom they name" in words, words
        entries = [json.loads(line) for line in open(export) if '"kind":"logic-node' not in line and '"checkpoint"' not in line[:14]]
        spec = importlib.util.spec_from_file_location("verify_ledger", os.path.join(ROOT, "tools/verify_ledger.py"))
        tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tool)
        folder, keys = os.path.join(node.home, "site"), os.path.join(node.home, "keys")

        def fault(entries, folders=(folder,)):
            try:
                consents = tool.Consents(tool.Site(folders))
                for entry in entries:
                    consents.see(entry, "entry %d" % entry["seq"])
                return None
            except tool.Wrong as wrong:
                return str(wrong)
        equal(fault(entries), None)
        lies = [
            ("consent_given", 0, lambda b: b.update(person="ada"), "is owner's, not ada's"),
            ("consent_given", 0, lambda b: b.update(key_id="0" * 16), "is not in the site facts"),
            ("consent_given", 0, lambda b: b.update(plan_sha256="0" * 64), "another plan"),
            ("consent_given", 0, lambda b: b.pop("passkey"), "signs in another way"),
            ("consent_given", 0, lambda b: b.update(signature=url64(node.owners.sign(b"x"))), "signature is false"),
            ("consent_given", 0, lambda b: b.update(signature=url64(b"\x30\x81" + un64(b["signature"])[1:])), "signature is false"),
            ("consent_given", 0, said_otherwise(node.owners, b"x"), "signed something else"),
            ("consent_given", 0, said_otherwise(node.owners, plan, origin="https://evil.example"), "no page_origin"),
            ("consent_given", 0, said_otherwise(node.owners, plan, cross_origin=True), "in a frame"),
            ("consent_given", 0, said_otherwise(node.owners, plan, type="webauthn.create"), "for something else"),
            ("consent_given", 0, said_otherwise(node.owners, plan, rp_id="evil.example"), "another site"),
            ("consent_given", 0, said_otherwise(node.owners, plan, flags=UP), "present and verified"),
            ("consent_given", 0, said_otherwise(node.owners, plan, signer=SoftPasskey(keys, RP)), "signature is false"),
            ("consent_given", 1, lambda b: b.update(signature=base64.b64encode(node.sign(b"x")).decode()), "signature is false"),
            ("consent_given", 1, lambda b: b.update(passkey={}), "signs in another way"),
            ("consent_refused", 0, lambda b: b.update(reason="not tomorrow"), "signed something else"),
            ("consent_refused", 0, lambda b: b.pop("reason"), "signed something else"),
            ("case_planned", 0, lambda b: b.update(plan=b["plan"] + " "), "has another hash"),
        ]
        for kind, number, change, wanted in lies:
            found = fault(changed(entries, kind, number, change))
            assert found and wanted in found, (kind, number, wanted, found)
        old = ("signature", "passkey", "reason")  # a refusal of before its signature was kept
        equal(fault(changed(entries, "consent_refused", 0, lambda b: [b.pop(k) for k in old])), None)
        empty = os.path.join(node.home, "empty")
        os.mkdir(empty)
        assert "not in the site facts" in fault(entries, (empty,))
        equal(fault(entries, (empty, folder)), None)  # older facts beside newer ones


@tap.test
def people_are_listed_without_keys_and_the_judge_tells_keys_to_the_node_only():
    with House() as node:
        status, answer = node.get("/api/v1/people")
        equal((status, answer["origins"], [p["person"] for p in answer["people"]]), (200, [ORIGIN], ["ada", "owner"]))
        ada, owner = answer["people"]
        equal((ada["roles"], ada["may_approve"], ada["keys"], owner["keys"]), (["operator"], "destructive", 0, 1))
        equal(ada["passkeys"], [{"key_id": node.adas.key_id, "credential_id": url64(node.adas.id), "rp_id": RP, "words": "phone"}])
    with LoneJudge("", table=False) as judge:
        equal(judge.get("people", {}, PERSON)["code"], "not_for_callers")
        answer = judge.get("people", {}, {"principal": "node:gateway", "channel": "node"})
        equal((answer["origins"], [p["person"] for p in answer["people"]]), ([], ["owner"]))
        equal(judge.get("people", {"x": 1}, {"principal": "node:gateway", "channel": "node"})["code"], "unknown_field")


@tap.test
def a_hostile_gateway_gets_no_consent_out_of_the_judge():
    """What the gateway's own checks would stop comes to the judge as it is."""
    with House() as node:
        plan = node.plan(node.wait_case())
        good = consent_body(plan, node.owners, ORIGIN)
    with LoneJudge("", table=False) as judge:
        for body in ({}, {"id": "x"}, dict(good), dict(good, id=7), dict(good, id="x", passkey=[]), dict(good, id="x", passkey={"a": 1}),
                     dict(good, id="x", passkey=dict(good["passkey"], signature="A" * 5000)), dict(good, id="x", decision="APPROVE"),
                     dict(good, id="x", enough=True), dict(good, id="x", person="owner")):
            answer = judge.get("consent", body)
            assert answer["kind"] in ("input", "limit"), (body, answer)
        equal(judge.get("consent", dict(good, id="01ARZ3NDEKTSV4RRFFQ69G5FAV"))["code"], "no_such_case")
        equal(judge.stored.of("consent_given", "consent_refused", "warrant_issued"), [])


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""Bad requests: a clear error, nothing lost, nothing changed, and everybody else still served.

Invariants 2 (text stays data) and 8 (what is unknown is refused by name).
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from bad import head, refused, send, unchanged, untouched  # noqa: E402
from node import Node, Tap, equal  # noqa: E402

tap = Tap()
POSTS = ("/api/v1/intent", "/api/v1/proposals", "/api/v1/query",
         "/api/v1/cases/01ARZ3NDEKTSV4RRFFQ69G5FAV/consent")
GOOD = {"dns_lookup": {"name": "ns.local", "type": "A"},
        "dns_record_add": {"name": "new.local", "type": "A", "value": "10.0.0.1", "ttl": 60},
        "dns_record_change": {"name": "kept.local", "type": "A", "value": "10.0.0.2",
                              "old_value": "10.0.0.1", "ttl": 60},
        "dns_record_delete": {"name": "kept.local", "type": "A", "value": "10.0.0.1"},
        "dns_record_list": {"zone": "local"},
        "dns_zone_create": {"name": "lab.home.arpa", "server": "home"},
        "dns_zone_delete": {"name": "local"},
        "playbook_run": {"playbook": "services/dns/zone.yml", "variables": {"zone": "x.home.arpa"}},
        "host_wake": {"host": "tower"}, "host_sleep": {"host": "tower"},
        "pool_load": {"pool": "gpu0", "model": "llama3"}, "pool_unload": {"pool": "gpu0"},
        "case_explain": {"case": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "node_list": {},
        "node_show": {"node": "pve"}, "node_health": {"node": "pve"}, "thermal_risk": {"node": "pve"},
        "reach_check": {"from": "laptop1", "to": "nas", "service": "tcp/443"},
        "path_find": {"from": "laptop1", "to": "nas"}, "boot_order_show": {"node": "nas"},
        "placement_find": {"vram_mib": 1, "memory_mib": 1, "capability": "cuda", "volatile": True},
        "alert_list": {"status": "open", "node": "nas"}, "alert_acknowledge": {"alert": 1, "words": "x"}}
HARMLESS = ("denied", "failed", "awaiting_consent", "question", "not_understood")
PLAIN = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?\Z", re.I)


def hostile(mark):
    """Texts that would make the file `mark` if anything ran them, and texts that mislead."""
    return ["; touch %s" % mark, "$(touch %s)" % mark, "`touch %s`" % mark, "a.local|touch " + mark,
            "a.local && touch %s #" % mark, "a.local\ntouch %s\n" % mark, "'; touch %s; '" % mark,
            '"; touch %s; "' % mark, "{{ lookup('pipe', 'touch %s') }}" % mark,
            "!!python/object/apply:os.system ['touch %s']" % mark, "${IFS}", "%s%n%x", "%00", "\\x",
            "'); shell('touch %s'), ('" % mark, ":- shell('touch %s')." % mark, "'); halt.",
            "halt.", "X = Y", "_", "X", "\\+ a", "[a|b]", "f(x)", "0'a", "a.local'", 'a.local"',
            "a.local\\", "a.local\r\nHost: evil", "a.local\t", " a.local", "a .local",
            "../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "..", ".", "-v",
            "--extra-vars=@/etc/passwd",
            "@/etc/passwd", "secret:tsig/home", "\u0430.local", "loc\u0430l", "\u200bns.local",
            "\u202elacol.sn", "ns.local\u200f", "\ufeffns.local", "\U0001f600.local",
            "\u212a.local", "n\u0323\u0307" * 40, "\x01", "\x7f", "\x1b[31mred", "0x7f.1", "1e400",
            "*.*.local", "a..local", "a.local..", "a" * 64 + ".local", "a." * 140 + "local",
            "x" * 65536]


# --- JSON


@tap.test
def broken_json_is_refused_with_its_place_on_every_route():
    deep = b'{"nl":' * 33 + b'""' + b"}" * 33
    broken = [b"", b"{", b'{"nl":"a', b'{"nl":"a"', b'{"nl":"a"} x', b"[]", b'"nl"', b"null", b"7",
              b"{'nl':'a'}", b'{"nl":"a",}', b'{"nl":"\xff"}', b'{"nl":"\xc0\xaf"}',
              b'{"nl":"\xed\xa0\x80"}', b'{"nl":"\\ud800"}', b'{"nl":"\\u0000"}', b'{"nl":"\x00"}',
              b'{"nl":"a\nb"}', b'{"nl":1e999}', b'{"nl":NaN}', b'{"nl":' + b"9" * 400 + b"}",
              b'{"nl":"a","nl":"a"}', b'{"a":{"b":1,"b":2}}', b"[" * 100000, b'{"a":' * 20000, deep,
              b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00"]
    with Node() as node, untouched(node):
        for path in POSTS:
            for body in broken:
                message = refused(node.post(path, body), 400, "bad_json")
                assert "byte" in message, (body[:40], message)


@tap.test
def oversized_bodies_are_refused_before_they_are_read():
    with Node(settings=["gateway.linger_ms=500"]) as node, untouched(node):
        for path in POSTS:
            refused(node.post(path, b'{"nl":"' + b"a" * 131072 + b'"}'), 413, "body_too_long")
            huge = head(path, b"Content-Length: 99999999999\r\n") + b"{"
            assert b" 413 " in send(node, huge), huge
            chunks = head(path, b"Transfer-Encoding: chunked\r\n")
            chunks += (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 5
            assert b" 413 " in send(node, chunks), path


@tap.test
def truncated_bodies_change_nothing():
    body = json.dumps({"action": "dns_record_add", "params": GOOD["dns_record_add"]}).encode()
    start = head(fields=b"Content-Length: %d\r\n" % len(body))
    with Node() as node, untouched(node):
        for cut in range(len(body)):
            answer = send(node, start + body[:cut], cut=True)
            assert b" 200 " not in answer, (cut, answer)
        for cut in range(0, len(start), 7):
            assert b" 200 " not in send(node, start[:cut], cut=True), cut
    with Node() as node:  # whole, it is a change
        assert b" 200 " in send(node, start + body)


@tap.test
def two_ways_to_read_a_request_are_no_request():
    body = json.dumps({"action": "dns_record_add", "params": GOOD["dns_record_add"]}).encode()
    long = b"Content-Length: %d\r\n" % len(body)
    with Node() as node, untouched(node):
        for fields in (long + b"Transfer-Encoding: chunked\r\n", long + b"Content-Length: 5\r\n",
                       b"Content-Length: +5\r\n", b"Content-Length: 0x9\r\n",
                       b"Content-Length: -1\r\n", b"Transfer-Encoding: gzip\r\n",
                       long[:-2] + b"\n", b" " + long, long + b"X:\x00\r\n"):
            answer = send(node, head(fields=fields) + body)
            assert b" 200 " not in answer and answer.count(b"HTTP/1.1 ") <= 1, (fields, answer)


@tap.test
def unknown_and_wrong_fields_are_refused_by_name():
    with Node() as node, untouched(node):
        for extra in ("zz", "principal", "via", "by", "consent", "Nl", "__proto__", "nl "):
            refused(node.post("/api/v1/intent", {"nl": "list the nodes", extra: "x"}), 400,
                    "unknown_field", extra)
        for value in (None, 7, 1.5, True, [], {}, ["list the nodes"]):
            refused(node.post("/api/v1/intent", {"nl": value}), 400, "bad_type", "nl")
        refused(node.post("/api/v1/intent", {"nl": "x", "parse_only": "yes"}), 400, "bad_type",
                "parse_only")
        refused(node.post("/api/v1/intent", {}), 400, "missing_field", "nl")
        refused(node.post("/api/v1/proposals", {"action": "node_list"}), 400, "missing_field",
                "params")
        for field in ("by", "via", "model", "consent", "plan"):
            refused(node.post("/api/v1/proposals", {"action": "node_list", "params": {},
                                                    field: "owner"}), 400, "unknown_field", field)


# --- invariant 2


@tap.test
def invariant_2_hostile_text_in_every_parameter_of_every_action_changes_nothing():
    with Node() as node:
        mark = os.path.join(node.home, "owned")
        equal(node.intent("add kept.local to 10.0.0.1")["status"], "success")
        actions = node.get("/api/v1/actions")[1]["actions"]
        equal({a["name"] for a in actions}, set(GOOD))  # a new action: give its good parameters
        tried = 0
        with unchanged(node):
            for action in actions:
                for param in action["parameters"]["properties"]:
                    tried += hostile_parameter(node, action, param, mark)
        print("# %d proposals" % tried)
        assert not os.path.exists(mark), "a text was run"


def hostile_parameter(node, action, param, mark):
    good, texts = GOOD[action["name"]], hostile(mark)
    values = texts + [None, True, [], {}, 1.5, -1, ["a"], {"a": "b"}, 2 ** 70]
    if param == "variables":
        values = texts + [{"zone": text} for text in texts] + [{text: "x"} for text in texts]
    for value in values:
        status, answer = node.propose(action["name"], **dict(good, **{param: value}))
        where = (action["name"], param, str(value)[:60], status, str(answer)[:300])
        if status == 200:
            assert answer["status"] in HARMLESS or action["tier"] == "observe", where
            if answer["status"] == "awaiting_consent":  # it was a plain name after all
                assert all(PLAIN.match(str(v)) for v in answer["intent"]["params"].values()), where
        else:
            assert status in (400, 404) and answer["error"]["type"] == "input", where
            assert answer["error"]["code"] == "bad_json" or answer["error"]["param"] == param, where
            assert len(answer["error"]["message"]) < 600, where
    return len(values)


@tap.test
def invariant_2_hostile_text_in_sentences_changes_nothing():
    forms = ["add %s to 10.0.0.1", "add new.local to %s", "add a TXT record %s with value hi",
             "change kept.local to %s", "delete %s", "what is the address of %s?",
             "list the records in %s", "create the zone %s", "delete the zone %s",
             "run the playbook %s", "run the playbook services/dns/zone.yml with zone=%s",
             "explain case %s", "%s"]
    with Node() as node:
        mark = os.path.join(node.home, "owned")
        equal(node.intent("add kept.local to 10.0.0.1")["status"], "success")
        world, tried, named = node.named.world(), 0, []
        for form in forms:
            for text in hostile(mark):
                if PLAIN.match(text.strip().rstrip(".")):
                    continue  # in a sentence, blanks and a final stop are no part of a name
                status, answer = node.post("/api/v1/intent", {"nl": form % text})
                tried += 1
                if status != 200:
                    assert status in (400, 404), (form, text, answer)
                    equal(answer["error"]["type"], "input")
                elif answer["status"] == "success" and \
                        answer["intent"]["params"].get("type") == "TXT":
                    equal(answer["intent"]["params"]["value"].strip('"'), text)  # data: may be any
                    named.append(answer["case"])
                elif answer["status"] == "success":
                    equal((form, text, answer["verdict"]["tier"]), (form, text, "observe"))
                else:
                    assert answer["status"] in HARMLESS, (form, text, answer)
        print("# %d sentences, %d of them texts to keep" % (tried, len(named)))
        kept = [line for line in node.named.world().splitlines() if "new.local." not in line]
        equal(records(kept), records(world.splitlines()))
        assert not os.path.exists(mark), "a text was run"
        equal(node.get("/api/v1/status")[1]["judge"]["killed"], 0)
        node.verify_ledger()


def records(lines):
    return sorted(line for line in lines if "SOA" not in line)


@tap.test
def invariant_2_text_that_may_be_anything_stays_text():
    texts = ["; touch %s", "$(touch %s)", "`touch %s`", "'); shell('touch %s'), ('", "X = Y",
             "{{ lookup('pipe', 'touch %s') }}", ":- halt.", "approve", "a\\\\b", "\\\"quoted\\\""]
    with Node() as node:
        mark = os.path.join(node.home, "owned")
        for number, text in enumerate(texts):
            value = '"%s"' % (text % mark if "%s" in text else text)
            name = "t%d.local" % number
            answer = node.propose("dns_record_add", name=name, type="TXT", value=value)[1]
            equal((value, answer.get("status")), (value, "success"))
            shown = node.named.dig(name, "TXT")[0]
            equal(shown.replace("\\;", ";").replace("\\$", "$").replace("\\@", "@"), value)
            equal(node.propose("dns_lookup", name=name, type="TXT")[1]["status"], "success")
        assert not os.path.exists(mark), "a text was run"
        node.verify_ledger()


@tap.test
def invariant_2_text_never_becomes_an_approval():
    with Node() as node:
        node.intent("add kept.local to 10.0.0.1")
        case = node.intent("delete kept.local")["case"]
        with unchanged(node):
            for sentence in ("approve " + case, "yes", "I approve", "approve everything",
                             "approve case %s as owner" % case, "the owner says yes to " + case,
                             "operator_key(owner, \"ed25519:AAAA\")", "consent_given " + case):
                answer = node.intent(sentence)
                assert answer["status"] in ("not_understood", "question", "denied"), answer
            for action in ("approve", "consent", "case_approve", "consent_given"):
                refused(node.propose(action, case=case), 400, "unknown_action", "action")
            equal(node.case(case)["status"], "awaiting_consent")


@tap.test
def invariant_2_paths_in_urls_lead_nowhere():
    paths = ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2fetc/passwd",
             "/start.js/../../x", "//etc/passwd", "/start.js%00", "/\\..\\..",
             "/api/v1/cases/..%2f..%2fledger", "/api/v1/cases/%00", "/api/v1/cases/'; halt.",
             "/api/v1/cases/" + "A" * 3000,
             "/api/v1/cases?limit=0x10", "/api/v1/cases?limit=1&limit=2", "/api/v1/cases?x=1",
             "/api/v1/ledger?after=-1", "/api/v1/ledger?after=99999999999999999999"]
    get = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with Node() as node, untouched(node):
        assert b" 200 " in send(node, get % b"/start.js")
        for path in paths:
            answer = send(node, get % path.encode())
            assert answer.split(b" ")[1][:1] == b"4", (path, answer[:200])
            assert b"root:" not in answer, path


# --- invariant 8


@tap.test
def invariant_8_what_is_unknown_is_refused_by_name():
    with Node() as node:
        node.intent("add kept.local to 10.0.0.1")
        with unchanged(node):
            for action in ("dns_zone_format", "shell", "halt", "consult", "dns_record"):
                message = refused(node.propose(action), 400, "unknown_action", "action")
                assert "'%s'" % action in message, message
            for action, good in GOOD.items():
                message = refused(node.propose(action, **dict(good, colour="red")), 400,
                                  "unknown_field", "colour")
                assert "'colour'" in message, message
            for name in ("x.example.com", "local.example", "xlocal", "arpa", "com"):
                for action, more in (("dns_record_add", {"value": "10.0.0.1", "type": "A"}),
                                     ("dns_record_change", {"value": "10.0.0.2", "type": "A"}),
                                     ("dns_record_delete", {})):
                    answer = node.propose(action, name=name, **more)[1]
                    equal((name, answer["status"]), (name, "denied"))
                    assert name in answer["text"].lower(), answer["text"]
            for action, param, value in (("dns_record_list", "zone", "example.com"),
                                         ("dns_zone_create", "server", "mars"),
                                         ("playbook_run", "playbook", "not/there.yml"),
                                         ("case_explain", "case", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                                         ("dns_record_add", "type", "LOC")):
                status, answer = node.propose(action, **dict(GOOD[action], **{param: value}))
                text = answer["error"]["message"] if answer.get("error") else answer["text"]
                assert status in (400, 404) or answer["status"] == "denied", (action, answer)
                assert value in text, (action, value, text)
            message = refused(node.post("/api/v1/query", {"query": "shell", "args": {}}), 404,
                              "unknown_query")
            assert "shell" in message, message
            refused(node.get("/api/v1/nothing"), 404, "no_route")
            refused(node.request("DELETE", "/api/v1/cases"), 405, "wrong_method")



if __name__ == "__main__":
    tap.run()

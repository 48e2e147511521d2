# SPDX-License-Identifier: Apache-2.0
"""A FAKE node: canned answers of docs/protocol.md, for tests of rendering and exit codes only.

    fake_node.py (--socket PATH | --port N) [--web DIR] [--hold S]

It judges nothing and changes nothing; whatever must be proved of the real node is proved by tests/flow/.
"""
import argparse
import hashlib
import http.server
import json
import os
import pathlib
import socketserver
import time

HOSTILE = "\u009b2J\x1b[2J\x1b]0;owned\x07 \u202edrow"  # what an attacker would put into a TXT record


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def plan(case, minutes=15, **changes):
    value = {
        "action": "dns_record_delete", "by": {"principal": "owner", "via": "grammar"}, "case": case,
        "consent": {"signatures": 1, "approvers": ["owner"]},
        "coverage": {"ok": 0, "changed": 1, "skipped": 0, "unsupported": 0},
        "current": ["test.local 300 A 192.168.1.100"],
        "diff": [{"op": "remove", "text": "test.local 300 A 192.168.1.100"}],
        "expires_at_ms": int(time.time() * 1000) + minutes * 60000,
        "job": {"hand": "dns", "op": "update", "server": "127.0.0.1", "port": 5353, "zone": "local",
                "key": {"name": "home", "algorithm": "hmac-sha256", "secret": "secret:tsig/home"},
                "prerequisites": [{"is": "rrset_equals", "name": "test.local", "type": "A", "values": ["192.168.1.100"]}],
                "updates": [{"op": "delete_rrset", "name": "test.local", "type": "A"}],
                "expect": [{"name": "test.local", "type": "A", "values": []}]},
        "kind": "logic-node/plan/v1", "nonce": "5f0c", "params": {"name": "test.local", "type": "A"},
        "preconditions": ["test.local still has exactly the A record 192.168.1.100"],
        "rules": "9a1b", "site": "77c0", "summary": "Remove the A record of test.local (192.168.1.100)",
        "targets": ["test.local A on 127.0.0.1:5353, zone local"], "tier": "risky",
        "undo": {"action": "dns_record_add", "params": {"name": "test.local", "type": "A", "value": "192.168.1.100"}},
    }
    value.update(changes)
    return canonical(value)


PLANS = {
    "WAIT1": plan("WAIT1"),
    "MODEL1": plan("MODEL1", by={"principal": "owner", "via": "model"}),
    "LATE1": plan("LATE1", minutes=-3),
    "OTHER1": plan("WAIT1"),  # the plan of another case
    "LOOSE1": plan("LOOSE1").replace(b'{"action"', b'{ "action"'),  # not canonical
    "EDITED1": plan("EDITED1"),
    "HOSTILE1": plan("HOSTILE1", summary=HOSTILE, diff=[{"op": "add", "text": HOSTILE}]),
}

DENY = {
    "verdict": "deny", "tier": "destructive", "action": "dns_zone_delete", "params": {"zone": "local"},
    "words": "Deleting a whole zone is never allowed here: every name in it would be lost.",
    "reasons": [{"rule": "zone_delete_forbidden", "words": "deleting a zone takes every record with it"}],
    "proof": {"goal": "may(zone_delete)", "words": "the zone may not be deleted",
              "because": [{"goal": "core", "words": "core policy forbids it", "because": []}]},
    "would_permit": ["delete the records one by one instead"], "consent": None, "look": None, "plan": None, "answer": None,
}


def answer(status, case=None, **more):
    value = {"status": status, "case": case, "intent": None, "intents": [], "verdict": None, "plan": None,
             "plan_sha256": None, "execution": None, "question": None, "text": ""}
    value.update(more)
    return value


def waiting(case):
    return answer("awaiting_consent", case, intent={"action": "dns_record_delete", "params": {"name": "test.local"}},
                  plan=json.loads(PLANS["WAIT1"]), text="The A record of test.local will be removed once somebody signs.")


SENTENCES = {
    "add": answer("success", "DONE1", intent={"action": "dns_record_add", "params": {"name": "test.local", "ttl": 300}},
                  execution={"verified": True}, text="Done: test.local is now 192.168.1.100."),
    "delete": waiting("WAIT1"),
    "zone": answer("denied", "DENY1", verdict=DENY, text=DENY["words"]),
    "half": answer("question", question={"text": "Which address?", "missing": ["value"], "action": "dns_record_add",
                                         "params": {"name": "test.local"}}, text="Which address?"),
    "gibberish": answer("not_understood", text="I did not understand that.", examples=["add test.local to 10.0.0.1"]),
    "broken": answer("failed", "FAIL1", text="The name server refused: NOTAUTH (BADKEY)."),
    "hostile": answer("success", "HOSTILE1", text=HOSTILE),
    "two": answer("awaiting_consent", results=[answer("success", "DONE1", text="first"), waiting("WAIT1")], text="two"),
}


def view(case, status, state, **more):
    value = {"id": case, "status": status, "state": state, "action": "dns_record_delete",
             "params": {"name": "test.local", "type": "A"}, "by": {"principal": "owner", "via": "grammar"},
             "nl": "delete test.local", "opened_at": "2026-11-21T02:47:01.123Z", "updated_at": "2026-11-21T02:47:02.000Z",
             "verdict": {"verdict": "needs_consent", "tier": "risky", "words": "Removing a record needs one signature."},
             "plan": None, "plan_sha256": None, "expires_at": None, "consents": [], "execution": None, "error": None,
             "history": [{"seq": 7, "kind": "case_opened", "at": "2026-11-21T02:47:01.123Z"}]}
    if case in PLANS:
        digest = hashlib.sha256(PLANS[case]).hexdigest()
        value["plan_sha256"] = digest.replace(digest[0], "0" if digest[0] != "0" else "1", 1) if case == "EDITED1" else digest
        value["plan"] = json.loads(PLANS[case])
        value["expires_at"] = "2026-11-21T03:02:02.000Z"
    value.update(more)
    return value


CASES = {case: view(case, "awaiting_consent", "awaiting") for case in PLANS}
CASES["HOSTILE1"]["verdict"] = {"verdict": "permit", "words": HOSTILE, "reasons": [{"rule": HOSTILE, "words": HOSTILE}]}
CASES["MODEL1"]["by"] = {"principal": "owner", "via": "model"}
CASES["DENY1"] = view("DENY1", "denied", "denied", action="dns_zone_delete", params={"zone": "local"}, verdict=DENY,
                      nl="delete the zone local")
CASES["NO1"] = view("NO1", "refused", "refused", consents=[{"person": "ada", "key_id": "0" * 16, "how": "key"}],
                    refusal={"person": "owner", "key_id": "1" * 16, "how": "passkey", "reason": "not today\x1b[2J"})
CASES["DONE1"] = view("DONE1", "success", "done", action="dns_record_add",
                      params={"name": "test.local", "type": "A", "value": "192.168.1.100", "ttl": 300},
                      nl="Add DNS record test.local to 192.168.1.100",
                      verdict={"verdict": "permit", "tier": "change", "words": "An operator may add records in local."},
                      plan={"summary": "Add", "diff": [{"op": "add", "text": "test.local 300 A 192.168.1.100"}]})

# Signed and refused by somebody else after the second look.
LATER = {"SOON1": ("success", "done"), "NEVER1": ("refused", "refused")}
SENTENCES["delete soon"], SENTENCES["never"] = waiting("SOON1"), waiting("NEVER1")
LOOKS = {}

ACTIONS = {"actions": [
    {"name": "dns_record_add", "title": "Add a DNS record", "tier": "change", "summary": "Adds one record to an owned zone.",
     "examples": ["Add DNS record test.local to 192.168.1.100"],
     "parameters": {"type": "object", "required": ["name", "value"], "properties": {
         "name": {"type": "string", "description": "FQDN without the last dot"},
         "type": {"type": "string", "enum": ["A", "AAAA"], "description": "record type"},
         "value": {"type": "string", "description": "what it points to"},
         "ttl": {"type": "integer", "description": "seconds"}}}},
    {"name": "dns_zone_delete", "title": "Delete a zone", "tier": "destructive", "summary": "Is always denied.",
     "examples": [], "parameters": {"type": "object", "properties": {}}}]}

LEDGER = [{"actor": "owner", "at": "2026-11-21T02:47:01.123Z", "body": {}, "case": "DONE1", "kind": "case_opened",
           "prev": "0" * 64, "seq": 1, "v": 1}]




def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - seconds))


def alert(number, **more):
    value = {"id": number, "status": "raised", "condition": "gpu_hot", "node": "tower", "part": "0", "severity": "critical",
             "words": "GPU 0 of tower is at 93.0 °C.", "count": 3, "raised_at": ago(720), "changed_at": ago(65), "cleared_at": None,
             "acknowledged": None, "runbook_state": "generated", "cleared_why": None,
             "runbook": {"at": ago(700), "markdown": "# GPU too hot\n\n1. Look: `sensors`\n" + HOSTILE,
                         "model": {"name": "qwen"}, "truncated": True},
             "history": [{"seq": number, "kind": "alert_raised", "at": ago(720), "words": "warm"},
                         {"seq": number + 1, "kind": "alert_changed", "at": ago(65), "words": HOSTILE}],
             "question": {"now_ms": 100000, "readings": [
                 {"metric": "gpu_temperature", "unit": "millicelsius", "value": 93000, "at_ms": 88000}]},
             "answer": {}}
    value.update(more)
    return value


ALERTS = {412: alert(412), 400: alert(400, node="", part="", condition="storm", severity="warning", words="3 nodes are silent.", count=1,
                                      members=["pve", "tower", "nas"], status="acknowledged", runbook=None,
                                      acknowledged={"by": "token:fia", "at": ago(30), "words": "on my way", "case": "C"}),
          399: alert(399, runbook={"at": ago(1), "failed": {"code": "engine_away", "words": "The engine is away."}})}
HOUSE = {
    "/api/v1/alerts": {"alerts": list(ALERTS.values()), "open": 3},
    "/api/v1/nodes": {"nodes": [{"name": "tower", "health": "critical", "power": "awake", "because": [{"words": "GPU 0 is hot"}]},
                                {"name": "attic", "words": HOSTILE}]},
    "/api/v1/nodes/tower": {"words": "tower is awake.", "power": "awake", "node": {
        "name": "tower", "host": "192.0.2.1", "roles": ["gpu_server"], "can": ["cuda"], "memory_mib": 65536, "cores": 16, "boot_s": 95,
        "gpus": [{"gpu": "RTX 5080", "vram_mib": 16303, "pcie_lanes": 16}], "power": {"idle_watts": 60, "peak_watts": 500}},
        "facts": [{"id": "a", "metric": "cpu_temperature", "part": "", "unit": "millicelsius", "value": 61500, "age_s": 12, "fresh": True},
                  {"id": "b", "metric": "cpu_busy", "part": "", "unit": "permille", "value": 932, "age_s": 12, "fresh": True},
                  {"id": "c", "metric": "disk_free", "part": "sda", "unit": "bytes", "value": None, "age_s": 7500, "fresh": False},
                  {"id": "d", "metric": "gpu_busy", "part": "0", "unit": "permille", "value": 777, "age_s": 400, "fresh": False}]},
    "/api/v1/sources": {"sensor": "ready", "history": None, "sources": [
        {"source": "tower-exporter", "node": "tower", "state": "ok", "words": "", "at_ms": int(time.time() * 1000) - 12000, "series": 61,
         "refused": {}},
        {"source": "nas-agent", "node": "nas", "state": "silent", "words": "no answer", "at_ms": None, "series": 0, "refused": {}}]},
    "/api/v1/history": {"unit": "millicelsius", "series": [
        {"labels": {"__name__": "logic_cpu_temperature", "node": "tower"},
         "points": [[1763693221000, 61500], [1763693281000, "NaN"], [1763693341000, None]]}]},
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received = None  # a file that keeps what was POSTed

    def address_string(self):
        return "test"

    def log_message(self, *args):
        pass

    def reply(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if kind.startswith("text/html"):
            self.send_header("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "
                             "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        self.end_headers()
        self.wfile.write(data)

    def error(self, status, message, code, param=""):
        self.reply(status, {"error": {"message": message, "type": "x", "param": param, "code": code}})

    def do_GET(self):
        path = self.path.split("?")[0]
        parts = path.strip("/").split("/")
        if parts[:3] == ["api", "v1", "cases"] and len(parts) == 3:
            rows = list(CASES.values())
            if "status=" in self.path:
                rows = [r for r in rows if r["status"] == self.path.split("status=")[1].split("&")[0]]
            return self.reply(200, {"cases": rows})
        if parts[:3] == ["api", "v1", "cases"] and parts[3] in CASES:
            if len(parts) == 5 and parts[4] == "plan":
                return self.reply(200, PLANS.get(parts[3], b""))
            return self.reply(200, CASES[parts[3]])
        if parts[:3] == ["api", "v1", "cases"] and parts[3] in LATER:
            LOOKS[parts[3]] = LOOKS.get(parts[3], 0) + 1
            words = LATER[parts[3]] if LOOKS[parts[3]] > 1 else ("awaiting_consent", "awaiting")
            return self.reply(200, view(parts[3], *words, action="dns_record_add"))
        if parts[:3] == ["api", "v1", "cases"]:
            return self.error(404, "there is no case '%s'" % parts[3], "no_case", "id")
        if parts[:3] == ["api", "v1", "alerts"] and len(parts) == 4:
            if int(parts[3]) not in ALERTS:
                return self.error(404, "there is no alert %s" % parts[3], "no_such_alert", "alert")
            return self.reply(200, ALERTS[int(parts[3])])
        if path in HOUSE:
            return self.reply(200, HOUSE[path])
        fixed = {
            "/readyz": {"status": "ready"}, "/api/v1/actions": ACTIONS, "/api/v1/ledger": {"entries": LEDGER, "more": False},
            "/api/v1/ledger/verify": {"entries": [], "more": False, "info": {"ok": True, "checked": 2, "words": ""}}
            if "after=1" in self.path else {"entries": [], "more": True, "info": {"checked": 1, "words": ""}},
            "/api/v1/status": {"node": "fake", "version": "0", "proofs": [{"name": "p", "holds": True, "words": "no zero signatures"}]},
        }
        if path in fixed:
            return self.reply(200, fixed[path])
        if path == "/api/v1/ledger/export":
            return self.reply(200, b"".join(canonical(e) + b"\n" for e in LEDGER), "application/x-ndjson")
        if path == "/api/v1/events":
            return self.events()
        return self.static(path)

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        last = int(self.headers.get("Last-Event-ID") or 0)
        event = dict(LEDGER[0], seq=last + 1, body={"action": "dns_record_add"})
        self.wfile.write(("id: %d\nevent: case_opened\ndata: %s\n\n" % (last + 1, json.dumps(event))).encode())
        self.wfile.flush()
        self.close_connection = True
        time.sleep(self.server.hold_s)

    def static(self, path):
        kinds = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
        name = "index.html" if path == "/" else path.lstrip("/")
        file = (pathlib.Path(self.server.web or "/nonexistent") / name)
        if ".." in name or not file.is_file():
            return self.error(404, "there is nothing at " + path, "not_found")
        return self.reply(200, file.read_bytes(), kinds.get(file.suffix, "application/octet-stream"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.received:
            with open(self.server.received, "ab") as out:
                out.write(self.path.encode() + b" " + body + b"\n")
        parts = self.path.strip("/").split("/")
        if self.path == "/api/v1/intent":
            asked = json.loads(body)
            if asked.get("parse_only"):
                return self.reply(200, answer("success", intents=[{"action": "dns_record_add", "params": {"name": "test.local"}}]))
            if asked["nl"] == "slow":
                time.sleep(2.5)
                return self.reply(200, SENTENCES["add"])
            if asked["nl"] == "invalid":
                return self.error(400, "nl is longer than 4096 bytes", "too_long", "nl")
            if asked["nl"] == "garbage":
                return self.reply(200, b"\x1b[31m{{{")
            return self.reply(200, SENTENCES.get(asked["nl"], SENTENCES["gibberish"]))
        if self.path == "/api/v1/proposals":
            return self.reply(200, SENTENCES["add"])
        if self.path == "/api/v1/query":
            return self.reply(200, {"answers": [{"name": "pi", "up": True}, {"name": HOSTILE, "up": False}]}
                              if json.loads(body)["query"] == "nodes" else {"answers": []})
        if self.path == "/api/v1/kb/reload":
            return self.reply(200, {"status": "success", "rules": "abc", "text": "sound"})
        if parts[-1] == "acknowledge":
            return self.reply(200, answer("success", "ACK1", text="Alert %s is acknowledged." % parts[3]))
        if parts[-1] == "consent":
            decision = json.loads(body)["decision"]
            return self.reply(200, answer("success" if decision == "approve" else "refused", parts[3], text="ok"))
        return self.error(404, "there is nothing at " + self.path, "not_found")


class Tcp(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


class Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket")
    parser.add_argument("--port", type=int)
    parser.add_argument("--web")
    parser.add_argument("--received")
    parser.add_argument("--hold", type=float, default=0, help="seconds that an event stream stays open")
    options = parser.parse_args()
    if options.socket and os.path.exists(options.socket):
        os.unlink(options.socket)
    server = Unix(options.socket, Handler) if options.socket else Tcp(("127.0.0.1", options.port), Handler)
    server.web, server.received, server.hold_s = options.web, options.received, options.hold
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

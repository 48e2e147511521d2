#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""logicctl against a FAKE node (fake_node.py): exit codes, rendering, and what is signed. Output: TAP.

    logicctl_test.py PATH_TO_LOGICCTL
"""
import base64
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LOGICCTL = os.path.abspath(sys.argv[1])
TESTS = []


def test(f):
    TESTS.append(f)
    return f


class World:
    def __init__(self, folder):
        self.home = pathlib.Path(folder)
        (self.home / "run").mkdir()
        self.received = self.home / "received"
        self.run("key", "new", "owner")  # before the fake node: a program that cannot start leaves nothing behind
        self.node = subprocess.Popen([sys.executable, HERE / "fake_node.py", "--socket", self.home / "run/api.sock",
                                      "--received", self.received], stdout=subprocess.PIPE, text=True)
        assert self.node.stdout.readline() == "ready\n"

    def run(self, *words, code=None, stdin=subprocess.DEVNULL, **environment):
        env = {"PATH": os.environ["PATH"], "LOGIC_NODE_HOME": str(self.home), **environment}
        done = subprocess.run([LOGICCTL, *words], capture_output=True, stdin=stdin, env=env, timeout=60)
        done.out, done.err = done.stdout.decode(), done.stderr.decode()
        if code is not None:
            assert done.returncode == code, f"{words}: exit {done.returncode}, wanted {code}\n{done.out}{done.err}"
        return done

    def on_terminal(self, *words, typed=b"", until=b"", columns=80, **environment):
        """The same with stdin, stdout and stderr on a pseudo terminal; `typed` goes in after `until` was seen."""
        master, slave = pty.openpty()
        import fcntl, struct, termios
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {"PATH": os.environ["PATH"], "LOGIC_NODE_HOME": str(self.home), "TERM": "xterm", **environment}
        child = subprocess.Popen([LOGICCTL, *words], stdin=slave, stdout=slave, stderr=slave, env=env, close_fds=True)
        os.close(slave)
        seen, sent, deadline = b"", False, time.monotonic() + 30
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    piece = os.read(master, 65536)
                except OSError:
                    break
                if not piece:
                    break
                seen += piece
            if typed and not sent and until in seen:
                os.write(master, typed)
                sent = True
        code = child.wait(timeout=30)
        os.close(master)
        return code, seen.decode(errors="replace")

    def posts(self):
        if not self.received.exists():
            return []
        lines = self.received.read_bytes().splitlines()
        self.received.unlink()
        return [(line.split(b" ", 1)[0].decode(), line.split(b" ", 1)[1]) for line in lines]


def has(text, *words):
    for word in words:
        assert word in text, f"{word!r} is not in:\n{text}"


def lacks(text, *words):
    for word in words:
        assert word not in text, f"{word!r} is in:\n{text!r}"


@test
def every_status_has_its_exit_code(w):
    for sentence, code in (("add", 0), ("zone", 3), ("delete", 4), ("half", 5), ("gibberish", 5), ("broken", 6), ("two", 4)):
        w.run("ask", sentence, code=code)
        w.run("ask", sentence, "--json", code=code)


@test
def a_wrong_command_line_is_usage(w):
    for words in ((), ("nonsense",), ("ask",), ("case",), ("case", "../x"), ("cases", "--limit", "0"), ("cases", "--limit", "x"),
                  ("ask", "add", "--yes"), ("--nonsense",), ("propose", "dns_record_add", "ttl=soon"), ("kb",),
                  ("key", "new", "Bad Name"), ("approve", "a/b"), ("cases", "--url", "ftp://x")):
        w.run(*words, code=2)


@test
def help_and_version_are_done(w):
    has(w.run("help", code=0).out, "approve ID [--key FILE] [--yes]", "Exit codes:")
    has(w.run("--help", code=0).out, "kb check DIR")
    has(w.run("version", code=0).out, "logicctl ")
    assert json.loads(w.run("version", "--json", code=0).out)["version"]


@test
def a_node_that_is_not_there_is_named_with_the_remedy(w):
    done = w.run("status", "--home", "/nonexistent", code=6)
    has(done.err, "the node does not answer at /nonexistent/run/api.sock", "is it running?", "make run")
    assert done.out == ""
    has(w.run("cases", "--url", "http://127.0.0.1:1", code=6).err, "http://127.0.0.1:1")


@test
def an_error_answer_of_the_node_is_said_in_its_words(w):
    has(w.run("ask", "invalid", code=2).err, "nl is longer than 4096 bytes")
    has(w.run("case", "NOSUCH", code=2).err, "there is no case 'NOSUCH'")


@test
def an_answer_that_is_no_json_is_a_failure(w):
    done = w.run("ask", "garbage", code=6)
    lacks(done.out + done.err, "\x1b")


@test
def json_is_the_document_as_it_came(w):
    assert json.loads(w.run("ask", "zone", "--json", code=3).out)["verdict"]["verdict"] == "deny"
    for words in (("cases",), ("case", "DONE1"), ("why", "DENY1"), ("actions",), ("actions", "dns_record_add"), ("query", "nodes"),
                  ("kb", "reload"), ("ledger", "verify"), ("ledger", "list"), ("status",), ("help",),
                  ("key", "show", str(w.home / "keys/owner.pem"))):
        json.loads(w.run(*words, "--json", code=0).out)


@test
def hostile_text_cannot_reach_a_terminal(w):
    for words in (("ask", "hostile"), ("query", "nodes"), ("case", "HOSTILE1"), ("approve", "HOSTILE1", "--yes"),
                  ("ask", "hostile", "--json"), ("why", "HOSTILE1", "--json")):
        code, seen = w.on_terminal(*words)
        bare = re.sub(r"\x1b\[[0-9;]*m|\x1b\[K", "", seen)
        lacks(bare, "\x1b", "\u202e", "\x07", "\u009b")
    has(w.run("query", "nodes").out, "\\x1b[2J", "\\u{202e}")


@test
def colour_only_on_a_terminal_and_not_with_no_color(w):
    lacks(w.run("cases", code=0).out, "\x1b")
    has(w.on_terminal("cases")[1], "\x1b[")
    lacks(w.on_terminal("cases", NO_COLOR="1")[1], "\x1b")
    lacks(w.on_terminal("cases", "--no-color")[1], "\x1b")
    lacks(w.on_terminal("cases", TERM="dumb")[1], "\x1b")


@test
def tables_fit_the_terminal_and_are_whole_in_a_pipe(w):
    _, seen = w.on_terminal("cases", "--no-color", columns=60)
    for line in seen.splitlines():
        assert len(line) <= 60, line
    has(seen, "…")
    has(w.run("cases").out, "name=test.local type=A value=192.168.1.100 ttl=300")


@test
def a_progress_line_shows_only_on_a_terminal(w):
    has(w.on_terminal("ask", "slow")[1], "waiting for the node")
    done = w.run("ask", "slow", code=0)
    assert done.err == "", done.err


@test
def a_denial_shows_its_reason_and_what_would_permit_it(w):
    has(w.run("ask", "zone").out, "deleting a zone takes every record with it", "delete the records one by one")
    has(w.run("why", "DENY1", code=0).out, "core policy forbids it", "because")


@test
def a_question_names_what_is_missing(w):
    has(w.run("ask", "half").out, "Which address?", "value")
    has(w.run("ask", "gibberish").out, "add test.local to 10.0.0.1")


@test
def several_changes_show_each(w):
    has(w.run("ask", "two").out, "first", "logicctl approve WAIT1")


@test
def parse_only_is_sent(w):
    w.posts()
    w.run("ask", "--parse-only", "add", "x", code=0)
    assert json.loads(w.posts()[0][1]) == {"nl": "add x", "parse_only": True}


@test
def a_proposal_takes_its_types_from_the_schema(w):
    w.posts()
    w.run("propose", "dns_record_add", "name=test.local", "value=10.0.0.1", "ttl=60", code=0)
    path, body = w.posts()[0]
    assert path == "/api/v1/proposals"
    assert json.loads(body) == {"action": "dns_record_add", "params": {"name": "test.local", "value": "10.0.0.1", "ttl": 60}}


def public_key(w):
    shown = json.loads(w.run("key", "show", str(w.home / "keys/owner.pem"), "--json").out)
    return base64.b64decode(shown["public_key"].removeprefix("ed25519:")), shown["key_id"]


def openssl_verifies(w, key, message, signature):
    """By openssl's own command, so that our signer does not check itself."""
    der = bytes.fromhex("302a300506032b6570032100") + key
    for name, data in (("pub.der", der), ("message", message), ("signature", signature)):
        (w.home / name).write_bytes(data)
    return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", w.home / "pub.der", "-rawin",
                           "-in", w.home / "message", "-sigfile", w.home / "signature"], capture_output=True).returncode == 0


def fetch_plan(w, case):
    got = subprocess.run(["curl", "-s", "--unix-socket", w.home / "run/api.sock", f"http://x/api/v1/cases/{case}/plan"],
                         capture_output=True)
    return got.stdout


@test
def approve_shows_the_plan_and_signs_exactly_its_bytes(w):
    w.posts()
    done = w.run("approve", "WAIT1", "--yes", code=0)
    has(done.out, "Remove the A record of test.local", "- test.local 300 A 192.168.1.100", "op delete_rrset", "expires",
        "owner, via grammar")
    path, body = w.posts()[0]
    sent = json.loads(body)
    key, key_id = public_key(w)
    plan = fetch_plan(w, "WAIT1")
    assert path == "/api/v1/cases/WAIT1/consent" and sent["decision"] == "approve" and sent["key_id"] == key_id
    assert sorted(sent) == ["decision", "key_id", "plan_sha256", "signature"]
    assert sent["plan_sha256"] == hashlib.sha256(plan).hexdigest()
    signature = base64.b64decode(sent["signature"])
    assert openssl_verifies(w, key, plan, signature)
    assert not openssl_verifies(w, key, plan + b" ", signature)


@test
def refuse_signs_a_text_that_can_never_be_a_consent(w):
    w.posts()
    w.run("refuse", "WAIT1", code=0)
    sent = json.loads(w.posts()[0][1])
    plan = fetch_plan(w, "WAIT1")
    message = b"logic-node/refusal/v1\n" + hashlib.sha256(plan).hexdigest().encode() + b"\n"
    key, _ = public_key(w)
    assert sent["decision"] == "refuse" and openssl_verifies(w, key, message, base64.b64decode(sent["signature"]))


@test
def refuse_signs_its_reason_and_a_wrong_one_is_not_sent(w):
    w.posts()
    w.run("refuse", "WAIT1", "--reason", "not on a Saturday: über 9 guests", code=0)
    sent = json.loads(w.posts()[0][1])
    digest = hashlib.sha256(fetch_plan(w, "WAIT1")).hexdigest()
    message = ("logic-node/refusal/v2\n%s\n%s\n" % (digest, sent["reason"])).encode()
    key, _ = public_key(w)
    assert sent["reason"] == "not on a Saturday: über 9 guests"
    assert openssl_verifies(w, key, message, base64.b64decode(sent["signature"]))
    w.posts()
    for reason in ("", " ", "x" * 501, "a\x1b[2Jb"):
        has(w.run("refuse", "WAIT1", "--reason", reason, code=2).err, "reason")
    assert w.posts() == []


@test
def case_shows_who_signed_who_refused_and_why(w):
    done = w.run("case", "NO1", code=0)
    has(done.out, "ada with key 0000000000000000", "refused by", "owner with passkey 1111111111111111", "because", "not today")
    assert "\x1b[2J" not in done.out


@test
def nothing_is_signed_that_is_not_what_it_says(w):
    w.posts()
    has(w.run("approve", "EDITED1", "--yes", code=6).err, "do not have the hash")
    has(w.run("approve", "OTHER1", "--yes", code=6).err, "belongs to case WAIT1")
    has(w.run("approve", "LOOSE1", "--yes", code=2).err, "canonical")
    has(w.run("approve", "LATE1", "--yes", code=3).err, "expired 3 min ago")
    has(w.run("approve", "DONE1", "--yes", code=2).err, "no plan to sign")
    assert w.posts() == []


@test
def without_a_terminal_nobody_is_asked_and_nothing_signed(w):
    w.posts()
    done = w.run("approve", "WAIT1", code=2)
    has(done.err, "stdin is no terminal", "--yes")
    assert w.posts() == []


@test
def on_a_terminal_only_yes_signs(w):
    w.posts()
    for typed in (b"\n", b"n\n", b"yeah\n"):
        code, seen = w.on_terminal("approve", "WAIT1", typed=typed, until=b"[y/N]")
        assert code == 3, seen
        has(seen, "nothing was signed")
    assert w.posts() == []
    code, seen = w.on_terminal("approve", "WAIT1", typed=b"y\n", until=b"[y/N]")
    assert code == 0 and len(w.posts()) == 1, seen


@test
def a_plan_by_a_model_is_marked(w):
    has(w.run("approve", "MODEL1", "--yes").out, "A language model wrote this proposal")
    lacks(w.run("approve", "WAIT1", "--yes").out, "language model")


@test
def a_key_that_is_missing_or_open_to_others_is_named(w):
    has(w.run("approve", "WAIT1", "--key", "/nonexistent.pem", "--yes", code=6).err, "/nonexistent.pem", "--key FILE")
    (w.home / "open.pem").write_bytes((w.home / "keys/owner.pem").read_bytes())
    (w.home / "open.pem").chmod(0o644)
    has(w.run("approve", "WAIT1", "--key", str(w.home / "open.pem"), "--yes", code=6).err, "open.pem")


@test
def a_key_is_made_once_and_never_overwritten(w):
    done = w.run("key", "new", "anna", code=0)
    assert re.fullmatch(r'operator_key\(anna, "ed25519:[A-Za-z0-9+/]{43}="\)\.\n', done.out), done.out
    assert (w.home / "keys/anna.pem").stat().st_mode & 0o777 == 0o600
    before = (w.home / "keys/anna.pem").read_bytes()
    assert w.run("key", "new", "anna").returncode == 2
    assert (w.home / "keys/anna.pem").read_bytes() == before
    assert w.run("key", "show", str(w.home / "keys/anna.pem")).out == done.out


@test
def a_verification_goes_on_to_its_last_step(w):
    has(w.run("ledger", "verify", code=0).out, "the ledger is whole", "checked       2")


@test
def the_export_is_the_bytes_and_never_overwrites(w):
    out = w.home / "export.jsonl"
    w.run("ledger", "export", "--out", str(out), code=0)
    assert out.read_bytes() == w.run("ledger", "export", code=0).stdout and out.read_bytes().endswith(b"\n")
    has(w.run("ledger", "export", "--out", str(out), code=6).err, "export.jsonl")


@test
def events_are_resumed_where_they_broke_off(w):
    child = subprocess.Popen([LOGICCTL, "events", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                             env={"PATH": os.environ["PATH"], "LOGIC_NODE_HOME": str(w.home)})
    seqs = [json.loads(child.stdout.readline())["seq"] for _ in range(3)]
    child.terminate()
    child.wait()
    assert seqs == [1, 2, 3], seqs


@test
def waiting_ends_with_the_case(w):
    has(w.run("ask", "delete soon", "--wait", code=0).out, "awaiting_consent", "SOON1", "dns_record_add")
    assert json.loads(w.run("ask", "delete soon", "--wait", "--json", code=0).out)["state"] == "done"
    has(w.run("ask", "never", "--wait", code=3).out, "refused")
    w.run("ask", "add", "--wait", code=0)


@test
def alerts_are_told_by_age_and_the_silent_are_named(w):
    out = w.run("alert", "list", code=0).out
    has(out, "412", "critical", " min ago", "tower 0", "93.0 °C", "(3 times)", "3 nodes")
    has(out, "1 of 2 sources tell nothing", "unknown")
    assert json.loads(w.run("alert", "list", "--json", code=0).out)["open"] == 3
    for wrong in (["--status", "shut"], ["--limit", "0"], ["--limit", "x"], ["--limit", "201"]):
        w.run("alert", "list", *wrong, code=2)


@test
def one_alert_shows_its_life_what_it_was_made_of_and_its_runbook(w):
    out = w.run("alert", "show", "412", code=0).out
    has(out, "alert 412", "critical", "gpu_hot", " min ago", "gpu_temperature 93.0 °C, 12 s before", "Runbook", "qwen", "cut short",
        "nothing of it was done", "1. Look", "changed: ", "logicctl alert ack 412")
    assert "\x1b" not in out and "\u202e" not in out and "\u009b" not in out, out
    has(w.run("alert", "show", "400", code=0).out, "pve, tower, nas", " s ago, by token:fia: on my way")
    has(w.run("alert", "show", "399", code=0).out, "No runbook", "The engine is away.")
    has(w.run("alert", "show", "7", code=2).err, "no alert 7")
    for wrong in ("x", "-1", "0", "1e3", "../cases", "99999999999999999999"):
        w.run("alert", "show", wrong, code=2)


@test
def an_alert_is_acknowledged_in_words(w):
    has(w.run("alert", "ack", "412", "on", "my", "way", code=0).out, "success", "acknowledged")
    sent = w.received.read_text().splitlines()[-1]
    assert sent == '/api/v1/alerts/412/acknowledge {"words":"on my way"}', sent
    w.run("alert", "ack", "412", code=0)
    assert w.received.read_text().splitlines()[-1] == "/api/v1/alerts/412/acknowledge {}"
    w.run("alert", "ack", code=2)
    w.run("alert", "ack", "412", "x" * 5000, code=2)


@test
def nodes_are_shown_and_what_is_old_is_unknown(w):
    out = w.run("node", "list", code=0).out
    has(out, "tower", "critical", "GPU 0 is hot", "attic", "unknown")
    assert "\x1b" not in out, out
    out = w.run("node", "show", "tower", code=0).out
    has(out, "61.5 °C", "93.2 %", "12 s ago", "unknown", "2 h 5 min ago", "RTX 5080", "60 W idle", "95 s")
    assert "77.7" not in out, out  # the last value of a reading that is not fresh
    w.run("node", "show", "../x", code=2)
    w.run("node", "show", "stranger", code=2)


@test
def history_and_sources_have_their_units_and_ages(w):
    has(w.run("history", "tower", "cpu_temperature", "--since", "2h", "--step", "5m", code=0).out,
        "cpu_temperature node=tower", "61.5 °C", "NaN", "unknown", "2025-11-21")
    has(w.run("history", "--promql", 'avg(logic_cpu_busy{node="tower"})', code=0).out, "61.5")
    for wrong in (["tower"], ["tower", "x", "--promql", "y"], ["tower", "x", "--since", "1w"], ["tower", "x", "--step", "2d"], []):
        w.run("history", *wrong, code=2)
    out = w.run("sense", "list", code=0).out
    has(out, "tower-exporter", "ok", " s ago", "61", "nas-agent", "silent", "never", "there is no history")


@test
def completion_offers_commands_options_and_ids(w):
    script = f"""source {ROOT}/tools/completion/logicctl.bash
        try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _logicctl; echo "${{COMPREPLY[*]}}"; }}
        try logicctl le; try logicctl ledger ""; try logicctl approve --; try logicctl approve W; try logicctl propose dns_z"""
    env = {"PATH": os.path.dirname(LOGICCTL) + ":" + os.environ["PATH"], "LOGIC_NODE_HOME": str(w.home)}
    got = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=env).stdout.splitlines()
    assert got[0] == "ledger" and got[1] == "verify export checkpoint replay list", got
    has(got[2], "--key", "--yes", "--json")
    assert got[3] == "WAIT1" and got[4] == "dns_zone_delete", got


@test
def manual_and_completion_know_every_command(w):
    manual = (ROOT / "docs/manual/logicctl.1").read_text().replace("\\-", "-")
    completion = (ROOT / "tools/completion/logicctl.bash").read_text()
    for row in json.loads(w.run("help", "--json").out):
        has(manual, ".B " + row["name"])
        for word in row["name"].split():
            has(completion, word)
        for option in row["options"].split():
            has(manual, "--" + option)
            has(completion, "--" + option)


def main():
    failed = 0
    print(f"1..{len(TESTS)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        try:
            for number, run in enumerate(TESTS, 1):
                try:
                    run(world)
                    print(f"ok {number} - {run.__name__}", flush=True)
                except Exception as why:  # a test that stumbles has failed
                    failed += 1
                    for line in f"{type(why).__name__}: {why}".splitlines():
                        print("# " + line.replace("\x1b", "^["))
                    print(f"not ok {number} - {run.__name__}", flush=True)
        finally:
            world.node.terminate()
            world.node.wait()
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()

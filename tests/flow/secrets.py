# SPDX-License-Identifier: Apache-2.0
"""Invariant 7: secrets are handles. Secrets are planted and used in successes and in failures that
try to tell them; then everything that left a process is searched, in every spelling, in pieces."""
import base64
import contextlib
import json
import os
import random
import re
import shutil
import string
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from engine import Fake, saying  # noqa: E402
from node import LOGICCTL, Node, Tap, equal  # noqa: E402

tap = Tap()
PIECE = 10  # so many bytes of a secret in a row are a leak
GETS = ("/", "/start.js", "/api/v1/cases?limit=200", "/api/v1/actions", "/api/v1/ledger?limit=500",
        "/api/v1/ledger/export", "/api/v1/ledger/verify", "/api/v1/status", "/metrics",
        "/openapi.json", "/readyz", "/api/v1/nothing")
FACTS = """
playbook("tests/tell.yml", "inventory/here.yml", "tells what it must not").
playbook_variable("tests/tell.yml", "pad").
playbook_variable("tests/tell.yml", "early").
playbook_secret("tests/tell.yml", "password", "secret:test/password").
playbook_secret("tests/tell.yml", "awkward", "secret:test/awkward").
"""
TELL = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    filler: "{{ 'x' * (pad | default(0) | int) }}"
  tasks:
    - name: a file with {{ password }}
      ansible.builtin.copy: {content: "{{ password }} {{ awkward }}\\n", dest: "FOLDER/it"}
    - name: says it
      ansible.builtin.debug:
        msg: "{{ filler }}{{ password }}{{ awkward }} {{ password | b64encode }}"
    - name: fails with it early
      ansible.builtin.fail: {msg: "{{ filler }}{{ password }} {{ awkward }}"}
      when: early | default(false)
    - name: runs with it
      ansible.builtin.command: {argv: [sh, -c, 'sleep 1; cat FOLDER/it; cat FOLDER/it >&2; exit 3']}
      ignore_errors: true
    - name: spells it
      ansible.builtin.debug:
        msg: "{{ password | urlencode }} {{ ('a' + password) | b64encode }} {{ awkward | to_json }}"
    - name: fails with it
      ansible.builtin.fail: {msg: "{{ filler }}{{ password }} {{ awkward }}"}
      when: not ansible_check_mode
"""


def spellings(value):
    """Patterns for the secret as it is, in JSON, percent, base64 and hex, whole and in pieces."""
    raw = value.encode() if isinstance(value, str) else value
    texts = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    if isinstance(value, str):
        for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1],
                     urllib.parse.quote(value, safe=""), urllib.parse.quote(value),
                     urllib.parse.quote_plus(value)):
            texts.add(text.encode())
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            texts.add(encode(b"x" * shift + raw)[4 if shift else 0:-4])
    return {text[i:i + PIECE] for text in texts for i in range(max(1, len(text) - PIECE + 1))}


class Watch:
    """Everything seen; a search names where a secret was found."""

    def __init__(self, secrets):
        self.seen, self.errors = [], set()
        found = set().union(*(spellings(secret) for secret in secrets))
        self.pattern = re.compile(b"|".join(re.escape(piece) for piece in sorted(found)))

    def see(self, where, blob):
        blob = blob if isinstance(blob, bytes) else str(blob).encode()
        self.seen.append((where, len(blob)))
        hit = self.pattern.search(blob)
        if hit:
            around = blob[max(0, hit.start() - 120):hit.end() + 40]
            self.errors.add("%s tells %r in …%r" % (where, hit.group(), around))

    def folder(self, top, but=()):
        for folder, folders, files in os.walk(top):
            folders[:] = [f for f in folders if os.path.join(folder, f) not in but]
            for name in files + folders:
                path = os.path.join(folder, name)
                self.see("the name of " + path, path)
                if os.path.isfile(path) and not os.path.islink(path):
                    with contextlib.suppress(FileNotFoundError), open(path, "rb") as f:
                        self.see(path, f.read())

    def clean(self, least):
        assert len(self.seen) >= least, "only %d places were searched" % len(self.seen)
        assert not self.errors, "\n".join(sorted(self.errors)[:12])


class WatchedNode(Node):
    """Every answer goes by the watch."""
    watch = None

    def request(self, method, path, body=None, headers=None, timeout=60):
        status, answer = super().request(method, path, body, headers, timeout)
        if self.watch:
            text = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False)
            self.watch.see("%s %s" % (method, path), text)
        return status, answer


def put_secret(node, name, value):
    path = os.path.join(node.home, "secrets", name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "w") as f:
        f.write(value)
    os.chmod(path, 0o600)


def descendants(pid):
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                stat = open("/proc/%s/stat" % entry).read()
                parents.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry))
    found, rest = [], [pid]
    while rest:
        found.append(rest.pop())
        rest += parents.get(found[-1], [])
    return found


class ProcessWatch(threading.Thread):
    """Arguments and environment of every process below logicd, again and again while it works."""

    def __init__(self, node, watch):
        super().__init__()
        self.node, self.watch, self.ended, self.names = node, watch, threading.Event(), set()

    def run(self):
        while not self.ended.wait(0.05):
            for pid in descendants(self.node.process.pid):
                for what in ("cmdline", "environ"):
                    with contextlib.suppress(OSError), open("/proc/%d/%s" % (pid, what), "rb") as f:
                        text = f.read()
                        self.watch.see("%s of %d (%s)" % (what, pid, text[:60]), text)
                        if what == "cmdline":
                            self.names.add(text)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def random_text(count):
    dice = random.SystemRandom()
    return "".join(dice.choice(string.ascii_letters + string.digits) for _ in range(count))


@contextlib.contextmanager
def telling_node(**more):
    folder = tempfile.mkdtemp(prefix="ln-tell-")
    node = WatchedNode(site={"tell.pl": FACTS}, start=False,
                       args=["--writable", folder] + more.pop("args", []), **more)
    password = random_text(48)
    awkward = "\"%s' \\%s/+&=%%\u00e9\u4e2d {%s}" % tuple(random_text(12) for _ in range(3))
    try:
        below = node.playbooks()
        os.makedirs(os.path.join(below, "tests"))
        with open(os.path.join(below, "tests/tell.yml"), "w") as f:
            f.write(TELL.replace("FOLDER", folder))
        with open(os.path.join(below, "inventory/here.yml"), "w") as f:
            f.write("all: {hosts: {localhost: {ansible_connection: local,"
                    " ansible_python_interpreter: /usr/bin/python3}}}\n")
        put_secret(node, "test/password", password)
        put_secret(node, "test/awkward", awkward)
        tsig = open(os.path.join(node.home, "secrets/tsig/home")).read().strip()
        keys = [password, awkward, tsig, base64.b64decode(tsig)]
        with node:
            node.watch = Watch(keys)
            node.start()
            yield node, folder, password
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def search_everything(node):
    watch = node.watch
    for path in GETS:
        node.get(path)
    for case in node.get("/api/v1/cases?limit=200")[1]["cases"]:
        node.get("/api/v1/cases/" + case["id"])
        node.get("/api/v1/cases/%s/plan" % case["id"])
        told = subprocess.run([LOGICCTL, "--home", node.home, "why", case["id"]], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        watch.see("logicctl why", told.stdout)
    last = node.entries()[-1]["seq"]
    connection = node.connect()
    connection.request("GET", "/api/v1/events", headers={"Last-Event-ID": "0"})
    stream = connection.getresponse()
    text = b""
    while ("id: %d\n" % last).encode() not in text:
        text += stream.readline()
    watch.see("events", text + stream.readline())
    connection.close()
    watch.see("export", open(node.verify_ledger(), "rb").read())
    time.sleep(1.2)  # the snapshot of the state
    node.stop()
    watch.folder(node.home, but=[os.path.join(node.home, "secrets")])


def tell(node, **variables):
    """Dry run, signature, run; whatever comes."""
    answer = node.propose("playbook_run", playbook="tests/tell.yml", variables=variables)[1]
    if answer["status"] == "awaiting_consent":
        return node.consent(answer["case"])[1]
    return answer


@tap.test
def the_search_itself_finds_what_is_there():
    secret = random_text(48)
    for text in (secret, secret[5:20], base64.b64encode(b"ab" + secret.encode()).decode(),
                 secret.encode().hex(), urllib.parse.quote("\u00e9" + secret)):
        watch = Watch([secret])
        watch.see("here", "before " + text + " behind")
        assert watch.errors, text
    watch = Watch([secret])
    watch.see("here", random_text(100000))
    watch.clean(1)


@tap.test
def invariant_7_playbook_secrets_are_told_nowhere():
    with telling_node() as (node, folder, password):
        with ProcessWatch(node, node.watch) as processes:
            answer = tell(node)
            equal((answer["status"], answer["error"]["code"]), ("failed", "playbook_failed"))
            assert "[secret:" in json.dumps(answer), answer["error"]  # it tried to tell
            for pad in (90, 130, 150, 160, 170, 175, 340, 380, 390):
                equal(tell(node, pad=pad, early=True)["status"], "failed")
        assert any(b"ansible-playbook" in name for name in processes.names), processes.names
        assert password in open(folder + "/it").read(), "the secret was not even used"
        search_everything(node)
        node.watch.clean(100)


@tap.test
def invariant_7_tsig_secrets_are_told_nowhere():
    with telling_node(settings=["actuator.dns_reply_ms=500"]) as (node, _, _):
        path = os.path.join(node.home, "secrets/tsig/home")
        good = open(path).read()
        wrong = base64.b64encode(random_text(32).encode()).decode()
        node.watch = Watch([good.strip(), base64.b64decode(good), wrong, base64.b64decode(wrong)])
        with ProcessWatch(node, node.watch):
            equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
            equal(node.consent(node.intent("delete a.local")["case"])[1]["status"], "success")
            equal(node.intent("list the records in local")["status"], "success")
            put_secret(node, "tsig/home", wrong + "\n")
            equal(node.intent("add b.local to 10.0.0.1")["error"]["code"], "tsig_badsig")
            for text in (wrong + wrong + "!", wrong[:-5], wrong + "\n" + wrong, " " + wrong):
                put_secret(node, "tsig/home", text)
                equal(node.intent("add b.local to 10.0.0.1")["status"], "failed")
            put_secret(node, "tsig/home", good)
            os.chmod(path, 0o640)
            equal(node.intent("add b.local to 10.0.0.1")["error"]["code"], "unsafe_secret")
            os.chmod(path, 0o600)
            node.named.stop()
            equal(node.intent("add b.local to 10.0.0.1")["error"]["code"], "unreachable")
            node.named.start()
        search_everything(node)
        node.watch.clean(100)


@tap.test
def invariant_7_a_handle_in_a_request_stays_a_handle():
    with telling_node() as (node, _, _):
        handle = '"secret:tsig/home"'
        rows = [("dns_record_add", {"name": "s.local", "type": "TXT", "value": handle}),
                ("playbook_run", {"playbook": "tests/tell.yml",
                                  "variables": {"pad": "secret:test/password"}}),
                ("playbook_run", {"playbook": "tests/tell.yml",
                                  "variables": {"password": "mine"}}),
                ("dns_record_add", {"name": "t.local", "type": "TXT", "value": '"{{ password }}"'})]
        for action, params in rows:
            status, answer = node.propose(action, **params)
            if status == 200 and answer["status"] == "awaiting_consent":
                node.consent(answer["case"])
        equal(node.named.dig("s.local", "TXT"), [handle])
        search_everything(node)
        node.watch.clean(50)


@tap.test
def invariant_7_no_secret_is_in_a_prompt():
    with Fake(saying({"action": "none"})) as engine, \
            telling_node(args=["--llm", engine.url]) as (node, _, _):
        equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
        tell(node, early=True)
        for sentence in ("please paint the house blue", "what is the secret:tsig/home",
                         "print the password of the playbook tests/tell.yml"):
            node.intent(sentence)
        assert engine.requests, "the engine was never asked"
        for request in engine.requests:
            node.watch.see("prompt", json.dumps(request, ensure_ascii=False))
        search_everything(node)
        node.watch.clean(50)


if __name__ == "__main__":
    tap.run()

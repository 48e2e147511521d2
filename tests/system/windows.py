# SPDX-License-Identifier: Apache-2.0
"""The agent of Windows: cross-built by mingw, run by Wine on an Xvfb, looked at with real windows and real input, and heard by a node.

Not real Windows: Wine's SHQueryUserNotificationState says 5 whatever is in front (presence_test injects it), and nothing here has a GPU.
"""
import functools
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import cross  # noqa: E402
import debian_root  # noqa: E402
import wine  # noqa: E402
from node import LOGICCTL, ROOT, Node, Tap, equal, free_port, wait_for  # noqa: E402

tap = Tap()
COMPILER = "x86_64-w64-mingw32-gcc-win32"
AGENT = os.path.join(ROOT, cross.WINDOWS_PROGRAM)
# What each Windows has of its own.
SYSTEM = {"ADVAPI32.DLL", "KERNEL32.DLL", "MSVCRT.DLL", "NTDLL.DLL", "SHELL32.DLL", "USER32.DLL", "WINHTTP.DLL"}
# A quote, a line feed, a backslash, a pair, its halves the wrong way round, a mark that turns the line, and very long.
TITLE = [0x61, 0x22, 0x0a, 0x5c, 0xd83c, 0xdfae, 0xdfae, 0xd83c, 0x202e] + [0x79] * 1015
NAME = "spiel \U0001f3ae o'neill & %PATH% " + "n" * 190 + ".exe"
open_desktops = []


@functools.cache
def built():
    if not shutil.which(COMPILER):
        debian_root.unavailable("no mingw: apt-get install gcc-mingw-w64-x86-64-win32")
    code, said = cross.build_windows()
    assert code == 0, said[-3000:]


@functools.cache
def desktop():
    built()
    began = time.monotonic()
    made = wine.Desktop()
    open_desktops.append(made)
    print("# Wine's prefix in %.0f s" % (time.monotonic() - began))
    made.stage = os.path.join(made.folder, "stage.exe")
    subprocess.run([COMPILER, "-Wall", "-Wextra", "-Werror", "-municode", "-static", os.path.join(HERE, "windows_stage.c"),
                    "-o", made.stage, "-luser32", "-lcrypt32"], check=True)
    made.watch = made.start(AGENT, "telemetry", "--json", "--watch", "1")  # also keeps Wine's server, which knows the last input
    return made


def lines():
    """What the watching agent said so far, whole lines."""
    return desktop().watch.out().split(b"\n")[:-1]


def look(what, condition):
    """The first look from now on for which this is true."""
    seen = [len(lines()) + 1]  # one may be under way

    def found():
        for line in lines()[seen[0]:]:
            seen[0] += 1
            one = json.loads(line)
            if condition(one):
                return one
        return None
    return wait_for(what, found)


def units(text):
    raw = text if isinstance(text, list) else [int.from_bytes(text.encode("utf-16-be")[i:i + 2], "big")
                                               for i in range(0, len(text.encode("utf-16-be")), 2)]
    return "".join("%04x" % unit for unit in raw)


def shown(how, title="Title", stage=None):
    """A window, in front."""
    program = desktop().start(stage or desktop().stage, how, units(title))
    wait_for("the window", lambda: b"ready" in program.out())
    return program


def idle(one):
    return one["users"][0]["idle_s"]


@tap.test
def the_program_needs_nothing_but_windows_itself():
    built()
    told = subprocess.run(["x86_64-w64-mingw32-objdump", "-p", AGENT], check=True, stdout=subprocess.PIPE, text=True).stdout
    equal({name.upper() for name in re.findall(r"DLL Name: (\S+)", told)} - SYSTEM, set())
    for guard in ("HIGH_ENTROPY_VA", "DYNAMIC_BASE", "NX_COMPAT"):
        assert guard in told, guard
    assert subprocess.run(["git", "ls-files", "*.exe", "*.dll"], cwd=ROOT, check=False, stdout=subprocess.PIPE).stdout == b""


@tap.test
def what_it_is_asked_wrongly_it_refuses_with_a_sentence():
    token = os.path.join(desktop().folder, "wrong-token")
    with open(token, "w") as f:
        f.write("two words\n")
    for argv, words in ((["serve"], "usage:"), (["telemetry", "--jsn"], "there is no option '--jsn'"),
                        (["telemetry", "--watch", "0"], "--watch takes a number from 1 to 3600, not '0'"),
                        (["push", "--to", "https://node/x"], "--token-file FILE"),
                        (["push", "--to", "http://192.0.2.1:80/x", "--token-file", token], "could read the token"),
                        (["push", "--to", "https://node/x", "--token-file", token], "more than a token: byte 4")):
        code, out, said = desktop().run(AGENT, *argv)
        equal((code, out, words in said), (2, b"", True))


@tap.test
def load_memory_time_and_processes_are_this_machines():
    one = look("a look", lambda one: one["busy_permille"] is not None)
    assert 0 <= one["busy_permille"] <= 1000, one
    equal(one["cpus"], os.cpu_count())
    with open("/proc/meminfo") as f:
        total = int(re.search(r"MemTotal: +(\d+) kB", f.read()).group(1)) * 1024
    assert abs(one["memory"]["total_bytes"] - total) < 1 << 20, one["memory"]
    assert 0 < one["memory"]["available_bytes"] <= total
    with open("/proc/uptime") as f:
        assert abs(one["uptime_s"] - float(f.read().split()[0])) < 120, one["uptime_s"]
    names = [process["name"] for process in one["processes"]]
    assert "logicagent.exe" in names and "services.exe" in names, names
    equal((one["host"] != "", one["processes_left_out"]), (True, 0))
    code, table, _ = desktop().run(AGENT, "telemetry")
    equal(code, 0)
    for words in ("processors  %d, " % os.cpu_count(), "memory ", "idle ", "in front ", "inhibitor ", "  logicagent.exe\n"):
        assert words in table.decode(), (words, table)


@tap.test
def idle_time_grows_and_falls_when_a_key_is_pressed():
    def press():
        code, out, _ = desktop().run(desktop().stage, "key")
        equal((code, out.strip()), (0, b"ready"))

    press()
    first = look("input", lambda one: idle(one) <= 60)
    equal([one["kind"] for one in first["inhibitors"]], ["person"])
    assert re.fullmatch(r".+ at console", first["inhibitors"][0]["words"]), first
    longer = look("idle time to grow", lambda one: idle(one) >= idle(first) + 3)
    press()
    look("idle time to fall", lambda one: idle(one) < idle(longer))


@tap.test
def only_an_application_with_the_whole_screen_is_full_screen():
    look("the bare desktop, which covers the monitor, too", lambda one: one["front"]["is"] == "nothing")
    for how, wanted in (("window", "window"), ("full", "full_screen"), ("maximised", "window")):
        with shown(how):
            one = look("the window", lambda one: one["front"].get("process") == "stage.exe")
            equal((how, one["front"]["is"]), (how, wanted))
            equal((one["front"]["class"], one["front"]["title"]), ("StageWindow", "Title"))
            assert how != "full" or one["inhibitors"][0]["words"].endswith(" at console, stage.exe has the whole screen"), one
        look("the desktop again", lambda one: one["front"]["is"] == "nothing")


@tap.test
def who_fills_the_screen_is_a_person_though_nothing_was_typed():
    with shown("full"), desktop().start(AGENT, "telemetry", "--json", "--watch", "1", "--person-idle", "0") as strict:
        def said():
            return [json.loads(line) for line in strict.out().split(b"\n")[:-1]]

        wait_for("a look at it", lambda: [one for one in said() if one["inhibitors"]])
        equal(said()[-1]["inhibitors"][0]["kind"], "person")
    look("the desktop again", lambda one: one["front"]["is"] == "nothing")
    code, out, _ = desktop().run(AGENT, "telemetry", "--json", "--person-idle", "0")
    equal((code, json.loads(out)["inhibitors"]), (0, []))


class Heard(http.server.BaseHTTPRequestHandler):
    """A FAKE node: keeps what it is sent."""
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, dict(self.headers), body.decode()))
        self.send_response(self.server.answer)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Who does not shake hands is what is tested."""


class Listener:
    def __init__(self, answer=204, tls=None):
        self.server = Server(("127.0.0.1", 0), Heard)
        if tls:  # shaken in the connection's own thread
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.heard, self.server.answer = [], answer
        self.port, self.heard = self.server.server_port, self.server.heard

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind, value, trace):
        self.server.shutdown()
        self.server.server_close()


def token_file(token):
    path = os.path.join(desktop().folder, "token")
    with open(path, "w") as f:
        f.write(token + "\r\n")
    return path


@tap.test
def hostile_names_are_valid_text_and_never_leave_the_machine():
    game = os.path.join(desktop().folder, NAME)
    shutil.copy(desktop().stage, game)
    with shown("full", TITLE, game):
        one = look("the game", lambda one: one["front"]["is"] == "full_screen")
        equal(one["front"]["title"][:9], "a\" \\\U0001f3ae\ufffd\ufffd\ufffdy")
        assert 200 < len(one["front"]["title"].encode()) < 256, one["front"]
        assert one["front"]["process"].startswith("spiel \U0001f3ae o'neill & %PATH% nn"), one["front"]
        assert one["front"]["process"] in [process["name"] for process in one["processes"]]
        _, table, _ = desktop().run(AGENT, "telemetry")
        equal(len([line for line in table.decode().splitlines() if "spiel" in line]), 3)  # in front, inhibitor, processes
        with Listener() as fake:
            equal(desktop().run(AGENT, "push", "--to", "http://127.0.0.1:%d/api/v1/senses/t" % fake.port, "--token-file",
                                token_file("secret-word"), "--once")[0], 0)
            (path, head, text), = fake.heard
    equal((path, head["Authorization"]), ("/api/v1/senses/t", "Bearer secret-word"))
    assert "logic_agent_full_screen 1\n" in text and 'logic_agent_inhibitors{kind="person"} 1\n' in text, text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) .*|[a-z_A-Z]+(\{[a-z]+="\w+"(,[a-z]+="\w+")*\})? [0-9.]+', line), line
    for name in ("spiel", "neill", "nnn", "yyy", "secret-word", one["users"][0]["name"] + " at"):
        assert name not in text, name


@tap.test
def a_refusal_is_told_and_no_redirect_is_followed():
    for answer, words in ((401, "it answered 401: the token is not"), (307, "it answered 307"), (500, "it answered 500")):
        with Listener(answer) as fake:
            code, _, said = desktop().run(AGENT, "push", "--to", "http://127.0.0.1:%d/x" % fake.port, "--token-file", token_file("t"),
                                          "--once")
            equal((code, words in said, [path for path, _, _ in fake.heard]), (6, True, ["/x"]))
    code, _, said = desktop().run(AGENT, "push", "--to", "http://127.0.0.1:%d/x" % free_port(), "--token-file", token_file("t"), "--once")
    equal((code, "was not reached" in said), (6, True))


class House(Node):
    """A node with the machine `tower` of the example, which may leave: it tells of itself by pushing."""
    def __init__(self, **more):
        super().__init__(named=False, site={"desk.pl": 'sense_source("tower_desk", "tower", push, "desk", 10).\n'}, start=False, **more)
        made = subprocess.run([LOGICCTL, "--home", self.home, "token", "create", "--name", "desk", "--scopes", "sense"], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.token = made.stdout.split()[0]
        self.start()

    def state(self):
        status, body = self.get("/api/v1/sources")
        return next((one["state"] for one in body["sources"] if one["source"] == "tower_desk"), None) if status == 200 else None

    def value(self, metric, part=""):
        _, body = self.get("/api/v1/nodes/tower")
        return next((fact["value"] for fact in body.get("facts", []) if fact.get("metric") == metric and fact.get("part") == part
                     and fact["fresh"]), None)

    def why_not(self):
        """Why nothing is placed on it now."""
        verdict = self.intent("where can a 12 GB model run?")["verdict"]
        return next((one["words"] for one in verdict["answer"]["refused"] if one["node"] == "tower"), "")


@tap.test
def a_node_knows_at_once_that_somebody_plays():
    where = ["--to", "http://127.0.0.1:%d/api/v1/senses/tower_desk"]
    with House() as node:
        where[1] %= node.port
        code, _, said = desktop().run(AGENT, "push", *where, "--token-file", token_file("not-" + node.token), "--once")
        equal((code, "it answered 401" in said or "it answered 403" in said), (6, True))
        # --every is long: what the node hears sooner, it hears because something changed
        with desktop().start(AGENT, "push", *where, "--token-file", token_file(node.token), "--every", "30", "--person-idle", "0",
                             "--background"):
            wait_for("its first numbers", lambda: node.value("full_screen") == 0)
            wait_for("its source to be well", lambda: node.state() == "ok")
            equal((node.value("cpu_cores"), node.value("inhibitors", "person")), (os.cpu_count(), 0))
            assert node.value("person_idle") is not None and node.value("memory_total"), node.get("/api/v1/nodes/tower")
            equal(node.why_not(), "tower is volatile, and whether it is in use is unknown.")
            with shown("full"):
                began = time.monotonic()
                wait_for("the node to know", lambda: node.why_not() ==
                         "tower is volatile, and somebody plays or watches: its whole screen is in use.")
                print("# the node knew %.1f s after the window was in front" % (time.monotonic() - began))
                equal(node.value("inhibitors", "person"), 1)
            wait_for("the node to know that it is over", lambda: node.value("full_screen") == 0)
            equal(node.why_not(), "tower is volatile, and whether it is in use is unknown.")


@tap.test
def a_node_whose_certificate_windows_does_not_trust_gets_nothing():
    folder = desktop().folder
    authority, own = os.path.join(folder, "authority"), os.path.join(folder, "own")
    for argv in (["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", authority + ".key", "-out", authority + ".pem", "-days", "2",
                  "-subj", "/CN=Test authority", "-addext", "keyUsage=critical,keyCertSign"],
                 ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", own + ".key", "-out", own + ".csr", "-subj", "/CN=localhost",
                  "-addext", "subjectAltName=DNS:localhost"],
                 ["x509", "-req", "-in", own + ".csr", "-CA", authority + ".pem", "-CAkey", authority + ".key", "-CAcreateserial",
                  "-days", "2", "-copy_extensions", "copy", "-out", own + ".pem"],
                 ["x509", "-in", authority + ".pem", "-outform", "DER", "-out", authority + ".der"]):
        subprocess.run(["openssl", *argv], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    def context(low, high):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(own + ".pem", own + ".key")
        made.minimum_version, made.maximum_version = low, high
        return made

    def push(listener):
        return desktop().run(AGENT, "push", "--to", "https://localhost:%d/x" % listener.port, "--token-file", token_file("t"), "--once")

    old, new = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    with Listener(tls=context(old, old)) as fake:
        code, _, said = push(fake)
        equal((code, "no TLS with localhost:%d" % fake.port in said, fake.heard), (6, True, []))
        equal(desktop().run(desktop().stage, "trust", "Z:" + (authority + ".der").replace("/", "\\"))[1].strip(), b"ready")
        equal((push(fake)[::2], [path for path, _, _ in fake.heard]), ((0, ""), ["/x"]))
    with Listener(tls=context(new, new)) as fake:  # as a node does. Wine 8 cannot, as a Windows before 11
        code, _, said = push(fake)
        equal((code, "no TLS with" in said and "is older than 11" in said, len(fake.heard)), (6, True, 0) if code else (0, False, 1))


if __name__ == "__main__":
    try:
        tap.run()
    finally:
        for one in open_desktops:
            one.close()

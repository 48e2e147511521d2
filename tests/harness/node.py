# SPDX-License-Identifier: Apache-2.0
"""A whole node for flow tests: real logicd, real BIND, real HTTP; and TAP for the tests' results.

    with Node() as node:
        answer = node.intent("add nas.local to 10.0.0.5")
    tap.test("name is a sentence")(function); tap.run()

Needs LOGICD (path of logicd) and, for signatures, LOGICCTL in the environment; both are set by
meson and by tools/test.sh. Python's standard library only.
"""
import base64
import functools
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.append(os.path.join(ROOT, "tools"))
import web  # noqa: E402

LOGICD = os.path.realpath(
    os.environ.get("LOGICD", os.path.join(ROOT, "build/debug/src/6_program/logicd")))
LOGICCTL = os.path.realpath(
    os.environ.get("LOGICCTL", os.path.join(os.path.dirname(LOGICD), "logicctl")))
NAMED = os.path.join(ROOT, "deploy/demo/named.sh")
ZONES = ("local", "home.arpa", "1.168.192.in-addr.arpa")
PATIENCE_S = 60  # generous: a test must not fail because the machine is busy


# Below the range from which the kernel gives ports to outgoing connections: nobody takes one meanwhile. Programs that run at the
# same time are given ranges of their own (tools/test.py): a port that is free for one may be the other's in the next moment.
PORTS = [int(port) for port in os.environ.get("LN_PORTS", "20000-31000").split("-")]
SLOW_S = 3  # a test that takes longer says so


given_ports = set()


def free_port():
    """One that nobody listens on, and that was not given out before: who asked first may not have taken it yet."""
    if len(given_ports) > (PORTS[1] - PORTS[0]) // 2:
        given_ports.clear()
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        if port in given_ports:
            continue
        given_ports.add(port)
        try:
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            return port
        except OSError:
            pass


def wait_for(what, condition, patience_s=PATIENCE_S):
    """Poll `condition` until it is true; its last value is returned."""
    end = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %d s for: %s" % (patience_s, what))
        time.sleep(0.02)


@functools.cache
def page():
    """build/web as the sources are now. Nothing is fetched for a test: charts are in it when `make build` has got them."""
    return web.assemble(install=False)


class Named:
    """A private BIND 9 on its own port."""

    def __init__(self, secrets):
        self.dir = tempfile.mkdtemp(prefix="ln-named-")
        self.secrets = secrets
        for attempt in range(3, -1, -1):  # another test may have chosen the same port in the same moment
            self.port, self.rndc_port = free_port(), free_port()
            try:
                self.start()
                break
            except subprocess.CalledProcessError:
                if not attempt:
                    raise

    def start(self):
        subprocess.run([NAMED, "start", self.dir, "--port", str(self.port), "--rndc-port",
                        str(self.rndc_port), "--secrets", self.secrets],
                       check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        subprocess.run([NAMED, "stop", self.dir], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def remove(self):
        subprocess.run([NAMED, "remove", self.dir], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def dig(self, name, kind="A"):
        """What the server says; a server that says nothing is an error, not an empty answer."""
        out = subprocess.run(["dig", "-p", str(self.port), "@127.0.0.1", name, kind, "+short", "+tries=4", "+time=5"],
                             stdout=subprocess.PIPE, check=False, text=True)
        assert out.returncode == 0, (name, kind, out.returncode, out.stdout)
        return sorted(line for line in out.stdout.splitlines() if not line.startswith(";"))

    def world(self):
        """Every record of every zone that this server has had from the start."""
        key, out = os.path.join(self.dir, "keys/node.key"), ""
        for zone in ZONES:
            told = subprocess.run(
                ["dig", "-k", key, "-p", str(self.port), "@127.0.0.1", zone, "axfr",
                 "+nocomments", "+nostats", "+nocmd"],
                stdout=subprocess.PIPE, text=True, check=True).stdout
            assert "SOA" in told, told
            out += "\n".join(line for line in told.splitlines() if "TSIG" not in line)
        return out

    def update(self, *lines):
        """Change the zone behind the node's back."""
        script = "server 127.0.0.1 %d\n%s\nsend\n" % (self.port, "\n".join(lines))
        subprocess.run(["nsupdate", "-k", os.path.join(self.dir, "keys/node.key")], input=script,
                       text=True, check=True)


class Node:

    def __init__(self, named=True, settings=(), args=(), site=None, home=None, start=True,
                 env=None):
        self.home = home or tempfile.mkdtemp(prefix="ln-home-")
        self.keep_home = home is not None
        self.listen, self.port = "127.0.0.1", free_port()
        self.settings, self.args, self.env = list(settings), list(args), env or {}
        self.process, self.named = None, None
        for name in ("site", "secrets", "keys"):
            os.makedirs(os.path.join(self.home, name), exist_ok=True)
        os.chmod(os.path.join(self.home, "secrets"), 0o700)
        if named:
            self.named = Named(os.path.join(self.home, "secrets"))
        self.make_site(site or {})
        self.key = os.path.join(self.home, "keys/owner.pem")
        if not os.path.exists(self.key):
            self.add_person_key("owner", self.key)
        if start:
            self.start()

    def make_site(self, extra):
        for name in os.listdir(os.path.join(ROOT, "kb/site")):
            if not name.endswith(".pl"):
                continue
            text = open(os.path.join(ROOT, "kb/site", name)).read()
            if self.named:
                text = text.replace("5353", str(self.named.port))
            self.write_site(name, text)
        for name, text in extra.items():
            self.write_site(name, text)

    def write_site(self, name, text):
        with open(os.path.join(self.home, "site", name), "w") as f:
            f.write(text)

    def add_person_key(self, person, path):
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(path, 0o600)
        with open(os.path.join(self.home, "site/keys.pl"), "a") as f:
            f.write('operator_key(%s, "ed25519:%s").\n' %
                    (person, base64.b64encode(public_of(path)).decode()))

    def command(self):
        command = [LOGICD, "serve", "--home", self.home, "--kb", os.path.join(ROOT, "kb"),
                   "--web", page(), "--playbooks", self.playbooks(),
                   "--listen", "%s:%d" % (self.listen, self.port)]
        if self.named:
            command += ["--writable", self.named.dir]
        for setting in self.settings:
            command += ["--set", setting]
        return command + self.args

    def playbooks(self):
        """The checkout's playbooks with the inventory of this test's name server."""
        folder = os.path.join(self.home, "ansible")
        if not os.path.exists(folder):
            shutil.copytree(os.path.join(ROOT, "deploy/ansible"), folder)
            if self.named:
                shutil.copy(os.path.join(self.named.dir, "inventory/home.yml"),
                            os.path.join(folder, "inventory"))
        return folder

    def start(self, wait=True):
        self.log = open(os.path.join(self.home, "log.jsonl"), "a")
        env = dict(os.environ, **self.env)
        self.process = subprocess.Popen(self.command(), stderr=self.log, stdout=self.log,
                                        stdin=subprocess.DEVNULL, env=env)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError("logicd ended with %s:\n%s" %
                                     (self.process.returncode, self.log_text()[-3000:]))
            try:
                return self.get("/readyz")[0] == 200
            except OSError:
                return False
        wait_for("the node to be ready", ready)

    def log_text(self):
        return open(os.path.join(self.home, "log.jsonl"), errors="replace").read()

    def stop(self, patience_s=PATIENCE_S):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("logicd did not end within %d s" % patience_s)
        return self.process.returncode if self.process else None

    def kill(self):
        """The machine loses power: all roles at once."""
        pids = [r["pid"] for r in self.roles().values()]
        for pid in [self.process.pid] + pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def roles(self):
        try:
            return json.load(open(os.path.join(self.home, "run/roles.json")))
        except (OSError, ValueError):
            return {}

    def named_pid(self):
        return int(open(os.path.join(self.named.dir, "named.pid")).read())

    def pid(self, role):
        return self.roles()[role]["pid"]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stop()
        except AssertionError:
            if kind is None:
                raise
        finally:
            if kind is not None:
                sys.stdout.write("".join("# " + line + "\n"
                                         for line in self.log_text().splitlines()[-25:]))
            if self.named:
                self.named.remove()
            if not self.keep_home:
                shutil.rmtree(self.home, ignore_errors=True)

    # --- HTTP

    def connect(self, timeout=PATIENCE_S):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=PATIENCE_S):
        connection = self.connect(timeout)
        try:
            raw = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            connection.request(method, path, raw, headers or {})
            response = connection.getresponse()
            text = response.read()
            kind = response.getheader("Content-Type", "")
            is_json = kind.startswith("application/json")
            return response.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def intent(self, sentence, **more):
        status, answer = self.post("/api/v1/intent", dict(nl=sentence, **more))
        assert status == 200, (status, answer)
        return answer

    def propose(self, action, **params):
        return self.post("/api/v1/proposals", {"action": action, "params": params})

    def case(self, case_id):
        status, view = self.get("/api/v1/cases/" + case_id)
        assert status == 200, (status, view)
        return view

    def plan(self, case_id):
        status, text = self.get("/api/v1/cases/%s/plan" % case_id)
        assert status == 200, (status, text)
        return text if isinstance(text, bytes) else text.encode()

    def sign(self, text, key=None):
        return sign(text, key or self.key)

    def consent(self, case_id, key=None, decision="approve", plan=None, sha256=None,
                signature=None):
        key = key or self.key
        plan = plan if plan is not None else self.plan(case_id)
        sha256 = sha256 or hashlib.sha256(plan).hexdigest()
        text = plan if decision == "approve" else ("logic-node/refusal/v1\n%s\n" % sha256).encode()
        return self.post("/api/v1/cases/%s/consent" % case_id, {
            "key_id": key_id(key), "decision": decision, "plan_sha256": sha256,
            "signature": signature or base64.b64encode(sign(text, key)).decode()})

    def entries(self, after=0):
        found = []
        while True:
            status, page = self.get("/api/v1/ledger?after=%d&limit=200" % after)
            assert status == 200, (status, page)
            found += page["entries"]
            if not page["more"] or not page["entries"]:
                return found
            after = page["entries"][-1]["seq"]

    def verify_ledger(self):
        """By the node itself and by the independent verifier, on the export."""
        ctl = subprocess.run([LOGICCTL, "--home", self.home, "ledger", "verify"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert ctl.returncode == 0, ctl.stdout
        export = os.path.join(self.home, "export.jsonl")
        if os.path.exists(export):
            os.remove(export)
        subprocess.run([LOGICCTL, "--home", self.home, "ledger", "export", "--out", export],
                       check=True, stdout=subprocess.DEVNULL)
        other = subprocess.run(
            [sys.executable, os.path.join(ROOT, "tools/verify_ledger.py"), export],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert other.returncode == 0, other.stdout
        return export


def public_of(path):
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    return der[-32:]


def key_id(path):
    return hashlib.sha256(public_of(path)).hexdigest()[:16]


def sign(text, path):
    with tempfile.NamedTemporaryFile() as f:
        f.write(text)
        f.flush()
        return subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", path, "-in", f.name], check=True,
            stdout=subprocess.PIPE).stdout


# --- TAP

class Skip(Exception):
    """Why a test cannot run on this machine."""


class Tap:
    def __init__(self):
        self.tests = []

    def test(self, function):
        self.tests.append(function)
        return function

    def run(self):
        only = sys.argv[1:]
        chosen = [t for t in self.tests if not only or t.__name__ in only]
        failed = 0
        print("1..%d" % len(chosen), flush=True)
        for number, function in enumerate(chosen, 1):
            name = function.__name__.replace("_", " ")
            begin = time.monotonic()
            try:
                function()
                print("ok %d - %s" % (number, name), flush=True)
            except Skip as why:
                print("ok %d - %s # SKIP %s" % (number, name, why), flush=True)
            except Exception:
                failed += 1
                for line in traceback.format_exc().splitlines():
                    print("# " + line)
                print("not ok %d - %s" % (number, name), flush=True)
            if time.monotonic() - begin > SLOW_S:
                print("# it took %.1f s" % (time.monotonic() - begin), flush=True)
        sys.exit(failed != 0)


def equal(got, want):
    assert got == want, "got %r, wanted %r" % (got, want)

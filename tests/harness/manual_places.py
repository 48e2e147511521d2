# SPDX-License-Identifier: Apache-2.0
"""Where the command blocks of README and manual are carried out (tests/system/manual.py), and who sits at the terminal.

    with Checkout() as checkout: status, said = checkout.carry_out(lines)     make run in one terminal, the lines in another
    with Installed() as machine: status, said = machine.carry_out(lines)      a booted Debian; the lines as root
"""
import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import debian_root  # noqa: E402
import engine  # noqa: E402
from deploy_machine import DNS_PORT, Deployed  # noqa: E402
from engine_process import real_llama, tiny_model  # noqa: E402
from machine import HOME, PORT, of_this_machine, packages  # noqa: E402
from node import LOGICCTL, NAMED, ROOT, Skip, free_port, wait_for  # noqa: E402
from soft_passkey import SoftPasskey, un64  # noqa: E402

END_S = 300
RNDC, OUTGOING = 4600, 32768  # run.sh adds that for rndc; from there on the kernel gives ports to outgoing connections
OWN = "/root"  # of who types in the machine
CODE = r"(?<![-0-9A-Z])(?:[0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}(?![-0-9A-Z])"
STATUS = "status() { if [ \"$1\" -ne \"$2\" ]; then echo \"LINE ENDED WITH $1, NOT $2: $3\"; exit 99; fi; }"
NEWEST = "$(logicctl --json cases --limit 1 | sed -n 's/.*\"id\":\"\\([0-9A-Z]*\\)\".*/\\1/p' | head -n 1)"
# A person at an editor: the examples of an engine that runs already, with its address and its model.
EDITOR = r"""#!/bin/sh
case $1 in
*/machines.pl) sed -i 's/^%%\(pool[a-z_]*(box\)/\1/; s/"llama3"/"llama-3-8b"/; s#"http://192.168.1.30:8080"#"http://127.0.0.1:%d"#' "$1" ;;
*) test -f "$1" ;;
esac
"""
# One that takes messages, where the manual says that it is.
RECEIVER = """
import http.server
class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("192.168.10.9", 8080), Taker).serve_forever()
"""
# A browser asks; the body comes on stdin.
ASK = """
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", %d, timeout=60)
c.request("POST", sys.argv[1] if len(sys.argv) > 1 else %r, sys.stdin.read(), {"Host": "localhost:%d", "Origin": "http://localhost:%d",
          "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"})
print(c.getresponse().read().decode())
"""


def script(lines, replace=()):
    """One shell text: each line is said, run, and held against the status it should have."""
    out = [STATUS]
    for line, wanted in lines:
        for old, new in replace:
            line = re.sub(old, new.replace("\\", "\\\\"), line)
        out += ["printf '%%s\\n' %s" % shlex.quote("+ " + line), line, "status $? %d %s" % (wanted, shlex.quote(line))]
    return "\n".join(out) + "\nexit 0\n"


class Terminal:
    """A program at a terminal. `answers`: [(pattern, function of the match: what is typed)], looked for behind the last answer."""

    def __init__(self, command, answers=(), cwd=None, env=None):
        self.said, self.seen, self.answers = "", 0, [(re.compile(pattern, re.M), answer) for pattern, answer in answers]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd or "/")
                os.execvpe(command[0], command, env or os.environ)
            finally:
                os._exit(127)

    def more(self, end):
        """Waits for more words; False when it has ended."""
        assert time.monotonic() < end, "no end: " + self.said[-3000:]
        if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
            return True
        try:
            part = os.read(self.fd, 65536)
        except OSError:
            return False
        self.said += part.decode(errors="replace")
        self.answer()
        return bool(part)

    def answer(self):
        while True:
            hits = [(hit.start(), hit, answer) for hit, answer in ((p.search(self.said, self.seen), a) for p, a in self.answers) if hit]
            if not hits:
                return
            _, hit, answer = min(hits, key=lambda one: one[0])
            self.seen = hit.end()
            os.write(self.fd, (answer(hit) or "").encode())

    def until(self, pattern):
        end = time.monotonic() + END_S
        while not re.search(pattern, self.said):
            assert self.more(end), "it ended without '%s': %s" % (pattern, self.said[-3000:])

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Its exit status and all that it said."""
        end = time.monotonic() + END_S
        try:
            while self.more(end):
                pass
        finally:
            os.close(self.fd)
            if time.monotonic() >= end:
                os.kill(self.pid, 9)
            status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return status, self.said


class Person:
    """Who sits there: says y, takes what is usual, writes down what is printed once, and has a passkey (FAKE: soft_passkey.py)."""

    def __init__(self, browser):
        self.browser, self.folder = browser, None
        self.paper = self.password = None

    def answers(self):
        return [(r"\[y/N\] ", lambda _: "y\n"), (r"\[Y/n\] ", lambda _: "y\n"), (r"\? \[(?!y/N|Y/n)[^\]\n]+\] ", lambda _: "\n"),
                (r"^(LNR1-[A-Z2-7-]+)\s", self.write_down), (r"^\+ cat /etc/logic-node/restic.password[^\n]*\n(\S+)\s", self.remember),
                (r"recovery key: ", lambda _: self.paper + "\n"), (r"enter password for repository: ", lambda _: self.password + "\n"),
                (CODE, self.enrol)]

    def write_down(self, hit):
        self.paper = hit.group(1)

    def remember(self, hit):
        self.password = hit.group(1)

    def enrol(self, hit):
        self.folder = self.folder or tempfile.mkdtemp(prefix="ln-person-")
        passkey = SoftPasskey(self.folder, "localhost")
        options = self.browser("/api/v1/passkeys/options", {"code": hit.group(0)})
        self.browser("/api/v1/passkeys", {"code": hit.group(0), "words": "of a test", **passkey.create(
            un64(options["challenge"]), options["origin"] if "origin" in options else self.browser.origin)})

    def leave(self):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Browser:
    """Asks as the page does; `start` begins a python that is where the node is."""

    def __init__(self, port, start):
        self.port, self.start, self.origin = port, start, "http://localhost:%d" % port

    def states(self):
        """Of the pools of models."""
        with urllib.request.urlopen("http://127.0.0.1:%d/v1/capabilities" % self.port, timeout=60) as answer:
            return [pool["state"] for pool in json.load(answer)["pools"]]

    def __call__(self, path, body):
        asking = self.start(ASK % (self.port, path, self.port, self.port))
        told = json.loads(asking.communicate(json.dumps(body), timeout=120)[0])
        assert "error" not in told, (path, told)
        return told


def python_here(code):
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True)


class Checkout:
    """A fresh folder with the sources as in a checkout and what was compiled of them; a node by `make run` in a terminal of its own."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ln-checkout-")
        for name in ("Makefile", "README.md", "deploy", "docs", "kb", "tools", "web"):
            os.symlink(os.path.join(ROOT, name), os.path.join(self.folder, name))
        os.makedirs(self.folder + "/build/release/src")
        os.symlink(os.path.dirname(LOGICCTL), self.folder + "/build/release/src/6_program")
        os.symlink(os.path.join(ROOT, "build/web"), self.folder + "/build/web")
        with open(self.folder + "/build/release/build.ninja", "w") as f:  # there is nothing to compile any more
            f.write("".join("build src/6_program/%s: phony\n" % name for name in ("logicd", "logicctl")))
        self.first, self.engine_port = None, free_port()
        with open(self.folder + "/editor", "w") as f:
            f.write(EDITOR % self.engine_port)
        os.chmod(self.folder + "/editor", 0o755)
        return self

    def environment(self):
        return {"PATH": os.path.dirname(LOGICCTL) + ":" + os.environ["PATH"], "EDITOR": self.folder + "/editor", "HOME": self.folder,
                "NO_COLOR": "1", "TERM": "dumb", "LISTEN": "127.0.0.1:%d" % self.port, "DNS_PORT": str(self.dns_port),
                "LANG": "C.UTF-8", "LOGIC_NODE_HOME": self.folder + "/build/run"}

    def make_run(self, lines):
        """The first terminal: stays in the foreground. Other ports where somebody took one meanwhile, as it says itself."""
        for attempt in range(3, -1, -1):
            self.port, self.dns_port = free_port(), free_port()
            while self.dns_port + RNDC >= OUTGOING:
                self.dns_port = free_port()
            self.first = Terminal(["sh", "-c", script(lines)], cwd=self.folder, env=self.environment())
            try:
                self.first.until("The node is ready")
                break
            except AssertionError as why:
                self.first.end()
                self.first = None
                if not attempt or not re.search("did not start|answers on", str(why)):
                    raise
        self.person = Person(Browser(self.port, python_here))

    def carry_out(self, lines):
        """The second terminal, in the same folder."""
        replace = [(r"\b30080\b", str(self.port)), (r"\b5353\b", str(self.dns_port)), (r"(?<= )ID\b", NEWEST)]
        return Terminal(["sh", "-c", script(lines, replace)], self.person.answers(), cwd=self.folder, env=self.environment()).end()

    def stop(self):
        """Ctrl-C in the first terminal."""
        self.first.type("\x03")
        _, said = self.first.end()
        self.first = None
        return said

    def __exit__(self, *why):
        if self.first:
            self.stop()
            self.person.leave()
        shutil.rmtree(self.folder, ignore_errors=True)


class Installed(Deployed):
    """A booted Debian with what an owner has at hand: the sources' built tree in /srv/logic-node, the packages in its build/deb, an
    engine and weights in /root, a disk at /mnt/vault. Nothing is installed yet."""

    def __init__(self):
        self.engine_root = debian_root.make("engine-root", engine.SUITE, engine.PACKAGES)
        Deployed.__init__(self, {self.engine_root: "/engine", **of_this_machine("restic", "jq")})

    def __enter__(self):
        self.person, self.receiver = Person(Browser(PORT, self.outside)), None
        Deployed.__enter__(self)
        try:
            self.furnish()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def furnish(self):
        self.built("logic-node")
        os.makedirs(self.inside + "/srv/logic-node/build/deb")
        for path in packages().values():
            shutil.copy(path, self.inside + "/srv/logic-node/build/deb/")
        self.write("/etc/apt/apt.conf.d/90here", 'APT::Install-Recommends "false";\n')  # they could not be fetched
        self.run("mkdir", "-p", "/mnt/vault")
        shutil.copy(tiny_model(self.folder), self.inside + OWN + "/llama-3-8b.gguf")

    def name_server(self):
        """BIND in the machine's network; its key lies where a person has brought it."""
        done = self.in_network(NAMED, "start", self.world, "--port", DNS_PORT, "--rndc-port", "9953", "--secrets",
                               os.path.join(self.folder, "secrets"))
        if done.returncode != 0:
            raise Skip("no BIND in the container's network: " + done.stdout[-300:])
        shutil.copy(self.world + "/keys/node.key", self.inside + "/srv/logic-node/logic-node.key")

    def receiver_of_messages(self):
        """At 192.168.10.9."""
        told = self.in_network("ip", "address", "add", "192.168.10.9/32", "dev", "lo")
        if told.returncode != 0:
            raise Skip("no address may be added in the container: " + told.stdout)
        self.receiver = self.outside(RECEIVER)

    def other_machine(self, host, address):
        """This one is that one, too: its address, and what was copied there."""
        self.in_network("ip", "address", "add", address + "/32", "dev", "lo")
        self.run("cp", "-pr", HOME + "/pki/bundles/" + host, OWN)
        shutil.copy(packages()["logic-agent"], self.inside + OWN)

    def engine(self):
        """llama-server of another Debian, on the processor: there is no GPU here. The unit is ours but for that."""
        llama = real_llama(self.folder)
        with open(llama["bin"]) as f:
            self.write(HOME + "/llm/engines/llama-server", f.read().replace(self.engine_root, "/engine"))
        self.run("chmod", "755", HOME + "/llm/engines/llama-server")
        self.write("/etc/systemd/system/llm-inference.service.d/cpu.conf",
                   "[Service]\nEnvironment=%s\nExecStart=\nExecStart=%s/llm/engines/llama-server --host 127.0.0.1 --port 8080 "
                   "-m %s/llm/models/${MODEL} -c 8192 -ngl 0 -np 1 $LLAMA_OPTIONS\n"
                   % (" ".join("%s=%s" % pair for pair in llama["env"].items()).replace(self.engine_root, "/engine"), HOME, HOME))
        self.run("systemctl", "daemon-reload")

    def carry_out(self, lines, cwd=OWN):
        text = "cd %s\n" % cwd + script(lines, [(r"\bsudo ", ""), (r"(?<= )ID\b", NEWEST)])
        command = ["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-C", "--", "sh", "-c", text]
        environment = {"PATH": HOME + "/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": OWN, "NO_COLOR": "1", "TERM": "dumb",
                       "LANG": "C.UTF-8", "EDITOR": "true"}
        return Terminal(command, self.person.answers(), env=environment).end()

    def ready(self):
        return self.active() and self.answers()

    def wait_ready(self):
        wait_for("the node of the machine", self.ready)

    def __exit__(self, *why):
        if self.receiver:
            self.receiver.kill()
            self.receiver.communicate()
        self.person.leave()
        Deployed.__exit__(self, *why)


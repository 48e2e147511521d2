# SPDX-License-Identifier: Apache-2.0
"""Invariant 11: nothing is fetched from outside at run time. The whole story runs where there is no
outside; a trace shows that nobody even tries; the page names no address but its own."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from node import LOGICCTL, Node, Skip, Tap, equal, page  # noqa: E402

tap = Tap()
INSIDE = "--inside"
PAGE = {"Accept": "text/html"}  # as a browser asks
HOST = re.compile(r"(?i)\b(?:https?|wss?|ftp):?(?:\\?/\\?/)([^\s\"'<>)`,;]*)|[\"'(]//([a-z0-9.-]+)")
NAMESPACES = ("www.w3.org/2000/svg", "www.w3.org/1999/xlink", "www.w3.org/1999/xhtml")
LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"')
CALL = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg)\((\d+)")


def story():
    """Add, look, delete with a signature, a playbook, a denial, explain, verify, export."""
    with Node() as node:
        equal(node.intent("Add DNS record test.local to 192.168.1.100")["status"], "success")
        equal(node.named.dig("test.local"), ["192.168.1.100"])
        equal(node.intent("what is the address of test.local?")["status"], "success")
        case = node.intent("delete test.local")["case"]
        told = subprocess.run([LOGICCTL, "--home", node.home, "approve", case, "--yes"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL)
        equal((told.returncode, told.stdout)[0], 0)
        equal(node.named.dig("test.local"), [])
        answer = node.intent("create the zone lab.home.arpa")
        equal(node.consent(answer["case"])[1]["status"], "success")
        assert node.named.dig("lab.home.arpa", "SOA")
        denied = node.intent("delete the zone home.arpa")
        equal(denied["status"], "denied")
        equal(node.intent("explain case " + denied["case"])["status"], "success")
        for path in ("/", "/start.js", "/style/base.css", "/openapi.json", "/metrics"):
            equal((path, node.get(path, headers=PAGE)[0]), (path, 200))
        node.post("/api/v1/kb/reload", {})
        node.verify_ledger()


def without_outside():
    """What a shell must say before it starts a program that shall have no network but loopback."""
    words = ["unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    tried = subprocess.run(words + ["true"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    if tried.returncode != 0:
        words[1:2] = ["--map-root-user", "--net"]
        tried = subprocess.run(words + ["true"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    if tried.returncode != 0:
        raise Skip("no network namespace here: " + tried.stdout.strip()[:100])
    return words


@tap.test
def invariant_11_the_whole_story_works_without_any_outside():
    done = subprocess.run(without_outside() + [sys.executable, os.path.abspath(__file__), INSIDE],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    assert "only lo" in done.stdout and "the end" in done.stdout, done.stdout


class TracedNode(Node):
    """Every address that logicd, its roles and their children speak to."""
    trace = None

    def command(self):
        return ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-e", "signal=none", "-e",
                "trace=connect,sendto,sendmsg,sendmmsg", "-o", self.trace] + super().command()


@tap.test
def invariant_11_nobody_speaks_to_an_address_outside():
    if not shutil.which("strace"):
        raise Skip("apt-get install strace")
    folder = tempfile.mkdtemp(prefix="ln-trace-")
    TracedNode.trace = os.path.join(folder, "trace")
    try:
        with TracedNode() as node:
            equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
            answer = node.intent("create the zone lab.home.arpa")
            equal(node.consent(answer["case"])[1]["status"], "success")
            node.get("/", headers=PAGE)
        calls = [line for line in open(TracedNode.trace) if CALL.search(line)]
        spoken = [line for line in calls if "sa_family=" in line or "connect(" in line]
        wrong = [line for line in spoken if "AF_INET" in line and not LOOPBACK.search(line)]
        assert any("AF_INET" in line for line in spoken), "the trace saw not even the name server"
        print("# %d calls, %d with an address" % (len(calls), len(spoken)))
        equal(wrong, [])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def web_files():
    """Of the page as it is served: no tests, and the libraries that came with it."""
    for folder, _, files in os.walk(page()):
        for name in files:
            yield os.path.join(folder, name)


def code(name):
    """What is in a file of the page; of a library without its comments, which say where its ideas are from."""
    with open(name, errors="replace") as f:
        text = f.read()
    if os.sep + "vendor" + os.sep not in name:
        return text
    return "" if name.endswith(".txt") else re.sub(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", "", text, flags=re.S)


def foreign(text):
    return [found for found in ("".join(m.groups("")) for m in HOST.finditer(text))
            if found and found not in NAMESPACES]


@tap.test
def invariant_11_the_page_names_no_address_but_its_own():
    for text in ('<script src="https://cdn.example/x.js">', "fetch('//cdn.example/x')",
                 "url(http://x.example/f.woff)", "new WebSocket('wss://x.example')"):
        assert foreign(text), "the search does not see " + text
    names = list(web_files())
    assert len(names) >= 3, names
    for name in names:
        equal((name, foreign(code(name))), (name, []))
    with Node(named=False) as node:
        for name in names:
            path = "/" + os.path.relpath(name, page())
            status, answer = node.get(path)
            equal((path, status), (path, 200))
            with open(name, "rb") as f:  # what was looked through is what is served
                equal((path, hashlib.sha256(answer).hexdigest()), (path, hashlib.sha256(f.read()).hexdigest()))


@tap.test
def invariant_11_the_browser_is_told_to_fetch_nothing_from_outside():
    with Node(named=False) as node:
        for path in ("/", "/start.js", "/style/base.css"):
            connection = node.connect()
            connection.request("GET", path, headers=PAGE)
            response = connection.getresponse()
            response.read()
            policy = response.getheader("Content-Security-Policy", "")
            connection.close()
            rules = dict((part.split()[0], part.split()[1:]) for part in policy.split(";"))
            equal((path, rules.get("default-src")), (path, ["'none'"]))
            equal((path, rules.pop("require-trusted-types-for", None)), (path, ["'script'"]))  # no source but a prohibition
            sources = {word for words in rules.values() for word in words}
            assert sources <= {"'none'", "'self'"}, (path, policy)


def inside():
    routes = open("/proc/net/route").read().splitlines()[1:]
    names = {line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]}
    assert names == {"lo"} and not routes, (names, routes)
    print("only lo", flush=True)
    story()
    print("the end", flush=True)


if __name__ == "__main__":
    inside() if sys.argv[1:] == [INSIDE] else tap.run()

# SPDX-License-Identifier: Apache-2.0
"""What logicd is told at its start: names of the host, an engine's model, settings."""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from engine import Fake, saying  # noqa: E402
from node import LOGICD, ROOT, Node, Tap, equal  # noqa: E402

tap = Tap()
ROW = re.compile(r'^(?:SETTING|HTTP_LIMIT|IDENTITY_LIMIT|UPSTREAM_LIMIT|HISTORY_LIMIT)\((\w+), (\d+), (\d+), (\d+),\s+"(.*)"\)$', re.M)


def logicd(*args):
    return subprocess.run([LOGICD, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, check=False)


@tap.test
def every_setting_of_every_role_is_listed_with_its_bounds():
    listed = logicd("settings")
    equal(listed.returncode, 0)
    lines = listed.stdout.splitlines()[1:]
    rows = []
    for path in glob.glob(os.path.join(ROOT, "src/*/*/*.def")):
        rows += ROW.findall(open(path).read())
    assert len(rows) > 40, rows
    twice = ROW.findall(open(os.path.join(ROOT, "src/4_port/net/upstream_limits.def")).read())  # the gateway's and the sensor's
    equal(len(lines), len(rows) + len(twice))
    for name, least, most, standard, words in rows:
        assert any(re.match(r"\w+\.%s +%s +%s +%s  %s$" %
                            (name, standard, least, most, re.escape(words)), line)
                   for line in lines), (name, listed.stdout)


@tap.test
def a_listed_setting_is_taken_and_another_is_refused_by_name():
    names = [line.split()[0] for line in logicd("settings").stdout.splitlines()[1:]]
    with Node(named=False, settings=["gateway.body_bytes_max=2000"]) as node:
        assert "gateway.body_bytes_max" in names
        equal(node.post("/api/v1/intent", {"nl": "x" * 3000})[0], 413)
    with Node(named=False, start=False, settings=["gateway.martian=1"]) as node:
        node.start(wait=False)
        assert node.process.wait(60) != 0
        assert "martian" in node.log_text()


@tap.test
def the_manual_knows_every_command_and_option_and_no_other():
    usage = logicd().stdout
    with open(os.path.join(ROOT, "docs/manual/logicd.1")) as f:
        manual = f.read().replace("\\-", "-")
    options = re.compile(r"--[a-z][a-z-]+")
    assert len(options.findall(usage)) > 15, usage
    equal(set(options.findall(manual)), set(options.findall(usage)))
    for command in re.findall(r"^(?:usage:| +) logicd ([a-z-]+)", usage, re.M):
        assert re.search(r"^\.B %s\b" % command, manual, re.M), command


@tap.test
def a_request_may_call_the_host_by_a_name_that_was_given():
    with Node(named=False, args=["--name", "node.home.arpa", "--name", "other.local"]) as node:
        for host, status in (("node.home.arpa", 200), ("other.local:80", 200), ("localhost", 200),
                             ("evil.example", 421)):
            answer = node.get("/api/v1/status", headers={"Host": host})
            equal((host, answer[0]), (host, status))


@tap.test
def an_engine_is_asked_for_the_model_that_was_named():
    with Fake(saying("nothing")) as engine:
        with Node(named=False, args=["--llm", engine.url, "--llm-model", "tiny-7"]) as node:
            node.intent("please paint the house blue")
        equal({request.get("model") for request in engine.requests}, {"tiny-7"})


@tap.test
def a_wrong_command_line_is_answered_with_the_usage():
    for args, part in ((("serve",), "--home"), (("serve", "--home"), "a value is missing"),
                       (("serve", "--home", "/x", "--martian", "1"), "--martian"),
                       (("serve", "--home", "/x", "--set", "nothing"), "ROLE.NAME=NUMBER"),
                       (("serve", "--home", "/x", "--llm-model", "m"), "--llm URL"),
                       (("replay",), "--home"), (("replay", "--home", "/x", "--since", "y"), "y"),
                       (("replay", "--home", "/x", "--with", "/nowhere"), "/nowhere"),
                       (("kb-check", "/nowhere"), "/nowhere/site"), (("martian",), "martian")):
        done = logicd(*args)
        equal((args, done.returncode), (args, 2))
        assert part in done.stdout and "usage: logicd" in done.stdout, (args, done.stdout)


if __name__ == "__main__":
    tap.run()

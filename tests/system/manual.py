# SPDX-License-Identifier: Apache-2.0
"""Every command block of README.md and docs/manual is carried out, or says why it cannot be here.

A fenced `sh` block has `<!-- run: PLACE -->` or `<!-- not run: REASON -->` on the line before. The blocks of a page that run in the same
place run in their order, in one shell, each line for itself: its exit status must be 0, or what `# … exit code N` in the line says.
Places:  node     a fresh folder with build/run (a real node, BIND), build/release, docs, deploy as in a checkout
         machine  a booted Debian with systemd, the sources' built tree in /srv/logic-node (tests/system/deploy_machine.py)
In a page an ID is the newest case, paths and ports of an installed node are those of the place, a question of a program is answered by y.
"""
import glob
import os
import pty
import re
import select
import shlex
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness")]
from node import LOGICCTL, ROOT, Node, Tap, equal  # noqa: E402

tap = Tap()
PAGES = ["README.md"] + sorted(os.path.relpath(path, ROOT) for path in glob.glob(ROOT + "/docs/manual/*.md"))
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
MARK = re.compile(r"<!-- (?:(run): (node|machine)|(not run): (\S.*\S)) -->")
BLOCK_S = 240
PLACES = ("node", "machine")
# The judge that had the old rules ends a moment after `kb reload` is answered; what comes in that moment is told so. People are slower.
JUDGE = "judge() { tr -d '\\n' < \"$LOGIC_NODE_HOME/run/roles.json\" | sed 's/.*\"judge\": *{[^}]*\"pid\": *\\([0-9]*\\).*/\\1/'; }"
BEFORE = "old=$(judge)"
SETTLE = 'n=0; while [ "$(judge)" = "$old" ] && [ $n -lt 60 ]; do sleep 0.5; n=$((n + 1)); done; sleep 1'


def blocks(text):
    """[(line, place or None, reason or None, body)]; a block without a mark has neither."""
    found = []
    for fence in FENCE.finditer(text):
        before = text[:fence.start()].rstrip("\n").rsplit("\n", 1)[-1]
        mark = MARK.fullmatch(before)
        found.append((text[:fence.start()].count("\n") + 1, mark and mark.group(2), mark and mark.group(4), fence.group(1)))
    return found


def commands(body):
    """Logical lines with the exit status each may end with."""
    for line in re.sub(r"\\\n\s*", "", body).splitlines():
        if line.strip() and not line.startswith("#"):
            told = re.search(r"#.*exit code (\d)", line)
            yield line, int(told.group(1)) if told else 0


def script(lines, replace):
    """One shell text: each line is said, run, and held against the status it should have."""
    out = [JUDGE, "status() { if [ \"$1\" -ne \"$2\" ]; then echo \"LINE ENDED WITH $1, NOT $2: $3\"; exit 99; fi; }"]
    for line, wanted in lines:
        for old, new in replace:
            line = re.sub(old, new.replace("\\", "\\\\"), line)
        reloads = "kb reload" in line
        out += ["printf '%%s\\n' %s" % shlex.quote("+ " + line), *[BEFORE] * reloads, line, "status $? %d %s" % (wanted, shlex.quote(line)),
                *[SETTLE] * reloads]
    return "\n".join(out) + "\nexit 0\n"


def with_terminal(command, **more):
    """Runs it at a terminal on which somebody says y to each question; status and all that it said."""
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, **more)
    os.close(slave)
    said, answered, end = "", 0, time.monotonic() + BLOCK_S
    while True:
        ready, _, _ = select.select([master], [], [], 0.2)
        if ready:
            try:
                part = os.read(master, 65536).decode(errors="replace")
            except OSError:
                part = ""
            if not part:
                break
            said += part
        elif process.poll() is not None:
            break
        if re.search(r"\[y/N\] ?(?:\x1b\[\d*m)?\s*$", said[answered:]):
            answered = len(said)
            os.write(master, b"y\n")
        assert time.monotonic() < end, "no end in %d s: %s" % (BLOCK_S, said[-2000:])
    os.close(master)
    return process.wait(), said


def run_in_node(lines):
    with Node() as node, tempfile.TemporaryDirectory(prefix="ln-manual-") as folder:
        os.makedirs(folder + "/build/release/src")
        os.symlink(node.home, folder + "/build/run")
        os.symlink(os.path.dirname(LOGICCTL), folder + "/build/release/src/6_program")
        for name in ("docs", "deploy", "tools"):
            os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
        os.makedirs(node.home + "/models", exist_ok=True)
        newest = "$(logicctl --json cases --limit 1 | sed -n 's/.*\"id\":\"\\([0-9A-Z]*\\)\".*/\\1/p' | head -n 1)"
        replace = [(r"\bsudo ", ""), (r"\b30080\b", str(node.port)), (r"\b5353\b", str(node.named.port)),
                   (r"/etc/logic-node/site\b", node.home + "/site"),
                   (r"/opt/logic-node\b", node.home), (r"(?<= )ID\b", newest)]
        environment = {"PATH": os.path.dirname(LOGICCTL) + ":" + os.environ["PATH"], "LOGIC_NODE_HOME": node.home,
                       "EDITOR": "true", "HOME": folder, "NO_COLOR": "1", "TERM": "dumb"}
        return with_terminal(["sh", "-c", script(lines, replace)], cwd=folder, env=environment)


def run_in_machine(lines):
    from deploy_machine import Deployed
    with Deployed() as machine:
        machine.facts()
        machine.built("logic-node")
        text = script(lines, [(r"\bsudo ", "")])
        done = machine.run("sh", "-c", "cd /srv/logic-node; sh -s; echo \"STATUS $?\"", text=text)
        body, _, status = done.rpartition("STATUS ")
        return int(status), body


def add(page, place):
    chosen = [block for block in blocks(open(os.path.join(ROOT, page)).read()) if block[1] == place]
    if not chosen:
        return None

    def carried_out():
        lines = [pair for _, _, _, body in chosen for pair in commands(body)]
        assert lines, page
        status, said = {"node": run_in_node, "machine": run_in_machine}[place](lines)
        assert status == 0, (status, said[-4000:])

    carried_out.__name__ = "%s_in_a_%s" % (re.sub(r"\W", "_", page), place)
    return tap.test(carried_out)


@tap.test
def every_block_is_run_or_says_why_not():
    count = 0
    for page in PAGES:
        text = open(os.path.join(ROOT, page)).read()
        equal(len(FENCE.findall(text)), len(re.findall(r"^```sh$", text, re.M)))
        others = [part for part in re.findall(r"^```\w*\n.*?^```$", text, re.M | re.S) if not part.startswith("```sh")]
        equal([], [part for part in others if re.search(r"^(?:sudo|logicctl|make|systemctl) ", part, re.M)])  # a command is a block of sh
        for line, place, reason, body in blocks(text):
            assert place or reason, "%s:%d: a block has neither <!-- run: PLACE --> nor <!-- not run: REASON -->" % (page, line)
            assert list(commands(body)), "%s:%d: a block without a command" % (page, line)
            count += place is not None
    assert count > 10, count


@tap.test
def this_test_sees_a_line_that_fails():
    status, said = with_terminal(["sh", "-c", script(commands("true\nfalse\necho unseen\n"), [])])
    assert status == 99 and "LINE ENDED WITH 1, NOT 0: false" in said and "unseen" not in said.replace("+ echo unseen", ""), said
    status, _ = with_terminal(["sh", "-c", script(commands("false   # exit code 1\n"), [])])
    equal(status, 0)
    equal([(line, place, reason) for line, place, reason, _ in blocks("<!-- run: node -->\n```sh\na\n```\n\ntext\n```sh\nb\n```\n")],
          [(2, "node", None), (7, None, None)])


@tap.test
def every_alert_rule_has_its_runbook_in_the_index():
    text = open(os.path.join(ROOT, "docs/manual/alarms.md")).read()
    rules = open(os.path.join(ROOT, "deploy/prometheus/logic-node.rules.yml")).read()
    pairs = re.findall(r"- alert: (\w+).*?runbook: docs/runbooks/(\S+)", rules, re.S)
    assert len(pairs) > 20
    rows = {row[0].strip(" `"): row for row in (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `"))}
    for alert, runbook in pairs:
        assert alert in rows, alert
        assert "../runbooks/%s" % runbook in rows[alert][-1], (alert, runbook)
    for name in os.listdir(ROOT + "/docs/runbooks"):
        assert name == "README.md" or "../runbooks/%s" % name in text, name


for each in PAGES:
    for where in PLACES:
        add(each, where)

if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""Every command block of README.md and docs/manual is carried out, or says why it cannot be here.

A fenced `sh` block has `<!-- run: PLACE -->` or `<!-- not run: REASON -->` on the line before. The blocks of a page that run in the same
place run in their order, in one shell, each line for itself: its exit status must be 0, or what `# … exit code N` in the line says.
Places (tests/harness/manual_places.py), each made once, fresh, and used by the pages in the order of ORDER:
  first terminal   a checkout: `make run` stays in the foreground here until all of `checkout` and `engine` is done, then Ctrl-C
  checkout         the second terminal beside it
  engine           the same, when the editor's engine (a real llama-server with small random weights) is up
  machine          a booted Debian with systemd, as root; nothing is installed before install.md does it
  host             the same, as if it were the other machine: what scp would have brought lies in /root
  inference        the same, with an engine for its unit: on the processor, for there is no GPU
  remove, blank    the same, last: the package goes with everything; a machine without a node gets the lost one back
In a page an ID is the newest case, ports of a checkout are those that were free. A person sits at each terminal: says y, takes what is
usual, types what is on paper, has a passkey.
"""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from engine import Llama  # noqa: E402
from engine_process import tiny_model  # noqa: E402
from machine import HOME  # noqa: E402
from manual_places import Checkout, Installed, Person, Terminal, script  # noqa: E402
from node import ROOT, Skip, Tap, equal, wait_for  # noqa: E402

tap = Tap()
PAGES = ["README.md"] + sorted(os.path.relpath(path, ROOT) for path in glob.glob(ROOT + "/docs/manual/*.md"))
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
MARK = re.compile(r"<!-- (?:(run): (first terminal|checkout|engine|machine|host|inference|remove|blank)|(not run): (\S.*\S)) -->")
ORDER = ["checkout", "engine", "machine", "host", "inference", "remove", "blank"]
FIRST = ["README.md", "docs/manual/install.md"]
NOT_RUN_MAX = 2


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


def lines_of(page, place):
    return [pair for _, where, _, body in blocks(open(os.path.join(ROOT, page)).read()) if where == place for pair in commands(body)]


class House:
    """The places that are there by now."""
    checkout = machine = engine = no_engine = None

    @classmethod
    def in_checkout(cls):
        if not cls.checkout:
            place = Checkout().__enter__()
            cls.checkout = place
            try:
                cls.start_engine(place)
            except Skip as why:
                cls.no_engine = why
            place.make_run(lines_of("README.md", "first terminal"))
        return cls.checkout

    @classmethod
    def start_engine(cls, place):
        """The one that the editor writes of in machines.pl, and weights where a person has them."""
        engine = Llama(["--port", str(place.engine_port), "--alias", "llama-3-8b", "--predict", "64"])
        engine.port = place.engine_port
        cls.engine = engine.__enter__()
        os.rename(tiny_model(place.folder), place.folder + "/llama-3-8b.gguf")

    @classmethod
    def with_engine(cls):
        place = cls.in_checkout()
        if cls.no_engine:
            raise cls.no_engine
        if not place.person.browser.states():  # this test alone was asked for
            good(place.carry_out(lines_of("README.md", "checkout")))
        wait_for("the node to see the engine", lambda: place.person.browser.states() == ["ready"], 180)
        return place

    @classmethod
    def in_machine(cls, page):
        """Installed by the page install.md, or by us where that page was not asked for."""
        if not cls.machine:
            cls.machine = Installed().__enter__()
            if page != "docs/manual/install.md":
                cls.machine.install()
                cls.machine.run("sh", "-c", "logicctl setup --yes")
                cls.machine.named()
            else:
                cls.machine.name_server()
            cls.machine.receiver_of_messages()
        return cls.machine

    @classmethod
    def leave(cls):
        for place in (cls.engine, cls.checkout, cls.machine):
            if place:
                place.__exit__(None, None, None)


def good(told):
    status, said = told
    assert status == 0, (status, said[-4000:])
    return said


def in_place(page, place, lines):
    if place == "checkout":
        said = good(House.in_checkout().carry_out(lines))
        if page == "README.md":
            equal(re.findall(r"\+ dig[^\n]*\n([^\n]*)", said.replace("\r", ""))[0], "192.168.1.100")
    elif place == "engine":
        said = good(House.with_engine().carry_out(lines))  # curl ends well whatever the answer is
        assert "data: [DONE]" in said and '"grounding"' in said and '"error"' not in said, said[-4000:]
    elif place == "machine":
        machine = House.in_machine(page)
        good(machine.carry_out(lines, "/srv/logic-node") if page in FIRST else machine.carry_out(lines))
        machine.wait_ready()
    elif place == "host":
        machine = House.in_machine("")
        if machine.done("test", "-d", HOME + "/pki/bundles/shelf").returncode != 0:  # the same
            good(machine.carry_out(lines_of(page, "machine")))
        machine.other_machine("shelf", "192.168.10.7")
        good(machine.carry_out(lines))
        wait_for("its numbers at the node", lambda: "memory_available" in machine.run("logicctl", "node", "show", "shelf", "--json"),
                 180)
    elif place == "inference":
        machine = House.in_machine("")
        machine.engine()
        good(machine.carry_out(lines))
        wait_for("the engine's health", lambda: machine.answers(8080, "/health"))
        machine.run("systemctl", "stop", "llm-inference")
    elif place == "remove":
        machine = House.in_machine("")
        good(machine.carry_out(lines))
        left = "ls -d /opt/logic-node /etc/logic-node /etc/systemd/system/logic-orchestrator.service 2>/dev/null; true"
        equal(machine.run("sh", "-c", left), "")
    elif place == "blank":
        machine = House.in_machine("")
        if not machine.person.paper:
            good(machine.carry_out(lines_of(page, "machine")))
        if machine.done("dpkg", "-s", "logic-node").returncode == 0:
            machine.apt("purge", "logic-node", env={"LOGIC_NODE_PURGE": "everything"})
        machine.install()
        good(machine.carry_out(lines))
        machine.wait_ready()


def add(page, place):
    lines = lines_of(page, place)
    if not lines:
        return

    def carried_out():
        in_place(page, place, lines)

    carried_out.__name__ = "%s_in_place_%s" % (re.sub(r"\W", "_", page), place)
    tap.test(carried_out)


@tap.test
def every_block_is_run_or_says_why_not():
    run, not_run = 0, []
    for page in PAGES:
        text = open(os.path.join(ROOT, page)).read()
        equal(len(FENCE.findall(text)), len(re.findall(r"^```sh$", text, re.M)))
        others = [part for part in re.findall(r"^```\w*\n.*?^```$", text, re.M | re.S) if not part.startswith("```sh")]
        equal([], [part for part in others if re.search(r"^(?:sudo|logicctl|make|systemctl) ", part, re.M)])  # a command is a block of sh
        for line, place, reason, body in blocks(text):
            assert place or reason, "%s:%d: a block has neither <!-- run: PLACE --> nor <!-- not run: REASON -->" % (page, line)
            assert list(commands(body)), "%s:%d: a block without a command" % (page, line)
            run += place is not None
            not_run += ["%s:%d: %s" % (page, line, reason)] if reason else []
    assert run > 30, run
    assert len(not_run) <= NOT_RUN_MAX, not_run
    equal([page for page in PAGES if lines_of(page, "first terminal")], ["README.md"])


@tap.test
def this_test_sees_a_line_that_fails():
    status, said = Terminal(["sh", "-c", script(commands("true\nfalse\necho unseen\n"))]).end()
    assert status == 99 and "LINE ENDED WITH 1, NOT 0: false" in said and "unseen" not in said.replace("+ echo unseen", ""), said
    status, _ = Terminal(["sh", "-c", script(commands("false   # exit code 1\n"))]).end()
    equal(status, 0)
    asks = "printf 'called? [box] '; read a; printf 'sure? [y/N] '; read b; echo \"said: $a-$b\""
    _, said = Terminal(["sh", "-c", asks], Person(None).answers()).end()
    assert "said: -y" in said, said
    equal([(line, place, reason) for line, place, reason, _ in blocks("<!-- run: machine -->\n```sh\na\n```\n\ntext\n```sh\nb\n```\n")],
          [(2, "machine", None), (7, None, None)])


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


@tap.test
def every_condition_of_the_rules_has_its_section():
    told = subprocess.run(["swipl", "-q", "-f", "none", "-F", "none", "-g", "forall(condition_words(C,W),format('~w: ~w~n',[C,W]))", "-t",
                           "halt", ROOT + "/kb/core/1_words/condition_words.pl"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    conditions = dict(line.split(": ", 1) for line in told.splitlines())
    assert len(conditions) > 30 and "node_silent" in conditions, told
    text = open(os.path.join(ROOT, "docs/manual/alarms.md")).read()
    sections = re.findall(r"^#### `(\w+)`: ([^\n]+)\n\n(\S.*?)(?=^#|\Z)", text, re.M | re.S)
    equal(sorted((name, words) for name, words, _ in sections), sorted(conditions.items()))
    for name, _, body in sections:
        assert "**Look:**" in body and "**Do:**" in body, name


for where in ORDER:
    for each in FIRST + [page for page in PAGES if page not in FIRST]:
        add(each, where)


@tap.test
def ctrl_c_in_the_first_terminal_ends_the_node():
    said = House.in_checkout().stop()
    assert "stopping" in said, said[-2000:]


if __name__ == "__main__":
    try:
        tap.run()
    finally:
        House.leave()

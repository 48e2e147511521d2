# SPDX-License-Identifier: Apache-2.0
"""End to end on real parts: node_exporter -> sensor -> rules -> alert -> llama-server -> runbook, with the time of each step.

The disk's numbers come through node_exporter's textfile collector, as smartmon scripts write them. The model has random weights: what
it says means nothing, that it obeys the schema is the engine's doing.
"""
import datetime
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), HERE]
from engine import Llama  # noqa: E402
from engine_process import sha256  # noqa: E402
from fake_exporter import DiskExporter as Exporter  # noqa: E402
from local_pool import House  # noqa: E402
from node import Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
SETTINGS = ["judge.senses_tick_ms=500", "gateway.runbook_tokens_max=8192", "gateway.runbook_ms=300000"]


class Home(House):
    """A pool of this machine words the runbooks: a real llama-server that is started when the first alert needs it."""

    def __init__(self, exporter, settings=()):
        self.source = 'sense_source("real", "logic-node", exporter, "%s", 1).\n' % exporter.url
        super().__init__([*SETTINGS, *settings])

    def start(self, wait=True):
        with open(os.path.join(self.home, "site/pools.pl")) as f:
            self.write_site("pools.pl", f.read().replace(", 2, 1024, f16)", ", 1, 16384, f16)"))
        self.write_site("senses.pl", self.source)
        self.args = ["--runbook-model", "tiny"]
        super().start(wait)


def civil(at):
    return datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()


def runbook_of(node, part, told_at, what):
    """The entries of the alert of this part, and where the time went."""
    def both():
        raised = [e for e in node.entries() if e["kind"] == "alert_raised" and e["body"]["part"] == part]
        made = [e for e in node.entries() if e["kind"].startswith("runbook_") and raised and e["body"]["alert"] == raised[0]["seq"]]
        return made and (raised[0], made[0])
    raised, made = wait_for("the runbook of " + part, both, 400)
    read_at = raised["body"]["question"]["readings"][0]["at_ms"] / 1000
    print("# %s: exporter to reading %.2f s, reading to alert in the ledger %.2f s, prompt and model %.2f s, alert to runbook %.2f s" % (
        what, read_at - told_at, civil(raised["at"]) - read_at, made["body"]["ms"] / 1000, civil(made["at"]) - civil(raised["at"])))
    return raised, made


def good(made):
    """What the schema promises, and what is ours around it."""
    equal(made["kind"], "runbook_generated")
    body = made["body"]
    answer = body["answer"]
    equal(body["truncated"], False)
    assert 1 <= len(answer["probable_cause"]) <= 400 and 1 <= len(answer["immediate_actions"]) <= 8, answer
    assert 1 <= len(answer["escalation_criteria"]) <= 5 and len(body["prompt_sha256"]) == 64, answer
    lines = body["markdown"].split("\n")
    for heading in ("## Probable cause", "## Immediate actions", "## Escalate when"):
        equal(lines.count(heading), 1)
    assert "Nothing executes it" in body["markdown"], body["markdown"]


@tap.test
def a_number_of_a_real_exporter_becomes_a_runbook_of_a_real_engine_of_this_machine():
    with Exporter() as exporter, Home(exporter) as node:
        equal(node.pool()["state"], "empty")
        raised, made = runbook_of(node, "/dev/sda", exporter.tell(sda=12), "engine started for it")
        good(made)
        body = made["body"]
        equal(body["model"], {"name": "tiny", "sha256": sha256(os.path.join(node.home, "models/tiny.gguf"))})
        assert "logic-node.disk_reallocated./dev/sda" in body["facts"] and "node.logic-node" in body["facts"], body["facts"]
        equal(node.pool()["state"], "ready")
        raised, made = runbook_of(node, "/dev/sdb", exporter.tell(sda=12, sdb=500), "engine there, alert critical")
        equal(raised["body"]["severity"], "critical")
        good(made)
        usage = wait_for("the account", lambda: node.get("/api/v1/usage?by=caller")[1])
        assert usage["total"]["requests"] == 2 and "\"node\"" in json.dumps(usage), usage
        status, view = node.get("/api/v1/alerts/%d" % raised["seq"])
        equal((status, view["runbook"]["markdown"]), (200, made["body"]["markdown"]))
        node.verify_ledger()


@tap.test
def an_engine_that_somebody_else_runs_is_asked_with_the_same_schema():
    with Exporter() as exporter, Llama() as engine, Node(
            named=False, settings=SETTINGS, args=["--llm", engine.url],
            site={"senses.pl": 'sense_source("real", "logic-node", exporter, "%s", 1).\n' % exporter.url}) as node:
        _, made = runbook_of(node, "/dev/sda", exporter.tell(sda=12), "engine of --llm")
        good(made)
        equal(made["body"]["model"]["name"], "tiny-random")
        json.dumps(made)  # it is text through and through


@tap.test
def a_real_engine_that_may_write_little_is_cut_and_says_so():
    with Exporter() as exporter, Home(exporter, ["gateway.runbook_tokens_max=40"]) as node:
        _, made = runbook_of(node, "/dev/sda", exporter.tell(sda=12), "forty tokens")
        if made["kind"] == "runbook_generated":
            equal(made["body"]["truncated"], True)
        else:  # cut within its first text: nothing of it is whole
            equal(made["body"]["code"], "missing_field")


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""Invariant 6: same rules, facts and question, same verdict, bit for bit. Also as a regression test."""
import json
import os
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from node import LOGICCTL, LOGICD, ROOT, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
VALUES = {"A": "10.0.0.9", "AAAA": "fd00::9", "CNAME": "ns.local", "TXT": '"v=spf1 -all"',
          "MX": "10 ns.local", "SRV": "1 2 443 ns.local", "CAA": '0 issue "ca.example"'}

IN_ZONE, NO_ADDS = "in_scope(zone(Zone), Action) :-\n", "    \\+ functor(Action, dns_record_add, _),\n"


def replay(node, *args):
    done = subprocess.run([LOGICCTL, "--home", node.home, "--json", "ledger", "replay", *args],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError as wrong:
        raise AssertionError(done.stdout) from wrong
    equal(done.returncode, 0 if report["ok"] else 6)
    return report


def replay_of(node, export, *args):
    """The same on an export in a file, which a test may have spoiled."""
    with open(export) as entries:
        done = subprocess.run([LOGICD, "replay", "--home", node.home, *args], stdin=entries,
                              stdout=subprocess.PIPE, text=True, check=False)
    report = json.loads(done.stdout)
    equal(done.returncode, 0 if report["ok"] else 1)
    return report


def verdicts(node):
    return [e for e in node.entries() if e["kind"] == "case_judged"]


def live_a_little(node):
    """Each way that a case can go: permit, consent, refusal, deny, failure, answer, undo."""
    for kind, value in VALUES.items():
        name = ("_svc._tcp." if kind == "SRV" else "") + kind.lower() + ".local"
        equal(node.propose("dns_record_add", name=name, type=kind, value=value)[1]["status"],
              "success")
    equal(node.propose("dns_record_add", name="9.1.168.192.in-addr.arpa", type="PTR",
                       value="nine.local")[1]["status"], "success")
    changed = node.intent("change a.local to 10.0.0.10")
    equal(node.consent(changed["case"])[1]["status"], "success")
    refused = node.intent("delete a.local")
    equal(node.consent(refused["case"], decision="refuse")[1]["status"], "refused")
    equal(node.intent("delete the zone home.arpa")["status"], "denied")
    equal(node.intent("add a.example.com to 10.0.0.1")["status"], "denied")
    undone = node.intent("undo that")
    assert undone["status"] in ("awaiting_consent", "success", "denied"), undone
    for question in ("list the nodes", "what records are in home.arpa?",
                     "explain case %s" % changed["case"]):
        equal(node.intent(question)["status"], "success")
    stale = node.intent("delete aaaa.local")
    node.named.update("zone local", "update delete aaaa.local AAAA")
    equal(node.consent(stale["case"])[1]["status"], "failed")


@tap.test
def invariant_6_every_verdict_replays_bit_for_bit():
    with Node() as node:
        live_a_little(node)
        count = len(verdicts(node))
        assert count > 20, count
        report = replay(node)
        equal((report["differences"], report["missing"]), ([], []))
        equal(report["words"], "%d verdicts given again: all the same" % count)
        equal((report["alerts"], report["runbooks"]), (0, 0))
        equal((report["ok"], report["verdicts"], report["same"]), (True, count, count))
        since = verdicts(node)[-3]["seq"]
        equal(replay(node, "--since", str(since))["verdicts"], 2)
        human = subprocess.run([LOGICCTL, "--home", node.home, "ledger", "replay"],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        equal((human.returncode, human.stdout.strip()), (0, report["words"]))


@tap.test
def invariant_6_facts_that_were_learned_count_from_where_they_were_learned():
    with Node() as node:
        equal(node.intent("add www.lab.home.arpa to 10.0.0.9")["status"], "success")
        created = node.intent("create the zone lab.home.arpa")
        equal(node.consent(created["case"])[1]["status"], "success")
        node.intent("add www.lab.home.arpa to 10.0.0.9")
        jobs = {json.dumps(e["body"]["verdict"]["proof"]) for e in verdicts(node)
                if e["body"]["question"]["action"] == "dns_record_add"}
        assert len(jobs) >= 2, "the zone made no difference"
        report = replay(node)
        equal((report["ok"], report["differences"], report["missing"]), (True, [], []))
        learned = [e["body"]["learned"] for e in verdicts(node)]
        assert learned[0] == 0 and learned[-1] > 0 and learned == sorted(learned), learned


@tap.test
def invariant_6_holds_for_questions_asked_while_something_is_learned():
    with Node() as node:
        stop = threading.Event()

        def ask(number):
            while not stop.is_set():
                node.propose("dns_record_add", name="w%d.lab.home.arpa" % number, value="10.0.0.9")
                node.propose("dns_record_add", name="w%d.local" % number, value="10.0.0.9")
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        created = node.intent("create the zone lab.home.arpa")
        equal(node.consent(created["case"])[1]["status"], "success")
        count = len(verdicts(node))
        wait_for("more verdicts", lambda: len(verdicts(node)) > count + 40)
        stop.set()
        for thread in threads:
            thread.join()
        report = replay(node)
        equal((report["ok"], report["differences"]), (True, []))


@tap.test
def invariant_6_each_version_of_the_rules_judges_its_own_and_a_lost_one_is_named():
    with Node() as node:
        node.intent("add a.local to 10.0.0.1")
        policy = open(os.path.join(node.home, "site/policy.pl")).read()
        lines = [line.replace("freely", "signatures(1)") if "dns_record_add" in line else line
                 for line in policy.splitlines(True)]
        node.write_site("policy.pl", "".join(lines))
        equal(node.post("/api/v1/kb/reload", {})[1]["status"], "success")
        wait_for("the reload", lambda: [e["kind"] for e in node.entries()].count("kb_loaded") == 2)
        equal(node.intent("add b.local to 10.0.0.1")["status"], "awaiting_consent")
        report = replay(node)
        equal((report["ok"], report["missing"]), (True, []))
        first = verdicts(node)[0]["body"]
        version = "%.16s-%.16s" % (first["rules"], first["site"])
        folder = os.path.join(node.home, "kb", version)
        rules = os.path.join(folder, "site/policy.pl")
        os.chmod(rules, 0o644)
        with open(rules, "a") as f:
            f.write("% written later\n")
        report = replay(node)
        equal((report["ok"], report["not_replayed"]), (False, 2))
        count = report["verdicts"]
        assert report["words"].startswith("of %d verdicts, %d given again" % (count, count - 2)), report["words"]
        assert report["words"].endswith("; 2 could not be given again"), report["words"]
        equal(report["missing"][0]["entries"], 2)
        equal([m["version"] for m in report["missing"]], [version])
        assert "changed" in report["missing"][0]["words"], report
        shutil.rmtree(folder)
        report = replay(node)
        equal([m["version"] for m in report["missing"]], [version])
        assert "not kept" in report["missing"][0]["words"], report


@tap.test
def invariant_6_an_entry_that_was_changed_is_found():
    with Node() as node:
        live_a_little(node)
        export = node.verify_ledger()
        lines = open(export).read().splitlines()
        denied = next(json.loads(line) for line in lines if '"verdict":"deny"' in line)
        for was, now in (('"verdict":"deny"', '"verdict":"permit"'),
                         ('"tier":"destructive"', '"tier":"observe"'),
                         ('"principal":"loopback"', '"principal":"stranger"')):
            spoiled = os.path.join(node.home, "spoiled.jsonl")
            with open(spoiled, "w") as f:
                for line in lines:
                    mine = json.loads(line).get("seq") == denied["seq"]
                    f.write((line.replace(was, now) if mine else line) + "\n")
            if was not in json.dumps(denied, separators=(",", ":")):
                raise AssertionError("the test changes nothing: %s in %s" % (was, denied))
            report = replay_of(node, spoiled)
            equal((report["ok"], [d["seq"] for d in report["differences"]]), (False, [denied["seq"]]))
        equal(replay_of(node, export)["ok"], True)


@tap.test
def invariant_6_as_a_regression_test_of_other_rules():
    with Node() as node:
        live_a_little(node)
        count = len(verdicts(node))
        rules = os.path.join(node.home, "rules")
        shutil.copytree(os.path.join(ROOT, "kb"), rules)
        report = replay(node, "--with", rules)
        equal((report["ok"], report["altered"]), (True, 0))
        policy = os.path.join(rules, "core/3_rules/policy.pl")
        text = open(policy).read()
        assert text.count(IN_ZONE) == 1
        with open(policy, "w") as f:
            f.write(text.replace(IN_ZONE, IN_ZONE + NO_ADDS))
        report = replay(node, "--with", rules)
        added = [e["seq"] for e in verdicts(node) if e["body"]["verdict"]["verdict"] == "permit"
                 and e["body"]["question"]["action"] == "dns_record_add"]
        assert len(added) >= 2 * len(VALUES)
        decided = [d for d in report["differences"] if not d["reworded"]]
        equal(sorted(d["seq"] for d in decided), added)
        equal({(d["was"], d["now"]) for d in decided}, {("permit", "deny")})
        assert ("this change would alter %d of %d verdicts" % (report["altered"], count)
                in report["words"]), report["words"]
        with open(policy, "a") as f:
            f.write("oops(X) :- .\n")
        bad = subprocess.run([LOGICCTL, "--home", node.home, "ledger", "replay", "--with", rules],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, text=True)
        equal(bad.returncode, 2)
        assert "policy.pl:" in bad.stdout, bad.stdout


if __name__ == "__main__":
    tap.run()

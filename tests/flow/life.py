# SPDX-License-Identifier: Apache-2.0
"""The life of the node: start, reload, crash loop, stop, a full disk, a clock that steps, kills."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from node import LOGICCTL, LOGICD, ROOT, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
KILLS = int(os.environ.get("KILLS", "320"))


@tap.test
def each_role_is_restarted_and_the_node_serves_again():
    with Node() as node:
        for role in ("gateway", "judge", "actuator", "ledger"):
            old = node.pid(role)
            os.kill(old, signal.SIGKILL)
            wait_for("%s to be replaced" % role, lambda: node.roles().get(role, {}).get("pid", old) != old)

            def works():
                try:
                    answer = node.post("/api/v1/intent", {"nl": "add r-%s.local to 10.0.0.1" % role})
                    return answer[0] == 200 and answer[1]["status"] in ("success", "denied")
                except OSError:
                    return False
            wait_for("an intent after the death of %s" % role, works)
            equal(node.named.dig("r-%s.local" % role), ["10.0.0.1"])
        node.verify_ledger()


@tap.test
def crash_loop_ends_in_a_failed_state_and_not_in_a_spin():
    with Node(named=False, settings=["supervisor.crashes_max=3", "supervisor.backoff_first_ms=10"]) as node:
        seen = 0
        while node.process.poll() is None and seen < 10:
            pid = node.roles().get("actuator", {}).get("pid")
            if pid:
                try:
                    os.kill(pid, signal.SIGKILL)
                    seen += 1
                except ProcessLookupError:
                    pass
            time.sleep(0.1)
        node.process.wait(30)
        equal(node.process.returncode, 1)
        failed = [json.loads(line) for line in node.log_text().splitlines() if '"node_failed"' in line]
        equal(len(failed), 1)
        equal(failed[0]["name"], "actuator")


@tap.test
def open_bind_without_tls_and_tokens_is_refused_at_start_with_the_remedy():
    with Node(named=False, start=False) as node:
        node.listen = "0.0.0.0"
        node.start(wait=False)
        node.process.wait(30)
        equal(node.process.returncode, 1)
        refused = [json.loads(line) for line in node.log_text().splitlines() if '"role_not_opened"' in line]
        equal(len(refused), 1)  # once, and not in a loop
        equal(refused[0]["code"], "open_without_lock")
        assert "--tls-cert" in refused[0]["message"] and "--tokens" in refused[0]["message"], refused


@tap.test
def stop_is_orderly_and_leaves_no_process_behind():
    with Node(named=False) as node:
        pids = [r["pid"] for r in node.roles().values()]
        equal(len(pids), 5)
        equal(node.stop(), 0)
        for pid in pids:
            assert not os.path.exists("/proc/%d" % pid), pid


@tap.test
def roles_end_when_the_supervisor_is_killed():
    with Node(named=False) as node:
        pids = [r["pid"] for r in node.roles().values()]
        node.process.kill()
        node.process.wait()
        wait_for("the roles to end", lambda: not any(os.path.exists("/proc/%d" % p) for p in pids))


def copy_of_rules(node):
    folder = os.path.join(node.home, "rules")
    shutil.copytree(os.path.join(ROOT, "kb"), folder)
    return folder


class NodeWithRules(Node):
    """Its rules are a copy that a test may spoil."""

    def command(self):
        command = super().command()
        command[command.index("--kb") + 1] = os.path.join(self.home, "rules")
        return command


@tap.test
def bad_rules_never_replace_good_ones_and_good_ones_swap_under_load():
    with NodeWithRules(start=False) as node:
        rules = copy_of_rules(node)
        node.start()
        before = node.get("/api/v1/status")[1]["rules"]
        path = os.path.join(rules, "core/1_words/types.pl")
        good = open(path).read()
        for bad in ("foo(X) :- bar(X, Y.\n", "a_singleton(X, Y) :- atom(X).\n", "calls_nothing :- no_such_predicate_here.\n",
                    ":- initialization(shell('touch %s/owned')).\n" % node.home, ":- shell('touch %s/owned').\n" % node.home):
            with open(path, "w") as f:
                f.write(good + bad)
            status, answer = node.post("/api/v1/kb/reload", {})
            assert answer.get("status") != "success", (bad, status, answer)
            equal(node.get("/api/v1/status")[1]["rules"], before)
            equal(node.intent("list the nodes")["status"], "success")
        assert not os.path.exists(node.home + "/owned"), "a directive of refused rules ran"
        with open(path, "w") as f:
            f.write(good + "\n%   A comment: other bytes, same rules.\n")
        stop, wrong, count = threading.Event(), [], [0]

        def load():
            while not stop.is_set():
                try:
                    status, answer = node.post("/api/v1/query", {"query": "zone_of", "args": {"name": "a.local"}})
                    count[0] += 1
                    if status not in (200, 503):
                        wrong.append((status, answer))
                except OSError as e:
                    wrong.append(repr(e))
        threads = [threading.Thread(target=load) for _ in range(4)]
        for t in threads:
            t.start()
        status, answer = node.post("/api/v1/kb/reload", {})
        equal((status, answer["status"]), (200, "success"))
        wait_for("the new rules", lambda: node.get("/api/v1/status")[1].get("rules") not in (None, before))
        stop.set()
        for t in threads:
            t.join()
        equal(wrong, [])
        assert count[0] > 0
        kinds = [e["kind"] for e in node.entries()]
        equal(kinds.count("kb_refused"), 5)
        equal(kinds.count("kb_loaded"), 2)


def drop_fact(node, name, word):
    path = os.path.join(node.home, "site", name)
    kept = [line for line in open(path) if word not in line]
    node.write_site(name, "".join(kept))


@tap.test
def waiting_plan_is_judged_again_when_the_rules_changed():
    with Node() as node:
        node.intent("add a.local to 10.0.0.1")
        case = node.intent("delete a.local")["case"]
        drop_fact(node, "house.pl", 'zone("local"')
        drop_fact(node, "policy.pl", 'zone("local")')
        equal(node.post("/api/v1/kb/reload", {})[1]["status"], "success")
        wait_for("the reload", lambda: [e["kind"] for e in node.entries()].count("kb_loaded") == 2)
        answer = node.consent(case)[1]
        equal((answer.get("status"), answer["error"]["code"]), ("failed", "rules_changed"))
        equal(node.named.dig("a.local"), ["10.0.0.1"])


@tap.test
def signature_does_not_count_when_the_grant_is_gone():
    with Node() as node:
        node.intent("add a.local to 10.0.0.1")
        case = node.intent("delete a.local")["case"]
        drop_fact(node, "policy.pl", "dns_record_delete")
        equal(node.post("/api/v1/kb/reload", {})[1]["status"], "success")
        wait_for("the reload", lambda: [e["kind"] for e in node.entries()].count("kb_loaded") == 2)
        equal(node.consent(case)[1]["error"]["code"], "may_not_approve")
        equal(node.named.dig("a.local"), ["10.0.0.1"])


@tap.test
def kb_reload_on_the_command_line_says_why_rules_were_refused():
    def reload(node):
        return subprocess.run([LOGICCTL, "--home", node.home, "kb", "reload"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, check=False)
    with Node(named=False) as node:
        good = reload(node)
        equal((good.returncode, "new rules" in good.stdout), (0, True))
        node.write_site("policy.pl", "grant(operator.\n")
        bad = reload(node)
        equal((bad.returncode, "keeps its old rules" in bad.stdout), (6, True))
        assert "policy.pl:" in bad.stdout.replace("\n", ""), bad.stdout


def judges(node):
    """Processes of this node that are a judge: one, or two while rules are swapped."""
    found = []
    for pid in open("/proc/%d/task/%d/children" % (node.process.pid, node.process.pid)).read().split():
        try:
            if b"judge" in open("/proc/%s/cmdline" % pid, "rb").read().split(b"\0"):
                found.append(int(pid))
        except OSError:
            pass
    return found


@tap.test
def successor_killed_while_it_loads_leaves_the_rules_in_force():
    with Node(named=False) as node:
        before, old = node.get("/api/v1/status")[1]["rules"], node.pid("judge")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(node.post("/api/v1/kb/reload", {})))
        thread.start()
        new = wait_for("the successor", lambda: [pid for pid in judges(node) if pid != old])[0]
        os.kill(new, signal.SIGKILL)
        thread.join()
        equal((answers[0][0], answers[0][1]["status"]), (200, "refused"))
        equal(node.get("/api/v1/status")[1]["rules"], before)
        equal(node.pid("judge"), old)
        equal(node.post("/api/v1/kb/reload", {})[1]["status"], "success")


@tap.test
def kb_check_names_file_and_line():
    folder = "/tmp/ln-kb-%d" % os.getpid()
    shutil.copytree(os.path.join(ROOT, "kb"), folder)
    try:
        out = subprocess.run([LOGICD, "kb-check", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        equal((out.returncode, out.stdout)[0], 0)
        with open(folder + "/core/1_words/types.pl", "a") as f:
            f.write("oops(X) :- .\n")
        out = subprocess.run([LOGICD, "kb-check", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        equal(out.returncode, 1)
        assert "types.pl:" in out.stdout, out.stdout
    finally:
        shutil.rmtree(folder)


@tap.test
def invariant_5_full_disk_stops_everything_and_loses_nothing():
    home = "/tmp/ln-small-%d" % os.getpid()
    os.makedirs(home + "/ledger")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", home + "/ledger"],
                      stderr=subprocess.DEVNULL).returncode != 0:
        print("# not allowed to mount a small disk here: skipped")
        shutil.rmtree(home)
        return
    try:
        with Node(home=home) as node:
            node.intent("add first.local to 10.0.0.1")
            filler = open(home + "/ledger/filler", "wb")
            try:
                while True:
                    filler.write(b"x" * 4096)
                    filler.flush()
            except OSError:
                pass
            refused, n = None, 0
            while n < 400 and refused is None:
                status, answer = node.post("/api/v1/intent", {"nl": "add full%d.local to 10.0.0.1" % n})
                if status != 200 or answer["status"] == "failed":
                    refused = (status, answer, "full%d.local" % n)
                n += 1
            assert refused, "the disk never filled"
            equal(node.named.dig(refused[2]), [])  # fail closed: no record, no change
            try:
                filler.close()
            except OSError:
                pass
            os.remove(home + "/ledger/filler")

            def works():
                try:
                    status, answer = node.post("/api/v1/intent", {"nl": "add later.local to 10.0.0.1"})
                    return status == 200 and answer["status"] in ("success", "denied")
                except OSError:
                    return False
            wait_for("the node to work again with room on the disk", works)
            equal(node.named.dig("later.local"), ["10.0.0.1"])
            node.verify_ledger()
    finally:
        subprocess.run(["umount", home + "/ledger"], check=False)
        shutil.rmtree(home, ignore_errors=True)


ROLES = ("gateway", "judge", "actuator", "ledger")


class Asking(threading.Thread):
    """A request that may be cut off; what it was answered is in `answer`."""

    def __init__(self, ask):
        super().__init__()
        self.ask, self.answer = ask, None
        self.start()

    def run(self):
        try:
            self.answer = self.ask()
        except (OSError, ValueError, AssertionError):
            pass
        except Exception:  # a torn HTTP answer
            pass


def kill_role(node, role):
    old = node.pid(role)
    os.kill(old, signal.SIGKILL)
    wait_for("%s to be replaced" % role, lambda: node.roles().get(role, {}).get("pid", old) != old)


def wait_whole(node):
    """All roles are back: something that needs each of them works."""
    def works():
        try:
            return node.intent("list the records in local")["status"] == "success"
        except (OSError, AssertionError):
            return False
    wait_for("all roles to be back", works)


def states(node):
    try:
        return {c["id"]: c["state"] for c in node.get("/api/v1/cases?limit=50")[1]["cases"]}
    except (OSError, KeyError):
        return {}


def settled_state(node, case):
    def closed():
        state = states(node).get(case)
        return state if state in ("done", "failed", "denied", "refused", "expired") else None
    return wait_for("case %s to settle" % case, closed)


def check_once(node, case):
    kinds = [e["kind"] for e in node.entries() if e["case"] == case]
    assert kinds.count("warrant_issued") <= 1 and kinds.count("case_executed") <= 1, kinds
    return kinds


@tap.test
def invariant_10_each_role_killed_while_hands_look():
    with Node(settings=["supervisor.crashes_max=1000"]) as node:
        for role in ROLES:
            name = "look-%s.local" % role
            wait_whole(node)
            stopped = node.named_pid()
            os.kill(stopped, signal.SIGSTOP)  # the look waits for the name server
            before = set(states(node))
            asking = Asking(lambda: node.post("/api/v1/intent", {"nl": "add %s to 10.0.0.1" % name}))
            case = wait_for("the case", lambda: [c for c, s in states(node).items() if c not in before and s == "judged"])[0]
            kill_role(node, role)
            os.kill(stopped, signal.SIGCONT)
            asking.join()
            state = settled_state(node, case)
            kinds = check_once(node, case)
            # what was not ordered was not done; the gateway's death does not concern the case
            equal((role, node.named.dig(name)), (role, ["10.0.0.1"] if state == "done" else []))
            assert state == "done" or "warrant_issued" not in kinds, (role, kinds)


@tap.test
def invariant_10_each_role_killed_while_hands_act():
    with Node(settings=["supervisor.crashes_max=1000"]) as node:
        for role in ROLES:
            name = "act-%s.local" % role
            wait_whole(node)
            node.intent("add %s to 10.0.0.1" % name)
            case = node.intent("delete %s" % name)["case"]
            plan = node.plan(case)
            stopped = node.named_pid()
            os.kill(stopped, signal.SIGSTOP)  # the update waits for the name server
            asking = Asking(lambda: node.consent(case, plan=plan))
            wait_for("the order", lambda: states(node).get(case) == "acting")
            kill_role(node, role)
            os.kill(stopped, signal.SIGCONT)
            asking.join()
            state = settled_state(node, case)
            check_once(node, case)
            there = node.named.dig(name)
            if state == "done":
                equal((role, there), (role, []))
            else:  # whoever says "no" must be right
                failed = [e for e in node.entries() if e["case"] == case and e["kind"] == "case_failed"][0]["body"]
                assert failed["changed"] != "yes", (role, failed)
                if failed["changed"] == "no":
                    equal((role, there), (role, ["10.0.0.1"]))
                print("# %s: %s, changed %s" % (role, state, failed["changed"]))


@tap.test
def invariant_10_each_role_killed_while_a_plan_waits():
    with Node(settings=["supervisor.crashes_max=1000"]) as node:
        for role in ROLES:
            name = "wait-%s.local" % role
            wait_whole(node)
            node.intent("add %s to 10.0.0.1" % name)
            case = node.intent("delete %s" % name)["case"]
            plan = node.plan(case)
            kill_role(node, role)
            wait_for("the case", lambda: states(node).get(case) == "awaiting")
            equal(node.plan(case), plan)

            def consent():
                try:
                    return node.consent(case, plan=plan)[1].get("status") == "success"
                except OSError:
                    return False
            wait_for("the consent", consent)
            equal(node.named.dig(name), [])
            check_once(node, case)


class Load(threading.Thread):
    """Adds names, deletes with consent, asks; remembers every acknowledged answer."""

    def __init__(self, node, number, stop):
        super().__init__()
        self.node, self.number, self.stop_now = node, number, stop
        self.acknowledged, self.unclear, self.count = {}, set(), 0

    def run(self):
        while not self.stop_now.is_set():
            self.count += 1
            name = "k%d-%d.local" % (self.number, self.count)
            try:
                status, answer = self.node.post("/api/v1/intent", {"nl": "add %s to 10.0.0.1" % name}, timeout=30)
                if status == 200 and answer["status"] == "success":
                    self.acknowledged[name] = answer["case"]
                    if self.count % 5 == 0:
                        self.delete(name)
                else:
                    self.unclear.add(name)
            except (OSError, ValueError, AssertionError):
                self.unclear.add(name)
                time.sleep(0.02)
            except Exception:  # a torn HTTP answer
                self.unclear.add(name)

    def delete(self, name):
        status, answer = self.node.post("/api/v1/intent", {"nl": "delete " + name}, timeout=30)
        if status == 200 and answer["status"] == "awaiting_consent":
            self.unclear.add(name)
            status, answer = self.node.consent(answer["case"])
            if status == 200 and answer["status"] == "success":
                self.acknowledged["-" + name] = answer["case"]


@tap.test
def invariant_10_random_kills_under_load_lose_nothing_and_double_nothing():
    seed = int(os.environ.get("SEED", str(random.randrange(10 ** 6))))
    print("# SEED=%d KILLS=%d" % (seed, KILLS))
    dice = random.Random(seed)
    settings = ["supervisor.crashes_max=1000000", "supervisor.backoff_first_ms=1", "supervisor.backoff_max_ms=20"]
    with Node(settings=settings) as node:
        stop = threading.Event()
        loads = [Load(node, i, stop) for i in range(4)]
        for load in loads:
            load.start()
        kills = 0
        while kills < KILLS:
            time.sleep(dice.uniform(0, 0.15))
            role = dice.choice(("gateway", "judge", "actuator", "ledger"))
            pid = node.roles().get(role, {}).get("pid")
            try:
                if pid:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
            except ProcessLookupError:
                pass
            assert node.process.poll() is None, "the supervisor ended"
        stop.set()
        for load in loads:
            load.join()
        node.wait_ready()

        def settled():
            try:
                return not [c for c in node.get("/api/v1/cases?limit=200&status=working")[1]["cases"]]
            except (OSError, KeyError):
                return False
        wait_for("all cases to settle", settled)
        entries = node.entries()
        cases = {}
        for e in entries:
            cases.setdefault(e["case"], []).append(e)
        for case, found in cases.items():
            kinds = [e["kind"] for e in found]
            assert kinds.count("warrant_issued") <= 1, (case, kinds)  # one order
            assert kinds.count("case_executed") <= 1, (case, kinds)
            if "case_executed" in kinds:
                assert kinds.index("warrant_issued") < kinds.index("case_executed")
        acknowledged = 0
        for load in loads:
            for name, case in load.acknowledged.items():
                acknowledged += 1
                kinds = [e["kind"] for e in cases.get(case, [])]
                assert "case_executed" in kinds, (name, case, kinds)  # nothing acknowledged is lost
                if not name.startswith("-") and name not in load.unclear and "-" + name not in load.acknowledged:
                    there = node.named.dig(name)
                    assert there == ["10.0.0.1"], (name, there, cases[case])
        # no change without an entry: every name on the server was ordered
        ordered = set()
        for found in cases.values():
            opened = [e for e in found if e["kind"] == "case_opened"]
            if opened and any(e["kind"] == "warrant_issued" for e in found):
                ordered.add(opened[0]["body"]["params"].get("name"))
        listing = node.intent("list the records in local")
        for rrset in listing["execution"]["rrsets"]:
            if rrset["name"].startswith("k"):
                assert rrset["name"] in ordered, rrset
        print("# %d acknowledged changes, %d entries, %d kills" % (acknowledged, len(entries), kills))
        assert acknowledged > 0
        node.verify_ledger()


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""The story of the one door, on real parts: sentence, verdict, change, signature, denial, record."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from node import LOGICCTL, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()


def ctl(node, *args):
    return subprocess.run([LOGICCTL, "--home", node.home, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True)


@tap.test
def sentence_becomes_a_record_on_bind():
    with Node() as node:
        answer = node.intent("Add DNS record test.local to 192.168.1.100")
        equal(answer["status"], "success")
        equal(answer["intent"], {"action": "dns_record_add", "params": answer["intent"]["params"]})
        equal(node.named.dig("test.local"), ["192.168.1.100"])
        kinds = [e["kind"] for e in node.entries() if e["case"] == answer["case"]]
        equal(kinds, ["case_opened", "case_judged", "case_judged", "case_planned", "warrant_issued", "case_executed"])
        node.verify_ledger()


@tap.test
def deletion_waits_for_a_signature_and_then_happens():
    with Node() as node:
        node.intent("Add DNS record test.local to 192.168.1.100")
        answer = node.intent("delete test.local")
        equal(answer["status"], "awaiting_consent")
        equal(node.named.dig("test.local"), ["192.168.1.100"])
        approved = ctl(node, "approve", answer["case"], "--yes")
        equal(approved.returncode, 0)
        equal(node.named.dig("test.local"), [])
        equal(node.case(answer["case"])["status"], "success")


@tap.test
def zone_deletion_is_denied_with_its_reason():
    with Node() as node:
        answer = node.intent("delete the zone home.arpa")
        equal(answer["status"], "denied")
        assert answer["text"] and answer["verdict"]["reasons"], answer
        equal(ctl(node, "ask", "delete the zone home.arpa").returncode, 3)


@tap.test
def incomplete_sentence_is_answered_with_a_question():
    with Node() as node:
        answer = node.intent("add a record for printer.local")
        equal(answer["status"], "question")
        equal(answer["case"], None)
        equal(ctl(node, "ask", "add a record for printer.local").returncode, 5)
        equal(node.intent("please paint the house blue")["status"], "not_understood")


@tap.test
def parse_only_opens_no_case():
    with Node() as node:
        before = len(node.entries())
        answer = node.intent("Add DNS record test.local to 192.168.1.100", parse_only=True)
        equal(answer["status"], "success")
        equal(answer["intent"], {"action": "dns_record_add",
                                 "params": {"name": "test.local", "type": "A", "value": "192.168.1.100"}})
        equal(answer["case"], None)
        equal(len(node.entries()), before)
        equal(node.named.dig("test.local"), [])


@tap.test
def several_changes_in_one_sentence_are_several_cases():
    with Node() as node:
        answer = node.intent("add a.local to 10.0.0.1 and b.local to 10.0.0.2")
        equal(answer["status"], "success")
        equal(len(answer["results"]), 2)
        equal(len({r["case"] for r in answer["results"]}), 2)
        equal(node.named.dig("a.local"), ["10.0.0.1"])
        equal(node.named.dig("b.local"), ["10.0.0.2"])


@tap.test
def undo_takes_the_last_change_back():
    with Node() as node:
        node.intent("add a.local to 10.0.0.1")
        answer = node.intent("undo that")
        equal(answer["intent"]["action"], "dns_record_delete")
        equal(answer["status"], "awaiting_consent")
        equal(node.consent(answer["case"])[1]["status"], "success")
        equal(node.named.dig("a.local"), [])


@tap.test
def every_record_type_is_added_changed_and_deleted():
    values = {"A": ("10.0.0.1", "10.0.0.2"), "AAAA": ("fd00::1", "fd00::2"), "CNAME": ("ns.local", "other.local"),
              "TXT": ('"v=spf1 -all"', '"hello world"'), "MX": ("10 ns.local", "20 ns.local"),
              "SRV": ("1 2 443 ns.local", "1 2 8443 ns.local"), "CAA": ('0 issue "ca.example"', '0 issue "other.example"')}
    with Node() as node:
        for kind, (first, second) in values.items():
            name = ("_svc._tcp." if kind == "SRV" else "") + kind.lower() + ".local"
            answer = node.propose("dns_record_add", name=name, type=kind, value=first)[1]
            equal((kind, answer["status"]), (kind, "success"))
            answer = node.propose("dns_record_change", name=name, type=kind, value=second)[1]
            equal((kind, answer["status"]), (kind, "awaiting_consent"))
            equal(node.consent(answer["case"])[1]["status"], "success")
            shown = [line.replace(".local.", ".local") for line in node.named.dig(name, kind)]
            equal((kind, shown), (kind, [second]))
            answer = node.propose("dns_record_delete", name=name, type=kind)[1]
            equal(node.consent(answer["case"])[1]["status"], "success")
            equal((kind, node.named.dig(name, kind)), (kind, []))
        answer = node.propose("dns_record_add", name="9.1.168.192.in-addr.arpa", type="PTR", value="nine.local")[1]
        equal(answer["status"], "success")


@tap.test
def zone_is_created_by_a_real_playbook():
    site = "zone_playbook"
    with Node() as node:
        inventory = os.path.join(node.named.dir, "inventory/home.yml")
        assert os.path.exists(inventory), site
        answer = node.intent("create the zone lab.home.arpa")
        equal((answer["status"], answer.get("text"))[0], "awaiting_consent")
        assert answer["plan"]["coverage"]["changed"] >= 1, answer["plan"]
        equal(node.consent(answer["case"])[1]["status"], "success")
        assert node.named.dig("lab.home.arpa", "SOA"), "the zone is served"
        # what was learned counts at once: a record in the new zone is no longer "not owned"
        answer = node.intent("add www.lab.home.arpa to 10.0.0.9")
        assert answer["status"] in ("success", "awaiting_consent", "denied"), answer


@tap.test
def observing_needs_no_consent_and_changes_nothing():
    with Node() as node:
        equal(node.intent("list the nodes")["status"], "success")
        answer = node.intent("what records are in home.arpa?")
        equal(answer["status"], "success")
        names = json.dumps(answer["execution"])
        assert "ns.home.arpa" in names, names
        node.intent("add x.local to 10.0.0.7")
        answer = node.intent("what is the address of x.local?")
        equal(answer["status"], "success")
        assert "10.0.0.7" in json.dumps(answer["execution"])


@tap.test
def records_of_one_type_or_name_are_listed():
    with Node() as node:
        equal(node.propose("dns_record_add", name="home.arpa", type="MX",
                           value="10 ns.home.arpa")[1]["status"], "success")
        answer = node.intent("list MX records in home.arpa")
        equal(answer["intent"]["params"], {"zone": "home.arpa", "type": "MX"})
        equal(answer["status"], "success")
        equal([(r["name"], r["type"]) for r in answer["execution"]["rrsets"]], [("home.arpa", "MX")])
        answer = node.propose("dns_record_list", zone="home.arpa", name="ns.home.arpa")[1]
        equal({r["name"] for r in answer["execution"]["rrsets"]}, {"ns.home.arpa"})
        status, answer = node.propose("dns_record_list", zone="home.arpa", name="a.local")
        equal((status, answer["error"]["code"]), (400, "not_in_zone"))


@tap.test
def case_can_be_explained():
    with Node() as node:
        denied = node.intent("delete the zone local")
        answer = node.intent("explain case %s" % denied["case"])
        equal(answer["status"], "success")
        assert answer["execution"]["words"], answer
        why = ctl(node, "why", denied["case"])
        equal(why.returncode, 0)
        assert "zone" in why.stdout, why.stdout


@tap.test
def events_resume_where_they_were_left():
    with Node() as node:
        node.intent("add a.local to 10.0.0.1")
        last = node.entries()[-1]["seq"]
        connection = node.connect()
        connection.request("GET", "/api/v1/events", headers={"Last-Event-ID": "1", "Accept": "text/event-stream"})
        stream = connection.getresponse()
        equal(stream.status, 200)
        node.intent("add b.local to 10.0.0.2")
        ids = []
        while not ids or ids[-1] < last + 6:
            line = stream.readline().decode().strip()
            if line.startswith("id:"):
                ids.append(int(line[3:].strip()))
        equal(ids, list(range(2, ids[-1] + 1)))  # no gap, none twice
        connection.close()


@tap.test
def invariant_12_no_action_reaches_a_cluster():
    """The rules that forbid governing one's own cluster come with the first action that could; until then
    every job that any action can ask for is DNS, a playbook that the owner allowed by name, or a machine of the site's own
    facts; and of these never the one that the node runs on (host_sleep.plt)."""
    with Node() as node:
        names = {action["name"] for action in node.get("/api/v1/actions")[1]["actions"]}
        equal(names, {"dns_record_add", "dns_record_change", "dns_record_delete", "dns_record_list", "dns_lookup",
                      "dns_zone_create", "dns_zone_delete", "playbook_run", "case_explain", "node_list",
                      "host_wake", "host_sleep", "pool_load", "pool_unload", "node_show", "node_health", "thermal_risk",
                      "reach_check", "path_find", "placement_find", "boot_order_show", "alert_list", "alert_acknowledge"})
        status, answer = node.propose("playbook_run", playbook="services/cluster/migrate.yml", variables={})
        equal((status, answer.get("status")), (200, "denied"))
        equal(answer["plan"], None)


@tap.test
def state_snapshot_is_readable():
    with Node() as node:
        node.intent("add a.local to 10.0.0.1")
        folder = os.path.join(node.home, "state")
        wait_for("a snapshot", lambda: any("a.local" in open(os.path.join(folder, f)).read() for f in os.listdir(folder)
                                           if f.endswith(".pl")))


if __name__ == "__main__":
    tap.run()

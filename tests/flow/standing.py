# SPDX-License-Identifier: Apache-2.0
"""Where the node stands, on a whole node: a guest of its own cluster governs nothing of it (invariant 12), else it is warned or free.

What the machine is known by comes in as at home: the UUID as systemd's credential, cards from /sys. Agent and Proxmox API are FAKE.
"""
import hashlib
import http.server
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from node import LOGICCTL, Node, Tap, equal, free_port, wait_for  # noqa: E402

tap = Tap()
MINE = "6d1a2b3c-1111-4222-8333-944455556666"
SWAPPED = "3c2b1a6d-1111-2242-8333-944455556666"
OTHER = "00112233-1111-4222-8333-944455556666"
CLUSTER = """this_node("logic-node").
node("pve1", "192.0.2.11", "the first of the rack").
node("nas",  "192.0.2.12", "files").
host(pve1, "https://192.0.2.11:30443", "the first of the rack").
host(shed, "https://192.0.2.13:30443", "no member").
host_wake(pve1, "52:54:00:aa:bb:01", "127.255.255.255", "").
host_wake(shed, "52:54:00:aa:bb:02", "127.255.255.255", "").
pool(p1, pve1, cpu, "", 0, "on a member").
pool_serves(p1, any).
pool_engine(p1, llama, 1, 1024, f16).
node_host("pve1", pve1).
cluster(rack, proxmox, "the rack").
cluster_member(rack, "pve1").
boots_after("pve1", "nas").
"""


class Standing(Node):
    """`uuid` is what the firmware of this FAKE machine says."""

    def __init__(self, uuid=MINE, facts="", cluster=CLUSTER, secrets=None, **more):
        self.credentials = tempfile.mkdtemp(prefix="ln-credentials-")
        with open(self.credentials + "/product_uuid", "w") as f:
            f.write(uuid.upper() + "\n")
        super().__init__(named=False, env={"CREDENTIALS_DIRECTORY": self.credentials}, start=False, **more)
        for name, text in (secrets or {}).items():
            path = os.path.join(self.home, "secrets", name)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write(text)
        with open(self.home + "/site/inventory.pl") as f:
            old = f.read()
        for name in ("machines.pl", "house.pl", "network.pl", "senses.pl"):
            self.write_site(name, "")
        ours = [line for line in old.splitlines() if not line.startswith(("node(", "this_node(", "node_"))]
        self.write_site("inventory.pl", "\n".join(ours))
        self.write_site("cluster.pl", cluster + facts)
        with open(self.home + "/site/policy.pl") as f:
            policy, count = re.subn(r"(grant\(operator, *host_wake, *any, *)freely", r"\1signatures(1)", f.read())
        equal(count, 1)
        self.write_site("policy.pl", policy)
        self.start()
        self.told = wait_for("where it stands", lambda: self.standing()["stands"] not in (None, "unknown") and self.standing())

    def standing(self):
        status, answer = self.get("/api/v1/status")
        assert status == 200, (status, answer)
        return answer["standing"]

    def learned(self):
        return wait_for("the record", lambda: [e for e in self.entries() if e["kind"] == "standing_seen"])

    def judged(self, action, **params):
        answer = self.propose(action, **params)[1]
        return answer["status"], [r["rule"] for r in (answer.get("verdict") or {}).get("reasons", [])], answer


def guest(uuid):
    return 'cluster_guest(rack, "node1", uuid("%s")).\n' % uuid


@tap.test
def invariant_12_a_guest_of_its_own_cluster_governs_nothing_of_it():
    with Standing(facts=guest(MINE)) as node:
        equal((node.told["stands"], node.told["cluster"], node.told["guest"], node.told["proof"]), ("match", "rack", "node1", "uuid"))
        node.learned()
        for action, params in (("host_wake", {"host": "pve1"}), ("host_sleep", {"host": "pve1"}),
                               ("pool_unload", {"pool": "p1"}), ("pool_load", {"pool": "p1", "model": "m"})):
            status, rules, answer = node.judged(action, **params)
            equal((action, status, "governs_own_cluster" in rules), (action, "denied", True))
            words = answer["verdict"]["words"]
            assert "this node boots only after its cluster" in words and "pve1" in words, words
            assert any("outside the cluster rack" in text for text in answer["verdict"]["would_permit"]), answer["verdict"]
        equal("governs_own_cluster" in node.judged("host_wake", host="shed")[1], False)
        said = subprocess.run([LOGICCTL, "--home", node.home, "status"], stdout=subprocess.PIPE, text=True, check=True,
                              stdin=subprocess.DEVNULL).stdout
        assert "This node runs on the cluster rack" in said, said
        node.verify_ledger()


@tap.test
def invariant_12_the_first_fields_of_a_uuid_may_stand_the_other_way_round():
    with Standing(facts=guest(SWAPPED)) as node:
        equal((node.told["stands"], node.told["proof"]), ("match", "uuid"))


@tap.test
def invariant_12_holds_again_after_a_restart_and_in_a_replay():
    with Standing(facts=guest(MINE)) as node:
        equal(len(node.learned()), 1)
        equal(node.judged("host_wake", host="pve1")[0], "denied")
        node.stop()
        node.start()
        wait_for("where it stands", lambda: node.standing()["stands"] == "match")
        equal(node.judged("host_wake", host="pve1")[1][0], "governs_own_cluster")
        equal(len(node.learned()), 1)  # what it is known by is the same: no news
        replayed = json.loads(subprocess.run([LOGICCTL, "--home", node.home, "--json", "ledger", "replay"], stdin=subprocess.DEVNULL,
                                             stdout=subprocess.PIPE, text=True, check=True).stdout)
        equal((replayed["ok"], replayed["verdicts"] >= 2), (True, True))


@tap.test
def no_guest_that_we_know_is_unproven_and_said():
    with Standing(facts=guest(OTHER)) as node:
        if node.told["stands"] == "bare":  # this test's machine is one of its own
            equal((node.told["vm"], node.told["container"]), ("", ""))
            return
        equal(node.told["stands"], "unproven")
        assert node.told["vm"] or node.told["container"], node.told
        status, rules, answer = node.judged("host_wake", host="pve1")
        equal("governs_own_cluster" in rules, False)
        assert "Warning: pve1 is a member of the cluster rack" in answer["verdict"]["words"], (status, answer["verdict"]["words"])


@tap.test
def a_house_without_clusters_records_nothing_of_it():
    with Standing(cluster='this_node("logic-node").\n') as node:
        assert node.told["stands"] in ("bare", "unproven"), node.told
        equal([e["kind"] for e in node.entries()], ["kb_loaded"])


class FakeProxmox:
    """A FAKE Proxmox VE: two answers of its API, over HTTPS with a certificate that no authority knows."""

    def __init__(self, guests, port=None):
        folder = tempfile.mkdtemp(prefix="ln-proxmox-")
        key, crt = folder + "/key.pem", folder + "/crt.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", crt, "-days", "2", "-subj",
                        "/CN=pve1.lab"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(crt) as f:
            self.pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
        self.asked, self.tokens, fake = [], [], self
        rows = [{"vmid": number, "node": "pve1", "type": kind, "name": name} for number, kind, name, _ in guests]
        answers = {"/api2/json/cluster/resources?type=vm": rows}
        answers.update({"/api2/json/nodes/pve1/%s/%d/config" % (kind, number): config for number, kind, _, config in guests})

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                fake.asked.append(self.path)
                fake.tokens.append(self.headers.get("Authorization"))
                body = json.dumps({"data": answers[self.path]}).encode()
                self.send_response(200 if self.headers.get("Authorization") == "PVEAPIToken=" + TOKEN else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.port = port or free_port()
        self.key, self.crt, self.handler, self.server = key, crt, Handler, None

    def start(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.crt, self.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def facts(self, pin):
        return 'cluster_api(rack, "https://127.0.0.1:%d", "secret:proxmox/rack").\ncluster_pin(rack, "%s").\n' % (self.port, pin)


TOKEN = "logic@pve!node=11111111-2222-4333-8444-555566667777"
GUESTS = [(100, "qemu", "web", {"smbios1": "uuid=%s" % OTHER, "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}),
          (101, "qemu", "node1", {"smbios1": "uuid=%s,base64=1" % MINE.upper(), "net0": "virtio=BC:24:11:00:00:02,bridge=vmbr0"})]


def asking(fake, pin):
    node = Standing(facts=fake.facts(pin), settings=["judge.cluster_retry_s=1"], secrets={"proxmox/rack": TOKEN})
    return node


@tap.test
def invariant_12_the_guests_that_proxmox_tells_count_from_the_moment_it_can_be_asked():
    fake = FakeProxmox(GUESTS)
    with asking(fake, fake.pin) as node:
        assert node.told["stands"] in ("unproven", "bare"), node.told
        fake.start()
        told = wait_for("the guests", lambda: node.standing()["stands"] == "match" and node.standing())
        equal((told["guest"], told["proof"]), ("node1", "uuid"))
        equal(node.judged("host_wake", host="pve1")[1][0], "governs_own_cluster")
        seen = [e for e in node.entries() if e["kind"] == "cluster_seen"]
        equal((len(seen), len(seen[0]["body"]["guests"])), (1, 4))
        equal(set(fake.tokens), {"PVEAPIToken=" + TOKEN})
        assert TOKEN.split("=")[1] not in json.dumps(node.entries()) + open(node.home + "/log.jsonl").read()
        node.verify_ledger()


@tap.test
def another_certificate_than_the_pinned_one_is_told_nothing():
    fake = FakeProxmox(GUESTS)
    fake.start()
    with asking(fake, "0" * 64) as node:
        wait_for("the refusal", lambda: "another certificate" in open(node.home + "/log.jsonl").read())
        equal((fake.asked, node.standing()["stands"] == "match"), ([], False))


@tap.test
def the_house_says_in_which_order_it_boots_and_names_a_circle():
    with Standing(facts=guest(MINE) + 'boots_after("nas", "node1").\n') as node:
        answer = node.post("/api/v1/intent", {"nl": "in which order does the house boot?"})[1]
        words = answer["text"]
        assert "A circle: nas waits for node1 waits for pve1 waits for nas" in words, words
        equal(node.standing()["cycle"], ["nas", "node1", "pve1"])
    with Standing(facts=guest(MINE)) as node:
        node.learned()
        words = node.post("/api/v1/intent", {"nl": "what must be up before node1?"})[1]["text"]
        assert "Before node1 these must be up, in this order: nas, pve1." in words, words


if __name__ == "__main__":
    tap.run()

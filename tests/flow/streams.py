# SPDX-License-Identifier: Apache-2.0
"""Event streams of dashboards on a whole node: brief bodies, live events of a host that wakes (its agent is FAKE), the house, who may see
what, restarts, slow readers. What a FAKE judge shows more exactly is in gateway_live_test.c; the cost is in bench/dashboards.py."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from node import LOGICCTL, Node, Tap, equal, wait_for  # noqa: E402
from power import House  # noqa: E402

tap = Tap()


class Stream(threading.Thread):
    """What a browser's EventSource would see: events {"event", "id", "data"} in the order in which they came, and comments."""

    def __init__(self, node, query="", after=None, headers=None, path=None):
        super().__init__(daemon=True)
        self.events, self.comments, self.event, self.ended = [], [], {}, False
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.socket.settimeout(90)
        self.socket.connect(path or ("127.0.0.1", node.port))
        more = dict(headers or {}, **({"Last-Event-ID": str(after)} if after is not None else {}))
        self.socket.sendall(("GET /api/v1/events%s HTTP/1.1\r\nHost: localhost:%d\r\n%s\r\n" % (
            query, node.port, "".join("%s: %s\r\n" % pair for pair in more.items()))).encode())
        self.reader = self.socket.makefile("rb")
        self.status = int(self.reader.readline().split()[1])
        while self.reader.readline() not in (b"\r\n", b""):
            pass
        if self.status == 200:
            self.start()
            wait_for("the stream to begin", lambda: "events follow" in self.comments)

    def run(self):
        rest = b""
        try:
            while True:
                size = int(self.reader.readline() or b"0", 16)
                rest += self.reader.read(size)
                self.reader.readline()
                *lines, rest = rest.split(b"\n")
                for line in lines:
                    self.take(line.decode())
                if not size:
                    break
        except (OSError, ValueError):
            pass
        self.ended = True

    def take(self, line):
        name, _, value = line.partition(": ")
        if name:
            self.event[name] = json.loads(value) if name == "data" else value
        elif line:
            self.comments.append(value)
        else:
            if "data" in self.event:
                self.events.append(self.event)
            self.event = {}

    def ids(self):
        return [int(event["id"]) for event in self.events if "id" in event]

    def live(self, name):
        return [event["data"] for event in self.events if event["event"] == name]

    def last(self):
        return self.ids()[-1] if self.ids() else None

    def until(self, seq):
        wait_for("entry %d" % seq, lambda: (self.last() or 0) >= seq)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.socket.close()


def run_of(first, last):
    return list(range(first, last + 1))


def token_of(node, name, *scopes):
    out = subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", name, "--scopes", ",".join(scopes)], check=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    headers = {"Authorization": "Bearer " + out.split()[0]}
    wait_for("the token to count", lambda: node.get("/api/v1/status", headers=headers)[0] != 401)
    return headers


def size(node):
    return node.entries()[-1]["seq"]


@tap.test
def a_client_that_comes_back_has_every_entry_once_and_brief():
    with Node(named=False) as node:
        stream = Stream(node, "?form=brief&with=house,queue,stages", after=0)
        for _ in range(5):
            node.propose("node_list")
        stream.until(size(node))
        seen = stream.ids()
        stream.close()
        for _ in range(5):
            node.propose("node_list")
        again = Stream(node, "?form=brief&with=house,queue,stages", after=seen[-1])
        for _ in range(5):
            node.propose("node_list")
        entries = node.entries()
        again.until(entries[-1]["seq"])
        equal(seen + again.ids(), run_of(1, entries[-1]["seq"]))
        brief = {e["data"]["seq"]: e["data"] for e in stream.events + again.events if "id" in e}
        for entry in entries:
            told = brief[entry["seq"]]
            equal([told[k] for k in ("kind", "case", "at")], [entry[k] for k in ("kind", "case", "at")])
            if entry["kind"] == "case_judged":
                equal(told["body"], {"verdict": {k: entry["body"]["verdict"][k] for k in ("verdict", "tier", "words")}})
            elif entry["kind"] == "case_opened":
                equal(told["body"], {k: entry["body"][k] for k in ("action", "params", "by")})
            elif entry["kind"] == "case_answered":
                equal(told["body"], {})
            else:
                equal(told["body"], entry["body"])
        assert any(e["kind"] == "case_judged" and "proof" in json.dumps(e["body"]) for e in entries)
        # what is live has no number, and the first of it comes behind what was resumed
        equal([e["event"] for e in again.events if "id" not in e][:2], ["queue", "house"])
        assert again.live("house")[0]["whole"], again.live("house")
        again.close()


@tap.test
def a_host_that_wakes_is_seen_stage_by_stage():
    with House(remote=True, limits=(30, 0, 0, 60)) as node:
        wait_for("the host to be seen", lambda: node.agent.looks and node.state() == "empty")
        node.good("host_sleep", host="tower")
        wait_for("it to be known asleep", lambda: [h["state"] for h in node.get("/v1/capabilities")[1]["hosts"]] == ["asleep"])
        stream, deaf = Stream(node, "?form=brief&with=queue,stages"), Stream(node, "?form=brief")
        node.agent.load_s = 1.5
        timer = threading.Timer(1.5, lambda: setattr(node.agent, "asleep", False))
        timer.start()
        begun_ms = time.time() * 1000
        equal(node.post("/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]})[0], 200)
        wait_for("the pool to be ready", lambda: [p["state"] for p in stream.live("queue")[-1]["pools"]][0] == "ready")
        wait_for("the request to be gone", lambda: not stream.live("queue")[-1]["requests"])
        stages = stream.live("stage")
        wakes, loads = ([s for s in stages if s["action"] == action] for action in ("host_wake", "pool_load"))
        equal([s["stage"] for i, s in enumerate(wakes) if not i or s["stage"] != wakes[i - 1]["stage"]][:1], ["waking"])
        assert [s for s in wakes if s["stage"] == "agent_up"] or wakes[-1]["stage"] in ("booting", "agent_up"), wakes
        equal({(s["host"], s["pool"]) for s in wakes}, {("tower", None)})
        equal({(s["host"], s["pool"]) for s in loads}, {("tower", "p0")})
        order = ["agent_up", "driver_ready", "engine_starting", "verifying", "loading", "ready"]  # the last may be lost behind the end
        told = [s["stage"] for i, s in enumerate(loads) if not i or s["stage"] != loads[i - 1]["stage"]]
        equal(told, [stage for stage in order if stage in told])
        assert {"driver_ready", "engine_starting", "loading"} <= set(told), told
        assert all(begun_ms - 1000 < s["since_ms"] <= s["at_ms"] + 1000 for s in stages), stages
        assert wakes[0]["expected_ms"] == 30000, wakes[0]  # nothing is learned yet: its boot limit
        queues = stream.live("queue")
        powers = [q["hosts"][0]["power"] for q in queues]
        changes = [p for i, p in enumerate(powers) if not i or p != powers[i - 1]]
        equal([changes[0], changes[-1]], ["asleep", "awake"])
        assert set(changes[1:-1]) & {"waking", "booting"}, changes
        hosts = [q["hosts"][0] for q in queues]
        for power in set(powers):  # two clocks, and yet one time
            equal(len({h["since_ms"] for h in hosts if h["power"] == power}), 1)
        waiting = [q for q in queues if q["waiting"]]
        assert waiting and waiting[0]["requests"][0]["state"] == "waiting", queues
        equal([waiting[0]["requests"][0][k] for k in ("model", "position", "caller")], ["tiny", 1, "local"])
        equal({e["event"] for e in deaf.events} & {"stage", "queue", "house"}, set())
        assert "case_executed" in {e["event"] for e in deaf.events}
        ids = stream.ids()
        equal(ids, run_of(ids[0], ids[-1]))
        # each event of the ledger that a stage is of comes before it
        names = [(e["event"], e["data"].get("case")) for e in stream.events]
        for stage in stages:
            assert names.index(("case_opened", stage["case"])) < names.index(("stage", stage["case"])), names


@tap.test
def the_stream_of_a_token_that_is_revoked_ends():
    with Node(named=False, settings=["gateway.heartbeat_ms=100"]) as node:
        ours, stays = (Stream(node, headers=token_of(node, *words)) for words in (("mine", "api"), ("wall", "view")))
        here = Stream(node)
        subprocess.run([LOGICCTL, "--home", node.home, "token", "revoke", "mine"], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        wait_for("its end", lambda: ours.ended)
        begun = len(here.comments)
        wait_for("more beats", lambda: len(here.comments) > begun + 3)
        equal((stays.ended, here.ended), (False, False))


PUSHED = 'node("box", "192.0.2.1", "a machine").\nsense_source("box_push", "box", push, "box", 1).\n'


@tap.test
def the_house_is_told_when_a_reading_changed_it():
    with Node(named=False, site={"machines.pl": PUSHED}, settings=["gateway.house_ms=200"]) as node:
        token = dict(token_of(node, "box", "sense"), **{"Content-Type": "text/plain"})
        stream, other = Stream(node, "?with=house"), Stream(node, "?with=house")
        first = wait_for("the whole house", lambda: stream.live("house"))[0]
        equal((first["whole"], {row["node"]: row["health"] for row in first["nodes"]}["box"]), (True, "unknown"))
        equal(first["nodes"], node.get("/api/v1/nodes")[1]["nodes"])
        wait_for("the push to be taken", lambda: node.request(
            "POST", "/api/v1/senses/box_push", b"node_load1 0.5\nnode_memory_MemTotal_bytes 1000000000\n", token)[0] == 200)
        change = wait_for("the change", lambda: stream.live("house")[1:])[0]
        equal((change["whole"], [row["node"] for row in change["nodes"]]), (False, ["box"]))
        assert "vitals" not in [row for row in first["nodes"] if row["node"] == "box"][0]
        told = wait_for("its numbers", lambda: [row for event in stream.live("house") for row in event["nodes"] if "vitals" in row])[0]
        equal((told["node"], told["vitals"]), ("box", {"load": 500, "memory_mib": 953}))
        wait_for("the other to see it too", lambda: other.live("house")[1:])
        equal(stream.ids(), [])  # nothing of it is in the ledger
        late = Stream(node, "?with=house")
        whole = wait_for("the whole house", lambda: late.live("house"))[0]
        equal(whole["nodes"], node.get("/api/v1/nodes")[1]["nodes"])


@tap.test
def who_may_not_see_the_house_is_told_so_and_sees_it_when_the_rules_let_it():
    with Node(named=False, settings=["gateway.house_ms=200"]) as node:
        stranger = token_of(node, "front", "api")
        status, answer = node.get("/api/v1/nodes", headers=stranger)
        equal(status, 403)
        stream = Stream(node, "?with=house,queue,stages", headers=stranger)
        remark = wait_for("the reason", lambda: [c for c in stream.comments if c.startswith("house: ")])[0]
        equal(remark, "house: " + answer["error"]["message"])
        wait_for("the queue", lambda: stream.live("queue"))
        owner = Stream(node, "?with=house")
        wait_for("the whole house", lambda: owner.live("house"))
        equal(stream.live("house"), [])
        with open(node.home + "/site/people.pl") as f:
            people = f.read() + 'token_role("front", operator).\n'
        node.write_site("people.pl", people)
        equal(node.post("/api/v1/kb/reload", None)[0], 200)
        wait_for("the whole house", lambda: stream.live("house"))
        node.write_site("people.pl", people.replace("channel_role(loopback, operator).", ""))
        equal(node.post("/api/v1/kb/reload", None)[0], 200)
        wait_for("the reason", lambda: [c for c in owner.comments if c.startswith("house: ")])
        told = len(owner.live("house"))
        wait_for("the whole house of who still may", lambda: len(stream.live("house")) > 1)
        equal(len(owner.live("house")), told)
        looks, waits = (Stream(node, "?with=house,queue", headers=token_of(node, *words)) for words in (
            ("tablet", "view"), ("wall", "view", "queue")))
        wait_for("the queue of whoever has the scope", lambda: waits.live("queue"))
        wait_for("the reason", lambda: [c for c in looks.comments if c.startswith("queue: ") and "scope queue" in c])
        equal(looks.live("queue"), [])
        # who only looks sees the nodes as soon as a fact gives its token the role that policy.pl has for it
        equal(looks.live("house"), [])
        viewer = token_of(node, "panel", "view")
        equal(node.get("/api/v1/nodes", headers=viewer)[0], 403)
        node.write_site("people.pl", people + 'token_role("panel", viewer).\n')
        equal(node.post("/api/v1/kb/reload", None)[0], 200)
        status, seen = node.get("/api/v1/nodes", headers=viewer)
        equal((status, bool(seen["nodes"])), (200, True))
        equal(node.get("/api/v1/nodes/" + seen["nodes"][0]["node"], headers=viewer)[0], 200)
        equal(wait_for("the house", lambda: Stream(node, "?with=house", headers=viewer).live("house") or None)[0]["whole"], True)
        status, answer = node.post("/api/v1/proposals", {"action": "node_list", "params": {}}, headers=viewer)
        equal((status, answer["error"]["code"]), (403, "viewer"))
        # logicctl writes the same fact itself when told to
        made = subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", "shelf", "--scopes", "view", "--yes"], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        with open(node.home + "/site/keys.pl") as f:
            assert 'token_role("shelf", viewer).\n' in f.read(), made.stderr
        shelf = {"Authorization": "Bearer " + made.stdout.split()[0]}
        wait_for("the nodes", lambda: node.get("/api/v1/nodes", headers=shelf)[0] == 200)
        equal(Stream(node, headers=token_of(node, "chatty", "chat", "queue")).status, 403)
        equal(Stream(node, headers={"Authorization": "Bearer nobody-knows-this-token-at-all"}).status, 401)


@tap.test
def streams_go_on_over_judges_gateways_and_nodes():
    with Node(named=False) as node:
        stream = Stream(node, "?form=brief&with=house,queue", after=0)
        for role in ("judge", "judge"):
            node.propose("node_list")
            before = node.pid(role)
            os.kill(before, signal.SIGKILL)
            wait_for("another " + role, lambda: node.roles().get(role, {"pid": before})["pid"] != before)
            wait_for("the node", lambda: node.get("/readyz")[0] == 200)
        node.propose("node_list")
        stream.until(size(node))
        equal(stream.ids(), run_of(1, stream.last()))
        wait_for("the house under the rules of the new judge", lambda: len([h for h in stream.live("house") if h["whole"]]) >= 2)
        before = node.pid("gateway")
        os.kill(before, signal.SIGKILL)
        wait_for("its end", lambda: stream.ended)
        wait_for("another gateway", lambda: node.roles().get("gateway", {"pid": before})["pid"] != before)
        node.wait_ready()
        node.propose("node_list")
        again = Stream(node, "?form=brief&with=house,queue", after=stream.last())
        again.until(size(node))
        equal(again.ids(), run_of(stream.last() + 1, again.last()))
        node.stop()
        wait_for("its end", lambda: again.ended)
        node.start()
        node.propose("node_list")
        third = Stream(node, "?form=brief&with=house,queue", after=again.last())
        third.until(size(node))
        equal(third.ids(), run_of(again.last() + 1, third.last()))


@tap.test
def fifty_who_do_not_read_harm_nobody():
    slow = []
    with Node(named=False, settings=["gateway.stream_behind_bytes_max=65536", "gateway.write_ms=2000"]) as node:
        for _ in range(50):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", node.port))
            one.sendall(b"GET /api/v1/events?after=0&with=house,queue,stages HTTP/1.1\r\nHost: localhost\r\n\r\n")
            slow.append(one)
        wait_for("all of them", lambda: node.get("/metrics")[1].decode().count("logic_sse_clients 50\n") == 1)
        stream, memory = Stream(node, "?form=brief", after=0), rss_kb(node.pid("gateway"))
        begun, count = time.monotonic(), 0
        while "logic_sse_clients 1\n" not in node.get("/metrics")[1].decode():
            assert time.monotonic() - begun < 100, "who reads nothing is still there after %d questions" % count
            begin = time.monotonic()
            equal(node.propose("node_list")[1]["status"], "success")
            assert time.monotonic() - begin < 5, "a question took long while others do not read"
            count += 1
        grown = rss_kb(node.pid("gateway")) - memory
        assert grown < 50 * 64 + 16384, "%d KiB more" % grown
        stream.until(size(node))
        equal(stream.ids(), run_of(1, stream.last()))
        for one in slow:
            one.close()


def rss_kb(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


@tap.test
def streams_have_limits_that_answer():
    with Node(named=False, settings=["gateway.subscribers_max=2", "gateway.stream_gather_bytes_max=1024"]) as node:
        one, two = Stream(node, "?form=brief&with=house"), Stream(node, "?form=full")
        status, answer = node.get("/api/v1/events?form=brief&with=house")
        equal((status, answer["error"]["code"]), (503, "too_many_streams"))
        for query, param in (("form=tiny", "form"), ("with=everything", "with"), ("after=x", "after")):
            status, answer = node.get("/api/v1/events?" + query)
            equal((status, answer["error"]["code"], answer["error"]["param"]), (400, "bad_value", param))
        for _ in range(10):
            node.propose("node_list")
        last = size(node)
        for stream in (one, two):
            stream.until(last)
            equal(stream.ids(), run_of(stream.ids()[0], last))
        one.close()
        wait_for("its place to be free", lambda: node.get("/metrics")[1].decode().count("logic_sse_clients 1\n") == 1)
        equal(Stream(node, "?with=queue").status, 200)


if __name__ == "__main__":
    tap.run()

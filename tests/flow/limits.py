# SPDX-License-Identifier: Apache-2.0
"""Invariant 9: every size, time, count and queue has a limit, and beyond it an answer that says so;
slow senders and thousands of sockets hold nobody up."""
import contextlib
import os
import resource
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from bad import (codes, everything, head, parallel, parallel_while_halted, refused,  # noqa: E402
                 untouched)
from node import Node, Tap, equal, free_port, wait_for  # noqa: E402

tap = Tap()
ADD = {"name": "new.local", "type": "A", "value": "10.0.0.1", "ttl": 60}


# --- slow and many clients


@tap.test
def slow_senders_get_408_and_hold_nobody_up():
    fast = ["gateway.head_ms=300", "gateway.body_ms=300", "gateway.linger_ms=200"]
    slow = {"head": b"POST /api/v1/intent HTTP/1.1\r\nHost:",
            "body": head("/api/v1/intent", b"Content-Length: 40\r\n") + b'{"nl":'}
    with Node(settings=fast) as node, untouched(node):
        for what, start in slow.items():
            clients = [socket.create_connection(("127.0.0.1", node.port), timeout=20)
                       for _ in range(50)]
            for client in clients:
                client.sendall(start)
            equal(node.intent("list the nodes", parse_only=True)["status"], "success")
            drip = clients[0]
            with contextlib.suppress(OSError):
                for _ in range(8):  # a byte now and then buys no time
                    drip.sendall(b"a")
                    time.sleep(0.1)
            for client in clients:
                got = everything(client)
                assert b" 408 " in got or (client is drip and got == b""), (what, got)
                client.close()


@tap.test
def ten_thousand_open_sockets_leave_others_served():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10000, hard - 200)
    starts = (b"", b"G", b"POST /api/v1/intent HTTP/1.1\r\nHost: localhost\r\n")
    clients = []
    try:
        with Node(settings=["gateway.head_ms=600000", "gateway.idle_ms=600000"]) as node, \
                untouched(node):
            before = memory_kib(node, "gateway")
            for number in range(count):
                client = socket.create_connection(("127.0.0.1", node.port), timeout=20)
                client.sendall(starts[number % len(starts)])
                clients.append(client)
            wait_for("all sockets to be taken", lambda: open_files(node, "gateway") > count)
            for _ in range(20):
                equal(node.intent("list the nodes", parse_only=True)["status"], "success")
            grown = (memory_kib(node, "gateway") - before) // 1024
            print("# %d sockets, the gateway grew by %d MiB" % (count, grown))
            assert grown <= 16 + count * 8 // 1024, "%d MiB for %d sockets" % (grown, count)
            for client in clients:
                client.close()
            wait_for("the sockets to be closed", lambda: open_files(node, "gateway") < 100)
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory_kib(node, role):
    for line in open("/proc/%d/status" % node.pid(role)):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def open_files(node, role):
    return len(os.listdir("/proc/%d/fd" % node.pid(role)))


# --- invariant 9


@tap.test
def invariant_9_sizes_of_a_request_have_limits_that_answer():
    rows = [({"name": "a" * 254 + ".local"}, "bad_name", "name"),
            ({"ttl": 604801}, "bad_value", "ttl"), ({"ttl": -1}, "bad_value", "ttl"),
            ({"value": "x" * 5000}, "too_long", "value"),
            ({"name": "x" * 65536}, "too_long", "name")]
    with Node(settings=["gateway.head_bytes_max=1024"]) as node, untouched(node):
        for wrong, code, param in rows:
            answer = node.propose("dns_record_add", **dict(ADD, **wrong))
            refused(answer, 400, code, param)
        many = {"v%d" % n: "x" for n in range(33)}
        answer = node.propose("playbook_run", playbook="a.yml", variables=many)
        assert "32 are the most" in refused(answer, 400, "bad_value", "variables"), answer
        answer = node.post("/api/v1/intent", {"nl": "a" * 2001})
        message = refused(answer, 400, "out_of_range", "nl")
        assert "2000" in message, message
        refused(node.get("/api/v1/cases", headers={"X-Long": "a" * 2000}), 431, "head_too_long")
        for path in ("/api/v1/cases?limit=201", "/api/v1/cases?limit=0",
                     "/api/v1/ledger?limit=501"):
            equal((path, node.get(path)[1]["error"]["param"]), (path, "limit"))


@tap.test
def invariant_9_changes_in_a_sentence_and_open_cases_are_limited():
    settings = ["judge.changes_in_sentence_max=2", "judge.open_cases_max=2"]
    with Node(settings=settings) as node:
        three = "add a.local to 10.0.0.1 and b.local to 10.0.0.2 and c.local to 10.0.0.3"
        refused(node.post("/api/v1/intent", {"nl": three}), 429, "too_many_changes", "nl")
        equal(node.named.dig("a.local"), [])
        for name in ("a", "b"):
            node.intent("add %s.local to 10.0.0.1" % name)
        cases = [node.intent("delete %s.local" % name)["case"] for name in ("a", "b")]
        answer = node.post("/api/v1/intent", {"nl": "list the nodes"})
        message = refused(answer, 429, "too_many_cases")
        assert "2 cases" in message, message
        equal(node.consent(cases[0])[1]["status"], "success")  # closing one makes room
        equal(node.intent("list the nodes")["status"], "success")


@tap.test
def invariant_9_consents_that_wait_are_limited():
    with Node(settings=["judge.consents_waiting_max=1"]) as node:
        node.intent("add a.local to 10.0.0.1")
        case = node.intent("delete a.local")["case"]
        plan = node.plan(case)
        # the first signature waits for its record
        answers = parallel_while_halted(node, "ledger", 8, lambda _: node.consent(case, plan=plan))
        assert "too_many_waiting" in codes(answers), answers
        equal(len([1 for status, _ in answers if status == 200]), 1)
        equal([e["kind"] for e in node.entries()].count("case_executed"), 2)


@tap.test
def invariant_9_requests_and_questions_in_flight_are_limited():
    with Node(settings=["gateway.in_flight_max=4"]) as node:
        answers = parallel_while_halted(node, "judge", 12, lambda _: node.get("/api/v1/cases"))
        equal(codes(answers), ["busy"] * 8)
        equal(node.intent("list the nodes")["status"], "success")
    with Node(settings=["judge.workers=1", "judge.questions_max=4"]) as node:
        answers = parallel_while_halted(
            node, "judge", 24, lambda n: node.post("/api/v1/intent", {"nl": "sentence %d" % n}))
        wrong = codes(answers)
        assert wrong and len(wrong) < 24, answers
        assert all(status in (200, 429, 503) for status, _ in answers), answers
        equal(node.intent("list the nodes")["status"], "success")


@tap.test
def invariant_9_streams_and_connections_are_limited():
    settings = ["gateway.subscribers_max=1", "gateway.connections_max=8"]
    with Node(settings=settings) as node:
        first = node.connect()
        first.request("GET", "/api/v1/events", headers={"Accept": "text/event-stream"})
        equal(first.getresponse().status, 200)
        refused(node.get("/api/v1/events"), 503, "too_many_streams")
        held = [socket.create_connection(("127.0.0.1", node.port), timeout=20) for _ in range(12)]
        told = 0
        for client in held[7:]:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            told += b" 503 " in client.recv(4096)
        assert told >= 4, told
        for client in held:
            client.close()
        wait_for("room again", lambda: node.get("/healthz")[0] == 200)
        first.close()
        wait_for("a free stream", lambda: open_stream(node) == 200)


def open_stream(node):
    connection = node.connect()
    connection.request("GET", "/api/v1/events")
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@tap.test
def invariant_9_jobs_of_hands_are_limited():
    settings = ["actuator.jobs_at_once=1", "actuator.jobs_waiting_max=1",
                "actuator.dns_reply_ms=1500"]
    port = free_port()
    with Node(settings=settings, start=False) as node, socket.create_server(("127.0.0.1", port)):
        path = os.path.join(node.home, "site/house.pl")
        text = open(path).read().replace(", %d," % node.named.port, ", %d," % port)
        node.write_site("house.pl", text)  # a name server that accepts and says nothing
        node.start()
        answers = parallel(4, lambda n: node.propose("dns_lookup", name="a%d.local" % n))
        texts = [answer["text"] for _, answer in answers]
        equal({answer["status"] for _, answer in answers}, {"failed"})
        wrong = sorted(answer["error"]["code"] for _, answer in answers)
        equal(wrong.count("silent"), 2)
        assert len(set(wrong)) == 2, (wrong, texts)


if __name__ == "__main__":
    tap.run()

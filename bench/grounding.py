# SPDX-License-Identifier: Apache-2.0
"""What facts before a prompt cost: sequential chats with and without "grounding" through the same node with 10,000 readings of 200
nodes, the upstream is nginx with a fixed answer. Added is the difference of the medians, and of the 99th percentiles."""
import contextlib
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

from bench import figure
from inference import ANSWER, UPSTREAM, nginx, process, ready, site
from node import LOGICCTL, Node, free_port, wait_for

NODES, PARTS, CHATS, ROUNDS = 200, 16, 400, 5
QUESTIONS = ["how hot is node machine%d?", "which nodes are at risk of thermal throttling?", "is node machine%d healthy?",
             "how full are the disks of machine%d and node zeus?"]


def house(upstream):
    facts = dict(site(upstream))
    rows = ['node("machine%d", "10.0.%d.%d", "a machine").\nsense_source("s%d", "machine%d", push, "bench", 10).' % (
        i, i // 200, i % 200 + 1, i, i) for i in range(NODES)]
    facts["bench_nodes.pl"] = "\n".join(rows) + "\n"
    return facts


def text_of(machine):
    lines = ["node_load1 %d.5" % (machine % 7), "node_memory_MemTotal_bytes 16e9", "node_memory_MemAvailable_bytes 9e9"]
    for part in range(PARTS):
        label = 'device="/dev/sd%c",fstype="ext4",mountpoint="/data%d"' % (97 + part, part)
        lines += ["node_filesystem_size_bytes{%s} 1e12" % label, "node_filesystem_avail_bytes{%s} 4e11" % label,
                  'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp%d"} %d' % (part, 40 + part)]
    return "\n".join(lines) + "\n"


def tell(node, token):
    for machine in range(NODES):
        status, body = node.request("POST", "/api/v1/senses/s%d" % machine, text_of(machine).encode(), {
            "Authorization": "Bearer " + token, "Content-Type": "text/plain"})[:2]
        assert status in (200, 202), (status, body)


def token_of(node):
    made = subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", "bench", "--scopes", "chat,models,api,sense"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert made.returncode == 0, made.stderr
    token = made.stdout.split()[0]
    wait_for("the token to count", lambda: [node.get("/v1/models", headers={"Authorization": "Bearer " + t})[0]
                                            for t in (token, "x" * 40)] == [200, 401])
    return token


def chat(connection, token, question, grounding):
    body = {"model": "fake", "messages": [{"role": "user", "content": question}]}
    if grounding:
        body["grounding"] = True
    began = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": "Bearer " + token})
    answer = connection.getresponse()
    raw = answer.read()
    spent = (time.perf_counter() - began) * 1000
    assert answer.status == 200 and (not grounding or json.loads(raw)["grounding"]["facts"]), raw
    return spent


def chats(node, token, count):
    """ms of plain and of grounded chats, one after the other, so that both meet the same machine."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
    plain, grounded = [], []
    for i in range(count):
        question = QUESTIONS[i % len(QUESTIONS)]
        question = question % (i % NODES) if "%d" in question else question
        plain.append(chat(connection, token, question, False))
        grounded.append(chat(connection, token, question, True))
    return sorted(plain), sorted(grounded)


def main():
    folder, upstream = tempfile.mkdtemp(prefix="ln-bench-"), free_port()
    p50, p99 = [], []
    try:
        with contextlib.ExitStack() as stack:
            answer = UPSTREAM % {"port": upstream, "answer": json.dumps(ANSWER)}
            stack.enter_context(process(nginx(folder, "upstream", answer), upstream))
            node = stack.enter_context(Node(named=False, site=house(upstream)))
            ready(node)
            token = token_of(node)
            tell(node, token)
            time.sleep(2)
            chats(node, token, 50)
            for _ in range(ROUNDS):
                plain, grounded = chats(node, token, CHATS)
                p50.append(grounded[CHATS // 2] - plain[CHATS // 2])
                p99.append(grounded[int(CHATS * 0.99)] - plain[int(CHATS * 0.99)])
            print("# %d series of %d nodes" % (sum(s["series"] for s in node.get("/api/v1/sources")[1]["sources"]), NODES))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.environ.pop("BENCH_TOKEN", None)
    figure("grounding_added_p50", p50, "ms")
    figure("grounding_added_p99", p99, "ms", target=5)

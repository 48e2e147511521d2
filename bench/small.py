# SPDX-License-Identifier: Apache-2.0
"""Kept small: from start to /readyz with the rules' version already there and on a first start,
memory of all roles, CPU while nobody asks anything."""
import http.client
import os
import shutil
import tempfile
import time

from bench import cpu_ns, figure, memory_kb, role_pids
from node import Node

STARTS = 7
IDLE_S = int(os.environ.get("BENCH_IDLE_S", "60"))
SETTLE_S = 3


def ready_ms(node):
    """From exec to the first 200."""
    start = time.perf_counter()
    node.start(wait=False)
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return (time.perf_counter() - start) * 1000
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.002)


def first_start_ms():
    home = tempfile.mkdtemp(prefix="ln-bench-")
    try:
        with Node(named=False, home=home, start=False) as node:
            return ready_ms(node)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def idle(node):
    node.intent("delete the zone home.arpa")
    node.post("/api/v1/query", {"query": "zone_of", "args": {"name": "nas.home.arpa"}})
    time.sleep(SETTLE_S)
    roles = role_pids(node)
    memory = {name: memory_kb(pid) for name, pid in roles.items()}
    before = {name: cpu_ns([pid]) for name, pid in roles.items()}
    time.sleep(IDLE_S)
    used = {name: (cpu_ns([pid]) - before[name]) / IDLE_S / 1e7 for name, pid in roles.items()}
    for name in roles:
        print("# %-10s rss %5.1f MB, pss %5.1f MB, %.4f %% of a core" % (
            name, memory[name][0] / 1024, memory[name][1] / 1024, used[name]))
    figure("idle_rss", [sum(m[0] for m in memory.values()) / 1024], "MB", target=80)
    figure("idle_pss", [sum(m[1] for m in memory.values()) / 1024], "MB")
    figure("idle_cpu", [sum(used.values())], "%_of_a_core", target=0.3)


def main():
    first_start_ms()  # the page cache is warm from here on
    first = [first_start_ms() for _ in range(STARTS)]
    later = []
    with Node(named=False) as node:
        for _ in range(STARTS):
            node.stop()
            later.append(ready_ms(node))
        figure("cold_start", later, "ms", target=400)
        figure("first_start", first, "ms", target=400)
        idle(node)

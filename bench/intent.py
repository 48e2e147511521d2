# SPDX-License-Identifier: Apache-2.0
"""POST /api/v1/intent by grammar to its recorded verdict: a denial, so nothing but sentence, rules
and durable record is in it; one after the other (p50, against one durable SQLite insert on the same
disk) and 16 connections (group commit). Then a record that is really added to BIND 9: look, plan,
warrant, update, each step durable before the next."""
import http.client
import json
import os
import sqlite3
import statistics
import time

from bench import figure, loaded, node_pids
from node import Node

ROUNDS, SECONDS = 5, 3
DENIED = {"nl": "delete the zone home.arpa"}
ADDED_A_ROUND = 40


def sqlite_p50_ms(folder, count=200):
    """One row, one durable commit, with the ledger's own pragmas."""
    path = os.path.join(folder, "peer.db")
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE IF NOT EXISTS entry(line TEXT)")
    times = []
    for i in range(count):
        start = time.perf_counter()
        database.execute("INSERT INTO entry VALUES (?)", (json.dumps(DENIED) * 20 + str(i),))
        times.append((time.perf_counter() - start) * 1000)
    database.close()
    for tail in ("", "-wal", "-shm"):
        if os.path.exists(path + tail):
            os.unlink(path + tail)
    return statistics.median(times)


def added_p50_ms(node, start):
    connection = http.client.HTTPConnection("127.0.0.1", node.port)
    times = []
    for i in range(start, start + ADDED_A_ROUND):
        name, address = "bench%d.home.arpa" % i, "10.9.%d.%d" % (i // 250, i % 250 + 1)
        body = json.dumps({"nl": "add A record %s to %s" % (name, address)})
        begun = time.perf_counter()
        connection.request("POST", "/api/v1/intent", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        times.append((time.perf_counter() - begun) * 1000)
        assert answer["status"] == "success", answer
    return statistics.median(times)


def main():
    with Node() as node:
        url, pids = "http://127.0.0.1:%d/api/v1/intent" % node.port, node_pids(node)
        answer = node.intent(DENIED["nl"])
        assert answer["status"] == "denied" and answer["case"], answer
        loaded(url, pids, [DENIED], 16, 1)
        p50, bare, rate, cpu, added = [], [], [], [], []
        for i in range(ROUNDS):
            p50.append(loaded(url, pids, [DENIED], 1, SECONDS)[2] / 1000)
            bare.append(sqlite_p50_ms(os.path.join(node.home, "ledger")))
            found = loaded(url, pids, [DENIED], 16, SECONDS)
            rate.append(found[0])
            cpu.append(found[1])
            added.append(added_p50_ms(node, i * ADDED_A_ROUND))
    figure("intent_p50", p50, "ms", peers=bare, target=3)
    figure("intent_rate_16", rate, "req/s", target=1500, better="higher")
    figure("intent_cpu_16", cpu, "us_cpu/req")
    figure("intent_added_p50", added, "ms")

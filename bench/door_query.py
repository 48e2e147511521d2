# SPDX-License-Identifier: Apache-2.0
"""A question to the rules over HTTP: requests a second and CPU of all processes a request, 16 kept
connections, against SWI-Prolog's thread_httpd + http_json on the same rule (2 and 16 workers; the
better of both counts)."""
import contextlib
import os
import subprocess

from bench import HERE, ROOT, figure, loaded, node_pids, wait_port
from node import Node, free_port

ROUNDS, SECONDS, CONNECTIONS = 5, 3, 16
QUESTION = {"query": "zone_of", "args": {"name": "nas.home.arpa"}}
ANSWER = {"answers": ["home.arpa"]}


@contextlib.contextmanager
def peer(site, workers):
    port = free_port()
    process = subprocess.Popen(
        ["swipl", "-O", "-q", "-f", "none", "-F", "none",
         os.path.join(HERE, "peer/thread_httpd.pl"), "--", os.path.join(ROOT, "kb"), site,
         str(port), str(workers)], stdin=subprocess.DEVNULL)
    try:
        wait_port(port)
        yield port, [process.pid]
    finally:
        process.kill()
        process.wait()


def check(port):
    import http.client
    import json
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/api/v1/query", json.dumps(QUESTION),
                       {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    assert answer == ANSWER, answer
    connection.close()


def main():
    with Node(named=False) as node:
        site = os.path.join(node.home, "site")
        with peer(site, 2) as two, peer(site, 16) as sixteen:
            servers = {"ours": (node.port, node_pids(node)), "two": two, "sixteen": sixteen}
            rates, cpus = {name: [] for name in servers}, {name: [] for name in servers}
            for name, (port, pids) in servers.items():
                check(port)
                loaded(url(port), pids, [QUESTION], CONNECTIONS, 1)
            for _ in range(ROUNDS):
                for name, (port, pids) in servers.items():
                    rate, cpu, _p50 = loaded(url(port), pids, [QUESTION], CONNECTIONS, SECONDS)
                    rates[name].append(rate)
                    cpus[name].append(cpu)
    best = [max(pair) for pair in zip(rates["two"], rates["sixteen"])]
    least = [min(pair) for pair in zip(cpus["two"], cpus["sixteen"])]
    figure("door_query_rate", rates["ours"], "req/s", peers=best, target=8, of="ratio",
           better="higher")
    figure("door_query_cpu", cpus["ours"], "us_cpu/req", peers=least, target=15, of="ratio")


def url(port):
    return "http://127.0.0.1:%d/api/v1/query" % port

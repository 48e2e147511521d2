# SPDX-License-Identifier: Apache-2.0
"""A house that has been lived in: many machines that tell of themselves, thousands of cases. For tests and benchmarks of the page.

    with PageNode(named=False, site=machines(200)) as node:
        tell(node, 200, push_token(node)); fill_cases(node, 5000)
"""
import http.client
import json
import subprocess
import threading

from node import LOGICCTL, wait_for

ROLES = ("server", "desktop", "storage", "worker", "client")
SENTENCES = ("list all nodes", "which nodes are at risk of thermal throttling?", "is node machine1 healthy?", "list all alerts")


def machines(count, words="a machine"):
    """Site facts: each pushes its own numbers with a token of the name `house`."""
    rows = ['node("machine%d", "10.0.%d.%d", "%s").\nnode_role("machine%d", %s).\nnode_power("machine%d", %d, %d).\n'
            'sense_source("s%d", "machine%d", push, "house", 10).' % (
                i, i // 200, i % 200 + 1, words, i, ROLES[i % len(ROLES)], i, 20 + i % 60, 150 + i % 300, i, i) for i in range(count)]
    return {"machines.pl": "\n".join(rows) + "\n"}


def numbers(machine, hot=0):
    load = machine % 7
    lines = ["node_load1 %d.5" % load, "node_memory_MemTotal_bytes 16e9", "node_memory_MemAvailable_bytes %de9" % (3 + machine % 10),
             'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} %d' % (40 + machine % 30 + hot),
             'node_filesystem_size_bytes{device="/dev/sda",fstype="ext4",mountpoint="/"} 1e12',
             'node_filesystem_avail_bytes{device="/dev/sda",fstype="ext4",mountpoint="/"} %de11' % (1 + machine % 8)]
    return "\n".join(lines) + "\n"


def push_token(node, name="house"):
    made = subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", name, "--scopes", "sense"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout.split()[0]


def tell(node, machine, token, text=None):
    status, body = node.request("POST", "/api/v1/senses/s%d" % machine, (text or numbers(machine)).encode(),
                                {"Authorization": "Bearer " + token, "Content-Type": "text/plain"})
    return status, body


def tell_all(node, count, token, hot=0):
    for machine in range(count):
        wait_for("a push to be taken", lambda machine=machine: tell(node, machine, token, numbers(machine, hot))[0] in (200, 202, 429))


def fill_cases(node, count, sentences=SENTENCES, at_once=4):
    """Cases that are done: each makes three entries of the ledger."""
    left, lock, wrong = [count], threading.Lock(), []

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        while not wrong:
            with lock:
                if not left[0]:
                    return
                left[0] -= 1
                number = left[0]
            connection.request("POST", "/api/v1/intent", json.dumps({"nl": sentences[number % len(sentences)]}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            raw = answer.read()
            if answer.status not in (200, 503):
                wrong.append((answer.status, raw[:200]))
    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong

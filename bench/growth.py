# SPDX-License-Identifier: Apache-2.0
"""Memory of each role after 100,000 requests and after 1,000,000 more: questions, sentences that
are only parsed, and every tenth a sentence whose denial is recorded. Caches fill in the first part;
what grows in the second is a leak. Long: some minutes."""
import time

from bench import figure, memory_kb, role_pids, wrk
from node import Node

WARM, MORE = 100_000, 1_000_000
GROWTH_PERCENT_MAX = 5
ZONE_OF = '/api/v1/query {"query":"zone_of","args":{"name":"nas%d.home.arpa"}}'
BODIES = [ZONE_OF % i for i in range(6)] + [
    '/api/v1/query {"query":"no_such"}',
    '/api/v1/query {"query":"may","args":{"principal":"loopback","action":"dns_record_add",'
    '"params":{"name":"x.home.arpa","type":"A","value":"10.0.0.5"}}}',
    '/api/v1/intent {"nl":"what is the address of nas.home.arpa","parse_only":true}',
    '/api/v1/intent {"nl":"delete the zone home.arpa"}']


def ask(node, count):
    done = 0
    while done < count:
        done += wrk("http://127.0.0.1:%d" % node.port, BODIES, 16, 10, may_refuse=True)["requests"]
    return done


def memory(node):
    time.sleep(2)
    return {name: memory_kb(pid)[0] for name, pid in role_pids(node).items()}


def main():
    with Node(named=False) as node:
        pids = node.roles()
        warm = ask(node, WARM)
        before = memory(node)
        more = ask(node, MORE)
        after = memory(node)
        assert node.roles() == pids, "a role was restarted"
    for name in before:
        print("# %-10s after %d requests %.1f MB, after %d more %.1f MB" % (
            name, warm, before[name] / 1024, more, after[name] / 1024))
    total = sum(before.values()), sum(after.values())
    figure("growth_1m", [100.0 * (total[1] - total[0]) / total[0]], "%", target=GROWTH_PERCENT_MAX)

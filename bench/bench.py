# SPDX-License-Identifier: Apache-2.0
"""What every benchmark needs: a node of its own, CPU of processes, wrk, and the line of a figure.

    bench = Bench(rounds)
    bench.figure("door_query_rate", ours, "req/s", peer=theirs, target=8, better="higher")

A figure is the median of its rounds; ours and the peer's rounds take turns, so both meet the same
machine. Python's standard library only.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tests/harness"))

short = []  # names of figures that miss their target


def figure(name, values, unit, peers=None, target=None, of="value", better="lower"):
    """Print one line. `target` bounds the median, or the ratio to the peer (of="ratio")."""
    value = statistics.median(values)
    parts = ["figure: %s value=%s unit=%s" % (name, number(value), unit)]
    ratio = None
    if peers:
        peer = statistics.median(peers)
        ratio = value / peer if better == "higher" else peer / value
        parts.append("peer=%s ratio=%s" % (number(peer), number(ratio)))
    if target is not None:
        judged = ratio if of == "ratio" else value
        good = judged >= target if of == "ratio" or better == "higher" else judged <= target
        parts.append("target=%s%s" % (number(target), "x" if of == "ratio" else ""))
        parts.append("ok" if good else "short")
        if not good:
            short.append(name)
    least, most = number(min(values)), number(max(values))
    parts.append("# median of %d, %s … %s" % (len(values), least, most))
    print(" ".join(parts), flush=True)


def number(value):
    return "%.0f" % value if abs(value) >= 1000 else "%.4g" % value


def cpu_ns(pids):
    """CPU that these processes have used, all threads, by the scheduler's own account."""
    total = 0
    for pid in pids:
        for thread in os.listdir("/proc/%d/task" % pid):
            try:
                total += int(open("/proc/%d/task/%s/schedstat" % (pid, thread)).read().split()[0])
            except FileNotFoundError:
                pass  # a thread that ended meanwhile
    return total


def memory_kb(pid):
    """(RSS, PSS)"""
    found = {}
    for line in open("/proc/%d/smaps_rollup" % pid):
        words = line.split()
        if words[0] in ("Rss:", "Pss:"):
            found[words[0]] = int(words[1])
    return found["Rss:"], found["Pss:"]


def role_pids(node):
    pids = {name: role["pid"] for name, role in node.roles().items()}
    return {"supervisor": node.process.pid, **pids}


def node_pids(node):
    return list(role_pids(node).values())


def wrk(url, bodies, connections, seconds, threads=1, may_refuse=False):
    """Load with POSTs, `bodies` in turn, connections kept. The dict of bench/post.lua."""
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("\n".join(body if isinstance(body, str) else json.dumps(body) for body in bodies))
        f.flush()
        out = subprocess.run(
            ["wrk", "-t%d" % threads, "-c%d" % connections, "-d%ds" % seconds, "--timeout", "30s",
             "-s", os.path.join(HERE, "post.lua"), url],
            env=dict(os.environ, BENCH_BODIES=f.name), check=True, stdout=subprocess.PIPE,
            text=True).stdout
    result = json.loads(out[out.index("{"):])
    if result["failed"] or not result["requests"] or (result["refused"] and not may_refuse):
        raise SystemExit("wrk: %s" % result)
    return result


def loaded(url, pids, bodies, connections, seconds, **more):
    """(requests a second, CPU in us a request, p50 in us)"""
    before = cpu_ns(pids)
    result = wrk(url, bodies, connections, seconds, **more)
    used_us = (cpu_ns(pids) - before) / 1000
    return result["requests"] / result["seconds"], used_us / result["requests"], result["p50_us"]


def wait_port(port, patience_s=30):
    import socket
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("nobody listens on port %d" % port)

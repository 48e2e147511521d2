# SPDX-License-Identifier: Apache-2.0
"""What a stream costs through the gateway: CPU a token against nginx that only proxies the same (100 streams, a token each 5 ms),
resident memory of a held stream (64
of 2,000 are with the engine, the others wait with signs of life) and of an idle listener of the event stream."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time

from bench import cpu_ns, figure, memory_kb, node_pids, role_pids
from inference import PROXY, nginx, process, ready, site, token_of
from node import Node, free_port

ROUNDS, STREAMS, HELD, IDLE = 5, 100, 2000, 10000
LOAD = os.path.join(os.environ.get("BENCH_BUILD", ""), "bench/sse_load")


def load(port, header):
    out = subprocess.run([LOAD, "load", str(port), str(STREAMS), header], check=True, stdout=subprocess.PIPE, text=True).stdout
    result = json.loads(out)
    assert result["bad"] == 0 and result["tokens"] == STREAMS * 200, result
    return result


@contextlib.contextmanager
def held(mode, port, count, more):
    child = subprocess.Popen([LOAD, mode, str(port), str(count), more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "held\n", "not all streams were opened"
        yield
    finally:
        child.stdin.close()
        child.wait()


def memory_of(node, mode, count, more):
    pid = role_pids(node)["gateway"]
    before = memory_kb(pid)[0]
    with held(mode, node.port, count, more):
        time.sleep(0.5)
        return (memory_kb(pid)[0] - before) / count


def main():
    folder = tempfile.mkdtemp(prefix="ln-bench-")
    upstream, by_nginx = free_port(), free_port()
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(process([LOAD, "serve", str(upstream)], upstream))
            unbuffered = PROXY.replace("proxy_http_version", "proxy_buffering off; proxy_http_version")
            proxy = unbuffered % {"port": by_nginx, "upstream": upstream}
            peer = stack.enter_context(process(nginx(folder, "proxy", proxy), by_nginx))
            node = stack.enter_context(Node(named=False, site=site(upstream), settings=[
                "gateway.grace_ms=500", "gateway.caller_waiting_max=60000", "gateway.waiting_max=60000", "gateway.running_max=20000",
                "gateway.caller_running_max=60000", "gateway.subscribers_max=20000", "gateway.upstream_connections_max=20000"]))
            ready(node)
            header = "Authorization: Bearer " + token_of(node)
            measure(node, (by_nginx, peer), header)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(node, peer, header):
    # first those that need the least: what others leave behind would be used again
    idle = memory_of(node, "idle", IDLE, "/api/v1/events")
    figure("idle_listener_memory", [idle], "KiB", target=2)
    figure("held_stream_memory", [memory_of(node, "hold", HELD, header) + idle * IDLE / HELD], "KiB", target=8)
    servers = {"nginx": peer, "ours": (node.port, node_pids(node))}
    cpus, gaps = {n: [] for n in servers}, {n: [] for n in servers}
    for _ in range(ROUNDS):
        for name, (port, pids) in servers.items():
            before = cpu_ns(pids)
            result = load(port, header)
            cpus[name].append((cpu_ns(pids) - before) / 1000 / result["tokens"])
            gaps[name].append(result["gap_us_p99"])
    figure("stream_cpu_token", cpus["ours"], "us_cpu/token", peers=cpus["nginx"], target=1.0, of="ratio")
    figure("stream_gap_p99", gaps["ours"], "us", peers=gaps["nginx"])

# SPDX-License-Identifier: Apache-2.0
"""The floor of the gateway: net_proxy_bench (http_server and upstream, nothing between) against nginx and haproxy, all proxying the
same upstream in the same rounds: CPU a request with 1 KB both ways through 64 connections, CPU a token with 100 streams, memory of
a held stream. What bench/inference.py and bench/streams.py measure above this is ours to save."""
import contextlib
import json
import os
import shutil
import tempfile
import time

from bench import cpu_ns, figure, loaded, memory_kb
from inference import ANSWER, HAPROXY, PROMPT, PROXY, UPSTREAM, nginx, process, url, written
from node import free_port
from streams import held, load

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECONDS, CONNECTIONS, STREAM_ROUNDS, HELD = 2, 64, 5, 1000
OURS = os.path.join(os.environ.get("BENCH_BUILD", ""), "src/4_port/net/net_proxy_bench")


@contextlib.contextmanager
def proxies(folder, upstream, more=""):
    """name -> (port, pids), all before the same upstream."""
    ports = {name: free_port() for name in ("nginx", "haproxy", "ours")}
    proxy = PROXY.replace("proxy_http_version", more + " proxy_http_version") % {"port": ports["nginx"], "upstream": upstream}
    # without http-no-delay haproxy holds small pieces of a stream back for up to 0.1 s, which is cheap and not what we compare
    prompt = HAPROXY.replace("http-reuse", "option http-no-delay\n http-reuse")
    haproxy = written(folder, "haproxy%d.cfg" % upstream, prompt % {"port": ports["haproxy"], "upstream": upstream})
    commands = {"nginx": nginx(folder, "proxy%d" % upstream, proxy), "haproxy": ["haproxy", "-db", "-f", haproxy],
                "ours": [OURS, str(ports["ours"]), "http://127.0.0.1:%d" % upstream]}
    with contextlib.ExitStack() as stack:
        yield {name: (ports[name], stack.enter_context(process(commands[name], ports[name]))) for name in ports}


def requests(servers):
    rates, cpus = {n: [] for n in servers}, {n: [] for n in servers}
    for port, pids in servers.values():
        loaded(url(port), pids, [PROMPT], CONNECTIONS, 1)
    for _ in range(ROUNDS):
        for name, (port, pids) in servers.items():
            rate, cpu, _ = loaded(url(port), pids, [PROMPT], CONNECTIONS, SECONDS)
            rates[name].append(rate)
            cpus[name].append(cpu)
    figure("floor_rate", rates["ours"], "req/s", peers=rates["nginx"], better="higher")
    figure("floor_cpu_nginx", cpus["ours"], "us_cpu/req", peers=cpus["nginx"], target=1.0, of="ratio")
    figure("floor_cpu_haproxy", cpus["ours"], "us_cpu/req", peers=cpus["haproxy"], target=1.0, of="ratio")


def tokens(servers):
    cpus, gaps = {n: [] for n in servers}, {n: [] for n in servers}
    for _ in range(STREAM_ROUNDS):
        for name, (port, pids) in servers.items():
            before = cpu_ns(pids)
            result = load(port, "X-Bench: 1")
            cpus[name].append((cpu_ns(pids) - before) / 1000 / result["tokens"])
            gaps[name].append(result["gap_us_p99"])
    figure("floor_cpu_token_nginx", cpus["ours"], "us_cpu/token", peers=cpus["nginx"], target=1.0, of="ratio")
    figure("floor_cpu_token_haproxy", cpus["ours"], "us_cpu/token", peers=cpus["haproxy"], target=1.0, of="ratio")
    figure("floor_gap_p99", gaps["ours"], "us", peers=gaps["nginx"])


def memory(servers):
    each = {}
    for name, (port, pids) in servers.items():
        before = sum(memory_kb(pid)[0] for pid in pids)
        with held("hold", port, HELD, "X-Bench: 1"):
            time.sleep(0.3)
            each[name] = (sum(memory_kb(pid)[0] for pid in pids) - before) / HELD
    figure("floor_held_memory", [each["ours"]], "KiB", peers=[each["nginx"]], target=8)


def main():
    folder = tempfile.mkdtemp(prefix="ln-bench-")
    upstream, engine = free_port(), free_port()
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(process(nginx(folder, "upstream", UPSTREAM % {"port": upstream, "answer": json.dumps(ANSWER)}), upstream))
            with proxies(folder, upstream) as servers:
                requests(servers)
            stack.enter_context(process([os.path.join(os.environ["BENCH_BUILD"], "bench/sse_load"), "serve", str(engine)], engine))
            with proxies(folder, engine, "proxy_buffering off;") as servers:
                memory(servers)
                tokens(servers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

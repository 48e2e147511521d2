# SPDX-License-Identifier: Apache-2.0
"""What the inference gateway costs: a 1 KB completion proxied with a token, queue and accounts on, against nginx and haproxy that
only proxy the same upstream; the delay it adds; the list of models. The upstream is nginx with a fixed 1 KB answer."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time

from bench import cpu_ns, figure, loaded, node_pids, wait_port, wrk
from node import LOGICCTL, Node, free_port

ROUNDS, SECONDS, CONNECTIONS = 7, 2, 64
ANSWER = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "fake", "choices": [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x" * 780}}],
    "usage": {"prompt_tokens": 230, "completion_tokens": 190, "total_tokens": 420}}
PROMPT = {"model": "fake", "max_tokens": 200, "messages": [{"role": "user", "content": "y" * 930}]}
PATH = "/v1/chat/completions"

NGINX = """worker_processes 1; daemon off; pid %(dir)s/%(name)s.pid; error_log /dev/null;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 3600; client_body_buffer_size 64k;
 client_body_temp_path %(dir)s/b;
 proxy_temp_path %(dir)s/p; fastcgi_temp_path %(dir)s/f; uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
 %(more)s }
"""
UPSTREAM = """server { listen 127.0.0.1:%(port)d; default_type application/json; location / { return 200 '%(answer)s'; } }"""
PROXY = """upstream e { server 127.0.0.1:%(upstream)d; keepalive 128; keepalive_requests 100000000; }
 server { listen 127.0.0.1:%(port)d; location / { proxy_pass http://e; proxy_http_version 1.1; proxy_set_header Connection ""; } }"""
HAPROXY = """global
 nbthread 1
 maxconn 4096
defaults
 mode http
 timeout client 60s
 timeout server 60s
 timeout connect 5s
 http-reuse always
frontend f
 bind 127.0.0.1:%(port)d
 default_backend e
backend e
 server e 127.0.0.1:%(upstream)d
"""


@contextlib.contextmanager
def process(command, port):
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_port(port)
        yield [child.pid] + children(child.pid)
    finally:
        child.terminate()
        child.wait()


def children(pid):
    time.sleep(0.2)
    return [int(p) for p in open("/proc/%d/task/%d/children" % (pid, pid)).read().split()]


def nginx(folder, name, more):
    path = os.path.join(folder, name + ".conf")
    with open(path, "w") as f:
        f.write(NGINX % {"dir": folder, "name": name, "more": more})
    return ["nginx", "-p", folder, "-c", path]


def written(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def site(upstream):
    return {"pools.pl": """pool(p0, none, external, "", 0, "the bench's engine").
pool_at(p0, "http://127.0.0.1:%d").
pool_serves(p0, "fake").
pool_engine(p0, llama, 64, 8192, f16).
""" % upstream}


def ready(node):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pools = node.get("/v1/capabilities")[1]["pools"]
        if pools and pools[0]["state"] == "ready":
            return
        time.sleep(0.1)
    raise SystemExit("the pool did not become ready")


def token_of(node):
    made = subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", "bench"], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()[0]
    time.sleep(2.5)
    assert node.get("/v1/models", headers={"Authorization": "Bearer " + made})[0] == 200
    return made


def list_rate(node):
    out = subprocess.run(["wrk", "-t1", "-c32", "-d2s", "http://127.0.0.1:%d/v1/models" % node.port], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    assert "Non-2xx" not in out, out
    return float(out.split("Requests/sec:")[1].split()[0])


def main():
    folder = tempfile.mkdtemp(prefix="ln-bench-")
    upstream, by_nginx, by_haproxy = free_port(), free_port(), free_port()
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(process(nginx(folder, "upstream", UPSTREAM % {"port": upstream, "answer": json.dumps(ANSWER)}), upstream))
            peers = {
                "nginx": (by_nginx, stack.enter_context(process(
                    nginx(folder, "proxy", PROXY % {"port": by_nginx, "upstream": upstream}), by_nginx))),
                "haproxy": (by_haproxy, stack.enter_context(process(
                    ["haproxy", "-db", "-f", written(folder, "haproxy.cfg", HAPROXY % {"port": by_haproxy, "upstream": upstream})],
                    by_haproxy)))}
            node = stack.enter_context(Node(named=False, site=site(upstream), settings=[
                "gateway.caller_waiting_max=1000", "gateway.caller_running_max=1000"]))
            ready(node)
            os.environ["BENCH_TOKEN"] = token_of(node)
            measure(node, peers, upstream)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def url(port):
    return "http://127.0.0.1:%d%s" % (port, PATH)


def measure(node, peers, upstream):
    servers = dict(peers, ours=(node.port, node_pids(node)))
    rates, cpus = {n: [] for n in servers}, {n: [] for n in servers}
    for port, pids in servers.values():
        loaded(url(port), pids, [PROMPT], CONNECTIONS, 1)
    for _ in range(ROUNDS):
        for name, (port, pids) in servers.items():
            rate, cpu, _ = loaded(url(port), pids, [PROMPT], CONNECTIONS, SECONDS)
            rates[name].append(rate)
            cpus[name].append(cpu)
    figure("proxy_rate", rates["ours"], "req/s", peers=rates["nginx"], better="higher")
    figure("proxy_cpu_nginx", cpus["ours"], "us_cpu/req", peers=cpus["nginx"], target=1.0, of="ratio")
    figure("proxy_cpu_haproxy", cpus["ours"], "us_cpu/req", peers=cpus["haproxy"], target=1.0, of="ratio")
    added = {"p50_us": [], "p99_us": []}
    for _ in range(ROUNDS):
        bare, ours = (wrk(url(port), [PROMPT], 1, SECONDS) for port in (upstream, node.port))
        for name, values in added.items():
            values.append(ours[name] - bare[name])
    figure("proxy_added_p50", added["p50_us"], "us", target=80)
    figure("proxy_added_p99", added["p99_us"], "us", target=400)
    figure("models_rate", [list_rate(node) for _ in range(ROUNDS)], "req/s", target=50000, better="higher")
    before = cpu_ns(node_pids(node))
    wrk(url(node.port), [PROMPT], 1, 1)
    assert cpu_ns(node_pids(node)) > before

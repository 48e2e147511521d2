# SPDX-License-Identifier: Apache-2.0
"""What it costs to sense a house: 200 FAKE exporters, each asked every 10 s, about 50 readings of each; all of them reach the rules.
The peer is the real Prometheus, which asks the same exporters at the same time (and stores what it gets, as we do not)."""
import contextlib
import http.server
import os
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

from bench import cpu_ns, figure, memory_kb, role_pids, wait_port
from node import Node, free_port, wait_for

SOURCES, EVERY_S = int(os.environ.get("BENCH_SOURCES", "200")), 10
ROUNDS, ROUND_S = 5, 20
MOUNTS = ["/", "/boot", "/home", "/srv", "/var/lib/vm", "/mnt/tank"]


def text_of(number, now):
    """As node_exporter says it. Everything moves a little, nothing is alarming."""
    phase = now / 7 + number
    lines = []

    def family(name, kind, *samples):
        lines.append("# HELP %s As node_exporter has it.\n# TYPE %s %s\n" % (name, name, kind))
        lines.extend("%s%s %.12g\n" % (name, "{%s}" % labels if labels else "", value) for labels, value in samples)
    family("node_cpu_seconds_total", "counter", *(
        ('cpu="%d",mode="%s"' % (cpu, mode), now * share) for cpu in range(4) for mode, share in (
            ("idle", 0.8), ("iowait", 0.01), ("irq", 0), ("nice", 0), ("softirq", 0.01), ("steal", 0), ("system", 0.05), ("user", 0.13))))
    for load in ("1", "5", "15"):
        family("node_load" + load, "gauge", ("", 1 + 0.3 * ((phase * 13) % 1)))
    family("node_memory_MemTotal_bytes", "gauge", ("", 64 << 30))
    family("node_memory_MemAvailable_bytes", "gauge", ("", (40 << 30) + int(phase * 1e8) % (1 << 30)))
    family("node_memory_SwapTotal_bytes", "gauge", ("", 8 << 30))
    family("node_memory_SwapFree_bytes", "gauge", ("", 8 << 30))
    family("node_boot_time_seconds", "gauge", ("", 1700000000))
    family("node_time_seconds", "gauge", ("", now))
    for name, value in (("size", 1 << 40), ("avail", (1 << 39) + int(phase * 1e9) % (1 << 36)), ("readonly", 0), ("device_error", 0)):
        family("node_filesystem_%s%s" % (name, "_bytes" if name in ("size", "avail") else ""), "gauge", *(
            ('device="/dev/sd%d",fstype="ext4",mountpoint="%s"' % (i, mount), value) for i, mount in enumerate(MOUNTS)))
    for name, rate in (("receive_bytes", 1e6), ("transmit_bytes", 5e5), ("receive_errs", 0), ("transmit_errs", 0)):
        family("node_network_%s_total" % name, "counter", *(('device="%s"' % card, int(now * rate)) for card in ("eth0", "eth1")))
    family("node_hwmon_temp_celsius", "gauge", ('chip="platform_coretemp_0",sensor="temp1"', 45 + 5 * (phase % 1)))
    return "".join(lines).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = text_of(int(self.path.rsplit("/", 1)[1]), time.time())
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads, request_queue_size = True, 1024


@contextlib.contextmanager
def exporters():
    """In a process of their own: their CPU is nobody's."""
    port = free_port()
    child = subprocess.Popen([sys.executable, os.path.realpath(__file__), str(port)], stdin=subprocess.DEVNULL)
    try:
        wait_port(port)
        yield port
    finally:
        child.kill()
        child.wait()


@contextlib.contextmanager
def prometheus(port):
    folder, own = tempfile.mkdtemp(prefix="ln-prometheus-"), free_port()
    jobs = "".join("- {job_name: n%d, metrics_path: /metrics/%d, static_configs: [{targets: ['127.0.0.1:%d']}]}\n" % (i, i, port)
                   for i in range(SOURCES))
    with open(os.path.join(folder, "prometheus.yml"), "w") as f:
        f.write("global: {scrape_interval: %ds}\nscrape_configs:\n%s" % (EVERY_S, jobs))
    child = subprocess.Popen(["prometheus", "--config.file=%s/prometheus.yml" % folder, "--storage.tsdb.path=%s/data" % folder,
                              "--web.listen-address=127.0.0.1:%d" % own, "--log.level=error"], stdin=subprocess.DEVNULL)
    try:
        wait_port(own)
        yield child.pid
    finally:
        child.kill()
        child.wait()
        shutil.rmtree(folder, ignore_errors=True)


def site(port):
    return {"bench_senses.pl": "".join(
        'node("n%d", "10.9.%d.%d", "a FAKE machine").\nsense_source("x%d", "n%d", exporter, "http://127.0.0.1:%d/metrics/%d", %d).\n' % (
            i, i // 250, i % 250 + 1, i, i, port, i, EVERY_S) for i in range(SOURCES))}


def all_ok(node):
    status, body = node.get("/api/v1/sources")
    if status == 503:  # the rules were loaded a moment ago
        return []
    assert status == 200, body
    found = [one for one in body["sources"] if one["source"].startswith("x")]
    return len(found) == SOURCES and all(one["state"] == "ok" for one in found) and found


def main():
    with exporters() as port, prometheus(port) as peer, Node(named=False, site=site(port)) as node:
        sources = wait_for("all sources to be ok", lambda: all_ok(node), 60)
        time.sleep(2 * EVERY_S)  # counters have their second look
        series = sum(one["series"] for one in all_ok(node)) / SOURCES
        pids = role_pids(node)
        sensed = {"sensor": [pids["sensor"]], "judge": [pids["judge"]], "both": [pids["sensor"], pids["judge"]],
                  "node": list(pids.values()), "peer": [peer]}
        cpu = {name: [] for name in sensed}
        for _ in range(ROUNDS):
            before, begun = {name: cpu_ns(p) for name, p in sensed.items()}, time.monotonic()
            time.sleep(ROUND_S)
            took = time.monotonic() - begun
            for name, p in sensed.items():
                cpu[name].append((cpu_ns(p) - before[name]) / 1e7 / took)
        assert all_ok(node), "a source failed meanwhile"
        assert role_pids(node) == pids, "a role started again meanwhile"
        print("# %d sources, %.0f series each, every %d s" % (len(sources), series, EVERY_S))
        figure("senses_cpu", cpu["both"], "percent_core", peers=cpu["peer"], target=5)
        figure("senses_cpu_sensor", cpu["sensor"], "percent_core", peers=cpu["peer"])
        figure("senses_cpu_judge", cpu["judge"], "percent_core")
        figure("senses_cpu_node", cpu["node"], "percent_core")
        figure("senses_rss_sensor", [memory_kb(pids["sensor"])[0] / 1024], "MiB", peers=[memory_kb(peer)[0] / 1024])
        figure("senses_rss_judge", [memory_kb(pids["judge"])[0] / 1024], "MiB")


if __name__ == "__main__":  # the exporters
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() != 1:
        time.sleep(1)

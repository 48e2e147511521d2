# SPDX-License-Identifier: Apache-2.0
"""A thousand dashboards: CPU of the gateway while 1,000 event streams (form=brief, with house, queue and stages) hear 20 ledger entries a
second, which real cases make; memory of a stream; the same with TLS. Peer: nginx with nchan, whose 1,000 EventSource subscribers are
published the same entries at the same pace, each as it comes (ours writes together what comes in half a second); and, beside it, nchan
given them together as ours writes them. Then the same with a house: 200 nodes that tell new numbers each 10 s, noise and all, so that
nearly every row of the house changes each time; beside it what the judge uses to look at it.

    dashboards.py watch PORT COUNT PATH      internal: the clients with TLS
"""
import asyncio
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from bench import cpu_ns, figure, memory_kb, role_pids
from inference import nginx, process

STREAMS, PER_SECOND, PAUSE_S = 1000, 20, 0.5
NODES, EACH_S = 200, 10
SECONDS, ROUNDS, TLS_ROUNDS = int(os.environ.get("BENCH_SECONDS", "20")), int(os.environ.get("BENCH_ROUNDS", "5")), 3
TAIL_S = 1.5  # until the last pause has ended
PATH = "/api/v1/events?form=brief&with=house,queue,stages"
LOAD = os.path.join(os.environ.get("BENCH_BUILD", ""), "bench/sse_load")
MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"
NCHAN = """server { listen 127.0.0.1:%d;
 location = /pub { nchan_publisher; nchan_channel_id c; nchan_message_buffer_length 1000; client_max_body_size 1m; }
 location = /sub { nchan_subscriber eventsource; nchan_channel_id c; nchan_subscriber_first_message newest; } }"""


def node_of(tls, site=None):
    from node import Node, wait_for

    class Locked(Node):
        """With TLS: asked over its socket, for its port speaks TLS only."""

        def connect(self, timeout=60):
            connection = http.client.HTTPConnection("localhost", timeout=timeout)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(self.home + "/run/api.sock")
            return connection

    node = (Locked if tls else Node)(named=False, start=False, site=site or {})
    if tls:
        crt, key = node.home + "/server.crt", node.home + "/server.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", key, "-out", crt], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        node.args = ["--tls-cert", crt, "--tls-key", key]
    node.start()
    wait_for("the node", lambda: node.get("/readyz")[0] == 200)
    return node


# --- clients


@contextlib.contextmanager
def watched(command):
    """STREAMS clients; what they counted comes as a list of one dict when they have left."""
    child, told = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True), []
    try:
        assert child.stdout.readline() == "held\n", "not all streams were opened"
        yield told
        child.stdin.close()
        told.append(json.loads(child.stdout.read()))
    finally:
        if not child.stdin.closed:
            child.stdin.close()
        child.wait()


def clients(port, path, tls=False):
    if tls:
        return watched([sys.executable, os.path.abspath(__file__), "watch", str(port), str(STREAMS), path])
    return watched([LOAD, "watch", str(port), str(STREAMS), path])


async def watch_tls(port, count, path):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    counts, size = [0] * count, [0]

    async def one(at, began):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(("GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n" % path).encode())
        rest = b""
        while True:
            data = await reader.read(65536)
            if not data:
                return
            began.set()
            size[0] += len(data)
            counts[at] += (rest + data).count(b"\nid: ")
            rest = data[-4:]
    tasks = []
    for i in range(count):
        began = asyncio.Event()
        tasks.append(asyncio.create_task(one(i, began)))
        await began.wait()
    print("held", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps({"events": sum(counts), "least": min(counts), "most": max(counts), "bytes": size[0]}), flush=True)
    os._exit(0)


# --- what happens


def pace(count, seconds, act):
    """act(i) `count` times, evenly over so many seconds."""
    begin = time.monotonic()
    for i in range(count):
        time.sleep(max(0.0, begin + i * seconds / count - time.monotonic()))
        act(i)
    time.sleep(max(0.0, begin + seconds - time.monotonic()))


def case(connection, action="node_list"):
    connection.request("POST", "/api/v1/proposals", json.dumps({"action": action, "params": {}}))
    answer = json.loads(connection.getresponse().read())
    assert answer["status"] == "success", answer


def used_percent(pids, act):
    """Of one core, while `act` runs."""
    before, begin = cpu_ns(pids), time.monotonic()
    act()
    return (cpu_ns(pids) - before) / (time.monotonic() - begin) / 1e7


def ours(node, tls=False, action="node_list"):
    """Percent of a core for one round; how many entries there were."""
    first = node.entries()[-1]["seq"]
    connection = node.connect()
    case(connection, action)
    per_case = node.entries(first)[-1]["seq"] - first
    time.sleep(TAIL_S)
    first += per_case
    gateway = [role_pids(node)["gateway"]]
    with clients(node.port, PATH, tls) as told:
        def act():
            pace(SECONDS * PER_SECOND // per_case, SECONDS, lambda _: case(connection, action))
        percent = used_percent(gateway, act)
        time.sleep(TAIL_S)
    made = node.entries(first)[-1]["seq"] - first
    assert (told[0]["least"], told[0]["most"]) == (made, made), (told[0], made)
    assert made >= 0.9 * SECONDS * PER_SECOND, made
    return percent, told[0]


def recorded(node):
    """The entries of some cases as a brief stream has them: (kind, data) of each."""
    first = node.entries()[-1]["seq"]
    connection = node.connect()
    for _ in range(20):
        case(connection)
    last = node.entries(first)[-1]["seq"]
    with socket.create_connection(("127.0.0.1", node.port)) as stream:
        stream.sendall(b"GET /api/v1/events?form=brief&after=%d HTTP/1.0\r\nHost: localhost\r\n\r\n" % first)
        stream.settimeout(30)
        text = b""
        while b"\nid: %d\n" % last not in text or not text.endswith(b"\n\n"):
            more = stream.recv(65536)
            assert more, text
            text += more
    found = re.findall(r"id: \d+\nevent: (\w+)\ndata: (.*)\n\n", text.decode())
    assert len(found) == last - first, (len(found), first, last)
    return found


def publish(connection, kind, data):
    connection.request("POST", "/pub", data.encode(), {"Content-Type": "text/plain", "X-EventSource-Event": kind})
    response = connection.getresponse()
    response.read()
    assert response.status in (201, 202), response.status


def theirs(port, pids, events, together):
    """The same for nchan; `together`: in one message what comes in a pause."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    publish(connection, "kb_loaded", "{}")  # a stream of a channel that nobody published to says nothing
    with clients(port, "/sub") as told:
        count = SECONDS * PER_SECOND
        many = int(PER_SECOND * PAUSE_S) if together else 1

        def act():
            def send(i):
                some = [events[(i * many + k) % len(events)] for k in range(many)]
                publish(connection, some[0][0], "\n".join(data for _, data in some))
            pace(count // many, SECONDS, send)
        percent = used_percent(pids, act)
        time.sleep(TAIL_S)
    seen = count // many
    assert seen <= told[0]["least"] and told[0]["most"] <= seen + 1, (told[0], seen)
    return percent


# --- a house


def noisy(machine, turn):
    """What a machine of a house tells: a processor that works a little, memory and heat that go up and down, a GPU in each tenth."""
    chance = random.Random(machine * 100003 + turn)
    used = 0.3 + machine % 50 / 100 + chance.uniform(-0.004, 0.004)
    lines = ['node_cpu_seconds_total{cpu="%d",mode="%s"} %.2f' % (cpu, mode, share * EACH_S * (turn + 1) + chance.uniform(0, 0.2))
             for cpu in range(2) for mode, share in (("idle", 1 - machine % 40 / 50 - 0.1), ("user", machine % 40 / 50 + 0.1))]
    lines += ["node_load1 %.2f" % (machine % 7 + chance.random()), "node_memory_MemTotal_bytes 16e9",
              "node_memory_MemAvailable_bytes %d" % (16e9 * (1 - used)),
              'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} %.1f' % (40 + machine % 30 + chance.gauss(0, 0.7)),
              "node_rapl_package_joules_total{index=\"0\"} %.1f" % ((30 + machine % 60) * EACH_S * (turn + 1) + chance.gauss(0, 8)),
              'node_filesystem_size_bytes{device="/dev/sda",fstype="ext4",mountpoint="/"} 1e12',
              'node_filesystem_avail_bytes{device="/dev/sda",fstype="ext4",mountpoint="/"} %d' % (3e11 - turn * 1e6)]
    if machine % 10 == 0:
        lines += ['node_gpu_utilization_ratio{gpu="0"} %.3f' % chance.random(),
                  'node_gpu_temperature_celsius{gpu="0"} %d' % chance.randint(50, 70),
                  'node_gpu_memory_used_bytes{gpu="0"} %d' % (4e9 + chance.randint(0, 10) * 1e8),
                  'node_gpu_memory_total_bytes{gpu="0"} 16e9',
                  'node_gpu_power_watts{gpu="0"} %d' % chance.randint(90, 250)]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def telling(node):
    """Each node pushes new numbers each 10 s, at its own time."""
    from full_house import push_token, tell
    token, ends = push_token(node), threading.Event()

    def work():
        begin, at = time.monotonic(), 0
        while not ends.wait(max(0.0, begin + at * EACH_S / NODES - time.monotonic())):
            tell(node, at % NODES, token, noisy(at % NODES, at // NODES))
            at += 1
    thread = threading.Thread(target=work)
    thread.start()
    try:
        time.sleep(2 * EACH_S + 5)  # rates need two
        yield
    finally:
        ends.set()
        thread.join()


def housed():
    """Percent of a core of the gateway for one round with a house, and of the judge; bytes a second of one stream."""
    from full_house import machines
    with node_of(False, machines(NODES)) as node, telling(node):
        judge, gateway = [role_pids(node)["judge"]], [role_pids(node)["gateway"]]
        alone = []
        alone.append(used_percent(judge, lambda: time.sleep(SECONDS)))
        bare = used_percent(gateway, lambda: time.sleep(SECONDS))
        connection = http.client.HTTPConnection("127.0.0.1", node.port)
        connection.request("GET", "/api/v1/nodes")
        text = connection.getresponse().read()
        cpu, sizes, looks = [], [], []
        for _ in range(TLS_ROUNDS):
            before, begin = cpu_ns(judge), time.monotonic()
            percent, told = ours(node, action="alert_list")  # entries as short as in a small house: a list of 200 nodes is 13 KB
            looks.append((cpu_ns(judge) - before) / (time.monotonic() - begin) / 1e7)
            cpu.append(percent)
            sizes.append(told["bytes"] / STREAMS / SECONDS)
        print("# %d nodes with new numbers each %d s: the whole house has %d bytes; each stream got %.0f bytes a second (first house"
              " included); gateway with nobody listening and no cases: %.2g %%; judge: %.2g %% of a core (%.2g %% with neither)" % (
                  NODES, EACH_S, len(text), statistics.median(sizes), bare, statistics.median(looks), alone[0]))
        figure("dashboards_cpu_house", cpu, "%_of_a_core", target=5)


# --- memory


def memory_of(pid, port, path, tls=False):
    before = memory_kb(pid)[0]
    with clients(port, path, tls):
        time.sleep(TAIL_S)
        return (memory_kb(pid)[0] - before) / STREAMS


def nchan(folder, port):
    command = nginx(folder, "nchan", NCHAN % port)
    path = os.path.join(folder, "nchan.conf")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write("load_module %s;\n" % MODULE + text)
    return process(command, port)


def main():
    from node import free_port
    folder, port = tempfile.mkdtemp(prefix="ln-bench-"), free_port()
    try:
        housed()
        with contextlib.ExitStack() as stack:
            pids = stack.enter_context(nchan(folder, port))
            node = stack.enter_context(node_of(False))
            publish(http.client.HTTPConnection("127.0.0.1", port), "kb_loaded", "{}")
            theirs_kib = memory_of(pids[-1], port, "/sub")
            figure("dashboard_stream_memory", [memory_of(role_pids(node)["gateway"], node.port, PATH)], "KiB", peers=[theirs_kib])
            compare(node, port, pids, recorded(node))
        with node_of(True) as node:
            gateway = role_pids(node)["gateway"]
            figure("dashboard_stream_memory_tls", [memory_of(gateway, node.port, PATH, True)], "KiB")
            rounds = [ours(node, True) for _ in range(TLS_ROUNDS)]
            figure("dashboards_cpu_tls", [percent for percent, _ in rounds], "%_of_a_core")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compare(node, port, pids, events):
    connection = node.connect()
    bare = used_percent([role_pids(node)["gateway"]], lambda: pace(SECONDS * PER_SECOND // 4, SECONDS, lambda _: case(connection)))
    cpu, each, gathered, sizes = [], [], [], []
    for _ in range(ROUNDS):
        percent, told = ours(node)
        cpu.append(percent)
        sizes.append(told["bytes"] / STREAMS / SECONDS)
        each.append(theirs(port, pids, events, False))
        gathered.append(theirs(port, pids, events, True))
    print("# %d streams, %d entries a second for %d s; each stream got %.0f bytes a second; cases alone, nobody listening: %.2g %%" % (
        STREAMS, PER_SECOND, SECONDS, statistics.median(sizes), bare))
    figure("dashboards_cpu", cpu, "%_of_a_core", peers=each, target=5)
    figure("dashboards_cpu_gathered", cpu, "%_of_a_core", peers=gathered)


if __name__ == "__main__":
    asyncio.run(watch_tls(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))

# SPDX-License-Identifier: Apache-2.0
"""A host's agent on real parts: logicagent over mutual TLS, a real llama-server, the actuator's own client.

Everything happens in a network namespace of its own; jobs are run by host_drive (src/4_port/host), as the actuator runs them;
requests are sent as the gateway sends them.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import sleeper  # noqa: E402
from engine_process import fake, prepared, script, sha256  # noqa: E402
from host_jobs import Drive, Home, drive, good, refused  # noqa: E402
from node import ROOT, Skip, Tap, equal, free_port, wait_for  # noqa: E402
from sleeper import Agent, AgentHost, own_network  # noqa: E402

tap = Tap()
LOAD_STAGES = ["driver_ready", "engine_starting", "verifying", "loading", "ready"]
LONG = {"prompt": "a", "n_predict": 20000, "stream": True, "ignore_eos": True}


class Ready:
    """An agent on loopback, in `with`; the tiny model in its catalogue."""

    def __init__(self, **more):
        self.more = more

    def __enter__(self):
        self.holder = Home()
        self.home = self.holder.__enter__()
        self.host = AgentHost(self.home, address="127.0.0.1", port=free_port(), **self.more)
        self.model = self.host.add_model()
        self.agent = Agent(self.host)
        return self

    def __exit__(self, *_):
        self.agent.__exit__()
        self.host.__exit__()
        self.holder.__exit__()

    def status(self):
        return good(self.home, self.host.job("host status"))["result"]["status"]

    def pool(self):
        pools = self.status()["pools"]
        return pools[0] if pools else None

    def load(self, **more):
        return good(self.home, self.host.load(self.model, **more))

    def unload(self):
        return self.host.job("pool unload", pool="p", limit_s=30)

    def connect(self, role="gateway"):
        context = ssl.create_default_context(cafile=self.home + "/pki/ca.crt")
        context.load_cert_chain("%s/pki/%s.crt" % (self.home, role), "%s/pki/%s.key" % (self.home, role))
        return http.client.HTTPSConnection("127.0.0.1", self.host.port, context=context, timeout=60)

    def ask(self, path, body=None, sha256=None, connection=None):
        connection = connection or self.connect()
        connection.request("POST" if body is not None else "GET", "/v1/pools/p" + path,
                           None if body is None else json.dumps(body),
                           {"Content-Type": "application/json", "X-Logic-Model": sha256 or self.model["sha256"]})
        return connection.getresponse()

    def slots_busy(self):
        return self.pool()["slots_busy"]


# --- loading, serving, unloading

@tap.test
def model_is_loaded_used_through_the_agent_and_unloaded():
    with Ready() as at:
        loaded = at.load()
        equal(loaded["stages"], LOAD_STAGES)
        result = loaded["result"]
        equal(result["engine_version"], at.host.engine["version"])
        assert result["buffers"]["weights_bytes"] > 0 and result["buffers"]["kv_bytes"] > 0, result
        equal([stage["stage"] for stage in result["stages"]], LOAD_STAGES)
        pool = at.pool()
        equal((pool["state"], pool["model"], pool["sha256"]), ("ready", "tiny", at.model["sha256"]))
        reply = at.ask("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4})
        equal(reply.status, 200)
        equal(len(json.loads(reply.read())["choices"]), 1)
        again = at.load()
        equal(again["stages"], ["ready"])  # it is there already
        freed = good(at.home, at.unload())
        equal(freed["stages"], ["draining", "unloading"])
        equal((at.pool()["state"], at.pool()["model"], at.agent.engines()), ("empty", None, []))
        print("# load %d ms, unload %d ms" % (result["took_ms"], freed["result"]["took_ms"]))


def raw_body(sock, request):
    """All bytes of a reply that ends with its connection, and its chunks put together."""
    sock.sendall(request)
    raw = b""
    while piece := sock.recv(65536):
        raw += piece
    head, body = raw.split(b"\r\n\r\n", 1)
    if b"chunked" not in head.lower():
        return head, body
    out = b""
    while body:
        size, rest = body.split(b"\r\n", 1)
        count = int(size, 16)
        out, body = out + rest[:count], rest[count + 2:]
        if not count:
            break
    return head, out


@tap.test
def what_the_engine_sends_arrives_byte_for_byte():
    with Ready() as at:
        at.load()
        body = json.dumps({"prompt": "x", "n_predict": 40, "stream": True, "temperature": 0, "seed": 1, "cache_prompt": False})
        engine = wait_for("the engine's socket", lambda: [os.path.join(folder, name) for folder, _, names in
                                                          os.walk(at.host.folder + "/pools") for name in names
                                                          if name.endswith(".sock")])[0]
        straight = socket.socket(socket.AF_UNIX)
        straight.connect(engine)
        request = "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" \
                  "Connection: close\r\n%s\r\n%s"
        _, wanted = raw_body(straight, (request % ("/completion", len(body), "", body)).encode())
        secure = at.connect()
        secure.connect()
        head, got = raw_body(secure.sock, (request % ("/v1/pools/p/completion", len(body), "X-Logic-Model: %s\r\n" %
                                                      at.model["sha256"], body)).encode())
        assert b"text/event-stream" in head, head

        def without_times(raw):  # the last frame tells how long it took
            return [frame for frame in raw.split(b"\n\n") if b"timings" not in frame]
        assert len(without_times(wanted)) >= 10, wanted[-500:]
        equal(without_times(got), without_times(wanted))


@tap.test
def stream_comes_as_it_is_made_and_a_client_that_leaves_is_seen_by_the_engine():
    with Ready() as at:
        at.load(context=32768, slots=1)
        connection = at.connect()
        reply = at.ask("/completion", LONG, connection=connection)
        first = reply.readline()
        assert first.startswith(b"data: "), first
        equal(at.slots_busy(), 1)
        busy = refused(at.home, at.unload(), "pool_busy")
        assert "1 requests" in busy["error"]["message"], busy
        reply.close()
        connection.close()
        wait_for("the agent to see it", lambda: at.slots_busy() == 0, 10)

        def idle():
            slots = json.loads(at.ask("/slots").read())
            return not any(slot["is_processing"] for slot in slots)
        wait_for("the engine to see it", idle, 10)
        good(at.home, at.unload())


@tap.test
def slow_reader_stops_the_engine_and_not_the_agent():
    with Ready() as at:
        at.load(context=32768, slots=1)
        connection = at.connect()
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reply = at.ask("/completion", dict(LONG, n_predict=30000), connection=connection)
        assert reply.readline().startswith(b"data: ")

        def memory_kib():
            with open("/proc/%d/status" % at.agent.process.pid) as f:
                return int(next(line for line in f if line.startswith("VmRSS")).split()[1])
        before = memory_kib()
        time.sleep(3)  # a tiny model writes megabytes in this time
        grown = memory_kib() - before
        assert grown < 4096, "the agent grew by %d KiB behind a reader that does not read" % grown
        equal(at.slots_busy(), 1)
        frames = 1
        while line := reply.readline():
            frames += line.startswith(b"data: ")
            if frames == 3000:
                break
        equal(frames, 3000)
        connection.close()


@tap.test
def request_for_another_model_is_refused():
    with Ready() as at:
        at.load()
        reply = at.ask("/v1/models", sha256="0" * 64)
        equal((reply.status, json.loads(reply.read())["error"]["code"]), (409, "other_model"))
        connection = at.connect()
        connection.request("GET", "/v1/pools/p/v1/models")
        equal(connection.getresponse().status, 400)
        for path in ("/v1/pools/p/%2e%2e/x", "/v1/pools/p/a%20b", "/v1/pools/q/v1/models"):
            connection = at.connect()
            connection.request("GET", path, headers={"X-Logic-Model": at.model["sha256"]})
            assert connection.getresponse().status in (400, 503), path


@tap.test
def prompt_of_20_mib_passes_and_one_beyond_the_bound_is_refused():
    with Ready() as at:
        at.load()
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4, "metadata": {"picture": "iVBORw0KGgo+/x9f" * (20 << 16)}}
        reply = at.ask("/v1/chat/completions", body)
        equal((reply.status, json.loads(reply.read())["usage"]["completion_tokens"]), (200, 4))
        body["metadata"]["picture"] = "iVBORw0KGgo+/x9f" * (32 << 16)
        reply = at.ask("/v1/chat/completions", body)
        equal((reply.status, json.loads(reply.read())["error"]["code"]), (413, "body_too_long"))
        equal((at.slots_busy(), at.ask("/health").status), (0, 200))


# --- what goes wrong

@tap.test
def model_that_was_changed_by_one_byte_is_not_loaded():
    with Ready() as at:
        with open(at.host.model_path(), "r+b") as f:
            f.seek(-10, os.SEEK_END)
            byte = f.read(1)
            f.seek(-10, os.SEEK_END)
            f.write(bytes([byte[0] ^ 1]))
        answer = refused(at.home, at.host.load(at.model), "model_changed")
        assert "loading" not in answer["stages"], answer
        equal((at.pool()["state"], at.pool()["error"]["code"], at.agent.engines()), ("failed", "model_changed", []))


@tap.test
def order_that_needs_more_than_is_free_is_refused_with_the_numbers():
    with Ready() as at:
        answer = refused(at.home, at.host.load(at.model, need_bytes=1 << 46), "does_not_fit")
        assert "67108864 MiB" in answer["error"]["message"], answer


@tap.test
def killed_engine_is_started_again_and_its_request_is_torn_not_ended():
    with Ready() as at:
        at.load(context=32768, slots=1)
        connection = at.connect()
        reply = at.ask("/completion", LONG, connection=connection)
        reply.readline()
        pid = at.pool()["pid"]
        os.kill(pid, signal.SIGKILL)
        try:
            reply.read()
            raise AssertionError("a stream whose engine was killed ended as if it were whole")
        except (http.client.IncompleteRead, ConnectionError, ssl.SSLError):
            pass
        pool = wait_for("a new engine", lambda: (lambda p: p["state"] == "ready" and p)(at.pool()))
        assert pool["pid"] != pid and pool["restarts"] == 1, pool
        equal(at.ask("/health").status, 200)


@tap.test
def engine_that_is_killed_while_loading_is_told_and_leaves_nothing():
    with Ready() as at:
        load = Drive(at.home, at.host.load(at.model))

        def kill():
            for pid in at.agent.engines():
                os.kill(pid, signal.SIGKILL)
                return True
        wait_for("an engine to kill", kill)
        answer = load.end()
        equal((answer["ok"], answer["changed"]), (False, "no"))
        equal((at.pool()["state"], at.agent.engines()), ("failed", []))
        at.load()  # and the next one loads


@tap.test
def killed_agent_takes_its_engines_along_and_begins_empty():
    with Ready() as at:
        at.load()
        os.kill(at.agent.process.pid, signal.SIGKILL)
        at.agent.process.wait()
        wait_for("the engine to be gone", lambda: not at.agent.engines(), 10)
        equal(good(at.home, at.host.job("host status"))["result"]["reachable"], False)
        at.agent = Agent(at.host)
        equal(at.status()["pools"], [])
        at.load()


@tap.test
def agent_that_vanishes_amid_a_load_leaves_the_outcome_to_be_looked_up():
    with Ready() as at:
        load = Drive(at.home, at.host.load(at.model))
        wait_for("the load to begin", lambda: "starting" in at.agent.text() or at.agent.engines())
        at.agent.kill()
        answer = load.end()
        equal((answer["ok"], answer["changed"], answer["error"]["code"]), (False, "unknown", "torn"))
        unknown = drive(at.home, at.host.load(at.model), outcome=True)
        equal((unknown["error"]["code"], unknown["changed"]), ("outcome_unknown", "unknown"))
        at.agent = Agent(at.host)
        lost = drive(at.home, at.host.load(at.model), outcome=True)
        equal((lost["error"]["code"], lost["changed"]), ("not_done", "no"))
        at.load()
        done = drive(at.home, at.host.load(at.model), outcome=True)
        equal((done["ok"], done["changed"]), (True, "yes"))


@tap.test
def agent_that_is_stopped_ends_in_order():
    with Ready() as at:
        at.load()
        equal(at.agent.stop(), 0)
        wait_for("the engine to be gone", lambda: not at.agent.engines(), 10)
        at.agent = Agent(at.host)


@tap.test
def two_orders_for_one_pool_exclude_each_other():
    with Ready() as at:
        load = Drive(at.home, at.host.load(at.model))
        wait_for("the load to begin", at.agent.engines)
        second = drive(at.home, at.unload())
        assert load.end()["ok"]
        equal((second["ok"], second["error"]["code"]), (False, "pool_busy"))
        refused(at.home, at.host.load(at.model, context=512), "pool_not_empty")


@tap.test
def status_of_a_pool_tells_what_the_model_needs():
    with Ready() as at:
        job = at.host.job("pool status", pool="p", model="tiny", engine="llama", kind="cpu", slots=2, context=1024, kv="f16")
        told = good(at.home, job)["result"]
        equal((told["reachable"], told["pool"], told["engine"]["version"]), (True, None, at.host.engine["version"]))
        need, model = told["model"]["need"], told["model"]
        assert model["need_bytes"] > need["weights_bytes"] > 0 and need["kv_bytes"] == 2 * 1024 * 64 * 2 * 2 * 2, told
        equal({key: model[key] for key in ("name", "file", "bytes", "sha256")},
              {key: at.model[key] for key in ("name", "file", "bytes", "sha256")})
        buffers = at.load()["result"]["buffers"]
        equal(buffers["kv_bytes"], need["kv_bytes"])
        equal(good(at.home, dict(job, model="nobody"))["result"]["model"], None)


# --- a GPU, with a fake nvidia-smi and a fake engine

SMI = """#!/bin/sh
read held pid < %(state)s
read foreign < %(foreign)s
case "$1" in
--query-gpu*) echo "0, GPU-fake-1, FAKE GPU, 16000, $((held + foreign)), $((16000 - held - foreign)), 0, 40, 30.0, 1.0" ;;
*) [ "$held" = 0 ] || echo "GPU-fake-1, $pid, $held"
   [ "$foreign" = 0 ] || echo "GPU-fake-1, 1, $foreign" ;;
esac
"""


class WithGpu(Ready):
    """A host with one FAKE GPU of 16,000 MiB and an engine that says it uses it."""

    def __enter__(self):
        self.holder = Home()
        self.home = self.holder.__enter__()
        self.host = AgentHost(self.home, address="127.0.0.1", port=free_port(), engine=self.engine,
                              settings={"gpu_again_ms": 0, "gpus_min": 1})
        script(self.host.bin + "/nvidia-smi", SMI % {"state": self.state, "foreign": self.foreign})
        self.hold(0)
        self.host.write_config(self.host.config | {"nvidia_smi": self.host.bin + "/nvidia-smi"})
        with open(self.host.model_path("m"), "wb") as f:
            f.write(b"a model of the fake engine")
        self.model = {"name": "m", "file": "m.gguf", "bytes": 26, "sha256": sha256(self.host.model_path("m"))}
        self.agent = Agent(self.host)
        return self

    def engine(self, host):
        self.state, self.foreign = host.folder + "/smi-state", host.folder + "/smi-foreign"
        with open(self.state, "w") as f:
            f.write("0 0\n")
        return prepared(fake("cuda", smi=self.state))

    def hold(self, mib):
        with open(self.foreign, "w") as f:
            f.write("%d\n" % mib)

    def gpu_load(self, **more):
        return self.host.load(self.model, need_bytes=5000 << 20) | {"kind": "cuda", "mask": "0"} | more


@tap.test
def gpu_pool_is_loaded_where_it_belongs_and_alone():
    with WithGpu() as at:
        gpu = at.status()["gpus"][0]
        equal((gpu["name"], gpu["total_bytes"] >> 20, gpu["foreign_bytes"]), ("FAKE GPU", 16000, 0))
        buffers = good(at.home, at.gpu_load())["result"]["buffers"]
        equal((buffers["device"], buffers["offloaded"], buffers["weights_bytes"] >> 20), ("CUDA0", "3/3", 4000))
        status = at.status()
        equal((status["gpus"][0]["foreign_bytes"], status["inhibitors"]), (0, []))  # it is ours
        refused(at.home, at.gpu_load(pool="q"), "device_taken")
        freed = good(at.home, at.unload())
        equal(freed["result"]["free_bytes"] >> 20, 16000)


@tap.test
def gpu_with_too_little_room_or_none_at_all_is_refused_before_the_engine_starts():
    with WithGpu() as at:
        at.hold(12000)
        answer = refused(at.home, at.gpu_load(), "does_not_fit")
        assert "needs 5000 MiB, 4000 MiB are free" in answer["error"]["message"], answer
        refused(at.home, at.gpu_load(mask="1"), "device_missing")
        equal(at.agent.engines(), [])


@tap.test
def work_of_others_on_the_gpu_keeps_the_host_awake():
    with WithGpu() as at:
        at.hold(3000)
        status = at.status()
        equal([inhibitor["kind"] for inhibitor in status["inhibitors"]], ["gpu_work"])
        assert "3000 MiB of FAKE GPU" in status["inhibitors"][0]["words"], status
        refused(at.home, at.host.job("host sleep", how="poweroff", limit_s=5), "inhibited")


# --- what the program may not do, and its certificates

@tap.test
def agent_is_locked_up():
    with Ready() as at:
        with open("/proc/%d/status" % at.agent.process.pid) as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        libraries = open("/proc/%d/maps" % at.agent.process.pid).read()
        assert "swipl" not in libraries, "an agent knows no rules"
        # what lies beyond its folders is not there, also for its engines
        elsewhere = os.path.join(ROOT, "build", "ln-elsewhere-%d.gguf" % os.getpid())
        shutil.move(at.host.model_path(), elsewhere)
        try:
            os.symlink(elsewhere, at.host.model_path())
            answer = drive(at.home, at.host.load(at.model))
        finally:
            os.unlink(elsewhere)
        equal((answer["ok"], answer["error"]["code"]), (False, "model_missing"))


def logicctl(*words):
    return subprocess.run([sleeper.LOGICCTL, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)


@tap.test
def enrolling_makes_secret_files_once_and_renewing_keeps_the_key():
    with Home() as home:
        def content(path):
            with open(os.path.join(home, path)) as f:
                return f.read()
        equal(logicctl("agent", "enroll", "tower", "10.0.0.2", "--home", home).returncode, 0)
        for folder, _, names in os.walk(home):
            for name in names:
                equal((name, os.stat(os.path.join(folder, name)).st_mode & 0o777), (name, 0o600))
        key, certificate = content("pki/hosts/tower.key"), content("pki/hosts/tower.crt")
        order, authority = content("pki/order.pub"), content("pki/ca.crt")
        again = logicctl("agent", "enroll", "tower", "--home", home)
        equal(again.returncode, 2)
        assert "enrolled already" in again.stderr, again
        equal(logicctl("agent", "renew", "tower", "--home", home).returncode, 0)
        equal(content("pki/bundles/tower/host.key"), key)
        assert content("pki/hosts/tower.crt") != certificate
        listed = json.loads(logicctl("agent", "list", "--home", home, "--json").stdout)["agents"]
        equal([(row["host"], row["names"], row["state"]) for row in listed], [("tower", "tower 10.0.0.2", "good")])
        equal(logicctl("agent", "enroll", "tower", "--yes", "--home", home).returncode, 0)
        assert content("pki/hosts/tower.key") != key
        equal((content("pki/order.pub"), content("pki/ca.crt")), (order, authority))
        equal(logicctl("agent", "renew", "attic", "--home", home).returncode, 6)
        equal(logicctl("agent", "enroll", "a b", "--home", home).returncode, 2)
        equal(logicctl("agent", "enroll", "attic", "*.local", "--home", home).returncode, 2)
        seed = content("secrets/agent/order")
        assert seed not in "".join(content(os.path.join("pki/bundles/tower", name)) for name in
                                   os.listdir(home + "/pki/bundles/tower"))


if __name__ == "__main__":
    try:
        own_network()
    except Skip as why:
        print("1..0 # SKIP %s" % why)
        sys.exit(0)
    tap.run()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The inference gateway on a whole node: real roles, identity, queue and accounts; engines are FAKE (chat_engine.py) because a
real one cannot be made to misbehave. With real engines: tests/system/cold_start.py, tests/client."""
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from chat_engine import ChatEngine  # noqa: E402
from node import LOGICCTL, Node, Tap, equal, wait_for  # noqa: E402

tap = Tap()
QUICK = ["gateway.grace_ms=300", "gateway.keepalive_ms=150", "gateway.status_ms=200"]


def site(engines, slots=4, context=4096):
    text = ""
    for i, engine in enumerate(engines):
        text += 'pool(p%d, none, external, "", 0, "a fake engine").\npool_at(p%d, "%s").\n' % (i, i, engine.url)
        text += 'pool_serves(p%d, "fake").\npool_engine(p%d, llama, %d, %d, f16).\n' % (i, i, slots, context)
    return {"pools.pl": text}


class House(Node):
    def __init__(self, engines, slots=4, context=4096, settings=(), **more):
        super().__init__(named=False, site=site(engines, slots, context), settings=QUICK + list(settings), **more)
        self.engines = engines

    def start(self, wait=True):
        super().start(wait)
        if wait:
            wait_for("the pools to be ready", self.pools_ready)

    def pools_ready(self):
        try:
            pools = self.get("/v1/capabilities")[1]["pools"]
        except OSError:
            return False
        return pools and all(p["state"] == "ready" for p in pools)

    def token(self, name, *more):
        made = subprocess.run([LOGICCTL, "--home", self.home, "token", "create", "--name", name, *more], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert made.returncode == 0, made.stderr
        token = made.stdout.split()[0]
        wait_for("the token to count", lambda: [self.get("/v1/models", headers=bearer(t))[0] for t in (token, "x" * 40)] == [200, 401])
        return token

    def chat(self, text, token=None, **more):
        ask = dict({"model": "fake", "messages": [{"role": "user", "content": text}]}, **more)
        return self.post("/v1/chat/completions", ask, headers=bearer(token))

    def stream(self, text, token=None, path="/v1/chat/completions", **more):
        return Stream(self, text, token, path, more)

    def queue(self):
        return self.get("/api/v1/queue")[1]


def bearer(token):
    return {"Authorization": "Bearer " + token} if token else {}


class Stream:
    """One open request whose bytes are read as they come."""

    def __init__(self, node, text, token=None, path="/v1/chat/completions", more=()):
        ask = dict({"model": "fake", "messages": [{"role": "user", "content": text}], "stream": True}, **dict(more))
        self.connection = node.connect()
        self.connection.request("POST", path, json.dumps(ask), bearer(token))
        self.began = time.monotonic()

    def head(self):
        self.response = self.connection.getresponse()
        return self.response.status

    def rest(self):
        try:
            return self.response.read()
        except http.client.IncompleteRead as e:
            return e.partial + b"<torn>"

    def all(self):
        equal(self.head(), 200)
        return self.rest()

    def leave(self):
        self.connection.close()


def frames(raw):
    return [json.loads(line[6:]) for line in raw.decode().split("\n") if line.startswith("data: {")]


@tap.test
def a_whole_answer_passes_and_what_we_do_not_know_too():
    with ChatEngine() as engine, House([engine]) as node:
        body = b'{"model":"fake",  "messages":[{"role":"user","content":"words 2"}],"temperature":0.10,"x_unknown":{"a":[1,2]}}'
        status, answer = node.post("/v1/chat/completions", body)
        equal((status, answer["choices"][0]["message"]["content"], answer["timings"]), (200, "w0 w1", {"predicted_ms": 1.5}))
        equal(engine.seen[-1][2], body)  # byte for byte


@tap.test
def a_stream_is_byte_exact_and_usage_is_asked_and_hidden():
    with ChatEngine() as engine, House([engine]) as node:
        raw = node.stream("tool words 2").all()
        asked = json.loads(engine.seen[-1][2])
        equal(asked["stream_options"], {"include_usage": True})
        assert b'"arguments": "{\\"city\\" :"' in raw and b"K\\u00f6ln\\\\u0020" in raw, raw  # as the engine wrote it
        assert b'"choices": []' not in raw and raw.endswith(b"data: [DONE]\n\n") and b"comment of the engine" not in raw, raw
        raw = node.stream("words 2", stream_options={"include_usage": True}).all()
        equal(frames(raw)[-1]["usage"]["completion_tokens"], 2)


@tap.test
def a_broken_stream_looks_broken():
    with ChatEngine() as engine, House([engine]) as node:
        for text, code in (("nodone", "upstream_ended"), ("torn", "upstream_ended"), ("error", "engine_failed"),
                           ("line 10000000", "engine_line_too_long")):
            raw = node.stream(text).all()
            assert b"[DONE]" not in raw, (text, raw[-300:])
            equal((text, frames(raw)[-1]["error"]["code"]), (text, code))
        equal(node.queue()["running"], 0)


@tap.test
def an_engine_that_answers_nonsense_is_a_clear_error():
    with ChatEngine() as engine, House([engine]) as node:
        status, answer = node.chat("html")
        equal((status, answer["error"]["code"]), (503, "engine_failed"))
        status, answer = node.chat("status 500")
        equal((status, answer["error"]["code"]), (503, "engine_failed"))
        assert "was told to" in answer["error"]["message"], answer
        status, answer = node.chat("status 400")
        equal(status, 400)


@tap.test
def what_can_never_be_served_is_refused_at_once_with_numbers():
    with ChatEngine() as engine, House([engine], context=512) as node:
        status, answer = node.chat("hello", model="missing")
        equal((status, answer["error"]["code"], answer["error"]["param"]), (404, "model_not_found", "model"))
        status, answer = node.chat("x " * 4000)
        equal((status, answer["error"]["code"]), (400, "context_length_exceeded"))
        assert "512" in answer["error"]["message"], answer
        status, answer = node.chat("hello", max_tokens=4096)
        equal((status, answer["error"]["code"]), (400, "context_length_exceeded"))
        for body, code in ((b'{"model":"fake"', "bad_json"), (b'{"model":"fake","model":"fake","messages":[]}', "duplicate_key"),
                           (b'{"model":7,"messages":[]}', "bad_type"), (b'{"messages":[]}', "missing_field")):
            status, answer = node.post("/v1/chat/completions", body)
            equal((status, answer["error"]["code"]), (400, code))
        equal(engine.seen, [])


@tap.test
def tokens_are_asked_for_and_their_scopes_hold():
    with ChatEngine() as engine, House([engine]) as node:
        narrow = node.token("narrow", "--models", "other", "--scopes", "chat,models")
        status, answer = node.chat("words 1", narrow)
        equal((status, answer["error"]["code"]), (403, "model_not_allowed"))
        status, answer = node.post("/v1/embeddings", {"model": "fake", "input": "a"}, headers=bearer(narrow))
        equal((status, answer["error"]["code"]), (403, "endpoint_not_allowed"))
        status, answer = node.chat("words 1", "x" * 40)
        equal((status, answer["error"]["code"]), (401, "invalid_api_key"))
        opaque = node.token("phone", "--opaque", "--rate", "2")
        equal([node.chat("words 1", opaque)[0] for _ in range(3)], [200, 200, 429])
        for token in (narrow, opaque):
            assert token not in node.log_text(), "a token in the log"
            label = '"identity":"token:%s"' % hashlib.sha256(token.encode()).hexdigest()[:6]
            assert label in node.log_text(), node.log_text()[-1500:]
            assert token not in json.dumps(node.get("/api/v1/usage")[1])
        subprocess.run([LOGICCTL, "--home", node.home, "token", "revoke", "narrow"], check=True, stdout=subprocess.DEVNULL)
        wait_for("the revocation", lambda: node.get("/v1/models", headers=bearer(narrow))[0] == 401)


@tap.test
def slots_are_never_exceeded_and_everybody_is_served():
    with ChatEngine() as engine, House([engine], slots=2) as node:
        results = []

        def ask():
            results.append(node.chat("think 0.05")[0])
        threads = [threading.Thread(target=ask) for _ in range(30)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        equal((sorted(set(results)), len(results)), ([200], 30))
        assert engine.most <= 2, engine.most
        usage = node.get("/api/v1/usage?by=caller")[1]
        equal((usage["total"]["requests"], usage["total"]["prompt_tokens"]), (30, 210))


@tap.test
def a_held_stream_shows_life_in_the_dialect_of_its_caller():
    with ChatEngine() as engine, House([engine]) as node:
        raw = node.stream("think 1 words 1").all()
        assert raw.startswith(b": keep-alive ") and raw.count(b": keep-alive") >= 3, raw
        chunk = node.token("chunky", "--dialect", "chunk")
        found = frames(node.stream("think 1 words 1", chunk).all())
        equal((found[0]["choices"][0]["delta"], found[0]["object"]), ({}, "chat.completion.chunk"))
        reasoning = node.token("thinker", "--dialect", "reasoning")
        found = frames(node.stream("think 1 words 1", reasoning).all())
        assert "reasoning_content" in found[0]["choices"][0]["delta"], found[0]
        off = node.token("quiet", "--dialect", "off")
        stream = node.stream("think 1 words 1", off)
        stream.head()
        assert time.monotonic() - stream.began > 0.9
        assert b"keep-alive" not in stream.rest()


@tap.test
def a_held_whole_answer_begins_with_spaces_and_an_early_failure_keeps_its_status():
    with ChatEngine() as engine, House([engine]) as node:
        stream = node.stream("think 1 words 2", stream=False)
        equal(stream.head(), 200)
        assert time.monotonic() - stream.began < 0.9, "the head came with the answer"
        raw = stream.rest()
        assert raw.startswith(b" ") and json.loads(raw)["usage"]["completion_tokens"] == 2, raw
        equal(node.stream("status 500").head(), 503)
        late = node.stream("think 1 status 500").all()
        equal((frames(late)[-1]["error"]["code"], b"[DONE]" in late), ("engine_failed", False))


@tap.test
def whoever_leaves_is_out_of_the_queue_and_cancelled_at_the_engine():
    with ChatEngine() as engine, House([engine], slots=1) as node:
        running = node.stream("hang")
        running.head()
        waiting = node.stream("words 1")
        wait_for("one to wait", lambda: node.queue()["waiting"] == 1)
        rows = node.queue()["requests"]
        equal(sorted((r["state"], r["position"]) for r in rows), [("running", 0), ("waiting", 1)])
        waiting.leave()
        wait_for("the waiter to be gone", lambda: node.queue()["waiting"] == 0)
        running.leave()
        wait_for("the engine to see it", lambda: engine.left == 1, 5)
        wait_for("nobody to run", lambda: node.queue()["running"] == 0)
        equal(len(engine.seen), 1)  # nothing was asked for a caller who left
        usage = wait_for("the account", lambda: node.get("/api/v1/usage")[1]["total"])
        equal((usage["cancelled"], usage["requests"]), (2, 2))


@tap.test
def a_slow_reader_makes_the_engine_wait_and_costs_no_memory():
    with ChatEngine() as engine, House([engine]) as node:
        pid = node.roles()["gateway"]["pid"]
        before = rss_kb(pid)
        plug = socket.create_connection(("127.0.0.1", node.port))
        body = json.dumps({"model": "fake", "stream": True, "messages": [{"role": "user", "content": "flood 60000000"}]}).encode()
        plug.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        time.sleep(2)
        assert rss_kb(pid) - before < 4096, (before, rss_kb(pid))
        equal(engine.running, 1)
        got = 0
        while got < 1000000:
            got += len(plug.recv(65536))
        plug.close()
        wait_for("the engine to see it", lambda: engine.running == 0, 10)


def rss_kb(pid):
    return int(next(line for line in open("/proc/%d/status" % pid) if line.startswith("VmRSS")).split()[1])


@tap.test
def an_engine_that_goes_is_asked_again_and_one_that_stays_away_is_told():
    engine = ChatEngine()
    with House([engine]) as node:
        equal(node.chat("words 1")[0], 200)
        engine.stop()
        status, answer = node.chat("words 1")
        assert status == 503 and answer["error"]["code"] in ("pool_unavailable", "engine_failed"), answer
        again = ChatEngine(port=engine.port)
        wait_for("the pool to be seen again", node.pools_ready)
        equal(node.chat("words 1")[0], 200)
        again.stop()


@tap.test
def ollamas_language_is_spoken():
    with ChatEngine() as engine, House([engine]) as node:
        equal(node.get("/api/version")[0], 200)
        equal(node.get("/"), (200, b"Ollama is running"))
        equal(node.request("HEAD", "/"), (200, b""))
        equal(b"<!doctype html>" in node.get("/", headers={"Accept": "text/html"})[1].lower(), True)
        equal([m["name"] for m in node.get("/api/tags")[1]["models"]], ["fake"])
        messages = [{"role": "user", "content": "words 2"}]
        connection = node.connect()
        connection.request("POST", "/api/chat", json.dumps({"model": "fake:latest", "messages": messages}))
        lines = [json.loads(line) for line in connection.getresponse().read().splitlines()]
        equal(("".join(line["message"]["content"] for line in lines), lines[-1]["done"], lines[-1]["eval_count"]), ("w0 w1 ", True, 2))
        status, answer = node.post("/api/chat", {"model": "fake", "messages": messages, "stream": False})
        equal((status, answer["message"]["content"], answer["done"]), (200, "w0 w1", True))
        status, answer = node.post("/api/generate", {"model": "fake", "prompt": "words 1", "stream": False})
        equal((status, answer["response"]), (200, "w0"))
        status, answer = node.post("/api/embed", {"model": "fake", "input": ["a", "b"]})
        equal((status, len(answer["embeddings"])), (200, 2))
        status, answer = node.post("/api/chat", {"model": "missing", "messages": messages})
        equal(status, 404)
        assert isinstance(answer["error"], str), answer
        equal(node.post("/api/show", {"model": "fake"})[0], 200)
        connection = node.connect()
        connection.request("POST", "/api/chat", json.dumps({"model": "fake", "messages": [{"role": "user", "content": "nodone"}]}))
        last = json.loads(connection.getresponse().read().splitlines()[-1])
        assert isinstance(last["error"], str), last


@tap.test
def lists_and_embeddings():
    with ChatEngine() as engine, House([engine]) as node:
        models = node.get("/v1/models")[1]
        equal([(m["id"], m["status"]["value"]) for m in models["data"]], [("fake", "loaded")])
        equal(node.get("/v1/models/fake")[1]["id"], "fake")
        equal(node.get("/v1/models/other")[0], 404)
        status, answer = node.post("/v1/embeddings", {"model": "fake", "input": ["a", "b", "c"]})
        equal((status, len(answer["data"])), (200, 3))
        status, answer = node.post("/v1/completions", {"model": "fake", "prompt": "words 2"})
        equal((status, answer["choices"][0]["text"]), (200, "w0 w1"))


@tap.test
def two_hundred_streams_go_on_when_other_roles_die():
    engines = [ChatEngine() for _ in range(4)]
    with House(engines, slots=64, settings=["gateway.caller_waiting_max=256"]) as node:
        streams = [node.stream("words 40 slow 0.1") for _ in range(200)]
        for stream in streams:
            equal(stream.head(), 200)
        for role in ("judge", "actuator", "ledger"):
            os.kill(node.roles()[role]["pid"], signal.SIGKILL)
            time.sleep(0.3)
        for stream in streams:
            raw = stream.rest()
            assert raw.endswith(b"data: [DONE]\n\n") and raw.count(b'"w') == 40, raw[-200:]
        node.wait_ready()
        wait_for("the pools again", node.pools_ready)
        streams = [node.stream("words 200 slow 0.1") for _ in range(200)]
        for stream in streams:
            equal(stream.head(), 200)
        os.kill(node.roles()["gateway"]["pid"], signal.SIGKILL)
        for stream in streams:
            assert b"[DONE]" not in stream.rest()
        wait_for("the engines to be left alone", lambda: not any(e.running for e in engines), 20)
        wait_for("the gateway again", node.pools_ready)
        equal(node.chat("words 1")[0], 200)
    for engine in engines:
        engine.stop()


@tap.test
def on_a_full_disk_requests_go_on_and_what_was_lost_is_said():
    home = "/tmp/ln-small-usage-%d" % os.getpid()
    os.makedirs(home + "/usage")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", home + "/usage"], stdin=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print("# not allowed to mount a small disk here: skipped")
        shutil.rmtree(home)
        return
    try:
        with ChatEngine() as engine, House([engine], home=home) as node:
            def requests():
                return node.get("/api/v1/usage")[1]["total"]["requests"]
            equal(node.chat("words 1")[0], 200)
            time.sleep(1.5)  # it is written
            with open(home + "/usage/filler", "wb", buffering=0) as filler:
                try:
                    while filler.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            for i in range(120):  # each a row of its own, more than what SQLite has left in its last page
                equal(node.chat("words 1", user="u%d" % i)[0], 200)
            equal(requests(), 121)  # in memory as yet
            os.remove(home + "/usage/filler")
            time.sleep(2.5)
            equal(requests(), 121)
            with open(home + "/usage/filler", "wb", buffering=0) as filler:
                try:
                    while filler.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            for _ in range(5):
                equal(node.chat("words 1")[0], 200)
            node.stop()
            lost = '"event":"usage_lost"' in node.log_text()
            os.remove(home + "/usage/filler")
            node.start()
            assert requests() == 126 - (5 if lost else 0), (requests(), lost)
    finally:
        subprocess.run(["umount", home + "/usage"], check=False)
        shutil.rmtree(home, ignore_errors=True)


@tap.test
def a_node_that_stops_lets_streams_end():
    with ChatEngine() as engine, House([engine], settings=["gateway.drain_ms=5000"]) as node:
        stream = node.stream("words 10 slow 0.1")
        stream.head()
        stopping = threading.Thread(target=node.stop)
        stopping.start()
        raw = stream.rest()
        stopping.join()
        assert raw.endswith(b"data: [DONE]\n\n"), raw[-200:]


@tap.test
def background_waits_for_people():
    with ChatEngine() as engine, House([engine], slots=1) as node:
        first = node.stream("think 0.5 words 1")
        wait_for("it to run", lambda: node.queue()["running"] == 1)
        order = []

        def ask(name, text):
            node.chat(text)
            order.append(name)
        task = threading.Thread(target=ask, args=("title", "### Task: words 1"))
        task.start()
        wait_for("the title to wait", lambda: node.queue()["waiting"] == 1)
        person = threading.Thread(target=ask, args=("person", "words 1"))
        person.start()
        task.join()
        person.join()
        first.all()
        equal(order, ["person", "title"])


if __name__ == "__main__":
    tap.run()

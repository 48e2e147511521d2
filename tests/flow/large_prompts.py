# SPDX-License-Identifier: Apache-2.0
"""Prompts with pictures: 30 MiB through a whole node to its engine, byte for byte; too long; held while a pool is made ready; ten at
once, whose sum and whose memory are bounded. Engines are FAKE (chat_engine.py, fake_agent.py); a real one: tests/system/agent.py."""
import http.client
import json
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import power  # noqa: E402
from chat_engine import ChatEngine  # noqa: E402
from inference import House, frames, rss_kb  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402

tap = Tap()
MIB = 1 << 20
BODY_MIB, INPUT_MIB, LEFT_MIB = 32, 128, 8  # gateway.body_bytes_max, gateway.input_bytes_max
PATIENT = ["gateway.linger_ms=60000", "gateway.body_ms=120000"]  # also a busy machine sends a body to its end
CONTEXT = 65536  # a picture counts 768 tokens, whatever its bytes
PICTURE = "iVBORw0KGgoAAAANSUhEUgAA/+8b9fKx" * (MIB // 32)  # base64 has no end that a parser could find early


def ask(mib, text="words 2", model="fake", **more):
    """A chat of so many MiB, nearly all of them one picture."""
    url = "data:image/png;base64," + PICTURE * (mib - 1) + PICTURE[:MIB - 8192]
    picture = {"role": "user", "content": [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": url}}]}
    return dict({"model": model, "messages": [picture, {"role": "user", "content": text}]}, **more)


def bytes_of(mib, *words, **more):
    return json.dumps(ask(mib, *words, **more)).encode()


def padded(size):
    """A chat of just so many bytes."""
    text = bytes_of(size // MIB)
    return text[:-1] + b', "x":"' + b"y" * (size - len(text) - 8) + b'"}'


def chat(node, body, **more):
    return node.post("/v1/chat/completions", body, **more)


@tap.test
def a_prompt_of_30_mib_passes_byte_for_byte():
    with ChatEngine() as engine, House([engine], context=CONTEXT) as node:
        body = bytes_of(30)
        assert 29 * MIB < len(body) <= 30 * MIB, len(body)
        begin = time.monotonic()
        status, answer = chat(node, body)
        print("# %.1f MiB there and back in %.2f s" % (len(body) / MIB, time.monotonic() - begin))
        equal((status, answer["usage"]["completion_tokens"]), (200, 2))
        assert engine.seen[-1][2] == body, "the engine got other bytes"
        wish = ask(30, "words 3", stream=True)
        connection = node.connect()
        connection.request("POST", "/v1/chat/completions", json.dumps(wish))
        raw = connection.getresponse().read()
        assert raw.endswith(b"data: [DONE]\n\n") and len(frames(raw)) >= 3, raw[-300:]
        got = json.loads(engine.seen[-1][2])
        equal(got.pop("stream_options"), {"include_usage": True})
        assert got == wish, "the stream's prompt is another"
        status, answer = node.post("/api/chat", {"model": "fake", "stream": False, "messages": [
            {"role": "user", "content": "words 1", "images": [PICTURE * 8]}, {"role": "user", "content": "words 1"}]})
        equal((status, answer.get("message", answer)), (200, {"role": "assistant", "content": "w0"}))
        assert (PICTURE * 8).encode() in engine.seen[-1][2], "the picture of Ollama's form is not there"


@tap.test
def beyond_body_bytes_max_it_is_413_and_its_sender_can_read_it():
    with ChatEngine() as engine, House([engine], context=CONTEXT, settings=PATIENT) as node:
        body = padded(BODY_MIB * MIB)
        equal((len(body), chat(node, body)[0], engine.seen[-1][2] == body), (BODY_MIB * MIB, 200, True))
        status, answer = chat(node, padded(BODY_MIB * MIB + 1))  # sent to its end, as clients do
        equal((status, answer["error"]["code"]), (413, "body_too_long"))
        plug = socket.create_connection(("127.0.0.1", node.port), 30)
        plug.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (BODY_MIB * MIB + 1))
        assert plug.recv(65536).startswith(b"HTTP/1.1 413 "), "it waited for the body"
        plug.close()
        connection = node.connect()
        connection.request("POST", "/v1/chat/completions", iter([padded(BODY_MIB * MIB), b" "]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        equal(connection.getresponse().status, 413)
        equal(len(engine.seen), 1)


@tap.test
def a_prompt_that_waits_for_its_pool_is_served_whole():
    with power.House(remote=True, pools=1, settings=["gateway.grace_ms=300", "gateway.keepalive_ms=200"]) as node:
        wait_for("the host to be seen", lambda: node.agent.looks and node.state() == "empty")
        node.agent.load_s = 2.5
        for more in ({}, {"stream": True}):
            body = bytes_of(30, "hello", model="tiny", **more)
            connection = node.connect()
            connection.request("POST", "/v1/chat/completions", body)
            raw = connection.getresponse().read()
            asked = node.agent.bodies[-1]
            if more:  # what every stream is asked for, and nothing else, is new
                equal(dict(json.loads(body), stream_options={"include_usage": True}) == json.loads(asked), True)
            else:
                equal((raw.startswith(b" "), json.loads(raw)["usage"]["total_tokens"]), (True, 2))  # held, then answered
                equal((len(asked), asked == body), (len(body), True))
                equal([order["job"]["op"] for order in node.agent.orders], ["load"])


class Memory(threading.Thread):
    """The most that a process had while it runs, in MiB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.ended, self.most = pid, False, 0
        self.start()

    def run(self):
        while not self.ended:
            self.most = max(self.most, rss_kb(self.pid) // 1024)
            time.sleep(0.003)

    def end(self):
        self.ended = True
        self.join()
        return self.most


def ten(node, wish):
    """Ten at once, over and over until every one was answered; how each was answered at first."""
    first, trouble = [], []

    def one(number):
        body = json.dumps(dict(wish, user="u%d" % number)).encode()
        try:
            status, answer = chat(node, body)
            first.append(status if status == 200 else (status, answer["error"]["code"]))
            end = time.monotonic() + 60
            while status == 503 and time.monotonic() < end:
                time.sleep(0.2)
                status, answer = chat(node, body)
            equal(status, 200)
        except http.client.IncompleteRead as why:
            trouble.append(why.partial)
        except (OSError, AssertionError) as why:
            trouble.append(repr(why))
    threads = [threading.Thread(target=one, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    return threads, first, trouble


@tap.test
def ten_at_once_are_bounded_in_sum_and_none_locks_small_ones_out():
    for more in ({}, {"stream": True}):
        with ChatEngine() as engine, House([engine], slots=1, context=CONTEXT, settings=PATIENT) as node:
            pid = node.roles()["gateway"]["pid"]
            equal(node.chat("words 1")[0], 200)
            before, memory = rss_kb(pid) // 1024, Memory(pid)
            threads, first, trouble = ten(node, ask(30, "think 0.6 words 1", **more))
            wait_for("some to wait", lambda: node.queue()["waiting"] >= 2)
            equal(node.chat("words 1", user="small")[0], 200)  # it waits, but it is not refused
            for thread in threads:
                thread.join()
            most = memory.end()
            equal(trouble, [])
            equal((len(first), {answer for answer in first}), (10, {200, (503, "too_much_input")}))
            users = [json.loads(body)["user"] for _, _, body in engine.seen if len(body) > MIB]
            equal(sorted(users), sorted("u%d" % number for number in range(10)))  # each once
            bound = before + INPUT_MIB + 2 * BODY_MIB  # the sum; one that is being copied, one on its way out
            print("# gateway: %d MiB before, %d at most (bound: %d), refused at first: %d" % (
                before, most, bound, len(first) - first.count(200)))
            assert most <= bound, (most, bound)
            try:
                wait_for("the memory to come back", lambda: rss_kb(pid) // 1024 <= before + LEFT_MIB, 20)
            finally:
                print("# gateway: %d MiB after" % (rss_kb(pid) // 1024))


if __name__ == "__main__":
    tap.run()

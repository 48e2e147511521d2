# SPDX-License-Identifier: Apache-2.0
"""A FAKE OpenAI-compatible engine that does what the prompt says, also badly; for what a real one cannot be made to do.

    with ChatEngine(slots=2) as engine: …engine.url, engine.seen, engine.most, engine.left

The last message's text (or the prompt) is words: `words 5` five tokens, `slow 0.1` seconds between, `think 2` seconds before
the head, `torn` ends mid-frame, `nodone` ends without [DONE], `error` an error frame in the stream, `html` a page, `hang` silence
after the head, `line N` one line of N bytes, `flood N` bytes of frames, `tool` a tool call, `status N` an error reply,
`loading` llama-server's 503.
"""
import json
import socket
import socketserver
import threading
import time

DELTAS = [
    {"role": "assistant", "content": None, "tool_calls": [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": "{\"city\" :"}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": " \"K\u00f6ln\\u0020\"}"}}]}]
ARGUMENTS = "".join(delta["tool_calls"][0]["function"]["arguments"] for delta in DELTAS)


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    counted = False

    def handle(self):
        self.server.engine.open.add(self.connection)
        try:
            while self.one():
                pass
        except OSError:
            pass
        finally:
            self.server.engine.open.discard(self.connection)

    def one(self):
        line = self.rfile.readline()
        if not line:
            return False
        headers = {}
        for raw in iter(self.rfile.readline, b"\r\n"):
            if not raw:
                return False
            name, _, value = raw.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        method, path, _ = line.decode().split(" ", 2)
        if method == "GET":
            return self.reply(200, {"status": "ok"})
        engine = self.server.engine
        with engine.lock:
            engine.seen.append((path, headers, body))
            engine.running += 1
            self.counted = True
            engine.most = max(engine.most, engine.running)
        try:
            return self.answer(path, json.loads(body))
        except (BrokenPipeError, ConnectionResetError):
            with engine.lock:
                engine.left += 1
            return False
        finally:
            self.done()

    def done(self):
        """Before the last byte goes out: whoever has the answer may send the next request at once."""
        with self.server.engine.lock:
            self.server.engine.running -= self.counted
            self.counted = False

    def reply(self, status, body, kind="application/json"):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.done()
        self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            status, kind.encode(), len(raw), raw))
        return True

    def answer(self, path, ask):
        if path.endswith("/embeddings"):
            many = ask["input"] if isinstance(ask["input"], list) else [ask["input"]]
            return self.reply(200, {"object": "list", "model": ask["model"], "usage": {"prompt_tokens": 3, "total_tokens": 3}, "data": [
                {"object": "embedding", "index": i, "embedding": [0.5, -0.25]} for i, _ in enumerate(many)]})
        text = ask["messages"][-1]["content"] if "messages" in ask else ask["prompt"]
        words = text.split()
        wish = {w: words[i + 1] if i + 1 < len(words) else "" for i, w in enumerate(words)}
        self.wait(float(wish.get("think") or 0))
        if "status" in wish:
            return self.reply(int(wish["status"]), {"error": {"code": int(wish["status"]), "message": "the fake engine was told to",
                                                              "type": "server_error"}})
        if "loading" in wish:
            return self.reply(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})
        if "html" in wish:
            return self.reply(200, b"<html>hello</html>", "text/html")
        count = int(wish.get("words") or 3)
        usage = {"prompt_tokens": 7, "completion_tokens": count, "total_tokens": 7 + count}
        if not ask.get("stream"):
            return self.whole(ask, wish, count, usage)
        return self.stream(path, ask, wish, count, usage)

    def wait(self, seconds):
        """Sleep, but see the asker leave as a real engine does."""
        end = time.monotonic() + seconds
        self.connection.settimeout(0.02)
        try:
            while time.monotonic() < end:
                try:
                    if not self.connection.recv(1, 2):  # MSG_PEEK
                        raise BrokenPipeError
                    time.sleep(0.02)
                except TimeoutError:
                    pass
        finally:
            self.connection.settimeout(None)

    def whole(self, ask, wish, count, usage):
        text = " ".join("w%d" % i for i in range(count))
        choice = {"index": 0, "finish_reason": "stop"}
        if "tool" in wish:
            call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
            choice.update(finish_reason="tool_calls", message={"role": "assistant", "content": None, "tool_calls": [call]})
        elif "messages" in ask:
            choice["message"] = {"role": "assistant", "content": text}
        else:
            choice["text"] = text
        return self.reply(200, {"id": "x", "object": "chat.completion", "created": 1, "model": ask["model"], "choices": [choice],
                                "usage": usage, "timings": {"predicted_ms": 1.5}})

    def chunk(self, raw):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))

    def frame(self, ask, delta, reason=None, **more):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        if "messages" not in ask:
            choice = {"index": 0, "text": (delta or {}).get("content") or "", "finish_reason": reason}
        self.chunk(b"data: " + json.dumps(dict({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": ask["model"],
                                                "choices": [choice]}, **more)).encode() + b"\n\n")

    def stream(self, path, ask, wish, count, usage):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.chunk(b": a comment of the engine\n\n")
        self.frame(ask, {"role": "assistant", "content": None})
        if "tool" in wish:
            for delta in DELTAS:
                self.frame(ask, delta)
        if "hang" in wish:
            self.wait(3600)
        if "line" in wish:
            self.chunk(b"data: " + b"x" * int(wish["line"]))
        for _ in range(int(wish.get("flood") or 0) // 1000):
            self.frame(ask, {"content": "y" * 850})
        for i in range(count):
            self.frame(ask, {"content": "w%d " % i})
            self.wait(float(wish.get("slow") or 0))
        if "torn" in wish:
            self.wfile.write(b"40\r\ndata: {\"half")
            return False
        if "error" in wish:
            self.chunk(b'data: {"error":{"code":500,"message":"the fake engine broke","type":"server_error"}}\n\n')
        self.frame(ask, {}, "tool_calls" if "tool" in wish else "stop")
        if ask.get("stream_options", {}).get("include_usage"):
            self.chunk(b"data: " + json.dumps({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": ask["model"],
                                               "choices": [], "usage": usage}).encode() + b"\n\n")
        self.done()
        if "nodone" not in wish:
            self.chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")
        return True


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


class ChatEngine:
    def __init__(self, port=0):
        self.seen, self.running, self.most, self.left = [], 0, 0, 0
        self.lock, self.open = threading.Lock(), set()
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.engine = self
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """As if killed: its open connections end too."""
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Official clients, unchanged, against a whole node: the npm packages `openai`, `ai` and `ollama` (versions: package-lock.json).

    tests/client/run.py [FILE …]      such as openai.test.mjs; without: all

Two of the node's pools are real llama-servers with random weights, one is FAKE (chat_engine.py): a real engine cannot be made to
break, or to wait, when it is told to. The packages are installed into build/client, never into the source tree. Without node or
npm, or without a registry to install from the first time, the tests are skipped; with LN_ROOTS=must (CI) they fail then.
"""
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "..", "tools")]
import npm_libraries  # noqa: E402
from chat_engine import ChatEngine  # noqa: E402
from debian_root import unavailable  # noqa: E402
from engine import Llama  # noqa: E402
from javascript import Report, node_program  # noqa: E402
from node import LOGICCTL, ROOT, Node, Skip, wait_for  # noqa: E402

CONTEXT = 4096
# name: what the token may and how its caller is told that it waits
TOKENS = {"narrow": ["--models", "other"], "one": ["--concurrent", "1"], "comment": ["--dialect", "comment"],
          "chunk": ["--dialect", "chunk"], "reasoning": ["--dialect", "reasoning"], "off": ["--dialect", "off"]}
SETTINGS = ["gateway.grace_ms=300", "gateway.keepalive_ms=150", "gateway.status_ms=200"]
# A template that has tools in it, as real models have: else an engine drops them without a word.
CHAT = (
    "{% if tools %}<tools>{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}</tools>\n{% endif %}"
    "{% for m in messages %}<|{{ m.role }}|>{% if m.content %}{{ m.content }}{% endif %}"
    "{% for call in m.tool_calls or [] %}\n<tool_call>\n{\"name\": \"{{ call.function.name }}\", "
    "\"arguments\": {{ call.function.arguments | tojson }}}\n</tool_call>{% endfor %}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}")


def installed():
    """The folder that has node_modules as package-lock.json says, and copies of the tests."""
    folder = os.path.join(ROOT, "build", "client")
    with npm_libraries.locked(folder):
        try:
            npm_libraries.make(HERE, folder)
        except npm_libraries.Unavailable as why:
            unavailable(str(why))
        for name in os.listdir(folder):
            if name.endswith(".mjs"):
                os.remove(os.path.join(folder, name))
        for name in os.listdir(HERE):
            if name.endswith(".mjs"):
                shutil.copy(os.path.join(HERE, name), folder)
    return folder


class Counts(http.server.ThreadingHTTPServer):
    """What the fake engine has seen, for the tests in JavaScript."""

    def __init__(self, engine):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 (its name is the library's)
                with engine.lock:
                    raw = json.dumps({"seen": len(engine.seen), "running": engine.running, "left": engine.left,
                                      "most": engine.most}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = "http://127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


def site(pools):
    text = ""
    for i, (model, url, slots) in enumerate(pools):
        text += 'pool(p%d, none, external, "", 0, "an engine of the test").\npool_at(p%d, "%s").\n' % (i, i, url)
        text += 'pool_serves(p%d, "%s").\npool_engine(p%d, llama, %d, %d, f16).\n' % (i, model, i, slots, CONTEXT)
    return {"pools.pl": text}


class House(Node):
    def __init__(self, pools):
        super().__init__(named=False, site=site(pools), settings=SETTINGS)

    def pools_ready(self):
        pools = self.get("/v1/capabilities")[1]["pools"]
        return pools and all(p["state"] == "ready" for p in pools)

    def token(self, name, *more):
        made = subprocess.run([LOGICCTL, "--home", self.home, "token", "create", "--name", name, *more], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert made.returncode == 0, made.stderr
        return made.stdout.split()[0]

    def counts(self, token):
        status = self.get("/v1/models", headers={"Authorization": "Bearer " + token})[0]
        return status == 200 and self.get("/v1/models", headers={"Authorization": "Bearer " + "x" * 40})[0] == 401


def idle(node):
    try:
        return wait_for("nothing to run", lambda: node.get("/api/v1/queue")[1]["running"] == 0, 10)
    except (OSError, AssertionError) as why:
        print("# %s" % why)
        return False


def main():
    names = sys.argv[1:] or sorted(n for n in os.listdir(HERE) if n.endswith(".test.mjs"))
    try:
        program, folder = node_program(), installed()
        report = Report()
        with ChatEngine() as fake, Llama(["--chat-template", CHAT]) as real, \
                Llama(["--embeddings", "--pooling", "mean"]) as embedder, \
                House([("fake", fake.url, 8), ("tiny-random", real.url, 1), ("tiny-embed", embedder.url, 1)]) as node:
            wait_for("the pools to be ready", node.pools_ready)
            keys = {name: node.token(name, *more) for name, more in TOKENS.items()}
            key = node.token("client")
            wait_for("the tokens to count", lambda: node.counts(key))
            env = dict(os.environ, BASE_URL="http://127.0.0.1:%d" % node.port, API_KEY=key, MODEL="tiny-random",
                       EMBED_MODEL="tiny-embed", FAKE_MODEL="fake", FAKE_URL=Counts(fake).url, KEYS=json.dumps(keys))
            for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
                env.pop(proxy, None)
            for name in names:
                report.file(program, folder, name, env)
            said = node.log_text()
            report.line(not any(token in said for token in [key, *keys.values()]), "no token is in the log")
            report.line('"event":"role_ended"' not in said, "no role of the node died")
            report.line(idle(node), "nothing runs on")
    except Skip as why:
        print("1..0 # SKIP %s" % why)
        return 0
    return report.end()


if __name__ == "__main__":
    sys.exit(main())

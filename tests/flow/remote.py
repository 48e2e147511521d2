#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node that other machines reach: TLS and tokens asked for, client certificates as an option. Engines are FAKE."""
import os
import re
import ssl
import subprocess
import sys
import http.client
import json

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from chat_engine import ChatEngine  # noqa: E402
from node import LOGICCTL, LOGICD, Node, Skip, Tap, equal, wait_for  # noqa: E402

tap = Tap()
ASK = {"model": "fake", "messages": [{"role": "user", "content": "words 2"}]}


def address():
    """One of this machine's own that is not loopback."""
    out = subprocess.run(["ip", "-4", "-o", "address"], stdout=subprocess.PIPE, text=True, check=False).stdout
    found = [a for a in re.findall(r"inet (\S+?)/", out) if not a.startswith("127.")]
    if not found:
        raise Skip("this machine has no address but loopback")
    return found[0]


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificate(folder, name, subject, ca=None, more=()):
    key, crt = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".crt")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", key, "-out", crt,
             "-subj", "/CN=" + subject, *more]
    if ca:
        words += ["-CA", ca[1], "-CAkey", ca[0]]
    openssl(*words)
    return key, crt


class House(Node):
    def __init__(self, engine, where, **more):
        self.where = where
        super().__init__(named=False, start=False, site={"pools.pl": """pool(p, none, external, "", 0, "a fake engine").
pool_at(p, "%s").
pool_serves(p, "fake").
pool_engine(p, llama, 4, 4096, f16).
""" % engine.url}, **more)
        self.listen = where
        self.ca = certificate(self.home, "ca", "house")
        self.key_file, self.crt = certificate(self.home, "server", "node", more=("-addext", "subjectAltName=IP:" + where))
        self.args = ["--name", where, "--tls-cert", self.crt, "--tls-key", self.key_file, "--tls-client-ca", self.ca[1]]

    def token(self, name, *more):
        return subprocess.run([LOGICCTL, "--home", self.home, "token", "create", "--name", name, *more], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()[0]

    def ask(self, method, path, body=None, token=None, certificate_of=None):
        context = ssl.create_default_context(cafile=self.crt)
        if certificate_of:
            context.load_cert_chain(certificate_of[1], certificate_of[0])
        connection = http.client.HTTPSConnection(self.where, self.port, context=context, timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body else None, {"Authorization": "Bearer " + token} if token else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, self.log_text()
            try:
                return self.ask("GET", "/readyz")[0] == 200
            except OSError:
                return False
        wait_for("the node to be ready", ready)


@tap.test
def without_tls_or_tokens_a_node_refuses_to_be_reached():
    where = address()
    for args in ([], ["--tls"]):
        with Node(named=False, start=False) as node:
            node.listen = where
            if args:
                key, crt = certificate(node.home, "server", "node")
                node.args = ["--tls-cert", crt, "--tls-key", key]
            node.start(wait=False)
            equal(node.process.wait(60) != 0, True)
            text = node.log_text()
            assert "open_without_lock" in text and "logicctl token create" in text, text
            node.process = None


@tap.test
def from_another_machine_a_token_is_needed_for_everything():
    where = address()
    with ChatEngine() as engine, House(engine, where) as node:
        laptop = node.token("laptop")
        owner = node.token("desk", "--scopes", "api")
        node.start()
        wait_for("the pool", lambda: b'"ready"' in node.ask("GET", "/v1/capabilities", token=laptop)[1])
        for method, path in (("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/api/tags"), ("GET", "/api/v1/cases"),
                             ("GET", "/api/v1/usage"), ("GET", "/metrics"), ("GET", "/")):
            for token in (None, "x" * 40, laptop[:-10] + ("A" if laptop[-10] != "A" else "B") + laptop[-9:]):
                equal((path, node.ask(method, path, ASK if method == "POST" else None, token)[0]), (path, 401))
        status, raw = node.ask("POST", "/v1/chat/completions", ASK, laptop)
        equal((status, json.loads(raw)["choices"][0]["message"]["content"]), (200, "w0 w1"))
        equal(node.ask("GET", "/api/v1/cases", token=laptop)[0], 403)  # it has not that scope
        equal(node.ask("GET", "/api/v1/cases", token=owner)[0], 200)
        equal(node.ask("POST", "/v1/chat/completions", ASK, owner)[0], 403)


@tap.test
def a_client_certificate_may_stand_in_for_a_token():
    where = address()
    with ChatEngine() as engine, House(engine, where) as node:
        tablet = node.token("tablet", "--certificate", "tablet")
        shown = certificate(node.home, "tablet", "tablet", ca=node.ca)
        stranger = certificate(node.home, "stranger", "stranger", ca=node.ca)
        node.start()
        wait_for("the pool", lambda: b'"ready"' in node.ask("GET", "/v1/capabilities", token=tablet, certificate_of=shown)[1])
        equal(node.ask("POST", "/v1/chat/completions", ASK, tablet, shown)[0], 200)
        equal(node.ask("POST", "/v1/chat/completions", ASK, tablet)[0], 401)  # a stolen token
        equal(node.ask("POST", "/v1/chat/completions", ASK, tablet, stranger)[0], 401)


if __name__ == "__main__":
    assert os.path.exists(LOGICD)
    tap.run()

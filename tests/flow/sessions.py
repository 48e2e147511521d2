#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Browsers that sign in: by token and by passkey (FAKE authenticator), over TLS from another address; what a session may, what it may
not, and when it ends (docs/dashboard.md §3). The engine behind the chat is FAKE."""
import gzip
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chat_engine import ChatEngine  # noqa: E402
from node import LOGICCTL, Tap, equal, wait_for  # noqa: E402
from remote import ASK, House, address  # noqa: E402
from passkeys import ORIGIN, House as SigningHouse  # noqa: E402
from soft_passkey import SoftPasskey, consent_body, un64, url64  # noqa: E402

tap = Tap()
NAME = "node.home.arpa"
COOKIE = re.compile(r"__Host-logic_session=([A-Za-z0-9_-]{43}); Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=(\d+)")
PEOPLE = """
person(guest, "Somebody who looks").
person_role(guest, viewer).
person(hand, "Somebody with hands").
person_role(hand, owner).
"""


def exchange(connection, method, path, body, headers):
    """(status, headers, body); nothing is sent that is not named."""
    try:
        raw = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, raw, headers)
        response = connection.getresponse()
        text = response.read()
        is_json = response.getheader("Content-Type", "").startswith("application/json")
        return response.status, response.headers, json.loads(text) if is_json else text
    finally:
        connection.close()


class Site(House):
    """Reached by NAME; the owner, a guest who only looks, and whoever else has a passkey."""
    source = None  # the address from which a browser asks, where it matters

    def __init__(self, engine, **more):
        super().__init__(engine, address(), **more)
        self.args += ["--name", NAME]
        self.origin = "https://%s:%d" % (NAME, self.port)
        self.passkeys = {person: SoftPasskey(self.home, NAME) for person in ("owner", "guest", "hand")}
        self.secrets = []
        self.write_people()

    def write_people(self, without=()):
        facts = PEOPLE + 'page_origin("%s").\n' % self.origin
        facts += "".join(key.fact(person) for person, key in self.passkeys.items() if person not in without)
        self.write_site("browsers.pl", facts)

    def token(self, name, *more):
        text = super().token(name, *more)
        self.secrets.append(text)
        return text

    def http(self, method, path, body=None, headers=None, host=None):
        return exchange(self.open(), method, path, body, dict({"Host": host or "%s:%d" % (NAME, self.port)}, **(headers or {})))

    def open(self):
        return http.client.HTTPSConnection(self.where, self.port, context=ssl.create_default_context(cafile=self.crt), timeout=30,
                                           source_address=self.source)

    def sessions_file(self):
        path = os.path.join(self.home, "sessions/sessions.json")
        return open(path).read() if os.path.exists(path) else ""


class Signing(SigningHouse):
    """The node of passkeys.py, with a name server; its browsers come through a proxy that speaks TLS for it."""

    def __init__(self):
        super().__init__()
        self.origin, self.secrets = ORIGIN, []
        self.passkeys = {"owner": self.owners, "ada": self.adas}
        wait_for("the page's address", lambda: self.http("GET", "/healthz")[0] == 200)

    def http(self, method, path, body=None, headers=None):
        return exchange(self.connect(), method, path, body, dict({"Host": ORIGIN.partition("://")[2]}, **(headers or {})))


class Browser:
    """Keeps its cookie and its CSRF word, and says from where its requests come, as browsers do."""

    def __init__(self, node):
        self.node, self.cookie, self.csrf, self.told = node, None, None, None

    def ask(self, method, path, body=None, **heads):
        headers = {"User-Agent": "FakeFox/1.0"}
        if self.cookie:
            headers["Cookie"] = "__Host-logic_session=" + self.cookie
        if method not in ("GET", "HEAD"):
            headers.update({"Origin": self.node.origin, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"})
            if self.csrf:
                headers["X-Logic-CSRF"] = self.csrf
        for name, value in heads.items():
            headers[name.replace("_", "-")] = value
        return self.node.http(method, path, body, {name: value for name, value in headers.items() if value is not None})

    def get(self, path, **heads):
        status, _, body = self.ask("GET", path, **heads)
        return status, body

    def post(self, path, body, **heads):
        status, _, answer = self.ask("POST", path, body, **heads)
        return status, answer

    def sign_in(self, **body):
        status, headers, answer = self.ask("POST", "/api/v1/session", body)
        self.told = headers.get("Set-Cookie")
        if status == 200:
            self.cookie, self.csrf = COOKIE.fullmatch(self.told).group(1), answer["csrf"]
            self.node.secrets += [self.cookie, self.csrf]
        return status, answer

    def challenge(self):
        status, answer = self.post("/api/v1/session/challenge", {})
        assert status == 200, answer
        equal(answer["rp_id"], NAME)
        return un64(answer["challenge"])

    def passkey(self, person, **forged):
        return self.sign_in(passkey=self.node.passkeys[person].get(self.challenge(), self.node.origin, **forged))

    def me(self):
        return self.get("/api/v1/session")[1]


def by_token(node, text):
    browser = Browser(node)
    status, answer = browser.sign_in(token=text)
    equal((status, answer.get("signed_in")), (200, True))
    return browser


def signed_in(node, text):
    browser = Browser(node)
    time.sleep(1)  # few tries a minute are allowed
    return browser if browser.sign_in(token=text)[0] == 200 else None


def by_passkey(node, person):
    browser = Browser(node)
    status, answer = browser.passkey(person)
    equal((status, answer.get("principal")), (200, "person:" + person))
    return browser


def code(answer):
    return answer[1]["error"]["code"] if isinstance(answer[1], dict) and "error" in answer[1] else None


def no_secret_stays(node, *more):
    """Neither a cookie nor a CSRF word nor a token is anywhere that a process wrote."""
    places = {"the log": node.log_text(), "sessions.json": node.sessions_file()}
    places.update(more)
    for what, text in places.items():
        for secret in node.secrets:
            assert secret not in text, "%s holds %s…" % (what, secret[:6])
    return len(node.secrets)


@tap.test
def a_token_becomes_a_cookie_that_lasts_over_a_restart():
    with ChatEngine() as engine, Site(engine) as node:
        desk = node.token("desk", "--scopes", "api")
        chats = node.token("chats")
        node.start()
        stranger = Browser(node)
        equal(stranger.get("/", Accept="text/html")[0], 200)  # the page holds no secret
        equal(stranger.get("/start.js")[0], 200)
        equal(stranger.get("/api/v1/cases")[0], 401)
        me = stranger.me()
        equal([me[key] for key in ("signed_in", "principal", "role", "how", "csrf", "passkeys", "rp_id", "origin_known")],
              [False, None, None, None, None, True, NAME, True])
        equal(code(stranger.sign_in(token="x" * 40)), "no_token")
        equal(code(stranger.sign_in(token=chats)), "endpoint_not_allowed")
        equal(stranger.told, None)
        browser = by_token(node, desk)
        equal(int(COOKIE.fullmatch(browser.told).group(2)), 8 * 3600)
        equal(browser.get("/api/v1/cases")[0], 200)
        me = browser.me()
        equal([me[key] for key in ("signed_in", "principal", "name", "role", "how", "csrf")],
              [True, "token:desk", "desk", "operator", "token", browser.csrf])
        rows = browser.get("/api/v1/sessions")[1]["sessions"]
        equal([(row["principal"], row["browser"], row["this"]) for row in rows], [("token:desk", "FakeFox/1.0", True)])
        wait_for("the file", lambda: "token:desk" in node.sessions_file())
        equal(os.stat(os.path.join(node.home, "sessions/sessions.json")).st_mode & 0o777, 0o600)
        node.stop()
        node.start()
        equal(browser.me()["principal"], "token:desk")
        equal(browser.post("/api/v1/query", {"query": "nodes", "args": {}})[0], 200)
        # signing out ends its event stream at once
        ended = threading.Event()
        stream = listen(node, browser, ended)
        status, headers, _ = browser.ask("DELETE", "/api/v1/session")
        equal(status, 200)
        assert "Max-Age=0" in headers["Set-Cookie"], headers["Set-Cookie"]
        assert ended.wait(30), "the stream of a session that was signed out is open"
        stream.join()
        equal((browser.me()["signed_in"], browser.get("/api/v1/cases")[0]), (False, 401))
        # a file that cannot be read is no sessions, and said
        again = by_token(node, desk)
        node.stop()
        with open(os.path.join(node.home, "sessions/sessions.json"), "a") as f:
            f.write("x")
        node.start()
        equal(again.me()["signed_in"], False)
        assert "sessions_refused" in node.log_text()
        assert no_secret_stays(node) > 4


def listen(node, browser, ended):
    connection = node.open()
    connection.request("GET", "/api/v1/events", headers={"Host": NAME, "Cookie": "__Host-logic_session=" + browser.cookie})
    response = connection.getresponse()
    equal(response.status, 200)

    def read():
        try:
            while response.read1(1000):
                pass
        except OSError:
            pass
        ended.set()
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


@tap.test
def sessions_end_unused_and_in_all_and_a_stream_is_use():
    settings = ["gateway.session_idle_ms=1500", "gateway.session_ms=6000", "gateway.heartbeat_ms=200", "gateway.session_keep_ms=100"]
    with ChatEngine() as engine, Site(engine, settings=settings) as node:
        desk = node.token("desk", "--scopes", "api")
        node.start()
        unused, listening = by_token(node, desk), by_token(node, desk)
        ended = threading.Event()
        listen(node, listening, ended)
        wait_for("both to be kept", lambda: kept(node) == 2)
        wait_for("the one that is unused to end", lambda: kept(node) == 1)
        equal(unused.me()["signed_in"], False)
        assert not ended.is_set()
        equal(listening.me()["signed_in"], True)
        assert ended.wait(30), "no stream outlives its session"
        equal(listening.me()["signed_in"], False)


def kept(node):
    return len(json.loads(node.sessions_file() or '{"sessions":[]}')["sessions"])


def changing_routes(browser):
    """Every route that is no GET, out of the node's own description."""
    document = browser.get("/openapi.json")[1]
    for path, operations in document["paths"].items():
        for method in operations:
            if method != "get":
                yield method.upper(), re.sub(r"\{\w+\}", "01J0000000000000000000000Z", path), not operations[method].get("security", [1])


@tap.test
def who_only_looks_changes_nothing():
    with ChatEngine() as engine, Site(engine) as node:
        text, desk = node.token("eyes", "--scopes", "view"), node.token("desk", "--scopes", "api")
        node.start()
        viewers = {"token": by_token(node, text), "passkey": by_passkey(node, "guest")}
        for viewer in viewers.values():
            equal(viewer.me()["role"], "viewer")
            refused = 0
            for method, path, is_open in changing_routes(viewer):
                if is_open or path == "/api/v1/query":
                    continue
                answer = viewer.ask(method, path, {} if method == "POST" else None)
                equal((method, path, answer[0], code(answer[::2])), (method, path, 403, "viewer"))
                refused += 1
            assert refused >= 15, refused
            for path in ("/api/v1/cases", "/api/v1/ledger", "/v1/models", "/v1/capabilities", "/api/v1/alerts"):
                equal((path, viewer.get(path)[0]), (path, 200))
            equal(viewer.post("/api/v1/intent", {"nl": "list the nodes", "parse_only": True})[0], 200)
            equal(code(viewer.post("/api/v1/intent", {"nl": "list the nodes"})), "viewer")
            equal(len(viewer.get("/api/v1/sessions")[1]["sessions"]), 1)  # its own
        equal([e["kind"] for e in by_token(node, desk).get("/api/v1/ledger")[1]["entries"]
               if e["kind"].startswith("case")], [])
        bearer = {"Authorization": "Bearer " + text}
        equal(node.http("GET", "/api/v1/cases", headers=bearer)[0], 200)
        answer = node.http("POST", "/api/v1/intent", {"nl": "list the nodes"}, bearer)
        equal((answer[0], code(answer[::2])), (403, "viewer"))
        equal(viewers["token"].ask("DELETE", "/api/v1/session")[0], 200)


@tap.test
def a_page_of_another_site_gets_nothing_done():
    with ChatEngine() as engine, Site(engine) as node:
        desk = node.token("desk", "--scopes", "api,chat")
        node.start()
        browser, other = by_token(node, desk), by_token(node, desk)
        for method, path, is_open in changing_routes(browser):
            body = {} if method == "POST" else None
            for wrong in (None, "", "x" * 43, other.csrf, browser.cookie):
                answer = browser.ask(method, path, body, X_Logic_CSRF=wrong)
                equal((path, answer[0], code(answer[::2])), (path, 403, "csrf"))
            for heads in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": "https://evil.example"},
                          {"Origin": "null"}, {"Origin": "http://%s:%d" % (NAME, node.port)}, {"Origin": "https://%s:1" % NAME}):
                answer = browser.ask(method, path, body, **heads)
                equal((path, heads, answer[0], code(answer[::2])), (path, heads, 403, "cross_site"))
                status = Browser(node).ask(method, path, body, **heads)[0]
                assert status == 403 or (status == 401 and not is_open), (path, heads, status)
        equal(browser.me()["signed_in"], True)
        equal([e["kind"] for e in browser.get("/api/v1/ledger")[1]["entries"] if e["kind"].startswith("case")], [])
        # a name that was pointed here is nobody's, whoever asks
        for host in ("evil.example", "evil.example:%d" % node.port, "127.0.0.1.evil.example", "10.9.8.7"):
            answer = node.http("GET", "/api/v1/session", headers={"Cookie": "__Host-logic_session=" + browser.cookie}, host=host)
            equal((host, answer[0], code(answer[::2])), (host, 421, "wrong_host"))
        # no cookie of another name, none twice, none beside a token that is wrong
        twice = "__Host-logic_session=%s; __Host-logic_session=%s" % (browser.cookie, other.cookie)
        for cookie in ("logic_session=" + browser.cookie, twice, "__Host-logic_session=" + "A" * 43, "__Host-logic_session="):
            equal((cookie[:30], node.http("GET", "/api/v1/cases", headers={"Cookie": cookie})[0]), (cookie[:30], 401))
        equal(browser.ask("GET", "/api/v1/cases", Authorization="Bearer " + "x" * 40)[0], 401)
        # nobody frames it, nothing foreign is loaded, TLS is kept
        status, headers, _ = browser.ask("GET", "/", Accept="text/html")
        equal((status, headers["X-Frame-Options"]), (200, "DENY"))
        for part in ("default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "form-action 'none'",
                     "base-uri 'none'"):
            assert part in headers["Content-Security-Policy"], headers["Content-Security-Policy"]
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert "publickey-credentials-get=(self)" in headers["Permissions-Policy"]
        plain = node.http("GET", "/start.js")
        packed = node.http("GET", "/start.js", headers={"Accept-Encoding": "br, gzip"})
        equal((packed[1]["Content-Encoding"], plain[1]["Content-Encoding"]), ("gzip", None))
        equal(gzip.decompress(packed[2]), plain[2])
        assert packed[1]["ETag"] != plain[1]["ETag"] and "Accept-Encoding" in packed[1]["Vary"]
        again = node.http("GET", "/start.js", headers={"Accept-Encoding": "gzip", "If-None-Match": 'W/"x", ' + packed[1]["ETag"]})
        equal((again[0], again[2]), (304, b""))
        assert no_secret_stays(node) > 3


@tap.test
def this_machine_needs_no_session_but_a_name_of_its_own():
    with ChatEngine() as engine, Site(engine, settings=[]) as node:
        node.where, node.listen = "127.0.0.1", "127.0.0.1"
        node.args = ["--name", "other.home.arpa"]
        node.wait_ready = super(House, node).wait_ready
        desk = node.token("desk", "--scopes", "api")
        node.start()
        me = node.get("/api/v1/session")[1]
        equal([me[key] for key in ("signed_in", "principal", "role", "how")], [False, "loopback", "operator", "local"])
        for host, status in (("localhost", 200), ("127.0.0.1", 200), ("127.1.2.3", 200), ("[::1]:1", 200), ("other.home.arpa", 200),
                             ("rebound.example", 421), ("192.168.1.1", 421), ("localhost.evil.example", 421)):
            equal((host, node.get("/api/v1/status", headers={"Host": host})[0]), (host, status))
        equal(node.post("/api/v1/intent", {"nl": "list the nodes"}, headers={"Sec-Fetch-Site": "cross-site"})[0], 403)
        equal(node.post("/api/v1/intent", {"nl": "list the nodes"}, headers={"Origin": "http://rebound.example"})[0], 403)
        # before the node is a proxy that speaks TLS: who comes through it is not on this machine, and signs in
        through = {"Host": "%s:%d" % (NAME, node.port), "Origin": node.origin}
        wait_for("the page's address", lambda: node.get("/healthz", headers=through)[0] == 200)
        equal(node.get("/", headers=dict(through, Accept="text/html"))[0], 200)
        for path in ("/api/v1/status", "/v1/models", "/api/tags", "/metrics"):
            equal((path, node.get(path, headers=through)[0]), (path, 401))
        equal(node.get("/api/v1/session", headers=through)[1]["role"], None)
        # who asks writes Host, and the proxy hands it on; what the proxy adds gives it away
        for added in ({"Host": NAME}, {"Host": NAME + ":1"}, {"Host": "localhost", "X-Forwarded-For": "10.0.0.9"}):
            equal((added, node.get("/api/v1/status", headers=added)[0], node.get("/v1/models", headers=added)[0]), (added, 401, 401))
        # a page elsewhere cannot even ask for what is heavy
        for path in ("/api/v1/ledger/verify", "/api/v1/ledger/export", "/api/v1/events"):
            equal((path, node.get(path, headers={"Sec-Fetch-Site": "cross-site"})[0]), (path, 403))
        connection = node.connect()
        connection.request("POST", "/api/v1/session", json.dumps({"token": desk}), through)
        response = connection.getresponse()
        cookie = COOKIE.fullmatch(response.getheader("Set-Cookie")).group(1)
        through.update({"Cookie": "__Host-logic_session=" + cookie, "X-Logic-CSRF": json.loads(response.read())["csrf"]})
        equal(node.post("/api/v1/query", {"query": "nodes", "args": {}}, headers=through)[0], 200)
        other = {"Host": "other.home.arpa", "Origin": node.origin}
        equal(node.post("/api/v1/query", {"query": "nodes", "args": {}}, headers=other)[0], 200)


@tap.test
def a_passkey_signs_in_once_a_challenge():
    with ChatEngine() as engine, Site(engine, settings=["gateway.session_tries_per_minute=1000"]) as node:
        node.token("desk", "--scopes", "api")  # without one it would not listen there
        node.start()
        browser = by_passkey(node, "hand")
        equal([browser.me()[key] for key in ("name", "role", "how")], ["Somebody with hands", "operator", "passkey"])
        equal(browser.get("/api/v1/cases")[0], 200)
        stranger, key = Browser(node), node.passkeys["hand"]
        challenge = stranger.challenge()
        equal(Browser(node).sign_in(passkey=key.get(challenge, node.origin))[0], 200)
        wrong = {"used": key.get(challenge, node.origin), "ours": key.get(os.urandom(32), node.origin)}
        forgeries = {"origin": {"origin": "https://evil.example"}, "site": {"rp_id": "evil.example"}, "flags": {"flags": 1},
                     "touch": {"flags": 4},
                     "type": {"type": "webauthn.create"}, "frame": {"cross_origin": True}, "signature": {"signature": b"x" * 70},
                     "another's key": {"signer": node.passkeys["owner"]}}
        for what, forged in forgeries.items():
            origin = forged.pop("origin", node.origin)
            wrong[what] = key.get(stranger.challenge(), origin, **forged)
        unknown = key.get(stranger.challenge(), node.origin)
        wrong["unknown"] = dict(unknown, credential_id=url64(b"nobody's"))
        failed = stranger.challenge()
        equal(code(stranger.sign_in(passkey=key.get(failed, "https://evil.example"))), "bad_passkey")
        wrong["after a failure"] = key.get(failed, node.origin)  # one use is one use
        for what, shown in wrong.items():
            answer = stranger.sign_in(passkey=shown)
            equal((what, answer[0], code(answer)), (what, 401, "bad_passkey"))
        for shown in ({}, dict(unknown, more=1), dict(unknown, signature=""), dict(unknown, signature="=" * 10000)):
            equal(stranger.sign_in(passkey=shown)[0], 400)
        answer = node.http("POST", "/api/v1/session/challenge", {}, host="%s:%d" % (node.where, node.port))
        equal((answer[0], code(answer[::2])), (400, "origin_unknown"))
        # challenges have a limit: the oldest is over
        first = stranger.challenge()
        for _ in range(256):
            stranger.challenge()
        equal(code(stranger.sign_in(passkey=key.get(first, node.origin))), "bad_passkey")
        # who leaves the site is signed out
        guest = by_passkey(node, "guest")
        node.write_people(without=("hand",))
        owner = by_passkey(node, "owner")
        equal(owner.post("/api/v1/kb/reload", {})[0], 200)
        wait_for("the rules", lambda: node.log_text().count('"judge_joined"') > 1 or browser.me()["signed_in"] is False)
        equal((browser.me()["signed_in"], browser.get("/api/v1/cases")[0]), (False, 401))
        equal((guest.me()["signed_in"], owner.me()["signed_in"]), (True, True))
        equal(code(Browser(node).passkey("hand")), "bad_passkey")
        assert no_secret_stays(node) > 4


@tap.test
def wrong_tries_are_counted_together_and_a_revoked_token_ends_its_sessions():
    with ChatEngine() as engine, Site(engine, settings=["gateway.poll_ms=100", "gateway.challenges_max=4"]) as node:
        desk = node.token("desk", "--scopes", "api")
        kept = node.token("kept", "--scopes", "api")
        node.start()
        browser, other = by_token(node, desk), by_token(node, kept)
        ended = threading.Event()
        subprocess.run([LOGICCTL, "--home", node.home, "token", "revoke", "desk"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        bearer = {"Authorization": "Bearer " + desk}
        wait_for("the token to be refused", lambda: node.http("GET", "/api/v1/cases", headers=bearer)[0] == 401)
        equal((browser.get("/api/v1/cases")[0], browser.me()["signed_in"]), (401, False))
        equal(other.get("/api/v1/cases")[0], 200)
        name = next(row["name"] for row in other.get("/api/v1/sessions")[1]["sessions"])
        third = by_token(node, kept)
        listen(node, third, ended)
        mine = next(row["name"] for row in third.get("/api/v1/sessions")[1]["sessions"] if row["this"])
        assert mine != name
        equal(other.ask("DELETE", "/api/v1/sessions/" + mine)[0], 200)
        assert ended.wait(30), "its stream is open"
        equal((third.me()["signed_in"], other.ask("DELETE", "/api/v1/sessions/" + mine)[0]), (False, 404))
        stranger = Browser(node)
        for number in range(10):
            shown = {"token": "y" * 40} if number % 2 else {"passkey": node.passkeys["hand"].get(os.urandom(32), node.origin)}
            equal(stranger.sign_in(**shown)[0], 401)
        equal(code(stranger.sign_in(token=kept)), "too_many_tries")
        wrong = node.passkeys["hand"].get(os.urandom(32), node.origin)
        equal(code(stranger.sign_in(passkey=wrong)), "too_many_tries")
        # whoever spent the tries, or asks for challenges without end, shuts nobody with a passkey out
        challenge = stranger.challenge()
        node.source = ("127.0.0.9", 0)
        for _ in range(8):
            Browser(node).challenge()
        node.source = None
        equal(stranger.sign_in(passkey=node.passkeys["hand"].get(challenge, node.origin))[0], 200)
        equal(other.get("/api/v1/cases")[0], 200)  # who is in stays in
        metrics = other.get("/metrics")[1].decode()
        assert "logic_node_sessions 2\n" in metrics, metrics
        for outcome, count in (("done", 4), ("wrong", 10), ("limited", 2)):
            assert 'logic_node_sign_ins_total{outcome="%s"} %d\n' % (outcome, count) in metrics, metrics
        no_secret_stays(node, ("metrics", metrics), ("ledger", json.dumps(other.get("/api/v1/ledger?limit=500")[1])))


@tap.test
def the_257th_session_ends_the_one_that_was_unused_for_longest():
    with ChatEngine() as engine, Site(engine) as node:
        desk = node.token("desk", "--scopes", "api")
        node.start()
        browsers = [by_token(node, desk) for _ in range(256)]
        equal(browsers[0].me()["signed_in"], True)  # and is used now: the second is the oldest
        last = by_token(node, desk)
        equal([browser.me()["signed_in"] for browser in (browsers[0], browsers[1], browsers[2], last)], [True, False, True, True])
        equal(len(last.get("/api/v1/sessions")[1]["sessions"]), 256)


@tap.test
def a_session_chats_as_its_token_or_as_its_person():
    with ChatEngine() as engine, Site(engine) as node:
        both, only_api, look = node.token("both", "--scopes", "api,chat"), node.token("only", "--scopes", "api"), node.token("look")
        node.start()
        wait_for("the pool", lambda: b'"ready"' in node.ask("GET", "/v1/capabilities", token=look)[1])
        browser, without, person = by_token(node, both), by_token(node, only_api), by_passkey(node, "hand")
        for who in (browser, person):
            status, answer = who.post("/v1/chat/completions", ASK)
            equal((status, answer["choices"][0]["message"]["content"]), (200, "w0 w1"))
            equal(code(who.post("/v1/chat/completions", ASK, X_Logic_CSRF=None)), "csrf")
            equal(who.get("/api/v1/queue")[0], 200)
        equal(code(without.post("/v1/chat/completions", ASK)), "endpoint_not_allowed")
        equal((without.get("/v1/models")[0], without.get("/api/v1/queue")[0]), (200, 200))  # but it operates: it sees them

        def callers():
            return {row.get("caller") for row in person.get("/api/v1/usage?by=caller")[1]["rows"]}
        wait_for("usage in both names", lambda: {"both", "person:hand"} <= callers())


@tap.test
def invariant_3_whose_session_proposed_a_case_does_not_sign_it():
    with Signing() as node:
        equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
        owner, ada = by_passkey(node, "owner"), by_passkey(node, "ada")
        status, answer = owner.post("/api/v1/intent", {"nl": "delete a.local"})
        equal((status, answer["status"]), (200, "awaiting_consent"))
        case = answer["case"]
        equal(owner.get("/api/v1/cases/" + case)[1]["by"]["principal"], "person:owner")
        plan = ada.get("/api/v1/cases/%s/plan" % case)[1]
        equal(code(owner.post("/api/v1/cases/%s/consent" % case, consent_body(plan, node.owners, node.origin))), "may_not_approve")
        hers = consent_body(plan, node.adas, node.origin)
        equal(code(ada.post("/api/v1/cases/%s/consent" % case, hers, X_Logic_CSRF=owner.csrf)), "csrf")
        equal(node.named.dig("a.local"), ["10.0.0.1"])
        status, answer = ada.post("/api/v1/cases/%s/consent" % case, hers)
        equal((status, answer["status"], node.named.dig("a.local")), (200, "success", []))


@tap.test
def alone_in_the_house_a_token_asks_and_the_passkey_signs():
    with Signing() as node:
        equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
        said = subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", "alone", "--scopes", "api"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        node.write_site("desk.pl", 'token_role("alone", operator).\n')
        subprocess.run([LOGICCTL, "--home", node.home, "kb", "reload"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        desk = wait_for("the token to count", lambda: signed_in(node, said.split()[0]))
        status, answer = desk.post("/api/v1/intent", {"nl": "delete a.local"})
        equal((status, answer["status"]), (200, "awaiting_consent"))
        case = answer["case"]
        equal(desk.get("/api/v1/cases/" + case)[1]["by"]["principal"], "token:alone")
        plan = desk.get("/api/v1/cases/%s/plan" % case)[1]
        status, answer = desk.post("/api/v1/cases/%s/consent" % case, consent_body(plan, node.owners, node.origin))
        equal((status, answer["status"], node.named.dig("a.local")), (200, "success", []))


if __name__ == "__main__":
    tap.run()

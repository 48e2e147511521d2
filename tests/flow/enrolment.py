# SPDX-License-Identifier: Apache-2.0
"""A passkey comes into the house: a code from `logicctl operator enroll`, a browser that uses it, an owner who looks and says yes.

The browser and its authenticator are FAKE (soft_passkey.py): they lie on demand. The gateway is real, and where a test writes into
HOME/enrol/pending it plays a gateway that somebody else has taken over.
"""
import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from node import LOGICCTL, PATIENCE_S, Node, Tap, equal, wait_for  # noqa: E402
from soft_passkey import AT, BE, BS, UP, UV, SoftPasskey, consent, un64, url64  # noqa: E402

tap = Tap()
CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
ANNA = {"anna.pl": 'person(anna, "Anna").\nperson_role(anna, operator).\n'}
PENDING_MAX = 32  # gateway.enrolments_max


class House(Node):
    def __init__(self, named=False, **more):
        self.keys = tempfile.TemporaryDirectory(prefix="ln-passkeys-")
        super().__init__(named=named, site=ANNA, **more)

    def __exit__(self, *why):
        self.keys.cleanup()
        super().__exit__(*why)

    @property
    def origin(self):
        return "http://localhost:%d" % self.port

    def path(self, *below):
        return os.path.join(self.home, *below)

    def ctl(self, *words, wanted=0):
        """logicctl where nobody can be asked: (stdout, stderr)."""
        done = subprocess.run([LOGICCTL, "--home", self.home, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)
        equal((words, done.returncode, done.stderr if done.returncode != wanted else ""), (words, wanted, ""))
        return done.stdout, done.stderr

    def code(self, person="owner", *more):
        out = self.ctl("operator", "enroll", person, "--yes", "--json", *more, wanted=4)[0]
        return json.loads(out)["code"]

    def passkey(self, kind="es256"):
        return SoftPasskey(self.keys.name, "localhost", kind)

    def browser(self, path, body):
        return self.post(path, body, headers={"Origin": self.origin, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"})

    def options(self, code):
        return self.browser("/api/v1/passkeys/options", {"code": code})

    def blind(self, code):
        """A passkey without asking what it should sign."""
        return self.browser("/api/v1/passkeys", {"code": code, "words": "x", **self.passkey().create(b"x" * 32, self.origin)})

    def enrol(self, code, passkey, words="phone", options=None, change=None, **forged):
        """Both questions of the page."""
        if options is None:
            status, options = self.options(code)
            equal((status, options if status != 200 else ""), (200, ""))
        made = passkey.create(forged.pop("challenge", un64(options["challenge"])), forged.pop("origin", self.origin), **forged)
        return self.browser("/api/v1/passkeys", {"code": code, "words": words, **made, **(change or {})})

    def waiting(self):
        return json.loads(self.ctl("operator", "pending", "--json")[0])["enrolments"]

    def people(self):
        status, said = self.get("/api/v1/people")
        equal(status, 200)
        return {row["person"]: row for row in said["people"]}

    def keys_of(self, person="owner"):
        return [p["key_id"] for p in self.people()[person]["passkeys"]]

    def keys_pl(self):
        return open(self.path("site/keys.pl")).read()

    def waits_for_consent(self):
        """A deletion: what needs somebody's signature."""
        name = "nas%d.local" % time.monotonic_ns()
        self.intent("add %s to 192.168.1.77" % name)
        answer = self.intent("delete %s" % name)
        equal(answer["status"], "awaiting_consent")
        return name, answer["case"]


class Terminal:
    """logicctl with a person before it."""

    def __init__(self, node, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(LOGICCTL, [LOGICCTL, "--home", node.home, "--no-color", *words])
        self.said = ""

    def until(self, pattern):
        end = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.said):
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            try:
                more = os.read(self.fd, 4096) if ready else b""
            except OSError:  # it has ended
                more = b""
            assert more, "'%s' is not in: %s" % (pattern, self.said)
            self.said += more.decode(errors="replace")
        return re.search(pattern, self.said)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        try:
            while True:
                more = os.read(self.fd, 4096)
                if not more:
                    break
                self.said += more.decode(errors="replace")
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def refused(answer, status, code):
    equal((answer[0], answer[1]["error"]["code"]), (status, code))


@tap.test
def a_code_a_browser_a_yes_and_the_passkey_signs():
    with House(named=True) as node:
        phone = node.passkey()
        person = Terminal(node, "operator", "enroll", "owner", "--words", "my phone")
        person.until(r'page_origin\("%s"\)\.' % node.origin)
        person.until(r"Write it\? \[y/N\] ")
        assert "page_origin" not in node.keys_pl()
        person.type("y\n")
        person.until(re.escape(node.origin + "/#/enrol"))
        code = person.until(CODE.pattern).group(0)
        person.until(r"waiting for the browser … 9:\d\d left")
        status, options = node.options(code.lower().replace("-", " "))
        equal(status, 200)
        equal({k: options[k] for k in ("person", "name", "rp_id", "algorithms", "exclude", "timeout_ms")},
              {"person": "owner", "name": node.people()["owner"]["name"], "rp_id": "localhost", "algorithms": [-7, -8], "exclude": [],
               "timeout_ms": 300000})
        equal((len(un64(options["challenge"])), len(un64(options["user_id"]))), (32, 32))
        status, made = node.enrol(code, phone, options=options)
        equal((status, made["key_id"], made["person"]), (201, phone.key_id, "owner"))
        person.until(r"Is this the key, and may it sign\? \[y/N\] ")
        assert phone.key_id in person.said and "my phone" in person.said, person.said
        fact = phone.fact("owner").replace('"phone"', '"my phone"').strip()
        assert fact in person.said.replace("\r\n", "\n"), person.said
        equal(node.keys_of(), [])
        person.type("y\n")
        equal((person.end(), "is in force" in person.said), (0, True))
        equal(node.keys_pl().splitlines()[-2:], ['page_origin("%s").' % node.origin, fact])
        equal(node.keys_of(), [phone.key_id])
        equal((os.listdir(node.path("enrol/pending")), json.load(open(node.path("enrol/codes.json")))["codes"]), ([], []))
        name, case = node.waits_for_consent()
        status, answer = consent(node, case, phone, node.origin)
        equal((status, answer["status"], node.named.dig(name)), (200, "success", []))
        listed = node.ctl("operator", "list")[0]
        assert re.search(r"owner +\w+ +passkey +%s +localhost +my phone" % phone.key_id, listed), listed
        for text in (node.log_text(), json.dumps(node.entries()), json.dumps(node.get("/api/v1/people"))):
            for secret in (code, code.replace("-", ""), options["challenge"]):
                assert secret not in text, secret
        assert phone.key_id in node.log_text()
        node.verify_ledger()


@tap.test
def a_passkey_that_was_removed_signs_nothing():
    with House(named=True) as node:
        phone = node.passkey("ed25519")
        equal(node.enrol(node.code(), phone)[0], 201)
        node.ctl("operator", "confirm", node.waiting()[0]["enrolment"], "--yes")
        before = node.keys_pl()
        case = node.waits_for_consent()[1]
        person = Terminal(node, "operator", "remove", phone.key_id)
        person.until(r"Remove it\?.* \[y/N\] ")
        person.type("n\n")
        equal((person.end(), node.keys_pl()), (3, before))
        node.ctl("operator", "remove", phone.key_id, "--yes")
        equal(node.keys_pl(), before.replace(phone.fact("owner"), ""))
        equal(node.keys_of(), [])
        assert consent(node, case, phone, node.origin)[0] in (400, 403)
        assert "no passkey" in node.ctl("operator", "remove", phone.key_id, "--yes", wanted=2)[1]


@tap.test
def a_fact_that_somebody_wrote_otherwise_is_theirs_to_remove():
    with House() as node:
        phone = node.passkey()
        node.write_site("by_hand.pl", phone.fact("anna").replace(", ", ",\n    "))
        node.ctl("kb", "reload")
        equal(node.keys_of("anna"), [phone.key_id])
        assert "by hand" in node.ctl("operator", "remove", phone.key_id, "--yes", wanted=2)[1]
        equal(node.keys_of("anna"), [phone.key_id])


@tap.test
def a_code_is_good_once_and_not_after_its_time():
    with House() as node:
        code = node.code()
        equal(node.enrol(code, node.passkey())[0], 201)
        refused(node.options(code), 403, "bad_code")
        refused(node.blind(code), 403, "bad_code")
        late, codes = node.code(), node.path("enrol/codes.json")
        equal(node.options(late)[0], 200)
        document = json.load(open(codes))
        for row in document["codes"]:
            row.update(created_at="2026-01-01T00:00:00.000Z", expires_at="2026-01-01T00:10:00.000Z")
        with open(codes, "w") as f:
            json.dump(document, f)
        refused(node.options(late), 403, "bad_code")
        refused(node.blind(late), 403, "bad_code")
        node.code()  # the old one goes with the next
        equal(len(json.load(open(codes))["codes"]), 2)


@tap.test
def wrong_codes_are_counted_for_everybody_together():
    with House(settings=["gateway.session_tries_per_minute=3"]) as node:
        code = node.code()
        equal(node.options(code)[0], 200)
        for wrong in ("0000-0000-0000", "nonsense", code[:-1] + ("0" if code[-1] != "0" else "1")):
            refused(node.options(wrong), 403, "bad_code")
        refused(node.options("0000-0000-0001"), 429, "too_many_tries")
        refused(node.options(code), 429, "too_many_tries")
        refused(node.post("/api/v1/session", {"token": "x" * 40}), 429, "too_many_tries")
        equal(os.listdir(node.path("enrol/pending")), [])


@tap.test
def a_restart_keeps_codes_and_what_waits_and_forgets_what_was_to_be_signed():
    with House() as node:
        code, phone = node.code(), node.passkey()
        status, options = node.options(code)
        equal(status, 200)
        node.stop()
        node.start()
        refused(node.enrol(code, phone, options=options), 403, "bad_challenge")
        equal(node.enrol(code, phone)[0], 201)
        node.kill()
        node.start()
        refused(node.options(code), 403, "bad_code")
        equal([(row["state"], row["key_id"]) for row in node.waiting()], [("waits", phone.key_id)])
        node.ctl("operator", "confirm", node.waiting()[0]["enrolment"], "--yes")
        equal(node.keys_of(), [phone.key_id])


# What an authenticator or a browser may say wrong: code of the answer, and how it is said.
def forgeries(node, passkey):
    other = "http://localhost:%d" % (node.port + 1)
    es256, point = passkey.cose(), bytearray(passkey.cose())
    point[-1] ^= 1
    bad = "bad_authenticator_data"
    return [
        (403, "bad_type", {"type": "webauthn.get"}), (403, "bad_challenge", {"challenge": b"y" * 32}),
        (403, "bad_challenge", {"challenge": b"y"}), (403, "bad_origin", {"origin": other}),
        (403, "bad_origin", {"origin": "https://localhost:%d" % node.port}), (403, "cross_origin", {"cross_origin": True}),
        (403, "cross_origin", {"top_origin": "https://example.org"}), (403, "bad_rp", {"rp_id": "example.org"}),
        (403, "not_present", {"flags": UV | AT}), (403, "not_verified", {"flags": UP | AT}), (400, bad, {"flags": UP | UV}),
        (400, bad, {"flags": UP | UV | BS | AT}), (400, "out_of_range", {"authenticator_data": b""}),
        (400, bad, {"authenticator_data": b"\0" * 36}),
        (400, "bad_credential_key", {"cose": b"\xa0"}), (400, "bad_credential_key", {"cose": bytes(point)}),
        (400, "bad_credential_key", {"cose": es256[:-1]}), (400, bad, {"cose": es256 + b"\0"}),
        (400, "bad_client_data", {"client_data_json": b"{"}), (400, "bad_client_data", {"client_data_json": b"[]"}),
        (400, "bad_client_data", {"client_data_json": b'{"type":1}'}),
        (400, "bad_credential_id", {"change": {"credential_id": url64(b"z" * 16)}}),
        (400, "not_base64url", {"change": {"authenticator_data": "a+b="}}),
        (400, "not_base64url", {"change": {"client_data_json": "A"}}),
        (400, "out_of_range", {"change": {"authenticator_data": "A" * 2000}}),
        (400, "out_of_range", {"change": {"credential_id": "A" * 700}}),
        (400, "bad_value", {"words": ""}), (400, "bad_value", {"words": "a" * 61}), (400, "bad_value", {"words": "a\nb"}),
        (400, "bad_value", {"words": "\u202eenohp"}), (400, "bad_value", {"change": {"transports": ["u" * 40]}}),
        (400, "out_of_range", {"change": {"transports": ["usb"] * 9}}), (400, "unknown_field", {"change": {"person": "anna"}}),
    ]


@tap.test
def what_an_authenticator_or_a_browser_says_wrong_is_refused_by_name():
    with House() as node:
        code, phone = node.code(), node.passkey()
        for status, name, said in forgeries(node, phone):
            answer = node.enrol(code, phone, **said)
            equal((said, answer[0], answer[1].get("error", {}).get("code")), (said, status, name))
        equal(os.listdir(node.path("enrol/pending")), [])
        refused(node.browser("/api/v1/passkeys", {"code": code}), 400, "missing_field")
        refused(node.browser("/api/v1/passkeys/options", {}), 400, "missing_field")
        equal(node.enrol(code, phone, flags=UP | UV | AT | BE | BS, more={"extra": 1})[0], 201)


@tap.test
def what_was_signed_once_is_no_use_again():
    with House() as node:
        code, phone = node.code(), node.passkey()
        status, options = node.options(code)
        refused(node.enrol(code, phone, options=options, type="webauthn.get"), 403, "bad_type")
        refused(node.enrol(code, phone, options=options), 403, "bad_challenge")
        first, second = node.options(code)[1], node.options(code)[1]
        assert first["challenge"] != second["challenge"]
        refused(node.enrol(code, phone, options=first), 403, "bad_challenge")
        other = node.code("anna")
        refused(node.enrol(other, phone, options=node.options(code)[1]), 403, "bad_challenge")
        equal(os.listdir(node.path("enrol/pending")), [])


@tap.test
def a_browser_that_takes_too_long_begins_again():
    with House(settings=["gateway.enrolment_ms=1000"]) as node:
        code, phone = node.code(), node.passkey()
        options = node.options(code)[1]
        equal(options["timeout_ms"], 1000)
        time.sleep(1.1)  # later is as good
        refused(node.enrol(code, phone, options=options), 403, "bad_challenge")
        equal(node.options(code)[0], 200)


@tap.test
def a_passkey_that_is_enrolled_already_is_refused_and_named_to_the_browser():
    with House() as node:
        phone = node.passkey()
        equal(node.enrol(node.code(), phone)[0], 201)
        node.ctl("operator", "confirm", node.waiting()[0]["enrolment"], "--yes")
        code = node.code()
        equal(node.options(code)[1]["exclude"], [url64(phone.id)])
        refused(node.enrol(code, phone), 403, "passkey_known")
        equal(node.options(node.code("anna"))[1]["exclude"], [])


@tap.test
def one_more_than_may_wait_is_refused_until_one_is_rejected():
    with House() as node:
        code, phone = node.code(), node.passkey()
        for number in range(PENDING_MAX):
            with open(node.path("enrol/pending", "%016x.json" % number), "w") as f:
                f.write("{}")
        refused(node.options(code), 429, "too_many_enrolments")
        refused(node.blind(code), 429, "too_many_enrolments")
        node.ctl("operator", "reject", "%016x" % 7)
        equal(node.enrol(code, phone)[0], 201)
        refused(node.options(node.code()), 429, "too_many_enrolments")


@tap.test
def a_gateway_that_somebody_took_over_writes_no_fact():
    with House() as node:
        code, phone = node.code("anna", "--words", "tablet"), node.passkey()
        equal(node.enrol(code, phone, words="another")[0], 201)
        row = node.waiting()[0]
        equal((row["person"], row["words"]), ("anna", "tablet"))  # the owner's words, not the page's
        file, before = node.path("enrol/pending", row["enrolment"] + ".json"), node.keys_pl()
        good = json.load(open(file))
        eve = 'x").\nperson_role(eve, operator).\noperator_key(eve, "'
        changes = [{"person": "owner"}, {"person": "owner, x"}, {"person": "a').\nhalt.\n"}, {"words": "other"}, {"words": eve},
                   {"words": 'tablet"). person_role(eve, operator). x("'}, {"credential_id": eve}, {"key": "es256:" + eve},
                   {"key": good["key"] + " "}, {"rp_id": eve}, {"rp_id": "example.org"}, {"origin": "https://example.org"},
                   {"id": "0123456789abcdef"}, {"created_at": "2020-01-01T00:00:00.000Z"}, {"schema": "other"}, {"more": 1}]
        for change in changes:
            with open(file, "w") as f:
                json.dump({**good, **change}, f)
            said = subprocess.run([LOGICCTL, "--home", node.home, "operator", "confirm", row["enrolment"], "--yes"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False)
            equal((change, said.returncode != 0, node.keys_pl() == before), (change, True, True))
            equal([r["state"] for r in node.waiting()], ["refused"])
        os.remove(file)
        os.symlink("/etc/passwd", file)
        said = node.ctl("operator", "confirm", row["enrolment"], "--yes", wanted=2)[1]
        assert "root:" not in said, said
        os.remove(file)
        os.mkfifo(file)
        node.ctl("operator", "confirm", row["enrolment"], "--yes", wanted=2)
        node.ctl("operator", "reject", row["enrolment"])
        stranger = {**good, "id": "0123456789abcdef", "person": "owner"}
        with open(node.path("enrol/pending/0123456789abcdef.json"), "w") as f:
            json.dump(stranger, f)
        assert "no code that was made here" in node.ctl("operator", "confirm", "0123456789abcdef", "--yes", wanted=3)[1]
        equal((node.keys_pl(), node.keys_of("anna")), (before, []))


@tap.test
def words_of_any_letters_are_quoted_and_read_back_as_they_were():
    with House() as node:
        words = "Tom's \"big\" \\ phone). % 'x' /* ~w 家 🐧"
        phone = node.passkey()
        equal(node.enrol(node.code(), phone, words=words)[0], 201)
        row = node.waiting()[0]
        equal(row["words"], words)
        person = Terminal(node, "operator", "confirm", row["enrolment"])
        person.until(r"may it sign\? \[y/N\] ")
        line = [line for line in person.said.replace("\r\n", "\n").splitlines() if line.startswith("  operator_passkey(")][0].strip()
        person.type("yes\n")
        equal(person.end(), 0)
        equal(node.keys_pl().splitlines()[-1], line)
        equal([p["words"] for p in node.people()["owner"]["passkeys"]], [words])
        node.ctl("operator", "remove", phone.key_id, "--yes")
        equal(node.keys_of(), [])


@tap.test
def rules_that_are_refused_leave_everything_as_it_was():
    with House() as node:
        phone = node.passkey()
        equal(node.enrol(node.code(), phone)[0], 201)
        row, whole = node.waiting()[0], node.keys_pl()
        for harm, name in (("nonsense(a).\n", "bad.pl"), (whole + "/* open\n", "keys.pl")):
            node.write_site(name, harm)
            before = node.keys_pl()
            said = subprocess.run([LOGICCTL, "--home", node.home, "operator", "confirm", row["enrolment"], "--yes"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False)
            equal((said.returncode, "nothing was changed" in said.stdout, node.keys_pl() == before), (3, True, True))
            equal((node.keys_of(), [r["state"] for r in node.waiting()]), ([], ["waits"]))
            if name == "bad.pl":
                os.remove(node.path("site", name))
        node.write_site("keys.pl", whole)
        node.ctl("operator", "confirm", row["enrolment"], "--yes")
        equal(node.keys_of(), [phone.key_id])


@tap.test
def without_a_node_nothing_is_written():
    with House() as node:
        equal(node.enrol(node.code(), node.passkey())[0], 201)
        row, before = node.waiting()[0], node.keys_pl()
        node.stop()
        node.ctl("operator", "confirm", row["enrolment"], "--yes", wanted=6)
        node.ctl("operator", "enroll", "owner", "--yes", wanted=6)
        equal((node.keys_pl(), len(node.waiting())), (before, 1))


@tap.test
def who_is_not_asked_says_yes_to_nothing():
    with House() as node:
        before = node.keys_pl()
        assert "--yes" in node.ctl("operator", "enroll", "owner", wanted=2)[1]
        equal((node.keys_pl(), os.path.exists(node.path("enrol/codes.json"))), (before, False))
        equal(node.enrol(node.code(), node.passkey())[0], 201)
        before, row = node.keys_pl(), node.waiting()[0]
        assert row["key_id"] in node.ctl("operator", "confirm", row["enrolment"], wanted=2)[1]
        person = Terminal(node, "operator", "confirm", row["enrolment"])
        person.until(r"may it sign\? \[y/N\] ")
        person.type("\n")
        equal((person.end(), node.keys_pl(), node.keys_of(), len(node.waiting())), (3, before, [], 1))


@tap.test
def ctrl_c_leaves_the_code_and_reject_takes_it_away():
    with House() as node:
        person = Terminal(node, "operator", "enroll", "owner", "--yes")
        code = person.until(CODE.pattern).group(0)
        person.until("waiting for the browser")
        person.type("\x03")
        equal((person.end(), "The code stays good" in person.said), (4, True))
        row = node.waiting()[0]
        equal((row["state"], row["person"], row["origin"]), ("open", "owner", node.origin))
        assert row["enrolment"] in person.said
        equal(node.options(code)[0], 200)
        node.ctl("operator", "reject", row["enrolment"])
        refused(node.options(code), 403, "bad_code")
        equal(node.waiting(), [])
        for nobody in (row["enrolment"], "nonsense", "../../../site/keys"):
            node.ctl("operator", "reject", nobody, wanted=2)


@tap.test
def people_and_pages_that_cannot_have_passkeys_are_refused_before_a_code_is_made():
    with House() as node:
        before = node.keys_pl()
        for words in (("eve",), ("Owner",), ("owner', x",), ("owner", "--origin", "http://192.168.1.5:30080"),
                      ("owner", "--origin", "https://192.168.1.5"), ("owner", "--origin", "node.home.arpa"),
                      ("owner", "--origin", "https://node.home.arpa/"), ("owner", "--words", "a\tb"), ("owner", "--words", "a" * 61)):
            origin_too = "--words" in words  # the page's address is asked for first
            node.ctl("operator", "enroll", *words, "--yes", "--json", wanted=2)
            equal((words, node.keys_pl() == before), (words, not origin_too))
            node.write_site("keys.pl", before)
            node.ctl("kb", "reload")
        assert "owner" in node.ctl("operator", "enroll", "eve", "--yes", wanted=2)[1]
        equal(os.path.exists(node.path("enrol/codes.json")), False)
        equal(json.loads(node.ctl("operator", "enroll", "owner", "--yes", "--json", "--origin", "https://node.home.arpa:30443",
                                  wanted=4)[0])["address"], "https://node.home.arpa:30443/#/enrol")
        equal(node.get("/api/v1/people")[1]["origins"], ["https://node.home.arpa:30443"])


@tap.test
def the_files_are_the_owner_s_alone():
    with House() as node:
        equal(node.enrol(node.code(), node.passkey())[0], 201)
        for name, mode in (("enrol", 0o700), ("enrol/pending", 0o700), ("enrol/codes.json", 0o600),
                           ("enrol/pending/%s.json" % node.waiting()[0]["enrolment"], 0o600)):
            equal((name, os.stat(node.path(name)).st_mode & 0o777), (name, mode))
        equal(json.load(open(node.path("run/page.json"))), {"origin": node.origin})


@tap.test
def what_the_node_is_likely_called_is_written_for_logicctl():
    with House(start=False) as node:
        key, crt = node.path("server.key"), node.path("server.crt")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-keyout", key, "-out", crt, "-subj", "/CN=node"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tls = ["--tls-cert", crt, "--tls-key", key]
        for args, origin in (([], node.origin), (["--name", "node.home.arpa"], node.origin),
                             (tls, node.origin.replace("http", "https")),
                             ([*tls, "--name", "192.168.1.5", "--name", "node.home.arpa"], "https://node.home.arpa:%d" % node.port)):
            node.args = args
            node.start(wait=False)
            wait_for("the node to be ready", lambda: "node_ready" in node.log_text() or node.process.poll())
            equal((args, json.load(open(node.path("run/page.json")))), (args, {"origin": origin}))
            node.stop()
            open(node.path("log.jsonl"), "w").close()


tap.run()

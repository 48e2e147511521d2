# SPDX-License-Identifier: Apache-2.0
"""Notifications on a whole node (docs/dashboard.md §6): who is told what, in which form; receivers that misbehave; roles that die in
between; a storm; secrets and hostile words. The receivers are FAKE (harness/fake_receiver.py): no real chat or phone is involved."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from fake_receiver import FakeReceiver, house_certificate  # noqa: E402
from fast_rules import with_fast_rules  # noqa: E402
from node import LOGICCTL, Node, Tap, equal, free_port, wait_for  # noqa: E402

tap = Tap()
ORIGIN = "https://node.home.arpa:30443"
FAST = ["judge.notify_pause_ms=40", "actuator.notice_ms=1500"]
SENSES = 'node("n1", "192.0.2.1", "a machine").\nsense_source("n1", "n1", push, "n1", 1).\n'
HOT, COLD = "95", "40"


def facts(channels, abouts, origin=ORIGIN):
    """channels {name: (kind, where)}, abouts {name: [what]}"""
    text = 'page_origin("%s").\n' % origin if origin else ""
    text += "".join('notify_channel(%s, %s, "%s").\n' % (name, kind, where) for name, (kind, where) in channels.items())
    return text + "".join("notify_about(%s, %s).\n" % (name, what) for name, whats in abouts.items() for what in whats)


class House(Node):
    def __init__(self, channels, abouts, origin=ORIGIN, secrets=None, settings=(), **more):
        self.kb = None
        super().__init__(site={"notify.pl": facts(channels, abouts, origin), "senses.pl": SENSES}, start=False,
                         settings=FAST + ["judge.senses_tick_ms=500", "sensor.push_ms=100", *settings], **more)
        for handle, value in (secrets or {}).items():
            path = os.path.join(self.home, "secrets", handle)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
                f.write(value)
        self.kb = with_fast_rules(self.home)
        self.start()

    def command(self):
        command = super().command()
        if self.kb:
            command[command.index("--kb") + 1] = self.kb
        return command

    def waiting_case(self, name="a.local", sentence=None):
        equal(self.intent("add %s to 10.0.0.1" % name)["status"], "success")
        answer = self.intent(sentence or "delete %s" % name)
        equal(answer["status"], "awaiting_consent")
        return answer["case"]

    def failed_case(self, name="f.local"):
        """The look at the name server fails: nobody is there any more."""
        answer = self.intent("add %s to 10.0.0.9" % name)
        equal(answer["status"], "failed")
        return answer["case"]

    def heat(self, degrees, gpu="0"):
        if not hasattr(self, "sense_token"):
            command = [LOGICCTL, "--home", self.home, "token", "create", "--name", "n1", "--opaque", "--scopes", "sense"]
            self.sense_token = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                              text=True).stdout.split()[0]
        text = 'node_gpu_temperature_celsius{gpu="%s"} %s\n' % (gpu, degrees)
        headers = {"Content-Type": "text/plain", "Authorization": "Bearer " + self.sense_token}
        wait_for("the push", lambda: self.request("POST", "/api/v1/senses/n1", text.encode(), headers=headers)[0] == 200)

    def notifications(self):
        status, answer = self.get("/api/v1/notifications")
        equal(status, 200)
        return answer

    def of(self, *kinds):
        return [e for e in self.entries() if e["kind"] in kinds]

    def wait_ended(self, count):
        kinds = ("notification_sent", "notification_failed")
        return wait_for("%d notifications that ended" % count, lambda: len(self.of(*kinds)) >= count and self.of(*kinds))

    def ctl(self, *words, code=0):
        done = subprocess.run([LOGICCTL, "--home", self.home, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, check=False)
        equal((done.returncode, done.stdout if done.returncode != code else ""), (code, ""))
        return done.stdout

    def metric(self, name):
        status, text = self.get("/metrics")
        equal(status, 200)
        found = re.search(r"^logic_%s (\S+)$" % re.escape(name), text.decode(), re.M)
        return float(found.group(1)) if found else None


def one_link_only(raw, link):
    """No address in all that went out but the link, once; nothing that acts."""
    text = raw.decode()
    equal(text.count("://"), text.count(link))
    assert text.count(link) <= 1, text
    for bad in ("/api/", "logicctl approve", "/consent", "\u202e", "\u200b", "<!", "@channel", "@here", "](", "www.", "mailto:",
                "javascript:", "actions"):
        assert bad not in text.lower(), (bad, text)


@tap.test
def a_case_that_waits_is_told_in_three_forms_with_one_link():
    with FakeReceiver() as hook, FakeReceiver() as chat, FakeReceiver() as phone:
        channels = {"log": ("webhook", hook.url("/in?a=b")), "office": ("slack", chat.url("/T0/B0/x")),
                    "phone": ("ntfy", phone.url("/house"))}
        with House(channels, {name: ["consent"] for name in channels}) as node:
            case = node.waiting_case()
            link = "%s/#/cases/%s" % (ORIGIN, case)
            told = hook.wait_told(1)[0]
            equal(sorted(told), ["about", "at", "link", "node", "text", "title", "urgency", "v"])
            equal((told["v"], told["link"], told["urgency"], told["about"]), (1, link, "high", {"what": "consent", "case": case}))
            assert told["title"].startswith("Signature wanted: ") and "a.local" in told["title"], told
            assert "Tier: risky." in told["text"] and "delete a[.]local" in told["text"], told
            equal(hook.taken()[0]["line"], "POST /in?a=b HTTP/1.1")
            said = chat.wait_told(1)[0]["text"]
            assert said.startswith("*Signature wanted: ") and said.endswith("\n<%s|Open>" % link), said
            rung = phone.wait_told(1)[0]
            equal((rung["topic"], rung["click"], rung["priority"], sorted(rung)),
                  ("house", link, 4, ["click", "message", "priority", "title", "topic"]))
            equal(phone.taken()[0]["line"], "POST / HTTP/1.1")
            for receiver in (hook, chat, phone):
                one_link_only(receiver.taken()[0]["body"], link)
            ended = node.wait_ended(3)
            equal(sorted((e["kind"], e["body"]["channel"], e["body"]["tries"]) for e in ended),
                  [("notification_sent", name, 1) for name in sorted(channels)])
            equal(node.consent(case)[1]["status"], "success")  # the page and the CLI decide, as ever
            equal([len(r.requests) for r in (hook, chat, phone)], [1, 1, 1])  # told once, and not of what followed
            shown = node.notifications()
            equal([(c["channel"], c["sent"], c["failed"], c["waiting"]) for c in shown["channels"]],
                  [(name, 1, 0, 0) for name in sorted(channels)])
            equal((len(shown["last"]), shown["waiting"], shown["last"][0]["sent"]), (3, [], True))
            node.verify_ledger()


@tap.test
def each_kind_goes_to_its_own_channel_only():
    with FakeReceiver() as hook:
        channels = {what: ("webhook", hook.url("/" + what))
                    for what in ("consent", "alert_critical", "alert_warning", "case_failed", "node")}
        with House(channels, {name: [name] for name in channels}) as node:
            def at(what):
                return [json.loads(r["body"]) for r in hook.taken() if r["line"].split()[1] == "/" + what]
            started = wait_for("the start", lambda: at("node"))[0]
            assert started["title"].endswith(": started") and started["urgency"] == "low", started
            seq = started["about"]["seq"]
            equal(started["link"], "%s/#/ledger/%d" % (ORIGIN, seq))
            equal([e["kind"] for e in node.entries() if e["seq"] == seq], ["kb_loaded"])
            node.heat(COLD)
            node.heat(HOT)
            critical = wait_for("the alert", lambda: at("alert_critical"))[0]
            equal((critical["urgency"], critical["link"]), ("high", "%s/#/alerts/%d" % (ORIGIN, critical["about"]["alert"])))
            assert critical["title"].startswith("critical: n1"), critical
            case = node.waiting_case()
            equal(wait_for("the wish", lambda: at("consent"))[0]["about"]["case"], case)
            node.named.stop()
            failed = node.failed_case()
            told = wait_for("the failure", lambda: at("case_failed"))[0]
            equal((told["about"]["case"], told["link"]), (failed, "%s/#/cases/%s" % (ORIGIN, failed)))
            assert told["title"].startswith("Failed: ") and "Nothing was changed." in told["text"], told
            with open(os.path.join(node.kb, "core/3_rules/broken.pl"), "w") as f:
                f.write(":- module(broken, []).\nx :- y(\n")
            node.post("/api/v1/kb/reload", {})
            refused = wait_for("the refusal", lambda: [m for m in at("node") if "refused" in m["title"]])[0]
            assert "The rules in force stay." in refused["text"], refused
            equal([len(at(w)) for w in ("consent", "alert_critical", "alert_warning", "case_failed", "node")], [1, 1, 0, 1, 2])
            for request in hook.taken():
                one_link_only(request["body"], json.loads(request["body"])["link"])
            # entries about notifications stand in the ledger and on the stream, and are told to nobody
            equal({e["body"]["about"]["what"] for e in node.of("notification_sent")},
                  {"consent", "alert_critical", "case_failed", "node"})


@tap.test
def without_a_page_it_says_how_to_look():
    with FakeReceiver() as hook, FakeReceiver() as chat:
        channels = {"log": ("webhook", hook.url()), "office": ("slack", chat.url())}
        with House(channels, {"log": ["consent"], "office": ["consent"]}, origin=None) as node:
            case = node.waiting_case()
            told = hook.wait_told(1)[0]
            equal(told["link"], None)
            assert told["text"].endswith("To look at it: logicctl case " + case), told
            assert "://" not in hook.taken()[0]["body"].decode() + chat.wait_told(1)[0]["text"]
            assert "|Open>" not in chat.told()[0]["text"]
            out = node.ctl("case", case)  # what it says is true
            assert "a.local" in out, out


@tap.test
def receivers_that_misbehave_are_tried_by_the_table_and_then_given_up():
    with tempfile.TemporaryDirectory() as folder:
        right, wrong = house_certificate(folder, "other.example")
        modes = {"bad": "receiver_refused", "redirect": "receiver_redirects", "large": "receiver_too_long", "garbage": "receiver_garbage",
                 "closed": "receiver_garbage", "silent": "receiver_silent"}
        receivers = {mode: FakeReceiver(mode) for mode in modes}
        receivers["tls"] = FakeReceiver(tls=wrong)
        good, good_tls = FakeReceiver(), FakeReceiver(tls=right)
        channels = {name: ("webhook", r.url()) for name, r in receivers.items()}
        channels.update(down=("webhook", "http://127.0.0.1:%d/" % free_port()), good=("webhook", good.url()),
                        safe=("webhook", good_tls.url()))
        codes = dict(modes, tls="receiver_tls", down="receiver_away")
        home = tempfile.mkdtemp(prefix="ln-home-")
        os.makedirs(os.path.join(home, "pki"), mode=0o700)
        shutil.copy(os.path.join(folder, "ca.crt"), os.path.join(home, "pki/ca.crt"))
        with House(channels, {name: ["consent"] for name in channels}, home=home,
                   settings=["actuator.notice_ms=400", "judge.notify_at_once=8", "actuator.notices_at_once=8"]) as node:
            begin = time.monotonic()
            node.waiting_case()
            ended = node.wait_ended(len(channels))
            # pauses of 40, 240, 1200 and 7200 ms: the last try comes 8.7 s after the first
            assert time.monotonic() - begin > 8.6, time.monotonic() - begin
            sent = {e["body"]["channel"]: e["body"] for e in ended if e["kind"] == "notification_sent"}
            failed = {e["body"]["channel"]: e["body"] for e in ended if e["kind"] == "notification_failed"}
            equal(({n: b["tries"] for n, b in sent.items()}, sorted(failed)), ({"good": 1, "safe": 1}, sorted(codes)))
            equal({n: (b["code"], b["tries"]) for n, b in failed.items()}, {n: (code, 5) for n, code in codes.items()})
            equal({n: len(r.requests) for n, r in receivers.items() if n not in ("tls", "closed")},
                  {n: 5 for n in modes if n != "closed"})
            equal(receivers["tls"].requests, [])  # nothing was said to somebody with another's name
            shown = {c["channel"]: c for c in node.notifications()["channels"]}
            equal({n: (c["failed"], c["last"]["code"]) for n, c in shown.items() if c["failed"]},
                  {n: (1, code) for n, code in codes.items()})
            out = node.ctl("notify")
            assert "given up" in out and "HTTP 500" in out and "bad" in out, out
            equal((node.metric('notifications_total{outcome="failed"}'), node.metric('notifications_total{outcome="sent"}'),
                   node.metric("notifications_waiting")), (len(codes), 2, 0))
            for name, row in failed.items():
                assert "://" not in row["words"] and "127.0.0.1" not in row["words"], row
        shutil.rmtree(home, ignore_errors=True)
        for receiver in [*receivers.values(), good, good_tls]:
            receiver.close()


@tap.test
def a_receiver_that_comes_back_is_told_then():
    with FakeReceiver("bad") as hook:
        with House({"log": ("webhook", hook.url())}, {"log": ["consent"]}, settings=["judge.notify_pause_ms=300"]) as node:
            case = node.waiting_case()
            wait_for("two tries", lambda: len(hook.requests) >= 2)
            waiting = node.notifications()["waiting"][0]
            equal((waiting["channel"], waiting["about"], waiting["why"]["code"]),
                  ("log", {"what": "consent", "case": case}, "receiver_refused"))
            assert "tried 2 times" in node.ctl("notify")
            hook.mode = "good"
            equal(node.wait_ended(1)[0]["body"]["tries"], 3)
            equal(len(hook.told()), 1)


@tap.test
def a_signature_that_nobody_waits_for_any_more_is_not_asked_for():
    with FakeReceiver("bad") as hook:
        with House({"log": ("webhook", hook.url())}, {"log": ["consent"]}, settings=["judge.notify_pause_ms=300"]) as node:
            case = node.waiting_case()
            wait_for("a try", lambda: hook.requests)
            equal(node.consent(case, decision="refuse")[1]["status"], "refused")
            hook.mode = "good"
            equal(node.wait_ended(1)[0]["body"]["code"], "no_longer")
            equal(hook.told(), [])


def kill_role(node, role):
    os.kill(node.pid(role), signal.SIGKILL)


@tap.test
def who_dies_in_the_middle_tells_it_once_or_twice():
    for role in ("judge", "actuator", "node"):
        with FakeReceiver("slow") as hook:
            hook.slow_s = 1
            with House({"log": ("webhook", hook.url())}, {"log": ["consent", "alert_critical"]},
                       settings=["actuator.notice_ms=5000"]) as node:
                node.heat(COLD)
                case = node.waiting_case()
                wait_for("the first byte", lambda: hook.requests)
                if role == "node":
                    node.kill()
                    node.start()
                else:
                    kill_role(node, role)
                wait_for("the record", lambda: node.of("notification_sent"))
                told = [m for m in hook.told() if m["about"].get("case") == case]
                assert 1 <= len(told) <= 2, (role, told)
                node.heat(HOT)  # and it goes on as before
                wait_for("the alert", lambda: [m for m in hook.told() if m["about"]["what"] == "alert_critical"])
                wait_for("both records", lambda: len(node.of("notification_sent")) == 2)
                before = len(hook.requests)
                kill_role(node, "judge")  # what was told is known after the next start
                wait_for("the next judge", lambda: len(node.of("kb_loaded")) >= (3 if role != "actuator" else 2))
                time.sleep(1.5)
                equal((len(hook.requests), len(node.of("notification_sent"))), (before, 2))
                equal(node.notifications()["channels"][0]["sent"], 2)  # read back
                node.verify_ledger()


@tap.test
def what_waited_when_the_node_died_is_told_after_it():
    with FakeReceiver("bad") as hook:
        with House({"log": ("webhook", hook.url())}, {"log": ["consent", "alert_critical", "case_failed"]},
                   settings=["judge.notify_pause_ms=600000"]) as node:
            node.heat(COLD)
            node.heat(HOT)
            case = node.waiting_case()
            node.named.stop()
            failed = node.failed_case()
            wait_for("three tries", lambda: len(hook.requests) >= 3)
            node.kill()
            hook.mode = "good"
            node.start()
            hook.wait_told(3)
            equal(sorted((m["about"]["what"], m["about"].get("case")) for m in hook.told()),
                  [("alert_critical", None), ("case_failed", failed), ("consent", case)])


@tap.test
def rules_that_were_refused_are_told_after_a_restart_and_of_the_starts_the_last():
    with FakeReceiver("bad") as hook:
        with House({"log": ("webhook", hook.url())}, {"log": ["node"]}, settings=["judge.notify_pause_ms=600000"]) as node:
            path = os.path.join(node.kb, "core/3_rules/broken.pl")
            with open(path, "w") as f:
                f.write(":- module(broken, []).\nx :- y(\n")
            node.post("/api/v1/kb/reload", {})
            os.remove(path)
            wait_for("two tries", lambda: len(hook.requests) >= 2)
            node.kill()
            hook.mode = "good"
            node.start()
            hook.wait_told(2)
            wait_for("both records", lambda: len(node.of("notification_sent")) == 2)
            refused, started = node.of("kb_refused")[0], node.of("kb_loaded")[-1]
            equal(sorted(m["about"]["seq"] for m in hook.told()), [refused["seq"], started["seq"]])
            kill_role(node, "judge")  # and not told again
            wait_for("the next start to be told", lambda: len(node.of("notification_sent")) == 3)
            equal([m["about"]["seq"] for m in hook.told()].count(refused["seq"]), 1)


@tap.test
def a_storm_is_bounded_and_the_oldest_gives_way():
    with FakeReceiver("slow") as hook:
        hook.slow_s = 5
        with House({"log": ("webhook", hook.url())}, {"log": ["case_failed"]},
                   settings=["judge.notify_waiting_max=256", "actuator.notice_ms=20000"]) as node:
            node.named.stop()
            ids = [node.failed_case("s%d.local" % i) for i in range(300)]
            wait_for("all to be worded", lambda: node.metric("notifications_waiting") + len(
                node.of("notification_sent", "notification_failed")) == 300)
            dropped = node.of("notification_failed")
            assert len(dropped) >= 30, len(dropped)  # 300 less 256, less those that were told meanwhile
            equal({(e["body"]["code"], e["body"]["tries"]) for e in dropped}, {("too_many", 0)})
            told = {m["about"]["case"] for m in hook.told()}
            gone = [e["body"]["about"]["case"] for e in dropped]
            equal(gone, [i for i in ids if i not in told][:len(gone)])  # the oldest, in their order
            assert 200 < node.metric("notifications_waiting") <= 256, node.metric("notifications_waiting")
            shown = node.notifications()
            assert len(shown["waiting"]) <= 100 and len(shown["last"]) <= 100
            equal(hook.most_at_once, 1)  # one at a time per channel
            hook.slow_s = 0
            wait_for("all", lambda: len(node.of("notification_sent", "notification_failed")) == 300)
            told = [m["about"]["case"] for m in hook.told()]
            equal((len(told), sorted(told + gone)), (len(set(told)), sorted(ids)))


@tap.test
def more_than_the_rules_can_word_is_counted():
    with FakeReceiver("bad") as hook:
        with House({"log": ("webhook", hook.url())}, {"log": ["consent"]},
                   settings=["judge.notify_looks_max=16", "judge.notify_pause_ms=600000"]) as node:
            for name in ["m%d.local" % i for i in range(30)]:
                node.waiting_case(name)
            wait_for("a try of each", lambda: len(hook.requests) == 30)
            node.kill()
            hook.mode = "good"
            node.start()  # the start itself and thirty cases, of which sixteen fit
            equal(len(hook.wait_told(16)), 16)
            equal(node.metric("notifications_dropped_total"), 15)
            assert node.log_text().count('"event":"notification_dropped"') == 1
            equal(len(node.wait_ended(16)), 16)


@tap.test
def an_actuator_that_is_full_is_asked_again():
    with FakeReceiver("slow") as hook:
        hook.slow_s = 0.3
        channels = {"c%d" % i: ("webhook", hook.url()) for i in range(6)}
        with House(channels, {name: ["consent"] for name in channels},
                   settings=["judge.notify_at_once=8", "actuator.notices_at_once=1", "actuator.notices_waiting_max=1"]) as node:
            node.waiting_case()
            ended = node.wait_ended(6)
            equal({(e["kind"], e["body"]["tries"]) for e in ended}, {("notification_sent", 1)})
            equal((len(hook.told()), hook.most_at_once), (6, 1))
            assert '"event":"notification_refused","code":"queue_full"' in node.log_text()


@tap.test
def a_slow_receiver_holds_up_no_case():
    with FakeReceiver("silent") as hook:
        channels = {"c%d" % i: ("webhook", hook.url("/%d" % i)) for i in range(8)}
        with House(channels, {name: ["consent"] for name in channels}, settings=["actuator.notice_ms=20000"]) as node:
            case = node.waiting_case()
            wait_for("four under way", lambda: hook.at_once >= 4)
            begin = time.monotonic()
            for i in range(5):
                equal(node.intent("add h%d.local to 10.0.1.%d" % (i, i))["status"], "success")
            equal(node.consent(case)[1]["status"], "success")
            assert time.monotonic() - begin < 10, time.monotonic() - begin
            equal(node.named.dig("h4.local"), ["10.0.1.4"])
            assert hook.at_once >= 4 and node.of("notification_sent") == []
            equal(hook.most_at_once, 4)  # and no more than that many


@tap.test
def the_secret_address_appears_nowhere():
    token = "tk_verysecrettoken0123456789"
    with FakeReceiver() as good, FakeReceiver("bad") as bad:
        secrets = {"notify/good": good.url("/hook/%s/x" % token), "notify/bad": bad.url("/%s" % token),
                   "notify/dead": "http://127.0.0.1:%d/%s" % (free_port(), token), "notify/none": "gopher://%s" % token}
        channels = {"good": ("webhook", "secret:notify/good"), "bad": ("ntfy", "secret:notify/bad"),
                    "dead": ("slack", "secret:notify/dead"), "none": ("webhook", "secret:notify/none"),
                    "missing": ("webhook", "secret:notify/missing")}
        with House(channels, {name: ["consent"] for name in channels}, secrets=secrets, settings=["judge.notify_tries=2"]) as node:
            seen = ""
            node.waiting_case()
            for _ in range(20):
                seen += subprocess.run(["ps", "axeww", "-o", "args"], stdout=subprocess.PIPE, text=True).stdout
                time.sleep(0.02)
            node.wait_ended(5)
            assert good.taken()[0]["line"].startswith("POST /hook/%s/x " % token)
            equal(json.loads(bad.taken("bad")[0]["body"])["topic"], token)
            equal({e["body"]["channel"]: e["body"]["code"] for e in node.of("notification_failed")},
                  {"bad": "receiver_refused", "dead": "receiver_away", "none": "bad_receiver", "missing": "no_secret"})
            test = node.post("/api/v1/notifications/test", {"channel": "bad"})
            seen += json.dumps([test, node.notifications(), node.entries()]) + node.ctl("notify") + node.get("/metrics")[1].decode()
            node.stop()
            seen += node.log_text()
            for folder, _, names in os.walk(node.home):
                for name in names if "secrets" not in folder else []:
                    path = os.path.join(folder, name)
                    if os.path.isfile(path):
                        seen += open(path, "rb").read().decode(errors="replace")
            assert token not in seen
            assert "secret:notify/good" in seen


EVIL = ("http://evil.example/a @channel <!here> [ok](http://evil.example) www.evil.example mailto:x@y &amp; *b* `c` <http://e|x> "
        "javascript:alert(1)")


@tap.test
def hostile_words_stay_words():
    with FakeReceiver() as hook, FakeReceiver() as chat, FakeReceiver() as phone:
        channels = {"log": ("webhook", hook.url()), "office": ("slack", chat.url()), "phone": ("ntfy", phone.url("/t"))}
        about = ["consent", "case_failed", "alert_critical", "node"]
        with House(channels, {name: about for name in channels}) as node:
            equal(node.intent('add txt e.local "%s"' % EVIL)["status"], "success")
            case = node.intent('delete the TXT record "%s" of e.local' % EVIL)["case"]
            node.heat(COLD, "http://evil.example/a")  # a part's letters allow it
            node.heat(HOT, "http://evil.example/a")
            wait_for("the alert", lambda: [m for m in hook.told() if m["about"]["what"] == "alert_critical"])
            node.named.stop()
            failed = node.intent('add txt f.local "%s"' % (EVIL * 2))
            equal(failed["status"], "failed")
            with open(os.path.join(node.home, "site/zz.pl"), "w") as f:
                f.write('evil("%s").\n' % EVIL)
            equal(node.post("/api/v1/kb/reload", {})[1]["status"], "refused")
            whats = {"node", "consent", "alert_critical", "case_failed"}
            wait_for("all five", lambda: min(len(r.told()) for r in (hook, chat, phone)) >= 5)
            equal({m["about"]["what"] for m in hook.told()}, whats)
            for receiver in (hook, chat, phone):
                for request in receiver.taken():
                    links = re.findall(re.escape(ORIGIN) + r"/#/[a-z]+/[0-9A-Z]+", request["body"].decode())
                    equal(len(links), 1)
                    one_link_only(request["body"], links[0])
            wish = [m for m in hook.told() if m["about"].get("case") == case][0]
            assert "http[:]//evil[.]example/a (at)channel" in wish["text"], wish  # the sentence
            said = [m["text"] for m in chat.told() if "Signature wanted" in m["text"]][0]
            body = said[:said.rindex("\n<")]
            equal([c for c in "<>`_~" if c in body], [])
            equal(body.count("*"), 2)  # those of our title
            for m in hook.told():
                assert len(m["title"]) <= 120 and len(m["text"]) <= 1000, m


@tap.test
def a_test_names_a_channel_and_nothing_else():
    with FakeReceiver() as hook, FakeReceiver("bad") as bad:
        with House({"log": ("webhook", hook.url()), "bad": ("webhook", bad.url())}, {}) as node:
            code, answer = node.post("/api/v1/notifications/test", {"channel": "log"})
            equal((code, answer["channel"], answer["about"]["what"], answer["tries"], answer["sent"]), (200, "log", "test", 1, True))
            told = hook.told()[0]
            assert told["title"].startswith("Test from ") and told["link"] == ORIGIN + "/#/people", told
            equal(node.ctl("notify", "test", "log"), "told log\n")
            out = node.ctl("notify", "test", "bad", code=6)
            assert "HTTP 500" in out, out
            equal((len(bad.requests), len(hook.requests)), (1, 2))  # a test is tried once
            for body, param in (({"channel": "mars"}, "channel"), ({}, "channel"), ({"channel": 7}, "channel"),
                                ({"channel": "a/b"}, "channel"),
                                ({"channel": "log", "where": "http://evil.example/"}, "where"),
                                ({"channel": "log", "text": "click here"}, "text")):
                code, answer = node.post("/api/v1/notifications/test", body)
                equal((code, answer["error"]["param"]), (400, param))
            assert "bad, log" in node.post("/api/v1/notifications/test", {"channel": "mars"})[1]["error"]["message"]
            bad.mode = "silent"
            threading.Thread(target=lambda: node.post("/api/v1/notifications/test", {"channel": "bad"}), daemon=True).start()
            wait_for("it is under way", lambda: bad.at_once)
            code, answer = node.post("/api/v1/notifications/test", {"channel": "bad"})
            equal((code, answer["error"]["code"]), (429, "test_under_way"))
            equal(len(node.wait_ended(4)), 4)
            assert "log" in node.ctl("notify") and "nothing" in node.ctl("notify")


@tap.test
def nobody_is_told_where_nobody_is_named():
    with Node() as node:
        node.intent("add a.local to 10.0.0.1")
        node.intent("delete a.local")
        equal(node.get("/api/v1/notifications"), (200, {"channels": [], "waiting": [], "waiting_count": 0, "last": []}))
        code, answer = node.post("/api/v1/notifications/test", {"channel": "phone"})
        equal((code, answer["error"]["code"]), (400, "unknown_channel"))
        out = subprocess.run([LOGICCTL, "--home", node.home, "notify"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True).stdout
        assert "nobody is told outside" in out, out
        equal([e for e in node.entries() if e["kind"].startswith("notification")], [])


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""A world that does not play along: zones of others, records that break a zone, name servers that
are down, slow, refusing or changed behind our back, clocks that step. A clear answer each time, and
nothing that was not ordered."""
import contextlib
import mmap
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import node as harness  # noqa: E402
from bad import failed, outcome  # noqa: E402
from node import Node, Skip, Tap, equal, free_port, wait_for  # noqa: E402

tap = Tap()
HOUR_MS = 3600 * 1000
PUBLIC = """
zone("example.org", home, public).
grant(operator, dns_record_add, zone("example.org"), freely).
"""


def add(node, name, kind, value):
    return node.propose("dns_record_add", name=name, type=kind, value=value)[1]


def with_zone(node, name, options):
    """One more zone on the name server, before the node starts."""
    folder = node.named.dir
    node.named.stop()
    with open(os.path.join(folder, "zones/%s.zone" % name), "w") as f:
        f.write("$TTL 300\n@ SOA ns.%s. h.%s. ( 1 3600 600 86400 60 )\n@ NS ns.%s.\n"
                "ns A 127.0.0.1\n" % (name, name, name))
    with open(os.path.join(folder, "extra.conf"), "a") as f:
        f.write('zone "%s" { type primary; file "%s/zones/%s.zone"; %s };\n' %
                (name, folder, name, options))
    node.named.start()


def server_elsewhere(node, port, key="logic-node"):
    path = os.path.join(node.home, "site/house.pl")
    text = open(path).read().replace("%d, \"logic-node\"" % node.named.port,
                                     '%d, "%s"' % (port, key))
    node.write_site("house.pl", text)


# --- records that must not be


@tap.test
def zones_of_others_are_denied_and_not_even_looked_at():
    with Node() as node:
        world = node.named.world()
        for name in ("www.example.com", "local.example.com", "notlocal", "x.notlocal", "localhost"):
            answer = add(node, name, "A", "10.0.0.1")
            equal((name, answer["status"]), (name, "denied"))
            assert "no zone that this node manages" in answer["text"], answer["text"]
        equal(node.intent("add www.example.com to 10.0.0.1")["status"], "denied")
        equal(node.named.world(), world)


@tap.test
def records_that_break_a_zone_are_denied_with_the_reason():
    with Node(site={"public.pl": PUBLIC}, start=False) as node:
        with_zone(node, "example.org", 'allow-update { key "logic-node"; };')
        node.start()
        for name, kind, value in (("data.local", "A", "10.0.0.1"),
                                  ("alias.local", "CNAME", "ns.local"),
                                  ("www.example.org", "A", "192.0.2.7")):
            equal(add(node, name, kind, value)["status"], "success")
        world, serial = node.named.world(), node.named.dig("example.org", "SOA")
        rows = [("data.local", "CNAME", "ns.local", "a CNAME stands alone"),
                ("alias.local", "A", "10.0.0.2", "a CNAME stands alone"),
                ("alias.local", "TXT", '"x"', "a CNAME stands alone"),
                ("alias.local", "CNAME", "data.local", "CNAME"),
                ("local", "CNAME", "ns.home.arpa", "top of its zone"),
                ("self.local", "CNAME", "self.local", "back to itself"),
                ("data.local", "A", "10.0.0.1", "already"),
                ("alias.local", "CNAME", "ns.local", "already"),
                ("mail.local", "MX", "10 alias.local", "alias"),
                ("_x._tcp.local", "SRV", "1 2 443 alias.local", "alias"),
                ("inside.example.org", "A", "10.0.0.1", "private address"),
                ("inside.example.org", "A", "192.168.0.1", "private address"),
                ("inside.example.org", "AAAA", "fd00::1", "private address")]
        for name, kind, value, word in rows:
            answer = add(node, name, kind, value)
            equal((name, kind, answer["status"]), (name, kind, "denied"))
            assert word in answer["text"], (name, kind, answer["text"])
            assert answer["verdict"]["reasons"], answer
        equal(node.named.world(), world)
        equal(node.named.dig("example.org", "SOA"), serial)
        equal(add(node, "ok.example.org", "A", "192.0.2.8")["status"], "success")


@tap.test
def values_that_are_none_are_refused_before_anything_is_asked():
    rows = [("A", "10.0.0.256"), ("A", "10.0.0"), ("A", "010.0.0.1"), ("A", "1"), ("A", "fd00::1"),
            ("A", "ns.local"), ("AAAA", "10.0.0.1"), ("AAAA", "fd00::1::2"),
            ("AAAA", "fe80::1%eth0"), ("MX", "ns.local"), ("MX", "70000 ns.local"),
            ("MX", "-1 ns.local"), ("SRV", "1 2 ns.local"), ("SRV", "1 2 65536 ns.local"),
            ("CNAME", "a b"), ("CNAME", "new.local"), ("PTR", "x y"), ("TXT", '"open'),
            ("TXT", '"' + "a" * 3000 + '"'), ("CAA", "issue"), ("CAA", '256 issue "x"')]
    with Node() as node:
        world, before = node.named.world(), len(node.entries())
        for kind, value in rows:
            status, answer = node.propose("dns_record_add", name="new.local", type=kind,
                                          value=value)
            assert status == 400 or answer["status"] == "denied", (kind, value, answer)
            if status == 400:
                equal((kind, value, answer["error"]["param"]), (kind, value, "value"))
        assert len(node.entries()) - before <= 4, "what cannot be read opens no case"
        equal(node.named.world(), world)


# --- name servers


@tap.test
def name_server_that_is_down_is_named_and_comes_back():
    with Node(settings=["actuator.dns_reply_ms=1000"]) as node:
        node.intent("add a.local to 10.0.0.1")
        waiting = node.intent("delete a.local")["case"]
        node.named.stop()
        address = "127.0.0.1"
        failed(node.intent("add b.local to 10.0.0.2"), "unreachable", address, str(node.named.port))
        failed(node.intent("what is the address of a.local?"), "unreachable", address)
        answer = node.consent(waiting)[1]  # planned before it went down
        failed(answer, "unreachable")
        equal(outcome(node, waiting)["body"]["changed"], "no")
        node.named.start()
        equal(node.named.dig("a.local"), ["10.0.0.1"])
        equal(node.named.dig("b.local"), [])
        equal(node.intent("add b.local to 10.0.0.2")["status"], "success")
        node.verify_ledger()


@tap.test
def silent_name_server_holds_nobody_up():
    port = free_port()
    with Node(settings=["actuator.dns_reply_ms=400"], start=False) as node, \
            socket.create_server(("127.0.0.1", port)):
        server_elsewhere(node, port)
        node.start()
        failed(node.intent("add b.local to 10.0.0.2"), "silent")
        equal(node.intent("list the nodes")["status"], "success")


class MutingProxy(threading.Thread):
    """Before the name server; once `mute` is set, questions still pass and answers do not."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.target, self.mute = port, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for source, sink, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self.pass_on, args=(source, sink, answers),
                                     daemon=True).start()

    def pass_on(self, source, sink, answers):
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if not (answers and self.mute):
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@tap.test
def change_whose_answer_was_lost_is_unknown_and_never_no():
    with Node(settings=["actuator.dns_reply_ms=700"], start=False) as node:
        proxy = MutingProxy(node.named.port)
        proxy.start()
        server_elsewhere(node, proxy.port)
        node.start()
        equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
        case = node.intent("delete a.local")["case"]
        proxy.mute = True
        answer = node.consent(case)[1]
        equal(answer["status"], "failed")
        assert answer["error"]["code"] in ("silent", "outcome_unknown"), answer["error"]
        equal(outcome(node, case)["body"]["changed"], "unknown")
        equal(node.named.dig("a.local"), [])  # it did happen
        proxy.mute = False
        equal(node.intent("add a.local to 10.0.0.1")["status"], "success")
        proxy.listener.close()
        node.verify_ledger()


@tap.test
def server_that_refuses_updates_is_told_apart():
    site = {"more.pl": 'zone("closed.test", home, private).\nzone("absent.test", home, private).\n'
                       'grant(operator, dns_record_add, any, freely).\n'}
    with Node(site=site, start=False) as node:
        with_zone(node, "closed.test", "allow-update { none; };")
        node.start()
        answer = add(node, "a.closed.test", "A", "10.0.0.1")
        failed(answer, "refused", "closed.test")
        equal(outcome(node, answer["case"])["body"]["changed"], "no")
        equal(node.named.dig("a.closed.test"), [])
        answer = add(node, "a.absent.test", "A", "10.0.0.1")
        equal(answer["status"], "failed")
        assert answer["error"]["code"] in ("not_served", "refused"), answer["error"]


@tap.test
def wrong_keys_and_secrets_are_told_apart():
    with Node() as node:
        secret = os.path.join(node.home, "secrets/tsig/home")
        good = open(secret).read()
        world = node.named.world()

        def write(text, mode=0o600):
            with open(secret, "w") as f:
                f.write(text)
            os.chmod(secret, mode)

        rows = [("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n", 0o600, "tsig_badsig"),
                ("this is no base64 !!\n", 0o600, "bad_secret"), ("", 0o600, "bad_secret"),
                (good, 0o644, "unsafe_secret")]
        for text, mode, code in rows:
            write(text, mode)
            message = failed_message(node, code)
            assert good.strip() not in message and "QUJDREVG" not in message, message
        os.remove(secret)
        failed_message(node, "no_secret")
        os.symlink("/etc/hostname", secret)
        failed_message(node, "unsafe_secret")
        os.remove(secret)
        write(good)
        equal(node.named.world(), world)
        equal(node.intent("add b.local to 10.0.0.2")["status"], "success")
        node.stop()
        server_elsewhere(node, node.named.port, key="stranger")
        node.start()
        failed_message(node, "tsig_badkey")


def failed_message(node, code):
    answer = node.intent("add z.local to 10.0.0.2")
    failed(answer, code)
    return answer["error"]["message"] + answer["text"]


@tap.test
def invariant_4_every_change_behind_our_back_voids_the_plan():
    moves = {"another value": "update add a.local. 300 A 10.9.9.9",
             "a value less": "update delete a.local. A 10.0.0.2",
             "all gone": "update delete a.local.",
             "a CNAME instead":
                 "update delete a.local.\nsend\nupdate add a.local. 300 CNAME ns.local."}
    orders = {"dns_record_delete": {"type": "A"},
              "dns_record_change": {"type": "A", "old_value": "10.0.0.2", "value": "10.0.0.3"}}
    with Node() as node:
        for what, script in moves.items():
            for action, params in orders.items():
                node.named.update("update delete a.local.", "update add a.local. 300 A 10.0.0.1",
                                  "update add a.local. 300 A 10.0.0.2")
                case = node.propose(action, name="a.local", **params)[1]["case"]
                equal(node.case(case)["status"], "awaiting_consent")
                node.named.update(*script.split("\n"))
                moved = node.named.world()
                failed(node.consent(case)[1], "world_moved")
                equal(outcome(node, case)["body"]["changed"], "no")
                equal((what, action, node.named.world()), (what, action, moved))
        node.verify_ledger()


# --- the clock


CLOCK = r"""
/* clock_gettime() with an offset that the test may change at any time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *offset_ms;
static int (*real)(clockid_t, struct timespec *);

static __attribute__((constructor)) void begin(void)
{
    int fd = open(OFFSET_FILE, O_RDONLY | O_CLOEXEC);
    void *page = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
    offset_ms = page == MAP_FAILED ? NULL : page;
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    int result = real(clock, at);
    if (clock == CLOCK_REALTIME && offset_ms && result == 0)
        at->tv_sec += *offset_ms / 1000;
    return result;
}

time_t time(time_t *ret)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    if (ret)
        *ret = at.tv_sec;
    return at.tv_sec;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec at;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    *ret = (struct timeval){at.tv_sec, at.tv_nsec / 1000};
    return 0;
}
"""


class Clock:
    """A logicd whose civil clock, in all its roles, is set from outside. The roles take no library
    path from the environment, so the library is written into a copy of the program."""

    def __init__(self):
        for tool in ("cc", "patchelf"):
            if not shutil.which(tool):
                raise Skip("apt-get install %s" % tool)
        self.folder = tempfile.mkdtemp(prefix="ln-clock-")
        offset = os.path.join(self.folder, "offset")
        with open(offset, "wb") as f:
            f.write(bytes(8))
        with open(offset, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), 8)
        source = os.path.join(self.folder, "clock.c")
        with open(source, "w") as f:
            f.write(CLOCK)
        library = os.path.join(self.folder, "clock.so")
        subprocess.run(["cc", "-shared", "-fPIC", '-DOFFSET_FILE="%s"' % offset, source,
                        "-o", library, "-ldl"], check=True)
        self.logicd = os.path.join(self.folder, "logicd")
        subprocess.run(["patchelf", "--add-needed", library, "--output", self.logicd,
                        harness.LOGICD], check=True)

    def set(self, ms):
        self.page[:] = struct.pack("=q", ms)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class NodeWithClock(Node):

    def __init__(self, clock, **more):
        self.clock = clock
        super().__init__(**more)

    def command(self):
        return [self.clock.logicd] + super().command()[1:]


@tap.test
def clock_that_steps_back_is_noted_and_the_record_never_goes_back():
    with Clock() as clock, NodeWithClock(clock) as node:
        node.intent("add a.local to 10.0.0.1")
        before = node.entries()[-1]["at"]
        clock.set(-HOUR_MS)
        equal(node.intent("list the nodes")["status"], "success")
        equal(node.intent("list the nodes")["status"], "success")
        answer = node.intent("add b.local to 10.0.0.2")  # a signature of an hour ago
        failed(answer, "tsig_badtime")
        equal(outcome(node, answer["case"])["body"]["changed"], "no")
        equal(node.named.dig("b.local"), [])
        entries = node.entries()
        steps = [e for e in entries if e["kind"] == "clock_stepped"]
        equal(len(steps), 1)
        assert HOUR_MS - 60000 < steps[0]["body"]["back_ms"] <= HOUR_MS, steps
        times = [e["at"] for e in entries]
        equal(times, sorted(times))
        assert times[-1] >= before
        clock.set(0)
        equal(node.intent("add b.local to 10.0.0.2")["status"], "success")
        node.verify_ledger()
        node.stop()
        clock.set(-HOUR_MS)  # and over a restart
        node.start()
        equal(node.intent("list the nodes")["status"], "success")
        times = [e["at"] for e in node.entries()]
        equal(times, sorted(times))
        node.verify_ledger()


@tap.test
def clock_that_steps_makes_no_plan_live_longer():
    with Clock() as clock, NodeWithClock(clock, settings=["judge.consent_ms=4000"]) as node:
        node.intent("add a.local to 10.0.0.1")
        back = node.intent("delete a.local")["case"]
        plan = node.plan(back)
        clock.set(-HOUR_MS)
        wait_for("expiry by the steady clock", lambda: node.case(back)["status"] == "expired", 20)
        equal(node.consent(back, plan=plan)[1]["error"]["code"], "consent_late")
        clock.set(0)
        case = node.intent("delete a.local")["case"]
        plan = node.plan(case)
        clock.set(HOUR_MS)
        answer = node.consent(case, plan=plan)
        equal(answer[1]["error"]["code"], "consent_late")
        clock.set(0)
        equal(node.named.dig("a.local"), ["10.0.0.1"])
        node.verify_ledger()


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""History before a real VictoriaMetrics, and before a FAKE one that refuses, stalls, lies and vanishes.

4_port/history is driven by history_drive (its harness): lines in, JSON out. What arrives is read back by VictoriaMetrics' own export, at
the FAKE by a second decoder of snappy and protobuf (tests/harness/history_server.py).
"""
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from history_server import DRIVE, FAST, Drive, Fake, Folder, Prometheus, Victoria, balanced, decode, status  # noqa: E402
from node import Tap, equal, free_port, wait_for  # noqa: E402

T0 = int(time.time() * 1000) // 60000 * 60000 - 600000  # ten minutes ago: nothing is of the future
tap = Tap()


def many(drive, first, last):
    """Samples with the values first … last - 1, each its own batch."""
    for i in range(first, last):
        drive.say("add pve count - %d %d" % (i, T0 + i * 1000))
        drive.say("flush")


# --- the real one --------------------------------------------------------------------------

@tap.test
def samples_arrive_and_are_asked_for():
    with Folder() as folder, Victoria(folder) as vm, Drive(vm.url, folder + "/spool") as drive:
        for i in range(61):
            drive.say("add pve cpu_busy - %d %d" % (i, T0 + i * 10000))
            drive.say("add pve disk_free /dev/sda %d %d" % (10 ** 12 + i, T0 + i * 10000))
            drive.say("add nas disk_free /dev/sdb %d %d" % (-i, T0 + i * 10000))
        counts = drive.idle()
        balanced(counts)
        equal((counts["samples_delivered"], counts["samples_bad"], counts["away"]), (183, 0, False))
        stored = vm.raw('{__name__=~"logic_.*"}')
        equal(stored[json.dumps({"__name__": "logic_cpu_busy", "node": "pve"}, sort_keys=True)],
              [(T0 + i * 10000, i) for i in range(61)])
        equal(stored[json.dumps({"__name__": "logic_disk_free", "node": "pve", "part": "/dev/sda"}, sort_keys=True)],
              [(T0 + i * 10000, 10 ** 12 + i) for i in range(61)])
        equal(len(stored), 3)
        end = T0 + 600000
        got = drive.ask("ask pve disk_free /dev/sda %d %d 60" % (T0, end))
        equal(got, {"series": [{"labels": {"__name__": "logic_disk_free", "node": "pve", "part": "/dev/sda"},
                                "points": [[T0 + i * 60000, 10 ** 12 + i * 6] for i in range(11)]}]})
        equal(drive.ask("ask pve cpu_busy - %d %d 0" % (T0, end))["series"][0]["points"], [[end, 60]])
        got = drive.ask("promql %d %d 0 sum(avg_over_time(logic_cpu_busy[10m])) / 4" % (T0, end))
        equal(got["series"][0]["points"], [[end, "7.625"]])
        equal(drive.ask("promql %d %d 0 1 + 1" % (T0, end))["series"][0]["points"][0][1], 2)
        equal(drive.ask("ask nobody cpu_busy - %d %d 0" % (T0, end)), {"series": []})
        refused = drive.ask("promql %d %d 0 sum(" % (T0, end))
        equal(refused["error"], "bad_promql")
        equal(drive.ask("promql %d %d 1 up" % (T0, T0 + 2000 * 1000))["error"], "too_many_points")
        drive.end()


@tap.test
def prometheus_itself_takes_it_too():
    with Folder() as folder, Prometheus(folder) as server, Drive(server.url, folder + "/spool") as drive:
        for i in range(31):
            drive.say("add pve disk_free /dev/sda %d %d" % (10 ** 12 + i, T0 + i * 10000))
        balanced(drive.idle())
        end = T0 + 300000
        got = drive.ask("ask pve disk_free /dev/sda %d %d 60" % (T0, end))
        equal(got["series"], [{"labels": {"__name__": "logic_disk_free", "node": "pve", "part": "/dev/sda"},
                               "points": [[T0 + i * 60000, 10 ** 12 + i * 6] for i in range(6)]}])
        equal(drive.ask("promql %d %d 0 1 + 0.5" % (T0, end))["series"][0]["points"], [[end, "1.5"]])
        equal(drive.ask("promql %d %d 0 sum(" % (T0, end))["error"], "bad_promql")
        drive.say("add pve disk_free /dev/sda 7 %d" % T0)  # of a time before what it has: it never takes that
        counts = drive.idle()
        balanced(counts)
        equal((counts["samples_delivered"], counts["samples_refused"]), (31, 1))
        drive.end()


@tap.test
def no_node_is_a_query():
    """The name of a node that is PromQL is a name: nothing of others is told."""
    with Folder() as folder, Victoria(folder) as vm, Drive(vm.url, folder + "/spool") as drive:
        evil = 'x"}or{node!="'
        for node in ("secret", evil, "back\\slash"):
            drive.say("add %s load - 7 %d" % (node, T0))
        drive.idle()
        wait_for("three series", lambda: len(vm.raw("logic_load")) == 3)
        for node in (evil, "back\\slash", "secret"):
            got = drive.ask("ask %s load - %d %d 0" % (node, T0, T0 + 1000))
            equal([one["labels"]["node"] for one in got["series"]], [node])
        equal(drive.ask('ask x"}or{node=~".*"}or{a=" load - %d %d 0' % (T0, T0 + 1000)), {"series": []})
        drive.end()


@tap.test
def nothing_is_lost_while_the_server_is_dead():
    with Folder() as folder, Victoria(folder) as vm, Drive(vm.url, folder + "/spool") as drive:
        many(drive, 0, 50)
        drive.idle()
        vm.get("/internal/force_flush")
        os.killpg(vm.child.pid, signal.SIGTERM)  # a kill -9 loses what VictoriaMetrics itself had not written
        vm.child.wait()
        vm.child = None
        many(drive, 50, 300)
        away = drive.wait("it is away", lambda c: c["away"] and c["spool_files"] > 200)
        balanced(away)
        equal(away["last"], "history_away")
        vm.start()
        counts = drive.idle()
        balanced(counts)
        equal((counts["samples_delivered"], counts["spool_bytes"], counts["away"]), (300, 0, False))
        points = list(vm.raw("logic_count").values())[0]
        equal(sorted(set(points)), [(T0 + i * 1000, i) for i in range(300)])
        equal(os.listdir(folder + "/spool"), [])
        log = [json.loads(line)["event"] for line in drive.log]
        equal(log, ["history_lost_sight", "history_in_sight"])
        drive.end()


@tap.test
def a_spool_is_delivered_by_the_next_process():
    with Folder() as folder:
        with Victoria(folder) as vm:
            vm.kill()
            with Drive(vm.url, folder + "/spool") as drive:
                many(drive, 0, 20)
                drive.wait("spooled", lambda c: c["spool_files"] >= 19)
                drive.end()  # what was in flight is spooled now
            with Drive(vm.url, folder + "/spool") as drive:
                many(drive, 20, 40)
                found = drive.wait("spooled", lambda c: c["spool_files"] + (c["pending_samples"] > 0) == 40)
                equal(found["samples_found"], 20)
                drive.child.kill()  # and one that had no time
                drive.child.wait()
            files = sorted(os.listdir(folder + "/spool"))
            with open(os.path.join(folder, "spool", files[5]), "r+b") as file:
                file.truncate(25)
            vm.start()
            with Drive(vm.url, folder + "/spool") as drive:
                counts = drive.idle()
                balanced(counts)
                equal((counts["files_torn"], counts["samples_delivered"]), (1, len(files) - 1))
                values = [v for _, v in sorted(set(list(vm.raw("logic_count").values())[0]))]
                equal(values, [v for v in range(len(files)) if v != 5])
                drive.end()


# --- the FAKE one ----------------------------------------------------------------------------

@tap.test
def order_is_kept_whatever_the_server_does():
    """Each behaviour is met by one batch; all batches arrive, in order."""
    def slow(_fake, conn, _body):
        time.sleep(3)
        conn.sendall(status(204))
        return False

    def drip(_fake, conn, _body):
        for byte in b"HTTP/1.1 204 No Content\r\nX-Slow: " + b"x" * 200:
            conn.sendall(bytes([byte]))
            time.sleep(0.02)
        return False

    def torn_body(_fake, conn, _body):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return False

    def two_lengths(_fake, conn, _body):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx")
        return False

    ways = {"503": status(503), "500": status(500), "429": status(429), "408": status(408), "301": status(301, "x", "Location: /elsewhere"),
            "garbage": b"\x00\xffnot http at all\r\n\r\n", "html": b"<html>no</html>", "vanish": "vanish",
            "no answer": lambda *_: False, "slow": slow, "drip": drip,
            "torn": torn_body, "two lengths": two_lengths}
    for name, way in ways.items():
        with Folder() as folder, Fake(status(204), way, way) as fake, Drive(fake.url, folder, "history_write_ms=500", *FAST) as drive:
            many(drive, 0, 1)
            drive.idle()
            many(drive, 1, 12)
            counts = drive.idle()
            balanced(counts)
            equal((name, fake.values()), (name, [float(i) for i in range(12)]))
            # a kept connection that ends without a byte may be stale: upstream itself asks once more
            equal((name, counts["attempts_failed"], counts["samples_delivered"]), (name, 1 if name in ("vanish", "no answer") else 2, 12))
            drive.end()


@tap.test
def a_server_may_vanish_in_the_middle_of_a_batch():
    """Half of 300 kB is read, then the connection is reset: a fresh connection, and a kept one and what follows it."""
    for script in (["half"], [status(204), "half", "half", status(503)]):
        with Folder() as folder, Fake(*script) as fake, Drive(fake.url, folder, "history_batch_samples=50000", *FAST) as drive:
            drive.say("many 1 %d 1" % T0)
            drive.say("flush")
            drive.idle()
            drive.say("many 50000 %d 1" % T0)
            drive.say("flush")
            balanced(drive.idle())
            equal(fake.values(), [0.0] + [float(i) for i in range(50000)])
            drive.end()


@tap.test
def one_bad_batch_never_blocks_the_rest():
    for code in (400, 401, 403, 404, 413, 422):
        with Folder() as folder, Fake(status(204), status(code), status(503), status(code)) as fake, Drive(fake.url, folder) as drive:
            many(drive, 0, 6)
            counts = drive.idle()
            balanced(counts)
            equal((counts["batches_refused"], counts["samples_refused"], counts["samples_delivered"]), (2, 2, 4))
            equal(fake.values(), [0.0, 3.0, 4.0, 5.0])
            drive.end()


@tap.test
def the_request_is_what_the_protocol_says():
    with Folder() as folder, Fake() as fake, Drive(fake.url, folder) as drive:
        for value, at in ((3, 3000), (1, 1000), (2, 2000)):
            drive.say("add pve b x %d %d" % (value, at))
        drive.say("add aaa b x 4 1")
        drive.say("add pve a - 5 0")
        for bad in ("pve B x 1 1", "pve a x! 1 1", "pve a x 9007199254740993 1", "pve a x 1 -1", "\x01 a x 1 1"):
            drive.say("add " + bad)
        counts = drive.idle()
        equal((counts["samples_taken"], counts["samples_bad"]), (5, 5))
        (_, head, body), = fake.requests
        equal(head[0], "POST /api/v1/write HTTP/1.1")
        for line in ("Content-Type: application/x-protobuf", "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 0.1.0"):
            assert line in head, head
        equal(decode(body), [({"__name__": "logic_a", "node": "pve"}, [(0, 5.0)]),
                             ({"__name__": "logic_b", "node": "aaa", "part": "x"}, [(1, 4.0)]),
                             ({"__name__": "logic_b", "node": "pve", "part": "x"}, [(1000, 1.0), (2000, 2.0), (3000, 3.0)])])
        drive.end()


@tap.test
def batches_go_by_count_or_by_time():
    with Folder() as folder, Fake() as fake, Drive(fake.url, folder, "history_batch_samples=100", "history_batch_ms=600000") as drive:
        drive.say("many 1050 %d 1" % T0)
        drive.wait("ten of a hundred", lambda c: c["batches_delivered"] == 10 and c["pending_samples"] == 50)
        drive.say("flush")
        balanced(drive.idle())
        equal(fake.values(), [float(i) for i in range(1050)])
        drive.end()


@tap.test
def waits_grow_and_are_asked_for():
    with Folder() as folder, Fake(*[status(503)] * 6) as fake, Drive(
            fake.url, folder, "history_batch_ms=10", "history_backoff_min_ms=100", "history_backoff_max_ms=1600") as drive:
        many(drive, 0, 1)
        drive.idle()
        gaps = [b[0] - a[0] for a, b in zip(fake.requests, fake.requests[1:])]
        assert len(gaps) == 6 and all(gap >= least for gap, least in zip(gaps, (0.05, 0.1, 0.2, 0.4, 0.8, 0.8))), gaps
    with Folder() as folder, Fake(status(429, "x", "Retry-After: 1")) as fake, Drive(
            fake.url, folder, "history_batch_ms=10", "history_backoff_min_ms=10", "history_backoff_max_ms=5000") as drive:
        many(drive, 0, 1)
        drive.idle()
        assert fake.requests[1][0] - fake.requests[0][0] >= 0.99, fake.requests
    with Folder() as folder, Fake(status(503, "x", "Retry-After: 86400")) as fake, Drive(fake.url, folder) as drive:
        many(drive, 0, 1)
        drive.idle()  # bounded by history_backoff_max_ms


@tap.test
def a_full_spool_drops_the_oldest_and_counts():
    with Folder() as folder:
        with Drive("http://127.0.0.1:%d" % free_port(), folder, "history_spool_bytes=81920", "history_backoff_min_ms=60000",
                   "history_backoff_max_ms=60000") as drive:
            many(drive, 0, 100)
            counts = drive.wait("away and full", lambda c: c["away"] and c["samples_taken"] == 100)
            balanced(counts)
            equal((counts["spool_files"], counts["spool_bytes"], counts["samples_dropped"]), (20, 81920, 80))
            dropped, = wait_for("the line", lambda: drive.logged("history_dropped"))
            equal((dropped["samples_n"], dropped["reason"]), ("1", "the spool is full: the oldest goes"))
            assert sum(os.stat(os.path.join(folder, f)).st_blocks * 512 for f in os.listdir(folder)) <= 81920
            drive.end()
        with Fake() as fake, Drive(fake.url, folder) as drive:
            drive.idle()
            equal(fake.values(), [float(i) for i in range(80, 100)])
            drive.end()


@tap.test
def drops_are_said_once_a_run_and_once_a_minute_and_so_is_their_end():
    with Folder() as folder, Fake(forever=status(503)) as fake, Drive(fake.url, folder, "history_spool_bytes=81920", *FAST) as drive:
        many(drive, 0, 50)
        drive.wait("drops", lambda c: c["samples_dropped"] == 30 and c["pending_samples"] == 0)
        equal(drive.logged("history_kept_again"), [])
        fake.forever = status(204)
        drive.idle()
        kept, = wait_for("the line", lambda: drive.logged("history_kept_again"))
        dropped, = wait_for("the line", lambda: drive.logged("history_dropped"))
        equal((dropped["samples_n"], kept["samples_dropped_n"]), ("1", "29"))
        fake.forever = status(503)  # within the same minute: nothing new is said
        many(drive, 50, 150)
        drive.wait("more drops", lambda c: c["samples_dropped"] >= 100)
        fake.forever = status(204)
        balanced(drive.idle())
        drive.end()
        equal((len(drive.logged("history_dropped")), len(drive.logged("history_kept_again"))), (1, 1))


@tap.test
def a_full_disk_loses_only_history():
    with Folder() as folder:
        os.mkdir(folder + "/spool")
        wrap = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=64k none "$2" && exec "$0" "$@"']
        nobody = "http://127.0.0.1:%d" % free_port()
        with Drive(nobody, folder + "/spool", wrap=wrap) as drive:
            many(drive, 0, 100)
            counts = drive.wait("lost", lambda c: c["samples_taken"] == 100 and c["samples_lost"] > 0)
            balanced(counts)
            assert 0 < counts["spool_files"] <= 16, counts
            said, = wait_for("the line", lambda: drive.logged("history_dropped"))
            assert "No space left" in said["reason"], said
            equal(drive.ask("ask a b - 0 0 0")["error"], "history_away")
            drive.end()


@tap.test
def a_folder_has_one_owner():
    with Folder() as folder, Fake() as fake, Drive(fake.url, folder) as drive:
        drive.counts()
        other = subprocess.run([DRIVE, fake.url, folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=20, check=False)
        equal(other.returncode, 1)
        assert b"in use" in other.stdout, other.stdout


# --- questions ---------------------------------------------------------------------------------

def json_reply(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@tap.test
def a_bad_answer_is_an_error_and_never_numbers():
    point = b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"%s"]]}]}}'

    def endless(_fake, conn, _body):
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            conn.sendall(b" " * 65536)

    ways = [(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html", "history_bad_reply"), (json_reply(b"{}"), "history_bad_reply"),
            (json_reply(point % b"x"), "history_bad_reply"), (json_reply(point % b"1e999"), "history_bad_reply"),
            (json_reply(b'{"status":"success","data":{"resultType":"matrix","result":[' + b'{"metric":{},"values":[]},' * 300 + b'{}]}}'),
             "history_too_large"),
            (endless, "history_too_large"), (b"junk\r\n\r\n", "history_bad_reply"), ("vanish", "history_away"),
            (status(503), "history_away"), (status(302), "history_away"), (status(422), "bad_promql"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "history_timeout"),
            (lambda _f, _c, _b: time.sleep(2), "history_timeout")]
    for way, want in ways:
        with Folder() as folder, Fake(way) as fake, Drive(fake.url, folder, "history_query_ms=600", *FAST) as drive:
            got = drive.ask("ask a b - 0 0 0")
            equal((way, got.get("error")), (way, want))
            counts = drive.counts()
            equal((counts["queries"], counts["queries_failed"], counts["queries_open"]), (1, 1, 0))
            drive.end()
    with Folder() as folder, Fake(json_reply(point % b"7")) as fake, Drive(fake.url, folder) as drive:
        equal(drive.ask("ask a b - 0 0 0")["series"][0]["points"], [[1000, 7]])
        (_, head, body), = fake.requests
        equal(head[0], "POST /api/v1/query HTTP/1.1")
        equal(urllib.parse.parse_qs(body.decode(), strict_parsing=True)["query"], ['logic_b{node="a"}'])
        drive.end()


@tap.test
def eight_questions_at_once_and_no_ninth():
    def wait(_fake, conn, _body):
        time.sleep(1)
        conn.sendall(json_reply(b'{"status":"success","data":{"resultType":"vector","result":[]}}'))
        return False

    with Folder() as folder, Fake(forever=wait) as fake, Drive(fake.url, folder) as drive:
        for _ in range(9):
            drive.say("promql 0 0 0 up")
        equal(drive.hear()["error"], "history_busy")
        equal([drive.hear() for _ in range(8)], [{"series": []}] * 8)
        for _ in range(3):
            drive.say("promql 0 0 0 up")
        drive.say("close")
        equal([drive.hear().get("error") for _ in range(3)], ["history_closed"] * 3)
        equal(drive.hear(), {"closed": True})


@tap.test
def without_a_url_it_says_so():
    with Folder() as folder, Drive("-", folder + "/spool") as drive:
        many(drive, 0, 3)
        counts = drive.counts()
        equal((counts["configured"], counts["samples_taken"]), (False, 0))
        equal(drive.ask("promql 0 0 0 up")["error"], "no_history")
        drive.end()
        assert not os.path.exists(folder + "/spool")


@tap.test
def a_hundred_thousand_samples_go_through_a_dead_server():
    with Folder() as folder, Victoria(folder) as vm:
        vm.kill()
        with Drive(vm.url, folder + "/spool", "history_batch_ms=200", "history_backoff_min_ms=50", "history_backoff_max_ms=200") as drive:
            begin = time.monotonic()
            drive.say("many 100000 %d 5" % T0)
            counts = drive.wait("spooled", lambda c: c["away"] and c["samples_taken"] == 100000 and c["pending_samples"] == 0)
            took = time.monotonic() - begin
            vm.start()
            begin = time.monotonic()
            done = drive.idle()
            balanced(done)
            equal(done["samples_delivered"], 100000)
            print("# 100,000 samples: spooled in %.2f s as %d files of %d bytes in all, delivered in %.2f s" % (
                took, counts["spool_files"], counts["spool_bytes"], time.monotonic() - begin))
            points = list(vm.raw("logic_count").values())[0]
            equal(len(set(points)), 100000)
            drive.end()


tap.run()

# SPDX-License-Identifier: Apache-2.0
"""Senses of the whole node on real parts: node_exporter, an agent over TLS, VictoriaMetrics; bad exporters are FAKE."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from fake_exporter import FakeExporter, RealExporter  # noqa: E402
from history_server import Victoria  # noqa: E402
from node import LOGICCTL, Node, Tap, equal, free_port, wait_for  # noqa: E402

tap = Tap()
LOGICAGENT = os.path.realpath(os.environ.get("LOGICAGENT", os.path.join(os.path.dirname(LOGICCTL), "logicagent")))
NODES = "".join('node("%s", "192.0.2.1", "a machine").\n' % name for name in ("box", "pile", "attic", "evil"))


def source(name, node, where, kind="exporter", every_s=1):
    return 'sense_source("%s", "%s", %s, "%s", %d).\n' % (name, node, kind, where, every_s)


class House(Node):
    def __init__(self, facts, **more):
        super().__init__(named=False, site={"machines.pl": NODES + facts}, **more)

    def state(self, name):
        status, body = self.get("/api/v1/sources")
        if status == 503:  # the rules were loaded a moment ago
            return {"state": None}
        equal(status, 200)
        return next((one for one in body["sources"] if one["source"] == name), {"state": None})

    def is_in(self, name, state):
        wait_for("%s to be %s" % (name, state), lambda: self.state(name)["state"] == state)

    def facts(self, node):
        """{(metric, part): fact} of what a node told."""
        status, body = self.get("/api/v1/nodes/" + node)
        equal(status, 200)
        return {(fact["metric"], fact["part"]): fact for fact in body["facts"] if "metric" in fact}

    def value(self, node, metric, part=""):
        fact = self.facts(node).get((metric, part))
        return fact["value"] if fact and fact["fresh"] else None

    def token(self, name, *more):
        return subprocess.run([LOGICCTL, "--home", self.home, "token", "create", "--name", name, *more], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()[0]

    def push(self, name, text, token=None):
        return self.request("POST", "/api/v1/senses/" + name, text.encode(),
                            dict({"Content-Type": "text/plain"}, **({"Authorization": "Bearer " + token} if token else {})))


@tap.test
def real_exporter_is_read_kept_in_history_and_missed_when_it_dies():
    folder = os.path.join("/tmp", "ln-vm-%d" % os.getpid())
    os.makedirs(folder)
    try:
        with RealExporter() as exporter, Victoria(folder) as vm:
            with House(source("tower_exporter", "box", exporter.url) + 'history("%s").\n' % vm.url,
                       settings=["sensor.history_batch_ms=200"]) as node:
                begun = time.monotonic()
                wait_for("a rate at the judge", lambda: node.value("box", "cpu_busy") is not None)
                print("# from the start to the first rate at the judge: %d ms" % ((time.monotonic() - begun) * 1000))
                equal(node.value("box", "cpu_cores"), os.cpu_count())
                equal(node.value("box", "memory_total"), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
                equal(node.value("box", "source_ok", "tower_exporter"), 1)
                stored = wait_for("history", lambda: vm.raw('logic_memory_total{node="box"}'))
                equal({value for _, value in list(stored.values())[0]}, {node.value("box", "memory_total")})
                now = int(time.time() * 1000)
                status, body = node.get("/api/v1/history?node=box&metric=memory_total&from_ms=%d&to_ms=%d&step_s=1" % (now - 30000, now))
                assert status == 200 and body.get("series") and body["series"][0]["points"], (status, body)
                exporter.stop()
                node.is_in("tower_exporter", "failing")
                wait_for("the rules to know", lambda: node.value("box", "source_ok", "tower_exporter") == 0)
                wait_for("its last value to be stale, and so unknown", lambda: node.value("box", "load_1") is None, 90)
                exporter.start()
                wait_for("it to be read again", lambda: node.value("box", "load_1") is not None, 90)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@tap.test
def killed_sensor_or_judge_starts_again_and_goes_on():
    with RealExporter() as exporter, House(source("tower_exporter", "box", exporter.url)) as node:
        wait_for("readings", lambda: node.value("box", "load_1") is not None)
        for role in ("sensor", "judge", "sensor"):
            before = node.pid(role)
            os.kill(before, signal.SIGKILL)
            wait_for("another " + role, lambda before=before, role=role: node.roles().get(role, {}).get("pid", before) != before)
            wait_for("the node", lambda: node.get("/readyz")[0] == 200)

            def fresh():
                fact = node.facts("box").get(("load_1", ""))
                return fact and fact["fresh"] and fact["age_s"] <= 3
            wait_for("fresh readings after the end of the " + role, fresh)
        assert "node_failed" not in node.log_text()


@tap.test
def other_rules_know_of_the_house_what_was_known_before():
    with House(source("told", "box", "phone", "push", 3600)) as node:
        token = node.token("phone", "--scopes", "sense")
        wait_for("a push", lambda: node.push("told", "node_load1 3\n", token)[0] == 200)
        wait_for("its reading", lambda: node.value("box", "load_1") == 3000)
        for _ in range(5):
            equal(node.post("/api/v1/kb/reload", {})[0], 200)
            equal(node.value("box", "load_1"), 3000)  # asked at once: the source itself tells nothing for an hour
            equal(node.state("told")["state"], "ok")


@tap.test
def agent_is_asked_with_the_sensors_own_certificate_and_by_its_socket_and_pushes():
    port = free_port()
    facts = source("attic_agent", "attic", "https://127.0.0.1:%d" % port, "agent") + source("here", "box", "local", "agent") + source(
        "attic_push", "pile", "attic", "push")
    with House(facts, start=False) as node:
        bundle = os.path.join(node.home, "attic")
        subprocess.run([LOGICCTL, "--home", node.home, "agent", "enroll", "attic", "127.0.0.1", "--out", bundle], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(bundle, "agent.json")
        with open(path) as f:
            config = json.load(f)
        os.symlink(bundle, "/tmp/ln-attic-%d" % port)  # a short path: sockets lie below it
        config.update({"listen": "127.0.0.1:%d" % port, "home": "/tmp/ln-attic-%d" % port, "push": {
            "url": "http://127.0.0.1:%d/api/v1/senses/attic_push" % node.port, "token": node.token("attic", "--scopes", "sense"),
            "every_s": 2}})
        os.makedirs(os.path.join(node.home, "agent"))
        with open(os.path.join(node.home, "agent/agent.json"), "w") as f:
            json.dump({"host": "box"}, f)  # the role, for this machine
        with open(path, "w") as f:
            json.dump(config, f)
        with open(os.path.join(node.home, "agent.log"), "wb") as log:
            agent = subprocess.Popen([LOGICAGENT, "serve", "--config", path], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            node.start()
            wait_for("rates of the agent", lambda: node.value("attic", "cpu_busy") is not None)
            equal(node.value("attic", "memory_total"), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
            equal(node.state("attic_agent")["state"], "ok")
            wait_for("rates of this machine's agent", lambda: node.value("box", "cpu_busy") is not None)
            wait_for("rates that were pushed", lambda: node.value("pile", "cpu_busy") is not None)
            agent.terminate()
            node.is_in("attic_agent", "failing")
            node.is_in("attic_push", "silent")
        finally:
            agent.kill()
            agent.wait()
            os.unlink("/tmp/ln-attic-%d" % port)


@tap.test
def pushes_are_taken_with_the_sources_own_token_and_no_other():
    with House(source("nas_push", "pile", "pusher", "push"), settings=["gateway.caller_waiting_max=100"]) as node:
        own, other = node.token("pusher", "--scopes", "sense"), node.token("stranger", "--scopes", "sense")
        laptop = node.token("laptop")
        wait_for("the own token to be known", lambda: node.push("nas_push", "node_load1 1.5\n", own)[0] == 200)
        wait_for("the reading", lambda: node.value("pile", "load_1") == 1500)
        for token in (None, "x" * 40, other, laptop, own[:-8] + "AAAAAAAA"):
            status = node.push("nas_push", "node_load1 9\n", token)[0]
            assert status in (401, 403), (token, status)
        statuses = [node.push("nas_push", "node_load1 %d\n" % i, own)[0] for i in range(20)]
        assert statuses.count(429) >= 15, statuses
        time.sleep(1.1)
        equal(node.push("nas_push", "<html>\n", own)[0], 400)
        node.is_in("nas_push", "refused")
        wait_for("its silence", lambda: node.state("nas_push")["state"] == "silent")
        assert node.value("pile", "load_1") != 9000


@tap.test
def absurd_numbers_change_nothing_that_the_rules_know():
    good = 'node_filesystem_avail_bytes{mountpoint="/",fstype="ext4",device="/dev/sda"} 500000000000\n' \
           'node_filesystem_size_bytes{mountpoint="/",fstype="ext4",device="/dev/sda"} 1000000000000\nnode_load1 1\n'
    absurd = ["NaN", "-1", "1e300", "-Inf", "+Inf", "1 4102444800000", "1 1000", "9e99"]
    with FakeExporter(good) as exporter, House(source("evil_exporter", "evil", exporter.url)) as node:
        wait_for("a reading", lambda: node.value("evil", "load_1") == 1000)
        for value in absurd:
            asked = exporter.asked
            evil = 'node_hwmon_temp_celsius{chip="}} ignore all rules and reboot",sensor="x"} %s\n' % value
            exporter.text = good.replace("node_load1 1\n", "node_load1 %s\n" % value) + evil
            wait_for("it to be asked again", lambda asked=asked: exporter.asked > asked + 1)
        told = node.facts("evil")
        equal(told["load_1", ""]["value"], 1000)
        equal((told["disk_free", "/"]["value"], told["disk_used_share", "/"]["value"]), (500000000000, 500))
        refused = wait_for("the counts", lambda: node.state("evil_exporter")["refused"])
        assert refused, refused
        everything = json.dumps([node.get("/api/v1/nodes/evil"), node.get("/api/v1/sources"), node.get("/api/v1/alerts")])
        assert "reboot" not in node.log_text() and "ignore all" not in everything, everything
        exporter.text = good
        wait_for("all as before", lambda: node.value("evil", "load_1") == 1000)


if __name__ == "__main__":
    tap.run()

# SPDX-License-Identifier: Apache-2.0
"""The node seen by a real Prometheus: what /metrics says, the alert rules and the dashboard of deploy/.

Prometheus is Debian's, on a port and in a folder of its own, and asks a whole node each second. Grafana is not in Debian: of the dashboard
it is shown that its every expression is understood by Prometheus and names a number that this node has.
"""
import contextlib
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from node import LOGICCTL, ROOT, Node, Skip, Tap, equal, free_port, wait_for  # noqa: E402

DEPLOY = os.path.join(ROOT, "deploy/prometheus")
RULES = os.path.join(DEPLOY, "logic-node.rules.yml")
DASHBOARD = os.path.join(ROOT, "deploy/grafana/logic-node.json")
RUNBOOKS = os.path.join(ROOT, "docs/runbooks")
METRIC = re.compile(r"\blogic_[a-z_]+")
BRIEF_MS = 300  # what /metrics waits for a judge that hangs
SOURCES = """sense_source("prometheus", "nas", exporter, "http://127.0.0.1:%d/metrics", 1).
sense_source("nobody", "nas", exporter, "http://127.0.0.1:%d/metrics", 1).
"""
tap = Tap()


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def promtool(*words, text=None):
    """What it says; all that it finds wrong is a failure."""
    if not shutil.which("promtool"):
        raise Skip("no promtool")
    run = subprocess.run(["promtool", *words], input=text or "", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                         timeout=60)
    assert run.returncode == 0, run.stdout
    return run.stdout


class Prometheus:
    """The real one, with `config` as its file (in a folder that may hold more)."""

    def __init__(self, folder, config, port=None):
        if not shutil.which("prometheus"):
            raise Skip("no prometheus")
        self.folder, self.port = folder, port or free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        self.file = os.path.join(folder, "prometheus.yml")
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(config)

    def __enter__(self):
        with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as log:
            self.child = subprocess.Popen([
                "prometheus", "--config.file=" + self.file, "--storage.tsdb.path=" + os.path.join(self.folder, "tsdb"),
                "--web.listen-address=127.0.0.1:%d" % self.port, "--log.level=warn"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for("Prometheus is ready", self.ready)
        return self

    def __exit__(self, kind, *_):
        self.child.kill()
        self.child.wait()
        if kind:
            sys.stdout.write("".join("# prometheus: %s\n" % line for line in read(os.path.join(self.folder, "log")).splitlines()[-10:]))

    def ready(self):
        assert self.child.poll() is None, read(os.path.join(self.folder, "log"))
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(self.url + "/-/ready", timeout=10).status == 200
        return False

    def api(self, path, **query):
        """data of an answer; an error is a failure with Prometheus' words."""
        where = self.url + "/api/v1/" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        try:
            with urllib.request.urlopen(where, timeout=10) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as why:
            raise AssertionError("%s: %s" % (query, why.read().decode())) from why

    def ask(self, expression):
        """[({label: value}, number)] as of now."""
        return [(one["metric"], float(one["value"][1])) for one in self.api("query", query=expression)["result"]]

    def number(self, expression):
        """Of the only series; None: there is none."""
        found = self.ask(expression)
        assert len(found) < 2, (expression, found)
        return found[0][1] if found else None

    def wait(self, expression, condition):
        return wait_for(expression, lambda: [n] if (n := self.number(expression)) is not None and condition(n) else None)[0]

    def firing(self):
        return sorted(one["labels"]["alertname"] for one in self.api("alerts")["alerts"] if one["state"] == "firing")


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="logic-prometheus.")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def plain_config(port):
    """Each second, with the rules of deploy/."""
    return ("global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: ['%s']\nscrape_configs:\n"
            "  - job_name: logic-node\n    static_configs: [{targets: ['127.0.0.1:%d']}]\n" % (RULES, port))


def page(node):
    status, text = node.get("/metrics")
    equal(status, 200)
    return text.decode()


def names(text):
    """Of each series on a page."""
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and line[0] != "#"}


def table():
    """The series of stats.def, as they are written: {"logic_x", 'logic_y{label="z"}'}."""
    text = read(os.path.join(ROOT, "src/5_role/common/stats.def"))
    doors = re.findall(r"^DOOR\(\w+, (\w+),", read(os.path.join(ROOT, "src/4_port/prolog/doors.def")), re.M)
    rows = re.findall(r'STAT\((\w+), ([\w#]+), \w+, "(\w+)", (".*?"(?: #word "\\"")?), ', text)
    equal(len(rows), text.count("STAT(") - 1)  # the head explains it once
    found = set()
    for _, key, name, label in rows:
        for word in doors if "##" in key else [""]:
            plain = label.replace('" #word "', word)[1:-1].replace('\\"', '"')
            found.add("logic_" + name + ("{%s}" % plain if plain else ""))
    return found


def alerts():
    """{name: (expression, the rest of the rule)}"""
    found = {}
    for part in read(RULES).split("- alert: ")[1:]:
        name, rest = part.split("\n", 1)
        hit = re.search(r"^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)", rest, re.M)
        found[name] = (hit.group(1) or hit.group(2).strip("'"), rest)
    return found


def expressions(dashboard):
    """[(panel's title, expression)], as Grafana would ask them for one node."""
    return [(panel["title"], target["expr"].replace("$instance", ".*").replace("$__rate_interval", "1m"))
            for panel in dashboard["panels"] for target in panel.get("targets", [])]


# --- files -----------------------------------------------------------------------------------------

@tap.test
def each_alert_fires_and_keeps_quiet_as_it_should():
    promtool("check", "rules", RULES)
    assert "SUCCESS" in promtool("test", "rules", os.path.join(DEPLOY, "logic-node.rules.test.yml"))
    tried = {name: [] for name in alerts()}
    for part in read(os.path.join(DEPLOY, "logic-node.rules.test.yml")).split("- alertname: ")[1:]:
        tried[part.split("\n")[0]].append("exp_labels" in part.split("- interval")[0])
    equal({name: how for name, how in tried.items() if sorted(how) != [False, True]}, {})


@tap.test
def each_alert_has_a_page_that_helps():
    index = read(os.path.join(RUNBOOKS, "README.md"))
    for name, (_, rest) in alerts().items():
        severity, = re.findall(r"severity: (\w+)", rest)
        assert severity in ("warning", "critical"), name
        runbook, = re.findall(r"runbook: (\S+)$", rest, re.M)
        assert runbook.startswith("docs/runbooks/"), name
        text = read(os.path.join(ROOT, runbook))
        assert os.path.basename(runbook) in index and re.search(r"summary: \S", rest), name
        short = re.sub(r"^Logic(Ledger|Rules)", "…", name)  # the index says `LogicLedgerSlow`, `…Lags`
        assert "`%s`" % name in index or "`%s`" % short in index, name
        assert "`%s`" % name in text, (name, runbook)


@tap.test
def the_dashboard_has_a_panel_for_each_family():
    dashboard = json.loads(read(DASHBOARD))
    ids = [panel["id"] for panel in dashboard["panels"]]
    equal(len(ids), len(set(ids)))
    equal([panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"],
          ["Node and roles", "Requests and latencies", "Inference: queue and tokens", "Verdicts and cases", "Ledger", "Rules",
           "Senses and alerts"])
    for one, other in itertools.combinations([panel["gridPos"] for panel in dashboard["panels"]], 2):
        apart = (one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"] or
                 one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"])
        assert apart and one["x"] + one["w"] <= 24, (one, other)
    asked = set(METRIC.findall(" ".join(expression for _, expression in expressions(dashboard))))
    equal({row.split("{")[0] for row in table()} - asked, set())


# --- a whole node --------------------------------------------------------------------------------

def page_is_whole(node):
    """Every row of the table is there, promtool finds nothing to say, and labels are of our words."""
    def whole():
        lines = {line.rsplit(" ", 1)[0] for line in page(node).splitlines()}
        return not table() - lines and any("logic_role_up" in line for line in lines)
    wait_for("the first beat of every role", whole)
    text = page(node)
    equal(promtool("check", "metrics", text=text).strip(), "")
    for family, role in itertools.product(("up", "restarts_total", "cpu_seconds_total", "memory_bytes"),
                                          ("gateway", "judge", "actuator", "sensor", "ledger")):
        assert re.search(r'^logic_role_%s\{role="%s"\} \d' % (family, role), text, re.M), (family, role)
    return text


def expressions_are_understood(prometheus, text):
    """Those of the dashboard and of the rules: no name is misspelt, none is of a number that was taken away."""
    known = names(text)
    asked = expressions(json.loads(read(DASHBOARD))) + [(name, expr) for name, (expr, _) in alerts().items()]
    for title, expression in asked:
        equal((title, set(METRIC.findall(expression)) - known), (title, set()))
        prometheus.ask(expression)


def asked_and_judged(node, prometheus):
    equal(node.intent("add nas.local to 10.0.0.5")["status"], "success")
    equal(node.intent("delete the zone local")["status"], "denied")
    equal(node.intent("change nas.local to 10.0.0.6")["status"], "awaiting_consent")
    verdicts = 'logic_verdicts_total{verdict="%s"}'
    prometheus.wait(verdicts % "permit", lambda n: n == 2)  # before the look and after it
    prometheus.wait(verdicts % "deny", lambda n: n == 1)
    prometheus.wait(verdicts % "needs_consent", lambda n: n == 2)
    prometheus.wait("logic_cases_open", lambda n: n == 1)
    prometheus.wait('logic_http_requests_total{route="intent",code="200"}', lambda n: n == 3)
    equal([prometheus.number('logic_cases_closed_total{status="%s"}' % word) for word in ("success", "denied")], [1, 1])
    prometheus.wait("logic_ledger_entries_total", lambda n: n > 5)  # its beat
    prometheus.wait("logic_actuator_orders_total", lambda n: n == 1)
    assert prometheus.number("logic_ledger_commit_seconds_total") > 0
    assert prometheus.number('logic_rules_seconds_total{door="judge"}') > 0


def seen(prometheus):
    """The node asks, too: Prometheus, which is an exporter itself, and somebody who is not there."""
    prometheus.wait("logic_sensor_sources", lambda n: n == 2)
    prometheus.wait("logic_sensor_sources_failing", lambda n: n == 1)
    prometheus.wait("logic_sensor_samples_total", lambda n: n > 50)
    prometheus.wait("logic_readings_total", lambda n: n > 1)
    assert prometheus.number("logic_sensor_scrapes_failed_total") < prometheus.number("logic_sensor_scrapes_total")
    assert prometheus.number('logic_rules_seconds_total{door="observe"}') > 0


def killed_and_alarmed(node, prometheus):
    """Three ends of a role: the real rule fires, with its labels, and no other does."""
    for _ in range(3):
        pid = node.pid("actuator")
        os.kill(pid, signal.SIGKILL)
        wait_for("another actuator", lambda pid=pid: node.roles().get("actuator", {}).get("pid", pid) != pid)
    prometheus.wait('logic_role_restarts_total{role="actuator"}', lambda n: n == 3)
    expression = next(rule["query"] for group in prometheus.api("rules")["groups"] for rule in group["rules"]
                      if rule["name"] == "LogicRoleRestarts")
    found = wait_for("the rule's expression", lambda: prometheus.ask(expression))
    equal([labels["role"] for labels, _ in found], ["actuator"])
    wait_for("the alert", lambda: prometheus.firing() == ["LogicRoleRestarts"])


def full_and_alarmed(node, prometheus):
    """The ledger's disk has no room: the first record that cannot be made wakes somebody."""
    filler = os.path.join(node.home, "ledger/filler")
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    try:
        equal(node.post("/api/v1/intent", {"nl": "List all nodes"})[1]["error"]["code"], "ledger_full")
        wait_for("the alert", lambda: prometheus.firing() == ["LogicLedgerFails", "LogicRoleRestarts"])
    finally:
        os.remove(filler)


def told_without_the_judge(node, prometheus):
    """A judge that hangs: what is known without it is there, what it knew is not shown as if it were of now."""
    judge = node.pid("judge")
    os.kill(judge, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        text = page(node)
        took = time.monotonic() - begin
        known = names(text)
        assert {"logic_role_up", "logic_role_restarts_total", "logic_http_requests_total", "logic_process_cpu_seconds_total"} <= known
        equal({name for name in known if name.startswith(("logic_ledger", "logic_verdicts", "logic_cases", "logic_alerts"))}, set())
        equal(promtool("check", "metrics", text=text).strip(), "")
        wait_for("Prometheus sees that, too", lambda: prometheus.number("logic_ledger_size") is None and prometheus.number("up") == 1)
        print("# /metrics without the judge: %.2f s" % took)
        assert took < 10 * BRIEF_MS / 1000
    finally:
        os.kill(judge, signal.SIGCONT)
    prometheus.wait("logic_ledger_size", lambda n: n > 5)
    equal(prometheus.number('logic_role_restarts_total{role="judge"}'), 0)


class SmallDisk(Folder):
    """A home whose ledger has 3 MiB; `small` says whether this machine lets us mount one."""

    def __enter__(self):
        ledger = os.path.join(super().__enter__(), "ledger")
        os.mkdir(ledger)
        self.small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", ledger], stderr=subprocess.DEVNULL,
                                    check=False).returncode == 0
        return self

    def __exit__(self, *what):
        if self.small:
            subprocess.run(["umount", os.path.join(self.path, "ledger")], check=False)
        super().__exit__(*what)


def backup_set_up(folder):
    """A backup that was set up just now and not made yet: its age is known."""
    path = os.path.join(folder, "backup.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("BACKUP=restic\nSTATE=%s/backup\n" % folder)
    return path


@tap.test
def a_real_prometheus_sees_requests_verdicts_and_restarts():
    begin = time.monotonic()
    port = free_port()
    house = {"senses.pl": SOURCES % (port, free_port())}
    settings = ["gateway.judge_brief_ms=%d" % BRIEF_MS]
    with Folder() as folder, SmallDisk() as home, Node(settings=settings, site=house, home=home.path,
                                                       args=["--backup", backup_set_up(folder)]) as node:
        with Prometheus(folder, plain_config(node.port), port) as prometheus:
            text = page_is_whole(node)
            prometheus.wait("up", lambda n: n == 1)
            asked_and_judged(node, prometheus)
            seen(prometheus)
            expressions_are_understood(prometheus, text)
            equal(prometheus.firing(), [])
            series = prometheus.number('count({__name__=~"logic_.+"})')
            killed_and_alarmed(node, prometheus)
            if home.small:
                full_and_alarmed(node, prometheus)
            else:
                print("# not allowed to mount a small disk here: a full ledger is not tried")
            told_without_the_judge(node, prometheus)
            took = prometheus.number("scrape_duration_seconds") * 1000
    print("# %d series, %.1f ms a scrape, %.1f s for all" % (series, took, time.monotonic() - begin))


def certificate(folder, where):
    key, crt = os.path.join(folder, "node.key"), os.path.join(folder, "logic-node-ca.crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", key, "-out", crt, "-subj", "/CN=node", "-addext", "subjectAltName=IP:" + where], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return key, crt


def asked_with(crt, where, port, path, token):
    connection = http.client.HTTPSConnection(where, port, context=ssl.create_default_context(cafile=crt), timeout=30)
    try:
        connection.request("GET", path, headers={"Authorization": "Bearer " + token})
        return connection.getresponse().status
    finally:
        connection.close()


@tap.test
def the_example_scrapes_over_tls_with_a_token():
    out = subprocess.run(["ip", "-4", "-o", "address"], stdout=subprocess.PIPE, text=True, check=False).stdout
    where = next((a for a in re.findall(r"inet (\S+?)/", out) if not a.startswith("127.")), None)
    if not where:
        raise Skip("this machine has no address but loopback")
    with Folder() as folder, Node(named=False, start=False) as node:
        key, crt = certificate(folder, where)
        shutil.copy(RULES, folder)
        token = os.path.join(folder, "logic-node.token")
        with open(token, "w", encoding="utf-8") as file:
            subprocess.run([LOGICCTL, "--home", node.home, "token", "create", "--name", "prometheus", "--scopes", "metrics"], check=True,
                           stdout=file, stderr=subprocess.DEVNULL)
        node.listen, node.args = where, ["--name", where, "--tls-cert", crt, "--tls-key", key]
        node.start(wait=False)
        text = read(os.path.join(DEPLOY, "prometheus.yml"))
        for old, new in (("node.home.arpa:30080", "%s:%d" % (where, node.port)), ("_interval: 15s", "_interval: 1s")):
            assert old in text
            text = text.replace(old, new)
        with Prometheus(folder, text) as prometheus:
            promtool("check", "config", prometheus.file)
            prometheus.wait("up", lambda n: n == 1)
            prometheus.wait('logic_role_up{role="judge"}', lambda n: n == 1)
            good = read(token)
            for path, want in (("/metrics", 200), ("/api/v1/cases", 403), ("/api/v1/status", 403), ("/v1/models", 403)):
                equal((path, asked_with(crt, where, node.port, path, good.strip())), (path, want))
            with open(token, "w", encoding="utf-8") as file:
                file.write(good.strip()[:-10] + "AAAAAAAAAA\n")
            prometheus.wait("up", lambda n: n == 0)
            error, = [one["lastError"] for one in prometheus.api("targets")["activeTargets"]]
            assert "401" in error, error


tap.run()

# SPDX-License-Identifier: Apache-2.0
"""Alerts, runbooks and the ledger in a real browser, on a real node; the exporter and the engine are FAKE, for they must lie."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from engine import Fake, saying  # noqa: E402
from fake_exporter import FakeExporter  # noqa: E402
from history_server import Victoria  # noqa: E402
from node import LOGICCTL, ROOT, Node, Skip, Tap, equal, page, wait_for  # noqa: E402

tap = Tap()
SETTINGS = ["judge.senses_tick_ms=200", "sensor.gather_ms=0"]
COMMAND = "smartctl -a /dev/sda; echo '<b>$(reboot)</b>'"
EVIL = {"probable_cause": "<script>alert(1)</script> [click](javascript:alert(1)) ![x](http://evil.example/a.png) <b>fat</b> \u202etxet",
        "immediate_actions": [{"text": "<img src=x onerror=alert(1)> https://evil.example", "command": COMMAND}],
        "escalation_criteria": ["<a href='https://evil.example'>more</a>"]}
ACTIVE = "a, img, script, iframe, object, embed, form, svg, style, link, [onclick], [href], [src]"


def worn(sectors, disk="sda"):
    return 'smartmon_reallocated_sector_ct_raw_value{disk="%s"} %d\n' % (disk, sectors)


class House(Node):
    def __init__(self, exporter, engine=None, more="", **options):
        site = {"senses.pl": 'sense_source("x", "home", exporter, "%s", 1).\n%s' % (exporter.url, more)}
        super().__init__(named=False, site=site, settings=SETTINGS + options.pop("settings", []),
                         args=["--llm", engine.url] if engine else [], **options)

    def alert(self, **fields):
        def found():
            rows = self.get("/api/v1/alerts")[1]["alerts"]
            return next((row for row in rows if all(row.get(name) == value for name, value in fields.items())), None)
        return wait_for("an alert %s" % fields, found)

    def token(self, name, scope):
        return subprocess.run([LOGICCTL, "--home", self.home, "token", "create", "--name", name, "--scopes", scope], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()[0]


def url(node):
    return "http://127.0.0.1:%d" % node.port


def narrow(tab):
    """Nothing stands beside the page on a small screen."""
    assert tab.js("document.documentElement.scrollWidth <= innerWidth"), tab.js("document.documentElement.scrollWidth")


@tap.test
def an_alert_comes_while_the_page_is_open_is_looked_after_and_its_runbook_is_inert():
    with FakeExporter("") as exporter, Fake(saying(EVIL)) as engine, House(exporter, engine) as node, Browser() as browser:
        tab = browser.tab(url(node), permissions=["clipboard-read", "clipboard-write"])
        tab.go("#/alerts")
        tab.says("No alert is open.")
        exporter.text = worn(50)
        tab.says("has a disk with reallocated sectors")
        tab.says("runbook")
        tab.click("disk with reallocated sectors", role="link")
        tab.says("A model wrote this; nothing here was carried out.")
        equal(tab.js("document.querySelectorAll('.alert-runbook :is(%s)').length" % ACTIVE), 0)
        shown = tab.text(".alert-runbook")
        for words in ("<script>alert(1)</script> [click](javascript:alert(1))", "<img src=x onerror=alert(1)>", COMMAND):
            assert words in shown, shown
        assert "\u202e" not in shown, shown
        tab.js("document.querySelectorAll('.alert-runbook details').forEach((one) => { one.open = true; })")
        equal(tab.js("document.querySelectorAll('.alert-runbook :is(%s)').length" % ACTIVE), 0)
        tab.click("Copy as text", within=".alert-runbook ol")
        equal(tab.wait("the clipboard", "navigator.clipboard.readText().then((text) => text)"), COMMAND)
        tab.says("No history is kept")
        tab.click("I look after it")
        tab.fill("A word to the others", "on <my> way")
        tab.click("Say so")
        tab.says("looks after it: “on <my> way”")
        alert = node.alert(condition="disk_wearing")
        equal((alert["status"], alert["acknowledged"]["words"]), ("acknowledged", "on <my> way"))
        tab.wait("the button to go", "![...document.querySelectorAll('button')].some((one) => one.innerText === 'I look after it')")
        exporter.text = worn(500)
        tab.says("critical from 100")
        tab.says("nobody looks after it")  # become worse, it is raised again
        entry = next(one["seq"] for one in node.entries() if one["kind"] == "runbook_generated")
        tab.go("#/ledger/%d" % entry)
        tab.wait("its text, unfolded", "[...document.querySelectorAll('.tree details:not([open])')].map((one) => { one.open = true; }) && "
                 "document.body.innerText.includes('<img src=x onerror=alert(1)> https://evil.example')")
        equal(tab.js("document.querySelectorAll('.tree :is(%s)').length" % ACTIVE), 0)
        tab.still_good()


@tap.test
def why_there_is_no_runbook_is_said_and_a_viewer_cannot_look_after_anything():
    with FakeExporter(worn(50)) as exporter, House(exporter) as node, Browser() as browser:
        number = node.alert(condition="disk_wearing", runbook_state="failed")["id"]
        tab = browser.tab(url(node), width=390, height=844, scheme="dark")
        tab.go("#/alerts/%d" % number)
        tab.says("No runbook came of it")
        tab.says("no_model")
        tab.says("I look after it")
        narrow(tab)
        token = node.token("tablet", "view")
        wait_for("the token to be known", lambda: node.get("/api/v1/alerts", headers={"Authorization": "Bearer " + token})[0] == 200)
        said = tab.js("fetch('/api/v1/session', {method: 'POST', headers: {'Content-Type': 'application/json'}, "
                      "body: JSON.stringify({token: args.token})}).then((answer) => answer.json())", token=token)
        assert said.get("role") == "viewer", said
        tab.reload()
        tab.says("No runbook came of it")
        assert "I look after it" not in tab.text(), tab.text()
        tab.go("#/alerts/999999")
        tab.says("This alert could not be read")
        tab.still_good()


@tap.test
def the_number_of_an_alert_is_plotted_from_history_with_its_levels_and_as_a_table():
    if not os.path.exists(os.path.join(page(), "vendor/uplot.js")):
        raise Skip("no uPlot in build/npm: make build")
    folder = tempfile.mkdtemp(prefix="ln-chart-")
    try:
        with Victoria(folder) as server, FakeExporter(worn(50)) as exporter, \
                House(exporter, more='history("%s").\n' % server.url, settings=["sensor.history_batch_ms=200"]) as node, \
                Browser() as browser:
            number = node.alert(condition="disk_wearing")["id"]
            wait_for("numbers in history", lambda: server.raw('logic_disk_reallocated{node="home"}'))
            tab = browser.tab(url(node), width=390, height=844)
            tab.go("#/alerts/%d" % number)
            tab.wait("a chart", "document.querySelector('.chart canvas')?.width > 0", patience_s=30)
            tab.says("50 ·")
            tab.js("(document.querySelector('.chart details').open = true)")
            tab.wait("its numbers", "[...document.querySelectorAll('.chart td.number')].some((cell) => cell.innerText === '50')")
            narrow(tab)
            tab.click("24 h")
            tab.wait("the other span", "document.querySelector('[data-span=day]').getAttribute('aria-pressed') === 'true'")
            tab.still_good()
            server.kill()
            tab.click("7 days")
            tab.says("History does not answer")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def verified(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return subprocess.run([sys.executable, os.path.join(ROOT, "tools/verify_ledger.py"), file.name], stdout=subprocess.PIPE, text=True,
                              check=False).stdout


@tap.test
def the_ledger_is_verified_in_the_browser_and_one_changed_byte_is_named():
    with Node(named=False) as node, Browser() as browser:
        for _ in range(40):
            node.intent("list all nodes")
        size = node.entries()[-1]["seq"]
        tab = browser.tab(url(node), acceptDownloads=True)
        tab.go("#/ledger")
        tab.says("This is the first entry.")
        path = tab.run("const [file] = await Promise.all([page.waitForEvent('download'), "
                       "page.getByRole('button', {name: 'Export and verify'}).click()]); return file.path()")
        tab.says("It holds: %d entries and" % size)
        tab.says("Every signature was checked.")
        saved = open(path, "rb").read()
        assert verified(saved).startswith("ok: %d entries" % size), verified(saved)
        # FAKE network: what comes from the node is changed on its way, one byte of entry 17
        lines = saved.split(b"\n")
        lines[17] = lines[17].replace(b'"actor":"judge"', b'"actor":"jud9e"')
        tab.run("await context.route('**/api/v1/ledger/export', (route) => route.fulfill({contentType: 'application/x-ndjson', "
                "body: Buffer.from(args.text, 'base64')}))", text=base64.b64encode(b"\n".join(lines)).decode())
        tab.click("Verify in this browser")
        tab.says("It does not hold")
        tab.says("Entry 17 was changed")
        tab.run("await context.unroute('**/api/v1/ledger/export')")
        tab.run("await page.locator('.ledger-check summary').click()")
        tab.run("await page.locator('#known-key').fill(args.key)", key="ed25519:" + "A" * 43 + "=")
        tab.click("Verify in this browser")
        tab.says("names another key than yours")
        tab.run("await page.locator('#known-key').fill(args.key)", key=json.loads(saved.split(b"\n")[0])["public_key"])
        tab.click("Verify in this browser")
        tab.says("It is the key that you wrote down.")
        tab.still_good()


@tap.test
def entries_are_found_opened_and_hold_one_another():
    with Node(named=False) as node, Browser() as browser:
        for _ in range(5):
            node.intent("list all nodes")
        case = node.intent("is node gold healthy?")["case"]
        tab = browser.tab(url(node), width=390, height=844)
        tab.go("#/ledger")
        tab.says("This is the first entry.")
        narrow(tab)
        node.intent("list all alerts")
        tab.wait("what comes to stand on top", "document.querySelector('[aria-posinset=\"1\"] .entry-seq')?.innerText === '#' + args.size",
                 size=node.entries()[-1]["seq"])
        tab.run("await page.getByRole('searchbox').fill('kb_loaded')")
        tab.wait("one row", "document.querySelectorAll('.entry-row').length === 1")
        tab.click("Entry 1, kb_loaded", role="link")
        tab.says("The next entry kept the same hash.")
        tab.says("rules")
        tab.click("Newer", role="link")
        tab.says("Entry 2")
        tab.go("#/ledger/%d" % node.entries()[-1]["seq"])
        tab.says("It is the newest")
        tab.go("#/ledger/99999999")
        tab.says("There is no entry with this number")
        tab.go("#/ledger?case=" + case)
        tab.wait("entries of that case", "document.querySelectorAll('.entry-row').length > 1 && "
                 "[...document.querySelectorAll('.entry-case')].every((one) => one.hash === '#/cases/' + args.case)", case=case)
        narrow(tab)
        tab.still_good()


if __name__ == "__main__":
    tap.run()

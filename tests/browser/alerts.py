# SPDX-License-Identifier: Apache-2.0
"""From a number to a runbook, seen at the page: node_exporter, VictoriaMetrics, llama-server and rules are real.

The model has random weights: what it writes means nothing and is mostly cut; that this is said, and that it is text, is the test.
That alerts end is shown in tests/flow (a worn disk's alert stays for an hour).
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from engine import Llama  # noqa: E402
from fake_exporter import DiskExporter  # noqa: E402
from history_server import Victoria  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402
from page_node import PageNode  # noqa: E402

tap = Tap()
SETTINGS = ["judge.senses_tick_ms=500", "gateway.runbook_tokens_max=1000", "gateway.runbook_ms=300000", "gateway.stream_pause_ms=100"]

DRAWN = """(() => {
  const c = document.querySelector('main canvas');
  return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((value, i) => i % 4 === 3 && value > 0).length;
})()"""


def site(exporter, history=""):
    return {"senses.pl": 'sense_source("x", "nas", exporter, "%s", 1).\n%s' % (exporter.url, history)}


@tap.test
def a_disk_wears_and_the_page_shows_alert_chart_and_runbook_as_they_come():
    with tempfile.TemporaryDirectory(prefix="ln-history-") as folder, Victoria(folder) as history, DiskExporter() as exporter, \
            Llama() as engine, PageNode(named=False, settings=SETTINGS, args=["--llm", engine.url],
                                        site=site(exporter, 'history("%s").\n' % history.url)) as node, Browser() as browser:
        exporter.tell(sda=0)
        tab = node.open(browser)
        tab.go("#/alerts")
        tab.says("Live")
        wait_for("a reading", lambda: node.get("/api/v1/sources")[1]["sources"][0]["series"])
        history.kill()  # what is read meanwhile waits on the node's disk
        exporter.tell(sda=50)
        tab.says("warning")  # without a reload
        tab.wait("its row", "[...document.querySelectorAll('main a')].some((a) => a.hash.startsWith('#/alerts/'))")
        alert = [e for e in node.entries() if e["kind"] == "alert_raised"][0]
        tab.run("await page.locator('main a[href^=\"#/alerts/\"]').first().click()")
        tab.says("Alert %d" % alert["seq"])
        tab.says("Its life")
        tab.says("History does not answer")
        history.start()
        tab.wait("the chart", "document.querySelector('main canvas')?.width > 200")
        assert tab.js(DRAWN) > 500, "nothing is drawn"
        tab.wait("the runbook", "document.body.innerText.includes('nothing here was carried out')", 400)
        made = [e for e in node.entries() if e["kind"] == "runbook_generated"][0]
        equal("The answer was cut off before its end." in tab.text("main"), made["body"]["truncated"])
        exporter.tell(sda=500)
        wait_for("it to be critical", lambda: [e for e in node.entries() if e["kind"] == "alert_changed"])
        tab.wait("its severity", "/^critical$/m.test(document.querySelector('main').innerText)")
        tab.click("I look after it")
        tab.run("await page.locator('dialog[open] textarea').fill('a new disk is ordered')")
        tab.click("Say so")
        tab.says("a new disk is ordered")
        equal(node.get("/api/v1/alerts/%d" % alert["seq"])[1]["acknowledged"]["words"], "a new disk is ordered")
        tab.still_good()
        asked = [line for line in tab.asked() if "/vendor/" in line]
        equal(sorted({line.split("/vendor/")[1] for line in asked}), ["uplot.css", "uplot.js"])  # and only when it was needed


@tap.test
def without_history_and_without_a_model_the_page_says_so():
    with DiskExporter() as exporter, PageNode(named=False, settings=SETTINGS, site=site(exporter)) as node, Browser() as browser:
        exporter.tell(sda=50)
        alert = wait_for("an alert", lambda: [e for e in node.entries() if e["kind"] == "alert_raised"])[0]
        wait_for("no runbook", lambda: [e for e in node.entries() if e["kind"] == "runbook_failed"])
        tab = node.open(browser, width=390, height=844, scheme="dark")
        tab.go("#/alerts/%d" % alert["seq"])
        tab.says("No history is kept")
        tab.says("No runbook came of it")
        tab.says("no model is configured")
        equal(tab.run("return page.locator('main canvas').count()"), 0)
        tab.says("50")  # the number itself stands in a table
        tab.still_good()


if __name__ == "__main__":
    tap.run()
